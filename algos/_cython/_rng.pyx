"""Test hooks of the random streams in `_rng.h`; kernels cimport them from `_rng.pxd`."""


def _test_words(
    const uint64_t[::1] key,  # IN (2,)
    uint64_t[::1] words,      # OUT
    uint64_t stream,
    uint64_t step,
):
    """Fill `words` with the stream's first words."""
    cdef Rng rng
    cdef Py_ssize_t i
    rng_start(&rng, &key[0], stream, step)
    for i in range(words.shape[0]):
        words[i] = rng_next(&rng)


def _test_doubles(
    const uint64_t[::1] key,  # IN (2,)
    double[::1] values,       # OUT, in [0, 1)
    uint64_t stream,
    uint64_t step,
):
    """Fill `values` with the stream's first doubles."""
    cdef Rng rng
    cdef Py_ssize_t i
    rng_start(&rng, &key[0], stream, step)
    for i in range(values.shape[0]):
        values[i] = rng_double(&rng)


def _test_below(
    const uint64_t[::1] key,  # IN (2,)
    uint64_t[::1] values,     # OUT, in [0, bound)
    uint64_t stream,
    uint64_t step,
    uint64_t bound,
):
    """Fill `values` with the stream's first integers below `bound`."""
    cdef Rng rng
    cdef Py_ssize_t i
    rng_start(&rng, &key[0], stream, step)
    for i in range(values.shape[0]):
        values[i] = rng_below(&rng, bound)
