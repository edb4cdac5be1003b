"""Column moments and X' X of CSR rows, in double precision.

Columns without zeros come less a shift, their mean, so that their offset costs no digits;
zeros of the others stay zeros.
"""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

ctypedef fused index:
    int32_t
    int64_t

cdef struct CsrJob:
    bint single           # float32
    bint narrow           # int32 indices
    const void* data
    const void* indices
    const void* indptr    # (n + 1,)
    Py_ssize_t n, d
    const double* shift   # (d,)
    double* moments       # (lanes, 3, d)
    Py_ssize_t n_lanes
    double* scatter       # (d, d)
    const Py_ssize_t* bounds  # (n_parts + 1,)


cdef void _moments_lane(
    CsrJob* job, const floating* data, const index* indices, const index* indptr,
    Py_ssize_t lane,
) noexcept nogil:
    cdef Py_ssize_t first = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t last = lane_start(lane + 1, job.n_lanes, job.n), p, column
    cdef double* counts = job.moments + lane * 3 * job.d
    cdef double* sums = counts + job.d
    cdef double* squares = sums + job.d
    cdef double value
    for p in range(<Py_ssize_t> indptr[first], <Py_ssize_t> indptr[last]):
        column = <Py_ssize_t> indices[p]
        value = <double> data[p] - job.shift[column]
        counts[column] += 1
        sums[column] += value
        squares[column] += value * value


cdef void _moments_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef CsrJob* job = <CsrJob*> arg
    if job.single and job.narrow:
        _moments_lane(
            job, <const float*> job.data, <const int32_t*> job.indices,
            <const int32_t*> job.indptr, lane)
    elif job.single:
        _moments_lane(
            job, <const float*> job.data, <const int64_t*> job.indices,
            <const int64_t*> job.indptr, lane)
    elif job.narrow:
        _moments_lane(
            job, <const double*> job.data, <const int32_t*> job.indices,
            <const int32_t*> job.indptr, lane)
    else:
        _moments_lane(
            job, <const double*> job.data, <const int64_t*> job.indices,
            <const int64_t*> job.indptr, lane)


cdef Py_ssize_t _first_from(
    const index* indices, Py_ssize_t start, Py_ssize_t end, Py_ssize_t column
) noexcept nogil:
    """The first place in [start, end) whose column is not below the given one."""
    cdef Py_ssize_t middle
    while start < end:
        middle = (start + end) // 2
        if <Py_ssize_t> indices[middle] < column:
            start = middle + 1
        else:
            end = middle
    return start


cdef void _scatter_part(
    CsrJob* job, const floating* data, const index* indices, const index* indptr,
    Py_ssize_t low, Py_ssize_t high,
) noexcept nogil:
    """Rows [low, high) of the upper triangle, from all rows of X in order."""
    cdef Py_ssize_t i, p, q, end
    cdef double value
    cdef double* out
    for i in range(job.n):
        end = <Py_ssize_t> indptr[i + 1]
        p = _first_from(indices, <Py_ssize_t> indptr[i], end, low)
        while p < end and <Py_ssize_t> indices[p] < high:
            value = <double> data[p] - job.shift[indices[p]]
            out = job.scatter + <Py_ssize_t> indices[p] * job.d
            for q in range(p, end):
                out[indices[q]] += value * (<double> data[q] - job.shift[indices[q]])
            p += 1


cdef void _scatter_task(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    cdef CsrJob* job = <CsrJob*> arg
    cdef Py_ssize_t low = job.bounds[part], high = job.bounds[part + 1]
    if job.single and job.narrow:
        _scatter_part(
            job, <const float*> job.data, <const int32_t*> job.indices,
            <const int32_t*> job.indptr, low, high)
    elif job.single:
        _scatter_part(
            job, <const float*> job.data, <const int64_t*> job.indices,
            <const int64_t*> job.indptr, low, high)
    elif job.narrow:
        _scatter_part(
            job, <const double*> job.data, <const int32_t*> job.indices,
            <const int32_t*> job.indptr, low, high)
    else:
        _scatter_part(
            job, <const double*> job.data, <const int64_t*> job.indices,
            <const int64_t*> job.indptr, low, high)


cdef void _mirror(double* matrix, Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(d):
        for j in range(i):
            matrix[i * d + j] = matrix[j * d + i]


def csr_moments(
    const floating[::1] data,   # IN (nnz,)
    const index[::1] indices,   # IN (nnz,)
    const index[::1] indptr,    # IN (n + 1,)
    const double[::1] shift,    # IN (d,)
    double[:, ::1] moments,     # OUT (3, d)
    int n_threads,
):
    """Count each column's stored values, and sum them and their squares, less the shift."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, d = shift.shape[0]
    cdef Py_ssize_t lanes = lane_count(n, 24 * d, data.shape[0] * sizeof(floating))
    cdef Scratch lane_moments = scratch(lanes * 3 * d, sizeof(double))
    cdef CsrJob job
    job.single, job.narrow = floating is float, index is int32_t
    job.data = &data[0] if data.shape[0] else NULL
    job.indices = &indices[0] if data.shape[0] else NULL
    job.indptr, job.shift = &indptr[0], &shift[0]
    job.n, job.d, job.n_lanes = n, d, lanes
    job.moments = <double*> lane_moments.data
    job.scatter, job.bounds = NULL, NULL
    with nogil:
        run_region(_moments_task, &job, lanes, 2.0 * data.shape[0], n_threads)
        reduce_lanes(job.moments, lanes, 3 * d, &moments[0, 0])


def csr_scatter_matrix(
    const floating[::1] data,      # IN (nnz,)
    const index[::1] indices,      # IN (nnz,), ascending in each row
    const index[::1] indptr,       # IN (n + 1,)
    const double[::1] shift,       # IN (d,), zero where a column has zeros
    const Py_ssize_t[::1] bounds,  # IN (n_parts + 1,): parts of the columns, of equal work
    double[:, ::1] products,       # OUT (d, d)
    int n_threads,
):
    """Sum up t t' over the rows, t being the stored values less the shift."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, d = shift.shape[0]
    cdef double work = 1.5 * data.shape[0] * (data.shape[0] / max(n, 1) / 2 + 1)
    cdef CsrJob job
    job.single, job.narrow = floating is float, index is int32_t
    job.data = &data[0] if data.shape[0] else NULL
    job.indices = &indices[0] if data.shape[0] else NULL
    job.indptr, job.shift = &indptr[0], &shift[0]
    job.n, job.d, job.n_lanes = n, d, 0
    job.moments, job.scatter = NULL, &products[0, 0]
    job.bounds = &bounds[0]
    products[:, :] = 0
    with nogil:
        run_region(_scatter_task, &job, bounds.shape[0] - 1, work, n_threads)
        _mirror(job.scatter, d)
