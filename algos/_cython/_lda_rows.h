/* Rows of topics for a document: the two products that all learning in LDA consists of.
 *
 * Topics are word-major, a row of P = `width` floats each, P a multiple of 16; entries
 * from K on (the padding) may hold anything finite where a_k is 0. For a document with words w
 * of counts c_w, and with b_wk = rows_wk + prior_w,
 *
 *   share_w = c_w / Σ_k a_k b_wk        sums_k = Σ_w share_w b_wk
 *
 * so that a_k sums_k is the number of the document's tokens in topic k, and
 * share_w a_k b_wk that of word w. The method defines a and b: EM, variational Bayes.
 *
 * The words' side is a sum of rows, too: Σ_d share_dw a_dk.
 *
 * The words of a document are processed in blocks of one register. Sums are
 * in float32, in the order of the words, independent of other documents. a and the
 * sums are in registers up to 8 of them (128 topics with AVX-512), else in the next cache.
 */
#ifndef ALGOS_LDA_ROWS_H
#define ALGOS_LDA_ROWS_H

#include <Python.h>
#include "_math.h"
#include "_shuffle.h"
#include "_simd.h"

#define ALGOS_LDA_PADDING 16    /* floats */
#define ALGOS_LDA_RUN 256       /* rows summed in float32 */
#define ALGOS_LDA_LEAST 1e-30f  /* added to Σ a b, by the count + 1: shares stay finite */

typedef struct {
    const float *rows;   /* (V, width) */
    const float *priors; /* (V,), added to a word's row; or NULL: */
    float prior;         /* added to all rows */
    Py_ssize_t width;
} algos_lda_topics;

typedef struct {
    const int32_t *words; /* (size,) */
    const float *counts;  /* (size,), above 0 */
    Py_ssize_t size;
} algos_lda_document;

/* Entries of one word, in a list of entries that is sorted by word. */
typedef struct {
    const int32_t *index;  /* (size,): their documents */
    const int32_t *places; /* (size,): places of their weights */
    const float *weights;
    Py_ssize_t size, left; /* entries of the word, and from its first to the list's end */
} algos_lda_entries;

typedef struct {
    Py_ssize_t lanes;
    /* sums (width,) and shares (size,) of a document at a (width,), aligned to 64 bytes both.
     * `fetch`: prefetch the rows, which are not in a near cache. */
    void (*pass)(const algos_lda_topics *, const algos_lda_document *, const float *a,
                 float *sums, float *shares, int fetch);
    /* out (width,) = Σ_i weights[places[i]] rows[index[i]] over a word's entries */
    void (*sum)(const float *rows, Py_ssize_t width, const algos_lda_entries *, float *out);
    /* theta = prior + a sums, a = theta weights, (width,) all; returns Σ |change of theta|
     * and gives Σ theta */
    double (*mix)(const float *prior, const float *weights, const float *sums,
                  Py_ssize_t width, float *theta, float *a, double *total);
    /* Σ_w c_w log(Σ_k a_k b_wk / total) from shares */
    double (*log)(const float *counts, const float *shares, Py_ssize_t size, double total);
    /* sums = (row + prior) weights sums, counts = keep counts + gain sums, totals += sums;
     * (width,) all, row may be counts */
    void (*learn)(const float *row, float prior, const float *weights, float *sums,
                  Py_ssize_t width, float keep, float gain, float *counts, double *totals);
} algos_lda_rows;

static inline Py_ssize_t algos_lda_padded(Py_ssize_t n_topics) {
    return (n_topics + ALGOS_LDA_PADDING - 1) / ALGOS_LDA_PADDING * ALGOS_LDA_PADDING;
}

#define ALGOS_SOURCE "_lda_rows_impl.h"
#define ALGOS_T float
#define ALGOS_TYPE f32
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_SOURCE

static const algos_lda_rows *algos_lda = &algos_lda_rows_f32_base;

/* The best level up to `limit` (0, 3 or 4) that this processor has; returns it. */
static inline int algos_lda_choose(int limit) {
    const int level = algos_level_up_to(limit);
    algos_lda = ALGOS_AT_LEVEL(level, &algos_lda_rows_f32);
    return level;
}

#endif
