"""Lines for kernels: rows of CSR or dense rows, columns of CSC or dense columns."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t

ctypedef fused index:
    int32_t
    int64_t


cdef class Lines:
    """Sparse lines (values, indices, starts) or the rows of a dense array (values alone).

    Indices must lie in [0, length) and `starts` must ascend, which the caller checks.
    """

    def __init__(self, values, indices, starts, Py_ssize_t length):
        if indices is None:
            _set_dense(self, values)
        else:
            _set_sparse(self, values, indices, starts)
        self.x.length = length
        self._arrays = values, indices, starts


def _set_dense(Lines lines, const floating[:, ::1] values):
    lines.single, lines.narrow, lines.n = floating is float, True, values.shape[0]
    lines.stored = values.shape[0] * values.shape[1]
    lines.x.indices = lines.x.starts = NULL
    lines.x.values = &values[0, 0]


def _set_sparse(
    Lines lines,
    const floating[::1] values,
    const index[::1] indices,
    const index[::1] starts,
):
    lines.single, lines.narrow = floating is float, index is int32_t
    lines.n, lines.stored = starts.shape[0] - 1, values.shape[0]
    # Not NULL even if nothing is stored, since NULL means dense.
    lines.x.indices = lines.x.values = lines.x.starts = &starts[0]
    if values.shape[0]:
        lines.x.values, lines.x.indices = &values[0], &indices[0]
