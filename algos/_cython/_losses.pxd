# Losses over a tile of rows: see _losses.h. Codes are those of algos.linear_learner.losses.
from cython cimport floating

cdef enum:
    MULTINOMIAL = 10
    MAX_ROWS = 64  # in a tile of multinomial

# z: x·v of each row → weight * slope; sums += (Σ weight value, Σ weight slope)
cdef void loss_slopes(
    int code, double parameter, const double* target, const double* weight, floating* z,
    Py_ssize_t rows, double intercept, double* sums,
) noexcept nogil

# The same for k classes, z[class][row] with rows `stride` apart; value and slopes (k,) are
# added to.
cdef void softmax_slopes(
    const double* target, const double* weight, floating* z, Py_ssize_t stride, Py_ssize_t k,
    Py_ssize_t rows, const double* intercept, double* value, double* slopes,
) noexcept nogil
