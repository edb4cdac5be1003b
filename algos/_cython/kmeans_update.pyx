"""Sums of rows by label where one copy of them a lane would need too much memory.

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
