"""Sums of the products of columns, in one pass over the rows.

Everything is taken less a shift near the columns' means, so that an offset of the data
costs no digits: float32 products of a bounded block of rows are added up in double, and the
caller takes the rest of the mean out exactly (scatter - n delta delta').
"""

from cython cimport floating
from algos._cython._lanes cimport lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._syrk cimport (
    BLOCK, PANEL, Shares, block_edge, cell_of, pack_tiles, scatter_blocks, scatter_part,
    shares_of)
from algos._cython._threads cimport run_region
from algos._cython._tile cimport tile_points

cdef enum:
    LINE = 64        # bytes that are fetched at once
    AHEAD = 1 << 17  # bytes of a block that take longer to come than to be worked on

cdef extern from *:
    void __builtin_prefetch(const void*, int, int) noexcept nogil

cdef struct ScatterJob:
    bint single            # float32
    const void* X          # (n, d)
    Py_ssize_t n, d
    const void* shift      # (d,)
    Shares shares
    void* tiles            # packed rows, of one slot or of all
    double* scatter        # (lanes, cells), blocks of the upper triangle
    double* sums           # (lanes, columns)
    Py_ssize_t start, rows  # the panel that is worked on


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline void _scatter_ahead(
    ScatterJob* job, const floating* xt, Py_ssize_t rows, const floating* following,
    Py_ssize_t n_following, double* scatter, double* sums,
) noexcept nogil:
    """All of a small output, two blocks at a time, while the rows that follow are fetched."""
    cdef Py_ssize_t bytes = n_following * job.d * <Py_ssize_t> sizeof(floating)
    cdef Py_ssize_t n_blocks = job.shares.n_blocks, tile_size = job.shares.tile_size
    cdef Py_ssize_t share = 4 * bytes // (n_blocks * (n_blocks + 1)) + 1
    cdef Py_ssize_t i, j, fetched = 0, stop
    for j in range(n_blocks):
        i = 0
        while i <= j:
            stop = min(bytes, fetched + share)
            while fetched < stop:
                __builtin_prefetch(<const char*> following + fetched, 0, 2)
                fetched += LINE
            scatter_blocks(
                xt, rows, tile_size, i, min(i + 2, n_blocks), j, j + 1, scatter, sums)
            i += 2


cdef void _scatter_lane(
    ScatterJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef const Shares* shares = &job.shares
    cdef Py_ssize_t row = lane_start(lane, shares.n_lanes, job.n)
    cdef Py_ssize_t end = lane_start(lane + 1, shares.n_lanes, job.n)
    cdef floating* xt = <floating*> job.tiles + slot * shares.slot_size
    cdef double* scatter = job.scatter + lane * shares.cells
    cdef double* sums = job.sums + lane * shares.columns
    cdef Py_ssize_t rows, part
    while row < end:
        rows = min(<Py_ssize_t> BLOCK, end - row)
        pack_tiles(
            X + row * job.d, rows, job.d, <const floating*> job.shift, xt, shares.tile_size)
        if BLOCK * job.d * <Py_ssize_t> sizeof(floating) <= AHEAD:
            _scatter_ahead(
                job, xt, rows, X + (row + rows) * job.d,
                min(<Py_ssize_t> BLOCK, job.n - row - rows), scatter, sums)
        else:
            for part in range(shares.n_parts):
                scatter_part(xt, rows, shares, part, scatter, sums)
        row += rows


cdef void _lane_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef ScatterJob* job = <ScatterJob*> arg
    if job.single:
        _scatter_lane(job, <const float*> job.X, lane, slot)
    else:
        _scatter_lane(job, <const double*> job.X, lane, slot)


cdef void _pack_tile_of(ScatterJob* job, const floating* X, Py_ssize_t tile) noexcept nogil:
    cdef Py_ssize_t row = tile * tile_points(X)
    pack_tiles(
        X + (job.start + row) * job.d, min(tile_points(X), job.rows - row), job.d,
        <const floating*> job.shift,
        <floating*> job.tiles + tile * job.shares.tile_size, job.shares.tile_size)


cdef void _pack_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef ScatterJob* job = <ScatterJob*> arg
    if job.single:
        _pack_tile_of(job, <const float*> job.X, tile)
    else:
        _pack_tile_of(job, <const double*> job.X, tile)


cdef void _part_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef ScatterJob* job = <ScatterJob*> arg
    cdef Shares* shares = &job.shares
    cdef Py_ssize_t part = shares.n_parts - 1 - task  # the longest columns first
    if job.single:
        scatter_part(<const float*> job.tiles, job.rows, shares, part, job.scatter, job.sums)
    else:
        scatter_part(<const double*> job.tiles, job.rows, shares, part, job.scatter, job.sums)


cdef void _scatter_panels(ScatterJob* job, Py_ssize_t points, int n_threads) noexcept nogil:
    """Partition the output: each part is summed up in row order by one thread at a time."""
    cdef Py_ssize_t panel
    for panel in range(_ceil_div(job.n, PANEL)):
        job.start = panel * PANEL
        job.rows = min(<Py_ssize_t> PANEL, job.n - job.start)
        run_region(
            _pack_task, job, _ceil_div(job.rows, points), 0.5 * job.rows * job.d, n_threads)
        run_region(
            _part_task, job, job.shares.n_parts, 0.01 * job.rows * job.d * job.d, n_threads)


cdef void _unpack(
    const double* blocks, Py_ssize_t edge, double* out, Py_ssize_t d
) noexcept nogil:
    """Blocks of the upper triangle → the full symmetric matrix."""
    cdef Py_ssize_t p, q
    for p in range(d):
        for q in range(p, d):
            out[p * d + q] = out[q * d + p] = blocks[cell_of(p, q, edge)]


def scatter_matrix(
    const floating[:, ::1] X,     # IN (n, d)
    const floating[::1] shift,    # IN (d,)
    double[:, ::1] products,      # OUT (d, d)
    double[::1] sums,             # OUT (d,)
    int n_threads,
):
    """Sum up y y' and y over the rows x, where y = x - shift."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], p
    cdef Py_ssize_t edge = block_edge(&shift[0]), points = tile_points(&shift[0])
    cdef Shares shares = shares_of(&shift[0], n, d, d)
    cdef Scratch tiles = scratch(
        shares.slot_size * min(<Py_ssize_t> n_threads, shares.n_lanes), sizeof(floating))
    cdef Scratch lane_products = scratch(shares.n_lanes * shares.cells, sizeof(double))
    cdef Scratch lane_sums = scratch(shares.n_lanes * shares.columns, sizeof(double))
    cdef ScatterJob job
    job.single = floating is float
    job.X, job.n, job.d, job.shift = &X[0, 0], n, d, &shift[0]
    job.shares, job.tiles, job.start, job.rows = shares, tiles.data, 0, 0
    job.scatter, job.sums = <double*> lane_products.data, <double*> lane_sums.data
    with nogil:
        if shares.by_rows:
            run_region(_lane_task, &job, shares.n_lanes, 0.01 * n * d * (d + 50), n_threads)
        else:
            _scatter_panels(&job, points, n_threads)
        reduce_lanes(job.scatter, shares.n_lanes, shares.cells, job.scatter)
        reduce_lanes(job.sums, shares.n_lanes, shares.columns, job.sums)
        _unpack(job.scatter, edge, &products[0, 0], d)
        for p in range(d):
            sums[p] = job.sums[p]
