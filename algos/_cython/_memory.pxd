# Checked, aligned scratch memory: freed with the object, never inside a region.
cdef class Scratch:
    cdef void* data
    cdef void* _raw
    cdef readonly size_t nbytes

cdef Scratch scratch(Py_ssize_t count, Py_ssize_t itemsize)
