/* What a row scores in one tree of a random cut forest: the formulas.
 *
 * A row is inserted in thought (Guha, Mishra, Roy and Schrijvers, "Robust random cut forest
 * based anomaly detection on streams", ICML 2016, theorem 3): at a node whose box the row
 * exceeds by e in all, the new cut separates the row from the box with probability
 * e / (span + e), span being the sum of the box's sides; at the leaf it does for certain. The
 * row then hangs beside that node, and the score is the expectation, over the node, of
 *
 *   inverse depth   1 / (depth + 1), times log2(n + 1): the score of AWS's library, where n is
 *                   the tree's number of points
 *   expected depth  depth + 1, by log2(n + 1)
 *   displacement    the points below the node, which the row pushes down (definition 2)
 *   collusive displacement  the largest, over the groups that hold the row and are all that is
 *                   below some node, of the points pushed down by member (definition 3)
 *
 * A row equal to a leaf of m points is taken for that leaf, at depth + log2(m + 1); AWS damps
 * its inverse depth by 1 - m / 2n, and of its displacement each of the m has its share.
 * "Depth" alone takes every row for the leaf to which the cuts lead, and looks at no box.
 */
#ifndef ALGOS_CUT_VALUES_H
#define ALGOS_CUT_VALUES_H

#include <math.h>
#include "_cut_tree.h"

enum { /* the first two have rows in algos_cut_by_depth */
    ALGOS_CUT_INVERSE_DEPTH,
    ALGOS_CUT_EXPECTED_DEPTH,
    ALGOS_CUT_DEPTH,
    ALGOS_CUT_DISPLACEMENT,
    ALGOS_CUT_COLLUSIVE,
};

/* The number of points in a tree that has some. */
ALGOS_INLINE int32_t algos_cut_all(const algos_cut_tree *tree) {
    return tree->mass[tree->heads[0]];
}

/* What a row scores that is cut off just above a node. */
ALGOS_INLINE double algos_cut_unseen(const algos_cut_tree *tree, int32_t node, int32_t depth,
                                     int method) {
    if (method == ALGOS_CUT_INVERSE_DEPTH)
        return 1.0 / (depth + 1);
    if (method == ALGOS_CUT_EXPECTED_DEPTH)
        return depth + 1;
    return tree->mass[node];
}

/* What a row scores that is equal to a leaf, but for the collusive displacement. */
ALGOS_INLINE double algos_cut_seen(const algos_cut_tree *tree, int32_t leaf, int32_t depth,
                                   int method) {
    const double mass = tree->mass[leaf], all = algos_cut_all(tree);
    const int32_t parent = tree->parent[leaf];
    if (method == ALGOS_CUT_DISPLACEMENT)
        return parent < 0 ? 0 : (tree->mass[parent] - mass) / mass;
    const double below = depth + (mass == 1 ? 1 : log2(mass + 1));
    return method == ALGOS_CUT_INVERSE_DEPTH ? (1 - mass / (2 * all)) / below : below;
}

/* What a tree's expectation is multiplied by. */
ALGOS_INLINE double algos_cut_factor(const algos_cut_tree *tree, int method) {
    if (method >= ALGOS_CUT_DISPLACEMENT)
        return 1;
    const double levels = log2(algos_cut_all(tree) + 1.0);
    return method == ALGOS_CUT_INVERSE_DEPTH ? levels : 1 / levels;
}

/* The score of a forest, from the sum over its trees; 0 if they have no points. */
ALGOS_INLINE double algos_cut_finish(double sum, Py_ssize_t n_trees, int method) {
    if (method == ALGOS_CUT_EXPECTED_DEPTH || method == ALGOS_CUT_DEPTH)
        return sum > 0 ? n_trees / sum : 0;
    return sum / n_trees;
}

#endif
