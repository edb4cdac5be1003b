"""One pass of k-means that skips rows whose label cannot have changed.

G. Hamerly, "Making k-means even faster", SDM 2010: `upper` bounds a row's distance to its
centre from above, `lower` that to every other centre from below; when the centres move,
both give way by as much. A row with upper < max(lower, half the gap between its centre
and the nearest other one) keeps its label (Lemma 1). The bounds allow for rounding.
"""

from cython cimport floating
from libc.math cimport fmax, sqrt
from libc.stdint cimport int32_t
from libc.string cimport memcpy
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._relabel cimport Relabelling, relabel
from algos._cython._threads cimport run_region
from algos._cython._tile cimport (
    MAX_POINTS,
    half_norms, own_distance, pack_panel, pack_tile, panel_rows, tile_nearest_two,
    tile_norms,
    tile_rows,
)

cdef extern from "math.h" nogil:
    const float INFINITY

cdef struct BoundsJob:
    bint single                 # float32
    const void* X               # (n, d)
    Py_ssize_t n, d, k
    const void* shift           # (d,)
    const void* centers         # (k, d) less the shift
    const void* zeros           # (d,)
    const void* panel
    const void* init
    const double* drift         # (k,) how far each centre has moved
    double* gap                 # (k,) half the distance to the nearest other centre
    double most, second_most    # largest drifts
    Py_ssize_t fastest          # whose drift is `most`
    bint tighten                # measure the own distance before all distances
    double slack                # relative rounding of a squared distance
    double largest              # squared norm of the largest centre
    Relabelling moves
    void* upper                 # (n,)
    void* lower                 # (n,)
    char* scratch               # per slot
    Py_ssize_t scratch_size
    Py_ssize_t* measured        # (lanes,) rows against all centres
    Py_ssize_t n_lanes


cdef inline bint _keeps_label(BoundsJob* job, const floating* X, Py_ssize_t i) noexcept nogil:
    """Move the bounds of row i as the centres moved; tell whether they prove its label."""
    cdef floating* upper = <floating*> job.upper + i
    cdef floating* lower = <floating*> job.lower + i
    cdef const floating* center
    cdef int32_t label = job.moves.labels[i]
    cdef double other, low, high
    if label < 0:
        return False
    other = job.second_most if label == job.fastest else job.most
    low = (lower[0] - other) * (1 - job.slack)
    high = (upper[0] + job.drift[label]) * (1 + job.slack)
    lower[0] = <floating> low
    low = fmax(low, job.gap[label])
    if high >= low and job.tighten:
        center = <const floating*> job.centers + label * job.d
        high = sqrt(own_distance(
            X + i * job.d, <const floating*> job.shift, center, job.d
        )) * (1 + job.slack)
    upper[0] = <floating> high
    return high < low


cdef inline void _measure(
    BoundsJob* job, const floating* X, const Py_ssize_t* index, Py_ssize_t rows,
    floating* tile, Py_ssize_t lane,
) noexcept nogil:
    """Label the listed rows by all distances, and set their bounds anew."""
    cdef int32_t label[MAX_POINTS]
    cdef floating least[MAX_POINTS]
    cdef floating second[MAX_POINTS]
    cdef floating norm[MAX_POINTS]
    cdef Py_ssize_t d = job.d, i
    cdef floating* gathered = tile + tile_rows(X, d) * d
    cdef double error
    cdef const floating* x = gathered
    if index[rows - 1] - index[0] == rows - 1:  # they stand together already
        x = X + index[0] * d
    else:
        for i in range(rows):
            memcpy(gathered + i * d, X + index[i] * d, d * sizeof(floating))
    job.measured[lane] += rows
    pack_tile(x, d, rows, d, <const floating*> job.shift, tile)
    tile_norms(tile, rows, d, norm)
    tile_nearest_two(
        tile, rows, d, <const floating*> job.panel, <const floating*> job.init, job.k,
        label, least, second,
    )
    for i in range(rows):
        error = job.slack * (norm[i] + job.largest)
        (<floating*> job.upper)[index[i]] = <floating> (
            sqrt(fmax(norm[i] + 2.0 * least[i], 0) + error) * (1 + job.slack))
        (<floating*> job.lower)[index[i]] = <floating> (
            sqrt(fmax(norm[i] + 2.0 * second[i] - error, 0)) * (1 - job.slack))
        relabel(&job.moves, X + index[i] * d, index[i], label[i], lane)


cdef void _bounds_lane(BoundsJob* job, const floating* X, Py_ssize_t lane, int slot) noexcept nogil:
    cdef Py_ssize_t index[MAX_POINTS]
    cdef Py_ssize_t points = tile_rows(X, job.d), pending = 0, i
    cdef floating* tile = <floating*> (job.scratch + slot * job.scratch_size)
    for i in range(
        lane_start(lane, job.n_lanes, job.n), lane_start(lane + 1, job.n_lanes, job.n)
    ):
        if _keeps_label(job, X, i):
            continue
        index[pending] = i
        pending += 1
        if pending == points:
            _measure(job, X, index, pending, tile, lane)
            pending = 0
    if pending:
        _measure(job, X, index, pending, tile, lane)


cdef void _bounds_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef BoundsJob* job = <BoundsJob*> arg
    if job.single:
        _bounds_lane(job, <const float*> job.X, lane, slot)
    else:
        _bounds_lane(job, <const double*> job.X, lane, slot)


cdef void _gap_tile(BoundsJob* job, const floating* X, Py_ssize_t tile, int slot) noexcept nogil:
    """From below, half the distances of some centres to the nearest other one."""
    cdef int32_t label[MAX_POINTS]
    cdef floating least[MAX_POINTS]
    cdef floating second[MAX_POINTS]
    cdef floating norm[MAX_POINTS]
    cdef Py_ssize_t d = job.d, points = tile_rows(X, d), start = tile * points, i
    cdef Py_ssize_t rows = min(points, job.k - start)
    cdef floating* xt = <floating*> (job.scratch + slot * job.scratch_size)
    cdef const floating* centers = <const floating*> job.centers
    pack_tile(centers + start * d, d, rows, d, <const floating*> job.zeros, xt)
    tile_norms(xt, rows, d, norm)
    tile_nearest_two(
        xt, rows, d, <const floating*> job.panel, <const floating*> job.init, job.k,
        label, least, second,
    )
    for i in range(rows):  # the least is to itself
        job.gap[start + i] = 0.5 * (1 - job.slack) * sqrt(fmax(
            norm[i] + 2.0 * second[i] - job.slack * (norm[i] + job.largest), 0))


cdef void _gap_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef BoundsJob* job = <BoundsJob*> arg
    if job.single:
        _gap_tile(job, <const float*> job.X, tile, slot)
    else:
        _gap_tile(job, <const double*> job.X, tile, slot)


cdef void _note_fastest(BoundsJob* job) noexcept nogil:
    cdef Py_ssize_t j
    job.most = job.second_most = 0
    job.fastest = -1
    for j in range(job.k):
        if job.drift[j] > job.most:
            job.second_most, job.most, job.fastest = job.most, job.drift[j], j
        elif job.drift[j] > job.second_most:
            job.second_most = job.drift[j]


def assign_bounded(
    const floating[:, ::1] X,        # IN (n, d)
    const double[::1] weight,        # IN (n,) or None
    const floating[::1] shift,       # IN (d,)
    const floating[:, ::1] shifted,  # IN (k, d) the centres less the shift
    const double[::1] drift,         # IN (k,) how far each has moved since the last pass
    double slack,                    # IN relative rounding error of a squared distance
    bint tighten,                    # IN: try a row's own distance before all distances
    int32_t[::1] labels,             # INOUT (n,), -1 for rows that have none yet
    floating[::1] upper,             # INOUT (n,)
    floating[::1] lower,             # INOUT (n,)
    double[:, ::1] sums,             # OUT (k, d) changes of the sums by label
    double[::1] counts,              # OUT (k,) changes of the weights by label
    int n_threads,
):
    """Label each row with its nearest centre.

    Returns (changed, measured): how many labels differ from those given, and how many rows
    were measured against all centres.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = shifted.shape[0], lane
    cdef Py_ssize_t padded = panel_rows(k), points = tile_rows(&shift[0], d)
    cdef Py_ssize_t lanes = lane_count(n, 8 * (k * d + k), n * d * sizeof(floating))
    cdef Scratch panel = scratch(padded * d, sizeof(floating))
    cdef Scratch init = scratch(padded, sizeof(floating))
    cdef Scratch zeros = scratch(d, sizeof(floating))
    cdef Scratch gap = scratch(k, sizeof(double))
    cdef Scratch tiles = scratch(n_threads * 2 * points * d, sizeof(floating))
    cdef Scratch lane_sums = scratch(lanes * k * d, sizeof(double))
    cdef Scratch lane_counts = scratch(lanes * k, sizeof(double))
    cdef Scratch changed = scratch(lanes, sizeof(Py_ssize_t))
    cdef Scratch measured = scratch(lanes, sizeof(Py_ssize_t))
    cdef Py_ssize_t n_changed = 0, n_measured = 0
    cdef floating* half = <floating*> init.data
    cdef BoundsJob job
    job.single = floating is float
    job.X, job.n, job.d, job.k = &X[0, 0], n, d, k
    job.moves.weight = NULL
    if weight is not None:
        job.moves.weight = &weight[0]
    job.moves.d, job.moves.k, job.moves.shift = d, k, &shift[0]
    job.shift, job.centers = &shift[0], &shifted[0, 0]
    job.panel, job.init = panel.data, init.data
    job.drift, job.gap, job.slack, job.largest = &drift[0], <double*> gap.data, slack, 0
    job.zeros = zeros.data
    job.moves.labels, job.upper, job.lower = &labels[0], &upper[0], &lower[0]
    job.scratch, job.scratch_size = <char*> tiles.data, 2 * points * d * sizeof(floating)
    job.moves.sums, job.moves.counts = <double*> lane_sums.data, <double*> lane_counts.data
    job.moves.changed, job.measured = <Py_ssize_t*> changed.data, <Py_ssize_t*> measured.data
    job.n_lanes, job.tighten = lanes, tighten
    with nogil:
        _note_fastest(&job)
        pack_panel(&shifted[0, 0], k, d, <floating> -1, <floating*> panel.data)
        half_norms(&shifted[0, 0], k, d, half)
        for lane in range(k):
            job.largest = fmax(job.largest, 2 * half[lane])
        for lane in range(k, padded):  # these only fill a panel group: never nearest
            half[lane] = INFINITY
        run_region(
            _gap_task, &job, (k + points - 1) // points, 0.02 * k * d * padded, n_threads)
        run_region(_bounds_task, &job, lanes, 0.02 * n * d * padded, n_threads)
        for lane in range(lanes):
            n_changed += job.moves.changed[lane]
            n_measured += job.measured[lane]
        reduce_lanes(job.moves.sums, lanes, k * d, &sums[0, 0])
        reduce_lanes(job.moves.counts, lanes, k, &counts[0])
    return n_changed, n_measured
