/* What PCA sums up over CSR rows (_csr.h): products with few vectors, moments, X' X.
 *
 * The vectors stand in strips of 8, each a chain of operations of its own:
 *
 *   panel  the l vectors of length d, strip by strip: panel[strip][column][8]
 *   out    the same layout
 *
 * Sums are made in double. The short power step does with float32 where terms need no more:
 * a column's vectors and the sums that they go into share a cache line, so that a stored
 * value costs half as many, and sums go on in double before they are long.
 */
#ifndef ALGOS_PCA_CSR_H
#define ALGOS_PCA_CSR_H

#include <Python.h>
#include "_csr.h"
#include "_simd.h"

#define ALGOS_STRIP 8     /* in a cache line of doubles */
#define ALGOS_RUN 256     /* values of a row that are summed up in float32 */
#define ALGOS_MEAN_RUN 128 /* values that a column has, on average, in such a sum */

typedef double algos_strip __attribute__((vector_size(64), aligned(8)));
typedef float algos_short __attribute__((vector_size(32), aligned(32)));

typedef struct {
    algos_short vectors, sums;
} algos_line;

typedef struct {
    /* rows [start, end): out += X' z, sums = the sum of z, z = X panel - center; one strip */
    void (*power)(const algos_csr *, Py_ssize_t, Py_ssize_t, const double *, const double *,
                  double *, double *);
    /* the same in float32, with room for a line a column */
    void (*short_power)(const algos_csr *, Py_ssize_t, Py_ssize_t, const double *,
                        const double *, algos_line *, double *, double *);
    /* rows [start, end): out[row][:k] = X panel - center */
    void (*project)(const algos_csr *, Py_ssize_t, Py_ssize_t, const double *, const double *,
                    Py_ssize_t, void *);
    /* rows [start, end): number of values, their sum and squares less the shift, by column */
    void (*moments)(const algos_csr *, Py_ssize_t, Py_ssize_t, const double *, double *);
    /* all rows: scatter[low:high] of the upper triangle of X' X, the values less the shift */
    void (*scatter)(const algos_csr *, Py_ssize_t, Py_ssize_t, const double *, double *);
} algos_pca_csr;

#define ALGOS_T float
#define ALGOS_INDEX int32_t
#define ALGOS_NAME(f) algos_pca_csr_f32_i32_##f
#include "_pca_csr_impl.h"
#undef ALGOS_INDEX
#undef ALGOS_NAME
#define ALGOS_INDEX int64_t
#define ALGOS_NAME(f) algos_pca_csr_f32_i64_##f
#include "_pca_csr_impl.h"
#undef ALGOS_T
#undef ALGOS_INDEX
#undef ALGOS_NAME

#define ALGOS_T double
#define ALGOS_INDEX int32_t
#define ALGOS_NAME(f) algos_pca_csr_f64_i32_##f
#include "_pca_csr_impl.h"
#undef ALGOS_INDEX
#undef ALGOS_NAME
#define ALGOS_INDEX int64_t
#define ALGOS_NAME(f) algos_pca_csr_f64_i64_##f
#include "_pca_csr_impl.h"
#undef ALGOS_T
#undef ALGOS_INDEX
#undef ALGOS_NAME

static inline const algos_pca_csr *algos_pca_csr_of(int single, int narrow) {
    if (single)
        return narrow ? &algos_pca_csr_f32_i32_table : &algos_pca_csr_f32_i64_table;
    return narrow ? &algos_pca_csr_f64_i32_table : &algos_pca_csr_f64_i64_table;
}

#endif
