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

#endif
