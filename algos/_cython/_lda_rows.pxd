# Rows of topics under a document: see _lda_rows.h.
from libc.stdint cimport int32_t, int64_t

cdef extern from "_lda_rows.h" nogil:
    ctypedef struct algos_lda_topics:
        const float* rows
        const float* priors
        float prior
        Py_ssize_t width
    ctypedef struct algos_lda_document:
        const int32_t* words
        const float* counts
        Py_ssize_t size
    ctypedef struct algos_lda_entries:
        const int32_t* index
        const int32_t* places
        const float* weights
        Py_ssize_t size, left
    ctypedef struct algos_lda_rows:
        Py_ssize_t lanes
        void (*pass_ "pass")(
            const algos_lda_topics* topics, const algos_lda_document* document,
            const float* a, float* sums, float* shares, int fetch) noexcept nogil
        void (*sum)(
            const float* rows, Py_ssize_t width, const algos_lda_entries* entries,
            float* out) noexcept nogil
        double (*mix)(
            const float* prior, const float* weights, const float* sums, Py_ssize_t width,
            float* theta, float* a, double* total) noexcept nogil
        double (*log)(
            const float* counts, const float* shares, Py_ssize_t size,
            double total) noexcept nogil
        void (*learn)(
            const float* row, float prior, const float* weights, float* sums,
            Py_ssize_t width, float keep, float gain, float* counts,
            double* totals) noexcept nogil
    const algos_lda_rows* algos_lda
    Py_ssize_t algos_lda_padded(Py_ssize_t n_topics)
    int algos_lda_choose(int limit)


cdef inline algos_lda_document document_of(
    const int64_t* indptr, const int32_t* words, const float* counts, Py_ssize_t d
) noexcept nogil:
    cdef algos_lda_document document
    document.words, document.counts = words + indptr[d], counts + indptr[d]
    document.size = indptr[d + 1] - indptr[d]
    return document


cdef inline algos_lda_topics topics_of(
    const float[:, ::1] rows, const float[::1] priors, double prior
) noexcept:
    """Topics, perhaps without a word; `priors` of each word, or None: one for all."""
    cdef algos_lda_topics topics
    topics.rows, topics.width = NULL, rows.shape[1]
    topics.priors, topics.prior = NULL, <float> prior
    if rows.shape[0]:
        topics.rows = &rows[0, 0]
        if priors is not None:
            topics.priors = &priors[0]
    return topics
