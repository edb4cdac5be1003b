/* Sampling of topics for the tokens of a document with fixed topics: one sweep of Gibbs
 * sampling (Griffiths and Steyvers, "Finding scientific topics", PNAS 101, 2004, eq. 5),
 *
 *   p(topic k | all other tokens) ∝ (n_k + α_k) φ_wk,   φ_wk = rows_wk inverses_k
 *
 * with n_k the other tokens of the document that have topic k.
 */
#ifndef ALGOS_LDA_ASSIGN_H
#define ALGOS_LDA_ASSIGN_H

#include <Python.h>
#include "_rng.h"
#include "_simd.h"

#define ALGOS_LDA_RUN_OF_TOPICS 16 /* the rows' width is a multiple of it */

typedef struct {
    const float *rows;     /* (V, width): tokens of words by topic, prior included */
    const float *inverses; /* (width,): one over their sums */
    const float *prior;    /* (width,): α, 0 in the padding */
    Py_ssize_t width, n_topics;
} algos_lda_fixed;

/* The topic at which the running sum of a_k row_k exceeds `share` of the total. */
ALGOS_INLINE Py_ssize_t algos_lda_draw(const float *restrict a, const float *restrict row,
                                       Py_ssize_t width, Py_ssize_t n_topics, double share,
                                       float *restrict p, float *restrict runs) {
    Py_ssize_t run = 0, k;
    float total = 0, left;
    for (Py_ssize_t begin = 0; begin < width; begin += ALGOS_LDA_RUN_OF_TOPICS) {
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Py_ssize_t i = begin; i < begin + ALGOS_LDA_RUN_OF_TOPICS; i++) {
            p[i] = a[i] * row[i];
            sum += p[i];
        }
        runs[begin / ALGOS_LDA_RUN_OF_TOPICS] = sum;
        total += sum;
    }
    left = (float)share * total;
    while ((run + 1) * ALGOS_LDA_RUN_OF_TOPICS < width && left >= runs[run])
        left -= runs[run++];
    for (k = run * ALGOS_LDA_RUN_OF_TOPICS; k < n_topics - 1 && left >= p[k]; k++)
        left -= p[k];
    return k < n_topics ? k : n_topics - 1;
}

/* Draw every token of a document again; `topics` (size,) are -1 before the first sweep, `n`
 * (width,) are their counts, `room` (3 width,). */
ALGOS_CLONES static void algos_lda_assign(const algos_lda_fixed *fixed, const int32_t *words,
                                          Py_ssize_t size, algos_rng *rng, int32_t *topics,
                                          float *n, float *room) {
    const Py_ssize_t width = fixed->width;
    float *a = room, *p = room + width, *runs = room + 2 * width;
    for (Py_ssize_t k = 0; k < width; k++)
        a[k] = (n[k] + fixed->prior[k]) * fixed->inverses[k];
    for (Py_ssize_t i = 0; i < size; i++) {
        const int32_t old = topics[i];
        if (old >= 0) {
            n[old] -= 1;
            a[old] = (n[old] + fixed->prior[old]) * fixed->inverses[old];
        }
        const Py_ssize_t k = algos_lda_draw(a, fixed->rows + words[i] * width, width,
                                            fixed->n_topics, algos_rng_double(rng), p, runs);
        topics[i] = (int32_t)k;
        n[k] += 1;
        a[k] = (n[k] + fixed->prior[k]) * fixed->inverses[k];
    }
}

#endif
