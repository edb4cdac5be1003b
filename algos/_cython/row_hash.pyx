"""Seeded 64-bit hashes of the content of rows; the formula stands in `_row_hash.h`."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t, uint64_t

from algos._cython._threads cimport run_region

cdef extern from "_row_hash.h" nogil:
    uint64_t algos_fold(double value)
    uint64_t algos_mix(uint64_t h)
    uint64_t algos_column_factor(const uint64_t* key, int64_t column)
    void algos_hash_dense_float(
        const float* x, const uint64_t* factors, uint64_t* sums,
        Py_ssize_t n_rows, Py_ssize_t n_columns)
    void algos_hash_dense_double(
        const double* x, const uint64_t* factors, uint64_t* sums,
        Py_ssize_t n_rows, Py_ssize_t n_columns)

ctypedef fused index:
    int32_t
    int64_t

cdef enum:
    CHUNK = 1024  # rows a task

cdef double NANOSECONDS_A_VALUE = 0.5


cdef struct DenseJob:
    const void* x
    const uint64_t* factors
    uint64_t* sums
    Py_ssize_t n_rows
    Py_ssize_t n_columns
    bint is_float32


cdef void _dense_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef DenseJob* job = <DenseJob*> arg
    cdef Py_ssize_t start = task * CHUNK
    cdef Py_ssize_t count = min(<Py_ssize_t> CHUNK, job.n_rows - start)
    cdef Py_ssize_t offset = start * job.n_columns
    if job.is_float32:
        algos_hash_dense_float(
            <const float*> job.x + offset, job.factors, job.sums + start, count, job.n_columns)
    else:
        algos_hash_dense_double(
            <const double*> job.x + offset, job.factors, job.sums + start, count, job.n_columns)


cdef struct CsrJob:
    const void* data
    const void* indices
    const void* indptr
    const uint64_t* factors
    uint64_t* sums
    Py_ssize_t n_rows
    bint is_float32
    bint is_int32


cdef inline void _csr_rows(
    const floating* data, const index* indices, const index* indptr,
    const uint64_t* factors, uint64_t* sums, Py_ssize_t start, Py_ssize_t stop,
) noexcept nogil:
    cdef Py_ssize_t i, p
    cdef uint64_t total
    for i in range(start, stop):
        total = 0
        for p in range(indptr[i], indptr[i + 1]):
            total += factors[indices[p]] * algos_fold(<double> data[p])
        sums[i] += total


cdef void _csr_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef CsrJob* job = <CsrJob*> arg
    cdef Py_ssize_t start = task * CHUNK
    cdef Py_ssize_t stop = min(start + CHUNK, job.n_rows)
    if job.is_float32 and job.is_int32:
        _csr_rows(<const float*> job.data, <const int32_t*> job.indices,
                  <const int32_t*> job.indptr, job.factors, job.sums, start, stop)
    elif job.is_float32:
        _csr_rows(<const float*> job.data, <const int64_t*> job.indices,
                  <const int64_t*> job.indptr, job.factors, job.sums, start, stop)
    elif job.is_int32:
        _csr_rows(<const double*> job.data, <const int32_t*> job.indices,
                  <const int32_t*> job.indptr, job.factors, job.sums, start, stop)
    else:
        _csr_rows(<const double*> job.data, <const int64_t*> job.indices,
                  <const int64_t*> job.indptr, job.factors, job.sums, start, stop)


def column_factors(
    const uint64_t[::1] key,  # IN (2,)
    uint64_t[::1] factors,    # OUT (n_columns,)
):
    """Write the odd factor of each column; return the one of the target."""
    cdef Py_ssize_t j
    if key.shape[0] != 2:
        raise ValueError(f"`key` has {key.shape[0]} words; it must have 2")
    with nogil:
        for j in range(factors.shape[0]):
            factors[j] = algos_column_factor(&key[0], j)
    return algos_column_factor(&key[0], -1)


def add_dense(
    const floating[:, ::1] X,      # IN (n_rows, n_columns)
    const uint64_t[::1] factors,   # IN (n_columns,)
    uint64_t[::1] sums,            # INOUT (n_rows,)
    int n_threads,
):
    """Add each dense row's hash sum to `sums`."""
    cdef DenseJob job
    cdef Py_ssize_t n_rows = X.shape[0]
    cdef Py_ssize_t n_columns = X.shape[1]
    if factors.shape[0] != n_columns or sums.shape[0] != n_rows:
        raise ValueError("the shapes of X, factors and sums disagree")
    if n_rows == 0 or n_columns == 0:
        return
    job = DenseJob(&X[0, 0], &factors[0], &sums[0], n_rows, n_columns, floating is float)
    with nogil:
        run_region(_dense_task, &job, (n_rows + CHUNK - 1) // CHUNK,
                   NANOSECONDS_A_VALUE * n_rows * n_columns, n_threads)


def add_csr(
    const floating[::1] data,      # IN (n_stored,)
    const index[::1] indices,      # IN (n_stored,), each below n_columns
    const index[::1] indptr,       # IN (n_rows + 1,)
    const uint64_t[::1] factors,   # IN (n_columns,)
    uint64_t[::1] sums,            # INOUT (n_rows,)
    int n_threads,
):
    """Add each CSR row's hash sum to `sums`; a row must name no column twice."""
    cdef CsrJob job
    cdef Py_ssize_t n_rows = sums.shape[0]
    if indptr.shape[0] != n_rows + 1 or indices.shape[0] < indptr[n_rows]:
        raise ValueError("the shapes of the CSR arrays and sums disagree")
    if n_rows == 0 or indptr[n_rows] == 0:
        return
    job = CsrJob(&data[0], &indices[0], &indptr[0], &factors[0], &sums[0], n_rows,
                 floating is float, index is int32_t)
    with nogil:
        run_region(_csr_task, &job, (n_rows + CHUNK - 1) // CHUNK,
                   4 * NANOSECONDS_A_VALUE * indptr[n_rows], n_threads)


def add_target(
    const double[::1] y,   # IN (n_rows,)
    uint64_t factor,
    uint64_t[::1] sums,    # INOUT (n_rows,)
):
    """Add each target's part to `sums`."""
    cdef Py_ssize_t i
    if y.shape[0] != sums.shape[0]:
        raise ValueError("the lengths of y and sums disagree")
    with nogil:
        for i in range(y.shape[0]):
            sums[i] += factor * algos_fold(y[i])


def finish(
    const uint64_t[::1] key,  # IN (2,)
    uint64_t[::1] sums,       # INOUT (n_rows,): sums, then keys
):
    """Turn hash sums into keys whose every bit depends on every bit of the sum."""
    cdef Py_ssize_t i
    if key.shape[0] != 2:
        raise ValueError(f"`key` has {key.shape[0]} words; it must have 2")
    with nogil:
        for i in range(sums.shape[0]):
            sums[i] = algos_mix(algos_mix(sums[i] ^ key[0]) + key[1])
