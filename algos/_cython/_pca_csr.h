/* Rows of a CSR matrix against vectors that stand in strips of 8, summed up in double.
 *
 *   panel  the l vectors of length d, strip by strip: panel[strip][column][8]
 *   out    the same layout, of doubles
 *
 * A strip fills one cache line of the result, and is a chain of operations of its own.
 */
#ifndef ALGOS_PCA_CSR_H
#define ALGOS_PCA_CSR_H

#include <Python.h>
#include "_simd.h"

#define ALGOS_STRIP 8

typedef double algos_strip __attribute__((vector_size(64), aligned(8)));

#define ALGOS_CSR_ROWS(T, I, name)                                                           \
    /* acc += sum of x_j panel[j] over the nonzeros of a row */                              \
    ALGOS_INLINE algos_strip name##_row(const T *restrict x, const I *restrict column,       \
                                        Py_ssize_t nonzeros, const double *restrict panel,   \
                                        algos_strip acc) {                                   \
        for (Py_ssize_t p = 0; p < nonzeros; p++)                                            \
            acc += (double)x[p] *                                                            \
                   *(const algos_strip *)(panel + (Py_ssize_t)column[p] * ALGOS_STRIP);      \
        return acc;                                                                          \
    }                                                                                        \
    /* out += X' z and sums = the sum of z, where z = X panel - center, for one strip */     \
    ALGOS_CLONES static void name##_power(                                                   \
        const T *restrict data, const I *restrict indices, const I *restrict indptr,         \
        Py_ssize_t n, const double *restrict panel, const double *restrict center,           \
        double *restrict out, double *restrict sums) {                                       \
        algos_strip total = {0};                                                             \
        for (Py_ssize_t i = 0; i < n; i++) {                                                 \
            const Py_ssize_t start = (Py_ssize_t)indptr[i], end = (Py_ssize_t)indptr[i + 1]; \
            const algos_strip z =                                                            \
                name##_row(data + start, indices + start, end - start, panel,                \
                           -*(const algos_strip *)center);                                   \
            total += z;                                                                      \
            for (Py_ssize_t p = start; p < end; p++)                                         \
                *(algos_strip *)(out + (Py_ssize_t)indices[p] * ALGOS_STRIP) +=              \
                    (double)data[p] * z;                                                     \
        }                                                                                    \
        *(algos_strip *)sums = total;                                                        \
    }                                                                                        \
    /* out[i][:k] = X panel - center, for rows [start, end) */                               \
    ALGOS_CLONES static void name##_project(                                                 \
        const T *restrict data, const I *restrict indices, const I *restrict indptr,         \
        Py_ssize_t start, Py_ssize_t end, Py_ssize_t d, const double *restrict panel,        \
        const double *restrict center, Py_ssize_t k, T *restrict out) {                      \
        for (Py_ssize_t i = start; i < end; i++) {                                           \
            const Py_ssize_t first = (Py_ssize_t)indptr[i];                                  \
            const Py_ssize_t nonzeros = (Py_ssize_t)indptr[i + 1] - first;                   \
            for (Py_ssize_t j = 0; j < k; j += ALGOS_STRIP) {                                \
                const algos_strip z =                                                        \
                    name##_row(data + first, indices + first, nonzeros, panel + j * d,       \
                               -*(const algos_strip *)(center + j));                         \
                for (Py_ssize_t c = 0; c < ALGOS_STRIP && j + c < k; c++)                    \
                    out[i * k + j + c] = (T)z[c];                                            \
            }                                                                                \
        }                                                                                    \
    }

ALGOS_CSR_ROWS(float, int32_t, algos_csr_f32_i32)
ALGOS_CSR_ROWS(float, int64_t, algos_csr_f32_i64)
ALGOS_CSR_ROWS(double, int32_t, algos_csr_f64_i32)
ALGOS_CSR_ROWS(double, int64_t, algos_csr_f64_i64)

#endif
