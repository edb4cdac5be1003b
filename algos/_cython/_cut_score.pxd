# Scores of rows in the trees of a forest: see `_cut_score.h`.
from algos._cython._cut_tree cimport CutForest, CutTree, view_tree

cdef extern from "_cut_score.h" nogil:
    void algos_cut_scores(
        const CutTree* tree, const float* rows, Py_ssize_t stride, Py_ssize_t n, int method,
        double* out)
    double algos_cut_row_score(
        const CutTree* trees, const float* row, Py_ssize_t n, int method, double sum)
    double algos_cut_finish(double sum, Py_ssize_t n_trees, int method)
    int algos_cut_choose(int limit)

cdef enum:
    TREES = 128  # in step, at most ALGOS_CUT_BLOCK


cdef inline double score_row(const CutForest* forest, const float* row, int method) noexcept nogil:
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
