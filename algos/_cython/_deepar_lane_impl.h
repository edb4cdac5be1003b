/* One lane for one element type T, whose suffix is S: see _deepar_lane.h. */
#define N3(f, s) algos_deepar_##f##_##s
#define N2(f, s) N3(f, s)
#define N(f) N2(f, S)

#define PRODUCT N(product)

#include "_deepar_room_impl.h"

/* Copy the lane's windows from the batch, and compute the product with the static inputs. */
static void N(load)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane) {
    const ptrdiff_t rows = lane->rows, n = job->n_inputs;
    for (ptrdiff_t t = 0; t < job->steps; t++) {
        const ptrdiff_t from = t * job->windows + lane->first;
        if (n)
            memcpy(lane->x + t * rows * n, (const T *)job->x + from * n, sizeof(T) * rows * n);
        memcpy(lane->target + t * rows, (const T *)job->targets + from, sizeof(T) * rows);
        memcpy(lane->mask + t * rows, (const T *)job->mask + from, sizeof(T) * rows);
        memcpy(lane->scale + t * rows, (const T *)job->scale + lane->first, sizeof(T) * rows);
    }
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t window = lane->first + r;
        T *s = lane->s + r * job->n_static;
        for (ptrdiff_t j = 0; j < job->n_reals; j++)
            *s++ = ((const T *)job->reals)[window * job->n_reals + j];
        for (ptrdiff_t j = 0; j < job->n_categories; j++) {
            const ptrdiff_t size = job->categories[2 * j + 1];
            const ptrdiff_t value = job->values[window * job->n_categories + j];
            memcpy(s, OWN(AT_EMBEDDING(j)) + value * size, sizeof(T) * size);
            s += size;
        }
    }
    PRODUCT->multiply(OWN(AT_BIAS(0)), 0, lane->s, job->n_static, rows, job->n_static,
                      OWN(AT_STATIC), 4 * job->width, lane->start, 4 * job->width);
}

/* All random bytes of the lane; none if only the loss is computed. */
static void N(flip_all)(const algos_deepar_job *job, N(lane) *lane) {
    const ptrdiff_t n = job->steps * lane->rows * job->width;
    for (ptrdiff_t l = 0; l < job->layers; l++)
        for (int what = 0; what < ALGOS_DEEPAR_MASKS; what++) {
            const int is_dropout = what == ALGOS_DEEPAR_DROPOUT;
            const uint32_t threshold = is_dropout ? job->dropout : job->zoneout;
            const uint64_t stream = (lane->number * job->layers + l) * ALGOS_DEEPAR_MASKS + what;
            if (threshold > 0 && lane->grads != NULL && (l > 0 || !is_dropout))
                algos_deepar_flip(job->key, stream, job->step, threshold, n,
                                  lane->flips[l][what]);
        }
}

/* x, or 0 where dropped, rescaled to keep the mean. */
ALGOS_CLONES static void N(drop)(const T *x, const uint8_t *restrict dropped, uint32_t threshold,
                                 ptrdiff_t n, T *out) {
    const T keep = (T)(65536.0 / (65536.0 - threshold));
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = x[i] * (dropped[i] ? (T)0 : keep);
}

ALGOS_CLONES static void N(hold)(const T *restrict before, const uint8_t *restrict held,
                                 ptrdiff_t n, T *restrict now) {
    for (ptrdiff_t i = 0; i < n; i++)
        now[i] = held[i] ? before[i] : now[i];
}

/* Backward: the slopes of kept values go to `kept`, for the step before, the rest stays. */
ALGOS_CLONES static void N(hold_back)(const uint8_t *restrict held, ptrdiff_t n,
                                      T *restrict slope, T *restrict kept) {
    for (ptrdiff_t i = 0; i < n; i++) {
        kept[i] = held[i] ? slope[i] : 0;
        slope[i] = held[i] ? 0 : slope[i];
    }
}

ALGOS_CLONES static void N(add)(const T *restrict x, ptrdiff_t n, T *restrict sum) {
    for (ptrdiff_t i = 0; i < n; i++)
        sum[i] += x[i];
}

/* Σ over rows of (rows, n). */
static void N(add_rows)(const T *x, ptrdiff_t rows, ptrdiff_t n, T *sum) {
    for (ptrdiff_t r = 0; r < rows; r++)
        N(add)(x + r * n, n, sum);
}

/* Steps [start, end) of layer l, forward. */
static void N(layer)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane, ptrdiff_t l,
                     ptrdiff_t start, ptrdiff_t end) {
    const ptrdiff_t rows = lane->rows, width = job->width, wide = 4 * width;
    const ptrdiff_t size = rows * width, k = l ? width : job->n_inputs;
    const ptrdiff_t from = start * size, n = (end - start) * size;
    const T *x = (l ? lane->below[l] : lane->x) + start * rows * k;
    T *gates = lane->gates[l] + start * rows * wide;
    if (l && job->dropout)
        N(drop)(lane->h[l - 1] + size + from, lane->flips[l][ALGOS_DEEPAR_DROPOUT] + from,
                job->dropout, n, lane->below[l] + from);
    if (l)
        PRODUCT->multiply(OWN(AT_BIAS(l)), 0, x, k, (end - start) * rows, k,
                          OWN(AT_INPUT(l)), wide, gates, wide);
    for (ptrdiff_t t = start; t < end; t++, gates += rows * wide) {
        const T *c = lane->c[l] + t * size, *h = lane->h[l] + t * size;
        T *next_c = lane->c[l] + (t + 1) * size, *next_h = lane->h[l] + (t + 1) * size;
        if (!l)
            PRODUCT->multiply(lane->start, wide, x + (t - start) * rows * k, k, rows, k,
                              OWN(AT_INPUT(l)), wide, gates, wide);
        PRODUCT->multiply(gates, wide, h, width, rows, width, OWN(AT_RECURRENT(l)), wide, gates,
                          wide);
        N(step)(gates, c, rows, width, next_c, lane->tanh_c[l] + t * size, next_h);
        if (job->zoneout && lane->grads == NULL) {
            N(linger)(c, (T)(job->zoneout / 65536.0), size, next_c);
            N(linger)(h, (T)(job->zoneout / 65536.0), size, next_h);
        } else if (job->zoneout) {
            N(hold)(c, lane->flips[l][ALGOS_DEEPAR_HOLD_C] + t * size, size, next_c);
            N(hold)(h, lane->flips[l][ALGOS_DEEPAR_HOLD_H] + t * size, size, next_h);
        }
    }
}

/* Outputs of the head, the lane's loss and, in place, its slopes. */
static void N(measure)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane) {
    const ptrdiff_t n = job->steps * lane->rows, width = job->width;
    const T *h = lane->h[job->layers - 1] + lane->rows * width;
    PRODUCT->multiply(OWN(AT_HEAD_BIAS), 0, h, width, n, width, OWN(AT_HEAD), ALGOS_DEEPAR_HEAD,
                      lane->head, ALGOS_DEEPAR_HEAD);
    PRODUCT->multiply(lane->head, ALGOS_DEEPAR_HEAD, lane->x, job->n_inputs, n, job->n_inputs,
                      OWN(AT_DIRECT), ALGOS_DEEPAR_HEAD, lane->head, ALGOS_DEEPAR_HEAD);
    job->losses[lane->number] =
        N(loss)(job->kind, lane->head, ALGOS_DEEPAR_HEAD, lane->target, lane->mask, lane->scale, n,
                lane->grads == NULL ? NULL : lane->head);
}

static void N(forward)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane) {
    const ptrdiff_t size = lane->rows * job->width;
    N(load)(job, w, lane);
    N(flip_all)(job, lane);
    for (ptrdiff_t l = 0; l < job->layers; l++) {
        memset(lane->c[l], 0, sizeof(T) * size);
        memset(lane->h[l], 0, sizeof(T) * size);
        if (l && !job->dropout)
            lane->below[l] = lane->h[l - 1] + size;
    }
    for (ptrdiff_t t = 0; t < job->steps; t += ALGOS_DEEPAR_CHUNK) {
        const ptrdiff_t left = job->steps - t;
        const ptrdiff_t end = t + (left < ALGOS_DEEPAR_CHUNK ? left : ALGOS_DEEPAR_CHUNK);
        for (ptrdiff_t l = 0; l < job->layers; l++)
            N(layer)(job, w, lane, l, t, end);
    }
    N(measure)(job, w, lane);
}

/* One step of layer l, backward: gates become dL/dz, dc and `after` those of the step before. */
static void N(step_of_layer_back)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane,
                                  ptrdiff_t l, ptrdiff_t t, T *dh) {
    const ptrdiff_t rows = lane->rows, width = job->width, wide = 4 * width;
    const ptrdiff_t size = rows * width;
    T *dz = lane->gates[l] + t * rows * wide, *after = lane->after[l], *dc = lane->dc[l];
    const T *tanh_c = lane->tanh_c[l] + t * size, *before = lane->c[l] + t * size;
    if (!job->zoneout) {
        N(step_back)(dz, tanh_c, before, dh, after, rows, width, dc);
        if (t)
            PRODUCT->multiply(lane->zeros, 0, dz, wide, rows, wide, w->recurrent[l], width,
                              after, width);
        return;
    }
    N(add)(after, size, dh);
    N(hold_back)(lane->flips[l][ALGOS_DEEPAR_HOLD_H] + t * size, size, dh, after);
    N(hold_back)(lane->flips[l][ALGOS_DEEPAR_HOLD_C] + t * size, size, dc, lane->kept);
    N(step_back)(dz, tanh_c, before, dh, lane->zeros, rows, width, dc);
    N(add)(lane->kept, size, dc);
    PRODUCT->multiply(after, width, dz, wide, rows, wide, w->recurrent[l], width, after,
                      width);
}

/* Steps [start, end) of layer l, backward; lane->dh is dL/dh from above, then from below. */
static void N(layer_back)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane,
                          ptrdiff_t l, ptrdiff_t start, ptrdiff_t end) {
    const ptrdiff_t rows = lane->rows, width = job->width, wide = 4 * width;
    const ptrdiff_t size = rows * width, n = (end - start) * rows, k = l ? width : job->n_inputs;
    const T *dz = lane->gates[l] + start * rows * wide;
    for (ptrdiff_t t = end - 1; t >= start; t--) {
        N(step_of_layer_back)(job, w, lane, l, t, lane->dh + (t - start) * size);
        N(add)(dz + (t - start) * rows * wide, rows * wide, lane->sum[l]);
    }
    PRODUCT->accumulate((l ? lane->below[l] : lane->x) + start * rows * k, k, dz, wide, n, k,
                        wide, SLOPE(AT_INPUT(l)));
    PRODUCT->accumulate(lane->h[l] + start * size, width, dz, wide, n, width, wide,
                        SLOPE(AT_RECURRENT(l)));
    if (!l)
        return;
    PRODUCT->multiply(lane->zeros, 0, dz, wide, n, wide, w->input[l], width, lane->dh, width);
    if (job->dropout)
        N(drop)(lane->dh, lane->flips[l][ALGOS_DEEPAR_DROPOUT] + start * size, job->dropout,
                n * width, lane->dh);
}

/* Slopes of biases, of static weights and of embeddings, from the sums over time. */
static void N(finish)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane) {
    const ptrdiff_t rows = lane->rows, wide = 4 * job->width;
    for (ptrdiff_t l = 0; l < job->layers; l++)
        N(add_rows)(lane->sum[l], rows, wide, SLOPE(AT_BIAS(l)));
    N(add_rows)(lane->head, job->steps * rows, ALGOS_DEEPAR_HEAD, SLOPE(AT_HEAD_BIAS));
    PRODUCT->accumulate(lane->s, job->n_static, lane->sum[0], wide, rows, job->n_static, wide,
                        SLOPE(AT_STATIC));
    if (job->n_categories == 0)
        return;
    PRODUCT->multiply(lane->zeros, 0, lane->sum[0], wide, rows, wide, w->from_static,
                      job->static_width, lane->ds, job->static_width);
    for (ptrdiff_t r = 0; r < rows; r++) {
        const T *ds = lane->ds + r * job->static_width + job->n_reals;
        for (ptrdiff_t j = 0; j < job->n_categories; j++) {
            const ptrdiff_t size = job->categories[2 * j + 1];
            const ptrdiff_t value = job->values[(lane->first + r) * job->n_categories + j];
            N(add)(ds, size, SLOPE(AT_EMBEDDING(j)) + value * size);
            ds += size;
        }
    }
}

static void N(backward)(const algos_deepar_job *job, const N(weights) *w, N(lane) *lane) {
    const ptrdiff_t rows = lane->rows, width = job->width, size = rows * width;
    const ptrdiff_t top = job->layers - 1;
    memset(lane->grads, 0, sizeof(T) * algos_deepar_size(job));
    memset(lane->zeros, 0, sizeof(T) * N(n_zeros)(job));
    for (ptrdiff_t l = 0; l < job->layers; l++) {
        memset(lane->after[l], 0, sizeof(T) * size);
        memset(lane->dc[l], 0, sizeof(T) * size);
        memset(lane->sum[l], 0, sizeof(T) * 4 * size);
    }
    for (ptrdiff_t end = job->steps; end > 0;) {
        const ptrdiff_t start = (end - 1) / ALGOS_DEEPAR_CHUNK * ALGOS_DEEPAR_CHUNK;
        const ptrdiff_t n = (end - start) * rows;
        T *slopes = lane->head + start * rows * ALGOS_DEEPAR_HEAD;
        PRODUCT->multiply(lane->zeros, 0, slopes, ALGOS_DEEPAR_HEAD, n, job->n_outputs,
                          w->head, width, lane->dh, width);
        PRODUCT->accumulate(lane->h[top] + (1 + start) * size, width, slopes, ALGOS_DEEPAR_HEAD,
                            n, width, ALGOS_DEEPAR_HEAD, SLOPE(AT_HEAD));
        PRODUCT->accumulate(lane->x + start * rows * job->n_inputs, job->n_inputs, slopes,
                            ALGOS_DEEPAR_HEAD, n, job->n_inputs, ALGOS_DEEPAR_HEAD,
                            SLOPE(AT_DIRECT));
        for (ptrdiff_t l = top; l >= 0; l--)
            N(layer_back)(job, w, lane, l, start, end);
        end = start;
    }
    N(finish)(job, w, lane);
}

static void N(run)(const algos_deepar_job *job, ptrdiff_t number, int slot) {
    const ptrdiff_t first = number * job->lane_rows, left = job->windows - first;
    N(weights) w;
    N(lane) lane;
    N(place_weights)(job, job->shared, &w);
    N(place_lane)(job, job->rooms + (size_t)slot * job->room, &lane);
    lane.number = number;
    lane.first = first;
    lane.rows = left < job->lane_rows ? left : job->lane_rows;
    lane.grads = job->grads == NULL ? NULL : (T *)job->grads + number * algos_deepar_size(job);
    N(forward)(job, &w, &lane);
    if (lane.grads != NULL)
        N(backward)(job, &w, &lane);
}

/* The lanes' gradients in lane order, summed in double. */
ALGOS_CLONES static void N(reduce)(const algos_deepar_job *job, T *restrict out) {
    const ptrdiff_t size = algos_deepar_size(job);
    for (ptrdiff_t start = 0; start < size; start += ALGOS_DEEPAR_STRIP) {
        const ptrdiff_t left = size - start;
        const ptrdiff_t n = left < ALGOS_DEEPAR_STRIP ? left : ALGOS_DEEPAR_STRIP;
        const T *restrict grads = (const T *)job->grads + start;
        double sum[ALGOS_DEEPAR_STRIP] = {0};
        for (ptrdiff_t lane = 0; lane < job->n_lanes; lane++, grads += size)
            for (ptrdiff_t i = 0; i < n; i++)
                sum[i] += (double)grads[i];
        for (ptrdiff_t i = 0; i < n; i++)
            out[start + i] = (T)sum[i];
    }
}

#undef N
#undef N2
#undef N3
#undef PRODUCT
