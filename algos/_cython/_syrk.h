/* Inner products of columns over packed tiles (_tile.h), summed up in double.
 *
 *   tiles     xt[tile][column][row]: `size` elements a tile, with room for whole blocks of
 *             `edge` columns
 *   scatter   the upper triangle of xt' xt, in blocks of edge x edge
 *   cross     xt' zt, in blocks of edge x edge, row of blocks by row of blocks
 */
#ifndef ALGOS_SYRK_H
#define ALGOS_SYRK_H

#include <Python.h>
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_SOURCE "_syrk_impl.h"

#define ALGOS_DECLARE_SYRK(T, name)                                                          \
    typedef struct {                                                                         \
        Py_ssize_t points, edge;                                                             \
        void (*scatter)(const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,           \
                        Py_ssize_t, Py_ssize_t, Py_ssize_t, double *, double *);             \
        void (*cross)(const T *, const T *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,  \
                      Py_ssize_t, Py_ssize_t, double *);                                     \
    } name;

ALGOS_DECLARE_SYRK(float, algos_syrk_table_f32)
ALGOS_DECLARE_SYRK(double, algos_syrk_table_f64)

#define ALGOS_TABLES algos_syrk_table
#include "_floats.h"
#undef ALGOS_TABLES
#undef ALGOS_SOURCE

/* The level whose tiles have that many rows: the one that packs them. */
#ifdef ALGOS_X86_LEVELS
#define ALGOS_SYRK_OF(type)                                                                  \
    (points == algos_syrk_##type##_v4.points   ? &algos_syrk_##type##_v4                     \
     : points == algos_syrk_##type##_v3.points ? &algos_syrk_##type##_v3                     \
                                               : &algos_syrk_##type##_base)
#else
#define ALGOS_SYRK_OF(type) (&algos_syrk_##type##_base)
#endif

static inline const algos_syrk_table_f32 *algos_syrk_f32(Py_ssize_t points) {
    (void)points;
    return ALGOS_SYRK_OF(f32);
}

static inline const algos_syrk_table_f64 *algos_syrk_f64(Py_ssize_t points) {
    (void)points;
    return ALGOS_SYRK_OF(f64);
}

#endif
