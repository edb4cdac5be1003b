/* The losses of linear models, the only place of their formulas.
 *
 * y is the target, z the decision value, r = y - z, p the parameter of the table in
 * algos/linear_learner/losses.py. Every function gives the value and its first and second
 * derivative by z (the generalised one where there is a kink in the first); what a caller
 * leaves unused is not computed. No branches, so that loops over them become vectors.
 *
 * Where exp() would overflow, its derivatives are bounded and its value is infinite.
 */
#ifndef ALGOS_LOSSES_H
#define ALGOS_LOSSES_H

#include <Python.h>
#include "_math.h"

#define ALGOS_STEEP 350.0 /* exp(350)² does not overflow */
#define ALGOS_MOST_ROWS 64

#define ALGOS_LOSS(T, S, name)                                                               \
    ALGOS_INLINE algos_loss_##S algos_##name##_##S(T y, T z, T r, T p)

/* Some losses do not use y, z, r or p. */
#define ALGOS_UNUSED() (void)y, (void)z, (void)r, (void)p

#define ALGOS_DEFINE_LOSSES(T, S)                                                            \
    typedef struct {                                                                         \
        T value, slope, curvature;                                                           \
    } algos_loss_##S;                                                                        \
    ALGOS_INLINE T algos_positive_##S(T x) { return x > 0 ? x : 0; }                         \
    ALGOS_INLINE T algos_where_##S(int condition, T x) { return condition ? x : 0; }         \
    ALGOS_INLINE T algos_bounded_exp_##S(T x) {                                              \
        return algos_exp_##S(x > (T)ALGOS_STEEP ? (T)ALGOS_STEEP : x);                       \
    }                                                                                        \
    ALGOS_INLINE T algos_within_##S(T x, T value) {                                          \
        return x > (T)ALGOS_STEEP ? (T)INFINITY : value;                                     \
    }                                                                                        \
                                                                                             \
    ALGOS_LOSS(T, S, squared_error) {                                                        \
        ALGOS_UNUSED();                                                                      \
        return (algos_loss_##S){r * r / 2, -r, 1};                                           \
    }                                                                                        \
    ALGOS_LOSS(T, S, quantile) {                                                             \
        ALGOS_UNUSED();                                                                      \
        const T under = algos_positive_##S(r), over = algos_positive_##S(-r);                \
        return (algos_loss_##S){p * under + (1 - p) * over,                                  \
                                algos_where_##S(r < 0, 1 - p) - algos_where_##S(r > 0, p),   \
                                0};                                                          \
    }                                                                                        \
    ALGOS_LOSS(T, S, epsilon_insensitive) {                                                  \
        ALGOS_UNUSED();                                                                      \
        return (algos_loss_##S){                                                             \
            algos_positive_##S(r - p) + algos_positive_##S(-r - p),                          \
            algos_where_##S(-r > p, 1) - algos_where_##S(r > p, 1), 0};                      \
    }                                                                                        \
    ALGOS_LOSS(T, S, absolute_error) {                                                       \
        (void)p;                                                                             \
        return algos_epsilon_insensitive_##S(y, z, r, 0);                                    \
    }                                                                                        \
    ALGOS_LOSS(T, S, squared_epsilon_insensitive) {                                          \
        ALGOS_UNUSED();                                                                      \
        const T excess = algos_positive_##S(r - p) - algos_positive_##S(-r - p);             \
        return (algos_loss_##S){excess * excess, -2 * excess,                                \
                                algos_where_##S(r > p, 2) + algos_where_##S(-r > p, 2)};     \
    }                                                                                        \
    ALGOS_LOSS(T, S, huber) {                                                                \
        ALGOS_UNUSED();                                                                      \
        const T above = r > p ? p : r, c = above < -p ? -p : above;                          \
        return (algos_loss_##S){c * (r - c / 2), -c, algos_where_##S(r == c, 1)};            \
    }                                                                                        \
    ALGOS_LOSS(T, S, poisson) {                                                              \
        ALGOS_UNUSED();                                                                      \
        const T e = algos_bounded_exp_##S(z);                                                \
        return (algos_loss_##S){algos_within_##S(z, e - y * z), e - y, e};                   \
    }                                                                                        \
    ALGOS_LOSS(T, S, gamma) {                                                                \
        ALGOS_UNUSED();                                                                      \
        const T e = y * algos_bounded_exp_##S(-z);                                           \
        return (algos_loss_##S){algos_within_##S(-z, z + e), 1 - e, e};                      \
    }                                                                                        \
    ALGOS_LOSS(T, S, tweedie) {                                                              \
        ALGOS_UNUSED();                                                                      \
        const T a = 2 - p, b = 1 - p;                                                        \
        const T e = algos_bounded_exp_##S(a * z), f = y * algos_bounded_exp_##S(b * z);      \
        return (algos_loss_##S){                                                             \
            algos_within_##S(a * z, algos_within_##S(b * z, e / a - f / b)), e - f,          \
            a * e - b * f};                                                                  \
    }                                                                                        \
    ALGOS_LOSS(T, S, log_loss) {                                                             \
        ALGOS_UNUSED();                                                                      \
        const T t = -y * z, e = algos_exp_##S(-algos_abs_##S(t));                            \
        T q; /* 1 / (1 + e) */                                                               \
        const T small = algos_log1p_unit_##S(e, &q);                                         \
        return (algos_loss_##S){algos_positive_##S(t) + small, -y * (t < 0 ? e * q : q),     \
                                e * q * q};                                                  \
    }                                                                                        \
    ALGOS_LOSS(T, S, hinge) {                                                                \
        ALGOS_UNUSED();                                                                      \
        const T lack = p - y * z;                                                            \
        return (algos_loss_##S){algos_positive_##S(lack), algos_where_##S(lack > 0, -y), 0}; \
    }                                                                                        \
    ALGOS_LOSS(T, S, squared_hinge) {                                                        \
        ALGOS_UNUSED();                                                                      \
        const T lack = algos_positive_##S(p - y * z);                                        \
        return (algos_loss_##S){lack * lack, -2 * y * lack,                                  \
                                algos_where_##S(lack > 0, 2)};                               \
    }                                                                                        \
    ALGOS_LOSS(T, S, perceptron) {                                                           \
        (void)p;                                                                             \
        return algos_hinge_##S(y, z, r, 0);                                                  \
    }

ALGOS_DEFINE_LOSSES(float, f32)
ALGOS_DEFINE_LOSSES(double, f64)

/* Products x·v in T → weighted slopes in T; sums += (Σ w value, Σ w slope). Offsets b and
 * residuals are in double, so that a large intercept costs no precision. The loss itself is
 * computed in C. */
#define ALGOS_SLOPES(name, T, S, C, CS)                                                      \
    ALGOS_CLONES static void algos_slopes_##name##_##S(                                      \
        const double *restrict y, const double *restrict w, T *restrict z, Py_ssize_t n,     \
        double b, double p, double *restrict sums) {                                         \
        double value = 0, slope = 0;                                                         \
        _Pragma("omp simd reduction(+ : value, slope)")                                      \
        for (Py_ssize_t i = 0; i < n; i++) {                                                 \
            const double d = (double)z[i] + b;                                               \
            const algos_loss_##CS l = algos_##name##_##CS((C)y[i], (C)d, (C)(y[i] - d), (C)p); \
            const double g = w[i] * (double)l.slope;                                         \
            value += w[i] * (double)l.value;                                                 \
            slope += g;                                                                      \
            z[i] = (T)g;                                                                     \
        }                                                                                    \
        sums[0] += value;                                                                    \
        sums[1] += slope;                                                                    \
    }

/* The same for a tile of float rows and m models, z[model][row] with rows `stride` apart, at
 * most ALGOS_MOST_ROWS of them; sums (2 m) += the values, then the slopes. All is in float, to
 * a few units in the last place of each row's: the sums of a tile are those of four rows a
 * lane. The offset goes in as two floats: where the first cancels a product, that is exact. */
#define ALGOS_NARROW_SLOPES(name)                                                            \
    ALGOS_CLONES static void algos_narrow_slopes_##name(                                     \
        const double *restrict y, const double *restrict w, float *restrict z,               \
        Py_ssize_t stride, Py_ssize_t n, Py_ssize_t m, const double *restrict b, double p,   \
        double *restrict sums) {                                                             \
        float target[ALGOS_MOST_ROWS], weight[ALGOS_MOST_ROWS];                              \
        for (Py_ssize_t i = 0; i < n; i++) {                                                 \
            target[i] = (float)y[i];                                                         \
            weight[i] = (float)w[i];                                                         \
        }                                                                                    \
        for (Py_ssize_t j = 0; j < m; j++, z += stride) {                                    \
            const float high = (float)b[j];                                                  \
            const float low = high - high == 0 ? (float)(b[j] - (double)high) : 0;           \
            float value = 0, slope = 0;                                                      \
            _Pragma("omp simd reduction(+ : value, slope)")                                  \
            for (Py_ssize_t i = 0; i < n; i++) {                                             \
                const float d = (z[i] + high) + low;                                         \
                const algos_loss_f32 l =                                                     \
                    algos_##name##_f32(target[i], d, target[i] - d, (float)p);               \
                const float g = weight[i] * l.slope;                                         \
                value += weight[i] * l.value;                                                \
                slope += g;                                                                  \
                z[i] = g;                                                                    \
            }                                                                                \
            sums[j] += (double)value;                                                        \
            sums[m + j] += (double)slope;                                                    \
        }                                                                                    \
    }

/* out[i] += value, = slope, or = w curvature, for decision values in double. */
#define ALGOS_MEASURES(name)                                                                 \
    ALGOS_CLONES static void algos_values_##name(                                            \
        const double *restrict y, const double *restrict z, Py_ssize_t n, double p,          \
        double *restrict out) {                                                              \
        for (Py_ssize_t i = 0; i < n; i++)                                                   \
            out[i] += algos_##name##_f64(y[i], z[i], y[i] - z[i], p).value;                  \
    }                                                                                        \
    ALGOS_CLONES static void algos_derivatives_##name(                                       \
        const double *restrict y, const double *restrict z, Py_ssize_t n, double p,          \
        double *restrict out) {                                                              \
        for (Py_ssize_t i = 0; i < n; i++)                                                   \
            out[i] = algos_##name##_f64(y[i], z[i], y[i] - z[i], p).slope;                   \
    }                                                                                        \
    ALGOS_CLONES static void algos_curvatures_##name(                                        \
        const double *restrict y, const double *restrict w, const double *restrict z,        \
        Py_ssize_t n, double p, double *restrict out) {                                      \
        for (Py_ssize_t i = 0; i < n; i++)                                                   \
            out[i] = w[i] * algos_##name##_f64(y[i], z[i], y[i] - z[i], p).curvature;        \
    }

/* float32 is precise enough for margins of classes, but not for residuals and exp(z). */
#define ALGOS_WIDE_LOSS(name)                                                                \
    ALGOS_SLOPES(name, float, f32, double, f64)                                              \
    ALGOS_SLOPES(name, double, f64, double, f64)                                             \
    ALGOS_MEASURES(name)
#define ALGOS_CLASS_LOSS(name)                                                               \
    ALGOS_SLOPES(name, float, f32, float, f32)                                               \
    ALGOS_NARROW_SLOPES(name)                                                                \
    ALGOS_SLOPES(name, double, f64, double, f64)                                             \
    ALGOS_MEASURES(name)

ALGOS_WIDE_LOSS(squared_error)
ALGOS_WIDE_LOSS(absolute_error)
ALGOS_WIDE_LOSS(quantile)
ALGOS_WIDE_LOSS(epsilon_insensitive)
ALGOS_WIDE_LOSS(squared_epsilon_insensitive)
ALGOS_WIDE_LOSS(huber)
ALGOS_WIDE_LOSS(poisson)
ALGOS_WIDE_LOSS(gamma)
ALGOS_WIDE_LOSS(tweedie)
ALGOS_CLASS_LOSS(log_loss)
ALGOS_CLASS_LOSS(hinge)
ALGOS_CLASS_LOSS(squared_hinge)
ALGOS_CLASS_LOSS(perceptron)

/* The loss of k classes together: z[class][row] with rows `stride` apart, at most
 * ALGOS_MOST_ROWS of them; y is the class. z becomes exp(z + b - most), `total` their
 * sum over the classes, and values the losses. */
#define ALGOS_SOFTMAX(T, S)                                                                  \
    ALGOS_INLINE void algos_exponentials_##S(                                                \
        const double *restrict y, T *restrict z, Py_ssize_t stride, Py_ssize_t k,            \
        Py_ssize_t n, const double *restrict b, T *restrict total, T *restrict values) {     \
        T most[ALGOS_MOST_ROWS], own[ALGOS_MOST_ROWS];                       \
        for (Py_ssize_t i = 0; i < n; i++) {                                                 \
            most[i] = -(T)INFINITY;                                                          \
            total[i] = own[i] = 0;                                                           \
        }                                                                                    \
        for (Py_ssize_t c = 0; c < k; c++)                                                   \
            for (Py_ssize_t i = 0; i < n; i++) {                                             \
                const T d = (T)((double)z[c * stride + i] + b[c]);                           \
                z[c * stride + i] = d;                                                       \
                most[i] = d > most[i] ? d : most[i];                                         \
                own[i] = y[i] == (double)c ? d : own[i];                                     \
            }                                                                                \
        for (Py_ssize_t c = 0; c < k; c++)                                                   \
            for (Py_ssize_t i = 0; i < n; i++) {                                             \
                const T e = algos_exp_##S(z[c * stride + i] - most[i]);                      \
                z[c * stride + i] = e;                                                       \
                total[i] += e;                                                               \
            }                                                                                \
        for (Py_ssize_t i = 0; i < n; i++)                                                   \
            values[i] = (most[i] - own[i]) + algos_log_##S(total[i]);                        \
    }                                                                                        \
    /* z becomes the weighted slopes; value and slopes[k] are added to. */                   \
    ALGOS_CLONES static void algos_softmax_##S(                                              \
        const double *restrict y, const double *restrict w, T *restrict z,                   \
        Py_ssize_t stride, Py_ssize_t k, Py_ssize_t n, const double *restrict b,             \
        double *restrict value, double *restrict slopes) {                                   \
        T total[ALGOS_MOST_ROWS], values[ALGOS_MOST_ROWS];                   \
        double found = 0;                                                                    \
        algos_exponentials_##S(y, z, stride, k, n, b, total, values);                        \
        _Pragma("omp simd reduction(+ : found)")                                             \
        for (Py_ssize_t i = 0; i < n; i++)                                                   \
            found += w[i] * (double)values[i];                                               \
        *value += found;                                                                     \
        for (Py_ssize_t c = 0; c < k; c++) {                                                 \
            double sum = 0;                                                                  \
            _Pragma("omp simd reduction(+ : sum)")                                           \
            for (Py_ssize_t i = 0; i < n; i++) {                                             \
                const double one = y[i] == (double)c ? 1.0 : 0.0;                            \
                const double g = w[i] * ((double)(z[c * stride + i] / total[i]) - one);      \
                sum += g;                                                                    \
                z[c * stride + i] = (T)g;                                                    \
            }                                                                                \
            slopes[c] += sum;                                                                \
        }                                                                                    \
    }
ALGOS_SOFTMAX(float, f32)
ALGOS_SOFTMAX(double, f64)

/* out[i] += the loss of a row, for decision values z[row][class]; `tile` has k times
 * ALGOS_MOST_ROWS numbers, and b[k] is zero. */
ALGOS_CLONES static void algos_softmax_values(
    const double *restrict y, const double *restrict z, Py_ssize_t k, Py_ssize_t n,
    const double *restrict b, double *restrict tile, double *restrict out) {
    double total[ALGOS_MOST_ROWS], values[ALGOS_MOST_ROWS];
    const Py_ssize_t stride = ALGOS_MOST_ROWS;
    for (Py_ssize_t first = 0; first < n; first += stride) {
        const Py_ssize_t rows = n - first < stride ? n - first : stride;
        for (Py_ssize_t i = 0; i < rows; i++)
            for (Py_ssize_t c = 0; c < k; c++)
                tile[c * stride + i] = z[(first + i) * k + c];
        algos_exponentials_f64(y + first, tile, stride, k, rows, b, total, values);
        for (Py_ssize_t i = 0; i < rows; i++)
            out[first + i] += values[i];
    }
}

/* exp, log, log1p and the logistic function of arrays. */
#define ALGOS_ARRAY_MATH(T, S)                                                               \
    ALGOS_CLONES static void algos_math_##S(const T *restrict x, Py_ssize_t n, int function, \
                                            T *restrict out) {                               \
        switch (function) {                                                                  \
            case 0:                                                                          \
                for (Py_ssize_t i = 0; i < n; i++)                                           \
                    out[i] = algos_exp_##S(x[i]);                                            \
                break;                                                                       \
            case 1:                                                                          \
                for (Py_ssize_t i = 0; i < n; i++)                                           \
                    out[i] = algos_log_##S(x[i]);                                            \
                break;                                                                       \
            case 2:                                                                          \
                for (Py_ssize_t i = 0; i < n; i++)                                           \
                    out[i] = algos_log1p_##S(x[i]);                                          \
                break;                                                                       \
            case 3:                                                                          \
                for (Py_ssize_t i = 0; i < n; i++)                                           \
                    out[i] = algos_logistic_##S(x[i]);                                       \
                break;                                                                       \
        }                                                                                    \
    }
ALGOS_ARRAY_MATH(float, f32)
ALGOS_ARRAY_MATH(double, f64)

/* By the codes of algos/linear_learner/losses.py; multinomial is of several outputs. */
#define ALGOS_EACH_LOSS(F)                                                                   \
    {F(squared_error), F(absolute_error), F(quantile), F(epsilon_insensitive),               \
     F(squared_epsilon_insensitive), F(huber), F(poisson), F(gamma), F(tweedie),             \
     F(log_loss), 0, F(hinge), F(squared_hinge), F(perceptron)}
enum { ALGOS_MULTINOMIAL = 10 };

#define ALGOS_F32(name) algos_slopes_##name##_f32
#define ALGOS_F64(name) algos_slopes_##name##_f64
#define ALGOS_NARROW(name) algos_narrow_slopes_##name
#define ALGOS_VALUES(name) algos_values_##name
#define ALGOS_DERIVATIVES(name) algos_derivatives_##name
#define ALGOS_CURVATURES(name) algos_curvatures_##name

typedef void (*algos_slopes_f32)(const double *, const double *, float *, Py_ssize_t, double,
                                 double, double *);
typedef void (*algos_slopes_f64)(const double *, const double *, double *, Py_ssize_t, double,
                                 double, double *);
typedef void (*algos_narrow_slopes)(const double *, const double *, float *, Py_ssize_t,
                                    Py_ssize_t, Py_ssize_t, const double *, double, double *);
typedef void (*algos_values)(const double *, const double *, Py_ssize_t, double, double *);
typedef void (*algos_curvatures)(const double *, const double *, const double *, Py_ssize_t,
                                 double, double *);

static const algos_slopes_f32 algos_all_slopes_f32[] = ALGOS_EACH_LOSS(ALGOS_F32);
static const algos_slopes_f64 algos_all_slopes_f64[] = ALGOS_EACH_LOSS(ALGOS_F64);
static const algos_narrow_slopes algos_all_narrow_slopes[] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, ALGOS_NARROW(log_loss), 0, ALGOS_NARROW(hinge),
    ALGOS_NARROW(squared_hinge), ALGOS_NARROW(perceptron)};
static const algos_values algos_all_values[] = ALGOS_EACH_LOSS(ALGOS_VALUES);
static const algos_values algos_all_derivatives[] = ALGOS_EACH_LOSS(ALGOS_DERIVATIVES);
static const algos_curvatures algos_all_curvatures[] = ALGOS_EACH_LOSS(ALGOS_CURVATURES);

#endif
