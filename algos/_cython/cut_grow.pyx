"""Random cut trees grown over samples: see `_cut_grow.h`."""

from libc.math cimport log2
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy

from algos._cython._cut_reservoir cimport (
    DRAWN, SAMPLED, SEEN, Reservoir, draw_next, drawn, heapify, reservoir_of, resume,
)
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng
from algos._cython._threads cimport run_region

cdef extern from "_cut_grow.h" nogil:
    ctypedef struct CutRange "algos_cut_range":
        pass

    void grow_tree "algos_cut_grow"(
        const CutTree* tree, int32_t m, Rng* rng, int32_t* leaves, int32_t* order, CutRange* stack)


cdef struct GrowJob:
    CutForest forest
    const float* rows
    Py_ssize_t stride
    const int64_t* chosen   # (n_trees, m)
    const double* keys      # (n_trees, m)
    Py_ssize_t m
    const uint64_t* key
    double decay
    Reservoir reservoir     # of the first tree
    int32_t* order          # (n_threads, m)
    CutRange* stack         # (n_threads, m + 1)


cdef void _grow_task(void* arg, Py_ssize_t t, int slot) noexcept nogil:
    cdef GrowJob* job = <GrowJob*> arg
    cdef CutTree tree = view_tree(&job.forest, t)
    cdef Reservoir reservoir = reservoir_of(job.reservoir, tree.size, t)
    cdef Rng rng
    cdef Py_ssize_t i
    cdef int32_t n = 0
    for i in range(job.m):
        if job.chosen[t * job.m + i] >= 0:
            memcpy(
                tree.points + n * tree.d, job.rows + job.stride * job.chosen[t * job.m + i],
                tree.d * sizeof(float))
            reservoir.keys[n] = job.keys[t * job.m + i]
            n += 1
    resume(&rng, job.key, t, reservoir.clock[DRAWN])
    grow_tree(
        &tree, n, &rng, reservoir.leaves, job.order + slot * job.m,
        job.stack + slot * (job.m + 1))
    heapify(reservoir.keys, reservoir.leaves, n)
    reservoir.clock[SAMPLED] = n
    draw_next(&reservoir, tree.size, job.decay, reservoir.clock[SEEN], &rng)
    reservoir.clock[DRAWN] = drawn(&rng)


def grow(
    const float[::1] rows,           # IN: row i starts at i * stride
    Py_ssize_t stride,
    const int64_t[:, ::1] chosen,    # IN (n_trees, m): each tree's rows; negative: none
    const double[:, ::1] keys,       # IN (n_trees, m): those of the rows
    const uint64_t[::1] key,         # IN (2,)
    double decay,
    const int32_t[:, :, ::1] nodes,  # OUT, and all that follow: a Forest's
    const int32_t[:, ::1] parent,
    const int32_t[:, ::1] mass,
    const float[::1] boxes,
    const float[:, ::1] spans,
    const float[::1] points,
    const int32_t[:, ::1] heads,
    Py_ssize_t d,
    double[:, ::1] heap,
    int32_t[:, ::1] leaves,
    int64_t[:, ::1] clock,           # INOUT
    double[::1] coming,
    int n_threads,
):
    """Grow every tree over its chosen rows, whatever it was before.

    `clock` must say how many rows have been seen; the next one to be taken is drawn here.
    """
    cdef GrowJob job
    cdef Py_ssize_t m = chosen.shape[1]
    cdef Scratch order = scratch(n_threads * m, sizeof(int32_t))
    cdef Scratch stack = scratch(n_threads * (m + 1), sizeof(CutRange))
    job.forest = view_forest(nodes, parent, mass, boxes, spans, points, heads, d)
    job.rows, job.stride, job.m = &rows[0], stride, m
    job.chosen, job.keys = &chosen[0, 0], &keys[0, 0]
    job.key, job.decay = &key[0], decay
    job.reservoir = Reservoir(&heap[0, 0], &leaves[0, 0], &clock[0, 0], &coming[0])
    job.order, job.stack = <int32_t*> order.data, <CutRange*> stack.data
    with nogil:
        run_region(
            _grow_task, &job, job.forest.n_trees,
            job.forest.n_trees * m * (2 + log2(<double> m + 1)) * (4.0 + d), n_threads)
