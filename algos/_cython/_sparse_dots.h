/* CSR rows against one vector, or a strip of 8 standing side by side, and their weighted sum.
 *
 *   vectors  v[column], or strip[column][8]: of the rows' type, or of double where `wide`
 *   sums     in double, in the same layout
 *   z        of the vectors' type: z[row], or z[vector * stride + row]
 *
 * One table of functions stands for each type of the values and the indices.
 */
#ifndef ALGOS_SPARSE_DOTS_H
#define ALGOS_SPARSE_DOTS_H

#include <Python.h>
#include "_csr.h"
#include "_simd.h"

#define ALGOS_STRIP 8
#define ALGOS_AHEAD 16 /* values whose cells are asked for */

#define ALGOS_STRIPS(V, S)                                                                   \
    typedef V algos_strip_##S                                                                \
        __attribute__((vector_size(ALGOS_STRIP * sizeof(V)), aligned(sizeof(V)), may_alias));
ALGOS_STRIPS(float, f32)
ALGOS_STRIPS(double, f64)

typedef struct {
    void (*dots)(const algos_csr *, Py_ssize_t, Py_ssize_t, const void *, void *);
    void (*strip_dots)(const algos_csr *, Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t,
                       Py_ssize_t, void *);
    void (*wide_dots)(const algos_csr *, Py_ssize_t, Py_ssize_t, const void *, void *);
    void (*wide_strip_dots)(const algos_csr *, Py_ssize_t, Py_ssize_t, const void *,
                            Py_ssize_t, Py_ssize_t, void *);
    void (*add)(const algos_csr *, Py_ssize_t, Py_ssize_t, const void *, double *);
    void (*strip_add)(const algos_csr *, Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t,
                      Py_ssize_t, double *);
    /* cells[column] = {Σ w, Σ w (x - shift), Σ w (x - shift)², shift}: side by side, since
     * columns come in any order and each cell is a miss */
    void (*moments)(const algos_csr *, Py_ssize_t, Py_ssize_t, const double *, double *);
    /* scatter[column low … high - 1][column] += Σ w x x', the upper triangle */
    void (*scatter)(const algos_csr *, const double *, Py_ssize_t, Py_ssize_t, double *);
} algos_sparse_dots;

#define ALGOS_ROW_BOUNDS(I, i)                                                               \
    Py_ssize_t e = (Py_ssize_t)((const I *)x->indptr)[i];                                    \
    const Py_ssize_t end = (Py_ssize_t)((const I *)x->indptr)[i + 1]

#define ALGOS_ROW_ARRAYS(T, I)                                                               \
    const T *restrict data = (const T *)x->values;                                           \
    const I *restrict indices = (const I *)x->indices

/* z[i] = x_i·v for `rows` rows from `start` on. */
#define ALGOS_SPARSE_PRODUCTS(T, I, V, S, name)                                              \
    ALGOS_CLONES static void name##_dots(const algos_csr *x, Py_ssize_t start,               \
                                         Py_ssize_t rows, const void *vector, void *out) {   \
        ALGOS_ROW_ARRAYS(T, I);                                                              \
        const V *restrict v = (const V *)vector;                                             \
        V *restrict z = (V *)out;                                                            \
        for (Py_ssize_t i = 0; i < rows; i++) {                                              \
            ALGOS_ROW_BOUNDS(I, start + i);                                                  \
            V sum[4] = {0, 0, 0, 0}; /* for each addition waits for the one before */        \
            for (; e + 4 <= end; e += 4)                                                     \
                for (int l = 0; l < 4; l++)                                                  \
                    sum[l] += (V)data[e + l] * v[indices[e + l]];                            \
            for (; e < end; e++)                                                             \
                sum[0] += (V)data[e] * v[indices[e]];                                        \
            z[i] = (sum[0] + sum[1]) + (sum[2] + sum[3]);                                    \
        }                                                                                    \
    }                                                                                        \
    ALGOS_INLINE algos_strip_##S name##_at(const V *strip, Py_ssize_t column) {              \
        return *(const algos_strip_##S *)(strip + column * ALGOS_STRIP);                     \
    }                                                                                        \
    ALGOS_CLONES static void name##_strip_dots(                                              \
        const algos_csr *x, Py_ssize_t start, Py_ssize_t rows, const void *vectors,          \
        Py_ssize_t stride, Py_ssize_t used, void *out) {                                     \
        ALGOS_ROW_ARRAYS(T, I);                                                              \
        const V *strip = (const V *)vectors;                                                 \
        V *z = (V *)out;                                                                     \
        for (Py_ssize_t i = 0; i < rows; i++) {                                              \
            ALGOS_ROW_BOUNDS(I, start + i);                                                  \
            algos_strip_##S even = {0}, odd = {0};                                           \
            for (; e + 2 <= end; e += 2) {                                                   \
                even += (V)data[e] * name##_at(strip, (Py_ssize_t)indices[e]);               \
                odd += (V)data[e + 1] * name##_at(strip, (Py_ssize_t)indices[e + 1]);        \
            }                                                                                \
            if (e < end)                                                                     \
                even += (V)data[e] * name##_at(strip, (Py_ssize_t)indices[e]);               \
            even += odd;                                                                     \
            for (Py_ssize_t j = 0; j < used; j++)                                            \
                z[j * stride + i] = even[j];                                                 \
        }                                                                                    \
    }

#define ALGOS_SPARSE_SUMS(T, I, name)                                                        \
    /* sums += Σ c_i x_i */                                                                  \
    ALGOS_CLONES static void name##_add(const algos_csr *x, Py_ssize_t start,                \
                                        Py_ssize_t rows, const void *weights,                \
                                        double *restrict sums) {                             \
        ALGOS_ROW_ARRAYS(T, I);                                                              \
        for (Py_ssize_t i = 0; i < rows; i++) {                                              \
            ALGOS_ROW_BOUNDS(I, start + i);                                                  \
            const double w = (double)((const T *)weights)[i];                                \
            for (; e < end; e++)                                                             \
                sums[indices[e]] += w * (double)data[e];                                     \
        }                                                                                    \
    }                                                                                        \
    ALGOS_CLONES static void name##_strip_add(                                               \
        const algos_csr *x, Py_ssize_t start, Py_ssize_t rows, const void *weights,          \
        Py_ssize_t stride, Py_ssize_t used, double *restrict sums) {                         \
        ALGOS_ROW_ARRAYS(T, I);                                                              \
        for (Py_ssize_t i = 0; i < rows; i++) {                                              \
            ALGOS_ROW_BOUNDS(I, start + i);                                                  \
            algos_strip_f64 w = {0};                                                         \
            for (Py_ssize_t j = 0; j < used; j++)                                            \
                w[j] = (double)((const T *)weights)[j * stride + i];                         \
            for (; e < end; e++)                                                             \
                *(algos_strip_f64 *)(sums + (Py_ssize_t)indices[e] * ALGOS_STRIP) +=         \
                    w * (double)data[e];                                                     \
        }                                                                                    \
    }                                                                                        \
    static void name##_moments(const algos_csr *x, Py_ssize_t start, Py_ssize_t rows,        \
                               const double *restrict weight, double *restrict cells) {      \
        ALGOS_ROW_ARRAYS(T, I);                                                              \
        const Py_ssize_t last = (Py_ssize_t)((const I *)x->indptr)[start + rows] - 1;        \
        for (Py_ssize_t i = 0; i < rows; i++) {                                              \
            ALGOS_ROW_BOUNDS(I, start + i);                                                  \
            const double w = weight[start + i];                                              \
            for (; e < end; e++) {                                                           \
                const Py_ssize_t soon = e + ALGOS_AHEAD;                                     \
                __builtin_prefetch(cells + 4 * (Py_ssize_t)indices[soon < last ? soon : last]);\
                double *cell = cells + 4 * (Py_ssize_t)indices[e];                           \
                const double t = (double)data[e] - cell[3];                                  \
                cell[0] += w;                                                                \
                cell[1] += w * t;                                                            \
                cell[2] += w * t * t;                                                        \
            }                                                                                \
        }                                                                                    \
    }                                                                                        \
    static void name##_scatter(const algos_csr *x, const double *restrict weight,            \
                               Py_ssize_t low, Py_ssize_t high, double *restrict scatter) {  \
        ALGOS_ROW_ARRAYS(T, I);                                                              \
        for (Py_ssize_t i = 0; i < x->n; i++) {                                              \
            ALGOS_ROW_BOUNDS(I, i);                                                          \
            const double w = weight[i];                                                      \
            if (w == 0)                                                                      \
                continue;                                                                    \
            for (Py_ssize_t stop = end; e < stop;) { /* the first column from `low` on */    \
                const Py_ssize_t middle = e + (stop - e) / 2;                                \
                if ((Py_ssize_t)indices[middle] < low)                                       \
                    e = middle + 1;                                                          \
                else                                                                         \
                    stop = middle;                                                           \
            }                                                                                \
            for (; e < end && (Py_ssize_t)indices[e] < high; e++) {                          \
                const double value = w * (double)data[e];                                    \
                double *restrict row = scatter + (Py_ssize_t)indices[e] * x->d;              \
                for (Py_ssize_t q = e; q < end; q++)                                         \
                    row[indices[q]] += value * (double)data[q];                              \
            }                                                                                \
        }                                                                                    \
    }

ALGOS_SPARSE_PRODUCTS(float, int32_t, float, f32, algos_f32_i32)
ALGOS_SPARSE_PRODUCTS(float, int64_t, float, f32, algos_f32_i64)
ALGOS_SPARSE_PRODUCTS(double, int32_t, double, f64, algos_f64_i32)
ALGOS_SPARSE_PRODUCTS(double, int64_t, double, f64, algos_f64_i64)
ALGOS_SPARSE_PRODUCTS(float, int32_t, double, f64, algos_wide_i32)
ALGOS_SPARSE_PRODUCTS(float, int64_t, double, f64, algos_wide_i64)
ALGOS_SPARSE_SUMS(float, int32_t, algos_f32_i32)
ALGOS_SPARSE_SUMS(float, int64_t, algos_f32_i64)
ALGOS_SPARSE_SUMS(double, int32_t, algos_f64_i32)
ALGOS_SPARSE_SUMS(double, int64_t, algos_f64_i64)

#define ALGOS_SPARSE_TABLE(name, wide)                                                       \
    {name##_dots, name##_strip_dots, wide##_dots,  wide##_strip_dots,                        \
     name##_add,  name##_strip_add,  name##_moments, name##_scatter}

/* For float32 values or not, int32 indices or not. */
static inline const algos_sparse_dots *algos_sparse_choose(int single, int narrow) {
    static const algos_sparse_dots tables[2][2] = {
        {ALGOS_SPARSE_TABLE(algos_f64_i64, algos_f64_i64),
         ALGOS_SPARSE_TABLE(algos_f64_i32, algos_f64_i32)},
        {ALGOS_SPARSE_TABLE(algos_f32_i64, algos_wide_i64),
         ALGOS_SPARSE_TABLE(algos_f32_i32, algos_wide_i32)}};
    return &tables[single][narrow];
}

#endif
