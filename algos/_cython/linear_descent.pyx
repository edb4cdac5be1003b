"""Coordinate descent along columns, and the products with columns that it needs.

The formulas are in `_linear_descent.h`. Descent runs on one thread, since each step reads the
result of the one before it; products are divided among threads by columns.
"""

from libc.stdint cimport int64_t
from algos._cython._threads cimport run_region
from algos._cython.linear_lines cimport Lines, algos_lines

cdef extern from "_linear_descent.h" nogil:
    ctypedef struct algos_descent:
        algos_lines columns
        const double* h
        const double* mean
        const double* curvature
        const double* l1
        const double* l2
        double* coef
        double* e
        double inverse
        double shift
    ctypedef struct algos_descent_table:
        double (*descend)(
            algos_descent*, const int64_t* which, Py_ssize_t count) noexcept nogil
        void (*correlate)(
            const algos_lines*, const int64_t* which, Py_ssize_t count, const double* e,
            double* out) noexcept nogil
        void (*moments)(
            const algos_lines*, const int64_t* which, Py_ssize_t count, const double* h,
            double* mean, double* square) noexcept nogil
        void (*combine)(
            const algos_lines*, const int64_t* which, Py_ssize_t count, const double* step,
            double* z) noexcept nogil
    const algos_descent_table* algos_descent_choose(int single, int narrow)

cdef enum:
    TASKS = 64

cdef struct ProductJob:
    const algos_descent_table* table
    const algos_lines* columns
    const int64_t* which
    Py_ssize_t count
    const double* vector   # (n,)
    double* out            # (d,)
    double* square         # (d,) or NULL


cdef void _product_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef ProductJob* job = <ProductJob*> arg
    cdef Py_ssize_t start = job.count * task // TASKS
    cdef Py_ssize_t count = job.count * (task + 1) // TASKS - start
    if job.square == NULL:
        job.table.correlate(job.columns, job.which + start, count, job.vector, job.out)
    else:
        job.table.moments(
            job.columns, job.which + start, count, job.vector, job.out, job.square)


cdef double _work(Lines columns, Py_ssize_t count) noexcept nogil:
    """Return the approximate cost in nanoseconds."""
    return 1.5 * columns.stored * count / max(<Py_ssize_t> 1, columns.n)


def descend(
    Lines columns,                # IN (d, n)
    const int64_t[::1] which,     # IN: the columns to sweep over, in this order
    const double[::1] h,          # IN (n,)
    const double[::1] mean,       # IN (d,)
    const double[::1] curvature,  # IN (d,)
    const double[::1] l1,         # IN (d,)
    const double[::1] l2,         # IN (d,)
    double[::1] coef,             # INOUT (d,)
    double[::1] e,                # INOUT (n,)
    double inverse,
    double shift,
    Py_ssize_t most,
    double part,
):
    """Sweep until a sweep gains less than a share of the first one's gain.

    Returns the number of sweeps, the last one's gain and the shift of the intercept.
    """
    cdef const algos_descent_table* table = algos_descent_choose(columns.single, columns.narrow)
    cdef algos_descent job
    cdef double first = 0, gain = 0
    cdef Py_ssize_t done = 0
    if which.shape[0] == 0:
        return 0, 0.0, shift
    job.columns, job.h, job.mean, job.curvature = columns.x, &h[0], &mean[0], &curvature[0]
    job.l1, job.l2, job.coef, job.e = &l1[0], &l2[0], &coef[0], &e[0]
    job.inverse, job.shift = inverse, shift
    with nogil:
        while done < most:
            gain = table.descend(&job, &which[0], which.shape[0])
            done += 1
            first = max(first, gain)
            if gain <= part * first:
                break
    return done, gain, job.shift


cdef void _multiply(
    Lines columns, const int64_t[::1] which, const double* vector, double* out, double* square,
    int n_threads,
):
    cdef ProductJob job
    job.table = algos_descent_choose(columns.single, columns.narrow)
    job.vector, job.out, job.square = vector, out, square
    job.columns, job.which, job.count = &columns.x, &which[0], which.shape[0]
    with nogil:
        run_region(_product_task, &job, TASKS, _work(columns, job.count), n_threads)


def correlate(
    Lines columns,             # IN (d, n)
    const int64_t[::1] which,  # IN: the columns that are wanted
    const double[::1] e,       # IN (n,)
    double[::1] out,           # OUT (d,): x_j e, where wanted
    int n_threads,
):
    """Multiply columns by a vector."""
    if which.shape[0]:
        _multiply(columns, which, &e[0], &out[0], NULL, n_threads)


def column_moments(
    Lines columns,             # IN (d, n)
    const int64_t[::1] which,  # IN: the columns that are wanted
    const double[::1] h,       # IN (n,)
    double[::1] mean,          # OUT (d,): sum_i h_i x_ij, where wanted
    double[::1] square,        # OUT (d,): sum_i h_i x_ij²
    int n_threads,
):
    """Compute weighted sums of columns and of their squares."""
    if which.shape[0]:
        _multiply(columns, which, &h[0], &mean[0], &square[0], n_threads)


def combine(
    Lines columns,             # IN (d, n)
    const int64_t[::1] which,  # IN
    const double[::1] step,    # IN (d,)
    double[::1] z,             # INOUT (n,)
):
    """Add multiples of columns to z, in their order."""
    cdef const algos_descent_table* table = algos_descent_choose(columns.single, columns.narrow)
    if which.shape[0] == 0:
        return
    with nogil:
        table.combine(&columns.x, &which[0], which.shape[0], &step[0], &z[0])
