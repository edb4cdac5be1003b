"""CSR rows for kernels: the types and the instruction set are chosen when they are made."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from algos._cython._memory cimport scratch
from algos._cython._threads cimport run_region

cdef extern from "_csr_tables.h" nogil:
    enum:
        ALGOS_CSR_VECTORS
        ALGOS_CSR_FEW
        ALGOS_CSR_CACHE
    const algos_csr_table* algos_csr_choose(int single, int narrow, int limit)

ctypedef fused index:
    int32_t
    int64_t

cdef enum:
    COLUMNS = 512  # a task of the packing

_chosen = {"limit": 4}


cdef class CsrRows:
    """A CSR matrix with ascending columns in each row, checked so that no kernel strays."""

    def __init__(self, values, indices, indptr, Py_ssize_t n_columns):
        _set_arrays(self, values, indices, indptr, n_columns)
        self._arrays = values, indices, indptr


def _set_arrays(
    CsrRows rows,
    const floating[::1] values,  # IN (n_stored,)
    const index[::1] indices,    # IN (n_stored,)
    const index[::1] indptr,     # IN (n + 1,)
    Py_ssize_t n_columns,
):
    cdef Py_ssize_t stored = min(values.shape[0], indices.shape[0])
    rows.single = floating is float
    rows.itemsize = sizeof(floating)
    rows.x.n, rows.x.d = indptr.shape[0] - 1, n_columns
    rows.x.values = rows.x.indices = NULL
    if stored:
        rows.x.values, rows.x.indices = &values[0], &indices[0]
    rows.x.indptr = &indptr[0]
    rows.table = algos_csr_choose(rows.single, index is int32_t, _chosen["limit"])
    if not rows.table.check(&rows.x, stored):
        raise ValueError(
            f"`X` must be a CSR matrix: its `indptr` must ascend and its column indices lie in "
            f"[0, {n_columns}); X.check_format() tells more"
        )
    rows.stored = indptr[rows.x.n]


cdef struct PackJob:
    const algos_csr_table* table
    const double* centers
    Py_ssize_t k, d, width
    void* panel


cdef void _pack_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef PackJob* job = <PackJob*> arg
    job.table.pack(
        job.centers, job.k, job.d, job.width, task * COLUMNS,
        min(job.d, task * COLUMNS + COLUMNS), job.panel,
    )


cdef Panel make_panel(CsrRows rows, const double[:, ::1] centers, int n_threads):
    """Return centres as blocks of columns.

    A block is as wide as a core's cache has room for: a row's stored values then find their
    columns near.
    """
    cdef Panel panel = Panel()
    cdef Py_ssize_t k = centers.shape[0], d = centers.shape[1], lanes = rows.table.lanes
    cdef Py_ssize_t fit = ALGOS_CSR_CACHE // (d * lanes * rows.itemsize)
    cdef Py_ssize_t vectors = min(max(fit, <Py_ssize_t> ALGOS_CSR_FEW), <Py_ssize_t> ALGOS_CSR_VECTORS)
    cdef PackJob job
    panel.k = k
    panel.width = lanes * vectors
    panel.padded = (k + lanes - 1) // lanes * lanes
    panel._room = scratch(panel.padded * d, rows.itemsize)
    panel.data = panel._room.data
    job.table, job.centers, job.k, job.d = rows.table, &centers[0, 0], k, d
    job.width, job.panel = panel.width, panel.data
    with nogil:
        run_region(_pack_task, &job, (d + COLUMNS - 1) // COLUMNS, 1.0 * d * k, n_threads)
    return panel


def _test_choose_level(int limit):
    """Let rows made from now on use at most this instruction set (0, 3 or 4)."""
    _chosen["limit"] = limit


def _test_products(
    CsrRows rows,
    const double[:, ::1] centers,  # IN (k, d)
    double[:, ::1] out,            # OUT (n, k)
):
    """Products of every row with every centre."""
    cdef Panel panel = make_panel(rows, centers, 1)
    cdef Scratch room = scratch(panel.padded, sizeof(double))
    cdef double* products = <double*> room.data
    cdef Py_ssize_t i, j
    for i in range(rows.x.n):
        rows.table.products(&rows.x, i, panel.data, panel.width, panel.k, products)
        for j in range(panel.k):
            out[i, j] = products[j]
