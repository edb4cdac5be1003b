"""Distances of every row to every centre, by differences: exact zero for equal rows.

Rows and centres are less a common shift, which rounds them. Where they are so much nearer to each
other than to the shift that this would show, the distance is measured anew without it.
"""

from cython cimport floating
from libc.math cimport sqrt
from libc.stdint cimport int32_t
from algos._cython._lanes cimport CHUNK
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport (
    MAX_POINTS,
    pack_panel, pack_tile, panel_rows, row_distances, tile_distances, tile_norms, tile_rows,
    tile_stride,
)

cdef enum:
    NEAR = 256  # squared lengths for a squared distance: digits of 16 roundings are lost

cdef struct DistanceJob:
    bint single
    const void* X         # (n, d)
    Py_ssize_t n, d, k
    const void* shift     # (d,)
    const void* centers   # (k, d) in the data's coordinates
    void* panel
    void* out             # (n, k)
    void* tiles
    Py_ssize_t tile_size


cdef inline double _own_square(
    DistanceJob* job, const floating* row, Py_ssize_t j
) noexcept nogil:
    """The squared distance to one centre, by differences in double."""
    cdef int32_t label = <int32_t> j
    cdef double square
    row_distances(row, job.d, 1, job.d, <const floating*> job.centers, &label, &square)
    return square


cdef inline bint _any_below(
    const floating* values, const floating* bounds, Py_ssize_t n
) noexcept nogil:
    cdef int found = 0
    cdef Py_ssize_t i
    for i in range(n):
        found |= values[i] < bounds[i]
    return found


cdef inline void _distance_tile(
    DistanceJob* job, const floating* X, Py_ssize_t start, Py_ssize_t rows, floating* xt,
) noexcept nogil:
    cdef Py_ssize_t stride = tile_stride(X, rows), i, j
    cdef floating* squares = xt + tile_rows(X, job.d) * job.d
    cdef floating* out = <floating*> job.out + start * job.k
    cdef floating norm[MAX_POINTS]
    pack_tile(X + start * job.d, job.d, rows, job.d, <const floating*> job.shift, xt)
    tile_norms(xt, rows, job.d, norm)
    tile_distances(xt, rows, job.d, <const floating*> job.panel, job.k, squares)
    for i in range(rows):
        norm[i] /= NEAR
        for j in range(job.k):
            out[i * job.k + j] = <floating> sqrt(squares[j * stride + i])
    for j in range(job.k):  # apart from the square roots, both are done many at a time
        if not _any_below(squares + j * stride, norm, rows):
            continue
        for i in range(rows):
            if squares[j * stride + i] < norm[i]:
                out[i * job.k + j] = <floating> sqrt(_own_square(job, X + (start + i) * job.d, j))


cdef void _distance_chunk(
    DistanceJob* job, const floating* X, Py_ssize_t chunk, int slot
) noexcept nogil:
    cdef Py_ssize_t row = chunk * CHUNK, end = min(job.n, chunk * CHUNK + CHUNK)
    cdef Py_ssize_t points = tile_rows(X, job.d)
    cdef floating* xt = <floating*> job.tiles + slot * job.tile_size
    while row < end:
        _distance_tile(job, X, row, min(points, end - row), xt)
        row += points


cdef void _distance_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef DistanceJob* job = <DistanceJob*> arg
    if job.single:
        _distance_chunk(job, <const float*> job.X, chunk, slot)
    else:
        _distance_chunk(job, <const double*> job.X, chunk, slot)


cdef void _measure_rows(
    DistanceJob* job, const floating* shifted, double nanoseconds, int n_threads
) noexcept nogil:
    pack_panel(shifted, job.k, job.d, <floating> 1, <floating*> job.panel)
    run_region(_distance_task, job, (job.n + CHUNK - 1) // CHUNK, nanoseconds, n_threads)


def center_distances(
    const floating[:, ::1] X,        # IN (n, d)
    const floating[::1] shift,       # IN (d,)
    const floating[:, ::1] shifted,  # IN (k, d) the centres less the shift
    const floating[:, ::1] centers,  # IN (k, d)
    floating[:, ::1] out,            # OUT (n, k) Euclidean distances
    int n_threads,
):
    """Distance of each row to each centre."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = shifted.shape[0]
    cdef Py_ssize_t points = tile_rows(&shift[0], d), padded = panel_rows(k)
    cdef Scratch panel = scratch(padded * d, sizeof(floating))
    cdef Scratch tiles = scratch(n_threads * points * (d + padded), sizeof(floating))
    cdef double nanoseconds = n * padded * (0.04 * d + 1)
    cdef DistanceJob job
    job.single = floating is float
    job.X, job.n, job.d, job.k = &X[0, 0], n, d, k
    job.shift, job.centers = &shift[0], &centers[0, 0]
    job.panel, job.out = panel.data, &out[0, 0]
    job.tiles, job.tile_size = tiles.data, points * (d + padded)
    if is_short(nanoseconds):
        _measure_rows(&job, &shifted[0, 0], nanoseconds, 1)
    else:
        with nogil:
            _measure_rows(&job, &shifted[0, 0], nanoseconds, n_threads)
