"""Scores and embeddings of factorization machines; the formula is in `_fm_scores.h`."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t

from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "_fm_scores.h" nogil:
    ctypedef struct algos_fm:
        const void* values
        const int32_t* indices
        const int64_t* indptr
        const void* linear
        const void* factors
        const double* intercept
        Py_ssize_t n, d, models, width
    ctypedef void (*algos_fm_leaf)(
        const algos_fm* m, Py_ssize_t start, Py_ssize_t stop, double* room, double* out
    ) noexcept nogil
    algos_fm_leaf algos_fm_choose(int single_values, int single_model, int sums)

ctypedef fused parameter:
    float
    double

cdef enum:
    CHUNK = 256  # rows a task

cdef double NANOSECONDS = 0.3  # a factor of a stored value


cdef struct Job:
    algos_fm model
    algos_fm_leaf leaf
    double* room       # (n_threads, padded), four times the width
    Py_ssize_t padded
    double* out


cdef void _task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef Job* job = <Job*> arg
    cdef Py_ssize_t start = task * CHUNK
    job.leaf(
        &job.model, start, min(start + CHUNK, job.model.n), job.room + slot * job.padded,
        job.out)


cdef int _run(Job* job, Py_ssize_t stored, int n_threads) except -1:
    cdef Py_ssize_t padded = (4 * job.model.width + 7) // 8 * 8
    cdef Scratch room = scratch(max(n_threads, 1) * padded + 1, sizeof(double))
    job.room = <double*> room.data
    job.padded = padded
    with nogil:
        run_region(_task, job, (job.model.n + CHUNK - 1) // CHUNK,
                   (NANOSECONDS * job.model.width + 1.0) * stored, n_threads)
    return 0


cdef Job _job(
    const floating[::1] values, const int32_t[::1] indices, const int64_t[::1] indptr,
    const parameter[:, ::1] linear, const parameter[:, ::1] factors,
    const double[::1] intercept, Py_ssize_t n, bint sums,
) except *:
    cdef Job job
    cdef algos_fm* model = &job.model
    cdef Py_ssize_t d = factors.shape[0], width = factors.shape[1]
    model.n, model.d, model.width, model.models = n, d, width, 1
    model.values = NULL
    model.indices = NULL
    model.indptr = NULL
    if values is not None:
        model.values = <const void*> &values[0]
    if indices is not None:
        model.indices = &indices[0]
    if indptr is not None:
        model.indptr = &indptr[0]
    model.factors = <const void*> &factors[0, 0]
    model.linear = NULL
    model.intercept = NULL
    if not sums:
        model.models = intercept.shape[0]
        model.linear = <const void*> &linear[0, 0]
        model.intercept = &intercept[0]
    # Without stored values the type of the rows is unknown.
    job.leaf = algos_fm_choose(floating is float and values is not None, parameter is float, sums)
    job.room = job.out = NULL
    job.padded = 0
    return job


def fm_scores(
    const floating[::1] values,         # IN (stored,), None if all are 1; or dense rows
    const int32_t[::1] indices,         # IN (stored,), below d; None for dense rows
    const int64_t[::1] indptr,          # IN (n + 1,); None for dense rows
    const double[::1] intercept,        # IN (models,)
    const parameter[:, ::1] linear,     # IN (d, models)
    const parameter[:, ::1] factors,    # IN (d, models * rank)
    double[:, ::1] out,                 # OUT (n, models)
    int n_threads,
):
    """Write the scores of each row under each model."""
    cdef Job job
    cdef Py_ssize_t n = out.shape[0], d = factors.shape[0], stored
    if linear.shape[0] != d or linear.shape[1] != intercept.shape[0] or (
            out.shape[1] != intercept.shape[0] or factors.shape[1] % intercept.shape[0]):
        raise ValueError("the shapes of the models and of out disagree")
    stored = _stored(values is not None, 0 if values is None else values.shape[0], indices,
                     indptr, n, d)
    if n == 0:
        return
    if stored == 0:
        out[...] = intercept
        return
    job = _job(values, indices, indptr, linear, factors, intercept, n, False)
    job.out = &out[0, 0]
    _run(&job, stored, n_threads)


def fm_sums(
    const floating[::1] values,         # IN (stored,), None if all are 1; or dense rows
    const int32_t[::1] indices,         # IN (stored,), below d; None for dense rows
    const int64_t[::1] indptr,          # IN (n + 1,); None for dense rows
    const parameter[:, ::1] factors,    # IN (d, rank)
    double[:, ::1] out,                 # OUT (n, rank)
    int n_threads,
):
    """Write the sum of each row's factors, weighted by its values."""
    cdef Job job
    cdef const double[::1] no_intercept = None
    cdef Py_ssize_t n = out.shape[0], d = factors.shape[0], stored
    if out.shape[1] != factors.shape[1]:
        raise ValueError("the shapes of factors and of out disagree")
    stored = _stored(values is not None, 0 if values is None else values.shape[0], indices,
                     indptr, n, d)
    if n == 0:
        return
    if stored == 0:
        out[...] = 0.0
        return
    job = _job(values, indices, indptr, factors, factors, no_intercept, n, True)
    job.out = &out[0, 0]
    _run(&job, stored, n_threads)


cdef Py_ssize_t _stored(
    bint has_values, Py_ssize_t n_values, const int32_t[::1] indices,
    const int64_t[::1] indptr, Py_ssize_t n, Py_ssize_t d,
) except -1:
    """Return the number of stored values, once the arrays are known to agree."""
    if indices is None:
        if not has_values or n_values != n * d:
            raise ValueError("the shapes of the dense rows, of factors and of out disagree")
        return n_values
    if indptr is None or indptr.shape[0] != n + 1:
        raise ValueError("the shapes of indptr and out disagree")
    if indices.shape[0] < indptr[n] or (has_values and n_values < indptr[n]):
        raise ValueError("the shapes of the CSR arrays disagree")
    return indptr[n]
