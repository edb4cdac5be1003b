/* Block updates of a factorization machine: all coordinates of a feature at once.
 *
 *   f(x) = w0 + Σ_j x_j w_j + Σ_{j<l} <v_j, v_l> x_j x_l
 *
 * is linear in θ_j = (v_j, w_j), with the row (h, x) and h = x Σ_{l≠j} x_l v_l. Given the
 * errors e of all rows, row precisions p and a Gaussian prior of means μ and precisions λ,
 * the step δ from the current θ_j has the distribution
 *
 *   N(A⁻¹ b, A⁻¹),   A = Σ p (h, x)(h, x)' + diag λ,   b = Σ p (h, x) e + λ (μ - θ_j)
 *
 * (Rendle, "Factorization machines with libFM", ACM TIST 3, 2012, section 4.4, for a block
 * instead of one coordinate). Without noise it is the step of alternating least squares.
 *
 * Features without a common row are independent given the rest, so any thread may take any
 * of them. Sums run in T over ALGOS_FM_ROWS rows, then in double.
 */
#ifndef ALGOS_FM_BLOCK_H
#define ALGOS_FM_BLOCK_H

#include <Python.h>
#include <math.h>
#include <string.h>
#include "_math.h"
#include "_rng.h"
#include "_simd.h"

#define ALGOS_SOURCE "_fm_block_impl.h"

#define ALGOS_FM_ROWS 64   /* summed up in T */
#define ALGOS_FM_PART 32   /* factors drawn together, at most */
#define ALGOS_FM_WIDTH 40  /* of a part's system: factors, linear term, right-hand side */

typedef struct {
    Py_ssize_t n, d, k;
    Py_ssize_t stride;        /* k in whole groups of 8: factors beyond k are zero */
    const int64_t *starts;    /* (d + 1) of a column's entries */
    const int32_t *rows;      /* by column; so are values and partners */
    const void *values;       /* NULL: all 1 */
    const int32_t *partners;  /* the other column of the row, if all rows have two ones; or NULL */
    const int64_t *indptr;    /* (n + 1) of a row's entries */
    const int32_t *indices;
    const void *row_values;   /* NULL: all 1 */
    void *factors;            /* (d, stride) */
    void *linear;             /* (d,) */
    void *errors;             /* (n,) target - score */
    void *sums;               /* (n, stride) Σ_l x_l v_l, or NULL: recomputed */
    const void *weights;      /* (n,) precisions over `precision`, or NULL: all 1 */
    const int32_t *groups;    /* (d,) */
    const double *means, *penalties; /* (groups, k + 1), the linear term's last */
    double precision;
    uint64_t key[2], sweep;
    int is_random;
} algos_fm_problem;

/* Coordinates that are drawn together: factors [first, first + size), and the linear term. */
typedef struct {
    Py_ssize_t first, size;
    Py_ssize_t padded; /* size in whole groups of 8 */
    int linear;
} algos_fm_part;

/* The sums over the rows of a feature, before precisions and prior. */
typedef struct {
    double products[(ALGOS_FM_PART + 2) * ALGOS_FM_PART]; /* (padded + 2, padded): above the
                                     diagonal Σ p h h'; then Σ p x h and Σ p e h */
    double square, slope;         /* Σ p x x, Σ p x e */
} algos_fm_sums;

/* What a step needs: (ALGOS_FM_PART + 1) numbers, the linear term's last. */
typedef struct {
    double step[ALGOS_FM_PART + 1], to[ALGOS_FM_PART + 1];
} algos_fm_step;

static inline algos_fm_part algos_fm_part_of(Py_ssize_t k, Py_ssize_t part) {
    const Py_ssize_t most = k <= ALGOS_FM_PART ? ALGOS_FM_PART : ALGOS_FM_PART / 2;
    algos_fm_part found;
    found.first = part * most;
    found.size = k - found.first < most ? k - found.first : most;
    found.padded = (found.size + 7) / 8 * 8;
    found.linear = part == 0;
    return found;
}

static inline Py_ssize_t algos_fm_parts(Py_ssize_t k) {
    const Py_ssize_t most = k <= ALGOS_FM_PART ? ALGOS_FM_PART : ALGOS_FM_PART / 2;
    return k > 0 ? (k + most - 1) / most : 1;
}

static inline void algos_fm_clear(algos_fm_sums *sums) { memset(sums, 0, sizeof(*sums)); }

static inline void algos_fm_join(algos_fm_sums *sums, const algos_fm_sums *other) {
    for (int i = 0; i < (ALGOS_FM_PART + 2) * ALGOS_FM_PART; i++)
        sums->products[i] += other->products[i];
    sums->square += other->square;
    sums->slope += other->slope;
}

/* `count` normal numbers, in pairs (Box and Muller, 1958), eight pairs side by side; there is
 * room for whole pairs. Sine and cosine are Taylor's within an eighth of a turn. */
ALGOS_INLINE void algos_fm_normals(algos_rng *rng, Py_ssize_t count, double *out) {
    double u[8], turn[8], first[8], second[8];
    for (Py_ssize_t begin = 0; begin < count; begin += 16) {
        const int pairs = count - begin < 16 ? (int)(count - begin + 1) / 2 : 8;
        for (int i = 0; i < 8; i++) {
            u[i] = i < pairs ? 1 - algos_rng_double(rng) : 1;
            turn[i] = i < pairs ? 4 * algos_rng_double(rng) : 0;
        }
        for (int i = 0; i < 8; i++) {
            const double radius = __builtin_sqrt(-2 * algos_log_f64(u[i]));
            const int quarter = (int)(turn[i] + 0.5);
            const double a = (turn[i] - quarter) * 1.57079632679489661923, z = a * a;
            double sine = z * (1.0 / 6227020800) - 1.0 / 39916800;
            double cosine = z * (1.0 / 479001600) - 1.0 / 3628800;
            sine = (sine * z + 1.0 / 362880) * z - 1.0 / 5040;
            cosine = (cosine * z + 1.0 / 40320) * z - 1.0 / 720;
            sine = a + a * z * ((sine * z + 1.0 / 120) * z - 1.0 / 6);
            cosine = 1 + z * ((cosine * z + 1.0 / 24) * z - 0.5);
            const double along = quarter & 1 ? sine : cosine;
            const double across = quarter & 1 ? cosine : sine;
            first[i] = radius * (((quarter + 1) & 2) ? -along : along);
            second[i] = radius * ((quarter & 2) ? -across : across);
        }
        for (int i = 0; i < pairs; i++) {
            out[begin + 2 * i] = first[i];
            out[begin + 2 * i + 1] = second[i];
        }
    }
}

#define ALGOS_DECLARE_FM_BLOCK(name)                                                         \
    typedef struct {                                                                         \
        /* one feature, start to end, its rows kept if they are no more than that */         \
        void (*feature)(const algos_fm_problem *, Py_ssize_t, Py_ssize_t, void *);           \
        /* add the sums over a feature's entries [begin, end) for one part */                \
        void (*add)(const algos_fm_problem *, Py_ssize_t, const algos_fm_part *, Py_ssize_t, \
                    Py_ssize_t, void *, algos_fm_sums *);                                    \
        void (*solve)(const algos_fm_problem *, Py_ssize_t, const algos_fm_part *,           \
                      algos_rng *, const algos_fm_sums *, algos_fm_step *);                  \
        /* carry a step over to the errors of entries [begin, end) */                        \
        void (*apply)(const algos_fm_problem *, Py_ssize_t, const algos_fm_part *,           \
                      Py_ssize_t, Py_ssize_t, const algos_fm_step *, void *);                \
        /* and finally to the feature itself */                                              \
        void (*commit)(const algos_fm_problem *, Py_ssize_t, const algos_fm_part *,          \
                       const algos_fm_step *);                                               \
        /* recompute errors and sums of rows [begin, end): e = target - intercept - score */  \
        void (*restore)(const algos_fm_problem *, Py_ssize_t, Py_ssize_t, const void *,      \
                        double);                                                             \
    } name;

ALGOS_DECLARE_FM_BLOCK(algos_fm_block)

/* Bytes of scratch memory that `feature` and `add` take. */
static inline Py_ssize_t algos_fm_scratch(const algos_fm_problem *problem, Py_ssize_t kept,
                                          Py_ssize_t itemsize) {
    return (kept * problem->stride + 2 * ALGOS_FM_ROWS * problem->stride +
            3 * ALGOS_FM_ROWS) * itemsize;
}

#define ALGOS_T float
#define ALGOS_TYPE f32
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE

#define ALGOS_T double
#define ALGOS_TYPE f64
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_SOURCE

static int algos_fm_level = 0;

/* The best level up to `limit` (0, 3 or 4) that this processor has; returns it. */
static inline int algos_fm_choose(int limit) {
    return algos_fm_level = algos_level_up_to(limit);
}

static inline const algos_fm_block *algos_fm_block_of(int single) {
    return single ? ALGOS_AT_LEVEL(algos_fm_level, &algos_fm_block_f32)
                  : ALGOS_AT_LEVEL(algos_fm_level, &algos_fm_block_f64);
}

#endif
