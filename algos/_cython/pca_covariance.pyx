"""Sums of the products of columns, in one pass over the rows.

Everything is taken less a shift near the columns' means, so that an offset of the data
costs no digits: float32 products of a bounded block of rows are added up in double, and the
caller takes the rest of the mean out exactly (scatter - n delta delta').
"""

from cython cimport floating
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._syrk cimport block_edge, pack_tiles, scatter_blocks
from algos._cython._threads cimport run_region
from algos._cython._tile cimport tile_points

cdef enum:
    BLOCK = 512        # rows packed at a time: 32 additions in float32 for each lane
    PANEL = 1024       # the same where many threads share the blocks
    SPAN = 1024        # rows that are worth a lane: fewer cost less than to add one up
    FEWEST_LANES = 16  # with fewer, threads share the output and not the rows
    WIDE = 32          # blocks of columns against ...
    NARROW = 16        # ... so many others stay in cache
    LINE = 64          # bytes that are fetched at once
    AHEAD = 1 << 17    # bytes of a block that take longer to come than to be worked on

cdef extern from *:
    void __builtin_prefetch(const void*, int, int) noexcept nogil

cdef struct ScatterJob:
    bint single            # float32
    const void* X          # (n, d)
    Py_ssize_t n, d
    const void* shift      # (d,)
    Py_ssize_t n_blocks    # blocks of columns
    Py_ssize_t tile_size
    void* tiles            # packed rows, of one slot or of all
    Py_ssize_t slot_size
    double* scatter        # (lanes, cells), blocks of the upper triangle
    double* sums           # (lanes, columns)
    Py_ssize_t cells, columns
    Py_ssize_t n_lanes
    Py_ssize_t start, rows  # the panel that is worked on


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline void _scatter_part(
    ScatterJob* job, const floating* xt, Py_ssize_t part, Py_ssize_t rows,
    double* scatter, double* sums,
) noexcept nogil:
    """Part (i, j) of the output: WIDE blocks of columns against NARROW."""
    cdef Py_ssize_t across = _ceil_div(job.n_blocks, WIDE)
    cdef Py_ssize_t i = part % across * WIDE, j = part // across * NARROW
    scatter_blocks(
        xt, rows, job.tile_size, i, min(i + WIDE, job.n_blocks),
        j, min(j + NARROW, job.n_blocks), scatter, sums,
    )


cdef inline Py_ssize_t _n_parts(Py_ssize_t n_blocks) noexcept nogil:
    return _ceil_div(n_blocks, WIDE) * _ceil_div(n_blocks, NARROW)


cdef inline void _scatter_ahead(
    ScatterJob* job, const floating* xt, Py_ssize_t rows, const floating* following,
    Py_ssize_t n_following, double* scatter, double* sums,
) noexcept nogil:
    """All of a small output, two blocks at a time, while the rows that follow are fetched."""
    cdef Py_ssize_t bytes = n_following * job.d * <Py_ssize_t> sizeof(floating)
    cdef Py_ssize_t share = 4 * bytes // (job.n_blocks * (job.n_blocks + 1)) + 1
    cdef Py_ssize_t i, j, fetched = 0, stop
    for j in range(job.n_blocks):
        i = 0
        while i <= j:
            stop = min(bytes, fetched + share)
            while fetched < stop:
                __builtin_prefetch(<const char*> following + fetched, 0, 2)
                fetched += LINE
            scatter_blocks(
                xt, rows, job.tile_size, i, min(i + 2, job.n_blocks), j, j + 1, scatter, sums)
            i += 2


cdef void _scatter_lane(
    ScatterJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef floating* xt = <floating*> job.tiles + slot * job.slot_size
    cdef Py_ssize_t rows, part
    while row < end:
        rows = min(<Py_ssize_t> BLOCK, end - row)
        pack_tiles(
            X + row * job.d, rows, job.d, <const floating*> job.shift, xt, job.tile_size,
        )
        if BLOCK * job.d * <Py_ssize_t> sizeof(floating) <= AHEAD:
            _scatter_ahead(
                job, xt, rows, X + (row + rows) * job.d,
                min(<Py_ssize_t> BLOCK, job.n - row - rows), job.scatter + lane * job.cells,
                job.sums + lane * job.columns)
        else:
            for part in range(_n_parts(job.n_blocks)):
                _scatter_part(
                    job, xt, part, rows, job.scatter + lane * job.cells,
                    job.sums + lane * job.columns,
                )
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
        <floating*> job.tiles + tile * job.tile_size, job.tile_size,
    )


cdef void _pack_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef ScatterJob* job = <ScatterJob*> arg
    if job.single:
        _pack_tile_of(job, <const float*> job.X, tile)
    else:
        _pack_tile_of(job, <const double*> job.X, tile)


cdef void _part_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef ScatterJob* job = <ScatterJob*> arg
    cdef Py_ssize_t part = _n_parts(job.n_blocks) - 1 - task  # the longest columns first
    if job.single:
        _scatter_part(job, <const float*> job.tiles, part, job.rows, job.scatter, job.sums)
    else:
        _scatter_part(job, <const double*> job.tiles, part, job.rows, job.scatter, job.sums)


cdef void _scatter_panels(ScatterJob* job, Py_ssize_t points, int n_threads) noexcept nogil:
    """Partition the output: each part is summed up in row order by one thread at a time."""
    cdef Py_ssize_t panel
    for panel in range(_ceil_div(job.n, PANEL)):
        job.start = panel * PANEL
        job.rows = min(<Py_ssize_t> PANEL, job.n - job.start)
        run_region(
            _pack_task, job, _ceil_div(job.rows, points), 0.5 * job.rows * job.d, n_threads)
        run_region(
            _part_task, job, _n_parts(job.n_blocks), 0.01 * job.rows * job.d * job.d,
            n_threads)


cdef void _unpack(
    const double* blocks, Py_ssize_t edge, double* out, Py_ssize_t d
) noexcept nogil:
    """Blocks of the upper triangle → the full symmetric matrix."""
    cdef Py_ssize_t p, q, bp, bq, cell
    for p in range(d):
        bp = p // edge
        for q in range(p, d):
            bq = q // edge
            cell = (bq * (bq + 1) // 2 + bp) * edge * edge + p % edge * edge + q % edge
            out[p * d + q] = blocks[cell]
            out[q * d + p] = blocks[cell]


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
    cdef Py_ssize_t blocks = _ceil_div(d, edge)
    cdef Py_ssize_t cells = blocks * (blocks + 1) // 2 * edge * edge
    cdef Py_ssize_t spans = _ceil_div(n, SPAN)
    cdef Py_ssize_t lanes = min(spans, lane_count(n, 8 * cells, n * d * sizeof(floating)))
    cdef bint by_rows = lanes >= min(<Py_ssize_t> FEWEST_LANES, spans)
    cdef Py_ssize_t size = blocks * edge * points
    cdef Py_ssize_t block_rows = min(n, <Py_ssize_t> (BLOCK if by_rows else PANEL))
    cdef Py_ssize_t slot_size = _ceil_div(block_rows, points) * size
    cdef Py_ssize_t copies = lanes if by_rows else 1
    cdef Scratch tiles = scratch(
        slot_size * min(<Py_ssize_t> n_threads, copies), sizeof(floating))
    cdef Scratch lane_products = scratch(copies * cells, sizeof(double))
    cdef Scratch lane_sums = scratch(copies * blocks * edge, sizeof(double))
    cdef ScatterJob job
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], n, d
    job.shift, job.n_blocks, job.tile_size = &shift[0], blocks, size
    job.tiles, job.slot_size = tiles.data, slot_size
    job.scatter, job.sums = <double*> lane_products.data, <double*> lane_sums.data
    job.cells, job.columns, job.n_lanes = cells, blocks * edge, copies
    job.start = job.rows = 0
    with nogil:
        if by_rows:
            run_region(_lane_task, &job, copies, 0.01 * n * d * (d + 50), n_threads)
        else:
            _scatter_panels(&job, points, n_threads)
        reduce_lanes(job.scatter, copies, cells, job.scatter)
        reduce_lanes(job.sums, copies, blocks * edge, job.sums)
        _unpack(job.scatter, edge, &products[0, 0], d)
        for p in range(d):
            sums[p] = job.sums[p]
