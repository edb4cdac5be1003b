"""Column moments and X' X of CSR rows, in double precision.

Columns without zeros come less a shift, their mean, so that their offset costs no digits;
zeros of the others stay zeros.
"""

from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._pca_csr cimport algos_pca_csr, pca_table
from algos._cython._threads cimport run_region

cdef struct CsrJob:
    const algos_csr* x
    const algos_pca_csr* table
    const double* shift       # (d,)
    Py_ssize_t n_lanes
    double* moments           # (lanes, 3, d)
    const Py_ssize_t* bounds  # (n_parts + 1,)
    double* scatter           # (d, d)


cdef void _moments_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef CsrJob* job = <CsrJob*> arg
    job.table.moments(
        job.x, lane_start(lane, job.n_lanes, job.x.n),
        lane_start(lane + 1, job.n_lanes, job.x.n), job.shift,
        job.moments + lane * 3 * job.x.d)


cdef void _scatter_task(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    """Some rows of the upper triangle, from all rows of X in order."""
    cdef CsrJob* job = <CsrJob*> arg
    job.table.scatter(job.x, job.bounds[part], job.bounds[part + 1], job.shift, job.scatter)


cdef void _mirror(double* matrix, Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(d):
        for j in range(i):
            matrix[i * d + j] = matrix[j * d + i]


def csr_moments(
    CsrRows rows,             # IN (n, d)
    const double[::1] shift,  # IN (d,)
    double[:, ::1] moments,   # OUT (3, d)
    int n_threads,
):
    """Count each column's stored values, and sum them and their squares, less the shift."""
    cdef Py_ssize_t d = rows.x.d
    cdef Py_ssize_t lanes = lane_count(rows.x.n, 24 * d, rows.stored * rows.itemsize)
    cdef Scratch lane_moments = scratch(lanes * 3 * d, sizeof(double))
    cdef CsrJob job
    job.x, job.table = &rows.x, pca_table(rows)
    job.shift, job.n_lanes = &shift[0], lanes
    job.moments = <double*> lane_moments.data
    job.bounds, job.scatter = NULL, NULL
    with nogil:
        run_region(_moments_task, &job, lanes, 2.0 * rows.stored, n_threads)
        reduce_lanes(job.moments, lanes, 3 * d, &moments[0, 0])


def csr_scatter_matrix(
    CsrRows rows,                  # IN (n, d)
    const double[::1] shift,       # IN (d,), zero where a column has zeros
    const Py_ssize_t[::1] bounds,  # IN (n_parts + 1,): parts of the columns, of equal work
    double[:, ::1] products,       # OUT (d, d)
    int n_threads,
):
    """Sum up t t' over the rows, t being the stored values less the shift."""
    cdef double work = 1.5 * rows.stored * (rows.stored / max(rows.x.n, 1) / 2 + 1)
    cdef CsrJob job
    job.x, job.table = &rows.x, pca_table(rows)
    job.shift, job.n_lanes, job.moments = &shift[0], 0, NULL
    job.bounds, job.scatter = &bounds[0], &products[0, 0]
    products[:, :] = 0
    with nogil:
        run_region(_scatter_task, &job, bounds.shape[0] - 1, work, n_threads)
        _mirror(job.scatter, rows.x.d)
