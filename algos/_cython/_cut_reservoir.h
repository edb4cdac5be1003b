/* Which rows of a stream a tree holds: those with the smallest keys
 *
 *   key of row i = log E - decay i,   E ~ Exp(1),
 *
 * a sample without replacement with weights exp(decay i) (Efraimidis and Spirakis, "Weighted
 * random sampling with a reservoir", Inf. Process. Lett. 97, 2006: its algorithm A-ExpJ, with
 * jumps in closed form since the weights are those of a geometric series).
 *
 * The keys are a max-heap; a row's leaf, or other number, goes with its key.
 */
#ifndef ALGOS_CUT_RESERVOIR_H
#define ALGOS_CUT_RESERVOIR_H

#include <math.h>
#include "_cut_tree.h"
#include "_rng.h"

#define ALGOS_CUT_NEVER INT64_MAX

typedef struct {
    double *keys;    /* (size) */
    int32_t *leaves; /* (size) */
    int64_t *clock;  /* rows seen, next row taken, rows sampled, words drawn */
    double *coming;  /* the key of the next row taken */
} algos_cut_reservoir;

enum { ALGOS_CUT_SEEN, ALGOS_CUT_NEXT, ALGOS_CUT_SAMPLED, ALGOS_CUT_DRAWN };

/* Go on in a stream from which so many words are drawn. */
ALGOS_INLINE void algos_cut_resume(algos_rng *rng, const uint64_t *key, uint64_t stream,
                                   int64_t drawn) {
    algos_rng_start(rng, key, stream, 0);
    if (drawn > 0) {
        rng->counter[0] = (uint64_t)(drawn - 1) / 4 + 1;
        rng->used = (int)((drawn - 1) % 4) + 1;
        algos_philox(rng->key, rng->counter, rng->block);
    }
}

ALGOS_INLINE int64_t algos_cut_drawn(const algos_rng *rng) {
    return 4 * ((int64_t)rng->counter[0] - 1) + rng->used;
}

/* Uniform in (0, 1), neither end. */
ALGOS_INLINE double algos_cut_open(algos_rng *rng) {
    return ((double)(algos_rng_next(rng) >> 12) + 0.5) * 0x1p-52;
}

ALGOS_INLINE double algos_cut_exponential(algos_rng *rng) { return -log(algos_cut_open(rng)); }

ALGOS_INLINE void algos_cut_sift_down(double *keys, int32_t *leaves, Py_ssize_t n,
                                      Py_ssize_t at) {
    const double key = keys[at];
    const int32_t leaf = leaves[at];
    for (Py_ssize_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        child += child + 1 < n && keys[child + 1] > keys[child];
        if (keys[child] <= key)
            break;
        keys[at] = keys[child];
        leaves[at] = leaves[child];
        at = child;
    }
    keys[at] = key;
    leaves[at] = leaf;
}

ALGOS_INLINE void algos_cut_sift_up(double *keys, int32_t *leaves, Py_ssize_t at) {
    const double key = keys[at];
    const int32_t leaf = leaves[at];
    for (; at > 0 && keys[(at - 1) / 2] < key; at = (at - 1) / 2) {
        keys[at] = keys[(at - 1) / 2];
        leaves[at] = leaves[(at - 1) / 2];
    }
    keys[at] = key;
    leaves[at] = leaf;
}

ALGOS_INLINE void algos_cut_heapify(double *keys, int32_t *leaves, Py_ssize_t n) {
    for (Py_ssize_t at = n / 2; at-- > 0;)
        algos_cut_sift_down(keys, leaves, n, at);
}

/* The logarithm of the rate at which row i is taken: it is with probability
 * 1 - exp(-rate). */
ALGOS_INLINE double algos_cut_log_rate(double largest_key, double decay, int64_t row) {
    return largest_key + decay * (double)row;
}

/* The number of rows up to the next one taken, itself counted, `log_rate` being the first
 * one's; a negative decay is that of rows from the last to the first. The sum of the rates of
 * m rows, rate (exp(decay m) - 1) / (exp(decay) - 1), is to reach an exponential variable;
 * what is left of it for the last of them is that row's own. */
ALGOS_INLINE int64_t algos_cut_jump(double log_rate, double decay, algos_rng *rng,
                                    double *own) {
    const double all = algos_cut_exponential(rng), rate = exp(log_rate);
    const double step = decay == 0 ? 1 : expm1(decay);
    double rows = all / rate;
    *own = all;
    if (decay != 0) {
        rows *= step;
        if (rows <= -1)
            return ALGOS_CUT_NEVER;
        rows = log1p(rows) / decay;
    }
    if (!(rows > 1))
        return 1;
    rows = ceil(rows);
    if (rows >= 0x1p62)
        return ALGOS_CUT_NEVER;
    const double before = (decay == 0 ? rows - 1 : expm1(decay * (rows - 1)) / step) * rate;
    *own = all - before > all * 0x1p-53 ? all - before : all * 0x1p-53;
    return (int64_t)rows;
}

ALGOS_INLINE double algos_cut_key(double own, double decay, int64_t row) {
    return log(own) - decay * (double)row;
}

/* Draw the next row taken, from row `first` on, and its key. The first `size` rows all are. */
ALGOS_INLINE void algos_cut_draw_next(const algos_cut_reservoir *reservoir, Py_ssize_t size,
                                      double decay, int64_t first, algos_rng *rng) {
    int64_t next = first;
    double own;
    if (first < size || reservoir->clock[ALGOS_CUT_SAMPLED] == 0) {
        own = algos_cut_exponential(rng);
    } else {
        const double log_rate = algos_cut_log_rate(reservoir->keys[0], decay, first);
        const int64_t rows = algos_cut_jump(log_rate, decay, rng, &own);
        next = rows > ALGOS_CUT_NEVER - first ? ALGOS_CUT_NEVER : first + (rows - 1);
    }
    reservoir->clock[ALGOS_CUT_NEXT] = next;
    *reservoir->coming = next < ALGOS_CUT_NEVER ? algos_cut_key(own, decay, next) : 0;
}

/* Have the rows from here on decay otherwise: the weights of those that are sampled stay as
 * they are, compared with the next row's. */
ALGOS_INLINE void algos_cut_change_decay(const algos_cut_reservoir *reservoir,
                                         Py_ssize_t size, double before, double decay,
                                         algos_rng *rng) {
    int64_t *clock = reservoir->clock;
    const double shift = (decay - before) * (double)clock[ALGOS_CUT_SEEN];
    for (int64_t i = 0; i < clock[ALGOS_CUT_SAMPLED]; i++)
        reservoir->keys[i] -= shift;
    algos_cut_draw_next(reservoir, size, decay, clock[ALGOS_CUT_SEEN], rng);
}

#endif
