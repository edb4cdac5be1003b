/* Digamma ψ, log Γ and exp ψ for x > 0, free of branches: loops over them become vectors.
 *
 * With x lifted to y = x + m where x is small,
 *   ψ(x) = ψ(y) - Σ_{i<m} 1 / (x + i)       log Γ(x) = log Γ(y) - log Π_{i<m} (x + i)
 * and Stirling's series of y (Abramowitz and Stegun, 6.1.40 and 6.3.18).
 *
 * Variational Bayes wants exp ψ, which has a series that needs no logarithm:
 *   exp ψ(z + 1/2) = z + 1/(24 z) - 37/(5760 z³) + 10313/(2903040 z⁵) - 5509121/(1393459200 z⁷)
 * so float32 comes in two parts, exp ψ(x) = E exp(-S) with S = Σ 1 / (x + i), of which the
 * caller takes out what all of his numbers share: exp ψ(0.001) itself is no float32.
 *
 * Errors: E and S 3 units in the last place, ψ 6e-7 of max(1, |ψ|), in double 1e-13 of
 * max(1, |ψ|) and of max(1, |log Γ|). Call them inside ALGOS_CLONES functions (_simd.h).
 */
#ifndef ALGOS_LDA_DIGAMMA_H
#define ALGOS_LDA_DIGAMMA_H

#include "_math.h"

#define ALGOS_DIGAMMA_LEAST 1e-30f /* smaller numbers are taken for this one, whose ψ is finite */

/* E, and in *below S: exp ψ(x) = E exp(-S). */
ALGOS_INLINE float algos_exp_digamma_f32(float x, float *below) {
    x = x > ALGOS_DIGAMMA_LEAST ? x : ALGOS_DIGAMMA_LEAST;
    const int small = x < 4;
    /* Π_{i<4} (x + i) = u (u + 2) */
    const float u = x * (x + 3);
    const float sum = 2 * (2 * x + 3) * (u + 1) / (u * (u + 2));
    const float z = (small ? x + 4 : x) - 0.5f, r = 1 / z, q = r * r;
    float p = -0x1.0319bp-8f; /* 5509121/1393459200 */
    p = p * q + 0x1.d1a18cp-9f; /* 10313/2903040 */
    p = p * q - 0x1.a4fa5p-8f; /* 37/5760 */
    p = p * q + 0x1.555556p-5f; /* 1/24 */
    *below = small ? sum : 0;
    return z + r * p;
}

ALGOS_INLINE float algos_digamma_f32(float x) {
    float below;
    const float top = algos_exp_digamma_f32(x, &below);
    return algos_log_f32(top) - below;
}

/* ψ, and in *log_gamma log Γ. */
ALGOS_INLINE double algos_digamma_f64(double x, double *log_gamma) {
    const int small = x < 8;
    /* Π_{i<8} (x + i) = u (u + 6) (u + 10) (u + 12) = a b */
    const double u = x * (x + 7), a = u * (u + 6), b = (u + 10) * (u + 12);
    const double sum = (2 * x + 7) * ((2 * u + 6) * b + a * (2 * u + 22)) / (a * b);
    const double y = small ? x + 8 : x, r = 1 / y, q = r * r;
    const double log_y = algos_log_f64(y);
    double p = 1.0 / 132, g = 1.0 / 1188;
    p = p * q - 1.0 / 240;
    p = p * q + 1.0 / 252;
    p = p * q - 1.0 / 120;
    p = p * q + 1.0 / 12;
    g = g * q - 1.0 / 1680;
    g = g * q + 1.0 / 1260;
    g = g * q - 1.0 / 360;
    g = g * q + 1.0 / 12;
    *log_gamma = (y - 0.5) * log_y - y + 0.91893853320467274178 + r * g -
                 (small ? algos_log_f64(a * b) : 0);
    return log_y - 0.5 * r - q * p - (small ? sum : 0);
}

#endif
