/* Scores of many rows in one tree of a random cut forest, or of one row in many.
 *
 * Rows descend in step, and so do they climb back: `_cut_values.h` says how far, and what for.
 * Each has its own chain of operations, so its score has the same bits in any company.
 */
#ifndef ALGOS_CUT_SCORE_H
#define ALGOS_CUT_SCORE_H

#include <Python.h>
#include "_cut_values.h"
#include "_shuffle.h"
#ifdef ALGOS_X86_LEVELS
#include <immintrin.h>
#endif

enum {
    ALGOS_CUT_BLOCK = 256, /* rows that climb in step */
    ALGOS_CUT_CROWD = 8,   /* fewer climb one by one */
    ALGOS_CUT_STEP = 8,    /* rows that descend in step */
    ALGOS_CUT_NEAR = 16,   /* columns of rows that are copied for it */
};

enum { ALGOS_CUT_SHALLOW = 32 };

/* algos_cut_unseen by method and depth, for where most rows are cut off. */
static const float algos_cut_by_depth[2][ALGOS_CUT_SHALLOW] = {
    {1.f / 1, 1.f / 2, 1.f / 3, 1.f / 4, 1.f / 5, 1.f / 6, 1.f / 7, 1.f / 8,
     1.f / 9, 1.f / 10, 1.f / 11, 1.f / 12, 1.f / 13, 1.f / 14, 1.f / 15, 1.f / 16,
     1.f / 17, 1.f / 18, 1.f / 19, 1.f / 20, 1.f / 21, 1.f / 22, 1.f / 23, 1.f / 24,
     1.f / 25, 1.f / 26, 1.f / 27, 1.f / 28, 1.f / 29, 1.f / 30, 1.f / 31, 1.f / 32},
    {1, 2, 3, 4, 5, 6, 7, 8,
     9, 10, 11, 12, 13, 14, 15, 16,
     17, 18, 19, 20, 21, 22, 23, 24,
     25, 26, 27, 28, 29, 30, 31, 32},
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
#define ALGOS_CUT_ITEMS \
    const algos_cut_tree *trees, const int many, const float *rows, const Py_ssize_t stride

#define ALGOS_SOURCE "_cut_score_impl.h"
#define ALGOS_T float
#define ALGOS_TYPE cut
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_SOURCE
#undef ALGOS_CUT_ITEMS

static const algos_cut_table *algos_cut_code = &algos_table_cut_base;

static inline int algos_cut_choose(int limit) {
    const int level = algos_level_up_to(limit);
    algos_cut_code = ALGOS_AT_LEVEL(level, &algos_table_cut);
    return level;
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
