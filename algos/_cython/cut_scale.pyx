"""Rows in the units of a random cut forest: centred, scaled and in float32."""

from cython cimport floating
from libc.math cimport exp, fabs

from algos._cython._cut_scale cimport CUT_LIMIT, FAR, scaled, within
from algos._cython._running cimport deviation_of
from algos._cython._threads cimport run_region

cdef enum:
    CHUNK = 1024  # rows a task

cdef double NANOSECONDS_A_VALUE = 0.6
cdef double MOST_STEP = 10.0  # deviations, of a value that is learned
LIMIT = CUT_LIMIT


cdef struct ScaleJob:
    bint single
    const void* X
    Py_ssize_t n, d
    const double* unit
    const double* center
    const double* factor
    float* out


cdef void _scale_chunk(ScaleJob* job, const floating* X, Py_ssize_t chunk) noexcept nogil:
    cdef Py_ssize_t i, j, stop = min(job.n, (chunk + 1) * CHUNK)
    for i in range(chunk * CHUNK, stop):
        for j in range(job.d):
            job.out[i * job.d + j] = scaled(
                X[i * job.d + j], job.unit[j], job.center[j], job.factor[j]
            )


cdef void _scale_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef ScaleJob* job = <ScaleJob*> arg
    if job.single:
        _scale_chunk(job, <const float*> job.X, chunk)
    else:
        _scale_chunk(job, <const double*> job.X, chunk)


def scale_rows(
    const floating[:, ::1] X,  # IN (n, d), NaN where a value is missing
    const double[::1] unit,    # IN (d,): powers of two that keep differences finite
    const double[::1] center,  # IN (d,), in these units
    const double[::1] factor,  # IN (d,)
    float[:, ::1] out,         # OUT (n, d): (X * unit - center) * factor, within ±LIMIT
    int n_threads=1,
):
    """Scale rows as a forest was taught to."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
    cdef Py_ssize_t n_tasks = (n + CHUNK - 1) // CHUNK
    cdef ScaleJob job
    if n == 0 or d == 0:
        return
    job = ScaleJob(
        floating is float, &X[0, 0], n, d, &unit[0], &center[0], &factor[0], &out[0, 0]
    )
    if n_tasks == 1:
        _scale_task(&job, 0, 0)
        return
    with nogil:
        run_region(_scale_task, &job, n_tasks, NANOSECONDS_A_VALUE * n * d, n_threads)


cdef struct Running:
    double weight  # of the rows so far, discounted
    double mean
    double scatter


cdef inline void _learn_value(Running* running, double x, double keep) noexcept nogil:
    """Add a value to the mean and scatter of which each step forgets 1 - keep.

    What is far beyond the values so far counts as `MOST_STEP` deviations, so that one wild
    value does not hide those after it, and a new level is learned from several.
    """
    cdef double step = x - running.mean
    cdef double usual = deviation_of(running.scatter, running.weight)
    if running.weight > 0:
        if usual == 0:  # the unit of a constant column
            usual = fabs(running.mean) if running.mean != 0 else 1.0
        step = within(step, MOST_STEP * usual)
        x = running.mean + step
    running.weight = running.weight * keep + 1
    running.mean += step / running.weight
    running.scatter = running.scatter * keep + step * (x - running.mean)


def normalize_rows(
    const floating[:, ::1] X,  # IN (n, d), NaN where a value is missing
    const double[::1] unit,    # IN (d,)
    const double[::1] weight,  # IN (d,): of the columns
    double[:, ::1] running,    # INOUT (d, 3): weight, mean and scatter of the values so far
    float[:, ::1] out,         # OUT (n, d)
    double decay,
    double clip,
    bint learns,
):
    """Divide each value's distance from its column's running mean by its running deviation.

    A row is taken into mean and deviation before it is normalised, if `learns`.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], i, j
    cdef double keep = exp(-decay), x, deviation
    cdef Running* column
    with nogil:
        for i in range(n):
            for j in range(d):
                column = <Running*> &running[j, 0]
                x = within(X[i, j] * unit[j], FAR)
                if learns and x == x:
                    _learn_value(column, x, keep)
                deviation = deviation_of(column.scatter, column.weight)
                if deviation > 0:
                    x = (x - column.mean) / deviation
                elif x == x:  # no value has differed so far
                    x = clip * ((x > column.mean) - <double> (x < column.mean))
                out[i, j] = <float> (within(x, clip) * weight[j])
