"""Anomaly scores of many rows in all trees of a random cut forest."""

from libc.stdint cimport int32_t
from algos._cython._cut_score cimport (
    algos_cut_choose, algos_cut_finish, algos_cut_scores, score_row,
)
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._threads cimport is_short, run_region

cdef enum:
    BLOCK_BYTES = 1 << 17  # rows of so many stay in cache while the trees pass over them
    MOST_BLOCK_ROWS = 2048
    FEW_ROWS = 4            # for up to so many, rows descend one by one through trees in step

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
            job.out[i] = score_row(&forest, job.rows + i * stride, method)
    elif is_short(nanoseconds):
        run_region(_score_block, &job, n_tasks, nanoseconds, 1)
    else:
        with nogil:
            run_region(_score_block, &job, n_tasks, nanoseconds, n_threads)


def _test_choose_level(int limit):
    """Use no instructions above a level, 0, 3 or 4; return the level in use."""
    return algos_cut_choose(limit)
