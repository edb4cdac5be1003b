"""Preparation of series for a panel: their bounds, magnitudes, content and filled values."""

from cython cimport floating
from libc.math cimport fabs, frexp, ldexp
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

cdef extern from "_fold.h" nogil:
    uint64_t algos_fold(double value)
    uint64_t algos_mix(uint64_t h)

cdef enum:
    INFINITE = 1
    NEGATIVE = 2
    ABOVE_ONE = 4
    SAFE = 400  # exponents beyond which sums of magnitudes are of scaled values
    FAR = 10    # powers of two above a series' median magnitude, beyond which values are ignored
    LOWEST = -1080  # exponents
    HIGHEST = 1030

cdef double MOST = 2.0**60  # of a value in units, whose square is finite in float32
cdef uint64_t MISSING = 0xA5A5F00D1234567Bu  # stands for a missing value in the hash


cdef inline int _exponent(double z) noexcept nogil:
    cdef int e = LOWEST
    if z != 0:
        frexp(z, &e)
    return e


cdef int _median_exponent(
    const floating* x, const uint8_t* observed, int64_t n, int64_t n_values
) noexcept nogil:
    """Exponent of the median of the magnitudes that are observed, not 0 and not NaN."""
    cdef int64_t counts[HIGHEST - LOWEST]
    cdef int64_t i, below = 0
    cdef int e = LOWEST
    memset(counts, 0, sizeof(counts))
    for i in range(n):
        if x[i] == x[i] and x[i] != 0 and (observed == NULL or observed[i]):
            counts[_exponent(x[i]) - LOWEST] += 1
    while 2 * (below + counts[e - LOWEST]) < n_values:
        below += counts[e - LOWEST]
        e += 1
    return e


cdef int _limit(const floating* x, const uint8_t* observed, int64_t n) noexcept nogil:
    """Exponent beyond which values are ignored for the scale: marks of a gap, or accidents."""
    cdef int64_t i, n_values = 0
    cdef int e, least = HIGHEST, most = LOWEST
    for i in range(n):
        if x[i] == x[i] and x[i] != 0 and (observed == NULL or observed[i]):
            e = _exponent(x[i])
            least, most, n_values = min(least, e), max(most, e), n_values + 1
    if most - least <= FAR:
        return HIGHEST
    return _median_exponent(x, observed, n, n_values) + FAR


cdef inline int _survey(
    const floating* x, int64_t* start, int64_t* stop, double* mean, int32_t* exponent
) noexcept nogil:
    """Trim missing values at both ends; mean magnitude = mean * 2^exponent."""
    cdef int64_t i, n_near = 0
    cdef int flags = 0, e = 0, limit
    cdef double z, peak = 0, total = 0
    while start[0] < stop[0] and x[start[0]] != x[start[0]]:
        start[0] += 1
    while start[0] < stop[0] and x[stop[0] - 1] != x[stop[0] - 1]:
        stop[0] -= 1
    for i in range(start[0], stop[0]):
        z = x[i]
        if z == z:
            flags |= NEGATIVE * (z < 0) | ABOVE_ONE * (z > 1)
            peak = max(peak, fabs(z))
    if peak > 1.7976931348623157e308:
        return flags | INFINITE
    limit = _limit(x + start[0], NULL, stop[0] - start[0])
    e = min(_exponent(peak), limit)
    exponent[0] = e if peak > 0 and (e > SAFE or e < -SAFE) else 0
    for i in range(start[0], stop[0]):
        z = x[i]
        if z == z and _exponent(z) <= limit:
            n_near += 1
            total += fabs(z) if exponent[0] == 0 else ldexp(fabs(z), -exponent[0])
    mean[0] = total / n_near if n_near > 0 else 0.0
    return flags


def survey(
    const floating[::1] values,  # IN: of all series, NaN where missing
    int64_t[::1] starts,         # INOUT (n_series,): the first value, then the first observed
    int64_t[::1] stops,          # INOUT (n_series,): one past the last
    double[::1] mean,            # OUT (n_series,)
    int32_t[::1] exponent,       # OUT (n_series,): mean * 2^exponent is the mean magnitude of
                                 # values that are not far beyond the median
    uint8_t[::1] flags,          # OUT (n_series,): bits 1 infinite, 2 negative, 4 above 1
):
    """Find where each series begins and ends, and its mean magnitude."""
    cdef Py_ssize_t i
    cdef const floating* x = &values[0] if values.shape[0] > 0 else NULL
    with nogil:
        for i in range(starts.shape[0]):
            mean[i], exponent[i] = 0, 0
            flags[i] = <uint8_t> _survey(x, &starts[i], &stops[i], &mean[i], &exponent[i])


def fill(
    const floating[::1] values,   # IN: of all series, NaN where missing
    const int64_t[::1] starts,    # IN (n_series,): an observed value each
    const int64_t[::1] offsets,   # IN (n_series,): where each begins in the results
    const int64_t[::1] lengths,   # IN (n_series,)
    const int32_t[::1] exponent,  # IN (n_series,): of the unit
    float[::1] filled,            # OUT (n_values,): over 2^exponent; a missing one repeats the last
    uint8_t[::1] observed,        # OUT (n_values,)
):
    """Write the values in the units of their series, without gaps."""
    cdef Py_ssize_t i, t, at
    cdef double z
    cdef float value
    with nogil:
        for i in range(starts.shape[0]):
            value = 0
            for t in range(lengths[i]):
                at = offsets[i] + t
                z = values[starts[i] + t]
                observed[at] = z == z
                if z == z:
                    z = z if exponent[i] == 0 else ldexp(z, -exponent[i])
                    value = <float> max(-MOST, min(MOST, z))
                filled[at] = value


def mean_magnitudes(
    const float[::1] filled,      # IN (n_values,)
    const uint8_t[::1] observed,  # IN (n_values,)
    const int64_t[::1] offsets,   # IN (n_series,)
    const int64_t[::1] lengths,   # IN (n_series,)
    float[::1] scale,             # INOUT (n_series,): unchanged if all observed values are 0
):
    """Write the mean magnitude of each series' observed values, as `survey` does."""
    cdef Py_ssize_t i, at
    cdef int64_t n_near
    cdef int limit
    cdef double total
    with nogil:
        for i in range(offsets.shape[0]):
            total, n_near = 0, 0
            limit = HIGHEST
            if lengths[i] > 0:
                limit = _limit(&filled[offsets[i]], &observed[offsets[i]], lengths[i])
            for at in range(offsets[i], offsets[i] + lengths[i]):
                if observed[at] and _exponent(filled[at]) <= limit:
                    total += fabs(filled[at])
                    n_near += 1
            if total > 0:
                scale[i] = <float> (total / n_near)


def add_values(
    const float[::1] filled,      # IN (n_values,)
    const uint8_t[::1] observed,  # IN (n_values,)
    const double[::1] unit,       # IN (n_series,)
    const int64_t[::1] offsets,   # IN (n_series,)
    const int64_t[::1] lengths,   # IN (n_series,)
    const uint64_t[::1] factors,  # IN (longest,), odd
    uint64_t[::1] sums,           # INOUT (n_series,)
):
    """Add the hash of each series' values to its sum, independent of their unit."""
    cdef Py_ssize_t i, t, at
    cdef uint64_t total
    with nogil:
        for i in range(offsets.shape[0]):
            total = algos_mix(<uint64_t> lengths[i])
            for t in range(lengths[i]):
                at = offsets[i] + t
                total += factors[t] * (
                    algos_fold(filled[at] * unit[i]) if observed[at] else MISSING)
            sums[i] += total


def add_steps(
    const float[:, ::1] values,   # IN (n_steps, n_columns)
    const int64_t[::1] starts,    # IN (n_series,): the first step of each
    const int64_t[::1] lengths,   # IN (n_series,)
    const uint64_t[::1] factors,  # IN (longest * n_columns,), odd
    uint64_t[::1] sums,           # INOUT (n_series,)
):
    """Add the hash of the numbers at each series' steps to its sum."""
    cdef Py_ssize_t i, j, n_columns = values.shape[1]
    cdef const float* x
    if values.shape[0] == 0 or n_columns == 0:
        return
    with nogil:
        for i in range(starts.shape[0]):
            x = &values[0, 0] + starts[i] * n_columns
            for j in range(lengths[i] * n_columns):
                sums[i] += factors[j] * algos_fold(x[j])


def range_sums(
    const floating[:, ::1] values,  # IN (n_steps, n_columns)
    const int64_t[::1] starts,      # IN (n_series,): the first step of each
    const int64_t[::1] lengths,     # IN (n_series,)
    const double[::1] center,       # IN (n_columns,)
    double[:, ::1] total,           # OUT (n_series, n_columns)
    double[:, ::1] squares,         # OUT (n_series, n_columns): of distances from the center
    double[:, ::1] peak,            # OUT (n_series, n_columns): the largest of these distances
):
    """Write sums over the steps of each series, column by column."""
    cdef Py_ssize_t i, t, k
    cdef double x, apart
    with nogil:
        for i in range(starts.shape[0]):
            for k in range(center.shape[0]):
                total[i, k] = squares[i, k] = peak[i, k] = 0
            for t in range(starts[i], starts[i] + lengths[i]):
                for k in range(center.shape[0]):
                    x = values[t, k]
                    apart = x - center[k]
                    total[i, k] += x
                    squares[i, k] += apart * apart
                    peak[i, k] = max(peak[i, k], fabs(apart))


def count_known(
    const floating[:, ::1] values,  # IN (n_steps, n_columns)
    const int64_t[::1] starts,      # IN (n_series,): the first step of each
    const int64_t[::1] stops,       # IN (n_series,): one past the last
    int64_t[::1] known,             # OUT (n_series,)
    double most,
):
    """Count the steps of each series before one that has NaN or a magnitude above `most`."""
    cdef Py_ssize_t i, t, k
    cdef bint is_known
    with nogil:
        for i in range(starts.shape[0]):
            known[i] = 0
            for t in range(starts[i], stops[i]):
                is_known = True
                for k in range(values.shape[1]):
                    is_known &= fabs(<double> values[t, k]) <= most  # NaN is not
                if not is_known:
                    break
                known[i] += 1


def standardise(
    const floating[:, ::1] values,  # IN (n_rows, n_columns)
    const double[::1] center,       # IN (n_columns,)
    const double[::1] spread,       # IN (n_columns,), positive
    float[:, ::1] units,            # OUT (n_rows, n_columns)
    double furthest,
):
    """Write values in spreads from the center, within bounds; NaN becomes 0."""
    cdef Py_ssize_t i, k
    cdef double x
    with nogil:
        for i in range(values.shape[0]):
            for k in range(values.shape[1]):
                x = (values[i, k] - center[k]) / spread[k]
                x = max(-furthest, min(furthest, x)) if x == x else 0.0
                units[i, k] = <float> x


def splice(
    const float[:, ::1] past,        # IN (n_past, n_columns)
    const int64_t[::1] past_rows,    # IN (n_series,): of the first step
    const int64_t[::1] lengths,      # IN (n_series,)
    const float[:, ::1] future,      # IN (n_future, n_columns)
    const int64_t[::1] future_rows,  # IN (n_series,): of the first step after the end
    const int64_t[::1] rows,         # IN (n_series,): where each series is written
    float[:, ::1] both,              # OUT (n_rows, n_columns)
    int64_t horizon,
):
    """Write the steps of each series, followed by those of its future."""
    cdef Py_ssize_t i, t, k
    with nogil:
        for i in range(lengths.shape[0]):
            for t in range(lengths[i]):
                for k in range(both.shape[1]):
                    both[rows[i] + t, k] = past[past_rows[i] + t, k]
            for t in range(horizon):
                for k in range(both.shape[1]):
                    both[rows[i] + lengths[i] + t, k] = future[future_rows[i] + t, k]
