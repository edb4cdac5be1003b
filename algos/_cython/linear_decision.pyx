"""Decision values (X - shift)·v + offset in double precision, row by row.

A row has the same bits alone and in a batch.
"""

from cython cimport floating
from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._memory cimport Scratch, scratch
from algos._cython._sparse_dots cimport STRIP, algos_sparse_dots, sparse_dots_of
from algos._cython._threads cimport is_short, run_region

cdef extern from "_wide_dots.h" nogil:
    void algos_wide_dots_f32(
        const float* x, Py_ssize_t n, Py_ssize_t d, const double* shift, const double* v,
        const double* offset, Py_ssize_t k, double* out)
    void algos_wide_dots_f64(
        const double* x, Py_ssize_t n, Py_ssize_t d, const double* shift, const double* v,
        const double* offset, Py_ssize_t k, double* out)

cdef enum:
    ROWS = 512  # a task

cdef struct DecisionJob:
    bint single            # float32
    const void* X          # (n, d), unless sparse
    const algos_csr* x
    const algos_sparse_dots* table
    Py_ssize_t n, d, k
    const double* shift    # (d,), of dense rows, or NULL
    const double* vectors  # (k, d); of CSR rows (strips, d, 8), or (d,)
    const double* offset   # (k,)
    double* products       # (STRIP, ROWS) for each slot, of CSR rows
    double* out            # (n, k)


cdef void _dense_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef DecisionJob* job = <DecisionJob*> arg
    cdef Py_ssize_t row = task * ROWS
    cdef Py_ssize_t rows = min(<Py_ssize_t> ROWS, job.n - row)
    if job.single:
        algos_wide_dots_f32(
            <const float*> job.X + row * job.d, rows, job.d, job.shift, job.vectors,
            job.offset, job.k, job.out + row * job.k)
    else:
        algos_wide_dots_f64(
            <const double*> job.X + row * job.d, rows, job.d, job.shift, job.vectors,
            job.offset, job.k, job.out + row * job.k)


cdef void _sparse_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef DecisionJob* job = <DecisionJob*> arg
    cdef Py_ssize_t row = task * ROWS, strip, first, used, i, j
    cdef Py_ssize_t rows = min(<Py_ssize_t> ROWS, job.n - row)
    cdef double* z = job.products + slot * STRIP * ROWS
    for strip in range((job.k + STRIP - 1) // STRIP):
        first = strip * STRIP
        used = min(<Py_ssize_t> STRIP, job.k - first)
        if job.k == 1:
            job.table.wide_dots(job.x, row, rows, job.vectors, z)
        else:
            job.table.wide_strip_dots(
                job.x, row, rows, job.vectors + first * job.d, ROWS, used, z)
        for i in range(rows):
            for j in range(used):
                job.out[(row + i) * job.k + first + j] = (
                    z[j * ROWS + i] + job.offset[first + j])


cdef void _decide(DecisionJob* job, double nanoseconds, int n_threads):
    cdef Py_ssize_t tasks = (job.n + ROWS - 1) // ROWS
    if is_short(nanoseconds):
        run_region(_sparse_task if job.X == NULL else _dense_task, job, tasks, nanoseconds, 1)
    else:
        with nogil:
            run_region(
                _sparse_task if job.X == NULL else _dense_task, job, tasks, nanoseconds,
                n_threads)


def dense_decision(
    const floating[:, ::1] X,      # IN (n, d)
    const double[::1] shift,       # IN (d,) or None
    const double[:, ::1] vectors,  # IN (k, d)
    const double[::1] offset,      # IN (k,)
    double[:, ::1] out,            # OUT (n, k)
    int n_threads,
):
    """Multiply dense rows, less the shift, by the vectors."""
    cdef DecisionJob job
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = vectors.shape[0]
    job = DecisionJob(
        floating is float, &X[0, 0], NULL, NULL, n, d, k, NULL, &vectors[0, 0], &offset[0],
        NULL, &out[0, 0])
    if shift is not None:
        job.shift = &shift[0]
    _decide(&job, 0.3 * n * d * k, n_threads)


def sparse_decision(
    CsrRows rows,                  # IN
    const double[:, ::1] vectors,  # IN (k, d)
    const double[::1] offset,      # IN (k,)
    double[:, ::1] out,            # OUT (n, k)
    int n_threads,
):
    """Multiply CSR rows by the vectors."""
    cdef DecisionJob job
    cdef Py_ssize_t n = rows.x.n, d = rows.x.d, k = vectors.shape[0], j, p
    cdef Py_ssize_t width = (k + STRIP - 1) // STRIP * STRIP
    cdef Py_ssize_t slots = max(<Py_ssize_t> 1, min(<Py_ssize_t> n_threads, n // ROWS + 1))
    cdef Scratch strips, products = scratch(slots * STRIP * ROWS, sizeof(double))
    cdef double* strip
    job = DecisionJob(
        rows.single, NULL, &rows.x, sparse_dots_of(rows), n, d, k, NULL, &vectors[0, 0],
        &offset[0], <double*> products.data, &out[0, 0])
    if k > 1:
        strips = scratch(width * d, sizeof(double))
        job.vectors = <const double*> strips.data
        for j in range(k):
            strip = <double*> strips.data + j // STRIP * STRIP * d + j % STRIP
            for p in range(d):
                strip[p * STRIP] = vectors[j, p]
    _decide(&job, 2.0 * rows.stored * k, n_threads)
