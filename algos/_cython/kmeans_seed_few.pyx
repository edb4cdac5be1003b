"""Greedy k-means++ (Arthur & Vassilvitskii, SODA 2007) of few rows: all steps in one call.

`kmeans_seed.pyx` makes one step a call, which takes longer than the step where rows are few.
"""

from cython cimport floating
from libc.stdint cimport int64_t
from libc.string cimport memcpy
from algos._cython._memory cimport Scratch, scratch
from algos._cython._tile cimport (
    lower_to, pack_panel, pack_tile, panel_rows, tile_distances, tile_rows, tile_stride,
)

cdef struct FewJob:
    Py_ssize_t n, d, m       # m candidates a step
    Py_ssize_t padded        # panel_rows(m)
    const double* weight     # (n,) or NULL
    void* tiles              # the rows less the shift
    void* panel              # the candidates
    void* chosen             # (m, d) the same in rows
    void* distances          # a tile after the other: (padded, rows) to the candidates
    double* left             # (m,) weighted sums of the least distances
    double* cumulated        # (n,)
    int64_t* drawn           # (m,)


cdef inline double _cumulate(FewJob* job, const floating* squares) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(job.n):
        total += squares[i] if job.weight == NULL else job.weight[i] * squares[i]
        job.cumulated[i] = total
    return total


cdef inline Py_ssize_t _first_above(const double* values, Py_ssize_t n, double x) noexcept nogil:
    """The first of ascending values that is above x; where none is, the first of the largest."""
    cdef Py_ssize_t low = 0, high = n - 1, middle
    if not values[n - 1] > x:
        while low < high:
            middle = (low + high) // 2
            if values[middle] < values[n - 1]:
                low = middle + 1
            else:
                high = middle
        return low
    while low < high:
        middle = (low + high) // 2
        if values[middle] > x:
            high = middle
        else:
            low = middle + 1
    return low


cdef inline void _read_row(FewJob* job, Py_ssize_t row, floating* out) noexcept nogil:
    """A row less the shift, out of its tile."""
    cdef Py_ssize_t points = tile_rows(out, job.d), first = row - row % points, p
    cdef Py_ssize_t stride = tile_stride(out, min(points, job.n - first))
    cdef const floating* xt = <const floating*> job.tiles + first * job.d
    for p in range(job.d):
        out[p] = xt[p * stride + row % points]


cdef void _measure(FewJob* job, Py_ssize_t m, const floating* squares) noexcept nogil:
    """Least distances if each of m drawn rows became a centre, and their sums."""
    cdef floating* rows = <floating*> job.chosen
    cdef floating* out = <floating*> job.distances
    cdef const double* weight = NULL
    cdef Py_ssize_t points = tile_rows(rows, job.d), row = 0, here, stride, j
    for j in range(m):
        _read_row(job, job.drawn[j], rows + j * job.d)
        job.left[j] = 0
    pack_panel(rows, m, job.d, <floating> 1, <floating*> job.panel)
    while row < job.n:
        here = min(points, job.n - row)
        stride = tile_stride(rows, here)
        if job.weight != NULL:
            weight = job.weight + row
        tile_distances(
            <const floating*> job.tiles + row * job.d, here, job.d,
            <const floating*> job.panel, m, out + row * job.padded,
        )
        for j in range(m):
            job.left[j] += lower_to(
                out + row * job.padded + j * stride, squares + row, weight, here)
        row += here


cdef void _keep(FewJob* job, Py_ssize_t j, floating* squares) noexcept nogil:
    cdef const floating* out = <const floating*> job.distances
    cdef Py_ssize_t points = tile_rows(out, job.d), row = 0, here
    while row < job.n:
        here = min(points, job.n - row)
        memcpy(
            squares + row, out + row * job.padded + j * tile_stride(out, here),
            here * sizeof(floating),
        )
        row += here


cdef Py_ssize_t _choose(
    FewJob* job, const double* uniforms, floating* squares, int64_t* chosen, Py_ssize_t k
) noexcept nogil:
    cdef Py_ssize_t step, m, j, best
    cdef double total
    for step in range(k):
        total = _cumulate(job, squares)
        if total <= 0:
            return step
        m = job.m if step else 1
        for j in range(m):
            job.drawn[j] = _first_above(job.cumulated, job.n, uniforms[j] * total)
        uniforms += m
        _measure(job, m, squares)
        best = 0
        for j in range(1, m):
            if job.left[j] < job.left[best]:
                best = j
        _keep(job, best, squares)
        chosen[step] = job.drawn[best]
    return k


def seed_few(
    const floating[:, ::1] X,      # IN (n, d)
    const double[::1] weight,      # IN (n,) or None
    const floating[::1] shift,     # IN (d,)
    const double[::1] uniforms,    # IN (1 + (k - 1) * m,)
    Py_ssize_t n_candidates,       # IN m: rows tried for each centre but the first
    floating[::1] squares,         # INOUT (n,): equal, and larger than all; then to the nearest
    int64_t[::1] chosen,           # OUT (k,)
):
    """Choose rows one by one; return how many, fewer than k if every row equals one of them.

    Candidates are drawn by the squared distance to the nearest chosen row, along the rows as
    they stand; that which leaves the least sum of them is chosen, the first of equals.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], padded = panel_rows(n_candidates)
    cdef Py_ssize_t points = tile_rows(&shift[0], d), row = 0, found
    cdef Scratch tiles = scratch((n + points) * d, sizeof(floating))
    cdef Scratch panel = scratch(padded * d, sizeof(floating))
    cdef Scratch rows = scratch(n_candidates * d, sizeof(floating))
    cdef Scratch distances = scratch((n + points) * padded, sizeof(floating))
    cdef Scratch left = scratch(n_candidates, sizeof(double))
    cdef Scratch cumulated = scratch(n, sizeof(double))
    cdef Scratch drawn = scratch(n_candidates, sizeof(int64_t))
    cdef FewJob job
    job.n, job.d, job.m, job.padded = n, d, n_candidates, padded
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.tiles, job.panel, job.chosen = tiles.data, panel.data, rows.data
    job.distances, job.left = distances.data, <double*> left.data
    job.cumulated, job.drawn = <double*> cumulated.data, <int64_t*> drawn.data
    with nogil:
        while row < n:
            pack_tile(
                &X[row, 0], d, min(points, n - row), d, &shift[0],
                <floating*> tiles.data + row * d,
            )
            row += points
        found = _choose(&job, &uniforms[0], &squares[0], &chosen[0], chosen.shape[0])
    return found
