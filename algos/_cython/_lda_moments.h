/* The expensive parts of moments of documents: sums of a panel's rows weighted by CSR rows, and
 * third moments of the rows of a panel.
 *
 *   panel   (rows, stride) float32, stride a multiple of 16, zero beyond the m columns
 *
 * Sums run in float32 over at most ALGOS_PANEL_RUN terms and go on in double: each is off by at
 * most (ALGOS_PANEL_RUN + 3) 2^-24 times the sum of the magnitudes.
 */
#ifndef ALGOS_LDA_MOMENTS_H
#define ALGOS_LDA_MOMENTS_H

#include <Python.h>
#include "_simd.h"

#define ALGOS_PANEL_LANES 16 /* floats in a vector */
#define ALGOS_PANEL_SUMS 6   /* vectors of sums in registers, as many as fit with AVX2 */
#define ALGOS_PANEL_RUN 256
#define ALGOS_PANEL_AHEAD 8  /* entries whose rows of the panel are prefetched */

typedef float algos_panel_vec __attribute__((vector_size(64), aligned(4), may_alias));

typedef struct {
    const int32_t *columns;
    const float *values;
    Py_ssize_t size, left; /* entries of the row, and from its first to the last of all */
} algos_panel_row;

/* sums = Σ_e values[e] panel[columns[e]] of entries [begin, end), v vectors */
ALGOS_INLINE void algos_panel_run(const algos_panel_row *row, Py_ssize_t begin, Py_ssize_t end,
                                  const float *panel, Py_ssize_t stride,
                                  algos_panel_vec *sums, const int v) {
    for (Py_ssize_t e = begin; e < end; e++) {
        const float *x = panel + row->columns[e] * stride;
        if (e + ALGOS_PANEL_AHEAD < row->left) {
            const float *later = panel + row->columns[e + ALGOS_PANEL_AHEAD] * stride;
#pragma GCC unroll 8
            for (int i = 0; i < v; i++)
                __builtin_prefetch(later + i * ALGOS_PANEL_LANES);
        }
#pragma GCC unroll 8
        for (int i = 0; i < v; i++)
            sums[i] += row->values[e] * *(const algos_panel_vec *)(x + i * ALGOS_PANEL_LANES);
    }
}

ALGOS_INLINE void algos_panel_sum(const algos_panel_row *row, const float *panel,
                                  Py_ssize_t stride, double scale, float *out, const int v) {
    double totals[ALGOS_PANEL_SUMS * ALGOS_PANEL_LANES] = {0};
    for (Py_ssize_t begin = 0; begin < row->size; begin += ALGOS_PANEL_RUN) {
        const Py_ssize_t end =
            row->size - begin < ALGOS_PANEL_RUN ? row->size : begin + ALGOS_PANEL_RUN;
        algos_panel_vec sums[ALGOS_PANEL_SUMS] = {{0}};
        algos_panel_run(row, begin, end, panel, stride, sums, v);
        for (int i = 0; i < v; i++)
            for (int l = 0; l < ALGOS_PANEL_LANES; l++)
                totals[i * ALGOS_PANEL_LANES + l] += (double)sums[i][l];
    }
    for (int l = 0; l < v * ALGOS_PANEL_LANES; l++)
        out[l] = (float)(scale * totals[l]);
}

#define ALGOS_CASE(V)                                        \
    case V:                                                  \
        algos_panel_sum(&entries, p, stride, factor, o, V); \
        break;
/* Rows [begin, end) of: out = scale (values panel); `scale` may be NULL, for 1. */
ALGOS_CLONES
static void algos_panel_rows(const int64_t *indptr, const int32_t *columns, const float *values,
                             Py_ssize_t stored, Py_ssize_t begin, Py_ssize_t end,
                             const float *panel, Py_ssize_t stride, const double *scale,
                             float *out) {
    for (Py_ssize_t row = begin; row < end; row++) {
        const int64_t first = indptr[row];
        const algos_panel_row entries = {columns + first, values + first,
                                         (Py_ssize_t)(indptr[row + 1] - first),
                                         (Py_ssize_t)(stored - first)};
        const double factor = scale ? scale[row] : 1.0;
        for (Py_ssize_t l = 0; l < stride; l += ALGOS_PANEL_SUMS * ALGOS_PANEL_LANES) {
            const Py_ssize_t left = (stride - l) / ALGOS_PANEL_LANES;
            const float *p = panel + l;
            float *o = out + row * stride + l;
            switch (left < ALGOS_PANEL_SUMS ? left : ALGOS_PANEL_SUMS) {
                ALGOS_CASE(1)
                ALGOS_CASE(2)
                ALGOS_CASE(3)
                ALGOS_CASE(4)
                ALGOS_CASE(5)
                ALGOS_CASE(6)
            }
        }
    }
}
#undef ALGOS_CASE

/* totals[j][l] += sum_r pairs[r][j] third[r][l], for as many j as there are sums in registers */
ALGOS_INLINE void algos_panel_pairs(const float *pairs, const float *third, Py_ssize_t stride,
                                    Py_ssize_t rows, double *totals) {
    algos_panel_vec sums[ALGOS_PANEL_SUMS] = {{0}};
    for (Py_ssize_t r = 0; r < rows; r++) {
        const algos_panel_vec f = *(const algos_panel_vec *)(third + r * stride);
#pragma GCC unroll 8
        for (int j = 0; j < ALGOS_PANEL_SUMS; j++)
            sums[j] += pairs[r * ALGOS_PANEL_SUMS + j] * f;
    }
    for (int j = 0; j < ALGOS_PANEL_SUMS; j++)
        for (int l = 0; l < ALGOS_PANEL_LANES; l++)
            totals[j * stride + l] += (double)sums[j][l];
}

/* totals[j - i][l] = sum_r w_r y_ri y_rj f_rl for j from i and l from `first`, multiples of 16;
 * `weights` may be NULL, for 1. There is room for ALGOS_PANEL_SUMS more j than there are. */
ALGOS_CLONES
static void algos_panel_cubes(const float *y, const float *f, const double *weights,
                              Py_ssize_t n, Py_ssize_t stride, Py_ssize_t m, Py_ssize_t i,
                              Py_ssize_t first, double *totals) {
    float pairs[ALGOS_PANEL_RUN * ALGOS_PANEL_SUMS];
    memset(totals, 0, sizeof(double) * (size_t)((m - i + ALGOS_PANEL_SUMS) * stride));
    for (Py_ssize_t start = 0; start < n; start += ALGOS_PANEL_RUN) {
        const Py_ssize_t rows = n - start < ALGOS_PANEL_RUN ? n - start : ALGOS_PANEL_RUN;
        for (Py_ssize_t j = i; j < m; j += ALGOS_PANEL_SUMS) {
            for (Py_ssize_t r = 0; r < rows; r++) {
                const float *row = y + (start + r) * stride;
                const float head = weights ? (float)(weights[start + r] * row[i]) : row[i];
                for (int jj = 0; jj < ALGOS_PANEL_SUMS; jj++)
                    pairs[r * ALGOS_PANEL_SUMS + jj] = j + jj < m ? head * row[j + jj] : 0.0f;
            }
            for (Py_ssize_t l = first; l < stride; l += ALGOS_PANEL_LANES)
                algos_panel_pairs(pairs, f + start * stride + l, stride, rows,
                                  totals + (j - i) * stride + l);
        }
    }
}

#endif
