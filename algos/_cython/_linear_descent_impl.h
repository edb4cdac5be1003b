/* Columns against vectors of doubles, for one type of values and one of indices.
 *
 * Each function is compiled twice: dense lines want vectors, and sparse ones plain
 * instructions, since compilers make slow gathers of newer ones.
 */
#include "_linear_lines.h"

#define T ALGOS_T
#define N ALGOS_NAME

/* e += step h x */
ALGOS_INLINE void N(add_weighted)(N(line) x, double step, const double *restrict h,
                                  double *restrict e) {
    if (x.at == NULL) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < x.count; k++)
            e[k] += step * h[k] * (double)x.values[k];
        return;
    }
    for (ptrdiff_t k = 0; k < x.count; k++)
        e[x.at[k]] += step * h[x.at[k]] * (double)x.values[k];
}

/* One step along column j. Returns half of curvature x step², about what it gained. */
ALGOS_INLINE double N(descend_along)(algos_descent *job, ptrdiff_t j) {
    const double curvature = job->curvature[j], stiffness = curvature + job->l2[j];
    if (!(stiffness > 0))
        return 0;
    const N(line) x = N(take)(&job->columns, j);
    const double slope = N(dot)(x, job->e) + job->shift * job->mean[j];
    const double before = job->coef[j], pull = curvature * before - slope;
    const double rest = fabs(pull) - job->l1[j];
    const double after = rest > 0 ? copysign(rest, pull) / stiffness : 0;
    const double step = after - before;
    if (step == 0 || !isfinite(step))
        return 0;
    job->coef[j] = after;
    job->shift -= step * job->mean[j] * job->inverse;
    N(add_weighted)(x, step, job->h, job->e);
    return stiffness * step * step / 2;
}

ALGOS_INLINE double N(descend_all)(algos_descent *job, const int64_t *which, ptrdiff_t count) {
    double gain = 0;
    for (ptrdiff_t k = 0; k < count; k++) {
        if (k + 1 < count)
            N(fetch)(&job->columns, which[k + 1]);
        gain += N(descend_along)(job, which[k]);
    }
    return gain;
}

/* out[j] = x_j e */
ALGOS_INLINE void N(correlate_all)(const algos_lines *x, const int64_t *which, ptrdiff_t count,
                                   const double *e, double *out) {
    for (ptrdiff_t k = 0; k < count; k++)
        out[which[k]] = N(dot)(N(take)(x, which[k]), e);
}

/* mean[j] = sum_i h_i x_ij, square[j] = sum_i h_i x_ij² */
ALGOS_INLINE void N(moments_all)(const algos_lines *x, const int64_t *which, ptrdiff_t count,
                                 const double *h, double *mean, double *square) {
    for (ptrdiff_t c = 0; c < count; c++) {
        const N(line) line = N(take)(x, which[c]);
        double first = 0, second = 0;
#pragma omp simd reduction(+ : first, second)
        for (ptrdiff_t k = 0; k < line.count; k++) {
            const double value = (double)line.values[k];
            const double weighted = value * h[line.at == NULL ? k : (ptrdiff_t)line.at[k]];
            first += weighted;
            second += weighted * value;
        }
        mean[which[c]] = first;
        square[which[c]] = second;
    }
}

/* z += sum_j step[j] x_j */
ALGOS_INLINE void N(combine_all)(const algos_lines *x, const int64_t *which, ptrdiff_t count,
                                 const double *step, double *z) {
    for (ptrdiff_t k = 0; k < count; k++)
        if (step[which[k]] != 0)
            N(add)(N(take)(x, which[k]), step[which[k]], z);
}

#define ALGOS_TWICE(RETURNS, NAME, X, PARAMETERS, ARGUMENTS)                               \
    static RETURNS N(NAME##_sparse) PARAMETERS {                                           \
        if ((X)->indices == NULL)                                                          \
            __builtin_unreachable();                                                       \
        return N(NAME##_all) ARGUMENTS;                                                    \
    }                                                                                      \
    ALGOS_CLONES static RETURNS N(NAME##_dense) PARAMETERS {                               \
        if ((X)->indices != NULL)                                                          \
            __builtin_unreachable();                                                       \
        return N(NAME##_all) ARGUMENTS;                                                    \
    }                                                                                      \
    static RETURNS N(NAME) PARAMETERS {                                                    \
        return (X)->indices == NULL ? N(NAME##_dense) ARGUMENTS                            \
                                    : N(NAME##_sparse) ARGUMENTS;                          \
    }

ALGOS_TWICE(double, descend, &job->columns,
            (algos_descent * job, const int64_t *which, ptrdiff_t count), (job, which, count))
ALGOS_TWICE(void, correlate, x,
            (const algos_lines *x, const int64_t *which, ptrdiff_t count, const double *e,
             double *out),
            (x, which, count, e, out))
ALGOS_TWICE(void, moments, x,
            (const algos_lines *x, const int64_t *which, ptrdiff_t count, const double *h,
             double *mean, double *square),
            (x, which, count, h, mean, square))
ALGOS_TWICE(void, combine, x,
            (const algos_lines *x, const int64_t *which, ptrdiff_t count, const double *step,
             double *z),
            (x, which, count, step, z))

#undef ALGOS_TWICE
#undef ALGOS_T
#undef ALGOS_V
#undef ALGOS_INDEX
#undef ALGOS_NAME
#undef T
#undef N
