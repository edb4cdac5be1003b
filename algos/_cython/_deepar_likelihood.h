/* Likelihoods of forecasts: the only place of the formulas.
 *
 * The network's head has raw outputs a, b, c for each step. With s+(x) = FLOOR + log(1 + eˣ),
 * ν the scale of the window and z the target (in units of ν if real, raw if a count or a share):
 *
 *   gaussian           N(a, s+(b)²)
 *   student_t          a + s+(b) t(2 + s+(c))
 *   negative_binomial  mean μ = ν s+(a), variance μ + α μ², α = s+(b) / √ν (Salinas et al.,
 *                      "DeepAR", International Journal of Forecasting 36, 2020, section 3.1)
 *   poisson            mean ν s+(a)
 *   beta               B(s+(a), s+(b)), z kept EDGE away from 0 and 1
 *   deterministic_l1   |z - a|, no distribution
 *
 * Everything is computed in double and without branches: differences of log Γ are in Stirling's
 * form, where large terms cancel algebraically. Raw outputs are bounded by FAR, and so are
 * slopes: finite numbers give finite losses and slopes; NaN stays NaN. Rows are processed in
 * blocks of one size, so that a row's bits do not depend on the others.
 */
#ifndef ALGOS_DEEPAR_LIKELIHOOD_H
#define ALGOS_DEEPAR_LIKELIHOOD_H

#include "_gamma.h"
#include "_math.h"

enum {
    ALGOS_DEEPAR_GAUSSIAN,
    ALGOS_DEEPAR_STUDENT_T,
    ALGOS_DEEPAR_NEGATIVE_BINOMIAL,
    ALGOS_DEEPAR_POISSON,
    ALGOS_DEEPAR_BETA,
    ALGOS_DEEPAR_L1,
    ALGOS_DEEPAR_KINDS
};

#define ALGOS_DEEPAR_OUTPUTS 3  /* at most */
#define ALGOS_DEEPAR_BLOCK 16   /* rows */
#define ALGOS_DEEPAR_FAR 1e30
#define ALGOS_DEEPAR_FLOOR 1e-5
#define ALGOS_DEEPAR_EDGE 1e-6  /* a few units in the last place of float32's 1 - z */

/* The number of raw outputs of a step. */
static inline int algos_deepar_n_outputs(int kind) {
    static const int counts[ALGOS_DEEPAR_KINDS] = {2, 3, 2, 1, 2, 1};
    return counts[kind];
}

/* Whether targets are raw and the scale belongs to the parameters. */
static inline int algos_deepar_is_count(int kind) {
    return kind == ALGOS_DEEPAR_NEGATIVE_BINOMIAL || kind == ALGOS_DEEPAR_POISSON;
}

/* The negative log-likelihood and its slopes by a, b and c. */
typedef struct {
    double value, a, b, c;
} algos_deepar_nll;

ALGOS_INLINE double algos_within_far(double x) { /* NaN stays */
    x = x < -ALGOS_DEEPAR_FAR ? -ALGOS_DEEPAR_FAR : x;
    return x > ALGOS_DEEPAR_FAR ? ALGOS_DEEPAR_FAR : x;
}

/* s+(x), and its slope in *rise. */
ALGOS_INLINE double algos_soft_positive(double x, double *rise) {
    const double e = algos_exp_f64(-algos_abs_f64(x));
    double inverse;
    const double small = algos_log1p_unit_f64(e, &inverse);
    *rise = x < 0 ? e * inverse : inverse;
    return ALGOS_DEEPAR_FLOOR + (x > 0 ? x : 0) + small;
}

/* p with log Γ(n/2 + 1/2) - log Γ(n/2) - log(n/2)/2 = t p, t = 2/n in [0, 1], to 2e-11, and its
 * slope in *rise: interpolated at Chebyshev's nodes. */
ALGOS_INLINE double algos_half_step(double t, double *rise) {
    static const double terms[] = {
        0x1.4bb5ac67427c2p-24,  -0x1.479eb3500f083p-22, 0x1.3a14209a0489cp-22,
        0x1.dc6ceb2e05b3ap-21,  -0x1.57b35f6048857p-18, 0x1.a648a72898d5ep-17,
        0x1.bc7885e1f5f5bp-19,  -0x1.9c1c7a048ca0bp-13, 0x1.d38a23bbd6d9ep-11,
        0x1.2c720db5ac530p-9,   -0x1.fb023f2f34602p-4};
    const double u = 2 * t - 1;
    double p = 0x1.b635241b5ca1ep-28, slope = 0;
    for (int i = 0; i < 11; i++) {
        slope = slope * u + p;
        p = p * u + terms[i];
    }
    *rise = 2 * slope;
    return p;
}

/* log Γ(x) - ((x - 1/2) log x - x) for x > 0, and ψ(x) - log x in *psi. */
ALGOS_INLINE double algos_stirling_rest(double x, double *psi) {
    const algos_stirling s = algos_stirling_of(x);
    const double log_x = algos_log_f64(x), log_y = algos_log_f64(s.y);
    const double log_product = algos_log_f64(s.left * s.right);
    *psi = (s.is_lifted ? log_y - log_x - s.sum : 0) - 0.5 * s.inverse - s.of_psi;
    return ALGOS_LOG_ROOT_TURN + s.of_gamma +
           (s.is_lifted ? (s.y - 0.5) * log_y - (x - 0.5) * log_x - 8 - log_product : 0);
}

/* log z!, z >= 0. */
ALGOS_INLINE double algos_log_factorial(double z) {
    double psi;
    return (z + 0.5) * algos_log_f64(z + 1) - (z + 1) + algos_stirling_rest(z + 1, &psi);
}

#define ALGOS_DEEPAR_LAW(name)                                                               \
    ALGOS_INLINE algos_deepar_nll algos_deepar_##name(double z, double scale, double a,      \
                                                      double b, double c)
#define ALGOS_DEEPAR_UNUSED() (void)z, (void)scale, (void)a, (void)b, (void)c

ALGOS_DEEPAR_LAW(gaussian) {
    ALGOS_DEEPAR_UNUSED();
    double rise;
    const double over = 1 / algos_soft_positive(b, &rise), x = (z - a) * over;
    return (algos_deepar_nll){ALGOS_LOG_ROOT_TURN - algos_log_f64(over) + x * x / 2, -x * over,
                              rise * over * (1 - x * x), 0};
}

ALGOS_DEEPAR_LAW(student_t) {
    ALGOS_DEEPAR_UNUSED();
    double rise, rise_n, rise_p;
    const double over = 1 / algos_soft_positive(b, &rise), x = (z - a) * over;
    const double n = 2 + algos_soft_positive(c, &rise_n), r = 1 / n, t = 2 * r;
    const double p = algos_half_step(t, &rise_p);
    const double q = x * x * r, pull = (n + 1) * r / (1 + q), log_q = algos_log1p_f64(q);
    return (algos_deepar_nll){
        ALGOS_LOG_ROOT_TURN - t * p - algos_log_f64(over) + (n + 1) / 2 * log_q,
        -pull * x * over, rise * over * (1 - pull * x * x),
        rise_n / 2 * (t * t * (p + t * rise_p) + log_q - pull * q)};
}

/* With r = 1 / α: log Γ(z + r) - log Γ(r) - z log r in Stirling's form, which has the Poisson
 * distribution as its limit. */
ALGOS_DEEPAR_LAW(negative_binomial) {
    ALGOS_DEEPAR_UNUSED();
    const double root = __builtin_sqrt(scale);
    double rise_a, rise_b, psi, psi_z;
    const double m = scale * algos_soft_positive(a, &rise_a);
    const double alpha = algos_soft_positive(b, &rise_b) / root, r = 1 / alpha;
    const double log_step = algos_log1p_f64(z * alpha), log_m = algos_log1p_f64(alpha * m);
    const double step = (z + r - 0.5) * log_step - z + algos_stirling_rest(z + r, &psi_z) -
                        algos_stirling_rest(r, &psi);
    const double by_m = (m - z) / (m * (1 + alpha * m));
    const double by_alpha = r * r * (log_step + psi_z - psi - z * alpha - log_m) +
                            (z + r) * m / (1 + alpha * m);
    return (algos_deepar_nll){
        algos_log_factorial(z) - step - z * algos_log_f64(m) + (z + r) * log_m,
        by_m * scale * rise_a, by_alpha * rise_b / root, 0};
}

ALGOS_DEEPAR_LAW(poisson) {
    ALGOS_DEEPAR_UNUSED();
    double rise;
    const double m = scale * algos_soft_positive(a, &rise);
    return (algos_deepar_nll){m - z * algos_log_f64(m) + algos_log_factorial(z),
                              (1 - z / m) * scale * rise, 0, 0};
}

ALGOS_DEEPAR_LAW(beta) {
    ALGOS_DEEPAR_UNUSED();
    double rise_p, rise_q, psi_p, psi_q, psi_sum;
    const double p = algos_soft_positive(a, &rise_p), q = algos_soft_positive(b, &rise_q);
    const double least = z > ALGOS_DEEPAR_EDGE ? z : ALGOS_DEEPAR_EDGE;
    const double y = least < 1 - ALGOS_DEEPAR_EDGE ? least : 1 - ALGOS_DEEPAR_EDGE;
    const double log_y = algos_log_f64(y), log_rest = algos_log_f64(1 - y);
    const double share_p = algos_log1p_f64(q / p), share_q = algos_log1p_f64(p / q);
    const double rests = algos_stirling_rest(p, &psi_p) + algos_stirling_rest(q, &psi_q) -
                         algos_stirling_rest(p + q, &psi_sum);
    return (algos_deepar_nll){
        rests - (p - 0.5) * share_p - (q - 0.5) * share_q - algos_log_f64(p + q) / 2 -
            (p - 1) * log_y - (q - 1) * log_rest,
        rise_p * (psi_p - psi_sum - share_p - log_y),
        rise_q * (psi_q - psi_sum - share_q - log_rest), 0};
}

ALGOS_DEEPAR_LAW(l1) {
    ALGOS_DEEPAR_UNUSED();
    return (algos_deepar_nll){algos_abs_f64(z - a), z < a ? 1 : z > a ? -1 : z - a, 0, 0};
}

typedef struct {
    double head[ALGOS_DEEPAR_OUTPUTS][ALGOS_DEEPAR_BLOCK]; /* by the loss: its slopes */
    double target[ALGOS_DEEPAR_BLOCK], scale[ALGOS_DEEPAR_BLOCK];
    double value[ALGOS_DEEPAR_BLOCK];
} algos_deepar_block;

#define ALGOS_DEEPAR_BLOCK_LOSS(name)                                                        \
    ALGOS_CLONES static void algos_deepar_##name##_losses(algos_deepar_block *restrict o) {  \
        _Pragma("omp simd")                                                                  \
        for (int i = 0; i < ALGOS_DEEPAR_BLOCK; i++) {                                       \
            const algos_deepar_nll l =                                                       \
                algos_deepar_##name(o->target[i], o->scale[i],                               \
                                    algos_within_far(o->head[0][i]),                         \
                                    algos_within_far(o->head[1][i]),                         \
                                    algos_within_far(o->head[2][i]));                        \
            o->value[i] = l.value;                                                           \
            o->head[0][i] = l.a;                                                             \
            o->head[1][i] = l.b;                                                             \
            o->head[2][i] = l.c;                                                             \
        }                                                                                    \
    }

ALGOS_DEEPAR_BLOCK_LOSS(gaussian)
ALGOS_DEEPAR_BLOCK_LOSS(student_t)
ALGOS_DEEPAR_BLOCK_LOSS(negative_binomial)
ALGOS_DEEPAR_BLOCK_LOSS(poisson)
ALGOS_DEEPAR_BLOCK_LOSS(beta)
ALGOS_DEEPAR_BLOCK_LOSS(l1)

static inline void algos_deepar_block_loss(int kind, algos_deepar_block *o) {
    switch (kind) {
    case ALGOS_DEEPAR_GAUSSIAN: algos_deepar_gaussian_losses(o); break;
    case ALGOS_DEEPAR_STUDENT_T: algos_deepar_student_t_losses(o); break;
    case ALGOS_DEEPAR_NEGATIVE_BINOMIAL: algos_deepar_negative_binomial_losses(o); break;
    case ALGOS_DEEPAR_POISSON: algos_deepar_poisson_losses(o); break;
    case ALGOS_DEEPAR_BETA: algos_deepar_beta_losses(o); break;
    default: algos_deepar_l1_losses(o);
    }
}

/* Σ mask · negative log-likelihood over n rows, in their order; `slopes` or NULL: by the raw
 * outputs, and 0 beyond n_outputs. Rows of both are `stride` apart. Rows with mask 0 are ignored,
 * even if NaN. */
#define ALGOS_DEEPAR_LOSS(T, S)                                                              \
    static inline double algos_deepar_loss_##S(int kind, const T *head, ptrdiff_t stride,    \
                                               const T *target, const T *mask,               \
                                               const T *scale, ptrdiff_t n, T *slopes) {     \
        const int k = algos_deepar_n_outputs(kind);                                          \
        algos_deepar_block o;                                                                \
        double total = 0;                                                                    \
        for (ptrdiff_t first = 0; first < n; first += ALGOS_DEEPAR_BLOCK) {                  \
            const ptrdiff_t left = n - first;                                                \
            const int rows = left < ALGOS_DEEPAR_BLOCK ? (int)left : ALGOS_DEEPAR_BLOCK;     \
            for (int i = 0; i < ALGOS_DEEPAR_BLOCK; i++) {                                   \
                const int used = i < rows && mask[first + i] != 0;                           \
                o.target[i] = used ? (double)target[first + i] : 0.5;                        \
                o.scale[i] = used ? (double)scale[first + i] : 1;                            \
                for (int j = 0; j < ALGOS_DEEPAR_OUTPUTS; j++)                               \
                    o.head[j][i] = used && j < k ? (double)head[(first + i) * stride + j] : 0; \
            }                                                                                \
            algos_deepar_block_loss(kind, &o);                                               \
            for (int i = 0; i < rows; i++) {                                                 \
                const double weight = (double)mask[first + i];                               \
                total += weight * o.value[i];                                                \
                if (slopes == NULL)                                                          \
                    continue;                                                                \
                T *row = slopes + (first + i) * stride;                                      \
                for (int j = 0; j < ALGOS_DEEPAR_OUTPUTS && j < k; j++)                      \
                    row[j] = (T)algos_within_far(weight * o.head[j][i]);                     \
                for (ptrdiff_t j = k; j < stride; j++)                                       \
                    row[j] = 0;                                                              \
            }                                                                                \
        }                                                                                    \
        return total;                                                                        \
    }

ALGOS_DEEPAR_LOSS(float, f32)
ALGOS_DEEPAR_LOSS(double, f64)

#endif
