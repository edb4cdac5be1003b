# How k-means labels the rows of a tile by their 8-bit codes: see `kmeans_quantized.pyx`.
from cython cimport floating
from libc.stdint cimport int32_t, uint16_t, uint64_t, uint8_t
from libc.string cimport memcpy

from algos._cython._codes cimport CODE_ROWS, code_products, code_reaching
from algos._cython._pairs cimport stage_rows, staged_nearest
from algos._cython._relabel cimport Relabelling, relabel
from algos._cython._seed_hits cimport fetch_rows, lowest_bit
from algos._cython._tile cimport panel_rows

cdef extern from "_code_gaps.h" nogil:
    uint64_t algos_lower_gaps(
        uint16_t* gap, const int32_t* label, const int32_t* fall, Py_ssize_t rows)
    void algos_code_gaps(
        const int32_t* most, const int32_t* least, const int32_t* below, const float* norm,
        float twice_unit, float per_gap, uint16_t* gap)
    uint16_t algos_measured_gap(
        double square, double next_square, double rounding, int32_t most, int32_t least,
        int32_t below, float norm, float twice_unit, float per_gap)
    void algos_copy_codes(
        const uint8_t* tile, Py_ssize_t words, Py_ssize_t i, uint8_t* to, Py_ssize_t p)

cdef extern from *:
    int count_bits "__builtin_popcountll"(uint64_t mask) noexcept nogil

cdef enum:
    ALL = 1 << 30  # a margin that every product is within

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
    void* centers            # (k, staged_size) less the shift
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
    int32_t* panel
    int32_t* init
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
        i = lowest_bit(left)
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
    algos_code_gaps(most, threshold, below, batch.norm, job.twice_unit, job.per_gap, gap)
    several ^= measured
    while several:
        gap[lowest_bit(several)] = 0
        several &= several - 1
    while measured:
        i = lowest_bit(measured)
        measured &= measured - 1
        gap[i] = algos_measured_gap(
            least[i], second[i], job.rounding, most[i], threshold[i], below[i], batch.norm[i],
            job.twice_unit, job.per_gap)
    for i in range(batch.rows):
        own = job.gaps + batch.index[i]
        own[0] = max(own[0], gap[i])


cdef inline void _relabel_batch(
    QuantizedJob* job, const floating* X, const Batch* batch, const int32_t* label,
    Py_ssize_t lane,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint64_t moved = 0
    # First which, then what: whether a row changes cannot be foreseen, nor then be waited for.
    for i in range(batch.rows):
        moved |= (<uint64_t> (label[i] != job.moves.labels[batch.index[i]])) << i
    moved &= batch.open
    while moved:
        i = lowest_bit(moved)
        moved &= moved - 1
        relabel(&job.moves, X + batch.index[i] * job.d, batch.index[i], label[i], lane)


cdef inline void label_batch(
    QuantizedJob* job, const floating* X, const Batch* batch, char* room, Py_ssize_t lane,
) noexcept nogil:
    """Label the open rows by their codes, and by distances where these leave a doubt."""
    cdef int32_t label[CODE_ROWS]
    cdef int32_t most[CODE_ROWS]
    cdef int32_t threshold[CODE_ROWS]
    cdef int32_t below[CODE_ROWS]
    cdef floating least[CODE_ROWS]
    cdef floating second[CODE_ROWS]
    cdef int32_t* products = <int32_t*> (<floating*> room + CODE_ROWS * job.staged_size)
    cdef uint64_t* masks = _masks(job, <floating*> room)
    cdef uint64_t several, doubtful
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
    _relabel_batch(job, X, batch, label, lane)


cdef inline void label_measured(
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
        i = lowest_bit(left)
        left &= left - 1
        job.gaps[tile.index[i]] = algos_measured_gap(
            least[i], second[i], job.rounding, 0, 0, -ALL, tile.norm[i], job.twice_unit,
            job.per_gap)
        relabel(&job.moves, X + tile.index[i] * job.d, tile.index[i], label[i], lane)


cdef inline void begin_tile(
    const QuantizedJob* job, Py_ssize_t start, Py_ssize_t rows, Batch* batch
) noexcept nogil:
    cdef Py_ssize_t i
    batch.codes = job.codes + start * 4 * job.all_words
    batch.norm, batch.error = job.norms + start, job.errors + start
    batch.rows = rows
    for i in range(CODE_ROWS):
        batch.index[i] = start + i
    batch.open = (<uint64_t> -1) >> (CODE_ROWS - rows)


cdef inline void gather_open(
    QuantizedJob* job, const floating* X, const Batch* tile, Gathered* to, char* room,
    Py_ssize_t lane,
) noexcept nogil:
    """Put the open rows of a tile with those that wait; label these whenever they are 64."""
    cdef uint64_t left = tile.open
    cdef Py_ssize_t i, p
    while left:
        i = lowest_bit(left)
        left &= left - 1
        p = to.batch.rows
        algos_copy_codes(tile.codes, job.all_words, i, <uint8_t*> to.batch.codes, p)
        to.norm[p], to.error[p] = tile.norm[i], tile.error[i]
        to.batch.index[p] = tile.index[i]
        to.batch.rows += 1
        if to.batch.rows == CODE_ROWS:
            label_batch(job, X, &to.batch, room, lane)
            to.batch.rows = 0
