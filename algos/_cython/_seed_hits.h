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

#define ALGOS_SEED_HITS(T, t)                                                                \
    /* Where a candidate's hits in one tile go. */                                           \
    typedef struct {                                                                         \
        uint64_t *mask;    /* of the 64 rows in which the tile is */                         \
        int shift;         /* the tile's first row among them */                             \
        T *square;         /* a list */                                                      \
        Py_ssize_t *count; /* hits, also those beyond capacity */                            \
        Py_ssize_t capacity;                                                                 \
        double *gain;                                                                        \
    } algos_hits_##t;                                                                        \
                                                                                             \
    /* The rows that are nearer, as bits. */                                                 \
    ALGOS_INLINE uint64_t algos_nearer_##t(const T *restrict square,                         \
                                           const T *restrict closest, Py_ssize_t rows) {     \
        uint8_t flags[ALGOS_MOST_ROWS] = {0};                                                \
        _Pragma("omp simd") for (Py_ssize_t i = 0; i < rows; i++) flags[i] =                 \
            square[i] < closest[i];                                                          \
        return algos_flag_bits(flags);                                                       \
    }                                                                                        \
                                                                                             \
    /* Add the hits among some rows to a candidate's gain, and list them if there is room. */ \
    ALGOS_INLINE void algos_list_##t(uint64_t rows, const T *square, const T *closest,       \
                                     const double *weight, algos_hits_##t to) {              \
        double gain = *to.gain;                                                              \
        Py_ssize_t n = *to.count;                                                            \
        uint64_t hits = 0;                                                                   \
        for (; rows != 0; rows &= rows - 1) {                                                \
            const int i = __builtin_ctzll(rows);                                             \
            const double less = (double)closest[i] - (double)square[i];                      \
            if (!(less > 0))                                                                 \
                continue;                                                                    \
            gain += weight == NULL ? less : weight[i] * less;                                \
            hits |= (uint64_t)1 << i;                                                        \
            if (n < to.capacity)                                                             \
                to.square[n] = square[i];                                                    \
            n++;                                                                             \
        }                                                                                    \
        *to.mask |= hits << to.shift;                                                        \
        *to.gain = gain;                                                                     \
        *to.count = n;                                                                       \
    }                                                                                        \
                                                                                             \
    /* The hits of m candidates in a tile, square[j][row]; of candidate j among the rows in  \
     * masks[j], or among all if there are no masks. What is noted of each stands in line. */ \
    ALGOS_CLONES                                                                             \
    static void algos_note_hits_##t(const T *square, Py_ssize_t stride, Py_ssize_t rows,     \
                                    Py_ssize_t m, const uint64_t *masks, const T *closest,   \
                                    const double *weight, algos_hits_##t to) {               \
        for (Py_ssize_t j = 0; j < m; j++) {                                                 \
            const uint64_t some =                                                            \
                masks == NULL ? algos_nearer_##t(square, closest, rows) : masks[j];          \
            algos_list_##t(some, square, closest, weight, to);                               \
            square += stride;                                                                \
            to.mask++;                                                                       \
            to.square += to.capacity;                                                        \
            to.count++;                                                                      \
            to.gain++;                                                                       \
        }                                                                                    \
    }                                                                                        \
                                                                                             \
    /* The hits of a new centre, among the rows of the mask if there is one: its squares     \
     * become the closest. */                                                                \
    ALGOS_CLONES                                                                             \
    static void algos_lower_hits_##t(const T *square, Py_ssize_t rows, const uint64_t *mask, \
                                     T *closest) {                                           \
        uint64_t some = mask == NULL ? algos_nearer_##t(square, closest, rows) : *mask;      \
        for (; some != 0; some &= some - 1) {                                                \
            const int i = __builtin_ctzll(some);                                             \
            closest[i] = square[i] < closest[i] ? square[i] : closest[i];                    \
        }                                                                                    \
    }                                                                                        \
                                                                                             \
    /* From which integer product on (see _codes.pxd) a vector may be nearer to a row than   \
     * `closest`: x.c - ||c||^2 / 2 >= (||x||^2 - closest) / 2, less what all may be off; and \
     * from which on it is, beyond all doubt. */                                             \
    ALGOS_CLONES                                                                             \
    static __attribute__((unused)) void algos_hit_thresholds_##t(                            \
                                         const float *restrict norm,                         \
                                         const float *restrict error,                        \
                                         const T *restrict closest, Py_ssize_t rows,         \
                                         algos_hit_margin margin,                            \
                                         int32_t *restrict possible,                         \
                                         int32_t *restrict sure) {                           \
        _Pragma("omp simd") for (Py_ssize_t i = 0; i < rows; i++) {                          \
            const float square = norm[i] * norm[i] * margin.per_square;                      \
            const float before = (float)closest[i] * margin.per_closest;                     \
            const float off =                                                                \
                norm[i] * margin.per_norm + error[i] * margin.per_error + margin.slack;      \
            float least = square - before - off;                                             \
            float most = least + 2 * off + square * margin.square_off +                      \
                         before * margin.closest_off;                                        \
            least = least > -ALGOS_FAR_CODE ? least : -ALGOS_FAR_CODE; /* or NaN */          \
            most = most < ALGOS_FAR_CODE ? most : ALGOS_FAR_CODE;      /* or NaN */          \
            possible[i] = (int32_t)(least < ALGOS_FAR_CODE ? least : ALGOS_FAR_CODE);        \
            sure[i] = (int32_t)(most > -ALGOS_FAR_CODE ? most : -ALGOS_FAR_CODE);            \
        }                                                                                    \
    }

#define ALGOS_FAR_CODE 1073741824.0f /* beyond all products */

typedef struct {
    float per_square, per_closest, per_norm, per_error, slack, square_off, closest_off;
} algos_hit_margin;

/* Fetch into cache the rows of the mask, as much of each as is not fetched in passing. */
static inline void algos_fetch_rows(const char *x, Py_ssize_t row_bytes, uint64_t mask) {
    const Py_ssize_t some = row_bytes < 512 ? row_bytes : 512;
    for (; mask != 0; mask &= mask - 1) {
        const char *row = x + __builtin_ctzll(mask) * row_bytes;
        for (Py_ssize_t byte = 0; byte < some + 63; byte += 64)
            __builtin_prefetch(row + (byte < some ? byte : some - 1));
    }
}

ALGOS_SEED_HITS(float, f32)
ALGOS_SEED_HITS(double, f64)

#endif
