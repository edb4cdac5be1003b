/* Vectors scaled to length 1, by a sum of squares in double. */
#ifndef ALGOS_UNIT_ROWS_H
#define ALGOS_UNIT_ROWS_H

#include <math.h>

#include "_simd.h"

/* Where squares are no numbers, the largest value is brought near 1 first. */
#define ALGOS_UNIT(NAME, T)                                                                  \
    static int NAME##_scaled(const T *x, ptrdiff_t n, T *out) {                              \
        double peak = 0, total = 0;                                                          \
        int exponent;                                                                        \
        for (ptrdiff_t i = 0; i < n; i++)                                                    \
            peak = fmax(peak, fabs((double)x[i]));                                           \
        frexp(peak, &exponent);                                                              \
        for (ptrdiff_t i = 0; i < n; i++) {                                                  \
            const double t = ldexp((double)x[i], -exponent);                                 \
            total += t * t;                                                                  \
        }                                                                                    \
        for (ptrdiff_t i = 0; i < n; i++)                                                    \
            out[i] = peak > 0 ? (T)(ldexp((double)x[i], -exponent) / sqrt(total)) : (T)0;    \
        return peak > 0;                                                                     \
    }                                                                                        \
                                                                                             \
    /* Write x / ||x||, or zeros if x is all zero; return whether it has a direction. */     \
    ALGOS_CLONES                                                                             \
    static int NAME(const T *x, ptrdiff_t n, T *out) {                                       \
        double total = 0;                                                                    \
        _Pragma("omp simd reduction(+ : total)") for (ptrdiff_t i = 0; i < n; i++)           \
            total += (double)x[i] * (double)x[i];                                            \
        if (!(total > 1e-200 && total < 1e200))                                              \
            return NAME##_scaled(x, n, out);                                                 \
        const double norm = sqrt(total);                                                     \
        for (ptrdiff_t i = 0; i < n; i++)                                                    \
            out[i] = (T)((double)x[i] / norm);                                               \
        return 1;                                                                            \
    }

ALGOS_UNIT(algos_unit_float, float)
ALGOS_UNIT(algos_unit_double, double)

#endif
