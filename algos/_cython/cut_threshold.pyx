"""The adaptive threshold of a stream of scores: what is usual now, and how far beyond it."""

from libc.math cimport exp, sqrt


cdef struct Usual:
    double count   # scores so far
    double weight  # of them, discounted
    double mean
    double scatter


cdef inline double _deviation(const Usual* usual) noexcept nogil:
    return sqrt(usual.scatter / usual.weight) if usual.weight > 0 else 0.0


cdef inline void _follow(Usual* usual, double score, double keep) noexcept nogil:
    cdef double step = score - usual.mean
    usual.count += 1
    usual.weight = usual.weight * keep + 1
    usual.mean += step / usual.weight
    usual.scatter = usual.scatter * keep + step * (score - usual.mean)


cdef inline double _threshold(
    const Usual* usual, double z_factor, double least, double initial, Py_ssize_t n_initial
) noexcept nogil:
    if usual.count < n_initial:
        return initial
    return max(least, usual.mean + z_factor * _deviation(usual))


cdef inline double _grade(double score, double threshold, double width) noexcept nogil:
    """Return 0 up to the threshold, 1 from `width` above it, and a line between."""
    if score <= threshold:
        return 0.0
    return (score - threshold) / width if score - threshold < width else 1.0


def grade_scores(
    const double[::1] scores,  # IN (n,)
    double[::1] usual,         # INOUT (4,): count, discounted weight, mean and scatter
    double[::1] grades,        # OUT (n,)
    double decay,
    double z_factor,
    double least,
    double initial,
    Py_ssize_t n_initial,
):
    """Grade each score by those before it, then learn it, cut off where the grade is 1."""
    cdef Usual* state = <Usual*> &usual[0]
    cdef double keep = exp(-decay), threshold, width
    cdef Py_ssize_t i
    with nogil:
        for i in range(scores.shape[0]):
            threshold = _threshold(state, z_factor, least, initial, n_initial)
            width = z_factor * _deviation(state)
            if state.count < n_initial:
                width = max(width, initial)
            grades[i] = _grade(scores[i], threshold, width)
            _follow(state, min(scores[i], threshold + width), keep)


def threshold_of(
    const double[::1] usual,  # IN (4,)
    double z_factor,
    double least,
    double initial,
    Py_ssize_t n_initial,
):
    """Return the score above which the next row is graded above 0."""
    return _threshold(<const Usual*> &usual[0], z_factor, least, initial, n_initial)
