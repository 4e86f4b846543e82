/* Attention over cached keys and values, each query by itself.

   A cache is a list of pages. A page holds LANES columns (tokens) of every layer: first the keys, [heads][head][LANES], so
   that a vector holds one dimension of LANES keys and no sum runs across a vector; then the values, [LANES][d]. In bfloat16
   and int8 runs pages hold bfloat16: reading them is what attention takes its time for. */

#ifndef ATTENTION_H
#define ATTENTION_H

#include "vectors.h"

#define MOST_QUERIES 4  /* that share one reading of the keys */
#define WIDEST_HEAD 128

typedef struct {
    word heads, head, d, layers;
    int halves; /* bfloat16 instead of float32 */
} Layout;

typedef struct {
    char **at;
    word count, room;
} Pages;

INLINE word element_bytes(const Layout *layout) { return layout->halves ? 2 : 4; }
INLINE word layer_bytes(const Layout *layout) { return 2 * layout->d * LANES * element_bytes(layout); }
INLINE word page_bytes(const Layout *layout) { return layout->layers * layer_bytes(layout); }

/* Pages that nobody uses. */
typedef struct {
    char **at;
    word count, room;
    word bytes; /* of one page */
} Pool;

static void push(char ***list, word *count, word *room, char *page) {
    if (*count == *room) {
        *room = 2 * *room + 16;
        *list = realloc(*list, *room * sizeof(char *));
        if (!*list) abort();
    }
    (*list)[(*count)++] = page;
}

static void reserve_pages(Pages *pages, word columns, Pool *pool) {
    while (pages->count * LANES < columns) {
        char *page = pool->count ? pool->at[--pool->count] : memset(allocate(pool->bytes), 0, pool->bytes);
        push(&pages->at, &pages->count, &pages->room, page);
    }
}

static void release_pages(Pages *pages, Pool *pool) {
    while (pages->count) push(&pool->at, &pool->count, &pool->room, pages->at[--pages->count]);
}

static void free_pages(Pages *pages) {
    while (pages->count) free(pages->at[--pages->count]);
    free(pages->at);
}

/* One token's key and value [d] into a column of a layer. */
static void remember(const Layout *layout, const Pages *pages, word layer, word column, const float *key, const float *value) {
    char *page = pages->at[column / LANES] + layer * layer_bytes(layout);
    word lane = column % LANES, d = layout->d;
    if (layout->halves) {
        uint16_t *keys = (uint16_t *)page + lane, *values = (uint16_t *)page + d * LANES + lane * d;
        uint16_t rounded[d];
        for (word i = 0; i < d; i += LANES) {
            *(hvec *)(values + i) = to_half(load(value + i));
            *(hvec *)(rounded + i) = to_half(load(key + i));
        }
        for (word i = 0; i < d; i++) keys[i * LANES] = rounded[i];
        return;
    }
    float *keys = (float *)page + lane, *values = (float *)page + d * LANES + lane * d;
    for (word i = 0; i < d; i += LANES) store(values + i, load(value + i));
    for (word i = 0; i < d; i++) keys[i * LANES] = key[i];
}

/* Exponentials of the first n scores over the highest of them; gives one over their sum. What fills the last vector up
   adds e to the -87, which is nothing beside the highest one's 1. */
static float shares(float *scores, word n) {
    word whole = (n + LANES - 1) / LANES * LANES;
    for (word i = n; i < whole; i++) scores[i] = -INFINITY;
    vec best = load(scores), sum = all(0.0f);
    for (word i = LANES; i < whole; i += LANES) best = larger(load(scores + i), best);
    best = all(largest(best));
    for (word i = 0; i < whole; i += LANES) {
        vec share = exponential(load(scores + i) - best);
        store(scores + i, share);
        sum += share;
    }
    return 1.0f / total(sum);
}

INLINE vec cached(int halves, const char *at, word element) {
    return halves ? from_half(*(const hvec *)((const uint16_t *)at + element)) : load((const float *)at + element);
}

/* Scores of some queries' head over every column: [queries][room]. */
INLINE void score_columns(int halves, int queries, const float *query, word step, char *const *pages, word keys, word count,
                          word head, float *scores, word room) {
    for (word p = 0; p < count; p++) {
        const char *page = pages[p] + keys;
        vec even[MOST_QUERIES], odd[MOST_QUERIES];
        for (int q = 0; q < queries; q++) even[q] = odd[q] = (vec){};
        for (word i = 0; i < head; i += 2) {
            vec one = cached(halves, page, i * LANES), two = cached(halves, page, (i + 1) * LANES);
            for (int q = 0; q < queries; q++) {
                even[q] = even[q] + all(query[q * step + i]) * one;
                odd[q] = odd[q] + all(query[q * step + i + 1]) * two;
            }
        }
        for (int q = 0; q < queries; q++) store(scores + q * room + p * LANES, even[q] + odd[q]);
    }
}

/* The values of the columns listed (all n if there is no list) by their shares, times `scale`. */
INLINE void mix_values(int halves, const float *share, float scale, char *const *pages, word values, word d, word head,
                       const int32_t *columns, word n, float *out) {
    vec even[WIDEST_HEAD / LANES], odd[WIDEST_HEAD / LANES];
    for (word j = 0; j < head / LANES; j++) even[j] = odd[j] = (vec){};
    word i = 0;
#define COLUMN(i, sums)                                                                         \
    do {                                                                                        \
        word column = columns ? columns[i] : (i);                                               \
        const char *page = pages[column / LANES] + values;                                      \
        for (word j = 0; j < head / LANES; j++)                                                 \
            sums[j] = sums[j] + all(share[i]) * cached(halves, page, column % LANES * d + j * LANES); \
    } while (0)
    for (; i + 1 < n; i += 2) {
        COLUMN(i, even);
        COLUMN(i + 1, odd);
    }
    if (i < n) COLUMN(i, even);
#undef COLUMN
    for (word j = 0; j < head / LANES; j++) store(out + j * LANES, (even[j] + odd[j]) * all(scale));
}

INLINE void attend_heads(const Layout *layout, int halves, int queries, word head, const float *query, word step,
                         const Pages *pages, word layer, word count, const int32_t *own, word own_step, word n, float *out,
                         word out_step, float *scores, word room) {
    for (word h = 0; h < layout->heads; h++) {
        word element = element_bytes(layout), keys = layer * layer_bytes(layout) + h * head * LANES * element;
        word values = layer * layer_bytes(layout) + (layout->d * LANES + h * head) * element;
        score_columns(halves, queries, query + h * head, step, pages->at, keys, count, head, scores, room);
        for (int q = 0; q < queries; q++) {
            float *row = scores + q * room;
            const int32_t *columns = own ? own + q * own_step : NULL;
            if (own) {
                float *picked = scores + MOST_QUERIES * room;
                for (word i = 0; i < n; i++) picked[i] = row[columns[i]];
                row = picked;
            }
            float scale = shares(row, n);
            mix_values(halves, row, scale, pages->at, values, layout->d, head, columns, n, out + q * out_step + h * head);
        }
    }
}

/* Attention of some queries [d], `step` floats apart, in one layer of a cache. Each over the first `width` columns, or over
   those n that stand in its own list, `own_step` apart. Out: [d], `out_step` apart. */
static void attend(const Layout *layout, word queries, const float *query, word step, const Pages *pages, word layer,
                   word width, const int32_t *own, word own_step, word n, float *out, word out_step, Buffer *room) {
    word count = (width + LANES - 1) / LANES, columns = count * LANES;
    float *scores = reserve(room, (MOST_QUERIES + 1) * (columns + LANES) * 4);
    if (!own) n = width;
#define HEADS(halves, queries, head)                                                                                    \
    attend_heads(layout, halves, queries, head, query, step, pages, layer, count, own, own_step, n, out, out_step, scores, \
                 columns)
#define SOME(queries)                                       \
    do {                                                    \
        if (layout->halves && layout->head == 32) HEADS(1, queries, 32);       \
        else if (layout->halves && layout->head == 64) HEADS(1, queries, 64);  \
        else if (layout->halves) HEADS(1, queries, layout->head);              \
        else if (layout->head == 32) HEADS(0, queries, 32);                    \
        else if (layout->head == 64) HEADS(0, queries, 64);                    \
        else HEADS(0, queries, layout->head);                                  \
    } while (0)
    for (; queries >= MOST_QUERIES; queries -= MOST_QUERIES) {
        SOME(MOST_QUERIES);
        query += MOST_QUERIES * step, out += MOST_QUERIES * out_step, own += own ? MOST_QUERIES * own_step : 0;
    }
    if (queries >= 2) {
        SOME(2);
        queries -= 2, query += 2 * step, out += 2 * out_step, own += own ? 2 * own_step : 0;
    }
    if (queries) SOME(1);
#undef SOME
#undef HEADS
}

#endif
