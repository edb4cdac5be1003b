"""Sums of the products of columns, in one pass over the rows.

Everything is taken less a shift near the columns' means, so that an offset of the data
costs no digits: float32 products of a bounded block of rows are added up in double, and the
caller takes the rest of the mean out exactly (scatter - n delta delta').
"""

from cython cimport floating
from algos._cython._lanes cimport lane_start
from algos._cython._memory cimport Scratch, scratch
from algos._cython._syrk cimport (
    BLOCK, Shares, block_edge, cell_of, pack_tiles, scatter_blocks, scatter_part, shares_of)
from algos._cython._syrk_sums cimport ProductSums, sum_products
from algos._cython._tile cimport tile_points

cdef enum:
    LINE = 64        # bytes that are fetched at once
    AHEAD = 1 << 17  # bytes of a block that take longer to come than to be worked on

cdef extern from *:
    void __builtin_prefetch(const void*, int, int) noexcept nogil

cdef struct ScatterJob:
    ProductSums sums
    const void* X      # (n, d)
    const void* shift  # (d,)


cdef inline void _scatter_ahead(
    ScatterJob* job, const floating* xt, Py_ssize_t rows, const floating* following,
    Py_ssize_t n_following, double* scatter, double* sums,
) noexcept nogil:
    """All of a small output, two blocks at a time, while the rows that follow are fetched."""
    cdef Py_ssize_t bytes = n_following * job.sums.d * <Py_ssize_t> sizeof(floating)
    cdef const Shares* shares = &job.sums.shares
    cdef Py_ssize_t n_blocks = shares.n_blocks, tile_size = shares.tile_size
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
    cdef const Shares* shares = &job.sums.shares
    cdef Py_ssize_t row = lane_start(lane, shares.n_lanes, job.sums.n)
    cdef Py_ssize_t end = lane_start(lane + 1, shares.n_lanes, job.sums.n)
    cdef floating* xt = <floating*> job.sums.tiles + slot * shares.slot_size
    cdef double* scatter = job.sums.products + lane * shares.cells
    cdef double* sums = job.sums.sums + lane * shares.columns
    cdef Py_ssize_t d = job.sums.d, rows, part
    while row < end:
        rows = min(<Py_ssize_t> BLOCK, end - row)
        pack_tiles(
            X + row * d, rows, d, <const floating*> job.shift, xt, shares.tile_size)
        if BLOCK * d * <Py_ssize_t> sizeof(floating) <= AHEAD:
            _scatter_ahead(
                job, xt, rows, X + (row + rows) * d,
                min(<Py_ssize_t> BLOCK, job.sums.n - row - rows), scatter, sums)
        else:
            for part in range(shares.n_parts):
                scatter_part(xt, rows, shares, part, scatter, sums)
        row += rows


cdef void _lane_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef ScatterJob* job = <ScatterJob*> arg
    if job.sums.single:
        _scatter_lane(job, <const float*> job.X, lane, slot)
    else:
        _scatter_lane(job, <const double*> job.X, lane, slot)


cdef void _pack_tile_of(ScatterJob* job, const floating* X, Py_ssize_t tile) noexcept nogil:
    cdef const ProductSums* sums = &job.sums
    cdef Py_ssize_t row = tile * tile_points(X), tile_size = sums.shares.tile_size
    pack_tiles(
        X + (sums.start + row) * sums.d, min(tile_points(X), sums.rows - row), sums.d,
        <const floating*> job.shift, <floating*> sums.tiles + tile * tile_size, tile_size)


cdef void _pack_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef ScatterJob* job = <ScatterJob*> arg
    if job.sums.single:
        _pack_tile_of(job, <const float*> job.X, tile)
    else:
        _pack_tile_of(job, <const double*> job.X, tile)


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
    cdef Py_ssize_t edge = block_edge(&shift[0])
    cdef Shares shares = shares_of(&shift[0], n, d, d)
    cdef Scratch tiles = scratch(
        shares.slot_size * min(<Py_ssize_t> n_threads, shares.n_lanes), sizeof(floating))
    cdef Scratch lane_products = scratch(shares.n_lanes * shares.cells, sizeof(double))
    cdef Scratch lane_sums = scratch(shares.n_lanes * shares.columns, sizeof(double))
    cdef ScatterJob job
    job.sums.single, job.sums.n, job.sums.d = floating is float, n, d
    job.sums.shares, job.sums.tiles = shares, tiles.data
    job.sums.products, job.sums.sums = <double*> lane_products.data, <double*> lane_sums.data
    job.sums.add_lane, job.sums.pack_tile = _lane_task, _pack_task
    job.X, job.shift = &X[0, 0], &shift[0]
    with nogil:
        sum_products(&job.sums, n_threads)
        _unpack(job.sums.products, edge, &products[0, 0], d)
        for p in range(d):
            sums[p] = job.sums.sums[p]
