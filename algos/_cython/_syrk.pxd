# Inner products of columns over packed tiles: see _syrk.h.
from cython cimport floating

cdef enum:
    BLOCK = 512   # rows packed at a time: 32 additions in float32 for each lane
    PANEL = 1024  # the same where threads share the blocks

# Columns in a block; packed tiles have room for whole blocks. What the columns beyond d
# hold goes into results that nobody reads.
cdef Py_ssize_t block_edge(const floating* tag) noexcept nogil

# Rows fill wide tiles of tile_points() rows; a rest that one vector holds, a narrow one.
cdef inline Py_ssize_t wide_tiles(Py_ssize_t rows, Py_ssize_t points) noexcept nogil:
    cdef Py_ssize_t rest = rows % points
    return rows // points + (rest > points // 4)

cdef inline bint narrow_tile(Py_ssize_t rows, Py_ssize_t points) noexcept nogil:
    cdef Py_ssize_t rest = rows % points
    return 0 < rest <= points // 4

# rows → tiles of `size` elements each, the last one possibly narrow
cdef void pack_tiles(
    const floating* X, Py_ssize_t rows, Py_ssize_t d,
    const floating* shift, floating* xt, Py_ssize_t size,
) noexcept nogil

cdef void scatter_blocks(
    const floating* xt, Py_ssize_t rows, Py_ssize_t size,
    Py_ssize_t i0, Py_ssize_t i1, Py_ssize_t j0, Py_ssize_t j1,
    double* scatter, double* sums,
) noexcept nogil

# How the sums over all rows are shared out: lanes of rows, or parts of the output.
cdef struct Shares:
    bint by_rows
    Py_ssize_t n_lanes    # 1 where threads share the output
    Py_ssize_t n_blocks   # of columns
    Py_ssize_t n_parts    # of the output
    Py_ssize_t cells      # of the output of a lane, blocks of the upper triangle
    Py_ssize_t columns    # of whole blocks
    Py_ssize_t tile_size
    Py_ssize_t slot_size  # packed rows of a slot, or of a panel

cdef Shares shares_of(
    const floating* tag, Py_ssize_t n, Py_ssize_t d, Py_ssize_t columns) noexcept nogil

cdef void scatter_part(
    const floating* xt, Py_ssize_t rows, const Shares* shares, Py_ssize_t part,
    double* scatter, double* sums,
) noexcept nogil

# Where column p with column q >= p stands among the blocks.
cdef inline Py_ssize_t cell_of(Py_ssize_t p, Py_ssize_t q, Py_ssize_t edge) noexcept nogil:
    cdef Py_ssize_t bp = p // edge, bq = q // edge
    return (bq * (bq + 1) // 2 + bp) * edge * edge + p % edge * edge + q % edge

cdef void cross_blocks(
    const floating* xt, const floating* zt, Py_ssize_t rows,
    Py_ssize_t x_size, Py_ssize_t z_size, Py_ssize_t first, Py_ssize_t m, Py_ssize_t l,
    double* out,
) noexcept nogil
