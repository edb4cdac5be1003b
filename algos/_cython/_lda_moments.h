/* Third moments of the rows of a panel: (n, stride) float32, stride a multiple of 16, zero
 * beyond the m columns.
 *
 * Sums run in float32 over at most ALGOS_LDA_RUN rows and go on in double: each is off by at
 * most (ALGOS_LDA_RUN + 2) 2^-24 times the sum of the magnitudes.
 */
#ifndef ALGOS_LDA_MOMENTS_H
#define ALGOS_LDA_MOMENTS_H

#include "_lda_rows.h"

#define ALGOS_LDA_LANES 16 /* floats in a vector */
#define ALGOS_LDA_PAIRS 6  /* vectors of sums in registers, as AVX2 has room for */

typedef float algos_lda_wide __attribute__((vector_size(64), aligned(4), may_alias));

/* totals[j][l] += sum_r pairs[r][j] third[r][l], for as many j as there are sums in registers */
ALGOS_INLINE void algos_lda_third_block(const float *pairs, const float *third,
                                        Py_ssize_t stride, Py_ssize_t rows, double *totals) {
    algos_lda_wide sums[ALGOS_LDA_PAIRS] = {{0}};
    for (Py_ssize_t r = 0; r < rows; r++) {
        const algos_lda_wide f = *(const algos_lda_wide *)(third + r * stride);
#pragma GCC unroll 8
        for (int j = 0; j < ALGOS_LDA_PAIRS; j++)
            sums[j] += pairs[r * ALGOS_LDA_PAIRS + j] * f;
    }
    for (int j = 0; j < ALGOS_LDA_PAIRS; j++)
        for (int l = 0; l < ALGOS_LDA_LANES; l++)
            totals[j * stride + l] += (double)sums[j][l];
}

/* totals[j - i][l] = sum_r w_r y_ri y_rj f_rl for j from i and l from `first`, multiples of 16;
 * `weights` may be NULL, for 1. There is room for ALGOS_LDA_PAIRS more j than there are. */
ALGOS_CLONES
static void algos_lda_third_slice(const float *y, const float *f, const double *weights,
                                  Py_ssize_t n, Py_ssize_t stride, Py_ssize_t m, Py_ssize_t i,
                                  Py_ssize_t first, double *totals) {
    float pairs[ALGOS_LDA_RUN * ALGOS_LDA_PAIRS];
    memset(totals, 0, sizeof(double) * (size_t)((m - i + ALGOS_LDA_PAIRS) * stride));
    for (Py_ssize_t start = 0; start < n; start += ALGOS_LDA_RUN) {
        const Py_ssize_t rows = n - start < ALGOS_LDA_RUN ? n - start : ALGOS_LDA_RUN;
        for (Py_ssize_t j = i; j < m; j += ALGOS_LDA_PAIRS) {
            for (Py_ssize_t r = 0; r < rows; r++) {
                const float *row = y + (start + r) * stride;
                const float head = weights ? (float)(weights[start + r] * row[i]) : row[i];
                for (int jj = 0; jj < ALGOS_LDA_PAIRS; jj++)
                    pairs[r * ALGOS_LDA_PAIRS + jj] = j + jj < m ? head * row[j + jj] : 0.0f;
            }
            for (Py_ssize_t l = first; l < stride; l += ALGOS_LDA_LANES)
                algos_lda_third_block(pairs, f + start * stride + l, stride, rows,
                                      totals + (j - i) * stride + l);
        }
    }
}

#endif
