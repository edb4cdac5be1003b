"""On which side, from how much and how far away cuts would separate rows from a forest."""

from libc.stdint cimport int32_t
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport is_short, run_region

cdef extern from "_cut_density.h" nogil:
    ctypedef struct Sides "algos_cut_sides":
        double* chance
        double* mass
        double* distance
        double* excess
        double* far
        float* low
        float* high
        Py_ssize_t d

    void cut_add_sides "algos_cut_add_sides"(
        const CutTree* tree, const float* rows, Py_ssize_t n, Sides sides, double* sums)

cdef enum:
    BLOCK = 64  # rows that one tree stays in cache for

cdef struct SideJob:
    const CutForest* forest
    const float* rows   # (n, d)
    Py_ssize_t n
    double* sums        # (n, 3, 2 d)
    double* room        # (n_threads, 11 d)


cdef Sides _sides(double* room, Py_ssize_t d) noexcept nogil:
    """Lay one thread's scratch out."""
    cdef Sides sides
    sides.chance, sides.mass, sides.distance = room, room + 2 * d, room + 4 * d
    sides.excess, sides.far = room + 6 * d, room + 8 * d
    sides.low, sides.d = <float*> (room + 10 * d), d
    sides.high = sides.low + d
    return sides


cdef void _side_task(void* arg, Py_ssize_t block, int slot) noexcept nogil:
    cdef SideJob* job = <SideJob*> arg
    cdef Py_ssize_t start = block * BLOCK, d = job.forest.first.d, t
    cdef Py_ssize_t n = min(job.n - start, <Py_ssize_t> BLOCK)
    cdef Sides sides = _sides(job.room + slot * 11 * d, d)
    cdef CutTree tree
    for t in range(job.forest.n_trees):
        tree = view_tree(job.forest, t)
        cut_add_sides(&tree, job.rows + start * d, n, sides, job.sums + start * 6 * d)


cdef void _add_sides(SideJob* job, double nanoseconds, int n_threads) noexcept nogil:
    run_region(_side_task, job, (job.n + BLOCK - 1) // BLOCK, nanoseconds, n_threads)


def separation_sums(
    const int32_t[:, :, ::1] nodes,  # IN: the trees, each with a row or more, as in a Forest
    const int32_t[:, ::1] parent,    # IN
    const int32_t[:, ::1] mass,      # IN
    const float[::1] boxes,          # IN
    const float[:, ::1] spans,       # IN
    const float[::1] points,         # IN
    const int32_t[:, ::1] heads,     # IN
    Py_ssize_t d,
    const float[:, ::1] rows,        # IN (n, d)
    double[:, :, :, ::1] sums,       # INOUT (n, 3, 2, d): of chances, shares of the mass and
                                     # distances; below and above; sums over the trees are added
    int n_threads,
):
    """Add up over the trees how each row would be cut off, by side."""
    cdef CutForest forest = view_forest(nodes, parent, mass, boxes, spans, points, heads, d)
    cdef Scratch room = scratch(n_threads * 11 * d, sizeof(double))
    cdef double nanoseconds = rows.shape[0] * forest.n_trees * (150.0 + 50 * d)
    cdef SideJob job
    if rows.shape[0] == 0:
        return
    job = SideJob(&forest, &rows[0, 0], rows.shape[0], &sums[0, 0, 0, 0], <double*> room.data)
    if is_short(nanoseconds):
        _add_sides(&job, nanoseconds, 1)
    else:
        with nogil:
            _add_sides(&job, nanoseconds, n_threads)
