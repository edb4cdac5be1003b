"""Rows taken out of a random cut forest's trees, as if they had not been drawn."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from algos._cython._cut_reservoir cimport (
    DRAWN, SAMPLED, SEEN, Reservoir, draw_next, drawn, reservoir_of, resume, sift_down, sift_up,
)
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._rng cimport Rng, rng_below

cdef extern from "_cut_change.h" nogil:
    void delete_row "algos_cut_delete"(const CutTree* tree, int32_t leaf)
    bint holds "algos_cut_holds"(const CutTree* tree, int32_t leaf, const float* row)
    int32_t find_leaf "algos_cut_find"(const CutTree* tree, const float* row)


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
    cdef CutForest forest = view_forest(nodes, parent, mass, boxes, spans, points, heads, d)
    cdef Reservoir first = Reservoir(&keys[0, 0], &leaves[0, 0], &clock[0, 0], &coming[0])
    cdef Reservoir to
    cdef CutTree tree
    cdef Rng rng
    cdef Py_ssize_t t, held = 0
    with nogil:
        for t in range(forest.n_trees):
            tree = view_tree(&forest, t)
            to = reservoir_of(first, tree.size, t)
            resume(&rng, &key[0], t, to.clock[DRAWN])
            held += _forget_in(&tree, &to, &row[0], decay, &rng)
            to.clock[DRAWN] = drawn(&rng)
    return held
