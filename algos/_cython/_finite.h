/* Does a block hold NaN or infinity? Both have all exponent bits set. */
#ifndef ALGOS_FINITE_H
#define ALGOS_FINITE_H

#include <string.h>

#include "_simd.h"

#define ALGOS_ALL_FINITE(NAME, FLOATING, BITS, EXPONENT)                                   \
    ALGOS_CLONES                                                                           \
    static int NAME(const FLOATING *x, ptrdiff_t n) {                                      \
        enum { BLOCK = 4096 };                                                             \
        for (ptrdiff_t start = 0; start < n; start += BLOCK) {                             \
            const ptrdiff_t stop = start + BLOCK < n ? start + BLOCK : n;                  \
            BITS bad = 0;                                                                  \
            for (ptrdiff_t i = start; i < stop; i++) {                                     \
                BITS bits;                                                                 \
                memcpy(&bits, x + i, sizeof(bits));                                        \
                bad |= (BITS)((bits & EXPONENT) == EXPONENT);                              \
            }                                                                              \
            if (bad)                                                                       \
                return 0;                                                                  \
        }                                                                                  \
        return 1;                                                                          \
    }

ALGOS_ALL_FINITE(algos_all_finite_float, float, uint32_t, 0x7f800000u)
ALGOS_ALL_FINITE(algos_all_finite_double, double, uint64_t, 0x7ff0000000000000u)

#endif
