"""Rows onto components and back: (X - shift) V' + offset, each row by itself.

A row's result is its own chain of operations, so one row alone and the same row in a batch
have the same bits.
"""

from cython cimport floating
from algos._cython._lanes cimport CHUNK
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport is_short, run_region
from algos._cython._tile cimport (
    pack_panel, pack_tile, panel_rows, tile_rows, tile_products, tile_stride,
)

cdef extern from "_panel.h" nogil:
    Py_ssize_t algos_panel_width(Py_ssize_t k)

cdef struct ProjectJob:
    bint single          # float32
    const void* X        # (n, d)
    Py_ssize_t n, d, k
    const void* shift    # (d,)
    void* panel
    const void* zeros    # (panel_rows,)
    const void* offset   # (k,)
    void* out            # (n, k)
    void* tiles          # a packed tile and its products for each slot
    Py_ssize_t tile_size, slot_size


cdef inline void _write_rows(
    const floating* zt, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t k,
    const floating* offset, floating* out,
) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(rows):
        for j in range(k):
            out[i * k + j] = zt[j * stride + i] + offset[j]


cdef void _project_chunk(
    ProjectJob* job, const floating* X, Py_ssize_t chunk, int slot
) noexcept nogil:
    cdef Py_ssize_t row = chunk * CHUNK, end = min(job.n, row + CHUNK), rows
    cdef Py_ssize_t points = tile_rows(X, job.d)
    cdef floating* xt = <floating*> job.tiles + slot * job.slot_size
    cdef floating* zt = xt + job.tile_size
    while row < end:
        rows = min(points, end - row)
        pack_tile(X + row * job.d, job.d, rows, job.d, <const floating*> job.shift, xt)
        tile_products(
            xt, rows, job.d, <const floating*> job.panel, <const floating*> job.zeros, job.k,
            zt,
        )
        _write_rows(
            zt, tile_stride(X, rows), rows, job.k, <const floating*> job.offset,
            <floating*> job.out + row * job.k,
        )
        row += rows


cdef void _project_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef ProjectJob* job = <ProjectJob*> arg
    if job.single:
        _project_chunk(job, <const float*> job.X, chunk, slot)
    else:
        _project_chunk(job, <const double*> job.X, chunk, slot)


cdef inline void _pack_columns(
    const floating* vectors, Py_ssize_t k, Py_ssize_t d, floating* panel
) noexcept nogil:
    """As pack_panel, of vectors that are the columns of (d, k)."""
    cdef Py_ssize_t width = algos_panel_width(k), p, group, j
    for p in range(d):
        group = 0
        while group < k:
            for j in range(group, min(group + width, k)):
                panel[group * d + p * width + j - group] = vectors[p * k + j]
            group += width


cdef void _project_rows(
    ProjectJob* job, const floating* vectors, bint by_columns, double nanoseconds,
    int n_threads,
) noexcept nogil:
    if by_columns:
        _pack_columns(vectors, job.k, job.d, <floating*> job.panel)
    else:
        pack_panel(vectors, job.k, job.d, <floating> 1, <floating*> job.panel)
    run_region(_project_task, job, (job.n + CHUNK - 1) // CHUNK, nanoseconds, n_threads)


def project(
    const floating[:, ::1] X,        # IN (n, d)
    const floating[::1] shift,       # IN (d,)
    const floating[:, ::1] vectors,  # IN (k, d), or (d, k) if they are its columns
    const floating[::1] offset,      # IN (k,)
    floating[:, ::1] out,            # OUT (n, k)
    bint by_columns,
    int n_threads,
):
    """Multiply each row, less the shift, by the vectors, and add the offset."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = out.shape[1]
    cdef Py_ssize_t padded = panel_rows(k)
    cdef Py_ssize_t chunks = (n + CHUNK - 1) // CHUNK
    cdef Py_ssize_t stride = tile_stride(
        &shift[0], min(n, tile_rows(&shift[0], d)))  # of the widest tile
    cdef Py_ssize_t size = stride * (d + padded)
    cdef Scratch panel = scratch(padded * d, sizeof(floating))
    cdef Scratch zeros = scratch(padded, sizeof(floating))
    cdef Scratch tiles = scratch(size * min(<Py_ssize_t> n_threads, chunks), sizeof(floating))
    cdef double nanoseconds = 0.02 * n * d * (padded + 10)
    cdef ProjectJob job
    job.single = floating is float
    job.X, job.n, job.d, job.k = &X[0, 0], n, d, k
    job.shift, job.panel, job.zeros = &shift[0], panel.data, zeros.data
    job.offset, job.out = &offset[0], &out[0, 0]
    job.tiles, job.tile_size, job.slot_size = tiles.data, stride * d, size
    if is_short(nanoseconds):
        _project_rows(&job, &vectors[0, 0], by_columns, nanoseconds, 1)
    else:
        with nogil:
            _project_rows(&job, &vectors[0, 0], by_columns, nanoseconds, n_threads)
