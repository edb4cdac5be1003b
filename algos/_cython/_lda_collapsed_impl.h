/* Self-excluded responsibilities for one instruction set: see _lda_collapsed.h. */
#include "_lda_vectors.h"
#define AHEAD 6 /* entries whose rows are sent for */

ALGOS_INLINE float N(visit_total)(N(lda_vec) x) {
    const N(lda_index) iota = *(const N(lda_index) *)algos_iota_f32;
#pragma GCC unroll 4
    for (int32_t half = (int32_t)LANES / 2; half; half /= 2)
        x += ALGOS_SHUFFLE(x, x, (iota + half) & (int32_t)(LANES - 1));
    return x[0];
}

ALGOS_INLINE const float *N(visit_find)(const algos_lda_other_side *side,
                                        const algos_lda_pairs *entries, Py_ssize_t e) {
    return side->others + entries->index[e] * side->width;
}

ALGOS_INLINE void N(visit_fetch)(const algos_lda_other_side *side,
                                 const algos_lda_pairs *entries, Py_ssize_t e,
                                 const Py_ssize_t floats) {
    if (e < entries->further)
#pragma GCC unroll 16
        for (Py_ssize_t i = 0; i < floats; i += 16)
            __builtin_prefetch(N(visit_find)(side, entries, e) + i);
}

/* z before the first visit, of a token: that of the sums as they are. */
static float N(visit_begin)(const algos_lda_other_side *side, const float *own,
                            const float *other) {
    N(lda_vec) sum = {0};
    for (Py_ssize_t k = 0; k < side->width; k += LANES)
        sum += LOAD(own + k) * (LOAD(other + k) * LOAD(side->inverses + k));
    return N(visit_total)(sum);
}

ALGOS_INLINE float N(visit_z)(const algos_lda_other_side *side,
                              const algos_lda_pairs *entries, Py_ssize_t e,
                              const float *own, const float *other) {
    const float z = entries->normalizers[e];
    if (z > 0)
        return z;
    return (N(visit_begin)(side, own, other) + ALGOS_LDA_LEAST_Z) /
           algos_lda_taken(entries->counts[e]);
}

/* A row of `vectors` registers, at most MOST, then a constant. γ, before it is made to sum to 1,
 * is a fraction of which both sides are divided by M. */
ALGOS_INLINE void N(visit_held)(const algos_lda_other_side *side,
                                const algos_lda_pairs *entries, const float *own,
                                double *sums, const Py_ssize_t vectors, const int told) {
    N(lda_vec) a[MOST], share[MOST], inverse[MOST];
#pragma GCC unroll 16
    for (Py_ssize_t p = 0; p < vectors; p++) {
        a[p] = LOAD(own + p * LANES);
        inverse[p] = LOAD(side->inverses + p * LANES);
        share[p] = a[p] * inverse[p];
    }
    for (Py_ssize_t begin = 0; begin < entries->size; begin += ALGOS_LDA_ENTRIES) {
        const Py_ssize_t left = entries->size - begin;
        const Py_ssize_t end = left > ALGOS_LDA_ENTRIES ? begin + ALGOS_LDA_ENTRIES
                                                        : entries->size;
        N(lda_vec) sum[MOST];
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p++)
            sum[p] = (N(lda_vec)){0};
        for (Py_ssize_t e = begin; e < end; e++) {
            const float *other = N(visit_find)(side, entries, e);
            const float z = N(visit_z)(side, entries, e, own, other);
            N(lda_vec) gamma[MOST], total = {0}, product = {0}, square = {0};
            N(visit_fetch)(side, entries, e + AHEAD, vectors * LANES);
#pragma GCC unroll 16
            for (Py_ssize_t p = 0; p < vectors; p++) {
                const N(lda_vec) its = LOAD(other + p * LANES) * inverse[p];
                const N(lda_vec) both = a[p] * its;
                gamma[p] = both / ((share[p] + SPREAD(z)) + its);
                total += gamma[p];
                if (told) {
                    product += both;
                    square += gamma[p] * gamma[p] * inverse[p];
                }
            }
            const float whole = N(visit_total)(total);
            const N(lda_vec) weight = SPREAD(algos_lda_weigh(entries, e, z, whole));
#pragma GCC unroll 16
            for (Py_ssize_t p = 0; p < vectors; p++)
                sum[p] += weight * gamma[p];
            if (told && !algos_lda_told(side, entries, e, z, whole, N(visit_total)(product),
                                        N(visit_total)(square)))
                algos_lda_tell(side, entries, e, own, other, NULL, side->inverses,
                               (const float *)gamma, whole, vectors * LANES);
        }
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p++)
#pragma GCC unroll 16
            for (Py_ssize_t l = 0; l < LANES; l++)
                sums[p * LANES + l] += sum[p][l];
    }
}

/* The same for rows of any width; γ and its sums in `room` (2 width,). */
ALGOS_INLINE void N(visit_any)(const algos_lda_other_side *side,
                               const algos_lda_pairs *entries, const float *own, float *room,
                               double *sums, const int told) {
    const Py_ssize_t width = side->width;
    float *gamma = room, *sum = room + width;
    for (Py_ssize_t begin = 0; begin < entries->size; begin += ALGOS_LDA_ENTRIES) {
        const Py_ssize_t left = entries->size - begin;
        const Py_ssize_t end = left > ALGOS_LDA_ENTRIES ? begin + ALGOS_LDA_ENTRIES
                                                        : entries->size;
        memset(sum, 0, width * sizeof(float));
        for (Py_ssize_t e = begin; e < end; e++) {
            const float *other = N(visit_find)(side, entries, e);
            const float z = N(visit_z)(side, entries, e, own, other);
            N(lda_vec) total = {0}, product = {0}, square = {0};
            N(visit_fetch)(side, entries, e + AHEAD, width);
            for (Py_ssize_t k = 0; k < width; k += LANES) {
                const N(lda_vec) a = LOAD(own + k), inverse = LOAD(side->inverses + k);
                const N(lda_vec) its = LOAD(other + k) * inverse, both = a * its;
                const N(lda_vec) root = both / ((a * inverse + SPREAD(z)) + its);
                STORE(gamma + k) = root;
                total += root;
                if (told) {
                    product += both;
                    square += root * root * inverse;
                }
            }
            const float whole = N(visit_total)(total);
            const N(lda_vec) weight = SPREAD(algos_lda_weigh(entries, e, z, whole));
            for (Py_ssize_t k = 0; k < width; k += LANES)
                STORE(sum + k) += weight * LOAD(gamma + k);
            if (told && !algos_lda_told(side, entries, e, z, whole, N(visit_total)(product),
                                        N(visit_total)(square)))
                algos_lda_tell(side, entries, e, own, other, NULL, side->inverses, gamma,
                               whole, width);
        }
        for (Py_ssize_t k = 0; k < width; k++)
            sums[k] += sum[k];
    }
}

#define ALGOS_CASE(V)                                                                        \
    case V:                                                                                  \
        if (entries->chances)                                                                \
            N(visit_held)(side, entries, own, sums, V, 1);                                   \
        else                                                                                 \
            N(visit_held)(side, entries, own, sums, V, 0);                                   \
        return;
static void N(lda_visit)(const algos_lda_other_side *side, const algos_lda_pairs *entries,
                         const float *own, float *room, double *sums) {
    memset(sums, 0, side->width * sizeof(double));
    switch (side->width / LANES) {
        WIDTHS(ALGOS_CASE)
    }
    if (entries->chances)
        N(visit_any)(side, entries, own, room, sums, 1);
    else
        N(visit_any)(side, entries, own, room, sums, 0);
}
#undef ALGOS_CASE

#include "_lda_vectors.h"
#undef AHEAD
