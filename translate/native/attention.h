/* Attention over cached keys and values, each query by itself.

   A cache is a list of pages. A page holds LANES columns (tokens) of every layer, in words of 32 bits: first
   the keys, [heads][head][LANES], so that a vector holds one dimension of LANES keys and no sum runs across a vector; then
   the values, [heads][LANES][head]. In bfloat16 and int8 runs the decoder's pages hold bfloat16, a word two dimensions of a
   key, or one dimension of two values: reading them is what takes the time. All of a head is read in one go. */

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

/* Pages that nobody uses, and the memory that all pages are cut from. */
typedef struct {
    char **at;
    word count, room;
    word bytes; /* of one page */
    char **slabs;
    word slab_count, slab_room;
} Pool;

static void push(char ***list, word *count, word *room, char *page) {
    if (*count == *room) {
        *room = 2 * *room + 16;
        *list = found(realloc(*list, *room * sizeof(char *)));
    }
    (*list)[(*count)++] = page;
}

static void fill_pool(Pool *pool) {
    word count = (word)(2 * HUGE) / pool->bytes + 1;
    char *slab = allocate(count * pool->bytes);
    push(&pool->slabs, &pool->slab_count, &pool->slab_room, slab);
    for (word i = count; i--;) push(&pool->at, &pool->count, &pool->room, slab + i * pool->bytes);
}

static void reserve_pages(Pages *pages, word columns, Pool *pool) {
    while (pages->count * LANES < columns) {
        if (!pool->count) fill_pool(pool);
        push(&pages->at, &pages->count, &pages->room, pool->at[--pool->count]);
    }
}

static void release_pages(Pages *pages, Pool *pool) {
    while (pages->count) push(&pool->at, &pool->count, &pool->room, pages->at[--pages->count]);
}

static void free_pool(Pool *pool) {
    while (pool->slab_count) free(pool->slabs[--pool->slab_count]);
    free(pool->slabs), free(pool->at);
}

/* Keys and values of `count` tokens, `step` floats apart, into a layer's columns from `first` on, head by head. Columns are
   filled in rising order: an even one clears its partner, which attention reads before it is filled. */
static void remember(const Layout *layout, const Pages *pages, word layer, word first, word count, const float *keys,
                     const float *values, word step) {
    word d = layout->d, head = layout->head, group = layout->halves ? 2 : 1;
    for (word h = 0; h < d; h += head)
        for (word c = 0; c < count; c++) {
            word column = first + c, lane = column % LANES;
            char *page = pages->at[column / LANES] + layer * layer_bytes(layout);
            uint32_t *key = (uint32_t *)page + h / group * LANES + lane;
            uint32_t *value = (uint32_t *)page + (d + h) / group * LANES + lane / group * head;
            const float *new_key = keys + c * step + h, *new_value = values + c * step + h;
            if (!layout->halves) {
                for (word i = 0; i < head; i += LANES) {
                    store((float *)value + i, load(new_value + i));
                    if (lane % 2 == 0) store((float *)value + head + i, (vec){});
                }
                for (word i = 0; i < head; i++) memcpy(key + i * LANES, new_key + i, 4);
                continue;
            }
            uint32_t pairs[WIDEST_HEAD / 2];
            for (word i = 0; i < head; i += LANES) {
                uvec rounded = __builtin_convertvector(to_half(load(new_value + i)), uvec);
                if (lane % 2) rounded = *(uvec *)(value + i) | rounded << 16;
                *(uvec *)(value + i) = rounded;
                *(hvec *)((uint16_t *)pairs + i) = to_half(load(new_key + i));
            }
            for (word i = 0; i < head / 2; i++) key[i * LANES] = pairs[i];
        }
}

/* The lanes of a page that count: those of its list, or those before column n. */
INLINE uint16_t counted(const uint16_t *own, word page, word n) {
    if (own) return own[page];
    word left = n - page * LANES;
    return (uint16_t)(left >= LANES ? (1 << LANES) - 1 : (1 << left) - 1);
}

/* Scores [pages][LANES] → exponentials over the highest that counts, each over their sum; 0 where none counts. */
INLINE void share(float *scores, word pages, const uint16_t *own, word n) {
    vec best = all(-INFINITY), sum = (vec){};
    for (word p = 0; p < pages; p++) {
        ivec mask = spread(counted(own, p, n));
        vec score = (vec)((*(ivec *)(scores + p * LANES) & mask) | ((ivec)all(-INFINITY) & ~mask));
        store(scores + p * LANES, score);
        best = larger(score, best);
    }
    best = all(largest(best));
    for (word p = 0; p < pages; p++) {
        vec one = exponential(load(scores + p * LANES) - best);
        one = (vec)((ivec)one & spread(counted(own, p, n)));
        store(scores + p * LANES, one);
        sum += one;
    }
    vec scale = all(1.0f / total(sum));
    for (word p = 0; p < pages; p++) store(scores + p * LANES, load(scores + p * LANES) * scale);
}

/* The first and the second half of words of two bfloat16, as floats. */
INLINE vec first_half(vec words) { return (vec)((ivec)words << 16); }
INLINE vec second_half(vec words) { return (vec)((ivec)words & (int32_t)0xffff0000); }

/* What one layer's attention of a few queries needs. */
typedef struct {
    const Layout *layout;
    char *const *pages;
    word layer, count, columns; /* the layer's place; pages in use, and their columns */
    char *const *ahead;         /* the pages that are attended over next, and how many: fetched meanwhile */
    word ahead_count;
    const float *query;
    word step; /* from a query to the next */
    float *scores; /* [heads][queries][columns] */
    float *out;
    word out_step;
} Attention;

/* Scores of a head's queries over every column. */
INLINE void score_columns(const Attention *a, int halves, int queries, word head, word h) {
    word rows = halves ? head / 2 : head, keys = a->layer + h * rows * LANES * 4;
    for (word p = 0; p < a->count; p++) {
        const char *page = a->pages[p] + keys, *ahead = p < a->ahead_count ? a->ahead[p] + keys : page;
        vec even[MOST_QUERIES], odd[MOST_QUERIES];
        for (int q = 0; q < queries; q++) even[q] = odd[q] = (vec){};
        for (word i = 0; i < head; i += 2) {
            const float *words = (const float *)page + (halves ? i / 2 : i) * LANES;
            vec one = halves ? first_half(load(words)) : load(words);
            vec two = halves ? second_half(load(words)) : load(words + LANES);
            for (int q = 0; q < queries; q++) {
                const float *query = a->query + q * a->step + h * head + i;
                even[q] = even[q] + all(query[0]) * one;
                odd[q] = odd[q] + all(query[1]) * two;
            }
            if (halves) __builtin_prefetch(ahead + i * LANES * 2);
        }
        for (int q = 0; q < queries; q++) store(a->scores + (h * queries + q) * a->columns + p * LANES, even[q] + odd[q]);
    }
}

/* The values of all columns by their shares, for a head's queries. */
INLINE void mix_values(const Attention *a, int halves, int queries, word head, word h, word width) {
    word each = halves ? LANES / 2 : LANES, values = a->layer + (a->layout->d + h * head) * each * 4;
    const float *shares = a->scores + h * queries * a->columns;
    vec even[MOST_QUERIES][WIDEST_HEAD / LANES], odd[MOST_QUERIES][WIDEST_HEAD / LANES];
    for (int q = 0; q < queries; q++)
        for (word j = 0; j < head / LANES; j++) even[q][j] = odd[q][j] = (vec){};
    for (word i = 0; i < width; i += 2) {
        word page = i / LANES, place = values + (halves ? i % LANES / 2 : i % LANES) * head * 4;
        const char *value = a->pages[page] + place, *ahead = page < a->ahead_count ? a->ahead[page] + place : value;
        for (word j = 0; j < head / LANES; j++) {
            const float *words = (const float *)value + j * LANES;
            vec one = halves ? first_half(load(words)) : load(words);
            vec two = halves ? second_half(load(words)) : load(words + head);
            for (int q = 0; q < queries; q++) {
                const float *share = shares + q * a->columns + i;
                even[q][j] = even[q][j] + all(share[0]) * one;
                odd[q][j] = odd[q][j] + all(share[1]) * two;
            }
            if (halves) __builtin_prefetch(ahead + j * LANES * 4);
        }
    }
    for (int q = 0; q < queries; q++)
        for (word j = 0; j < head / LANES; j++)
            store(a->out + q * a->out_step + h * head + j * LANES, even[q][j] + odd[q][j]);
}

/* Each pass goes through all heads: their long chains of dependent sums and exponentials then overlap. */
INLINE void attend_heads(const Attention *a, int halves, int queries, word head, word width, const uint16_t *own, word own_step) {
    word heads = a->layout->heads;
    for (word h = 0; h < heads; h++) score_columns(a, halves, queries, head, h);
    for (word i = 0; i < heads * queries; i++)
        share(a->scores + i * a->columns, a->count, own ? own + i % queries * own_step : NULL, width);
    for (word h = 0; h < heads; h++) mix_values(a, halves, queries, head, h, width);
}

/* Attention of some queries [d], `step` floats apart, in one layer of a cache. Each over the first `width` columns, or
   over those of its own, a bit a column and a number a page, `own_step` numbers apart. `ahead` is attended over next. Out:
   [d], `out_step` apart. */
static void attend(const Layout *layout, word queries, const float *query, word step, const Pages *pages, const Pages *ahead,
                   word layer, word width, const uint16_t *own, word own_step, float *out, word out_step, Buffer *room) {
    word count = (width + LANES - 1) / LANES, columns = count * LANES;
    float *scores = reserve(room, MOST_QUERIES * layout->heads * columns * 4);
    Attention a = {layout, pages->at, layer * layer_bytes(layout), count, columns, ahead->at, ahead->count, query, step, scores,
                   out, out_step};
#define HEADS(halves, queries, head) attend_heads(&a, halves, queries, head, width, own, own_step)
#define SOME(queries) \
    do { \
        if (layout->halves && layout->head == 32) HEADS(1, queries, 32); \
        else if (layout->halves && layout->head == 64) HEADS(1, queries, 64); \
        else if (layout->halves) HEADS(1, queries, layout->head); \
        else if (layout->head == 32) HEADS(0, queries, 32); \
        else if (layout->head == 64) HEADS(0, queries, 64); \
        else HEADS(0, queries, layout->head); \
        a.query += queries * step, a.out += queries * out_step, own += own ? queries * own_step : 0; \
    } while (0)
    for (; queries >= MOST_QUERIES; queries -= MOST_QUERIES) SOME(MOST_QUERIES);
    if (queries >= 2) {
        SOME(2);
        queries -= 2;
    }
    if (queries) SOME(1);
#undef SOME
#undef HEADS
}

#endif
