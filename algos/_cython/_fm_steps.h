/* Stochastic steps of factorization machines, by AdaGrad (Duchi, Hazan and Singer, "Adaptive
 * subgradient methods", JMLR 12, 2011, with diagonal matrices).
 *
 *   f(x) = b + sum_j w_j x_j + (|q|² - sum_j x_j² |v_j|²) / 2,   q = sum_j x_j v_j
 *   df/dw_j = x_j,   df/dv_j = x_j (q - x_j v_j)      (Rendle, "Factorization machines",
 *                                                      ICDM 2010, eq. 4)
 * Rows are taken in batches. First each row's score, slope e = w dloss/df and q are computed,
 * then the columns of each row, in the order of the rows, make their steps:
 *   g = e df/dv_j + w l2 v_j,   G += g²,   v_j -= rate g / sqrt(G)
 * A column that many rows of a batch have makes one step, along the sum of their g: many small
 * ones along slopes computed independently would overshoot.
 *
 * The columns are dealt out in parts, of which each thread has some to itself, so that what it
 * reads and writes stays in its cache, and the order of the steps is always the same. Of a row
 * each part gives its share of q and of the score; all that threads exchange are these records,
 * of rank + ALGOS_FM_ASIDE floats a row and part. They are added up in the order of the parts,
 * by every thread for itself, so that the bits do not depend on the number of threads. While
 * one still reads the records of a batch, another may write those of the next one: there is
 * room for two. No step is longer than the rate.
 *
 * Memory: of each column and output one row [v | G] of 2 rank floats, and a pair (w, G) aside.
 */
#ifndef ALGOS_FM_STEPS_H
#define ALGOS_FM_STEPS_H

#include <math.h>
#include "_math.h"

enum { ALGOS_FM_SQUARED, ALGOS_FM_LOG, ALGOS_FM_MULTINOMIAL, ALGOS_FM_BPR };

#define ALGOS_FM_MOST_RANK 4096
#define ALGOS_FM_ASIDE 16 /* floats beside the sums of a column: of e x², of e x, of weights;
                             and beside q: 2 w x - sum x² |v|² in lanes */
#define ALGOS_FM_LARGEST 1e12f /* of a gradient and a slope: its square must be finite */

typedef struct {
    const int64_t *starts; /* (n * parts + 1,): of each row, where the parts of it begin */
    const int32_t *indices;
    const float *values;  /* NULL: all are 1 */
    const float *target;  /* (n,): 0 or 1 for log loss, the class for more of them */
    const float *weight;  /* (n,) */
    const int64_t *order; /* (n_order,): the rows of the batches, one after another */
    const int64_t *rival; /* (n_order,): the row that each must beat; NULL but for BPR */
    ptrdiff_t n_order, batch;
    int loss, outputs, rank; /* rank: rounded up to whole vectors */
    float rate, rate_linear, rate_intercept;
    float l2, l2_linear, l2_intercept;
    float clip;
    float *factor_state; /* (d, outputs, 2, rank): v and G */
    float *linear_state; /* (d, outputs, 2): w and G */
    const int64_t *cuts; /* (parts + 1,): where the parts of the columns begin */
    int parts, members, sides; /* members: threads; sides: 2 for BPR, else 1 */
    const int32_t *slots;  /* (d,): place among the columns of many rows, or -1 */
    const int32_t *common; /* (n_common,): these columns, ascending */
    ptrdiff_t n_common;
    float *sums;        /* (n_common, outputs, rank + ALGOS_FM_ASIDE) */
    ptrdiff_t ahead;    /* rows that are prefetched */
    float *records;     /* (2, parts, batch, sides, outputs, rank + ALGOS_FM_ASIDE), and for one
                           member (parts, outputs, …): they are added up row by row */
} algos_fm_steps;

/* What each thread has of its own. */
typedef struct {
    int first, last;   /* parts */
    float *q;          /* (batch, sides, outputs, rank) */
    float *slope;      /* (batch, outputs) */
    float *value;      /* (batch,): weighted losses */
    float *intercept;  /* (outputs, 2): b and G, of which all members have the same */
    double total;      /* weighted losses of all rows */
} algos_fm_member;

ALGOS_INLINE float algos_fm_bound(float g, float most) {
    g = g < most ? g : most; /* NaN becomes `most` */
    return g > -most ? g : -most;
}

/* 1 / sqrt(a) to 5e-6, twice as fast as division and root: a first guess from the exponent
 * (Lomont, "Fast inverse square root", 2003), and Newton's steps. */
ALGOS_INLINE float algos_inverse_root(float a) {
    const float half = 0.5f * a;
    float y = algos_from_bits_f32(0x5f375a86u - (algos_to_bits_f32(a) >> 1));
    y = y * (1.5f - half * y * y);
    return y * (1.5f - half * y * y);
}

/* One step of one number; state is (value, G). */
ALGOS_INLINE void algos_fm_step_one(float *state, float g, float rate, float clip) {
    g = algos_fm_bound(g, clip);
    state[1] += g * g;
    state[0] -= rate * g * algos_inverse_root(state[1]);
}

/* Losses and weighted slopes of rows; z (n,) becomes the slopes. */
ALGOS_CLONES static void algos_fm_slopes(int loss, const float *restrict y,
                                         const float *restrict w, ptrdiff_t n,
                                         float *restrict z, float *restrict value) {
    if (loss == ALGOS_FM_SQUARED)
        for (ptrdiff_t i = 0; i < n; i++) {
            const float r = algos_fm_bound(z[i] - y[i], ALGOS_FM_LARGEST);
            value[i] = 0.5f * w[i] * r * r;
            z[i] = w[i] * r;
        }
    else
        for (ptrdiff_t i = 0; i < n; i++) {
            const float t = algos_fm_bound(y[i] > 0.5f ? z[i] : -z[i], ALGOS_FM_LARGEST);
            const float e = algos_exp_f32(-algos_abs_f32(t));
            const float g = w[i] * (t < 0 ? 1.0f : e) / (1 + e);
            value[i] = w[i] * ((t < 0 ? -t : 0) + algos_log_f32(1 + e));
            z[i] = y[i] > 0.5f ? -g : g;
        }
}

/* The same of one row and k classes. */
static inline float algos_fm_softmax(float y, float w, int k, float *restrict z) {
    float most = -INFINITY, sum = 0, own = 0;
    for (int c = 0; c < k; c++) {
        z[c] = algos_fm_bound(z[c], ALGOS_FM_LARGEST);
        most = z[c] > most ? z[c] : most;
        own = (float)c == y ? z[c] : own;
    }
    for (int c = 0; c < k; c++) {
        z[c] = algos_exp_f32(z[c] - most);
        sum += z[c];
    }
    for (int c = 0; c < k; c++)
        z[c] = w * (z[c] / sum - ((float)c == y ? 1.0f : 0.0f));
    return w * (most - own + algos_log_f32(sum));
}

/* Turn a batch's scores into slopes. */
static inline void algos_fm_take_targets(const algos_fm_steps *job, algos_fm_member *own,
                                         ptrdiff_t start, ptrdiff_t count) {
    const int k = job->outputs;
    float *z = own->slope, *value = own->value;
    if (job->loss == ALGOS_FM_MULTINOMIAL) {
        for (ptrdiff_t i = 0; i < count; i++) {
            const int64_t row = job->order[start + i];
            value[i] = algos_fm_softmax(job->target[row], job->weight[row], k, z + i * k);
        }
        return;
    }
    for (ptrdiff_t i = 0; i < count;) { /* gathered, so that slopes are computed by vectors */
        float y[64], w[64];
        const ptrdiff_t rows = count - i < 64 ? count - i : 64;
        for (ptrdiff_t r = 0; r < rows; r++) {
            const int64_t row = job->order[start + i + r];
            y[r] = job->rival == NULL ? job->target[row] : 1.0f;
            w[r] = job->weight[row];
        }
        algos_fm_slopes(job->loss, y, w, rows, z + i, value + i);
        i += rows;
    }
}

/* The intercepts step once a batch, along the mean slope. */
static inline void algos_fm_intercept(const algos_fm_steps *job, algos_fm_member *own,
                                      ptrdiff_t start, ptrdiff_t count) {
    double weight = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        weight += job->weight[job->order[start + i]];
        own->total += own->value[i];
    }
    if (job->rival != NULL || !(weight > 0))
        return;
    for (int c = 0; c < job->outputs; c++) {
        double sum = 0;
        for (ptrdiff_t i = 0; i < count; i++)
            sum += own->slope[i * job->outputs + c];
        const float g = (float)(sum / weight) + job->l2_intercept * own->intercept[2 * c];
        algos_fm_step_one(own->intercept + 2 * c, g, job->rate_intercept, job->clip);
    }
}

/* Where the parts of a row begin, and the last one ends. */
static inline const int64_t *algos_fm_starts(const algos_fm_steps *job, int64_t row) {
    return job->starts + row * job->parts;
}

/* The records of the batch that begins at `start`. */
static inline float *algos_fm_records(const algos_fm_steps *job, ptrdiff_t start) {
    const ptrdiff_t record = job->outputs * (job->rank + ALGOS_FM_ASIDE);
    const ptrdiff_t size = job->parts * job->batch * job->sides * record;
    return job->records + (job->members > 1 && start / job->batch % 2 ? size : 0);
}

typedef void (*algos_fm_phase)(const algos_fm_steps *, algos_fm_member *, ptrdiff_t start,
                               ptrdiff_t count);
typedef void (*algos_fm_score)(const algos_fm_steps *, const float *intercept,
                               ptrdiff_t first, ptrdiff_t count, float *z);
typedef struct {
    algos_fm_phase gather, join, step;
    algos_fm_score score;
} algos_fm_table;

/* A member's task between two meetings of the threads: the steps of a batch whose records are
 * there, and its records of the next one. */
static inline void algos_fm_task(const algos_fm_steps *job, const algos_fm_table *kernels,
                                 algos_fm_member *own, ptrdiff_t batch) {
    const ptrdiff_t start = batch * job->batch, before = start - job->batch;
    if (before >= 0) {
        const ptrdiff_t left = job->n_order - before;
        const ptrdiff_t count = left < job->batch ? left : job->batch;
        if (job->members > 1)
            kernels->join(job, own, before, count);
        algos_fm_take_targets(job, own, before, count);
        algos_fm_intercept(job, own, before, count);
        kernels->step(job, own, before, count);
    }
    if (start < job->n_order) {
        const ptrdiff_t left = job->n_order - start;
        kernels->gather(job, own, start, left < job->batch ? left : job->batch);
    }
}

#define ALGOS_CASE any
#define ALGOS_RANK job->rank
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS job->outputs
#define ALGOS_ONES (job->values == NULL)
#include "_fm_steps_impl.h"

#define ALGOS_CASE ones_8
#define ALGOS_RANK 8
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 1
#include "_fm_steps_impl.h"

#define ALGOS_CASE values_8
#define ALGOS_RANK 8
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 0
#include "_fm_steps_impl.h"

#define ALGOS_CASE ones_16
#define ALGOS_RANK 16
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 1
#include "_fm_steps_impl.h"

#define ALGOS_CASE values_16
#define ALGOS_RANK 16
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 0
#include "_fm_steps_impl.h"

#define ALGOS_CASE ones_32
#define ALGOS_RANK 32
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 1
#include "_fm_steps_impl.h"

#define ALGOS_CASE values_32
#define ALGOS_RANK 32
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 0
#include "_fm_steps_impl.h"

#define ALGOS_CASE ones_64
#define ALGOS_RANK 64
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 1
#include "_fm_steps_impl.h"

#define ALGOS_CASE values_64
#define ALGOS_RANK 64
#define ALGOS_LANES 8
#define ALGOS_OUTPUTS 1
#define ALGOS_ONES 0
#include "_fm_steps_impl.h"

#include "_fm_pairs.h"

#define ALGOS_FM_CASE(c)                                                                     \
    {algos_fm_gather_##c, algos_fm_join_##c, algos_fm_step_##c, algos_fm_score_##c}

static const algos_fm_table algos_fm_any = ALGOS_FM_CASE(any);
static const algos_fm_table algos_fm_pair = {algos_fm_gather_any, algos_fm_join_any,
                                             algos_fm_step_pairs, algos_fm_score_any};
static const algos_fm_table algos_fm_special[2][4] = {
    {ALGOS_FM_CASE(values_8), ALGOS_FM_CASE(values_16), ALGOS_FM_CASE(values_32),
     ALGOS_FM_CASE(values_64)},
    {ALGOS_FM_CASE(ones_8), ALGOS_FM_CASE(ones_16), ALGOS_FM_CASE(ones_32),
     ALGOS_FM_CASE(ones_64)},
};

static inline const algos_fm_table *algos_fm_choose(const algos_fm_steps *job) {
    const algos_fm_table *own = algos_fm_special[job->values == NULL];
    if (job->rival != NULL)
        return &algos_fm_pair;
    if (job->outputs > 1)
        return &algos_fm_any;
    switch (job->rank) {
        case 8:
            return own;
        case 16:
            return own + 1;
        case 32:
            return own + 2;
        case 64:
            return own + 3;
        default:
            return &algos_fm_any;
    }
}

#endif
