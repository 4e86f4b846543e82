/* Vectors as wide as the processor's, and the few functions of them that the engine needs.

   gcc's and clang's vector types, which they know for every processor; x86 intrinsics only where there is no other way to
   an instruction. Vectors in memory are aligned by an element at most. */

#ifndef VECTORS_H
#define VECTORS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#endif

typedef int64_t word;

#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif

#define VECTOR(type, name) typedef type name __attribute__((vector_size(LANES * sizeof(type)), aligned(sizeof(type)), may_alias))
VECTOR(float, vec);
VECTOR(int32_t, ivec);
VECTOR(uint32_t, uvec);
VECTOR(uint16_t, hvec); /* bfloat16 */
VECTOR(uint8_t, bvec);

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p) { return *(const vec *)p; }
INLINE void store(float *p, vec v) { *(vec *)p = v; }
INLINE vec all(float x) { return x - (vec){}; }
INLINE ivec all_int(int32_t x) { return x - (ivec){}; }

INLINE vec larger(vec a, vec b) {
#if LANES == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    ivec m = a > b;
    return (vec)(((ivec)a & m) | ((ivec)b & ~m));
#endif
}

INLINE vec magnitude(vec x) { return (vec)((ivec)x & 0x7fffffff); }

INLINE float total(vec v) {
#if LANES == 16
    return _mm512_reduce_add_ps((__m512)v);
#else
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
#endif
}

INLINE float largest(vec v) {
#if LANES == 16
    return _mm512_reduce_max_ps((__m512)v);
#else
    float best = v[0];
    for (int i = 1; i < LANES; i++) best = v[i] > best ? v[i] : best;
    return best;
#endif
}

/* All bits of the lanes whose bit is set. */
INLINE ivec spread(uint16_t bits) {
#if LANES == 16
    return (ivec)_mm512_movm_epi32(bits);
#else
    return -((all_int(bits) >> (ivec){0, 1, 2, 3, 4, 5, 6, 7}) & 1);
#endif
}

/* The nearest integer to each number, of two equally near the even one, for numbers below 2^22: adding 1.5 * 2^23 rounds. */
INLINE ivec nearest(vec x) {
#if LANES == 16
    return (ivec)_mm512_cvtps_epi32((__m512)x);
#endif
    const vec magic = all(12582912.0f);
    return (ivec)(x + magic) - (ivec)magic;
}

/* e to the x for x <= 88, to two units in the last place; what is below -80 gives e to the -80, of which even a small share is no denormal number: those are slow.
   x = n ln 2 + r, and a polynomial in r: Cephes' expf, https://www.netlib.org/cephes/ */
INLINE vec exponential(vec x) {
    const vec magic = all(12582912.0f);
    x = larger(x, all(-80.0f));
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

/* e to the x of several vectors, in their place (four at most), as above but to seven millionths (a minimax polynomial): for what is rounded
   to bfloat16 or int8 anyway. Step by step for all of them: one such chain after the other would fill what a processor
   can look ahead. */
INLINE void rough_exponentials(vec *x, int count) {
#if LANES == 16
    vec n[4], p[4];
    for (int i = 0; i < count; i++) x[i] = larger(x[i], all(-80.0f)) * all(1.44269504f);
    for (int i = 0; i < count; i++) n[i] = (vec)_mm512_roundscale_ps((__m512)x[i], 0);
    for (int i = 0; i < count; i++) x[i] -= n[i];
    for (int i = 0; i < count; i++) p[i] = all(9.56967497e-3f) * x[i] + all(5.59182479e-2f);
    for (int i = 0; i < count; i++) p[i] = p[i] * x[i] + all(2.40247667e-1f);
    for (int i = 0; i < count; i++) p[i] = p[i] * x[i] + all(6.93121734e-1f);
    for (int i = 0; i < count; i++) p[i] = p[i] * x[i] + all(9.99999236e-1f);
    for (int i = 0; i < count; i++) x[i] = (vec)_mm512_scalef_ps((__m512)p[i], (__m512)n[i]);
#else
    for (int i = 0; i < count; i++) x[i] = exponential(x[i]);
#endif
}

/* x / (1 + e^-x) is max(x, 0) - g(|x|) with g(a) = a / (1 + e^a), which soon is 0: here a parabola around each of 32 places
   from 0 to 12, less than 0.0001 away from it. */
static float swish_parts[3][32] __attribute__((aligned(64)));

__attribute__((constructor)) static void fit_swish(void) {
    for (int part = 0; part < 32; part++) {
        double a[3], g[3], width = 12.0 / 31, middle = part * width;
        for (int i = 0; i < 3; i++) a[i] = middle + (i - 1) * 0.866 * width / 2, g[i] = a[i] / (1 + exp(a[i])); /* Chebyshev's nodes */
        double slope = (g[1] - g[0]) / (a[1] - a[0]), bend = ((g[2] - g[1]) / (a[2] - a[1]) - slope) / (a[2] - a[0]);
        swish_parts[0][part] = (float)bend;
        swish_parts[1][part] = (float)(slope - bend * (a[0] + a[1]));
        swish_parts[2][part] = (float)(g[0] - slope * a[0] + bend * a[0] * a[1]);
    }
}

INLINE vec rough_swish(vec x) {
#if LANES == 16
    vec a = magnitude(x);
    a = (vec)_mm512_min_ps((__m512)a, _mm512_set1_ps(12.0f));
    __m512i part = (__m512i)(a * all(31.0f / 12) + all(12582912.0f));
#define PART(i) (vec)_mm512_permutex2var_ps(_mm512_load_ps(swish_parts[i]), part, _mm512_load_ps(swish_parts[i] + 16))
    return larger(x, all(0.0f)) - ((PART(0) * a + PART(1)) * a + PART(2));
#undef PART
#else
    return x / (all(1.0f) + exponential(-larger(x, all(-80.0f))));
#endif
}

/* The nearest bfloat16 to each number, of two equally near the even one. */
INLINE hvec to_half(vec x) {
#if LANES == 16 && defined(__AVX512BF16__)
    return (hvec)_mm512_cvtneps_pbh((__m512)x);
#endif
    uvec bits = (uvec)x;
    return __builtin_convertvector((bits + 0x7fff + ((bits >> 16) & 1)) >> 16, hvec);
}

INLINE vec from_half(hvec x) { return (vec)(__builtin_convertvector(x, uvec) << 16); }

INLINE uint16_t half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* Memory that begins at a vector's boundary and grows; what it held is lost when it does. */
typedef struct {
    void *at;
    size_t size;
} Buffer;

/* There is no way back from here to Python. What was committed is kept, so the run ends with a word, like any other error. */
static void *found(void *memory) {
    if (memory) return memory;
    fputs("error: the engine 'native' got no more memory\n"
          "hint: the same command goes on from what is done; --batch-size or --batch-tokens with a smaller number needs less\n", stderr);
    fflush(stderr);
    _exit(1);
}

#define HUGE ((size_t)1 << 21)

/* Aligned memory; where it is much, in pages of 2 MB if the system has them: looking up small ones took longer than reading. */
static void *allocate(size_t bytes) {
    void *at = NULL;
    size_t step = bytes >= HUGE ? HUGE : 64, size = (bytes + step - 1) / step * step;
    if (posix_memalign(&at, step, size ? size : step)) found(NULL);
#ifdef MADV_HUGEPAGE
    if (step == HUGE) madvise(at, size, MADV_HUGEPAGE);
#endif
    return at;
}

static void *reserve(Buffer *buffer, word bytes) {
    if ((size_t)bytes > buffer->size) {
        free(buffer->at);
        buffer->size = (size_t)bytes + (size_t)bytes / 4;
        buffer->at = allocate(buffer->size);
        memset(buffer->at, 0, buffer->size);
    }
    return buffer->at;
}

#endif
