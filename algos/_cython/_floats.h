/* ALGOS_SOURCE for float and for double, each for every instruction set.
 *
 * Set before: ALGOS_TABLES, what the names of both types' tables begin with.
 */
#define ALGOS_JOIN2(a, b) a##_##b
#define ALGOS_JOIN(a, b) ALGOS_JOIN2(a, b)
#define ALGOS_TABLE ALGOS_JOIN(ALGOS_TABLES, ALGOS_TYPE)

#define ALGOS_T float
#define ALGOS_INDEX int32_t
#define ALGOS_TYPE f32
#define ALGOS_IOTA algos_iota_f32
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_INDEX
#undef ALGOS_TYPE
#undef ALGOS_IOTA

#define ALGOS_T double
#define ALGOS_INDEX int64_t
#define ALGOS_TYPE f64
#define ALGOS_IOTA algos_iota_f64
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_INDEX
#undef ALGOS_TYPE
#undef ALGOS_IOTA

#undef ALGOS_TABLE
#undef ALGOS_JOIN
#undef ALGOS_JOIN2
