"""Shares of the columns in the scores of many rows, in all trees of a random cut forest."""

from libc.stdint cimport int32_t
from algos._cython._cut_attribution cimport (
    CutWork, algos_cut_shares, algos_cut_sum_to, algos_cut_work_in, algos_cut_work_size,
)
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef enum:
    BLOCK = 64  # rows over which the trees pass in turn

cdef struct ShareJob:
    const CutForest* forest
    const float* rows     # row i is at rows + i * stride
    Py_ssize_t stride, n
    int method
    double* out           # (n, d, 2)
    double* work          # (threads, slot_size)
    Py_ssize_t slot_size


cdef void _share_block(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    """Shares of a block of rows: the trees in turn, each over all the rows."""
    cdef ShareJob* job = <ShareJob*> arg
    cdef Py_ssize_t d = job.forest.first.d, start = task * BLOCK, t, i
    cdef Py_ssize_t rows = min(job.n - start, <Py_ssize_t> BLOCK)
    cdef double* out = job.out + start * 2 * d
    cdef CutWork work = algos_cut_work_in(job.work + slot * job.slot_size, d)
    cdef CutTree tree
    for i in range(rows * 2 * d):
        out[i] = 0
    for t in range(job.forest.n_trees):
        tree = view_tree(job.forest, t)
        if tree.heads[0] >= 0:
            algos_cut_shares(
                &tree, job.rows + start * job.stride, job.stride, rows, job.method, work, out)


def share_rows(
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
    const double[::1] scores,        # IN (n,): what the shares of each row sum to
    double[:, :, ::1] out,           # OUT (n, d, 2): from below, from above
    int n_threads,
):
    """Share out the scores of n rows among the columns and their sides."""
    cdef CutForest forest = view_forest(
        nodes, parent, mass, boxes, spans, points, heads, d)
    cdef Py_ssize_t n = scores.shape[0], n_tasks = (n + BLOCK - 1) // BLOCK, i
    cdef ShareJob job
    cdef Scratch work
    if n == 0:
        return
    job.slot_size = (algos_cut_work_size(forest.first.size, d) + 7) // 8 * 8
    work = scratch(job.slot_size * min(<Py_ssize_t> n_threads, n_tasks), sizeof(double))
    job.forest, job.rows, job.stride, job.n = &forest, &rows[0], stride, n
    job.method, job.out, job.work = method, &out[0, 0, 0], <double*> work.data
    with nogil:
        run_region(
            _share_block, &job, n_tasks, 30. * n * forest.n_trees * (10 + d), n_threads)
        for i in range(n):
            algos_cut_sum_to(job.out + i * 2 * d, d, scores[i])
