# Words whose topics learn from a batch of documents, each word's row from its own entries: what
# `lda_words` and `lda_few` have in common.
from libc.stdint cimport int32_t, int64_t
from algos._cython._entry_rows cimport first_row
from algos._cython._lda_rows cimport algos_lda, algos_lda_topics, topics_of
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef enum:
    TASKS = 32  # runs of words of about as many entries

# sums (P,) := Σ_d s_dw θ_d over the entries of the i-th word; `job` begins with a WordJob.
ctypedef void (*sum_entries)(void* job, Py_ssize_t i, int slot, float* sums) noexcept nogil

cdef struct WordJob:
    sum_entries sum
    const int32_t* present    # (m,): words
    const int64_t* starts     # (m + 1,)
    const int32_t* documents  # (stored,)
    const int32_t* places     # (stored,)
    const float* shares       # (stored,)
    Py_ssize_t m
    algos_lda_topics topics
    const float* weights      # (P,)
    float* counts             # (V, P)
    float keep, gain
    double* totals            # (TASKS, P)
    float* rooms              # (slots, P)


cdef inline void describe_words(
    WordJob* job,
    const int32_t[::1] present,
    const int64_t[::1] starts,
    const int32_t[::1] documents,
    const int32_t[::1] places,
    const float[::1] shares,
    const float[:, ::1] rows,
    const float[::1] priors,
    double prior,
    const float[::1] weights,
    float[:, ::1] counts,
    double keep,
    double gain,
) noexcept:
    """Take the arrays that both kernels are given; at least one word must be present."""
    job.present, job.starts, job.m = &present[0], &starts[0], present.shape[0]
    job.documents, job.places, job.shares = &documents[0], &places[0], &shares[0]
    job.topics, job.weights = topics_of(rows, priors, prior), &weights[0]
    job.counts, job.keep, job.gain = &counts[0, 0], <float> keep, <float> gain


cdef inline Py_ssize_t first_word(const WordJob* job, Py_ssize_t task) noexcept nogil:
    """The first word whose entries begin at the task's share of them or behind."""
    return first_row(job.starts, job.m, job.starts[job.m] * task // TASKS)


cdef inline void word_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef WordJob* job = <WordJob*> arg
    cdef Py_ssize_t width = job.topics.width, word, i
    cdef Py_ssize_t last = job.m if task == TASKS - 1 else first_word(job, task + 1)
    cdef float* sums = job.rooms + slot * width
    for i in range(first_word(job, task), last):
        word = job.present[i]
        job.sum(arg, i, slot, sums)
        algos_lda.learn(
            job.topics.rows + word * width,
            job.topics.prior if job.topics.priors == NULL else job.topics.priors[word],
            job.weights, sums, width, job.keep, job.gain, job.counts + word * width,
            job.totals + task * width)


cdef inline int learn_all(
    WordJob* job, double[::1] totals, double nanoseconds, int n_threads
) except -1:
    """Learn the words' rows; totals (P,) := the sum of the expected counts."""
    cdef Py_ssize_t width = job.topics.width, task, k
    cdef Scratch rooms = scratch(n_threads * width, sizeof(float))
    cdef Scratch sums = scratch(TASKS * width, sizeof(double))
    job.totals, job.rooms = <double*> sums.data, <float*> rooms.data
    totals[:] = 0
    with nogil:
        run_region(word_task, job, TASKS, nanoseconds, n_threads)
        for task in range(TASKS):
            for k in range(width):
                totals[k] += job.totals[task * width + k]
    return 0
