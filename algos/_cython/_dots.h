/* Rows as they lie in memory against one vector, and their weighted sum: for so few vectors
 * that to transpose the rows (_tile.h) would cost more than the products.
 *
 * Columns are padded to whole registers: of what stands behind a row's end, the shift is
 * subtracted and the product with zero taken, so it must be readable and finite.
 */
#ifndef ALGOS_DOTS_H
#define ALGOS_DOTS_H

#include <Python.h>
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_SOURCE "_dots_impl.h"

/* x - 0 is x, also for -0, so that no instruction but the broadcast is left. */
#define ALGOS_DOTS_SPREAD(V, x) ((x) - (V){0})

#define ALGOS_NEAR 16384 /* bytes */

#define ALGOS_DECLARE_DOTS(T, name)                                                          \
    typedef struct {                                                                         \
        Py_ssize_t lanes;                                                                    \
        void (*dots)(const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const T *, const T *,    \
                     T *);                                                                   \
        void (*add)(const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const T *, const T *,     \
                    double *);                                                               \
    } name;

ALGOS_DECLARE_DOTS(float, algos_dots_table_f32)
ALGOS_DECLARE_DOTS(double, algos_dots_table_f64)

#define ALGOS_TABLES algos_dots_table
#include "_floats.h"
#undef ALGOS_TABLES
#undef ALGOS_SOURCE

static const algos_dots_table_f32 *algos_dots_f32 = &algos_dots_table_f32_base;
static const algos_dots_table_f64 *algos_dots_f64 = &algos_dots_table_f64_base;

/* The best level up to `limit` (0, 3 or 4) that this processor has; returns it. */
static inline int algos_dots_choose(int limit) {
    const int level = algos_level_up_to(limit);
    algos_dots_f32 = ALGOS_AT_LEVEL(level, &algos_dots_table_f32);
    algos_dots_f64 = ALGOS_AT_LEVEL(level, &algos_dots_table_f64);
    return level;
}

#endif
