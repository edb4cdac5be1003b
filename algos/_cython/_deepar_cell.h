/* One step of a layer of LSTM cells (Hochreiter and Schmidhuber, "Long short-term memory",
 * Neural Computation 9, 1997; with the forget gate of Gers, Schmidhuber and Cummins, 2000):
 *
 *   i, f, o = σ(z_i, z_f, z_o),   g = tanh(z_g),   z = [x_t, h_{t-1}] W + b
 *   c_t = f c_{t-1} + i g,        h_t = o tanh(c_t)
 *
 * Gates of eight units lie side by side, so that W's columns are
 *   [i_0 … i_7 | f_0 … f_7 | o_0 … o_7 | g_0 … g_7 | i_8 … i_15 | …]
 * and `width`, the number of units, is a multiple of 8. Units that only pad have weights 0: they
 * stay 0, and so do their gradients.
 */
#ifndef ALGOS_DEEPAR_CELL_H
#define ALGOS_DEEPAR_CELL_H

#include "_math.h"

#define ALGOS_DEEPAR_UNITS 8 /* side by side */
#define ALGOS_DEEPAR_LEAF ALGOS_CLONES static __attribute__((unused))

/* 1 / (1 + exp(-x)), to 1e-7. Between ±86, so that e is a normal number: 2^(n + r), |r| <= 1/2,
 * is 2^n times a polynomial that interpolates (2^r - 1) / r at Chebyshev's nodes. */
ALGOS_INLINE float algos_deepar_logistic_f32(float x) {
    float y = x * -0x1.715476p+0f;
    y = y < -125.0f ? -125.0f : y;
    y = y > 125.0f ? 125.0f : y;
    const float shifted = y + 0x1.8p23f, r = y - (shifted - 0x1.8p23f);
    float p = 0x1.5ec866p-10f;
    p = p * r + 0x1.3cbf60p-7f;
    p = p * r + 0x1.c6afeep-5f;
    p = p * r + 0x1.ebfa4cp-3f;
    p = p * r + 0x1.62e430p-1f;
    p = p * r + 1.0f;
    const float e = algos_from_bits_f32(algos_to_bits_f32(p) + (algos_to_bits_f32(shifted) << 23));
    return 1.0f / (1.0f + e);
}
ALGOS_INLINE double algos_deepar_logistic_f64(double x) { return algos_logistic_f64(x); }

ALGOS_INLINE float algos_deepar_tanh_f32(float x) {
    return 2.0f * algos_deepar_logistic_f32(2.0f * x) - 1.0f;
}
ALGOS_INLINE double algos_deepar_tanh_f64(double x) {
    return 2.0 * algos_deepar_logistic_f64(2.0 * x) - 1.0;
}

#define ALGOS_DEEPAR_DEFINE_CELL(T, S)                                                       \
    /* z (rows, 4 width) becomes [i f o g]; c may be `before`, tanh_c may be NULL. */        \
    ALGOS_DEEPAR_LEAF void algos_deepar_step_##S(                                            \
        T *restrict z, const T *before, ptrdiff_t rows, ptrdiff_t width, T *c,               \
        T *restrict tanh_c, T *restrict h) {                                                 \
        for (ptrdiff_t u = 0; u < rows * width; u += ALGOS_DEEPAR_UNITS) {                   \
            T *restrict gates = z + 4 * u;                                                   \
            T squashed[ALGOS_DEEPAR_UNITS];                                                  \
            _Pragma("omp simd")                                                              \
            for (int l = 0; l < ALGOS_DEEPAR_UNITS; l++) {                                   \
                const T i = algos_deepar_logistic_##S(gates[l]);                             \
                const T f = algos_deepar_logistic_##S(gates[l + 8]);                         \
                const T o = algos_deepar_logistic_##S(gates[l + 16]);                        \
                const T g = algos_deepar_tanh_##S(gates[l + 24]);                            \
                const T now = f * before[u + l] + i * g;                                     \
                gates[l] = i;                                                                \
                gates[l + 8] = f;                                                            \
                gates[l + 16] = o;                                                           \
                gates[l + 24] = g;                                                           \
                c[u + l] = now;                                                              \
                squashed[l] = algos_deepar_tanh_##S(now);                                    \
                h[u + l] = o * squashed[l];                                                  \
            }                                                                                \
            if (tanh_c != NULL)                                                              \
                memcpy(tanh_c + u, squashed, sizeof(squashed));                              \
        }                                                                                    \
    }                                                                                        \
    /* Gates [i f o g] become dL/dz, and dc = dL/dc_t becomes dL/dc_{t-1}. dL/dh_t comes in  \
     * two parts: from above, and from the step after it. */                                 \
    ALGOS_DEEPAR_LEAF void algos_deepar_step_back_##S(                                       \
        T *restrict z, const T *restrict tanh_c, const T *restrict before,                   \
        const T *restrict above, const T *restrict after, ptrdiff_t rows, ptrdiff_t width,   \
        T *restrict dc) {                                                                    \
        for (ptrdiff_t u = 0; u < rows * width; u += ALGOS_DEEPAR_UNITS) {                   \
            T *restrict gates = z + 4 * u;                                                   \
            _Pragma("omp simd")                                                              \
            for (int l = 0; l < ALGOS_DEEPAR_UNITS; l++) {                                   \
                const T i = gates[l], f = gates[l + 8], o = gates[l + 16];                   \
                const T g = gates[l + 24], t = tanh_c[u + l];                                \
                const T dh = above[u + l] + after[u + l];                                    \
                const T d = dc[u + l] + dh * o * (1 - t * t);                                \
                gates[l] = d * g * i * (1 - i);                                              \
                gates[l + 8] = d * before[u + l] * f * (1 - f);                              \
                gates[l + 16] = dh * t * o * (1 - o);                                        \
                gates[l + 24] = d * i * (1 - g * g);                                         \
                dc[u + l] = d * f;                                                           \
            }                                                                                \
        }                                                                                    \
    }                                                                                        \
    /* Zoneout in expectation, as in prediction: now += rate (before - now). */              \
    ALGOS_DEEPAR_LEAF void algos_deepar_linger_##S(const T *restrict before, T rate,         \
                                                   ptrdiff_t n, T *restrict now) {           \
        for (ptrdiff_t u = 0; u < n; u++)                                                    \
            now[u] += rate * (before[u] - now[u]);                                           \
    }

ALGOS_DEEPAR_DEFINE_CELL(float, f32)
ALGOS_DEEPAR_DEFINE_CELL(double, f64)

#endif
