# CSR rows and what kernels do with them: see _csr.h.
from libc.stdint cimport int32_t
from algos._cython._memory cimport Scratch

cdef extern from "_csr.h" nogil:
    ctypedef struct algos_csr:
        const void* values
        const void* indices
        const void* indptr
        Py_ssize_t n, d
    ctypedef struct algos_panel:
        Py_ssize_t k, d, width
        const int32_t* slots
        void* values
    ctypedef struct algos_csr_table:
        Py_ssize_t lanes
        void (*pack)(
            const double* centers, Py_ssize_t begin, Py_ssize_t end,
            const algos_panel* panel) noexcept nogil
        void (*nearest)(
            const algos_csr* x, Py_ssize_t start, Py_ssize_t rows, const algos_panel* panel,
            const void* init, int32_t* label, void* least, void* second) noexcept nogil
        void (*products)(
            const algos_csr* x, Py_ssize_t row, const algos_panel* panel,
            double* out) noexcept nogil
        double (*product)(
            const algos_csr* x, Py_ssize_t row, const double* center) noexcept nogil
        double (*norm)(const algos_csr* x, Py_ssize_t row) noexcept nogil
        Py_ssize_t (*length)(const algos_csr* x, Py_ssize_t row) noexcept nogil
        void (*add)(
            const algos_csr* x, Py_ssize_t row, double weight, double* sum) noexcept nogil
        void (*fetch)(const algos_csr* x, Py_ssize_t row) noexcept nogil
        int (*check)(const algos_csr* x, Py_ssize_t stored) noexcept nogil


cdef class CsrRows:
    cdef algos_csr x
    cdef const algos_csr_table* table
    cdef bint single              # float32 values
    cdef bint narrow              # int32 indices
    cdef Py_ssize_t stored
    cdef Py_ssize_t itemsize      # of a value
    cdef object _arrays


# Centres, transposed; the pointers are into memory of the object.
cdef class Panel:
    cdef algos_panel p
    cdef Py_ssize_t padded        # k, in whole registers: room for `table.products`
    cdef Scratch _values, _slots

cdef Panel make_panel(CsrRows rows, const double[:, ::1] centers, int n_threads)

# of the columns alone that are not zero in all centres
cdef Panel make_sparse_panel(CsrRows rows, const double[:, ::1] centers)
