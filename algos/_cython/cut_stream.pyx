"""Streams into a random cut forest: rows are scored and learned in turn.

A tree needs nothing of the others, so each goes over all the rows of a block: it scores those
up to the next row that it takes, replaces by it the one of the largest key, draws which row it
will take next, and goes on.
"""

from cython cimport floating
from libc.float cimport DBL_EPSILON
from libc.math cimport exp, fabs
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy

from algos._cython._cut_attribution cimport (
    algos_cut_shares, algos_cut_sum_to, algos_cut_work_in, algos_cut_work_size,
)
from algos._cython._cut_reservoir cimport DRAWN, NEXT, SEEN, Reservoir, drawn
from algos._cython._cut_scale cimport scaled
from algos._cython._cut_score cimport algos_cut_finish, algos_cut_scores
from algos._cython._cut_stream cimport (
    Stream, begin_tree, change_stream, learn_row, take_row, view_stream,
)
from algos._cython._cut_threshold cimport Rule, Usual, grade_next
from algos._cython._cut_tree cimport CutForest, CutTree
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng
from algos._cython._threads cimport is_short, run_region

cdef enum:
    MOST_ROWS = 2048     # that the trees go over in turn
    LEAST_ROWS = 256
    MOST_SUMS = 1 << 16  # of all trees for such rows, where threads share these out
    MOST_SHARES = 1 << 21  # of all trees for such rows, where they are asked for
    ROW_BY_ROW = 3       # of so few rows, each is scored by all trees in step

# Relative spread below which a column is constant, as `scaling.ROUNDING`.
cdef double SAME = 16 * DBL_EPSILON

cdef struct StreamJob:
    Stream stream
    const float* rows    # row i is at rows + i * stride
    Py_ssize_t stride, n
    int method
    Py_ssize_t first_scored
    double* room         # for sums of each tree, or NULL where one thread goes over all trees
    double* sums         # row i's in tree t is at t * apart + i; or NULL
    Py_ssize_t apart     # 0 where the trees add to the same sums
    int shared           # the method by which the columns have shares
    double* shares       # (n_trees, n, d, 2), or NULL
    double* work         # (threads, slot_size)
    Py_ssize_t slot_size


cdef void _judge(
    const StreamJob* job, const CutTree* tree, Py_ssize_t t, int slot, Py_ssize_t begin,
    Py_ssize_t end,
) noexcept nogil:
    """Score rows in tree t as it stands, and share the scores out if asked."""
    cdef const float* rows = job.rows + begin * job.stride
    cdef Py_ssize_t n = end - begin
    algos_cut_scores(
        tree, rows, job.stride, n, job.method, job.sums + t * job.apart + begin)
    if job.shares != NULL and tree.heads[0] >= 0:
        algos_cut_shares(
            tree, rows, job.stride, n, job.shared,
            algos_cut_work_in(job.work + slot * job.slot_size, tree.d),
            job.shares + (t * job.n + begin) * 2 * tree.d)


cdef void _stream_through(
    const StreamJob* job, const CutTree* tree, const Reservoir* to, Rng* rng, Py_ssize_t t,
    int slot,
) noexcept nogil:
    """Score and learn a block's rows in one tree."""
    cdef int64_t seen = to.clock[SEEN]
    cdef Py_ssize_t scored = job.first_scored, row, stop
    while True:
        row = <Py_ssize_t> min(to.clock[NEXT] - seen, <int64_t> job.n)
        stop = min(row + 1, job.n)
        if job.sums != NULL and stop > scored:
            _judge(job, tree, t, slot, scored, stop)
            scored = stop
        if row == job.n:
            break
        take_row(tree, to, job.rows + row * job.stride, seen + row, job.stream.decay, rng)
    to.clock[SEEN] = seen + job.n


cdef inline void _clear(double* sums, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        sums[i] = 0


cdef inline void _sum_up(
    const double* sums, Py_ssize_t n_trees, Py_ssize_t n, double* out
) noexcept nogil:
    """Add up n sums of each tree, in the order of the trees."""
    cdef Py_ssize_t i, t
    _clear(out, n)
    for t in range(n_trees):
        for i in range(n):
            out[i] += sums[t * n + i]


cdef void _stream_task(void* arg, Py_ssize_t t, int slot) noexcept nogil:
    cdef StreamJob* job = <StreamJob*> arg
    cdef Py_ssize_t width = 2 * job.stream.forest.first.d
    cdef CutTree tree
    cdef Reservoir to
    cdef Rng rng
    cdef bint takes = begin_tree(&job.stream, t, job.n, &tree, &to, &rng)
    if job.sums != NULL and (job.apart > 0 or t == 0):
        _clear(job.sums + t * job.apart, job.n)
    if job.shares != NULL:
        _clear(job.shares + t * job.n * width, job.n * width)
    _stream_through(job, &tree, &to, &rng, t, slot)
    if takes:
        to.clock[DRAWN] = drawn(&rng)


cdef void _learn_block(
    StreamJob* job, double* scores, double* shares, int n_threads
) noexcept nogil:
    """Learn rows tree by tree, and add up the trees' scores in their order."""
    cdef Py_ssize_t n_trees = job.stream.forest.n_trees, d = job.stream.forest.first.d, i
    cdef double work = (80.0 + 3.0 * d) * job.n * n_trees
    job.apart = job.n if job.room != NULL else 0
    job.sums = job.room if job.room != NULL else scores
    run_region(_stream_task, job, n_trees, 10 * work if shares != NULL else work, n_threads)
    if scores == NULL:
        return
    if job.room != NULL:
        _sum_up(job.room, n_trees, job.n, scores)
    for i in range(job.n):
        scores[i] = algos_cut_finish(scores[i], n_trees, job.method)
    if shares == NULL:
        return
    _sum_up(job.shares, n_trees, job.n * 2 * d, shares)
    for i in range(job.n):
        algos_cut_sum_to(shares + i * 2 * d, d, scores[i])


cdef Py_ssize_t _block_rows(
    const CutForest* forest, bint explains, int n_threads
) noexcept nogil:
    cdef Py_ssize_t n = forest.n_trees
    if explains:
        n = MOST_SHARES // (2 * forest.first.d * n)
        return max(<Py_ssize_t> 1, min(<Py_ssize_t> MOST_ROWS, n))
    if n_threads == 1:
        return MOST_ROWS
    return max(<Py_ssize_t> LEAST_ROWS, min(<Py_ssize_t> MOST_ROWS, MOST_SUMS // n))


cdef void _learn(
    StreamJob* job, Py_ssize_t n_rows, double* scores, double* shares, int n_threads
) noexcept nogil:
    """Go over the rows in blocks, so that few sums are needed."""
    cdef const CutForest* forest = &job.stream.forest
    cdef Py_ssize_t first_scored = job.first_scored, width = 2 * forest.first.d
    cdef Py_ssize_t most = _block_rows(forest, shares != NULL, n_threads), block, start
    cdef const float* rows = job.rows
    for block in range((n_rows + most - 1) // most):
        start = block * most
        job.rows, job.n = rows + start * job.stride, min(n_rows - start, most)
        job.first_scored = max(first_scored - start, 0)
        _learn_block(
            job, scores + start if scores != NULL else NULL,
            shares + start * width if shares != NULL else NULL, n_threads)


cdef class _Rooms:
    """Scratch memory of a block of rows."""
    cdef Scratch sums, shares, work

    cdef int take_sums(self, StreamJob* job, Py_ssize_t rows) except -1:
        """Take what threads need that share the trees out among them."""
        self.sums = scratch(rows * job.stream.forest.n_trees, sizeof(double))
        job.room = <double*> self.sums.data
        return 0

    cdef int take_shares(self, StreamJob* job, Py_ssize_t rows, int n_threads) except -1:
        cdef const CutForest* forest = &job.stream.forest
        cdef Py_ssize_t d = forest.first.d
        job.slot_size = (algos_cut_work_size(forest.first.size, d) + 7) // 8 * 8
        self.shares = scratch(rows * forest.n_trees * 2 * d, sizeof(double))
        self.work = scratch(job.slot_size * n_threads, sizeof(double))
        job.shares, job.work = <double*> self.shares.data, <double*> self.work.data
        return 0


cdef void _learn_few(StreamJob* job, Py_ssize_t n_rows, double* scores) noexcept nogil:
    """Learn row by row, each scored by all trees in step."""
    cdef Py_ssize_t i
    for i in range(n_rows):
        scores[i] = learn_row(
            &job.stream, job.rows + i * job.stride, job.method, i >= job.first_scored)


def learn(
    const float[::1] rows,           # IN: row i starts at i * stride
    Py_ssize_t stride,
    Py_ssize_t n_rows,
    Py_ssize_t first_scored,         # the rows before get the score 0
    const uint64_t[::1] key,         # IN (2,)
    double[::1] decay,               # INOUT (1,)
    double next_decay,               # from the first of the rows on
    const int32_t[:, :, ::1] nodes,  # INOUT, and all that follow: a Forest's
    const int32_t[:, ::1] parent,
    const int32_t[:, ::1] mass,
    const float[::1] boxes,
    const float[:, ::1] spans,
    const float[::1] points,
    const int32_t[:, ::1] heads,
    Py_ssize_t d,
    double[:, ::1] keys,
    int32_t[:, ::1] leaves,
    int64_t[:, ::1] clock,
    double[::1] coming,
    int method,
    double[::1] scores,              # OUT (n_rows,), or None
    int shared,                      # the method by which columns have shares in the scores
    double[:, :, ::1] shares,        # OUT (n_rows, d, 2), with scores only, or None
    int n_threads,
):
    """Learn rows one after the other, each scored by what was learned before if asked for."""
    cdef StreamJob job
    cdef bint scored = scores is not None, explained = shares is not None
    cdef bint short = not explained and is_short(100.0 * n_rows * nodes.shape[0])
    cdef int threads = 1 if short else n_threads
    cdef Py_ssize_t most
    cdef _Rooms rooms = _Rooms()
    cdef double* out = NULL
    cdef double* all_shares = NULL
    if n_rows == 0:
        return
    if scored:
        out = &scores[0]
    if explained:
        all_shares = &shares[0, 0, 0]
    job.stream = view_stream(
        key, decay[0], nodes, parent, mass, boxes, spans, points, heads, d, keys, leaves, clock,
        coming)
    job.rows, job.stride, job.first_scored = &rows[0], stride, first_scored
    job.method, job.shared = method, shared
    job.room, job.sums, job.shares, job.work = NULL, NULL, NULL, NULL
    most = min(n_rows, _block_rows(&job.stream.forest, explained, threads))
    if scored and threads > 1:
        rooms.take_sums(&job, most)
    if explained:
        rooms.take_shares(&job, most, n_threads)
    if next_decay != decay[0]:
        change_stream(&job.stream, next_decay)
        decay[0] = next_decay
    if scored and not explained and n_rows <= ROW_BY_ROW:
        _learn_few(&job, n_rows, out)
    elif short:
        _learn(&job, n_rows, out, NULL, 1)
    else:
        with nogil:
            _learn(&job, n_rows, out, all_shares, n_threads)


cdef inline bint _scale_row(
    const floating* x, Py_ssize_t d, const double* unit, const double* center,
    const double* factor, float* out
) noexcept nogil:
    """Scale a row; return whether its values are finite."""
    cdef Py_ssize_t j
    cdef bint finite = True
    for j in range(d):
        finite &= x[j] - x[j] == 0
        out[j] = scaled(x[j], unit[j], center[j], factor[j])
    return finite


cdef inline bint _rests(
    const floating* x, const double* unit, const double* center, const int64_t[::1] resting
) noexcept nogil:
    """Tell whether the columns that have been constant are so in this row, too."""
    cdef Py_ssize_t i
    cdef int64_t j
    for i in range(resting.shape[0]):
        j = resting[i]
        if fabs(x[j] * unit[j] - center[j]) > SAME * fabs(center[j]):
            return False
    return True


cdef class SingleRows:
    """A stream held open for rows that come one by one.

    It refers to the arrays of which it is made, and changes `tail`, `usual` and the forest's.
    Whoever puts others in their place opens the stream anew.
    """

    cdef Stream stream
    cdef object arrays            # the forest's, which live as long
    cdef int method
    cdef const double[::1] unit
    cdef const double[::1] center
    cdef const double[::1] factor
    cdef const int64_t[::1] resting
    cdef float[:, ::1] tail       # (shingle_size - 1, n_features)
    cdef double[::1] usual
    cdef Rule rule
    cdef double keep
    cdef Scratch shingle

    def __init__(
        self,
        tuple arrays,             # of a Forest: key, decay, trees and reservoirs
        int method,
        const double[::1] unit,   # IN (n_features,), as those that follow: of `scale_rows`
        const double[::1] center,
        const double[::1] factor,
        const int64_t[::1] resting,  # IN: the columns that are constant so far
        float[:, ::1] tail,       # INOUT (shingle_size - 1, n_features): the last rows, scaled
        double[::1] usual,        # INOUT (5,), as those that follow: of `grade_scores`
        double decay,
        double z_factor,
        double most_skew,
        double least,
        double n_initial,
        double n_young,
        double narrowest,
    ):
        self._hold(*arrays)
        self.arrays, self.method = arrays, method
        self.unit, self.center, self.factor, self.tail = unit, center, factor, tail
        self.resting = resting
        self.usual, self.keep = usual, exp(-decay)
        self.rule = Rule(z_factor, most_skew, least, n_initial, n_young, narrowest)
        self.shingle = scratch(self.stream.forest.first.d, sizeof(float))

    def _hold(
        self, const uint64_t[::1] key, const double[::1] decay, const int32_t[:, :, ::1] nodes,
        const int32_t[:, ::1] parent, const int32_t[:, ::1] mass, const float[::1] boxes,
        const float[:, ::1] spans, const float[::1] points, const int32_t[:, ::1] heads,
        Py_ssize_t d, double[:, ::1] keys, int32_t[:, ::1] leaves, int64_t[:, ::1] clock,
        double[::1] coming,
    ):
        self.stream = view_stream(
            key, decay[0], nodes, parent, mass, boxes, spans, points, heads, d, keys, leaves,
            clock, coming)

    def follow(self, const double[:, ::1] row, bint judged):
        """Learn a row; return its score and grade before, if `judged`.

        None, and nothing learned, if it is not finite, or is the first to differ in a column.
        """
        return _follow(self, &row[0, 0], judged)

    def follow_single(self, const float[:, ::1] row, bint judged):
        """As `follow`, for a row in single precision."""
        return _follow(self, &row[0, 0], judged)


cdef _follow(SingleRows rows, const floating* row, bint judged):
    """Scale a row, as the last one of a shingle, learn that, and grade its score."""
    cdef Py_ssize_t d = rows.unit.shape[0], n = rows.tail.shape[0] * d
    cdef float* shingle = <float*> rows.shingle.data
    cdef double score, grade = 0
    if not _scale_row(row, d, &rows.unit[0], &rows.center[0], &rows.factor[0], shingle + n):
        return None
    if not _rests(row, &rows.unit[0], &rows.center[0], rows.resting):
        return None
    if n > 0:
        memcpy(shingle, &rows.tail[0, 0], n * sizeof(float))
    score = learn_row(&rows.stream, shingle, rows.method, judged)
    if n > 0:
        memcpy(&rows.tail[0, 0], shingle + d, n * sizeof(float))
    if judged:
        grade = grade_next(<Usual*> &rows.usual[0], score, rows.keep, &rows.rule)
    return score, grade
