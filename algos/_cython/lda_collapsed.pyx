"""Sweeps of CVB0 over the rows of one side: documents with their words, or words with their
documents. The formula is in `_lda_collapsed.h`.

A row's new sums depend only on the other side's rows, so threads take the rows in any
order, with the same bits.
"""

from libc.math cimport fmax, log
from libc.stdint cimport int32_t, int64_t
from algos._cython._entry_rows cimport first_row, longest_row
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region


cdef extern from "_lda_kept.h" nogil:
    ctypedef struct algos_lda_other_side:
        const float* others
        const float* inverses
        Py_ssize_t width
        int is_small
        float least_own
        float least_other
    ctypedef struct algos_lda_pairs:
        const int32_t* index
        const float* counts
        float* normalizers
        float* chances
        Py_ssize_t size
        Py_ssize_t further
    void algos_lda_settle(
        const double* sums, const float* prior, float scale, float momentum, Py_ssize_t size,
        float* own, float* velocity)
    void algos_lda_visit_row(
        const algos_lda_other_side* side, const algos_lda_pairs* entries, const float* own,
        float* room, double* sums)
    void algos_lda_visit_document(
        const algos_lda_other_side* side, const algos_lda_pairs* entries, const int32_t* topics,
        Py_ssize_t m, const float* own, float* room, double* sums)
    void algos_lda_visit_word(
        const algos_lda_other_side* side, const algos_lda_pairs* entries, const int32_t* topics,
        Py_ssize_t m, const float* own, float* room, double* sums)
    double algos_lda_trend(
        const float* counts, const float* normalizers, Py_ssize_t size, float least)
    float algos_lda_taken(float count)
    int algos_lda_choose_visit(int limit)

algos_lda_choose_visit(4)

cdef enum:
    TASK_ENTRIES = 4096

cdef double NANOSECONDS_A_TOPIC = 0.5  # of an entry
cdef double LEAST_CHANCE = 1e-37
cdef double SMALL_TOPIC = 1000  # tokens of the mean topic: with fewer, one token matters


cdef struct VisitJob:
    algos_lda_other_side side
    const int64_t* indptr
    Py_ssize_t n_rows
    const int32_t* index
    const float* counts
    float* normalizers
    const int32_t* topics     # (documents, n_few): those kept, or NULL: all
    Py_ssize_t n_few
    Py_ssize_t size           # of an own row: n_few or the width
    const float* prior
    Py_ssize_t prior_stride   # from row to row, 0 for one that all have
    const float* scales       # (n_rows,) or NULL: factors of the prior
    float* own
    float* velocity           # of own rows
    float momentum
    double prior_sum          # of a document that keeps all topics: Σ α
    float least_z             # that counts
    double* trends            # for each task, or NULL
    double* objectives        # for each task, or NULL
    float* chances            # for each slot (longest,), or NULL without the objective
    Py_ssize_t longest        # entries of a row
    double* sums              # for each slot (width,)
    float* room               # for each slot (4 width,)


cdef inline double _log_probability(const algos_lda_pairs* row, double prior) noexcept nogil:
    """Σ c log chance / (n - 1 + Σ α): the words of a document, each given all other tokens."""
    cdef double sum_ = 0, n = 0, count, length, of_token
    cdef Py_ssize_t e
    for e in range(row.size):
        n += row.counts[e]
    of_token = log(fmax(n - 1, 0) + prior)
    for e in range(row.size):
        count, length = row.counts[e], of_token
        if count < 1:
            length = log(fmax(n - algos_lda_taken(row.counts[e]), 0) + prior)
        sum_ += count * (log(fmax(row.chances[e], LEAST_CHANCE)) - length)
    return sum_


cdef void _visit_one(
    VisitJob* job, Py_ssize_t r, int slot, double* trend, double* objective
) noexcept nogil:
    """Update a row, and add its trend and objective."""
    cdef algos_lda_pairs row
    cdef Py_ssize_t i, size = job.size
    cdef bint is_document = size < job.side.width  # that keeps a few topics
    cdef double prior_sum = job.prior_sum
    cdef double* sums = job.sums + slot * job.side.width
    cdef float* room = job.room + slot * 4 * job.side.width
    cdef const int32_t* topics = NULL
    cdef const float* prior = job.prior + r * job.prior_stride
    cdef float* own = job.own + r * size
    cdef float scale = job.scales[r] if job.scales != NULL else 1
    row.index, row.counts = job.index + job.indptr[r], job.counts + job.indptr[r]
    row.normalizers, row.size = job.normalizers + job.indptr[r], job.indptr[r + 1] - job.indptr[r]
    row.further = job.indptr[job.n_rows] - job.indptr[r]
    row.chances = job.chances + slot * job.longest if job.chances != NULL else NULL
    if is_document:
        topics = job.topics + r * size
        algos_lda_visit_document(&job.side, &row, topics, size, own, room, sums)
    elif job.topics != NULL:
        algos_lda_visit_word(&job.side, &row, job.topics, job.n_few, own, room, sums)
    else:
        algos_lda_visit_row(&job.side, &row, own, room, sums)
    if is_document:
        prior_sum = 0
        for i in range(size):
            room[i] = prior[topics[i]]
            prior_sum += room[i]
        prior = room
    algos_lda_settle(sums, prior, scale, job.momentum, size, own, job.velocity + r * size)
    if job.trends != NULL:
        trend[0] += algos_lda_trend(row.counts, row.normalizers, row.size, job.least_z)
    if row.chances != NULL:
        objective[0] += _log_probability(&row, prior_sum)


cdef void _visit_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef VisitJob* job = <VisitJob*> arg
    cdef Py_ssize_t r
    cdef double trend = 0, objective = 0
    cdef Py_ssize_t begin = first_row(job.indptr, job.n_rows, task * TASK_ENTRIES)
    cdef Py_ssize_t end = first_row(job.indptr, job.n_rows, (task + 1) * TASK_ENTRIES)
    for r in range(begin, end):
        _visit_one(job, r, slot, &trend, &objective)
    if job.trends != NULL:
        job.trends[task], job.objectives[task] = trend, objective


cdef double _mean_total(const float[::1] inverses) noexcept:
    """The mean of M over topics, without padding."""
    cdef double sum_ = 0
    cdef Py_ssize_t k, n = 0
    for k in range(inverses.shape[0]):
        if inverses[k] > 0:
            sum_, n = sum_ + 1 / <double> inverses[k], n + 1
    return sum_ / max(n, 1)


cdef double _sum(const float[::1] values) noexcept:
    cdef double sum_ = 0
    cdef Py_ssize_t k
    for k in range(values.shape[0]):
        sum_ += values[k]
    return sum_


cdef void _describe_entries(
    VisitJob* job, const int64_t[::1] indptr, const int32_t[::1] index, const float[::1] counts,
    float[::1] normalizers
) noexcept:
    job.indptr, job.n_rows = &indptr[0], indptr.shape[0] - 1
    job.index, job.counts, job.normalizers = NULL, NULL, NULL
    if index.shape[0]:
        job.index, job.counts, job.normalizers = &index[0], &counts[0], &normalizers[0]


cdef void _describe_other_side(
    VisitJob* job, const float[:, ::1] others, const int32_t[:, ::1] topics,
    const float[::1] inverses, double least_own, double least_other
) noexcept:
    job.side.others = &others[0, 0] if others.shape[0] else NULL
    job.side.inverses, job.side.width = &inverses[0], inverses.shape[0]
    job.side.least_own, job.side.least_other = <float> least_own, <float> least_other
    job.side.is_small = _mean_total(inverses) < SMALL_TOPIC
    job.least_z = <float> fmax(least_own * least_other * _sum(inverses), LEAST_CHANCE)
    job.topics, job.n_few = NULL, 0
    if topics is not None and topics.shape[0]:
        job.topics, job.n_few = &topics[0, 0], topics.shape[1]


cdef void _describe_own_rows(
    VisitJob* job, const float[:, ::1] prior, const float[::1] scales, float[:, ::1] own,
    float[:, ::1] velocity, double momentum
) noexcept:
    job.own, job.size = &own[0, 0], own.shape[1]
    job.velocity, job.momentum = &velocity[0, 0], <float> momentum
    job.prior, job.prior_stride = &prior[0, 0], prior.shape[1] if prior.shape[0] > 1 else 0
    job.scales = NULL
    if scales is not None:
        job.scales = &scales[0]


cdef _visit_all(VisitJob* job, Py_ssize_t tasks, int n_threads):
    """Update all rows; return trend and objective."""
    cdef double trend = 0, objective = 0
    cdef Py_ssize_t task
    cdef double work = NANOSECONDS_A_TOPIC * job.indptr[job.n_rows]
    with nogil:
        run_region(_visit_task, job, tasks, work * (job.n_few or job.side.width), n_threads)
        if job.trends != NULL:
            for task in range(tasks):
                trend += job.trends[task]
                objective += job.objectives[task]
    return trend, objective if job.chances != NULL else float("nan")


def visit_rows(
    const int64_t[::1] indptr,      # IN (n_rows + 1,)
    const int32_t[::1] index,       # IN (n_entries,): rows of the other side
    const float[::1] counts,        # IN (n_entries,)
    const float[:, ::1] others,     # IN (n, width), priors included, 0 in the padding
    const int32_t[:, ::1] topics,   # IN (documents, m): those that they keep; or None: all
    const float[::1] inverses,      # IN (width,): one over the topics' totals, 0 in the padding
    const float[:, ::1] prior,      # IN (n_rows, width) or (1, width), 0 in the padding
    const float[::1] scales,        # IN (n_rows,) or None: factors of the prior
    float[::1] normalizers,         # INOUT (n_entries,): z, 0 at first
    float[:, ::1] own,              # INOUT (n_rows, width): priors and sums of responsibilities
    float[:, ::1] velocity,         # INOUT (n_rows, width): the last change of the own rows
    double momentum,                # in [0, 1): the share of that by which they are extrapolated
    double document_prior,          # its sum over all topics, if rows are documents; else NaN
    double least_own,               # the smallest prior of a topic in a document,
    double least_other,             # and of a word; unused if the rows are words
    bint evaluates,                 # whether to compute the objective, if rows are documents
    int n_threads,
):
    """Compute the rows from the other side's, and extrapolate them.

    With `topics`, all rows of documents are m wide, a multiple of 16 and less than the width.

    Returns
    -------
    trend : float
        Σ c log z over a document's words, where z is the divisor of their responsibilities; 0
        if the rows are words. It is cheap, and mostly rises when the objective does, but need
        not. It does not depend on `evaluates`.
        objective : float
        The sum over tokens of the logarithm of their probability given all others,
        before the update; NaN unless `evaluates`.
        """
    cdef VisitJob job
    cdef Py_ssize_t width = inverses.shape[0], tasks = index.shape[0] // TASK_ENTRIES + 1
    cdef bint are_documents = document_prior == document_prior
    cdef bint has_objective = are_documents and evaluates
    cdef Scratch sums = scratch(n_threads * width, sizeof(double))
    cdef Scratch room = scratch(n_threads * 4 * width, sizeof(float))
    cdef Scratch told = scratch(2 * tasks, sizeof(double)), chances
    if own.shape[0] == 0:
        return 0.0, 0.0 if has_objective else float("nan")
    _describe_entries(&job, indptr, index, counts, normalizers)
    _describe_other_side(&job, others, topics, inverses, least_own, least_other)
    _describe_own_rows(&job, prior, scales, own, velocity, momentum)
    job.sums, job.room = <double*> sums.data, <float*> room.data
    job.prior_sum, job.longest = document_prior, 1
    job.chances, job.trends, job.objectives = NULL, NULL, NULL
    if are_documents:
        job.trends = <double*> told.data
        job.objectives = job.trends + tasks
    if has_objective:
        job.longest = max(<Py_ssize_t> 1, longest_row(job.indptr, job.n_rows))
        chances = scratch(n_threads * job.longest, sizeof(float))
        job.chances = <float*> chances.data
    return _visit_all(&job, tasks, n_threads)


def _test_choose_level(int limit):
    return algos_lda_choose_visit(limit)
