/* From what, on which side and how far away a tree's cuts would separate a row.
 *
 * A row put into a box of side sum s that it leaves by e in all is cut off at once with
 * probability e / (s + e), on side k with e_k / (s + e); else the cut goes through the box and
 * the same holds further down. So with x the value for a row cut off at a node, from the leaf
 * upwards,
 *
 *     sum_k  <-  (e_k / (s + e)) x_k + (1 - e / (s + e)) sum_k,
 *
 * until a box contains the row. A row that the tree holds is taken out first: the tree without
 * it is what its leaf's sibling in its parent's place makes of it, with boxes less the row.
 */
#ifndef ALGOS_CUT_DENSITY_H
#define ALGOS_CUT_DENSITY_H

#include <math.h>
#include "_cut_tree.h"

/* Of the 2 d sides (below, then above): the chance to be cut off on it, the mass from which
 * and the distance to the far end of the box, each times that chance. */
typedef struct {
    double *chance, *mass, *distance; /* (2 d) */
    double *excess, *far;             /* (2 d): of the box at hand */
    float *low, *high;                /* (d): the box without the row itself */
    Py_ssize_t d;
} algos_cut_sides;

ALGOS_INLINE int algos_cut_equal(const float *a, const float *b, Py_ssize_t d) {
    for (Py_ssize_t j = 0; j < d; j++)
        if (a[j] != b[j])
            return 0;
    return 1;
}

/* Go on with a box of so much mass, the row counted. Returns whether it contains the row. */
ALGOS_INLINE int algos_cut_cut_off(const float *restrict row, const float *restrict low,
                                   const float *restrict high, double mass,
                                   algos_cut_sides *sides) {
    const Py_ssize_t d = sides->d;
    double *restrict excess = sides->excess, *restrict far = sides->far;
    double range = 0, outside = 0;
    _Pragma("omp simd reduction(+ : range, outside)") for (Py_ssize_t j = 0; j < d; j++) {
        const double x = row[j], side = (double)high[j] - (double)low[j];
        const double below = low[j] > row[j] ? low[j] - x : 0.0;
        const double above = row[j] > high[j] ? x - high[j] : 0.0;
        excess[j] = below;
        excess[d + j] = above;
        far[j] = below + side;
        far[d + j] = above + side;
        outside += below + above;
        range += side;
    }
    if (!(outside > 0))
        return 1;
    range += outside;
    const double inside = 1 - outside / range;
    double *restrict chance = sides->chance, *restrict masses = sides->mass;
    double *restrict distance = sides->distance;
    _Pragma("omp simd") for (Py_ssize_t k = 0; k < 2 * d; k++) {
        const double p = excess[k] / range;
        chance[k] = p + inside * chance[k];
        masses[k] = p * mass + inside * masses[k];
        distance[k] = p * far[k] + inside * distance[k];
    }
    return 0;
}

/* Widen the box without the row by a node's. */
ALGOS_INLINE void algos_cut_widen(const algos_cut_tree *tree, int32_t node, int is_first,
                                  algos_cut_sides *sides) {
    const int is_leaf = algos_cut_is_leaf(tree, node);
    const float *low = is_leaf ? algos_cut_point(tree, node) : algos_cut_low(tree, node);
    const float *high = is_leaf ? low : algos_cut_high(tree, node);
    for (Py_ssize_t j = 0; j < tree->d; j++) {
        sides->low[j] = is_first || low[j] < sides->low[j] ? low[j] : sides->low[j];
        sides->high[j] = is_first || high[j] > sides->high[j] ? high[j] : sides->high[j];
    }
}

/* A row among copies of itself: no side is more likely than another, at no distance. */
ALGOS_INLINE void algos_cut_among_copies(double mass, algos_cut_sides *sides) {
    const double share = 0.5 / (double)sides->d;
    for (Py_ssize_t k = 0; k < 2 * sides->d; k++) {
        sides->chance[k] = share;
        sides->mass[k] = share * mass;
        sides->distance[k] = 0;
    }
}

/* From a leaf upwards, as far as below `end`. Returns whether a box contains the row. */
ALGOS_INLINE int algos_cut_climb(const algos_cut_tree *tree, const float *row, int32_t leaf,
                                 int32_t end, algos_cut_sides *sides) {
    const float *point = algos_cut_point(tree, leaf);
    if (algos_cut_cut_off(row, point, point, tree->mass[leaf] + 1.0, sides))
        return 1;
    for (int32_t node = tree->parent[leaf]; node != end; node = tree->parent[node])
        if (algos_cut_cut_off(row, algos_cut_low(tree, node), algos_cut_high(tree, node),
                              tree->mass[node] + 1.0, sides))
            return 1;
    return 0;
}

ALGOS_INLINE int32_t algos_cut_sibling(const algos_cut_tree *tree, int32_t node) {
    const int32_t *child = tree->nodes[tree->parent[node]].child;
    return child[child[0] == node];
}

/* The same for a row that is the only one at its leaf, in the tree without it. */
ALGOS_INLINE void algos_cut_climb_without(const algos_cut_tree *tree, const float *row,
                                          int32_t leaf, algos_cut_sides *sides) {
    const int32_t parent = tree->parent[leaf], sibling = algos_cut_sibling(tree, leaf);
    if (algos_cut_climb(tree, row, algos_cut_find_below(tree, sibling, row), parent, sides))
        return;
    algos_cut_widen(tree, sibling, 1, sides);
    for (int32_t below = parent; tree->parent[below] >= 0; below = tree->parent[below]) {
        algos_cut_widen(tree, algos_cut_sibling(tree, below), 0, sides);
        /* The row itself is in the mass of the node. */
        if (algos_cut_cut_off(row, sides->low, sides->high, tree->mass[tree->parent[below]],
                              sides))
            return;
    }
}

ALGOS_INLINE void algos_cut_row_sides(const algos_cut_tree *tree, const float *row,
                                      algos_cut_sides *sides) {
    const int32_t leaf = algos_cut_find(tree, row);
    if (!algos_cut_equal(row, algos_cut_point(tree, leaf), tree->d))
        algos_cut_climb(tree, row, leaf, -1, sides);
    else if (tree->mass[leaf] > 1 || tree->parent[leaf] < 0)
        algos_cut_among_copies(tree->mass[leaf], sides);
    else
        algos_cut_climb_without(tree, row, leaf, sides);
}

/* Add what this tree says of n rows to their sums (n, 3, 2 d): chance, share of the tree's
 * mass, distance. */
ALGOS_CLONES
static void algos_cut_add_sides(const algos_cut_tree *tree, const float *rows, Py_ssize_t n,
                                algos_cut_sides sides, double *sums) {
    const Py_ssize_t width = 2 * tree->d;
    const double whole = tree->mass[tree->heads[0]] + 1.0;
    for (Py_ssize_t i = 0; i < n; i++, sums += 3 * width) {
        algos_cut_row_sides(tree, rows + i * tree->d, &sides);
        for (Py_ssize_t k = 0; k < width; k++) {
            sums[k] += sides.chance[k];
            sums[width + k] += sides.mass[k] / whole;
            sums[2 * width + k] += sides.distance[k];
        }
    }
}

#endif
