"""Inner products of columns over packed tiles, on the instruction set that packed them."""

from algos._cython._lanes cimport lane_count
from algos._cython._tile cimport pack_tile, tile_points

cdef enum:
    SPAN = 1024        # rows that are worth a lane: fewer cost less than to add one up
    FEWEST_LANES = 16  # with fewer, threads share the output and not the rows
    WIDE = 32          # blocks of columns against ...
    NARROW = 16        # ... so many others stay in cache

cdef extern from "_syrk.h" nogil:
    ctypedef struct algos_syrk_table_f32:
        Py_ssize_t points
        Py_ssize_t edge
        void (*scatter)(
            const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
            Py_ssize_t, Py_ssize_t, double*, double*) noexcept nogil
        void (*cross)(
            const float*, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
            Py_ssize_t, Py_ssize_t, double*) noexcept nogil
    ctypedef struct algos_syrk_table_f64:
        Py_ssize_t points
        Py_ssize_t edge
        void (*scatter)(
            const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
            Py_ssize_t, Py_ssize_t, double*, double*) noexcept nogil
        void (*cross)(
            const double*, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
            Py_ssize_t, Py_ssize_t, double*) noexcept nogil
    const algos_syrk_table_f32* algos_syrk_f32(Py_ssize_t points)
    const algos_syrk_table_f64* algos_syrk_f64(Py_ssize_t points)


cdef Py_ssize_t block_edge(const floating* tag) noexcept nogil:
    """Columns in a block."""
    if floating is float:
        return algos_syrk_f32(tile_points(tag)).edge
    else:
        return algos_syrk_f64(tile_points(tag)).edge


cdef void pack_tiles(
    const floating* X, Py_ssize_t rows, Py_ssize_t d,
    const floating* shift, floating* xt, Py_ssize_t size,
) noexcept nogil:
    cdef Py_ssize_t points = tile_points(X), tile, row
    for tile in range((rows + points - 1) // points):
        row = tile * points
        pack_tile(X + row * d, d, min(points, rows - row), d, shift, xt + tile * size)


cdef inline void _scatter(
    const floating* xt, Py_ssize_t tiles, Py_ssize_t stride, Py_ssize_t size,
    Py_ssize_t i0, Py_ssize_t i1, Py_ssize_t j0, Py_ssize_t j1,
    double* scatter, double* sums,
) noexcept nogil:
    cdef Py_ssize_t points = tile_points(xt)
    if floating is float:
        algos_syrk_f32(points).scatter(xt, tiles, stride, size, i0, i1, j0, j1, scatter, sums)
    else:
        algos_syrk_f64(points).scatter(xt, tiles, stride, size, i0, i1, j0, j1, scatter, sums)


cdef void scatter_blocks(
    const floating* xt, Py_ssize_t rows, Py_ssize_t size,
    Py_ssize_t i0, Py_ssize_t i1, Py_ssize_t j0, Py_ssize_t j1,
    double* scatter, double* sums,
) noexcept nogil:
    """Add blocks (i, j) of the tiles' scatter, i in [i0, i1), j in [j0, j1), i <= j.

    Block (i, j) stands at j (j + 1) / 2 + i; the sums of block i's columns are added when
    (i, i) is among the blocks.
    """
    cdef Py_ssize_t points = tile_points(xt), wide = wide_tiles(rows, points)
    if wide > 0:
        _scatter(xt, wide, points, size, i0, i1, j0, j1, scatter, sums)
    if narrow_tile(rows, points):
        _scatter(xt + wide * size, 1, points // 4, size, i0, i1, j0, j1, scatter, sums)


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef Shares shares_of(
    const floating* tag, Py_ssize_t n, Py_ssize_t d, Py_ssize_t columns
) noexcept nogil:
    """Share out the products of so many columns, made of n rows of d values."""
    cdef Py_ssize_t edge = block_edge(tag), points = tile_points(tag)
    cdef Py_ssize_t blocks = _ceil_div(columns, edge), spans = _ceil_div(n, SPAN)
    cdef Py_ssize_t cells = blocks * (blocks + 1) // 2 * edge * edge
    cdef Py_ssize_t lanes = min(spans, lane_count(n, 8 * cells, n * d * sizeof(floating)))
    cdef Shares shares
    shares.by_rows = lanes >= min(<Py_ssize_t> FEWEST_LANES, spans)
    shares.n_lanes = lanes if shares.by_rows else 1
    shares.n_blocks, shares.cells, shares.columns = blocks, cells, blocks * edge
    shares.n_parts = _ceil_div(blocks, WIDE) * _ceil_div(blocks, NARROW)
    shares.tile_size = shares.columns * points
    shares.slot_size = shares.tile_size * _ceil_div(
        min(n, <Py_ssize_t> (BLOCK if shares.by_rows else PANEL)), points)
    return shares


cdef void scatter_part(
    const floating* xt, Py_ssize_t rows, const Shares* shares, Py_ssize_t part,
    double* scatter, double* sums,
) noexcept nogil:
    """Add part (i, j) of the tiles' scatter: WIDE blocks of columns against NARROW."""
    cdef Py_ssize_t across = _ceil_div(shares.n_blocks, WIDE)
    cdef Py_ssize_t i = part % across * WIDE, j = part // across * NARROW
    scatter_blocks(
        xt, rows, shares.tile_size, i, min(i + WIDE, shares.n_blocks),
        j, min(j + NARROW, shares.n_blocks), scatter, sums)


cdef inline void _cross(
    const floating* xt, const floating* zt, Py_ssize_t tiles, Py_ssize_t stride,
    Py_ssize_t x_size, Py_ssize_t z_size, Py_ssize_t m, Py_ssize_t l, double* out,
) noexcept nogil:
    cdef Py_ssize_t points = tile_points(xt)
    if floating is float:
        algos_syrk_f32(points).cross(xt, zt, tiles, stride, x_size, z_size, m, l, out)
    else:
        algos_syrk_f64(points).cross(xt, zt, tiles, stride, x_size, z_size, m, l, out)


cdef void cross_blocks(
    const floating* xt, const floating* zt, Py_ssize_t rows,
    Py_ssize_t x_size, Py_ssize_t z_size, Py_ssize_t first, Py_ssize_t m, Py_ssize_t l,
    double* out,
) noexcept nogil:
    """Add the m x l blocks of xt' zt for the m blocks of columns from `first` on."""
    cdef Py_ssize_t points = tile_points(xt), narrow = points // 4
    cdef Py_ssize_t wide = wide_tiles(rows, points), column = first * block_edge(xt)
    if wide > 0:
        _cross(xt + column * points, zt, wide, points, x_size, z_size, m, l, out)
    if narrow_tile(rows, points):
        _cross(
            xt + wide * x_size + column * narrow, zt + wide * z_size, 1, narrow,
            x_size, z_size, m, l, out)
