"""Prediction of series: the context is read once, and paths are then drawn step by step.

Steps of the network take a row (a series, or one of its paths) in each lane: `_deepar_paths.h`.
Of a path's inputs only the lags that reach back to its own draws are its own: all else is the
same for the paths of a series, and makes what their gates begin with, once.

Rows do not know of each other: fixed chunks of them are taken by any thread.
"""

from libc.math cimport fabs
from libc.stdint cimport int32_t, uint32_t, uint64_t

from algos._cython._deepar_paths cimport (
    ALGOS_PATHS_MOST_LANES, ALGOS_PATHS_VECTORS, algos_paths, algos_paths_cells,
    algos_paths_choose, algos_paths_height, algos_paths_network, algos_paths_start,
    algos_paths_states,
)
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "_deepar_draw.h" nogil:
    ctypedef struct Stream "algos_deepar_stream":
        uint64_t seed[2]
        uint64_t series[2]
        uint32_t step
    int n_outputs_of "algos_deepar_n_outputs"(int kind)
    bint is_count "algos_deepar_is_count"(int kind)
    void draw "algos_deepar_draw_f32"(
        int kind, const float* head, double scale, const Stream* stream, uint32_t path,
        Py_ssize_t n, float* draws)

algos_paths_choose(4)

cdef enum:
    ROWS = 192  # in a chunk: whole tiles at any level

cdef double NANOSECONDS_A_WEIGHT = 0.012  # and row
cdef float FURTHEST = 1e10  # scales that a draw may be fed back from


cdef struct Series:
    # What the rows of a chunk have from their series.
    algos_paths_network net
    const float* by_static   # (n_static, n_gates)
    const float* base        # (n_gates,)
    const float* statics     # (n_series, n_static)
    const float* inputs      # (n_steps, n_series, n_inputs)
    Py_ssize_t n_series, n_static, n_steps, n_inputs, n_gates


cdef struct Room:
    # One thread's scratch memory.
    float* block      # (tiles, height, width)
    float* own        # (series, n_gates): gates as the static inputs have them begin
    float* gates      # (n_gates,)
    float* values     # (n_gates, stride): what gates begin with, for each series
    float* outputs    # (n_outputs, width)
    float* heads      # (ROWS, n_outputs)
    float* drawn      # (n_steps, ROWS), in the convention of targets
    float* feed       # (ROWS,): what makes a draw an input
    int32_t* first    # (ROWS,): the first series of a register
    int32_t* index    # (ROWS,): the series of a row, counted from there


cdef inline Py_ssize_t _aligned(Py_ssize_t size) noexcept nogil:
    return (size + 15) // 16 * 16


cdef inline float* _part(float** left, Py_ssize_t size) noexcept nogil:
    cdef float* part = left[0]
    left[0] += _aligned(size)
    return part


cdef Py_ssize_t _divide(
    float* memory, const Series* series, Py_ssize_t most, Py_ssize_t n_drawn, Room* room
) noexcept nogil:
    """Part memory of at most `most` series a chunk; return the floats needed."""
    cdef float* left = memory
    room.block = _part(&left, algos_paths_height(&series.net) * ROWS)
    room.own = _part(&left, most * series.n_gates)
    room.gates = _part(&left, series.n_gates)
    room.values = _part(&left, series.n_gates * _stride(most))
    room.outputs = _part(&left, series.net.n_outputs * ROWS)
    room.heads = _part(&left, series.net.n_outputs * ROWS)
    room.drawn = _part(&left, n_drawn * ROWS)
    room.feed = _part(&left, ROWS)
    room.first = <int32_t*> _part(&left, ROWS)
    room.index = <int32_t*> _part(&left, ROWS)
    return left - memory


cdef inline Py_ssize_t _stride(Py_ssize_t most) noexcept nogil:
    return most + ALGOS_PATHS_MOST_LANES  # a register is read from any of them


cdef inline Py_ssize_t _width(Py_ssize_t rows) noexcept nogil:
    """Return the rows of a tile; of few rows a register."""
    return algos_paths.lanes * (1 if rows <= algos_paths.lanes else ALGOS_PATHS_VECTORS)
