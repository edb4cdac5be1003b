/* Documents that keep few of many topics: their rows are gathered into a block.
 *
 * A document keeps its heaviest topics; of the others it has only the prior,
 *
 *   Σ_k θ_k φ_wk = Σ_kept θ_k φ_wk + rest_w,   rest_w = Σ_k prior_k φ_wk - Σ_kept prior_k φ_wk
 *
 * where the first sum in rest_w is the same for all documents. The block has a row for each
 * word, a column for each topic kept and one for the rest; its width is a multiple of 16, and
 * the code of _lda_rows.h processes it.
 */
#ifndef ALGOS_LDA_FEW_H
#define ALGOS_LDA_FEW_H

#include <Python.h>
#include "_simd.h"

/* out[i] = Σ_k masses_k (rows_wk + prior_w) for words[i]; total is Σ masses */
ALGOS_CLONES
static void algos_lda_background(const float *rows, const float *priors, float prior,
                                 Py_ssize_t width, const int32_t *words, Py_ssize_t size,
                                 const float *masses, float total, float *out) {
    for (Py_ssize_t i = 0; i < size; i++) {
        const float *row = rows + words[i] * width;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Py_ssize_t k = 0; k < width; k++)
            sum += masses[k] * row[k];
        out[words[i]] = sum + total * (priors ? priors[words[i]] : prior);
    }
}

/* block[i][j] = rows[words[i]][topics[j]] + the word's prior for j < few, then the rest, which
 * is background minus Σ_j masses_j block[i][j], and zeros up to `width`. */
ALGOS_CLONES
static void algos_lda_gather(const float *rows, const float *priors, float prior,
                             Py_ssize_t stride, const float *background, const int32_t *words,
                             Py_ssize_t size, const int32_t *topics, Py_ssize_t few,
                             const float *masses, Py_ssize_t width, float *restrict block) {
    for (Py_ssize_t i = 0; i < size; i++) {
        const float *row = rows + words[i] * stride;
        const float add = priors ? priors[words[i]] : prior;
        float kept = 0;
#pragma omp simd reduction(+ : kept)
        for (Py_ssize_t j = 0; j < few; j++) {
            const float b = row[topics[j]] + add;
            block[i * width + j] = b;
            kept += masses[j] * b;
        }
        const float rest = background[words[i]] - kept;
        block[i * width + few] = rest > 0 ? rest : 0;
        for (Py_ssize_t j = few + 1; j < width; j++)
            block[i * width + j] = 0;
    }
}

/* sums[topics[j]] += weight mixture[j]; repeated topics have mixture 0. */
static inline void algos_lda_scatter(const int32_t *topics, const float *mixture,
                                     Py_ssize_t size, float weight, float *restrict sums) {
    for (Py_ssize_t j = 0; j < size; j++)
        sums[topics[j]] += weight * mixture[j];
}

/* The m-th largest of n numbers, which are reordered: Hoare's selection. */
static inline float algos_lda_rank(float *x, Py_ssize_t n, Py_ssize_t m) {
    Py_ssize_t low = 0, high = n - 1;
    while (low < high) {
        const float pivot = x[(low + high) / 2];
        Py_ssize_t i = low, j = high;
        while (i <= j) {
            while (x[i] > pivot)
                i++;
            while (x[j] < pivot)
                j--;
            if (i <= j) {
                const float swap = x[i];
                x[i++] = x[j];
                x[j--] = swap;
            }
        }
        if (m - 1 <= j)
            high = j;
        else if (m - 1 >= i)
            low = i;
        else
            break;
    }
    return x[m - 1];
}

/* Choose the topics whose excess over the prior is more than `least`, at most the
 * `most` heaviest of them; returns their number. */
static inline Py_ssize_t algos_lda_choose_few(const float *theta, const float *prior,
                                              Py_ssize_t width, float least, Py_ssize_t most,
                                              float *room, int32_t *topics) {
    Py_ssize_t size = 0;
    for (Py_ssize_t k = 0; k < width; k++)
        if (theta[k] - prior[k] > least)
            room[size++] = theta[k] - prior[k];
    if (size > most) {
        least = algos_lda_rank(room, size, most + 1);
        size = most;
    }
    Py_ssize_t found = 0;
    for (Py_ssize_t k = 0; k < width && found < size; k++)
        if (theta[k] - prior[k] > least)
            topics[found++] = (int32_t)k;
    return found;
}

#endif
