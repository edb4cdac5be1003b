"""One pass of k-means over 8-bit codes of the rows, with the labels of the rows themselves.

The integer products of a row with all centres are exact, and what the codes leave of rows and
centres is known, so (Cauchy and Schwarz)

    |x.c - unit * product| <= (||x|| + e) * E + e * ||c||

for errors of length e and E. A centre whose x.c - ||c||^2 / 2 falls short of the largest by
more than twice that cannot be the nearest. If one centre is left it is the label; else those
that are left are measured by differences.
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
from algos._cython._pairs cimport stage_rows, staged_nearest, staged_size
from algos._cython._relabel cimport Relabelling, relabel
from algos._cython._threads cimport run_region
from algos._cython._tile cimport panel_rows

cdef enum:
    ALL = 1 << 30  # a margin that every product is within

cdef extern from *:
    """
    static inline int algos_first_bit(uint64_t mask) { return __builtin_ctzll(mask); }
    """
    int first_bit "algos_first_bit"(uint64_t mask) noexcept nogil

cdef double TWICE = 2 * (1 + 1e-5)  # more than floats round

cdef struct QuantizedJob:
    bint single              # float32
    const void* X            # (n, d)
    Py_ssize_t n, d, k
    const void* shift        # (d,)
    const void* centers      # (k, staged_size) less the shift
    Py_ssize_t staged_size
    const uint8_t* codes     # (tiles, words, CODE_ROWS, 4)
    const float* norms       # (n,)
    const float* errors      # (n,)
    Py_ssize_t words         # of the high codes
    bint fine
    const int32_t* panel
    const int32_t* init
    float per_norm           # the margin of a row's products is norm * per_norm ...
    float per_error          # ... + error * per_error + slack
    float slack
    Relabelling moves
    char* scratch            # per slot: staged rows, products, masks
    Py_ssize_t scratch_size
    Py_ssize_t* measured     # (lanes,) distances
    Py_ssize_t n_lanes


cdef inline void _lower_thresholds(
    const QuantizedJob* job, Py_ssize_t start, Py_ssize_t rows, int32_t* threshold
) noexcept nogil:
    """From the largest products, how small one may be for its centre to be the nearest."""
    cdef float per_norm = job.per_norm, per_error = job.per_error, margin
    cdef const float* norm = job.norms + start
    cdef const float* error = job.errors + start
    cdef Py_ssize_t i
    for i in range(rows):
        margin = norm[i] * per_norm + error[i] * per_error + job.slack
        margin = margin if margin < ALL else ALL
        threshold[i] -= <int32_t> margin


cdef inline void _label_tile(
    QuantizedJob* job, const floating* X, Py_ssize_t start, Py_ssize_t rows, char* room,
    Py_ssize_t lane,
) noexcept nogil:
    cdef int32_t label[CODE_ROWS]
    cdef int32_t threshold[CODE_ROWS]
    cdef Py_ssize_t i
    cdef const floating* x = X + start * job.d
    cdef floating* staged = <floating*> room
    cdef int32_t* products = <int32_t*> (staged + CODE_ROWS * job.staged_size)
    cdef uint64_t* masks = <uint64_t*> (products + panel_rows(job.k) * CODE_ROWS)
    cdef uint64_t several, here = <uint64_t> -1
    code_products(
        job.codes + start * job.words * (8 if job.fine else 4), job.words, job.fine,
        job.panel, job.init, job.k, products, threshold,
    )
    _lower_thresholds(job, start, rows, threshold)
    several = code_reaching(products, job.k, threshold, masks, label)
    if rows < CODE_ROWS:
        here = ((<uint64_t> 1) << rows) - 1
    several &= here
    if several:
        stage_rows(x, job.d, <const floating*> job.shift, several, staged, job.staged_size)
        job.measured[lane] += staged_nearest(
            staged, job.staged_size, <const floating*> job.centers, job.k, masks, several, label)
    # First which, then what: whether a row changes cannot be foreseen, nor then be waited for.
    several = 0
    for i in range(rows):
        several |= (<uint64_t> (label[i] != job.moves.labels[start + i])) << i
    while several:
        i = first_bit(several)
        several &= several - 1
        relabel(&job.moves, x + i * job.d, start + i, label[i], lane)


cdef void _label_lane(
    QuantizedJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n)
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef char* room = job.scratch + slot * job.scratch_size
    while row < end:
        _label_tile(job, X, row, min(<Py_ssize_t> CODE_ROWS, end - row), room, lane)
        row += CODE_ROWS


cdef void _label_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef QuantizedJob* job = <QuantizedJob*> arg
    if job.single:
        _label_lane(job, <const float*> job.X, lane, slot)
    else:
        _label_lane(job, <const double*> job.X, lane, slot)


def assign_quantized(
    const floating[:, ::1] X,        # IN (n, d)
    const double[::1] weight,        # IN (n,) or None
    const floating[::1] shift,       # IN (d,)
    const floating[:, ::1] shifted,  # IN (k, d) the centres less the shift
    double step,                     # IN of the rows' codes
    const uint8_t[:, :, :, ::1] codes,  # IN (tiles, words, CODE_ROWS, 4)
    const float[::1] norms,          # IN (n,)
    const float[::1] errors,         # IN (n,)
    int32_t[::1] labels,             # INOUT (n,), -1 for rows that have none yet
    double[:, ::1] sums,             # OUT (k, d) changes of the sums by label, or None
    double[::1] counts,              # OUT (k,) changes of the weights, given with sums
    int n_threads,
):
    """Label each row with its nearest centre.

    Returns (changed, measured): how many labels differ from those given, and how many
    distances were measured; (-1, 0), and nothing is done, if the centres are so far from the
    rows that integers would overflow.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = shifted.shape[0], lane
    cdef Py_ssize_t padded = panel_rows(k)
    cdef Py_ssize_t cells = 0 if sums is None else k * d
    cdef Py_ssize_t lanes = lane_count(n, 8 * (cells + k), n * d * sizeof(floating))
    cdef Py_ssize_t size = staged_size(&shift[0], d), i
    cdef Py_ssize_t room = CODE_ROWS * size * sizeof(floating) + (
        padded * CODE_ROWS * sizeof(int32_t) + k * sizeof(uint64_t))
    cdef Scratch staged = scratch(k * size, sizeof(floating))
    cdef Scratch panel = scratch(padded * codes.shape[1], sizeof(int32_t))
    cdef Scratch init = scratch(padded, sizeof(int32_t))
    cdef Scratch rooms = scratch(n_threads * ((room + 63) // 64), 64)
    cdef Scratch lane_sums = scratch(lanes * cells, sizeof(double))
    cdef Scratch lane_counts = scratch(lanes * k, sizeof(double))
    cdef Scratch changed = scratch(lanes, sizeof(Py_ssize_t))
    cdef Scratch measured = scratch(lanes, sizeof(Py_ssize_t))
    cdef Py_ssize_t n_changed = 0, n_measured = 0
    cdef CodePanel coded
    cdef QuantizedJob job
    job.single = floating is float
    job.X, job.n, job.d, job.k = &X[0, 0], n, d, k
    job.moves.weight = NULL
    if weight is not None:
        job.moves.weight = &weight[0]
    job.moves.d, job.moves.k, job.moves.shift = d, k, &shift[0]
    job.shift, job.centers, job.staged_size = &shift[0], staged.data, size
    job.codes, job.norms, job.errors = &codes[0, 0, 0, 0], &norms[0], &errors[0]
    job.words, job.fine = code_words(d), codes.shape[1] > code_words(d)
    job.panel, job.init = <int32_t*> panel.data, <int32_t*> init.data
    job.moves.labels = &labels[0]
    job.scratch, job.scratch_size = <char*> rooms.data, (room + 63) // 64 * 64
    job.moves.sums = NULL if sums is None else <double*> lane_sums.data
    job.moves.counts = <double*> lane_counts.data
    job.moves.changed, job.measured = <Py_ssize_t*> changed.data, <Py_ssize_t*> measured.data
    job.n_lanes = lanes
    with nogil:
        for i in range(k):
            memcpy(<floating*> staged.data + i * size, &shifted[i, 0], d * sizeof(floating))
        coded = encode_panel(
            &shifted[0, 0], k, d, step, job.fine,
            <int32_t*> panel.data, <int32_t*> init.data,
        )
        if coded.fits:
            job.per_norm = <float> (TWICE * coded.error / coded.unit)
            job.per_error = <float> (TWICE * (coded.error + coded.norm) / coded.unit)
            job.slack = <float> (TWICE * coded.slack + 1)
            run_region(_label_task, &job, lanes, 0.01 * n * d * padded, n_threads)
            for lane in range(lanes):
                n_changed += job.moves.changed[lane]
                n_measured += job.measured[lane]
            if sums is not None:
                reduce_lanes(job.moves.sums, lanes, k * d, &sums[0, 0])
                reduce_lanes(job.moves.counts, lanes, k, &counts[0])
    if not coded.fits:
        return -1, 0
    return n_changed, n_measured
