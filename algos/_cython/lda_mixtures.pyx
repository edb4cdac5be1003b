"""Mixtures of documents with fixed topics.

Expectation maximisation of a document's mixture θ, given φ_wk = b_wk weight_k (`_lda_rows.h`):

    θ_k := prior_k + Σ_w c_w θ_k φ_wk / Σ_l θ_l φ_wl

Documents are independent: chunks of them are taken by any thread.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy
from algos._cython._entry_rows cimport longest_row
from algos._cython._lda_rows cimport (
    algos_lda, algos_lda_choose, algos_lda_document, algos_lda_topics, document_of, topics_of,
)
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

algos_lda_choose(4)

cdef enum:
    CHUNK = 32  # documents


cdef struct MixtureJob:
    const int64_t* indptr     # (n + 1,)
    const int32_t* words      # (stored,)
    const float* counts       # (stored,)
    Py_ssize_t n
    algos_lda_topics topics
    const float* prior        # (P,), 0 in the padding as are weights
    const float* weights      # (P,)
    float* mixtures           # (n, P) or NULL
    float* used               # (n, P) or NULL: the mixtures that made the shares
    float* shares             # (stored,) or NULL
    double* likelihoods       # (chunks,) or NULL
    Py_ssize_t most
    double tol
    bint is_warm
    float* rooms              # for each slot: a, sums and θ of width P, and shares
    Py_ssize_t room


cdef inline double _start(const MixtureJob* job, float* theta, float* a) noexcept nogil:
    """Begin with the present values or with the prior; return the sum."""
    cdef Py_ssize_t k
    cdef double total = 0
    if not job.is_warm:
        memcpy(theta, job.prior, job.topics.width * sizeof(float))
    for k in range(job.topics.width):
        a[k] = theta[k] * job.weights[k]
        total += theta[k]
    return total


cdef inline double _infer(
    const MixtureJob* job, Py_ssize_t d, algos_lda_document* document, float* room
) noexcept nogil:
    """Make passes over one document; return its log-likelihood before the last one."""
    cdef Py_ssize_t width = job.topics.width, i
    cdef float* a = room
    cdef float* sums = room + width
    cdef float* theta = room + 2 * width if job.mixtures == NULL else job.mixtures + d * width
    cdef float* shares = room + 3 * width if job.shares == NULL else job.shares + job.indptr[d]
    cdef double total = _start(job, theta, a), before = total, moved
    for i in range(job.most):
        before = total
        if job.used != NULL:
            memcpy(job.used + d * width, theta, width * sizeof(float))
        algos_lda.pass_(&job.topics, document, a, sums, shares, i == 0)
        moved = algos_lda.mix(job.prior, job.weights, sums, width, theta, a, &total)
        if moved <= job.tol * total:
            break
    if job.likelihoods == NULL or job.most == 0:
        return 0
    return algos_lda.log(document.counts, shares, document.size, before)


cdef void _mixture_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef MixtureJob* job = <MixtureJob*> arg
    cdef algos_lda_document document
    cdef Py_ssize_t d
    cdef double sum = 0
    for d in range(chunk * CHUNK, min(job.n, (chunk + 1) * CHUNK)):
        document = document_of(job.indptr, job.words, job.counts, d)
        sum += _infer(job, d, &document, job.rooms + slot * job.room)
    if job.likelihoods != NULL:
        job.likelihoods[chunk] = sum


cdef inline float* _floats(float[:, ::1] array):
    return NULL if array is None or array.size == 0 else &array[0, 0]


def mix_documents(
    const int64_t[::1] indptr,  # IN (n + 1,)
    const int32_t[::1] words,   # IN (stored,), below V
    const float[::1] counts,    # IN (stored,), above 0
    const float[:, ::1] rows,   # IN (V, P): b up to the prior of words
    const float[::1] priors,    # IN (V,), or None: `prior` for every word
    double prior,
    const float[::1] document_prior,  # IN (P,), 0 in the padding
    const float[::1] weights,   # IN (P,): φ = b weights; 0 in the padding
    float[:, ::1] mixtures,     # INOUT (n, P) or None: θ at the end, and if warm at the start
    float[:, ::1] used,         # OUT (n, P) or None: θ at the start of the last pass
    float[::1] shares,          # OUT (stored,) or None: c / Σ θ φ in the last pass
    bint is_warm,
    Py_ssize_t max_iter,
    double tol,                 # of Σ |change of θ| / Σ θ
    bint is_measured,
    int n_threads,
):
    """Infer mixtures; return the documents' log-likelihood in their last pass, if measured.

    The result does not depend on n_threads.
    """
    cdef MixtureJob job
    cdef Py_ssize_t n = indptr.shape[0] - 1, chunks = (n + CHUNK - 1) // CHUNK, i
    cdef Py_ssize_t width = rows.shape[1], longest = 0
    cdef double total = 0
    if n == 0:
        return 0.0
    if shares is None:
        longest = longest_row(&indptr[0], n)
    job.room = (3 * width + longest + 15) // 16 * 16
    cdef Scratch rooms = scratch(min(<Py_ssize_t> n_threads, chunks) * job.room, sizeof(float))
    cdef Scratch likelihoods = scratch(chunks if is_measured else 0, sizeof(double))
    job.rooms = <float*> rooms.data
    job.likelihoods = <double*> likelihoods.data if is_measured else NULL
    job.indptr, job.n = &indptr[0], n
    job.words = &words[0] if words.shape[0] else NULL
    job.counts = &counts[0] if counts.shape[0] else NULL
    job.topics = topics_of(rows, priors, prior)
    job.prior, job.weights = &document_prior[0], &weights[0]
    job.mixtures, job.used = _floats(mixtures), _floats(used)
    job.shares = NULL if shares is None or shares.shape[0] == 0 else &shares[0]
    job.is_warm, job.most, job.tol = is_warm and mixtures is not None, max_iter, tol
    with nogil:
        run_region(
            _mixture_task, &job, chunks,
            (0.05 * width + 3) * max_iter * (words.shape[0] + n), n_threads)
        if is_measured:
            for i in range(chunks):
                total += job.likelihoods[i]
    return total


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_lda_choose(limit)
