/* Scores of rows in one tree of a random cut forest.
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
#ifndef ALGOS_CUT_SCORE_H
#define ALGOS_CUT_SCORE_H

#include <Python.h>
#include <math.h>
#include "_cut_tree.h"
#include "_shuffle.h"
#ifdef ALGOS_X86_LEVELS
#include <immintrin.h>
#endif

enum {
    ALGOS_CUT_INVERSE_DEPTH,
    ALGOS_CUT_EXPECTED_DEPTH,
    ALGOS_CUT_DEPTH,
    ALGOS_CUT_DISPLACEMENT,
    ALGOS_CUT_COLLUSIVE,
};

enum { ALGOS_CUT_BLOCK = 128, ALGOS_CUT_STEP = 8 }; /* rows that climb, and descend, in step */

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
    const double mass = tree->mass[leaf], all = tree->mass[tree->heads[0]];
    const int32_t parent = tree->parent[leaf];
    if (method == ALGOS_CUT_DISPLACEMENT)
        return parent < 0 ? 0 : (tree->mass[parent] - mass) / mass;
    const double below = depth + log2(mass + 1);
    return method == ALGOS_CUT_INVERSE_DEPTH ? (1 - mass / (2 * all)) / below : below;
}

/* What a tree's expectation is multiplied by. */
ALGOS_INLINE double algos_cut_factor(const algos_cut_tree *tree, int method) {
    if (method >= ALGOS_CUT_DISPLACEMENT)
        return 1;
    const double levels = log2(tree->mass[tree->heads[0]] + 1.0);
    return method == ALGOS_CUT_INVERSE_DEPTH ? levels : 1 / levels;
}

/* The score of a forest, from the sum over its trees; 0 if they have no points. */
ALGOS_INLINE double algos_cut_finish(double sum, Py_ssize_t n_trees, int method) {
    if (method == ALGOS_CUT_EXPECTED_DEPTH || method == ALGOS_CUT_DEPTH)
        return sum > 0 ? n_trees / sum : 0;
    return sum / n_trees;
}

typedef void algos_cut_scorer(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                              Py_ssize_t n, int method, double *out);

#define ALGOS_SOURCE "_cut_score_impl.h"
#define ALGOS_T float
#define ALGOS_TYPE cut
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_SOURCE

static algos_cut_scorer *algos_cut_score_block = algos_scores_cut_base;

static inline int algos_cut_choose(int limit) {
    const int level = algos_level() < limit ? algos_level() : limit;
    (void)level; /* one level alone needs no choice */
    algos_cut_score_block = algos_scores_cut_base;
#ifdef ALGOS_X86_LEVELS
    if (level >= 4) {
        algos_cut_score_block = algos_scores_cut_v4;
        return 4;
    }
    if (level >= 3) {
        algos_cut_score_block = algos_scores_cut_v3;
        return 3;
    }
#endif
    return 0;
}

__attribute__((constructor)) static void algos_cut_choose_best(void) { algos_cut_choose(4); }

/* Add a tree's scores of n rows to out; row i is at rows + i * stride. */
static inline void algos_cut_scores(const algos_cut_tree *tree, const float *rows,
                                    Py_ssize_t stride, Py_ssize_t n, int method, double *out) {
    if (tree->heads[0] < 0)
        return;
    for (Py_ssize_t i = 0; i < n; i += ALGOS_CUT_BLOCK)
        algos_cut_score_block(tree, rows + i * stride, stride,
                              n - i < ALGOS_CUT_BLOCK ? n - i : ALGOS_CUT_BLOCK, method,
                              out + i);
}

#endif
