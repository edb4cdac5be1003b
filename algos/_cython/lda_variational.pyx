"""Variational Bayes for latent Dirichlet allocation: documents, words and the bound.

The formulas stand in `_lda_variational.h` and `_lda_rows.h`. Documents are independent given
the topics and words given the documents, so any thread may take any of them.
"""

from libc.math cimport log
from libc.stdint cimport int32_t, int64_t
from algos._cython._entry_rows cimport longest_row
from algos._cython._lda_rows cimport (
    algos_lda, algos_lda_choose, algos_lda_document, algos_lda_topics, document_of, topics_of,
)
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region


cdef extern from "_lda_variational.h" nogil:
    float algos_exp_digamma_f32(float x, float* below)
    float algos_digamma_f32(float x)
    double algos_digamma_f64(double x, double* log_gamma)
    float algos_vb_mixture(
        const float* prior, const float* sums, Py_ssize_t width, float* gamma, float* a,
        float* below, float* shift)
    void algos_vb_word(
        const float* counts, float factor, const float* prior, Py_ssize_t step,
        const float* tops, const float* belows, Py_ssize_t width, float* b, float* below,
        double* scale)
    double algos_vb_dirichlet(
        const float* x, double factor, int are_counts, const float* prior,
        Py_ssize_t prior_step, const double* psi, Py_ssize_t psi_step, Py_ssize_t n)
    double algos_vb_words(
        const int32_t* words, const float* counts, const float* shares, Py_ssize_t size,
        const double* scales, double* tokens)

algos_lda_choose(4)

cdef enum:
    CHUNK = 4        # documents: a batch may have few
    WORD_CHUNK = 64  # words

# Rounding of float32: a document of many words changes by at least this share of its tokens.
cdef float LEAST_CHANGE = 2e-7


cdef struct InferJob:
    const int64_t* indptr
    const int32_t* words
    const float* counts
    algos_lda_topics topics
    const float* prior
    float* gamma
    float* mixtures   # (n, width), or NULL
    float* shares     # by entry, or NULL
    double* scales    # (n,), or NULL
    int32_t* passes
    Py_ssize_t n, n_topics, room_size
    int max_iter
    float tol
    float* room       # for each slot: sums, below, a, shares


cdef inline void _infer_one(
    InferJob* job, Py_ssize_t d, float* sums, float* below, float* a, float* shares
) noexcept nogil:
    """Find the fixed point of one document, and its words' shares there."""
    cdef algos_lda_document document = document_of(job.indptr, job.words, job.counts, d)
    cdef Py_ssize_t width = job.topics.width, i
    cdef float tokens = 0, least
    cdef float* gamma = job.gamma + d * width
    cdef float[2] shift
    cdef int step
    for i in range(document.size):
        tokens += document.counts[i]
    least = max(job.tol * job.n_topics, LEAST_CHANGE * tokens)
    algos_vb_mixture(job.prior, NULL, width, gamma, a, below, shift)
    job.passes[d] = 0
    for step in range(job.max_iter):
        algos_lda.pass_(&job.topics, &document, a, sums, shares, step == 0)
        job.passes[d] += 1
        if algos_vb_mixture(job.prior, sums, width, gamma, a, below, shift) < least:
            break
    if job.scales != NULL:
        job.scales[d] = shift[0] - log(<double> shift[1])
    if job.shares != NULL:
        algos_lda.pass_(&job.topics, &document, a, sums, shares, 0)


cdef void _infer_chunk(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef InferJob* job = <InferJob*> arg
    cdef Py_ssize_t d, width = job.topics.width
    cdef float* sums = job.room + slot * job.room_size
    cdef float* a
    for d in range(chunk * CHUNK, min(job.n, (chunk + 1) * CHUNK)):
        a = sums + 2 * width if job.mixtures == NULL else job.mixtures + d * width
        _infer_one(
            job, d, sums, sums + width, a,
            sums + 3 * width if job.shares == NULL else job.shares + job.indptr[d])


def infer(
    const int64_t[::1] indptr,   # IN (n + 1,)
    const int32_t[::1] words,    # IN (n_entries,)
    const float[::1] counts,     # IN (n_entries,)
    const float[:, ::1] topics,  # IN (n_words, width): b, 0 in the padding
    const float[::1] prior,      # IN (width,): 0 in the padding
    float[:, ::1] gamma,         # INOUT (n, width): where to start, and the fixed point
    float[:, ::1] mixtures,      # OUT (n, width) or None: a
    float[::1] shares,           # OUT (n_entries,) or None
    double[::1] scales,          # OUT (n,) or None: log of the factor of a
    int32_t[::1] passes,         # OUT (n,): number of passes
    Py_ssize_t n_topics,
    int max_iter,
    float tol,
    int n_threads,
):
    """Find the Dirichlet distribution γ of each document's mixture.

    A document is done when its γ moves by less than `tol` in the mean over the topics.
    """
    cdef InferJob job
    cdef Scratch room
    cdef Py_ssize_t longest = 0, width = topics.shape[1]
    cdef double work
    job.n, job.n_topics = indptr.shape[0] - 1, n_topics
    if job.n <= 0:
        return
    job.indptr = &indptr[0]
    job.words, job.counts = NULL, NULL
    if words.shape[0] > 0:
        job.words, job.counts = &words[0], &counts[0]
    job.topics = topics_of(topics, None, 0)
    job.prior, job.gamma = &prior[0], &gamma[0, 0]
    job.mixtures = NULL if mixtures is None else &mixtures[0, 0]
    job.shares = NULL if shares is None or shares.shape[0] == 0 else &shares[0]
    if job.shares == NULL:
        longest = longest_row(job.indptr, job.n)
    job.scales = NULL if scales is None else &scales[0]
    job.passes = &passes[0]
    job.max_iter, job.tol = max_iter, tol
    # whole cache lines for each slot, so that rows are aligned
    job.room_size = (3 * width + longest + 15) // 16 * 16
    room = scratch(n_threads, job.room_size * sizeof(float))
    job.room = <float*> room.data
    work = min(max_iter, 20) * width * (
        0.1 * <double> (indptr[job.n] - indptr[0]) + 1.0 * job.n)
    with nogil:
        run_region(_infer_chunk, &job, (job.n + CHUNK - 1) // CHUNK, work, n_threads)


cdef struct WordJob:
    const float* counts
    float factor
    const float* prior
    Py_ssize_t prior_rows, prior_step  # 0, or from one word or topic to the next
    const float* tops
    const float* belows
    const double* psi
    const int32_t* words   # or NULL: all
    float* rows
    double* scales
    double* out
    float* below           # (width,) for each slot
    Py_ssize_t n, n_topics, width


cdef inline void _take_prior(WordJob* job, const float[:, ::1] prior) noexcept:
    job.prior = &prior[0, 0]
    job.prior_step = prior.shape[1] > 1
    job.prior_rows = prior.shape[1] if prior.shape[0] > 1 else 0


cdef void _rows_chunk(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef WordJob* job = <WordJob*> arg
    cdef Py_ssize_t i, word
    for i in range(chunk * WORD_CHUNK, min(job.n, (chunk + 1) * WORD_CHUNK)):
        word = i if job.words == NULL else job.words[i]
        algos_vb_word(
            job.counts + word * job.width, job.factor, job.prior + word * job.prior_rows,
            job.prior_step, job.tops, job.belows, job.width, job.rows + word * job.width,
            job.below + slot * job.width, job.scales + word)


def word_rows(
    const float[:, ::1] counts,  # IN (n_words, width)
    const float[:, ::1] prior,   # IN (1 or n_words, 1 or width)
    const double[::1] sums,      # IN (width,): Σ_w λ, infinite in the padding
    const int32_t[::1] words,    # IN (n,) or None: only these
    float[:, ::1] rows,          # OUT (n_words, width)
    double[::1] scales,          # OUT (n_words,)
    float factor,                # λ = factor counts + prior
    int n_threads,
):
    """Compute exp(E log φ) of words, each word's scaled to 1 at most: b."""
    cdef WordJob job
    cdef Scratch room, below
    cdef float* tops
    cdef float rest = 0
    cdef Py_ssize_t k
    job.width = counts.shape[1]
    job.n = counts.shape[0] if words is None else words.shape[0]
    if job.n == 0:
        return
    room = scratch(2 * job.width, sizeof(float))
    below = scratch(n_threads, (job.width + 15) // 16 * 16 * sizeof(float))
    tops = <float*> room.data
    for k in range(job.width):
        tops[k] = 0
        if sums[k] < 1e38:
            tops[k] = 1 / algos_exp_digamma_f32(<float> sums[k], &rest)
        tops[job.width + k] = rest if sums[k] < 1e38 else -1e30
    job.counts, job.factor = &counts[0, 0], factor
    _take_prior(&job, prior)
    job.tops, job.belows = tops, tops + job.width
    job.words = NULL
    if words is not None:
        job.words = &words[0]
    job.rows, job.scales = &rows[0, 0], &scales[0]
    job.below = <float*> below.data
    with nogil:
        run_region(
            _rows_chunk, &job, (job.n + WORD_CHUNK - 1) // WORD_CHUNK,
            2.0 * job.n * job.width, n_threads)


cdef struct BoundJob:
    InferJob documents
    const double* word_scales
    double* out
    double log_gamma  # of the sum of the prior


cdef void _bounds_chunk(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef BoundJob* job = <BoundJob*> arg
    cdef InferJob* documents = &job.documents
    cdef Py_ssize_t d, k, begin
    cdef double total, psi, log_gamma = 0, tokens = 0, value
    cdef const float* gamma
    for d in range(chunk * CHUNK, min(documents.n, (chunk + 1) * CHUNK)):
        gamma = documents.gamma + d * documents.topics.width
        begin = documents.indptr[d]
        total = 0
        for k in range(documents.n_topics):
            total += gamma[k]
        psi = algos_digamma_f64(total, &log_gamma)
        value = algos_vb_words(
            documents.words + begin, documents.counts + begin, documents.shares + begin,
            documents.indptr[d + 1] - begin, job.word_scales, &tokens)
        value -= tokens * (documents.scales[d] + psi)
        value += algos_vb_dirichlet(
            gamma, 1, 0, documents.prior, 1, &psi, 0, documents.n_topics)
        job.out[d] = value + job.log_gamma - log_gamma


def document_bounds(
    const int64_t[::1] indptr,       # IN (n + 1,)
    const int32_t[::1] words,        # IN (n_entries,)
    const float[::1] counts,         # IN (n_entries,)
    const float[::1] shares,         # IN (n_entries,), from `infer`; and so are
    float[:, ::1] gamma,             # IN (n, width)
    double[::1] scales,              # IN (n,)
    const double[::1] word_scales,   # IN (n_words,), from `word_rows`
    const float[::1] prior,          # IN (width,)
    double[::1] out,                 # OUT (n,)
    Py_ssize_t n_topics,
    int n_threads,
):
    """Compute each document's term of the variational bound."""
    cdef BoundJob job
    cdef double total = 0
    cdef Py_ssize_t k
    job.documents.n, job.documents.n_topics = indptr.shape[0] - 1, n_topics
    if job.documents.n <= 0:
        return
    job.documents.indptr = &indptr[0]
    job.documents.words = &words[0] if words.shape[0] else NULL
    job.documents.counts = &counts[0] if words.shape[0] else NULL
    job.documents.shares = <float*> &shares[0] if words.shape[0] else NULL
    job.documents.gamma, job.documents.scales = &gamma[0, 0], &scales[0]
    job.documents.prior, job.documents.topics.width = &prior[0], gamma.shape[1]
    job.word_scales = &word_scales[0] if word_scales.shape[0] else NULL
    job.out = &out[0]
    for k in range(n_topics):
        total += prior[k]
    algos_digamma_f64(total, &job.log_gamma)
    with nogil:
        run_region(
            _bounds_chunk, &job, (job.documents.n + CHUNK - 1) // CHUNK,
            15.0 * (words.shape[0] + job.documents.n * n_topics), n_threads)


cdef void _word_bounds_chunk(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef WordJob* job = <WordJob*> arg
    cdef Py_ssize_t word
    for word in range(chunk * WORD_CHUNK, min(job.n, (chunk + 1) * WORD_CHUNK)):
        job.out[word] = algos_vb_dirichlet(
            job.counts + word * job.width, job.factor, 1, job.prior + word * job.prior_rows,
            job.prior_step, job.psi, 1, job.n_topics)


def word_bounds(
    const float[:, ::1] counts,  # IN (n_words, width)
    const float[:, ::1] prior,   # IN (1 or n_words, 1 or width)
    const double[::1] psi,       # IN (n_topics,): ψ(Σ_w λ)
    double[::1] out,             # OUT (n_words,)
    float factor,
    int n_threads,
):
    """Compute each word's term of the bound, without the topics' normalisation."""
    cdef WordJob job
    job.n, job.width, job.n_topics = counts.shape[0], counts.shape[1], psi.shape[0]
    if job.n == 0:
        return
    job.counts, job.factor = &counts[0, 0], factor
    _take_prior(&job, prior)
    job.psi, job.out = &psi[0], &out[0]
    with nogil:
        run_region(
            _word_bounds_chunk, &job, (job.n + WORD_CHUNK - 1) // WORD_CHUNK,
            10.0 * job.n * job.n_topics, n_threads)


def _test_digamma(const float[::1] x, float[::1] digamma, float[::1] top, float[::1] below):
    """Compute ψ, and the parts of exp ψ, of each number."""
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        digamma[i] = algos_digamma_f32(x[i])
        top[i] = algos_exp_digamma_f32(x[i], &below[i])


def _test_digamma_double(const double[::1] x, double[::1] digamma, double[::1] log_gamma):
    """Compute ψ and log Γ of each number."""
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        digamma[i] = algos_digamma_f64(x[i], &log_gamma[i])


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_lda_choose(limit)
