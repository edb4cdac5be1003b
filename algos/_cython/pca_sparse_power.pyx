"""Products of CSR rows with few vectors: a power step in one pass, and projections.

The vectors stand in strips of 8 (`_pca_csr.h`). A power step is divided by strips and by a few
lanes of rows, each walking through its rows in order, so nothing of size n is kept;
projections are divided by rows.
"""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from algos._cython._lanes cimport CHUNK, lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "_pca_csr.h" nogil:
    enum:
        STRIP "ALGOS_STRIP"
    void algos_csr_f32_i32_power(
        const float*, const int32_t*, const int32_t*, Py_ssize_t,
        const double*, const double*, double*, double*)
    void algos_csr_f32_i64_power(
        const float*, const int64_t*, const int64_t*, Py_ssize_t,
        const double*, const double*, double*, double*)
    void algos_csr_f64_i32_power(
        const double*, const int32_t*, const int32_t*, Py_ssize_t,
        const double*, const double*, double*, double*)
    void algos_csr_f64_i64_power(
        const double*, const int64_t*, const int64_t*, Py_ssize_t,
        const double*, const double*, double*, double*)
    void algos_csr_f32_i32_project(
        const float*, const int32_t*, const int32_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, const double*, Py_ssize_t, float*)
    void algos_csr_f32_i64_project(
        const float*, const int64_t*, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, const double*, Py_ssize_t, float*)
    void algos_csr_f64_i32_project(
        const double*, const int32_t*, const int32_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, const double*, Py_ssize_t, double*)
    void algos_csr_f64_i64_project(
        const double*, const int64_t*, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, const double*, Py_ssize_t, double*)

cdef enum:
    MOST_LANES = 4  # a step of one strip still keeps as many threads busy
    FULL = 16       # values a column that make it worth a lane's sums

ctypedef fused index:
    int32_t
    int64_t

cdef struct CsrJob:
    bint single           # float32
    bint narrow           # int32 indices
    const void* data
    const void* indices
    const void* indptr    # (n + 1,)
    Py_ssize_t n, d, k
    Py_ssize_t strips, n_lanes
    double* panel         # the k vectors
    const double* center  # (k,), padded: their products with the mean
    double* sums          # (lanes, k), padded
    double* products      # (lanes, strips, d, STRIP) of X' z
    void* out             # (n, k)


cdef void _pack_strips(
    const double* vectors, Py_ssize_t k, Py_ssize_t d, double* panel
) noexcept nogil:
    """(k, d) → [strip][d][STRIP]."""
    cdef Py_ssize_t j, p
    for j in range(k):
        for p in range(d):
            panel[(j // STRIP * d + p) * STRIP + j % STRIP] = vectors[j * d + p]


cdef void _unpack_strips(
    const double* strips, Py_ssize_t k, Py_ssize_t d, double* out
) noexcept nogil:
    cdef Py_ssize_t j, p
    for j in range(k):
        for p in range(d):
            out[j * d + p] = strips[(j // STRIP * d + p) * STRIP + j % STRIP]


cdef void _power_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    """One strip through one lane of rows."""
    cdef CsrJob* job = <CsrJob*> arg
    cdef Py_ssize_t strip = task // job.n_lanes, lane = task % job.n_lanes
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t rows = lane_start(lane + 1, job.n_lanes, job.n) - row
    cdef Py_ssize_t start = strip * STRIP * job.d
    cdef double* out = job.products + lane * job.strips * STRIP * job.d + start
    cdef const double* center = job.center + strip * STRIP
    cdef double* sums = job.sums + (lane * job.strips + strip) * STRIP
    if job.single and job.narrow:
        algos_csr_f32_i32_power(
            <const float*> job.data, <const int32_t*> job.indices,
            <const int32_t*> job.indptr + row, rows, job.panel + start, center, out, sums)
    elif job.single:
        algos_csr_f32_i64_power(
            <const float*> job.data, <const int64_t*> job.indices,
            <const int64_t*> job.indptr + row, rows, job.panel + start, center, out, sums)
    elif job.narrow:
        algos_csr_f64_i32_power(
            <const double*> job.data, <const int32_t*> job.indices,
            <const int32_t*> job.indptr + row, rows, job.panel + start, center, out, sums)
    else:
        algos_csr_f64_i64_power(
            <const double*> job.data, <const int64_t*> job.indices,
            <const int64_t*> job.indptr + row, rows, job.panel + start, center, out, sums)


cdef void _project_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef CsrJob* job = <CsrJob*> arg
    cdef Py_ssize_t start = chunk * CHUNK, end = min(job.n, start + CHUNK)
    if job.single and job.narrow:
        algos_csr_f32_i32_project(
            <const float*> job.data, <const int32_t*> job.indices, <const int32_t*> job.indptr,
            start, end, job.d, job.panel, job.center, job.k, <float*> job.out)
    elif job.single:
        algos_csr_f32_i64_project(
            <const float*> job.data, <const int64_t*> job.indices, <const int64_t*> job.indptr,
            start, end, job.d, job.panel, job.center, job.k, <float*> job.out)
    elif job.narrow:
        algos_csr_f64_i32_project(
            <const double*> job.data, <const int32_t*> job.indices, <const int32_t*> job.indptr,
            start, end, job.d, job.panel, job.center, job.k, <double*> job.out)
    else:
        algos_csr_f64_i64_project(
            <const double*> job.data, <const int64_t*> job.indices, <const int64_t*> job.indptr,
            start, end, job.d, job.panel, job.center, job.k, <double*> job.out)


cdef Scratch _padded_center(const double[::1] center):
    cdef Py_ssize_t k = center.shape[0], j
    cdef Scratch padded = scratch((k + STRIP - 1) // STRIP * STRIP, sizeof(double))
    for j in range(k):
        (<double*> padded.data)[j] = center[j]
    return padded


def csr_power_step(
    const floating[::1] data,      # IN (nnz,)
    const index[::1] indices,      # IN (nnz,)
    const index[::1] indptr,       # IN (n + 1,)
    const double[:, ::1] basis,    # IN (k, d), Q'
    const double[::1] center,      # IN (k,): Q' mu
    double[:, ::1] out,            # OUT (k, d): (X' z)'
    double[::1] sums,              # OUT (k,): the sum of the rows of z
    int n_threads,
):
    """Compute X' z where z = X Q - center."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, k = basis.shape[0], d = basis.shape[1], j
    cdef Py_ssize_t strips = (k + STRIP - 1) // STRIP
    cdef Scratch panel = scratch(strips * STRIP * d, sizeof(double))
    cdef Py_ssize_t cells = strips * STRIP * d, lanes = min(
        min(<Py_ssize_t> MOST_LANES, lane_count(n, 8 * cells, data.shape[0] * sizeof(floating))),
        max(<Py_ssize_t> 1, data.shape[0] // (FULL * d)))
    cdef Scratch products = scratch(lanes * cells, sizeof(double))
    cdef Scratch padded = _padded_center(center)
    cdef Scratch padded_sums = scratch(lanes * strips * STRIP, sizeof(double))
    cdef CsrJob job
    job.single, job.narrow = floating is float, index is int32_t
    job.data = &data[0] if data.shape[0] else NULL
    job.indices = &indices[0] if data.shape[0] else NULL
    job.indptr = &indptr[0]
    job.n, job.d, job.k = n, d, k
    job.strips, job.n_lanes = strips, lanes
    job.panel, job.products = <double*> panel.data, <double*> products.data
    job.center, job.sums = <double*> padded.data, <double*> padded_sums.data
    job.out = NULL
    with nogil:
        _pack_strips(&basis[0, 0], k, d, <double*> panel.data)
        run_region(
            _power_task, &job, strips * lanes, 3.0 * strips * (data.shape[0] + n), n_threads)
        reduce_lanes(job.products, lanes, cells, job.products)
        reduce_lanes(job.sums, lanes, strips * STRIP, job.sums)
        _unpack_strips(job.products, k, d, &out[0, 0])
        for j in range(k):
            sums[j] = job.sums[j]


def csr_project(
    const floating[::1] data,        # IN (nnz,)
    const index[::1] indices,        # IN (nnz,)
    const index[::1] indptr,         # IN (n + 1,)
    const double[:, ::1] vectors,    # IN (k, d)
    const double[::1] center,        # IN (k,)
    floating[:, ::1] out,            # OUT (n, k)
    int n_threads,
):
    """Multiply each row by the vectors, and take the centre away."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, k = vectors.shape[0], d = vectors.shape[1]
    cdef Py_ssize_t strips = (k + STRIP - 1) // STRIP
    cdef Scratch panel = scratch(strips * STRIP * d, sizeof(double))
    cdef Scratch padded = _padded_center(center)
    cdef CsrJob job
    job.single, job.narrow = floating is float, index is int32_t
    job.data = &data[0] if data.shape[0] else NULL
    job.indices = &indices[0] if data.shape[0] else NULL
    job.indptr = &indptr[0]
    job.n, job.d, job.k = n, d, k
    job.panel, job.center, job.out = <double*> panel.data, <double*> padded.data, &out[0, 0]
    job.sums, job.products = NULL, NULL
    with nogil:
        _pack_strips(&vectors[0, 0], k, d, <double*> panel.data)
        run_region(
            _project_task, &job, (n + CHUNK - 1) // CHUNK,
            2.0 * strips * (data.shape[0] + n), n_threads)
