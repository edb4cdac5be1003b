/* Memory of the network's lanes for one element type T: see _deepar_lane.h. */
/* An aligned copy of the weights, and transposed ones for the backward pass. */
typedef struct {
    T *own;
    T *input[ALGOS_DEEPAR_LAYERS];     /* (4 width, width), but for layer 0 */
    T *recurrent[ALGOS_DEEPAR_LAYERS]; /* (4 width, width) */
    T *head;                           /* (outputs, width) */
    T *from_static;                    /* (4 width, static_width) */
} N(weights);

/* Memory of one lane. */
typedef struct {
    ptrdiff_t first, rows, number;
    T *grads;               /* like the weights; NULL: forward only */
    T *x;                   /* (steps, rows, inputs) */
    T *s;                   /* (rows, statics) */
    T *start;               /* (rows, 4 width): bias of layer 0 */
    T *target, *mask, *scale; /* (steps, rows) */
    T *head;                /* (steps, rows, 8): outputs, then their slopes */
    T *gates[ALGOS_DEEPAR_LAYERS];  /* (steps, rows, 4 width): [i f g o], then dL/dz */
    T *c[ALGOS_DEEPAR_LAYERS], *h[ALGOS_DEEPAR_LAYERS]; /* (1 + steps, rows, width) */
    T *tanh_c[ALGOS_DEEPAR_LAYERS]; /* (steps, rows, width) */
    T *below[ALGOS_DEEPAR_LAYERS];  /* (steps, rows, width): inputs of layers > 0 */
    uint8_t *flips[ALGOS_DEEPAR_LAYERS][ALGOS_DEEPAR_MASKS]; /* (steps, rows, width) */
    T *dh;                          /* (chunk, rows, width), from above */
    T *after[ALGOS_DEEPAR_LAYERS], *dc[ALGOS_DEEPAR_LAYERS]; /* (rows, width), from behind */
    T *sum[ALGOS_DEEPAR_LAYERS];    /* (rows, 4 width): dL/dz, of all steps */
    T *ds;                          /* (rows, static_width) */
    T *kept;                        /* (rows, width): slopes of what was held */
    T *zeros;
} N(lane);

/* Room for so many numbers; with base NULL memory is only measured. */
static T *N(take)(char *base, size_t *used, ptrdiff_t count) {
    T *here = base == NULL ? NULL : (T *)(base + *used);
    *used += (sizeof(T) * (size_t)count + 63) / 64 * 64;
    return here;
}

static size_t N(place_weights)(const algos_deepar_job *job, char *base, N(weights) *w) {
    const ptrdiff_t width = job->width, wide = 4 * width;
    size_t used = 0;
    w->own = N(take)(base, &used, algos_deepar_size(job));
    for (ptrdiff_t l = 0; l < job->layers; l++) {
        w->input[l] = N(take)(base, &used, l ? wide * width : 0);
        w->recurrent[l] = N(take)(base, &used, wide * width);
    }
    w->head = N(take)(base, &used, job->n_outputs * width);
    w->from_static = N(take)(base, &used, wide * job->static_width);
    return used;
}

/* No bias, for a row or for all rows of a lane. */
static ptrdiff_t N(n_zeros)(const algos_deepar_job *job) {
    const ptrdiff_t size = job->lane_rows * job->width;
    return size > job->static_width ? size : job->static_width;
}

static size_t N(place_lane)(const algos_deepar_job *job, char *base, N(lane) *lane) {
    const ptrdiff_t rows = job->lane_rows, width = job->width, wide = 4 * width;
    const ptrdiff_t n = job->most_steps * rows, size = rows * width, all = n * width;
    size_t used = 0;
    lane->x = N(take)(base, &used, n * job->n_inputs);
    lane->s = N(take)(base, &used, rows * job->n_static);
    lane->start = N(take)(base, &used, rows * wide);
    lane->target = N(take)(base, &used, n);
    lane->mask = N(take)(base, &used, n);
    lane->scale = N(take)(base, &used, n);
    lane->head = N(take)(base, &used, n * ALGOS_DEEPAR_HEAD);
    for (ptrdiff_t l = 0; l < job->layers; l++) {
        lane->gates[l] = N(take)(base, &used, 4 * all);
        lane->c[l] = N(take)(base, &used, size + all);
        lane->h[l] = N(take)(base, &used, size + all);
        lane->tanh_c[l] = N(take)(base, &used, all);
        lane->below[l] = N(take)(base, &used, l ? all : 0);
        for (int what = 0; what < ALGOS_DEEPAR_MASKS; what++)
            lane->flips[l][what] = (uint8_t *)N(take)(base, &used, all / (ptrdiff_t)sizeof(T) + 1);
        lane->after[l] = N(take)(base, &used, size);
        lane->dc[l] = N(take)(base, &used, size);
        lane->sum[l] = N(take)(base, &used, 4 * size);
    }
    lane->dh = N(take)(base, &used, ALGOS_DEEPAR_CHUNK * size);
    lane->ds = N(take)(base, &used, rows * job->static_width);
    lane->kept = N(take)(base, &used, size);
    lane->zeros = N(take)(base, &used, N(n_zeros)(job));
    return used;
}

static size_t N(shared_bytes)(const algos_deepar_job *job) {
    N(weights) w;
    return N(place_weights)(job, NULL, &w);
}
static size_t N(lane_bytes)(const algos_deepar_job *job) {
    N(lane) lane;
    return N(place_lane)(job, NULL, &lane);
}

static void N(transpose)(const T *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t ldx, T *out,
                         ptrdiff_t ldo) {
    for (ptrdiff_t j = 0; j < columns; j++)
        for (ptrdiff_t i = 0; i < rows; i++)
            out[j * ldo + i] = x[i * ldx + j];
}

/* Copy the weights, and transpose those that the way back multiplies by. */
static void N(prepare)(const algos_deepar_job *job) {
    const ptrdiff_t width = job->width, wide = 4 * width;
    N(weights) place, *w = &place;
    N(place_weights)(job, job->shared, w);
    memcpy(w->own, job->weights, sizeof(T) * algos_deepar_size(job));
    if (job->grads == NULL)
        return;
    for (ptrdiff_t l = 0; l < job->layers; l++) {
        if (l)
            N(transpose)(OWN(AT_INPUT(l)), width, wide, wide, w->input[l], width);
        N(transpose)(OWN(AT_RECURRENT(l)), width, wide, wide, w->recurrent[l], width);
    }
    N(transpose)(OWN(AT_HEAD), width, job->n_outputs, ALGOS_DEEPAR_HEAD, w->head, width);
    if (job->n_categories)
        N(transpose)(OWN(AT_STATIC), job->n_static, wide, wide, w->from_static,
                     job->static_width);
}
