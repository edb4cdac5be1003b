# Rows as they lie in memory against one vector: see _dots.h.
from cython cimport floating
from algos._cython._memory cimport Scratch

# Dense rows of which whole registers may be read: the last ones, whose padding would lie
# beyond X, are read from a copy.
cdef struct RowView:
    const void* X          # (n, d)
    Py_ssize_t n, d
    Py_ssize_t padded      # columns
    Py_ssize_t n_safe      # rows that are read from X
    const void* last       # (n - n_safe, padded)

# d in whole registers: what vectors and sums have room for
cdef Py_ssize_t padded_columns(const floating* tag, Py_ssize_t d) noexcept nogil

# Makes `view`; the memory returned must live as long.
cdef Scratch view_rows(const floating* X, Py_ssize_t n, Py_ssize_t d, RowView* view)

# Where `row` stands, and how far from the next; `rows` is lowered to those that stand alike.
cdef inline const floating* rows_at(
    const RowView* view, const floating* X, Py_ssize_t row, Py_ssize_t* rows, Py_ssize_t* ldx
) noexcept nogil:
    if row < view.n_safe:
        rows[0] = min(rows[0], view.n_safe - row)
        ldx[0] = view.d
        return X + row * view.d
    rows[0] = min(rows[0], view.n - row)
    ldx[0] = view.padded
    return <const floating*> view.last + (row - view.n_safe) * view.padded

# out[i] = (x_i - shift)·v, with room for whole registers
cdef void row_dots(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t padded,
    const floating* shift, const floating* v, floating* out,
) noexcept nogil

# sum += Σ c_i (x_i - shift), for a few rows
cdef void add_weighted_rows(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t padded,
    const floating* shift, const floating* c, double* sum,
) noexcept nogil
