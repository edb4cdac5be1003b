"""CSR rows for kernels: the types and the instruction set are chosen when they are made."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from algos._cython._memory cimport Scratch, scratch
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
    rows.single, rows.narrow = floating is float, index is int32_t
    rows.itemsize = sizeof(floating)
    rows.x.n, rows.x.d = indptr.shape[0] - 1, n_columns
    rows.x.values = rows.x.indices = NULL
    if stored:
        rows.x.values, rows.x.indices = &values[0], &indices[0]
    rows.x.indptr = &indptr[0]
    rows.table = algos_csr_choose(rows.single, rows.narrow, _chosen["limit"])
    if not rows.table.check(&rows.x, stored):
        raise ValueError(
            f"`X` must be a CSR matrix: its `indptr` must ascend and its column indices lie in "
            f"[0, {n_columns}); X.check_format() tells more"
        )
    rows.stored = indptr[rows.x.n]


cdef struct PackJob:
    const algos_csr_table* table
    const double* centers
    const algos_panel* panel


cdef void _pack_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef PackJob* job = <PackJob*> arg
    cdef Py_ssize_t end = min(job.panel.d, task * COLUMNS + COLUMNS)
    job.table.pack(job.centers, task * COLUMNS, end, job.panel)


cdef Panel _panel_of(
    CsrRows rows, const double* centers, Py_ssize_t k, Py_ssize_t d, int n_threads
):
    """Return centres as blocks of columns.

    A block is as wide as a core's cache has room for: a row's stored values then find their
    columns near.
    """
    cdef Panel panel = Panel()
    cdef Py_ssize_t lanes = rows.table.lanes
    cdef Py_ssize_t vectors = ALGOS_CSR_CACHE // (d * lanes * rows.itemsize)
    cdef PackJob job
    vectors = max(<Py_ssize_t> ALGOS_CSR_FEW, min(<Py_ssize_t> ALGOS_CSR_VECTORS, vectors))
    panel.padded = (k + lanes - 1) // lanes * lanes
    panel._values = scratch(panel.padded * d, rows.itemsize)
    panel.p.k, panel.p.d, panel.p.width = k, d, lanes * vectors
    panel.p.values, panel.p.slots = panel._values.data, NULL
    job.table, job.centers, job.panel = rows.table, centers, &panel.p
    with nogil:
        run_region(_pack_task, &job, (d + COLUMNS - 1) // COLUMNS, 1.0 * d * k, n_threads)
    return panel


cdef Panel make_panel(CsrRows rows, const double[:, ::1] centers, int n_threads):
    """Return the panel of centres."""
    return _panel_of(rows, &centers[0, 0], centers.shape[0], centers.shape[1], n_threads)


cdef Py_ssize_t _number_columns(
    const double[:, ::1] centers, int32_t* slots
) noexcept nogil:
    """Number the columns that are not zero in all centres from 1 on; return how many."""
    cdef Py_ssize_t found = 0, j, p
    for j in range(centers.shape[0]):
        for p in range(centers.shape[1]):
            if centers[j, p] != 0 and slots[p] == 0:
                found += 1
                slots[p] = <int32_t> found
    return found


cdef Panel make_sparse_panel(CsrRows rows, const double[:, ::1] centers):
    """Return the panel of a few centres that are rows: small enough to stay in cache.

    All columns that no centre has share the first, which is zero.
    """
    cdef Py_ssize_t k = centers.shape[0], j, p, found
    cdef Scratch numbers = scratch(rows.x.d, sizeof(int32_t)), dense
    cdef int32_t* slots = <int32_t*> numbers.data
    cdef double* values
    cdef Panel panel
    with nogil:
        found = _number_columns(centers, slots) + 1
    dense = scratch(k * found, sizeof(double))
    values = <double*> dense.data
    with nogil:
        for j in range(k):
            for p in range(centers.shape[1]):
                if slots[p]:
                    values[j * found + slots[p]] = centers[j, p]
    panel = _panel_of(rows, values, k, found, 1)
    panel._slots, panel.p.slots = numbers, slots
    return panel


def _test_choose_level(int limit):
    """Let rows made from now on use at most this instruction set (0, 3 or 4)."""
    _chosen["limit"] = limit


def _test_products(
    CsrRows rows,
    const double[:, ::1] centers,  # IN (k, d)
    double[:, ::1] out,            # OUT (n, k)
    bint by_slots,
):
    """Products of every row with every centre, by one or the other panel."""
    cdef Panel panel = make_panel(rows, centers, 1)
    if by_slots:
        panel = make_sparse_panel(rows, centers)
    cdef Scratch room = scratch(panel.padded, sizeof(double))
    cdef double* products = <double*> room.data
    cdef Py_ssize_t i, j
    for i in range(rows.x.n):
        rows.table.products(&rows.x, i, &panel.p, products)
        for j in range(panel.p.k):
            out[i, j] = products[j]
