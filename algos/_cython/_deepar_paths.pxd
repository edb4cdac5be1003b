# The network in prediction, a row in each lane: see _deepar_paths.h.
from libc.stdint cimport int32_t

cdef extern from "_deepar_paths.h" nogil:
    enum:
        ALGOS_PATHS_MOST_LANES
    ctypedef struct algos_paths_network:
        const float* packed
        const float* starts
        const float* head
        const float* direct
        Py_ssize_t n_layers, hidden, n_inputs, n_outputs
        float zoneout
    ctypedef struct algos_paths_start:
        const float* values
        Py_ssize_t stride
        const int32_t* first
        const int32_t* index
    ctypedef struct algos_paths_table:
        Py_ssize_t lanes, vectors
        void (*step)(
            const algos_paths_network* net, const algos_paths_start* start,
            Py_ssize_t skipped, Py_ssize_t width, float* block,
            float* outputs) noexcept nogil
        void (*gates)(
            const float* x, Py_ssize_t n, const float* weights, const float* start,
            Py_ssize_t size, float* gates) noexcept nogil
    const algos_paths_table* algos_paths
    Py_ssize_t algos_paths_height(const algos_paths_network* net)
    void algos_paths_give(
        const algos_paths_network* net, const float* state, Py_ssize_t row, Py_ssize_t width,
        float* block)
    void algos_paths_take(
        const algos_paths_network* net, const float* block, Py_ssize_t row, Py_ssize_t width,
        float* state)
    int algos_paths_choose(int limit)
