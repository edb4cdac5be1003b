"""Weighted sums and sums of squares of columns, in one pass and in double precision."""

from cython cimport floating
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region
from algos._cython._tile cimport add_moments

cdef struct MomentsJob:
    bint single
    const void* X
    Py_ssize_t n, d
    const double* weight
    const void* origin      # (d,)
    double* moments         # (lanes, 2, d)
    Py_ssize_t n_lanes


cdef void _moments_lane(MomentsJob* job, const floating* X, Py_ssize_t lane) noexcept nogil:
    cdef Py_ssize_t start = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t rows = lane_start(lane + 1, job.n_lanes, job.n) - start
    cdef double* sums = job.moments + lane * 2 * job.d
    cdef const double* weight = NULL
    if job.weight != NULL:
        weight = job.weight + start
    add_moments(
        X + start * job.d, job.d, rows, job.d, <const floating*> job.origin, weight,
        sums, sums + job.d,
    )


cdef void _moments_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef MomentsJob* job = <MomentsJob*> arg
    if job.single:
        _moments_lane(job, <const float*> job.X, lane)
    else:
        _moments_lane(job, <const double*> job.X, lane)


def column_moments(
    const floating[:, ::1] X,   # IN (n, d)
    const double[::1] weight,   # IN (n,) or None
    const floating[::1] origin,  # IN (d,), near the mean
    double[:, ::1] moments,     # OUT (2, d): sums of x - origin, and of their squares
    int n_threads,
):
    """Sum each column less its origin, so that an offset costs no digits."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
    cdef Py_ssize_t lanes = lane_count(n, 16 * d, n * d * sizeof(floating))
    cdef Scratch lane_moments = scratch(lanes * 2 * d, sizeof(double))
    cdef MomentsJob job
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], n, d
    job.origin = &origin[0]
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.moments, job.n_lanes = <double*> lane_moments.data, lanes
    with nogil:
        run_region(_moments_task, &job, lanes, 0.3 * n * d, n_threads)
        reduce_lanes(job.moments, lanes, 2 * d, &moments[0, 0])
