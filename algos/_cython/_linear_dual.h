/* Dual coordinate descent: the losses' steps, and sweeps over rows.
 *
 *   min over v, b    sum_i w_i loss_i(x_i v + b) + lambda |v|^2 / 2 + kappa (b - b_0)^2 / 2
 *   max over s       -sum_i w_i conjugate_i(-s_i) - lambda |v(s)|^2 / 2 - ...
 *
 * with v(s) = sum_i w_i s_i x_i / lambda and b(s) = b_0 + sum_i w_i s_i / kappa: s_i is what
 * row i pulls with, and at the optimum -loss_i'(z_i) for z_i = x_i v + b. A step solves for
 * one s_i (Shalev-Shwartz and Zhang, "Stochastic dual coordinate ascent methods for
 * regularized loss minimization", JMLR 14, 2013, section 6; for the logistic loss Yu, Huang
 * and Lin, Machine Learning 85, 2011, section 3, a safeguarded Newton step).
 */
#ifndef ALGOS_LINEAR_DUAL_H
#define ALGOS_LINEAR_DUAL_H

#include <float.h>
#include <math.h>

#include "_linear_lines.h"

/* `CODES` of algos/linear_learner/losses.py */
enum {
    ALGOS_DUAL_SQUARED_ERROR = 0,
    ALGOS_DUAL_ABSOLUTE_ERROR = 1,
    ALGOS_DUAL_QUANTILE = 2,
    ALGOS_DUAL_EPSILON_INSENSITIVE = 3,
    ALGOS_DUAL_SQUARED_EPSILON_INSENSITIVE = 4,
    ALGOS_DUAL_HUBER = 5,
    ALGOS_DUAL_LOG_LOSS = 9,
    ALGOS_DUAL_HINGE = 11,
    ALGOS_DUAL_SQUARED_HINGE = 12
};

typedef struct {
    algos_lines rows;
    const double *target, *weight;
    const double *curvature; /* (n,): w_i (|x_i|^2 / lambda + 1 / kappa) */
    int loss;
    double parameter;
    double step;           /* 1 / lambda */
    double intercept_step; /* 1 / kappa, 0 without an intercept */
    double *pull;          /* (n,): s */
    double intercept;      /* b */
    void *coef;            /* v, of the values' type */
} algos_dual;

ALGOS_INLINE double algos_clip(double value, double low, double high) {
    return value < low ? low : (value > high ? high : value);
}

/* sign(r) max(|r| - e, 0) */
ALGOS_INLINE double algos_shrink(double r, double e) {
    return r > e ? r - e : (r < -e ? r + e : 0);
}

/* The root t in [0, 1] of t = 1 / (1 + exp(m)) where the margin m = margin + q (t - old). */
ALGOS_INLINE double algos_logistic_pull(double margin, double q, double old) {
    double now = 1 / (1 + exp(margin)), low = 0, high = 1, t = old;
    double next = old + (now - old) / (1 + q * now * (1 - now));
    /* The curvature hardly changes along a short step: one Newton step is enough. */
    for (int k = 0; k < 60 && q * fabs(next - t) > 0.5; k++) {
        if (t < now)
            low = t;
        else
            high = t;
        t = next > low && next < high ? next : (low + high) / 2;
        now = 1 / (1 + exp(margin + q * (t - old)));
        next = t + (now - t) / (1 + q * now * (1 - now));
    }
    return algos_clip(next, 0, 1);
}

/* The best s_i, from the decision value z and its own share of it, q s_i. */
ALGOS_INLINE double algos_dual_pull(const algos_dual *job, double y, double z, double q,
                                    double s) {
    const double p = job->parameter;
    q += DBL_MIN; /* of an empty row */
    const double rest = z - q * s, r = y - rest;
    switch (job->loss) {
    case ALGOS_DUAL_SQUARED_ERROR:
        return r / (1 + q);
    case ALGOS_DUAL_ABSOLUTE_ERROR:
        return algos_clip(r / q, -1, 1);
    case ALGOS_DUAL_QUANTILE:
        return algos_clip(r / q, p - 1, p);
    case ALGOS_DUAL_EPSILON_INSENSITIVE:
        return algos_clip(algos_shrink(r, p) / q, -1, 1);
    case ALGOS_DUAL_SQUARED_EPSILON_INSENSITIVE:
        return 2 * algos_shrink(r, p) / (1 + 2 * q);
    case ALGOS_DUAL_HUBER:
        return algos_clip(r / (1 + q), -p, p);
    case ALGOS_DUAL_HINGE:
        return y * algos_clip((p - y * rest) / q, 0, 1);
    case ALGOS_DUAL_SQUARED_HINGE:
        return 2 * y * fmax(p - y * rest, 0) / (1 + 2 * q);
    default:
        return y * algos_logistic_pull(y * z, q, y * s);
    }
}

ALGOS_INLINE double algos_xlogx(double x) {
    return x > 0 ? x * log(x) : 0;
}

/* log(1 + exp(-m)) + t log(t) + (1 - t) log(1 - t) + t m, the relative entropy of t and
 * a = 1 / (1 + exp(m)). A short step's leading term rounds better than the difference; where a
 * and t lie on both sides of 1/2 it may be too large by any factor. */
ALGOS_INLINE double algos_logistic_gap(double m, double t) {
    const double a = 1 / (1 + exp(m));
    const double leading =
        (a - t) * (a - t) / (2 * fmax(a * (1 - a), fmax(t * (1 - t), DBL_MIN)));
    if (leading < 0.05)
        return leading;
    const double loss = fmax(-m, 0) + log1p(exp(-fabs(m)));
    return fmin(leading, loss + algos_xlogx(t) + algos_xlogx(1 - t) + t * m);
}

/* loss(z) + conjugate(-s) + s z, which is 0 where s is the best for z and positive elsewhere;
 * for the logistic loss its leading term, where that is less. */
ALGOS_INLINE double algos_dual_gap(const algos_dual *job, double y, double z, double s) {
    const double p = job->parameter, r = y - z;
    double a, t;
    switch (job->loss) {
    case ALGOS_DUAL_SQUARED_ERROR:
        return (r - s) * (r - s) / 2;
    case ALGOS_DUAL_ABSOLUTE_ERROR:
        return fabs(r) - s * r;
    case ALGOS_DUAL_QUANTILE:
        return (r > 0 ? p : p - 1) * r - s * r;
    case ALGOS_DUAL_EPSILON_INSENSITIVE:
        return fmax(fabs(r) - p, 0) + p * fabs(s) - s * r;
    case ALGOS_DUAL_SQUARED_EPSILON_INSENSITIVE:
        a = fmax(fabs(r) - p, 0), t = fabs(s);
        return (a - t / 2) * (a - t / 2) + t * (a + p) - s * r;
    case ALGOS_DUAL_HUBER:
        if (fabs(r) <= p)
            return (r - s) * (r - s) / 2;
        return p * fabs(r) - p * p / 2 + s * s / 2 - s * r;
    case ALGOS_DUAL_HINGE:
        a = p - y * z, t = y * s;
        return fmax(a, 0) - t * a;
    case ALGOS_DUAL_SQUARED_HINGE:
        a = p - y * z, t = y * s;
        return (fmax(a, 0) - t / 2) * (fmax(a, 0) - t / 2) + t * (fmax(a, 0) - a);
    default:
        return algos_logistic_gap(y * z, y * s);
    }
}

#define ALGOS_T float
#define ALGOS_V float
#define ALGOS_INDEX int32_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f32, i32)
#include "_linear_dual_impl.h"
#define ALGOS_T float
#define ALGOS_V float
#define ALGOS_INDEX int64_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f32, i64)
#include "_linear_dual_impl.h"
#define ALGOS_T double
#define ALGOS_V double
#define ALGOS_INDEX int32_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f64, i32)
#include "_linear_dual_impl.h"
#define ALGOS_T double
#define ALGOS_V double
#define ALGOS_INDEX int64_t
#define ALGOS_NAME(f) ALGOS_PASTE(f, f64, i64)
#include "_linear_dual_impl.h"

#endif
