"""Weighted sums of the products of columns, of ones and of targets, in one pass over X.

Rows are packed less a shift, times the roots of their weights, which are the column of ones;
a few targets become columns beside it. Equal weights are left to the end.
Products of a bounded block of rows in the data's type are added up in double.
"""

from cython cimport floating
from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._sparse_dots cimport algos_sparse_dots, sparse_dots_of
from algos._cython._syrk cimport block_edge, scatter_blocks
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport pack_tile, tile_points, tile_stride

cdef extern from "_weigh.h" nogil:
    void algos_weigh_f32(
        float* xt, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t d, const double* weight,
        const double* target, Py_ssize_t k)
    void algos_weigh_f64(
        double* xt, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t d, const double* weight,
        const double* target, Py_ssize_t k)

cdef enum:
    BLOCK = 512        # rows packed at a time: 32 additions in float32 for each lane
    PANEL = 1024       # the same where threads share the blocks
    SPAN = 1024        # rows that are worth a lane: fewer cost less than to add one up
    FEWEST_LANES = 16  # with fewer, threads share the output and not the rows
    WIDE = 32          # blocks of columns against ...
    NARROW = 16        # ... so many others stay in cache

cdef struct GramJob:
    bint single            # float32
    const void* X          # (n, d)
    Py_ssize_t n, d
    const void* shift      # (d,)
    const double* weight   # (n,), or NULL for rows that
    double common          # all weigh as much
    const double* target   # (n, k)
    Py_ssize_t k
    Py_ssize_t n_blocks    # blocks of columns, with that of ones and the targets
    Py_ssize_t tile_size
    void* tiles            # packed rows, of one slot or of all
    Py_ssize_t slot_size
    double* products       # (lanes, cells), blocks of the upper triangle
    double* sums           # for scatter_blocks(): of no use
    Py_ssize_t cells, columns
    Py_ssize_t n_lanes
    Py_ssize_t start, rows  # the panel that is worked on


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef void _pack(
    GramJob* job, const floating* X, Py_ssize_t row, Py_ssize_t rows, floating* xt
) noexcept nogil:
    """Pack one tile of rows."""
    cdef Py_ssize_t d = job.d, k = job.k, stride = tile_stride(X, rows)
    cdef const double* weight = job.weight
    if weight != NULL:
        weight += row
    pack_tile(X + row * d, d, rows, d, <const floating*> job.shift, xt)
    if floating is float:
        algos_weigh_f32(xt, stride, rows, d, weight, job.target + row * k, k)
    else:
        algos_weigh_f64(xt, stride, rows, d, weight, job.target + row * k, k)


cdef inline void _multiply_part(
    GramJob* job, const floating* xt, Py_ssize_t part, Py_ssize_t rows, double* products,
    double* sums,
) noexcept nogil:
    """Part (i, j) of the output: WIDE blocks of columns against NARROW."""
    cdef Py_ssize_t across = _ceil_div(job.n_blocks, WIDE)
    cdef Py_ssize_t i = part % across * WIDE, j = part // across * NARROW
    scatter_blocks(
        xt, rows, job.tile_size, i, min(i + WIDE, job.n_blocks),
        j, min(j + NARROW, job.n_blocks), products, sums)


cdef inline Py_ssize_t _n_parts(Py_ssize_t n_blocks) noexcept nogil:
    return _ceil_div(n_blocks, WIDE) * _ceil_div(n_blocks, NARROW)


cdef void _multiply_lane(
    GramJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef Py_ssize_t points = tile_points(X), rows, part, tile
    cdef floating* xt = <floating*> job.tiles + slot * job.slot_size
    while row < end:
        rows = min(<Py_ssize_t> BLOCK, end - row)
        for tile in range(_ceil_div(rows, points)):
            _pack(
                job, X, row + tile * points, min(points, rows - tile * points),
                xt + tile * job.tile_size)
        for part in range(_n_parts(job.n_blocks)):
            _multiply_part(
                job, xt, part, rows, job.products + lane * job.cells,
                job.sums + lane * job.columns)
        row += rows


cdef void _lane_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef GramJob* job = <GramJob*> arg
    if job.single:
        _multiply_lane(job, <const float*> job.X, lane, slot)
    else:
        _multiply_lane(job, <const double*> job.X, lane, slot)


cdef void _pack_panel_tile(GramJob* job, const floating* X, Py_ssize_t tile) noexcept nogil:
    cdef Py_ssize_t row = tile * tile_points(X)
    _pack(
        job, X, job.start + row, min(tile_points(X), job.rows - row),
        <floating*> job.tiles + tile * job.tile_size)


cdef void _pack_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef GramJob* job = <GramJob*> arg
    if job.single:
        _pack_panel_tile(job, <const float*> job.X, tile)
    else:
        _pack_panel_tile(job, <const double*> job.X, tile)


cdef void _part_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef GramJob* job = <GramJob*> arg
    cdef Py_ssize_t part = _n_parts(job.n_blocks) - 1 - task  # the longest columns first
    if job.single:
        _multiply_part(job, <const float*> job.tiles, part, job.rows, job.products, job.sums)
    else:
        _multiply_part(job, <const double*> job.tiles, part, job.rows, job.products, job.sums)


cdef void _multiply_panels(GramJob* job, Py_ssize_t points, int n_threads) noexcept nogil:
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
    const GramJob* job, Py_ssize_t edge, const double* scale, double* out
) noexcept nogil:
    """Blocks of the upper triangle → the full symmetric matrix."""
    cdef Py_ssize_t p, q, bp, bq, cell, size = job.d + 1 + job.k
    cdef double value
    for p in range(size):
        bp = p // edge
        for q in range(p, size):
            bq = q // edge
            cell = (bq * (bq + 1) // 2 + bp) * edge * edge + p % edge * edge + q % edge
            value = job.common * job.products[cell] / (scale[p] * scale[q])
            out[p * size + q] = value
            out[q * size + p] = value


cdef bint _are_equal(const double* weight, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 1
    while i < n and weight[i] == weight[0]:
        i += 1
    return i >= n


cdef void _multiply(
    GramJob* job, bint by_rows, Py_ssize_t points, Py_ssize_t edge, const double* scale,
    double* out, int n_threads,
) noexcept nogil:
    if by_rows:
        run_region(
            _lane_task, job, job.n_lanes, 0.01 * job.n * job.d * (job.d + 50), n_threads)
    else:
        _multiply_panels(job, points, n_threads)
    reduce_lanes(job.products, job.n_lanes, job.cells, job.products)
    _unpack(job, edge, scale, out)


def weighted_gram(
    const floating[:, ::1] X,    # IN (n, d)
    const floating[::1] shift,   # IN (d,)
    const double[::1] scale,     # IN (d + 1 + k,), of the ones and the targets too
    const double[::1] weight,    # IN (n,), at least 0
    const double[:, ::1] target,  # IN (n, k), k may be 0
    double[:, ::1] out,          # OUT (d + 1 + k, d + 1 + k)
    int n_threads,
):
    """Sum up weight (x, 1, y)(x, 1, y)' over the rows x = (X - shift) / scale, y / scale."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = target.shape[1]
    cdef Py_ssize_t edge = block_edge(&shift[0]), points = tile_points(&shift[0])
    cdef Py_ssize_t blocks = _ceil_div(d + 1 + k, edge)
    cdef Py_ssize_t cells = blocks * (blocks + 1) // 2 * edge * edge
    cdef Py_ssize_t spans = _ceil_div(n, SPAN)
    cdef Py_ssize_t lanes = min(spans, lane_count(n, 8 * cells, n * d * sizeof(floating)))
    cdef bint by_rows = lanes >= min(<Py_ssize_t> FEWEST_LANES, spans)
    cdef Py_ssize_t size = blocks * edge * points
    cdef Py_ssize_t slot_size = _ceil_div(
        min(n, <Py_ssize_t> (BLOCK if by_rows else PANEL)), points) * size
    cdef Py_ssize_t copies = lanes if by_rows else 1
    cdef Scratch tiles = scratch(
        slot_size * min(<Py_ssize_t> n_threads, copies), sizeof(floating))
    cdef Scratch products = scratch(copies * cells, sizeof(double))
    cdef Scratch sums = scratch(copies * blocks * edge, sizeof(double))
    cdef const double* targets = NULL
    cdef const double* weights = NULL
    cdef GramJob job
    if k > 0:
        targets = &target[0, 0]
    if not _are_equal(&weight[0], n):
        weights = &weight[0]
    job = GramJob(
        floating is float, &X[0, 0], n, d, &shift[0],
        weights, weight[0] if weights == NULL else 1, targets, k,
        blocks, size, tiles.data, slot_size,
        <double*> products.data, <double*> sums.data, cells, blocks * edge, copies, 0, 0)
    if is_short(0.1 * n * d * (d + 50)):
        _multiply(&job, by_rows, points, edge, &scale[0], &out[0, 0], 1)
    else:
        with nogil:
            _multiply(&job, by_rows, points, edge, &scale[0], &out[0, 0], n_threads)


cdef struct SparseGramJob:
    const algos_csr* x
    const algos_sparse_dots* table
    const double* weight
    const Py_ssize_t* bounds  # (n_parts + 1,)
    double* out               # (d, d)


cdef void _sparse_task(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    cdef SparseGramJob* job = <SparseGramJob*> arg
    job.table.scatter(
        job.x, job.weight, job.bounds[part], job.bounds[part + 1], job.out)


def sparse_gram(
    CsrRows rows,                  # IN
    const double[::1] weight,      # IN (n,)
    const Py_ssize_t[::1] bounds,  # IN (n_parts + 1,): parts of the columns, of equal work
    double[:, ::1] out,            # OUT (d, d): the upper triangle
    int n_threads,
):
    """Sum up weight x x' over CSR rows."""
    cdef SparseGramJob job = SparseGramJob(
        &rows.x, sparse_dots_of(rows), &weight[0], &bounds[0], &out[0, 0])
    cdef double work = 1.5 * rows.stored * (rows.stored / max(rows.x.n, 1) / 2 + 1)
    out[:, :] = 0
    with nogil:
        run_region(_sparse_task, &job, bounds.shape[0] - 1, work, n_threads)
