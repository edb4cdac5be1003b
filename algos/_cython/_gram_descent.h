/* Coordinate descent for  v' A v / 2 - c' v + sum_j (l1_j |v_j| + l2_j v_j^2 / 2),
 * A = X' X and c = X' y being given instead of X and y.
 *
 *   u = c - A v    the products of the columns of X with the residual r = y - X v
 */
#ifndef ALGOS_GRAM_DESCENT_H
#define ALGOS_GRAM_DESCENT_H

#include <Python.h>
#include <math.h>
#include "_simd.h"

typedef struct {
    const double *A; /* (p, p) */
    const double *l1, *l2;
    double *v, *u;
    Py_ssize_t p;
    double square; /* y' y */
} algos_gram_problem;

/* u = c - A v. */
ALGOS_CLONES static void algos_gram_slopes(const algos_gram_problem *problem,
                                           const double *restrict c) {
    const Py_ssize_t p = problem->p;
    double *restrict u = problem->u;
    for (Py_ssize_t i = 0; i < p; i++)
        u[i] = c[i];
    for (Py_ssize_t j = 0; j < p; j++) {
        const double vj = problem->v[j];
        const double *restrict row = problem->A + j * p;
        if (vj != 0)
            for (Py_ssize_t i = 0; i < p; i++)
                u[i] -= vj * row[i];
    }
}

/* Minimise over one coordinate after the other; return by how much the objective fell. */
ALGOS_CLONES static double algos_gram_sweep(const algos_gram_problem *problem,
                                            const Py_ssize_t *restrict coordinates,
                                            Py_ssize_t count) {
    const Py_ssize_t p = problem->p;
    double *restrict u = problem->u;
    double gain = 0;
    for (Py_ssize_t k = 0; k < count; k++) {
        const Py_ssize_t j = coordinates[k];
        const double *restrict row = problem->A + j * p;
        const double curvature = row[j] + problem->l2[j], before = problem->v[j];
        if (!(curvature > 0))
            continue; /* nothing depends on it but its penalty */
        const double slope = u[j] + row[j] * before;
        const double size = fabs(slope) - problem->l1[j];
        const double after = size > 0 ? copysign(size, slope) / curvature : 0;
        const double step = after - before;
        if (step == 0)
            continue;
        for (Py_ssize_t i = 0; i < p; i++)
            u[i] -= step * row[i];
        problem->v[j] = after;
        /* What the parabola falls, and the penalty beyond its tangent at the new place. */
        const double tangent = after != 0 ? copysign(problem->l1[j], after) : slope;
        const double beyond = problem->l1[j] - copysign(1, before) * tangent;
        gain += curvature * step * step / 2 + beyond * fabs(before);
    }
    return gain;
}

/* Add what column j costs at the dual point s r: penalty + conjugate - s u_j v_j >= 0. */
ALGOS_INLINE double algos_gram_gap_of(const algos_gram_problem *problem, Py_ssize_t j,
                                      double s) {
    const double l1 = problem->l1[j], l2 = problem->l2[j], v = problem->v[j];
    const double slope = s * problem->u[j], excess = fabs(slope) - l1;
    const double penalty = l1 * fabs(v) + l2 * v * v / 2 - slope * v;
    if (excess <= 0)
        return penalty;
    if (l2 > 0)
        return penalty + excess * excess / (2 * l2);
    /* Allowed for coordinates without any penalty alone, whose slope is zero at the
     * optimum; what the best step along this one would gain stands in for infinity. */
    return l1 > 0 || !(problem->A[j * problem->p + j] > 0)
               ? penalty
               : slope * slope / (2 * problem->A[j * problem->p + j]);
}

/* The duality gap  (1 - s)^2 |r|^2 / 2 + sum_j of the above,  the better of s = 1, if the
 * dual point is feasible there, and of the largest s for which |s u_j| <= l1_j for all j
 * with an l1 penalty. No two large numbers are subtracted. */
ALGOS_CLONES static double algos_gram_gap(const algos_gram_problem *problem,
                                          const double *restrict c) {
    double s = 1, whole = 0, scaled = 0, square = problem->square;
    int is_feasible = 1;
    for (Py_ssize_t j = 0; j < problem->p; j++) {
        const double l1 = problem->l1[j], slope = fabs(problem->u[j]);
        square -= problem->v[j] * (c[j] + problem->u[j]);
        if (l1 > 0 && slope > l1) {
            s = fmin(s, l1 / slope);
            is_feasible &= problem->l2[j] > 0;
        }
    }
    for (Py_ssize_t j = 0; j < problem->p; j++) {
        whole += algos_gram_gap_of(problem, j, 1);
        scaled += algos_gram_gap_of(problem, j, s);
    }
    scaled += (1 - s) * (1 - s) * fmax(square, 0) / 2;
    return fmax(0, is_feasible ? fmin(whole, scaled) : scaled);
}

#endif
