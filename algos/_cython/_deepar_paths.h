/* The network in prediction: one step of many rows, a row in each lane of a register.
 *
 * A row is a sample path or, while the context is read, a series. The numbers of a tile of
 * `width` rows are transposed, [number][row]: no size of the network is padded, an earlier
 * draw can be used as a lagged input in place, and a row's result is one chain of operations in a
 * fixed order, independent of other rows.
 *
 *   block   (height, width): the inputs K and the states h of layer 1, those of layer 2, …,
 *           the last layer's output, and at the end the cells c of all layers
 *   packed  for each layer and unit the weights (K_l + H, 4) of its gates i, f, o, g, those of
 *           i, f and o times -log2 e and those of g times -2 log2 e, so that the gates are
 *
 *           logistic(a) = 1 / (1 + 2^y)        tanh(a) = (1 - 2^y) / (1 + 2^y)
 *
 * States are mixed with the ones before them by `zoneout`, their expectation (Krueger et al.,
 * "Zoneout", ICLR 2017, section 3.2).
 */
#ifndef ALGOS_DEEPAR_PATHS_H
#define ALGOS_DEEPAR_PATHS_H

#include <Python.h>
#include <string.h>
#include "_math.h"
#include "_shuffle.h"
#include "_simd.h"

#if defined(__aarch64__)
#define ALGOS_PATHS_BASE_VECTORS 4 /* 32 registers */
#else
#define ALGOS_PATHS_BASE_VECTORS 2
#endif
#define ALGOS_PATHS_MOST_LANES 16    /* of a register */
#define ALGOS_PATHS_BOUND 0x41f00000u /* the bits of 30: beyond 2^±30 gates are 0 and 1 */
#define ALGOS_PATHS_TWICE 2.88539008f /* 2 log2 e */

typedef struct {
    const float *packed;    /* layer by layer (H, K_l + H, 4) */
    const float *starts;    /* (L, H, 4) biases as the weights are, and a register of room */
    const float *head;      /* (H, n_outputs) */
    const float *direct;    /* (K, n_outputs): from the inputs to the outputs */
    Py_ssize_t n_layers, hidden, n_inputs, n_outputs;
    float zoneout;
} algos_paths_network;

/* The common part of the first layer's gates and of the outputs: numbers of a few series, gathered
 * for each row. */
typedef struct {
    const float *values; /* (4 H + n_outputs, stride), and a register of room */
    Py_ssize_t stride;
    const int32_t *first; /* for each register of rows the first of its series */
    const int32_t *index; /* for each row its series, counted from there */
} algos_paths_start;

typedef struct {
    Py_ssize_t lanes, vectors; /* of a register, and of a tile unless one register holds all */
    /* Advance by one step without the first `skipped` inputs; outputs (n_outputs, width). The
     * width is `lanes`, or that times `vectors`. */
    void (*step)(const algos_paths_network *, const algos_paths_start *, Py_ssize_t skipped,
                 Py_ssize_t width, float *block, float *outputs);
    /* gates = from + Σ_i x_i weights_i, weights (n, size), size a multiple of 16 */
    void (*gates)(const float *x, Py_ssize_t n, const float *weights, const float *from,
                  Py_ssize_t size, float *gates);
} algos_paths_table;

static inline Py_ssize_t algos_paths_height(const algos_paths_network *net) {
    return net->n_inputs + net->hidden * 3 * net->n_layers;
}

/* The row of the block at which the states of a layer begin, and its cells. */
static inline Py_ssize_t algos_paths_states(const algos_paths_network *net, Py_ssize_t layer) {
    return net->n_inputs + 2 * layer * net->hidden;
}

static inline Py_ssize_t algos_paths_cells(const algos_paths_network *net, Py_ssize_t layer) {
    return net->n_inputs + (2 * net->n_layers + layer) * net->hidden;
}

/* Write the states h and c, state (2, L, H), of a row of a tile, and read them. */
static inline void algos_paths_give(const algos_paths_network *net, const float *state,
                                    Py_ssize_t row, Py_ssize_t width, float *block) {
    for (Py_ssize_t layer = 0; layer < net->n_layers; layer++) {
        float *h = block + algos_paths_states(net, layer) * width + row;
        float *c = block + algos_paths_cells(net, layer) * width + row;
        for (Py_ssize_t u = 0; u < net->hidden; u++) {
            h[u * width] = state[layer * net->hidden + u];
            c[u * width] = state[(net->n_layers + layer) * net->hidden + u];
        }
    }
}

static inline void algos_paths_take(const algos_paths_network *net, const float *block,
                                    Py_ssize_t row, Py_ssize_t width, float *state) {
    for (Py_ssize_t layer = 0; layer < net->n_layers; layer++) {
        const float *h = block + algos_paths_states(net, layer) * width + row;
        const float *c = block + algos_paths_cells(net, layer) * width + row;
        for (Py_ssize_t u = 0; u < net->hidden; u++) {
            state[layer * net->hidden + u] = h[u * width];
            state[(net->n_layers + layer) * net->hidden + u] = c[u * width];
        }
    }
}

/* 2^y, y bounded: 2^n by the exponent's bits, and a polynomial of least relative error (8e-8)
 * for the rest, which is between -1/2 and 1/2. Magnitudes are bounded as integers, in whose
 * order NaN is the largest: the result is never NaN. */
ALGOS_INLINE float algos_paths_power(float y) {
    const uint32_t bits = algos_to_bits_f32(y), sign = bits & 0x80000000u;
    const uint32_t size = bits & 0x7fffffffu;
    y = algos_from_bits_f32(sign | (size < ALGOS_PATHS_BOUND ? size : ALGOS_PATHS_BOUND));
    const float shifted = y + 0x1.8p23f;
    const float r = y - (shifted - 0x1.8p23f);
    float p = 0x1.5c08e6p-10f;
    p = p * r + 0x1.3d0c52p-7f;
    p = p * r + 0x1.c6b6e4p-5f;
    p = p * r + 0x1.ebf918p-3f;
    p = p * r + 0x1.62e428p-1f;
    p = p * r + 0x1.000002p+0f;
    return algos_from_bits_f32(algos_to_bits_f32(p) + (algos_to_bits_f32(shifted) << 23));
}

#define ALGOS_SOURCE "_deepar_paths_impl.h"
#define ALGOS_T float
#define ALGOS_TYPE f32
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_SOURCE

static const algos_paths_table *algos_paths = &algos_paths_table_f32_base;

/* Choose the best level up to `limit` (0, 3 or 4) that this processor has; returns it. */
static inline int algos_paths_choose(int limit) {
    const int level = algos_level_up_to(limit);
    algos_paths = ALGOS_AT_LEVEL(level, &algos_paths_table_f32);
    return level;
}

#endif
