# CSR rows against vectors: see _sparse_dots.h.
from algos._cython._csr cimport CsrRows, algos_csr

cdef extern from "_sparse_dots.h" nogil:
    enum:
        STRIP "ALGOS_STRIP"
    ctypedef struct algos_sparse_dots:
        void (*dots)(
            const algos_csr*, Py_ssize_t, Py_ssize_t, const void*, void*) noexcept nogil
        void (*strip_dots)(
            const algos_csr*, Py_ssize_t, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t,
            void*) noexcept nogil
        void (*wide_dots)(
            const algos_csr*, Py_ssize_t, Py_ssize_t, const void*, void*) noexcept nogil
        void (*wide_strip_dots)(
            const algos_csr*, Py_ssize_t, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t,
            void*) noexcept nogil
        void (*add)(
            const algos_csr*, Py_ssize_t, Py_ssize_t, const void*, double*) noexcept nogil
        void (*strip_add)(
            const algos_csr*, Py_ssize_t, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t,
            double*) noexcept nogil
        void (*moments)(
            const algos_csr*, Py_ssize_t, Py_ssize_t, const double*, double*) noexcept nogil
        void (*scatter)(
            const algos_csr*, const double*, Py_ssize_t, Py_ssize_t, double*) noexcept nogil
    const algos_sparse_dots* algos_sparse_choose(int single, int narrow)


cdef inline const algos_sparse_dots* sparse_dots_of(CsrRows rows):
    return algos_sparse_choose(rows.single, rows._arrays[1].itemsize == 4)
