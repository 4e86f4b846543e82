/* Rows of a small model with random weights in the three number types, for every processor that can be compiled for: what this prints is
   compared. Needs nothing but engine.c. */

#include <stdio.h>
#include "engine.c"

enum { D = 64, INNER = 96, TOKENS = 90, POSITIONS = 48, SOURCES = 6, DECODER_LAYERS = 2 };

static uint32_t state = 1;

/* Numbers of -1 to 1 by a rule that is the same everywhere. */
static float *draw(word count, float size) {
    float *numbers = malloc((size_t)count * sizeof *numbers);
    for (word i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        numbers[i] = ((float)(state >> 8) / 8388608.0f - 1) * size;
    }
    return numbers;
}

static Pair product(word inputs, word width) { return (Pair){draw(inputs * width, 0.3f), draw(width, 0.1f)}; }
static Pair norm(void) {
    Pair pair = {draw(D, 0.2f), draw(D, 0.1f)};
    for (word i = 0; i < D; i++) ((float *)pair.weight)[i] += 1;
    return pair;
}

static LayerWeights layer(int cross) {
    LayerWeights w = {.qkv = product(D, 3 * D), .out = product(D, D), .norm = norm(), .up = product(D, INNER),
                      .down = product(INNER, D), .final_norm = norm()};
    if (cross) w.cross_query = product(D, D), w.cross_out = product(D, D), w.cross_norm = norm();
    return w;
}

static void decode_all(const Model *model, word beams) {
    Rules rules = {.bytes = sizeof rules, .beams = beams, .renormalise = 1, .start = TOKENS - 1, .length_penalty = 1.2};
    Source sources[SOURCES];
    int32_t ids[SOURCES * POSITIONS], tokens[SOURCES * (POSITIONS - 1)];
    Finished rows[SOURCES];
    Worker *worker;
    word count = 0, found;
    for (word i = 0; i < SOURCES; i++) {
        sources[i] = (Source){i, 1 + 7 * i, POSITIONS - 1};
        for (word j = 0; j < sources[i].length; j++) ids[count++] = (int32_t)((i * 31 + j * 17) % TOKENS);
    }
    if (worker_new(model, &rules, SOURCES, POSITIONS - 1, &worker) || worker_add(worker, SOURCES, sources, count, ids)) exit(1);
    for (word left = SOURCES; left; left -= found) {
        if (worker_run(worker, left, POSITIONS) < 0) exit(1);
        found = worker_take(worker, SOURCES, rows, POSITIONS - 1, tokens);
        for (word i = 0; i < found; i++) {
            printf("%d %d %d %a:", (int)beams, (int)rows[i].number, (int)rows[i].ended, (double)rows[i].sum);
            for (word j = 0; j < rows[i].length; j++) printf(" %d", tokens[i * (POSITIONS - 1) + j]);
            puts("");
        }
    }
    worker_free(worker);
}

int main(int count, char **arguments) {
    LayerWeights encoder = layer(0), decoder[DECODER_LAYERS] = {layer(1), layer(1)};
    Weights weights = {sizeof weights, 1, DECODER_LAYERS, &encoder, decoder, draw(TOKENS * D, 1), draw(TOKENS * D, 1),
                       draw(POSITIONS * D, 1), draw(POSITIONS * D, 1), product(D, 2 * D * DECODER_LAYERS), product(D, TOKENS)};
    Sizes sizes = {sizeof sizes, count > 1 ? atoi(arguments[1]) : FLOAT32, SWISH, D, 2, 4, INNER, INNER, 1, DECODER_LAYERS,
                   TOKENS, TOKENS, POSITIONS, TOKENS};
    Model *model;
    if (!may_run() || model_new(&sizes, &weights, &model)) return 1;
    decode_all(model, 1), decode_all(model, 3);
    model_free(model);
    return 0;
}
