"""One step of a power iteration, Y = Xc' (Xc Q), in one pass over X.

A panel of rows is packed, less the shift, and multiplied by Q while it is in cache; then
the columns of the panel are shared out for the product with the result.
"""

from cython cimport floating
from algos._cython._memory cimport Scratch, scratch
from algos._cython._syrk cimport block_edge, cross_blocks, pack_tiles
from algos._cython._threads cimport run_region
from algos._cython._tile cimport pack_panel, panel_rows, tile_points, tile_products

cdef enum:
    PANEL_BYTES = 1 << 22  # of packed rows
    FEWEST_ROWS = 128
    BLOCK = 512            # rows summed up in the data's type: 32 additions a lane
    PART = 8               # blocks of columns in a task

cdef struct PowerJob:
    bint single           # float32
    const void* X         # (n, d)
    Py_ssize_t n, d, l
    const void* shift     # (d,)
    const void* panel     # the l vectors of Q
    const void* zeros     # (panel_rows,)
    void* tiles           # packed rows
    void* products        # Xc Q, tile by tile
    Py_ssize_t x_size, z_size  # of one tile
    Py_ssize_t m_blocks, l_blocks
    Py_ssize_t cells      # in one row of blocks of the result
    double* out           # (m_blocks, l_blocks, edge, edge)
    Py_ssize_t start, rows  # the panel that is worked on


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef void _multiply_tile(PowerJob* job, const floating* X, Py_ssize_t tile) noexcept nogil:
    """Pack one tile of rows and multiply it by Q."""
    cdef Py_ssize_t points = tile_points(X), row = tile * points
    cdef Py_ssize_t rows = min(points, job.rows - row)
    cdef floating* xt = <floating*> job.tiles + tile * job.x_size
    pack_tiles(
        X + (job.start + row) * job.d, rows, job.d, <const floating*> job.shift,
        xt, job.x_size,
    )
    tile_products(
        xt, rows, job.d, <const floating*> job.panel, <const floating*> job.zeros, job.l,
        <floating*> job.products + tile * job.z_size,
    )


cdef void _tile_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef PowerJob* job = <PowerJob*> arg
    if job.single:
        _multiply_tile(job, <const float*> job.X, tile)
    else:
        _multiply_tile(job, <const double*> job.X, tile)


cdef void _multiply_back(PowerJob* job, const floating* xt, Py_ssize_t part) noexcept nogil:
    """Add the panel's share of some blocks of columns, in row order."""
    cdef const floating* zt = <const floating*> job.products
    cdef Py_ssize_t points = tile_points(xt), first = part * PART
    cdef Py_ssize_t blocks = min(<Py_ssize_t> PART, job.m_blocks - first)
    cdef Py_ssize_t tiles = BLOCK // points, block, row, rows, tile
    for block in range(_ceil_div(job.rows, BLOCK)):
        row, tile = block * BLOCK, block * tiles
        rows = min(<Py_ssize_t> BLOCK, job.rows - row)
        cross_blocks(
            xt + tile * job.x_size, zt + tile * job.z_size, rows, job.x_size, job.z_size,
            first, blocks, job.l_blocks, job.out + first * job.cells,
        )


cdef void _part_task(void* arg, Py_ssize_t part, int slot) noexcept nogil:
    cdef PowerJob* job = <PowerJob*> arg
    if job.single:
        _multiply_back(job, <const float*> job.tiles, part)
    else:
        _multiply_back(job, <const double*> job.tiles, part)


cdef void _power_panels(
    PowerJob* job, Py_ssize_t panel_size, Py_ssize_t points, int n_threads
) noexcept nogil:
    cdef Py_ssize_t panel
    cdef double nanoseconds
    for panel in range(_ceil_div(job.n, panel_size)):
        job.start = panel * panel_size
        job.rows = min(panel_size, job.n - job.start)
        nanoseconds = 0.02 * job.rows * job.d * (job.l + 25)
        run_region(_tile_task, job, _ceil_div(job.rows, points), nanoseconds, n_threads)
        run_region(_part_task, job, _ceil_div(job.m_blocks, PART), nanoseconds, n_threads)


cdef void _unpack(
    const double* blocks, Py_ssize_t edge, Py_ssize_t l_blocks,
    double* out, Py_ssize_t l, Py_ssize_t d,
) noexcept nogil:
    """Blocks → (l, d)."""
    cdef Py_ssize_t j, p, cell
    for j in range(l):
        for p in range(d):
            cell = (p // edge * l_blocks + j // edge) * edge * edge
            out[j * d + p] = blocks[cell + p % edge * edge + j % edge]


def power_step(
    const floating[:, ::1] X,      # IN (n, d)
    const floating[::1] shift,     # IN (d,)
    const floating[:, ::1] basis,  # IN (l, d), Q'
    double[:, ::1] out,            # OUT (l, d), Y'
    int n_threads,
):
    """Compute Xs' (Xs Q), where Xs = X - shift."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], l = basis.shape[0]
    cdef Py_ssize_t points = tile_points(&shift[0]), edge = block_edge(&shift[0])
    cdef Py_ssize_t rows = PANEL_BYTES // (d * sizeof(floating)) // FEWEST_ROWS * FEWEST_ROWS
    cdef Py_ssize_t tiles
    cdef Scratch panel, zeros, packed, products, blocks
    cdef PowerJob job
    rows = min(n, max(<Py_ssize_t> FEWEST_ROWS, rows))
    tiles = _ceil_div(rows, points)
    job.single = floating is float
    job.X, job.n, job.d, job.l = &X[0, 0], n, d, l
    job.shift = &shift[0]
    job.m_blocks, job.l_blocks = _ceil_div(d, edge), _ceil_div(l, edge)
    job.x_size = job.m_blocks * edge * points
    job.z_size = max(job.l_blocks * edge, panel_rows(l)) * points
    job.cells = job.l_blocks * edge * edge
    panel = scratch(panel_rows(l) * d, sizeof(floating))
    zeros = scratch(panel_rows(l), sizeof(floating))
    packed = scratch(tiles * job.x_size, sizeof(floating))
    products = scratch(tiles * job.z_size, sizeof(floating))
    blocks = scratch(job.m_blocks * job.cells, sizeof(double))
    job.panel, job.zeros = panel.data, zeros.data
    job.tiles, job.products = packed.data, products.data
    job.out = <double*> blocks.data
    job.start = job.rows = 0
    with nogil:
        pack_panel(&basis[0, 0], l, d, <floating> 1, <floating*> panel.data)
        _power_panels(&job, rows, points, n_threads)
        _unpack(job.out, edge, job.l_blocks, &out[0, 0], l, d)
