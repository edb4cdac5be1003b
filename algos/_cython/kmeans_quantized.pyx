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
from algos._cython._codes cimport CODE_ROWS, CodePanel, code_words, encode_panel
from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._pairs cimport staged_size
from algos._cython._quantized cimport (
    Batch, Gathered, QuantizedJob, algos_lower_gaps, begin_tile, count_bits, gather_open,
    label_batch, label_measured,
)
from algos._cython._threads cimport run_region
from algos._cython._tile cimport panel_rows

cdef enum:
    FEW = 16  # rows of a tile that are sooner measured than all looked at

cdef double TWICE = 2 * (1 + 1e-5)  # more than floats round


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
        begin_tile(job, row, rows, &tile)
        if job.gaps != NULL:
            tile.open = algos_lower_gaps(
                job.gaps + row, job.moves.labels + row, job.fall, rows)
        job.seen[lane] += count_bits(tile.open)
        if job.gaps != NULL and (rows < CODE_ROWS or count_bits(tile.open) <= job.few):
            if job.is_wide:
                label_measured(job, X, &tile, room, lane)
            else:
                gather_open(job, X, &tile, &some, room, lane)
        else:
            label_batch(job, X, &tile, room, lane)
        row += CODE_ROWS
    if some.batch.rows:
        some.batch.open = (<uint64_t> -1) >> (CODE_ROWS - some.batch.rows)
        label_batch(job, X, &some.batch, room, lane)


cdef void _label_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef QuantizedJob* job = <QuantizedJob*> arg
    if job.single:
        _label_lane(job, <const float*> job.X, lane, slot)
    else:
        _label_lane(job, <const double*> job.X, lane, slot)


cdef void _describe_rows(
    QuantizedJob* job, const floating[:, ::1] X, const double[::1] weight,
    const floating[::1] shift, const uint8_t[:, :, :, ::1] codes, const float[::1] norms,
    const float[::1] errors, int32_t[::1] labels,
) noexcept:
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
    job.single = floating is float
    job.X, job.n, job.d, job.shift = &X[0, 0], n, d, &shift[0]
    job.staged_size = staged_size(&shift[0], d)
    job.rounding = (d + 8) * (FLT_EPSILON if floating is float else DBL_EPSILON)
    job.codes, job.norms, job.errors = &codes[0, 0, 0, 0], &norms[0], &errors[0]
    job.words, job.all_words = code_words(d), codes.shape[1]
    job.fine = job.all_words > job.words
    job.moves.d, job.moves.shift, job.moves.labels = d, &shift[0], &labels[0]
    job.moves.weight = NULL
    if weight is not None:
        job.moves.weight = &weight[0]


cdef void _describe_gaps(
    QuantizedJob* job, uint16_t[::1] gaps, const int32_t[::1] fall, double per_gap
) noexcept:
    """Say which gaps there are, and when rows without one are sooner measured than gathered."""
    job.gaps, job.fall, job.per_gap = NULL, NULL, <float> per_gap
    if gaps is not None:
        job.gaps, job.fall = &gaps[0], &fall[0]
    job.is_wide = job.all_words > 2 * job.k
    job.few = FEW if job.is_wide else CODE_ROWS * job.k // (job.k + 45 + job.all_words)


cdef Py_ssize_t _count_lanes(
    Py_ssize_t n, Py_ssize_t k, Py_ssize_t cells, Py_ssize_t data_bytes
) noexcept nogil:
    # A fourth more than it is: the codes take of the memory that lanes have elsewhere.
    cdef Py_ssize_t lanes = lane_count(n, 10 * (cells + k), data_bytes)
    return lanes - lanes % 4 if lanes > 4 else lanes  # which as many threads share evenly


cdef class _Rooms:
    """Scratch memory of a pass: the centres, a room for each thread, and what lanes find."""
    cdef Scratch staged, panel, init, rooms, sums, counts, changed, measured, seen

    cdef int take(
        self, QuantizedJob* job, Py_ssize_t cells, Py_ssize_t itemsize, int n_threads
    ) except -1:
        """Take it; the sums of a lane have `cells`, 0 if they are not wanted."""
        cdef Py_ssize_t k = job.k, lanes = job.n_lanes, padded = panel_rows(k)
        cdef Py_ssize_t room = k * sizeof(uint64_t) + CODE_ROWS * (
            job.staged_size * itemsize + padded * sizeof(int32_t) + 4 * job.all_words)
        job.scratch_size = (room + 63) // 64 * 64
        self.staged = scratch(k * job.staged_size, itemsize)
        self.panel = scratch(padded * job.all_words, sizeof(int32_t))
        self.init = scratch(padded, sizeof(int32_t))
        self.rooms = scratch(n_threads * job.scratch_size // 64, 64)
        self.sums = scratch(lanes * cells, sizeof(double))
        self.counts = scratch(lanes * k, sizeof(double))
        self.changed = scratch(lanes, sizeof(Py_ssize_t))
        self.measured = scratch(lanes, sizeof(Py_ssize_t))
        self.seen = scratch(lanes, sizeof(Py_ssize_t))
        job.centers, job.scratch = self.staged.data, <char*> self.rooms.data
        job.panel, job.init = <int32_t*> self.panel.data, <int32_t*> self.init.data
        job.moves.sums = <double*> self.sums.data if cells > 0 else NULL
        job.moves.counts = <double*> self.counts.data
        job.moves.changed = <Py_ssize_t*> self.changed.data
        job.measured = <Py_ssize_t*> self.measured.data
        job.seen = <Py_ssize_t*> self.seen.data
        return 0


cdef bint _encode_centers(
    QuantizedJob* job, const floating* shifted, double step
) noexcept nogil:
    """Stage and encode the centres; return whether their codes are within the integers."""
    cdef Py_ssize_t i
    cdef CodePanel coded
    for i in range(job.k):
        memcpy(<floating*> job.centers + i * job.staged_size, shifted + i * job.d,
               job.d * sizeof(floating))
    coded = encode_panel(shifted, job.k, job.d, step, job.fine, job.panel, job.init)
    if coded.fits:
        job.per_norm = <float> (TWICE * coded.error / coded.unit)
        job.per_error = <float> (TWICE * (coded.error + coded.norm) / coded.unit)
        job.slack = <float> (TWICE * coded.slack + 1)
        job.twice_unit = <float> (2 * coded.unit)
    return coded.fits


cdef Py_ssize_t _total(const Py_ssize_t* lanes, Py_ssize_t n_lanes) noexcept nogil:
    cdef Py_ssize_t lane, total = 0
    for lane in range(n_lanes):
        total += lanes[lane]
    return total


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
    cdef Py_ssize_t k = shifted.shape[0], cells = 0 if sums is None else k * X.shape[1]
    cdef _Rooms rooms = _Rooms()
    cdef QuantizedJob job
    cdef bint fits
    job.k = job.moves.k = k
    _describe_rows(&job, X, weight, shift, codes, norms, errors, labels)
    _describe_gaps(&job, gaps, fall, per_gap)
    job.n_lanes = _count_lanes(job.n, k, cells, job.n * job.d * sizeof(floating))
    rooms.take(&job, cells, sizeof(floating), n_threads)
    with nogil:
        fits = _encode_centers(&job, &shifted[0, 0], step)
        if fits:
            run_region(
                _label_task, &job, job.n_lanes, 0.01 * job.n * job.d * panel_rows(k), n_threads)
            if cells > 0:
                reduce_lanes(job.moves.sums, job.n_lanes, cells, &sums[0, 0])
                reduce_lanes(job.moves.counts, job.n_lanes, k, &counts[0])
    if not fits:
        return -1, 0, 0
    return (_total(job.moves.changed, job.n_lanes), _total(job.measured, job.n_lanes),
            _total(job.seen, job.n_lanes))
