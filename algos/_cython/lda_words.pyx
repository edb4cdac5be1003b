"""What topics learn from documents whose mixtures are known, word by word.

With s_dw = c_dw / Σ_k θ_dk φ_wk the expected count of word w in topic k is

    φ_wk Σ_d s_dw θ_dk,   φ_wk = b_wk weight_k   (`_lda_rows.h`)

so the entries of a batch are sorted by word once, and each word's row of the topics is summed
up by one thread in the order of the documents: no copies, and the same bits for any number.
"""

from libc.stdint cimport int32_t, int64_t
from algos._cython._lda_rows cimport algos_lda, algos_lda_choose, algos_lda_entries
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

algos_lda_choose(4)

cdef enum:
    TASKS = 32  # runs of words of about as many entries


def sort_by_word(
    const int64_t[::1] indptr,    # IN (n + 1,), beginning with 0
    const int32_t[::1] words,     # IN (stored,), below V
    int64_t[::1] starts,          # OUT (V + 1,): where each word's entries begin
    int32_t[::1] documents,       # OUT (stored,)
    int32_t[::1] places,          # OUT (stored,): where they stand among `words`
):
    """Sort entries by word, those of a word by document: a counting sort."""
    cdef Py_ssize_t d, i, w, n_words = starts.shape[0] - 1
    cdef int64_t begin
    starts[:] = 0
    with nogil:
        for i in range(words.shape[0]):
            starts[words[i] + 1] += 1
        for w in range(n_words):
            starts[w + 1] += starts[w]
        for d in range(indptr.shape[0] - 1):
            for i in range(indptr[d], indptr[d + 1]):
                begin = starts[words[i]]
                documents[begin] = <int32_t> d
                places[begin] = <int32_t> i
                starts[words[i]] = begin + 1
        for w in range(n_words, 0, -1):
            starts[w] = starts[w - 1]
    starts[0] = 0


cdef struct WordJob:
    const int32_t* present    # (m,): words
    const int64_t* starts     # (m + 1,)
    const int32_t* documents  # (stored,)
    const int32_t* places     # (stored,)
    const float* shares       # (stored,)
    const float* mixtures     # (n, P)
    const float* rows         # (V, P)
    const float* priors       # (V,) or NULL
    float prior
    const float* weights      # (P,)
    float* counts             # (V, P)
    float keep, gain
    Py_ssize_t m, width
    double* totals            # (TASKS, P)
    float* rooms              # (slots, P)


cdef inline void _learn_word(
    WordJob* job, Py_ssize_t i, float* sums, double* totals
) noexcept nogil:
    cdef Py_ssize_t word = job.present[i], width = job.width
    cdef int64_t begin = job.starts[i]
    cdef algos_lda_entries entries
    entries.index, entries.places = job.documents + begin, job.places + begin
    entries.weights, entries.size = job.shares, job.starts[i + 1] - begin
    entries.left = job.starts[job.m] - begin
    algos_lda.sum(job.mixtures, width, &entries, sums)
    algos_lda.learn(
        job.rows + word * width, job.prior if job.priors == NULL else job.priors[word],
        job.weights, sums, width, job.keep, job.gain, job.counts + word * width, totals)


cdef inline Py_ssize_t _first_word(const WordJob* job, Py_ssize_t task) noexcept nogil:
    """The first word whose entries begin at the task's share of them or behind."""
    cdef int64_t bound = job.starts[job.m] * task // TASKS
    cdef Py_ssize_t low = 0, high = job.m, middle
    while low < high:
        middle = (low + high) // 2
        if job.starts[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


cdef void _word_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef WordJob* job = <WordJob*> arg
    cdef Py_ssize_t i, last = job.m if task == TASKS - 1 else _first_word(job, task + 1)
    for i in range(_first_word(job, task), last):
        _learn_word(
            job, i, job.rooms + slot * job.width, job.totals + task * job.width)


def learn_words(
    const int32_t[::1] present,    # IN (m,): words that have entries
    const int64_t[::1] starts,     # IN (m + 1,)
    const int32_t[::1] documents,  # IN (stored,)
    const int32_t[::1] places,     # IN (stored,)
    const float[::1] shares,       # IN (stored,)
    const float[:, ::1] mixtures,  # IN (n, P): θ that made the shares
    const float[:, ::1] rows,      # IN (V, P): b up to the prior of words; may be `counts`
    const float[::1] priors,       # IN (V,), or None: `prior` for every word
    double prior,
    const float[::1] weights,      # IN (P,)
    float[:, ::1] counts,          # INOUT (V, P) := keep · counts + gain · expected counts
    double[::1] totals,            # OUT (P,): the sum of the expected counts
    double keep,
    double gain,
    int n_threads,
):
    """Learn the rows of the words that are present; others stay as they are."""
    cdef WordJob job
    cdef Py_ssize_t width = rows.shape[1], task, k
    cdef Scratch rooms = scratch(n_threads * width, sizeof(float))
    cdef Scratch sums = scratch(TASKS * width, sizeof(double))
    totals[:] = 0
    if present.shape[0] == 0:
        return
    job.present, job.starts, job.m = &present[0], &starts[0], present.shape[0]
    job.documents, job.places, job.shares = &documents[0], &places[0], &shares[0]
    job.mixtures, job.rows, job.width = &mixtures[0, 0], &rows[0, 0], width
    job.priors = NULL
    if priors is not None:
        job.priors = &priors[0]
    job.prior, job.weights = <float> prior, &weights[0]
    job.counts, job.keep, job.gain = &counts[0, 0], <float> keep, <float> gain
    job.totals, job.rooms = <double*> sums.data, <float*> rooms.data
    with nogil:
        run_region(
            _word_task, &job, TASKS, (0.05 * width + 2) * documents.shape[0], n_threads)
        for task in range(TASKS):
            for k in range(width):
                totals[k] += job.totals[task * width + k]


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_lda_choose(limit)
