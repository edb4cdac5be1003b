# Distances of a few rows of a tile to one vector: see _pairs.h. A tile has at most 64 rows.
from cython cimport floating
from libc.stdint cimport int32_t, uint64_t

# d, filled up to whole registers
cdef Py_ssize_t staged_size(const floating* tag, Py_ssize_t d) noexcept nogil

# the rows of the mask, less the shift → y (64, size), the rest of which is zero already
cdef void stage_rows(
    const floating* X, Py_ssize_t d, const floating* shift, uint64_t mask, floating* y,
    Py_ssize_t size,
) noexcept nogil

# squared distances of the staged rows of the mask to a vector of length size
cdef void staged_distances(
    const floating* y, Py_ssize_t size, const floating* center, uint64_t mask, floating* out
) noexcept nogil

# label[i] of each row in `rows`: the nearest of the centres j in whose masks[j] it is, the first
# of equals; its squared distance and the next to least[i] and second[i], infinity if there is none.
# Returns how many distances that took
cdef Py_ssize_t staged_nearest(
    const floating* y, Py_ssize_t size, const floating* centers, Py_ssize_t k,
    const uint64_t* masks, uint64_t rows, int32_t* label, floating* least, floating* second,
) noexcept nogil
