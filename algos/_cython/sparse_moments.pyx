"""Weighted sums and sums of squares of the stored values of columns, in double precision."""

from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._sparse_dots cimport algos_sparse_dots, sparse_dots_of
from algos._cython._threads cimport run_region

cdef struct MomentsJob:
    const algos_csr* x
    const algos_sparse_dots* table
    const double* weight  # (n,)
    const double* shift   # (d,)
    double* moments       # (n_lanes, 3, d)
    Py_ssize_t n_lanes


cdef void _moments_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef MomentsJob* job = <MomentsJob*> arg
    cdef Py_ssize_t start = lane_start(lane, job.n_lanes, job.x.n), d = job.x.d
    cdef Py_ssize_t rows = lane_start(lane + 1, job.n_lanes, job.x.n) - start
    cdef double* counts = job.moments + lane * 3 * d
    job.table.moments(
        job.x, start, rows, job.weight, job.shift, counts, counts + d, counts + 2 * d)


def sparse_moments(
    CsrRows rows,               # IN
    const double[::1] weight,   # IN (n,)
    const double[::1] shift,    # IN (d,)
    double[:, ::1] moments,     # OUT (3, d)
    int n_threads,
):
    """Sum the weights of each column's stored values, the values less the shift, and squares."""
    cdef Py_ssize_t d = rows.x.d
    cdef Py_ssize_t lanes = lane_count(rows.x.n, 24 * d, rows.stored * rows.itemsize)
    cdef Scratch lane_moments
    cdef MomentsJob job
    lanes = max(<Py_ssize_t> 1, min(lanes, rows.stored // (8 * d)))
    lane_moments = scratch(lanes * 3 * d, sizeof(double))
    job = MomentsJob(
        &rows.x, sparse_dots_of(rows), &weight[0], &shift[0], <double*> lane_moments.data,
        lanes)
    with nogil:
        run_region(_moments_task, &job, lanes, 3.0 * rows.stored, n_threads)
        reduce_lanes(job.moments, lanes, 3 * d, &moments[0, 0])
