"""Streams into a random cut forest: rows are scored and learnt in turn.

A tree needs nothing of the others, so each goes over all the rows of a block: it scores those
up to the next row that it takes, replaces by it the one of the largest key, draws which row it
will take next, and goes on.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t

from algos._cython._cut_reservoir cimport (
    DRAWN, NEXT, SAMPLED, SEEN, Reservoir, change_decay, drawn, log_rate, new_key, next_taken,
    resume, sift_down, sift_up, taken_key,
)
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._lanes cimport reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng, rng_below
from algos._cython._threads cimport is_short, run_region

cdef extern from "_cut_change.h" nogil:
    int32_t insert_row "algos_cut_insert"(const CutTree* tree, const float* row, Rng* rng)
    void delete_leaf "algos_cut_delete"(const CutTree* tree, int32_t leaf)
    bint holds "algos_cut_holds"(const CutTree* tree, int32_t leaf, const float* row)
    int32_t find_leaf "algos_cut_find"(const CutTree* tree, const float* row)

cdef extern from "_cut_score.h" nogil:
    void algos_cut_scores(
        const CutTree* tree, const float* rows, Py_ssize_t stride, Py_ssize_t n, int method,
        double* out)
    double algos_cut_finish(double sum, Py_ssize_t n_trees, int method)

cdef enum:
    STREAM_BLOCK = 4096  # rows that the trees go over in turn
    LANES = 32       # groups of trees, each with its own sums

cdef struct StreamJob:
    CutForest forest
    Reservoir reservoir  # of the first tree
    const uint64_t* key
    double decay
    const float* rows    # row i is at rows + i * stride
    Py_ssize_t stride, n
    int method
    Py_ssize_t first_scored
    Py_ssize_t n_lanes
    double* sums         # (lanes, n), or NULL


cdef inline Reservoir _reservoir_of(const StreamJob* job, Py_ssize_t t) noexcept nogil:
    cdef Py_ssize_t size = job.forest.first.size
    return Reservoir(
        job.reservoir.keys + t * size, job.reservoir.leaves + t * size,
        job.reservoir.clock + 4 * t)


cdef void _take(
    const CutTree* tree, const Reservoir* to, const float* row, int64_t i, double decay, Rng* rng,
) noexcept nogil:
    """Learn row i of the stream, and draw the next one."""
    cdef int64_t n = to.clock[SAMPLED]
    cdef double key
    if i < tree.size or n == 0:
        key = new_key(decay, i, rng)
    else:
        key = taken_key(log_rate(to.keys[0], decay, i), decay, i, rng)
    if n < tree.size:
        to.keys[n], to.leaves[n] = key, insert_row(tree, row, rng)
        sift_up(to.keys, to.leaves, n)
        to.clock[SAMPLED] = n + 1
    else:
        delete_leaf(tree, to.leaves[0])
        to.keys[0], to.leaves[0] = key, insert_row(tree, row, rng)
        sift_down(to.keys, to.leaves, n, 0)
    to.clock[NEXT] = next_taken(to, tree.size, decay, i + 1, rng)


cdef void _stream_through(
    const StreamJob* job, const CutTree* tree, const Reservoir* to, Rng* rng, double* sums,
) noexcept nogil:
    """Score and learn a block's rows in one tree."""
    cdef int64_t seen = to.clock[SEEN]
    cdef Py_ssize_t scored = job.first_scored, row, stop
    while True:
        row = <Py_ssize_t> min(to.clock[NEXT] - seen, <int64_t> job.n)
        stop = min(row + 1, job.n)
        if sums != NULL and stop > scored:
            algos_cut_scores(
                tree, job.rows + scored * job.stride, job.stride, stop - scored, job.method,
                sums + scored)
            scored = stop
        if row == job.n:
            break
        _take(tree, to, job.rows + row * job.stride, seen + row, job.decay, rng)
    to.clock[SEEN] = seen + job.n


cdef void _stream_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef StreamJob* job = <StreamJob*> arg
    cdef Py_ssize_t n_trees = job.forest.n_trees, t
    cdef double* sums = job.sums + lane * job.n if job.sums != NULL else NULL
    cdef CutTree tree
    cdef Reservoir to
    cdef Rng rng
    cdef bint takes
    for t in range(lane * n_trees // job.n_lanes, (lane + 1) * n_trees // job.n_lanes):
        tree, to = view_tree(&job.forest, t), _reservoir_of(job, t)
        takes = to.clock[NEXT] - to.clock[SEEN] < job.n
        if takes:
            resume(&rng, job.key, t, to.clock[DRAWN])
        _stream_through(job, &tree, &to, &rng, sums)
        if takes:
            to.clock[DRAWN] = drawn(&rng)


cdef void _change_decay(StreamJob* job, double before) noexcept nogil:
    cdef Py_ssize_t t
    cdef Reservoir to
    cdef Rng rng
    for t in range(job.forest.n_trees):
        to = _reservoir_of(job, t)
        resume(&rng, job.key, t, to.clock[DRAWN])
        change_decay(&to, job.forest.first.size, before, job.decay, &rng)
        to.clock[DRAWN] = drawn(&rng)


cdef void _learn_block(StreamJob* job, double* scores, int n_threads) noexcept nogil:
    cdef Py_ssize_t i
    cdef double work = (80.0 + 3.0 * job.forest.first.d) * job.n * job.forest.n_trees
    if job.sums != NULL:
        for i in range(job.n_lanes * job.n):
            job.sums[i] = 0
    run_region(_stream_task, job, job.n_lanes, work, n_threads)
    if job.sums != NULL:
        reduce_lanes(job.sums, job.n_lanes, job.n, scores)
        for i in range(job.n):
            scores[i] = algos_cut_finish(scores[i], job.forest.n_trees, job.method)


cdef void _learn(StreamJob* job, Py_ssize_t n_rows, double* scores, int n_threads) noexcept nogil:
    """Go over the rows in blocks, so that few sums are needed."""
    cdef Py_ssize_t block, start
    cdef Py_ssize_t first_scored = job.first_scored
    cdef const float* rows = job.rows
    for block in range((n_rows + STREAM_BLOCK - 1) // STREAM_BLOCK):
        start = block * STREAM_BLOCK
        job.rows, job.n = rows + start * job.stride, min(n_rows - start, STREAM_BLOCK)
        job.first_scored = max(first_scored - start, 0)
        _learn_block(job, scores + start if scores != NULL else NULL, n_threads)


cdef StreamJob _job_of(
    CutForest forest, const uint64_t[::1] key, double[:, ::1] keys, int32_t[:, ::1] leaves,
    int64_t[:, ::1] clock,
):
    cdef StreamJob job
    job.forest, job.key = forest, &key[0]
    job.reservoir = Reservoir(&keys[0, 0], &leaves[0, 0], &clock[0, 0])
    job.n_lanes = min(forest.n_trees, <Py_ssize_t> LANES)
    job.sums, job.method = NULL, 0
    return job


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
    int method,
    double[::1] scores,              # OUT (n_rows,), or None
    int n_threads,
):
    """Learn rows one after the other, each scored by what was learnt before if asked for."""
    cdef StreamJob job = _job_of(
        view_forest(nodes, parent, mass, boxes, spans, points, heads, d), key, keys, leaves, clock)
    cdef bint scored = scores is not None
    cdef Scratch sums = scratch(
        job.n_lanes * min(n_rows, STREAM_BLOCK) if scored else 0, sizeof(double))
    cdef double* out = NULL
    if n_rows == 0:
        return
    job.rows, job.stride, job.first_scored = &rows[0], stride, first_scored
    job.decay, job.method = next_decay, method
    if scored:
        job.sums, out = <double*> sums.data, &scores[0]
    if next_decay != decay[0]:
        _change_decay(&job, decay[0])
        decay[0] = next_decay
    if is_short(100.0 * n_rows * job.forest.n_trees):
        _learn(&job, n_rows, out, 1)
    else:
        with nogil:
            _learn(&job, n_rows, out, n_threads)


cdef Py_ssize_t _draw_copy(const Reservoir* to, int32_t leaf, Rng* rng) noexcept nogil:
    """Return where one of a leaf's rows is in the reservoir, any of them alike."""
    cdef Py_ssize_t i, copies = 0, found = 0
    for i in range(to.clock[SAMPLED]):
        if to.leaves[i] == leaf:
            copies += 1
            if rng_below(rng, copies) == 0:
                found = i
    return found


cdef bint _forget_in(
    const CutTree* tree, const Reservoir* to, const float* row, double decay, Rng* rng
) noexcept nogil:
    cdef Py_ssize_t last = to.clock[SAMPLED] - 1, at
    cdef int32_t leaf
    if last < 0:
        return False
    leaf = find_leaf(tree, row)
    if not holds(tree, leaf, row):
        return False
    at = _draw_copy(to, leaf, rng)
    delete_leaf(tree, leaf)
    to.keys[at], to.leaves[at] = to.keys[last], to.leaves[last]
    to.keys[last], to.leaves[last] = 0, 0
    to.clock[SAMPLED] = last
    if at < last:
        sift_up(to.keys, to.leaves, at)
        sift_down(to.keys, to.leaves, last, at)
    to.clock[NEXT] = next_taken(to, tree.size, decay, to.clock[SEEN], rng)
    return True


def forget(
    const float[::1] row,            # IN (d + CUT_SLACK,)
    const uint64_t[::1] key,         # IN (2,)
    double decay,
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
):
    """Delete one copy of the row from every tree that holds it; return how many did."""
    cdef StreamJob job = _job_of(
        view_forest(nodes, parent, mass, boxes, spans, points, heads, d), key, keys, leaves, clock)
    cdef CutTree tree
    cdef Reservoir to
    cdef Rng rng
    cdef Py_ssize_t t, held = 0
    with nogil:
        for t in range(job.forest.n_trees):
            tree, to = view_tree(&job.forest, t), _reservoir_of(&job, t)
            resume(&rng, job.key, t, to.clock[DRAWN])
            held += _forget_in(&tree, &to, &row[0], decay, &rng)
            to.clock[DRAWN] = drawn(&rng)
    return held
