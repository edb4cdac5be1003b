# Inner products of columns over packed tiles: see _syrk.h.
from cython cimport floating

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

cdef void cross_blocks(
    const floating* xt, const floating* zt, Py_ssize_t rows,
    Py_ssize_t x_size, Py_ssize_t z_size, Py_ssize_t first, Py_ssize_t m, Py_ssize_t l,
    double* out,
) noexcept nogil
