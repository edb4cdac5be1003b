/* Rows of topics for one instruction set: see _lda_rows.h. */
#include "_lda_vectors.h"
#define GROUP 4 /* rows side by side, to hide latency */
#define AHEAD 8 /* rows prefetched */

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

/* LANES words of a document, with a count of 0 beyond its end. */
typedef struct {
    const int32_t *words;
    const float *counts;
    float *shares;
} N(lda_block);

typedef struct {
    int32_t words[LANES];
    float counts[LANES], shares[LANES];
} N(lda_tail);

/* The last words of a document, filled up with the first of them. */
ALGOS_INLINE void N(lda_copy_tail)(const algos_lda_document *document, N(lda_tail) *tail) {
    const Py_ssize_t begin = document->size & -LANES;
    for (Py_ssize_t i = 0; i < LANES && begin < document->size; i++) {
        const int is_there = begin + i < document->size;
        tail->words[i] = document->words[is_there ? begin + i : begin];
        tail->counts[i] = is_there ? document->counts[begin + i] : 0;
    }
}

ALGOS_INLINE void N(lda_keep_tail)(const N(lda_tail) *tail, Py_ssize_t size, float *shares) {
    if (size & (LANES - 1)) /* shares of no word may be NULL */
        memcpy(shares + (size & -LANES), tail->shares, (size & (LANES - 1)) * sizeof(float));
}

ALGOS_INLINE N(lda_block) N(lda_block_at)(const algos_lda_document *document,
                                          Py_ssize_t begin, N(lda_tail) *tail, float *shares) {
    N(lda_block) block = {document->words + begin, document->counts + begin, shares + begin};
    if (begin + LANES > document->size) {
        block.words = tail->words;
        block.counts = tail->counts;
        block.shares = tail->shares;
    }
    return block;
}

/* Products of LANES rows with `vectors` registers of a, lane by lane. */
ALGOS_INLINE N(lda_vec) N(lda_dots)(const float *rows, const int32_t *words,
                                    const N(lda_vec) *a, const Py_ssize_t vectors) {
    N(lda_vec) folded[LANES / GROUP];
#pragma GCC unroll 4
    for (Py_ssize_t g = 0; g < LANES; g += GROUP) {
        const float *row[GROUP];
        N(lda_vec) sum[GROUP];
#pragma GCC unroll 4
        for (int i = 0; i < GROUP; i++) {
            row[i] = rows + words[g + i] * (vectors * LANES);
            sum[i] = (N(lda_vec)){0};
        }
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p++)
#pragma GCC unroll 4
            for (int i = 0; i < GROUP; i++)
                sum[i] += a[p] * LOAD(row[i] + p * LANES);
        folded[g / GROUP] = N(lda_fold_all)(sum, GROUP, LANES);
    }
    return N(lda_fold_all)(folded, LANES / GROUP, LANES / GROUP);
}

/* sums += Σ_i weights[i] rows[words[i]] of LANES rows, `vectors` registers of them. */
ALGOS_INLINE void N(lda_add_rows)(const float *rows, const int32_t *words,
                                  const float *weights, N(lda_vec) *sums,
                                  const Py_ssize_t vectors) {
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++) {
        const float *row = rows + words[i] * (vectors * LANES);
        const N(lda_vec) weight = SPREAD(weights[i]);
#pragma GCC unroll 8
        for (Py_ssize_t p = 0; p < vectors; p++)
            sums[p] += weight * LOAD(row + p * LANES);
    }
}

/* Prefetch LANES rows. */
ALGOS_INLINE void N(lda_fetch)(const float *rows, const int32_t *words,
                               const Py_ssize_t vectors) {
    for (Py_ssize_t i = 0; i < LANES; i++) {
        const float *row = rows + words[i] * (vectors * LANES);
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p += 64 / ALGOS_BYTES)
            __builtin_prefetch(row + p * LANES);
    }
}

/* Shares of a block's words from their products Σ a rows, where Σ a is `total`; returned is
 * the sum of the words' priors by their shares, where words have priors of their own. */
ALGOS_INLINE float N(lda_share)(const algos_lda_topics *topics, const N(lda_block) *block,
                                N(lda_vec) products, float total) {
    const N(lda_vec) count = LOAD(block->counts);
    float sum = 0;
    if (topics->priors) {
        float priors[LANES];
        for (Py_ssize_t i = 0; i < LANES; i++)
            priors[i] = topics->priors[block->words[i]];
        products += LOAD(priors) * total;
        const N(lda_vec) share = count / (products + (count + 1) * ALGOS_LDA_LEAST);
        for (Py_ssize_t i = 0; i < LANES; i++)
            sum += priors[i] * share[i];
        STORE(block->shares) = share;
        return sum;
    }
    products += topics->prior * total;
    STORE(block->shares) = count / (products + (count + 1) * ALGOS_LDA_LEAST);
    return sum;
}

ALGOS_INLINE float N(lda_total)(N(lda_vec) lanes) {
    float total = 0;
    for (Py_ssize_t l = 0; l < LANES; l++)
        total += lanes[l];
    return total;
}

/* Compilers would spill the rows to the stack, which is slower. */
#define FORGET() __asm__ volatile("" ::: "memory")

/* One pass over a document, a row being `vectors` registers: at most MOST, then a constant. */
ALGOS_INLINE void N(lda_pass_held)(const algos_lda_topics *topics,
                                   const algos_lda_document *document, const float *a,
                                   float *sums, float *shares, const int fetch,
                                   const Py_ssize_t vectors) {
    const float *rows = topics->rows;
    const Py_ssize_t size = document->size;
    N(lda_vec) held[MOST], sum[MOST], all = {0}, shared = {0};
    N(lda_tail) tail;
    float from_priors = 0;
    N(lda_copy_tail)(document, &tail);
#pragma GCC unroll 16
    for (Py_ssize_t p = 0; p < vectors; p++) {
        held[p] = LOAD(a + p * LANES);
        sum[p] = (N(lda_vec)){0};
        all += held[p];
    }
    const float total = N(lda_total)(all);
    for (Py_ssize_t begin = 0; begin < size; begin += LANES) {
        const N(lda_block) block = N(lda_block_at)(document, begin, &tail, shares);
        if (fetch && begin + 2 * LANES <= size)
            N(lda_fetch)(rows, block.words + LANES, vectors);
        const N(lda_vec) products = N(lda_dots)(rows, block.words, held, vectors);
        from_priors += N(lda_share)(topics, &block, products, total);
        FORGET();
        shared += LOAD(block.shares);
        N(lda_add_rows)(rows, block.words, block.shares, sum, vectors);
    }
    N(lda_keep_tail)(&tail, size, shares);
    from_priors += topics->priors ? 0 : topics->prior * N(lda_total)(shared);
#pragma GCC unroll 16
    for (Py_ssize_t p = 0; p < vectors; p++)
        STORE(sums + p * LANES) = sum[p] + from_priors;
}

/* Products of LANES rows of any width with a in memory. */
ALGOS_INLINE N(lda_vec) N(lda_long_dots)(const algos_lda_topics *topics, const int32_t *words,
                                         const float *a) {
    N(lda_vec) folded[LANES / GROUP];
    for (Py_ssize_t g = 0; g < LANES; g += GROUP) {
        N(lda_vec) sum[GROUP] = {{0}};
        for (Py_ssize_t p = 0; p < topics->width; p += LANES)
#pragma GCC unroll 4
            for (int i = 0; i < GROUP; i++)
                sum[i] += LOAD(a + p) * LOAD(topics->rows + words[g + i] * topics->width + p);
        folded[g / GROUP] = N(lda_fold_all)(sum, GROUP, LANES);
    }
    return N(lda_fold_all)(folded, LANES / GROUP, LANES / GROUP);
}

ALGOS_INLINE void N(lda_add_long_rows)(const algos_lda_topics *topics, const int32_t *words,
                                       const float *weights, float *sums) {
    for (Py_ssize_t p = 0; p < topics->width; p += LANES) {
        N(lda_vec) sum = LOAD(sums + p);
#pragma GCC unroll 16
        for (Py_ssize_t i = 0; i < LANES; i++)
            sum += weights[i] * LOAD(topics->rows + words[i] * topics->width + p);
        STORE(sums + p) = sum;
    }
}

/* The same pass for rows of any width, a and the sums in memory. The processor prefetches
 * such long rows by itself. */
ALGOS_INLINE void N(lda_pass_any)(const algos_lda_topics *topics,
                                  const algos_lda_document *document, const float *a,
                                  float *sums, float *shares) {
    const Py_ssize_t width = topics->width, size = document->size;
    N(lda_vec) all = {0}, shared = {0};
    N(lda_tail) tail;
    float from_priors = 0;
    N(lda_copy_tail)(document, &tail);
    for (Py_ssize_t p = 0; p < width; p += LANES) {
        all += LOAD(a + p);
        STORE(sums + p) = (N(lda_vec)){0};
    }
    const float total = N(lda_total)(all);
    for (Py_ssize_t begin = 0; begin < size; begin += LANES) {
        const N(lda_block) block = N(lda_block_at)(document, begin, &tail, shares);
        const N(lda_vec) products = N(lda_long_dots)(topics, block.words, a);
        from_priors += N(lda_share)(topics, &block, products, total);
        shared += LOAD(block.shares);
        N(lda_add_long_rows)(topics, block.words, block.shares, sums);
    }
    N(lda_keep_tail)(&tail, size, shares);
    from_priors += topics->priors ? 0 : topics->prior * N(lda_total)(shared);
    for (Py_ssize_t p = 0; p < width; p += LANES)
        STORE(sums + p) += from_priors;
}

#define ALGOS_CASE(V)                                                                        \
    case V:                                                                                  \
        N(lda_pass_held)(topics, document, a, sums, shares, fetch, V);                       \
        return;
static void N(lda_pass)(const algos_lda_topics *topics, const algos_lda_document *document,
                        const float *a, float *sums, float *shares, int fetch) {
    switch (topics->width / LANES) {
        WIDTHS(ALGOS_CASE)
    }
    N(lda_pass_any)(topics, document, a, sums, shares);
}
#undef ALGOS_CASE

/* out[:vectors] = Σ_i weights[places[i]] rows[index[i]], at most ALGOS_LDA_RUN rows. Of the
 * `left` entries that stand there in all, those behind the sum's are fetched. */
ALGOS_INLINE void N(lda_sum_run)(const float *rows, Py_ssize_t width,
                                 const algos_lda_entries *entries, Py_ssize_t begin,
                                 Py_ssize_t size, float *out, const Py_ssize_t vectors) {
    const int32_t *index = entries->index + begin;
    const int32_t *places = entries->places + begin;
    const Py_ssize_t left = entries->left - begin;
    N(lda_vec) sum[MOST];
#pragma GCC unroll 16
    for (Py_ssize_t p = 0; p < vectors; p++)
        sum[p] = (N(lda_vec)){0};
    for (Py_ssize_t i = 0; i < size; i++) {
        const float *row = rows + index[i] * width;
        const float *next = rows + index[i + AHEAD < left ? i + AHEAD : i] * width;
        const float weight = entries->weights[places[i]];
#pragma GCC unroll 16
        for (Py_ssize_t p = 0; p < vectors; p++) {
            sum[p] += weight * LOAD(row + p * LANES);
            if (p % (64 / ALGOS_BYTES) == 0)
                __builtin_prefetch(next + p * LANES);
        }
    }
#pragma GCC unroll 16
    for (Py_ssize_t p = 0; p < vectors; p++)
        STORE(out + p * LANES) = sum[p];
}

#define ALGOS_CASE(V)                                                                        \
    case V:                                                                                  \
        N(lda_sum_run)(rows, width, entries, begin, size, out, V);                           \
        break;
/* The same for columns [0, vectors) of at most MOST. */
static void N(lda_sum_part)(const float *rows, Py_ssize_t width,
                            const algos_lda_entries *entries, Py_ssize_t begin,
                            Py_ssize_t size, float *out, Py_ssize_t vectors) {
    switch (vectors) {
        WIDTHS(ALGOS_CASE)
    }
}
#undef ALGOS_CASE

static void N(lda_sum)(const float *rows, Py_ssize_t width, const algos_lda_entries *entries,
                       float *out) {
    const Py_ssize_t size = entries->size;
    for (Py_ssize_t p = 0; p < width; p += MOST * LANES) {
        const Py_ssize_t columns = width - p < MOST * LANES ? width - p : MOST * LANES;
        const Py_ssize_t first = size < ALGOS_LDA_RUN ? size : ALGOS_LDA_RUN;
        N(lda_sum_part)(rows + p, width, entries, 0, first, out + p, columns / LANES);
        if (size == first)
            continue;
        double sums[MOST * LANES];
        for (Py_ssize_t k = 0; k < columns; k++)
            sums[k] = out[p + k];
        for (Py_ssize_t begin = first; begin < size; begin += ALGOS_LDA_RUN) {
            const Py_ssize_t run =
                size - begin < ALGOS_LDA_RUN ? size - begin : ALGOS_LDA_RUN;
            N(lda_sum_part)(rows + p, width, entries, begin, run, out + p, columns / LANES);
            for (Py_ssize_t k = 0; k < columns; k++)
                sums[k] += out[p + k];
        }
        for (Py_ssize_t k = 0; k < columns; k++)
            out[p + k] = (float)sums[k];
    }
}

/* sums are a word's over its entries, and become its expected counts, b weights sums. */
static void N(lda_learn)(const float *row, float prior, const float *weights,
                         float *restrict sums, Py_ssize_t width, float keep, float gain,
                         float *counts, double *restrict totals) {
    for (Py_ssize_t p = 0; p < width; p += LANES) {
        const N(lda_vec) expected = (LOAD(row + p) + prior) * LOAD(weights + p) * LOAD(sums + p);
        STORE(counts + p) = keep * LOAD(counts + p) + gain * expected;
        STORE(sums + p) = expected;
    }
    for (Py_ssize_t k = 0; k < width; k++)
        totals[k] += sums[k];
}

/* θ = prior + a sums, a = θ weights; returns Σ |change of θ| and gives Σ θ. */
static double N(lda_mix)(const float *restrict prior, const float *restrict weights,
                         const float *restrict sums, Py_ssize_t width, float *restrict theta,
                         float *restrict a, double *total) {
    N(lda_vec) moved = {0}, all = {0};
    for (Py_ssize_t p = 0; p < width; p += LANES) {
        const N(lda_vec) next = LOAD(prior + p) + LOAD(a + p) * LOAD(sums + p);
        const N(lda_vec) change = next - LOAD(theta + p);
        const N(lda_index) sign = (N(lda_index))change & (int32_t)0x80000000;
        moved += (N(lda_vec))((N(lda_index))change ^ sign);
        all += next;
        STORE(theta + p) = next;
        STORE(a + p) = next * LOAD(weights + p);
    }
    *total = N(lda_total)(all);
    return N(lda_total)(moved);
}

/* Σ_w c_w log(Σ_k a_k b_wk / total), where Σ a b is c / share. */
static double N(lda_log)(const float *restrict counts, const float *restrict shares,
                         Py_ssize_t size, double total) {
    const float scale = (float)(1 / total);
    double sum = 0;
    for (Py_ssize_t begin = 0; begin < size; begin += ALGOS_LDA_RUN) {
        const Py_ssize_t end = begin + ALGOS_LDA_RUN < size ? begin + ALGOS_LDA_RUN : size;
        float run = 0;
#pragma omp simd reduction(+ : run)
        for (Py_ssize_t i = begin; i < end; i++) {
            const float share = shares[i] < 1e-37f ? 1e-37f : shares[i];
            const float p = counts[i] / share * scale;
            run += counts[i] * algos_log_f32(p < 1e-37f ? 1e-37f : p);
        }
        sum += run;
    }
    return sum;
}

static const algos_lda_rows N(lda_rows) = {LANES,       N(lda_pass),  N(lda_sum),
                                           N(lda_mix),  N(lda_log),   N(lda_learn)};

#include "_lda_vectors.h"
#undef GROUP
#undef AHEAD
#undef FORGET
