/* Rows of topics for one instruction set: see _lda_rows.h. */
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(float)))
#define SPREAD(x) ((x) - (N(lda_vec)){0})
#define GROUP 4 /* rows side by side: their sums hide one another's delay */
#define MOST 8  /* registers of a row that is held */
#define LOAD(p) (*(const N(lda_loose) *)(p))

typedef float N(lda_vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef float N(lda_loose) __attribute__((vector_size(ALGOS_BYTES), aligned(4), may_alias));
typedef int32_t N(lda_index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* Groups of 2h lanes to groups of h, their halves added: those of a, then those of b. */
ALGOS_INLINE N(lda_vec) N(lda_fold)(N(lda_vec) a, N(lda_vec) b, int32_t h) {
    const N(lda_index) lane = *(const N(lda_index) *)algos_iota_f32;
    const N(lda_index) low = (lane & -h) * 2 + (lane & (h - 1));
    const N(lda_index) high = low + h;
    return ALGOS_SHUFFLE(a, b, low) + ALGOS_SHUFFLE(a, b, high);
}

/* Fold `count` registers, a power of two up to LANES, to one: from groups of `width` lanes. */
ALGOS_INLINE N(lda_vec) N(lda_fold_all)(N(lda_vec) *sums, int count, int32_t width) {
#pragma GCC unroll 4
    for (; count > 1; count /= 2) {
        width /= 2;
#pragma GCC unroll 8
        for (int i = 0; i < count / 2; i++)
            sums[i] = N(lda_fold)(sums[2 * i], sums[2 * i + 1], width);
    }
    return sums[0];
}

/* Products of LANES rows with `vectors` registers of a, lane by lane. */
ALGOS_INLINE N(lda_vec) N(lda_dots)(const float *const *rows, const N(lda_vec) *a,
                                    const Py_ssize_t vectors) {
    N(lda_vec) folded[LANES / GROUP];
#pragma GCC unroll 4
    for (Py_ssize_t g = 0; g < LANES; g += GROUP) {
        N(lda_vec) sum[GROUP];
#pragma GCC unroll 4
        for (int i = 0; i < GROUP; i++)
            sum[i] = (N(lda_vec)){0};
#pragma GCC unroll 8
        for (Py_ssize_t p = 0; p < vectors; p++)
#pragma GCC unroll 4
            for (int i = 0; i < GROUP; i++)
                sum[i] += a[p] * LOAD(rows[g + i] + p * LANES);
        folded[g / GROUP] = N(lda_fold_all)(sum, GROUP, LANES);
    }
    return N(lda_fold_all)(folded, LANES / GROUP, LANES / GROUP);
}

/* sums += Σ_i weights[i] rows[i] of LANES rows, `vectors` registers of them. */
ALGOS_INLINE void N(lda_add_rows)(const float *const *rows, const float *weights,
                                  N(lda_vec) *sums, const Py_ssize_t vectors) {
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++) {
        const N(lda_vec) weight = SPREAD(weights[i]);
#pragma GCC unroll 8
        for (Py_ssize_t p = 0; p < vectors; p++)
            sums[p] += weight * LOAD(rows[i] + p * LANES);
    }
}

/* Have LANES rows come into cache. */
ALGOS_INLINE void N(lda_fetch)(const float *const *rows, const Py_ssize_t vectors) {
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
#pragma GCC unroll 8
        for (Py_ssize_t p = 0; p < vectors; p += 64 / ALGOS_BYTES)
            __builtin_prefetch(rows[i] + p * LANES);
}

/* Where the rows of a document's words [begin, begin + LANES) stand; behind its end the last
 * one is repeated. */
ALGOS_INLINE void N(lda_find)(const algos_lda_topics *topics,
                              const algos_lda_document *document, Py_ssize_t begin,
                              const float **rows) {
    const Py_ssize_t last = document->size - 1;
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
        rows[i] = topics->rows +
                  document->words[begin + i < last ? begin + i : last] * topics->width;
}

/* Shares of the words of one block from Σ a rows; `total` is Σ a, and the sum of prior by
 * share is returned. Shares behind the document's end are 0. */
ALGOS_INLINE float N(lda_share)(const algos_lda_topics *topics,
                                const algos_lda_document *document, Py_ssize_t begin,
                                N(lda_vec) products, float total, float *shares) {
    const Py_ssize_t left = document->size - begin;
    float counts[LANES] = {0}, priors[LANES] = {0};
    float sum = 0;
    if (left >= LANES)
        memcpy(counts, document->counts + begin, sizeof(counts));
    else
        memcpy(counts, document->counts + begin, left * sizeof(float));
    if (topics->priors) {
        for (Py_ssize_t i = 0; i < (left < LANES ? left : LANES); i++)
            priors[i] = topics->priors[document->words[begin + i]];
        products += LOAD(priors) * SPREAD(total);
    } else {
        products += SPREAD(topics->prior * total);
    }
    const N(lda_vec) count = LOAD(counts);
    *(N(lda_loose) *)shares = count / (products + (count + 1) * ALGOS_LDA_LEAST);
    if (topics->priors)
        for (Py_ssize_t i = 0; i < LANES; i++)
            sum += priors[i] * shares[i];
    return sum;
}

/* One pass over a document, a row being `vectors` registers: at most MOST, then a constant. */
ALGOS_INLINE void N(lda_pass_held)(const algos_lda_topics *topics,
                                   const algos_lda_document *document, const float *a,
                                   float *sums, float *shares, const int fetch,
                                   const Py_ssize_t vectors) {
    N(lda_vec) held[MOST], sum[MOST], all = {0}, shared = {0};
    float total = 0, from_priors = 0;
#pragma GCC unroll 8
    for (Py_ssize_t p = 0; p < vectors; p++) {
        held[p] = LOAD(a + p * LANES);
        sum[p] = (N(lda_vec)){0};
        all += held[p];
    }
    for (Py_ssize_t l = 0; l < LANES; l++)
        total += all[l];
    for (Py_ssize_t begin = 0; begin < document->size; begin += LANES) {
        const float *rows[LANES];
        float weights[LANES];
        if (fetch && begin + LANES < document->size) {
            N(lda_find)(topics, document, begin + LANES, rows);
            N(lda_fetch)(rows, vectors);
        }
        N(lda_find)(topics, document, begin, rows);
        const N(lda_vec) products = N(lda_dots)(rows, held, vectors);
        from_priors +=
            N(lda_share)(topics, document, begin, products, total, weights);
        shared += LOAD(weights);
        N(lda_add_rows)(rows, weights, sum, vectors);
        if (document->size - begin >= LANES)
            memcpy(shares + begin, weights, sizeof(weights));
        else
            memcpy(shares + begin, weights, (document->size - begin) * sizeof(float));
    }
    if (!topics->priors)
        for (Py_ssize_t l = 0; l < LANES; l++)
            from_priors += topics->prior * shared[l];
#pragma GCC unroll 8
    for (Py_ssize_t p = 0; p < vectors; p++)
        *(N(lda_loose) *)(sums + p * LANES) = sum[p] + SPREAD(from_priors);
}

/* The same for rows of any width, a and the sums in memory. */
ALGOS_INLINE void N(lda_pass_any)(const algos_lda_topics *topics,
                                  const algos_lda_document *document, const float *a,
                                  float *sums, float *shares, const int fetch) {
    const Py_ssize_t width = topics->width;
    N(lda_vec) all = {0}, shared = {0};
    float total = 0, from_priors = 0;
    for (Py_ssize_t p = 0; p < width; p += LANES) {
        all += LOAD(a + p);
        *(N(lda_loose) *)(sums + p) = (N(lda_vec)){0};
    }
    for (Py_ssize_t l = 0; l < LANES; l++)
        total += all[l];
    for (Py_ssize_t begin = 0; begin < document->size; begin += LANES) {
        const float *rows[LANES];
        float weights[LANES];
        N(lda_vec) product[LANES];
        N(lda_find)(topics, document, begin, rows);
        for (Py_ssize_t i = 0; i < LANES; i += GROUP) {
            N(lda_vec) sum[GROUP] = {{0}};
            for (Py_ssize_t p = 0; p < width; p += LANES)
#pragma GCC unroll 4
                for (int r = 0; r < GROUP; r++)
                    sum[r] += LOAD(a + p) * LOAD(rows[i + r] + p);
            product[i / GROUP] = N(lda_fold_all)(sum, GROUP, LANES);
        }
        from_priors += N(lda_share)(
            topics, document, begin,
            N(lda_fold_all)(product, LANES / GROUP, LANES / GROUP), total, weights);
        shared += LOAD(weights);
        for (Py_ssize_t p = 0; p < width; p += LANES) {
            N(lda_vec) sum = LOAD(sums + p);
#pragma GCC unroll 16
            for (Py_ssize_t i = 0; i < LANES; i++)
                sum += SPREAD(weights[i]) * LOAD(rows[i] + p);
            *(N(lda_loose) *)(sums + p) = sum;
        }
        memcpy(shares + begin, weights,
               (document->size - begin < LANES ? document->size - begin : LANES) *
                   sizeof(float));
    }
    (void)fetch; /* rows so long are fetched by the processor */
    if (!topics->priors)
        for (Py_ssize_t l = 0; l < LANES; l++)
            from_priors += topics->prior * shared[l];
    for (Py_ssize_t p = 0; p < width; p += LANES)
        *(N(lda_loose) *)(sums + p) += SPREAD(from_priors);
}

#define ALGOS_CASE(V)                                                                        \
    case V:                                                                                  \
        N(lda_pass_held)(topics, document, a, sums, shares, fetch, V);                       \
        return;
static void N(lda_pass)(const algos_lda_topics *topics, const algos_lda_document *document,
                        const float *a, float *sums, float *shares, int fetch) {
    switch (topics->width / LANES) {
        ALGOS_CASE(1)
        ALGOS_CASE(2)
        ALGOS_CASE(3)
        ALGOS_CASE(4)
        ALGOS_CASE(5)
        ALGOS_CASE(6)
        ALGOS_CASE(7)
        ALGOS_CASE(8)
    }
    N(lda_pass_any)(topics, document, a, sums, shares, fetch);
}
#undef ALGOS_CASE

/* sums[:vectors] += Σ_i weights[places[i]] rows[index[i]], at most ALGOS_LDA_RUN rows. */
ALGOS_INLINE void N(lda_add_run)(const float *rows, Py_ssize_t width, const int32_t *index,
                                 const float *weights, const int32_t *places,
                                 Py_ssize_t size, double *sums, const Py_ssize_t vectors) {
    N(lda_vec) sum[MOST];
#pragma GCC unroll 8
    for (Py_ssize_t p = 0; p < vectors; p++)
        sum[p] = (N(lda_vec)){0};
    for (Py_ssize_t i = 0; i < size; i++) {
        const float *row = rows + index[i] * width;
        const N(lda_vec) weight = SPREAD(weights[places ? places[i] : i]);
#pragma GCC unroll 8
        for (Py_ssize_t p = 0; p < vectors; p++)
            sum[p] += weight * LOAD(row + p * LANES);
    }
#pragma GCC unroll 8
    for (Py_ssize_t p = 0; p < vectors; p++)
#pragma GCC unroll 16
        for (Py_ssize_t l = 0; l < LANES; l++)
            sums[p * LANES + l] += sum[p][l];
}

#define ALGOS_CASE(V)                                                                        \
    case V:                                                                                  \
        N(lda_add_run)(rows + p, width, index + begin, weights + (places ? 0 : begin),       \
                       places ? places + begin : NULL, run, sums + p, V);                    \
        break;
static void N(lda_add)(const float *rows, Py_ssize_t width, const int32_t *index,
                       const float *weights, const int32_t *places, Py_ssize_t size,
                       double *sums) {
    for (Py_ssize_t begin = 0; begin < size; begin += ALGOS_LDA_RUN) {
        const Py_ssize_t run = size - begin < ALGOS_LDA_RUN ? size - begin : ALGOS_LDA_RUN;
        for (Py_ssize_t p = 0; p < width; p += MOST * LANES) {
            const Py_ssize_t vectors = (width - p) / LANES;
            switch (vectors < MOST ? vectors : MOST) {
                ALGOS_CASE(1)
                ALGOS_CASE(2)
                ALGOS_CASE(3)
                ALGOS_CASE(4)
                ALGOS_CASE(5)
                ALGOS_CASE(6)
                ALGOS_CASE(7)
                ALGOS_CASE(8)
            }
        }
    }
}
#undef ALGOS_CASE

static const algos_lda_rows N(lda_rows) = {LANES, N(lda_pass), N(lda_add)};

#undef N
#undef LANES
#undef SPREAD
#undef GROUP
#undef MOST
#undef LOAD
