/* What is done with a batch, for one kind of rows; see _fm_steps.h. It is included with
 *   ALGOS_CASE   a name             ALGOS_ONES     whether all values are 1
 *   ALGOS_RANK   of the factors     ALGOS_OUTPUTS  models beside each other
 *   ALGOS_LANES  8: floats in a vector, of which the rank is a multiple; more do not fit the
 *                registers of most machines, and would be kept in memory
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

/* Bring to the cache what a member needs of a row of `order`, in three stages, each of which
 * needs what the one before has brought: where its parts begin, these, and their columns. */
ALGOS_INLINE void N(fetch_starts)(const algos_fm_steps *job, const int64_t *order,
                                  ptrdiff_t at) {
    if (at < job->n_order)
        __builtin_prefetch(algos_fm_starts(job, order[at]));
}

ALGOS_INLINE void N(fetch_values)(const algos_fm_steps *job, const algos_fm_member *own,
                                  const int64_t *order, ptrdiff_t at) {
    if (at >= job->n_order)
        return;
    const int64_t *starts = algos_fm_starts(job, order[at]);
    const int64_t begin = starts[own->first], end = starts[own->last];
    for (int64_t k = begin; k < end + 15; k += 16) { /* the lines of begin … end - 1 */
        __builtin_prefetch(job->indices + k);
        if (!(ALGOS_ONES))
            __builtin_prefetch(job->values + k);
    }
}

ALGOS_INLINE void N(fetch_column)(const algos_fm_steps *job, ptrdiff_t column) {
    const ptrdiff_t size = 2 * (ALGOS_RANK) * (ALGOS_OUTPUTS);
    const float *row = job->factor_state + column * size;
    for (ptrdiff_t i = 0; i < size; i += 16)
        __builtin_prefetch(row + i, 1);
    __builtin_prefetch(job->linear_state + column * 2 * (ALGOS_OUTPUTS), 1);
}

ALGOS_INLINE void N(fetch_columns)(const algos_fm_steps *job, const algos_fm_member *own,
                                   const int64_t *order, ptrdiff_t at) {
    const int64_t *starts = algos_fm_starts(job, order[at]);
    const int64_t end = starts[own->last];
    for (int64_t k = starts[own->first]; k < end; k++)
        N(fetch_column)(job, job->indices[k]);
}

/* Some values of one row and output: q = sum x v, and beside it 2 w x - sum x² |v|² in lanes. */
ALGOS_INLINE void N(score_part)(const algos_fm_steps *job, int64_t begin, int64_t end,
                                int output, float *restrict q) {
    enum { FIXED = 8 }; /* vectors of the largest rank with a case of its own */
    const int vectors = (ALGOS_RANK) / W;
    const ptrdiff_t size = 2 * (ALGOS_RANK) * (ALGOS_OUTPUTS);
    const float *factor_state = job->factor_state + 2 * (ALGOS_RANK) * output;
    const float *linear_state = job->linear_state + 2 * output;
    float linear = 0;
    V square = {0}, sum[FIXED] = {{0}};
    if (vectors > FIXED)
        memset(q, 0, sizeof(float) * (size_t)(ALGOS_RANK));
    for (int64_t k = begin; k < end; k++) {
        const float x = (ALGOS_ONES) ? 1.0f : job->values[k];
        const V *restrict v = (const V *)(factor_state + job->indices[k] * size);
        linear += x * linear_state[job->indices[k] * 2 * (ALGOS_OUTPUTS)];
        if (vectors <= FIXED) {
#pragma GCC unroll 8
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
    if (vectors <= FIXED) {
#pragma GCC unroll 8
        for (int i = 0; i < FIXED; i++)
            if (i < vectors)
                ((V *)q)[i] = sum[i];
    }
    *(V *)(q + (ALGOS_RANK)) = -square;
    q[ALGOS_RANK] += 2 * linear;
}

/* w x + (|q|² - sum x² |v|²) / 2 of the records of all parts, `apart` from each other. */
ALGOS_INLINE float N(add_parts)(const float *restrict record, ptrdiff_t apart, int parts,
                                int rank, float *restrict q) {
    V rest = *(const V *)(record + rank);
    for (int part = 1; part < parts; part++)
        rest += *(const V *)(record + part * apart + rank);
    for (int i = 0; i < rank; i += W) {
        V sum = *(const V *)(record + i);
        for (int part = 1; part < parts; part++)
            sum += *(const V *)(record + part * apart + i);
        *(V *)(q + i) = sum;
        rest += sum * sum;
    }
    return 0.5f * N(sum)(rest);
}

/* A row's q and score, of its records. */
ALGOS_INLINE void N(join_row)(const algos_fm_steps *job, algos_fm_member *own, ptrdiff_t r,
                              int side, const float *records, ptrdiff_t apart) {
    const int outputs = ALGOS_OUTPUTS, rank = ALGOS_RANK;
    float *q = own->q + (r * job->sides + side) * outputs * rank;
    float *z = own->slope + r * outputs;
    for (int c = 0; c < outputs; c++) {
        const float score = N(add_parts)(records + c * (rank + ALGOS_FM_ASIDE), apart,
                                         job->parts, rank, q + c * rank);
        z[c] = side == 0 ? own->intercept[2 * c] + score : z[c] - own->intercept[2 * c] - score;
    }
}

/* A member's records of a batch; if it is alone, the rows' scores and q. */
ALGOS_CLONES static void N(gather)(const algos_fm_steps *job, algos_fm_member *own,
                                   ptrdiff_t start, ptrdiff_t count) {
    const int outputs = ALGOS_OUTPUTS, is_alone = job->members == 1;
    const ptrdiff_t record = outputs * ((ALGOS_RANK) + ALGOS_FM_ASIDE), ahead = job->ahead;
    const ptrdiff_t apart = is_alone ? record : job->batch * job->sides * record;
    for (int side = 0; side < job->sides; side++) {
        const int64_t *order = side == 0 ? job->order : job->rival;
        for (ptrdiff_t r = -ahead; r < count; r++) {
            N(fetch_starts)(job, order, start + r + 3 * ahead);
            N(fetch_values)(job, own, order, start + r + 2 * ahead);
            if (r + ahead < count)
                N(fetch_columns)(job, own, order, start + r + ahead);
            if (r < 0)
                continue;
            const int64_t *starts = algos_fm_starts(job, order[start + r]);
            float *to = algos_fm_records(job, start) +
                        (is_alone ? 0 : (r * job->sides + side) * record);
            for (int part = own->first; part < own->last; part++)
                for (int c = 0; c < outputs; c++)
                    N(score_part)(job, starts[part], starts[part + 1], c,
                                  to + part * apart + c * ((ALGOS_RANK) + ALGOS_FM_ASIDE));
            if (is_alone)
                N(join_row)(job, own, r, side, to, apart);
        }
    }
}

/* Scores and q of a batch, of all members' records. */
ALGOS_CLONES static void N(join)(const algos_fm_steps *job, algos_fm_member *own,
                                 ptrdiff_t start, ptrdiff_t count) {
    const ptrdiff_t record = (ALGOS_OUTPUTS) * ((ALGOS_RANK) + ALGOS_FM_ASIDE);
    const float *records = algos_fm_records(job, start);
    for (ptrdiff_t r = 0; r < count; r++)
        for (int side = 0; side < job->sides; side++)
            N(join_row)(job, own, r, side, records + (r * job->sides + side) * record,
                        job->batch * job->sides * record);
}

/* One step of one column along g = scale p + shrink v, and along `slope` of its coefficient. */
ALGOS_INLINE void N(step_column)(const algos_fm_steps *job, ptrdiff_t column, int output,
                                 const float *restrict p, float scale, float shrink,
                                 float slope, float weight) {
    const int rank = ALGOS_RANK;
    const ptrdiff_t at = column * (ALGOS_OUTPUTS) + output;
    float *restrict v = job->factor_state + 2 * rank * at;
    float *linear_state = job->linear_state + 2 * at;
    const float rate = job->rate, clip = job->clip, decay = shrink + weight * job->l2;
#pragma omp simd
    for (int i = 0; i < rank; i++) {
        const float g = algos_fm_bound(scale * p[i] + decay * v[i], clip);
        const float sum = v[rank + i] + g * g;
        v[rank + i] = sum;
        v[i] -= rate * g * algos_inverse_root(sum);
    }
    algos_fm_step_one(linear_state, slope + weight * job->l2_linear * linear_state[0],
                      job->rate_linear, clip);
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

/* The steps of a member's columns that many rows of the batch have. */
ALGOS_INLINE void N(step_common)(const algos_fm_steps *job, const algos_fm_member *own) {
    const int rank = ALGOS_RANK, outputs = ALGOS_OUTPUTS;
    const ptrdiff_t size = rank + ALGOS_FM_ASIDE;
    for (ptrdiff_t s = 0; s < job->n_common; s++) {
        const int64_t column = job->common[s];
        if (column < job->cuts[own->first] || column >= job->cuts[own->last])
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

/* The steps of a member's columns. */
ALGOS_CLONES static void N(step)(const algos_fm_steps *job, algos_fm_member *own,
                                 ptrdiff_t start, ptrdiff_t count) {
    enum { SOON = 3 };
    const ptrdiff_t rank = ALGOS_RANK;
    const int outputs = ALGOS_OUTPUTS;
    for (ptrdiff_t r = 0; r < count; r++) {
        const int64_t row = job->order[start + r];
        const float w = job->weight[row];
        const float *q = own->q + r * rank * outputs, *slope = own->slope + r * outputs;
        const int64_t *starts = algos_fm_starts(job, row);
        const int64_t end = starts[own->last];
        for (int64_t k = starts[own->first]; k < end; k++) {
            if (k + SOON < end) /* from the second cache to the first */
                N(fetch_column)(job, job->indices[k + SOON]);
            const int32_t column = job->indices[k];
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
    N(step_common)(job, own);
}

ALGOS_CLONES static void N(score)(const algos_fm_steps *job, const float *intercept,
                                  ptrdiff_t first, ptrdiff_t count, float *z) {
    const int outputs = ALGOS_OUTPUTS;
    float record[ALGOS_FM_MOST_RANK + ALGOS_FM_ASIDE], q[ALGOS_FM_MOST_RANK];
    for (ptrdiff_t row = first; row < first + count; row++)
        for (int c = 0; c < outputs; c++) {
            N(score_part)(job, job->starts[row], job->starts[row + 1], c, record);
            z[row * outputs + c] = intercept[2 * c] + N(add_parts)(record, 0, 1, ALGOS_RANK, q);
        }
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
