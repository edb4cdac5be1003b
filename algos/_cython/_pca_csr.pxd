# What PCA sums up over CSR rows: see _pca_csr.h.
from algos._cython._csr cimport CsrRows, algos_csr

cdef extern from "_pca_csr.h" nogil:
    enum:
        STRIP "ALGOS_STRIP"
    ctypedef struct algos_line:
        pass
    ctypedef struct algos_pca_csr:
        void (*power)(
            const algos_csr* x, Py_ssize_t start, Py_ssize_t end, const double* panel,
            const double* center, double* out, double* sums) noexcept nogil
        void (*short_power)(
            const algos_csr* x, Py_ssize_t start, Py_ssize_t end, const double* panel,
            const double* center, algos_line* room, double* out,
            double* sums) noexcept nogil
        void (*project)(
            const algos_csr* x, Py_ssize_t start, Py_ssize_t end, const double* panel,
            const double* center, Py_ssize_t k, void* out) noexcept nogil
        void (*moments)(
            const algos_csr* x, Py_ssize_t start, Py_ssize_t end, const double* shift,
            double* counts) noexcept nogil
        void (*scatter)(
            const algos_csr* x, Py_ssize_t low, Py_ssize_t high, const double* shift,
            double* scatter) noexcept nogil
    const algos_pca_csr* algos_pca_csr_of(bint single, bint narrow)


cdef inline const algos_pca_csr* pca_table(CsrRows rows) noexcept:
    return algos_pca_csr_of(rows.single, rows.narrow)
