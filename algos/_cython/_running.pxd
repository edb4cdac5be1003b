# Sums of a stream that forget: what they say of its values.
from libc.math cimport sqrt


cdef inline double deviation_of(double scatter, double weight) noexcept nogil:
    """Return the deviation of values of so much weight; 0 without any."""
    return sqrt(scatter / weight) if weight > 0 else 0.0
