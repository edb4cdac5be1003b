# Lanes: fixed runs of chunks, each worked through in order into its own accumulator.
# Their number depends on sizes alone, so sums have the same bits for any number of threads.
cdef enum:
    CHUNK = 256  # rows
    MAX_LANES = 64


cdef inline Py_ssize_t lane_count(
    Py_ssize_t n_rows, Py_ssize_t accumulator_bytes, Py_ssize_t data_bytes
) noexcept nogil:
    cdef Py_ssize_t limit = max(<Py_ssize_t> 1 << 24, data_bytes // 20)
    cdef Py_ssize_t chunks = (n_rows + CHUNK - 1) // CHUNK
    return max(<Py_ssize_t> 1, min(min(chunks, <Py_ssize_t> MAX_LANES),
                                   limit // max(accumulator_bytes, <Py_ssize_t> 1)))


cdef inline Py_ssize_t lane_start(
    Py_ssize_t lane, Py_ssize_t n_lanes, Py_ssize_t n_rows
) noexcept nogil:
    cdef Py_ssize_t chunks = (n_rows + CHUNK - 1) // CHUNK
    return min(n_rows, chunks * lane // n_lanes * CHUNK)


cdef inline void reduce_lanes(
    const double* lanes, Py_ssize_t n_lanes, Py_ssize_t size, double* out
) noexcept nogil:
    """Add the lanes' accumulators in lane order."""
    cdef Py_ssize_t lane, i
    for i in range(size):
        out[i] = lanes[i]
    for lane in range(1, n_lanes):
        for i in range(size):
            out[i] += lanes[lane * size + i]
