"""The squared distance of every row to the centre of its label, by differences."""

from cython cimport floating
from libc.stdint cimport int32_t
from algos._cython._lanes cimport CHUNK
from algos._cython._threads cimport run_region
from algos._cython._tile cimport row_distances

cdef struct OwnJob:
    bint single
    const void* X            # (n, d)
    Py_ssize_t n, d
    const void* centers      # (k, d)
    const int32_t* labels    # (n,)
    double* out              # (n,)


cdef void _measure_chunk(OwnJob* job, const floating* X, Py_ssize_t chunk) noexcept nogil:
    cdef Py_ssize_t start = chunk * CHUNK, rows = min(job.n - start, <Py_ssize_t> CHUNK)
    row_distances(
        X + start * job.d, job.d, rows, job.d, <const floating*> job.centers,
        job.labels + start, job.out + start,
    )


cdef void _measure_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef OwnJob* job = <OwnJob*> arg
    if job.single:
        _measure_chunk(job, <const float*> job.X, chunk)
    else:
        _measure_chunk(job, <const double*> job.X, chunk)


def own_distances(
    const floating[:, ::1] X,        # IN (n, d)
    const floating[:, ::1] centers,  # IN (k, d)
    const int32_t[::1] labels,       # IN (n,)
    double[::1] out,                 # OUT (n,)
    int n_threads,
):
    """Squared distance of each row to one centre."""
    cdef OwnJob job
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], X.shape[0], X.shape[1]
    job.centers, job.labels, job.out = &centers[0, 0], &labels[0], &out[0]
    with nogil:
        run_region(
            _measure_task, &job, (job.n + CHUNK - 1) // CHUNK, 1.0 * job.n * job.d, n_threads
        )
