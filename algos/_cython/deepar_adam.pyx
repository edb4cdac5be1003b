"""Steps of Adam: see `_deepar_adam.h`.

A step runs on one thread: updating some ten thousand weights takes less time than waking
another.
"""

from libc.math cimport INFINITY, isfinite, pow, sqrt

cdef extern from "_deepar_adam.h" nogil:
    const double ALGOS_DEEPAR_BETA1, ALGOS_DEEPAR_BETA2
    ctypedef struct algos_deepar_adam:
        float scale, rate, decay, correct2, share
    double algos_deepar_squares(const float* gradient, Py_ssize_t n)
    void algos_deepar_step(
        const algos_deepar_adam* how, const float* gradient, Py_ssize_t n,
        float* weights, float* first, float* second, float* average)

cdef enum:
    WARM = 10  # steps in the average of weights at first, beyond the first one

cdef double LONGEST = 1e15  # gradient: its square is finite in float32


def step(
    const float[::1] gradient,  # IN: summed
    double weight,              # IN: the sum of weights in the gradient; positive
    float[::1] weights,         # INOUT
    float[::1] first,           # INOUT: Adam's moments
    float[::1] second,          # INOUT
    float[::1] average,         # INOUT: of the weights
    Py_ssize_t number,          # of this step, from 1
    double rate,
    double clip,
    double decay,
    double memory,
):
    """Take one step; return the length of the mean gradient before it is clipped.

    If the length is not finite, or the weight is 0, nothing is changed.

    Parameters
    ----------
    clip : float
        Longer gradients are shortened to this length.
    decay : float
        Each weight is shrunk by the share `rate * decay`.
    memory : float
        At least 0 and less than 1. The average decays by this factor in each step, faster
        at first: it then covers about the last ninth of all steps.
    """
    cdef Py_ssize_t n = weights.shape[0]
    cdef algos_deepar_adam how
    cdef double length, share
    if n == 0 or not weight > 0:
        return INFINITY
    with nogil:
        clip = min(clip, LONGEST)
        length = sqrt(algos_deepar_squares(&gradient[0], n)) / weight
        if isfinite(length):
            share = max(1 - memory, min(1.0, (1.0 + WARM) / (number + WARM)))
            how.scale = <float> ((clip / length if length > clip else 1.0) / weight)
            how.rate = <float> (rate / (1 - pow(ALGOS_DEEPAR_BETA1, number)))
            how.correct2 = <float> (1 / (1 - pow(ALGOS_DEEPAR_BETA2, number)))
            how.decay, how.share = <float> (rate * decay), <float> share
            algos_deepar_step(
                &how, &gradient[0], n, &weights[0], &first[0], &second[0], &average[0])
    return length
