/* Steps of pairs of rows (BPR: Rendle et al., "BPR: Bayesian personalized ranking from
 * implicit feedback", UAI 2009). A column that both rows have steps once, along
 *   e (x (q - x v) - x' (q' - x' v)):
 * what it adds to both scores alike is not learned, and does not shorten its steps.
 */
#ifndef ALGOS_FM_PAIRS_H
#define ALGOS_FM_PAIRS_H

/* x and x' may be 0; q and q' are beside each other. */
ALGOS_INLINE void algos_fm_step_pair(const algos_fm_steps *job, ptrdiff_t column,
                                     const float *restrict q, float x, float other, float e,
                                     float w) {
    const int rank = job->rank;
    const ptrdiff_t slot = job->slots[column];
    const float a = e * x, b = e * other, shrink = b * other - a * x;
    float p[ALGOS_FM_MOST_RANK];
#pragma omp simd
    for (int i = 0; i < rank; i++)
        p[i] = a * q[i] - b * q[rank + i];
    if (slot < 0)
        algos_fm_step_column_any(job, column, 0, p, 1.0f, shrink, a - b, w);
    else
        algos_fm_add_up_any(job, slot, p, 1.0f, shrink, a - b, w);
}

/* The steps of a member's columns: both rows' sorted columns, merged. */
ALGOS_CLONES static void algos_fm_step_pairs(const algos_fm_steps *job, algos_fm_member *own,
                                             ptrdiff_t start, ptrdiff_t count) {
    for (ptrdiff_t r = 0; r < count; r++) {
        const int64_t row = job->order[start + r];
        const float w = job->weight[row];
        const int64_t *starts = algos_fm_starts(job, row);
        const int64_t *others = algos_fm_starts(job, job->rival[start + r]);
        const int64_t end = starts[own->last], rival_end = others[own->last];
        int64_t k = starts[own->first], m = others[own->first];
        while (k < end || m < rival_end) {
            const int32_t mine = k < end ? job->indices[k] : INT32_MAX;
            const int32_t its = m < rival_end ? job->indices[m] : INT32_MAX;
            const int32_t column = mine < its ? mine : its;
            float x = 0, other = 0;
            if (mine == column) {
                x = job->values == NULL ? 1.0f : job->values[k];
                k++;
            }
            if (its == column) {
                other = job->values == NULL ? 1.0f : job->values[m];
                m++;
            }
            algos_fm_step_pair(job, column, own->q + 2 * r * job->rank, x, other, own->slope[r],
                               w);
        }
    }
    algos_fm_step_common_any(job, own);
}

#endif
