"""One pass of k-means over 8-bit codes of the rows, with the labels of the rows themselves.

The integer products of a row with all centres are exact, and what the codes leave of rows and
centres is known, so (Cauchy and Schwarz)

    |x.c - unit * product| <= (||x|| + e) * E + e * ||c||

for errors of length e and E. A centre whose x.c - ||c||^2 / 2 falls short of the largest by
more than twice that cannot be the nearest. If one centre is left it is the label; else those
that are left are measured by differences.

Where gaps are kept (_code_gaps.h), a row that still has one is not looked at. Unless they are
many in a tile, the codes of the others are gathered; with few centres and many columns that
would take longer than to measure them.
"""

from cython cimport floating
from libc.float cimport DBL_EPSILON, FLT_EPSILON
from libc.stdint cimport int32_t, uint16_t, uint64_t, uint8_t
from libc.string cimport memcpy, memset
from algos._cython._codes cimport (
    CODE_ROWS, CodePanel,
    code_products, code_reaching, code_words, encode_panel,
)
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._pairs cimport stage_rows, staged_nearest, staged_size
from algos._cython._relabel cimport Relabelling, relabel
from algos._cython._seed_hits cimport fetch_rows
from algos._cython._threads cimport run_region
from algos._cython._tile cimport panel_rows

cdef extern from "_code_gaps.h" nogil:
    uint64_t algos_lower_gaps(
        uint16_t* gap, const int32_t* label, const int32_t* fall, Py_ssize_t rows)
    void algos_code_gaps(
        const int32_t* most, const int32_t* least, const int32_t* below, const float* norm,
        float twice_unit, float off, float per_gap, uint16_t* gap)
    uint16_t algos_measured_gap(
        double square, double next_square, double rounding, int32_t most, int32_t least,
        int32_t below, float norm, float twice_unit, float off, float per_gap)
    void algos_copy_codes(
        const uint8_t* tile, Py_ssize_t words, Py_ssize_t i, uint8_t* to, Py_ssize_t p)

cdef extern from *:
    int first_bit "__builtin_ctzll"(uint64_t mask) noexcept nogil
    int count_bits "__builtin_popcountll"(uint64_t mask) noexcept nogil

cdef enum:
    ALL = 1 << 30  # a margin that every product is within
    FEW = 16       # rows of a tile that are sooner measured than all looked at

cdef double TWICE = 2 * (1 + 1e-5)  # more than floats round
cdef double OFF = 1e-4              # squares of norms that are right to 1e-5, and to spare

# Rows to be looked at together: those of a tile of codes, or some that were gathered.
cdef struct Batch:
    const uint8_t* codes
    const float* norm
    const float* error
    Py_ssize_t index[CODE_ROWS]
    Py_ssize_t rows
    uint64_t open        # those whose label is in doubt

# Where rows are gathered.
cdef struct Gathered:
    float norm[CODE_ROWS]
    float error[CODE_ROWS]
    Batch batch

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
    Py_ssize_t all_words
    bint fine
    uint16_t* gaps           # (n,) or NULL
    const int32_t* fall      # (k + 1,)
    float per_gap            # units of a distance
    float twice_unit         # of the products
    double rounding          # of a squared distance by differences
    bint is_wide             # single rows are measured
    Py_ssize_t few           # in a tile
    const int32_t* panel
    const int32_t* init
    float per_norm           # the margin of a row's products is norm * per_norm ...
    float per_error          # ... + error * per_error + slack
    float slack
    Relabelling moves
    char* scratch            # per slot: staged rows, products, masks, gathered codes
    Py_ssize_t scratch_size
    Py_ssize_t* measured     # (lanes,) distances that codes left open
    Py_ssize_t* seen         # (lanes,) rows that had no gap
    Py_ssize_t n_lanes


cdef inline uint64_t* _masks(const QuantizedJob* job, floating* staged) noexcept nogil:
    """Where masks stand in a slot's room: after staged rows and products."""
    cdef int32_t* products = <int32_t*> (staged + CODE_ROWS * job.staged_size)
    return <uint64_t*> (products + panel_rows(job.k) * CODE_ROWS)


cdef inline void _lower_thresholds(
    const QuantizedJob* job, const Batch* batch, int32_t* threshold
) noexcept nogil:
    """From the largest products, how small one may be for its centre to be the nearest."""
    cdef float per_norm = job.per_norm, per_error = job.per_error, margin
    cdef const float* norm = batch.norm
    cdef const float* error = batch.error
    cdef Py_ssize_t i
    for i in range(batch.rows):
        margin = norm[i] * per_norm + error[i] * per_error + job.slack
        margin = margin if margin < ALL else ALL
        threshold[i] -= <int32_t> margin


cdef inline Py_ssize_t _measure(
    const QuantizedJob* job, const floating* X, const Batch* batch, uint64_t several, char* room,
    const uint64_t* masks, int32_t* label, floating* least, floating* second,
) noexcept nogil:
    """Measure the centres that may be the nearest to some rows; return how many distances."""
    cdef floating* staged = <floating*> room
    cdef uint64_t left = several
    cdef Py_ssize_t size = job.staged_size, i
    while left:
        i = first_bit(left)
        left &= left - 1
        stage_rows(
            X + batch.index[i] * job.d, job.d, <const floating*> job.shift, 1, staged + i * size,
            size)
    return staged_nearest(
        staged, size, <const floating*> job.centers, job.k, masks, several, label, least, second)


cdef inline void _widen_gaps(
    QuantizedJob* job, const Batch* batch, uint64_t several, const int32_t* most,
    const int32_t* threshold, const int32_t* below, const floating* least,
    const floating* second,
) noexcept nogil:
    """Set the gaps of the rows, where that raises them.

    `several` rows may have more than one nearest centre; the open ones have been measured.
    """
    cdef uint16_t gap[CODE_ROWS]
    cdef uint16_t* own
    cdef Py_ssize_t i
    cdef uint64_t measured = several & batch.open
    algos_code_gaps(
        most, threshold, below, batch.norm, job.twice_unit, <float> OFF, job.per_gap, gap)
    several ^= measured
    while several:
        gap[first_bit(several)] = 0
        several &= several - 1
    while measured:
        i = first_bit(measured)
        measured &= measured - 1
        gap[i] = algos_measured_gap(
            least[i], second[i], job.rounding, most[i], threshold[i], below[i], batch.norm[i],
            job.twice_unit, <float> OFF, job.per_gap)
    for i in range(batch.rows):
        own = job.gaps + batch.index[i]
        own[0] = max(own[0], gap[i])


cdef inline void _label_batch(
    QuantizedJob* job, const floating* X, const Batch* batch, char* room, Py_ssize_t lane,
) noexcept nogil:
    cdef int32_t label[CODE_ROWS]
    cdef int32_t most[CODE_ROWS]
    cdef int32_t threshold[CODE_ROWS]
    cdef int32_t below[CODE_ROWS]
    cdef floating least[CODE_ROWS]
    cdef floating second[CODE_ROWS]
    cdef Py_ssize_t i
    cdef int32_t* products = <int32_t*> (<floating*> room + CODE_ROWS * job.staged_size)
    cdef uint64_t* masks = _masks(job, <floating*> room)
    cdef uint64_t several, doubtful, moved = 0
    code_products(
        batch.codes, job.words, job.fine, job.panel, job.init, job.k, products, most)
    memcpy(threshold, most, sizeof(most))
    _lower_thresholds(job, batch, threshold)
    several = code_reaching(
        products, job.k, threshold, masks, label, below if job.gaps != NULL else NULL)
    doubtful = several & batch.open
    if doubtful:
        job.measured[lane] += _measure(
            job, X, batch, doubtful, room, masks, label, least, second)
    if job.gaps != NULL:
        _widen_gaps(job, batch, several, most, threshold, below, least, second)
    # First which, then what: whether a row changes cannot be foreseen, nor then be waited for.
    for i in range(batch.rows):
        moved |= (<uint64_t> (label[i] != job.moves.labels[batch.index[i]])) << i
    moved &= batch.open
    while moved:
        i = first_bit(moved)
        moved &= moved - 1
        relabel(
            &job.moves, X + batch.index[i] * job.d, batch.index[i], label[i], lane)


cdef inline void _label_measured(
    QuantizedJob* job, const floating* X, const Batch* tile, char* room, Py_ssize_t lane,
) noexcept nogil:
    """The same of the open rows alone, by all distances."""
    cdef int32_t label[CODE_ROWS]
    cdef floating least[CODE_ROWS]
    cdef floating second[CODE_ROWS]
    cdef uint64_t* masks = _masks(job, <floating*> room)
    cdef uint64_t left = tile.open
    cdef Py_ssize_t i
    fetch_rows(
        <const char*> (X + tile.index[0] * job.d), job.d * sizeof(floating), left)
    for i in range(job.k):
        masks[i] = left
    _measure(job, X, tile, left, room, masks, label, least, second)
    while left:
        i = first_bit(left)
        left &= left - 1
        job.gaps[tile.index[i]] = algos_measured_gap(
            least[i], second[i], job.rounding, 0, 0, -ALL, tile.norm[i], job.twice_unit,
            <float> OFF, job.per_gap)
        relabel(&job.moves, X + tile.index[i] * job.d, tile.index[i], label[i], lane)


cdef inline void _begin_tile(
    const QuantizedJob* job, Py_ssize_t start, Py_ssize_t rows, Batch* batch
) noexcept nogil:
    cdef Py_ssize_t i
    batch.codes = job.codes + start * 4 * job.all_words
    batch.norm, batch.error = job.norms + start, job.errors + start
    batch.rows = rows
    for i in range(CODE_ROWS):
        batch.index[i] = start + i
    batch.open = (<uint64_t> -1) >> (CODE_ROWS - rows)


cdef inline void _gather(
    QuantizedJob* job, const floating* X, const Batch* tile, Gathered* to, char* room,
    Py_ssize_t lane,
) noexcept nogil:
    """Put the open rows of a tile with those that wait; label these whenever they are 64."""
    cdef uint64_t left = tile.open
    cdef Py_ssize_t i, p
    while left:
        i = first_bit(left)
        left &= left - 1
        p = to.batch.rows
        algos_copy_codes(tile.codes, job.all_words, i, <uint8_t*> to.batch.codes, p)
        to.norm[p], to.error[p] = tile.norm[i], tile.error[i]
        to.batch.index[p] = tile.index[i]
        to.batch.rows += 1
        if to.batch.rows == CODE_ROWS:
            _label_batch(job, X, &to.batch, room, lane)
            to.batch.rows = 0


cdef void _label_lane(
    QuantizedJob* job, const floating* X, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.n), rows
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.n)
    cdef char* room = job.scratch + slot * job.scratch_size
    cdef Batch tile
    cdef Gathered some
    memset(&some, 0, sizeof(some))
    some.batch.open = <uint64_t> -1
    some.batch.norm, some.batch.error = some.norm, some.error
    some.batch.codes = <uint8_t*> room + job.scratch_size - 4 * CODE_ROWS * job.all_words
    while row < end:
        rows = min(<Py_ssize_t> CODE_ROWS, end - row)
        _begin_tile(job, row, rows, &tile)
        if job.gaps != NULL:
            tile.open = algos_lower_gaps(
                job.gaps + row, job.moves.labels + row, job.fall, rows)
        job.seen[lane] += count_bits(tile.open)
        if job.gaps != NULL and (rows < CODE_ROWS or count_bits(tile.open) <= job.few):
            if job.is_wide:
                _label_measured(job, X, &tile, room, lane)
            else:
                _gather(job, X, &tile, &some, room, lane)
        else:
            _label_batch(job, X, &tile, room, lane)
        row += CODE_ROWS
    if some.batch.rows:
        some.batch.open = (<uint64_t> -1) >> (CODE_ROWS - some.batch.rows)
        _label_batch(job, X, &some.batch, room, lane)


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
    uint16_t[::1] gaps,              # INOUT (n,) or None; 0 for rows that have none yet
    const int32_t[::1] fall,         # IN (k + 1,) what the gap of each label falls by, after
                                     # that of no label; given with gaps, as is:
    double per_gap,                  # IN: units of a gap in a distance
    int n_threads,
):
    """Label each row with its nearest centre.

    Returns (changed, measured, seen): how many labels differ from those given, how many
    distances were measured because codes left them open, and how many rows had no gap;
    (-1, 0, 0), and nothing is done, if the centres are so far from the rows that integers would
    overflow.
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], k = shifted.shape[0], lane
    cdef Py_ssize_t padded = panel_rows(k)
    cdef Py_ssize_t cells = 0 if sums is None else k * d
    # A fourth more than it is: the codes take of the memory that lanes have elsewhere.
    cdef Py_ssize_t lanes = lane_count(n, 10 * (cells + k), n * d * sizeof(floating))
    if lanes > 4:
        lanes -= lanes % 4  # which as many threads share evenly
    cdef Py_ssize_t size = staged_size(&shift[0], d), i
    cdef Py_ssize_t room = CODE_ROWS * size * sizeof(floating) + (
        padded * CODE_ROWS * sizeof(int32_t) + k * sizeof(uint64_t)
        + CODE_ROWS * 4 * codes.shape[1])
    cdef Scratch staged = scratch(k * size, sizeof(floating))
    cdef Scratch panel = scratch(padded * codes.shape[1], sizeof(int32_t))
    cdef Scratch init = scratch(padded, sizeof(int32_t))
    cdef Scratch rooms = scratch(n_threads * ((room + 63) // 64), 64)
    cdef Scratch lane_sums = scratch(lanes * cells, sizeof(double))
    cdef Scratch lane_counts = scratch(lanes * k, sizeof(double))
    cdef Scratch changed = scratch(lanes, sizeof(Py_ssize_t))
    cdef Scratch measured = scratch(lanes, sizeof(Py_ssize_t))
    cdef Scratch seen = scratch(lanes, sizeof(Py_ssize_t))
    cdef Py_ssize_t n_changed = 0, n_measured = 0, n_seen = 0
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
    job.all_words = codes.shape[1]
    job.gaps, job.fall = NULL, NULL
    if gaps is not None:
        job.gaps, job.fall = &gaps[0], &fall[0]
    job.per_gap = <float> per_gap
    job.is_wide = codes.shape[1] > 2 * k
    job.few = FEW if job.is_wide else CODE_ROWS * k // (k + 45 + codes.shape[1])
    job.rounding = (d + 8) * (FLT_EPSILON if floating is float else DBL_EPSILON)
    job.panel, job.init = <int32_t*> panel.data, <int32_t*> init.data
    job.moves.labels = &labels[0]
    job.scratch, job.scratch_size = <char*> rooms.data, (room + 63) // 64 * 64
    job.moves.sums = NULL if sums is None else <double*> lane_sums.data
    job.moves.counts = <double*> lane_counts.data
    job.moves.changed, job.measured = <Py_ssize_t*> changed.data, <Py_ssize_t*> measured.data
    job.seen, job.n_lanes = <Py_ssize_t*> seen.data, lanes
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
            job.twice_unit = <float> (2 * coded.unit)
            run_region(_label_task, &job, lanes, 0.01 * n * d * padded, n_threads)
            for lane in range(lanes):
                n_changed += job.moves.changed[lane]
                n_measured += job.measured[lane]
                n_seen += job.seen[lane]
            if sums is not None:
                reduce_lanes(job.moves.sums, lanes, k * d, &sums[0, 0])
                reduce_lanes(job.moves.counts, lanes, k, &counts[0])
    if not coded.fits:
        return -1, 0, 0
    return n_changed, n_measured, n_seen
