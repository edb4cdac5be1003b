/* Draws from the likelihoods of `_deepar_likelihood.h`, one for each path of a series.
 *
 * Draws are in the convention of targets. A path's draw at a step depends only on (seed, series,
 * path, step), and rows are processed in blocks of one size: neither other paths nor other
 * series change its bits.
 *
 *   gaussian   Box and Muller, "A note on the generation of random normal deviates", Annals of
 *              Mathematical Statistics 29, 1958
 *   student_t  Bailey, "Polar generation of random variates with the t-distribution",
 *              Mathematics of Computation 62, 1994
 *   counts     of a rate, which is a Gamma number for negative_binomial: Hörmann, "The
 *              transformed rejection method for generating Poisson random variables", Insurance:
 *              Mathematics and Economics 12, 1993, algorithm PTRS; the sum of probabilities
 *              where the rate is small; a rounded normal number where it is above MOST_RATE
 *   beta       of two Gamma numbers: Marsaglia and Tsang, "A simple method for generating gamma
 *              variables", ACM TOMS 26, 2000
 */
#ifndef ALGOS_DEEPAR_DRAW_H
#define ALGOS_DEEPAR_DRAW_H

#include "_deepar_likelihood.h"
#include "_rng.h"

#define ALGOS_DEEPAR_MOST_RATE 1e9
#define ALGOS_DEEPAR_SURE_SHAPE 1e8 /* above it practically none is rejected */
#define ALGOS_TURN 6.28318530717958647693

/* The key of the draws of one series at one step. */
typedef struct {
    uint64_t seed[2], series[2];
    uint32_t step;
} algos_deepar_stream;

/* The parameters of the distribution in the convention of targets, out[n_outputs]. */
static inline void algos_deepar_parameters(int kind, const double *head, double scale,
                                           double *out) {
    double rise;
    const int is_real =
        kind == ALGOS_DEEPAR_GAUSSIAN || kind == ALGOS_DEEPAR_STUDENT_T || kind == ALGOS_DEEPAR_L1;
    for (int j = 0; j < algos_deepar_n_outputs(kind); j++) {
        out[j] = algos_within_far(head[j]);
        if (j > 0 || !is_real)
            out[j] = algos_soft_positive(out[j], &rise);
    }
    if (kind == ALGOS_DEEPAR_STUDENT_T)
        out[2] += 2;
    if (algos_deepar_is_count(kind))
        out[0] *= scale;
    if (kind == ALGOS_DEEPAR_NEGATIVE_BINOMIAL)
        out[1] /= __builtin_sqrt(scale);
}

/* The stream of a path, or of the pair 2 path, 2 path + 1. */
static inline void algos_deepar_start(algos_rng *rng, const algos_deepar_stream *stream,
                                      uint32_t path) {
    algos_rng_start(rng, stream->seed, stream->series[0], (uint64_t)stream->step << 32 | path);
    rng->counter[3] = stream->series[1];
}

/* In (0, 1): the middles of 2^52 equal parts. */
static inline double algos_within_unit(uint64_t word) {
    return ((double)(word >> 12) + 0.5) * 0x1p-52;
}

/* cos(2 pi v), v in [0, 1]: Taylor's series about a quarter turn, where it is -sin. */
ALGOS_INLINE double algos_cos_turn(double v) {
    const double half = algos_abs_f64(v - 0.5); /* cos(2 pi v) = -cos(2 pi half) */
    const double a = (half - 0.25) * ALGOS_TURN, z = a * a; /* |a| <= pi / 2 */
    double p = -1.0 / 121645100408832000; /* 19! */
    p = p * z + 1.0 / 355687428096000;
    p = p * z - 1.0 / 1307674368000;
    p = p * z + 1.0 / 6227020800;
    p = p * z - 1.0 / 39916800;
    p = p * z + 1.0 / 362880;
    p = p * z - 1.0 / 5040;
    p = p * z + 1.0 / 120;
    p = p * z - 1.0 / 6;
    return a + a * z * p;
}

/* exp(w) - 1, w >= 0. */
ALGOS_INLINE double algos_rise_of_exp(double w) {
    const double series = w * (1 + w / 2 * (1 + w / 3 * (1 + w / 4)));
    return w < 1e-2 ? series : algos_exp_f64(w) - 1;
}

typedef struct {
    double head[ALGOS_DEEPAR_OUTPUTS][ALGOS_DEEPAR_BLOCK];
    double u[ALGOS_DEEPAR_BLOCK], turn[ALGOS_DEEPAR_BLOCK];
    double draw[ALGOS_DEEPAR_BLOCK];
} algos_deepar_drawn;

ALGOS_CLONES static void algos_deepar_draw_gaussian(algos_deepar_drawn *restrict o) {
    _Pragma("omp simd")
    for (int i = 0; i < ALGOS_DEEPAR_BLOCK; i++) {
        double rise;
        const double radius = __builtin_sqrt(-2 * algos_log_f64(o->u[i]));
        const double width = algos_soft_positive(algos_within_far(o->head[1][i]), &rise);
        o->draw[i] =
            algos_within_far(o->head[0][i]) + width * (radius * algos_cos_turn(o->turn[i]));
    }
}

ALGOS_CLONES static void algos_deepar_draw_student_t(algos_deepar_drawn *restrict o) {
    _Pragma("omp simd")
    for (int i = 0; i < ALGOS_DEEPAR_BLOCK; i++) {
        double rise;
        const double n = 2 + algos_soft_positive(algos_within_far(o->head[2][i]), &rise);
        const double radius =
            __builtin_sqrt(n * algos_rise_of_exp(-2 * algos_log_f64(o->u[i]) / n));
        const double width = algos_soft_positive(algos_within_far(o->head[1][i]), &rise);
        o->draw[i] =
            algos_within_far(o->head[0][i]) + width * (radius * algos_cos_turn(o->turn[i]));
    }
}

static inline double algos_normal_draw(algos_rng *rng) {
    const double u = algos_within_unit(algos_rng_next(rng));
    return sqrt(-2 * log(u)) * algos_cos_turn(algos_within_unit(algos_rng_next(rng)));
}

/* A Gamma variate of this shape and scale 1 is the returned number times exp(*log_rest), which
 * may underflow. */
static double algos_gamma_draw(algos_rng *rng, double shape, double *log_rest) {
    const double lifted = shape < 1 ? shape + 1 : shape;
    const double d = lifted - 1.0 / 3, c = 1 / (3 * sqrt(d));
    double x, v, cube, u;
    do {
        do {
            x = algos_normal_draw(rng);
            v = 1 + c * x;
        } while (v <= 0);
        cube = v * v * v;
        u = algos_within_unit(algos_rng_next(rng));
    } while (d < ALGOS_DEEPAR_SURE_SHAPE && u > 1 - 0.0331 * x * x * x * x &&
             log(u) > x * x / 2 + d - d * cube + 3 * d * log1p(c * x));
    *log_rest = shape < 1 ? log(algos_within_unit(algos_rng_next(rng))) / shape : 0;
    return d * cube;
}

/* The sum of probabilities, for a rate up to 10. */
static double algos_small_count_draw(algos_rng *rng, double rate) {
    double left = algos_within_unit(algos_rng_next(rng)), p = exp(-rate), k = 0;
    while (left > p && k < 200) {
        left -= p;
        k++;
        p *= rate / k;
    }
    return k;
}

static double algos_count_draw(algos_rng *rng, double rate) {
    if (rate < 10)
        return algos_small_count_draw(rng, rate);
    const double root = sqrt(rate);
    if (rate > ALGOS_DEEPAR_MOST_RATE)
        return floor(rate + root * algos_normal_draw(rng) + 0.5);
    const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
    const double over = 1.1239 + 1.1328 / (b - 3.4), sure = 0.9277 - 3.6224 / (b - 2);
    const double log_rate = log(rate);
    for (;;) {
        const double u = algos_within_unit(algos_rng_next(rng)) - 0.5;
        const double v = algos_within_unit(algos_rng_next(rng));
        const double edge = 0.5 - fabs(u), k = floor((2 * a / edge + b) * u + rate + 0.43);
        if (edge >= 0.07 && v <= sure)
            return k;
        if (k < 0 || (edge < 0.013 && v > edge))
            continue;
        if (log(v * over / (a / (edge * edge) + b)) <=
            k * log_rate - rate - algos_log_factorial(k))
            return k;
    }
}

/* The draws that need an unknown number of words: each path has its own stream. */
static double algos_deepar_rejection_draw(int kind, const double *head, double scale,
                                          algos_rng *rng) {
    double p[ALGOS_DEEPAR_OUTPUTS], rest, rest_q;
    algos_deepar_parameters(kind, head, scale, p);
    switch (kind) {
    case ALGOS_DEEPAR_NEGATIVE_BINOMIAL: {
        const double rate = algos_gamma_draw(rng, 1 / p[1], &rest) * (p[0] * p[1]);
        return algos_count_draw(rng, rate * exp(rest));
    }
    case ALGOS_DEEPAR_POISSON: return algos_count_draw(rng, p[0]);
    case ALGOS_DEEPAR_BETA: {
        const double one = algos_gamma_draw(rng, p[0], &rest);
        return 1 / (1 + algos_gamma_draw(rng, p[1], &rest_q) / one * exp(rest_q - rest));
    }
    default: return p[0]; /* deterministic */
    }
}

static inline int algos_deepar_is_real(int kind) {
    return kind == ALGOS_DEEPAR_GAUSSIAN || kind == ALGOS_DEEPAR_STUDENT_T;
}

/* Two words for each path: a pair of paths shares one block of them. */
static inline void algos_deepar_draw_block(int kind, const algos_deepar_stream *stream,
                                           uint32_t path, int rows, algos_deepar_drawn *o) {
    algos_rng rng;
    for (int i = 0; i < rows; i++) {
        const uint32_t own = path + (uint32_t)i;
        if (i == 0 || own % 2 == 0)
            algos_deepar_start(&rng, stream, own / 2);
        if (i == 0 && own % 2 == 1) {
            algos_rng_next(&rng);
            algos_rng_next(&rng);
        }
        o->u[i] = algos_within_unit(algos_rng_next(&rng));
        o->turn[i] = algos_within_unit(algos_rng_next(&rng));
    }
    for (int i = rows; i < ALGOS_DEEPAR_BLOCK; i++)
        o->u[i] = o->turn[i] = 0.5;
    if (kind == ALGOS_DEEPAR_GAUSSIAN)
        algos_deepar_draw_gaussian(o);
    else
        algos_deepar_draw_student_t(o);
}

/* draws[i], i < n: of path `path` + i of one series, whose window has this scale, given the raw
 * numbers of each path, in rows `stride` apart. */
#define ALGOS_DEEPAR_DRAW(T, S)                                                              \
    static inline void algos_deepar_draw_##S(int kind, const T *head, ptrdiff_t stride,      \
                                             double scale,                                   \
                                             const algos_deepar_stream *stream,              \
                                             uint32_t path, ptrdiff_t n, T *draws) {         \
        const int k = algos_deepar_n_outputs(kind);                                          \
        algos_deepar_drawn o;                                                                \
        algos_rng rng;                                                                       \
        for (ptrdiff_t first = 0; first < n; first += ALGOS_DEEPAR_BLOCK) {                  \
            const ptrdiff_t left = n - first;                                                \
            const int rows = left < ALGOS_DEEPAR_BLOCK ? (int)left : ALGOS_DEEPAR_BLOCK;     \
            const uint32_t own = path + (uint32_t)first;                                     \
            for (int i = 0; i < ALGOS_DEEPAR_BLOCK; i++)                                     \
                for (int j = 0; j < ALGOS_DEEPAR_OUTPUTS; j++)                               \
                    o.head[j][i] =                                                           \
                        i < rows && j < k ? (double)head[(first + i) * stride + j] : 0;      \
            if (algos_deepar_is_real(kind))                                                  \
                algos_deepar_draw_block(kind, stream, own, rows, &o);                        \
            for (int i = 0; i < rows && !algos_deepar_is_real(kind); i++) {                  \
                const double row[] = {o.head[0][i], o.head[1][i], o.head[2][i]};             \
                algos_deepar_start(&rng, stream, own + (uint32_t)i);                         \
                o.draw[i] = algos_deepar_rejection_draw(kind, row, scale, &rng);             \
            }                                                                                \
            for (int i = 0; i < rows; i++)                                                   \
                draws[first + i] = (T)algos_within_far(o.draw[i]);                           \
        }                                                                                    \
    }

ALGOS_DEEPAR_DRAW(float, f32)
ALGOS_DEEPAR_DRAW(double, f64)

#endif
