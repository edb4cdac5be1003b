"""Weighted centres with the rows of a batch in them.

Each centre moves to the mean of all rows that ever went into it. Sums of squares are exact:
Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance", eq. 2.1, for
each centre.
"""


cdef inline void _absorb_one(
    const double* total, double count, const double* rounded, const double* shift, Py_ssize_t d,
    double weight, double* center, double* within, double* between,
) noexcept nogil:
    """Move a centre of this weight, the rows of which lie about `rounded`."""
    cdef double share = count / (weight + count), missed = 0, moved = 0, mean, step
    cdef Py_ssize_t p
    for p in range(d):
        mean = total[p] / count
        step = mean - center[p]
        missed += (mean - rounded[p]) * (mean - rounded[p])
        moved += step * step
        center[p] = center[p] + share * step + shift[p]
    within[0] += count * missed
    between[0] += weight * share * moved


def absorb(
    const double[:, ::1] sums,     # IN (m, d) of the rows less the shift, by centre
    const double[::1] counts,      # IN (m,) weights of these rows
    const double[:, ::1] rounded,  # IN (m, d) those that rows were measured to; may be `centers`
    const double[::1] shift,       # IN (d,)
    double[:, ::1] centers,        # INOUT (m, d) less the shift → means of all rows
    double[::1] weights,           # INOUT (m,) of the rows before → of all
):
    """Let centres take in what rows came to them.

    Returns (within, between): by how much squares about the rounded centres exceed those
    about the means of the rows, and what lies between these means and the centres before.
    """
    cdef Py_ssize_t m = sums.shape[0], d = sums.shape[1], j, p
    cdef double within = 0, between = 0
    with nogil:
        for j in range(m):
            if counts[j] > 0:
                _absorb_one(
                    &sums[j, 0], counts[j], &rounded[j, 0], &shift[0], d, weights[j],
                    &centers[j, 0], &within, &between,
                )
                weights[j] += counts[j]
            else:
                for p in range(d):
                    centers[j, p] += shift[p]
    return within, between
