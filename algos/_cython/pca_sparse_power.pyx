"""Products of CSR rows with few vectors: a power step in one pass, and projections.

The vectors stand in strips (`_pca_csr.h`). A power step is divided by strips and by a few
lanes of rows, each walking through its rows in order, so nothing of size n is kept;
projections are divided by rows.
"""

from cython cimport floating
from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._lanes cimport CHUNK, lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._pca_csr cimport STRIP, algos_line, algos_pca_csr, pca_table
from algos._cython._threads cimport run_region

cdef enum:
    MOST_LANES = 4  # a step of one strip still keeps as many threads busy
    FULL = 16       # values a column that make it worth a lane's sums

cdef struct CsrJob:
    const algos_csr* x
    const algos_pca_csr* table
    Py_ssize_t k, strips, n_lanes
    double* panel         # the k vectors
    const double* center  # (k,), padded: their products with the mean
    algos_line* rooms     # (slots, d), or NULL for products in double
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
    cdef Py_ssize_t start = lane_start(lane, job.n_lanes, job.x.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.x.n)
    cdef Py_ssize_t size = STRIP * job.x.d
    cdef const double* panel = job.panel + strip * size
    cdef const double* center = job.center + strip * STRIP
    cdef double* out = job.products + (lane * job.strips + strip) * size
    cdef double* sums = job.sums + (lane * job.strips + strip) * STRIP
    if job.rooms == NULL:
        job.table.power(job.x, start, end, panel, center, out, sums)
    else:
        job.table.short_power(
            job.x, start, end, panel, center, job.rooms + slot * job.x.d, out, sums)


cdef void _project_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef CsrJob* job = <CsrJob*> arg
    cdef Py_ssize_t start = chunk * CHUNK
    job.table.project(
        job.x, start, min(job.x.n, start + CHUNK), job.panel, job.center,
        job.k, job.out)


cdef void _set_job(CsrJob* job, CsrRows rows, Py_ssize_t k) noexcept:
    job.x, job.table = &rows.x, pca_table(rows)
    job.k, job.strips, job.n_lanes = k, (k + STRIP - 1) // STRIP, 0
    job.panel, job.center, job.rooms = NULL, NULL, NULL
    job.sums, job.products, job.out = NULL, NULL, NULL


cdef Scratch _padded_center(const double[::1] center, Py_ssize_t size):
    cdef Py_ssize_t j
    cdef Scratch padded = scratch(size, sizeof(double))
    for j in range(center.shape[0]):
        (<double*> padded.data)[j] = center[j]
    return padded


cdef void _take_step(
    CsrJob* job, const double* basis, int n_threads, double nanoseconds, double* out,
    double* sums,
) noexcept nogil:
    cdef Py_ssize_t d = job.x.d, padded = job.strips * STRIP, j
    _pack_strips(basis, job.k, d, job.panel)
    run_region(_power_task, job, job.strips * job.n_lanes, nanoseconds, n_threads)
    reduce_lanes(job.products, job.n_lanes, padded * d, job.products)
    reduce_lanes(job.sums, job.n_lanes, padded, job.sums)
    _unpack_strips(job.products, job.k, d, out)
    for j in range(job.k):
        sums[j] = job.sums[j]


def csr_power_step(
    CsrRows rows,                # IN (n, d)
    const double[:, ::1] basis,  # IN (k, d), Q'
    const double[::1] center,    # IN (k,): Q' mu
    double[:, ::1] out,          # OUT (k, d): (X' z)'
    double[::1] sums,            # OUT (k,): the sum of the rows of z
    bint is_short,
    int n_threads,
):
    """Compute X' z where z = X Q - center.

    `is_short` rounds Q and z to float32, and sums in it runs of at most 256 values of a row,
    and what a column has in rows that together hold 128 d values: a run of m terms is off by
    at most (m + 1) * 2**-24 times the sum of their magnitudes. All other sums are double.
    """
    cdef Py_ssize_t k = basis.shape[0], d = basis.shape[1]
    cdef CsrJob job
    _set_job(&job, rows, k)
    cdef Py_ssize_t padded = job.strips * STRIP, cells = padded * d, lanes = min(
        min(<Py_ssize_t> MOST_LANES, lane_count(rows.x.n, 8 * cells, rows.stored * rows.itemsize)),
        max(<Py_ssize_t> 1, rows.stored // (FULL * d)))
    cdef Py_ssize_t slots = min(<Py_ssize_t> n_threads, job.strips * lanes)
    cdef Scratch panel = scratch(cells, sizeof(double))
    cdef Scratch rooms = scratch(slots * d if is_short else 0, sizeof(algos_line))
    cdef Scratch products = scratch(lanes * cells, sizeof(double))
    cdef Scratch padded_center = _padded_center(center, padded)
    cdef Scratch padded_sums = scratch(lanes * padded, sizeof(double))
    job.n_lanes, job.panel, job.center = lanes, <double*> panel.data, <double*> padded_center.data
    job.products, job.sums = <double*> products.data, <double*> padded_sums.data
    if is_short:
        job.rooms = <algos_line*> rooms.data
    with nogil:
        _take_step(
            &job, &basis[0, 0], n_threads, 3.0 * job.strips * (rows.stored + rows.x.n),
            &out[0, 0], &sums[0])


def csr_project(
    CsrRows rows,                  # IN (n, d)
    const double[:, ::1] vectors,  # IN (k, d)
    const double[::1] center,      # IN (k,)
    floating[:, ::1] out,          # OUT (n, k), of the rows' type
    int n_threads,
):
    """Multiply each row by the vectors, and take the centre away."""
    cdef Py_ssize_t n = rows.x.n, k = vectors.shape[0], d = vectors.shape[1]
    cdef CsrJob job
    if rows.itemsize != sizeof(floating):
        raise TypeError("`out` must be of the rows' type")
    _set_job(&job, rows, k)
    cdef Scratch panel = scratch(job.strips * STRIP * d, sizeof(double))
    cdef Scratch padded = _padded_center(center, job.strips * STRIP)
    job.panel, job.center = <double*> panel.data, <double*> padded.data
    job.out = &out[0, 0]
    with nogil:
        _pack_strips(&vectors[0, 0], k, d, job.panel)
        run_region(
            _project_task, &job, (n + CHUNK - 1) // CHUNK,
            2.0 * job.strips * (rows.stored + n), n_threads)
