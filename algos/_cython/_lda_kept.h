/* CVB0 (`_lda_collapsed.h`) for documents that keep few of many topics: a document's row has the
 * numbers of `m` topics and a list of these, all different. Its tokens belong only to these topics,
 * so that an entry costs the same however many topics there are.
 */
#ifndef ALGOS_LDA_KEPT_H
#define ALGOS_LDA_KEPT_H

#include "_lda_collapsed.h"

#define ALGOS_LDA_NEXT 8 /* entries whose numbers are prefetched */

typedef float algos_lda_16 __attribute__((vector_size(64)));
typedef float algos_lda_loose_16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t algos_lda_places_16 __attribute__((vector_size(64)));

#define ALGOS_LDA_LOAD(p) (*(const algos_lda_loose_16 *)(p))
#define ALGOS_LDA_STORE(p) (*(algos_lda_loose_16 *)(p))

/* Numbers of 16 topics, assembled in a register: values written to memory one by one and read
 * back as a whole stall the processor. */
#define ALGOS_LDA_GATHER(row, t)                                                             \
    ((algos_lda_16){(row)[(t)[0]],  (row)[(t)[1]],  (row)[(t)[2]],  (row)[(t)[3]],            \
                    (row)[(t)[4]],  (row)[(t)[5]],  (row)[(t)[6]],  (row)[(t)[7]],            \
                    (row)[(t)[8]],  (row)[(t)[9]],  (row)[(t)[10]], (row)[(t)[11]],           \
                    (row)[(t)[12]], (row)[(t)[13]], (row)[(t)[14]], (row)[(t)[15]]})

ALGOS_INLINE float algos_lda_kept_total(const algos_lda_16 *lanes) {
    algos_lda_16 x = *lanes;
    x += ALGOS_SHUFFLE(
        x, x, ((algos_lda_places_16){8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7}));
    x += ALGOS_SHUFFLE(
        x, x, ((algos_lda_places_16){4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11}));
    return (x[0] + x[2]) + (x[1] + x[3]);
}

/* z of a token before the first visit. */
static float algos_lda_kept_begin(const float *a, const float *row, const int32_t *topics,
                                  const float *inverses, const int32_t *places, Py_ssize_t m) {
    float sum = 0;
    for (Py_ssize_t i = 0; i < m; i++)
        sum += a[i] * (row[topics[i]] * inverses[places ? places[i] : i]);
    return sum + ALGOS_LDA_LEAST_Z;
}

/* γ of an entry in `gamma` (m,) and their sum; returns their factor. The word's numbers are
 * row[topics[i]], the topics' inverses[places[i]]. */
ALGOS_INLINE float algos_lda_kept_visit(const algos_lda_pairs *entries, Py_ssize_t e,
                                       const float *a, const float *row, const int32_t *topics,
                                       const float *inverses, const int32_t *places,
                                       Py_ssize_t m, float *gamma, float *total) {
    const float kept = entries->normalizers[e];
    const float z =
        kept > 0 ? kept
                 : algos_lda_kept_begin(a, row, topics, inverses, places, m) /
                       algos_lda_taken(entries->counts[e]);
    algos_lda_16 lanes = {0};
    for (Py_ssize_t i = 0; i < m; i += 16) {
        const algos_lda_16 own = ALGOS_LDA_LOAD(a + i);
        algos_lda_16 inverse = ALGOS_LDA_LOAD(inverses + i);
        if (places)
            inverse = ALGOS_LDA_GATHER(inverses, places + i);
        const algos_lda_16 share = ALGOS_LDA_GATHER(row, topics + i) * inverse;
        const algos_lda_16 root = own * share / ((own * inverse + z) + share);
        ALGOS_LDA_STORE(gamma + i) = root;
        lanes += root;
    }
    *total = algos_lda_kept_total(&lanes);
    return algos_lda_weigh(entries, e, z, *total);
}

/* One topic for each cache line used. Returns the number of lines. */
ALGOS_INLINE Py_ssize_t algos_lda_kept_lines(const int32_t *topics, Py_ssize_t m,
                                             int32_t *lines) {
    Py_ssize_t n = 0;
    for (Py_ssize_t i = 0; i < m; i++)
        if (i == 0 || topics[i] - lines[n - 1] >= 8 || topics[i] < topics[i - 1])
            lines[n++] = topics[i];
    return n;
}

ALGOS_INLINE void algos_lda_kept_fetch(const algos_lda_other_side *side,
                                       const algos_lda_pairs *entries, Py_ssize_t e,
                                       const int32_t *lines, Py_ssize_t n_lines) {
    if (e >= entries->size)
        return;
    const float *next = side->others + entries->index[e] * side->width;
    for (Py_ssize_t i = 0; i < n_lines; i++)
        __builtin_prefetch(next + lines[i]);
}

ALGOS_INLINE void algos_lda_kept_document(const algos_lda_other_side *side,
                                          const algos_lda_pairs *entries,
                                          const int32_t *topics, Py_ssize_t m, const float *own,
                                          float *room, double *sums) {
    float *inverses = room, *gamma = room + m, *sum = room + 2 * m;
    int32_t *lines = (int32_t *)(room + 3 * m);
    const Py_ssize_t n_lines = algos_lda_kept_lines(topics, m, lines);
    for (Py_ssize_t i = 0; i < m; i++)
        inverses[i] = side->inverses[topics[i]];
    memset(sums, 0, m * sizeof(double));
    for (Py_ssize_t begin = 0; begin < entries->size; begin += ALGOS_LDA_ENTRIES) {
        const Py_ssize_t end = algos_lda_run_end(entries, begin);
        memset(sum, 0, m * sizeof(float));
        for (Py_ssize_t e = begin; e < end; e++) {
            const float *row = side->others + entries->index[e] * side->width;
            algos_lda_kept_fetch(side, entries, e + ALGOS_LDA_NEXT, lines, n_lines);
            float total;
            const float weight = algos_lda_kept_visit(entries, e, own, row, topics, inverses,
                                                      NULL, m, gamma, &total);
            for (Py_ssize_t i = 0; i < m; i += 16)
                ALGOS_LDA_STORE(sum + i) += weight * ALGOS_LDA_LOAD(gamma + i);
            if (entries->chances)
                algos_lda_tell(side, entries, e, own, row, topics, inverses, gamma, total, m);
        }
        for (Py_ssize_t i = 0; i < m; i++)
            sums[i] += sum[i];
    }
}

/* sums += part, which is 0 after that. */
ALGOS_INLINE void algos_lda_kept_flush(float *restrict part, Py_ssize_t width,
                                       double *restrict sums) {
    for (Py_ssize_t k = 0; k < width; k++) {
        sums[k] += part[k];
        part[k] = 0;
    }
}

ALGOS_INLINE void algos_lda_kept_word(const algos_lda_other_side *side,
                                      const algos_lda_pairs *entries, const int32_t *topics,
                                      Py_ssize_t m, const float *own, float *room,
                                      double *sums) {
    float *gamma = room, *part = room + m;
    memset(sums, 0, side->width * sizeof(double));
    memset(part, 0, side->width * sizeof(float));
    for (Py_ssize_t e = 0; e < entries->size; e++) {
        const int32_t *its = topics + entries->index[e] * m;
        if (e + ALGOS_LDA_NEXT < entries->further) {
            const Py_ssize_t next = entries->index[e + ALGOS_LDA_NEXT] * m;
            for (Py_ssize_t i = 0; i < m; i += 16) {
                __builtin_prefetch(side->others + next + i);
                __builtin_prefetch(topics + next + i);
            }
        }
        float total;
        const float weight =
            algos_lda_kept_visit(entries, e, side->others + entries->index[e] * m, own, its,
                                 side->inverses, its, m, gamma, &total);
        for (Py_ssize_t i = 0; i < m; i += 16) {
            const algos_lda_16 x = weight * ALGOS_LDA_LOAD(gamma + i);
            const int32_t *t = its + i;
            const algos_lda_16 y = ALGOS_LDA_GATHER(part, t) + x;
#pragma GCC unroll 16
            for (int j = 0; j < 16; j++)
                part[t[j]] = y[j];
        }
        if (e % ALGOS_LDA_ENTRIES == ALGOS_LDA_ENTRIES - 1)
            algos_lda_kept_flush(part, side->width, sums);
    }
    algos_lda_kept_flush(part, side->width, sums);
}

/* A document (m,) with words (V, width): sums (m,); `room` (4 m,). With 16 topics, the usual
 * number, everything is in registers. */
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
