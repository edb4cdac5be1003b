/* One step of a layer of LSTM cells (Hochreiter and Schmidhuber, "Long short-term memory",
 * Neural Computation 9, 1997; with the forget gate of Gers, Schmidhuber and Cummins, 2000):
 *
 *   i, f, o = σ(z_i, z_f, z_o),   g = tanh(z_g),   z = [x_t, h_{t-1}] W + b
 *   c_t = f c_{t-1} + i g,        h_t = o tanh(c_t)
 *
 * Gates of eight units are stored side by side, so that W's columns are
 *   [i_0 … i_7 | f_0 … f_7 | g_0 … g_7 | o_0 … o_7 | i_8 … i_15 | …]
 * and `width`, the number of units, is a multiple of 8. Padding units have weights 0: they
 * and their gradients stay 0.
 */
#ifndef ALGOS_DEEPAR_CELL_H
#define ALGOS_DEEPAR_CELL_H

#include "_math.h"

#define ALGOS_DEEPAR_UNITS 8 /* side by side */
#define ALGOS_DEEPAR_LEAF ALGOS_CLONES static __attribute__((unused))

/* exp(-x), with a relative error of 4e-7, kept within 2^±62 so that the product of two is normal:
 * 2^(n + r), |r| <= 1/2, is 2^n times a polynomial that interpolates (2^r - 1) / r at Chebyshev's
 * nodes. Numbers are bounded as integers, negative ones by magnitude: NaN is not preserved. */
ALGOS_INLINE float algos_deepar_power_f32(float x) {
    int32_t y = (int32_t)algos_to_bits_f32(x * -0x1.715476p+0f);
    y = y < 0x42780000 ? y : 0x42780000;
    uint32_t u = (uint32_t)y;
    u = u < 0xc2780000u ? u : 0xc2780000u;
    const float shifted = algos_from_bits_f32(u) + 0x1.8p23f;
    const float r = algos_from_bits_f32(u) - (shifted - 0x1.8p23f);
    float p = 0x1.5ec866p-10f;
    p = p * r + 0x1.3cbf60p-7f;
    p = p * r + 0x1.c6afeep-5f;
    p = p * r + 0x1.ebfa4cp-3f;
    p = p * r + 0x1.62e430p-1f;
    p = p * r + 1.0f;
    return algos_from_bits_f32(algos_to_bits_f32(p) + (algos_to_bits_f32(shifted) << 23));
}
ALGOS_INLINE double algos_deepar_power_f64(double x) {
    x = x < -300 ? -300 : x;
    return algos_exp_f64(-(x > 300 ? 300 : x));
}

#define ALGOS_DEEPAR_DEFINE_CELL(T, S)                                                       \
    /* Two functions σ for one division: σ(x) and σ(y) of x, y = z[0 … 15], z[16 … 31], the  \
     * first half of y doubled for g. What is no finite number becomes NaN. */               \
    ALGOS_INLINE void algos_deepar_squash_##S(T *restrict z) {                               \
        _Pragma("omp simd simdlen(16)")                                                      \
        for (int l = 0; l < 16; l++) {                                                       \
            const T x = z[l], y = z[16 + l];                                                 \
            const T a = 1 + algos_deepar_power_##S(x);                                       \
            const T b = 1 + algos_deepar_power_##S(y * (l < 8 ? 2 : 1));                     \
            const T over = 1 / (a * b);                                                      \
            z[l] = b * over + 0 * x;                                                         \
            z[16 + l] = a * over + 0 * y;                                                    \
        }                                                                                    \
    }                                                                                        \
    /* z (rows, 4 width) becomes [i f g o]; c may be `before`, tanh_c may be NULL. */        \
    ALGOS_DEEPAR_LEAF void algos_deepar_step_##S(                                            \
        T *restrict z, const T *before, ptrdiff_t rows, ptrdiff_t width, T *c,               \
        T *restrict tanh_c, T *restrict h) {                                                 \
        for (ptrdiff_t u = 0; u < rows * width; u += ALGOS_DEEPAR_UNITS)                     \
            algos_deepar_squash_##S(z + 4 * u);                                              \
        for (ptrdiff_t u = 0; u < rows * width; u += ALGOS_DEEPAR_UNITS) {                   \
            T *restrict gates = z + 4 * u;                                                   \
            T squashed[ALGOS_DEEPAR_UNITS];                                                  \
            _Pragma("omp simd")                                                              \
            for (int l = 0; l < ALGOS_DEEPAR_UNITS; l++) {                                   \
                const T g = 2 * gates[l + 16] - 1; /* tanh(x) = 2 σ(2 x) - 1 */              \
                const T now = gates[l + 8] * before[u + l] + gates[l] * g;                   \
                gates[l + 16] = g;                                                           \
                c[u + l] = now;                                                              \
                squashed[l] = 2 / (1 + algos_deepar_power_##S(2 * now)) - 1 + 0 * now;       \
                h[u + l] = gates[l + 24] * squashed[l];                                      \
            }                                                                                \
            if (tanh_c != NULL)                                                              \
                memcpy(tanh_c + u, squashed, sizeof(squashed));                              \
        }                                                                                    \
    }                                                                                        \
    /* Gates [i f g o] become dL/dz, and dc = dL/dc_t becomes dL/dc_{t-1}. dL/dh_t comes in  \
     * two parts: from above, and from the step after it. */                                 \
    ALGOS_DEEPAR_LEAF void algos_deepar_step_back_##S(                                       \
        T *restrict z, const T *restrict tanh_c, const T *restrict before,                   \
        const T *restrict above, const T *restrict after, ptrdiff_t rows, ptrdiff_t width,   \
        T *restrict dc) {                                                                    \
        for (ptrdiff_t u = 0; u < rows * width; u += ALGOS_DEEPAR_UNITS) {                   \
            T *restrict gates = z + 4 * u;                                                   \
            _Pragma("omp simd")                                                              \
            for (int l = 0; l < ALGOS_DEEPAR_UNITS; l++) {                                   \
                const T i = gates[l], f = gates[l + 8], g = gates[l + 16];                   \
                const T o = gates[l + 24], t = tanh_c[u + l];                                \
                const T dh = above[u + l] + after[u + l];                                    \
                const T d = dc[u + l] + dh * o * (1 - t * t);                                \
                gates[l] = d * g * i * (1 - i);                                              \
                gates[l + 8] = d * before[u + l] * f * (1 - f);                              \
                gates[l + 16] = d * i * (1 - g * g);                                         \
                gates[l + 24] = dh * t * o * (1 - o);                                        \
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
