"""One step of greedy k-means++ (Arthur & Vassilvitskii, SODA 2007), all candidates in one
pass over the data.

`try_candidates`: by how much each candidate would lower the sum of the squared distances
to the nearest centre, and at which rows: its hits. `add_center`: the same rows brought up
to date for a chosen one. `add_hits` does so from a list of hits, without a pass.
"""

from cython cimport floating
from libc.stdint cimport uint16_t, uint64_t
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._seed_hits cimport HIT_ROWS, Hits, lowest_bit, take_hits
from algos._cython._threads cimport run_region
from algos._cython._tile cimport (
    pack_panel, pack_tile, panel_rows, tile_distances, tile_rows, tile_stride,
)

cdef struct SeedJob:
    bint single              # float32
    const void* X            # (n, d)
    Py_ssize_t n, d
    const void* shift        # (d,)
    const void* panel        # the candidates
    void* packed             # all rows in tiles, or NULL
    bint is_packed           # else they are to be written
    Hits hits
    Py_ssize_t n_lanes
    void* scratch
    Py_ssize_t scratch_size  # a tile and the candidates' distances to it


cdef void _seed_lane(SeedJob* job, const floating* X, Py_ssize_t lane, int slot) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n), rows
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef floating* own = <floating*> job.scratch + slot * job.scratch_size
    cdef floating* out = own + tile_rows(X, job.d) * job.d
    cdef floating* xt = own
    while row < end:
        rows = min(tile_rows(X, job.d), end - row)
        if job.packed != NULL:
            xt = <floating*> job.packed + row * job.d
        if job.packed == NULL or not job.is_packed:
            pack_tile(X + row * job.d, job.d, rows, job.d, <const floating*> job.shift, xt)
        tile_distances(xt, rows, job.d, <const floating*> job.panel, job.hits.m, out)
        take_hits(&job.hits, lane, row, rows, out, tile_stride(out, rows), NULL)
        row += rows


cdef void _seed_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef SeedJob* job = <SeedJob*> arg
    if job.single:
        _seed_lane(job, <const float*> job.X, lane, slot)
    else:
        _seed_lane(job, <const double*> job.X, lane, slot)


cdef Py_ssize_t _n_lanes(Py_ssize_t n) noexcept nogil:
    return lane_count(n, 8, 8 * n)


def hit_lanes(Py_ssize_t n):
    """Return (number of lanes among n rows, rows of the longest)."""
    cdef Py_ssize_t lanes = _n_lanes(n), lane
    return lanes, max(
        [lane_start(lane + 1, lanes, n) - lane_start(lane, lanes, n) for lane in range(lanes)]
    )


cdef _run(
    SeedJob* job, const floating[:, ::1] X, const floating[::1] shift,
    const floating[:, ::1] candidates, floating[::1] squares, floating[::1] packed,
    bint is_packed, int n_threads,
):
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], m = candidates.shape[0]
    cdef Py_ssize_t points = tile_rows(&shift[0], d), padded = panel_rows(m)
    cdef Scratch panel = scratch(padded * d, sizeof(floating))
    cdef Scratch tiles = scratch(n_threads * points * (d + padded), sizeof(floating))
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], n, d
    job.shift, job.panel = &shift[0], panel.data
    job.packed, job.is_packed = NULL, is_packed
    if packed is not None:
        job.packed = &packed[0]
    job.hits.squares, job.hits.m = &squares[0], m
    job.n_lanes = _n_lanes(n)
    job.scratch, job.scratch_size = tiles.data, points * (d + padded)
    with nogil:
        pack_panel(&candidates[0, 0], m, d, <floating> 1, <floating*> panel.data)
        run_region(_seed_task, job, job.n_lanes, n * d * (0.2 + 0.04 * padded), n_threads)


def try_candidates(
    const floating[:, ::1] X,           # IN (n, d)
    const double[::1] weight,           # IN (n,) or None
    const floating[::1] shift,          # IN (d,)
    const floating[:, ::1] candidates,  # IN (m, d) less the shift
    floating[::1] squares,              # IN (n,) to the nearest centre so far
    floating[::1] packed,               # INOUT: X in tiles, or None
    bint is_packed,                     # IN: whether a call before this one wrote them
    uint64_t[:, ::1] masks,             # OUT (n / 64, m): the hits
    floating[:, :, ::1] listed,         # OUT (lanes, m, capacity): their squared distances
    Py_ssize_t[:, ::1] count,           # OUT (lanes, m): hits, also those beyond capacity
    double[::1] gains,                  # OUT (m,): by how much the weighted sum would fall
    int n_threads,
):
    """Hits and gain of each candidate for a further centre."""
    cdef Py_ssize_t m = candidates.shape[0], lanes = _n_lanes(X.shape[0])
    cdef Scratch lane_gains = scratch(lanes * m, sizeof(double))
    cdef SeedJob job
    job.hits.weight = NULL
    if weight is not None:
        job.hits.weight = &weight[0]
    job.hits.masks, job.hits.listed = &masks[0, 0], &listed[0, 0, 0]
    job.hits.count, job.hits.capacity = &count[0, 0], listed.shape[2]
    job.hits.gains = <double*> lane_gains.data
    count[:, :] = 0
    masks[:, :] = 0
    _run(&job, X, shift, candidates, squares, packed, is_packed, n_threads)
    reduce_lanes(job.hits.gains, lanes, m, &gains[0])


def add_center(
    const floating[:, ::1] X,       # IN (n, d)
    const floating[::1] shift,      # IN (d,)
    const floating[:, ::1] center,  # IN (1, d) less the shift
    floating[::1] squares,          # INOUT (n,) to the nearest centre so far
    floating[::1] packed,           # INOUT: X in tiles, or None
    bint is_packed,                 # IN: whether a call before this one wrote them
    int n_threads,
):
    """Lower the squared distances to those of a new centre."""
    cdef SeedJob job
    job.hits.weight, job.hits.gains = NULL, NULL
    _run(&job, X, shift, center, squares, packed, is_packed, n_threads)


def add_hits(
    const uint64_t[:, ::1] masks,       # IN (n / 64, m)
    const floating[:, :, ::1] listed,   # IN (lanes, m, capacity)
    const Py_ssize_t[:, ::1] count,     # IN (lanes, m), each at most capacity
    Py_ssize_t chosen,                  # IN: the candidate that becomes a centre
    const double[::1] weight,           # IN (n,) or None
    const uint16_t[::1] bucket,         # IN (n,)
    floating[::1] squares,              # INOUT (n,)
    double[::1] sums,                   # INOUT (n_buckets,) of weight * squares
):
    """Lower the squared distances, and their sums by bucket, at the hits of a candidate."""
    cdef Py_ssize_t n = squares.shape[0], lanes = count.shape[0], lane, row, first, i
    cdef uint64_t mask
    cdef double less
    with nogil:
        for lane in range(lanes):
            i = 0
            first = lane_start(lane, lanes, n)
            while first < lane_start(lane + 1, lanes, n):
                mask = masks[first // HIT_ROWS, chosen]
                while mask != 0:
                    row = first + lowest_bit(mask)
                    mask &= mask - 1
                    less = <double> squares[row] - <double> listed[lane, chosen, i]
                    squares[row] = listed[lane, chosen, i]
                    sums[bucket[row]] -= less if weight is None else weight[row] * less
                    i += 1
                first += HIT_ROWS
