/* Boxes and cuts of a random cut tree: what growing a tree and changing it share.
 *
 * All loops go over LANES columns at a time, the last of them behind a mask, and add up in
 * that order on every machine: the same bits with all instruction sets.
 */
#ifndef ALGOS_CUT_BOX_H
#define ALGOS_CUT_BOX_H

#include <math.h>
#include "_cut_tree.h"
#include "_rng.h"
#include "_shuffle.h"

enum {
    ALGOS_CUT_LANES = ALGOS_CUT_SLACK,
    ALGOS_CUT_RUN = 64 * ALGOS_CUT_LANES /* columns whose sides are added in float32 */
};

typedef float algos_cut_four __attribute__((vector_size(16)));
typedef int32_t algos_cut_places __attribute__((vector_size(16)));

/* The sum of the lanes, in one order for all machines. */
ALGOS_INLINE double algos_cut_lane_sum(const float *lanes) {
    algos_cut_four part[ALGOS_CUT_LANES / 4];
    memcpy(part, lanes, sizeof(part));
    algos_cut_four sum = (part[0] + part[2]) + (part[1] + part[3]);
    sum += ALGOS_SHUFFLE(sum, sum, ((algos_cut_places){2, 3, 0, 1}));
    return sum[0] + sum[1];
}

/* How far the row is outside of the box, over all columns: 0 if and only if it is inside.
 * Reads up to LANES - 1 floats beyond each of the three. */
ALGOS_INLINE double algos_cut_excess(const float *low, const float *high, const float *row,
                                     Py_ssize_t d) {
    double total = 0;
    for (Py_ssize_t start = 0; start < d; start += ALGOS_CUT_RUN) {
        const Py_ssize_t stop = start + ALGOS_CUT_RUN < d ? start + ALGOS_CUT_RUN : d;
        float sums[ALGOS_CUT_LANES] = {0};
        for (Py_ssize_t j = start; j < stop; j += ALGOS_CUT_LANES) {
            const int left = (int)(stop - j);
            _Pragma("omp simd") for (int l = 0; l < ALGOS_CUT_LANES; l++) {
                const float below = low[j + l] - row[j + l], above = row[j + l] - high[j + l];
                const float outside = below > above ? below : above;
                sums[l] += l < left && outside > 0 ? outside : 0.0f;
            }
        }
        total += algos_cut_lane_sum(sums);
    }
    return total;
}

/* Whether the row, which is inside, lies on a face of the box. */
ALGOS_INLINE int algos_cut_touches(const float *low, const float *high, const float *row,
                                   Py_ssize_t d) {
    for (Py_ssize_t j = 0; j < d; j += ALGOS_CUT_LANES) {
        const int left = (int)(d - j < ALGOS_CUT_LANES ? d - j : ALGOS_CUT_LANES);
        int on = 0;
        _Pragma("omp simd reduction(| : on)") for (int l = 0; l < ALGOS_CUT_LANES; l++) on |=
            (l < left) & ((row[j + l] == low[j + l]) | (row[j + l] == high[j + l]));
        if (on)
            return 1;
    }
    return 0;
}

/* Make box [low, high] the smallest that holds boxes a and b, either of which it may be.
 * Returns the sum of its sides; *changed says whether it was another one before. */
ALGOS_INLINE double algos_cut_cover(float *low, float *high, const float *a_low,
                                    const float *a_high, const float *b_low,
                                    const float *b_high, Py_ssize_t d, int *changed) {
    double total = 0;
    int differs = 0;
    for (Py_ssize_t start = 0; start < d; start += ALGOS_CUT_RUN) {
        const Py_ssize_t stop = start + ALGOS_CUT_RUN < d ? start + ALGOS_CUT_RUN : d;
        float sums[ALGOS_CUT_LANES] = {0};
        for (Py_ssize_t j = start; j < stop; j += ALGOS_CUT_LANES) {
            const int left = (int)(stop - j);
            float new_low[ALGOS_CUT_LANES], new_high[ALGOS_CUT_LANES];
            _Pragma("omp simd reduction(| : differs)")
            for (int l = 0; l < ALGOS_CUT_LANES; l++) {
                const float least = a_low[j + l] < b_low[j + l] ? a_low[j + l] : b_low[j + l];
                const float most =
                    a_high[j + l] > b_high[j + l] ? a_high[j + l] : b_high[j + l];
                new_low[l] = least;
                new_high[l] = most;
                sums[l] += l < left ? most - least : 0.0f;
                differs |= (l < left) & ((least != low[j + l]) | (most != high[j + l]));
            }
            _Pragma("omp simd") for (int l = 0; l < ALGOS_CUT_LANES; l++) if (l < left) {
                low[j + l] = new_low[l];
                high[j + l] = new_high[l];
            }
        }
        total += algos_cut_lane_sum(sums);
    }
    *changed = differs;
    return total;
}

/* A float32 cut `at` above low, low < high: rounded down, so that the cut falls between any
 * two numbers with just the probability of their distance, and low <= cut < high. */
ALGOS_INLINE float algos_cut_between(float low, float high, double at) {
    const double place = (double)low + at;
    float cut = (float)place;
    if (cut > place)
        cut = nextafterf(cut, -INFINITY);
    if (!(cut < high)) /* or NaN, where sides overflow */
        cut = nextafterf(high, -INFINITY);
    return cut < low ? low : cut;
}

ALGOS_INLINE void algos_cut_set_child(const algos_cut_tree *tree, int32_t parent, int side,
                                      int32_t node) {
    tree->parent[node] = parent;
    if (parent < 0)
        tree->heads[0] = node;
    else
        tree->nodes[parent].child[side] = node;
}

#endif
