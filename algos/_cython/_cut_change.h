/* A row more, a row less: a random cut tree stays distributed as if grown afresh (Guha et al.,
 * ICML 2016, theorems 2 and 3; algorithms 1 and 2).
 *
 * Insertion goes from the leaf upwards. On its way down the row would meet, at every node, a
 * cut of the box that the node's and the row make, and the first cut that parts the two
 * wins. These events are independent, so that they can be drawn in any order; no box above
 * one that holds the row can be parted from it.
 */
#ifndef ALGOS_CUT_CHANGE_H
#define ALGOS_CUT_CHANGE_H

#include "_cut_box.h"

/* Kernels that only delete leave the others uncalled. */
#define ALGOS_CUT_CHANGE ALGOS_CLONES static __attribute__((unused))

ALGOS_INLINE const float *algos_cut_least(const algos_cut_tree *tree, int32_t node) {
    return algos_cut_is_leaf(tree, node) ? algos_cut_point(tree, node)
                                         : algos_cut_low(tree, node);
}

ALGOS_INLINE const float *algos_cut_most(const algos_cut_tree *tree, int32_t node) {
    return algos_cut_is_leaf(tree, node) ? algos_cut_point(tree, node)
                                         : algos_cut_high(tree, node);
}

ALGOS_INLINE void algos_cut_add_mass(const algos_cut_tree *tree, int32_t node, int32_t more) {
    for (; node >= 0; node = tree->parent[node])
        tree->mass[node] += more;
}

ALGOS_INLINE int algos_cut_side(const algos_cut_tree *tree, int32_t parent, int32_t node) {
    return parent >= 0 && tree->nodes[parent].child[1] == node;
}

/* Make the first free leaf's point the row; the leaf stays free. */
ALGOS_INLINE int32_t algos_cut_write_point(const algos_cut_tree *tree, const float *row) {
    const int32_t leaf = tree->heads[3];
    memcpy(algos_cut_point(tree, leaf), row, sizeof(float) * (size_t)tree->d);
    return leaf;
}

ALGOS_INLINE void algos_cut_take_leaf(const algos_cut_tree *tree, int32_t leaf) {
    algos_cut_node *node = tree->nodes + leaf;
    tree->heads[3] = node->column;
    tree->heads[1]++;
    node->column = 0;
    tree->mass[leaf] = 1;
}

ALGOS_INLINE void algos_cut_free_leaf(const algos_cut_tree *tree, int32_t leaf) {
    tree->nodes[leaf].column = tree->heads[3];
    tree->mass[leaf] = 0;
    tree->heads[3] = leaf;
    tree->heads[1]--;
}

/* Whether the leaf's point is the row, behind which there must be room as in a tree. */
ALGOS_INLINE int algos_cut_holds(const algos_cut_tree *tree, int32_t leaf, const float *row) {
    const float *point = algos_cut_point(tree, leaf);
    return !(algos_cut_excess(point, point, row, tree->d) > 0);
}

typedef struct {
    int32_t node; /* to be parted from the row */
    double at;    /* the place of the cut, in [0, excess) */
} algos_cut_split;

/* The highest node that a cut parts from the row, `leaf` being the one to which it goes. */
ALGOS_INLINE algos_cut_split algos_cut_draw_split(const algos_cut_tree *tree, int32_t leaf,
                                                  double excess, const float *row,
                                                  algos_rng *rng) {
    algos_cut_split split = {leaf, algos_rng_double(rng) * excess};
    for (int32_t node = tree->parent[leaf]; node >= 0; node = tree->parent[node]) {
        excess = algos_cut_excess(algos_cut_low(tree, node), algos_cut_high(tree, node), row,
                                  tree->d);
        if (!(excess > 0))
            break;
        const double at = algos_rng_double(rng) * (tree->spans[node] + excess);
        if (at < excess)
            split = (algos_cut_split){node, at};
    }
    return split;
}

/* The cut of a split, with the row and the node as its children. */
ALGOS_INLINE algos_cut_node algos_cut_place(const float *low, const float *high,
                                            const float *row, Py_ssize_t d,
                                            algos_cut_split split, int32_t leaf) {
    algos_cut_node cut = {0};
    double rest = split.at;
    for (Py_ssize_t j = 0; j < d; j++) {
        const double below = (double)low[j] - row[j], above = (double)row[j] - high[j];
        const double most = below > above ? below : above, outside = most > 0 ? most : 0;
        cut.column = outside > 0 ? (int32_t)j : cut.column;
        if (rest < outside)
            break; /* where rounding leads beyond the last column, any cut of it will do */
        rest -= outside;
    }
    const float least = low[cut.column], most = high[cut.column], value = row[cut.column];
    const int is_right = value > most;
    cut.cut = is_right ? algos_cut_between(most, value, rest)
                       : algos_cut_between(value, least, rest);
    cut.child[is_right] = leaf;
    cut.child[!is_right] = split.node;
    return cut;
}

/* Hang the leaf and the split node under a new node. */
ALGOS_INLINE int32_t algos_cut_join(const algos_cut_tree *tree, int32_t leaf,
                                    algos_cut_split split) {
    const float *row = algos_cut_point(tree, leaf);
    const float *low = algos_cut_least(tree, split.node);
    const float *high = algos_cut_most(tree, split.node);
    const int32_t above = tree->parent[split.node], node = tree->heads[2];
    const int side = algos_cut_side(tree, above, split.node);
    int changed;
    tree->heads[2] = tree->nodes[node].child[0];
    tree->nodes[node] = algos_cut_place(low, high, row, tree->d, split, leaf);
    tree->spans[node] =
        (float)algos_cut_cover(algos_cut_low(tree, node), algos_cut_high(tree, node), low, high,
                               row, row, tree->d, &changed);
    tree->mass[node] = tree->mass[split.node] + 1;
    tree->parent[leaf] = tree->parent[split.node] = node;
    algos_cut_set_child(tree, above, side, node);
    return node;
}

/* Insert a row, for which there must be a free leaf, beside the leaf to which it goes;
 * returns its leaf. */
ALGOS_INLINE int32_t algos_cut_insert_at(const algos_cut_tree *tree, const float *given,
                                         int32_t found, algos_rng *rng) {
    const int32_t leaf = algos_cut_write_point(tree, given);
    const float *row = algos_cut_point(tree, leaf);
    if (found < 0) {
        algos_cut_take_leaf(tree, leaf);
        algos_cut_set_child(tree, -1, 0, leaf);
        return leaf;
    }
    const float *point = algos_cut_point(tree, found);
    const double excess = algos_cut_excess(point, point, row, tree->d);
    if (!(excess > 0)) {
        algos_cut_add_mass(tree, found, 1);
        return found;
    }
    const algos_cut_split split = algos_cut_draw_split(tree, found, excess, row, rng);
    algos_cut_take_leaf(tree, leaf);
    int32_t node = tree->parent[algos_cut_join(tree, leaf, split)];
    for (int grows = 1; node >= 0 && grows; node = tree->parent[node]) {
        float *low = algos_cut_low(tree, node), *high = algos_cut_high(tree, node);
        tree->mass[node]++;
        const double span = algos_cut_cover(low, high, low, high, row, row, tree->d, &grows);
        if (grows)
            tree->spans[node] = (float)span;
    }
    algos_cut_add_mass(tree, node, 1);
    return leaf;
}

/* Make a node's box anew from its children's; returns whether it has changed. */
ALGOS_INLINE int algos_cut_repair(const algos_cut_tree *tree, int32_t node) {
    const int32_t a = tree->nodes[node].child[0], b = tree->nodes[node].child[1];
    int changed;
    tree->spans[node] = (float)algos_cut_cover(
        algos_cut_low(tree, node), algos_cut_high(tree, node), algos_cut_least(tree, a),
        algos_cut_most(tree, a), algos_cut_least(tree, b), algos_cut_most(tree, b), tree->d,
        &changed);
    return changed;
}

/* Take a leaf and the node above out of the tree; returns what has moved up: -1 if nothing. */
ALGOS_INLINE int32_t algos_cut_splice(const algos_cut_tree *tree, int32_t leaf) {
    const int32_t parent = tree->parent[leaf];
    algos_cut_free_leaf(tree, leaf); /* its point stays as it is */
    if (parent < 0) {
        tree->heads[0] = -1;
        return -1;
    }
    const int32_t above = tree->parent[parent];
    const int32_t sibling = tree->nodes[parent].child[!algos_cut_side(tree, parent, leaf)];
    algos_cut_set_child(tree, above, algos_cut_side(tree, above, parent), sibling);
    tree->nodes[parent].child[0] = tree->heads[2];
    tree->heads[2] = parent;
    tree->mass[parent] = 0;
    return sibling;
}

/* Delete one of the rows of a leaf; returns what is in its place, -1 if nothing. */
ALGOS_INLINE int32_t algos_cut_delete_from(const algos_cut_tree *tree, int32_t leaf) {
    const float *row = algos_cut_point(tree, leaf);
    if (tree->mass[leaf] > 1) {
        algos_cut_add_mass(tree, leaf, -1);
        return leaf;
    }
    const int32_t moved = algos_cut_splice(tree, leaf);
    int32_t node = moved < 0 ? -1 : tree->parent[moved];
    for (; node >= 0; node = tree->parent[node]) {
        const float *low = algos_cut_low(tree, node), *high = algos_cut_high(tree, node);
        tree->mass[node]--;
        if (!algos_cut_touches(low, high, row, tree->d) || !algos_cut_repair(tree, node))
            break;
    }
    if (node >= 0)
        algos_cut_add_mass(tree, tree->parent[node], -1);
    return moved;
}

/* Insert a row, for which there must be a free leaf; returns its leaf. */
ALGOS_CUT_CHANGE int32_t algos_cut_insert(const algos_cut_tree *tree, const float *row,
                                          algos_rng *rng) {
    const int32_t root = tree->heads[0];
    return algos_cut_insert_at(tree, row, root < 0 ? -1 : algos_cut_find(tree, row), rng);
}

ALGOS_CUT_CHANGE void algos_cut_delete(const algos_cut_tree *tree, int32_t leaf) {
    algos_cut_delete_from(tree, leaf);
}

/* Delete one of the rows of a leaf, and insert another; returns its leaf. The way down is
 * looked for before, while nothing has to wait for it. */
ALGOS_CUT_CHANGE int32_t algos_cut_replace(const algos_cut_tree *tree, int32_t leaf,
                                           const float *row, algos_rng *rng) {
    int32_t found = algos_cut_find(tree, row);
    const int32_t moved = algos_cut_delete_from(tree, leaf);
    if (found == leaf)
        found = moved < 0 ? -1 : algos_cut_find_below(tree, moved, row);
    return algos_cut_insert_at(tree, row, found, rng);
}

#endif
