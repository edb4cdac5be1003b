"""One candidate of greedy k-means++ where it is known which rows it may hit: no others are
read. They are measured by differences, so what is found is the same as from a whole pass.
"""

from cython cimport floating
from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._pairs cimport stage_rows, staged_distances, staged_size
from algos._cython._seed_hits cimport HIT_ROWS, Hits, fetch_rows, take_hits
from algos._cython._threads cimport run_region

cdef enum:
    AHEAD = 8  # tiles whose rows are on their way

cdef struct KnownJob:
    bint single              # float32
    const void* X            # (n, d)
    Py_ssize_t n, d
    const void* shift        # (d,)
    const void* candidate    # (staged_size,) less the shift
    Py_ssize_t staged_size
    const uint64_t* known    # (n / HIT_ROWS,), every `stride`
    Py_ssize_t stride
    Hits hits
    Py_ssize_t n_lanes
    void* staged             # rows of a tile and their distances: a slot's at `slot * room`
    Py_ssize_t room


cdef inline void _measure(
    KnownJob* job, const floating* X, Py_ssize_t lane, Py_ssize_t row, uint64_t some,
    floating* staged,
) noexcept nogil:
    """Some rows of the tile that begins with `row`."""
    cdef floating* out = staged + HIT_ROWS * job.staged_size
    stage_rows(
        X + row * job.d, job.d, <const floating*> job.shift, some, staged, job.staged_size)
    staged_distances(staged, job.staged_size, <const floating*> job.candidate, some, out)
    take_hits(
        &job.hits, lane, row, min(<Py_ssize_t> HIT_ROWS, job.n - row), out, HIT_ROWS, &some)


cdef void _known_lane(KnownJob* job, const floating* X, Py_ssize_t lane, int slot) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n), ahead
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef floating* staged = <floating*> job.staged + slot * job.room
    cdef uint64_t some
    while row < end:
        ahead = row + AHEAD * HIT_ROWS
        if ahead < end:
            fetch_rows(
                <const char*> (X + ahead * job.d), job.d * sizeof(floating),
                job.known[ahead // HIT_ROWS * job.stride])
        some = job.known[row // HIT_ROWS * job.stride]
        if some != 0:
            _measure(job, X, lane, row, some, staged)
        row += HIT_ROWS


cdef void _known_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef KnownJob* job = <KnownJob*> arg
    if job.single:
        _known_lane(job, <const float*> job.X, lane, slot)
    else:
        _known_lane(job, <const double*> job.X, lane, slot)


cdef _run(
    KnownJob* job, const floating[:, ::1] X, const floating[::1] shift,
    const floating[::1] candidate, floating[::1] squares, const uint64_t[:, ::1] known,
    Py_ssize_t chosen, int n_threads,
):
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], size = staged_size(&shift[0], d)
    cdef Scratch vector = scratch(size, sizeof(floating))
    cdef Scratch staged = scratch(n_threads * HIT_ROWS * (size + 1), sizeof(floating))
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], n, d
    job.shift, job.candidate, job.staged_size = &shift[0], vector.data, size
    job.known, job.stride = &known[0, chosen], known.shape[1]
    job.hits.squares, job.hits.m = &squares[0], 1
    job.n_lanes = lane_count(n, 8, 8 * n)
    job.staged, job.room = staged.data, HIT_ROWS * (size + 1)
    with nogil:
        memcpy(<floating*> vector.data, &candidate[0], d * sizeof(floating))
        run_region(_known_task, job, job.n_lanes, 0.02 * n * d, n_threads)


def try_known(
    const floating[:, ::1] X,         # IN (n, d)
    const double[::1] weight,         # IN (n,) or None
    const floating[::1] shift,        # IN (d,)
    const floating[::1] candidate,    # IN (d,) less the shift
    floating[::1] squares,            # IN (n,) to the nearest centre so far
    const uint64_t[:, ::1] possible,  # IN (n / 64, m): the rows that candidates may hit
    Py_ssize_t chosen,                # IN: which of them this is
    uint64_t[:, ::1] masks,           # OUT (n / 64, 1): the hits
    floating[:, :, ::1] listed,       # OUT (lanes, 1, capacity): their squared distances
    Py_ssize_t[:, ::1] count,         # OUT (lanes, 1): hits, also those beyond capacity
    int n_threads,
):
    """Hits of a candidate; returns by how much the weighted sum would fall."""
    cdef Py_ssize_t lanes = count.shape[0]
    cdef Scratch lane_gains = scratch(lanes, sizeof(double))
    cdef double gain
    cdef KnownJob job
    job.hits.weight = NULL
    if weight is not None:
        job.hits.weight = &weight[0]
    job.hits.masks, job.hits.listed = &masks[0, 0], &listed[0, 0, 0]
    job.hits.count, job.hits.capacity = &count[0, 0], listed.shape[2]
    job.hits.gains = <double*> lane_gains.data
    count[:, :] = 0
    masks[:, :] = 0
    _run(&job, X, shift, candidate, squares, possible, chosen, n_threads)
    reduce_lanes(job.hits.gains, lanes, 1, &gain)
    return gain


def add_center_known(
    const floating[:, ::1] X,     # IN (n, d)
    const floating[::1] shift,    # IN (d,)
    const floating[::1] center,   # IN (d,) less the shift
    floating[::1] squares,        # INOUT (n,) to the nearest centre so far
    const uint64_t[:, ::1] hits,  # IN (n / 64, m): of candidates
    Py_ssize_t chosen,            # IN: which of them is the new centre
    int n_threads,
):
    """Lower the squared distances to those of a new centre."""
    cdef KnownJob job
    job.hits.weight, job.hits.gains = NULL, NULL
    _run(&job, X, shift, center, squares, hits, chosen, n_threads)
