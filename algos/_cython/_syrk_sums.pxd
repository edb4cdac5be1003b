# Sums over all rows of the products of columns, shared out as Shares says.
from algos._cython._syrk cimport Shares

# Begins the job of a kernel, whose tasks cast it back.
cdef struct ProductSums:
    bint single             # float32
    Py_ssize_t n, d         # of the rows
    Shares shares
    void* tiles             # packed rows, of one slot or of all
    double* products        # (lanes, cells), blocks of the upper triangle
    double* sums            # (lanes, columns)
    Py_ssize_t start, rows  # the panel that is worked on
    void (*add_lane)(void* job, Py_ssize_t lane, int slot) noexcept nogil
    void (*pack_tile)(void* job, Py_ssize_t tile, int slot) noexcept nogil  # of the panel

# Ends with the sums of all in the first lane.
cdef void sum_products(ProductSums* job, int n_threads) noexcept nogil
