/* Shares of the columns, from below and from above, in a row's score in one tree.
 *
 * Where a new cut separates a row from a node's box, it does so in a column, and on a side of
 * the box, with probability proportional to how far the row is outside there. So what a node
 * adds to the score (`_cut_values.h`) falls to columns and sides, and the shares' sum is the
 * score, as in the attribution of AWS's library.
 *
 * A row equal to a leaf is outside of no box. Its shares are those in the tree without that
 * leaf, whose boxes are the unions of the siblings' on the way up (AWS's "shadow boxes"), scaled
 * to the score. For the kinds of depth they are those of the inverse depth: a column that cuts
 * the row off high up makes the depth small.
 */
#ifndef ALGOS_CUT_ATTRIBUTION_H
#define ALGOS_CUT_ATTRIBUTION_H

#include <float.h>
#include "_cut_values.h"

/* Scratch memory of one row. */
typedef struct {
    double *x;      /* (d): the row, within the range of float32 */
    double *shares; /* (2, d): from below, from above */
    double *ratios; /* (size): per depth, the most that a group above pushes down by member */
    float *box;     /* (2, d) */
} algos_cut_work;

typedef struct {
    const float *low, *high;
    double span;
} algos_cut_box;

ALGOS_INLINE double algos_cut_over(double x) { return x > 0 ? x : 0; }

/* How far the row is outside a box. */
ALGOS_INLINE double algos_cut_outside(const double *restrict x, algos_cut_box box,
                                      Py_ssize_t d) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Py_ssize_t j = 0; j < d; j++)
        sum += algos_cut_over(box.low[j] - x[j]) + algos_cut_over(x[j] - box.high[j]);
    return sum;
}

/* Room for one row in trees of so many rows, in doubles. */
ALGOS_INLINE Py_ssize_t algos_cut_work_size(Py_ssize_t size, Py_ssize_t d) {
    return 4 * d + size;
}

ALGOS_INLINE algos_cut_work algos_cut_work_in(double *room, Py_ssize_t d) {
    return (algos_cut_work){room, room + d, room + 4 * d, (float *)(room + 3 * d)};
}

/* The shares when a further box is looked at; 0 if the row is within. */
ALGOS_INLINE int algos_cut_share(algos_cut_work work, algos_cut_box box, double value,
                                 Py_ssize_t d) {
    const double excess = algos_cut_outside(work.x, box, d), sum = box.span + excess;
    const double keep = box.span / sum, each = value / sum;
    const double *restrict x = work.x;
    double *restrict below = work.shares, *restrict above = work.shares + d;
    if (!(excess > 0))
        return 0;
#pragma omp simd
    for (Py_ssize_t j = 0; j < d; j++) {
        below[j] = keep * below[j] + each * algos_cut_over(box.low[j] - x[j]);
        above[j] = keep * above[j] + each * algos_cut_over(x[j] - box.high[j]);
    }
    return 1;
}

ALGOS_INLINE algos_cut_box algos_cut_box_of(const algos_cut_tree *tree, int32_t node) {
    if (algos_cut_is_leaf(tree, node)) {
        const float *point = algos_cut_point(tree, node);
        return (algos_cut_box){point, point, 0};
    }
    return (algos_cut_box){algos_cut_low(tree, node), algos_cut_high(tree, node),
                           tree->spans[node]};
}

/* The leaf to which the cuts lead, its depth, and the ratios on the way. */
ALGOS_INLINE int32_t algos_cut_trace(const algos_cut_tree *tree, const float *row,
                                     double *ratios, int32_t *depth) {
    int32_t node = tree->heads[0];
    double ratio = 0;
    for (*depth = 0;; ++*depth) {
        const algos_cut_node *here = tree->nodes + node;
        const double mass = tree->mass[node];
        ratios[*depth] = ratio;
        if (algos_cut_is_leaf(tree, node))
            return node;
        node = here->child[row[here->column] > here->cut];
        const double below = tree->mass[node], pushed = (mass - below) / (below + 1);
        ratio = pushed > ratio ? pushed : ratio;
    }
}

/* Of a row that is not in the tree. */
ALGOS_INLINE void algos_cut_shares_unseen(const algos_cut_tree *tree, int32_t node,
                                          int32_t depth, int method, algos_cut_work work) {
    for (; node >= 0; node = tree->parent[node], depth--) {
        double value = algos_cut_unseen(tree, node, depth, method);
        if (method == ALGOS_CUT_COLLUSIVE && value < work.ratios[depth])
            value = work.ratios[depth];
        if (!algos_cut_share(work, algos_cut_box_of(tree, node), value, tree->d))
            return;
    }
}

/* Enlarge the work's box by another; all of it, if it is the first. */
ALGOS_INLINE algos_cut_box algos_cut_unite(algos_cut_work work, algos_cut_box other, int first,
                                           Py_ssize_t d) {
    float *restrict low = work.box, *restrict high = work.box + d;
    double span = 0;
#pragma omp simd reduction(+ : span)
    for (Py_ssize_t j = 0; j < d; j++) {
        low[j] = first || other.low[j] < low[j] ? other.low[j] : low[j];
        high[j] = first || other.high[j] > high[j] ? other.high[j] : high[j];
        span += (double)high[j] - low[j];
    }
    return (algos_cut_box){low, high, first ? 0 : span};
}

/* Of a row equal to a leaf: alike if there is no other leaf. */
ALGOS_INLINE void algos_cut_shares_seen(const algos_cut_tree *tree, int32_t leaf, int32_t depth,
                                        int method, double score, algos_cut_work work) {
    const Py_ssize_t d = tree->d;
    double sum = 0;
    int32_t child = leaf;
    for (int32_t node; (node = tree->parent[child]) >= 0; child = node) {
        const int32_t *children = tree->nodes[node].child;
        const algos_cut_box next = algos_cut_box_of(tree, children[children[0] == child]);
        const algos_cut_box box = algos_cut_unite(work, next, child == leaf, d);
        const double value = algos_cut_unseen(tree, node, --depth, method);
        const double less = method >= ALGOS_CUT_DISPLACEMENT ? tree->mass[leaf] : 0;
        if (!algos_cut_share(work, box, value - less, d))
            break;
    }
    for (Py_ssize_t j = 0; j < 2 * d; j++)
        sum += work.shares[j];
    for (Py_ssize_t j = 0; j < 2 * d; j++)
        work.shares[j] = sum > 0 ? work.shares[j] * (score / sum) : score / (2 * d);
}

/* The most that a group which holds the leaf pushes down by member. */
ALGOS_INLINE double algos_cut_own_ratio(const algos_cut_tree *tree, int32_t leaf) {
    double ratio = 0;
    for (int32_t node = leaf, parent; (parent = tree->parent[node]) >= 0; node = parent) {
        const double mass = tree->mass[node], pushed = (tree->mass[parent] - mass) / mass;
        ratio = pushed > ratio ? pushed : ratio;
    }
    return ratio;
}

/* Add the shares in one tree of n rows to out (n, d, 2). */
ALGOS_CLONES
static void algos_cut_shares(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                             Py_ssize_t n, int method, algos_cut_work work, double *out) {
    const Py_ssize_t d = tree->d;
    const double factor = algos_cut_factor(tree, method);
    for (Py_ssize_t i = 0; i < n; i++, rows += stride, out += 2 * d) {
        int32_t depth;
        const int32_t leaf = algos_cut_trace(tree, rows, work.ratios, &depth);
        for (Py_ssize_t j = 0; j < d; j++) {
            const float x = rows[j] < FLT_MAX ? rows[j] : FLT_MAX;
            work.x[j] = x > -FLT_MAX ? x : -FLT_MAX;
            work.shares[j] = work.shares[d + j] = 0;
        }
        if (algos_cut_outside(work.x, algos_cut_box_of(tree, leaf), d) > 0)
            algos_cut_shares_unseen(tree, leaf, depth, method, work);
        else
            algos_cut_shares_seen(tree, leaf, depth, method,
                                  method == ALGOS_CUT_COLLUSIVE
                                      ? algos_cut_own_ratio(tree, leaf)
                                      : algos_cut_seen(tree, leaf, depth, method),
                                  work);
        for (Py_ssize_t j = 0; j < 2 * d; j++)
            work.shares[j] *= factor; /* rounded by itself: no sum may round it otherwise */
        for (Py_ssize_t j = 0; j < d; j++) {
            out[2 * j] += work.shares[j];
            out[2 * j + 1] += work.shares[d + j];
        }
    }
}

/* Have a row's shares, in all trees, sum to its score. */
ALGOS_INLINE void algos_cut_sum_to(double *shares, Py_ssize_t d, double score) {
    double sum = 0;
    for (Py_ssize_t j = 0; j < 2 * d; j++)
        sum += shares[j];
    for (Py_ssize_t j = 0; j < 2 * d; j++)
        shares[j] = sum > 0 ? shares[j] * (score / sum) : 0;
}

#endif
