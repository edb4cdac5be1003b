"""Sums of CSR rows by label.

The output is shared out, as in kmeans_update: each task owns a range of labels and adds its
rows in row order, into sums that stay in cache. Its rows lie far apart, so they are fetched
ahead.
"""

from libc.stdint cimport int32_t
from algos._cython._csr cimport CsrRows, algos_csr, algos_csr_table
from algos._cython._threads cimport run_region

cdef enum:
    PARTS = 32
    AHEAD = 8  # rows

cdef struct UpdateJob:
    const algos_csr* x
    const algos_csr_table* table
    Py_ssize_t k
    const double* weight     # (n,) or NULL
    const int32_t* labels    # (n,)
    double* sums             # (k, d)
    double* counts           # (k,)


cdef inline void _add(UpdateJob* job, Py_ssize_t row) noexcept nogil:
    cdef double weight = 1 if job.weight == NULL else job.weight[row]
    job.table.add(job.x, row, weight, job.sums + job.labels[row] * job.x.d)
    job.counts[job.labels[row]] += weight


cdef void _update_part(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    cdef UpdateJob* job = <UpdateJob*> arg
    cdef Py_ssize_t low = job.k * part // PARTS, high = job.k * (part + 1) // PARTS
    cdef Py_ssize_t waiting[AHEAD]
    cdef Py_ssize_t found = 0, i
    for i in range(job.x.n):
        if low <= job.labels[i] < high:
            job.table.fetch(job.x, i)
            if found >= AHEAD:
                _add(job, waiting[found % AHEAD])
            waiting[found % AHEAD] = i
            found += 1
    for i in range(max(<Py_ssize_t> 0, found - AHEAD), found):
        _add(job, waiting[i % AHEAD])


def sum_by_label(
    CsrRows rows,               # IN (n, d)
    const double[::1] weight,   # IN (n,) or None
    const int32_t[::1] labels,  # IN (n,)
    double[:, ::1] sums,        # INOUT (k, d): receives the rows
    double[::1] counts,         # INOUT (k,): receives their weights
    int n_threads,
):
    """Add each row to the sum of its label."""
    cdef UpdateJob job
    job.x, job.table, job.k = &rows.x, rows.table, sums.shape[0]
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.labels, job.sums, job.counts = &labels[0], &sums[0, 0], &counts[0]
    with nogil:
        run_region(_update_part, &job, PARTS, 2.0 * rows.stored + PARTS * rows.x.n, n_threads)
