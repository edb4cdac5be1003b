"""Distances of CSR rows to centres, by products in double: ||x||^2 - 2 x.c + ||c||^2.

What is left of them where rounding is all there can be counts as zero, so that a row is at
distance zero from itself.
"""

from cython cimport floating
from libc.math cimport sqrt
from libc.stdint cimport int32_t
from algos._cython._csr cimport (
    CsrRows, Panel, algos_csr, algos_csr_table, algos_panel, make_panel, make_sparse_panel,
)
from algos._cython._lanes cimport CHUNK, lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "math.h" nogil:
    const float INFINITY

cdef double DOUBLE_EPS = 2.0 ** -52

cdef struct DistanceJob:
    bint single              # float32 results
    const algos_csr* x
    const algos_csr_table* table
    const algos_panel* panel
    Py_ssize_t k
    const double* centers    # (k, d)
    const double* norms      # (n,) squared, of the rows
    const double* own        # (k,) squared, of the centres
    const double* weight     # (n,) or NULL
    const int32_t* labels    # (n,)
    double* products         # one row a slot
    Py_ssize_t padded
    void* out                # see each task
    const void* squares      # (n,) to the nearest centre so far
    double* totals           # (lanes, k) or (lanes,)
    Py_ssize_t n_lanes


cdef inline double _rounding(DistanceJob* job, Py_ssize_t row) noexcept nogil:
    """Relative to the norms: what is below it is taken to be zero."""
    return (job.table.length(job.x, row) + 8) * DOUBLE_EPS


cdef inline double _square(double norms, double product, double rounding) noexcept nogil:
    cdef double square = norms - 2 * product
    return square if square > rounding * norms or norms == INFINITY else 0


cdef void _norm_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef DistanceJob* job = <DistanceJob*> arg
    cdef Py_ssize_t i
    for i in range(chunk * CHUNK, min(job.x.n, chunk * CHUNK + CHUNK)):
        (<double*> job.out)[i] = job.table.norm(job.x, i)


def row_norms(
    CsrRows rows,        # IN (n, d)
    double[::1] norms,   # OUT (n,): squared
    int n_threads,
):
    """Squared norm of each row."""
    cdef DistanceJob job
    job.x, job.table, job.out = &rows.x, rows.table, &norms[0]
    with nogil:
        run_region(
            _norm_task, &job, (rows.x.n + CHUNK - 1) // CHUNK, 1.5 * rows.stored, n_threads
        )


cdef void _own_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef DistanceJob* job = <DistanceJob*> arg
    cdef Py_ssize_t i, label
    cdef double square
    for i in range(
        lane_start(lane, job.n_lanes, job.x.n), lane_start(lane + 1, job.n_lanes, job.x.n)
    ):
        label = job.labels[i]
        square = _square(
            job.norms[i] + job.own[label],
            job.table.product(job.x, i, job.centers + label * job.x.d), _rounding(job, i),
        )
        job.totals[lane] += square if job.weight == NULL else job.weight[i] * square
        if job.out != NULL:
            (<double*> job.out)[i] = square


def own_distances(
    CsrRows rows,                  # IN (n, d)
    const double[::1] norms,       # IN (n,) squared
    const double[::1] weight,      # IN (n,) or None
    const double[:, ::1] centers,  # IN (k, d)
    const double[::1] own,         # IN (k,) squared norms of the centres
    const int32_t[::1] labels,     # IN (n,)
    double[::1] squares,           # OUT (n,) squared distances, or None
    int n_threads,
):
    """Squared distance of each row to the centre of its label; returns their weighted sum."""
    cdef Py_ssize_t lanes = lane_count(rows.x.n, sizeof(double), 0)
    cdef Scratch totals = scratch(lanes, sizeof(double))
    cdef double total
    cdef DistanceJob job
    job.x, job.table = &rows.x, rows.table
    job.norms, job.own, job.labels = &norms[0], &own[0], &labels[0]
    job.centers, job.weight = &centers[0, 0], NULL
    if weight is not None:
        job.weight = &weight[0]
    job.out = NULL if squares is None else &squares[0]
    job.totals, job.n_lanes = <double*> totals.data, lanes
    with nogil:
        run_region(_own_task, &job, lanes, 2.0 * rows.stored, n_threads)
        reduce_lanes(job.totals, lanes, 1, &total)
    return total


cdef inline void _fill_row(
    DistanceJob* job, Py_ssize_t row, const double* products, floating* out
) noexcept nogil:
    cdef double norm = job.norms[row], rounding = _rounding(job, row)
    cdef Py_ssize_t j
    for j in range(job.k):
        out[row * job.k + j] = <floating> sqrt(
            _square(norm + job.own[j], products[j], rounding)
        )


cdef void _all_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef DistanceJob* job = <DistanceJob*> arg
    cdef double* products = job.products + slot * job.padded
    cdef Py_ssize_t i
    for i in range(chunk * CHUNK, min(job.x.n, chunk * CHUNK + CHUNK)):
        job.table.products(job.x, i, job.panel, products)
        if job.single:
            _fill_row(job, i, products, <float*> job.out)
        else:
            _fill_row(job, i, products, <double*> job.out)


def center_distances(
    CsrRows rows,                  # IN (n, d)
    const double[::1] norms,       # IN (n,) squared
    const double[:, ::1] centers,  # IN (k, d)
    const double[::1] own,         # IN (k,) squared norms of the centres
    floating[:, ::1] out,          # OUT (n, k) Euclidean distances
    int n_threads,
):
    """Distance of each row to each centre."""
    cdef Panel panel = make_panel(rows, centers, n_threads)
    cdef Scratch products = scratch(n_threads * panel.padded, sizeof(double))
    cdef DistanceJob job
    job.single, job.x, job.table = floating is float, &rows.x, rows.table
    job.panel, job.k = &panel.p, panel.p.k
    job.products, job.padded = <double*> products.data, panel.padded
    job.norms, job.own, job.out = &norms[0], &own[0], &out[0, 0]
    with nogil:
        run_region(
            _all_task, &job, (rows.x.n + CHUNK - 1) // CHUNK,
            0.05 * rows.stored * panel.padded + 2.0 * rows.x.n * job.k, n_threads,
        )


cdef inline void _lower_row(
    DistanceJob* job, Py_ssize_t row, const double* products, const floating* squares,
    floating* lowered, double* gains,
) noexcept nogil:
    cdef double weight = 1 if job.weight == NULL else job.weight[row]
    cdef double norm = job.norms[row], rounding = _rounding(job, row)
    cdef floating before = squares[row], square
    cdef Py_ssize_t j
    for j in range(job.k):
        square = min(before, <floating> _square(norm + job.own[j], products[j], rounding))
        gains[j] += weight * (<double> before - square)
        if lowered != NULL:
            lowered[j * job.x.n + row] = square


cdef void _seed_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef DistanceJob* job = <DistanceJob*> arg
    cdef double* products = job.products + slot * job.padded
    cdef double* gains = job.totals + lane * job.k
    cdef Py_ssize_t i
    for i in range(
        lane_start(lane, job.n_lanes, job.x.n), lane_start(lane + 1, job.n_lanes, job.x.n)
    ):
        job.table.products(job.x, i, job.panel, products)
        if job.single:
            _lower_row(
                job, i, products, <const float*> job.squares, <float*> job.out, gains
            )
        else:
            _lower_row(
                job, i, products, <const double*> job.squares, <double*> job.out, gains
            )


def try_candidates(
    CsrRows rows,                     # IN (n, d)
    const double[::1] norms,          # IN (n,) squared
    const double[::1] weight,         # IN (n,) or None
    const double[:, ::1] candidates,  # IN (m, d) some rows
    const double[::1] own,            # IN (m,) their squared norms
    const floating[::1] squares,      # IN (n,) squared distances to the nearest centre so far
    floating[:, ::1] lowered,         # OUT (m, n): what each candidate leaves of them, or None
    double[::1] gains,                # OUT (m,): by how much their weighted sum falls
    int n_threads,
):
    """Squared distances to the nearest centre, should each candidate become one."""
    cdef Py_ssize_t n = rows.x.n, m = candidates.shape[0]
    cdef Py_ssize_t lanes = lane_count(n, 8 * m, rows.stored * rows.itemsize)
    cdef Panel panel = make_sparse_panel(rows, candidates)
    cdef Scratch products = scratch(n_threads * panel.padded, sizeof(double))
    cdef Scratch totals = scratch(lanes * m, sizeof(double))
    cdef DistanceJob job
    job.single, job.x, job.table = floating is float, &rows.x, rows.table
    job.panel, job.k = &panel.p, m
    job.products, job.padded = <double*> products.data, panel.padded
    job.norms, job.own, job.weight = &norms[0], &own[0], NULL
    if weight is not None:
        job.weight = &weight[0]
    job.squares, job.out = &squares[0], NULL
    if lowered is not None:
        job.out = &lowered[0, 0]
    job.totals, job.n_lanes = <double*> totals.data, lanes
    with nogil:
        run_region(_seed_task, &job, lanes, 1.5 * rows.stored + 10.0 * n * m, n_threads)
        reduce_lanes(job.totals, lanes, m, &gains[0])
