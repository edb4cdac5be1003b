"""Test hooks of the likelihoods in `_deepar_likelihood.h` and of the draws in `_deepar_draw.h`;
kernels include the headers.
"""

from libc.stdint cimport uint32_t, uint64_t
from algos._cython._deepar_draw cimport (
    algos_deepar_draw_f32, algos_deepar_draw_f64, algos_deepar_parameters, algos_deepar_stream,
)
from algos._cython._deepar_likelihood cimport algos_deepar_loss_f32, algos_deepar_loss_f64
from cython cimport floating


def measure(
    const floating[:, ::1] head,  # IN (n, n_outputs or more)
    const floating[::1] targets,  # IN (n,)
    const floating[::1] mask,     # IN (n,)
    const floating[::1] scale,    # IN (n,), above 0
    floating[:, ::1] slopes,      # OUT, of the shape of `head`
    int kind,
):
    """Compute the slopes of Σ mask · negative log-likelihood; return this sum."""
    cdef Py_ssize_t n = targets.shape[0]
    cdef double total
    if n == 0:
        return 0.0
    with nogil:
        if floating is float:
            total = algos_deepar_loss_f32(
                kind, &head[0, 0], head.shape[1], &targets[0], &mask[0], &scale[0], n,
                &slopes[0, 0])
        else:
            total = algos_deepar_loss_f64(
                kind, &head[0, 0], head.shape[1], &targets[0], &mask[0], &scale[0], n,
                &slopes[0, 0])
    return total


def draw(
    const floating[:, ::1] head,  # IN (n, n_outputs or more)
    const uint64_t[::1] key,      # IN (2,): the seed
    const uint64_t[::1] series,   # IN (2,): the content of the series
    floating[::1] draws,          # OUT (n,): of paths `path` + i
    int kind,
    double scale,
    uint32_t path,
    uint32_t step,
):
    """Draw one number for each path of a series at one step."""
    cdef algos_deepar_stream stream
    cdef Py_ssize_t n = draws.shape[0]
    if n == 0:
        return
    stream.seed[0], stream.seed[1] = key[0], key[1]
    stream.series[0], stream.series[1] = series[0], series[1]
    stream.step = step
    with nogil:
        if floating is float:
            algos_deepar_draw_f32(
                kind, &head[0, 0], head.shape[1], scale, &stream, path, n, &draws[0])
        else:
            algos_deepar_draw_f64(
                kind, &head[0, 0], head.shape[1], scale, &stream, path, n, &draws[0])


def parametrize(
    const double[:, ::1] head,  # IN (n, n_outputs)
    const double[::1] scale,    # IN (n,)
    double[:, ::1] parameters,  # OUT (n, n_outputs): in the convention of targets
    int kind,
):
    """Turn raw numbers into the laws' parameters."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(scale.shape[0]):
            algos_deepar_parameters(kind, &head[i, 0], scale[i], &parameters[i, 0])
