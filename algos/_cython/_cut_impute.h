/* What the missing values of a row may be, from one candidate of each tree (`_cut_leaves.h`).
 *
 * A row that is the candidate of several trees counts once; its weight is the mean of its copies
 * in these, divided by the square of its distance. Quantiles are taken column by column.
 */
#ifndef ALGOS_CUT_IMPUTE_H
#define ALGOS_CUT_IMPUTE_H

#include <stdlib.h>
#include <string.h>
#include "_cut_leaves.h"

#define ALGOS_CUT_SOFTENING 1e-2 /* the nearest counts at most 100 times one at the mean distance */

typedef struct {
    double distance;
    uint64_t code; /* of the point: equal ones share it, and hardly others */
    double weight;
    const float *point;
} algos_cut_candidate;

typedef struct {
    float value;
    double weight;
} algos_cut_value;

static inline uint64_t algos_cut_code(const float *point, Py_ssize_t d) {
    uint64_t code = 0;
    for (Py_ssize_t j = 0; j < d; j++) {
        const float value = point[j] + 0.0f; /* -0 becomes 0 */
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        code = (code ^ bits) * 0x9E3779B97F4A7C15u;
        code ^= code >> 29;
    }
    return code;
}

static int algos_cut_nearer(const void *a, const void *b) {
    const algos_cut_candidate *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return (x->code > y->code) - (x->code < y->code);
}

static int algos_cut_smaller(const void *a, const void *b) {
    const float x = ((const algos_cut_value *)a)->value, y = ((const algos_cut_value *)b)->value;
    return (x > y) - (x < y);
}

/* Put what is equal together, nearest first. Returns how many are left. */
static inline Py_ssize_t algos_cut_once_each(algos_cut_candidate *found, Py_ssize_t n) {
    Py_ssize_t left = 0;
    qsort(found, (size_t)n, sizeof(*found), algos_cut_nearer);
    for (Py_ssize_t i = 0, end; i < n; i = end) {
        double mass = 0;
        for (end = i; end < n && algos_cut_nearer(found + i, found + end) == 0; end++)
            mass += found[end].weight;
        found[left] = found[i];
        found[left++].weight = mass / (double)(end - i);
    }
    return left;
}

/* Have nearer ones weigh more: by the square of the distance, in units of the mean distance. */
static inline void algos_cut_weigh_near(algos_cut_candidate *found, Py_ssize_t n) {
    double mean = 0;
    for (Py_ssize_t i = 0; i < n; i++)
        mean += found[i].distance / (double)n;
    for (Py_ssize_t i = 0; i < n && mean > 0; i++) {
        const double apart = found[i].distance / mean;
        found[i].weight /= apart * apart + ALGOS_CUT_SOFTENING;
    }
}

/* A quantile of ascending values; the middle where it falls between two. */
static inline float algos_cut_quantile(const algos_cut_value *values, Py_ssize_t n,
                                       double quantile) {
    double whole = 0, sum = 0;
    for (Py_ssize_t i = 0; i < n; i++)
        whole += values[i].weight;
    const double goal = whole * quantile * (1 - 1e-12);
    const double beyond = fmin(whole * quantile * (1 + 1e-12), whole * (1 - 1e-12));
    Py_ssize_t low = -1, high = -1;
    for (Py_ssize_t i = 0; i < n && high < 0; i++) {
        sum += values[i].weight;
        if (low < 0 && sum >= goal)
            low = i;
        if (sum > beyond)
            high = i;
    }
    return (float)(values[low].value + ((double)values[high].value - values[low].value) / 2);
}

/* Fill what a row misses, for each quantile `apart` floats further on. */
static inline void algos_cut_fill(const algos_cut_candidate *found, Py_ssize_t n,
                                  const float *row, Py_ssize_t d, const double *quantiles,
                                  Py_ssize_t n_quantiles, algos_cut_value *values, float *out,
                                  Py_ssize_t apart) {
    for (Py_ssize_t j = 0; j < d; j++) {
        if (row[j] == row[j])
            continue;
        for (Py_ssize_t i = 0; i < n; i++)
            values[i] = (algos_cut_value){found[i].point[j], found[i].weight};
        qsort(values, (size_t)n, sizeof(*values), algos_cut_smaller);
        for (Py_ssize_t k = 0; k < n_quantiles; k++)
            out[k * apart + j] = algos_cut_quantile(values, n, quantiles[k]);
    }
}

#endif
