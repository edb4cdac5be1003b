"""Rows on their way to the solvers of factorization machines: their order, units and fields."""

from cython cimport floating
from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t


def gather_rows(
    const int64_t[::1] starts, const int32_t[::1] indices, const floating[::1] values,
    const int64_t[::1] places, int64_t[::1] new_starts, int32_t[::1] new_indices,
    floating[::1] new_values,
):
    """Write the rows at `places`; `new_starts` (len(places) + 1,) and the others are OUT."""
    cdef Py_ssize_t i, p, q = 0
    new_starts[0] = 0
    with nogil:
        for i in range(places.shape[0]):
            for p in range(starts[places[i]], starts[places[i] + 1]):
                new_indices[q] = indices[p]
                new_values[q] = values[p]
                q += 1
            new_starts[i + 1] = q


def gather_ones(
    const int64_t[::1] starts, const int32_t[::1] indices,
    const int64_t[::1] places, int64_t[::1] new_starts, int32_t[::1] new_indices,
):
    """Do what `gather_rows` does where all values are 1."""
    cdef Py_ssize_t i, p, q = 0
    new_starts[0] = 0
    with nogil:
        for i in range(places.shape[0]):
            for p in range(starts[places[i]], starts[places[i] + 1]):
                new_indices[q] = indices[p]
                q += 1
            new_starts[i + 1] = q


def column_peaks(const int32_t[::1] indices, const floating[::1] values, double[::1] peaks):
    """Raise `peaks` (n_columns,) to the largest magnitude of each column's values."""
    cdef Py_ssize_t p
    cdef double magnitude
    with nogil:
        for p in range(indices.shape[0]):
            magnitude = fabs(<double> values[p])
            if magnitude > peaks[indices[p]]:
                peaks[indices[p]] = magnitude


def column_squares(
    const int64_t[::1] starts, const int32_t[::1] indices, const floating[::1] values,
    const double[::1] weights, const double[::1] peaks, double[::1] totals, double[::1] squares,
):
    """Add each row's weight to its columns, and that times (value / peak)²."""
    cdef Py_ssize_t i, p
    cdef double share
    with nogil:
        for i in range(weights.shape[0]):
            for p in range(starts[i], starts[i + 1]):
                share = values[p] / peaks[indices[p]]
                totals[indices[p]] += weights[i]
                squares[indices[p]] += weights[i] * (share * share)


def next_columns(const int64_t[::1] starts, const int32_t[::1] indices, int32_t[::1] nearest):
    """Lower `nearest` (n_columns,) to the next column that stands beside each in a row."""
    cdef Py_ssize_t i, p
    with nogil:
        for i in range(starts.shape[0] - 1):
            for p in range(starts[i] + 1, starts[i + 1]):
                if indices[p] < nearest[indices[p - 1]]:
                    nearest[indices[p - 1]] = indices[p]
