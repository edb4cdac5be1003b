"""Gibbs sampling of topics for the tokens of documents: see `_lda_assign.h`.

Each document has its own stream of random numbers, so threads take documents in any order.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng, rng_start
from algos._cython._threads cimport run_region

cdef extern from "_lda_assign.h" nogil:
    ctypedef struct algos_lda_fixed:
        const float* rows
        const float* inverses
        const float* prior
        Py_ssize_t width, n_topics
    void algos_lda_assign(
        const algos_lda_fixed* fixed, const int32_t* words, Py_ssize_t size, Rng* rng,
        int32_t* topics, float* n, float* room)

cdef enum:
    CHUNK = 16  # documents

cdef double NANOSECONDS_A_TOPIC = 0.5  # of a token


cdef struct AssignJob:
    algos_lda_fixed fixed
    const int64_t* starts
    const int32_t* words
    Py_ssize_t n
    const uint64_t* key
    uint64_t step
    int n_sweeps
    int32_t* topics
    float* numbers
    float* room             # for each slot (3 width,)


cdef void _assign_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef AssignJob* job = <AssignJob*> arg
    cdef Py_ssize_t d, width = job.fixed.width
    cdef int _sweep
    cdef Rng rng
    for d in range(chunk * CHUNK, min(job.n, (chunk + 1) * CHUNK)):
        rng_start(&rng, job.key, <uint64_t> d, job.step)
        for _sweep in range(job.n_sweeps):
            algos_lda_assign(
                &job.fixed, job.words + job.starts[d], job.starts[d + 1] - job.starts[d], &rng,
                job.topics + job.starts[d], job.numbers + d * width,
                job.room + slot * 3 * width)


def assign_topics(
    const int64_t[::1] starts,    # IN (n + 1,): where each document's tokens begin
    const int32_t[::1] words,     # IN (n_tokens,), n_tokens > 0
    const float[:, ::1] rows,     # IN (V, width): counts, priors included, 0 in the padding
    const float[::1] inverses,    # IN (width,): one over the topics' totals, 0 in the padding
    const float[::1] prior,       # IN (width,): of topics in a document, 0 in the padding
    Py_ssize_t n_topics,
    const uint64_t[::1] key,      # IN (2,)
    uint64_t step,                # of the streams
    int n_sweeps,
    int32_t[::1] topics,          # INOUT (n_tokens,): -1 at first
    float[:, ::1] numbers,        # INOUT (n, width): tokens of each document by topic
    int n_threads,
):
    """Draw the topic of each token given all others of its document, `n_sweeps` times."""
    cdef AssignJob job
    cdef Py_ssize_t width = rows.shape[1]
    cdef Scratch room = scratch(n_threads * 3 * width, sizeof(float))
    job.fixed.rows, job.fixed.inverses, job.fixed.prior = &rows[0, 0], &inverses[0], &prior[0]
    job.fixed.width, job.fixed.n_topics = width, n_topics
    job.starts, job.words, job.n = &starts[0], &words[0], starts.shape[0] - 1
    job.key, job.step, job.n_sweeps = &key[0], step, n_sweeps
    job.topics, job.numbers, job.room = &topics[0], &numbers[0, 0], <float*> room.data
    with nogil:
        run_region(
            _assign_task, &job, (job.n + CHUNK - 1) // CHUNK,
            NANOSECONDS_A_TOPIC * n_sweeps * words.shape[0] * width, n_threads)
