"""One step of greedy k-means++ over 8-bit codes: only rows that may be hit are read.

A candidate c is nearer to a row x than its nearest centre, at the squared distance D, if

    x.c - ||c||^2 / 2 > (||x||^2 - D) / 2 .

The left side is known from integer products, up to what the codes leave of x and c (Cauchy
and Schwarz: see kmeans_quantized). The rows that may be hit are measured by differences, so
what is found is the same as without codes.
"""

from cython cimport floating
from libc.stdint cimport int32_t, uint64_t, uint8_t
from libc.string cimport memcpy
from algos._cython._codes cimport (
    CODE_ROWS, CodePanel,
    code_products, code_reaching, code_words, encode_panel,
)
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._pairs cimport stage_rows, staged_distances, staged_size
from algos._cython._seed_hits cimport (
    Hits, HitMargin, algos_hit_thresholds_f32, algos_hit_thresholds_f64, fetch_rows, take_hits,
)
from algos._cython._threads cimport run_region
from algos._cython._tile cimport panel_rows

cdef extern from *:
    int INT32_MAX

cdef double ABOUT = 1 + 1e-5  # more than floats round
cdef double OFF = 1e-4        # squares of norms that are right to 1e-5, and to spare

cdef struct CodedJob:
    bint single              # float32
    const void* X            # (n, d)
    Py_ssize_t n, d
    const void* shift        # (d,)
    const void* candidates   # (m, staged_size) less the shift
    Py_ssize_t staged_size
    const uint8_t* codes     # (tiles, words, CODE_ROWS, 4)
    const float* norms       # (n,)
    const float* errors      # (n,)
    Py_ssize_t words         # of the high codes
    bint fine
    bint all_rows            # measure every row: the codes cannot tell
    const uint64_t* known    # (n / 64, n_known): the rows to be measured, or NULL
    Py_ssize_t n_known
    const int32_t* panel
    const int32_t* init
    HitMargin margin
    Hits hits
    Py_ssize_t n_lanes
    char* scratch            # per slot: staged rows, distances, products, masks
    Py_ssize_t scratch_size


cdef inline uint64_t _possible_hits(
    const CodedJob* job, const floating* closest, Py_ssize_t row, Py_ssize_t rows,
    int32_t* products, uint64_t* masks,
) noexcept nogil:
    """Set masks[j] to the rows that candidate j may hit; return those that any may."""
    cdef int32_t threshold[CODE_ROWS]
    cdef int32_t where[CODE_ROWS]
    cdef uint64_t any_of_them = 0
    cdef Py_ssize_t i, j
    if floating is float:
        algos_hit_thresholds_f32(
            job.norms + row, job.errors + row, closest, rows, job.margin, threshold)
    else:
        algos_hit_thresholds_f64(
            job.norms + row, job.errors + row, closest, rows, job.margin, threshold)
    for i in range(rows, CODE_ROWS):
        threshold[i] = INT32_MAX
    code_products(
        job.codes + row * job.words * (8 if job.fine else 4), job.words, job.fine,
        job.panel, job.init, job.hits.m, products, where,
    )
    code_reaching(products, job.hits.m, threshold, masks, where)
    for j in range(job.hits.m):
        any_of_them |= masks[j]
    return any_of_them


cdef inline uint64_t _rows_to_measure(
    const CodedJob* job, const floating* closest, Py_ssize_t row, Py_ssize_t rows,
    int32_t* products, uint64_t* masks,
) noexcept nogil:
    cdef uint64_t here = <uint64_t> -1
    cdef Py_ssize_t j
    if job.known != NULL:
        masks[0] = job.known[row // CODE_ROWS * job.n_known]
        return masks[0]
    if not job.all_rows:
        return _possible_hits(job, closest, row, rows, products, masks)
    if rows < CODE_ROWS:
        here = ((<uint64_t> 1) << rows) - 1
    for j in range(job.hits.m):
        masks[j] = here
    return here


cdef inline void _measure(
    CodedJob* job, const floating* X, Py_ssize_t lane, Py_ssize_t row, uint64_t some,
    const uint64_t* masks, floating* staged,
) noexcept nogil:
    """Some rows of the tile that begins with `row`: those of masks[j] to candidate j."""
    cdef Py_ssize_t size = job.staged_size, j
    cdef floating* out = staged + CODE_ROWS * size
    stage_rows(X + row * job.d, job.d, <const floating*> job.shift, some, staged, size)
    for j in range(job.hits.m):
        staged_distances(
            staged, size, <const floating*> job.candidates + j * size, masks[j],
            out + j * CODE_ROWS)
    take_hits(
        &job.hits, lane, row, min(<Py_ssize_t> CODE_ROWS, job.n - row), out, CODE_ROWS, masks)


cdef void _seed_lane(CodedJob* job, const floating* X, Py_ssize_t lane, int slot) noexcept nogil:
    """Each tile is measured after the next is looked at, while its rows are on their way."""
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n), rows, m = job.hits.m
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef floating* staged = <floating*> (job.scratch + slot * job.scratch_size)
    cdef int32_t* products = <int32_t*> (staged + CODE_ROWS * (job.staged_size + m))
    cdef uint64_t* masks = <uint64_t*> (products + CODE_ROWS * panel_rows(m))
    cdef uint64_t* masks_before = masks + m
    cdef uint64_t some, some_before = 0
    while row < end:
        rows = min(<Py_ssize_t> CODE_ROWS, end - row)
        some = _rows_to_measure(
            job, <const floating*> job.hits.squares + row, row, rows, products, masks)
        fetch_rows(<const char*> (X + row * job.d), job.d * sizeof(floating), some)
        if some_before:
            _measure(job, X, lane, row - CODE_ROWS, some_before, masks_before, staged)
        masks, masks_before, some_before = masks_before, masks, some
        row += CODE_ROWS
    if some_before:
        _measure(job, X, lane, row - CODE_ROWS, some_before, masks_before, staged)


cdef void _seed_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef CodedJob* job = <CodedJob*> arg
    if job.single:
        _seed_lane(job, <const float*> job.X, lane, slot)
    else:
        _seed_lane(job, <const double*> job.X, lane, slot)


cdef HitMargin _margin(CodePanel coded, Py_ssize_t d, double eps) noexcept nogil:
    cdef HitMargin margin
    cdef double rounding = (d + 8) * eps + 1e-6  # of a distance by differences
    margin.per_square = <float> ((1 - OFF) / (2 * coded.unit))
    margin.per_closest = <float> ((1 + rounding) / (2 * coded.unit))
    margin.per_norm = <float> (ABOUT * coded.error / coded.unit)
    margin.per_error = <float> (ABOUT * (coded.error + coded.norm) / coded.unit)
    margin.slack = <float> (ABOUT * coded.slack + 2)
    return margin


cdef _run(
    CodedJob* job, const floating[:, ::1] X, const floating[::1] shift,
    const floating[:, ::1] candidates, floating[::1] squares,
    double step, const uint8_t[:, :, :, ::1] codes, const float[::1] norms,
    const float[::1] errors, int n_threads,
):
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], m = candidates.shape[0], i
    cdef Py_ssize_t padded = panel_rows(m), size = staged_size(&shift[0], d)
    cdef Py_ssize_t room = CODE_ROWS * (
        (size + m) * sizeof(floating) + padded * sizeof(int32_t)) + 2 * m * sizeof(uint64_t)
    cdef Scratch staged = scratch(m * size, sizeof(floating))
    cdef Scratch panel = scratch(padded * codes.shape[1], sizeof(int32_t))
    cdef Scratch init = scratch(padded, sizeof(int32_t))
    cdef Scratch rooms = scratch(n_threads * ((room + 63) // 64), 64)
    cdef CodePanel coded
    job.single = floating is float
    job.X, job.n, job.d = &X[0, 0], n, d
    job.shift, job.candidates, job.staged_size = &shift[0], staged.data, size
    job.codes, job.norms, job.errors = &codes[0, 0, 0, 0], &norms[0], &errors[0]
    job.words, job.fine = code_words(d), codes.shape[1] > code_words(d)
    job.panel, job.init = <int32_t*> panel.data, <int32_t*> init.data
    job.hits.squares, job.hits.m = &squares[0], m
    job.n_lanes = lane_count(n, 8, 8 * n)
    job.scratch, job.scratch_size = <char*> rooms.data, (room + 63) // 64 * 64
    with nogil:
        for i in range(m):
            memcpy(<floating*> staged.data + i * size, &candidates[i, 0], d * sizeof(floating))
        coded = encode_panel(
            &candidates[0, 0], m, d, step, job.fine, <int32_t*> panel.data, <int32_t*> init.data)
        job.margin = _margin(coded, d, 1.2e-7 if floating is float else 2.3e-16)
        job.all_rows = not coded.fits
        run_region(_seed_task, job, job.n_lanes, 0.01 * n * d * padded, n_threads)


def try_candidates_coded(
    const floating[:, ::1] X,           # IN (n, d)
    const double[::1] weight,           # IN (n,) or None
    const floating[::1] shift,          # IN (d,)
    const floating[:, ::1] candidates,  # IN (m, d) less the shift
    floating[::1] squares,              # IN (n,) to the nearest centre so far
    double step,                        # IN of the rows' codes
    const uint8_t[:, :, :, ::1] codes,  # IN (tiles, words, CODE_ROWS, 4)
    const float[::1] norms,             # IN (n,)
    const float[::1] errors,            # IN (n,)
    uint64_t[:, ::1] masks,             # OUT (n / 64, m): the hits
    floating[:, :, ::1] listed,         # OUT (lanes, m, capacity): their squared distances
    Py_ssize_t[:, ::1] count,           # OUT (lanes, m): hits, also those beyond capacity
    double[::1] gains,                  # OUT (m,): by how much the weighted sum would fall
    int n_threads,
):
    """Hits and gain of each candidate for a further centre."""
    cdef Py_ssize_t m = candidates.shape[0], lanes = count.shape[0]
    cdef Scratch lane_gains = scratch(lanes * m, sizeof(double))
    cdef CodedJob job
    job.hits.weight = NULL
    if weight is not None:
        job.hits.weight = &weight[0]
    job.hits.masks, job.hits.listed = &masks[0, 0], &listed[0, 0, 0]
    job.hits.count, job.hits.capacity = &count[0, 0], listed.shape[2]
    job.hits.gains = <double*> lane_gains.data
    job.known = NULL
    count[:, :] = 0
    masks[:, :] = 0
    _run(&job, X, shift, candidates, squares, step, codes, norms, errors, n_threads)
    reduce_lanes(job.hits.gains, lanes, m, &gains[0])


def add_center_coded(
    const floating[:, ::1] X,       # IN (n, d)
    const floating[::1] shift,      # IN (d,)
    const floating[:, ::1] center,  # IN (1, d) less the shift
    floating[::1] squares,          # INOUT (n,) to the nearest centre so far
    double step,                    # IN of the rows' codes
    const uint8_t[:, :, :, ::1] codes,  # IN (tiles, words, CODE_ROWS, 4)
    const float[::1] norms,         # IN (n,)
    const float[::1] errors,        # IN (n,)
    const uint64_t[:, ::1] known,   # IN (n / 64, m): the hits of candidates
    Py_ssize_t chosen,              # IN: which of them is the new centre
    int n_threads,
):
    """Lower the squared distances to those of a new centre."""
    cdef CodedJob job
    job.hits.weight, job.hits.gains = NULL, NULL
    job.known, job.n_known = &known[0, chosen], known.shape[1]
    _run(&job, X, shift, center, squares, step, codes, norms, errors, n_threads)
