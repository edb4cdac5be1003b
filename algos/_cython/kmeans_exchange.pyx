"""Weighted points moved one by one into the cluster where they cost least.

Lloyd's iterations compare distances to centres as they are. A point of weight w that leaves a
cluster of weight W takes W w / (W - w) d^2 off the sum of squares, and adds W w / (W + w) d^2
to that which it joins, when the centres follow. Where clusters have few points, many of
Lloyd's optima are none by this rule (Hartigan, "Clustering algorithms", 1975; Telgarsky and
Vattani, "Hartigan's method: k-means clustering without Voronoi", AISTATS 2010).

Where products are given, ||x||^2 - 2 x.c + ||c||^2 says, up to rounding, which clusters may cost
least: these alone are measured, by differences.
"""

from libc.math cimport fabs, fmax
from libc.stdint cimport int32_t
from algos._cython._memory cimport Scratch, scratch
from algos._cython._tile cimport own_distance

cdef enum:
    UNSET = -1

cdef double ALONE = 1 + 1e-12   # a cluster of a point alone, up to rounding
cdef double GAIN = 1 - 1e-9     # of the cost: less may be rounding
cdef double DOUBLE_EPS = 2.0 ** -52

cdef struct ExchangeJob:
    const double* points     # (m, d)
    const double* weights    # (m,)
    int32_t* labels          # (m,)
    double* centers          # (k, d)
    double* totals           # (k,)
    const double* origin     # (d,) zeros
    Py_ssize_t m, d, k
    const double* gram       # (m, m) products of the points, or NULL
    double* products         # (k, m) of the centres and the points
    double* squares          # (k,) of the centres
    double* doubts           # (k,) bounds on the error of products
    double rounding          # of those of the points


cdef inline double _distance(ExchangeJob* job, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    return own_distance(
        job.points + i * job.d, job.origin, job.centers + j * job.d, job.d
    )


cdef void _measure_center(ExchangeJob* job, Py_ssize_t j) noexcept nogil:
    cdef double* center = job.centers + j * job.d
    cdef Py_ssize_t p
    job.squares[j] = 0
    for p in range(job.d):
        job.squares[j] += center[p] * center[p]


cdef void _shift_products(ExchangeJob* job, Py_ssize_t i, Py_ssize_t j, double step) noexcept nogil:
    """Let the products of a centre follow it towards point i, or away."""
    cdef const double* point = job.gram + i * job.m
    cdef double* products = job.products + j * job.m
    cdef Py_ssize_t q
    for q in range(job.m):
        products[q] += step * (point[q] - products[q])
    # What was wrong grows where a step leads away; each step rounds anew.
    job.doubts[j] = fabs(1 - step) * job.doubts[j] + (fabs(step) + 1) * job.rounding
    _measure_center(job, j)


cdef inline bint _is_far(
    ExchangeJob* job, Py_ssize_t i, Py_ssize_t j, double factor, double least
) noexcept nogil:
    """Whether a cluster costs no less, as far as products tell."""
    cdef double square
    if job.gram == NULL:
        return False
    square = job.gram[i * job.m + i] + job.squares[j] - 2 * job.products[j * job.m + i]
    return factor * (square - 2 * (job.doubts[j] + job.rounding)) >= least


cdef void _shift_center(
    ExchangeJob* job, Py_ssize_t i, Py_ssize_t j, double weight
) noexcept nogil:
    """Give cluster j so much more weight of point i, or less."""
    cdef Py_ssize_t p
    cdef double* center = job.centers + j * job.d
    cdef double step
    job.totals[j] += weight
    step = weight / job.totals[j]
    for p in range(job.d):
        center[p] += step * (job.points[i * job.d + p] - center[p])
    if job.gram != NULL:
        _shift_products(job, i, j, step)


cdef bint _settle(ExchangeJob* job, Py_ssize_t i) noexcept nogil:
    """Move one point if that pays; tell whether it moved."""
    cdef Py_ssize_t own = job.labels[i], j, best = UNSET
    cdef double weight = job.weights[i], cost, factor, least
    if job.totals[own] <= weight * ALONE:
        return False
    least = _distance(job, i, own) * weight * (job.totals[own] / (job.totals[own] - weight))
    least *= GAIN
    for j in range(job.k):
        factor = weight * (job.totals[j] / (job.totals[j] + weight))
        if j == own or _is_far(job, i, j, factor, least):
            continue
        cost = _distance(job, i, j) * factor
        if cost < least:
            least, best = cost, j
    if best == UNSET:
        return False
    _shift_center(job, i, own, -weight)
    _shift_center(job, i, best, weight)
    job.labels[i] = <int32_t> best
    return True


cdef void _begin_products(ExchangeJob* job) noexcept nogil:
    """Bound what rounding does, in units of the largest square."""
    cdef double largest = 0
    cdef Py_ssize_t i, j
    for i in range(job.m):
        largest = fmax(largest, job.gram[i * job.m + i])
    for j in range(job.k):
        _measure_center(job, j)
        largest = fmax(largest, job.squares[j])
    job.rounding = 2 * DOUBLE_EPS * (job.d + 8) * largest
    for j in range(job.k):
        job.doubts[j] = job.rounding


def exchange(
    const double[:, ::1] points,  # IN (m, d)
    const double[::1] weights,    # IN (m,) positive
    int32_t[::1] labels,          # INOUT (m,)
    double[:, ::1] centers,       # INOUT (k, d): the means of the clusters
    double[::1] totals,           # INOUT (k,): their weights
    const double[:, ::1] gram,    # IN (m, m) products of the points, or None
    double[:, ::1] products,      # INOUT (k, m) of the centres and the points, given with gram
    Py_ssize_t max_passes,
):
    """Move points until none would gain by it; return how many moved."""
    cdef Py_ssize_t d = points.shape[1], i, moved, total = 0
    cdef Scratch origin = scratch(d, sizeof(double))
    cdef Scratch squares = scratch(centers.shape[0], sizeof(double))
    cdef Scratch doubts = scratch(centers.shape[0], sizeof(double))
    cdef ExchangeJob job
    job.points, job.weights, job.labels = &points[0, 0], &weights[0], &labels[0]
    job.centers, job.totals = &centers[0, 0], &totals[0]
    job.origin = <double*> origin.data
    job.m, job.d, job.k = points.shape[0], d, centers.shape[0]
    job.gram = NULL
    if gram is not None:
        job.gram, job.products = &gram[0, 0], &products[0, 0]
    job.squares, job.doubts = <double*> squares.data, <double*> doubts.data
    with nogil:
        if job.gram != NULL:
            _begin_products(&job)
        for _ in range(max_passes):
            moved = 0
            for i in range(job.m):
                moved += _settle(&job, i)
            total += moved
            if moved == 0:
                break
    return total
