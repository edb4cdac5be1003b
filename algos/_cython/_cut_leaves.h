/* The leaf of a tree that is most like a row of which some columns are missing (NaN).
 *
 * The row goes down as any other; at a cut of a missing column it goes both ways. Among the
 * leaves reached the one nearest in the known columns is taken (L1). Equal distances share
 * the chance in proportion to their mass: each is met with its own random number, which
 * hangs on tree and leaf alone, as in sampling from a stream of unknown length.
 */
#ifndef ALGOS_CUT_LEAVES_H
#define ALGOS_CUT_LEAVES_H

#include <math.h>
#include "_cut_tree.h"

typedef struct {
    int32_t leaf;
    double distance;
    double mass; /* of all leaves at that distance */
} algos_cut_found;

/* How far apart row and point are in the row's known columns. */
ALGOS_INLINE double algos_cut_known_distance(const float *row, const float *point, Py_ssize_t d) {
    double sum = 0;
    _Pragma("omp simd reduction(+ : sum)") for (Py_ssize_t j = 0; j < d; j++) {
        const double apart = fabs((double)row[j] - (double)point[j]);
        sum += row[j] == row[j] ? apart : 0.0;
    }
    return sum;
}

/* The least that any point of a node can be apart. */
ALGOS_INLINE double algos_cut_known_gap(const float *row, const float *low, const float *high,
                                        Py_ssize_t d) {
    double sum = 0;
    _Pragma("omp simd reduction(+ : sum)") for (Py_ssize_t j = 0; j < d; j++) {
        const double below = (double)low[j] - (double)row[j];
        const double above = (double)row[j] - (double)high[j];
        const double apart = below > above ? below : above;
        sum += apart > 0 ? apart : 0.0; /* NaN is not */
    }
    return sum;
}

/* The random number of a leaf, in [0, 1): its place's bits mixed with the forest's key (the
 * last step of SplitMix64; Steele, Lea and Flood, OOPSLA 2014). */
ALGOS_INLINE double algos_cut_tie(const uint64_t *key, Py_ssize_t t, int32_t leaf) {
    uint64_t x = key[0] ^ (((uint64_t)t << 32 | (uint32_t)leaf) + key[1]) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (double)((x ^ x >> 31) >> 11) * (1.0 / 9007199254740992.0);
}

ALGOS_INLINE void algos_cut_meet(const algos_cut_tree *tree, const float *row, int32_t leaf,
                                 const uint64_t *key, Py_ssize_t t, algos_cut_found *best) {
    const double apart = algos_cut_known_distance(row, algos_cut_point(tree, leaf), tree->d);
    const double mass = tree->mass[leaf];
    if (apart < best->distance) {
        best->leaf = leaf;
        best->distance = apart;
        best->mass = mass;
    } else if (apart == best->distance) {
        best->mass += mass;
        if (algos_cut_tie(key, t, leaf) * best->mass < mass)
            best->leaf = leaf;
    }
}

/* Down from a node to a leaf; the other side of each cut of a missing column is put by. */
ALGOS_INLINE int32_t algos_cut_descend(const algos_cut_tree *tree, const float *row, int32_t node,
                                       int32_t *put_by, Py_ssize_t *n) {
    while (!algos_cut_is_leaf(tree, node)) {
        const algos_cut_node *here = tree->nodes + node;
        const float value = row[here->column];
        if (value != value)
            put_by[(*n)++] = here->child[1];
        node = here->child[value > here->cut];
    }
    return node;
}

/* put_by has room for one node of each level, that is for `size`. */
ALGOS_INLINE algos_cut_found algos_cut_nearest(const algos_cut_tree *tree, const float *row,
                                               const uint64_t *key, Py_ssize_t t,
                                               int32_t *put_by) {
    algos_cut_found best = {-1, INFINITY, 0};
    Py_ssize_t n = 0;
    put_by[n++] = tree->heads[0];
    while (n > 0) {
        const int32_t node = put_by[--n];
        if (!algos_cut_is_leaf(tree, node) && best.leaf >= 0 &&
            algos_cut_known_gap(row, algos_cut_low(tree, node), algos_cut_high(tree, node),
                                tree->d) > best.distance)
            continue;
        algos_cut_meet(tree, row, algos_cut_descend(tree, row, node, put_by, &n), key, t, &best);
    }
    return best;
}

/* Of n rows; leaves and distances stand `stride` apart. */
ALGOS_CLONES
static void algos_cut_nearest_rows(const algos_cut_tree *tree, const float *rows, Py_ssize_t n,
                                   const uint64_t *key, Py_ssize_t t, int32_t *put_by,
                                   int32_t *leaves, double *distances, Py_ssize_t stride) {
    for (Py_ssize_t i = 0; i < n; i++) {
        const algos_cut_found best = algos_cut_nearest(tree, rows + i * tree->d, key, t, put_by);
        leaves[i * stride] = best.leaf;
        distances[i * stride] = best.distance;
    }
}

#endif
