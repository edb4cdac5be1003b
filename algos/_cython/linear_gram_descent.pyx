"""Lasso and elastic net from inner products. The formulas are in `_gram_descent.h`."""

from algos._cython._memory cimport Scratch, scratch

cdef extern from "_gram_descent.h" nogil:
    ctypedef struct algos_gram_problem:
        const double* A
        const double* l1
        const double* l2
        double* v
        double* u
        Py_ssize_t p
        double square
    void algos_gram_slopes(const algos_gram_problem* problem, const double* c)
    double algos_gram_sweep(
        const algos_gram_problem* problem, const Py_ssize_t* coordinates, Py_ssize_t count)
    double algos_gram_gap(const algos_gram_problem* problem, const double* c)

cdef double EPS = 2.0 ** -52

cdef enum:
    ACTIVE_SWEEPS = 10  # at most, before the next sweep over all coordinates


cdef inline Py_ssize_t _find_active(
    const algos_gram_problem* problem, Py_ssize_t* active
) noexcept nogil:
    """List the coordinates that are not zero."""
    cdef Py_ssize_t count = 0, j
    for j in range(problem.p):
        if problem.v[j] != 0:
            active[count] = j
            count += 1
    return count


cdef inline void _note(double* gains, Py_ssize_t sweep, double gain) noexcept nogil:
    if gains != NULL:
        gains[sweep] = gain


cdef Py_ssize_t _descend(
    const algos_gram_problem* problem, const double* c, Py_ssize_t* every, Py_ssize_t* active,
    double tol, Py_ssize_t max_sweeps, double* gap, double* gains,
) noexcept nogil:
    """Sweep over all coordinates, then over the active ones while that gains as much."""
    cdef Py_ssize_t sweeps = 0, count, last
    cdef double gain, first, rounding = 16 * problem.p * EPS * EPS * problem.square
    algos_gram_slopes(problem, c)
    gap[0] = algos_gram_gap(problem, c)
    while gap[0] > tol and sweeps < max_sweeps:
        first = gain = algos_gram_sweep(problem, every, problem.p)
        _note(gains, sweeps, gain)
        sweeps += 1
        count = _find_active(problem, active)
        last = sweeps if count == problem.p else min(sweeps + ACTIVE_SWEEPS, max_sweeps)
        while sweeps < last and gain > 0.1 * first:
            gain = algos_gram_sweep(problem, active, count)
            _note(gains, sweeps, gain)
            sweeps += 1
        gap[0] = algos_gram_gap(problem, c)
        if first <= rounding:
            break  # limited by the precision of the coordinates
    return sweeps


def gram_descent(
    const double[:, ::1] A,   # IN (p, p), symmetric, no negative eigenvalue
    const double[::1] c,      # IN (p,)
    const double[::1] l1,     # IN (p,), not negative; 0 with l2 = 0 for a free coordinate
    const double[::1] l2,     # IN (p,), not negative
    double[::1] v,            # INOUT (p,): the start, then the minimum
    double[::1] u,            # OUT (p,): c - A v
    double square,            # y'y where A = X'X and c = X'y; any number not below
    double tol,               # of the gap
    Py_ssize_t max_sweeps,
    double[::1] gains=None,   # OUT (max_sweeps,): by how much each sweep lowered the objective
):
    """Minimise v'Av/2 - c'v + Σ l1|v| + l2 v²/2; return (sweeps, duality gap).

    The gap bounds the distance of the objective from its minimum; for free coordinates it is an
    estimate, which vanishes at the minimum too. Coordinates without curvature do not change.
    """
    cdef Py_ssize_t p = A.shape[0], j, sweeps
    cdef Scratch lists = scratch(2 * p, sizeof(Py_ssize_t))
    cdef Py_ssize_t* every = <Py_ssize_t*> lists.data
    cdef algos_gram_problem problem
    cdef double gap = 0
    cdef double* noted = NULL if gains is None or gains.shape[0] == 0 else &gains[0]
    problem.A, problem.l1, problem.l2 = &A[0, 0], &l1[0], &l2[0]
    problem.v, problem.u, problem.p, problem.square = &v[0], &u[0], p, square
    with nogil:
        for j in range(p):
            every[j] = j
        sweeps = _descend(&problem, &c[0], every, every + p, tol, max_sweeps, &gap, noted)
    return sweeps, gap
