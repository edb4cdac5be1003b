"""A few rows against a vector: the instruction set is chosen when this is loaded."""

cdef extern from "_pairs.h" nogil:
    ctypedef struct algos_pairs_table_f32:
        Py_ssize_t lanes
        void (*stage)(
            const float*, Py_ssize_t, const float*, uint64_t, float*, Py_ssize_t) noexcept nogil
        void (*distances)(
            const float*, Py_ssize_t, const float*, uint64_t, float*) noexcept nogil
        Py_ssize_t (*nearest)(
            const float*, Py_ssize_t, const float*, Py_ssize_t, const uint64_t*, uint64_t,
            int32_t*, float*, float*) noexcept nogil
    ctypedef struct algos_pairs_table_f64:
        Py_ssize_t lanes
        void (*stage)(
            const double*, Py_ssize_t, const double*, uint64_t, double*,
            Py_ssize_t) noexcept nogil
        void (*distances)(
            const double*, Py_ssize_t, const double*, uint64_t, double*) noexcept nogil
        Py_ssize_t (*nearest)(
            const double*, Py_ssize_t, const double*, Py_ssize_t, const uint64_t*, uint64_t,
            int32_t*, double*, double*) noexcept nogil
    const algos_pairs_table_f32* algos_pairs_f32
    const algos_pairs_table_f64* algos_pairs_f64
    int algos_pairs_choose(int limit)

algos_pairs_choose(4)


cdef Py_ssize_t staged_size(const floating* tag, Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t lanes = algos_pairs_f32.lanes if floating is float else algos_pairs_f64.lanes
    return (d + lanes - 1) // lanes * lanes


cdef void stage_rows(
    const floating* X, Py_ssize_t d, const floating* shift, uint64_t mask, floating* y,
    Py_ssize_t size,
) noexcept nogil:
    if floating is float:
        algos_pairs_f32.stage(X, d, shift, mask, y, size)
    else:
        algos_pairs_f64.stage(X, d, shift, mask, y, size)


cdef void staged_distances(
    const floating* y, Py_ssize_t size, const floating* center, uint64_t mask, floating* out
) noexcept nogil:
    if floating is float:
        algos_pairs_f32.distances(y, size, center, mask, out)
    else:
        algos_pairs_f64.distances(y, size, center, mask, out)


cdef Py_ssize_t staged_nearest(
    const floating* y, Py_ssize_t size, const floating* centers, Py_ssize_t k,
    const uint64_t* masks, uint64_t rows, int32_t* label, floating* least, floating* second,
) noexcept nogil:
    if floating is float:
        return algos_pairs_f32.nearest(y, size, centers, k, masks, rows, label, least, second)
    else:
        return algos_pairs_f64.nearest(y, size, centers, k, masks, rows, label, least, second)


def _test_choose_pairs_level(int limit):
    """Use instruction sets up to `limit` (0, 3 or 4) from now on; return the one chosen."""
    return algos_pairs_choose(limit)
