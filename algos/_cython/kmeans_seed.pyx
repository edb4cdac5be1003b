"""One step of greedy k-means++ (Arthur & Vassilvitskii, SODA 2007), all candidates in one
pass over the data.

`try_candidates`: by how much each candidate would lower the sum of the squared distances
to the nearest centre, and at which rows: its hits. `add_center`: the same rows brought up
to date for a chosen one. `add_hits` does so from a list of hits, without a pass.
"""

from cython cimport floating
from libc.stdint cimport int32_t, uint16_t
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region
from algos._cython._tile cimport (
    MAX_POINTS, pack_panel, pack_tile, panel_rows, tile_distances, tile_rows, tile_stride,
)

cdef extern from "_seed_hits.h" nogil:
    void algos_hits_f32_note(
        const float* square, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t m,
        const float* closest, const double* weight, const int32_t* place, double* gain,
        int32_t* hit_place, float* hit_square, Py_ssize_t* count, Py_ssize_t capacity)
    void algos_hits_f64_note(
        const double* square, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t m,
        const double* closest, const double* weight, const int32_t* place, double* gain,
        int32_t* hit_place, double* hit_square, Py_ssize_t* count, Py_ssize_t capacity)
    void algos_hits_f32_lower(
        const float* square, Py_ssize_t rows, const float* closest, const int32_t* place,
        float* squares)
    void algos_hits_f64_lower(
        const double* square, Py_ssize_t rows, const double* closest, const int32_t* place,
        double* squares)

cdef struct SeedJob:
    bint single              # float32
    const void* X            # (n, d)
    Py_ssize_t n, d, m
    const double* weight     # (n,) or NULL
    const void* shift        # (d,)
    const void* panel        # m candidates
    void* squares            # (n,) to the nearest centre so far
    void* packed             # all rows in tiles, or NULL
    bint is_packed           # else they are to be written
    void* scratch
    Py_ssize_t scratch_size  # a tile and what candidates would leave of it
    Py_ssize_t n_lanes
    double* gains            # (lanes, m), or NULL: the one candidate is a new centre
    int32_t* hit_place       # (lanes, m, capacity) rows from the start of the lane
    void* hit_square         # (lanes, m, capacity)
    Py_ssize_t* count        # (lanes, m)
    Py_ssize_t capacity


cdef inline void _note(
    SeedJob* job, Py_ssize_t lane, const floating* square, Py_ssize_t rows,
    const floating* closest, const double* weight, const int32_t* place,
) noexcept nogil:
    cdef Py_ssize_t stride = tile_stride(square, rows), first = lane * job.m
    cdef Py_ssize_t hits = first * job.capacity
    if floating is float:
        algos_hits_f32_note(
            square, stride, rows, job.m, closest, weight, place, job.gains + first,
            job.hit_place + hits, <float*> job.hit_square + hits, job.count + first,
            job.capacity)
    else:
        algos_hits_f64_note(
            square, stride, rows, job.m, closest, weight, place, job.gains + first,
            job.hit_place + hits, <double*> job.hit_square + hits, job.count + first,
            job.capacity)


cdef inline void _measure(
    SeedJob* job, Py_ssize_t lane, const floating* xt, Py_ssize_t rows,
    const floating* closest, const double* weight, const int32_t* place, floating* squares,
    floating* out,
) noexcept nogil:
    """One tile of rows, and what belongs to each of them, wherever they stand in X."""
    tile_distances(xt, rows, job.d, <const floating*> job.panel, job.m, out)
    if job.gains != NULL:
        _note(job, lane, out, rows, closest, weight, place)
    elif floating is float:
        algos_hits_f32_lower(out, rows, closest, place, squares)
    else:
        algos_hits_f64_lower(out, rows, closest, place, squares)


cdef void _seed_lane(SeedJob* job, const floating* X, Py_ssize_t lane, int slot) noexcept nogil:
    cdef Py_ssize_t start = lane_start(lane, job.n_lanes, job.n), row = start, rows, i
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef floating* own = <floating*> job.scratch + slot * job.scratch_size
    cdef floating* out = own + tile_rows(X, job.d) * job.d
    cdef floating* xt = own
    cdef floating* squares = <floating*> job.squares
    cdef const double* weight = NULL
    cdef int32_t[MAX_POINTS] place
    while row < end:
        rows = min(tile_rows(X, job.d), end - row)
        if job.packed != NULL:
            xt = <floating*> job.packed + row * job.d
        if job.packed == NULL or not job.is_packed:
            pack_tile(X + row * job.d, job.d, rows, job.d, <const floating*> job.shift, xt)
        if job.weight != NULL:
            weight = job.weight + row
        for i in range(rows):
            place[i] = <int32_t> (row - start + i)
        _measure(job, lane, xt, rows, squares + row, weight, place, squares + start, out)
        row += rows


cdef void _seed_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef SeedJob* job = <SeedJob*> arg
    if job.single:
        _seed_lane(job, <const float*> job.X, lane, slot)
    else:
        _seed_lane(job, <const double*> job.X, lane, slot)


cdef double _nanoseconds(Py_ssize_t n, Py_ssize_t d, Py_ssize_t m) noexcept nogil:
    return n * d * (0.2 + 0.04 * panel_rows(m))


cdef Py_ssize_t _n_lanes(Py_ssize_t n) noexcept nogil:
    return lane_count(n, 8, 8 * n)


def hit_lanes(Py_ssize_t n):
    """Return (number of lanes among n rows, rows of the longest)."""
    cdef Py_ssize_t lanes = _n_lanes(n), lane
    return lanes, max(
        [lane_start(lane + 1, lanes, n) - lane_start(lane, lanes, n) for lane in range(lanes)]
    )


cdef void _run(
    SeedJob* job, const floating[:, ::1] X, const floating[::1] shift,
    const floating[:, ::1] candidates, floating[::1] squares, floating[::1] packed,
    bint is_packed, Scratch panel, Scratch tiles, int n_threads,
):
    job.single = floating is float
    job.X, job.n, job.d, job.m = &X[0, 0], X.shape[0], X.shape[1], candidates.shape[0]
    job.shift, job.panel, job.squares = &shift[0], panel.data, &squares[0]
    job.n_lanes = _n_lanes(job.n)
    job.packed, job.is_packed = NULL, is_packed
    if packed is not None:
        job.packed = &packed[0]
    job.scratch = tiles.data
    job.scratch_size = tile_rows(&shift[0], job.d) * (job.d + panel_rows(job.m))
    with nogil:
        pack_panel(&candidates[0, 0], job.m, job.d, <floating> 1, <floating*> panel.data)
        run_region(_seed_task, job, job.n_lanes, _nanoseconds(job.n, job.d, job.m), n_threads)


cdef Scratch _panel(const floating[:, ::1] candidates):
    return scratch(panel_rows(candidates.shape[0]) * candidates.shape[1], sizeof(floating))


cdef Scratch _tiles(const floating[:, ::1] candidates, int n_threads):
    cdef Py_ssize_t d = candidates.shape[1], width = d + panel_rows(candidates.shape[0])
    return scratch(n_threads * tile_rows(&candidates[0, 0], d) * width, sizeof(floating))


def try_candidates(
    const floating[:, ::1] X,           # IN (n, d)
    const double[::1] weight,           # IN (n,) or None
    const floating[::1] shift,          # IN (d,)
    const floating[:, ::1] candidates,  # IN (m, d) less the shift
    floating[::1] squares,              # IN (n,) to the nearest centre so far
    int32_t[:, :, ::1] hit_place,       # OUT (lanes, m, capacity) from the lane's first row
    floating[:, :, ::1] hit_square,     # OUT (lanes, m, capacity)
    Py_ssize_t[:, ::1] count,           # OUT (lanes, m): hits, also those beyond capacity
    double[::1] gains,                  # OUT (m,): by how much the weighted sum would fall
    floating[::1] packed,               # INOUT: X in tiles, or None
    bint is_packed,                     # whether a call before this one wrote them
    int n_threads,
):
    """Hits and gain of each candidate for a further centre."""
    cdef Py_ssize_t m = candidates.shape[0], lanes = _n_lanes(X.shape[0])
    cdef Scratch lane_gains = scratch(lanes * m, sizeof(double))
    cdef SeedJob job
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.gains = <double*> lane_gains.data
    job.hit_place, job.hit_square = &hit_place[0, 0, 0], &hit_square[0, 0, 0]
    job.count, job.capacity = &count[0, 0], hit_place.shape[2]
    count[:, :] = 0
    _run(&job, X, shift, candidates, squares, packed, is_packed, _panel(candidates),
         _tiles(candidates, n_threads), n_threads)
    reduce_lanes(job.gains, lanes, m, &gains[0])


def add_center(
    const floating[:, ::1] X,       # IN (n, d)
    const floating[::1] shift,      # IN (d,)
    const floating[:, ::1] center,  # IN (1, d) less the shift
    floating[::1] squares,          # INOUT (n,) to the nearest centre so far
    floating[::1] packed,           # INOUT: X in tiles, or None
    bint is_packed,                 # whether a call before this one wrote them
    int n_threads,
):
    """Lower the squared distances to those of a new centre."""
    cdef SeedJob job
    job.weight, job.gains = NULL, NULL
    _run(&job, X, shift, center, squares, packed, is_packed, _panel(center),
         _tiles(center, n_threads), n_threads)


def add_hits(
    const int32_t[:, :, ::1] hit_place,   # IN (lanes, m, capacity)
    const floating[:, :, ::1] hit_square,  # IN (lanes, m, capacity)
    const Py_ssize_t[:, ::1] count,       # IN (lanes, m), each at most capacity
    Py_ssize_t chosen,                    # IN: the candidate that becomes a centre
    const double[::1] weight,             # IN (n,) or None
    const uint16_t[::1] bucket,           # IN (n,)
    floating[::1] squares,                # INOUT (n,)
    double[::1] sums,                     # INOUT (n_buckets,) of weight * squares
):
    """Lower the squared distances, and their sums by bucket, at the hits of a candidate."""
    cdef Py_ssize_t n = squares.shape[0], lane, i, row, start
    cdef double less
    with nogil:
        for lane in range(count.shape[0]):
            start = lane_start(lane, count.shape[0], n)
            for i in range(count[lane, chosen]):
                row = start + hit_place[lane, chosen, i]
                less = <double> squares[row] - <double> hit_square[lane, chosen, i]
                squares[row] = hit_square[lane, chosen, i]
                sums[bucket[row]] -= less if weight is None else weight[row] * less
