/* Vectors as wide as the processor's, and the few functions of them that the engine needs.

   gcc's and clang's vector types, which they know for every processor; x86 intrinsics only where there is no other way to
   an instruction. Vectors in memory are aligned by an element at most. */

#ifndef VECTORS_H
#define VECTORS_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "interface.h"

/* Between always-inlined functions no vector is passed in a register, so it does not matter how gcc would pass it. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif

/* Sums and highest numbers are taken in so many parts on every processor, in one order: so the bits are the same. Where vectors
   are shorter, PARTS of them stand for one. */
#define WIDTH 16
#define PARTS (WIDTH / LANES)

#define VECTOR(type, name) typedef type name __attribute__((vector_size(LANES * sizeof(type)), aligned(sizeof(type)), may_alias))
VECTOR(float, vec);
VECTOR(int32_t, ivec);
VECTOR(uint32_t, uvec);
VECTOR(uint16_t, hvec); /* bfloat16 */
VECTOR(uint8_t, bvec);
VECTOR(int8_t, signed_bvec);
typedef int16_t svec __attribute__((vector_size(LANES * 4), aligned(4), may_alias)); /* two to a word of 32 bits */
typedef uint16_t usvec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

/* A loop over what registers hold: rolled up, it would be held in memory. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE word round_up(word count, word step) { return (count + step - 1) / step * step; }

INLINE vec load(const float *p) { return *(const vec *)p; }
INLINE void store(float *p, vec v) { *(vec *)p = v; }
INLINE vec all(float x) { return x - (vec){}; }
INLINE ivec all_int(int32_t x) { return x - (ivec){}; }

/* Of each lane the one or the other; vectors of eight are two of NEON's, and gcc would go from lane to lane. */
#ifdef __ARM_NEON
INLINE vec either(vec a, vec b, int least) {
    union {
        vec whole;
        float32x4_t half[2];
    } one = {a}, other = {b};
    for (int i = 0; i < 2; i++) {
        uint32x4_t first = least ? vcltq_f32(one.half[i], other.half[i]) : vcgtq_f32(one.half[i], other.half[i]);
        one.half[i] = vbslq_f32(first, one.half[i], other.half[i]);
    }
    return one.whole;
}
#else
INLINE vec either(vec a, vec b, int least) {
    ivec m = least ? a < b : a > b;
    return (vec)(((ivec)a & m) | ((ivec)b & ~m));
}
#endif

INLINE vec larger(vec a, vec b) {
#if LANES == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return either(a, b, 0);
#endif
}

INLINE vec magnitude(vec x) { return (vec)((ivec)x & 0x7fffffff); }

INLINE vec smaller(vec a, vec b) {
#if LANES == 16
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return either(a, b, 1);
#endif
}

/* The sum of WIDTH numbers: each half is added to the other, until one is left. */
INLINE float total(const vec parts[PARTS]) {
#if LANES == 16
    __m256 v = _mm256_add_ps(_mm512_castps512_ps256((__m512)parts[0]), _mm512_extractf32x8_ps((__m512)parts[0], 1));
#else
    vec v = parts[0] + parts[1];
#endif
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

INLINE int32_t total_int(ivec v) {
#if LANES == 16
    return _mm512_reduce_add_epi32((__m512i)v);
#endif
    int32_t sum = 0;
    for (int i = 0; i < LANES; i++) sum += v[i];
    return sum;
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

/* A bit for each lane, of a mask whose lanes have all bits or none. */
INLINE uint32_t bits_of(ivec mask) {
#if LANES == 16
    return _mm512_movepi32_mask((__m512i)mask);
#elif defined(__AVX__)
    return (uint32_t)_mm256_movemask_ps((__m256)mask);
#else
    uint32_t bits = 0;
    for (int i = 0; i < LANES; i++) bits |= (uint32_t)(mask[i] & 1) << i;
    return bits;
#endif
}

/* All bits of the lanes whose bit is set, of a part of WIDTH bits. */
INLINE ivec spread(uint16_t bits, int part) {
#if LANES == 16
    return (void)part, (ivec)_mm512_movm_epi32(bits);
#else
    return -((all_int(bits >> (part * LANES)) >> (ivec){0, 1, 2, 3, 4, 5, 6, 7}) & 1);
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
    const vec magic = all(12582912.0f);
    vec n[4], p[4];
    for (int i = 0; i < count; i++) x[i] = larger(x[i], all(-80.0f)) * all(1.44269504f);
    for (int i = 0; i < count; i++) n[i] = x[i] + magic;
    for (int i = 0; i < count; i++) x[i] -= n[i] - magic;
    for (int i = 0; i < count; i++) p[i] = all(9.56967497e-3f) * x[i] + all(5.59182479e-2f);
    for (int i = 0; i < count; i++) p[i] = p[i] * x[i] + all(2.40247667e-1f);
    for (int i = 0; i < count; i++) p[i] = p[i] * x[i] + all(6.93121734e-1f);
    for (int i = 0; i < count; i++) p[i] = p[i] * x[i] + all(9.99999236e-1f);
    for (int i = 0; i < count; i++) x[i] = (vec)((ivec)p[i] + ((ivec)n[i] << 23));
}

/* e to the x for |x| < 700, and the natural logarithm of an x > 0: sums of their series in double precision. The system's libraries
   differ in last bits; these are the same everywhere. */
static double exponential_of(double x) {
    double n = rint(x * 1.4426950408889634), r = x - n * 0.693145751953125 - n * 1.4286068203094173e-06, sum = 1;
    for (int i = 16; i; i--) sum = 1 + sum * r / i;
    return ldexp(sum, (int)n);
}
static double logarithm_of(double x) {
    int n;
    double m = frexp(x, &n), s = (m - 0.7071067811865476) / (m + 0.7071067811865476), sum = 0;
    for (int i = 25; i > 0; i -= 2) sum = sum * s * s + 1.0 / i;
    return (n - 0.5) * 0.6931471805599453 + 2 * s * sum;
}

/* x / (1 + e^-x) is max(x, 0) - g(|x|) with g(a) = a / (1 + e^a), which soon is 0: here a parabola p a^2 + q a + r around each of
   SWISH_PARTS places from 0 to SWISH_END, through g at Chebyshev's three nodes of its part; less than 0.0001 away from it. */
#define SWISH_PARTS 32
#define SWISH_END 12.0f
__attribute__((unused, aligned(64))) static const float swish_parts[3][SWISH_PARTS] = {
    {-0.249416351f, -0.231490165f, -0.184962973f, -0.126501292f, -0.0721103474f, -0.0307038948f, -0.0039340849f, 0.0107383709f,
     0.0170706566f, 0.0183970053f, 0.0171096232f, 0.0147119323f, 0.0120528648f, 0.00955900643f, 0.00740839355f, 0.00564443273f,
     0.00424459577f, 0.00315919961f, 0.00233188085f, 0.00170946599f, 0.0012460039f, 0.000903760141f, 0.000652758463f, 0.000469731924f,
     0.000336926372f, 0.000240970156f, 0.000171895794f, 0.000122335143f, 8.68791103e-05f, 6.15798854e-05f, 4.35704787e-05f, 3.07778027e-05f},
    {0.5f, 0.491234839f, 0.436098039f, 0.322791874f, 0.17593804f, 0.0324655771f, -0.080797255f, -0.154096127f,
     -0.19052279f, -0.199060932f, -0.189502478f, -0.169980779f, -0.146307126f, -0.122188106f, -0.0997307673f, -0.0799489766f,
     -0.0631688535f, -0.0493187979f, -0.0381220393f, -0.0292169116f, -0.0222273935f, -0.0168011505f, -0.0126272999f, -0.009442145f,
     -0.0070281853f, -0.00520975422f, -0.00384728657f, -0.00283135846f, -0.00207711197f, -0.00151934498f, -0.00110835466f, -0.000806511962f},
    {0.0f, 0.00108024827f, 0.017552333f, 0.0726337582f, 0.171926752f, 0.296334505f, 0.41621694f, 0.507802546f,
     0.560204446f, 0.573942602f, 0.556198061f, 0.516454995f, 0.463755131f, 0.40543139f, 0.346798182f, 0.291332394f,
     0.241041422f, 0.196855143f, 0.15896894f, 0.127114758f, 0.100760922f, 0.079251729f, 0.0618994609f, 0.0480413362f,
     0.0370715037f, 0.0284561031f, 0.0217373446f, 0.0165308956f, 0.0125195654f, 0.00944524538f, 0.00710040051f, 0.00531986961f},
};

/* The numbers of a table of SWISH_PARTS at these places. */
INLINE vec look_up(const float *table, ivec places) {
#if LANES == 16
    return (vec)_mm512_permutex2var_ps(_mm512_load_ps(table), (__m512i)places, _mm512_load_ps(table + 16));
#elif defined(__AVX2__)
    return (vec)_mm256_i32gather_ps(table, (__m256i)places, sizeof *table);
#else
    vec found;
    for (int i = 0; i < LANES; i++) found[i] = table[places[i]];
    return found;
#endif
}

INLINE vec rough_swish(vec x) {
    vec a = smaller(magnitude(x), all(SWISH_END));
    ivec place = nearest(a * all((SWISH_PARTS - 1) / SWISH_END));
    vec parabola = (look_up(swish_parts[0], place) * a + look_up(swish_parts[1], place)) * a + look_up(swish_parts[2], place);
    return larger(x, all(0.0f)) - parabola;
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

#endif
