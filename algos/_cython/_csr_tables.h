/* The functions of _csr.h for every type and instruction set; for _csr.pyx alone. */
#ifndef ALGOS_CSR_TABLES_H
#define ALGOS_CSR_TABLES_H

#include <math.h>
#include "_csr.h"
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_SOURCE "_csr_impl.h"

/* x - 0 is x, also for -0, so that no instruction but the broadcast is left. */
#define ALGOS_CSR_SPREAD(V, x) ((x) - (V){0})

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

/* The table for float32 values or not, int32 indices or not, at the best level up to
 * `limit` (0, 3 or 4) that this processor has. */
static inline const algos_csr_table *algos_csr_choose(int single, int narrow, int limit) {
    const int level = algos_level_up_to(limit);
    if (single)
        return narrow ? ALGOS_AT_LEVEL(level, &algos_table_csr_f32_i32)
                      : ALGOS_AT_LEVEL(level, &algos_table_csr_f32_i64);
    return narrow ? ALGOS_AT_LEVEL(level, &algos_table_csr_f64_i32)
                  : ALGOS_AT_LEVEL(level, &algos_table_csr_f64_i64);
}

#endif
