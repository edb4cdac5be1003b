# Losses over a tile of rows: see _losses.h. Codes are those of algos.linear_learner.losses.
from cython cimport floating

cdef enum:
    MULTINOMIAL = 10
    MAX_ROWS = 64  # in a tile

# The models and targets for which losses of a tile are computed.
cdef struct Targets:
    Py_ssize_t m, k            # models, and outputs of each
    int code                   # of the loss; none if there are values
    double parameter
    const double* target       # (n, target_width)
    Py_ssize_t target_width    # 1, or k
    const double* weight       # (n,)
    const double* values       # (n, values_width): derivatives that are given, or NULL
    Py_ssize_t values_width
    const double* intercept    # (m k,)

# Products z[output][row], with rows `stride` apart → weighted derivatives, and zeros from the last
# row on; sums (m + m k,) += the models' values, and the sums of the derivatives.
cdef void take_derivatives(
    const Targets* targets, floating* z, Py_ssize_t stride, Py_ssize_t row, Py_ssize_t rows,
    double* sums,
) noexcept nogil
