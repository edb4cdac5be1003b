/* Gaps of a tile of coded rows: by how much farther the next centre is than a row's own.
 *
 * A gap is bounded from below, in whole units, so that what is taken off it is exact. As the
 * centres move it falls by as much as they may have come closer; while it is above zero the row
 * keeps its label (Hamerly's two bounds, "Making k-means even faster", SDM 2010, as one number).
 */
#ifndef ALGOS_CODE_GAPS_H
#define ALGOS_CODE_GAPS_H

#include <Python.h>
#include <math.h>
#include "_simd.h"

#define ALGOS_LEAST_PRODUCT (-(1 << 30)) /* smaller than all but those of padding */
#define ALGOS_MOST_GAP 65535.0f
#define ALGOS_NORM_OFF 1e-4f /* squares of norms that are right to 1e-5, and to spare */

/* Lower the gaps of up to 64 rows by the fall of their labels (fall[0] is that of no label);
 * return the rows that have no gap left. */
ALGOS_CLONES
static uint64_t algos_lower_gaps(uint16_t *restrict gap, const int32_t *restrict label,
                                 const int32_t *restrict fall, Py_ssize_t rows) {
    uint64_t open = 0;
    for (Py_ssize_t i = 0; i < rows; i++) {
        const int32_t left = gap[i] - fall[label[i] + 1];
        gap[i] = (uint16_t)(left > 0 ? left : 0);
        open |= (uint64_t)(left <= 0) << i;
    }
    return open;
}

/* In units, one less for what floats round and lose. */
ALGOS_INLINE uint16_t algos_whole_gap(float gap) {
    gap = gap * (1 - 1e-5f) - 1;
    gap = gap > 0 ? gap : 0; /* or NaN */
    return (uint16_t)(int32_t)(gap < ALGOS_MOST_GAP ? gap : ALGOS_MOST_GAP);
}

/* The gaps of 64 rows whose largest product is `most`, all others being at most `below`, which
 * is less than `least`, the smallest that may be the nearest centre's.
 *
 * With the squared distance to the own centre at most s, and that to others more by D at least,
 * the gap is at least sqrt(s + D) - sqrt(s). */
ALGOS_CLONES
static void algos_code_gaps(const int32_t *restrict most, const int32_t *restrict least,
                            const int32_t *restrict below, const float *restrict norm,
                            float twice_unit, float per_gap, uint16_t *restrict gap) {
    _Pragma("omp simd") for (int i = 0; i < 64; i++) {
        const int32_t next = below[i] > ALGOS_LEAST_PRODUCT ? below[i] : ALGOS_LEAST_PRODUCT;
        const float more = twice_unit * (float)(least[i] - next);
        const float product = 0.5f * ((float)most[i] + (float)least[i]);
        const float square = norm[i] * norm[i] * (1 + ALGOS_NORM_OFF) - twice_unit * product;
        const float s = (square > 0 ? square : 0) + 1e-37f;
        gap[i] = algos_whole_gap(more / (sqrtf(s + more) + sqrtf(s)) * per_gap);
    }
}

/* The gap of one row whose two least squared distances are measured among those that may be the
 * nearest; all other products are at most `below`. */
static inline uint16_t algos_measured_gap(double square, double next_square, double rounding,
                                          int32_t most, int32_t least, int32_t below, float norm,
                                          float twice_unit, float per_gap) {
    const double product = below + 0.5 * ((double)most - least);
    const double rest = (double)norm * norm * (1 - ALGOS_NORM_OFF) - twice_unit * product;
    const double next = fmin(sqrt(next_square) * (1 - rounding), sqrt(rest > 0 ? rest : 0));
    return algos_whole_gap((float)((next - sqrt(square) * (1 + rounding)) * per_gap));
}

/* Copy the words of row i of a tile of codes to place p of another. */
static inline void algos_copy_codes(const uint8_t *tile, Py_ssize_t words, Py_ssize_t i,
                                    uint8_t *to, Py_ssize_t p) {
    for (Py_ssize_t w = 0; w < words; w++)
        memcpy(to + 256 * w + 4 * p, tile + 256 * w + 4 * i, 4);
}

#endif
