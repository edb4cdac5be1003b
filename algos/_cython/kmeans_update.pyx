"""Sums of rows by label where one copy of them a lane would need too much memory, and means.

The output is shared out: each task owns a range of labels and adds its rows in row order, so
that the number of tasks changes no bit.
"""

from cython cimport floating
from libc.stdint cimport int32_t
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport add_rows

cdef enum:
    PARTS_PER_THREAD = 4  # each part looks through all labels

cdef struct UpdateJob:
    bint single
    const void* X            # (n, d)
    Py_ssize_t n, d, k, parts
    const double* weight     # (n,) or NULL
    const void* shift        # (d,)
    const int32_t* labels    # (n,)
    double* sums             # (k, d)
    double* counts           # (k,)


cdef void _update_part(UpdateJob* job, const floating* X, Py_ssize_t part) noexcept nogil:
    cdef Py_ssize_t low = job.k * part // job.parts, high = job.k * (part + 1) // job.parts
    cdef Py_ssize_t i
    cdef const double* weight = NULL
    for i in range(job.n):
        if low <= job.labels[i] < high:
            if job.weight != NULL:
                weight = job.weight + i
            add_rows(
                X + i * job.d, job.d, 1, job.d, <const floating*> job.shift,
                job.labels + i, weight, job.sums, job.counts,
            )


cdef void _update_task(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    cdef UpdateJob* job = <UpdateJob*> arg
    if job.single:
        _update_part(job, <const float*> job.X, part)
    else:
        _update_part(job, <const double*> job.X, part)


def sum_by_label(
    const floating[:, ::1] X,   # IN (n, d)
    const double[::1] weight,   # IN (n,) or None
    const floating[::1] shift,  # IN (d,)
    const int32_t[::1] labels,  # IN (n,)
    double[:, ::1] sums,        # INOUT (k, d): receives the rows less the shift
    double[::1] counts,         # INOUT (k,): receives their weights
    int n_threads,
):
    """Add each row, less the shift, to the sum of its label."""
    cdef UpdateJob job
    cdef double nanoseconds = 0.3 * X.shape[0] * X.shape[1]
    job.single = floating is float
    job.X, job.n, job.d, job.k = &X[0, 0], X.shape[0], X.shape[1], sums.shape[0]
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.shift, job.labels = &shift[0], &labels[0]
    job.sums, job.counts = &sums[0, 0], &counts[0]
    job.parts = PARTS_PER_THREAD * n_threads
    if n_threads == 1 or is_short(nanoseconds):
        job.parts = 1
    with nogil:
        run_region(_update_task, &job, job.parts, nanoseconds + job.n * job.parts, n_threads)


cdef void _divide(
    double* sums, const double* counts, const double* old, Py_ssize_t k, Py_ssize_t d
) noexcept nogil:
    cdef Py_ssize_t j, p
    for j in range(k):
        for p in range(j * d, (j + 1) * d):
            sums[p] = sums[p] / counts[j] if counts[j] > 0 else old[p]


cdef double _square_of_move(
    const double* old, const double* new, Py_ssize_t k, Py_ssize_t d
) noexcept nogil:
    cdef double total = 0, squares, away
    cdef Py_ssize_t j, p
    for j in range(k):
        squares = 0
        for p in range(j * d, (j + 1) * d):
            away = new[p] - old[p]
            squares += away * away
        total += squares
    return total


def sums_to_means(
    double[:, ::1] sums,       # INOUT (k, d)
    const double[::1] counts,  # IN (k,)
    const double[:, ::1] old,  # IN (k, d) what stays where nothing was counted
):
    """Divide sums by counts, in place: small ones in less time than numpy takes to begin."""
    cdef Py_ssize_t k = sums.shape[0], d = sums.shape[1]
    if is_short(k * d):
        _divide(&sums[0, 0], &counts[0], &old[0, 0], k, d)
    else:
        with nogil:
            _divide(&sums[0, 0], &counts[0], &old[0, 0], k, d)


def square_of_move(
    const double[:, ::1] old,  # IN (k, d)
    const double[:, ::1] new,  # IN (k, d)
):
    """Return the sum of squared differences, without an array as large as both."""
    cdef Py_ssize_t k = old.shape[0], d = old.shape[1]
    cdef double moved
    if is_short(2 * k * d):
        return _square_of_move(&old[0, 0], &new[0, 0], k, d)
    with nogil:
        moved = _square_of_move(&old[0, 0], &new[0, 0], k, d)
    return moved
