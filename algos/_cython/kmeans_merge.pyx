"""Weighted points merged two by two, each time the pair whose merger costs least.

To replace the points a and b by their mean adds w_a w_b / (w_a + w_b) * ||a - b||^2 to the
sum of squares (Ward, "Hierarchical grouping to optimize an objective function", 1963).
Every point knows its cheapest partner. A merger makes no pair cheaper than the cheaper of
the pairs it came from, so what a point knew before stays a lower bound, and only the point
that seems cheapest need be looked at again.

Where the products of all points are given, ||a - b||^2 = ||a||^2 + ||b||^2 - 2 a.b says, up to
rounding, which partners may be the cheapest: these alone are measured, by differences.
"""

from libc.math cimport fmax

from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region
from algos._cython._tile cimport (
    own_distance, pack_panel, pack_tile, panel_rows, tile_distances, tile_rows, tile_stride,
)

cdef extern from "math.h" nogil:
    const float INFINITY

cdef double DOUBLE_EPS = 2.0 ** -52

cdef struct MergeJob:
    double* points        # (m, d)
    double* weights       # (m,): zero for a point that was merged into another
    Py_ssize_t m, d
    double* origin        # (d,) zeros
    double* cost          # (m,) of a merger with the partner, or a lower bound
    Py_ssize_t* partner   # (m,), or -1 where the cost is only a bound
    double* panel
    double* tiles
    Py_ssize_t tile_size
    double* products      # (m, m) of the points, or NULL
    double* sizes         # (m,) largest square of the points that went into each
    double rounding       # of a distance by products, for a unit of the sizes of both


cdef inline double _price(const double* weights, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """What a squared distance of one costs."""
    return weights[i] * (weights[j] / (weights[i] + weights[j]))


cdef void _find_partners(
    MergeJob* job, Py_ssize_t start, Py_ssize_t rows, double* xt
) noexcept nogil:
    """Of all points, for a tile of them."""
    cdef Py_ssize_t stride = tile_stride(xt, rows), i, j
    cdef double* squares = xt + tile_rows(xt, job.d) * job.d
    cdef double cost
    pack_tile(job.points + start * job.d, job.d, rows, job.d, job.origin, xt)
    tile_distances(xt, rows, job.d, job.panel, job.m, squares)
    for i in range(rows):
        job.cost[start + i] = INFINITY
        job.partner[start + i] = -1
        for j in range(job.m):
            cost = squares[j * stride + i] * _price(job.weights, start + i, j)
            if cost < job.cost[start + i] and j != start + i:
                job.cost[start + i] = cost
                job.partner[start + i] = j


cdef void _partners_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef MergeJob* job = <MergeJob*> arg
    cdef Py_ssize_t points = tile_rows(job.points, job.d), start = tile * points
    _find_partners(job, start, min(points, job.m - start), job.tiles + slot * job.tile_size)


cdef void _find_partner(MergeJob* job, Py_ssize_t i) noexcept nogil:
    """Of the points that are left, for one of them."""
    cdef Py_ssize_t j
    cdef double cost
    job.cost[i] = INFINITY
    for j in range(job.m):
        if j == i or job.weights[j] == 0:
            continue
        cost = _price(job.weights, i, j) * own_distance(
            job.points + i * job.d, job.origin, job.points + j * job.d, job.d
        )
        if cost < job.cost[i]:
            job.cost[i] = cost
            job.partner[i] = j


cdef inline double _estimate(MergeJob* job, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """The squared distance by products."""
    cdef double* products = job.products
    return products[i * job.m + i] + products[j * job.m + j] - 2 * products[i * job.m + j]


cdef inline double _doubt(MergeJob* job, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """How far that may be off."""
    return job.rounding * (job.sizes[i] + job.sizes[j])


cdef void _find_known_partner(MergeJob* job, Py_ssize_t i) noexcept nogil:
    """The same where products are known."""
    cdef Py_ssize_t j
    cdef double cost, most = INFINITY
    for j in range(job.m):
        if j != i and job.weights[j] != 0:
            cost = _price(job.weights, i, j) * (_estimate(job, i, j) + _doubt(job, i, j))
            most = min(cost, most)
    job.cost[i] = INFINITY
    for j in range(job.m):
        if j == i or job.weights[j] == 0:
            continue
        cost = _price(job.weights, i, j)
        if cost * (_estimate(job, i, j) - _doubt(job, i, j)) > most:
            continue
        cost *= own_distance(
            job.points + i * job.d, job.origin, job.points + j * job.d, job.d
        )
        if cost < job.cost[i]:
            job.cost[i] = cost
            job.partner[i] = j


cdef void _known_partner_task(void* arg, Py_ssize_t i, int slot) noexcept nogil:
    cdef MergeJob* job = <MergeJob*> arg
    job.partner[i] = -1
    _find_known_partner(job, i)


cdef void _merge_products(
    MergeJob* job, Py_ssize_t i, Py_ssize_t j, double share
) noexcept nogil:
    """Make the products of point i those of the mean of both."""
    cdef double* a = job.products + i * job.m
    cdef double* b = job.products + j * job.m
    cdef double own = a[i], both = a[j], other = b[j]
    cdef Py_ssize_t q
    for q in range(job.m):
        a[q] += share * (b[q] - a[q])
        job.products[q * job.m + i] = a[q]
    own += share * (both - own)
    both += share * (other - both)
    a[i] = own + share * (both - own)
    job.sizes[i] = fmax(job.sizes[i], job.sizes[j])


cdef Py_ssize_t _cheapest(MergeJob* job) noexcept nogil:
    """The first point of the cheapest pair."""
    cdef Py_ssize_t i, best
    while True:
        best = 0
        for i in range(1, job.m):
            if job.cost[i] < job.cost[best]:
                best = i
        if job.partner[best] >= 0 or job.cost[best] == INFINITY:
            return best
        if job.products == NULL:
            _find_partner(job, best)
        else:
            _find_known_partner(job, best)


cdef void _merge_pair(MergeJob* job, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Make point i the mean of both."""
    cdef Py_ssize_t p, q
    cdef double share = job.weights[j] / (job.weights[i] + job.weights[j])
    cdef double* a = job.points + i * job.d
    cdef double* b = job.points + j * job.d
    for p in range(job.d):
        a[p] += share * (b[p] - a[p])
    if job.products != NULL:
        _merge_products(job, i, j, share)
    job.weights[i] += job.weights[j]
    job.weights[j] = 0
    job.cost[j] = INFINITY
    for q in range(job.m):
        if q == i or q == j or job.partner[q] == i or job.partner[q] == j:
            job.partner[q] = -1


cdef void _find_all_partners(MergeJob* job, int n_threads) noexcept nogil:
    cdef Py_ssize_t height = tile_rows(job.points, job.d), i
    if job.products != NULL:
        for i in range(job.m):
            job.sizes[i] = job.products[i * job.m + i]
        run_region(
            _known_partner_task, job, job.m, job.m * (2.0 * job.m + 2.0 * job.d), n_threads
        )
        return
    pack_panel(job.points, job.m, job.d, <double> 1, job.panel)
    run_region(
        _partners_task, job, (job.m + height - 1) // height, 0.1 * job.m * job.m * job.d,
        n_threads,
    )


def merge_rounding(Py_ssize_t d, Py_ssize_t n_merges):
    """Return the rounding of a distance by products of d terms, after so many mergers.

    It is relative to the sum of the largest squares that went into both points.
    """
    return 4 * DOUBLE_EPS * (d + 8 + 4 * n_merges)


def merge_closest(
    double[:, ::1] points,       # INOUT (m, d): the means of those that are left
    double[::1] weights,         # INOUT (m,) positive; zero for those that are gone
    double[:, ::1] products,     # INOUT (m, m) of the points, or None; not kept up to the last bit
    Py_ssize_t[:, ::1] pairs,    # OUT (n_merges, 2): the point that stays, the one that goes
    double[::1] costs,           # OUT (n_merges,)
    int n_threads,
):
    """Merge n_merges pairs, fewer than there are points.

    Returns what the next merger would cost: infinity for one point alone.
    """
    cdef Py_ssize_t m = points.shape[0], d = points.shape[1], n_merges = costs.shape[0]
    cdef Py_ssize_t step, i, height = tile_rows(&points[0, 0], d), padded = panel_rows(m)
    cdef bint known = products is not None
    cdef Scratch origin = scratch(d, sizeof(double)), cost = scratch(m, sizeof(double))
    cdef Scratch partner = scratch(m, sizeof(Py_ssize_t)), sizes = scratch(m, sizeof(double))
    cdef Scratch panel = scratch(0 if known else padded * d, sizeof(double))
    cdef Scratch tiles = scratch(
        0 if known else n_threads * height * (d + padded), sizeof(double)
    )
    cdef MergeJob job
    job.points, job.weights, job.m, job.d = &points[0, 0], &weights[0], m, d
    job.origin, job.cost = <double*> origin.data, <double*> cost.data
    job.partner, job.panel = <Py_ssize_t*> partner.data, <double*> panel.data
    job.tiles, job.tile_size = <double*> tiles.data, height * (d + padded)
    job.products = NULL
    if known:
        job.products = &products[0, 0]
    job.sizes = <double*> sizes.data
    job.rounding = merge_rounding(d, n_merges)
    with nogil:
        _find_all_partners(&job, n_threads)
        for step in range(n_merges):
            i = _cheapest(&job)
            pairs[step, 0], pairs[step, 1] = i, job.partner[i]
            costs[step] = job.cost[i]
            _merge_pair(&job, i, job.partner[i])
        i = _cheapest(&job)
    return job.cost[i]
