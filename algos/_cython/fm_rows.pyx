"""Preparing rows for the solvers of factorization machines: order, units and fields."""

from cython cimport floating
from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

from algos._cython._threads cimport run_region

cdef extern from *:
    void prefetch "__builtin_prefetch"(const void* at) noexcept nogil

cdef enum:
    ROWS = 2048      # of a task
    AHEAD = 8        # rows that are prefetched
    VALUES = 1 << 16  # of a task

cdef struct GatherJob:
    const int64_t* starts
    const int32_t* indices
    const char* values     # or NULL
    const int64_t* places
    const int64_t* new_starts
    int32_t* new_indices
    char* new_values
    Py_ssize_t n, width    # width: bytes of a value

cdef struct ScaleJob:
    const int32_t* indices
    const void* values
    const double* scale
    void* out
    double largest, near
    Py_ssize_t stored
    bint single


cdef inline void _fetch(const char* begin, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(0, size, 64):
        prefetch(begin + at)


cdef void _gather_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef GatherJob* job = <GatherJob*> arg
    cdef Py_ssize_t i, begin, count, to, stop = min(job.n, (task + 1) * ROWS)
    for i in range(task * ROWS, stop):
        if i + AHEAD < stop:
            begin = job.starts[job.places[i + AHEAD]]
            count = job.new_starts[i + AHEAD + 1] - job.new_starts[i + AHEAD]
            _fetch(<const char*> (job.indices + begin), count * sizeof(int32_t))
            if job.values != NULL:
                _fetch(job.values + begin * job.width, count * job.width)
        begin, to = job.starts[job.places[i]], job.new_starts[i]
        count = job.new_starts[i + 1] - to
        memcpy(job.new_indices + to, job.indices + begin, count * sizeof(int32_t))
        if job.values != NULL:
            memcpy(job.new_values + to * job.width, job.values + begin * job.width,
                   count * job.width)


def gather_rows(
    const int64_t[::1] starts,      # IN (n + 1,)
    const int32_t[::1] indices,     # IN
    const floating[::1] values,     # IN, or None
    const int64_t[::1] places,      # IN: rows
    const int64_t[::1] new_starts,  # IN (len(places) + 1,)
    int32_t[::1] new_indices,       # OUT (new_starts[-1],)
    floating[::1] new_values,       # OUT, or None
    int n_threads,
):
    """Write the rows at `places`; `new_starts` are the cumulated lengths of these rows."""
    cdef GatherJob job
    if not new_indices.shape[0]:
        return
    job.starts, job.indices, job.places = &starts[0], &indices[0], &places[0]
    job.new_starts, job.new_indices = &new_starts[0], &new_indices[0]
    job.values = job.new_values = NULL
    job.n, job.width = places.shape[0], sizeof(floating)
    if values is not None:
        job.values, job.new_values = <const char*> &values[0], <char*> &new_values[0]
    with nogil:
        run_region(_gather_task, &job, (job.n + ROWS - 1) // ROWS,
                   10.0 * job.n + 1.0 * new_indices.shape[0], n_threads)


cdef inline void _scale_values(
    const int32_t* indices, const floating* values, const double* scale, floating* out,
    double largest, double near, Py_ssize_t count,
) noexcept nogil:
    cdef Py_ssize_t p
    cdef double x
    for p in range(count):
        x = values[p] / scale[indices[p]]
        x = min(max(x, -largest), largest)
        out[p] = <floating> (1.0 if fabs(x - 1) < near else x)


cdef void _scale_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef ScaleJob* job = <ScaleJob*> arg
    cdef Py_ssize_t begin = task * VALUES
    cdef Py_ssize_t count = min(job.stored - begin, <Py_ssize_t> VALUES)
    if job.single:
        _scale_values[float](
            job.indices + begin, <const float*> job.values + begin, job.scale,
            <float*> job.out + begin, job.largest, job.near, count)
    else:
        _scale_values[double](
            job.indices + begin, <const double*> job.values + begin, job.scale,
            <double*> job.out + begin, job.largest, job.near, count)


def scale_values(
    const int32_t[::1] indices,   # IN (stored,)
    const floating[::1] values,   # IN (stored,)
    const double[::1] scale,      # IN (n_columns,), positive
    floating[::1] out,            # OUT (stored,)
    double largest,               # largest magnitude of a result
    double near,                  # tolerance within which a value is set to 1
    int n_threads,
):
    """Divide values by the scale of their columns."""
    cdef ScaleJob job
    if not values.shape[0]:
        return
    job.indices, job.values, job.scale, job.out = &indices[0], &values[0], &scale[0], &out[0]
    job.largest, job.near, job.stored = largest, near, values.shape[0]
    job.single = floating is float
    with nogil:
        run_region(_scale_task, &job, (job.stored + VALUES - 1) // VALUES,
                   2.0 * job.stored, n_threads)


def mark_columns(const int32_t[::1] indices, char[::1] is_used):
    """Set `is_used` (n_columns,) of each column that holds a value to 1."""
    cdef Py_ssize_t p
    with nogil:
        for p in range(indices.shape[0]):
            is_used[indices[p]] = 1


def count_columns(const int32_t[::1] indices, int64_t[::1] counts):
    """Add to `counts` (n_columns,) the number of each column's values."""
    cdef Py_ssize_t p
    with nogil:
        for p in range(indices.shape[0]):
            counts[indices[p]] += 1


cdef inline int64_t _first_from(
    const int32_t* indices, int64_t begin, int64_t end, int64_t column,
) noexcept nogil:
    """Return the first place in begin … end - 1 whose column is at least `column`."""
    cdef int64_t middle
    while begin < end:
        middle = (begin + end) // 2
        if indices[middle] < column:
            begin = middle + 1
        else:
            end = middle
    return begin


def part_starts(
    const int64_t[::1] starts,   # IN (n + 1,)
    const int32_t[::1] indices,  # IN: rising in each row
    const int64_t[::1] cuts,     # IN (parts + 1,): where parts of the columns begin
    int64_t[::1] out,            # OUT (n * parts + 1,)
):
    """Write the bounds of the parts of each row, row after row."""
    cdef Py_ssize_t row, part, parts = cuts.shape[0] - 1
    cdef int64_t at, end
    if not indices.shape[0]:
        out[:] = 0
        return
    with nogil:
        for row in range(starts.shape[0] - 1):
            at, end = starts[row], starts[row + 1]
            for part in range(parts):
                if part:
                    at = _first_from(&indices[0], at, end, cuts[part])
                out[row * parts + part] = at
        out[out.shape[0] - 1] = starts[starts.shape[0] - 1]


def renumber(const int32_t[::1] indices, const int32_t[::1] number, int32_t[::1] out):
    """Write the `number` (n_columns,) of the column of each value to `out`."""
    cdef Py_ssize_t p
    with nogil:
        for p in range(indices.shape[0]):
            out[p] = number[indices[p]]


def column_peaks(const int32_t[::1] indices, const floating[::1] values, double[::1] peaks):
    """Raise `peaks` (n_columns,) to the largest magnitude of each column's values."""
    cdef Py_ssize_t p
    cdef double magnitude
    with nogil:
        for p in range(indices.shape[0]):
            magnitude = fabs(<double> values[p])
            if magnitude > peaks[indices[p]]:
                peaks[indices[p]] = magnitude


def column_squares(
    const int64_t[::1] starts, const int32_t[::1] indices, const floating[::1] values,
    const double[::1] weights, const double[::1] peaks, double[::1] totals, double[::1] squares,
):
    """Add each row's weight to its columns, and that times (value / peak)²."""
    cdef Py_ssize_t i, p
    cdef double share
    with nogil:
        for i in range(weights.shape[0]):
            for p in range(starts[i], starts[i + 1]):
                share = values[p] / peaks[indices[p]]
                totals[indices[p]] += weights[i]
                squares[indices[p]] += weights[i] * (share * share)


def next_columns(const int64_t[::1] starts, const int32_t[::1] indices, int32_t[::1] nearest):
    """Lower `nearest` (n_columns,) to the next column that occurs with each in a row."""
    cdef Py_ssize_t i, p
    with nogil:
        for i in range(starts.shape[0] - 1):
            for p in range(starts[i] + 1, starts[i + 1]):
                if indices[p] < nearest[indices[p - 1]]:
                    nearest[indices[p - 1]] = indices[p]
