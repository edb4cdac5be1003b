"""Is every value finite? One pass without copies, a fraction of a microsecond for one row."""

from cython cimport floating

cdef extern from "_finite.h" nogil:
    int algos_all_finite_float(const float* x, Py_ssize_t n)
    int algos_all_finite_double(const double* x, Py_ssize_t n)


def all_finite(const floating[:, ::1] X):  # IN (n_rows, n_columns)
    """Tell whether X holds neither NaN nor infinity."""
    cdef Py_ssize_t n = X.shape[0] * X.shape[1]
    cdef bint finite
    if n == 0:
        return True
    with nogil:
        if floating is float:
            finite = algos_all_finite_float(&X[0, 0], n)
        else:
            finite = algos_all_finite_double(&X[0, 0], n)
    return finite
