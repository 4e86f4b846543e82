/* Attention over cached keys and values, each query by itself.

   A cache is a list of pages. A page holds WIDTH columns (tokens) of every layer, in words of 32 bits: first
   the keys, [heads][head][WIDTH], so that a vector holds one dimension of its keys and no sum runs across a vector; then
   the values, [heads][WIDTH][head]. In bfloat16 runs the decoder's pages hold bfloat16, a word two dimensions of a key, or one
   dimension of two values; in int8 runs bytes, four of them in a word: reading is what takes the time. Bytes have a scale for
   each head of each token, [heads][WIDTH] behind the keys and behind the values. All of a head is read in one go. */

#ifndef ATTENTION_H
#define ATTENTION_H

#include "dense.h"

#define MOST_QUERIES 4 /* that share one reading of the keys */
#define LEAST_SHARE 1e-30f /* a scale is never 0 */

typedef struct {
    word heads, head, d, layers;
    int type; /* of what is cached: FLOAT32, BFLOAT16 or INT8 */
} Layout;

typedef struct {
    char **at;
    word count, room;
} Pages;

/* Bytes of a layer's keys of a page, and as many of its values. */
INLINE word side_bytes(const Layout *layout) {
    word scales = layout->type == INT8 ? layout->heads * WIDTH * 4 : 0;
    return layout->d * WIDTH * 4 / per_word(layout->type) + scales;
}
INLINE word layer_bytes(const Layout *layout) { return 2 * side_bytes(layout); }
INLINE word page_bytes(const Layout *layout) { return layout->layers * layer_bytes(layout); }

#define SLAB_BYTES (2 * LARGE_PAGE) /* and a page more: what pages are cut from */

/* Pages that nobody uses, and the slabs that all pages are cut from. */
typedef struct {
    Pages unused, slabs;
    word bytes; /* of one page */
    word made;  /* pages, in use or not: `unused` has room for all of them */
} Pool;

/* Whether the list has room for so many pages now. */
static int widen(Pages *list, word count) {
    if (count <= list->room) return 1;
    word room = count + list->room + 16;
    char **wider = lengthen_list(list->at, room, sizeof *wider);
    if (wider) list->at = wider, list->room = room;
    return wider != NULL;
}

static int fill_pool(Pool *pool) {
    word count = (word)SLAB_BYTES / pool->bytes + 1;
    if (!widen(&pool->unused, pool->made + count) || !widen(&pool->slabs, pool->slabs.count + 1)) return 0;
    char *slab = allocate(count * pool->bytes);
    if (!slab) return 0;
    pool->slabs.at[pool->slabs.count++] = slab, pool->made += count;
    for (word i = count; i--;) pool->unused.at[pool->unused.count++] = slab + i * pool->bytes;
    return 1;
}

/* Whether the list has pages for so many columns now; those it has already stay as they are. */
static int reserve_pages(Pages *pages, word columns, Pool *pool) {
    word count = round_up(columns, WIDTH) / WIDTH;
    if (!widen(pages, count)) return 0;
    while (pages->count < count) {
        if (!pool->unused.count && !fill_pool(pool)) return 0;
        pages->at[pages->count++] = pool->unused.at[--pool->unused.count];
    }
    return 1;
}

static void release_pages(Pages *pages, Pool *pool) {
    while (pages->count) pool->unused.at[pool->unused.count++] = pages->at[--pages->count];
}

static void free_pool(Pool *pool) {
    while (pool->slabs.count) release(pool->slabs.at[--pool->slabs.count]);
    release(pool->slabs.at), release(pool->unused.at);
}

INLINE float largest_magnitude(const float *x, word head) {
    vec most = all(LEAST_MAGNITUDE);
    for (word i = 0; i < head; i += LANES) most = larger(magnitude(load(x + i)), most);
    return largest(most);
}

/* A head's numbers as bytes of -127 to 127, in words; their scale, and 128 times their sum. */
INLINE float quantise_head(const float *x, word head, uint32_t *words, int32_t *sum) {
    float most = largest_magnitude(x, head);
    vec factor = all(127 / most);
    ivec whole = (ivec){};
    for (word i = 0; i < head; i += LANES) {
        bvec bytes = __builtin_convertvector(nearest(load(x + i) * factor), bvec);
        *(bvec *)((char *)words + i) = bytes;
        /* Of the stored bytes, with their signs: what is no number is a byte by now, so that the sum stays in bounds. */
        whole += __builtin_convertvector((signed_bvec)bytes, ivec);
    }
    *sum = 128 * total_int(whole);
    return most * (1.0f / 127);
}

/* A token's key and value of a head as bytes. Keys are stored with an offset of 128, since processors multiply unsigned bytes
   with signed ones. */
INLINE void remember_bytes(const Layout *layout, char *page, word h, word lane, const float *new_key, const float *new_value) {
    word head = layout->head, side = side_bytes(layout);
    uint32_t words[WIDEST_HEAD / 4], *key = (uint32_t *)page + h * head / 4 * WIDTH + lane;
    uint32_t *value = (uint32_t *)(page + side + (h * WIDTH + lane / 4 * 4) * head);
    float *scales = (float *)(page + layout->d * WIDTH) + h * WIDTH, *value_scales = (float *)((char *)scales + side);
    int32_t sum;
    scales[lane] = quantise_head(new_key, head, words, &sum);
    for (word i = 0; i < head / 4; i++) key[i * WIDTH] = words[i] ^ 0x80808080;
    float most = largest_magnitude(new_value, head);
    if (lane == 0) memset(value_scales, 0, WIDTH * 4);
    value_scales[lane] = most * (1.0f / 127);
    for (word i = 0; i < head; i += LANES) {
        uvec new = (uvec)(nearest(load(new_value + i) * all(127 / most)) & 255) << (uint32_t)(lane % 4 * 8);
        if (lane % 4) new |= *(uvec *)(value + i);
        *(uvec *)(value + i) = new;
    }
}

/* A token's key and value of a head as float32 or bfloat16. */
INLINE void remember_floats(const Layout *layout, char *page, word h, word lane, const float *new_key, const float *new_value) {
    word head = layout->head, group = per_word(layout->type);
    uint32_t *key = (uint32_t *)page + h * head / group * WIDTH + lane;
    uint32_t *value = (uint32_t *)page + (layout->d + h * head) / group * WIDTH + lane / group * head;
    if (group == 1) {
        for (word i = 0; i < head; i += LANES) {
            store((float *)value + i, load(new_value + i));
            if (lane % 2 == 0) store((float *)value + head + i, (vec){});
        }
        for (word i = 0; i < head; i++) memcpy(key + i * WIDTH, new_key + i, 4);
        return;
    }
    uint32_t pairs[WIDEST_HEAD / 2];
    for (word i = 0; i < head; i += LANES) {
        uvec rounded = __builtin_convertvector(to_half(load(new_value + i)), uvec);
        if (lane % 2) rounded = *(uvec *)(value + i) | rounded << 16;
        *(uvec *)(value + i) = rounded;
        *(hvec *)((uint16_t *)pairs + i) = to_half(load(new_key + i));
    }
    for (word i = 0; i < head / 2; i++) key[i * WIDTH] = pairs[i];
}

/* Keys and values of `count` tokens, `step` floats apart, into a layer's columns from `first` on, head by head. Columns are
   filled in rising order: the first of a word clears the others, which attention may read before they are filled. */
static void remember(const Layout *layout, const Pages *pages, word layer, word first, word count, const float *keys,
                     const float *values, word step) {
    for (word h = 0; h < layout->heads; h++)
        for (word c = 0; c < count; c++) {
            word lane = (first + c) % WIDTH, at = c * step + h * layout->head;
            char *page = pages->at[(first + c) / WIDTH] + layer * layer_bytes(layout);
            if (layout->type == INT8) remember_bytes(layout, page, h, lane, keys + at, values + at);
            else remember_floats(layout, page, h, lane, keys + at, values + at);
        }
}

/* The lanes of a page that count: those of its list, or those before column n. */
INLINE uint16_t counted(const uint16_t *own, word page, word n) {
    if (own) return own[page];
    word left = n - page * WIDTH;
    return (uint16_t)(left >= WIDTH ? (1 << WIDTH) - 1 : (1 << left) - 1);
}

/* Scores [pages][WIDTH] → exponentials over the highest that counts, each over their sum; 0 where none counts. */
INLINE void share(int type, float *scores, word pages, const uint16_t *own, word n) {
    vec best = all(-INFINITY), sums[PARTS] = {0};
    for (word p = 0; p < pages; p++)
        for (int part = 0; part < PARTS; part++) {
            float *at = scores + p * WIDTH + part * LANES;
            ivec mask = spread(counted(own, p, n), part);
            vec score = (vec)((*(ivec *)at & mask) | ((ivec)all(-INFINITY) & ~mask));
            store(at, score);
            best = larger(score, best);
        }
    best = all(largest(best));
    for (word p = 0; p < pages; p++)
        for (int part = 0; part < PARTS; part++) {
            float *at = scores + p * WIDTH + part * LANES;
            vec one = load(at) - best;
            if (type == FLOAT32) one = exponential(one);
            else rough_exponentials(&one, 1);
            one = (vec)((ivec)one & spread(counted(own, p, n), part));
            store(at, one);
            sums[part] += one;
        }
    vec scale = all(1.0f / total(sums));
    for (word i = 0; i < pages * WIDTH; i += LANES) store(scores + i, load(scores + i) * scale);
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
INLINE void score_floats(const Attention *a, int halves, int queries, word head, word h) {
    word rows = halves ? head / 2 : head, keys = a->layer + h * rows * WIDTH * 4;
    for (word at = 0; at < a->count * WIDTH; at += LANES) {
        word p = at / WIDTH, place = keys + at % WIDTH * 4;
        const char *page = a->pages[p] + place, *ahead = p < a->ahead_count ? a->ahead[p] + place : page;
        vec even[MOST_QUERIES], odd[MOST_QUERIES];
        for (int q = 0; q < queries; q++) even[q] = odd[q] = (vec){};
        for (word i = 0; i < head; i += 2) {
            const float *words = (const float *)page + (halves ? i / 2 : i) * WIDTH;
            vec one = halves ? first_half(load(words)) : load(words);
            vec two = halves ? second_half(load(words)) : load(words + WIDTH);
            for (int q = 0; q < queries; q++) {
                const float *query = a->query + q * a->step + h * head + i;
                even[q] = even[q] + all(query[0]) * one;
                odd[q] = odd[q] + all(query[1]) * two;
            }
            __builtin_prefetch(ahead + (halves ? i / 2 : i) * WIDTH * 4);
            if (!halves) __builtin_prefetch(ahead + (i + 1) * WIDTH * 4);
        }
        for (int q = 0; q < queries; q++) store(a->scores + (h * queries + q) * a->columns + at, even[q] + odd[q]);
    }
}

/* The values of all columns by their shares, for a head's queries. */
INLINE void mix_floats(const Attention *a, int halves, int queries, word head, word h, word width) {
    word each = halves ? WIDTH / 2 : WIDTH, values = a->layer + side_bytes(a->layout) + h * head * each * 4;
    const float *shares = a->scores + h * queries * a->columns;
    vec even[MOST_QUERIES][WIDEST_HEAD / LANES], odd[MOST_QUERIES][WIDEST_HEAD / LANES];
    for (int q = 0; q < queries; q++)
        for (word j = 0; j < head / LANES; j++) even[q][j] = odd[q][j] = (vec){};
    for (word i = 0; i < width; i += 2) {
        word page = i / WIDTH, place = values + (halves ? i % WIDTH / 2 : i % WIDTH) * head * 4;
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
            __builtin_prefetch(ahead + j * LANES * 4);
            if (!halves) __builtin_prefetch(ahead + (head + j * LANES) * 4);
        }
    }
    for (int q = 0; q < queries; q++)
        for (word j = 0; j < head / LANES; j++)
            store(a->out + q * a->out_step + h * head + j * LANES, even[q][j] + odd[q][j]);
}

/* The same with bytes; the queries' are signed, the keys' have their offset. */
INLINE void score_bytes(const Attention *a, int queries, word head, word h) {
    word keys = a->layer + h * head * WIDTH, scales = a->layer + a->layout->d * WIDTH + h * WIDTH * 4;
    uint32_t words[MOST_QUERIES][WIDEST_HEAD / 4];
    float scale[MOST_QUERIES];
    int32_t offset[MOST_QUERIES];
    for (int q = 0; q < queries; q++) scale[q] = quantise_head(a->query + q * a->step + h * head, head, words[q], offset + q);
    for (word at = 0; at < a->count * WIDTH; at += LANES) {
        word p = at / WIDTH, place = at % WIDTH * 4;
        const char *page = a->pages[p] + place, *ahead = p < a->ahead_count ? a->ahead[p] + place : page;
        ivec even[MOST_QUERIES], odd[MOST_QUERIES];
        for (int q = 0; q < queries; q++) even[q] = odd[q] = (ivec){};
        for (word i = 0; i < head / 4; i += 2) {
            const char *key = page + keys + i * WIDTH * 4, *next = ahead + keys + i * WIDTH * 4;
            for (int q = 0; q < queries; q++) {
                even[q] = multiply_bytes(even[q], *(const ivec *)key, all_int((int32_t)words[q][i]));
                odd[q] = multiply_bytes(odd[q], *(const ivec *)(key + WIDTH * 4), all_int((int32_t)words[q][i + 1]));
            }
            __builtin_prefetch(next);
            __builtin_prefetch(next + WIDTH * 4);
        }
        __builtin_prefetch(ahead + scales);
        vec factor = load((const float *)(page + scales));
        for (int q = 0; q < queries; q++) {
            vec score = __builtin_convertvector(even[q] + odd[q] - offset[q], vec) * (factor * scale[q]);
            store(a->scores + (h * queries + q) * a->columns + at, score);
        }
    }
}

/* Shares times the scales of values, as bytes of 0 to 255 in their own place; what their sums are to be multiplied with. */
INLINE float quantise_shares(const Attention *a, float *shares, word scales) {
    vec most = all(LEAST_SHARE);
    for (word at = 0; at < a->columns; at += LANES) {
        vec share = load(shares + at) * load((const float *)(a->pages[at / WIDTH] + scales) + at % WIDTH);
        store(shares + at, share);
        most = larger(share, most);
    }
    vec factor = all(255 / largest(most));
    for (word at = 0; at < a->columns; at += LANES)
        *(bvec *)((char *)shares + at) = __builtin_convertvector(nearest(load(shares + at) * factor), bvec);
    return largest(most) / 255;
}

INLINE void mix_bytes(const Attention *a, int queries, word head, word h, word width) {
    word values = a->layer + side_bytes(a->layout) + h * head * WIDTH;
    word scales = a->layer + side_bytes(a->layout) + a->layout->d * WIDTH + h * WIDTH * 4;
    float *shares = a->scores + h * queries * a->columns, scale[MOST_QUERIES];
    ivec sums[MOST_QUERIES][WIDEST_HEAD / LANES];
    for (int q = 0; q < queries; q++) {
        scale[q] = quantise_shares(a, shares + q * a->columns, scales);
        for (word j = 0; j < head / LANES; j++) sums[q][j] = (ivec){};
    }
    for (word i = 0; i < width; i += 4) {
        word page = i / WIDTH, place = values + i % WIDTH * head;
        const char *value = a->pages[page] + place, *ahead = page < a->ahead_count ? a->ahead[page] + place : value;
        for (word j = 0; j < head / LANES; j++) {
            for (int q = 0; q < queries; q++) {
                int32_t four = word_at((const char *)(shares + q * a->columns) + i);
                sums[q][j] = multiply_bytes(sums[q][j], all_int(four), ((const ivec *)value)[j]);
            }
            __builtin_prefetch(ahead + j * LANES * 4);
        }
        if (i % WIDTH == 0) __builtin_prefetch(ahead + scales - place);
    }
    for (int q = 0; q < queries; q++)
        for (word j = 0; j < head / LANES; j++)
            store(a->out + q * a->out_step + h * head + j * LANES, __builtin_convertvector(sums[q][j], vec) * scale[q]);
}

/* Each pass goes through all heads: their long chains of dependent sums and exponentials then overlap. */
INLINE void attend_heads(const Attention *a, int type, int queries, word head, word width, const uint16_t *own, word own_step) {
    word heads = a->layout->heads;
    for (word h = 0; h < heads; h++)
        if (type == INT8) score_bytes(a, queries, head, h);
        else score_floats(a, type == BFLOAT16, queries, head, h);
    for (word i = 0; i < heads * queries; i++)
        share(type, a->scores + i * a->columns, a->count, own ? own + i % queries * own_step : NULL, width);
    for (word h = 0; h < heads; h++)
        if (type == INT8) mix_bytes(a, queries, head, h, width);
        else mix_floats(a, type == BFLOAT16, queries, head, h, width);
}

/* Bytes that `attend` needs for so many columns: scores of every head and query. */
INLINE word attention_bytes(const Layout *layout, word columns) {
    return MOST_QUERIES * layout->heads * round_up(columns, WIDTH) * (word)sizeof(float);
}

/* Attention of some queries [d], `step` floats apart, in one layer of a cache. Each over the first `width` columns, or
   over those of its own, a bit a column and a number a page, `own_step` numbers apart. `ahead` is attended over next. Out:
   [d], `out_step` apart. The room has `attention_bytes`. */
static void attend(const Layout *layout, word queries, const float *query, word step, const Pages *pages, const Pages *ahead,
                   word layer, word width, const uint16_t *own, word own_step, float *out, word out_step, void *room) {
    word columns = round_up(width, WIDTH), count = columns / WIDTH;
    Attention a = {layout, pages->at, layer * layer_bytes(layout), count, columns, ahead->at, ahead->count, query, step, room,
                   out, out_step};
#define HEADS(type, queries, head) attend_heads(&a, type, queries, head, width, own, own_step)
#define TYPED(type, queries) \
    do { \
        if (layout->head == 32) HEADS(type, queries, 32); \
        else if (layout->head == 64) HEADS(type, queries, 64); \
        else HEADS(type, queries, layout->head); \
    } while (0)
#define SOME(queries) \
    do { \
        if (layout->type == INT8) TYPED(INT8, queries); \
        else if (layout->type == BFLOAT16) TYPED(BFLOAT16, queries); \
        else TYPED(FLOAT32, queries); \
        a.query += queries * step, a.out += queries * out_step, own += own ? queries * own_step : 0; \
    } while (0)
    for (; queries >= MOST_QUERIES; queries -= MOST_QUERIES) SOME(MOST_QUERIES);
    if (queries >= 2) {
        SOME(2);
        queries -= 2;
    }
    if (queries) SOME(1);
#undef SOME
#undef TYPED
#undef HEADS
}

#define MORE_ROWS (BLOCK_ROWS - 1) /* that `attend_within` may write behind a sentence */

#if TILES
#define TILED_HEAD(head) ((head) % 32 == 0)

/* Rows of 16 words each become columns. */
INLINE void transpose(uvec rows[16]) {
#define EXCHANGE(step, low, high) \
    for (int i = 0; i < 16; i++) { \
        if (i & step) continue; \
        uvec one = rows[i], other = rows[i + step]; \
        rows[i] = __builtin_shufflevector(one, other, low), rows[i + step] = __builtin_shufflevector(one, other, high); \
    }
#define LIST(...) __VA_ARGS__
    EXCHANGE(1, LIST(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
             LIST(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
    EXCHANGE(2, LIST(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
             LIST(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
    EXCHANGE(4, LIST(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
             LIST(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
    EXCHANGE(8, LIST(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
             LIST(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#undef LIST
#undef EXCHANGE
}

/* [32 rows, 32 columns] of a product of bfloat16: x [32, .] in rows `x_step` bytes apart, y in pairs of rows `y_step` bytes
   apart and, for the next of `steps` products of 32, `y_next`; out in rows `out_step` bytes apart. Its second 16 columns are
   of y `y_right` bytes further. */
INLINE void multiply_halves(const char *x, word x_step, const char *y, word y_step, word y_right, word y_next, word steps,
                            float *out, word out_step) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (word k = 0; k < steps; k++, x += 64, y += y_next) {
        _tile_loadd(4, x, x_step);
        _tile_loadd(5, x + 16 * x_step, x_step);
        _tile_loadd(6, y, y_step);
        _tile_loadd(7, y + y_right, y_step);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, out, out_step);
    _tile_stored(1, out + 16, out_step);
    _tile_stored(2, (char *)out + 16 * out_step, out_step);
    _tile_stored(3, (char *)out + 16 * out_step + 64, out_step);
}

/* A head's numbers in bfloat16, as tiles take them: keys [rows][head]; queries in pairs of dimensions, [rows / 16][head / 2][16];
   values in pairs of tokens, [rows / 2][head]. And for 32 queries: scores [rows][32], shares [32][rows]. */
typedef struct {
    uint16_t *keys, *shares;
    uint32_t *queries, *values;
    float *scores;
} Head;

INLINE uvec row_half(const float *row, word r, word length) {
    if (r >= length) return (uvec){};
    return __builtin_convertvector(to_half(load(row)), uvec);
}

/* Round a head's numbers; what is behind the length becomes 0. */
INLINE void pack_head(const Head *to, word head, word length, const float *fused, word d) {
    for (word r = 0; r < length || r % 32; r += 16) {
        for (word i = 0; i < head; i += LANES)
            for (word j = 0; j < 16; j += 2) {
                const float *value = fused + (r + j) * 3 * d + 2 * d + i;
                *(uvec *)(to->values + (r + j) / 2 * head + i) = row_half(value, r + j, length) | row_half(value + 3 * d, r + j + 1, length) << 16;
            }
        for (word i = 0; i < head; i += 32) {
            uvec block[16];
            for (word j = 0; j < 16; j++) {
                const float *row = fused + (r + j) * 3 * d + i;
                uvec key = (uvec){};
                block[j] = (uvec){};
                if (r + j < length) {
                    block[j] = (uvec)_mm512_cvtne2ps_pbh((__m512)load(row + LANES), (__m512)load(row));
                    key = (uvec)_mm512_cvtne2ps_pbh((__m512)load(row + d + LANES), (__m512)load(row + d));
                }
                *(uvec *)(to->keys + (r + j) * head + i) = key;
            }
            transpose(block);
            for (int j = 0; j < 16; j++) *(uvec *)(to->queries + (r * head + i * 16) / 2 + j * 16) = block[j];
        }
    }
}

/* Scores [length][32] of 32 queries → shares [32][rows], in two halves of 16: a lane is a query. */
INLINE void share_columns(const Head *of, word length, word rows) {
    for (word side = 0; side < 32; side += LANES) {
        float *scores = of->scores + side;
        vec best = load(scores), sum = (vec){};
        for (word c = 1; c < length; c++) best = larger(load(scores + c * 32), best);
        word c = 0;
        for (; c + 4 <= length; c += 4) {
            vec some[4];
            for (word i = 0; i < 4; i++) some[i] = load(scores + (c + i) * 32) - best;
            rough_exponentials(some, 4);
            for (word i = 0; i < 4; i++) store(scores + (c + i) * 32, some[i]);
            sum += (some[0] + some[1]) + (some[2] + some[3]);
        }
        for (; c < length; c++) {
            vec one = load(scores + c * 32) - best;
            rough_exponentials(&one, 1);
            store(scores + c * 32, one);
            sum += one;
        }
        vec scale = all(1.0f) / sum;
        for (c = 0; c < rows; c += 32) {
            uvec block[16];
            for (word j = 0; j < 16; j++) {
                vec one = (vec){}, two = (vec){};
                if (c + 2 * j < length) one = load(scores + (c + 2 * j) * 32) * scale;
                if (c + 2 * j + 1 < length) two = load(scores + (c + 2 * j + 1) * 32) * scale;
                block[j] = __builtin_convertvector(to_half(one), uvec) | __builtin_convertvector(to_half(two), uvec) << 16;
            }
            transpose(block);
            for (word j = 0; j < 16; j++) *(uvec *)(of->shares + (side + j) * rows + c) = block[j];
        }
    }
}

/* Bytes of a head's keys, and as many of its queries and of its values; of the scores of a block of queries, and of their
   shares. A head is some lines longer, or all heads would share a few of the cache's sets. */
INLINE word packed_bytes(word rows, word size) { return rows * size * (word)sizeof(uint16_t); }
INLINE word block_scores_bytes(word rows) { return rows * BLOCK_ROWS * (word)sizeof(float); }
INLINE word block_shares_bytes(word rows) { return rows * BLOCK_ROWS * (word)sizeof(uint16_t); }
INLINE word head_bytes(word rows, word size) {
    return 3 * packed_bytes(rows, size) + block_scores_bytes(rows) + block_shares_bytes(rows) + 5 * LINE;
}

/* Bytes that `attend_within` needs for a sentence: for each head a record and its numbers. */
INLINE word within_bytes(const Layout *layout, word length) {
    return layout->heads * (head_bytes(round_up(length, BLOCK_ROWS), layout->head) + (word)sizeof(Head));
}

/* Attention of all tokens of a sentence over each other, in bfloat16: queries, keys and values [length][3][d] → out [length][d],
   behind which MORE_ROWS rows are overwritten. Each pass goes through all heads: tiles have to wait for what was just stored.
   The room has `within_bytes`. */
static void attend_within(const Layout *layout, word length, const float *fused, float *out, void *room) {
    word d = layout->d, size = layout->head, rows = round_up(length, BLOCK_ROWS);
    char *at = room;
    Head *head = (Head *)(at + layout->heads * head_bytes(rows, size));
    for (word h = 0; h < layout->heads; h++, at += head_bytes(rows, size)) {
        char *queries = at + packed_bytes(rows, size), *values = queries + packed_bytes(rows, size);
        char *scores = values + packed_bytes(rows, size), *shares = scores + block_scores_bytes(rows);
        head[h] = (Head){(uint16_t *)at, (uint16_t *)shares, (uint32_t *)queries, (uint32_t *)values, (float *)scores};
        pack_head(head + h, size, length, fused + h * size, d);
    }
    for (word r = 0; r < rows; r += 32, out += 32 * d) {
        for (word h = 0; h < layout->heads; h++)
            for (word c = 0; c < rows; c += 32)
                multiply_halves((char *)(head[h].keys + c * size), size * 2, (char *)head[h].queries + r * size * 2, 64, 32 * size, 1024,
                                size / 32, head[h].scores + c * 32, 128);
        for (word h = 0; h < layout->heads; h++) share_columns(head + h, length, rows);
        for (word h = 0; h < layout->heads; h++)
            for (word i = 0; i < size; i += 32)
                multiply_halves((char *)head[h].shares, rows * 2, (char *)(head[h].values + i), size * 4, 64, 64 * size, rows / 32,
                                out + h * size + i, d * 4);
    }
}
#else
#define TILED_HEAD(head) 0
INLINE word within_bytes(const Layout *layout, word length) { return (void)layout, (void)length, 0; }
static void attend_within(const Layout *layout, word length, const float *fused, float *out, void *room) {
    (void)layout, (void)length, (void)fused, (void)out, (void)room;
}
#endif

#endif
