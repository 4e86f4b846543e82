/* Marian's encoder and decoder with continuous batching: sources are encoded into slots, every step moves all slots by one
   token, and a finished slot is free for the next source.

   Nothing is padded: rows of different sources stand one behind the other, and each attends over its own pages. So no row's
   result takes part in another's, and none depends on what else is computed. A worker is used by one thread at a time;
   workers share a model, which is only read. */

#include "interface.h"
#include "vectors.h"
#include "memory.h"
#include "dense.h"
#include "attention.h"
#include "search.h"
#include "profile.h"
#if TILES
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define ENCODER_TOKENS 256 /* source tokens that are encoded together, half as many by narrow models in int8: what they need stays in the cache */
#define NARROW 256
#define MOST_PENALTY 40.0 /* a power of it is still a number */
#define NORM_EPSILON 1e-5f /* as torch.nn.LayerNorm has it */

typedef struct {
    float *weight, *bias; /* [d] */
} Norm;

typedef struct {
    Dense qkv, out, cross_query, cross_out, up, down;
    Norm norm, cross_norm, final_norm;
} Layer;

struct Model {
    Sizes sizes;
    word d, inner; /* the widest of all layers */
    Layout encoder_layout, decoder_layout;
    const float *source_tokens, *target_tokens, *source_positions, *target_positions; /* the caller's */
    Layer *encoder, *decoder;
    Dense memory, logits;
};

struct Worker {
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
    char *followed; /* what `follow_parents` needs */
    Buffer x, fused, mixed, added, inner, inputs, scores, logits, bars;
};

word abi(void) { return ABI; }

void kernels_of(Kernels *kernels) {
    *kernels = (Kernels){.kernels_bytes = sizeof(Kernels), .sizes_bytes = sizeof(Sizes), .weights_bytes = sizeof(Weights),
                         .layer_bytes = sizeof(LayerWeights), .rules_bytes = sizeof(Rules), .source_bytes = sizeof(Source),
                         .finished_bytes = sizeof(Finished), .width_step = WIDTH_STEP, .head_step = HEAD_STEP,
                         .widest_head = WIDEST_HEAD, .most_beams = MOST_BEAMS, .tiles = TILES};
#if LANES == 16 && defined(__AVX512BF16__)
    kernels->bfloat16 = 1;
#endif
}

/* Ask the system for the use of matrix tiles; 0 if it refuses, and these kernels cannot be used then. */
word may_run(void) {
#if TILES
    enum { REQUEST = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, https://docs.kernel.org/arch/x86/xstate.html */
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return 1;
#endif
}

INLINE int within(word number, word least, word most) { return number >= least && number <= most; }
INLINE int is_width(word number) { return within(number, WIDTH_STEP, WIDEST) && number % WIDTH_STEP == 0; }

INLINE int are_heads(word heads, word d) {
    return within(heads, 1, d) && heads * (d / heads) == d && d / heads % HEAD_STEP == 0 && d / heads <= WIDEST_HEAD;
}

static int are_sizes(const Sizes *s) {
    return s->bytes == sizeof *s && within(s->type, FLOAT32, INT8) && within(s->activation, SWISH, RELU) && is_width(s->d) &&
           is_width(s->encoder_inner) && is_width(s->decoder_inner) && are_heads(s->encoder_heads, s->d) &&
           are_heads(s->decoder_heads, s->d) && within(s->encoder_layers, 0, MOST_LAYERS) && within(s->decoder_layers, 1, MOST_LAYERS) &&
           within(s->source_vocabulary, 1, MOST_TOKENS) && within(s->target_vocabulary, 1, MOST_TOKENS) &&
           within(s->positions, 1, MOST_POSITIONS) && within(s->logits, 1, s->target_vocabulary);
}

INLINE int is_pair(const Pair *pair) { return pair->weight && pair->bias; }

static int are_layer(const LayerWeights *w, int cross) {
    int whole = is_pair(&w->qkv) && is_pair(&w->out) && is_pair(&w->norm) && is_pair(&w->up) && is_pair(&w->down) && is_pair(&w->final_norm);
    return whole && cross == is_pair(&w->cross_query) && cross == is_pair(&w->cross_out) && cross == is_pair(&w->cross_norm);
}

static int are_weights(const Weights *w, const Sizes *s) {
    int whole = w->bytes == sizeof *w && w->encoder_layers == s->encoder_layers && w->decoder_layers == s->decoder_layers;
    whole = whole && w->source_tokens && w->target_tokens && w->source_positions && w->target_positions;
    whole = whole && (w->encoder || !s->encoder_layers) && w->decoder && is_pair(&w->memory) && is_pair(&w->logits);
    for (word i = 0; whole && i < s->encoder_layers; i++) whole = are_layer(w->encoder + i, 0);
    for (word i = 0; whole && i < s->decoder_layers; i++) whole = are_layer(w->decoder + i, 1);
    return whole;
}

static int pack_norm(Norm *norm, const Pair *pair, word d) {
    norm->weight = allocate(d * 4), norm->bias = allocate(d * 4);
    if (!norm->weight || !norm->bias) return 0;
    memcpy(norm->weight, pair->weight, d * 4), memcpy(norm->bias, pair->bias, d * 4);
    return 1;
}

/* 0 without memory, as the next. */
static int pack_layer(Layer *layer, const LayerWeights *w, int type, word d, word inner) {
    int cross = is_pair(&w->cross_query);
    return pack_dense(&layer->qkv, type, w->qkv.weight, w->qkv.bias, d, 3 * d, 0) &&
           pack_dense(&layer->out, type, w->out.weight, w->out.bias, d, d, 0) && pack_norm(&layer->norm, &w->norm, d) &&
           (!cross || (pack_dense(&layer->cross_query, type, w->cross_query.weight, w->cross_query.bias, d, d, 0) &&
                       pack_dense(&layer->cross_out, type, w->cross_out.weight, w->cross_out.bias, d, d, 0) &&
                       pack_norm(&layer->cross_norm, &w->cross_norm, d))) &&
           pack_dense(&layer->up, type, w->up.weight, w->up.bias, d, inner, 0) &&
           pack_dense(&layer->down, type, w->down.weight, w->down.bias, inner, d, 0) && pack_norm(&layer->final_norm, &w->final_norm, d);
}

static int pack_model(Model *model, const Weights *w) {
    const Sizes *s = &model->sizes;
    int type = (int)s->type, whole = 1;
    model->encoder = allocate_list(s->encoder_layers, sizeof(Layer));
    model->decoder = allocate_list(s->decoder_layers, sizeof(Layer));
    if (!model->encoder || !model->decoder) return 0;
    for (word i = 0; whole && i < s->encoder_layers; i++)
        whole = pack_layer(model->encoder + i, w->encoder + i, type, s->d, s->encoder_inner);
    for (word i = 0; whole && i < s->decoder_layers; i++)
        whole = pack_layer(model->decoder + i, w->decoder + i, type, s->d, s->decoder_inner);
    return whole && pack_dense(&model->memory, type, w->memory.weight, w->memory.bias, s->d, 2 * s->d * s->decoder_layers, 0) &&
           pack_dense(&model->logits, type, w->logits.weight, w->logits.bias, s->d, s->logits, -INFINITY);
}

/* Pack a model. 0, NO_MEMORY or REFUSED. */
word model_new(const Sizes *sizes, const Weights *weights, Model **made) {
    *made = NULL;
    if (!are_sizes(sizes) || !are_weights(weights, sizes)) return REFUSED;
    Model *model = allocate_list(1, sizeof *model);
    if (!model) return NO_MEMORY;
    word d = sizes->d;
    int type = (int)sizes->type, tiled = type == BFLOAT16 && TILED_HEAD(d / sizes->encoder_heads);
    *model = (Model){.sizes = *sizes, .d = d,
                     .inner = sizes->encoder_inner > sizes->decoder_inner ? sizes->encoder_inner : sizes->decoder_inner,
                     .encoder_layout = {sizes->encoder_heads, d / sizes->encoder_heads, d, 1, type == INT8 || tiled ? type : FLOAT32},
                     .decoder_layout = {sizes->decoder_heads, d / sizes->decoder_heads, d, sizes->decoder_layers, type},
                     .source_tokens = weights->source_tokens, .target_tokens = weights->target_tokens,
                     .source_positions = weights->source_positions, .target_positions = weights->target_positions};
    if (!pack_model(model, weights)) {
        model_free(model);
        return NO_MEMORY;
    }
    *made = model;
    return 0;
}

static void free_layers(Layer *layers, word count) {
    for (word i = 0; layers && i < count; i++) {
        Dense *dense[] = {&layers[i].qkv, &layers[i].out, &layers[i].cross_query, &layers[i].cross_out, &layers[i].up, &layers[i].down};
        Norm *norms[] = {&layers[i].norm, &layers[i].cross_norm, &layers[i].final_norm};
        for (int j = 0; j < 6; j++) free_dense(dense[j]);
        for (int j = 0; j < 3; j++) release(norms[j]->weight), release(norms[j]->bias);
    }
    release(layers);
}

void model_free(Model *model) {
    free_layers(model->encoder, model->sizes.encoder_layers), free_layers(model->decoder, model->sizes.decoder_layers);
    free_dense(&model->memory), free_dense(&model->logits), release(model);
}

static int are_rules(const Rules *r, const Sizes *s, word slots, word positions) {
    word last = s->logits - 1;
    int whole = r->bytes == sizeof *r && within(r->beams, 1, MOST_BEAMS) && within(r->stopping, HEURISTIC, HOPEFUL) &&
                within(r->start, 0, s->target_vocabulary - 1) && within(r->end, 0, last) && within(r->ngram, 0, MOST_POSITIONS) &&
                within(r->bars, 0, MOST_TOKENS) && (r->barred || !r->bars) && fabs(r->length_penalty) <= MOST_PENALTY &&
                within(slots, 1, MOST_SLOTS) && within(positions, 1, s->positions - 1);
    for (word i = 0; whole && i < r->bars; i++) whole = within(r->barred[i], 0, s->target_vocabulary - 1);
    return whole;
}

/* The lists of a slot: a history for each beam and the best hypothesis in one, and each beam's own columns. */
static int make_slot(Slot *slot, const Rules *rules, word positions) {
    slot->history = allocate(history_bytes(rules, positions) + best_bytes(positions));
    slot->own = allocate(own_bytes(rules, positions));
    if (!slot->history || !slot->own) return 0;
    slot->best = slot->history + rules->beams * (positions + 1);
    return 1;
}

static int make_slots(Worker *worker) {
    word slots = worker->slots, positions = worker->positions, lists = history_bytes(&worker->rules, positions);
    word columns = own_bytes(&worker->rules, positions);
    worker->barred = allocate(worker->rules.bars * (word)sizeof(word));
    worker->powers = allocate((positions + 2) * (word)sizeof(float));
    worker->followed = allocate(lists > columns ? lists : columns);
    worker->slot = allocate_list(slots, sizeof(Slot));
    worker->past = allocate_list(slots, sizeof(Pages)), worker->source = allocate_list(slots, sizeof(Pages));
    worker->active = allocate_list(slots, sizeof(word));
    worker->choices = allocate_list(slots * worker->rules.beams, sizeof(Choice));
    int whole = worker->barred && worker->powers && worker->followed && worker->slot && worker->past && worker->source &&
                worker->active && worker->choices;
    for (word i = 0; whole && i < slots; i++) whole = make_slot(worker->slot + i, &worker->rules, positions);
    return whole;
}

/* Slots for rows of up to so many positions. 0, NO_MEMORY or REFUSED. */
word worker_new(const Model *model, const Rules *rules, word slots, word positions, Worker **made) {
    *made = NULL;
    if (!are_rules(rules, &model->sizes, slots, positions)) return REFUSED;
    Worker *worker = allocate_list(1, sizeof *worker);
    if (!worker) return NO_MEMORY;
    worker->model = model, worker->slots = slots, worker->positions = positions, worker->rules = *rules;
    worker->pool.bytes = page_bytes(&model->decoder_layout), worker->sentence_pool.bytes = page_bytes(&model->encoder_layout);
    if (!make_slots(worker)) {
        worker_free(worker);
        return NO_MEMORY;
    }
    if (rules->bars) memcpy(worker->barred, rules->barred, (size_t)rules->bars * sizeof(word));
    worker->rules.barred = worker->barred;
    for (word i = 0; i < positions + 2; i++) worker->powers[i] = i > 1 ? (float)exponential_of(rules->length_penalty * logarithm_of((double)i)) : 1.0f;
    *made = worker;
    return 0;
}

void worker_free(Worker *worker) {
    for (word i = 0; worker->slot && i < worker->slots; i++) release(worker->slot[i].history), release(worker->slot[i].own);
    for (word i = 0; worker->past && i < worker->slots; i++) release(worker->past[i].at);
    for (word i = 0; worker->source && i < worker->slots; i++) release(worker->source[i].at);
    free_pool(&worker->pool), free_pool(&worker->sentence_pool), release(worker->sentence.at);
    Buffer *buffers[] = {&worker->x, &worker->fused, &worker->mixed, &worker->added, &worker->inner,
                         &worker->inputs, &worker->scores, &worker->logits, &worker->bars};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) release(buffers[i]->at);
    release(worker->barred), release(worker->powers), release(worker->slot), release(worker->past), release(worker->source);
    release(worker->active), release(worker->choices), release(worker->followed), release(worker);
}

/* Whether there is room now for all that the layers need: so many rows, of which `fused` numbers each are the widest
   projection, and so many bytes for attention. */
static int reserve_rows(Worker *worker, word rows, word fused, word attention) {
    const Model *model = worker->model;
    word row = model->d * (word)sizeof(float);
    return reserve(&worker->x, rows * row) && reserve(&worker->mixed, (rows + MORE_ROWS) * row) && reserve(&worker->added, rows * row) &&
           reserve(&worker->fused, rows * fused * (word)sizeof(float)) && reserve(&worker->inner, rows * model->inner * (word)sizeof(float)) &&
           reserve(&worker->inputs, input_bytes((int)model->sizes.type, model->d > model->inner ? model->d : model->inner, rows)) &&
           reserve(&worker->scores, attention);
}

/* x = layer normalisation of x + added, both [rows, d]. Sums are taken in two times WIDTH parts. */
static void normalise(float *x, const float *added, const Norm *norm, word rows, word d) {
    for (word row = 0; row < rows; row++, x += d, added += d) {
        vec sums[2 * PARTS] = {0}, squares[2 * PARTS] = {0};
        for (word i = 0; i < d; i += 2 * WIDTH)
            for (int j = 0; j < 2 * PARTS; j++) {
                vec y = load(x + i + j * LANES) + load(added + i + j * LANES);
                store(x + i + j * LANES, y);
                sums[j] += y;
            }
        for (int j = 0; j < PARTS; j++) sums[j] += sums[PARTS + j];
        vec mean = all(total(sums) / (float)d);
        for (word i = 0; i < d; i += 2 * WIDTH)
            for (int j = 0; j < 2 * PARTS; j++) {
                vec y = load(x + i + j * LANES) - mean;
                squares[j] += y * y;
            }
        for (int j = 0; j < PARTS; j++) squares[j] += squares[PARTS + j];
        vec rate = all(1.0f / sqrtf(total(squares) / (float)d + NORM_EPSILON));
        for (word i = 0; i < d; i += LANES)
            store(x + i, (load(x + i) - mean) * rate * load(norm->weight + i) + load(norm->bias + i));
    }
}

/* out = activation(x W + b). */
static void project(Worker *worker, const Dense *dense, const float *x, word rows, word activation, float *out) {
    PROFILED(PRODUCTS, rows * dense->inputs * dense->width, dense->words * dense->columns * 4,
             apply(dense, x, rows, (int)activation, out, worker->inputs.at));
}

/* x = layer normalisation of x + (y W + b). */
static void add_and_normalise(Worker *worker, const Dense *dense, const Norm *norm, const float *y, word rows, float *x) {
    word d = worker->model->d;
    float *added = worker->added.at;
    project(worker, dense, y, rows, LINEAR, added);
    PROFILED(NORMS, 0, 0, normalise(x, added, norm, rows, d));
}

static void embed(float *x, const float *token, const float *position, word d) {
    for (word i = 0; i < d; i += LANES) store(x + i, load(token + i) + load(position + i));
}

/* The second half of a layer. */
static void feed_forward(Worker *worker, const Layer *layer, float *x, word rows) {
    float *inner = worker->inner.at;
    project(worker, &layer->up, x, rows, worker->model->sizes.activation, inner);
    add_and_normalise(worker, &layer->down, &layer->final_norm, inner, rows, x);
}

/* Attention of a sentence's tokens over each other: queries, keys and values [length][3][d] → out [length][d]. */
static void attend_sentence(Worker *worker, word length, const float *fused, float *out) {
    const Layout *layout = &worker->model->encoder_layout;
    word d = layout->d;
    if (layout->type == BFLOAT16) {
        attend_within(layout, length, fused, out, worker->scores.at);
        return;
    }
    remember(layout, &worker->sentence, 0, 0, length, fused + d, fused + 2 * d, 3 * d);
    attend(layout, length, fused, 3 * d, &worker->sentence, &worker->sentence, 0, length, NULL, 0, out, d, worker->scores.at);
}

/* Encode sources, ids one behind the other, into the pages of these slots. Room and pages are there. */
static void encode(Worker *worker, word count, const word *slots, const int32_t *ids, const Source *sources) {
    const Model *model = worker->model;
    word d = model->d, rows = 0, at = 0;
    PROFILE_SIDE(0);
    for (word i = 0; i < count; i++) rows += sources[i].length;
    float *x = worker->x.at, *fused = worker->fused.at, *mixed = worker->mixed.at;
    for (word i = 0; i < count; i++)
        for (word j = 0; j < sources[i].length; j++, at++)
            embed(x + at * d, model->source_tokens + ids[at] * d, model->source_positions + j * d, d);
    for (word l = 0; l < model->sizes.encoder_layers; l++) {
        const Layer *layer = model->encoder + l;
        project(worker, &layer->qkv, x, rows, LINEAR, fused);
        at = 0;
        for (word i = 0; i < count; at += sources[i++].length)
            PROFILED(ATTENTION, 2 * d * sources[i].length * sources[i].length, 0,
                     attend_sentence(worker, sources[i].length, fused + at * 3 * d, mixed + at * d));
        add_and_normalise(worker, &layer->out, &layer->norm, mixed, rows, x);
        feed_forward(worker, layer, x, rows);
    }
    word width = model->memory.width;
    project(worker, &model->memory, x, rows, LINEAR, fused);
    at = 0;
    for (word i = 0; i < count; at += sources[i++].length)
        for (word l = 0; l < model->sizes.decoder_layers; l++) {
            const float *keys = fused + at * width + 2 * l * d;
            remember(&model->decoder_layout, worker->source + slots[i], l, 0, sources[i].length, keys, keys + d, width);
        }
}

/* How many of the sources from the first on are encoded together; their tokens. */
static word group_sources(const Model *model, word count, const Source *sources, word *tokens) {
    int narrow = model->sizes.type == INT8 && model->d <= NARROW;
    word some = 1, most = narrow ? ENCODER_TOKENS / 2 : ENCODER_TOKENS;
    for (*tokens = sources->length; some < count && *tokens + sources[some].length <= most; some++) *tokens += sources[some].length;
    return some;
}

static int are_sources(const Worker *worker, word count, const Source *sources, word tokens, const int32_t *ids) {
    const Sizes *s = &worker->model->sizes;
    word unused = 0, sum = 0;
    int whole = within(count, 0, worker->slots);
    for (word i = 0; i < worker->slots; i++) unused += !worker->slot[i].busy;
    for (word i = 0; whole && i < count; sum += sources[i++].length)
        whole = within(sources[i].length, 1, s->positions) && within(sources[i].limit, 1, worker->positions);
    for (word i = 0; whole && sum == tokens && i < tokens; i++) whole = within(ids[i], 0, s->source_vocabulary - 1);
    return whole && sum == tokens && count <= unused;
}

/* Room for encoding the largest group, and each source's pages in the free slots. */
static int reserve_sources(Worker *worker, word count, const Source *sources) {
    const Model *model = worker->model;
    const Layout *layout = &model->encoder_layout;
    word tokens, rows = 0, longest = 0, slot = 0, wide = 3 * model->d;
    for (word i = 0; i < count; rows = tokens > rows ? tokens : rows) i += group_sources(model, count - i, sources + i, &tokens);
    for (word i = 0; i < count; i++, slot++) {
        longest = sources[i].length > longest ? sources[i].length : longest;
        while (worker->slot[slot].busy) slot++;
        if (!reserve_pages(worker->source + slot, sources[i].length, &worker->pool)) return 0;
    }
    if (wide < model->memory.width) wide = model->memory.width;
    if (layout->type == BFLOAT16) return reserve_rows(worker, rows, wide, within_bytes(layout, longest));
    return reserve_rows(worker, rows, wide, attention_bytes(layout, longest)) &&
           reserve_pages(&worker->sentence, longest, &worker->sentence_pool);
}

/* Put sources into free slots, of which there have to be enough; ids [tokens], one source's behind the other's. 0, NO_MEMORY or
   REFUSED. */
word worker_add(Worker *worker, word count, const Source *sources, word tokens, const int32_t *ids) {
    if (!are_sources(worker, count, sources, tokens, ids)) return REFUSED;
    if (!reserve_sources(worker, count, sources)) return NO_MEMORY;
    word slots[ENCODER_TOKENS], slot = 0; /* a source has a token at least */
    tiles_begin();
    for (word some; count; count -= some, sources += some, ids += tokens) {
        some = group_sources(worker->model, count, sources, &tokens);
        for (word i = 0; i < some; i++, slot++) {
            while (worker->slot[slot].busy) slot++;
            begin_slot(worker->slot + slot, &worker->rules, worker->positions, sources[i].number, sources[i].limit);
            worker->slot[slot].columns = sources[i].length;
            slots[i] = slot;
        }
        encode(worker, some, slots, ids, sources);
    }
    tiles_end();
    return 0;
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
               own_pages(&worker->rules, worker->positions), mixed + i * beams * d, d, worker->scores.at);
    }
}

static void attend_source(Worker *worker, word l, const float *query, float *mixed, word count) {
    word d = worker->model->d, beams = worker->rules.beams;
    for (word i = 0; i < count; i++) {
        word slot = worker->active[i], next = worker->active[i + 1 < count ? i + 1 : i], at = i * beams * d;
        attend(&worker->model->decoder_layout, beams, query + at, d, worker->source + slot, worker->source + next, l,
               worker->slot[slot].columns, NULL, 0, mixed + at, d, worker->scores.at);
    }
}

/* Columns of logits that are computed together. */
INLINE word logits_width(const Dense *dense) { return dense->columns < LOGITS ? dense->columns : LOGITS; }
/* From a row of them to the next: rows a power of two apart would share a few of the cache's sets. */
INLINE word logits_step(const Dense *dense) { return logits_width(dense) + LANES; }

/* Room for a step of the active slots, and for their pasts. */
static int reserve_step(Worker *worker, word count) {
    const Model *model = worker->model;
    word beams = worker->rules.beams, rows = count * beams, columns = 0;
    for (word i = 0; i < count; i++) {
        const Slot *slot = worker->slot + worker->active[i];
        word past = (slot->position + 1) * beams, most = past > slot->columns ? past : slot->columns;
        columns = most > columns ? most : columns;
        if (!reserve_pages(worker->past + worker->active[i], past, &worker->pool)) return 0;
    }
    return reserve_rows(worker, rows, 3 * model->d, attention_bytes(&model->decoder_layout, columns)) &&
           reserve(&worker->logits, rows * logits_step(&model->logits) * (word)sizeof(float)) &&
           (!worker->rules.ngram ||
            reserve(&worker->bars, rows * barred_numbers(&worker->rules, worker->positions) * (word)sizeof(word)));
}

/* One token more for the rows of the active slots: x [rows, d], the last layer's output. Room and pages are there. */
static float *decode(Worker *worker, word count) {
    const Model *model = worker->model;
    word d = model->d, beams = worker->rules.beams, rows = count * beams;
    float *x = worker->x.at, *fused = worker->fused.at, *mixed = worker->mixed.at;
    word columns[2] = {0, 0}; /* of the past and of the sources, for the profile */
    PROFILE_SIDE(1);
    for (word i = 0; i < count; i++) {
        Slot *slot = worker->slot + worker->active[i];
        columns[0] += (slot->position + 1) * beams, columns[1] += slot->columns;
        for (word b = 0; b < beams; b++) {
            word column = slot->position * beams + b, pages = own_pages(&worker->rules, worker->positions);
            slot->own[b * pages + column / WIDTH] |= (uint16_t)(1 << column % WIDTH);
            embed(x + (i * beams + b) * d, model->target_tokens + slot->tokens[b] * d, model->target_positions + slot->position * d, d);
        }
    }
    for (word l = 0; l < model->sizes.decoder_layers; l++) {
        const Layer *layer = model->decoder + l;
        project(worker, &layer->qkv, x, rows, LINEAR, fused);
        PROFILED(ATTENTION, 2 * d * columns[0] * beams, columns[0] * layer_bytes(&model->decoder_layout) / WIDTH,
                 attend_past(worker, l, fused, mixed, count));
        add_and_normalise(worker, &layer->out, &layer->norm, mixed, rows, x);
        project(worker, &layer->cross_query, x, rows, LINEAR, fused);
        PROFILED(ATTENTION, 2 * d * columns[1] * beams, columns[1] * layer_bytes(&model->decoder_layout) / WIDTH,
                 attend_source(worker, l, fused, mixed, count));
        add_and_normalise(worker, &layer->cross_out, &layer->cross_norm, mixed, rows, x);
        feed_forward(worker, layer, x, rows);
    }
    return x;
}

/* What is barred for a row, as `begin_choices` has listed it. */
static Barred barred_for(const Worker *worker, word row) {
    if (!worker->rules.ngram) return (Barred){worker->rules.bars, worker->rules.barred};
    const word *own = (const word *)worker->bars.at + row * barred_numbers(&worker->rules, worker->positions);
    return (Barred){*own, own + 1};
}

/* Nothing is chosen yet, and what repeats an n-gram is barred. */
static void begin_choices(Worker *worker, word rows, word best) {
    const Rules *rules = &worker->rules;
    word beams = rules->beams, each = barred_numbers(rules, worker->positions);
    word *bars = rules->ngram ? worker->bars.at : NULL;
    for (word row = 0; row < rows; row++) {
        begin_choice(worker->choices + row, best);
        const Slot *slot = worker->slot + worker->active[row / beams];
        const int32_t *history = slot->history + row % beams * (worker->positions + 1);
        if (bars) bars[row * each] = list_barred(rules, history, slot->position + 1, bars + row * each + 1);
    }
}

/* Take the logits of `width` columns from `from` on into account, for every row. */
static void choose_among(Worker *worker, word rows, word best, word from, word width) {
    const Dense *dense = &worker->model->logits;
    float *logits = worker->logits.at;
    for (word row = 0; row < rows; row++, logits += logits_step(dense)) {
        Barred barred = barred_for(worker, row);
        choose(dense->type != FLOAT32, worker->choices + row, best, logits, from, width, barred.tokens, barred.count);
    }
}

/* The best next tokens of every row, from x [rows, d]. */
static void choose_tokens(Worker *worker, const float *x, word count) {
    const Dense *dense = &worker->model->logits;
    word rows = count * worker->rules.beams, best = worker->rules.beams > 1 ? 2 * worker->rules.beams : 1;
    word width = logits_width(dense), step = logits_step(dense);
    float *logits = worker->logits.at;
    begin_choices(worker, rows, best);
    Inputs inputs = prepare(dense, x, rows, worker->inputs.at);
    for (word from = 0; from < dense->columns; from += width) {
        word to = from + width < dense->columns ? from + width : dense->columns;
        PROFILED(LOGITS_PRODUCT, rows * dense->inputs * (to - from), dense->words * (to - from) * 4,
                 multiply(dense, &inputs, rows, from, to, LINEAR, logits, step));
        PROFILED(CHOICE, 0, 0, choose_among(worker, rows, best, from, to - from));
    }
}

/* Step until `enough` slots are finished and not yet taken, or nothing is left to do, or `steps` are over; how many are finished,
   or NO_MEMORY. */
word worker_run(Worker *worker, word enough, word steps) {
    word done = 0;
    int whole = 1;
    for (word i = 0; i < worker->slots; i++) done += worker->slot[i].busy && worker->slot[i].done;
    tiles_begin();
    for (; steps > 0 && done < enough; steps--) {
        word count = 0;
        for (word i = 0; i < worker->slots; i++)
            if (worker->slot[i].busy && !worker->slot[i].done) worker->active[count++] = i;
        if (!count || !(whole = reserve_step(worker, count))) break;
        choose_tokens(worker, decode(worker, count), count);
        for (word i = 0; i < count; i++) {
            Slot *slot = worker->slot + worker->active[i];
            const Choice *choices = worker->choices + i * worker->rules.beams;
            if (worker->rules.beams == 1) advance_greedily(slot, &worker->rules, choices);
            else advance_beams(slot, &worker->rules, choices, worker->positions, worker->powers, worker->followed);
            if (!slot->done) continue;
            done++;
            release_pages(worker->past + worker->active[i], &worker->pool);
            release_pages(worker->source + worker->active[i], &worker->pool);
        }
    }
    tiles_end();
    return whole ? done : NO_MEMORY;
}

/* Take what is finished, and free its slots: at most `most` rows and their tokens without the start [most][positions]; how many,
   or REFUSED for another number of positions than the worker's. */
word worker_take(Worker *worker, word most, Finished *rows, word positions, int32_t *tokens) {
    word count = 0;
    if (positions != worker->positions) return REFUSED;
    for (word i = 0; i < worker->slots && count < most; i++) {
        Slot *slot = worker->slot + i;
        if (!slot->busy || !slot->done) continue;
        rows[count] = (Finished){.number = slot->number, .length = slot->best_length, .ended = slot->best_ended, .sum = slot->best_sum};
        memcpy(tokens + count * positions, slot->best + 1, (size_t)slot->best_length * sizeof(int32_t));
        slot->busy = 0, count++;
    }
    return count;
}

#ifdef PROFILE
/* Operations a second of products whose numbers stay in registers: the most that a core can do. A multiplication with addition
   is two. */
double peak(word type) {
    enum { ROUNDS = 200000 };
    vec sums[12], x = all(0.5f), found = all(0.0f);
    ivec whole[12];
    for (int i = 0; i < 12; i++) sums[i] = all((float)i), whole[i] = all_int(i);
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
        if (type == INT8)
            for (int i = 0; i < 12; i++) whole[i] = multiply_bytes(whole[i], (ivec)x, (ivec)x);
        else
            for (int i = 0; i < 12; i++) sums[i] = multiply_add((int)type, sums[i], (const char *)&x, x);
    }
    double seconds = profile_clock() - began;
    tiles_end();
    for (int i = 0; i < 12; i++) found += sums[i] + __builtin_convertvector(whole[i], vec);
    return largest(found) == 12345.0f ? 0 : 2.0 * ROUNDS * (double)each / seconds;
}
#endif
