# Rows of entries that stand one after the other: row i has [indptr[i], indptr[i + 1]).
from libc.stdint cimport int64_t


cdef inline Py_ssize_t first_row(
    const int64_t* indptr, Py_ssize_t n, int64_t entry
) noexcept nogil:
    """The first of n rows that begins at this entry or behind it; n if none does."""
    cdef Py_ssize_t low = 0, high = n, middle
    while low < high:
        middle = (low + high) // 2
        if indptr[middle] < entry:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline Py_ssize_t longest_row(const int64_t* indptr, Py_ssize_t n) noexcept nogil:
    """How many entries the longest of n rows has."""
    cdef Py_ssize_t row, most = 0
    for row in range(n):
        most = max(most, <Py_ssize_t> (indptr[row + 1] - indptr[row]))
    return most
