/* Matrix products with packed weights, in float32, bfloat16 or int8, each row by itself.

   A row's sum is taken along the inputs in one order, whatever other rows there are: the same row gives the same bits in
   every batch. Inputs and outputs are float32; what is rounded is rounded row by row.

   Weights [width, inputs] are packed into panels of 2 * LANES columns. In a panel, inputs go by words of 32 bits: one float,
   two bfloat16 or four int8 of each column. The rows' inputs are packed into the same words, so that one loop serves the
   three types; matrix tiles (AMX) take the same panels.

   int8: weights have a scale for each column, inputs one for each row at each call. Most processors multiply unsigned with
   signed bytes only, so inputs are stored with an offset; what it adds is taken off again, exactly. Sums of int8 are exact,
   so they are the same on every processor. */

#ifndef DENSE_H
#define DENSE_H

#include "memory.h"
#include "vectors.h"

#define PANEL (2 * LANES)
#define LEVELS 127 /* of int8, to each side of 0 */
#if LANES == 16 && defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__AMX_BF16__)
#define TILES 1
#else
#define TILES 0
#endif
#define OFFSET (TILES ? 0 : LEVELS + 1)
#define TILE_ROWS 16
#define TILE_WORDS 16 /* of a row */
#define TILE_BYTES (TILE_ROWS * TILE_WORDS * 4)
#define BLOCK_ROWS (2 * TILE_ROWS) /* of inputs, that share one reading of the weights */
#define LEAST_MAGNITUDE 1e-12f     /* a scale is never 0 */
#if LANES == 16
#define TALL 12 /* rows of a product whose sums are held in registers at once */
#else
#define TALL 6
#endif
#define LOW 4 /* rows of the last such blocks, as far as there are any */

typedef struct {
    int type;
    word inputs, width;  /* as the model has them, multiples of PANEL, but for the width of the logits */
    word words, columns; /* padded: words of 32 bits along the inputs; multiples of WIDTH_STEP */
    char *packed;        /* [columns / PANEL][words][PANEL] words */
    float *bias, *scales; /* [columns]; scales are int8's */
    int32_t *added;       /* [columns]: what the offset adds to the sum, int8 */
} Dense;

/* Inputs of some rows in words of 32 bits, and the scale of each row. Where tiles multiply them, TILE_ROWS rows stand together,
   TILE_WORDS words of each at a time. */
typedef struct {
    const char *words;
    word stride; /* bytes of a row */
    float *scales;
} Inputs;

/* Whether the processor multiplies a word of that type at once; if not, it takes more registers, and fewer rows. */
INLINE int multiplies(int type) {
#if LANES == 16 || defined(__AVXVNNI__)
    return LANES == 16 || type != BFLOAT16;
#else
    return type == FLOAT32;
#endif
}

INLINE word per_word(int type) { return type == FLOAT32 ? 1 : type == BFLOAT16 ? 2 : 4; }

/* Words of 32 bits along so many inputs; whole tiles but for float32. */
INLINE word input_words(int type, word inputs) {
    word words = round_up(inputs, per_word(type)) / per_word(type);
    return type == FLOAT32 ? words : round_up(words, TILE_WORDS);
}

/* Bytes that `prepare` needs for so many rows: their words, and a scale for each. */
INLINE word input_bytes(int type, word inputs, word rows) {
    return type == FLOAT32 ? 0 : round_up(rows, BLOCK_ROWS) * (input_words(type, inputs) * 4 + (word)sizeof(float));
}

/* Weights [width, inputs] and bias [width] in panels; columns behind the width get the bias `missing`. 0 without memory: what
   there is then is still to be freed. */
static int pack_dense(Dense *dense, int type, const float *weight, const float *bias, word inputs, word width, float missing) {
    word group = per_word(type), words = input_words(type, inputs), columns = round_up(width, WIDTH_STEP);
    *dense = (Dense){type, inputs, width, words, columns, allocate(columns * words * 4), allocate(columns * 4), NULL, NULL};
    dense->scales = allocate(columns * 4), dense->added = allocate(columns * 4);
    if (!dense->packed || !dense->bias || !dense->scales || !dense->added) return 0;
    memset(dense->packed, 0, columns * words * 4);
    for (word n = 0; n < columns; n++) {
        dense->bias[n] = n < width ? bias[n] : missing;
        dense->scales[n] = 0, dense->added[n] = 0;
        if (n >= width) continue;
        const float *row = weight + n * inputs;
        float most = LEAST_MAGNITUDE;
        for (word k = 0; k < inputs; k++) most = fabsf(row[k]) > most ? fabsf(row[k]) : most;
        dense->scales[n] = most / LEVELS;
        for (word k = 0; k < inputs; k++) {
            char *at = dense->packed + ((n / PANEL * words + k / group) * PANEL + n % PANEL) * 4 + k % group * (4 / group);
            int8_t quantised = (int8_t)lrintf(row[k] / dense->scales[n]);
            uint16_t rounded = half(row[k]);
            if (type == FLOAT32) memcpy(at, row + k, 4);
            else if (type == BFLOAT16) memcpy(at, &rounded, 2);
            else memcpy(at, &quantised, 1), dense->added[n] += OFFSET * quantised;
        }
    }
    return 1;
}

static void free_dense(Dense *dense) { release(dense->packed), release(dense->bias), release(dense->scales), release(dense->added); }

/* The rows' inputs as a product of that type takes them, in a room of `input_bytes`. */
static Inputs prepare(const Dense *dense, const float *x, word rows, void *room) {
    word width = dense->inputs;
    if (dense->type == FLOAT32) return (Inputs){(const char *)x, width * 4, NULL};
    word bytes = dense->words * 4;
    char *out = room;
    float *scales = (float *)(out + round_up(rows, BLOCK_ROWS) * bytes);
    for (word row = 0; row < rows; row++, x += width) {
#if TILES
        char *start = out + row / TILE_ROWS * TILE_ROWS * bytes + row % TILE_ROWS * TILE_WORDS * 4;
#define PLACE(byte) (start + (byte) / (TILE_WORDS * 4) * TILE_BYTES + (byte) % (TILE_WORDS * 4))
#else
        char *start = out + row * bytes;
#define PLACE(byte) (start + (byte))
#endif
        for (word i = width * 4 / per_word(dense->type); i < bytes; i += 4) memset(PLACE(i), 0, 4);
        if (dense->type == BFLOAT16) {
            for (word i = 0; i < width; i += LANES) *(hvec *)PLACE(2 * i) = to_half(load(x + i));
            continue;
        }
        vec even = all(LEAST_MAGNITUDE), odd = even;
        for (word i = 0; i < width; i += 2 * LANES) {
            even = larger(magnitude(load(x + i)), even);
            odd = larger(magnitude(load(x + i + LANES)), odd);
        }
        float most = largest(larger(even, odd));
        scales[row] = most * (1.0f / LEVELS);
        vec factor = all(LEVELS / most);
        for (word i = 0; i < width; i += 2 * LANES) {
            char *place = PLACE(i);
            *(bvec *)place = __builtin_convertvector(nearest(load(x + i) * factor) + OFFSET, bvec);
            *(bvec *)(place + LANES) = __builtin_convertvector(nearest(load(x + i + LANES) * factor) + OFFSET, bvec);
        }
    }
#undef PLACE
    return (Inputs){out, bytes, scales};
}

/* The sums of the products of two 16-bit numbers. */
INLINE ivec multiply_pairs(ivec x, ivec y) {
#if defined(__AVX2__) && LANES == 8
    return (ivec)_mm256_madd_epi16((__m256i)x, (__m256i)y);
#elif defined(__SSE2__) && LANES == 8
    union {
        ivec whole;
        __m128i half[2];
    } one = {x}, other = {y};
    for (int i = 0; i < 2; i++) one.half[i] = _mm_madd_epi16(one.half[i], other.half[i]);
    return one.whole;
#else
    return (x << 16 >> 16) * (y << 16 >> 16) + (x >> 16) * (y >> 16);
#endif
}

/* To each sum, the products of four bytes, unsigned by signed; exactly. */
INLINE ivec multiply_bytes(ivec sum, ivec x, ivec y) {
#if LANES == 16
    return (ivec)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)y);
#elif defined(__AVXVNNI__)
    return (ivec)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)y);
#elif defined(__ARM_FEATURE_DOTPROD)
    union {
        ivec whole;
        int8x16_t bytes[2];
        int32x4_t half[2];
    } sums = {sum}, one = {x ^ (int32_t)0x80808080}, other = {y};
    for (int i = 0; i < 2; i++) { /* x - 128, and 128 times y besides */
        sums.half[i] = vdotq_s32(sums.half[i], one.bytes[i], other.bytes[i]);
        sums.half[i] = vsubq_s32(sums.half[i], vdotq_s32(vdupq_n_s32(0), vdupq_n_s8(-128), other.bytes[i]));
    }
    return sums.whole;
#else
    const svec even = (svec)all_int(0x00ff00ff);
    sum += multiply_pairs((ivec)((svec)x & even), (ivec)((svec)y << 8 >> 8));
    return sum + multiply_pairs((ivec)((usvec)x >> 8), (ivec)((svec)y >> 8));
#endif
}

/* One word of a row's inputs. */
INLINE int32_t word_at(const char *input) {
    int32_t bits;
    memcpy(&bits, input, 4);
    return bits;
}

/* One word of a row's inputs, of float32 or bfloat16, times the same words of LANES columns, added to the sums. */
INLINE vec multiply_add(int type, vec sum, const char *input, vec weights) {
    ivec x = all_int(word_at(input));
    if (type == FLOAT32) return sum + (vec)x * weights;
#if LANES == 16 && defined(__AVX512BF16__)
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)weights);
#else
    sum = sum + (vec)(x << 16) * (vec)((ivec)weights << 16);
    return sum + (vec)(x & (int32_t)0xffff0000) * (vec)((ivec)weights & (int32_t)0xffff0000);
#endif
}

/* What half a panel's sums need to become outputs, held in registers. */
typedef struct {
    vec bias, scale;
    ivec added;
} Columns;

INLINE Columns columns_at(const Dense *dense, word n) {
    return (Columns){load(dense->bias + n), load(dense->scales + n), *(const ivec *)(dense->added + n)};
}

/* The sums of int8 as numbers. */
INLINE vec scaled(ivec sum, float scale, const Columns *columns) {
    if (OFFSET) sum -= columns->added;
    return __builtin_convertvector(sum, vec) * (all(scale) * columns->scale);
}

/* The sum of a row's half of a panel becomes an output. */
INLINE vec finish(int type, int activation, vec y, const Columns *columns) {
    y += columns->bias;
    if (activation == SWISH && type == FLOAT32) return y / (all(1.0f) + exponential(-larger(y, all(-80.0f))));
    if (activation == SWISH) return rough_swish(y);
    if (activation == RELU) return larger(y, all(0.0f));
    return y;
}

/* Words of `tall` rows times a panel, added to sums of the type that is added up: with any other, gcc keeps them in memory. Three
   rows, `stride` bytes apart, have a pointer, as there are too few registers for one each. Fetched meanwhile is what is read next. */
#define MULTIPLY_ROWS(sums, multiply) \
    for (word k = 0; k < words; k++, panel += PANEL * 4) { \
        vec left = load((const float *)panel), right = load((const float *)panel + LANES); \
        __builtin_prefetch(panel + ahead); \
        UNROLL for (int r = 0; r < tall; r++) { \
            const char *input = tall > LOW ? x[r / 3] + r % 3 * stride : x[r]; \
            sums[r][0] = multiply(sums[r][0], input, left); \
            sums[r][1] = multiply(sums[r][1], input, right); \
        } \
        UNROLL for (int i = 0; i < pointers; i++) x[i] += 4; \
    }

/* `tall` rows from `row` on times the panel that begins at column n; the last of them stands for those that are missing. */
INLINE void multiply_rows(const Dense *dense, int type, int activation, const Inputs *inputs, word row, word rows, int tall, word n,
                          float *out, word out_stride) {
    vec sums[TALL][2] = {0};
    ivec whole[TALL][2] = {0};
    word words = dense->words, stride = inputs->stride, ahead = PANEL * words * 4 + row / TALL % 2 * LINE;
    const char *panel = dense->packed + n * words * 4, *x[LOW];
    const int pointers = tall > LOW ? (tall + 2) / 3 : tall;
    UNROLL for (int i = 0; i < pointers; i++) {
        word other = tall > LOW ? row + 3 * i : row + i < rows ? row + i : rows - 1;
        x[i] = inputs->words + other * stride;
    }
#define FLOATS(sum, x, weights) multiply_add(type, sum, x, weights)
#define BYTES(sum, x, weights) multiply_bytes(sum, all_int(word_at(x)), (ivec)weights)
    if (type == INT8) MULTIPLY_ROWS(whole, BYTES)
    else MULTIPLY_ROWS(sums, FLOATS)
#undef BYTES
#undef FLOATS
    Columns columns[2] = {columns_at(dense, n), columns_at(dense, n + LANES)};
    UNROLL for (int r = 0; r < tall; r++)
        UNROLL for (int i = 0; i < 2; i++) {
            if (tall <= LOW && row + r >= rows) continue;
            vec y = type == INT8 ? scaled(whole[r][i], inputs->scales[row + r], columns + i) : sums[r][i];
            store(out + (row + r) * out_stride + i * LANES, finish(type, activation, y, columns + i));
        }
}

INLINE void multiply_panel(const Dense *dense, int type, int activation, const Inputs *inputs, word rows, word n, float *out,
                           word out_stride) {
    word row = 0;
#define ROWS(tall, missing) \
    for (; row + tall <= rows + missing; row += tall) multiply_rows(dense, type, activation, inputs, row, rows, tall, n, out, out_stride)
    if (multiplies(type)) ROWS(TALL, 0);
    if (TALL > 2 * LOW) ROWS((2 * LOW), 0);
    ROWS(LOW, LOW - 1);
#undef ROWS
}

#if TILES
/* Tiles of 16 rows of 64 bytes: 0 to 3 hold sums, 4 and 5 inputs, 6 and 7 weights. For each thread, before its products. */
static void tiles_begin(void) {
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) config.bytes[i] = TILE_WORDS * 4, config.rows[i] = TILE_ROWS;
    _tile_loadconfig(&config);
}
static void tiles_end(void) { _tile_release(); }

/* Sums of up to 32 rows of a panel that are to become outputs. */
typedef struct {
    const float *sums, *scales;
    float *out;
    word rows;
    Columns columns[2];
} Pending;

/* The first `count` rows of them. */
INLINE void finish_some(int type, int activation, Pending *p, int count, word out_stride) {
    for (int r = 0; r < count; r++)
        for (int i = 0; i < 2; i++) {
            const float *sum = p->sums + r * PANEL + i * LANES;
            vec y = type == INT8 ? scaled(*(const ivec *)sum, p->scales[r], p->columns + i) : load(sum);
            store(p->out + r * out_stride + i * LANES, finish(type, activation, y, p->columns + i));
        }
    p->sums += count * PANEL, p->out += count * out_stride, p->rows -= count;
    if (type == INT8) p->scales += count;
}

/* What the next two use of the function they stand in: type, activation, out_stride; words, k (how far along the inputs), x and
   panel (what is read there), both (whether there is a second tile of rows), lines and ahead (what is fetched at each step),
   before (rows to be finished meanwhile). A tile's number has to be a constant, so they cannot be functions. */

/* A product of tiles, and meanwhile `count` rows of what came before. */
#define TILE_PRODUCT(sum, x, weights, count) \
    do { \
        if (type == BFLOAT16) _tile_dpbf16ps(sum, x, weights); \
        else _tile_dpbssd(sum, x, weights); \
        finish_some(type, activation, before, count, out_stride); \
    } while (0)

/* One step along the inputs. */
#define TILE_STEP(count) \
    do { \
        for (word i = 0; i < lines; i++, ahead += 64) __builtin_prefetch(ahead, 0, 2); \
        _tile_loadd(6, panel, PANEL * 4); \
        _tile_loadd(7, panel + 64, PANEL * 4); \
        _tile_loadd(4, x, 64); \
        if (both) _tile_loadd(5, x + 64 * words, 64); \
        TILE_PRODUCT(0, 4, 6, count); \
        TILE_PRODUCT(1, 4, 7, count); \
        if (both) { \
            TILE_PRODUCT(2, 5, 6, count); \
            TILE_PRODUCT(3, 5, 7, count); \
        } \
        k += 16, x += 1024, panel += 16 * PANEL * 4; \
    } while (0)

/* Sums of 16 or 32 rows of a panel. Meanwhile the vectors finish what came before: one or two rows with each product of
   tiles, always the same number, or the two would wait for each other. */
INLINE void multiply_block(int type, int activation, word words, const char *x, const char *panel, int both, word lines,
                           const char *ahead, float *sums, Pending *before, word out_stride) {
    word k = 0;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (both && before->rows == 32 && words >= 128)
        while (before->rows) TILE_STEP(1);
    else if (both && before->rows == 32 && words == 64)
        while (before->rows) TILE_STEP(2);
    while (before->rows) finish_some(type, activation, before, 1, out_stride);
    while (k < words) TILE_STEP(0);
    _tile_stored(0, sums, PANEL * 4);
    _tile_stored(1, sums + LANES, PANEL * 4);
    if (!both) return;
    _tile_stored(2, sums + 16 * PANEL, PANEL * 4);
    _tile_stored(3, sums + 16 * PANEL + LANES, PANEL * 4);
}

INLINE void multiply_tiles(const Dense *dense, int type, int activation, const Inputs *inputs, word rows, word from, word to,
                           float *out, word out_stride) {
    float sums[2][32 * PANEL] __attribute__((aligned(64)));
    word words = dense->words, blocks = (rows + 31) / 32, turn = 0;
    Pending pending = {0};
    for (word n = from; n < to; n += PANEL) {
        const char *panel = dense->packed + n * words * 4, *ahead = panel + words * PANEL * 4;
        word lines = n + PANEL < dense->columns ? (PANEL + blocks - 1) / blocks : 0;
        for (word row = 0; row < rows; row += 32, ahead += lines * words / 16 * 64, turn ^= 1) {
            word some = rows - row < 32 ? rows - row : 32;
            multiply_block(type, activation, words, inputs->words + row * words * 4, panel, some > 16, lines, ahead, sums[turn],
                           &pending, out_stride);
            pending = (Pending){sums[turn], inputs->scales + row, out + row * out_stride + n - from, some,
                                {columns_at(dense, n), columns_at(dense, n + LANES)}};
        }
    }
    while (pending.rows) finish_some(type, activation, &pending, 1, out_stride);
}
#else
static void tiles_begin(void) {}
static void tiles_end(void) {}
#endif

/* Columns `from` to `to` (whole panels) of the product, into out [rows, out_stride], whose first column is `from`. */
static void multiply(const Dense *dense, const Inputs *inputs, word rows, word from, word to, int activation, float *out,
                     word out_stride) {
#define PANELS(type, activation) \
    for (word n = from; n < to; n += PANEL) multiply_panel(dense, type, activation, inputs, rows, n, out + n - from, out_stride)
#define TILED(type, activation) multiply_tiles(dense, type, activation, inputs, rows, from, to, out, out_stride)
#define EACH(way, type) \
    do { \
        if (activation == SWISH) way(type, SWISH); \
        else if (activation == RELU) way(type, RELU); \
        else way(type, LINEAR); \
    } while (0)
    if (dense->type == FLOAT32) EACH(PANELS, FLOAT32);
#if TILES
    else if (dense->type == BFLOAT16) EACH(TILED, BFLOAT16);
    else EACH(TILED, INT8);
#else
    else if (dense->type == BFLOAT16) EACH(PANELS, BFLOAT16);
    else EACH(PANELS, INT8);
#endif
#undef EACH
#undef TILED
#undef PANELS
}

/* out [rows, width] = activation(x W + b), in a room of `input_bytes`. */
static void apply(const Dense *dense, const float *x, word rows, int activation, float *out, void *room) {
    Inputs inputs = prepare(dense, x, rows, room);
    multiply(dense, &inputs, rows, 0, dense->columns, activation, out, dense->width);
}

#endif
