"""Values and derivatives of losses, row by row, for kernels and for whole arrays."""

from cython cimport floating
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport is_short

cdef extern from "_losses.h" nogil:
    ctypedef void (*algos_slopes_f32)(
        const double*, const double*, float*, Py_ssize_t, double, double, double*) noexcept nogil
    ctypedef void (*algos_slopes_f64)(
        const double*, const double*, double*, Py_ssize_t, double, double,
        double*) noexcept nogil
    ctypedef void (*algos_narrow_slopes)(
        const double*, const double*, float*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, double, double*) noexcept nogil
    ctypedef void (*algos_values)(
        const double*, const double*, Py_ssize_t, double, double*) noexcept nogil
    ctypedef void (*algos_curvatures)(
        const double*, const double*, const double*, Py_ssize_t, double,
        double*) noexcept nogil
    void algos_math_f32(const float*, Py_ssize_t, int, float*)
    void algos_math_f64(const double*, Py_ssize_t, int, double*)
    const algos_slopes_f32* algos_all_slopes_f32
    const algos_slopes_f64* algos_all_slopes_f64
    const algos_narrow_slopes* algos_all_narrow_slopes  # NULL for losses that need double
    const algos_values* algos_all_values
    const algos_values* algos_all_derivatives
    const algos_curvatures* algos_all_curvatures
    void algos_softmax_values(
        const double*, const double*, Py_ssize_t, Py_ssize_t, const double*, double*, double*)
    void algos_softmax_f32(
        const double*, const double*, float*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, double*, double*)
    void algos_softmax_f64(
        const double*, const double*, double*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, double*, double*)


# z: x·v of each row → weight * slope; sums += (Σ weight value, Σ weight slope)
cdef void _loss_slopes(
    int code, double parameter, const double* target, const double* weight, floating* z,
    Py_ssize_t rows, double intercept, double* sums,
) noexcept nogil:
    if floating is float:
        algos_all_slopes_f32[code](target, weight, z, rows, intercept, parameter, sums)
    else:
        algos_all_slopes_f64[code](target, weight, z, rows, intercept, parameter, sums)


# The same for k classes, z[class][row]; value and slopes (k,) are added to.
cdef void _softmax_slopes(
    const double* target, const double* weight, floating* z, Py_ssize_t stride, Py_ssize_t k,
    Py_ssize_t rows, const double* intercept, double* value, double* slopes,
) noexcept nogil:
    if floating is float:
        algos_softmax_f32(target, weight, z, stride, k, rows, intercept, value, slopes)
    else:
        algos_softmax_f64(target, weight, z, stride, k, rows, intercept, value, slopes)


cdef void _given_slopes(
    const Targets* targets, floating* z, Py_ssize_t stride, Py_ssize_t row, Py_ssize_t rows,
    double* sums,
) noexcept nogil:
    cdef const double* values = targets.values + row * targets.values_width
    cdef Py_ssize_t i, j
    cdef double value
    for j in range(targets.m * targets.k):
        for i in range(rows):
            value = values[i * targets.values_width + j]
            z[j * stride + i] = <floating> value
            sums[targets.m + j] += value


cdef void _output_slopes(
    const Targets* targets, floating* z, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t j,
    double* sums,
) noexcept nogil:
    """Of output j, one of those of model j // k."""
    cdef double column[MAX_ROWS]
    cdef double found[2]
    cdef const double* target = targets.target + row * targets.target_width
    cdef Py_ssize_t i
    if targets.target_width > 1:
        for i in range(rows):
            column[i] = target[i * targets.target_width + j % targets.k]
        target = column
    found[0] = found[1] = 0
    _loss_slopes(
        targets.code, targets.parameter, target, targets.weight + row, z, rows,
        targets.intercept[j], found)
    sums[j // targets.k] += found[0]
    sums[targets.m + j] += found[1]


cdef inline bint _is_narrow(const Targets* targets, const floating* z) noexcept nogil:
    """Whether all losses can be computed in float32, one output for each model."""
    if floating is double:
        return False
    else:
        return (
            targets.k == 1 and targets.target_width == 1
            and algos_all_narrow_slopes[targets.code] != NULL)


cdef void take_derivatives(
    const Targets* targets, floating* z, Py_ssize_t stride, Py_ssize_t row, Py_ssize_t rows,
    double* sums,
) noexcept nogil:
    cdef Py_ssize_t m = targets.m, k = targets.k, i, j
    if targets.values != NULL:
        _given_slopes(targets, z, stride, row, rows, sums)
    elif _is_narrow(targets, z):
        algos_all_narrow_slopes[targets.code](
            targets.target + row, targets.weight + row, <float*> z, stride, rows, m,
            targets.intercept, targets.parameter, sums)
    elif targets.code == MULTINOMIAL:
        for i in range(m):
            _softmax_slopes(
                targets.target + row, targets.weight + row, z + i * k * stride, stride, k,
                rows, targets.intercept + i * k, sums + i, sums + m + i * k)
    else:
        for j in range(m * k):
            _output_slopes(targets, z + j * stride, row, rows, j, sums)
    for j in range(m * k):
        for i in range(rows, stride):
            z[j * stride + i] = 0


cdef void _measure(
    algos_values measure, const double[::1] target, const double[::1] decision,
    double parameter, double[::1] out,
):
    cdef Py_ssize_t n = target.shape[0]
    if n == 0:
        return
    if is_short(3.0 * n):
        measure(&target[0], &decision[0], n, parameter, &out[0])
    else:
        with nogil:
            measure(&target[0], &decision[0], n, parameter, &out[0])


def add_losses(
    const double[::1] target,    # IN (n,)
    const double[::1] decision,  # IN (n,)
    double[::1] losses,          # INOUT (n,)
    int code,
    double parameter,
):
    """Add the loss of each row, for any loss but multinomial."""
    _measure(algos_all_values[code], target, decision, parameter, losses)


def find_derivatives(
    const double[::1] target,    # IN (n,)
    const double[::1] decision,  # IN (n,)
    double[::1] derivatives,     # OUT (n,)
    int code,
    double parameter,
):
    """Compute the derivative of each row's loss, for any loss but multinomial."""
    _measure(algos_all_derivatives[code], target, decision, parameter, derivatives)


def add_joint_losses(
    const double[::1] target,       # IN (n,): the classes
    const double[:, ::1] decision,  # IN (n, k)
    double[::1] losses,             # INOUT (n,)
):
    """Add the multinomial loss of each row."""
    cdef Py_ssize_t n = decision.shape[0], k = decision.shape[1], c
    cdef Scratch room = scratch(k * (MAX_ROWS + 1), sizeof(double))
    cdef double* zeros = <double*> room.data
    if n == 0 or k == 0:
        return
    for c in range(k):
        zeros[c] = 0
    with nogil:
        algos_softmax_values(
            &target[0], &decision[0, 0], k, n, zeros, zeros + k, &losses[0])


def weigh_curvatures(
    const double[::1] target,    # IN (n,)
    const double[::1] weight,    # IN (n,)
    const double[::1] decision,  # IN (n,)
    double[::1] curvatures,      # OUT (n,)
    int code,
    double parameter,
):
    """Multiply each row's second derivative by its weight, for any loss but multinomial."""
    cdef Py_ssize_t n = target.shape[0]
    if n == 0:
        return
    if is_short(3.0 * n):
        algos_all_curvatures[code](
            &target[0], &weight[0], &decision[0], n, parameter, &curvatures[0])
    else:
        with nogil:
            algos_all_curvatures[code](
                &target[0], &weight[0], &decision[0], n, parameter, &curvatures[0])


def _test_slopes(
    const double[::1] target,  # IN (n,)
    const double[::1] weight,  # IN (n,)
    floating[::1] z,           # INOUT (n,)
    double[::1] sums,          # INOUT (2,)
    int code,
    double parameter,
    double intercept,
):
    """Call `_loss_slopes`, for tests."""
    _loss_slopes(
        code, parameter, &target[0], &weight[0], &z[0], z.shape[0], intercept, &sums[0])


def _test_softmax(
    const double[::1] target,     # IN (n,), n <= MAX_ROWS
    const double[::1] weight,     # IN (n,)
    floating[:, ::1] z,           # INOUT (k, n)
    const double[::1] intercept,  # IN (k,)
    double[::1] slopes,           # INOUT (k,)
):
    """Call `_softmax_slopes`, for tests; return the value."""
    cdef double value = 0
    _softmax_slopes(
        &target[0], &weight[0], &z[0, 0], z.shape[1], z.shape[0], z.shape[1], &intercept[0],
        &value, &slopes[0])
    return value


def _test_math(
    const floating[::1] x,  # IN (n,)
    floating[::1] values,   # OUT (n,)
    int function,           # exp, log, log1p, logistic
):
    """Take a function of x, for tests."""
    if floating is float:
        algos_math_f32(&x[0], x.shape[0], function, &values[0])
    else:
        algos_math_f64(&x[0], x.shape[0], function, &values[0])
