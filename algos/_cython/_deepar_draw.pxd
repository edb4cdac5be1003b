# Draws from likelihoods of forecasts: see `_deepar_draw.h`.
from libc.stdint cimport uint32_t, uint64_t

cdef extern from "_deepar_draw.h" nogil:
    ctypedef struct algos_deepar_stream:
        uint64_t seed[2]
        uint64_t series[2]
        uint32_t step
    void algos_deepar_parameters(int kind, const double* head, double scale, double* out)
    void algos_deepar_draw_f32(
        int kind, const float* head, Py_ssize_t stride, double scale,
        const algos_deepar_stream* stream, uint32_t path, Py_ssize_t n, float* draws)
    void algos_deepar_draw_f64(
        int kind, const double* head, Py_ssize_t stride, double scale,
        const algos_deepar_stream* stream, uint32_t path, Py_ssize_t n, double* draws)
