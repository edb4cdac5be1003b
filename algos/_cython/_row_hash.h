/* Multilinear hash of a row's content, modulo 2^64.
 *
 *     h(x) = sum_j b_j * fold(bits(x_j))
 *
 * A sum does not care in which order it meets the columns, and a zero adds nothing, so
 * dense and CSR rows share the formula. The b_j are odd and drawn from the key: two rows
 * that differ in one column never collide, others with probability about 2^-60 over the
 * keys (multilinear hashing: Lemire and Kaser, "Strongly universal string hashing is
 * fast", Computer Journal 57, 2014, section 2).
 */
#ifndef ALGOS_ROW_HASH_H
#define ALGOS_ROW_HASH_H

#include <string.h>

#include "_simd.h"

/* Doubles of small integers end in 40 and more zero bits, which a product modulo 2^64 can
 * only lengthen: the three shifts bring every byte down to the lowest one. Invertible, and
 * 0 stays 0. */
ALGOS_INLINE uint64_t algos_fold(double value) {
    uint64_t bits;
    value += 0.0; /* -0 becomes +0 */
    memcpy(&bits, &value, sizeof(bits));
    bits ^= bits >> 32;
    bits ^= bits >> 16;
    bits ^= bits >> 8;
    return bits;
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

#define ALGOS_HASH_DENSE(NAME, FLOATING)                                                   \
    ALGOS_CLONES                                                                           \
    static void NAME(const FLOATING *x, const uint64_t *factors, uint64_t *sums,           \
                     ptrdiff_t n_rows, ptrdiff_t n_columns) {                              \
        for (ptrdiff_t i = 0; i < n_rows; i++) {                                           \
            const FLOATING *row = x + i * n_columns;                                       \
            uint64_t sum = 0;                                                              \
            for (ptrdiff_t j = 0; j < n_columns; j++)                                      \
                sum += factors[j] * algos_fold((double)row[j]);                            \
            sums[i] += sum;                                                                \
        }                                                                                  \
    }

ALGOS_HASH_DENSE(algos_hash_dense_float, float)
ALGOS_HASH_DENSE(algos_hash_dense_double, double)

#endif
