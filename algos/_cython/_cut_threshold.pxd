# What is usual among the scores of a stream, and how far beyond it a score is.
from libc.math cimport INFINITY

from algos._cython._running cimport deviation_of

cdef struct Usual:
    double count   # scores so far
    double weight  # of them, discounted
    double mean
    double scatter
    double lean    # sum of the cubes of deviations

cdef struct Rule:
    double z_factor
    double most_skew
    double least      # no lower score is unusual
    double n_initial  # scores, of which none is graded
    double n_young    # scores, of which the first ones count little
    double narrowest  # way from the threshold to the grade 1


cdef inline void _learn_score(
    Usual* usual, double score, double keep, const Rule* rule
) noexcept nogil:
    """Learn a score; the first ones, of a forest that is still small, count little."""
    cdef double before = usual.weight * keep, step = score - usual.mean
    cdef double share = min(1.0, (usual.count + 1) / rule.n_young)
    cdef double weight = share * share, all = before + weight, part = weight / all
    usual.scatter *= keep
    usual.lean = usual.lean * keep + step * part * (
        step * step * before * (before - weight) / all - 3 * usual.scatter)
    usual.scatter += step * step * before * part
    usual.mean += step * part
    usual.weight = all
    usual.count += 1


cdef inline double reach_of(const Usual* usual, const Rule* rule) noexcept nogil:
    """Return how far above the mean scores are unusual: farther where they lean that way.

    The first terms of Cornish's and Fisher's expansion of a quantile.
    """
    cdef double deviation = deviation_of(usual.scatter, usual.weight)
    cdef double cube = usual.weight * deviation ** 3
    cdef double skew = usual.lean / cube if cube > 0 else 0.0
    cdef double z = rule.z_factor
    return deviation * (z + min(max(skew, 0.0), rule.most_skew) * (z * z - 1) / 6)


cdef inline double threshold_for(
    const Usual* usual, double reach, const Rule* rule
) noexcept nogil:
    if usual.count < rule.n_initial:
        return INFINITY
    return max(rule.least, usual.mean + reach)


cdef inline double _grade(double score, double threshold, double width) noexcept nogil:
    """Return 0 up to the threshold, 1 from `width` above it, and a line between."""
    if score <= threshold:
        return 0.0
    return (score - threshold) / width if score - threshold < width else 1.0


cdef inline double grade_next(
    Usual* state, double score, double keep, const Rule* rule
) noexcept nogil:
    """Grade a score by those before it, then learn it, cut off where the grade is 1."""
    cdef double threshold = threshold_for(state, reach_of(state, rule), rule)
    cdef double grade = _grade(score, threshold, max(rule.narrowest, threshold - state.mean))
    # Of the deviation alone, lest a burst makes its own skew.
    cdef double reach = rule.z_factor * deviation_of(state.scatter, state.weight)
    cdef double most = threshold_for(state, reach, rule) + max(rule.narrowest, reach)
    _learn_score(state, min(score, most), keep, rule)
    return grade
