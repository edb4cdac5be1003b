/* Dense rows against vectors in double, each row by itself: out = offset + (x - shift)·v;
 * the shift may be NULL.
 *
 * A row's result is one chain of operations, whatever rows stand beside it.
 */
#ifndef ALGOS_WIDE_DOTS_H
#define ALGOS_WIDE_DOTS_H

#include <Python.h>
#include "_simd.h"

#define ALGOS_WIDE_DOTS(T, name)                                                             \
    ALGOS_CLONES static void name(const T *restrict x, Py_ssize_t n, Py_ssize_t d,           \
                                  const double *restrict shift, const double *restrict v,    \
                                  const double *restrict offset, Py_ssize_t k,               \
                                  double *restrict out) {                                    \
        for (Py_ssize_t i = 0; i < n; i++)                                                   \
            for (Py_ssize_t j = 0; j < k; j++) {                                             \
                const T *restrict row = x + i * d;                                           \
                const double *restrict vector = v + j * d;                                   \
                double total = 0;                                                            \
                if (shift == NULL) {                                                         \
                    _Pragma("omp simd reduction(+ : total)")                                 \
                    for (Py_ssize_t p = 0; p < d; p++)                                       \
                        total += (double)row[p] * vector[p];                                 \
                } else {                                                                     \
                    _Pragma("omp simd reduction(+ : total)")                                 \
                    for (Py_ssize_t p = 0; p < d; p++)                                       \
                        total += ((double)row[p] - shift[p]) * vector[p];                    \
                }                                                                            \
                out[i * k + j] = total + offset[j];                                          \
            }                                                                                \
    }

ALGOS_WIDE_DOTS(float, algos_wide_dots_f32)
ALGOS_WIDE_DOTS(double, algos_wide_dots_f64)

#endif
