/* CSR rows against a panel of centres, in registers.
 *
 *   panel   k centres, transposed: blocks of `width` centres, panel[block][column][centre],
 *           the last block only as wide as it must be (algos_csr_padded).
 *   A row's products are sums over its stored values alone: each takes one row of a block.
 *
 * A row's result is one chain of operations in the order of its columns, whatever the width
 * of the blocks and whatever rows stand beside it. One table of functions stands for each
 * type of the values, the indices and each instruction set, so callers name no types.
 */
#ifndef ALGOS_CSR_H
#define ALGOS_CSR_H

#include <Python.h>
#include <math.h>
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_SOURCE "_csr_impl.h"
#define ALGOS_CSR_GROUP 8       /* centres that every block is a multiple of */
#define ALGOS_CSR_VECTORS 8     /* registers with sums: at most, */
#define ALGOS_CSR_FEW 4         /* and as many as hide the time that a sum takes */
#define ALGOS_CSR_CACHE 2621440 /* bytes of a block that are mostly in a core's own cache */

typedef struct {
    const void *values;  /* (n_stored,) */
    const void *indices; /* (n_stored,), ascending in a row */
    const void *indptr;  /* (n + 1,) */
    Py_ssize_t n, d;
} algos_csr;

typedef struct {
    Py_ssize_t lanes; /* values in a register */
    void (*pack)(const double *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                 void *);
    void (*nearest)(const algos_csr *, Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t,
                    const void *, Py_ssize_t, int32_t *, void *, void *);
    void (*products)(const algos_csr *, Py_ssize_t, const void *, Py_ssize_t, Py_ssize_t,
                     double *);
    double (*product)(const algos_csr *, Py_ssize_t, const double *);
    double (*norm)(const algos_csr *, Py_ssize_t);
    Py_ssize_t (*length)(const algos_csr *, Py_ssize_t);
    void (*add)(const algos_csr *, Py_ssize_t, double, double *);
    int (*check)(const algos_csr *, Py_ssize_t);
} algos_csr_table;

#define ALGOS_T float
#define ALGOS_LANE int32_t
#define ALGOS_IOTA algos_iota_f32
#define ALGOS_INDEX int32_t
#define ALGOS_TYPE csr_f32_i32
#include "_levels.h"
#undef ALGOS_INDEX
#undef ALGOS_TYPE
#define ALGOS_INDEX int64_t
#define ALGOS_TYPE csr_f32_i64
#include "_levels.h"
#undef ALGOS_INDEX
#undef ALGOS_TYPE
#undef ALGOS_T
#undef ALGOS_LANE
#undef ALGOS_IOTA

#define ALGOS_T double
#define ALGOS_LANE int64_t
#define ALGOS_IOTA algos_iota_f64
#define ALGOS_INDEX int32_t
#define ALGOS_TYPE csr_f64_i32
#include "_levels.h"
#undef ALGOS_INDEX
#undef ALGOS_TYPE
#define ALGOS_INDEX int64_t
#define ALGOS_TYPE csr_f64_i64
#include "_levels.h"
#undef ALGOS_INDEX
#undef ALGOS_TYPE
#undef ALGOS_T
#undef ALGOS_LANE
#undef ALGOS_IOTA

#undef ALGOS_SOURCE

#define ALGOS_CSR_TABLES(LEVEL)                                                              \
    {{&algos_table_csr_f64_i64_##LEVEL, &algos_table_csr_f64_i32_##LEVEL},                   \
     {&algos_table_csr_f32_i64_##LEVEL, &algos_table_csr_f32_i32_##LEVEL}}

/* The table for float32 values or not, int32 indices or not, at the best level up to
 * `limit` (0, 3 or 4) that this processor has. */
static inline const algos_csr_table *algos_csr_choose(int single, int narrow, int limit) {
    static const algos_csr_table *const base[2][2] = ALGOS_CSR_TABLES(base);
#ifdef ALGOS_X86_LEVELS
    static const algos_csr_table *const v3[2][2] = ALGOS_CSR_TABLES(v3);
    static const algos_csr_table *const v4[2][2] = ALGOS_CSR_TABLES(v4);
    const int level = algos_level() < limit ? algos_level() : limit;
    if (level >= 3)
        return level >= 4 ? v4[single][narrow] : v3[single][narrow];
#endif
    (void)limit;
    return base[single][narrow];
}

/* Centres of a panel, padded to whole groups. */
static inline Py_ssize_t algos_csr_padded(Py_ssize_t k) {
    return (k + ALGOS_CSR_GROUP - 1) / ALGOS_CSR_GROUP * ALGOS_CSR_GROUP;
}

#endif
