"""Sums over all rows of the products of columns, by lanes of rows or by parts of the output."""

from algos._cython._lanes cimport reduce_lanes
from algos._cython._syrk cimport PANEL, Shares, scatter_part
from algos._cython._threads cimport run_region
from algos._cython._tile cimport tile_points


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef Py_ssize_t _n_tiles(const ProductSums* job) noexcept nogil:
    """Tiles of the panel."""
    if job.single:
        return _ceil_div(job.rows, tile_points(<const float*> job.tiles))
    return _ceil_div(job.rows, tile_points(<const double*> job.tiles))


cdef void _part_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef ProductSums* job = <ProductSums*> arg
    cdef Shares* shares = &job.shares
    cdef Py_ssize_t part = shares.n_parts - 1 - task  # the longest columns first
    if job.single:
        scatter_part(<const float*> job.tiles, job.rows, shares, part, job.products, job.sums)
    else:
        scatter_part(<const double*> job.tiles, job.rows, shares, part, job.products, job.sums)


cdef void _sum_panels(ProductSums* job, int n_threads) noexcept nogil:
    """Partition the output: each part is summed up in row order by one thread at a time."""
    cdef Py_ssize_t panel
    for panel in range(_ceil_div(job.n, PANEL)):
        job.start = panel * PANEL
        job.rows = min(<Py_ssize_t> PANEL, job.n - job.start)
        run_region(job.pack_tile, job, _n_tiles(job), 0.5 * job.rows * job.d, n_threads)
        run_region(
            _part_task, job, job.shares.n_parts, 0.01 * job.rows * job.d * job.d, n_threads)


cdef void sum_products(ProductSums* job, int n_threads) noexcept nogil:
    cdef const Shares* shares = &job.shares
    if shares.by_rows:
        run_region(
            job.add_lane, job, shares.n_lanes, 0.01 * job.n * job.d * (job.d + 50), n_threads)
    else:
        _sum_panels(job, n_threads)
    reduce_lanes(job.products, shares.n_lanes, shares.cells, job.products)
    reduce_lanes(job.sums, shares.n_lanes, shares.columns, job.sums)
