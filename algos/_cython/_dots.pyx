"""Rows as they lie in memory: the instruction set is chosen when this is loaded."""

from cython cimport floating
from libc.string cimport memcpy
from algos._cython._memory cimport Scratch, scratch

cdef extern from "_dots.h" nogil:
    ctypedef struct algos_dots_table_f32:
        Py_ssize_t lanes
        void (*dots)(
            const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const float*,
            float*) noexcept nogil
        void (*add)(
            const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const float*,
            double*) noexcept nogil
    ctypedef struct algos_dots_table_f64:
        Py_ssize_t lanes
        void (*dots)(
            const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const double*,
            double*) noexcept nogil
        void (*add)(
            const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const double*,
            double*) noexcept nogil
    const algos_dots_table_f32* algos_dots_f32
    const algos_dots_table_f64* algos_dots_f64
    int algos_dots_choose(int limit)

algos_dots_choose(4)


cdef Py_ssize_t padded_columns(const floating* tag, Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t lanes = (
        algos_dots_f32.lanes if floating is float else algos_dots_f64.lanes)
    return (d + lanes - 1) // lanes * lanes


cdef Scratch view_rows(const floating* X, Py_ssize_t n, Py_ssize_t d, RowView* view):
    cdef Py_ssize_t padded = padded_columns(X, d), row
    cdef Py_ssize_t n_last = min(n, (padded - d + d - 1) // d)
    cdef Scratch last = scratch(n_last * padded, sizeof(floating))
    view.X, view.n, view.d, view.padded = X, n, d, padded
    view.n_safe, view.last = n - n_last, last.data
    for row in range(n_last):
        memcpy(
            <floating*> last.data + row * padded, X + (view.n_safe + row) * d,
            d * sizeof(floating))
    return last


cdef void row_dots(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t padded,
    const floating* shift, const floating* v, floating* out,
) noexcept nogil:
    if floating is float:
        algos_dots_f32.dots(X, ldx, rows, padded, shift, v, out)
    else:
        algos_dots_f64.dots(X, ldx, rows, padded, shift, v, out)


cdef void add_weighted_rows(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t padded,
    const floating* shift, const floating* c, double* sum,
) noexcept nogil:
    if floating is float:
        algos_dots_f32.add(X, ldx, rows, padded, shift, c, sum)
    else:
        algos_dots_f64.add(X, ldx, rows, padded, shift, c, sum)


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_dots_choose(limit)
