/* exp, log, log1p and the logistic function, free of branches: loops over them become vectors.
 *
 * For float32 and float64. Errors, in units in the last place: exp 1, log 1, log1p 2, over
 * all numbers, with subnormal results rounded twice. Beyond the range exp gives 0 and
 * infinity, log of 0 is -infinity and of less NaN, and NaN stays NaN. Call them inside
 * ALGOS_CLONES functions (_simd.h).
 *
 *   exp    x = n log 2 + r, |r| <= log(2)/2, and a polynomial that interpolates
 *          (exp(r) - 1 - r) / r² at Chebyshev's nodes
 *   log    x = 2^k m, sqrt(1/2) <= m < sqrt(2), s = (m - 1) / (m + 1), and the same for
 *          (2 artanh(s) - 2 s) / s³ by s²
 */
#ifndef ALGOS_MATH_H
#define ALGOS_MATH_H

#include <math.h>
#include <stdint.h>
#include "_simd.h"

typedef union {
    float value;
    uint32_t bits;
} algos_bits_f32;
typedef union {
    double value;
    uint64_t bits;
} algos_bits_f64;

ALGOS_INLINE float algos_from_bits_f32(uint32_t bits) {
    algos_bits_f32 both;
    both.bits = bits;
    return both.value;
}
ALGOS_INLINE uint32_t algos_to_bits_f32(float value) {
    algos_bits_f32 both;
    both.value = value;
    return both.bits;
}
ALGOS_INLINE double algos_from_bits_f64(uint64_t bits) {
    algos_bits_f64 both;
    both.bits = bits;
    return both.value;
}
ALGOS_INLINE uint64_t algos_to_bits_f64(double value) {
    algos_bits_f64 both;
    both.value = value;
    return both.bits;
}

ALGOS_INLINE float algos_abs_f32(float x) { return __builtin_fabsf(x); }
ALGOS_INLINE double algos_abs_f64(double x) { return __builtin_fabs(x); }

ALGOS_INLINE float algos_exp_series_f32(float r) {
    float p = 0x1.6d117cp-10f;
    p = p * r + 0x1.120be2p-7f;
    p = p * r + 0x1.555518p-5f;
    p = p * r + 0x1.5554dcp-3f;
    p = p * r + 0.5f;
    return p;
}

ALGOS_INLINE double algos_exp_series_f64(double r) {
    double p = 0x1.af390ba7e6f47p-26;
    p = p * r + 0x1.2891d4ffbb0f9p-22;
    p = p * r + 0x1.71de0d85293b8p-19;
    p = p * r + 0x1.a019b8ca26fcfp-16;
    p = p * r + 0x1.a01a01a7cebcdp-13;
    p = p * r + 0x1.6c16c1789d1d7p-10;
    p = p * r + 0x1.11111111109a6p-7;
    p = p * r + 0x1.5555555553d37p-5;
    p = p * r + 0x1.5555555555556p-3;
    p = p * r + 0x1.0000000000001p-1;
    return p;
}

ALGOS_INLINE float algos_log_series_f32(float z) {
    float p = 0x1.2ee8c8p-2f;
    p = p * z + 0x1.997c22p-2f;
    p = p * z + 0x1.55555cp-1f;
    return p;
}

ALGOS_INLINE double algos_log_series_f64(double z) {
    double p = 0x1.2b5f68a50d903p-3;
    p = p * z + 0x1.39fdcceb4bb45p-3;
    p = p * z + 0x1.7462b91b8df65p-3;
    p = p * z + 0x1.c71c62d5e53e0p-3;
    p = p * z + 0x1.2492492dfd86cp-2;
    p = p * z + 0x1.9999999995273p-2;
    p = p * z + 0x1.5555555555558p-1;
    return p;
}

ALGOS_INLINE float algos_log1p_series_f32(float z) {
    float p = 0x1.130378p-2f;
    p = p * z + 0x1.2122b0p-2f;
    p = p * z + 0x1.99ad7cp-2f;
    p = p * z + 0x1.55554cp-1f;
    return p;
}

ALGOS_INLINE double algos_log1p_series_f64(double z) {
    double p = 0x1.4b38f5f00932ap-3;
    p = p * z + 0x1.684e456fabd5dp-4;
    p = p * z + 0x1.eb9904569e5bep-4;
    p = p * z + 0x1.10ac017455d97p-3;
    p = p * z + 0x1.3b18b9ae91151p-3;
    p = p * z + 0x1.745cf07017f6bp-3;
    p = p * z + 0x1.c71c72728d141p-3;
    p = p * z + 0x1.24924923d2aacp-2;
    p = p * z + 0x1.999999999a3f6p-2;
    p = p * z + 0x1.5555555555555p-1;
    return p;
}

/* LOW, HIGH   beyond them exp is 0 and infinity
 * SHIFTER     1.5 * 2^MANTISSA: a number added to it is rounded to an integer, in the low bits
 * LOG2_HI + LOG2_LO = log 2, LOG2_HI times any exponent being exact
 * HALF        the bits of sqrt(1/2)    LEAST, LIFT   the least normal number; 2^(MANTISSA + 2) */
#define ALGOS_DEFINE_MATH(T, S, U, MANTISSA, BIAS, LOW, HIGH, SHIFTER, LOG2_HI, LOG2_LO,      \
                          HALF, ONE, LEAST, LIFT)                                            \
    ALGOS_INLINE T algos_exp_##S(T x) {                                                      \
        x = x < LOW ? LOW : x;                                                               \
        x = x > HIGH ? HIGH : x;                                                             \
        const T shifted = x * (T)1.4426950408889634074 + SHIFTER;                            \
        const T n = shifted - SHIFTER;                                                       \
        const T r = (x - n * (T)LOG2_HI) - n * (T)LOG2_LO;                                   \
        const T p = (T)1 + (r + r * r * algos_exp_series_##S(r));                            \
        /* 2^n in two factors, either of them a normal number */                             \
        const U biased = algos_to_bits_##S(shifted) - algos_to_bits_##S(SHIFTER) + 4 * BIAS; \
        const U half = biased >> 1;                                                          \
        const T first = algos_from_bits_##S((half - BIAS) << MANTISSA);                      \
        const T second = algos_from_bits_##S((biased - half - BIAS) << MANTISSA);            \
        return p * first * second;                                                           \
    }                                                                                        \
    ALGOS_INLINE T algos_log_##S(T x) {                                                      \
        const int tiny = x < LEAST;                                                          \
        const T lifted = tiny ? x * LIFT : x;                                                \
        const U u = algos_to_bits_##S(lifted) + (ONE - HALF);                                \
        const T m = algos_from_bits_##S((u & (((U)1 << MANTISSA) - 1)) + HALF);              \
        /* the exponent as a number: on top of the bits of SHIFTER */                        \
        T k = algos_from_bits_##S((u >> MANTISSA) + algos_to_bits_##S(SHIFTER)) -            \
              (SHIFTER + (T)BIAS);                                                           \
        k = tiny ? k - (T)(MANTISSA + 2) : k;                                                \
        const T f = m - 1, s = f / (2 + f), z = s * s;                                       \
        T y = f - s * (f - z * algos_log_series_##S(z));                                     \
        y = (y + k * (T)LOG2_LO) + k * (T)LOG2_HI;                                           \
        y = x == 0 ? -(T)INFINITY : y;                                                       \
        y = x < 0 ? (T)NAN : y;                                                              \
        return x < (T)INFINITY ? y : x; /* infinity and NaN */                               \
    }                                                                                        \
    ALGOS_INLINE T algos_log1p_##S(T x) {                                                    \
        const T u = 1 + x;                                                                   \
        const T lost = x - (u - 1); /* by rounding u */                                      \
        const T y = algos_log_##S(u) + lost / u;                                             \
        return u > 0 && u < (T)INFINITY ? y : algos_log_##S(u);                              \
    }                                                                                        \
    /* log(1 + x) for x in [0, 1], and 1 / (1 + x): with one division, s = x / (2 + x) */    \
    ALGOS_INLINE T algos_log1p_unit_##S(T x, T *inverse) {                                   \
        const T over = 1 / ((1 + x) * (2 + x));                                              \
        const T s = x * (1 + x) * over, z = s * s;                                           \
        *inverse = (2 + x) * over;                                                           \
        return 2 * s + s * (z * algos_log1p_series_##S(z));                                  \
    }                                                                                        \
    /* 1 / (1 + exp(-x)) */                                                                  \
    ALGOS_INLINE T algos_logistic_##S(T x) {                                                 \
        const T e = algos_exp_##S(-algos_abs_##S(x));                                        \
        return (x < 0 ? e : (T)1) / (1 + e);                                                 \
    }

ALGOS_DEFINE_MATH(float, f32, uint32_t, 23, 127u, -104.0f, 89.0f, 0x1.8p23f, 0x1.62e4p-1,
                  0x1.7f7d1cp-20, 0x3f3504f3u, 0x3f800000u, 0x1p-126f, 0x1p25f)
ALGOS_DEFINE_MATH(double, f64, uint64_t, 52, 1023u, -746.0, 710.0, 0x1.8p52, 0x1.62e42feep-1,
                  0x1.a39ef35793c76p-33, 0x3fe6a09e667f3bcdu, 0x3ff0000000000000u, 0x1p-1022,
                  0x1p54)

#endif
