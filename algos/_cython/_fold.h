/* Numbers as words of a hash, and the words mixed. */
#ifndef ALGOS_FOLD_H
#define ALGOS_FOLD_H

#include <string.h>

#include "_simd.h"

/* Doubles of small integers end in 40 and more zero bits, and their differences too, which a
 * product modulo 2^64 can only lengthen: what is above comes down, is multiplied up and comes
 * down again, so that the lowest bits hang on all. Invertible, and 0 stays 0. */
ALGOS_INLINE uint64_t algos_fold(double value) {
    uint64_t bits;
    value += 0.0; /* -0 becomes +0 */
    memcpy(&bits, &value, sizeof(bits));
    bits ^= bits >> 32;
    bits *= 0xbf58476d1ce4e5b9u; /* of SplitMix64 */
    return bits ^ (bits >> 32);
}

/* The finisher of SplitMix64 (Stafford's mix 13): invertible, every bit moves every bit. */
ALGOS_INLINE uint64_t algos_mix(uint64_t h) {
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

/* The odd factor of column `column`; column -1 is the target's. */
ALGOS_INLINE uint64_t algos_column_factor(const uint64_t *key, int64_t column) {
    const uint64_t step = 0x9e3779b97f4a7c15u * (uint64_t)(column + 2);
    return algos_mix(algos_mix(key[0] + step) ^ key[1]) | 1u;
}

#endif
