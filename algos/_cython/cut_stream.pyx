"""Streams into a random cut forest: rows are scored and learnt in turn.

A tree needs nothing of the others, so each goes over all the rows of a block: it scores those
up to the next row that it takes, replaces by it the one of the largest key, draws which row it
will take next, and goes on.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t

from algos._cython._cut_reservoir cimport (
    DRAWN, NEXT, SAMPLED, SEEN, Reservoir, change_decay, draw_next, drawn, reservoir_of, resume,
    sift_down, sift_up,
)
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng, rng_below
from algos._cython._threads cimport is_short, run_region

cdef extern from "_cut_change.h" nogil:
    int32_t insert_row "algos_cut_insert"(const CutTree* tree, const float* row, Rng* rng)
    void delete_row "algos_cut_delete"(const CutTree* tree, int32_t leaf)
    int32_t replace_row "algos_cut_replace"(
        const CutTree* tree, int32_t leaf, const float* row, Rng* rng)
    bint holds "algos_cut_holds"(const CutTree* tree, int32_t leaf, const float* row)
    int32_t find_leaf "algos_cut_find"(const CutTree* tree, const float* row)

cdef extern from "_cut_score.h" nogil:
    Py_ssize_t MOST_TREES "ALGOS_CUT_BLOCK"
    void algos_cut_scores(
        const CutTree* tree, const float* rows, Py_ssize_t stride, Py_ssize_t n, int method,
        double* out)
    double algos_cut_row_score(
        const CutTree* trees, const float* row, Py_ssize_t n, int method, double sum)
    double algos_cut_finish(double sum, Py_ssize_t n_trees, int method)

cdef enum:
    MOST_ROWS = 4096     # that the trees go over in turn
    LEAST_ROWS = 256
    MOST_SUMS = 1 << 17  # of all trees for such rows
    ROW_BY_ROW = 3       # of so few rows, each is scored by all trees in step

cdef struct StreamJob:
    CutForest forest
    Reservoir reservoir  # of the first tree
    const uint64_t* key
    double decay
    const float* rows    # row i is at rows + i * stride
    Py_ssize_t stride, n
    int method
    Py_ssize_t first_scored
    double* sums         # (n_trees, n), or NULL


cdef void _take(
    const CutTree* tree, const Reservoir* to, const float* row, int64_t i, double decay, Rng* rng,
) noexcept nogil:
    """Learn row i of the stream, and draw the next one."""
    cdef int64_t n = to.clock[SAMPLED]
    if n < tree.size:
        to.keys[n], to.leaves[n] = to.coming[0], insert_row(tree, row, rng)
        sift_up(to.keys, to.leaves, n)
        to.clock[SAMPLED] = n + 1
    else:
        to.keys[0], to.leaves[0] = to.coming[0], replace_row(tree, to.leaves[0], row, rng)
        sift_down(to.keys, to.leaves, n, 0)
    draw_next(to, tree.size, decay, i + 1, rng)


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


cdef inline bint _begin(
    const StreamJob* job, Py_ssize_t t, CutTree* tree, Reservoir* to, Rng* rng
) noexcept nogil:
    """Look at a tree; return whether it takes any of the rows."""
    tree[0] = view_tree(&job.forest, t)
    to[0] = reservoir_of(job.reservoir, tree.size, t)
    if to.clock[NEXT] - to.clock[SEEN] >= job.n:
        return False
    resume(rng, job.key, t, to.clock[DRAWN])
    if to.clock[DRAWN] == 0:  # a new tree
        draw_next(to, tree.size, job.decay, to.clock[SEEN], rng)
    return True


cdef void _stream_task(void* arg, Py_ssize_t t, int slot) noexcept nogil:
    cdef StreamJob* job = <StreamJob*> arg
    cdef double* sums = job.sums + t * job.n if job.sums != NULL else NULL
    cdef Py_ssize_t i
    cdef CutTree tree
    cdef Reservoir to
    cdef Rng rng
    cdef bint takes = _begin(job, t, &tree, &to, &rng)
    if sums != NULL:
        for i in range(job.n):
            sums[i] = 0
    _stream_through(job, &tree, &to, &rng, sums)
    if takes:
        to.clock[DRAWN] = drawn(&rng)


cdef void _change_decay(StreamJob* job, double before) noexcept nogil:
    cdef Py_ssize_t t
    cdef Reservoir to
    cdef Rng rng
    for t in range(job.forest.n_trees):
        to = reservoir_of(job.reservoir, job.forest.first.size, t)
        resume(&rng, job.key, t, to.clock[DRAWN])
        change_decay(&to, job.forest.first.size, before, job.decay, &rng)
        to.clock[DRAWN] = drawn(&rng)


cdef void _learn_block(StreamJob* job, double* scores, int n_threads) noexcept nogil:
    """Learn rows tree by tree, and add up the trees' scores in their order."""
    cdef Py_ssize_t n_trees = job.forest.n_trees, i, t
    cdef double work = (80.0 + 3.0 * job.forest.first.d) * job.n * n_trees
    run_region(_stream_task, job, n_trees, work, n_threads)
    if job.sums == NULL:
        return
    for i in range(job.n):
        scores[i] = 0
    for t in range(n_trees):
        for i in range(job.n):
            scores[i] += job.sums[t * job.n + i]
    for i in range(job.n):
        scores[i] = algos_cut_finish(scores[i], n_trees, job.method)


cdef Py_ssize_t _block_rows(Py_ssize_t n_trees) noexcept nogil:
    return max(<Py_ssize_t> LEAST_ROWS, min(<Py_ssize_t> MOST_ROWS, MOST_SUMS // n_trees))


cdef void _learn(StreamJob* job, Py_ssize_t n_rows, double* scores, int n_threads) noexcept nogil:
    """Go over the rows in blocks, so that few sums are needed."""
    cdef Py_ssize_t first_scored = job.first_scored, most = _block_rows(job.forest.n_trees)
    cdef Py_ssize_t block, start
    cdef const float* rows = job.rows
    for block in range((n_rows + most - 1) // most):
        start = block * most
        job.rows, job.n = rows + start * job.stride, min(n_rows - start, most)
        job.first_scored = max(first_scored - start, 0)
        _learn_block(job, scores + start if scores != NULL else NULL, n_threads)


cdef double _score_row(const StreamJob* job, CutTree* trees) noexcept nogil:
    """Score one row in all trees, some of them in step."""
    cdef Py_ssize_t n_trees = job.forest.n_trees, block, start, t, n
    cdef double sum = 0
    for block in range((n_trees + MOST_TREES - 1) // MOST_TREES):
        start = block * MOST_TREES
        n = min(n_trees - start, MOST_TREES)
        for t in range(n):
            trees[t] = view_tree(&job.forest, start + t)
        if trees[0].heads[0] >= 0:
            sum = algos_cut_row_score(trees, job.rows, n, job.method, sum)
    return algos_cut_finish(sum, n_trees, job.method)


cdef void _learn_row_by_row(
    StreamJob* job, Py_ssize_t n_rows, double* scores, CutTree* trees
) noexcept nogil:
    """Learn each row in all trees before the next."""
    cdef Py_ssize_t i, t
    cdef CutTree tree
    cdef Reservoir to
    cdef Rng rng
    job.n = 1
    for i in range(n_rows):
        scores[i] = _score_row(job, trees) if i >= job.first_scored else 0
        for t in range(job.forest.n_trees):
            if _begin(job, t, &tree, &to, &rng):
                _take(&tree, &to, job.rows, to.clock[SEEN], job.decay, &rng)
                to.clock[DRAWN] = drawn(&rng)
            to.clock[SEEN] += 1
        job.rows += job.stride


cdef StreamJob _job_of(
    CutForest forest, const uint64_t[::1] key, double[:, ::1] keys, int32_t[:, ::1] leaves,
    int64_t[:, ::1] clock, double[::1] coming,
):
    cdef StreamJob job
    job.forest, job.key = forest, &key[0]
    job.reservoir = Reservoir(&keys[0, 0], &leaves[0, 0], &clock[0, 0], &coming[0])
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
    double[::1] coming,
    int method,
    double[::1] scores,              # OUT (n_rows,), or None
    int n_threads,
):
    """Learn rows one after the other, each scored by what was learnt before if asked for."""
    cdef StreamJob job = _job_of(
        view_forest(nodes, parent, mass, boxes, spans, points, heads, d),
        key, keys, leaves, clock, coming)
    cdef bint scored = scores is not None
    cdef bint few = scored and n_rows <= ROW_BY_ROW
    cdef Scratch sums = scratch(
        job.forest.n_trees * min(n_rows, _block_rows(job.forest.n_trees))
        if scored and not few else 0, sizeof(double))
    cdef Scratch trees = scratch(MOST_TREES if few else 0, sizeof(CutTree))
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
    if few:
        _learn_row_by_row(&job, n_rows, out, <CutTree*> trees.data)
    elif is_short(100.0 * n_rows * job.forest.n_trees):
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
    delete_row(tree, leaf)
    to.keys[at], to.leaves[at] = to.keys[last], to.leaves[last]
    to.keys[last], to.leaves[last] = 0, 0
    to.clock[SAMPLED] = last
    if at < last:
        sift_up(to.keys, to.leaves, at)
        sift_down(to.keys, to.leaves, last, at)
    draw_next(to, tree.size, decay, to.clock[SEEN], rng)
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
    double[::1] coming,
):
    """Delete one copy of the row from every tree that holds it; return how many did."""
    cdef StreamJob job = _job_of(
        view_forest(nodes, parent, mass, boxes, spans, points, heads, d),
        key, keys, leaves, clock, coming)
    cdef CutTree tree
    cdef Reservoir to
    cdef Rng rng
    cdef Py_ssize_t t, held = 0
    with nogil:
        for t in range(job.forest.n_trees):
            tree = view_tree(&job.forest, t)
            to = reservoir_of(job.reservoir, tree.size, t)
            resume(&rng, job.key, t, to.clock[DRAWN])
            held += _forget_in(&tree, &to, &row[0], decay, &rng)
            to.clock[DRAWN] = drawn(&rng)
    return held
