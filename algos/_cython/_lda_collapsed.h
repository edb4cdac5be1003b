/* Responsibilities that exclude their own token, computed from sums: CVB0 without stored
 * responsibilities.
 *
 * An entry, word w of document d, belongs to topic k with γ_k, Σ γ_k = 1. Let A_k = n_dk + α_k,
 * B_k = N_wk + η_w and M_k = Σ_w B_k; each token's γ is part of all three. CVB0 (Asuncion,
 * Welling, Smyth and Teh, "On smoothing and inference for topic models", UAI 2009, eq. 20)
 * excludes the own token:
 *
 *   γ_k = (A_k - γ_k) (B_k - γ_k) / ((M_k - γ_k) z),   z so that they sum to 1.
 *
 * Without γ², which is small compared to A and B, this is linear in each γ:
 *
 *   γ_k = A_k B_k / (A_k + B_k + z M_k)
 *
 * So γ is a function of the sums and of one number z for each entry, which is stored and improves
 * with each visit: z := z Σ γ_k. The remaining factor that makes γ sum to 1 is applied at once.
 *
 * A word of weight c < 1 has no whole token to exclude: c γ then takes the place of γ above, with
 * the same equations except for Σ = c.
 *
 * Documents and words are symmetric: the same code visits the words of a document (own
 * row A, other rows B) and the documents of a word (own row B, other rows A).
 *
 * The probability of this token given all others is Σ (A_k - γ_k) (B_k - γ_k) / (M_k - γ_k)
 * over n_d - 1 + Σ α. It is computed in this way, and not from z: for a token that is the only one
 * of its word, or of its document, no z > 0 makes the γ without γ² sum to 1, and z goes to 0. That
 * takes half as long again, so it is computed only on request; Σ log z is enough to tell which of
 * two sweeps is mostly better.
 *
 * Rows have `width` floats, a multiple of 16; those of the padding are 0 in all rows.
 */
#ifndef ALGOS_LDA_COLLAPSED_H
#define ALGOS_LDA_COLLAPSED_H

#include <Python.h>
#include "_math.h"
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_LDA_ENTRIES 256     /* summed in float32 */
#define ALGOS_LDA_LEAST_Z 1e-30f
#define ALGOS_LDA_LEAST_TOKEN 1e-6f /* least weight that z is divided by */

typedef struct {
    const float *others;   /* (n, width), priors included */
    const float *inverses; /* (width,): 1 / M_k, 0 in the padding */
    Py_ssize_t width;
    int is_small;          /* few tokens: M - γ is not M */
    float least_own, least_other; /* priors: the rest of a row without its token */
} algos_lda_other_side;

/* The entries of one row. */
typedef struct {
    const int32_t *index; /* (size,): rows of the other side */
    const float *counts;  /* (size,) */
    float *normalizers;   /* (size,): z, 0 before the first visit */
    float *chances;       /* (size,): Σ (A - γ) (B - γ) / (M - γ), or NULL */
    Py_ssize_t size;
    Py_ssize_t further;   /* of `index` with the rows behind this one: at least size */
} algos_lda_pairs;

/* sums (width,) := Σ c γ from the own row (width,); `room` (4 width,) */
typedef void (*algos_lda_visit)(const algos_lda_other_side *, const algos_lda_pairs *,
                                const float *own, float *room, double *sums);

/* The end of the run of entries from `begin` on that are summed in float32. */
ALGOS_INLINE Py_ssize_t algos_lda_run_end(const algos_lda_pairs *entries, Py_ssize_t begin) {
    const Py_ssize_t left = entries->size - begin;
    return left > ALGOS_LDA_ENTRIES ? begin + ALGOS_LDA_ENTRIES : entries->size;
}

/* The weight that an entry excludes: one token, or less if its count is less. */
ALGOS_INLINE float algos_lda_taken(float count) {
    return count < 1 ? (count > ALGOS_LDA_LEAST_TOKEN ? count : ALGOS_LDA_LEAST_TOKEN) : 1;
}

/* z for the next visit, and the factor of this one's γ, whose sum is `total`. */
ALGOS_INLINE float algos_lda_weigh(const algos_lda_pairs *entries, Py_ssize_t e, float z,
                                   float total) {
    const float count = entries->counts[e];
    float better = z * total;
    if (count < 1)
        better /= algos_lda_taken(count);
    entries->normalizers[e] = better > ALGOS_LDA_LEAST_Z ? better : ALGOS_LDA_LEAST_Z;
    return total > 0 ? count / total : 0; /* no topic has the word */
}

/* The same from sums: with s scaling γ = s g to its sum, g being the root for z,
 *
 *   Σ (A - s g) (B - s g) / M = (1 - s) Σ A B / M + s z Σ g + s² Σ g² / M .
 *
 * Returns false if too little of these is left, or if M is too small to replace M - γ. */
ALGOS_INLINE int algos_lda_told(const algos_lda_other_side *side,
                                const algos_lda_pairs *entries, Py_ssize_t e, float z,
                                float total, float product, float square) {
    const float scale = total > 0 ? algos_lda_taken(entries->counts[e]) / total : 0;
    const float added = scale * (z * total + scale * square);
    const float chance = (1 - scale) * product + added;
    entries->chances[e] = chance;
    return !side->is_small && chance > 1e-3f * added;
}

/* Compute the chance of an entry from its γ; `topics` are the places in `other`, NULL: in order.
 * No share of the rest is more than 1, however far the sums are from γ. */
ALGOS_INLINE void algos_lda_tell(const algos_lda_other_side *side,
                                 const algos_lda_pairs *entries, Py_ssize_t e,
                                 const float *own, const float *other, const int32_t *topics,
                                 const float *inverses, const float *gamma, float total,
                                 Py_ssize_t size) {
    const float scale = total > 0 ? algos_lda_taken(entries->counts[e]) / total : 0;
    const float least_own = side->least_own, least_other = side->least_other;
    float chance = 0;
    _Pragma("omp simd reduction(+ : chance)")
    for (Py_ssize_t k = 0; k < size; k++) {
        const float taken = scale * gamma[k], inverse = inverses[k];
        const float a = own[k] - taken, b = (topics ? other[topics[k]] : other[k]) - taken;
        const float left = (b > least_other ? b : least_other) * inverse;
        const float rest = 1 - taken * inverse;
        chance += (a > least_own ? a : least_own) * left /
                  ((rest > left ? rest : left) + ALGOS_LDA_LEAST_Z);
    }
    entries->chances[e] = chance;
}

/* Σ c log z, with z at least `least`. */
ALGOS_CLONES static double algos_lda_trend(const float *restrict counts,
                                           const float *restrict normalizers, Py_ssize_t size,
                                           float least) {
    double sum = 0;
    _Pragma("omp simd reduction(+ : sum)")
    for (Py_ssize_t e = 0; e < size; e++) {
        const float z = normalizers[e];
        sum += counts[e] * algos_log_f32(z > least ? z : least);
    }
    return sum;
}

/* Update a row from its sums, and extrapolate it along its last change. */
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
    const int level = algos_level_up_to(limit);
    algos_lda_visit_row = ALGOS_AT_LEVEL(level, algos_lda_visit_f32);
    return level;
}

#endif
