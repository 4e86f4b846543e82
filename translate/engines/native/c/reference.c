/* The engine with its tests: a plain form of every fast kernel, some ten lines each, beside a call of the fast one. Each pair takes
   the same and is held to the other by tests/engines/native/test_compiled.py, compiled for every kind of processor. No part of
   what is installed. */

#define TESTING
#include "engine.c"

/* A weight or an input as a type has it: `scale` is a row's largest magnitude over the type's levels. */
static float rounded(word type, float x, float scale) {
    return type == FLOAT32 ? x : type == INT8 ? rintf(x / scale) * scale : from_half(to_half(all(x)))[0];
}

static float scale_of(const float *row, word count, float levels) {
    float most = LEAST_MAGNITUDE;
    for (word i = 0; i < count; i++) most = fabsf(row[i]) > most ? fabsf(row[i]) : most;
    return most / levels;
}

/* out [rows, width] = activation(x W + b), x [rows, inputs], weight [width, inputs]; of any type. */
void product_plain(word type, word activation, word inputs, word width, word rows, const float *weight, const float *bias,
                   const float *x, float *out) {
    for (word r = 0; r < rows; r++)
        for (word n = 0; n < width; n++) {
            const float *row = x + r * inputs, *column = weight + n * inputs;
            float by_row = scale_of(row, inputs, LEVELS), by_column = scale_of(column, inputs, 127);
            double sum = 0;
            for (word k = 0; k < inputs; k++) sum += (double)rounded(type, row[k], by_row) * rounded(type, column[k], by_column);
            double y = sum + bias[n];
            out[r * width + n] = (float)(activation == SWISH ? y / (1 + exp(-y)) : activation == RELU && y < 0 ? 0 : y);
        }
}

/* The same into rows of whole panels: out [rows, width rounded up]. */
word product_fast(word type, word activation, word inputs, word width, word rows, const float *weight, const float *bias,
                  const float *x, float *out) {
    Dense dense;
    Buffer room = {0};
    int whole = pack_dense(&dense, (int)type, weight, bias, inputs, width, 0) && reserve(&room, input_bytes((int)type, inputs, rows));
    tiles_begin();
    if (whole) {
        Inputs prepared = prepare(&dense, x, rows, room.at);
        multiply(&dense, &prepared, rows, 0, dense.columns, (int)activation, out, dense.columns);
    }
    tiles_end();
    free_dense(&dense), release(room.at);
    return whole;
}

/* x [rows, d] = layer normalisation of x + added. */
void normalise_plain(word rows, word d, const float *weight, const float *bias, const float *added, float *x) {
    for (word r = 0; r < rows; r++, x += d, added += d) {
        double mean = 0, variance = 0;
        for (word i = 0; i < d; i++) x[i] += added[i], mean += (double)x[i] / (double)d;
        for (word i = 0; i < d; i++) variance += (x[i] - mean) * (x[i] - mean) / (double)d;
        for (word i = 0; i < d; i++) x[i] = (float)((x[i] - mean) / sqrt(variance + NORM_EPSILON) * weight[i] + bias[i]);
    }
}

void normalise_fast(word rows, word d, float *weight, float *bias, const float *added, float *x) {
    normalise(x, added, &(Norm){weight, bias}, rows, d);
}

/* out [queries, heads, head] = softmax(query keys) values; keys and values [tokens, heads, head], of float32. */
void attention_plain(word heads, word head, word tokens, word queries, const float *query, const float *keys, const float *values,
                     float *out) {
    for (word at = 0; at < queries * heads; at++) {
        double sum = 0, shares = 0, mixed[WIDEST_HEAD] = {0};
        for (word t = 0; t < tokens; t++, shares += exp(sum), sum = 0) {
            word other = (t * heads + at % heads) * head;
            for (word i = 0; i < head; i++) sum += (double)query[at * head + i] * keys[other + i];
            for (word i = 0; i < head; i++) mixed[i] += exp(sum) * values[other + i];
        }
        for (word i = 0; i < head; i++) out[at * head + i] = (float)(mixed[i] / shares);
    }
}

/* Keys and values of a type, remembered in two goes, in pages that held something else. */
word attention_fast(word type, word heads, word head, word tokens, word queries, const float *query, const float *keys,
                    const float *values, float *out) {
    word d = heads * head, first = tokens / 3;
    Layout layout = {heads, head, d, 1, (int)type};
    Pool pool = {.bytes = page_bytes(&layout)};
    Pages pages = {0};
    Buffer room = {0};
    int whole = reserve_pages(&pages, tokens, &pool) && reserve(&room, attention_bytes(&layout, tokens));
    for (word i = 0; i < pages.count; i++) memset(pages.at[i], 0xff, (size_t)pool.bytes);
    if (whole) {
        remember(&layout, &pages, 0, 0, first, keys, values, d);
        remember(&layout, &pages, 0, first, tokens - first, keys + first * d, values + first * d, d);
        attend(&layout, queries, query, d, &pages, &pages, 0, tokens, NULL, 0, out, d, room.at);
    }
    release(room.at), release(pages.at), free_pool(&pool);
    return whole;
}

/* The same for all tokens over each other, with matrix tiles: fused [tokens, 3, heads, head] → out [tokens + MORE_ROWS, heads, head];
   0 where there are no tiles. */
word within_fast(word heads, word head, word tokens, const float *fused, float *out) {
    Layout layout = {heads, head, heads * head, 1, BFLOAT16};
    Buffer room = {0};
    if (!TILED_HEAD(head) || !reserve(&room, within_bytes(&layout, tokens))) return 0;
    tiles_begin();
    attend_within(&layout, tokens, fused, out, room.at);
    tiles_end();
    release(room.at);
    return 1;
}

/* The `count` highest of `width` logits, of equals the first, and the logarithms of the sums of exponentials: of those that are
   not barred, and of all. */
void choice_plain(word count, word width, float *logits, word bars, const word *barred, float *best, int32_t *tokens, double *sums) {
    double allowed = 0, all_of_them = 0;
    for (word i = 0; i < width; i++) all_of_them += exp(logits[i]);
    for (word i = 0; i < bars; i++) logits[barred[i]] = -INFINITY;
    for (word i = 0; i < width; i++) allowed += exp(logits[i]);
    for (word place = 0; place < count; place++) {
        word highest = 0;
        for (word i = 1; i < width; i++) highest = logits[i] > logits[highest] ? i : highest;
        best[place] = logits[highest], tokens[place] = (int32_t)highest, logits[highest] = -INFINITY;
    }
    sums[0] = log(allowed), sums[1] = log(all_of_them);
}

/* Logits of a rough type or not, in two goes, as if the first had been computed before the second. */
void choice_fast(word rough, word count, word width, float *logits, word bars, const word *barred, float *best, int32_t *tokens,
                 double *sums) {
    Choice choice;
    word half = round_up(width / 2, PANEL);
    begin_choice(&choice, count);
    choose((int)rough, &choice, count, logits, 0, half, barred, bars);
    choose((int)rough, &choice, count, logits + half, half, width - half, barred, bars);
    memcpy(best, choice.best, (size_t)count * sizeof *best), memcpy(tokens, choice.tokens, (size_t)count * sizeof *tokens);
    sums[0] = log_allowed(&choice), sums[1] = log_all(&choice);
}
