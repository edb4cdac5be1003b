/* The network on one lane: a fixed range of a batch's windows, forward and backward in time.
 *
 *   h^0 = x_t,   h^l_t = cell(h^{l-1}_t, h^l_{t-1}),   head_t = h^L_t A + x_t D + a
 *
 * with the cells of _deepar_cell.h. Inputs common to all steps of a window, s = [static reals |
 * embeddings], enter layer 0 as an additional bias. Between layers units are dropped out
 * (Srivastava et al., JMLR 15, 2014); by zoneout (Krueger et al., "Zoneout", ICLR 2017) cells and
 * outputs keep their value of the step before. Time is processed in chunks: products with all
 * steps of a chunk are computed at once, and backward a chunk's slopes are used for the weights'
 * gradients while they are in cache.
 *
 * Arrays of a lane are time-major, (steps, rows, …), without gaps; those of c and h are preceded
 * by the zeros before the first step.
 */
#ifndef ALGOS_DEEPAR_LANE_H
#define ALGOS_DEEPAR_LANE_H

#include "_deepar_cell.h"
#include "_deepar_likelihood.h"
#include "_deepar_product.h"
#include "_rng.h"

#define ALGOS_DEEPAR_LAYERS 16 /* at most */
#define ALGOS_DEEPAR_ROWS 8    /* in a lane, or a multiple */
#define ALGOS_DEEPAR_MOST_ROWS 32
#define ALGOS_DEEPAR_LANES 16  /* at most */
#define ALGOS_DEEPAR_GRADIENTS 4194304 /* numbers in all lanes together, or in four */
#define ALGOS_DEEPAR_CHUNK 12  /* steps */
#define ALGOS_DEEPAR_STRIP 64  /* weights whose gradients are added at a time */
#define ALGOS_DEEPAR_WORDS 64  /* random ones at a time */
#define ALGOS_DEEPAR_HEAD 8    /* columns of the head, most of them padding */

enum { ALGOS_DEEPAR_DROPOUT, ALGOS_DEEPAR_HOLD_C, ALGOS_DEEPAR_HOLD_H, ALGOS_DEEPAR_MASKS };

ALGOS_CLONES static void algos_deepar_compare(const uint16_t *restrict bits, uint32_t threshold,
                                              ptrdiff_t n, uint8_t *restrict out) {
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = bits[i] < threshold;
}

/* n bytes that are 1 with probability `threshold` / 2^16: four from each random word. */
static void algos_deepar_flip(const uint64_t *key, uint64_t stream, uint64_t step,
                              uint32_t threshold, ptrdiff_t n, uint8_t *out) {
    uint64_t counter[4] = {0, step, stream, 0}, words[ALGOS_DEEPAR_WORDS];
    uint16_t bits[4 * ALGOS_DEEPAR_WORDS];
    for (ptrdiff_t i = 0; i < n; i += 4 * ALGOS_DEEPAR_WORDS) {
        const ptrdiff_t left = n - i;
        for (int at = 0; at < ALGOS_DEEPAR_WORDS; at += 4) {
            counter[0]++; /* as in _rng.h */
            algos_philox(key, counter, words + at);
        }
        memcpy(bits, words, sizeof(bits));
        algos_deepar_compare(bits, threshold,
                             left < 4 * ALGOS_DEEPAR_WORDS ? left : 4 * ALGOS_DEEPAR_WORDS,
                             out + i);
    }
}

/* The probability of algos_deepar_flip. */
static inline uint32_t algos_deepar_threshold(double probability) {
    return (uint32_t)(probability * 65536 + 0.5);
}

/* A network, a batch of windows, (steps, windows, …), and the memory to work in; numbers are
 * of one type, float or double. */
typedef struct {
    ptrdiff_t n_inputs, n_reals, width, layers, n_outputs, n_categories;
    ptrdiff_t n_static;        /* static reals and embeddings */
    ptrdiff_t static_width;    /* n_static, up to a multiple of 8 */
    const int64_t *categories; /* (n_categories, 2): cardinality and dimension */
    const int64_t *offsets; /* of input, recurrent, bias of each layer; static; head, its bias,
                               its weights of the inputs; embeddings; the end */
    ptrdiff_t most_windows, most_steps;

    ptrdiff_t windows, steps;
    const void *weights, *x, *targets, *mask;
    const void *reals, *scale; /* (windows, n_reals), (windows,) */
    const int32_t *values;     /* (windows, n_categories) */
    int kind;
    uint32_t dropout, zoneout; /* of 2^16 */
    const uint64_t *key;
    uint64_t step;

    ptrdiff_t lane_rows, n_lanes;
    char *shared; /* the weights */
    char *rooms;  /* one for each slot */
    size_t room;
    void *grads;    /* (n_lanes, size), or NULL: forward only */
    double *losses; /* (n_lanes,) */
} algos_deepar_job;

/* Length of the vector of weights. */
static inline ptrdiff_t algos_deepar_size(const algos_deepar_job *job) {
    return job->offsets[3 * job->layers + 4 + job->n_categories];
}

static inline ptrdiff_t algos_deepar_most_lanes(const algos_deepar_job *job) {
    const ptrdiff_t most = ALGOS_DEEPAR_GRADIENTS / (algos_deepar_size(job) + 1);
    return most < 4 ? 4 : most > ALGOS_DEEPAR_LANES ? ALGOS_DEEPAR_LANES : most;
}

/* The unit of rows in a lane: the more weights there are to read, the larger. */
static inline ptrdiff_t algos_deepar_rows(const algos_deepar_job *job) {
    const ptrdiff_t rows = (job->width + 63) / 64 * ALGOS_DEEPAR_ROWS;
    return rows < ALGOS_DEEPAR_MOST_ROWS ? rows : ALGOS_DEEPAR_MOST_ROWS;
}

/* Divide the windows into lanes: by their number, and so that gradients of lanes stay small. */
static inline void algos_deepar_cut(algos_deepar_job *job, ptrdiff_t windows) {
    const ptrdiff_t unit = algos_deepar_rows(job), limit = algos_deepar_most_lanes(job);
    const ptrdiff_t blocks = (windows + unit - 1) / unit;
    const ptrdiff_t most = blocks < limit ? blocks : limit, each = (blocks + most - 1) / most;
    job->windows = windows;
    job->lane_rows = each * unit;
    job->n_lanes = (blocks + each - 1) / each;
}

/* Where a part's weights and slopes begin. */
#define OWN(part) (w->own + job->offsets[part])
#define SLOPE(part) (lane->grads + job->offsets[part])
#define AT_INPUT(l) (3 * (l))
#define AT_RECURRENT(l) (3 * (l) + 1)
#define AT_BIAS(l) (3 * (l) + 2)
#define AT_STATIC (3 * job->layers)
#define AT_HEAD (3 * job->layers + 1)
#define AT_HEAD_BIAS (3 * job->layers + 2)
#define AT_DIRECT (3 * job->layers + 3)
#define AT_EMBEDDING(j) (3 * job->layers + 4 + (j))

#define T float
#define S f32
#include "_deepar_lane_impl.h"
#undef T
#undef S

#define T double
#define S f64
#include "_deepar_lane_impl.h"
#undef T
#undef S
#undef OWN
#undef SLOPE
#undef AT_INPUT
#undef AT_RECURRENT
#undef AT_BIAS
#undef AT_STATIC
#undef AT_HEAD
#undef AT_HEAD_BIAS
#undef AT_DIRECT
#undef AT_EMBEDDING

#endif
