"""Which leaf of each tree is most like a row with missing columns."""

from libc.stdint cimport int32_t, uint64_t
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport is_short, run_region

cdef extern from "_cut_leaves.h" nogil:
    void cut_nearest_rows "algos_cut_nearest_rows"(
        const CutTree* tree, const float* rows, Py_ssize_t n, const uint64_t* key, Py_ssize_t t,
        int32_t* put_by, int32_t* leaves, double* distances, Py_ssize_t stride)

cdef enum:
    BLOCK = 64  # rows that one tree stays in cache for

cdef struct LeafJob:
    const CutForest* forest
    const float* rows      # (n, d)
    Py_ssize_t n
    const uint64_t* key
    int32_t* leaves        # (n, n_trees)
    double* distances      # (n, n_trees)
    int32_t* put_by        # (n_threads, size)


cdef void _leaf_task(void* arg, Py_ssize_t block, int slot) noexcept nogil:
    cdef LeafJob* job = <LeafJob*> arg
    cdef Py_ssize_t start = block * BLOCK, n_trees = job.forest.n_trees, t
    cdef Py_ssize_t n = min(job.n - start, <Py_ssize_t> BLOCK)
    cdef CutTree tree
    for t in range(n_trees):
        tree = view_tree(job.forest, t)
        cut_nearest_rows(
            &tree, job.rows + start * tree.d, n, job.key, t, job.put_by + slot * tree.size,
            job.leaves + start * n_trees + t, job.distances + start * n_trees + t, n_trees)


cdef void _find_leaves(LeafJob* job, double nanoseconds, int n_threads) noexcept nogil:
    run_region(_leaf_task, job, (job.n + BLOCK - 1) // BLOCK, nanoseconds, n_threads)


def nearest_leaves(
    const int32_t[:, :, ::1] nodes,  # IN: the trees, each with a row or more, as in a Forest
    const int32_t[:, ::1] parent,    # IN
    const int32_t[:, ::1] mass,      # IN
    const float[::1] boxes,          # IN
    const float[:, ::1] spans,       # IN
    const float[::1] points,         # IN
    const int32_t[:, ::1] heads,     # IN
    Py_ssize_t d,
    const uint64_t[::1] key,         # IN (2,) of the forest
    const float[:, ::1] rows,        # IN (n, d) NaN is missing
    int32_t[:, ::1] leaves,          # OUT (n, n_trees) the leaf nearest in the known columns
    double[:, ::1] distances,        # OUT (n, n_trees) and how far that is (L1)
    int n_threads,
):
    """Find the leaf of each tree that each row reaches, both ways where a cut is unknown."""
    cdef CutForest forest = view_forest(nodes, parent, mass, boxes, spans, points, heads, d)
    cdef Scratch put_by = scratch(n_threads * forest.first.size, sizeof(int32_t))
    cdef double nanoseconds = rows.shape[0] * forest.n_trees * (100.0 + 10 * d)
    cdef LeafJob job
    if rows.shape[0] == 0:
        return
    job = LeafJob(&forest, &rows[0, 0], rows.shape[0], &key[0], &leaves[0, 0], &distances[0, 0],
                  <int32_t*> put_by.data)
    if is_short(nanoseconds):
        _find_leaves(&job, nanoseconds, 1)
    else:
        with nogil:
            _find_leaves(&job, nanoseconds, n_threads)
