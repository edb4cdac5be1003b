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
#include <float.h>
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

enum {
    ALGOS_CUT_BLOCK = 256, /* rows that climb in step */
    ALGOS_CUT_STEP = 8,    /* rows that descend in step */
    ALGOS_CUT_NEAR = 16,   /* columns of rows that are copied for it */
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

enum { ALGOS_CUT_SHALLOW = 32 };

/* 1 / (depth + 1) */
static const float algos_cut_inverses[ALGOS_CUT_SHALLOW] = {
    1,       1.f / 2,  1.f / 3,  1.f / 4,  1.f / 5,  1.f / 6,  1.f / 7,  1.f / 8,
    1.f / 9,  1.f / 10, 1.f / 11, 1.f / 12, 1.f / 13, 1.f / 14, 1.f / 15, 1.f / 16,
    1.f / 17, 1.f / 18, 1.f / 19, 1.f / 20, 1.f / 21, 1.f / 22, 1.f / 23, 1.f / 24,
    1.f / 25, 1.f / 26, 1.f / 27, 1.f / 28, 1.f / 29, 1.f / 30, 1.f / 31, 1.f / 32,
};

typedef struct {
    /* Of n rows in one tree: added to out. */
    void (*scores)(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                   Py_ssize_t n, int method, double *out);
    /* Of one row in n trees: sum, and these added to it in turn. */
    double (*row_score)(const algos_cut_tree *trees, const float *row, Py_ssize_t n, int method,
                        double sum);
} algos_cut_table;

/* What items are: row i, at rows + i * stride, in the tree; if there are many, in the ith. */
#define N_ROWS \
    const algos_cut_tree *trees, const int many, const float *rows, const Py_ssize_t stride

#define ALGOS_SOURCE "_cut_score_impl.h"
#define ALGOS_T float
#define ALGOS_TYPE cut
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_SOURCE
#undef N_ROWS

static const algos_cut_table *algos_cut_code = &algos_table_cut_base;

static inline int algos_cut_choose(int limit) {
    const int level = algos_level() < limit ? algos_level() : limit;
    (void)level; /* one level alone needs no choice */
    algos_cut_code = &algos_table_cut_base;
#ifdef ALGOS_X86_LEVELS
    if (level >= 4) {
        algos_cut_code = &algos_table_cut_v4;
        return 4;
    }
    if (level >= 3) {
        algos_cut_code = &algos_table_cut_v3;
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
        algos_cut_code->scores(tree, rows + i * stride, stride,
                               n - i < ALGOS_CUT_BLOCK ? n - i : ALGOS_CUT_BLOCK, method,
                               out + i);
}

/* Return a sum and, added in turn, the scores of one row in n trees: at most ALGOS_CUT_BLOCK, and
 * none without points. It has the bits of algos_cut_scores tree by tree. */
static inline double algos_cut_row_score(const algos_cut_tree *trees, const float *row,
                                         Py_ssize_t n, int method, double sum) {
    return algos_cut_code->row_score(trees, row, n, method, sum);
}

#endif
