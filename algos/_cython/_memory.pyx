"""Scratch memory for kernels: one allocator, 64-byte aligned, failure is MemoryError."""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    ALIGNMENT = 64  # one cache line, one 512-bit vector


cdef class Scratch:
    """Zeroed memory; `data` is aligned to 64 bytes."""

    def __dealloc__(self):
        free(self._raw)


cdef Scratch scratch(Py_ssize_t count, Py_ssize_t itemsize):
    """Return zeroed room for `count` items of `itemsize` bytes."""
    cdef Scratch block = Scratch()
    if count < 0 or itemsize <= 0 or count > (PY_SSIZE_T_MAX - ALIGNMENT) // itemsize:
        raise MemoryError(f"{count} items of {itemsize} bytes exceed the address space")
    block.nbytes = <size_t> (count * itemsize)
    block._raw = calloc(block.nbytes + ALIGNMENT, 1)
    if block._raw == NULL:
        raise MemoryError(f"no memory for {block.nbytes / 1e9:.3g} GB of scratch space")
    block.data = <void*> ((<uintptr_t> block._raw + ALIGNMENT - 1) & ~<uintptr_t> (ALIGNMENT - 1))
    return block


def _test_scratch(Py_ssize_t count, Py_ssize_t itemsize):
    """Return (address % 64, bytes, sum of the bytes) of a fresh block."""
    cdef Scratch block = scratch(count, itemsize)
    cdef unsigned char* data = <unsigned char*> block.data
    cdef size_t total = 0, i
    for i in range(block.nbytes):
        total += data[i]
    return <uintptr_t> block.data % ALIGNMENT, block.nbytes, total
