"""The two passes of one greedy k-means++ step (Arthur & Vassilvitskii, SODA 2007).

`try_candidates`: what every candidate would leave of each row's squared distance to its
nearest centre, all candidates in one pass over the data. `bucket_sums`: those distances
summed by bucket of the row key, from which the next candidates are drawn.
"""

from cython cimport floating
from libc.stdint cimport uint16_t
from libc.string cimport memcpy
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region
from algos._cython._tile cimport (
    lower_to, pack_panel, pack_tile, panel_rows, tile_distances, tile_rows, tile_stride,
)

cdef struct SeedJob:
    bint single              # float32
    const void* X            # (n, d)
    Py_ssize_t n, d, m
    const double* weight     # (n,) or NULL
    const void* shift        # (d,)
    const void* panel        # m candidates
    void* distances          # (rooms, n)
    Py_ssize_t closest       # the room of the distances so far
    const Py_ssize_t* room   # (m,) the room of each candidate, or NULL
    void* tiles
    Py_ssize_t tile_size
    double* potentials       # (lanes, m)
    Py_ssize_t n_lanes


cdef inline void _seed_tile(
    SeedJob* job, const floating* X, Py_ssize_t start, Py_ssize_t rows,
    floating* xt, floating* out, double* potentials,
) noexcept nogil:
    cdef Py_ssize_t stride = tile_stride(X, rows), j
    cdef const double* weight = NULL
    cdef floating* distance
    cdef floating* rooms = <floating*> job.distances + start
    if job.weight != NULL:
        weight = job.weight + start
    pack_tile(X + start * job.d, job.d, rows, job.d, <const floating*> job.shift, xt)
    tile_distances(xt, rows, job.d, <const floating*> job.panel, job.m, out)
    for j in range(job.m):
        distance = out + j * stride
        potentials[j] += lower_to(distance, rooms + job.closest * job.n, weight, rows)
        if job.room != NULL:
            memcpy(rooms + job.room[j] * job.n, distance, rows * sizeof(floating))


cdef void _seed_lane(SeedJob* job, const floating* X, Py_ssize_t lane, int slot) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef Py_ssize_t points = tile_rows(X, job.d)
    cdef floating* xt = <floating*> job.tiles + slot * job.tile_size
    while row < end:
        _seed_tile(
            job, X, row, min(points, end - row), xt, xt + points * job.d,
            job.potentials + lane * job.m,
        )
        row += points


cdef void _seed_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef SeedJob* job = <SeedJob*> arg
    if job.single:
        _seed_lane(job, <const float*> job.X, lane, slot)
    else:
        _seed_lane(job, <const double*> job.X, lane, slot)


def try_candidates(
    const floating[:, ::1] X,           # IN (n, d)
    const double[::1] weight,           # IN (n,) or None
    const floating[::1] shift,          # IN (d,)
    const floating[:, ::1] candidates,  # IN (m, d) less the shift
    floating[:, ::1] distances,         # INOUT (rooms, n) squared, to the nearest centre
    Py_ssize_t closest,                 # IN: the room that holds them so far
    const Py_ssize_t[::1] room,         # IN (m,): where to put each candidate's, or None
    double[::1] potentials,             # OUT (m,): the weighted sum for each candidate
    int n_threads,
):
    """Squared distances to the nearest centre, should each candidate become one.

    Rooms are reused from step to step, since fresh memory of that size is slow to touch.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], m = candidates.shape[0]
    cdef Py_ssize_t lanes = lane_count(n, 8 * m, n * d * sizeof(floating))
    cdef Py_ssize_t points = tile_rows(&shift[0], d), padded = panel_rows(m)
    cdef Scratch panel = scratch(padded * d, sizeof(floating))
    cdef Scratch tiles = scratch(n_threads * points * (d + padded), sizeof(floating))
    cdef Scratch lane_potentials = scratch(lanes * m, sizeof(double))
    cdef SeedJob job
    job.single = floating is float
    job.X, job.n, job.d, job.m = &X[0, 0], n, d, m
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.shift, job.panel = &shift[0], panel.data
    job.distances, job.closest = &distances[0, 0], closest
    job.room = NULL
    if room is not None:
        job.room = &room[0]
    job.tiles, job.tile_size = tiles.data, points * (d + padded)
    job.potentials, job.n_lanes = <double*> lane_potentials.data, lanes
    with nogil:
        pack_panel(&candidates[0, 0], m, d, <floating> 1, <floating*> panel.data)
        run_region(_seed_task, &job, lanes, n * (0.2 * d + 0.04 * d * padded), n_threads)
        reduce_lanes(job.potentials, lanes, m, &potentials[0])


cdef struct BucketJob:
    bint single
    const void* values
    const double* weight
    const uint16_t* bucket
    Py_ssize_t n, n_buckets
    double* sums             # (lanes, n_buckets)
    Py_ssize_t n_lanes


cdef void _bucket_lane(BucketJob* job, const floating* values, Py_ssize_t lane) noexcept nogil:
    cdef double* sums = job.sums + lane * job.n_buckets
    cdef Py_ssize_t i
    for i in range(
        lane_start(lane, job.n_lanes, job.n), lane_start(lane + 1, job.n_lanes, job.n)
    ):
        if job.weight == NULL:
            sums[job.bucket[i]] += values[i]
        else:
            sums[job.bucket[i]] += job.weight[i] * values[i]


cdef void _bucket_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef BucketJob* job = <BucketJob*> arg
    if job.single:
        _bucket_lane(job, <const float*> job.values, lane)
    else:
        _bucket_lane(job, <const double*> job.values, lane)


def bucket_sums(
    const floating[::1] values,   # IN (n,)
    const double[::1] weight,     # IN (n,) or None
    const uint16_t[::1] bucket,   # IN (n,)
    double[::1] sums,             # OUT (n_buckets,)
    int n_threads,
):
    """Weighted sums of the values in each bucket."""
    cdef Py_ssize_t n = values.shape[0], n_buckets = sums.shape[0]
    cdef Py_ssize_t lanes = lane_count(n, 8 * n_buckets, n * sizeof(floating))
    cdef Scratch lane_sums = scratch(lanes * n_buckets, sizeof(double))
    cdef BucketJob job
    job.single = floating is float
    job.values, job.bucket, job.n, job.n_buckets = &values[0], &bucket[0], n, n_buckets
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.sums, job.n_lanes = <double*> lane_sums.data, lanes
    with nogil:
        run_region(_bucket_task, &job, lanes, 1.2 * n, n_threads)
        reduce_lanes(job.sums, lanes, n_buckets, &sums[0])
