/* A random cut tree grown over a sample (Guha, Mishra, Roy and Schrijvers, "Robust random cut
 * forest based anomaly detection on streams", ICML 2016, definition 1). */
#ifndef ALGOS_CUT_GROW_H
#define ALGOS_CUT_GROW_H

#include "_cut_box.h"

typedef struct {
    int32_t begin, end; /* in the order of the points */
    int32_t parent;
    int32_t side;
} algos_cut_range;

/* The box of some points, with the sum of its sides. */
ALGOS_INLINE double algos_cut_bound(const float *points, const int32_t *some, int32_t n,
                                    float *low, float *high, Py_ssize_t d) {
    double total = 0;
    for (Py_ssize_t start = 0; start < d; start += ALGOS_CUT_RUN) {
        const Py_ssize_t stop = start + ALGOS_CUT_RUN < d ? start + ALGOS_CUT_RUN : d;
        float sums[ALGOS_CUT_LANES] = {0};
        for (Py_ssize_t j = start; j < stop; j += ALGOS_CUT_LANES) {
            const int left = (int)(stop - j);
            float least[ALGOS_CUT_LANES], most[ALGOS_CUT_LANES];
            memcpy(least, points + some[0] * d + j, sizeof(least));
            memcpy(most, least, sizeof(most));
            for (int32_t i = 1; i < n; i++) {
                const float *point = points + some[i] * d + j;
                _Pragma("omp simd") for (int l = 0; l < ALGOS_CUT_LANES; l++) {
                    least[l] = point[l] < least[l] ? point[l] : least[l];
                    most[l] = point[l] > most[l] ? point[l] : most[l];
                }
            }
            _Pragma("omp simd") for (int l = 0; l < ALGOS_CUT_LANES; l++) {
                sums[l] += l < left ? most[l] - least[l] : 0.0f;
                if (l < left) {
                    low[j + l] = least[l];
                    high[j + l] = most[l];
                }
            }
        }
        total += algos_cut_lane_sum(sums);
    }
    return total;
}

/* Draw a cut of the box: a column as likely as its side is long, and a place in it. */
ALGOS_INLINE algos_cut_node algos_cut_draw(const float *low, const float *high, Py_ssize_t d,
                                           double at) {
    algos_cut_node node = {0};
    for (Py_ssize_t j = 0; j < d; j++) {
        const double side = (double)high[j] - (double)low[j];
        node.column = side > 0 ? (int32_t)j : node.column;
        if (at < side)
            break; /* where rounding leads beyond the last column, any cut of it will do */
        at -= side;
    }
    node.cut = algos_cut_between(low[node.column], high[node.column], at);
    return node;
}

/* Put the points <= cut first; returns their number. */
ALGOS_INLINE int32_t algos_cut_part(const float *points, int32_t *some, int32_t n,
                                    Py_ssize_t d, algos_cut_node node) {
    int32_t left = 0;
    for (int32_t i = 0; i < n; i++) {
        const int32_t point = some[i];
        some[i] = some[left];
        some[left] = point;
        left += points[point * d + node.column] <= node.cut;
    }
    return left;
}

/* Make a leaf of equal points, which lies where the first of them is. */
ALGOS_INLINE void algos_cut_grow_leaf(const algos_cut_tree *tree, algos_cut_range range,
                                      const int32_t *order, int32_t *leaves) {
    const int32_t leaf = (int32_t)tree->size - 1 + order[range.begin];
    algos_cut_set_child(tree, range.parent, range.side, leaf);
    tree->mass[leaf] = range.end - range.begin;
    for (int32_t i = range.begin; i < range.end; i++)
        leaves[order[i]] = leaf;
    tree->heads[1]++;
}

/* Chain what no node uses, in the order in which it lies. */
static void algos_cut_chain_free(const algos_cut_tree *tree, int32_t used) {
    const int32_t inner = (int32_t)tree->size - 1;
    int32_t free_leaf = -1;
    for (int32_t node = used; node < inner; node++) {
        tree->nodes[node].child[0] = node + 1 < inner ? node + 1 : -1;
        tree->mass[node] = 0;
    }
    tree->heads[2] = used < inner ? used : -1;
    for (int32_t leaf = 2 * inner; leaf >= inner; leaf--) {
        algos_cut_node *node = tree->nodes + leaf;
        node->cut = INFINITY;
        node->child[0] = node->child[1] = leaf;
        node->column = tree->mass[leaf] ? 0 : free_leaf;
        free_leaf = tree->mass[leaf] ? free_leaf : leaf;
    }
    tree->heads[3] = free_leaf;
}

/* Grow the tree over the first m of its own points, whatever it was before; leaves[i] is
 * the leaf in which point i ends. Room: order (m), stack (m + 1). */
ALGOS_CLONES
static void algos_cut_grow(const algos_cut_tree *tree, int32_t m, algos_rng *rng,
                           int32_t *leaves, int32_t *order, algos_cut_range *stack) {
    const Py_ssize_t d = tree->d;
    int32_t used = 0, depth = 0;
    tree->heads[0] = -1;
    tree->heads[1] = 0;
    for (int32_t i = 0; i < m; i++)
        order[i] = i;
    for (int32_t i = 0; i < tree->size; i++)
        tree->mass[tree->size - 1 + i] = 0;
    if (m > 0)
        stack[depth++] = (algos_cut_range){0, m, -1, 0};
    while (depth > 0) {
        const algos_cut_range range = stack[--depth];
        int32_t *some = order + range.begin;
        const int32_t n = range.end - range.begin;
        double span = 0;
        float *low = algos_cut_low(tree, used), *high = algos_cut_high(tree, used);
        if (n > 1)
            span = algos_cut_bound(tree->points, some, n, low, high, d);
        if (!(span > 0)) {
            algos_cut_grow_leaf(tree, range, order, leaves);
            continue;
        }
        const int32_t node = used++;
        const algos_cut_node cut = algos_cut_draw(low, high, d, algos_rng_double(rng) * span);
        const int32_t middle = range.begin + algos_cut_part(tree->points, some, n, d, cut);
        tree->nodes[node].cut = cut.cut;
        tree->nodes[node].column = cut.column;
        tree->mass[node] = n;
        tree->spans[node] = (float)span;
        algos_cut_set_child(tree, range.parent, range.side, node);
        stack[depth++] = (algos_cut_range){middle, range.end, node, 1};
        stack[depth++] = (algos_cut_range){range.begin, middle, node, 0};
    }
    algos_cut_chain_free(tree, used);
}

#endif
