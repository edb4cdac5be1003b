"""Anomaly scores of many rows in all trees of a random cut forest."""

from libc.stdint cimport int32_t
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._threads cimport is_short, run_region

cdef extern from "_cut_score.h" nogil:
    void algos_cut_scores(
        const CutTree* tree, const float* rows, Py_ssize_t stride, Py_ssize_t n, int method,
        double* out)
    double algos_cut_row_score(
        const CutTree* trees, const float* row, Py_ssize_t n, int method, double sum)
    double algos_cut_finish(double sum, Py_ssize_t n_trees, int method)
    int algos_cut_choose(int limit)

cdef enum:
    BLOCK_BYTES = 1 << 17  # rows of so many stay in cache while the trees pass over them
    MOST_BLOCK_ROWS = 2048
    FEW_ROWS = 4            # for up to so many, rows descend one by one through trees in step
    TREES = 128             # in step, at most ALGOS_CUT_BLOCK

cdef struct ScoreJob:
    const CutForest* forest
    const float* rows       # row i is at rows + i * stride
    Py_ssize_t stride, n
    int method
    double* out             # (n,)
    Py_ssize_t block


cdef void _score_block(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    """Scores of a block of rows: the trees in turn, each over all the rows."""
    cdef ScoreJob* job = <ScoreJob*> arg
    cdef Py_ssize_t start = task * job.block, rows = min(job.n - start, job.block), t, i
    cdef double* out = job.out + start
    cdef CutTree tree
    for i in range(rows):
        out[i] = 0
    for t in range(job.forest.n_trees):
        tree = view_tree(job.forest, t)
        algos_cut_scores(
            &tree, job.rows + start * job.stride, job.stride, rows, job.method, out)
    for i in range(rows):
        out[i] = algos_cut_finish(out[i], job.forest.n_trees, job.method)


cdef double _score_row(const CutForest* forest, const float* row, int method) noexcept nogil:
    """The score of one row: some trees in step."""
    cdef CutTree trees[TREES]
    cdef Py_ssize_t n = 0, t
    cdef double sum = 0
    for t in range(forest.n_trees):
        trees[n] = view_tree(forest, t)
        n += trees[n].heads[0] >= 0
        if n == TREES or t == forest.n_trees - 1:
            if n > 0:
                sum = algos_cut_row_score(trees, row, n, method, sum)
            n = 0
    return algos_cut_finish(sum, forest.n_trees, method)


cdef Py_ssize_t _block_rows(Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t rows = BLOCK_BYTES // (<Py_ssize_t> sizeof(float) * d)
    return min(max(rows, <Py_ssize_t> 128), <Py_ssize_t> MOST_BLOCK_ROWS)


def score_rows(
    const int32_t[:, :, ::1] nodes,  # IN, and so on: Forest.trees
    const int32_t[:, ::1] parent,
    const int32_t[:, ::1] mass,
    const float[::1] boxes,
    const float[:, ::1] spans,
    const float[::1] points,
    const int32_t[:, ::1] heads,
    Py_ssize_t d,
    const float[::1] rows,           # IN: row i is rows[i * stride : i * stride + d]
    Py_ssize_t stride,
    int method,
    double[::1] out,                 # OUT (n,)
    int n_threads,
):
    """Score n rows in all trees."""
    cdef CutForest forest = view_forest(
        nodes, parent, mass, boxes, spans, points, heads, d)
    cdef ScoreJob job
    cdef Py_ssize_t n_tasks, i
    cdef double nanoseconds
    if out.shape[0] == 0:
        return
    job.forest, job.rows, job.stride, job.n = &forest, &rows[0], stride, out.shape[0]
    job.method, job.out, job.block = method, &out[0], _block_rows(d)
    n_tasks = (job.n + job.block - 1) // job.block
    nanoseconds = 6. * job.n * forest.n_trees * (10 + d)
    if job.n <= FEW_ROWS and is_short(nanoseconds):
        for i in range(job.n):
            job.out[i] = _score_row(&forest, job.rows + i * stride, method)
    elif is_short(nanoseconds):
        run_region(_score_block, &job, n_tasks, nanoseconds, 1)
    else:
        with nogil:
            run_region(_score_block, &job, n_tasks, nanoseconds, n_threads)


def _test_choose_level(int limit):
    """Use no instructions above a level, 0, 3 or 4; return the level in use."""
    return algos_cut_choose(limit)
