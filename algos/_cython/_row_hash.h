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

#include "_fold.h"

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
