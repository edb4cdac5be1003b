/* One tree of a random cut forest, as it lies in the arrays of a Forest
 * (`algos/random_cut_forest/forest.py`).
 *
 * Nodes 0 … size - 2 are inner, size - 1 … 2 size - 2 are leaves; leaf size - 1 + i holds
 * point i. A row goes left where row[column] <= cut. A leaf is its own two children, so rows
 * can go down in step, without asking which of them have arrived.
 */
#ifndef ALGOS_CUT_TREE_H
#define ALGOS_CUT_TREE_H

#include <Python.h>
#include <stdint.h>
#include "_simd.h"

enum { ALGOS_CUT_SLACK = 16 }; /* floats behind the last box and point, for whole registers */

typedef struct {
    float cut;
    int32_t column;
    int32_t child[2];
} algos_cut_node;

typedef struct {
    algos_cut_node *nodes; /* (2 size - 1) */
    int32_t *parent;       /* (2 size - 1); -1 for the root */
    int32_t *mass;         /* (2 size - 1): points below, copies counted */
    float *boxes;          /* (size - 1, 2, d): the least and the largest value below */
    float *spans;          /* (size - 1): the sum of a box's sides */
    float *points;         /* (size, d) */
    int32_t *heads;        /* root (-1: no tree), leaves in use, first free inner node and leaf */
    Py_ssize_t size, d;
} algos_cut_tree;

ALGOS_INLINE int algos_cut_is_leaf(const algos_cut_tree *tree, int32_t node) {
    return node >= tree->size - 1;
}

ALGOS_INLINE float *algos_cut_low(const algos_cut_tree *tree, int32_t node) {
    return tree->boxes + 2 * tree->d * (Py_ssize_t)node;
}

ALGOS_INLINE float *algos_cut_high(const algos_cut_tree *tree, int32_t node) {
    return algos_cut_low(tree, node) + tree->d;
}

/* The point of a leaf. */
ALGOS_INLINE float *algos_cut_point(const algos_cut_tree *tree, int32_t leaf) {
    return tree->points + tree->d * (leaf - (tree->size - 1));
}

/* The leaf to which the cuts lead from a node. */
ALGOS_INLINE int32_t algos_cut_find_below(const algos_cut_tree *tree, int32_t node,
                                          const float *row) {
    while (!algos_cut_is_leaf(tree, node)) {
        const algos_cut_node *here = tree->nodes + node;
        node = here->child[row[here->column] > here->cut];
    }
    return node;
}

ALGOS_INLINE int32_t algos_cut_find(const algos_cut_tree *tree, const float *row) {
    return algos_cut_find_below(tree, tree->heads[0], row);
}

#endif
