/* What candidates for a further centre would gain in one tile: its hits.
 *
 * A hit is a row that is nearer to a candidate than to any centre so far. Hits are few
 * after the first steps, so each is a step of its own, in row order: a candidate's gain has
 * the same bits whichever rows without hits were left out of the tile.
 */
#ifndef ALGOS_SEED_HITS_H
#define ALGOS_SEED_HITS_H

#include <Python.h>
#include "_simd.h"

enum { ALGOS_MOST_ROWS = 64 }; /* of a tile */

/* A tile's flags (0 or 1) as the bits of one number, the first of them lowest. */
ALGOS_INLINE uint64_t algos_flag_bits(const uint8_t *flags) {
    uint64_t bits = 0;
    for (int i = 0; i < ALGOS_MOST_ROWS; i += 8) {
        uint64_t eight;
        memcpy(&eight, flags + i, sizeof(eight));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        eight = __builtin_bswap64(eight);
#endif
        /* Each flag meets one bit of the factor that moves it into the highest byte. */
        bits |= (eight * 0x0102040810204080u >> 56) << i;
    }
    return bits;
}

#define ALGOS_SEED_HITS(NAME, T)                                                             \
    /* The rows that are nearer, as bits. */                                                 \
    ALGOS_INLINE uint64_t NAME##_nearer(const T *restrict square, const T *restrict closest, \
                                        Py_ssize_t rows) {                                   \
        uint8_t flags[ALGOS_MOST_ROWS] = {0};                                                \
        _Pragma("omp simd") for (Py_ssize_t i = 0; i < rows; i++) flags[i] =                 \
            square[i] < closest[i];                                                          \
        return algos_flag_bits(flags);                                                       \
    }                                                                                        \
                                                                                             \
    /* Add each candidate's hits to its gain, and to its list while there is room. */        \
    ALGOS_CLONES                                                                             \
    static void NAME##_note(const T *square, Py_ssize_t stride, Py_ssize_t rows,             \
                            Py_ssize_t m, const T *closest, const double *weight,            \
                            const int32_t *place, double *gain, int32_t *hit_place,          \
                            T *hit_square, Py_ssize_t *count, Py_ssize_t capacity) {         \
        for (Py_ssize_t j = 0; j < m; j++) {                                                 \
            double total = gain[j];                                                          \
            Py_ssize_t n = count[j];                                                         \
            uint64_t hits = NAME##_nearer(square, closest, rows);                            \
            for (; hits != 0; hits &= hits - 1) {                                            \
                const int i = __builtin_ctzll(hits);                                         \
                const double less = (double)closest[i] - (double)square[i];                  \
                total += weight == NULL ? less : weight[i] * less;                           \
                if (n < capacity) {                                                          \
                    hit_place[n] = place[i];                                                 \
                    hit_square[n] = square[i];                                               \
                }                                                                            \
                n++;                                                                         \
            }                                                                                \
            gain[j] = total;                                                                 \
            count[j] = n;                                                                    \
            square += stride;                                                                \
            hit_place += capacity;                                                           \
            hit_square += capacity;                                                          \
        }                                                                                    \
    }                                                                                        \
                                                                                             \
    /* The hits of a new centre: its squares become the closest. */                          \
    ALGOS_CLONES                                                                             \
    static void NAME##_lower(const T *square, Py_ssize_t rows, const T *closest,             \
                             const int32_t *place, T *squares) {                             \
        uint64_t hits = NAME##_nearer(square, closest, rows);                                \
        for (; hits != 0; hits &= hits - 1) {                                                \
            const int i = __builtin_ctzll(hits);                                             \
            squares[place[i]] = square[i];                                                   \
        }                                                                                    \
    }

ALGOS_SEED_HITS(algos_hits_f32, float)
ALGOS_SEED_HITS(algos_hits_f64, double)

#endif
