/* Squared distances of a few rows of a tile to one vector, by differences.
 *
 * The rows are those whose bit is set in a mask. They are staged first, less the shift and
 * filled up with zeros to whole registers, as the vectors must be.
 */
#ifndef ALGOS_PAIRS_H
#define ALGOS_PAIRS_H

#include <Python.h>
#include <math.h>
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_SOURCE "_pairs_impl.h"

#define ALGOS_DECLARE_TABLE(T, name)                                                         \
    typedef struct {                                                                         \
        Py_ssize_t lanes;                                                                    \
        void (*stage)(const T *, Py_ssize_t, const T *, uint64_t, T *, Py_ssize_t);          \
        void (*distances)(const T *, Py_ssize_t, const T *, uint64_t, T *);                  \
        Py_ssize_t (*nearest)(const T *, Py_ssize_t, const T *, Py_ssize_t,                  \
                              const uint64_t *, uint64_t, int32_t *, T *, T *);              \
    } name;

ALGOS_DECLARE_TABLE(float, algos_pairs_table_f32)
ALGOS_DECLARE_TABLE(double, algos_pairs_table_f64)

#define ALGOS_TABLES algos_pairs_table
#include "_floats.h"
#undef ALGOS_TABLES
#undef ALGOS_SOURCE
#undef ALGOS_DECLARE_TABLE

static const algos_pairs_table_f32 *algos_pairs_f32 = &algos_table_f32_base;
static const algos_pairs_table_f64 *algos_pairs_f64 = &algos_table_f64_base;

static inline int algos_pairs_choose(int limit) {
    const int level = algos_level_up_to(limit);
    algos_pairs_f32 = ALGOS_AT_LEVEL(level, &algos_table_f32);
    algos_pairs_f64 = ALGOS_AT_LEVEL(level, &algos_table_f64);
    return level;
}

#endif
