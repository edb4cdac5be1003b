/* CVB0 (`_lda_collapsed.h`) where a document keeps a few topics of many: its row has the numbers
 * of `m` topics and a list that says which ones, all different. Its tokens belong to these alone,
 * so that an entry costs the same however many topics there are.
 */
#ifndef ALGOS_LDA_KEPT_H
#define ALGOS_LDA_KEPT_H

#include "_lda_collapsed.h"

#define ALGOS_LDA_NEXT 3 /* entries whose numbers are sent for */

/* The sum of m floats, a multiple of 16: lane by lane and then by halves, as no chain of 16
 * additions waits for itself. */
ALGOS_INLINE float algos_lda_kept_sum(const float *restrict x, Py_ssize_t m) {
    float lanes[16];
    for (int j = 0; j < 16; j++)
        lanes[j] = x[j];
    for (Py_ssize_t i = 16; i < m; i += 16)
        for (int j = 0; j < 16; j++)
            lanes[j] += x[i + j];
    for (int j = 0; j < 8; j++)
        lanes[j] += lanes[j + 8];
    for (int j = 0; j < 4; j++)
        lanes[j] += lanes[j + 4];
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

/* room := γ before it is made to sum to 1; returns the sum. */
ALGOS_INLINE float algos_lda_kept_roots(const float *restrict a, const float *restrict b,
                                       const float *restrict inverses, Py_ssize_t m, float z,
                                       float *restrict gamma) {
#pragma omp simd
    for (Py_ssize_t i = 0; i < m; i++) {
        const float share = b[i] * inverses[i];
        gamma[i] = a[i] * share / ((a[i] * inverses[i] + z) + share);
    }
    return algos_lda_kept_sum(gamma, m);
}

ALGOS_INLINE float algos_lda_kept_begin(const float *a, const float *b, const float *inverses,
                                       Py_ssize_t m) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Py_ssize_t i = 0; i < m; i++)
        sum += a[i] * (b[i] * inverses[i]);
    return sum + ALGOS_LDA_LEAST_Z;
}

/* γ in `gamma`; returns what it is to be times. */
ALGOS_INLINE float algos_lda_kept_visit(const algos_lda_pairs *entries, Py_ssize_t e,
                                       const float *a, const float *b, const float *inverses,
                                       Py_ssize_t m, float *gamma) {
    const float kept = entries->normalizers[e];
    const float z = kept > 0 ? kept : algos_lda_kept_begin(a, b, inverses, m);
    const float total = algos_lda_kept_roots(a, b, inverses, m, z, gamma);
    const float better = z * total;
    entries->normalizers[e] = better > ALGOS_LDA_LEAST_Z ? better : ALGOS_LDA_LEAST_Z;
    return total > 0 ? entries->counts[e] / total : 0;
}

ALGOS_INLINE void algos_lda_kept_gather(const float *restrict row, const int32_t *restrict topics,
                                   Py_ssize_t m, float *restrict out) {
#pragma omp simd
    for (Py_ssize_t i = 0; i < m; i++)
        out[i] = row[topics[i]];
}

ALGOS_INLINE void algos_lda_kept_document(const algos_lda_other_side *side,
                                          const algos_lda_pairs *entries,
                                          const int32_t *topics, Py_ssize_t m, const float *own,
                                          float *room, double *sums) {
    float *b = room, *inverses = room + m, *gamma = room + 2 * m, *sum = room + 3 * m;
    algos_lda_kept_gather(side->inverses, topics, m, inverses);
    memset(sums, 0, m * sizeof(double));
    for (Py_ssize_t begin = 0; begin < entries->size; begin += ALGOS_LDA_ENTRIES) {
        const Py_ssize_t left = entries->size - begin;
        const Py_ssize_t end =
            begin + (left < ALGOS_LDA_ENTRIES ? left : ALGOS_LDA_ENTRIES);
        memset(sum, 0, m * sizeof(float));
        for (Py_ssize_t e = begin; e < end; e++) {
            if (e + ALGOS_LDA_NEXT < entries->size) {
                const float *next =
                    side->others + entries->index[e + ALGOS_LDA_NEXT] * side->width;
                for (Py_ssize_t i = 0; i < m; i++)
                    __builtin_prefetch(next + topics[i]);
            }
            algos_lda_kept_gather(side->others + entries->index[e] * side->width, topics, m, b);
            const float weight =
                algos_lda_kept_visit(entries, e, own, b, inverses, m, gamma);
#pragma omp simd
            for (Py_ssize_t i = 0; i < m; i++)
                sum[i] += weight * gamma[i];
        }
        for (Py_ssize_t i = 0; i < m; i++)
            sums[i] += sum[i];
    }
}

ALGOS_INLINE void algos_lda_kept_word(const algos_lda_other_side *side,
                                      const algos_lda_pairs *entries, const int32_t *topics,
                                      Py_ssize_t m, const float *own, float *room,
                                      double *sums) {
    float *b = room, *inverses = room + m, *gamma = room + 2 * m;
    memset(sums, 0, side->width * sizeof(double));
    for (Py_ssize_t e = 0; e < entries->size; e++) {
        const int32_t *its = topics + entries->index[e] * m;
        if (e + ALGOS_LDA_NEXT < entries->size) {
            const Py_ssize_t next = entries->index[e + ALGOS_LDA_NEXT] * m;
            for (Py_ssize_t i = 0; i < m; i += 16) {
                __builtin_prefetch(side->others + next + i);
                __builtin_prefetch(topics + next + i);
            }
        }
        algos_lda_kept_gather(own, its, m, b);
        algos_lda_kept_gather(side->inverses, its, m, inverses);
        const float weight = algos_lda_kept_visit(
            entries, e, side->others + entries->index[e] * m, b, inverses, m, gamma);
        for (Py_ssize_t i = 0; i < m; i++)
            sums[its[i]] += weight * gamma[i];
    }
}

/* A document (m,) with words (V, width): sums (m,); `room` (4 m,). Of 16 topics, the usual
 * number, all stands in registers. */
ALGOS_CLONES static void algos_lda_visit_document(const algos_lda_other_side *side,
                                                  const algos_lda_pairs *entries,
                                                  const int32_t *topics, Py_ssize_t m,
                                                  const float *own, float *room,
                                                  double *sums) {
    if (m == 16)
        algos_lda_kept_document(side, entries, topics, 16, own, room, sums);
    else
        algos_lda_kept_document(side, entries, topics, m, own, room, sums);
}

/* A word (width,) with documents (n, m) of topics (n, m): sums (width,); `room` (4 m,). */
ALGOS_CLONES static void algos_lda_visit_word(const algos_lda_other_side *side,
                                              const algos_lda_pairs *entries,
                                              const int32_t *topics, Py_ssize_t m,
                                              const float *own, float *room, double *sums) {
    if (m == 16)
        algos_lda_kept_word(side, entries, topics, 16, own, room, sums);
    else
        algos_lda_kept_word(side, entries, topics, m, own, room, sums);
}

#endif
