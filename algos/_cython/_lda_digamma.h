/* Digamma ψ, log Γ and exp ψ for x > 0, without branches: loops over them are vectorised. In
 * double they are built from `_gamma.h`.
 *
 * Variational Bayes needs exp ψ, which has a series without logarithms:
 *   exp ψ(z + 1/2) = z + 1/(24 z) - 37/(5760 z³) + 10313/(2903040 z⁵) - 5509121/(1393459200 z⁷)
 * of z = x + 3.5 where x < 4, else z = x - 1/2; so float32 has two parts,
 * exp ψ(x) = E exp(-S) with S = Σ_{i<4} 1 / (x + i) for shifted x, from which the caller
 * removes the common part of all numbers: exp ψ(0.001) itself underflows float32.
 *
 * Errors: E and S 3 units in the last place, ψ 6e-7 of max(1, |ψ|), in double 1e-13 of
 * max(1, |ψ|) and of max(1, |log Γ|). Call them inside ALGOS_CLONES functions (_simd.h).
 */
#ifndef ALGOS_LDA_DIGAMMA_H
#define ALGOS_LDA_DIGAMMA_H

#include "_gamma.h"
#include "_math.h"

#define ALGOS_DIGAMMA_LEAST 1e-30f /* smaller numbers are replaced by it; its ψ is finite */

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
    const algos_stirling s = algos_stirling_of(x);
    const double log_y = algos_log_f64(s.y);
    *log_gamma = (s.y - 0.5) * log_y - s.y + ALGOS_LOG_ROOT_TURN + s.of_gamma -
                 (s.is_lifted ? algos_log_f64(s.left * s.right) : 0);
    return log_y - 0.5 * s.inverse - s.of_psi - (s.is_lifted ? s.sum : 0);
}

#endif
