/* Both phases of a batch for one kind of rows; see _fm_steps.h. It is included with
 *   ALGOS_CASE   a name             ALGOS_ONES     whether all values are 1
 *   ALGOS_RANK   of the factors     ALGOS_OUTPUTS  models beside each other
 *   ALGOS_LANES  8 or 16: floats in a vector, of which the rank is a multiple
 */
#define N3(f, c) algos_fm_##f##_##c
#define N2(f, c) N3(f, c)
#define N(f) N2(f, ALGOS_CASE)
#define W ALGOS_LANES

typedef float N(vector) __attribute__((vector_size(4 * W), aligned(4), may_alias));
#define V N(vector)

ALGOS_INLINE float N(sum)(V a) {
    float part[W];
    *(V *)part = a;
    for (int width = W / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            part[i] += part[i + width];
    return part[0];
}

/* Bring to the cache what a row of `order` will need: its indices, or its columns. */
ALGOS_INLINE void N(fetch_indices)(const algos_fm_steps *job, const int64_t *order,
                                   ptrdiff_t at) {
    if (at < job->n_order) {
        const int64_t start = job->indptr[order[at]];
        __builtin_prefetch(job->indices + start);
        if (!(ALGOS_ONES))
            __builtin_prefetch(job->values + start);
    }
}

ALGOS_INLINE void N(fetch_columns)(const algos_fm_steps *job, const int64_t *order,
                                   ptrdiff_t at) {
    const ptrdiff_t size = 2 * (ALGOS_RANK) * (ALGOS_OUTPUTS);
    if (at >= job->n_order)
        return;
    const int64_t end = job->indptr[order[at] + 1];
    for (int64_t k = job->indptr[order[at]]; k < end; k++) {
        const float *row = job->table + job->indices[k] * size;
        for (ptrdiff_t i = 0; i < size; i += 16)
            __builtin_prefetch(row + i, 1);
        __builtin_prefetch(job->line + job->indices[k] * 2 * (ALGOS_OUTPUTS), 1);
    }
}

/* w x + (|q|² - sum x² |v|²) / 2 of one row and output; q is kept. */
ALGOS_INLINE float N(score_row)(const algos_fm_steps *job, int64_t row, int output,
                                float *restrict q) {
    enum { FIXED = 4 }; /* vectors of the largest rank with a case of its own */
    const int vectors = (ALGOS_RANK) / W;
    const ptrdiff_t size = 2 * (ALGOS_RANK) * (ALGOS_OUTPUTS);
    const float *table = job->table + 2 * (ALGOS_RANK) * output;
    const float *line = job->line + 2 * output;
    const int64_t end = job->indptr[row + 1];
    float linear = 0;
    V square = {0}, sum[FIXED] = {{0}};
    if (vectors > FIXED)
        memset(q, 0, sizeof(float) * (size_t)(ALGOS_RANK));
    for (int64_t k = job->indptr[row]; k < end; k++) {
        const float x = (ALGOS_ONES) ? 1.0f : job->values[k];
        const V *restrict v = (const V *)(table + job->indices[k] * size);
        linear += x * line[job->indices[k] * 2 * (ALGOS_OUTPUTS)];
        if (vectors <= FIXED) {
#pragma GCC unroll 4
            for (int i = 0; i < FIXED; i++)
                if (i < vectors) {
                    const V a = v[i] * x;
                    sum[i] += a;
                    square += a * a;
                }
        } else
            for (int i = 0; i < vectors; i++) {
                const V a = v[i] * x;
                ((V *)q)[i] += a;
                square += a * a;
            }
    }
    V part = -square;
    if (vectors <= FIXED) {
#pragma GCC unroll 4
        for (int i = 0; i < FIXED; i++)
            if (i < vectors) {
                ((V *)q)[i] = sum[i];
                part += sum[i] * sum[i];
            }
    } else
        for (int i = 0; i < vectors; i++)
            part += ((V *)q)[i] * ((V *)q)[i];
    return linear + 0.5f * N(sum)(part);
}

/* Phase 1, a part of the batch's rows: q, slopes and losses. */
ALGOS_CLONES static void N(gather)(algos_fm_steps *job, ptrdiff_t start, ptrdiff_t count,
                                   int part) {
    const ptrdiff_t rank = ALGOS_RANK;
    const int outputs = ALGOS_OUTPUTS;
    const ptrdiff_t first = start + count * part / job->parts;
    const ptrdiff_t end = start + count * (part + 1) / job->parts;
    const ptrdiff_t ahead = job->ahead;
    for (ptrdiff_t at = first; at < end; at++) {
        float *q = job->q + (at - start) * rank * outputs * (job->rival == NULL ? 1 : 2);
        float *z = job->slope + (at - start) * outputs;
        N(fetch_indices)(job, job->order, at + 2 * ahead);
        N(fetch_columns)(job, job->order, at + ahead);
        for (int c = 0; c < outputs; c++)
            z[c] = job->intercept[2 * c] + N(score_row)(job, job->order[at], c, q + c * rank);
        if (job->rival != NULL) {
            N(fetch_indices)(job, job->rival, at + 2 * ahead);
            N(fetch_columns)(job, job->rival, at + ahead);
            z[0] -= job->intercept[0] + N(score_row)(job, job->rival[at], 0, q + rank);
        }
    }
    algos_fm_take_targets(job, first, end - first, start);
}

/* One step of one column along g = scale p + shrink v, and along `slope` of its coefficient. */
ALGOS_INLINE void N(step_column)(const algos_fm_steps *job, ptrdiff_t column, int output,
                                 const float *restrict p, float scale, float shrink,
                                 float slope, float weight) {
    const int rank = ALGOS_RANK;
    const ptrdiff_t at = column * (ALGOS_OUTPUTS) + output;
    float *restrict v = job->table + 2 * rank * at;
    float *line = job->line + 2 * at;
    const float rate = job->rate, clip = job->clip, decay = shrink + weight * job->l2;
#pragma omp simd
    for (int i = 0; i < rank; i++) {
        const float g = algos_fm_bound(scale * p[i] + decay * v[i], clip);
        const float sum = v[rank + i] + g * g;
        v[rank + i] = sum;
        v[i] -= rate * g * algos_inverse_root(sum);
    }
    algos_fm_step_one(line, slope + weight * job->l2_linear * line[0], job->rate_linear, clip);
}

/* What a row adds to the step of a column that many rows of the batch have. */
ALGOS_INLINE void N(add_up)(const algos_fm_steps *job, ptrdiff_t place,
                            const float *restrict p, float scale, float shrink, float slope,
                            float weight) {
    const int rank = ALGOS_RANK;
    float *restrict sum = job->sums + place * (rank + ALGOS_FM_ASIDE);
#pragma omp simd
    for (int i = 0; i < rank; i++)
        sum[i] += scale * p[i];
    sum[rank] += shrink;
    sum[rank + 1] += slope;
    sum[rank + 2] += weight;
}

/* The steps of the columns that many rows of the batch have. */
ALGOS_INLINE void N(step_common)(const algos_fm_steps *job, int part) {
    const int rank = ALGOS_RANK, outputs = ALGOS_OUTPUTS;
    const ptrdiff_t size = rank + ALGOS_FM_ASIDE;
    for (ptrdiff_t s = 0; s < job->n_common; s++) {
        const int64_t column = job->common[s];
        if (column < job->cuts[part] || column >= job->cuts[part + 1])
            continue;
        for (int c = 0; c < outputs; c++) {
            float *sum = job->sums + (s * outputs + c) * size;
            if (sum[rank + 2] == 0)
                continue;
            N(step_column)(job, column, c, sum, 1.0f, sum[rank], sum[rank + 1],
                           sum[rank + 2]);
            memset(sum, 0, sizeof(float) * (size_t)size);
        }
    }
}

/* Phase 2, a part of the columns. */
ALGOS_CLONES static void N(step)(algos_fm_steps *job, ptrdiff_t start, ptrdiff_t count,
                                 int part) {
    const ptrdiff_t rank = ALGOS_RANK;
    const int outputs = ALGOS_OUTPUTS;
    const int32_t low = (int32_t)job->cuts[part], high = (int32_t)job->cuts[part + 1];
    if (part == 0)
        algos_fm_intercept(job, start, count);
    for (ptrdiff_t r = 0; r < count; r++) {
        const int64_t row = job->order[start + r], end = job->indptr[row + 1];
        const float w = job->weight[row];
        const float *q = job->q + r * rank * outputs, *slope = job->slope + r * outputs;
        for (int64_t k = job->indptr[row]; k < end; k++) {
            const int32_t column = job->indices[k];
            if (column < low || column >= high)
                continue;
            const ptrdiff_t slot = job->slots[column];
            const float x = (ALGOS_ONES) ? 1.0f : job->values[k];
            for (int c = 0; c < outputs; c++) {
                const float e = slope[c] * x;
                if (slot < 0)
                    N(step_column)(job, column, c, q + c * rank, e, -e * x, e, w);
                else
                    N(add_up)(job, slot * outputs + c, q + c * rank, e, -e * x, e, w);
            }
        }
    }
    N(step_common)(job, part);
}

ALGOS_CLONES static void N(score)(const algos_fm_steps *job, ptrdiff_t first, ptrdiff_t count,
                                  float *z) {
    const int outputs = ALGOS_OUTPUTS;
    float q[ALGOS_FM_MOST_RANK];
    for (ptrdiff_t row = first; row < first + count; row++)
        for (int c = 0; c < outputs; c++)
            z[row * outputs + c] =
                job->intercept[2 * c] + N(score_row)(job, row, c, q);
}

#undef ALGOS_CASE
#undef ALGOS_RANK
#undef ALGOS_LANES
#undef ALGOS_OUTPUTS
#undef ALGOS_ONES
#undef N3
#undef N2
#undef N
#undef V
#undef W
