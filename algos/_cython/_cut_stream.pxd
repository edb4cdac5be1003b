# A forest that learns a stream: which rows its trees take, and what changes when they do.
from libc.stdint cimport int32_t, int64_t, uint64_t

from algos._cython._cut_reservoir cimport (
    DRAWN, NEXT, SAMPLED, SEEN, Reservoir, change_decay, draw_next, drawn, reservoir_of, resume,
    sift_down, sift_up,
)
from algos._cython._cut_score cimport score_row
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._rng cimport Rng

cdef extern from "_cut_change.h" nogil:
    int32_t insert_row "algos_cut_insert"(const CutTree* tree, const float* row, Rng* rng)
    int32_t replace_row "algos_cut_replace"(
        const CutTree* tree, int32_t leaf, const float* row, Rng* rng)

cdef struct Stream:
    CutForest forest
    Reservoir reservoir  # of the first tree
    const uint64_t* key
    double decay


cdef inline Stream view_stream(
    const uint64_t[::1] key, double decay, const int32_t[:, :, ::1] nodes,
    const int32_t[:, ::1] parent, const int32_t[:, ::1] mass, const float[::1] boxes,
    const float[:, ::1] spans, const float[::1] points, const int32_t[:, ::1] heads,
    Py_ssize_t d, double[:, ::1] keys, int32_t[:, ::1] leaves, int64_t[:, ::1] clock,
    double[::1] coming,
) noexcept:
    """Return pointers into a Forest's arrays."""
    cdef CutForest forest = view_forest(nodes, parent, mass, boxes, spans, points, heads, d)
    cdef Reservoir first = Reservoir(&keys[0, 0], &leaves[0, 0], &clock[0, 0], &coming[0])
    return Stream(forest, first, &key[0], decay)


cdef inline bint begin_tree(
    const Stream* stream, Py_ssize_t t, Py_ssize_t n, CutTree* tree, Reservoir* to, Rng* rng
) noexcept nogil:
    """Look at a tree; return whether it takes any of the next n rows."""
    tree[0] = view_tree(&stream.forest, t)
    to[0] = reservoir_of(stream.reservoir, tree.size, t)
    if to.clock[NEXT] - to.clock[SEEN] >= n:
        return False
    resume(rng, stream.key, t, to.clock[DRAWN])
    if to.clock[DRAWN] == 0:  # a new tree
        draw_next(to, tree.size, stream.decay, to.clock[SEEN], rng)
    return True


cdef inline void take_row(
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


cdef inline double learn_row(
    const Stream* stream, const float* row, int method, bint scored
) noexcept nogil:
    """Learn a row in all trees; return its score before, 0 if it is not asked for."""
    cdef double score = score_row(&stream.forest, row, method) if scored else 0
    cdef Py_ssize_t t
    cdef CutTree tree
    cdef Reservoir to
    cdef Rng rng
    for t in range(stream.forest.n_trees):
        if begin_tree(stream, t, 1, &tree, &to, &rng):
            take_row(&tree, &to, row, to.clock[SEEN], stream.decay, &rng)
            to.clock[DRAWN] = drawn(&rng)
        to.clock[SEEN] += 1
    return score


cdef inline void change_stream(Stream* stream, double decay) noexcept nogil:
    """Forget at another rate, from the next row on."""
    cdef Py_ssize_t t, size = stream.forest.first.size
    cdef Reservoir to
    cdef Rng rng
    for t in range(stream.forest.n_trees):
        to = reservoir_of(stream.reservoir, size, t)
        resume(&rng, stream.key, t, to.clock[DRAWN])
        change_decay(&to, size, stream.decay, decay, &rng)
        to.clock[DRAWN] = drawn(&rng)
    stream.decay = decay
