/* Block updates for one element type and one instruction set: see _fm_block.h. */
#define T ALGOS_T
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(T) < 8 ? ALGOS_BYTES / sizeof(T) : 8))
#define SPREAD(x) ((x) - (N(fm_vec)){0})

#define WIDTH (ALGOS_BYTES / sizeof(T) < 8 ? ALGOS_BYTES : 8 * sizeof(T))

typedef T N(fm_vec) __attribute__((vector_size(WIDTH)));
typedef T N(fm_loose) __attribute__((vector_size(WIDTH), aligned(sizeof(T)), may_alias));
typedef double N(fm_eight) __attribute__((vector_size(64), aligned(8), may_alias));

/* A few rows of a feature: what the sums and the errors need of them. */
typedef struct {
    const T *h, *weighted; /* (rows, stride): h, and p h */
    Py_ssize_t stride;
    T x[ALGOS_FM_ROWS], px[ALGOS_FM_ROWS], pe[ALGOS_FM_ROWS];
} N(fm_rows);

/* h[0:width] of one entry whose row has just one other value, 1. */
ALGOS_INLINE void N(fm_copy)(const T *restrict v, Py_ssize_t width, T *restrict h) {
    for (Py_ssize_t f = 0; f < width; f += LANES)
        *(N(fm_loose) *)(h + f) = *(const N(fm_loose) *)(v + f);
}

/* h[0:width] = x Σ_{l≠j} x_l v_l, factors from `first` on. */
ALGOS_INLINE void N(fm_gather_row)(const algos_fm_problem *problem, Py_ssize_t row,
                                   int32_t feature, T x, Py_ssize_t first, Py_ssize_t width,
                                   T *restrict h) {
    const T *restrict values = problem->row_values;
    const T *restrict factors = (const T *)problem->factors + first;
    const Py_ssize_t begin = problem->indptr[row], end = problem->indptr[row + 1];
    for (Py_ssize_t f = 0; f < width; f += LANES) {
        N(fm_vec) sum = {0};
        for (Py_ssize_t p = begin; p < end; p++) {
            const int32_t column = problem->indices[p];
            const T value = column == feature ? 0 : values ? values[p] : 1;
            sum += SPREAD(value) *
                   *(const N(fm_loose) *)(factors + column * problem->stride + f);
        }
        *(N(fm_loose) *)(h + f) = SPREAD(x) * sum;
    }
}

/* The same from the row's sum. */
ALGOS_INLINE void N(fm_subtract)(const T *restrict sum, const T *restrict v, T x,
                                 Py_ssize_t width, T *restrict h) {
    for (Py_ssize_t f = 0; f < width; f += LANES)
        *(N(fm_loose) *)(h + f) =
            SPREAD(x) * (*(const N(fm_loose) *)(sum + f) -
                         SPREAD(x) * *(const N(fm_loose) *)(v + f));
}

/* h of a feature's entries [begin, begin + count), factors [first, first + width). */
ALGOS_INLINE void N(fm_gather)(const algos_fm_problem *problem, Py_ssize_t feature,
                               Py_ssize_t begin, Py_ssize_t count, Py_ssize_t first,
                               Py_ssize_t width, T *restrict h) {
    const T *values = problem->values;
    const T *factors = (const T *)problem->factors + first;
    const Py_ssize_t stride = problem->stride;
    if (problem->partners) {
        const int32_t *partners = problem->partners + begin;
        for (Py_ssize_t r = 0; r < count; r++)
            N(fm_copy)(factors + partners[r] * stride, width, h + r * width);
        return;
    }
    for (Py_ssize_t r = 0; r < count; r++) {
        const Py_ssize_t row = problem->rows[begin + r];
        const T x = values ? values[begin + r] : 1;
        if (problem->sums)
            N(fm_subtract)((const T *)problem->sums + row * stride + first,
                           factors + feature * stride, x, width, h + r * width);
        else
            N(fm_gather_row)(problem, row, (int32_t)feature, x, first, width, h + r * width);
    }
}

/* Prefetch the contents of the entries' rows. */
ALGOS_INLINE void N(fm_fetch)(const algos_fm_problem *problem, Py_ssize_t begin,
                              Py_ssize_t end) {
    const T *errors = problem->errors, *sums = problem->sums;
    for (Py_ssize_t p = begin; p < end; p++) {
        __builtin_prefetch(errors + problem->rows[p]);
        if (sums)
            __builtin_prefetch(sums + problem->rows[p] * problem->stride);
    }
}

/* x, p x, p e and p h of entries whose h is in `rows`. */
ALGOS_INLINE void N(fm_weigh)(const algos_fm_problem *problem, Py_ssize_t begin,
                              Py_ssize_t count, Py_ssize_t width, T *restrict weighted,
                              N(fm_rows) *rows) {
    const T *restrict values = problem->values, *restrict weights = problem->weights;
    const T *restrict errors = problem->errors;
    const int32_t *restrict index = problem->rows + begin;
    rows->weighted = weights ? weighted : rows->h;
    for (Py_ssize_t r = 0; r < count; r++) {
        const T p = weights ? weights[index[r]] : 1;
        rows->x[r] = values ? values[begin + r] : 1;
        rows->px[r] = p * rows->x[r];
        rows->pe[r] = p * errors[index[r]];
        if (weights)
            for (Py_ssize_t f = 0; f < width; f += LANES)
                *(N(fm_loose) *)(weighted + r * rows->stride + f) =
                    SPREAD(p) * *(const N(fm_loose) *)(rows->h + r * rows->stride + f);
    }
}

ALGOS_INLINE void N(fm_flush)(N(fm_vec) sum, double *restrict out) {
    for (int i = 0; i < LANES; i++)
        out[i] += sum[i];
}

/* Eight rows of Σ p h h', and below the first of them Σ p x h and Σ p e h: LANES columns. */
ALGOS_INLINE void N(fm_tile)(const N(fm_rows) *rows, Py_ssize_t count, Py_ssize_t i,
                             Py_ssize_t j, Py_ssize_t padded, double *restrict out) {
    const T *restrict h = rows->h + j, *restrict weighted = rows->weighted + i;
    const Py_ssize_t stride = rows->stride;
    N(fm_vec) sum[8] = {{0}}, border[2] = {{0}};
    if (i == 0) {
        for (Py_ssize_t r = 0; r < count; r++) {
            const N(fm_vec) v = *(const N(fm_loose) *)(h + r * stride);
#pragma GCC unroll 8
            for (int l = 0; l < 8; l++)
                sum[l] += SPREAD(weighted[r * stride + l]) * v;
            border[0] += SPREAD(rows->px[r]) * v;
            border[1] += SPREAD(rows->pe[r]) * v;
        }
        N(fm_flush)(border[0], out + padded * padded + j);
        N(fm_flush)(border[1], out + (padded + 1) * padded + j);
    } else {
        for (Py_ssize_t r = 0; r < count; r++) {
            const N(fm_vec) v = *(const N(fm_loose) *)(h + r * stride);
#pragma GCC unroll 8
            for (int l = 0; l < 8; l++)
                sum[l] += SPREAD(weighted[r * stride + l]) * v;
        }
    }
#pragma GCC unroll 8
    for (int l = 0; l < 8; l++)
        N(fm_flush)(sum[l], out + (i + l) * padded + j);
}

ALGOS_INLINE void N(fm_add_rows)(const N(fm_rows) *rows, Py_ssize_t count, Py_ssize_t padded,
                                 algos_fm_sums *sums) {
    double square = 0, slope = 0;
    for (Py_ssize_t i = 0; i < padded; i += 8)
        for (Py_ssize_t j = i; j < padded; j += LANES)
            N(fm_tile)(rows, count, i, j, padded, sums->products);
    for (Py_ssize_t r = 0; r < count; r++) {
        square += (double)rows->px[r] * rows->x[r];
        slope += (double)rows->pe[r] * rows->x[r];
    }
    sums->square += square;
    sums->slope += slope;
}

/* `room`: two blocks of rows, the first for h where it is not kept. */
ALGOS_INLINE void N(fm_add_entries)(const algos_fm_problem *problem, Py_ssize_t feature,
                                    const algos_fm_part *part, Py_ssize_t begin,
                                    Py_ssize_t end, const T *kept, T *room,
                                    algos_fm_sums *sums) {
    N(fm_rows) rows;
    const Py_ssize_t stride = kept ? problem->stride : part->padded;
    rows.stride = stride;
    for (Py_ssize_t p = begin; p < end; p += ALGOS_FM_ROWS) {
        const Py_ssize_t count = end - p < ALGOS_FM_ROWS ? end - p : ALGOS_FM_ROWS;
        const Py_ssize_t next = p + count, after = next + ALGOS_FM_ROWS;
        rows.h = kept ? kept + (p - begin) * stride + part->first : room;
        N(fm_fetch)(problem, next, after < end ? after : end);
        if (!kept)
            N(fm_gather)(problem, feature, p, count, part->first, part->padded, room);
        N(fm_weigh)(problem, p, count, part->padded, room + ALGOS_FM_ROWS * problem->stride,
                    &rows);
        N(fm_add_rows)(&rows, count, part->padded, sums);
    }
}

static void N(fm_add)(const algos_fm_problem *problem, Py_ssize_t feature,
                      const algos_fm_part *part, Py_ssize_t begin, Py_ssize_t end, void *room,
                      algos_fm_sums *sums) {
    N(fm_add_entries)(problem, feature, part, begin, end, NULL, room, sums);
}

/* h'δ of some rows. */
ALGOS_INLINE void N(fm_changes)(const T *restrict h, Py_ssize_t stride, Py_ssize_t count,
                                Py_ssize_t padded, const T *restrict step,
                                T *restrict changes) {
    for (Py_ssize_t r = 0; r < count; r++) {
        N(fm_vec) sum = {0};
        for (Py_ssize_t f = 0; f < padded; f += LANES)
            sum += *(const N(fm_loose) *)(h + r * stride + f) *
                   *(const N(fm_loose) *)(step + f);
        T lanes[8];
        *(N(fm_loose) *)lanes = sum;
#pragma GCC unroll 3
        for (int half = LANES / 2; half >= 1; half /= 2)
#pragma GCC unroll 4
            for (int l = 0; l < half; l++)
                lanes[l] += lanes[l + half];
        changes[r] = lanes[0];
    }
}

/* The rows' sums Σ x v after a step of one column. */
ALGOS_INLINE void N(fm_carry)(const algos_fm_problem *problem, const algos_fm_part *part,
                              Py_ssize_t begin, Py_ssize_t count, const T *restrict step) {
    const T *restrict values = problem->values;
    for (Py_ssize_t r = 0; r < count; r++) {
        const Py_ssize_t row = problem->rows[begin + r];
        T *restrict total = (T *)problem->sums + row * problem->stride + part->first;
        const T x = values ? values[begin + r] : 1;
        for (Py_ssize_t f = 0; f < part->padded; f += LANES)
            *(N(fm_loose) *)(total + f) += SPREAD(x) * *(const N(fm_loose) *)(step + f);
    }
}

/* e -= h'δ + x δ_w, with the rows' sums updated as well. */
ALGOS_INLINE void N(fm_apply_entries)(const algos_fm_problem *problem, Py_ssize_t feature,
                                      const algos_fm_part *part, Py_ssize_t begin,
                                      Py_ssize_t end, const T *kept, T *room,
                                      const algos_fm_step *found) {
    const T *restrict values = problem->values;
    T *restrict errors = problem->errors;
    const Py_ssize_t stride = kept ? problem->stride : part->padded;
    const T linear = part->linear ? (T)found->step[part->size] : 0;
    T step[ALGOS_FM_PART] = {0}, changes[ALGOS_FM_ROWS];
    for (Py_ssize_t f = 0; f < part->size; f++)
        step[f] = (T)found->step[f];
    for (Py_ssize_t p = begin; p < end; p += ALGOS_FM_ROWS) {
        const Py_ssize_t count = end - p < ALGOS_FM_ROWS ? end - p : ALGOS_FM_ROWS;
        const T *h = kept ? kept + (p - begin) * stride + part->first : room;
        if (!kept)
            N(fm_gather)(problem, feature, p, count, part->first, part->padded, room);
        N(fm_changes)(h, stride, count, part->padded, step, changes);
        for (Py_ssize_t r = 0; r < count; r++) {
            const T x = values ? values[p + r] : 1;
            errors[problem->rows[p + r]] -= changes[r] + x * linear;
        }
        if (problem->sums)
            N(fm_carry)(problem, part, p, count, step);
    }
}

static void N(fm_apply)(const algos_fm_problem *problem, Py_ssize_t feature,
                        const algos_fm_part *part, Py_ssize_t begin, Py_ssize_t end,
                        const algos_fm_step *found, void *room) {
    N(fm_apply_entries)(problem, feature, part, begin, end, NULL, room, found);
}

/* Make the part's system: A above the diagonal, the right-hand side as its last column. */
ALGOS_INLINE void N(fm_system)(const algos_fm_problem *problem, Py_ssize_t feature,
                               const algos_fm_part *part, const algos_fm_sums *sums,
                               double *restrict A, double *restrict at) {
    const Py_ssize_t size = part->size, m = size + part->linear, padded = part->padded;
    const Py_ssize_t prior = (problem->groups ? problem->groups[feature] : 0) * (problem->k + 1);
    const double *restrict products = sums->products;
    const double p = problem->precision;
    const T *v = (const T *)problem->factors + feature * problem->stride + part->first;
    for (Py_ssize_t i = 0; i < size; i++) {
        for (Py_ssize_t j = i; j < size; j++)
            A[i * ALGOS_FM_WIDTH + j] = p * products[i * padded + j];
        A[i * ALGOS_FM_WIDTH + size] = p * products[padded * padded + i];
        A[i * ALGOS_FM_WIDTH + m] = p * products[(padded + 1) * padded + i];
        at[i] = v[i];
    }
    if (part->linear) {
        A[size * ALGOS_FM_WIDTH + size] = p * sums->square;
        A[size * ALGOS_FM_WIDTH + m] = p * sums->slope;
        at[size] = ((const T *)problem->linear)[feature];
    }
    for (Py_ssize_t i = 0; i < m; i++) {
        const Py_ssize_t c = prior + (i < size ? part->first + i : problem->k);
        A[i * ALGOS_FM_WIDTH + i] += problem->penalties[c];
        A[i * ALGOS_FM_WIDTH + m] += problem->penalties[c] * (problem->means[c] - at[i]);
    }
}

/* A = L D L', L' in the rows of A, the right-hand side becoming L⁻¹ b; inverse = D⁻¹, and 0
 * for directions that rows and penalties determine no better than rounding does. */
ALGOS_INLINE void N(fm_factor)(double *restrict A, Py_ssize_t m, double *restrict inverse) {
    double least[ALGOS_FM_WIDTH];
    for (Py_ssize_t i = 0; i < m; i++)
        least[i] = (sizeof(T) == 4 ? 1e-7 : 1e-14) * A[i * ALGOS_FM_WIDTH + i];
    for (Py_ssize_t p = 0; p < m; p++) {
        const double *restrict pivot = A + p * ALGOS_FM_WIDTH;
        inverse[p] = pivot[p] > least[p] ? 1 / pivot[p] : 0;
        for (Py_ssize_t i = p + 1; i < m; i++) {
            const double ratio = pivot[i] * inverse[p];
            double *restrict row = A + i * ALGOS_FM_WIDTH;
            for (Py_ssize_t j = i & ~(Py_ssize_t)7; j <= m; j += 8)
                *(N(fm_eight) *)(row + j) -= ratio * *(const N(fm_eight) *)(pivot + j);
        }
    }
}

/* The step δ ~ N(A⁻¹ b, A⁻¹), or A⁻¹ b itself, as T holds it. */
static void N(fm_solve)(const algos_fm_problem *problem, Py_ssize_t feature,
                        const algos_fm_part *part, algos_rng *rng, const algos_fm_sums *sums,
                        algos_fm_step *found) {
    double A[(ALGOS_FM_PART + 1) * ALGOS_FM_WIDTH] __attribute__((aligned(64)));
    double at[ALGOS_FM_PART + 1], inverse[ALGOS_FM_WIDTH];
    double noise[ALGOS_FM_WIDTH] = {0}, step[ALGOS_FM_WIDTH];
    double right[ALGOS_FM_WIDTH], spread[ALGOS_FM_WIDTH];
    const Py_ssize_t m = part->size + part->linear;
    memset(A, 0, sizeof(double) * m * ALGOS_FM_WIDTH);
    N(fm_system)(problem, feature, part, sums, A, at);
    N(fm_factor)(A, m, inverse);
    if (problem->is_random)
        algos_fm_normals(rng, m, noise);
    for (Py_ssize_t i = 0; i < m; i++) {
        right[i] = A[i * ALGOS_FM_WIDTH + m];
        spread[i] = __builtin_sqrt(inverse[i]);
    }
    for (Py_ssize_t i = m - 1; i >= 0; i--) {
        const double *restrict column = A + i;
        step[i] = right[i] * inverse[i] + noise[i] * spread[i];
        for (Py_ssize_t p = 0; p < i; p++)
            right[p] -= column[p * ALGOS_FM_WIDTH] * step[i];
    }
    for (Py_ssize_t i = 0; i < m; i++) {
        const T to = (T)(at[i] + step[i]);
        found->to[i] = to;
        found->step[i] = to - (T)at[i];
    }
}

static void N(fm_commit)(const algos_fm_problem *problem, Py_ssize_t feature,
                         const algos_fm_part *part, const algos_fm_step *found) {
    T *v = (T *)problem->factors + feature * problem->stride + part->first;
    for (Py_ssize_t i = 0; i < part->size; i++)
        v[i] = (T)found->to[i];
    if (part->linear)
        ((T *)problem->linear)[feature] = (T)found->to[part->size];
}

static void N(fm_feature)(const algos_fm_problem *problem, Py_ssize_t feature,
                          Py_ssize_t kept, void *scratch) {
    const Py_ssize_t begin = problem->starts[feature], end = problem->starts[feature + 1];
    const Py_ssize_t parts = algos_fm_parts(problem->k);
    T *room = (T *)scratch + kept * problem->stride;
    T *h = end - begin <= kept ? scratch : NULL;
    algos_fm_sums sums;
    algos_fm_step found;
    algos_rng rng;
    algos_rng_start(&rng, problem->key, (uint64_t)feature, problem->sweep);
    N(fm_fetch)(problem, begin, end - begin < ALGOS_FM_ROWS ? end : begin + ALGOS_FM_ROWS);
    if (h)
        N(fm_gather)(problem, feature, begin, end - begin, 0, problem->stride, h);
    for (Py_ssize_t i = 0; i < parts; i++) {
        const algos_fm_part part = algos_fm_part_of(problem->k, i);
        memset(sums.products, 0, sizeof(double) * (part.padded + 2) * part.padded);
        sums.square = sums.slope = 0;
        N(fm_add_entries)(problem, feature, &part, begin, end, h, room, &sums);
        N(fm_solve)(problem, feature, &part, &rng, &sums, &found);
        N(fm_apply_entries)(problem, feature, &part, begin, end, h, room, &found);
        N(fm_commit)(problem, feature, &part, &found);
    }
}

/* Σ_f (q_f² - Σ x² v_f²) / 2 with q = Σ x v, eight factors at a time. */
ALGOS_INLINE double N(fm_pairs)(const algos_fm_problem *problem, Py_ssize_t row) {
    const T *restrict values = problem->row_values, *restrict factors = problem->factors;
    const Py_ssize_t begin = problem->indptr[row], end = problem->indptr[row + 1];
    const Py_ssize_t stride = problem->stride;
    double pairs = 0;
    for (Py_ssize_t f = 0; f < stride; f += 8) {
        double sum[8] = {0}, squares[8] = {0};
        for (Py_ssize_t p = begin; p < end; p++) {
            const T *restrict v = factors + problem->indices[p] * stride + f;
            const double x = values ? values[p] : 1;
            for (int i = 0; i < 8; i++) {
                const double part = x * v[i];
                sum[i] += part;
                squares[i] += part * part;
            }
        }
        for (int i = 0; i < 8; i++)
            pairs += sum[i] * sum[i] - squares[i];
        if (problem->sums)
            for (int i = 0; i < 8; i++)
                ((T *)problem->sums)[row * stride + f + i] = (T)sum[i];
    }
    return pairs / 2;
}

static void N(fm_restore)(const algos_fm_problem *problem, Py_ssize_t begin, Py_ssize_t end,
                          const void *target, double intercept) {
    const T *restrict values = problem->row_values, *restrict linear = problem->linear;
    for (Py_ssize_t row = begin; row < end; row++) {
        double score = intercept + N(fm_pairs)(problem, row);
        for (Py_ssize_t p = problem->indptr[row]; p < problem->indptr[row + 1]; p++)
            score += (values ? (double)values[p] : 1.0) * linear[problem->indices[p]];
        ((T *)problem->errors)[row] = (T)(((const T *)target)[row] - score);
    }
}

static const algos_fm_block N(fm_block) = {N(fm_feature), N(fm_add),    N(fm_solve),
                                           N(fm_apply),   N(fm_commit), N(fm_restore)};

#undef T
#undef N
#undef LANES
#undef WIDTH
#undef SPREAD
