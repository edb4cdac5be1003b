"""Sweeps of dual coordinate descent for linear models with an L2 penalty.

The formulas are in `_linear_dual.h`. Sweeps run on one thread, since each step reads the result of
the one before it.
"""

from cython cimport floating
from libc.stdint cimport int64_t, uint64_t
from algos._cython._rng cimport Rng, rng_below, rng_start
from algos._cython.linear_lines cimport Lines, algos_lines

cdef extern from "_linear_dual.h" nogil:
    ctypedef struct algos_dual:
        algos_lines rows
        const double* target
        const double* weight
        const double* curvature
        int loss
        double parameter
        double step
        double intercept_step
        double* pull
        double intercept
        void* coef
    double algos_dual_sweep_f32_i32(algos_dual*, const int64_t*, Py_ssize_t, double*)
    double algos_dual_sweep_f32_i64(algos_dual*, const int64_t*, Py_ssize_t, double*)
    double algos_dual_sweep_f64_i32(algos_dual*, const int64_t*, Py_ssize_t, double*)
    double algos_dual_sweep_f64_i64(algos_dual*, const int64_t*, Py_ssize_t, double*)
    void algos_dual_norms_f32_i32(const algos_lines*, Py_ssize_t, double*)
    void algos_dual_norms_f32_i64(const algos_lines*, Py_ssize_t, double*)
    void algos_dual_norms_f64_i32(const algos_lines*, Py_ssize_t, double*)
    void algos_dual_norms_f64_i64(const algos_lines*, Py_ssize_t, double*)


cdef void _shuffle(
    int64_t* order, Py_ssize_t count, const uint64_t* key, Py_ssize_t epoch
) noexcept nogil:
    """Fisher-Yates shuffle: every order is equally likely."""
    cdef Rng rng
    cdef Py_ssize_t k, other
    rng_start(&rng, key, 0, epoch)
    for k in range(count - 1, 0, -1):
        other = <Py_ssize_t> rng_below(&rng, k + 1)
        order[k], order[other] = order[other], order[k]


cdef double _sweep(
    Lines rows, algos_dual* job, const int64_t* order, Py_ssize_t count, double* gaps
) noexcept nogil:
    if rows.single and rows.narrow:
        return algos_dual_sweep_f32_i32(job, order, count, gaps)
    if rows.single:
        return algos_dual_sweep_f32_i64(job, order, count, gaps)
    if rows.narrow:
        return algos_dual_sweep_f64_i32(job, order, count, gaps)
    return algos_dual_sweep_f64_i64(job, order, count, gaps)


def sweep_rows(
    Lines rows,                    # IN (n, d)
    const double[::1] target,      # IN (n,)
    const double[::1] weight,      # IN (n,)
    const double[::1] curvature,   # IN (n,): w_i (|x_i|^2 / lambda + 1 / kappa)
    int loss,
    double parameter,
    double step,                   # 1 / lambda
    double intercept_step,         # 1 / kappa, or 0
    const uint64_t[::1] key,       # IN (2,)
    Py_ssize_t epoch,
    int64_t[::1] order,            # INOUT: the rows to visit, shuffled here
    double[::1] pull,              # INOUT (n,)
    floating[::1] coef,            # INOUT (d,)
    double intercept,
    double[::1] gaps,              # OUT: the gap of each row of the order
):
    """Visit the rows in a random order; return the sum of `gaps` and the intercept."""
    cdef algos_dual job
    cdef double gap = 0
    if (coef.itemsize == 4) != rows.single:
        raise TypeError("coef must be of the rows' type")
    if order.shape[0] == 0:
        return 0.0, intercept
    job.rows, job.loss, job.parameter = rows.x, loss, parameter
    job.step, job.intercept_step, job.intercept = step, intercept_step, intercept
    job.target, job.weight, job.curvature = &target[0], &weight[0], &curvature[0]
    job.pull, job.coef = &pull[0], &coef[0]
    with nogil:
        _shuffle(&order[0], order.shape[0], &key[0], epoch)
        gap = _sweep(rows, &job, &order[0], order.shape[0], &gaps[0])
    return gap, job.intercept


def square_norms(
    Lines rows,           # IN (n, d)
    double[::1] norms,    # OUT (n,)
):
    """Compute |x_i|^2."""
    with nogil:
        if rows.single and rows.narrow:
            algos_dual_norms_f32_i32(&rows.x, rows.n, &norms[0])
        elif rows.single:
            algos_dual_norms_f32_i64(&rows.x, rows.n, &norms[0])
        elif rows.narrow:
            algos_dual_norms_f64_i32(&rows.x, rows.n, &norms[0])
        else:
            algos_dual_norms_f64_i64(&rows.x, rows.n, &norms[0])
