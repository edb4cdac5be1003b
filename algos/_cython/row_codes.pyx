"""Rows as 8-bit codes, and how far each is from what they stand for."""

from cython cimport floating
from libc.math cimport sqrt
from libc.stdint cimport int32_t, uint8_t
from algos._cython._codes cimport CODE_BLOCK, CODE_ROWS, code_words, encode_block
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region
from algos._cython._tile cimport pack_tile, tile_points

cdef struct EncodeJob:
    bint single         # float32
    const void* X       # (n, d)
    Py_ssize_t n, d
    const void* shift   # (d,)
    const float* zeros  # (d,)
    float step
    bint fine
    uint8_t* codes      # (tiles, words, CODE_ROWS, 4)
    Py_ssize_t tile_size
    float* norms        # (n,)
    float* errors       # (n,)
    float* scratch      # per slot: CODE_ROWS rows, and a packed tile

# Sums of float32 squares are relatively so wrong, and rests so much of the row's length.
cdef double OFF = 1e-4
cdef double ROUNDED = 4e-7


cdef inline void _stage(
    EncodeJob* job, const floating* x, Py_ssize_t rows, float* out
) noexcept nogil:
    """Rows less the shift in float32; those that are missing are zero."""
    cdef const floating* shift = <const floating*> job.shift
    cdef Py_ssize_t i, p
    for i in range(CODE_ROWS):
        for p in range(job.d):
            out[i * job.d + p] = <float> (x[i * job.d + p] - shift[p]) if i < rows else 0


cdef inline void _note_lengths(
    EncodeJob* job, Py_ssize_t start, Py_ssize_t rows, const float* squares, const float* left
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rows):
        job.norms[start + i] = sqrt(squares[i])
        job.errors[start + i] = <float> (
            (1 + OFF) * sqrt(<double> left[i]) + ROUNDED * job.norms[start + i])


cdef void _encode_tile(EncodeJob* job, const floating* X, Py_ssize_t tile, int slot) noexcept nogil:
    cdef Py_ssize_t start = tile * CODE_ROWS, rows = min(<Py_ssize_t> CODE_ROWS, job.n - start)
    cdef float* staged = job.scratch + slot * 2 * CODE_ROWS * job.d
    cdef float* xt = staged + CODE_ROWS * job.d
    cdef const float* x = <const float*> X + start * job.d
    cdef const float* shift = <const float*> job.shift
    cdef int32_t* words = <int32_t*> (job.codes + tile * job.tile_size)
    cdef float squares[CODE_ROWS]
    cdef float left[CODE_ROWS]
    cdef Py_ssize_t points = tile_points(xt), block, row
    if not (floating is float and rows == CODE_ROWS):
        _stage(job, X + start * job.d, rows, staged)
        x, shift = staged, job.zeros
    for block in range(CODE_ROWS // CODE_BLOCK):
        row = block * CODE_BLOCK
        if row % points == 0:
            pack_tile(x + row * job.d, job.d, points, job.d, shift, xt)
        encode_block(
            xt + row % points, points, job.d, job.step, job.fine, words + row,
            squares + row, left + row,
        )
    _note_lengths(job, start, rows, squares, left)


cdef void _encode_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef EncodeJob* job = <EncodeJob*> arg
    if job.single:
        _encode_tile(job, <const float*> job.X, tile, slot)
    else:
        _encode_tile(job, <const double*> job.X, tile, slot)


def encode_rows(
    const floating[:, ::1] X,    # IN (n, d)
    const floating[::1] shift,   # IN (d,)
    float step,                  # IN
    uint8_t[:, :, :, ::1] codes,  # OUT (tiles, words, CODE_ROWS, 4)
    float[::1] norms,            # OUT (n,) ||x - shift||, to 1e-5
    float[::1] errors,           # OUT (n,) from above, the length of what the codes leave
    int n_threads,
):
    """Code each row, less the shift, as step * (code - 128), as nearly as 8 bits allow.

    Twice as many words as the columns fill ask for fine codes, of 16 bits.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
    cdef Scratch tiles = scratch(n_threads * 2 * CODE_ROWS * d, sizeof(float))
    cdef Scratch zeros = scratch(d, sizeof(float))
    cdef EncodeJob job
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], n, d
    job.shift, job.zeros, job.step = &shift[0], <float*> zeros.data, step
    job.fine = codes.shape[1] > code_words(d)
    job.codes, job.tile_size = &codes[0, 0, 0, 0], codes.shape[1] * CODE_ROWS * 4
    job.norms, job.errors = &norms[0], &errors[0]
    job.scratch = <float*> tiles.data
    with nogil:
        run_region(_encode_task, &job, codes.shape[0], 0.5 * n * d, n_threads)
