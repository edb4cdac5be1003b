"""Updates of topics from documents with known mixtures, word by word.

With s_dw = c_dw / Σ_k θ_dk φ_wk the expected count of word w in topic k is

    φ_wk Σ_d s_dw θ_dk,   φ_wk = b_wk weight_k   (`_lda_rows.h`)

so the entries of a batch are sorted by word once, and each word's row of the topics is summed
up by one thread in the order of the documents: no copies, and the same bits for any number.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset
from algos._cython._entry_rows cimport first_row
from algos._cython._lda_rows cimport algos_lda, algos_lda_choose, algos_lda_entries
from algos._cython._lda_words cimport WordJob, describe_words, learn_all
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

algos_lda_choose(4)

cdef enum:
    PART = 16384  # least number of entries that a thread sorts


cdef struct SortJob:
    const int64_t* indptr     # (n + 1,)
    const int32_t* words      # (stored,)
    Py_ssize_t n, n_words, parts
    int64_t* places_of        # (parts, V): counts, then where each part's next entry goes
    int32_t* documents        # (stored,)
    int32_t* places           # (stored,)


cdef inline Py_ssize_t _first_document(const SortJob* job, Py_ssize_t part) noexcept nogil:
    """The first document that begins at or after the part's share of the entries."""
    return first_row(job.indptr, job.n, job.indptr[job.n] * part // job.parts)


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
    int32_t[::1] places,          # OUT (stored,): their places in `words`
    int n_threads,
):
    """Sort entries by word, those of a word by document: a counting sort.

    Threads count and place parts of the documents; their number does not change the result.
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


cdef struct WholeJob:
    WordJob words
    const float* mixtures     # (n, P)


cdef void _sum_mixtures(void* arg, Py_ssize_t i, int slot, float* sums) noexcept nogil:
    cdef WholeJob* job = <WholeJob*> arg
    cdef const WordJob* words = &job.words
    cdef int64_t begin = words.starts[i]
    cdef algos_lda_entries entries
    entries.index, entries.places = words.documents + begin, words.places + begin
    entries.weights, entries.size = words.shares, words.starts[i + 1] - begin
    entries.left = words.starts[words.m] - begin
    algos_lda.sum(job.mixtures, words.topics.width, &entries, sums)


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
    """Update the rows of the words present; others are unchanged."""
    cdef WholeJob job
    if present.shape[0] == 0:
        totals[:] = 0
        return
    describe_words(
        &job.words, present, starts, documents, places, shares, rows, priors, prior, weights,
        counts, keep, gain)
    job.words.sum, job.mixtures = _sum_mixtures, &mixtures[0, 0]
    learn_all(&job.words, totals, (0.2 * rows.shape[1] + 8) * documents.shape[0], n_threads)


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_lda_choose(limit)
