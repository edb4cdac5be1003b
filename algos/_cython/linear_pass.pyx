"""Losses and gradients of linear models over dense rows, in one pass over X.

A tile of rows is multiplied by the coefficients of every model, losses and derivatives are
computed, and the derivatives multiply the same tile while it is in cache. For few models the rows
are read from memory directly; for many, tiles are packed and both products are made in registers.

The rows are x = (X - shift - rest) / scale: the shift is in the type of X, and its rounding error
`rest` goes into the intercepts; the scale goes into the coefficients.
"""

from cython cimport floating
from algos._cython._dots cimport (
    RowView, add_weighted_rows, padded_columns, row_dots, rows_at, view_rows,
)
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._losses cimport MAX_ROWS, Targets, take_derivatives
from algos._cython._memory cimport Scratch, scratch
from algos._cython._syrk cimport block_edge, cross_blocks
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport (
    pack_panel, pack_tile, panel_rows, tile_points, tile_products, tile_stride,
)

cdef enum:
    FEW = 6               # models for which rows are not packed
    BLOCK = 1024          # rows summed up in the data's type: 64 additions a lane
    BLOCK_BYTES = 1 << 18  # of packed rows, a tile at least
    ROWS_BYTES = 1 << 14   # of rows that are read twice, a register's worth at least

cdef struct PassJob:
    bint single                # float32
    RowView rows
    const void* shift          # (padded,)
    Targets targets
    Py_ssize_t width           # outputs of all models
    const void* vectors        # (width, padded), or their panel; NULL if derivatives are given
    const void* zeros          # (panel_rows,)
    void* tiles                # products, and packed rows, for each slot
    Py_ssize_t x_size, z_size  # of one packed tile
    Py_ssize_t block, slot_size
    Py_ssize_t d_blocks, m_blocks
    double* lanes              # (n_lanes, cells): gradients, then as take_derivatives()
    Py_ssize_t n_lanes, cells, gradient_cells


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef void _few_lane(
    PassJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    """Rows read from memory directly, model by model."""
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.rows.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.rows.n)
    cdef Py_ssize_t padded = job.rows.padded, ldx = 0, rows, j
    cdef floating* z = <floating*> job.tiles + slot * job.slot_size
    cdef double* gradient = job.lanes + lane * job.cells
    cdef double* sums = gradient + job.gradient_cells
    cdef const floating* shift = <const floating*> job.shift
    cdef const floating* vectors = <const floating*> job.vectors
    cdef const floating* x
    while row < end:
        rows = min(job.block, end - row)
        x = rows_at(&job.rows, X, row, &rows, &ldx)
        if job.vectors != NULL:
            for j in range(job.width):
                row_dots(x, ldx, rows, padded, shift, vectors + j * padded, z + j * MAX_ROWS)
        take_derivatives(&job.targets, z, MAX_ROWS, row, rows, sums)
        for j in range(job.width):
            add_weighted_rows(
                x, ldx, rows, padded, shift, z + j * MAX_ROWS, gradient + j * padded)
        row += rows


cdef void _packed_lane(
    PassJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    """Blocks of packed tiles."""
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.rows.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.rows.n)
    cdef Py_ssize_t d = job.rows.d, points = tile_points(X), width = job.width
    cdef Py_ssize_t stop, tile, rows, start
    cdef double* gradient = job.lanes + lane * job.cells
    cdef floating* xt = <floating*> job.tiles + slot * job.slot_size
    cdef floating* zt = xt + job.block // points * job.x_size
    while row < end:
        start, stop, tile = row, min(row + job.block, end), 0
        while row < stop:
            rows = min(points, stop - row)
            pack_tile(
                X + row * d, d, rows, d, <const floating*> job.shift, xt + tile * job.x_size)
            if job.vectors != NULL:
                tile_products(
                    xt + tile * job.x_size, rows, d, <const floating*> job.vectors,
                    <const floating*> job.zeros, width, zt + tile * job.z_size)
            take_derivatives(
                &job.targets, zt + tile * job.z_size, tile_stride(X, rows), row, rows,
                gradient + job.gradient_cells)
            row += rows
            tile += 1
        cross_blocks(
            xt, zt, stop - start, job.x_size, job.z_size, 0, job.d_blocks, job.m_blocks,
            gradient)


cdef void _few_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef PassJob* job = <PassJob*> arg
    if job.single:
        _few_lane(job, <const float*> job.rows.X, lane, slot)
    else:
        _few_lane(job, <const double*> job.rows.X, lane, slot)


cdef void _packed_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef PassJob* job = <PassJob*> arg
    if job.single:
        _packed_lane(job, <const float*> job.rows.X, lane, slot)
    else:
        _packed_lane(job, <const double*> job.rows.X, lane, slot)


cdef void _sum_lanes(PassJob* job, bint few, int n_threads) noexcept nogil:
    cdef Py_ssize_t n = job.rows.n, d = job.rows.d, width = job.width
    cdef double nanoseconds = 0.06 * n * (d + 40) * (width + (1 if few else 8))
    run_region(_few_task if few else _packed_task, job, job.n_lanes, nanoseconds, n_threads)
    reduce_lanes(job.lanes, job.n_lanes, job.cells, job.lanes)


cdef void _unpack(
    const PassJob* job, Py_ssize_t edge, const double* rest, const double* scale,
    double* gradient, double* sums,
) noexcept nogil:
    """Lane 0, whose layout is that of blocks if edge > 0, → the gradient by coefficients."""
    cdef Py_ssize_t width = job.width, d = job.rows.d, j, p, cell
    cdef const double* found = job.lanes + job.gradient_cells
    for j in range(job.targets.m + width):
        sums[j] = found[j]
    for j in range(width):
        for p in range(d):
            cell = j * job.rows.padded + p
            if edge > 0:
                cell = (p // edge * job.m_blocks + j // edge) * edge * edge
                cell += p % edge * edge + j % edge
            gradient[j * d + p] = (job.lanes[cell] - rest[p] * sums[job.targets.m + j]) / scale[p]


cdef void _set_vectors(
    const double* coef, const double* intercept, const double* rest, const double* scale,
    Py_ssize_t width, Py_ssize_t d, Py_ssize_t padded, floating* vectors, double* intercepts,
) noexcept nogil:
    cdef Py_ssize_t j, p
    cdef double moved
    for j in range(width):
        moved = 0
        for p in range(d):
            vectors[j * padded + p] = <floating> (coef[j * d + p] / scale[p])
            moved += rest[p] * (coef[j * d + p] / scale[p])
        intercepts[j] = intercept[j] - moved


cdef void _run(
    PassJob* job, bint few, const double* rest, const double* scale, Py_ssize_t edge,
    double* gradient, double* sums, int n_threads,
):
    """Run a pass, with the GIL held if it is short."""
    if is_short(0.2 * job.rows.n * (job.rows.d + 40) * (job.width)):
        _sum_lanes(job, few, 1)
        _unpack(job, edge, rest, scale, gradient, sums)
    else:
        with nogil:
            _sum_lanes(job, few, n_threads)
            _unpack(job, edge, rest, scale, gradient, sums)


cdef void _set_sizes(PassJob* job, const floating* tag, bint few) noexcept nogil:
    cdef Py_ssize_t n = job.rows.n, d = job.rows.d, width = job.width
    cdef Py_ssize_t points = tile_points(tag), edge = block_edge(tag)
    cdef Py_ssize_t row_bytes = d * sizeof(floating)
    job.d_blocks, job.m_blocks = _ceil_div(d, edge), _ceil_div(width, edge)
    job.x_size = job.z_size = 0
    if few:
        job.block = min(<Py_ssize_t> MAX_ROWS, max(
            <Py_ssize_t> 16, ROWS_BYTES // row_bytes // 16 * 16))
        job.slot_size = width * MAX_ROWS
        job.gradient_cells = width * job.rows.padded
    else:
        job.x_size = job.d_blocks * edge * points
        job.z_size = max(job.m_blocks * edge, panel_rows(width)) * points
        job.block = min(<Py_ssize_t> BLOCK, max(
            points, BLOCK_BYTES // row_bytes // points * points))
        job.slot_size = job.block // points * (job.x_size + job.z_size)
        job.gradient_cells = job.d_blocks * job.m_blocks * edge * edge
    job.cells = job.gradient_cells + job.targets.m + width
    job.n_lanes = lane_count(n, 8 * job.cells, n * row_bytes)


cdef Scratch _padded(const floating[::1] values, Py_ssize_t padded):
    cdef Scratch room = scratch(padded, sizeof(floating))
    cdef Py_ssize_t p
    for p in range(values.shape[0]):
        (<floating*> room.data)[p] = values[p]
    return room


cdef void _pass(
    PassJob* job, const floating[::1] shift, const double* rest, const double* scale,
    double* gradient, double* sums, int n_threads,
):
    """Run a pass of a job whose sizes and memory are not yet set."""
    cdef bint few = job.width < FEW
    cdef Scratch shifts = _padded(shift, job.rows.padded), tiles, lanes
    cdef Py_ssize_t slots
    job.shift = shifts.data
    _set_sizes(job, &shift[0], few)
    slots = min(<Py_ssize_t> n_threads, job.n_lanes)
    tiles = scratch(job.slot_size * slots, sizeof(floating))
    lanes = scratch(job.n_lanes * job.cells, sizeof(double))
    job.tiles, job.lanes = tiles.data, <double*> lanes.data
    _run(job, few, rest, scale, 0 if few else block_edge(&shift[0]), gradient, sums, n_threads)


def linear_pass(
    const floating[:, ::1] X,       # IN (n, d)
    const floating[::1] shift,      # IN (d,)
    const double[::1] rest,         # IN (d,)
    const double[::1] scale,        # IN (d,)
    const double[:, :, ::1] coef,   # IN (m, k, d)
    const double[:, ::1] intercept,  # IN (m, k)
    const double[:, ::1] target,    # IN (n, 1) or (n, k)
    const double[::1] weight,       # IN (n,)
    int code,
    double parameter,
    double[:, :, ::1] gradient,     # OUT (m, k, d)
    double[::1] sums,               # OUT (m + m k,): values, sums of derivatives
    int n_threads,
):
    """Evaluate m models of k outputs each; `code` and `parameter` are those of the loss."""
    cdef PassJob job
    cdef Py_ssize_t m = coef.shape[0], k = coef.shape[1], width = m * k, d = X.shape[1]
    cdef Py_ssize_t padded = padded_columns(&shift[0], d)
    cdef bint few = width < FEW
    cdef Scratch _last = view_rows(&X[0, 0], X.shape[0], d, &job.rows)
    cdef Scratch vectors = scratch(width * padded, sizeof(floating))
    cdef Scratch intercepts = scratch(width, sizeof(double))
    cdef Scratch panel, zeros
    job.single, job.width = floating is float, width
    job.targets = Targets(
        m, k, code, parameter, &target[0, 0], target.shape[1], &weight[0], NULL, 0,
        <const double*> intercepts.data)
    _set_vectors(
        &coef[0, 0, 0], &intercept[0, 0], &rest[0], &scale[0], width, d,
        padded if few else d, <floating*> vectors.data, <double*> intercepts.data)
    job.vectors, job.zeros = vectors.data, NULL
    if not few:
        panel = scratch(panel_rows(width) * d, sizeof(floating))
        zeros = scratch(panel_rows(width), sizeof(floating))
        pack_panel(
            <const floating*> vectors.data, width, d, <floating> 1, <floating*> panel.data)
        job.vectors, job.zeros = panel.data, zeros.data
    _pass(&job, shift, &rest[0], &scale[0], &gradient[0, 0, 0], &sums[0], n_threads)


def linear_cross(
    const floating[:, ::1] X,     # IN (n, d)
    const floating[::1] shift,    # IN (d,)
    const double[::1] rest,       # IN (d,)
    const double[::1] scale,      # IN (d,)
    const double[:, ::1] values,  # IN (n, k)
    double[:, ::1] products,      # OUT (k, d)
    double[::1] sums,             # OUT (1 + k,): nothing, and the sums of the values
    int n_threads,
):
    """Sum values_i x_i, and the values."""
    cdef PassJob job
    cdef Py_ssize_t k = values.shape[1]
    cdef Scratch _last = view_rows(&X[0, 0], X.shape[0], X.shape[1], &job.rows)
    job.single, job.width, job.vectors, job.zeros = floating is float, k, NULL, NULL
    job.targets = Targets(1, k, 0, 0, NULL, 0, NULL, &values[0, 0], k, NULL)
    _pass(&job, shift, &rest[0], &scale[0], &products[0, 0], &sums[0], n_threads)
