# A value in the units of a forest: what blocks of rows and single rows share.

cdef extern from *:
    """
    /* A product with it is a number, whatever the factor. */
    #define ALGOS_CUT_FAR 1e300
    /* Spans and distances of rows within it are far from the end of float32. */
    #define ALGOS_CUT_LIMIT 0x1p60
    """
    const double FAR "ALGOS_CUT_FAR"
    const double CUT_LIMIT "ALGOS_CUT_LIMIT"


cdef inline double within(double value, double limit) noexcept nogil:
    """Return the value, cut off at ±limit; NaN stays NaN."""
    if value > limit:
        return limit
    return -limit if value < -limit else value


cdef inline float scaled(double x, double unit, double center, double factor) noexcept nogil:
    return <float> within(within(x * unit - center, FAR) * factor, CUT_LIMIT)
