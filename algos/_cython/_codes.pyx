"""8-bit codes: the instructions for their products are chosen when this is loaded."""

from libc.math cimport fabs, fmax, rint, sqrt
from libc.stdint cimport uint32_t
from algos._cython._tile cimport panel_rows

cdef extern from "_codes.h" nogil:
    ctypedef struct algos_code_table:
        void (*encode)(
            const float*, Py_ssize_t, Py_ssize_t, float, int, int32_t*, Py_ssize_t, float*,
            float*) noexcept nogil
        void (*products)(
            const uint8_t*, Py_ssize_t, int, const int32_t*, const int32_t*, Py_ssize_t,
            int32_t*, int32_t*) noexcept nogil
        uint64_t (*reaching)(
            const int32_t*, Py_ssize_t, const int32_t*, uint64_t*, int32_t*,
            int32_t*) noexcept nogil
    const algos_code_table* algos_codes
    int algos_codes_choose(int wanted)
    Py_ssize_t algos_panel_width(Py_ssize_t k)
    int INT32_MIN

cdef double LIMIT = 1 << 28  # four times this is an int32

cdef bint has_vnni = algos_codes_choose(1)
cdef bint is_pretended = False


def is_fast():
    """Tell whether the processor multiplies 8-bit codes faster than floats."""
    return bool(has_vnni or is_pretended)


cdef void encode_block(
    const float* xt, Py_ssize_t stride, Py_ssize_t d, float step, bint fine, int32_t* words,
    float* norm, float* error,
) noexcept nogil:
    algos_codes.encode(xt, stride, d, step, fine, words, code_words(d), norm, error)


cdef double _largest(const floating* c, Py_ssize_t size) noexcept nogil:
    cdef floating most = 0, value
    cdef Py_ssize_t i
    for i in range(size):
        value = <floating> fabs(c[i])
        most = value if value > most else most  # fmax is a call
    return most


cdef inline int32_t _nearest_code(double steps) noexcept nogil:
    """The nearest whole number, between -128 and 127."""
    cdef int32_t code = <int32_t> (steps + 128.5) - 128  # positive, so that truncation rounds
    return code if code < 127 else 127


cdef inline int32_t _in_word(int32_t code, Py_ssize_t p) noexcept nogil:
    """A code at the place in its word that column p has."""
    return <int32_t> (<uint32_t> (code & 255) << (8 * (p % 4)))


cdef inline double _encode_vector(
    const floating* c, Py_ssize_t d, double step, bint fine, int32_t* high, Py_ssize_t stride,
    double* norm, int32_t* total,
) noexcept nogil:
    """Write the codes of one vector, a word every `stride`; return what they leave, squared.

    `total` is the sum of the codes, times what a row's 1 is worth in the products.
    """
    cdef double left = 0, squares = 0, rest, fraction = step / 256
    cdef double per_step = 1 / step, per_fraction = 1 / fraction
    cdef int32_t* low = high + code_words(d) * stride
    cdef int32_t q, r
    cdef Py_ssize_t p
    total[0] = 0
    for p in range(d):
        q = _nearest_code(c[p] * per_step)
        rest = c[p] - step * q
        high[p // 4 * stride] |= _in_word(q, p)
        total[0] += 257 * q if fine else q
        if fine:
            r = _nearest_code(rest * per_fraction)
            rest -= fraction * r
            low[p // 4 * stride] |= _in_word(r, p)
            total[0] += r
        squares += <double> c[p] * c[p]
        left += rest * rest
    norm[0] = squares
    return left


cdef CodePanel encode_panel(
    const floating* c, Py_ssize_t k, Py_ssize_t d, double row_step, bint fine,
    int32_t* panel, int32_t* init,
) noexcept nogil:
    cdef Py_ssize_t width = algos_panel_width(k), words = code_words(d) * (2 if fine else 1), j
    cdef double most = _largest(c, k * d), step = most / 127 if most > 1e-300 else 1
    cdef double norm, half
    cdef int32_t total
    cdef CodePanel found
    found.unit = row_step * step / (256 if fine else 1)
    found.norm = found.error = 0
    found.slack = 64 * d + 1 if fine else 1  # low times low; half a norm, rounded
    found.fits = d <= (MAX_FINE if fine else MAX_CODED) and found.unit > 0
    for j in range(k):
        found.error = fmax(found.error, _encode_vector(
            c + j * d, d, step, fine, panel + j // width * width * words + j % width, width,
            &norm, &total,
        ))
        found.norm = fmax(found.norm, norm)
        half = norm / (2 * found.unit)
        found.fits = found.fits and half < LIMIT
        # Rows' codes are 128 too large.
        init[j] = -128 * total - <int32_t> rint(half if half < LIMIT else 0)
    for j in range(k, panel_rows(k)):
        init[j] = INT32_MIN
    found.norm, found.error = sqrt(found.norm), sqrt(found.error)
    return found


cdef void code_products(
    const uint8_t* codes, Py_ssize_t words, bint fine, const int32_t* panel, const int32_t* init,
    Py_ssize_t k, int32_t* products, int32_t* most,
) noexcept nogil:
    algos_codes.products(codes, words, fine, panel, init, k, products, most)


cdef uint64_t code_reaching(
    const int32_t* products, Py_ssize_t k, const int32_t* threshold, uint64_t* masks,
    int32_t* where, int32_t* below,
) noexcept nogil:
    return algos_codes.reaching(products, k, threshold, masks, where, below)


def _test_choose_vnni(bint wanted):
    """Use VNNI from now on, if it is wanted and there; return whether it is used."""
    return bool(algos_codes_choose(wanted))


def _test_pretend_fast(bint wanted):
    """Say from now on, if that is wanted, that codes are fast: plain C is then used as VNNI."""
    global is_pretended
    is_pretended = wanted
