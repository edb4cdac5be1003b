"""Weighted points moved one by one into the cluster where they cost least.

Lloyd's iterations compare distances to centres as they are. A point of weight w that leaves a
cluster of weight W takes W w / (W - w) d^2 off the sum of squares, and adds W w / (W + w) d^2
to that which it joins, when the centres follow. Where clusters have few points, many of
Lloyd's optima are none by this rule (Hartigan, "Clustering algorithms", 1975; Telgarsky and
Vattani, "Hartigan's method: k-means clustering without Voronoi", AISTATS 2010).
"""

from libc.stdint cimport int32_t
from algos._cython._memory cimport Scratch, scratch
from algos._cython._tile cimport own_distance

cdef enum:
    UNSET = -1

cdef double ALONE = 1 + 1e-12   # a cluster of a point alone, up to rounding
cdef double GAIN = 1 - 1e-9     # of the cost: less may be rounding

cdef struct ExchangeJob:
    const double* points     # (m, d)
    const double* weights    # (m,)
    int32_t* labels          # (m,)
    double* centers          # (k, d)
    double* totals           # (k,)
    const double* origin     # (d,) zeros
    Py_ssize_t m, d, k


cdef inline double _distance(ExchangeJob* job, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    return own_distance(
        job.points + i * job.d, job.origin, job.centers + j * job.d, job.d
    )


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


cdef bint _settle(ExchangeJob* job, Py_ssize_t i) noexcept nogil:
    """Move one point if that pays; tell whether it moved."""
    cdef Py_ssize_t own = job.labels[i], j, best = UNSET
    cdef double weight = job.weights[i], cost, least
    if job.totals[own] <= weight * ALONE:
        return False
    least = _distance(job, i, own) * weight * (job.totals[own] / (job.totals[own] - weight))
    least *= GAIN
    for j in range(job.k):
        if j == own:
            continue
        cost = _distance(job, i, j) * weight * (job.totals[j] / (job.totals[j] + weight))
        if cost < least:
            least, best = cost, j
    if best == UNSET:
        return False
    _shift_center(job, i, own, -weight)
    _shift_center(job, i, best, weight)
    job.labels[i] = <int32_t> best
    return True


def exchange(
    const double[:, ::1] points,  # IN (m, d)
    const double[::1] weights,    # IN (m,) positive
    int32_t[::1] labels,          # INOUT (m,)
    double[:, ::1] centers,       # INOUT (k, d): the means of the clusters
    double[::1] totals,           # INOUT (k,): their weights
    Py_ssize_t max_passes,
):
    """Move points until none would gain by it; return how many moved."""
    cdef Py_ssize_t d = points.shape[1], i, moved, total = 0
    cdef Scratch origin = scratch(d, sizeof(double))
    cdef ExchangeJob job
    job.points, job.weights, job.labels = &points[0, 0], &weights[0], &labels[0]
    job.centers, job.totals = &centers[0, 0], &totals[0]
    job.origin = <double*> origin.data
    job.m, job.d, job.k = points.shape[0], d, centers.shape[0]
    with nogil:
        for _ in range(max_passes):
            moved = 0
            for i in range(job.m):
                moved += _settle(&job, i)
            total += moved
            if moved == 0:
                break
    return total
