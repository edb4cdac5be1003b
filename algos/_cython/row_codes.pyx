"""Rows as 8-bit codes, and how far each is from what they stand for."""

from cython cimport floating
from libc.math cimport sqrt
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset
from algos._cython._codes cimport CODE_ROWS, code_words, encode_row
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef struct EncodeJob:
    bint single         # float32
    const void* X       # (n, d)
    Py_ssize_t n, d
    const void* shift   # (d,)
    double step
    Py_ssize_t words    # twice those of the columns if the codes are fine
    uint8_t* codes      # (tiles, words, CODE_ROWS, 4)
    float* norms        # (n,)
    float* errors       # (n,)
    uint8_t* rows       # (slots, words, 4)

cdef double UP = 1 + 1e-6  # more than the rounding of a float32


cdef void _encode_tile(EncodeJob* job, const floating* X, Py_ssize_t tile, int slot) noexcept nogil:
    cdef Py_ssize_t words = job.words, start = tile * CODE_ROWS, i, w
    cdef uint8_t* row = job.rows + slot * words * 4
    cdef uint8_t* low = NULL if words == code_words(job.d) else row + code_words(job.d) * 4
    cdef uint8_t* out = job.codes + tile * words * CODE_ROWS * 4
    cdef double norm, error
    memset(row, 128, words * 4)  # columns that fill the last word are zero
    for i in range(CODE_ROWS):
        if start + i < job.n:
            encode_row(
                X + (start + i) * job.d, <const floating*> job.shift, job.d, job.step, row,
                low, &norm, &error,
            )
            job.norms[start + i] = <float> sqrt(norm)
            job.errors[start + i] = <float> (UP * sqrt(error))
        else:
            memset(row, 128, words * 4)
        for w in range(words):
            memcpy(out + (w * CODE_ROWS + i) * 4, row + 4 * w, 4)


cdef void _encode_task(void* arg, Py_ssize_t tile, int slot) noexcept nogil:
    cdef EncodeJob* job = <EncodeJob*> arg
    if job.single:
        _encode_tile(job, <const float*> job.X, tile, slot)
    else:
        _encode_tile(job, <const double*> job.X, tile, slot)


def encode_rows(
    const floating[:, ::1] X,    # IN (n, d)
    const floating[::1] shift,   # IN (d,)
    double step,                 # IN
    uint8_t[:, :, :, ::1] codes,  # OUT (tiles, words, CODE_ROWS, 4)
    float[::1] norms,            # OUT (n,) ||x - shift||
    float[::1] errors,           # OUT (n,) from above, the length of what the codes leave
    int n_threads,
):
    """Code each row, less the shift, as step * (code - 128), as nearly as 8 bits allow.

    Twice as many words as the columns fill ask for fine codes, of 16 bits.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
    cdef Scratch rows = scratch(n_threads * codes.shape[1] * 4, 1)
    cdef EncodeJob job
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], n, d
    job.shift, job.step, job.words = &shift[0], step, codes.shape[1]
    job.codes, job.norms, job.errors = &codes[0, 0, 0, 0], &norms[0], &errors[0]
    job.rows = <uint8_t*> rows.data
    with nogil:
        run_region(_encode_task, &job, codes.shape[0], 0.4 * n * d, n_threads)
