# The trees of a forest, for kernels: see `_cut_tree.h`.
from libc.stdint cimport int32_t

cdef extern from "_cut_tree.h" nogil:
    Py_ssize_t CUT_SLACK "ALGOS_CUT_SLACK"

    ctypedef struct CutNode "algos_cut_node":
        float cut
        int32_t column
        int32_t* child

    ctypedef struct CutTree "algos_cut_tree":
        CutNode* nodes
        int32_t* parent
        int32_t* mass
        float* boxes
        float* spans
        float* points
        int32_t* heads
        Py_ssize_t size, d


ctypedef struct CutForest:
    CutTree first
    Py_ssize_t n_trees


cdef inline CutForest view_forest(
    const int32_t[:, :, ::1] nodes,
    const int32_t[:, ::1] parent,
    const int32_t[:, ::1] mass,
    const float[::1] boxes,
    const float[:, ::1] spans,
    const float[::1] points,
    const int32_t[:, ::1] heads,
    Py_ssize_t d,
) noexcept:
    """Return pointers into a Forest's arrays; kernels that only read take them as const."""
    cdef CutForest forest
    forest.n_trees = nodes.shape[0]
    forest.first.size, forest.first.d = (nodes.shape[1] + 1) // 2, d
    forest.first.nodes = <CutNode*> &nodes[0, 0, 0]
    forest.first.parent, forest.first.mass = <int32_t*> &parent[0, 0], <int32_t*> &mass[0, 0]
    forest.first.boxes, forest.first.points = <float*> &boxes[0], <float*> &points[0]
    forest.first.spans = <float*> &spans[0, 0] if spans.shape[1] else NULL
    forest.first.heads = <int32_t*> &heads[0, 0]
    return forest


cdef inline CutTree view_tree(const CutForest* forest, Py_ssize_t t) noexcept nogil:
    cdef CutTree tree = forest.first
    cdef Py_ssize_t n_nodes = 2 * tree.size - 1, inner = tree.size - 1
    tree.nodes += t * n_nodes
    tree.parent += t * n_nodes
    tree.mass += t * n_nodes
    tree.boxes += t * inner * 2 * tree.d
    tree.spans += t * inner
    tree.points += t * tree.size * tree.d
    tree.heads += 4 * t
    return tree
