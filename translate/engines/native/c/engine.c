/* Marian's encoder and decoder with continuous batching: sources are encoded into slots, every step moves all slots by one
   token, and a finished slot is free for the next source.

   Nothing is padded: rows of different sources stand one behind the other, and each attends over its own pages. So no row's
   result takes part in another's, and none depends on what else is computed. A worker is used by one thread at a time;
   workers share a model, which is only read. */

#include "vectors.h"
#include "dense.h"
#include "attention.h"
#include "search.h"
#include "profile.h"
#if TILES
#include <sys/syscall.h>
#endif

#define ENCODER_TOKENS 256 /* source tokens that are encoded together, half as many by narrow models in int8: what they need stays in the cache */
#define NARROW 256

typedef struct {
    float *weight, *bias; /* [d] */
} Norm;

typedef struct {
    Dense qkv, out, cross_query, cross_out, up, down;
    Norm norm, cross_norm, final_norm;
} Layer;

typedef struct {
    word d, inner, activation;
    Layout encoder_layout, decoder_layout;
    word encoder_layers, decoder_layers;
    const float *source_tokens, *target_tokens, *source_positions, *target_positions; /* the caller's */
    Layer *encoder, *decoder;
    Dense memory, logits;
} Model;

typedef struct {
    const Model *model;
    Rules rules;
    word *barred;
    word slots, positions;
    float *powers; /* [positions + 2] */
    Slot *slot;
    Pages *past, *source, sentence;
    Pool pool, sentence_pool;
    word *active;
    Choice *choices;
    Buffer x, fused, mixed, added, inner, inputs, scores, logits, bars;
} Worker;

/* int8 runs on machines with other levels differ. */
word levels(void) { return LEVELS; }

/* Ask the system for the use of matrix tiles; 0 if it refuses, and these kernels cannot be used then. */
word may_run(void) {
#if TILES
    enum { REQUEST = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, https://docs.kernel.org/arch/x86/xstate.html */
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return 1;
#endif
}

static void read_dense(Dense *dense, int type, const float *const **tensors, word inputs, word width, float missing) {
    pack_dense(dense, type, (*tensors)[0], (*tensors)[1], inputs, width, missing);
    *tensors += 2;
}

static void read_norm(Norm *norm, const float *const **tensors, word d) {
    norm->weight = allocate(d * 4), norm->bias = allocate(d * 4);
    memcpy(norm->weight, (*tensors)[0], d * 4), memcpy(norm->bias, (*tensors)[1], d * 4);
    *tensors += 2;
}

static void read_layer(Layer *layer, int type, const float *const **tensors, word d, word inner, int cross) {
    memset(layer, 0, sizeof *layer);
    read_dense(&layer->qkv, type, tensors, d, 3 * d, 0);
    read_dense(&layer->out, type, tensors, d, d, 0);
    read_norm(&layer->norm, tensors, d);
    if (cross) {
        read_dense(&layer->cross_query, type, tensors, d, d, 0);
        read_dense(&layer->cross_out, type, tensors, d, d, 0);
        read_norm(&layer->cross_norm, tensors, d);
    }
    read_dense(&layer->up, type, tensors, d, inner, 0);
    read_dense(&layer->down, type, tensors, inner, d, 0);
    read_norm(&layer->final_norm, tensors, d);
}

/* sizes: type, d, encoder and decoder heads, inner widths, layers, vocabulary, activation. tensors: four tables, which the
   caller keeps, then weight and bias of everything, in the order of `read_layer`, cross-attention's memory and logits last. */
Model *model_new(const word *sizes, const float *const *tensors) {
    word d = sizes[1], encoder_layers = sizes[6], decoder_layers = sizes[7];
    int type = (int)sizes[0], cached = type == INT8 && LEVELS < 127 ? BFLOAT16 : type; /* 16-bit sums of bytes would overflow */
    int tiled = type != FLOAT32 && TILED_HEAD(d / sizes[2]);
    Model *model = allocate(sizeof *model);
    *model = (Model){.d = d, .inner = sizes[4] > sizes[5] ? sizes[4] : sizes[5], .activation = sizes[9],
                     .encoder_layout = {sizes[2], d / sizes[2], d, 1, tiled ? BFLOAT16 : FLOAT32},
                     .decoder_layout = {sizes[3], d / sizes[3], d, decoder_layers, cached},
                     .encoder_layers = encoder_layers, .decoder_layers = decoder_layers,
                     .source_tokens = tensors[0], .target_tokens = tensors[1],
                     .source_positions = tensors[2], .target_positions = tensors[3]};
    tensors += 4;
    model->encoder = allocate(encoder_layers * sizeof(Layer)), model->decoder = allocate(decoder_layers * sizeof(Layer));
    for (word i = 0; i < encoder_layers; i++) read_layer(model->encoder + i, type, &tensors, d, sizes[4], 0);
    for (word i = 0; i < decoder_layers; i++) read_layer(model->decoder + i, type, &tensors, d, sizes[5], 1);
    read_dense(&model->memory, type, &tensors, d, 2 * d * decoder_layers, 0);
    read_dense(&model->logits, type, &tensors, d, sizes[8], -INFINITY);
    return model;
}

static void free_layers(Layer *layers, word count) {
    for (word i = 0; i < count; i++) {
        Dense *dense[] = {&layers[i].qkv, &layers[i].out, &layers[i].cross_query, &layers[i].cross_out, &layers[i].up, &layers[i].down};
        Norm *norms[] = {&layers[i].norm, &layers[i].cross_norm, &layers[i].final_norm};
        for (int j = 0; j < 6; j++) free_dense(dense[j]);
        for (int j = 0; j < 3; j++) free(norms[j]->weight), free(norms[j]->bias);
    }
    free(layers);
}

void model_free(Model *model) {
    free_layers(model->encoder, model->encoder_layers), free_layers(model->decoder, model->decoder_layers);
    free_dense(&model->memory), free_dense(&model->logits), free(model);
}

/* rules: beams, early stopping, renormalise, start, end, ngram, how many barred tokens, those. positions: of the longest row. */
Worker *worker_new(const Model *model, const word *rules, double length_penalty, word slots, word positions) {
    Worker *worker = allocate(sizeof *worker);
    memset(worker, 0, sizeof *worker);
    word beams = rules[0], bars = rules[6];
    worker->model = model, worker->slots = slots, worker->positions = positions;
    worker->barred = allocate(bars * sizeof(word));
    memcpy(worker->barred, rules + 7, bars * sizeof(word));
    worker->rules = (Rules){beams, rules[1], rules[2], rules[3], rules[4], rules[5], bars, (float)length_penalty, worker->barred};
    worker->powers = allocate((positions + 2) * 4);
    for (word i = 0; i < positions + 2; i++) worker->powers[i] = (float)pow(i > 1 ? (double)i : 1.0, length_penalty);
    worker->slot = found(calloc(slots, sizeof(Slot)));
    worker->past = found(calloc(slots, sizeof(Pages))), worker->source = found(calloc(slots, sizeof(Pages)));
    worker->active = found(calloc(slots, sizeof(word))), worker->choices = found(calloc(slots * beams, sizeof(Choice)));
    for (word i = 0; i < slots; i++) {
        int32_t *lists = allocate((beams + 1) * (positions + 1) * 4);
        worker->slot[i].history = lists, worker->slot[i].best = lists + beams * (positions + 1);
        worker->slot[i].own = allocate(beams * own_pages(&worker->rules, positions) * 2);
    }
    worker->pool.bytes = page_bytes(&model->decoder_layout), worker->sentence_pool.bytes = page_bytes(&model->encoder_layout);
    return worker;
}

void worker_free(Worker *worker) {
    for (word i = 0; i < worker->slots; i++)
        free(worker->slot[i].history), free(worker->slot[i].own), free(worker->past[i].at), free(worker->source[i].at);
    free_pool(&worker->pool), free_pool(&worker->sentence_pool), free(worker->sentence.at);
    Buffer *buffers[] = {&worker->x, &worker->fused, &worker->mixed, &worker->added, &worker->inner,
                         &worker->inputs, &worker->scores, &worker->logits, &worker->bars};
    for (int i = 0; i < 9; i++) free(buffers[i]->at);
    free(worker->barred), free(worker->powers), free(worker->slot), free(worker->past), free(worker->source);
    free(worker->active), free(worker->choices), free(worker);
}

/* x = layer normalisation of x + added, both [rows, d]; epsilon as torch.nn.LayerNorm has it. */
static void normalise(float *x, const float *added, const Norm *norm, word rows, word d) {
    for (word row = 0; row < rows; row++, x += d, added += d) {
        vec sums[2] = {(vec){}, (vec){}}, squares[2] = {(vec){}, (vec){}};
        for (word i = 0; i < d; i += 2 * LANES)
            for (word j = 0; j < 2; j++) {
                vec y = load(x + i + j * LANES) + load(added + i + j * LANES);
                store(x + i + j * LANES, y);
                sums[j] += y;
            }
        vec mean = all(total(sums[0] + sums[1]) / (float)d);
        for (word i = 0; i < d; i += 2 * LANES)
            for (word j = 0; j < 2; j++) {
                vec y = load(x + i + j * LANES) - mean;
                squares[j] += y * y;
            }
        vec rate = all(1.0f / sqrtf(total(squares[0] + squares[1]) / (float)d + 1e-5f));
        for (word i = 0; i < d; i += LANES)
            store(x + i, (load(x + i) - mean) * rate * load(norm->weight + i) + load(norm->bias + i));
    }
}

/* out = activation(x W + b). */
static void project(Worker *worker, const Dense *dense, const float *x, word rows, word activation, float *out) {
    PROFILED(PRODUCTS, rows * dense->inputs * dense->width, dense->words * dense->columns * 4,
             apply(dense, x, rows, (int)activation, out, &worker->inputs));
}

/* x = layer normalisation of x + (y W + b). */
static void add_and_normalise(Worker *worker, const Dense *dense, const Norm *norm, const float *y, word rows, float *x) {
    word d = worker->model->d;
    float *added = reserve(&worker->added, rows * d * 4);
    project(worker, dense, y, rows, LINEAR, added);
    PROFILED(NORMS, 0, 0, normalise(x, added, norm, rows, d));
}

static void embed(float *x, const float *token, const float *position, word d) {
    for (word i = 0; i < d; i += LANES) store(x + i, load(token + i) + load(position + i));
}

/* The second half of a layer. */
static void feed_forward(Worker *worker, const Layer *layer, float *x, word rows) {
    float *inner = reserve(&worker->inner, rows * worker->model->inner * 4);
    project(worker, &layer->up, x, rows, worker->model->activation, inner);
    add_and_normalise(worker, &layer->down, &layer->final_norm, inner, rows, x);
}

/* Attention of a sentence's tokens over each other: queries, keys and values [length][3][d] → out [length][d]. */
static void attend_sentence(Worker *worker, word length, const float *fused, float *out) {
    const Layout *layout = &worker->model->encoder_layout;
    word d = layout->d;
    if (layout->type == BFLOAT16) {
        attend_within(layout, length, fused, out, &worker->scores);
        return;
    }
    reserve_pages(&worker->sentence, length, &worker->sentence_pool);
    remember(layout, &worker->sentence, 0, 0, length, fused + d, fused + 2 * d, 3 * d);
    attend(layout, length, fused, 3 * d, &worker->sentence, &worker->sentence, 0, length, NULL, 0, out, d, &worker->scores);
}

/* Encode sources of these lengths, ids one behind the other, into the pages of these slots. */
static void encode(Worker *worker, word count, const word *slots, const int32_t *ids, const word *lengths) {
    const Model *model = worker->model;
    word d = model->d, rows = 0, at = 0;
    PROFILE_SIDE(0);
    for (word i = 0; i < count; i++) rows += lengths[i];
    float *x = reserve(&worker->x, rows * d * 4), *fused = reserve(&worker->fused, rows * 3 * d * 4);
    float *mixed = reserve(&worker->mixed, (rows + 31) * d * 4);
    for (word i = 0; i < count; i++)
        for (word j = 0; j < lengths[i]; j++, at++)
            embed(x + at * d, model->source_tokens + ids[at] * d, model->source_positions + j * d, d);
    for (word l = 0; l < model->encoder_layers; l++) {
        const Layer *layer = model->encoder + l;
        project(worker, &layer->qkv, x, rows, LINEAR, fused);
        at = 0;
        for (word i = 0; i < count; at += lengths[i++])
            PROFILED(ATTENTION, 2 * d * lengths[i] * lengths[i], 0,
                     attend_sentence(worker, lengths[i], fused + at * 3 * d, mixed + at * d));
        add_and_normalise(worker, &layer->out, &layer->norm, mixed, rows, x);
        feed_forward(worker, layer, x, rows);
    }
    word width = model->memory.width;
    float *memory = reserve(&worker->fused, rows * width * 4);
    project(worker, &model->memory, x, rows, LINEAR, memory);
    at = 0;
    for (word i = 0; i < count; at += lengths[i++]) {
        Pages *pages = worker->source + slots[i];
        reserve_pages(pages, lengths[i], &worker->pool);
        for (word l = 0; l < model->decoder_layers; l++) {
            const float *keys = memory + at * width + 2 * l * d;
            remember(&model->decoder_layout, pages, l, 0, lengths[i], keys, keys + d, width);
        }
    }
}

/* Put sources into free slots, of which there have to be enough: numbers, lengths and limits [count], ids one behind the
   other. A limit is the most target tokens, the end among them. */
void worker_add(Worker *worker, word count, const word *numbers, const word *lengths, const word *limits, const int32_t *ids) {
    word slots[ENCODER_TOKENS], first = 0, some = 0, tokens = 0, slot = 0;
    int narrow = worker->model->memory.type == INT8 && worker->model->d <= NARROW;
    word most = narrow ? ENCODER_TOKENS / 2 : ENCODER_TOKENS;
    tiles_begin();
    for (word i = 0; i < count; i++) {
        while (worker->slot[slot].busy) slot++;
        begin_slot(worker->slot + slot, &worker->rules, worker->positions, numbers[i], limits[i]);
        worker->slot[slot].columns = lengths[i];
        slots[some++] = slot, tokens += lengths[i];
        if (i + 1 < count && tokens + lengths[i + 1] <= most) continue;
        encode(worker, some, slots, ids, lengths + first);
        ids += tokens, first = i + 1, some = tokens = 0;
    }
    tiles_end();
}

static void attend_past(Worker *worker, word l, const float *fused, float *mixed, word count) {
    const Layout *layout = &worker->model->decoder_layout;
    word d = worker->model->d, beams = worker->rules.beams;
    for (word i = 0; i < count; i++) {
        Slot *slot = worker->slot + worker->active[i];
        Pages *past = worker->past + worker->active[i], *ahead = worker->past + worker->active[i + 1 < count ? i + 1 : i];
        const float *row = fused + i * beams * 3 * d;
        word width = (slot->position + 1) * beams;
        remember(layout, past, l, slot->position * beams, beams, row + d, row + 2 * d, 3 * d);
        attend(layout, beams, row, 3 * d, past, ahead, l, width, beams > 1 ? slot->own : NULL,
               own_pages(&worker->rules, worker->positions), mixed + i * beams * d, d, &worker->scores);
    }
}

static void attend_source(Worker *worker, word l, const float *query, float *mixed, word count) {
    word d = worker->model->d, beams = worker->rules.beams;
    for (word i = 0; i < count; i++) {
        word slot = worker->active[i], next = worker->active[i + 1 < count ? i + 1 : i], at = i * beams * d;
        attend(&worker->model->decoder_layout, beams, query + at, d, worker->source + slot, worker->source + next, l,
               worker->slot[slot].columns, NULL, 0, mixed + at, d, &worker->scores);
    }
}

/* One token more for the rows of the active slots: x [rows, d], the last layer's output. */
static float *decode(Worker *worker, word count) {
    const Model *model = worker->model;
    word d = model->d, beams = worker->rules.beams, rows = count * beams;
    float *x = reserve(&worker->x, rows * d * 4), *fused = reserve(&worker->fused, rows * 3 * d * 4);
    float *mixed = reserve(&worker->mixed, rows * d * 4);
    word columns[2] = {0, 0}; /* of the past and of the sources, for the profile */
    PROFILE_SIDE(1);
    for (word i = 0; i < count; i++) {
        Slot *slot = worker->slot + worker->active[i];
        reserve_pages(worker->past + worker->active[i], (slot->position + 1) * beams, &worker->pool);
        columns[0] += (slot->position + 1) * beams, columns[1] += slot->columns;
        for (word b = 0; b < beams; b++) {
            word column = slot->position * beams + b, pages = own_pages(&worker->rules, worker->positions);
            slot->own[b * pages + column / LANES] |= (uint16_t)(1 << column % LANES);
            embed(x + (i * beams + b) * d, model->target_tokens + slot->tokens[b] * d, model->target_positions + slot->position * d, d);
        }
    }
    for (word l = 0; l < model->decoder_layers; l++) {
        const Layer *layer = model->decoder + l;
        project(worker, &layer->qkv, x, rows, LINEAR, fused);
        PROFILED(ATTENTION, 2 * d * columns[0] * beams, columns[0] * layer_bytes(&model->decoder_layout) / LANES,
                 attend_past(worker, l, fused, mixed, count));
        add_and_normalise(worker, &layer->out, &layer->norm, mixed, rows, x);
        project(worker, &layer->cross_query, x, rows, LINEAR, fused);
        PROFILED(ATTENTION, 2 * d * columns[1] * beams, columns[1] * layer_bytes(&model->decoder_layout) / LANES,
                 attend_source(worker, l, fused, mixed, count));
        add_and_normalise(worker, &layer->cross_out, &layer->cross_norm, mixed, rows, x);
        feed_forward(worker, layer, x, rows);
    }
    return x;
}

/* What is barred for a row, as `begin_choices` has listed it. */
static Barred barred_for(const Worker *worker, word row) {
    if (!worker->rules.ngram) return (Barred){worker->rules.bars, worker->rules.barred};
    const word *own = (const word *)worker->bars.at + row * (worker->rules.bars + worker->positions + 2);
    return (Barred){*own, own + 1};
}

/* Nothing is chosen yet, and what repeats an n-gram is barred. */
static void begin_choices(Worker *worker, word rows, word best) {
    const Rules *rules = &worker->rules;
    word beams = rules->beams, each = rules->bars + worker->positions + 2;
    word *bars = rules->ngram ? reserve(&worker->bars, rows * each * sizeof(word)) : NULL;
    for (word row = 0; row < rows; row++) {
        begin_choice(worker->choices + row, best);
        const Slot *slot = worker->slot + worker->active[row / beams];
        const int32_t *history = slot->history + row % beams * (worker->positions + 1);
        if (bars) bars[row * each] = list_barred(rules, history, slot->position + 1, bars + row * each + 1);
    }
}

/* The best next tokens of every row, from x [rows, d]. */
static void choose_tokens(Worker *worker, const float *x, word count) {
    const Dense *dense = &worker->model->logits;
    word rows = count * worker->rules.beams, best = worker->rules.beams > 1 ? 2 * worker->rules.beams : 1;
    word width = dense->columns < LOGITS ? dense->columns : LOGITS;
    word step = width + LANES; /* rows a power of two apart would share a few of the cache's sets */
    float *logits = reserve(&worker->logits, rows * step * 4);
    begin_choices(worker, rows, best);
    Inputs inputs = prepare(dense, x, rows, &worker->inputs);
    for (word from = 0; from < dense->columns; from += width) {
        word to = from + width < dense->columns ? from + width : dense->columns;
        PROFILED(LOGITS_PRODUCT, rows * dense->inputs * (to - from), dense->words * (to - from) * 4,
                 multiply(dense, &inputs, rows, from, to, LINEAR, logits, step));
        for (word row = 0; row < rows; row++) {
            Barred barred = barred_for(worker, row);
            PROFILED(CHOICE, 0, 0,
                     choose(dense->type != FLOAT32, worker->choices + row, best, logits + row * step, from, to - from, barred.tokens,
                            barred.count));
        }
    }
}

/* Step until `enough` slots are finished and not yet taken, or nothing is left to do, or `steps` are over; how many are finished. */
word worker_run(Worker *worker, word enough, word steps) {
    word done = 0;
    for (word i = 0; i < worker->slots; i++) done += worker->slot[i].busy && worker->slot[i].done;
    tiles_begin();
    for (; steps && done < enough; steps--) {
        word count = 0;
        for (word i = 0; i < worker->slots; i++)
            if (worker->slot[i].busy && !worker->slot[i].done) worker->active[count++] = i;
        if (!count) break;
        choose_tokens(worker, decode(worker, count), count);
        for (word i = 0; i < count; i++) {
            Slot *slot = worker->slot + worker->active[i];
            const Choice *choices = worker->choices + i * worker->rules.beams;
            if (worker->rules.beams == 1) advance_greedily(slot, &worker->rules, choices);
            else advance_beams(slot, &worker->rules, choices, worker->positions, worker->powers);
            if (!slot->done) continue;
            done++;
            release_pages(worker->past + worker->active[i], &worker->pool);
            release_pages(worker->source + worker->active[i], &worker->pool);
        }
    }
    tiles_end();
    return done;
}

/* Take what is finished, and free its slots: at most `most` rows of number, length and whether the model ended it (figures
   [most][3]), sums of log-probabilities [most], tokens without the start [most][positions]; how many. */
word worker_take(Worker *worker, word most, word *figures, float *sums, int32_t *tokens) {
    word count = 0;
    for (word i = 0; i < worker->slots && count < most; i++) {
        Slot *slot = worker->slot + i;
        if (!slot->busy || !slot->done) continue;
        figures[3 * count] = slot->number, figures[3 * count + 1] = slot->best_length, figures[3 * count + 2] = slot->best_ended;
        sums[count] = slot->best_sum;
        memcpy(tokens + count * worker->positions, slot->best + 1, slot->best_length * 4);
        slot->busy = 0, count++;
    }
    return count;
}

#ifdef PROFILE
/* Operations a second of products whose numbers stay in registers: the most that a core can do. A multiplication with addition
   is two. */
double peak(word type) {
    enum { ROUNDS = 200000 };
    vec sums[12], x = all(0.5f);
    for (int i = 0; i < 12; i++) sums[i] = all((float)i);
    tiles_begin();
    word each = 12 * LANES * per_word(type);
    double began = profile_clock();
    for (word round = 0; round < ROUNDS; round++) {
#if TILES
#define EACH_TILE(multiply) \
    do { \
        multiply(0, 4, 6); \
        multiply(1, 4, 7); \
        multiply(2, 5, 6); \
        multiply(3, 5, 7); \
        each = 4 * 16 * 16 * 16 * per_word(type); \
    } while (0)
        if (type == BFLOAT16) EACH_TILE(_tile_dpbf16ps);
        if (type == INT8) EACH_TILE(_tile_dpbssd);
        if (type != FLOAT32) continue;
#endif
        for (int i = 0; i < 12; i++) sums[i] = multiply_add((int)type, sums[i], (const char *)&x, x);
    }
    double seconds = profile_clock() - began;
    tiles_end();
    for (int i = 1; i < 12; i++) sums[0] += sums[i];
    return total(sums[0]) == 12345.0f ? 0 : 2.0 * ROUNDS * (double)each / seconds;
}
#endif
