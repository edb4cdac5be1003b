"""Weighted sums and sums of squares of the stored values of columns, in double precision."""

from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._lanes cimport lane_count, lane_start
from algos._cython._memory cimport Scratch, scratch
from algos._cython._sparse_dots cimport algos_sparse_dots, sparse_dots_of
from algos._cython._threads cimport run_region

cdef enum:
    CELL = 4  # the three sums of a column, and its shift

cdef struct MomentsJob:
    const algos_csr* x
    const algos_sparse_dots* table
    const double* weight  # (n,)
    const double* shift   # (d,)
    double* cells         # (n_lanes, d, CELL)
    Py_ssize_t n_lanes


cdef void _moments_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef MomentsJob* job = <MomentsJob*> arg
    cdef Py_ssize_t start = lane_start(lane, job.n_lanes, job.x.n), d = job.x.d, p
    cdef Py_ssize_t rows = lane_start(lane + 1, job.n_lanes, job.x.n) - start
    cdef double* cells = job.cells + lane * d * CELL
    for p in range(d):
        cells[p * CELL + CELL - 1] = job.shift[p]
    job.table.moments(job.x, start, rows, job.weight, cells)


cdef void _unpack(const MomentsJob* job, double* moments) noexcept nogil:
    """Add up the lanes in their order."""
    cdef Py_ssize_t d = job.x.d, lane, p, k
    cdef const double* cells
    for lane in range(job.n_lanes):
        cells = job.cells + lane * d * CELL
        for k in range(CELL - 1):
            for p in range(d):
                moments[k * d + p] = cells[p * CELL + k] + (moments[k * d + p] if lane else 0)


def sparse_moments(
    CsrRows rows,               # IN
    const double[::1] weight,   # IN (n,)
    const double[::1] shift,    # IN (d,)
    double[:, ::1] moments,     # OUT (3, d)
    int n_threads,
):
    """Sum the weights of each column's stored values, the values less the shift, and squares."""
    cdef Py_ssize_t d = rows.x.d
    cdef Py_ssize_t lanes = lane_count(rows.x.n, 8 * CELL * d, rows.stored * rows.itemsize)
    cdef Scratch cells
    cdef MomentsJob job
    lanes = max(<Py_ssize_t> 1, min(lanes, rows.stored // (8 * d)))
    cells = scratch(lanes * d * CELL, sizeof(double))
    job = MomentsJob(
        &rows.x, sparse_dots_of(rows), &weight[0], &shift[0], <double*> cells.data, lanes)
    with nogil:
        run_region(_moments_task, &job, lanes, 3.0 * rows.stored, n_threads)
        _unpack(&job, &moments[0, 0])
