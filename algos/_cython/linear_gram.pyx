"""Weighted sums of products of columns, of ones and of targets, in one pass over X.

Rows are packed after subtracting a shift and multiplying by the square roots of their weights,
which form the column of ones; a few targets become further columns. Equal weights are applied last.
Products of bounded blocks of rows in the data's type are summed in double.
"""

from cython cimport floating
from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._lanes cimport lane_start
from algos._cython._memory cimport Scratch, scratch
from algos._cython._sparse_dots cimport algos_sparse_dots, sparse_dots_of
from algos._cython._syrk cimport BLOCK, Shares, block_edge, cell_of, scatter_part, shares_of
from algos._cython._syrk_sums cimport ProductSums, sum_products
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport pack_tile, tile_points, tile_stride

cdef extern from "_weigh.h" nogil:
    void algos_weigh_f32(
        float* xt, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t d, const double* weight,
        const double* target, Py_ssize_t k)
    void algos_weigh_f64(
        double* xt, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t d, const double* weight,
        const double* target, Py_ssize_t k)

cdef struct GramJob:
    ProductSums sums       # of the columns with that of ones and the targets
    const void* X          # (n, d)
    const void* shift      # (d,)
    const double* weight   # (n,), or NULL for rows of equal weight
    double common          # that weight
    const double* target   # (n, k)
    Py_ssize_t k


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef void _pack(
    GramJob* job, const floating* X, Py_ssize_t row, Py_ssize_t rows, floating* xt
) noexcept nogil:
    """Pack one tile of rows."""
    cdef Py_ssize_t d = job.sums.d, k = job.k, stride = tile_stride(X, rows)
    cdef const double* weight = job.weight
    if weight != NULL:
        weight += row
    pack_tile(X + row * d, d, rows, d, <const floating*> job.shift, xt)
    if floating is float:
        algos_weigh_f32(xt, stride, rows, d, weight, job.target + row * k, k)
    else:
        algos_weigh_f64(xt, stride, rows, d, weight, job.target + row * k, k)


cdef void _multiply_lane(
    GramJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef ProductSums* sums = &job.sums
    cdef const Shares* shares = &sums.shares
    cdef Py_ssize_t row = lane_start(lane, shares.n_lanes, sums.n)
    cdef Py_ssize_t end = lane_start(lane + 1, shares.n_lanes, sums.n)
    cdef Py_ssize_t points = tile_points(X), rows, part, tile
    cdef floating* xt = <floating*> sums.tiles + slot * shares.slot_size
    while row < end:
        rows = min(<Py_ssize_t> BLOCK, end - row)
        for tile in range(_ceil_div(rows, points)):
            _pack(
                job, X, row + tile * points, min(points, rows - tile * points),
                xt + tile * shares.tile_size)
        for part in range(shares.n_parts):
            scatter_part(
                xt, rows, shares, part, sums.products + lane * shares.cells,
                sums.sums + lane * shares.columns)
        row += rows


cdef void _lane_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef GramJob* job = <GramJob*> arg
    if job.sums.single:
        _multiply_lane(job, <const float*> job.X, lane, slot)
    else:
        _multiply_lane(job, <const double*> job.X, lane, slot)


cdef void _pack_panel_tile(GramJob* job, const floating* X, Py_ssize_t tile) noexcept nogil:
    cdef Py_ssize_t row = tile * tile_points(X)
    _pack(
        job, X, job.sums.start + row, min(tile_points(X), job.sums.rows - row),
        <floating*> job.sums.tiles + tile * job.sums.shares.tile_size)


cdef void _pack_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef GramJob* job = <GramJob*> arg
    if job.sums.single:
        _pack_panel_tile(job, <const float*> job.X, tile)
    else:
        _pack_panel_tile(job, <const double*> job.X, tile)


cdef void _unpack(
    const GramJob* job, Py_ssize_t edge, const double* scale, double* out
) noexcept nogil:
    """Blocks of the upper triangle → the full symmetric matrix."""
    cdef Py_ssize_t p, q, size = job.sums.d + 1 + job.k
    cdef double value
    for p in range(size):
        for q in range(p, size):
            value = job.common * job.sums.products[cell_of(p, q, edge)] / (scale[p] * scale[q])
            out[p * size + q] = value
            out[q * size + p] = value


cdef bint _are_equal(const double* weight, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 1
    while i < n and weight[i] == weight[0]:
        i += 1
    return i >= n


cdef void _multiply(
    GramJob* job, Py_ssize_t edge, const double* scale, double* out, int n_threads
) noexcept nogil:
    sum_products(&job.sums, n_threads)
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
    """Sum weight (x, 1, y)(x, 1, y)' over the rows x = (X - shift) / scale, y / scale."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = target.shape[1]
    cdef Py_ssize_t edge = block_edge(&shift[0])
    cdef Shares shares = shares_of(&shift[0], n, d, d + 1 + k)
    cdef Scratch tiles = scratch(
        shares.slot_size * min(<Py_ssize_t> n_threads, shares.n_lanes), sizeof(floating))
    cdef Scratch products = scratch(shares.n_lanes * shares.cells, sizeof(double))
    cdef Scratch sums = scratch(shares.n_lanes * shares.columns, sizeof(double))
    cdef const double* targets = NULL
    cdef const double* weights = NULL
    cdef GramJob job
    if k > 0:
        targets = &target[0, 0]
    if not _are_equal(&weight[0], n):
        weights = &weight[0]
    job.sums.single, job.sums.n, job.sums.d = floating is float, n, d
    job.sums.shares, job.sums.tiles = shares, tiles.data
    job.sums.products, job.sums.sums = <double*> products.data, <double*> sums.data
    job.sums.add_lane, job.sums.pack_tile = _lane_task, _pack_task
    job.X, job.shift = &X[0, 0], &shift[0]
    job.weight, job.common = weights, weight[0] if weights == NULL else 1
    job.target, job.k = targets, k
    if is_short(0.1 * n * d * (d + 50)):
        _multiply(&job, edge, &scale[0], &out[0, 0], 1)
    else:
        with nogil:
            _multiply(&job, edge, &scale[0], &out[0, 0], n_threads)


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
    """Sum weight x x' over CSR rows."""
    cdef SparseGramJob job = SparseGramJob(
        &rows.x, sparse_dots_of(rows), &weight[0], &bounds[0], &out[0, 0])
    cdef double work = 1.5 * rows.stored * (rows.stored / max(rows.x.n, 1) / 2 + 1)
    out[:, :] = 0
    with nogil:
        run_region(_sparse_task, &job, bounds.shape[0] - 1, work, n_threads)
