"""What linear models lose over dense rows, and the gradient, in one pass over X.

A tile of rows is multiplied by every model's coefficients, its losses and slopes are taken,
and the slopes multiply the same tile while it is in cache. Few models take the rows as they
lie in memory; for many, tiles are packed and both products are made in registers.

The rows are x = (X - shift - rest) / scale: the shift in the type of X, and what it cannot
hold as `rest`, which goes into the intercepts; the scale goes into the coefficients.
"""

from cython cimport floating
from algos._cython._dots cimport (
    RowView, add_weighted_rows, padded_columns, row_dots, rows_at, view_rows,
)
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._losses cimport MULTINOMIAL, loss_slopes, softmax_slopes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._syrk cimport block_edge, cross_blocks
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport (
    MAX_POINTS, pack_panel, pack_tile, panel_rows, tile_points, tile_products, tile_stride,
)

cdef enum:
    FEW = 6               # models for which rows are not packed
    BLOCK = 512           # rows summed up in the data's type: 32 additions a lane
    BLOCK_BYTES = 1 << 18  # of packed rows, a tile at least
    ROWS_BYTES = 1 << 14   # of rows that are read twice, a register's worth at least

cdef struct PassJob:
    bint single                # float32
    RowView rows
    const void* shift          # (padded,)
    Py_ssize_t m, k            # models, and outputs of each
    int code                   # of the loss; none if there are values
    double parameter
    const double* target       # (n, target_width)
    Py_ssize_t target_width
    const double* weight       # (n,)
    const double* values       # (n, m k), taken for the slopes, or NULL
    const void* vectors        # (m k, padded), or their panel
    const void* zeros          # (panel_rows,)
    const double* intercept    # (m k,)
    void* tiles                # products, and packed rows, for each slot
    Py_ssize_t x_size, z_size  # of one packed tile
    Py_ssize_t block, slot_size
    Py_ssize_t d_blocks, m_blocks
    double* lanes              # (n_lanes, cells): gradients, m values, m k sums of slopes
    Py_ssize_t n_lanes, cells, gradient_cells


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef void _given_slopes(
    PassJob* job, floating* z, Py_ssize_t stride, Py_ssize_t row, Py_ssize_t rows,
    double* sums,
) noexcept nogil:
    cdef Py_ssize_t width = job.m * job.k, i, j
    cdef const double* values = job.values + row * width
    for j in range(width):
        for i in range(rows):
            z[j * stride + i] = <floating> values[i * width + j]
            sums[job.m + j] += values[i * width + j]


cdef void _output_slopes(
    PassJob* job, floating* z, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t j, double* sums,
) noexcept nogil:
    """Of output j, one of the outputs of model j // k."""
    cdef double column[MAX_POINTS]
    cdef double found[2]
    cdef const double* target = job.target + row * job.target_width
    cdef Py_ssize_t i
    if job.target_width > 1:
        for i in range(rows):
            column[i] = target[i * job.target_width + j % job.k]
        target = column
    found[0] = found[1] = 0
    loss_slopes(
        job.code, job.parameter, target, job.weight + row, z, rows, job.intercept[j], found)
    sums[j // job.k] += found[0]
    sums[job.m + j] += found[1]


cdef void _slopes(
    PassJob* job, floating* z, Py_ssize_t stride, Py_ssize_t row, Py_ssize_t rows,
    double* sums,
) noexcept nogil:
    """Products of a tile, z[output][row], → weighted slopes; the rest of a tile is zero."""
    cdef Py_ssize_t i, j
    if job.values != NULL:
        _given_slopes(job, z, stride, row, rows, sums)
    elif job.code == MULTINOMIAL:
        for i in range(job.m):
            softmax_slopes(
                job.target + row, job.weight + row, z + i * job.k * stride, stride, job.k,
                rows, job.intercept + i * job.k, sums + i, sums + job.m + i * job.k)
    else:
        for j in range(job.m * job.k):
            _output_slopes(job, z + j * stride, row, rows, j, sums)
    for j in range(job.m * job.k):
        for i in range(rows, stride):
            z[j * stride + i] = 0


cdef void _few_lane(
    PassJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    """Rows as they lie in memory, model by model."""
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
        if job.values == NULL:
            for j in range(job.m * job.k):
                row_dots(x, ldx, rows, padded, shift, vectors + j * padded, z + j * MAX_POINTS)
        _slopes(job, z, MAX_POINTS, row, rows, sums)
        for j in range(job.m * job.k):
            add_weighted_rows(
                x, ldx, rows, padded, shift, z + j * MAX_POINTS, gradient + j * padded)
        row += rows


cdef void _packed_lane(
    PassJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    """Blocks of packed tiles."""
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.rows.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.rows.n)
    cdef Py_ssize_t d = job.rows.d, points = tile_points(X), width = job.m * job.k
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
            if job.values == NULL:
                tile_products(
                    xt + tile * job.x_size, rows, d, <const floating*> job.vectors,
                    <const floating*> job.zeros, width, zt + tile * job.z_size)
            _slopes(
                job, zt + tile * job.z_size, tile_stride(X, rows), row, rows,
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
    cdef Py_ssize_t n = job.rows.n, d = job.rows.d, width = job.m * job.k
    cdef double nanoseconds = 0.06 * n * (d + 40) * (width + (1 if few else 8))
    run_region(_few_task if few else _packed_task, job, job.n_lanes, nanoseconds, n_threads)
    reduce_lanes(job.lanes, job.n_lanes, job.cells, job.lanes)


cdef void _unpack(
    const PassJob* job, Py_ssize_t edge, const double* rest, const double* scale,
    double* gradient, double* sums,
) noexcept nogil:
    """Lane 0, whose layout is that of blocks if edge > 0, → the gradient by coefficients."""
    cdef Py_ssize_t width = job.m * job.k, d = job.rows.d, j, p, cell
    cdef const double* found = job.lanes + job.gradient_cells
    for j in range(job.m + width):
        sums[j] = found[j]
    for j in range(width):
        for p in range(d):
            cell = j * job.rows.padded + p
            if edge > 0:
                cell = (p // edge * job.m_blocks + j // edge) * edge * edge
                cell += p % edge * edge + j % edge
            gradient[j * d + p] = (job.lanes[cell] - rest[p] * sums[job.m + j]) / scale[p]


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
    """Keep the GIL through what is short."""
    if is_short(0.2 * job.rows.n * (job.rows.d + 40) * (job.m * job.k)):
        _sum_lanes(job, few, 1)
        _unpack(job, edge, rest, scale, gradient, sums)
    else:
        with nogil:
            _sum_lanes(job, few, n_threads)
            _unpack(job, edge, rest, scale, gradient, sums)


cdef void _set_sizes(PassJob* job, const floating* tag, bint few) noexcept nogil:
    cdef Py_ssize_t n = job.rows.n, d = job.rows.d, width = job.m * job.k, data
    cdef Py_ssize_t points = tile_points(tag), edge = block_edge(tag)
    cdef Py_ssize_t row_bytes = d * sizeof(floating)
    job.d_blocks, job.m_blocks = _ceil_div(d, edge), _ceil_div(width, edge)
    job.x_size = job.z_size = 0
    if few:
        job.block = min(<Py_ssize_t> MAX_POINTS, max(
            <Py_ssize_t> 16, ROWS_BYTES // row_bytes // 16 * 16))
        job.slot_size = width * MAX_POINTS
        job.gradient_cells = width * job.rows.padded
    else:
        job.x_size = job.d_blocks * edge * points
        job.z_size = max(job.m_blocks * edge, panel_rows(width)) * points
        job.block = min(<Py_ssize_t> BLOCK, max(
            points, BLOCK_BYTES // row_bytes // points * points))
        job.slot_size = job.block // points * (job.x_size + job.z_size)
        job.gradient_cells = job.d_blocks * job.m_blocks * edge * edge
    job.cells = job.gradient_cells + job.m + width
    job.n_lanes = lane_count(n, 8 * job.cells, n * row_bytes)


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
    double[::1] sums,               # OUT (m + m k,): values, sums of slopes
    int n_threads,
):
    """Evaluate m models of k outputs each; `code` and `parameter` are those of the loss."""
    cdef PassJob job
    cdef Py_ssize_t m = coef.shape[0], k = coef.shape[1], width = m * k
    cdef Py_ssize_t d = X.shape[1], padded = padded_columns(&shift[0], d), p
    cdef bint few = width < FEW
    cdef Scratch last, shifts, vectors, panel, zeros, intercepts, tiles, lanes
    last = view_rows(&X[0, 0], X.shape[0], d, &job.rows)
    job.single = floating is float
    job.m, job.k, job.code, job.parameter = m, k, code, parameter
    job.target, job.target_width = &target[0, 0], target.shape[1]
    job.weight, job.values = &weight[0], NULL
    shifts = scratch(padded, sizeof(floating))
    for p in range(d):
        (<floating*> shifts.data)[p] = shift[p]
    vectors = scratch(width * padded, sizeof(floating))
    intercepts = scratch(width, sizeof(double))
    _set_vectors(
        &coef[0, 0, 0], &intercept[0, 0], &rest[0], &scale[0], width, d,
        padded if few else d, <floating*> vectors.data, <double*> intercepts.data)
    job.shift, job.vectors, job.zeros = shifts.data, vectors.data, NULL
    job.intercept = <const double*> intercepts.data
    if not few:
        panel = scratch(panel_rows(width) * d, sizeof(floating))
        zeros = scratch(panel_rows(width), sizeof(floating))
        pack_panel(
            <const floating*> vectors.data, width, d, <floating> 1, <floating*> panel.data)
        job.vectors, job.zeros = panel.data, zeros.data
    _set_sizes(&job, &shift[0], few)
    tiles = scratch(
        job.slot_size * min(<Py_ssize_t> n_threads, job.n_lanes), sizeof(floating))
    lanes = scratch(job.n_lanes * job.cells, sizeof(double))
    job.tiles, job.lanes = tiles.data, <double*> lanes.data
    _run(
        &job, few, &rest[0], &scale[0], 0 if few else block_edge(&shift[0]),
        &gradient[0, 0, 0], &sums[0], n_threads)


def linear_cross(
    const floating[:, ::1] X,   # IN (n, d)
    const floating[::1] shift,  # IN (d,)
    const double[::1] rest,     # IN (d,)
    const double[::1] scale,    # IN (d,)
    const double[:, ::1] values,  # IN (n, k)
    double[:, ::1] products,    # OUT (k, d)
    double[::1] sums,           # OUT (1 + k,): nothing, and the sums of the values
    int n_threads,
):
    """Sum up values_i x_i, and the values."""
    cdef PassJob job
    cdef Py_ssize_t k = values.shape[1], d = X.shape[1], p
    cdef Py_ssize_t padded = padded_columns(&shift[0], d)
    cdef bint few = k < FEW
    cdef Scratch last, shifts, tiles, lanes
    last = view_rows(&X[0, 0], X.shape[0], d, &job.rows)
    job.single = floating is float
    job.m, job.k, job.code, job.parameter = 1, k, 0, 0
    job.target, job.target_width, job.weight, job.values = NULL, 0, NULL, &values[0, 0]
    shifts = scratch(padded, sizeof(floating))
    for p in range(d):
        (<floating*> shifts.data)[p] = shift[p]
    job.shift, job.vectors, job.zeros, job.intercept = shifts.data, NULL, NULL, NULL
    _set_sizes(&job, &shift[0], few)
    tiles = scratch(
        job.slot_size * min(<Py_ssize_t> n_threads, job.n_lanes), sizeof(floating))
    lanes = scratch(job.n_lanes * job.cells, sizeof(double))
    job.tiles, job.lanes = tiles.data, <double*> lanes.data
    _run(
        &job, few, &rest[0], &scale[0], 0 if few else block_edge(&shift[0]),
        &products[0, 0], &sums[0], n_threads)
