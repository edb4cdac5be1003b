"""What topics learn from documents whose mixtures are known, word by word.

With s_dw = c_dw / Σ_k θ_dk φ_wk the expected count of word w in topic k is

    φ_wk Σ_d s_dw θ_dk,   φ_wk = b_wk weight_k   (`_lda_rows.h`)

so the entries of a batch are sorted by word once, and each word's row of the topics is summed
up by one thread in the order of the documents: no copies, and the same bits for any number.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset
from algos._cython._lda_rows cimport algos_lda, algos_lda_choose, algos_lda_entries
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

algos_lda_choose(4)

cdef enum:
    TASKS = 32    # runs of words of about as many entries
    PART = 16384  # entries at least that a thread sorts


cdef struct SortJob:
    const int64_t* indptr     # (n + 1,)
    const int32_t* words      # (stored,)
    Py_ssize_t n, n_words, parts
    int64_t* places_of        # (parts, V): counts, then where each part's next entry goes
    int32_t* documents        # (stored,)
    int32_t* places           # (stored,)


cdef inline Py_ssize_t _first_document(const SortJob* job, Py_ssize_t part) noexcept nogil:
    """The first document that begins at the part's share of the entries or behind."""
    cdef int64_t bound = job.indptr[job.n] * part // job.parts
    cdef Py_ssize_t low = 0, high = job.n, middle
    while low < high:
        middle = (low + high) // 2
        if job.indptr[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


cdef void _count_task(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    cdef SortJob* job = <SortJob*> arg
    cdef int64_t* counts = job.places_of + part * job.n_words
    cdef Py_ssize_t i
    memset(counts, 0, job.n_words * sizeof(int64_t))
    for i in range(
        job.indptr[_first_document(job, part)], job.indptr[_first_document(job, part + 1)]
    ):
        counts[job.words[i]] += 1


cdef void _place_task(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    cdef SortJob* job = <SortJob*> arg
    cdef int64_t* next_ = job.places_of + part * job.n_words
    cdef int64_t place
    cdef Py_ssize_t d, i
    for d in range(_first_document(job, part), _first_document(job, part + 1)):
        for i in range(job.indptr[d], job.indptr[d + 1]):
            place = next_[job.words[i]]
            job.documents[place] = <int32_t> d
            job.places[place] = <int32_t> i
            next_[job.words[i]] = place + 1


def sort_by_word(
    const int64_t[::1] indptr,    # IN (n + 1,), beginning with 0
    const int32_t[::1] words,     # IN (stored,), below V
    int64_t[::1] starts,          # OUT (V + 1,): where each word's entries begin
    int32_t[::1] documents,       # OUT (stored,)
    int32_t[::1] places,          # OUT (stored,): where they stand among `words`
    int n_threads,
):
    """Sort entries by word, those of a word by document: a counting sort.

    Parts of the documents are counted and placed by any thread: how many changes nothing.
    """
    cdef SortJob job
    cdef Py_ssize_t stored = words.shape[0], w, part
    cdef int64_t begin = 0, count
    starts[:] = 0
    if stored == 0:
        return
    job.n, job.n_words = indptr.shape[0] - 1, starts.shape[0] - 1
    job.parts = max(1, min(<Py_ssize_t> n_threads, stored // PART))
    cdef Scratch room = scratch(job.parts * job.n_words, sizeof(int64_t))
    job.indptr, job.words, job.places_of = &indptr[0], &words[0], <int64_t*> room.data
    job.documents, job.places = &documents[0], &places[0]
    with nogil:
        run_region(_count_task, &job, job.parts, 1e6 * (job.parts - 1), n_threads)
        for w in range(job.n_words):
            starts[w] = begin
            for part in range(job.parts):
                count = job.places_of[part * job.n_words + w]
                job.places_of[part * job.n_words + w] = begin
                begin += count
        starts[job.n_words] = begin
        run_region(_place_task, &job, job.parts, 1e6 * (job.parts - 1), n_threads)


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
            _word_task, &job, TASKS, (0.2 * width + 8) * documents.shape[0], n_threads)
        for task in range(TASKS):
            for k in range(width):
                totals[k] += job.totals[task * width + k]


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_lda_choose(limit)
