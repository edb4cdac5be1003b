/* Rows against a panel of centres, components or weights, in registers.
 *
 *   tile    a few rows of X less a shift, transposed:        xt[p][row]
 *   panel   the k other vectors, in groups of c = 4 … 6:     panel[group][p][c]
 *   pack, then products / distances / nearest over the tile; nothing of size n x k exists.
 *
 * The output of products and distances is transposed too: out[j][row], its row stride
 * being the tile's (algos_tile_stride).
 */
#ifndef ALGOS_TILE_H
#define ALGOS_TILE_H

#include <Python.h>
#include <math.h>
#include "_panel.h"
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_SOURCE "_tile_impl.h"

/* x - 0 is x, also for -0, so that no instruction but the broadcast is left. */
#define ALGOS_SPREAD(V, x) ((x) - (V){0})

#define ALGOS_DECLARE_TABLE(T, name)                                                         \
    typedef struct {                                                                         \
        Py_ssize_t points;                                                                   \
        void (*pack)(const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const T *, T *);         \
        void (*products)(const T *, Py_ssize_t, Py_ssize_t, const T *, const T *,            \
                         Py_ssize_t, T *);                                                   \
        void (*distances)(const T *, Py_ssize_t, Py_ssize_t, const T *, Py_ssize_t, T *);    \
        void (*nearest)(const T *, Py_ssize_t, Py_ssize_t, const T *, const T *, Py_ssize_t, \
                        int32_t *, T *);                                                     \
        void (*add_rows)(const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const T *,           \
                         const int32_t *, const double *, double *, double *);               \
        void (*row_distances)(const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const T *,      \
                              const int32_t *, double *);                                    \
        void (*add_moments)(const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const T *,        \
                            const double *, double *, double *);                             \
        double (*lower)(T *, const T *, const double *, Py_ssize_t);                         \
        void (*half_norms)(const T *, Py_ssize_t, Py_ssize_t, T *);                          \
        void (*nearest_two)(const T *, Py_ssize_t, Py_ssize_t, const T *, const T *,         \
                            Py_ssize_t, int32_t *, T *, T *);                                \
        void (*norms)(const T *, Py_ssize_t, Py_ssize_t, T *);                               \
        double (*own_distance)(const T *, const T *, const T *, Py_ssize_t);                 \
        void (*move_row)(const T *, const T *, Py_ssize_t, double, double *, double *);      \
    } name;

ALGOS_DECLARE_TABLE(float, algos_tile_table_f32)
ALGOS_DECLARE_TABLE(double, algos_tile_table_f64)

#define ALGOS_TABLES algos_tile_table
#include "_floats.h"
#undef ALGOS_TABLES
#undef ALGOS_SOURCE

static const algos_tile_table_f32 *algos_tile_f32 = &algos_table_f32_base;
static const algos_tile_table_f64 *algos_tile_f64 = &algos_table_f64_base;

/* The best level up to `limit` (0, 3 or 4) that this processor has; returns it. */
static inline int algos_tile_choose(int limit) {
    const int level = algos_level_up_to(limit);
    algos_tile_f32 = ALGOS_AT_LEVEL(level, &algos_table_f32);
    algos_tile_f64 = ALGOS_AT_LEVEL(level, &algos_table_f64);
    return level;
}

#endif
