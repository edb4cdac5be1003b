"""Is every value finite? One pass without copies, a fraction of a microsecond for one row."""

from cython cimport floating

from algos._cython._threads cimport run_region

cdef extern from "_finite.h" nogil:
    int algos_all_finite_float(const float* x, Py_ssize_t n)
    int algos_all_finite_double(const double* x, Py_ssize_t n)

cdef enum:
    CHUNK = 1 << 16  # values a task

cdef double NANOSECONDS_A_VALUE = 0.4


cdef struct FiniteJob:
    const void* x
    Py_ssize_t n
    bint is_float32
    char* finite  # one flag a task


cdef void _finite_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef FiniteJob* job = <FiniteJob*> arg
    cdef Py_ssize_t start = task * CHUNK
    cdef Py_ssize_t count = min(<Py_ssize_t> CHUNK, job.n - start)
    if job.is_float32:
        job.finite[task] = algos_all_finite_float(<const float*> job.x + start, count)
    else:
        job.finite[task] = algos_all_finite_double(<const double*> job.x + start, count)


def all_finite(
    const floating[:, ::1] X,  # IN (n_rows, n_columns)
    int n_threads=1,
):
    """Tell whether X holds neither NaN nor infinity."""
    cdef Py_ssize_t n = X.shape[0] * X.shape[1]
    cdef Py_ssize_t n_tasks = (n + CHUNK - 1) // CHUNK
    cdef char one_flag
    cdef char[::1] flags
    cdef FiniteJob job
    if n == 0:
        return True
    job = FiniteJob(&X[0, 0], n, floating is float, &one_flag)
    if n_tasks == 1:  # no room to fetch, no region to open, no GIL to give back
        _finite_task(&job, 0, 0)
        return one_flag != 0
    room = bytearray(n_tasks)
    flags = room
    job.finite = &flags[0]
    with nogil:
        run_region(_finite_task, &job, n_tasks, NANOSECONDS_A_VALUE * n, n_threads)
    return 0 not in room
