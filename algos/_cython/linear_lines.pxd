# Lines of a matrix, of any type: see _linear_lines.h.
cdef extern from "_linear_lines.h" nogil:
    ctypedef struct algos_lines:
        const void* values
        const void* indices
        const void* starts
        Py_ssize_t length


cdef class Lines:
    cdef algos_lines x
    cdef readonly bint single    # float32 values
    cdef readonly bint narrow    # int32 indices, or dense
    cdef readonly Py_ssize_t n
    cdef readonly Py_ssize_t stored
    cdef object _arrays
