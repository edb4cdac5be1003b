/* What draws of numbers behind the rows of a factorization machine have in common. */
#ifndef ALGOS_FM_DRAWS_H
#define ALGOS_FM_DRAWS_H

#include "_rng.h"

#define ALGOS_FM_ROW_STREAMS ((uint64_t)1 << 63) /* of a key; those of columns begin at 0 */

/* In (0, 1): the middles of 2^53 equal parts. */
static inline double algos_open_unit(algos_rng *rng) {
    return ((double)(algos_rng_next(rng) >> 11) + 0.5) * 0x1p-53;
}

#endif
