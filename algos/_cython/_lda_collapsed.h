/* Responsibilities that leave their own token out, computed anew from sums: CVB0 without stored
 * responsibilities.
 *
 * An entry, word w of document d, belongs to topic k with γ_k, Σ γ_k = 1. Let A_k = n_dk + α_k,
 * B_k = N_wk + η_w and M_k = Σ_w B_k; each token's γ is part of all three. CVB0 (Asuncion,
 * Welling, Smyth and Teh, "On smoothing and inference for topic models", UAI 2009, eq. 20)
 * takes the own token out:
 *
 *   γ_k = (A_k - γ_k) (B_k - γ_k) / ((M_k - γ_k) z),   z so that they sum to 1.
 *
 * Without γ², which is small beside A and B, that is linear in each γ:
 *
 *   γ_k = A_k B_k / (A_k + B_k + z M_k)
 *
 * So γ is a function of the sums and of one number z for each entry, which is kept and gets
 * better with each visit: z := z Σ γ_k. What is left to make γ sum to 1 is done at once.
 *
 * Documents and words have equal parts in it: the same code visits the words of a document (own
 * row A, other rows B) and the documents of a word (own row B, other rows A). z divided by
 * n_d - 1 + Σ α is the probability that all other tokens give this one.
 *
 * Rows have `width` floats, a multiple of 16; those of the padding are 0 in all rows.
 */
#ifndef ALGOS_LDA_COLLAPSED_H
#define ALGOS_LDA_COLLAPSED_H

#include <Python.h>
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_LDA_ENTRIES 256     /* that are summed up in float32 */
#define ALGOS_LDA_LEAST_Z 1e-30f

typedef struct {
    const float *others;   /* (n, width), priors included */
    const float *inverses; /* (width,): 1 / M_k, 0 in the padding */
    Py_ssize_t width;
} algos_lda_other_side;

/* The entries of one row. */
typedef struct {
    const int32_t *index; /* (size,): rows of the other side */
    const float *counts;  /* (size,) */
    float *normalizers;   /* (size,): z, 0 before the first visit */
    Py_ssize_t size;
    Py_ssize_t further;   /* of `index` with the rows behind this one: at least size */
} algos_lda_pairs;

/* sums (width,) := Σ c γ from the own row (width,); `room` (4 width,) */
typedef void (*algos_lda_visit)(const algos_lda_other_side *, const algos_lda_pairs *,
                                const float *own, float *room, double *sums);

/* A row's numbers anew from its sums, and on the way that they have been going. */
ALGOS_CLONES static void algos_lda_settle(const double *restrict sums,
                                          const float *restrict prior, float scale,
                                          float momentum, Py_ssize_t size, float *restrict own,
                                          float *restrict velocity) {
    for (Py_ssize_t i = 0; i < size; i++) {
        const float least = prior[i] * scale, found = (float)(sums[i] + least);
        const float further = momentum * velocity[i], there = found + further;
        velocity[i] = found - own[i] + further;
        own[i] = there > least ? there : least;
    }
}

#define ALGOS_SOURCE "_lda_collapsed_impl.h"
#define ALGOS_T float
#define ALGOS_TYPE f32
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_SOURCE

static algos_lda_visit algos_lda_visit_row = algos_lda_visit_f32_base;

/* The best level up to `limit` (0, 3 or 4) that this processor has; returns it. */
static inline int algos_lda_choose_visit(int limit) {
    const int level = algos_level() < limit ? algos_level() : limit;
    (void)level; /* one level alone needs no choice */
    algos_lda_visit_row = algos_lda_visit_f32_base;
#ifdef ALGOS_X86_LEVELS
    if (level >= 4) {
        algos_lda_visit_row = algos_lda_visit_f32_v4;
        return 4;
    }
    if (level >= 3) {
        algos_lda_visit_row = algos_lda_visit_f32_v3;
        return 3;
    }
#endif
    return 0;
}

#endif
