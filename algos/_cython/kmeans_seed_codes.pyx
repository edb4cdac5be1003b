"""What candidates for a further centre would gain, bounded from 8-bit codes alone.

A candidate c is nearer to a row x than its nearest centre, at the squared distance D, if

    x.c - ||c||^2 / 2 > (||x||^2 - D) / 2 ,

and by twice the difference the row's part in the sum is lowered. The left side is known from
integer products, up to what the codes leave of x and c (Cauchy and Schwarz: see
kmeans_quantized). So no row is read here: only those of a candidate that may be the best need
be, and of them only those that it may hit (kmeans_seed_known).
"""

from cython cimport floating
from libc.stdint cimport int32_t, uint64_t, uint8_t
from algos._cython._codes cimport (
    CODE_ROWS, CodePanel, code_products, code_reaching, code_words, encode_panel,
)
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._seed_hits cimport (
    FAR_CODE, HitMargin, algos_hit_thresholds_f32, algos_hit_thresholds_f64, lowest_bit,
)
from algos._cython._threads cimport run_region
from algos._cython._tile cimport panel_rows

cdef extern from *:
    int INT32_MAX

cdef extern from "math.h" nogil:
    const float INFINITY

cdef double ABOUT = 1 + 1e-5  # more than floats round
cdef double OFF = 1e-4        # squares of norms that are right to 1e-5, and to spare

cdef struct BoundJob:
    bint single              # float32
    Py_ssize_t n, m
    const void* squares      # (n,) to the nearest centre so far
    const double* weight     # (n,) or NULL
    const uint8_t* codes     # (tiles, words, CODE_ROWS, 4)
    const float* norms       # (n,)
    const float* errors      # (n,)
    Py_ssize_t words         # of the high codes
    bint fine
    bint fits                # whether the codes can tell
    const int32_t* panel
    const int32_t* init
    HitMargin margin
    Py_ssize_t n_lanes
    uint64_t* masks          # (n / CODE_ROWS, m)
    double* bounds           # (lanes, 3, m): see bound_gains
    int32_t* products        # one tile's a slot


cdef inline void _thresholds(
    const BoundJob* job, const floating* closest, Py_ssize_t row, Py_ssize_t rows,
    int32_t* possible, int32_t* sure,
) noexcept nogil:
    cdef Py_ssize_t i
    if floating is float:
        algos_hit_thresholds_f32(
            job.norms + row, job.errors + row, closest, rows, job.margin, possible, sure)
    else:
        algos_hit_thresholds_f64(
            job.norms + row, job.errors + row, closest, rows, job.margin, possible, sure)
    for i in range(rows, CODE_ROWS):
        possible[i] = INT32_MAX


cdef inline void _add_bounds(
    uint64_t mask, const int32_t* product, const int32_t* possible, const int32_t* sure,
    const double* weight, double* least, double* most, double* count,
) noexcept nogil:
    """Add what the rows of the mask are worth to a candidate, in units of the products."""
    cdef double w
    cdef int i
    while mask != 0:
        i = lowest_bit(mask)
        mask &= mask - 1
        count[0] += 1
        w = 1 if weight == NULL else weight[i]
        if product[i] > sure[i]:
            least[0] += w * (<double> product[i] - sure[i])
        if possible[i] > -FAR_CODE:
            most[0] += w * (<double> product[i] - possible[i] + 1)
        else:
            most[0] = INFINITY


cdef void _bound_lane(
    BoundJob* job, const floating* squares, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef int32_t possible[CODE_ROWS]
    cdef int32_t sure[CODE_ROWS]
    cdef int32_t where[CODE_ROWS]
    cdef int32_t* products = job.products + slot * CODE_ROWS * panel_rows(job.m)
    cdef double* least = job.bounds + 3 * lane * job.m
    cdef uint64_t* masks
    cdef const double* weight = NULL
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n), j
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    while row < end:
        _thresholds(
            job, squares + row, row, min(<Py_ssize_t> CODE_ROWS, end - row), possible, sure)
        code_products(
            job.codes + row * job.words * (8 if job.fine else 4), job.words, job.fine,
            job.panel, job.init, job.m, products, where,
        )
        masks = job.masks + row // CODE_ROWS * job.m
        code_reaching(products, job.m, possible, masks, where, NULL)
        if job.weight != NULL:
            weight = job.weight + row
        for j in range(job.m):
            _add_bounds(
                masks[j], products + j * CODE_ROWS, possible, sure, weight, least + j,
                least + job.m + j, least + 2 * job.m + j)
        row += CODE_ROWS


cdef void _all_rows(BoundJob* job, Py_ssize_t lane) noexcept nogil:
    """What is known without codes: nothing."""
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n), rows, j
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    for j in range(job.m):
        job.bounds[(3 * lane + 1) * job.m + j] = INFINITY
        job.bounds[(3 * lane + 2) * job.m + j] = end - row
    while row < end:
        rows = min(<Py_ssize_t> CODE_ROWS, end - row)
        for j in range(job.m):
            job.masks[row // CODE_ROWS * job.m + j] = (<uint64_t> -1) >> (CODE_ROWS - rows)
        row += CODE_ROWS


cdef void _bound_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef BoundJob* job = <BoundJob*> arg
    if not job.fits:
        _all_rows(job, lane)
    elif job.single:
        _bound_lane(job, <const float*> job.squares, lane, slot)
    else:
        _bound_lane(job, <const double*> job.squares, lane, slot)


cdef HitMargin _margin(CodePanel coded, Py_ssize_t d, double eps) noexcept nogil:
    cdef HitMargin margin
    cdef double rounding = (d + 8) * eps + 1e-6  # of a distance by differences
    margin.per_square = <float> ((1 - OFF) / (2 * coded.unit))
    margin.per_closest = <float> ((1 + rounding) / (2 * coded.unit))
    margin.per_norm = <float> (ABOUT * coded.error / coded.unit)
    margin.per_error = <float> (ABOUT * (coded.error + coded.norm) / coded.unit)
    margin.slack = <float> (ABOUT * coded.slack + 2)
    margin.square_off = <float> (2 * OFF)
    margin.closest_off = <float> (4 * rounding)
    return margin


def bound_gains(
    const double[::1] weight,           # IN (n,) or None
    const floating[:, ::1] candidates,  # IN (m, d) less the shift
    const floating[::1] squares,        # IN (n,) to the nearest centre so far
    double step,                        # IN of the rows' codes
    const uint8_t[:, :, :, ::1] codes,  # IN (tiles, words, CODE_ROWS, 4)
    const float[::1] norms,             # IN (n,)
    const float[::1] errors,            # IN (n,)
    uint64_t[:, ::1] masks,             # OUT (n / 64, m): the rows that each may hit
    double[:, ::1] bounds,              # OUT (3, m): least and most gain, and how many rows
    int n_threads,
):
    """Bound by how much the weighted sum would fall, but for the rounding of sums."""
    cdef Py_ssize_t n = squares.shape[0], m = candidates.shape[0], d = candidates.shape[1], j
    cdef Py_ssize_t padded = panel_rows(m), lanes = lane_count(n, 8, 8 * n)
    cdef Scratch panel = scratch(padded * codes.shape[1], sizeof(int32_t))
    cdef Scratch init = scratch(padded, sizeof(int32_t))
    cdef Scratch products = scratch(n_threads * CODE_ROWS * padded, sizeof(int32_t))
    cdef Scratch lane_bounds = scratch(lanes * 3 * m, sizeof(double))
    cdef CodePanel coded
    cdef BoundJob job
    job.single, job.n, job.m = floating is float, n, m
    job.squares, job.weight = &squares[0], NULL
    if weight is not None:
        job.weight = &weight[0]
    job.codes, job.norms, job.errors = &codes[0, 0, 0, 0], &norms[0], &errors[0]
    job.words, job.fine = code_words(d), codes.shape[1] > code_words(d)
    job.panel, job.init = <int32_t*> panel.data, <int32_t*> init.data
    job.n_lanes, job.masks = lanes, &masks[0, 0]
    job.bounds, job.products = <double*> lane_bounds.data, <int32_t*> products.data
    with nogil:
        coded = encode_panel(
            &candidates[0, 0], m, d, step, job.fine, <int32_t*> panel.data, <int32_t*> init.data)
        job.margin = _margin(coded, d, 1.2e-7 if floating is float else 2.3e-16)
        job.fits = coded.fits
        run_region(_bound_task, &job, lanes, 0.01 * n * d * padded, n_threads)
        reduce_lanes(job.bounds, lanes, 3 * m, &bounds[0, 0])
        for j in range(m):
            bounds[0, j] *= 2 * coded.unit
            bounds[1, j] *= 2 * coded.unit
