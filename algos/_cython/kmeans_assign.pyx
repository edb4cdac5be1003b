"""One pass of k-means: label every row, and gather what the next centres need.

The least of ||x - c||^2 = ||x||^2 + 2 (||c||^2 / 2 - x.c) over the centres c is found
without the term that all of them share. x and c are less a common shift, so that an offset
of the data costs no digits.
"""

from cython cimport floating
from libc.math cimport fmax
from libc.stdint cimport int32_t
from libc.string cimport memcpy
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport (
    MAX_POINTS,
    add_rows, half_norms, pack_panel, pack_tile, panel_rows, row_distances, tile_nearest,
    tile_nearest_two, tile_norms, tile_rows,
)

cdef extern from "math.h" nogil:
    const float INFINITY

cdef struct AssignJob:
    bint single                # float32
    const void* X              # (n, d)
    Py_ssize_t n, d, k
    const double* weight       # (n,) or NULL
    const void* shift          # (d,)
    void* panel
    void* init                 # (k,) half the squared norms
    const void* centers        # (k, d) in the data's coordinates, or NULL
    double slack               # relative rounding error of a squared distance
    double largest             # squared norm of the largest centre less the shift
    bint measure               # sum exact distances
    int32_t* labels            # (n,)
    double* distances          # (n,) or NULL
    void* tiles                # one packed tile a slot
    Py_ssize_t tile_size
    double* sums               # (lanes, k, d) or NULL
    double* counts             # (lanes, k)
    double* objective          # (lanes,)
    Py_ssize_t* changed        # (lanes,)
    Py_ssize_t n_lanes


cdef inline Py_ssize_t _relabel(
    const int32_t* new, Py_ssize_t rows, int32_t* labels
) noexcept nogil:
    """Copy the labels; return how many differ."""
    cdef Py_ssize_t i, changed = 0
    for i in range(rows):
        changed += new[i] != labels[i]
        labels[i] = new[i]
    return changed


cdef inline double _weighted_sum(
    const floating* values, const double* weight, Py_ssize_t rows
) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(rows):
        total += values[i] if weight == NULL else weight[i] * values[i]
    return total


cdef inline int32_t _settle(AssignJob* job, const floating* row) noexcept nogil:
    """The nearest centre by differences in double, where products leave it open."""
    cdef int32_t label = 0, best = 0
    cdef double distance, least = INFINITY
    for label in range(<int32_t> job.k):
        row_distances(
            row, job.d, 1, job.d, <const floating*> job.centers, &label, &distance
        )
        if distance < least:
            best, least = label, distance
    return best


cdef inline void _label_carefully(
    AssignJob* job, const floating* x, const floating* xt, Py_ssize_t rows,
    int32_t* label, floating* least,
) noexcept nogil:
    """Label a tile; rows whose two nearest centres differ by less than rounding are settled."""
    cdef floating second[MAX_POINTS]
    cdef floating norm[MAX_POINTS]
    cdef Py_ssize_t i
    tile_norms(xt, rows, job.d, norm)
    tile_nearest_two(
        xt, rows, job.d, <const floating*> job.panel, <const floating*> job.init, job.k,
        label, least, second,
    )
    for i in range(rows):
        if not second[i] - least[i] > job.slack * (norm[i] + job.largest):
            label[i] = _settle(job, x + i * job.d)


cdef inline void _assign_tile(
    AssignJob* job, const floating* X, Py_ssize_t start, Py_ssize_t rows,
    floating* xt, Py_ssize_t lane,
) noexcept nogil:
    cdef int32_t label[MAX_POINTS]
    cdef floating least[MAX_POINTS]
    cdef double distance[MAX_POINTS]
    cdef const floating* shift = <const floating*> job.shift
    cdef const double* weight = NULL
    cdef const floating* x = X + start * job.d
    if job.weight != NULL:
        weight = job.weight + start
    pack_tile(x, job.d, rows, job.d, shift, xt)
    if job.centers != NULL:
        _label_carefully(job, x, xt, rows, label, least)
    else:
        tile_nearest(
            xt, rows, job.d, <const floating*> job.panel, <const floating*> job.init, job.k,
            label, least,
        )
    job.changed[lane] += _relabel(label, rows, job.labels + start)
    if not job.measure:
        job.objective[lane] += 2 * _weighted_sum(least, weight, rows)
    else:
        row_distances(x, job.d, rows, job.d, <const floating*> job.centers, label, distance)
        job.objective[lane] += _weighted_sum(distance, weight, rows)
        if job.distances != NULL:
            memcpy(job.distances + start, distance, rows * sizeof(double))
    if job.sums != NULL:
        add_rows(
            x, job.d, rows, job.d, shift, label, weight,
            job.sums + lane * job.k * job.d, job.counts + lane * job.k,
        )


cdef void _assign_lane(
    AssignJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef Py_ssize_t points = tile_rows(X, job.d)
    cdef floating* xt = <floating*> job.tiles + slot * job.tile_size
    while row < end:
        _assign_tile(job, X, row, min(points, end - row), xt, lane)
        row += points


cdef void _assign_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef AssignJob* job = <AssignJob*> arg
    if job.single:
        _assign_lane(job, <const float*> job.X, lane, slot)
    else:
        _assign_lane(job, <const double*> job.X, lane, slot)


cdef void _prepare_panel(AssignJob* job, const floating* shifted) noexcept nogil:
    cdef floating* init = <floating*> job.init
    cdef Py_ssize_t j
    pack_panel(shifted, job.k, job.d, <floating> -1, <floating*> job.panel)
    half_norms(shifted, job.k, job.d, init)
    job.largest = 0
    for j in range(job.k):
        job.largest = fmax(job.largest, 2 * init[j])
    for j in range(job.k, panel_rows(job.k)):  # these only fill a group: never nearest
        init[j] = INFINITY


cdef void _assign_rows(
    AssignJob* job, const floating* shifted, double nanoseconds, int n_threads,
    double* sums, double* counts,
) noexcept nogil:
    """Make the pass; the totals of the lanes end in those of the first."""
    cdef Py_ssize_t lane
    _prepare_panel(job, shifted)
    run_region(_assign_task, job, job.n_lanes, nanoseconds, n_threads)
    for lane in range(1, job.n_lanes):
        job.objective[0] += job.objective[lane]
        job.changed[0] += job.changed[lane]
    if sums != NULL:
        reduce_lanes(job.sums, job.n_lanes, job.k * job.d, sums)
        reduce_lanes(job.counts, job.n_lanes, job.k, counts)


def shift_centers(
    const floating[:, ::1] centers,  # IN (k, d)
    floating[::1] shift,             # OUT (d,): their mean
    floating[:, ::1] shifted,        # OUT (k, d): the centres less the shift
):
    """Move centres near the origin."""
    cdef Py_ssize_t k = centers.shape[0], d = centers.shape[1], j, p
    cdef double total
    with nogil:
        for p in range(d):
            total = 0
            for j in range(k):
                total += centers[j, p] / <double> k
            shift[p] = <floating> total
        for j in range(k):
            for p in range(d):
                shifted[j, p] = centers[j, p] - shift[p]


def assign(
    const floating[:, ::1] X,         # IN (n, d)
    const double[::1] weight,         # IN (n,) or None
    const floating[::1] shift,        # IN (d,)
    const floating[:, ::1] shifted,   # IN (k, d) the centres less the shift
    const floating[:, ::1] centers,   # IN (k, d): label with care; None: by products alone
    double slack,                     # IN relative rounding error of a squared distance
    int32_t[::1] labels,              # INOUT (n,)
    double[:, ::1] sums,              # OUT (k, d) of the rows less the shift, or None
    double[::1] counts,               # OUT (k,), given with sums
    double[::1] distances,            # OUT (n,) squared, if measured, or None
    bint measure,                     # IN: sum distances by differences; needs centers
    int n_threads,
):
    """Label each row with its nearest centre, the first of equals.

    Returns (objective, changed): the weighted sum of squared distances and the number of
    labels that differ from those given. If not measured, the objective lacks the constant
    weighted sum of ||x - shift||^2.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = shifted.shape[0]
    cdef Py_ssize_t padded = panel_rows(k), points = tile_rows(&shift[0], d)
    cdef Py_ssize_t cells = 0 if sums is None else k * d
    cdef Py_ssize_t lanes = lane_count(n, 8 * (cells + k), n * d * sizeof(floating))
    cdef Scratch panel = scratch(padded * d, sizeof(floating))
    cdef Scratch init = scratch(padded, sizeof(floating))
    cdef Scratch tiles = scratch(n_threads * points * d, sizeof(floating))
    cdef Scratch lane_sums = scratch(lanes * cells, sizeof(double))
    cdef Scratch lane_counts = scratch(lanes * k, sizeof(double))
    cdef Scratch objective = scratch(lanes, sizeof(double))
    cdef Scratch changed = scratch(lanes, sizeof(Py_ssize_t))
    cdef double nanoseconds = 0.02 * n * d * padded
    cdef double* sums_out = NULL
    cdef double* counts_out = NULL
    cdef AssignJob job
    job.single = floating is float
    job.X, job.n, job.d, job.k = &X[0, 0], n, d, k
    job.weight = job.centers = NULL
    if weight is not None:
        job.weight = &weight[0]
    if centers is not None:
        job.centers = &centers[0, 0]
    job.shift, job.panel, job.init = &shift[0], panel.data, init.data
    job.slack, job.measure = slack, measure
    job.labels = &labels[0]
    job.distances = NULL if distances is None else &distances[0]
    job.tiles, job.tile_size = tiles.data, points * d
    job.sums = NULL
    if sums is not None:
        job.sums = <double*> lane_sums.data
        sums_out, counts_out = &sums[0, 0], &counts[0]
    job.counts = <double*> lane_counts.data
    job.objective, job.changed = <double*> objective.data, <Py_ssize_t*> changed.data
    job.n_lanes = lanes
    if is_short(nanoseconds):
        _assign_rows(&job, &shifted[0, 0], nanoseconds, 1, sums_out, counts_out)
    else:
        with nogil:
            _assign_rows(&job, &shifted[0, 0], nanoseconds, n_threads, sums_out, counts_out)
    return job.objective[0], job.changed[0]
