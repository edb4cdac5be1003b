# Rows against a panel: see _tile.h. Every function works on one tile of at most
# tile_points() rows, or tile_rows() where rows may be long; `xt` and `out` come from
# scratch(rows * ..., itemsize).
from cython cimport floating
from libc.stdint cimport int32_t

cdef extern from "_tile.h" nogil:
    Py_ssize_t panel_rows "algos_panel_rows"(Py_ssize_t k)  # k, padded to whole groups

cdef enum:
    MAX_POINTS = 64  # tile_points() at most: room for a tile's labels on the stack

cdef Py_ssize_t tile_points(const floating* tag) noexcept nogil

cdef Py_ssize_t tile_rows(const floating* tag, Py_ssize_t d) noexcept nogil

cdef Py_ssize_t tile_stride(const floating* tag, Py_ssize_t rows) noexcept nogil

# b (k, d) → panel, each value times `sign`; scratch(panel_rows(k) * d, itemsize)
cdef void pack_panel(
    const floating* b, Py_ssize_t k, Py_ssize_t d, floating sign, floating* panel
) noexcept nogil

cdef void pack_tile(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* shift, floating* xt,
) noexcept nogil

cdef void tile_products(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, const floating* init, Py_ssize_t k, floating* out,
) noexcept nogil

cdef void tile_distances(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, Py_ssize_t k, floating* out,
) noexcept nogil

cdef void tile_nearest(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, const floating* init, Py_ssize_t k,
    int32_t* label, floating* least,
) noexcept nogil

cdef void add_rows(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* shift, const int32_t* label, const double* weight,
    double* sums, double* counts,
) noexcept nogil

cdef void row_distances(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* centers, const int32_t* label, double* distance,
) noexcept nogil

cdef void add_moments(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* origin, const double* weight, double* sums, double* squares,
) noexcept nogil

# distance = min(distance, bound); returns the weighted sum
cdef double lower_to(
    floating* distance, const floating* bound, const double* weight, Py_ssize_t rows
) noexcept nogil

# ||row||^2 / 2 of each row
cdef void half_norms(
    const floating* rows, Py_ssize_t k, Py_ssize_t d, floating* out
) noexcept nogil

cdef void tile_nearest_two(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, const floating* init, Py_ssize_t k,
    int32_t* label, floating* least, floating* second,
) noexcept nogil

# ||x||^2 of each row of a tile
cdef void tile_norms(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d, floating* out
) noexcept nogil

# squared distance of one row, less the shift, to one centre
cdef double own_distance(
    const floating* row, const floating* shift, const floating* center, Py_ssize_t d
) noexcept nogil

# weight * (row - shift): taken from one sum, unless NULL, and given to another
cdef void move_row(
    const floating* row, const floating* shift, Py_ssize_t d, double weight,
    double* source, double* target,
) noexcept nogil
