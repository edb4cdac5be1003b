# Shares of the columns in a row's score: see `_cut_attribution.h`.
from algos._cython._cut_tree cimport CutTree

cdef extern from "_cut_attribution.h" nogil:
    ctypedef struct CutWork "algos_cut_work":
        double* x

    Py_ssize_t algos_cut_work_size(Py_ssize_t size, Py_ssize_t d)
    CutWork algos_cut_work_in(double* room, Py_ssize_t d)
    void algos_cut_shares(
        const CutTree* tree, const float* rows, Py_ssize_t stride, Py_ssize_t n, int method,
        CutWork work, double* out)
    void algos_cut_sum_to(double* shares, Py_ssize_t d, double score)
