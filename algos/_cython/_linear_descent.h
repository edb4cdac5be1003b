/* Coordinate descent on a quadratic model of a loss, with an L1 and an L2 penalty.
 *
 *   min over d, c   sum_i e_i u_i + h_i u_i² / 2 + sum_j l1_j |c_j| + l2_j c_j² / 2
 *
 * where u = X (c - c_before) + d is the way that decision values go, e and h the loss's
 * first and second derivative there. e follows the way: e_i + h_i u_i. The intercept d is
 * always the best one for c: after a step s along column j it moves by -s M_j / H, with
 * M_j = sum_i h_i x_ij and H = sum_i h_i. `shift` holds what it added to e, over h.
 */
#ifndef ALGOS_LINEAR_DESCENT_H
#define ALGOS_LINEAR_DESCENT_H

#include <math.h>

#include "_linear_lines.h"

typedef struct {
    algos_lines columns;
    const double *h;         /* (n,) */
    const double *mean;      /* (d,): M_j */
    const double *curvature; /* (d,): sum_i h_i x_ij² - M_j² / H */
    const double *l1, *l2;   /* (d,) */
    double *coef;            /* (d,): c */
    double *e;               /* (n,), without the intercept's part */
    double inverse;          /* 1 / H, 0 without an intercept */
    double shift;            /* d */
} algos_descent;

#define ALGOS_T float
#define ALGOS_V double
#define ALGOS_INDEX int32_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f32, i32)
#include "_linear_descent_impl.h"
#define ALGOS_T float
#define ALGOS_V double
#define ALGOS_INDEX int64_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f32, i64)
#include "_linear_descent_impl.h"
#define ALGOS_T double
#define ALGOS_V double
#define ALGOS_INDEX int32_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f64, i32)
#include "_linear_descent_impl.h"
#define ALGOS_T double
#define ALGOS_V double
#define ALGOS_INDEX int64_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f64, i64)
#include "_linear_descent_impl.h"

#define ALGOS_DESCENT_TABLE(types)                                                         \
    {algos_descend_##types, algos_correlate_##types, algos_moments_##types,                \
     algos_combine_##types}

typedef struct {
    double (*descend)(algos_descent *, const int64_t *, ptrdiff_t);
    void (*correlate)(const algos_lines *, const int64_t *, ptrdiff_t, const double *, double *);
    void (*moments)(const algos_lines *, const int64_t *, ptrdiff_t, const double *, double *,
                    double *);
    void (*combine)(const algos_lines *, const int64_t *, ptrdiff_t, const double *, double *);
} algos_descent_table;

static const algos_descent_table algos_descent_tables[2][2] = {
    {ALGOS_DESCENT_TABLE(f64_i64), ALGOS_DESCENT_TABLE(f64_i32)},
    {ALGOS_DESCENT_TABLE(f32_i64), ALGOS_DESCENT_TABLE(f32_i32)},
};

static const algos_descent_table *algos_descent_choose(int single, int narrow) {
    return &algos_descent_tables[single][narrow];
}

#endif
