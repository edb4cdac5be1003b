"""Which rows of a batch the reservoirs hold, drawn without going through the rows.

Without decay the keys are the smallest of n exponential variables: their spacings are
independent, the i-th exponential at the rate n - i (Rényi). With decay almost all of the
sample is near the end, so that a reservoir that goes back from the last row jumps over the
others (see `_cut_reservoir.h`).
"""

from libc.math cimport log
from libc.stdint cimport int32_t, int64_t, uint64_t

from algos._cython._cut_reservoir cimport (
    DRAWN, SEEN, drawn, exponential, heapify, jump, key_of, log_rate, resume, sift_down,
)
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng, rng_below
from algos._cython._threads cimport run_region


cdef struct DrawJob:
    int64_t n, m
    double decay
    const uint64_t* key
    uint64_t first_stream
    int64_t* clock          # (n_trees, 4)
    int64_t* rows           # (n_trees, m)
    double* keys            # (n_trees, m)
    int64_t* table          # (n_threads, capacity): 0, or 1 + a row that is drawn
    int32_t* order          # (n_threads, m)
    Py_ssize_t capacity     # a power of two


cdef inline bint _add(int64_t row, int64_t* table, Py_ssize_t capacity) noexcept nogil:
    """Add a row to the set; return False if it was in it."""
    cdef Py_ssize_t at = <Py_ssize_t> (
        (<uint64_t> row * 0x9E3779B97F4A7C15u) >> 32) & (capacity - 1)
    while table[at] != 0:
        if table[at] == row + 1:
            return False
        at = (at + 1) & (capacity - 1)
    table[at] = row + 1
    return True


cdef void _draw_alike(DrawJob* job, int64_t* rows, double* keys, int64_t* table, Rng* rng) \
        noexcept nogil:
    """Draw m distinct rows (Floyd: Bentley, "Programming pearls", CACM 30, 1987)."""
    cdef int64_t i, other, row, n = job.n
    cdef double sum = 0
    for i in range(job.capacity):
        table[i] = 0
    for i in range(job.m):
        row = rng_below(rng, n - job.m + i + 1)
        if not _add(row, table, job.capacity):
            row = n - job.m + i
            _add(row, table, job.capacity)
        other = rng_below(rng, i + 1)  # Floyd's order is not random
        rows[i] = rows[other]
        rows[other] = row
    for i in range(job.m):
        sum += exponential(rng) / (n - i)
        keys[i] = log(sum)


cdef void _draw_decayed(DrawJob* job, int64_t* rows, double* keys, int32_t* order, Rng* rng) \
        noexcept nogil:
    """Draw m rows from the last to the first; order[i] is where the row of keys[i] is."""
    cdef int64_t i, ahead, row = job.n - job.m
    cdef double own = 0
    for i in range(job.m):
        rows[i], order[i] = job.n - 1 - i, <int32_t> i
        keys[i] = key_of(exponential(rng), job.decay, rows[i])
    heapify(keys, order, job.m)
    while row > 0:
        ahead = jump(log_rate(keys[0], job.decay, row - 1), -job.decay, rng, &own)
        if ahead > row:
            return
        row -= ahead
        keys[0], rows[order[0]] = key_of(own, job.decay, row), row
        sift_down(keys, order, job.m, 0)


cdef void _sort_by_heap(int64_t* rows, int32_t* order, Py_ssize_t m) noexcept nogil:
    """Bring the rows into the order of the keys, cycle by cycle."""
    cdef Py_ssize_t i
    cdef int32_t at, source
    cdef int64_t row
    for i in range(m):
        row, at = rows[i], <int32_t> i
        while order[at] >= 0:
            source, order[at] = order[at], -1
            rows[at] = row if source == i else rows[source]
            at = source


cdef void _draw_task(void* arg, Py_ssize_t t, int slot) noexcept nogil:
    cdef DrawJob* job = <DrawJob*> arg
    cdef int64_t* clock = job.clock + 4 * t
    cdef int64_t* rows = job.rows + t * job.m
    cdef double* keys = job.keys + t * job.m
    cdef Rng rng
    resume(&rng, job.key, job.first_stream + t, clock[DRAWN])
    if job.decay > 0:
        _draw_decayed(job, rows, keys, job.order + slot * job.m, &rng)
        _sort_by_heap(rows, job.order + slot * job.m, job.m)
    else:
        _draw_alike(job, rows, keys, job.table + slot * job.capacity, &rng)
    clock[SEEN], clock[DRAWN] = job.n, drawn(&rng)


def draw(
    const uint64_t[::1] key,  # IN (2,)
    int64_t[:, ::1] clock,    # INOUT (n_trees, 4)
    int64_t[:, ::1] rows,     # OUT (n_trees, m): each tree's, m <= n_rows
    double[:, ::1] keys,      # OUT (n_trees, m)
    int64_t n_rows,
    double decay,
    uint64_t first_stream,
    int n_threads,
):
    """Draw each tree's sample of the rows 0 … n_rows - 1."""
    cdef DrawJob job
    cdef Py_ssize_t m = rows.shape[1], capacity = 4
    while capacity < 2 * m:
        capacity *= 2
    cdef Scratch table = scratch(0 if decay > 0 else n_threads * capacity, sizeof(int64_t))
    cdef Scratch order = scratch(n_threads * m if decay > 0 else 0, sizeof(int32_t))
    job.n, job.m, job.decay, job.capacity = n_rows, m, decay, capacity
    job.key, job.first_stream, job.clock = &key[0], first_stream, &clock[0, 0]
    job.rows, job.keys = NULL, NULL
    if m > 0:
        job.rows, job.keys = &rows[0, 0], &keys[0, 0]
    job.table, job.order = <int64_t*> table.data, <int32_t*> order.data
    with nogil:
        run_region(_draw_task, &job, rows.shape[0], 60.0 * rows.shape[0] * m, n_threads)
