/* Sweeps of dual coordinate descent for one type of values and one of indices. */
#include "_linear_lines.h"

/* One step for row i; returns the gap of the row before it. */
ALGOS_INLINE double ALGOS_NAME(dual_step)(algos_dual *job, ptrdiff_t i) {
    const ALGOS_NAME(line) row = ALGOS_NAME(take)(&job->rows, i);
    ALGOS_V *v = (ALGOS_V *)job->coef;
    const double old = job->pull[i], y = job->target[i];
    const double z = ALGOS_NAME(dot)(row, v) + job->intercept;
    const double now = algos_dual_pull(job, y, z, job->curvature[i], old);
    if (now != old) {
        const double change = job->weight[i] * (now - old);
        job->pull[i] = now;
        job->intercept += change * job->intercept_step;
        ALGOS_NAME(add)(row, change * job->step, v);
    }
    return job->weight[i] * algos_dual_gap(job, y, z, old);
}

/* Steps for all rows in their order; gaps[k] is the gap of row order[k] before its step. */
ALGOS_INLINE double ALGOS_NAME(dual_walk)(algos_dual *job, const int64_t *order,
                                          ptrdiff_t count, double *gaps) {
    double gap = 0;
    for (ptrdiff_t k = 0; k < count; k++) {
        if (k + 1 < count)
            ALGOS_NAME(fetch)(&job->rows, order[k + 1]);
        if (k + 3 < count) {
            const int64_t next = order[k + 3];
            __builtin_prefetch(job->pull + next, 1);
            __builtin_prefetch(job->target + next);
            __builtin_prefetch(job->weight + next);
            __builtin_prefetch(job->curvature + next);
        }
        gaps[k] = ALGOS_NAME(dual_step)(job, order[k]);
        gap += gaps[k];
    }
    return gap;
}

/* Plain instructions are the fastest here: compilers make slow gathers of newer ones. */
static double ALGOS_NAME(dual_sweep_sparse)(algos_dual *job, const int64_t *order,
                                            ptrdiff_t count, double *gaps) {
    if (job->rows.indices == NULL)
        __builtin_unreachable();
    return ALGOS_NAME(dual_walk)(job, order, count, gaps);
}

ALGOS_CLONES static double ALGOS_NAME(dual_sweep_dense)(algos_dual *job, const int64_t *order,
                                                        ptrdiff_t count, double *gaps) {
    job->rows.indices = NULL;
    return ALGOS_NAME(dual_walk)(job, order, count, gaps);
}

static double ALGOS_NAME(dual_sweep)(algos_dual *job, const int64_t *order, ptrdiff_t count,
                                     double *gaps) {
    if (job->rows.indices == NULL)
        return ALGOS_NAME(dual_sweep_dense)(job, order, count, gaps);
    return ALGOS_NAME(dual_sweep_sparse)(job, order, count, gaps);
}

/* norms[i] = |x_i|^2 */
ALGOS_CLONES static void ALGOS_NAME(dual_norms)(const algos_lines *x, ptrdiff_t n,
                                                double *norms) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const ALGOS_NAME(line) row = ALGOS_NAME(take)(x, i);
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (ptrdiff_t k = 0; k < row.count; k++)
            sum += (double)row.values[k] * (double)row.values[k];
        norms[i] = sum;
    }
}

#undef ALGOS_T
#undef ALGOS_V
#undef ALGOS_INDEX
#undef ALGOS_NAME
