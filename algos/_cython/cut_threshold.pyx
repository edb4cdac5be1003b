"""The adaptive threshold of a stream of scores: what is usual now, and how far beyond it."""

from libc.math cimport exp

from algos._cython._cut_threshold cimport Rule, Usual, grade_next, reach_of, threshold_for


def grade_scores(
    const double[::1] scores,  # IN (n,)
    double[::1] usual,         # INOUT (5,): count, discounted weight, and sums of powers
    double[::1] grades,        # OUT (n,)
    double decay,
    double z_factor,
    double most_skew,
    double least,
    double n_initial,
    double n_young,
    double narrowest,
):
    """Grade each score by those before it, then learn it, cut off where the grade is 1."""
    cdef Usual* state = <Usual*> &usual[0]
    cdef Rule rule = Rule(z_factor, most_skew, least, n_initial, n_young, narrowest)
    cdef double keep = exp(-decay)
    cdef Py_ssize_t i
    with nogil:
        for i in range(scores.shape[0]):
            grades[i] = grade_next(state, scores[i], keep, &rule)


def threshold_of(
    const double[::1] usual,  # IN (5,)
    double z_factor,
    double most_skew,
    double least,
    double n_initial,
    double n_young,
    double narrowest,
):
    """Return the score above which the next row is graded above 0."""
    cdef const Usual* state = <const Usual*> &usual[0]
    cdef Rule rule = Rule(z_factor, most_skew, least, n_initial, n_young, narrowest)
    return threshold_for(state, reach_of(state, &rule), &rule)
