/* Scores of factorization machines.
 *
 *   f(x) = w0 + Σ_j x_j w_j + Σ_{i<j} <v_i, v_j> x_i x_j       (Rendle, ICDM 2010, eq. 1)
 *
 * The pairs of a row are summed as Σ_j t_j (t_1 + … + t_{j-1}) with t_j = x_j v_j: as many
 * operations as ½ ((Σ t)² - Σ t²), without its cancellation. Sums are in double precision;
 * where values and parameters are both float, those of every ALGOS_FM_RUN values are in float
 * first, which is twice as fast. A score is then off by at most (ALGOS_FM_RUN + 1) 2^-23 times
 * Σ_j |x_j w_j| + Σ_{i<j} Σ_f |x_i v_if x_j v_jf|, in rows of up to 2^28 values: what a pair
 * of two runs is made of goes through ALGOS_FM_RUN roundings by 2^-24 on either side, a pair
 * within one through ALGOS_FM_RUN + 2 in all (Higham, "Accuracy and stability of numerical
 * algorithms", 2002, lemma 3.1); the 1 is for their squares and for the sums in double.
 *
 * Several models can stand side by side, the factors of model s of a column being
 * factors[column][s * rank …]. A row is `indices` and `values` (ONES: no values, all are 1),
 * or the values of all columns (DENSE).
 */
#ifndef ALGOS_FM_SCORES_H
#define ALGOS_FM_SCORES_H

#include <Python.h>
#include <stdint.h>
#include "_simd.h"

#define ALGOS_FM_SPARSE 0
#define ALGOS_FM_ONES 1
#define ALGOS_FM_DENSE 2
#define ALGOS_FM_RUN 32 /* values whose sums are in float at first */
#define ALGOS_FM_AHEAD 48 /* stored values ahead that are prefetched */
#define ALGOS_FM_NEAR (1 << 19) /* bytes of factors that stay in a core's own cache */

typedef struct {
    const void *values;      /* float or double; NULL for ONES */
    const int32_t *indices;  /* NULL for DENSE */
    const int64_t *indptr;   /* NULL for DENSE */
    const void *linear;      /* (d, models) */
    const void *factors;     /* (d, width) */
    const double *intercept; /* (models,) */
    Py_ssize_t n, d, models, width;
} algos_fm;

/* No wider than 32 bytes: what does not fit a register is kept in memory, value by value. */
#define ALGOS_FM_VECTORS(L)                                                                  \
    typedef double algos_fm_f64_##L __attribute__((vector_size(8 * L)));                     \
    typedef float algos_fm_f32_##L __attribute__((vector_size(4 * L)));                      \
    typedef double algos_fm_load_f64_##L                                                     \
        __attribute__((vector_size(8 * L), aligned(8), may_alias));                          \
    typedef float algos_fm_load_f32_##L                                                      \
        __attribute__((vector_size(4 * L), aligned(4), may_alias));
ALGOS_FM_VECTORS(1)
ALGOS_FM_VECTORS(2)
ALGOS_FM_VECTORS(4)
ALGOS_FM_VECTORS(8)

/* A run of values and `registers` times L factors: their pairs to p, and Σ t to q. A is the type
 * of the sums. `straight` becomes Σ x w, w being linear[column * step]. */
#define ALGOS_FM_BLOCK(T, TS, V, VS, A, AS, L)                                               \
    ALGOS_INLINE void algos_fm_block_##TS##_##VS##_##L(                                      \
        const T *x, const int32_t *columns, Py_ssize_t stored, const V *factors,             \
        Py_ssize_t width, const V *linear, Py_ssize_t step, double *to_p, double *to_q,      \
        double *straight, const int registers, const int mode, const int sums) {             \
        algos_fm_##AS##_##L q[4], p[4];                                                      \
        A line = 0;                                                                          \
        for (int i = 0; i < registers; i++)                                                  \
            q[i] = p[i] = (algos_fm_##AS##_##L){0};                                          \
        for (Py_ssize_t e = 0; e < stored; e++) {                                            \
            const Py_ssize_t j = mode == ALGOS_FM_DENSE ? e : columns[e];                    \
            const A value = mode == ALGOS_FM_ONES ? 1 : (A)x[e];                             \
            const V *v = factors + j * width;                                                \
            for (int i = 0; i < registers; i++) {                                            \
                algos_fm_##AS##_##L t = __builtin_convertvector(                             \
                    *(const algos_fm_load_##VS##_##L *)(v + i * L), algos_fm_##AS##_##L);    \
                if (mode != ALGOS_FM_ONES)                                                   \
                    t *= value;                                                              \
                if (!sums)                                                                   \
                    p[i] += t * q[i];                                                        \
                q[i] += t;                                                                   \
            }                                                                                \
            if (!sums)                                                                       \
                line += value * (A)linear[j * step];                                         \
        }                                                                                    \
        for (int i = 0; i < registers; i++) {                                                \
            A part[L];                                                                       \
            *(algos_fm_load_##AS##_##L *)part = q[i];                                        \
            for (int at = 0; at < L; at++)                                                   \
                to_q[i * L + at] = part[at];                                                 \
            if (sums)                                                                        \
                continue;                                                                    \
            *(algos_fm_load_##AS##_##L *)part = p[i];                                        \
            for (int at = 0; at < L; at++)                                                   \
                to_p[i * L + at] = part[at];                                                 \
        }                                                                                    \
        *straight = (double)line;                                                            \
    }

#define ALGOS_FM_TAKE(TS, VS, L, registers)                                                  \
    algos_fm_block_##TS##_##VS##_##L(x, columns, stored, factors + f, width, linear,         \
                                     f ? 0 : step, p + f, q + f, f ? &other : straight,      \
                                     registers, mode, sums);                                 \
    f += L * (registers)

/* A run of values, all factors; WIDE is the largest vector, which has a block. */
#define ALGOS_FM_ROW(T, TS, V, VS, A, AS, WIDE)                                              \
    ALGOS_FM_BLOCK(T, TS, V, VS, A, AS, 4)                                                   \
    ALGOS_FM_BLOCK(T, TS, V, VS, A, AS, 2)                                                   \
    ALGOS_FM_BLOCK(T, TS, V, VS, A, AS, 1)                                                   \
    ALGOS_INLINE void algos_fm_run_##TS##_##VS(                                              \
        const T *x, const int32_t *columns, Py_ssize_t stored, const V *factors,             \
        Py_ssize_t width, const V *linear, Py_ssize_t step, double *p, double *q,            \
        double *straight, const int mode, const int sums) {                                  \
        Py_ssize_t f = 0;                                                                    \
        double other;                                                                        \
        while (f + 4 * WIDE <= width) {                                                      \
            ALGOS_FM_TAKE(TS, VS, WIDE, 4);                                                  \
        }                                                                                    \
        if (f + 2 * WIDE <= width) {                                                         \
            ALGOS_FM_TAKE(TS, VS, WIDE, 2);                                                  \
        }                                                                                    \
        if (WIDE > 4 && f + WIDE <= width) {                                                 \
            ALGOS_FM_TAKE(TS, VS, WIDE, 1);                                                  \
        }                                                                                    \
        if (f + 4 <= width) {                                                                \
            ALGOS_FM_TAKE(TS, VS, 4, 1);                                                     \
        }                                                                                    \
        if (f + 2 <= width) {                                                                \
            ALGOS_FM_TAKE(TS, VS, 2, 1);                                                     \
        }                                                                                    \
        if (f < width) {                                                                     \
            ALGOS_FM_TAKE(TS, VS, 1, 1);                                                     \
        }                                                                                    \
    }                                                                                        \
    /* One row, run after run: p becomes the pairs, q Σ t; `room` holds 2 width numbers. */  \
    ALGOS_INLINE void algos_fm_row_##TS##_##VS(                                              \
        const T *x, const int32_t *columns, Py_ssize_t stored, const V *factors,             \
        Py_ssize_t width, const V *linear, Py_ssize_t step, double *p, double *q,            \
        double *straight, double *room, const int mode, const int sums) {                    \
        Py_ssize_t e = 0;                                                                    \
        __asm__("" : "+r"(e)); /* opaque, so that the first run gets no code of its own */ \
        double total = 0;                                                                    \
        if (sizeof(A) == 8) {                                                                \
            algos_fm_run_##TS##_##VS(x, columns, stored, factors, width, linear, step, p, q, \
                                     straight, mode, sums);                                  \
            return;                                                                          \
        }                                                                                    \
        do {                                                                                 \
            const Py_ssize_t left = stored - e, dense = mode == ALGOS_FM_DENSE ? e : 0;      \
            algos_fm_run_##TS##_##VS(                                                        \
                mode == ALGOS_FM_ONES ? NULL : x + e,                                        \
                mode == ALGOS_FM_DENSE ? NULL : columns + e,                                 \
                left < ALGOS_FM_RUN ? left : ALGOS_FM_RUN, factors + dense * width, width,   \
                sums ? NULL : linear + dense * step, step, e ? room : p,                     \
                e ? room + width : q, straight, mode, sums);                                 \
            if (e)                                                                           \
                algos_fm_join(room, width, sums ? NULL : p, q);                              \
            total += *straight;                                                              \
            e += ALGOS_FM_RUN;                                                               \
        } while (e < stored);                                                                \
        *straight = total;                                                                   \
    }

/* Of factors after two runs: the pairs within either and between them, and Σ t of both. */
static void algos_fm_join(const double *next, Py_ssize_t width, double *p, double *q) {
    for (Py_ssize_t f = 0; f < width; f++) {
        if (p != NULL)
            p[f] += next[f] + q[f] * next[width + f];
        q[f] += next[width + f];
    }
}

/* The rows from `start` to `stop`: scores to out (n, models), or where `sums` Σ t to out
 * (n, width). `room` holds 4 width numbers. */
#define ALGOS_FM_ROWS(T, TS, V, VS, A, AS, WIDE)                                             \
    ALGOS_FM_ROW(T, TS, V, VS, A, AS, WIDE)                                                  \
    ALGOS_INLINE void algos_fm_rows_##TS##_##VS(const algos_fm *m, Py_ssize_t start,         \
                                                Py_ssize_t stop, double *room, double *out,  \
                                                const int mode, const int sums) {            \
        const V *factors = (const V *)m->factors, *linear = (const V *)m->linear;            \
        const T *values = (const T *)m->values;                                              \
        const Py_ssize_t width = m->width, models = m->models;                               \
        const Py_ssize_t rank = width / models, bytes = width * (Py_ssize_t)sizeof(V);       \
        const int is_near = m->d * bytes < ALGOS_FM_NEAR;                                    \
        const Py_ssize_t near = bytes < 256 ? bytes : 256;                                   \
        const Py_ssize_t last = mode == ALGOS_FM_DENSE ? 0 : (Py_ssize_t)m->indptr[stop];    \
        Py_ssize_t fetched = mode == ALGOS_FM_DENSE ? 0 : (Py_ssize_t)m->indptr[start];      \
        for (Py_ssize_t i = start; i < stop; i++) {                                          \
            Py_ssize_t begin = i * m->d, end = begin + m->d;                                 \
            if (mode != ALGOS_FM_DENSE) {                                                    \
                begin = (Py_ssize_t)m->indptr[i];                                            \
                end = (Py_ssize_t)m->indptr[i + 1];                                          \
                const Py_ssize_t until =                                                     \
                    is_near ? 0 : end + ALGOS_FM_AHEAD < last ? end + ALGOS_FM_AHEAD : last; \
                for (; fetched < until; fetched++) {                                         \
                    const Py_ssize_t j = m->indices[fetched];                                \
                    const char *line = (const char *)(factors + j * width);                  \
                    for (Py_ssize_t b = 0; b < near; b += 64)                                \
                        __builtin_prefetch(line + b);                                        \
                    __builtin_prefetch(line + near - 1); /* lines begin anywhere */          \
                    if (!sums)                                                               \
                        __builtin_prefetch(linear + j * models);                             \
                }                                                                            \
            }                                                                                \
            const T *x = mode == ALGOS_FM_ONES ? NULL : values + begin;                      \
            const int32_t *columns = mode == ALGOS_FM_DENSE ? NULL : m->indices + begin;     \
            const Py_ssize_t stored = end - begin;                                           \
            double straight;                                                                 \
            if (sums) {                                                                      \
                algos_fm_row_##TS##_##VS(x, columns, stored, factors, width, NULL, 0, NULL,  \
                                         out + i * width, &straight, room, mode, 1);         \
                continue;                                                                    \
            }                                                                                \
            double *score = out + i * models;                                                \
            algos_fm_row_##TS##_##VS(x, columns, stored, factors, width, linear,             \
                                     models == 1, room, room + width, &straight,             \
                                     room + 2 * width, mode, 0);                             \
            for (Py_ssize_t s = 0; s < models; s++) {                                        \
                double total = 0;                                                            \
                _Pragma("omp simd reduction(+ : total)")                                     \
                for (Py_ssize_t f = 0; f < rank; f++)                                        \
                    total += room[s * rank + f];                                             \
                score[s] = total + m->intercept[s];                                          \
            }                                                                                \
            if (models == 1) {                                                               \
                score[0] += straight;                                                        \
                continue;                                                                    \
            }                                                                                \
            for (Py_ssize_t e = 0; e < stored; e++) {                                        \
                const V *w = linear + (mode == ALGOS_FM_DENSE ? e : columns[e]) * models;    \
                const double xe = mode == ALGOS_FM_ONES ? 1.0 : (double)x[e];                \
                for (Py_ssize_t s = 0; s < models; s++)                                      \
                    score[s] += xe * (double)w[s];                                           \
            }                                                                                \
        }                                                                                    \
    }                                                                                        \
    ALGOS_CLONES static void algos_fm_scores_##TS##_##VS(                                    \
        const algos_fm *m, Py_ssize_t start, Py_ssize_t stop, double *room, double *out) {   \
        if (m->indices == NULL)                                                              \
            algos_fm_rows_##TS##_##VS(m, start, stop, room, out, ALGOS_FM_DENSE, 0);         \
        else if (m->values == NULL)                                                          \
            algos_fm_rows_##TS##_##VS(m, start, stop, room, out, ALGOS_FM_ONES, 0);          \
        else                                                                                 \
            algos_fm_rows_##TS##_##VS(m, start, stop, room, out, ALGOS_FM_SPARSE, 0);        \
    }                                                                                        \
    ALGOS_CLONES static void algos_fm_sums_##TS##_##VS(                                      \
        const algos_fm *m, Py_ssize_t start, Py_ssize_t stop, double *room, double *out) {   \
        if (m->indices == NULL)                                                              \
            algos_fm_rows_##TS##_##VS(m, start, stop, room, out, ALGOS_FM_DENSE, 1);         \
        else if (m->values == NULL)                                                          \
            algos_fm_rows_##TS##_##VS(m, start, stop, room, out, ALGOS_FM_ONES, 1);          \
        else                                                                                 \
            algos_fm_rows_##TS##_##VS(m, start, stop, room, out, ALGOS_FM_SPARSE, 1);        \
    }

ALGOS_FM_BLOCK(float, f32, float, f32, float, f32, 8)
ALGOS_FM_ROWS(float, f32, float, f32, float, f32, 8)
ALGOS_FM_ROWS(double, f64, float, f32, double, f64, 4)
ALGOS_FM_ROWS(float, f32, double, f64, double, f64, 4)
ALGOS_FM_ROWS(double, f64, double, f64, double, f64, 4)

typedef void (*algos_fm_leaf)(const algos_fm *, Py_ssize_t, Py_ssize_t, double *, double *);

/* For float32 values or not, float32 parameters or not. */
static inline algos_fm_leaf algos_fm_choose(int single_values, int single_model, int sums) {
    if (single_values && single_model)
        return sums ? algos_fm_sums_f32_f32 : algos_fm_scores_f32_f32;
    if (single_values)
        return sums ? algos_fm_sums_f32_f64 : algos_fm_scores_f32_f64;
    if (single_model)
        return sums ? algos_fm_sums_f64_f32 : algos_fm_scores_f64_f32;
    return sums ? algos_fm_sums_f64_f64 : algos_fm_scores_f64_f64;
}

#endif
