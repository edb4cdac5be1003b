# Rows and other vectors in 8 bits: see _codes.h.
from cython cimport floating
from libc.stdint cimport int32_t, uint8_t, uint64_t

cdef enum:
    CODE_ROWS = 64       # in a tile
    CODE_BLOCK = 16      # rows encoded at a time
    MAX_CODED = 1 << 13  # columns: products of more could leave 2**28
    MAX_FINE = 32        # the same of fine codes

# What is known of k vectors c = step * code + rest, to bound products with them.
cdef struct CodePanel:
    double unit     # of the integer products: the rows' step times the vectors' step
    double norm     # largest ||c||
    double error    # largest ||rest||
    double slack    # of a product, in units, beyond what these errors explain
    bint fits       # whether all integers are far from overflow


cdef inline Py_ssize_t code_words(Py_ssize_t d) noexcept nogil:
    """Words of four columns in a row."""
    return (d + 3) // 4


# 16 rows less the shift, transposed: xt[column][row], aligned to 64 bytes → words of their
# codes, CODE_ROWS apart, the low ones (if fine) after those of all columns; norm and error are
# the squared lengths of the rows and of what is left of them
cdef void encode_block(
    const float* xt, Py_ssize_t stride, Py_ssize_t d, float step, bint fine, int32_t* words,
    float* norm, float* error,
) noexcept nogil

# c (k, d) → panel int32[panel_rows(k) * code_words(d)], twice that if fine, all zero before, and
# init int32[panel_rows(k)], such that init + products is x.c - ||c||^2 / 2 in units of `unit`,
# but for the codes' errors and the slack; vectors that only fill a group are never reached
cdef CodePanel encode_panel(
    const floating* c, Py_ssize_t k, Py_ssize_t d, double row_step, bint fine,
    int32_t* panel, int32_t* init,
) noexcept nogil

# init + products of a tile with the panel: products[panel_rows(k)][CODE_ROWS], most[CODE_ROWS]
cdef void code_products(
    const uint8_t* codes, Py_ssize_t words, bint fine, const int32_t* panel, const int32_t* init,
    Py_ssize_t k, int32_t* products, int32_t* most,
) noexcept nogil

# bit i of masks[j]: product j of row i reaches threshold[i]. Returns the rows that two or
# more reach; where[i] is the last that does, -1 if none; below[i], unless it is NULL, the largest
# product of row i that does not reach its threshold, INT32_MIN if none
cdef uint64_t code_reaching(
    const int32_t* products, Py_ssize_t k, const int32_t* threshold, uint64_t* masks,
    int32_t* where, int32_t* below,
) noexcept nogil
