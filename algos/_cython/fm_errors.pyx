"""Sums over the errors of all rows, and errors of scores stretched about the intercept.

All rows are stretched by the same factor.
"""

from cython cimport floating

from algos._cython._lanes cimport CHUNK, lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region


cdef struct StretchJob:
    bint single
    const void* target
    const void* weights    # or NULL: 1
    void* errors
    double intercept, factor
    Py_ssize_t n, n_lanes
    double* lanes          # (n_lanes, 2)


cdef inline void _sum_rows(
    const floating* target, const floating* errors, const floating* weights,
    double intercept, Py_ssize_t rows, double* sums,
) noexcept nogil:
    """Add Σ w g² and Σ w g e, where g is the score minus the intercept."""
    cdef double square = 0, product = 0, g, w
    cdef Py_ssize_t i
    for i in range(rows):
        w = 1.0 if weights == NULL else weights[i]
        g = <double> target[i] - errors[i] - intercept
        square += w * g * g
        product += w * g * errors[i]
    sums[0] += square
    sums[1] += product


cdef void _sum_lane(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef StretchJob* job = <StretchJob*> arg
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n), rows
    cdef Py_ssize_t stop = lane_start(lane + 1, job.n_lanes, job.n)
    cdef const float* single = NULL
    cdef const double* twice = NULL
    cdef double* sums = job.lanes + 2 * lane
    sums[0] = sums[1] = 0
    while row < stop:
        rows = min(stop - row, <Py_ssize_t> CHUNK)
        if job.single:
            if job.weights != NULL:
                single = <const float*> job.weights + row
            _sum_rows[float](
                <const float*> job.target + row, <const float*> job.errors + row, single,
                job.intercept, rows, sums)
        else:
            if job.weights != NULL:
                twice = <const double*> job.weights + row
            _sum_rows[double](
                <const double*> job.target + row, <const double*> job.errors + row, twice,
                job.intercept, rows, sums)
        row += rows


cdef inline void _stretch_rows(
    const floating* target, floating* errors, double intercept, double factor,
    Py_ssize_t rows,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double g
    for i in range(rows):
        g = <double> target[i] - errors[i] - intercept
        errors[i] = <floating> (errors[i] - (factor - 1) * g)


cdef void _stretch_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef StretchJob* job = <StretchJob*> arg
    cdef Py_ssize_t row = chunk * CHUNK, rows = min(job.n - row, <Py_ssize_t> CHUNK)
    if job.single:
        _stretch_rows[float](
            <const float*> job.target + row, <float*> job.errors + row, job.intercept,
            job.factor, rows)
    else:
        _stretch_rows[double](
            <const double*> job.target + row, <double*> job.errors + row, job.intercept,
            job.factor, rows)


def stretch_sums(
    const floating[::1] target,   # IN (n,), n > 0
    floating[::1] errors,         # IN (n,): target minus score
    const floating[::1] weights,  # IN (n,), or None: 1
    double intercept,
    int n_threads,
):
    """Return Σ w g² and Σ w g e, where g is the score minus the intercept, e the error."""
    cdef StretchJob job
    cdef Py_ssize_t n = target.shape[0]
    cdef Py_ssize_t n_lanes = lane_count(n, 2 * sizeof(double), n * sizeof(floating))
    cdef Scratch lanes = scratch(2 * n_lanes, sizeof(double))
    cdef double[2] sums
    job.single, job.target, job.errors = floating is float, &target[0], &errors[0]
    job.weights = NULL
    if weights is not None:
        job.weights = &weights[0]
    job.intercept, job.n, job.n_lanes = intercept, n, n_lanes
    job.lanes = <double*> lanes.data
    with nogil:
        run_region(_sum_lane, &job, n_lanes, 2.0 * n, n_threads)
        reduce_lanes(job.lanes, n_lanes, 2, sums)
    return sums[0], sums[1]


def stretch_errors(
    const floating[::1] target,  # IN (n,), n > 0
    floating[::1] errors,        # INOUT (n,): target minus score
    double intercept,
    double factor,
    int n_threads,
):
    """Multiply the scores minus the intercept by a factor."""
    cdef StretchJob job
    cdef Py_ssize_t n = target.shape[0]
    job.single, job.target, job.errors = floating is float, &target[0], &errors[0]
    job.intercept, job.factor, job.n = intercept, factor, n
    with nogil:
        run_region(_stretch_task, &job, (n + CHUNK - 1) // CHUNK, 1.0 * n, n_threads)


cdef struct SumsJob:
    bint single
    const void* errors
    const void* weights  # or NULL: 1
    Py_ssize_t n, n_lanes
    double* lanes        # (n_lanes, 3)


cdef inline void _sum_errors(
    const floating* errors, const floating* weights, Py_ssize_t rows, double* sums
) noexcept nogil:
    """Add the sums of weights, of weighted errors and of their squares."""
    cdef double[4] weight = [0, 0, 0, 0]  # four accumulators, since one would wait for its own sum
    cdef double[4] slope = [0, 0, 0, 0]
    cdef double[4] square = [0, 0, 0, 0]
    cdef double e, p
    cdef Py_ssize_t i, at
    for i in range(0, rows, 4):
        for at in range(min(<Py_ssize_t> 4, rows - i)):
            e, p = errors[i + at], 1
            if weights != NULL:
                p = weights[i + at]
            weight[at] += p
            slope[at] += p * e
            square[at] += p * e * e
    for at in range(4):
        sums[0] += weight[at]
        sums[1] += slope[at]
        sums[2] += square[at]


cdef void _errors_lane(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef SumsJob* job = <SumsJob*> arg
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t rows = lane_start(lane + 1, job.n_lanes, job.n) - row
    cdef double* sums = job.lanes + 3 * lane
    cdef const float* single = NULL
    cdef const double* twice = NULL
    sums[0] = sums[1] = sums[2] = 0
    if job.single:
        if job.weights != NULL:
            single = <const float*> job.weights + row
        _sum_errors[float](<const float*> job.errors + row, single, rows, sums)
    else:
        if job.weights != NULL:
            twice = <const double*> job.weights + row
        _sum_errors[double](<const double*> job.errors + row, twice, rows, sums)


def error_sums(
    const floating[::1] errors,   # IN (n,)
    const floating[::1] weights,  # IN (n,), or None: 1
    int n_threads,
):
    """Return the sums of the weights, of weighted errors and of their squares."""
    cdef SumsJob job
    cdef Py_ssize_t n = errors.shape[0]
    cdef Py_ssize_t n_lanes = lane_count(n, 3 * sizeof(double), n * sizeof(floating))
    cdef Scratch lanes = scratch(3 * n_lanes, sizeof(double))
    cdef double[3] sums
    job.single, job.errors, job.weights = floating is float, NULL, NULL
    if n:
        job.errors = &errors[0]
    if weights is not None and n:
        job.weights = &weights[0]
    job.n, job.n_lanes, job.lanes = n, n_lanes, <double*> lanes.data
    with nogil:
        run_region(_errors_lane, &job, n_lanes, 1.0 * n, n_threads)
        reduce_lanes(job.lanes, n_lanes, 3, sums)
    return sums[0], sums[1], sums[2]
