/* Self-excluded responsibilities for one instruction set: see _lda_collapsed.h. */
#include "_lda_vectors.h"
#define AHEAD 6 /* entries whose rows are prefetched */

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

/* z of a token before the first visit, from the present sums. */
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

/* Lanes of Σ γ before normalisation and, for the chance, of Σ A B / M and
 * Σ γ² / M. */
typedef struct {
    N(lda_vec) total, product, square;
} N(visit_lanes);

/* γ of a register of topics: a fraction with both parts divided by M. `share` is a / M. */
ALGOS_INLINE N(lda_vec) N(visit_root)(N(lda_vec) a, N(lda_vec) share, N(lda_vec) inverse,
                                      N(lda_vec) other, N(lda_vec) z, N(visit_lanes) *lanes,
                                      const int told) {
    const N(lda_vec) its = other * inverse, both = a * its;
    const N(lda_vec) root = both / ((share + z) + its);
    lanes->total += root;
    if (told) {
        lanes->product += both;
        lanes->square += root * root * inverse;
    }
    return root;
}

/* Compute the chance of an entry: from sums or, if these are too inaccurate, from its γ. */
ALGOS_INLINE void N(visit_tell)(const algos_lda_other_side *side,
                                const algos_lda_pairs *entries, Py_ssize_t e, float z,
                                float whole, const N(visit_lanes) *lanes, const float *own,
                                const float *other, const float *gamma, Py_ssize_t size) {
    if (!algos_lda_told(side, entries, e, z, whole, N(visit_total)(lanes->product),
                        N(visit_total)(lanes->square)))
        algos_lda_tell(side, entries, e, own, other, NULL, side->inverses, gamma, whole, size);
}

/* An own row of `vectors` registers, at most MOST, then a constant. */
typedef struct {
    N(lda_vec) a[MOST], share[MOST], inverse[MOST];
} N(visit_row);

/* Sum a run of entries. */
ALGOS_INLINE void N(visit_held_run)(const algos_lda_other_side *side,
                                    const algos_lda_pairs *entries, const float *own,
                                    const N(visit_row) *row, Py_ssize_t begin, Py_ssize_t end,
                                    N(lda_vec) *sum, const Py_ssize_t vectors, const int told) {
    for (Py_ssize_t e = begin; e < end; e++) {
        const float *other = N(visit_find)(side, entries, e);
        const float z = N(visit_z)(side, entries, e, own, other);
        N(lda_vec) gamma[MOST];
        N(visit_lanes) lanes = {{0}, {0}, {0}};
        N(visit_fetch)(side, entries, e + AHEAD, vectors * LANES);
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p++)
            gamma[p] = N(visit_root)(row->a[p], row->share[p], row->inverse[p],
                                     LOAD(other + p * LANES), SPREAD(z), &lanes, told);
        const float whole = N(visit_total)(lanes.total);
        const N(lda_vec) weight = SPREAD(algos_lda_weigh(entries, e, z, whole));
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p++)
            sum[p] += weight * gamma[p];
        if (told)
            N(visit_tell)(side, entries, e, z, whole, &lanes, own, other,
                          (const float *)gamma, vectors * LANES);
    }
}

ALGOS_INLINE void N(visit_held)(const algos_lda_other_side *side,
                                const algos_lda_pairs *entries, const float *own,
                                double *sums, const Py_ssize_t vectors, const int told) {
    N(visit_row) row;
#pragma GCC unroll 16
    for (Py_ssize_t p = 0; p < vectors; p++) {
        row.a[p] = LOAD(own + p * LANES);
        row.inverse[p] = LOAD(side->inverses + p * LANES);
        row.share[p] = row.a[p] * row.inverse[p];
    }
    for (Py_ssize_t begin = 0; begin < entries->size; begin += ALGOS_LDA_ENTRIES) {
        const Py_ssize_t end = algos_lda_run_end(entries, begin);
        N(lda_vec) sum[MOST];
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p++)
            sum[p] = (N(lda_vec)){0};
        N(visit_held_run)(side, entries, own, &row, begin, end, sum, vectors, told);
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
        const Py_ssize_t end = algos_lda_run_end(entries, begin);
        memset(sum, 0, width * sizeof(float));
        for (Py_ssize_t e = begin; e < end; e++) {
            const float *other = N(visit_find)(side, entries, e);
            const float z = N(visit_z)(side, entries, e, own, other);
            N(visit_lanes) lanes = {{0}, {0}, {0}};
            N(visit_fetch)(side, entries, e + AHEAD, width);
            for (Py_ssize_t k = 0; k < width; k += LANES) {
                const N(lda_vec) a = LOAD(own + k), inverse = LOAD(side->inverses + k);
                STORE(gamma + k) = N(visit_root)(a, a * inverse, inverse, LOAD(other + k),
                                                 SPREAD(z), &lanes, told);
            }
            const float whole = N(visit_total)(lanes.total);
            const N(lda_vec) weight = SPREAD(algos_lda_weigh(entries, e, z, whole));
            for (Py_ssize_t k = 0; k < width; k += LANES)
                STORE(sum + k) += weight * LOAD(gamma + k);
            if (told)
                N(visit_tell)(side, entries, e, z, whole, &lanes, own, other, gamma, width);
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
