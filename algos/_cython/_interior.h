/* Leaves of the interior point for bent lines: each walks over all lines once.
 *
 * A line's value less its kink is s - r; its dual has the slacks a above `low` and b below
 * `high`; `weight` multiplies its cost and `ease` tells how far it stays from its walls: the
 * path is a s = b r = mu * ease. Arrays are rows of one block, `n` apart.
 */
#ifndef ALGOS_INTERIOR_H
#define ALGOS_INTERIOR_H

#include <math.h>

#include "_simd.h"

/* The point of the path for given values: W s^2 - (W e + 2 mu) s + mu e = 0. */
ALGOS_CLONES
static void algos_interior_start(const double *away, const double *width, const double *ease,
                                 double mu, double *at, ptrdiff_t n) {
    double *s = at, *r = at + n, *a = at + 2 * n, *b = at + 3 * n;
    for (ptrdiff_t i = 0; i < n; i++) {
        double e = away[i], off = 2 * mu * ease[i] / width[i];
        double most = fabs(e) > off ? fabs(e) : off, least = fabs(e) > off ? off : fabs(e);
        double root = most * sqrt(1 + (least / most) * (least / most));  /* squares overflow */
        double more = (root + fabs(e) + off) / 2, less = off * (1 + off / (root + fabs(e))) / 2;
        s[i] = e > 0 ? more : less;
        r[i] = e > 0 ? less : more;
        a[i] = width[i] * r[i] / (s[i] + r[i]);
        b[i] = width[i] * s[i] / (s[i] + r[i]);
    }
}

/* seen: weighted duals, curvatures, and what a plain Newton step adds to the pull.
 * Returns the weighted sum of a s + b r. */
ALGOS_CLONES
static double algos_interior_look(const double *low, const double *high, const double *weight,
                                  const double *at, double *seen, ptrdiff_t n) {
    const double *s = at, *r = at + n, *a = at + 2 * n, *b = at + 3 * n;
    double *dual = seen, *curvature = seen + n, *newton = seen + 2 * n, sum = 0;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < n; i++) {
        double above = low[i] + a[i], below = high[i] - b[i];
        dual[i] = weight[i] * (a[i] < b[i] ? above : below);
        curvature[i] = weight[i] * a[i] * b[i] / (s[i] * b[i] + r[i] * a[i]);
        newton[i] = curvature[i] * (r[i] - s[i]);
        sum += weight[i] * (a[i] * s[i] + b[i] * r[i]);
    }
    return sum;
}

/* aim: by how much a s and b r are to grow to reach `center`, minus the share `bend` of the
 * second-order term of the last move; and the contribution of that to the pull. */
ALGOS_CLONES
static void algos_interior_aim(const double *ease, const double *at, const double *move,
                               const double *curvature, double center, double bend, double *aim,
                               ptrdiff_t n) {
    const double *s = at, *r = at + n, *a = at + 2 * n, *b = at + 3 * n;
    const double *d_s = move, *d_r = move + n, *d_dual = move + 2 * n;
    double *m_s = aim, *m_r = aim + n, *newton = aim + 2 * n;
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) {
        m_s[i] = center * ease[i] - a[i] * s[i] - bend * d_dual[i] * d_s[i];
        m_r[i] = center * ease[i] - b[i] * r[i] + bend * d_dual[i] * d_r[i];
        newton[i] = curvature[i] * (m_s[i] / a[i] - m_r[i] / b[i]);
    }
}

ALGOS_INLINE double algos_interior_lack(double product, double low, double high) {
    double lack = (product < low ? low : product > high ? high : product) - product;
    return lack < -high ? -high : lack;
}

/* Increases aim so that the products after a move come within a factor `near` of `center`
 * (Gondzio 1996, section 3). */
ALGOS_CLONES
static void algos_interior_recenter(const double *ease, const double *at, const double *move,
                                    const double *curvature, double primal, double dual,
                                    double center, double near, double *aim, ptrdiff_t n) {
    const double *s = at, *r = at + n, *a = at + 2 * n, *b = at + 3 * n;
    const double *d_s = move, *d_r = move + n, *d_dual = move + 2 * n;
    double *m_s = aim, *m_r = aim + n, *newton = aim + 2 * n;
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) {
        double step = dual * d_dual[i], low = center * ease[i] / near;
        double high = center * ease[i] * near;
        m_s[i] += algos_interior_lack((a[i] + step) * (s[i] + primal * d_s[i]), low, high);
        m_r[i] += algos_interior_lack((b[i] - step) * (r[i] + primal * d_r[i]), low, high);
        newton[i] = curvature[i] * (m_s[i] / a[i] - m_r[i] / b[i]);
    }
}

/* The move of s, r and the duals for an aim and a change of the values; most: the largest
 * shares of s, r and then of a, b that it takes away. */
ALGOS_CLONES
static void algos_interior_move(const double *change, const double *at, const double *aim,
                                double *move, double *most, ptrdiff_t n) {
    const double *s = at, *r = at + n, *a = at + 2 * n, *b = at + 3 * n;
    const double *m_s = aim, *m_r = aim + n;
    double *d_s = move, *d_r = move + n, *d_dual = move + 2 * n, primal = 0, dual = 0;
#pragma omp simd reduction(max : primal, dual)
    for (ptrdiff_t i = 0; i < n; i++) {
        double step = a[i] * b[i] / (s[i] * b[i] + r[i] * a[i]);
        step *= m_s[i] / a[i] - m_r[i] / b[i] - change[i];
        d_dual[i] = step;
        d_s[i] = (m_s[i] - s[i] * step) / a[i];
        d_r[i] = (m_r[i] + r[i] * step) / b[i];
        double of_s = -d_s[i] / s[i], of_r = -d_r[i] / r[i];
        double of_a = -step / a[i], of_b = step / b[i];
        double of_either = of_s > of_r ? of_s : of_r, of_duals = of_a > of_b ? of_a : of_b;
        primal = of_either > primal ? of_either : primal;
        dual = of_duals > dual ? of_duals : dual;
    }
    most[0] = primal;
    most[1] = dual;
}

/* The weighted sum of a s + b r after a move of these lengths. */
ALGOS_CLONES
static double algos_interior_ahead(const double *weight, const double *at, const double *move,
                                   double primal, double dual, ptrdiff_t n) {
    const double *s = at, *r = at + n, *a = at + 2 * n, *b = at + 3 * n;
    const double *d_s = move, *d_r = move + n, *d_dual = move + 2 * n;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < n; i++) {
        double step = dual * d_dual[i];
        sum += weight[i] * ((a[i] + step) * (s[i] + primal * d_s[i]) +
                            (b[i] - step) * (r[i] + primal * d_r[i]));
    }
    return sum;
}

ALGOS_CLONES
static void algos_interior_go(const double *move, double primal, double dual, double *at,
                              ptrdiff_t n) {
    double *s = at, *r = at + n, *a = at + 2 * n, *b = at + 3 * n;
    const double *d_s = move, *d_r = move + n, *d_dual = move + 2 * n;
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) {
        s[i] += primal * d_s[i];
        r[i] += primal * d_r[i];
        a[i] += dual * d_dual[i];
        b[i] -= dual * d_dual[i];
    }
}

#endif
