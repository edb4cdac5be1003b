"""One pass of k-means over CSR rows: label each with its nearest centre.

As in kmeans_assign, the least of ||c||^2 / 2 - x.c is found, but there is no shift, which would
make the rows dense. Where float32 products leave the label open, it is settled in double.
"""

from cython cimport floating
from libc.math cimport fmax, sqrt
from libc.stdint cimport int32_t
from algos._cython._csr cimport (
    CsrRows, Panel, algos_csr, algos_csr_table, algos_panel, make_panel,
)
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "math.h" nogil:
    const float INFINITY

cdef enum:
    TILE = 1024  # rows that meet a block of the panel while it is in cache

cdef double FLOAT_EPS = 2.0 ** -23

cdef struct AssignJob:
    bint single                # float32
    const algos_csr* x
    const algos_csr_table* table
    const algos_panel* panel
    Py_ssize_t k
    const void* init           # (padded,) half the squared norms of the centres
    const double* half_norms   # (k,) the same in double
    double largest             # half the squared norm of the largest centre
    const double* norms        # (n,) squared, of the rows
    const double* weight       # (n,) or NULL
    int32_t* labels            # (n,)
    double* rooms              # one a slot: see _assign_tile
    Py_ssize_t room_size
    double* sums               # (lanes, k, d) or NULL
    double* counts             # (lanes, k)
    Py_ssize_t* changed        # (lanes,)
    Py_ssize_t n_lanes


cdef inline double _rounding(AssignJob* job, Py_ssize_t row) noexcept nogil:
    """Bound on the error of the difference of two float32 values of a row.

    A sum of m terms is off by at most m eps / 2 times the sum of their magnitudes.
    """
    cdef double magnitude = job.largest + sqrt(2 * job.largest * job.norms[row])
    return (job.table.length(job.x, row) + 2) * FLOAT_EPS * magnitude


cdef inline int32_t _settle(AssignJob* job, Py_ssize_t row, double* products) noexcept nogil:
    cdef int32_t label, best = 0
    cdef double value, least = INFINITY
    job.table.products(job.x, row, job.panel, products)
    for label in range(<int32_t> job.k):
        value = job.half_norms[label] - products[label]
        if value < least:
            best, least = label, value
    return best


cdef inline void _settle_open(
    AssignJob* job, Py_ssize_t start, Py_ssize_t rows, const float* least,
    const float* second, double* products, int32_t* label,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rows):
        if not second[i] - least[i] > _rounding(job, start + i):
            label[i] = _settle(job, start + i, products)


cdef inline void _assign_tile(
    AssignJob* job, Py_ssize_t start, Py_ssize_t rows, double* room, Py_ssize_t lane
) noexcept nogil:
    cdef double* least = room
    cdef double* second = room + TILE
    cdef int32_t* label = <int32_t*> (room + 2 * TILE)
    cdef Py_ssize_t i
    cdef double w
    job.table.nearest(
        job.x, start, rows, job.panel, job.init, label, least, second
    )
    if job.single:
        _settle_open(
            job, start, rows, <const float*> least, <const float*> second, room + 3 * TILE, label
        )
    for i in range(rows):
        job.changed[lane] += label[i] != job.labels[start + i]
        job.labels[start + i] = label[i]
        if job.sums != NULL:
            w = 1 if job.weight == NULL else job.weight[start + i]
            job.table.add(
                job.x, start + i, w, job.sums + (lane * job.k + label[i]) * job.x.d
            )
            job.counts[lane * job.k + label[i]] += w


cdef void _assign_lane(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef AssignJob* job = <AssignJob*> arg
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.x.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.x.n)
    while row < end:
        _assign_tile(
            job, row, min(<Py_ssize_t> TILE, end - row), job.rooms + slot * job.room_size, lane
        )
        row += TILE


cdef void _set_norms(
    AssignJob* job, const double* half_norms, floating* init, Py_ssize_t padded
) noexcept nogil:
    cdef Py_ssize_t j
    job.init, job.half_norms = init, half_norms
    job.largest = 0
    for j in range(job.k):
        init[j] = <floating> half_norms[j]
        job.largest = fmax(job.largest, half_norms[j])
    for j in range(job.k, padded):  # these only fill a register: never nearest
        init[j] = INFINITY


cdef void _assign_rows(
    AssignJob* job, double nanoseconds, int n_threads, double* sums, double* counts
) noexcept nogil:
    cdef Py_ssize_t lane
    run_region(_assign_lane, job, job.n_lanes, nanoseconds, n_threads)
    for lane in range(1, job.n_lanes):
        job.changed[0] += job.changed[lane]
    if sums != NULL:
        reduce_lanes(job.sums, job.n_lanes, job.k * job.x.d, sums)
        reduce_lanes(job.counts, job.n_lanes, job.k, counts)


def assign(
    CsrRows rows,                    # IN (n, d)
    const double[::1] norms,         # IN (n,) squared
    const double[::1] weight,        # IN (n,) or None
    const double[:, ::1] centers,    # IN (k, d), of values that the rows' dtype has
    const double[::1] half_norms,    # IN (k,) ||c||^2 / 2
    int32_t[::1] labels,             # INOUT (n,)
    double[:, ::1] sums,             # OUT (k, d) of the rows, or None
    double[::1] counts,              # OUT (k,), given with sums
    int n_threads,
):
    """Label each row with its nearest centre, the first of equals.

    Returns the number of labels that differ from those given.
    """
    cdef Py_ssize_t n = rows.x.n, d = rows.x.d, k = centers.shape[0]
    cdef Py_ssize_t cells = 0 if sums is None else k * d
    cdef Py_ssize_t lanes = lane_count(n, 8 * (cells + k), rows.stored * rows.itemsize)
    cdef Panel panel = make_panel(rows, centers, n_threads)
    cdef Scratch init = scratch(panel.padded, rows.itemsize)
    cdef Py_ssize_t room = 3 * TILE + panel.padded
    cdef Scratch rooms = scratch(n_threads * room, sizeof(double))
    cdef Scratch lane_sums = scratch(lanes * cells, sizeof(double))
    cdef Scratch lane_counts = scratch(lanes * k, sizeof(double))
    cdef Scratch changed = scratch(lanes, sizeof(Py_ssize_t))
    cdef double* sums_out = NULL
    cdef double* counts_out = NULL
    cdef AssignJob job
    job.single, job.x, job.table = rows.single, &rows.x, rows.table
    job.panel, job.k = &panel.p, k
    if rows.single:
        _set_norms(&job, &half_norms[0], <float*> init.data, panel.padded)
    else:
        _set_norms(&job, &half_norms[0], <double*> init.data, panel.padded)
    job.norms, job.labels = &norms[0], &labels[0]
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.rooms, job.room_size = <double*> rooms.data, room
    job.sums = NULL
    if sums is not None:
        job.sums = <double*> lane_sums.data
        sums_out, counts_out = &sums[0, 0], &counts[0]
    job.counts, job.changed = <double*> lane_counts.data, <Py_ssize_t*> changed.data
    job.n_lanes = lanes
    with nogil:
        _assign_rows(&job, 0.02 * rows.stored * panel.padded, n_threads, sums_out, counts_out)
    return job.changed[0]
