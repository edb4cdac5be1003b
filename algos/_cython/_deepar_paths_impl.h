/* A step of rows in lanes, for one instruction set: see _deepar_paths.h. */
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(float)))
#define SPREAD(x) ((x) - (N(paths_vec)){0})
/* Registers of rows in a tile: with 4 gates 16 accumulators of 32 registers, 8 or 12 of 16. */
#define VECTORS (ALGOS_BYTES == 64 ? 4 : ALGOS_BYTES == 32 ? 3 : ALGOS_PATHS_BASE_VECTORS)

typedef float N(paths_vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef float N(paths_loose) __attribute__((vector_size(ALGOS_BYTES), aligned(4), may_alias));
typedef int32_t N(paths_index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* The numbers of each row's series, in register i. */
ALGOS_INLINE N(paths_vec) N(paths_pick)(const algos_paths_start *start, const float *from,
                                        int i) {
    const N(paths_index) index = *(const N(paths_index) *)(start->index + i * LANES);
    const N(paths_vec) values = *(const N(paths_loose) *)(from + start->first[i]);
    return ALGOS_SHUFFLE(values, values, index);
}

/* acc += Σ_p x_p w_p, weights being `stride` apart. */
ALGOS_INLINE void N(paths_add)(const float *x, Py_ssize_t n, const float *w, Py_ssize_t stride,
                               N(paths_vec) *acc, const int v) {
    for (Py_ssize_t p = 0; p < n; p++) {
        const N(paths_vec) weight = SPREAD(w[p * stride]);
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
            acc[i] += *(const N(paths_vec) *)(x + (p * v + i) * LANES) * weight;
    }
}

/* The gates (4, v registers) of one unit: start + Σ_p x_p w_p. */
ALGOS_INLINE void N(paths_gates)(const float *x, Py_ssize_t k, const float *w,
                                 const algos_paths_start *start, const float *from,
                                 float *gates, const int v) {
    N(paths_vec) acc[4][VECTORS];
#pragma GCC unroll 4
    for (int i = 0; i < v; i++)
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++)
            acc[g][i] = N(paths_pick)(start, from + g * start->stride, i);
    for (Py_ssize_t p = 0; p < k; p++) {
        N(paths_vec) rows[VECTORS];
#pragma GCC unroll 4
        for (int i = 0; i < v; i++) {
            rows[i] = *(const N(paths_vec) *)(x + (p * v + i) * LANES);
            ALGOS_HOLD(rows[i]);
        }
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++) {
            const N(paths_vec) weight = SPREAD(w[4 * p + g]);
#pragma GCC unroll 4
            for (int i = 0; i < v; i++)
                acc[g][i] += rows[i] * weight;
        }
    }
#pragma GCC unroll 4
    for (int g = 0; g < 4; g++)
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
            *(N(paths_vec) *)(gates + (g * v + i) * LANES) = acc[g][i];
}

/* c := logistic(f) c + logistic(i) tanh(g)    h := logistic(o) tanh(c)
 * with one division for each of them (Graves, "Generating sequences with recurrent neural
 * networks", 2013, equations 7-11, without peepholes). */
ALGOS_INLINE void N(paths_cell)(const float *gates, float *cell, const float *before,
                                float *after, const float zoneout, const int keeps,
                                const Py_ssize_t width) {
#pragma omp simd
    for (Py_ssize_t j = 0; j < width; j++) {
        const float i = 1 + algos_paths_power(gates[j]);
        const float f = 1 + algos_paths_power(gates[j + width]);
        const float o = 1 + algos_paths_power(gates[j + 2 * width]);
        const float g = algos_paths_power(gates[j + 3 * width]);
        const float both = i * (1 + g);
        const float c = (cell[j] * both + (1 - g) * f) / (both * f);
        const float e = algos_paths_power(-ALGOS_PATHS_TWICE * c);
        const float h = (1 - e) / (o * (1 + e));
        cell[j] = keeps ? c + zoneout * (cell[j] - c) : c;
        after[j] = keeps ? h + zoneout * (before[j] - h) : h;
    }
}

ALGOS_INLINE void N(paths_layer)(const algos_paths_network *net, Py_ssize_t layer,
                                 const float *packed, const algos_paths_start *start,
                                 Py_ssize_t skipped, float *block, const int v) {
    const Py_ssize_t width = v * LANES, hidden = net->hidden;
    const Py_ssize_t k = hidden + (layer == 0 ? net->n_inputs : hidden);
    float *before = block + algos_paths_states(net, layer) * width;
    float *after = before + hidden * width; /* the next layer's inputs */
    float *cells = block + algos_paths_cells(net, layer) * width;
    const float *x = before - (k - hidden - skipped) * width;
    float gates[4 * VECTORS * LANES] __attribute__((aligned(64)));
    for (Py_ssize_t u = 0; u < hidden; u++) {
        const float *w = packed + 4 * (u * k + skipped);
        const float *from = start->values + 4 * u * start->stride;
        N(paths_gates)(x, k - skipped, w, start, from, gates, v);
        float *cell = cells + u * width, *h = before + u * width;
        if (net->zoneout == 0)
            N(paths_cell)(gates, cell, h, h + hidden * width, 0, 0, width);
        else
            N(paths_cell)(gates, cell, h, h + hidden * width, net->zoneout, 1, width);
    }
    memcpy(before, after, hidden * width * sizeof(float));
}

ALGOS_INLINE void N(paths_head)(const algos_paths_network *net, const algos_paths_start *start,
                                Py_ssize_t skipped, const float *block, float *outputs,
                                const int v) {
    const Py_ssize_t hidden = net->hidden;
    const float *top = block + (algos_paths_states(net, net->n_layers - 1) + hidden) * v * LANES;
    for (Py_ssize_t o = 0; o < net->n_outputs; o++) {
        const float *from = start->values + (4 * hidden + o) * start->stride;
        N(paths_vec) acc[VECTORS];
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
            acc[i] = N(paths_pick)(start, from, i);
        N(paths_add)(block + skipped * v * LANES, net->n_inputs - skipped,
                     net->direct + skipped * net->n_outputs + o, net->n_outputs, acc, v);
        N(paths_add)(top, hidden, net->head + o, net->n_outputs, acc, v);
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
            *(N(paths_vec) *)(outputs + (o * v + i) * LANES) = acc[i];
    }
}

ALGOS_INLINE void N(paths_layers)(const algos_paths_network *net,
                                  const algos_paths_start *start, Py_ssize_t skipped,
                                  float *block, float *outputs, const int v) {
    static const int32_t zeros[VECTORS * ALGOS_PATHS_MOST_LANES]
        __attribute__((aligned(64))) = {0};
    const Py_ssize_t hidden = net->hidden;
    const float *packed = net->packed + 4 * hidden * (net->n_inputs + hidden);
    N(paths_layer)(net, 0, net->packed, start, skipped, block, v);
    for (Py_ssize_t layer = 1; layer < net->n_layers; layer++) {
        const algos_paths_start same = {net->starts + 4 * layer * hidden, 1, zeros, zeros};
        N(paths_layer)(net, layer, packed, &same, 0, block, v);
        packed += 8 * hidden * hidden;
    }
    N(paths_head)(net, start, skipped, block, outputs, v);
}

static void N(paths_step)(const algos_paths_network *net, const algos_paths_start *start,
                          Py_ssize_t skipped, Py_ssize_t width, float *block, float *outputs) {
    if (width == LANES)
        N(paths_layers)(net, start, skipped, block, outputs, 1);
    else
        N(paths_layers)(net, start, skipped, block, outputs, VECTORS);
}

static void N(paths_gates_of_one)(const float *x, Py_ssize_t n, const float *weights,
                                  const float *from, Py_ssize_t size, float *gates) {
    for (Py_ssize_t j = 0; j < size; j += LANES) {
        N(paths_vec) acc = *(const N(paths_loose) *)(from + j);
        for (Py_ssize_t i = 0; i < n; i++)
            acc += *(const N(paths_loose) *)(weights + i * size + j) * x[i];
        *(N(paths_loose) *)(gates + j) = acc;
    }
}

static const algos_paths_table N(paths_table) = {LANES, VECTORS, N(paths_step),
                                                 N(paths_gates_of_one)};

#undef N
#undef LANES
#undef SPREAD
#undef VECTORS
