/* What a decoding step does besides its matrix products, each row by itself: no result depends on what else is computed.

   Plain C with vectors of eight floats, which gcc and clang know for every processor; they are never aligned by more than
   a float. All widths are multiples of eight. Every sum is taken in an order that its own row alone decides. */

#include <math.h>
#include <stdint.h>

typedef float vec __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(32), aligned(4), may_alias));
typedef int64_t word;

#define LANES 8
#define BLOCK 64

static inline vec load(const float *p) { return *(const vec *)p; }
static inline void store(float *p, vec v) { *(vec *)p = v; }
static inline vec all(float x) { return (vec){x, x, x, x, x, x, x, x}; }
static inline vec larger(vec a, vec b) { ivec m = a > b; return (vec)(((ivec)a & m) | ((ivec)b & ~m)); }
static inline float total(vec v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
static inline float largest(vec v) {
    float best = v[0];
    for (int i = 1; i < LANES; i++) best = v[i] > best ? v[i] : best;
    return best;
}

/* e to the x for x <= 88, to two units in the last place; what is below -87 gives e to the -87.
   x = n ln 2 + r, and a polynomial in r: Cephes' expf, https://www.netlib.org/cephes/ */
static inline vec exponential(vec x) {
    const vec magic = all(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    x = larger(x, all(-87.0f));
    vec shifted = x * all(1.44269504f) + magic, n = shifted - magic;
    vec r = x - n * all(0.693359375f) + n * all(2.12194440e-4f);
    vec p = all(1.9875691500e-4f);
    p = p * r + all(1.3981999507e-3f);
    p = p * r + all(8.3334519073e-3f);
    p = p * r + all(4.1665795894e-2f);
    p = p * r + all(1.6666665459e-1f);
    p = p * r + all(5.0000001201e-1f);
    p = p * r * r + r + all(1.0f);
    return (vec)((ivec)p + (((ivec)shifted - (ivec)magic) << 23));
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

/* One head's query over the columns listed. */
static inline __attribute__((always_inline)) void attend_head(float *out, const float *query, const float *keys,
                                                              const float *values, const int32_t *columns, word n,
                                                              word head, word step, float *scores) {
    for (word i = 0; i < n; i++) {
        const float *key = keys + columns[i] * step;
        vec sum = load(query) * load(key);
        for (word j = LANES; j < head; j += LANES) sum += load(query + j) * load(key + j);
        scores[i] = total(sum);
    }
    vec scale = all(shares(scores, n)), mixed[16];
    for (word j = 0; j < head / LANES; j++) mixed[j] = all(0.0f);
    for (word i = 0; i < n; i++) {
        const float *value = values + columns[i] * step;
        vec share = all(scores[i]);
        for (word j = 0; j < head / LANES; j++) mixed[j] += share * load(value + j * LANES);
    }
    for (word j = 0; j < head / LANES; j++) store(out + j * LANES, mixed[j] * scale);
}

/* Attention of each (slot, query, head). Queries of a row stand `query_row` apart, keys and values as the strides say, in
   floats. A slot's first lengths[slot] columns count, of them only those where mask[slot][query][column] is 0, if there is a mask.
   `scores` and `columns` have room for the longest row and eight more. Out: [slots, queries, heads, head]. */
void attend(float *out, const float *query, const float *keys, const float *values, const float *mask,
            const word *lengths, const word *sizes, float *scores, int32_t *columns) {
    word slots = sizes[0], queries = sizes[1], heads = sizes[2], head = sizes[3], query_row = sizes[4];
    word slot_step = sizes[5], head_step = sizes[6], step = sizes[7], mask_slot = sizes[8], mask_row = sizes[9];
    for (word slot = 0; slot < slots; slot++) {
        word length = lengths[slot];
        if (!mask) for (word i = 0; i < length; i++) columns[i] = (int32_t)i;
        for (word q = 0; q < queries; q++) {
            word n = length, row = slot * queries + q;
            if (mask) {
                const float *own = mask + slot * mask_slot + q * mask_row;
                n = 0;
                for (word i = 0; i < length; i++) {
                    columns[n] = (int32_t)i;
                    n += own[i] == 0.0f;
                }
            }
            for (word h = 0; h < heads; h++) {
                const float *k = keys + slot * slot_step + h * head_step, *v = values + slot * slot_step + h * head_step;
                const float *asked = query + row * query_row + h * head;
                float *place = out + (row * heads + h) * head;
                if (head == 32) attend_head(place, asked, k, v, columns, n, 32, step, scores);
                else if (head == 64) attend_head(place, asked, k, v, columns, n, 64, step, scores);
                else attend_head(place, asked, k, v, columns, n, head, step, scores);
            }
        }
    }
}

/* Keys and values out of fused[row][3][heads][head] into column own[row] of each slot's caches. */
void remember(float *keys, float *values, const float *fused, const word *own, const word *sizes) {
    word slots = sizes[0], beams = sizes[1], heads = sizes[2], head = sizes[3], slot_step = sizes[4], head_step = sizes[5];
    word d = heads * head;
    for (word row = 0; row < slots * beams; row++) {
        word start = row / beams * slot_step + own[row] * head;
        const float *from = fused + row * 3 * d + d;
        for (word h = 0; h < heads; h++)
            for (word j = 0; j < head; j += LANES) {
                store(keys + start + h * head_step + j, load(from + h * head + j));
                store(values + start + h * head_step + j, load(from + d + h * head + j));
            }
    }
}

/* The `count` highest logits of each row in falling order (of equals the first), their tokens, and the logarithms of the
   sums of the exponentials: without the barred tokens, and with them. The barred logits become minus infinity. */
void choose(float *logits, word rows, word width, word count, const word *barred, word bars, float *best, word *tokens,
            float *allowed, float *everything) {
    for (word row = 0; row < rows; row++, logits += width, best += count, tokens += count) {
        float taken[bars + 1];
        for (word i = 0; i < bars; i++) taken[i] = logits[barred[i]], logits[barred[i]] = -INFINITY;
        for (word i = 0; i < count; i++) best[i] = -INFINITY, tokens[i] = 0;
        for (word block = 0; block < width; block += BLOCK) {
            vec most = load(logits + block);
            for (word i = LANES; i < BLOCK; i += LANES) most = larger(load(logits + block + i), most);
            if (!(largest(most) > best[count - 1])) continue;
            for (word token = block; token < block + BLOCK; token++) {
                float logit = logits[token];
                if (!(logit > best[count - 1])) continue;
                word place = count - 1;
                for (; place && logit > best[place - 1]; place--)
                    best[place] = best[place - 1], tokens[place] = tokens[place - 1];
                best[place] = logit, tokens[place] = token;
            }
        }
        vec high = all(best[0]), even = all(0.0f), odd = all(0.0f);
        for (word i = 0; i < width; i += 2 * LANES) {
            even += exponential(load(logits + i) - high);
            odd += exponential(load(logits + i + LANES) - high);
        }
        float sum = total(even + odd);
        allowed[row] = logf(sum) + best[0];
        for (word i = 0; i < bars; i++) sum += expf(taken[i] - best[0]);
        everything[row] = logf(sum) + best[0];
    }
}

/* out = x over its row's scale, which makes the row's largest `levels`. */
void quantise(float *out, float *scales, const float *x, word rows, word width, float levels) {
    for (word row = 0; row < rows; row++, x += width, out += width) {
        vec most = all(1e-12f);
        for (word i = 0; i < width; i += LANES) most = larger(larger(load(x + i), -load(x + i)), most);
        scales[row] = largest(most) / levels;
        vec factor = all(levels / largest(most));
        for (word i = 0; i < width; i += LANES) store(out + i, load(x + i) * factor);
    }
}

/* out = activation(x times its row's scale + bias); no scales: x as it is. Activations: 0 none, 1 swish, 2 relu. */
void finish(float *out, const float *x, const float *scales, const float *bias, word rows, word width, word activation) {
    for (word row = 0; row < rows; row++, x += width, out += width) {
        vec scale = all(scales ? scales[row] : 1.0f);
        for (word i = 0; i < width; i += LANES) {
            vec y = load(x + i);
            if (scales) y = y * scale + load(bias + i);
            if (activation == 1) y = y / (all(1.0f) + exponential(-larger(y, all(-87.0f))));
            if (activation == 2) y = larger(y, all(0.0f));
            store(out + i, y);
        }
    }
}

/* out = layer normalisation of x + before; epsilon as torch.nn.LayerNorm has it. */
void normalise(float *out, float *x, const float *before, const float *weight, const float *bias, word rows, word width) {
    for (word row = 0; row < rows; row++, x += width, before += width, out += width) {
        vec sum = all(0.0f), squares = all(0.0f);
        for (word i = 0; i < width; i += LANES) {
            vec y = load(x + i) + load(before + i);
            store(x + i, y);
            sum += y;
        }
        vec mean = all(total(sum) / (float)width);
        for (word i = 0; i < width; i += LANES) {
            vec y = load(x + i) - mean;
            squares += y * y;
        }
        vec rate = all(1.0f / sqrtf(total(squares) / (float)width + 1e-5f));
        for (word i = 0; i < width; i += LANES)
            store(out + i, (load(x + i) - mean) * rate * load(weight + i) + load(bias + i));
    }
}
