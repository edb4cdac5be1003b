"""Rows scaled to length 1: their directions. The formula stands in `_unit_rows.h`."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t, uint8_t
from algos._cython._lanes cimport CHUNK
from algos._cython._threads cimport run_region

cdef extern from "_unit_rows.h" nogil:
    int algos_unit_float(const float* x, Py_ssize_t n, float* out)
    int algos_unit_double(const double* x, Py_ssize_t n, double* out)

ctypedef fused index:
    int32_t
    int64_t

cdef struct UnitJob:
    bint single
    const void* values
    const int32_t* narrow    # (n + 1,) where each row begins; or NULL
    const int64_t* wide      # (n + 1,) or NULL; neither: rows of d values each
    Py_ssize_t n, d
    void* out
    uint8_t* directed        # (n,)


cdef inline Py_ssize_t _begin(UnitJob* job, Py_ssize_t row) noexcept nogil:
    if job.narrow != NULL:
        return job.narrow[row]
    return row * job.d if job.wide == NULL else <Py_ssize_t> job.wide[row]


cdef void _unit_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef UnitJob* job = <UnitJob*> arg
    cdef Py_ssize_t row, begin, size
    for row in range(chunk * CHUNK, min(job.n, chunk * CHUNK + CHUNK)):
        begin = _begin(job, row)
        size = _begin(job, row + 1) - begin
        if job.single:
            job.directed[row] = algos_unit_float(
                <const float*> job.values + begin, size, <float*> job.out + begin)
        else:
            job.directed[row] = algos_unit_double(
                <const double*> job.values + begin, size, <double*> job.out + begin)


cdef void _run(UnitJob* job, Py_ssize_t n_values, int n_threads) noexcept nogil:
    run_region(_unit_task, job, (job.n + CHUNK - 1) // CHUNK, 1.0 * n_values, n_threads)


def unit_rows(
    const floating[:, ::1] X,   # IN (n, d)
    floating[:, ::1] out,       # OUT (n, d)
    uint8_t[::1] directed,      # OUT (n,): 0 where a row is all zero, and so is out
    int n_threads,
):
    """Scale each row to length 1."""
    cdef UnitJob job
    job.single, job.values, job.out = floating is float, &X[0, 0], &out[0, 0]
    job.n, job.d, job.narrow, job.wide = X.shape[0], X.shape[1], NULL, NULL
    job.directed = &directed[0]
    with nogil:
        _run(&job, job.n * job.d, n_threads)


def unit_rows_csr(
    const floating[::1] values,  # IN (n_stored,), no column twice in a row
    const index[::1] indptr,     # IN (n + 1,), ascending, the last at most n_stored
    floating[::1] out,           # OUT (n_stored,)
    uint8_t[::1] directed,       # OUT (n,): 0 where a row is all zero, and so is out
    int n_threads,
):
    """Scale each row's stored values to length 1."""
    cdef UnitJob job
    cdef Py_ssize_t n_values = values.shape[0]
    job.single, job.values, job.out = floating is float, NULL, NULL
    if n_values:
        job.values, job.out = &values[0], &out[0]
    job.n, job.d, job.narrow, job.wide = indptr.shape[0] - 1, 0, NULL, NULL
    if index is int32_t:
        job.narrow = &indptr[0]
    else:
        job.wide = &indptr[0]
    job.directed = &directed[0]
    with nogil:
        _run(&job, n_values, n_threads)
