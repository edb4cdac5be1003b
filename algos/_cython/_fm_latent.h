/* Normal numbers within an interval: draws, means and the interval's probability.
 *
 * A latent variable is z ~ N(f, 1), given lower < z < upper. Everything is computed
 * from Mills' ratio R(x) = Q(x) / phi(x), x >= 0, of the upper tail Q, as multiples of the
 * density phi at the end nearer to f: nothing underflows, and nothing is lost far from f.
 *
 *   R    (1 + x) R(x) as a polynomial in (x - 4) / (x + 4), relative error 1e-15
 *   Q^-1 of exp(-s²/2): s less a polynomial in 1 / (s + 5), error 1e-13 for s <= 40
 * Both interpolate at Chebyshev's nodes.
 */
#ifndef ALGOS_FM_LATENT_H
#define ALGOS_FM_LATENT_H

#include "_fm_draws.h"
#include "_math.h"

#define ALGOS_LOG_TURN 1.8378770664093454836 /* log(2 pi) */
#define ALGOS_FAR_TAIL 30.0                  /* Q^-1 is good up to here, and some way beyond */
#define ALGOS_MOST_LATENTS 256               /* of a block */

ALGOS_INLINE double algos_mills_series(double t) {
    double p = -0x1.f3e9d3771dd49p-30;
    p = p * t + -0x1.0a5ee5aa2a60ap-28;
    p = p * t + 0x1.eff3f8affc950p-27;
    p = p * t + 0x1.77a937b0c1412p-25;
    p = p * t + -0x1.916b8b1a84e91p-25;
    p = p * t + -0x1.28b0e92ceaac2p-22;
    p = p * t + -0x1.30983964b0187p-31;
    p = p * t + 0x1.729bab6539a8bp-20;
    p = p * t + 0x1.110da6d8c0a67p-20;
    p = p * t + -0x1.b75be146b1b03p-18;
    p = p * t + -0x1.20bb1836bb4e0p-17;
    p = p * t + 0x1.1e85b7529730fp-15;
    p = p * t + 0x1.bed4d882cb287p-15;
    p = p * t + -0x1.cdd2efdcd5368p-13;
    p = p * t + -0x1.f0663899f47abp-13;
    p = p * t + 0x1.c89d7bd3503b9p-10;
    p = p * t + -0x1.775d4e724826ap-11;
    p = p * t + -0x1.9ae19ff4d2d0ap-7;
    p = p * t + 0x1.704e20a195cf9p-5;
    p = p * t + -0x1.4a947b61991f8p-4;
    p = p * t + 0x1.25a4eb031c4dcp-4;
    p = p * t + 0x1.1f7901bed4a26p-5;
    p = p * t + -0x1.f06f3d0b9e637p-3;
    p = p * t + 0x1.2eea40b9abcabp+0;
    return p;
}

ALGOS_INLINE double algos_tail_series(double t) {
    double p = -0x1.e3bd246a32f5cp-18;
    p = p * t + -0x1.f72a8115ce635p-19;
    p = p * t + 0x1.468227ef90033p-15;
    p = p * t + 0x1.819f1201b0dbdp-16;
    p = p * t + -0x1.a983937701a82p-14;
    p = p * t + -0x1.0006a414c21b0p-14;
    p = p * t + 0x1.45785f9d74b60p-13;
    p = p * t + 0x1.a25d2166207cep-14;
    p = p * t + -0x1.59e29adbbf95ap-13;
    p = p * t + -0x1.a179044d8b11fp-14;
    p = p * t + 0x1.bc6caf2ce5ad8p-14;
    p = p * t + 0x1.69373172a5149p-14;
    p = p * t + -0x1.5a4971fb0fe22p-14;
    p = p * t + -0x1.d9c1a6b10a468p-18;
    p = p * t + -0x1.7931a39b3b4dfp-15;
    p = p * t + 0x1.afb9db8cc7af1p-14;
    p = p * t + -0x1.87798a73505ebp-13;
    p = p * t + 0x1.0b5a469083ad5p-12;
    p = p * t + -0x1.0ed3d13995198p-11;
    p = p * t + 0x1.93f6f08dff3dbp-11;
    p = p * t + -0x1.92fd4d08df5b5p-10;
    p = p * t + 0x1.38ebff835367cp-9;
    p = p * t + -0x1.3e23d6deeb629p-8;
    p = p * t + 0x1.05a02798c0484p-7;
    p = p * t + -0x1.19217dcd7f145p-6;
    p = p * t + 0x1.f32f32d107bb4p-6;
    p = p * t + -0x1.2611b66f41eeep-4;
    p = p * t + 0x1.16a014167afecp-3;
    p = p * t + -0x1.bd574d92faa74p-2;
    p = p * t + 0x1.df8b4d331790fp-2;
    return p;
}

ALGOS_INLINE double algos_mills(double x) {
    const double over = 1 / ((1 + x) * (4 + x)); /* one division */
    return algos_mills_series((x - 4) * (1 + x) * over) * ((4 + x) * over);
}

/* x with Q(x) = exp(-s²/2) <= 1/2. */
ALGOS_INLINE double algos_tail_end(double s) {
    return s - algos_tail_series((1 / (s + 5) - 0x1.790aa8cae0f8bp-4) * -0x1.ca43397d16150p+3);
}

/* An interval as seen from f, turned so that a + b >= 0; the density at |a| over phi(0). */
typedef struct {
    double a, b;     /* b > |a| */
    double at_a;     /* R(|a|) */
    double at_b;     /* R(b) phi(b) / phi(a), 0 without an upper end */
    double density;  /* phi(a) */
    int turned, far; /* far: a > ALGOS_FAR_TAIL */
} algos_interval;

ALGOS_INLINE algos_interval algos_see(double f, double lower, double upper) {
    algos_interval i;
    const double a = lower - f, b = upper - f;
    i.turned = a + b < 0;
    i.a = i.turned ? -b : a;
    i.b = i.turned ? -a : b;
    /* Beyond 1e6 sums of squares lose the width, and densities underflow. */
    const double near_a = algos_abs_f64(i.a) < 1e6 ? algos_abs_f64(i.a) : 1e6;
    const double near_b = i.b < 1e7 ? i.b : 1e7;
    i.far = i.a > ALGOS_FAR_TAIL;
    i.at_a = algos_mills(near_a);
    i.at_b = algos_mills(near_b) * algos_exp_f64((near_a - near_b) * (near_a + near_b) / 2);
    i.density = algos_exp_f64(-(near_a * near_a + ALGOS_LOG_TURN) / 2);
    return i;
}

/* The probability of the interval, over phi(a) where a > 0. */
ALGOS_INLINE double algos_share(algos_interval i) {
    return i.a > 0 ? i.at_a - i.at_b : 1 - i.density * (i.at_a + i.at_b);
}

/* z: with u in (0, 1) the share of the interval's probability that is beyond it. */
ALGOS_INLINE double algos_draw_within(double f, double lower, double upper, double u) {
    const algos_interval i = algos_see(f, lower, upper);
    const double above = u * i.at_a + (1 - u) * i.at_b; /* Q / phi(a), a > 0 */
    const double upper_tail = u * (1 - i.density * i.at_a) + (1 - u) * i.density * i.at_b;
    const double lower_tail = u * i.density * i.at_a + (1 - u) * (1 - i.density * i.at_b);
    const double tail = upper_tail < lower_tail ? upper_tail : lower_tail;
    const double square = i.a > 0 ? i.a * i.a + ALGOS_LOG_TURN - 2 * algos_log_f64(above)
                                  : -2 * algos_log_f64(tail);
    double x = algos_tail_end(__builtin_sqrt(square));
    x = i.a > 0 || upper_tail < lower_tail ? x : -x;
    x = x < i.a ? i.a : x;
    x = x > i.b ? i.b : x;
    const double z = f + (i.turned ? -x : x);
    return z < lower ? lower : z > upper ? upper : z;
}

/* The mean of z. */
ALGOS_INLINE double algos_mean_within(double f, double lower, double upper) {
    const algos_interval i = algos_see(f, lower, upper);
    const double near_a = algos_abs_f64(i.a) < 1e6 ? algos_abs_f64(i.a) : 1e6;
    const double near_b = i.b < 1e7 ? i.b : 1e7;
    const double fall = 1 - algos_exp_f64((near_a - near_b) * (near_a + near_b) / 2);
    double x = (i.a > 0 ? fall : fall * i.density) / algos_share(i);
    x = x > i.a ? x : i.a; /* NaN, of an interval too narrow, becomes a */
    x = x > i.b ? i.b : x;
    const double z = f + (i.turned ? -x : x);
    return z < lower ? lower : z > upper ? upper : z;
}

/* The logarithm of the interval's probability. */
ALGOS_INLINE double algos_log_share(double f, double lower, double upper) {
    const algos_interval i = algos_see(f, lower, upper);
    const double outside = i.density * (i.at_a + i.at_b);
    return i.a > 0 ? algos_log_f64(i.at_a - i.at_b) - (i.a * i.a + ALGOS_LOG_TURN) / 2
                   : algos_log1p_f64(-outside);
}

ALGOS_INLINE double algos_normal_cdf(double x) {
    const double far = algos_abs_f64(x) < 40 ? algos_abs_f64(x) : 40;
    const double tail =
        algos_mills(far) * algos_exp_f64(-(far * far + ALGOS_LOG_TURN) / 2);
    return x < 0 ? tail : 1 - tail;
}

/* Draw z[j], j < n <= ALGOS_MOST_LATENTS, from u[j]; return how many are far (`far[j]`), which
 * are then to be drawn by algos_draw_far. */
ALGOS_CLONES
static int algos_draw_latents(const double *f, const double *lower, const double *upper,
                              const double *u, ptrdiff_t n, double *z, int *far) {
    int n_far = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        z[j] = algos_draw_within(f[j], lower[j], upper[j], u[j]);
    for (ptrdiff_t j = 0; j < n; j++) {
        far[j] = lower[j] - f[j] > ALGOS_FAR_TAIL || f[j] - upper[j] > ALGOS_FAR_TAIL;
        n_far += far[j];
    }
    return n_far;
}

ALGOS_CLONES
static void algos_latent_means(const double *f, const double *lower, const double *upper,
                               ptrdiff_t n, double *z) {
    for (ptrdiff_t j = 0; j < n; j++)
        z[j] = algos_mean_within(f[j], lower[j], upper[j]);
}

/* Values are log-probabilities; slopes and curvatures the derivatives by the two ends:
 * d/dlower, d/dupper, d²/dlower², d²/dupper², d²/dlower dupper. */
ALGOS_CLONES
static void algos_interval_terms(const double *f, const double *lower, const double *upper,
                                 ptrdiff_t n, double *values, double *terms) {
    for (ptrdiff_t j = 0; j < n; j++) {
        const double a = lower[j] - f[j], b = upper[j] - f[j];
        const double near_a = a > -1e6 ? a : -1e6, near_b = b < 1e6 ? b : 1e6;
        const double value = algos_log_share(f[j], lower[j], upper[j]);
        const double low =
            algos_exp_f64(-(near_a * near_a + ALGOS_LOG_TURN) / 2 - value);
        const double high =
            algos_exp_f64(-(near_b * near_b + ALGOS_LOG_TURN) / 2 - value);
        values[j] = value;
        terms[j] = -low;
        terms[n + j] = high;
        terms[2 * n + j] = low * (near_a - low);
        terms[3 * n + j] = -high * (near_b + high);
        terms[4 * n + j] = low * high;
    }
}

ALGOS_CLONES
static void algos_normal_cdfs(const double *x, ptrdiff_t n, double *out) {
    for (ptrdiff_t j = 0; j < n; j++)
        out[j] = algos_normal_cdf(x[j]);
}

/* z of an interval far from f, by rejection from an exponential number (Robert, "Simulation of
 * truncated normal variables", Statistics and Computing 5, 1995). */
static double algos_draw_far(double f, double lower, double upper, algos_rng *rng) {
    const int turned = f > upper;
    const double a = turned ? f - upper : lower - f, width = upper - lower;
    double e;
    do { /* most are accepted: e is about 1 / a */
        e = -log1p(algos_open_unit(rng) * expm1(-a * width)) / a;
    } while (algos_open_unit(rng) > exp(-e * e / 2));
    e = e < width ? e : width;
    return turned ? upper - e : lower + e;
}

#endif
