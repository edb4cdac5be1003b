"""Elementwise steps of the interior-point method over all piecewise linear terms.

Arrays: `at` holds s, r, α, β; `move` their changes (that of β is minus that of α); `aim` the wanted
increases of α s and β r and their contribution to the pull; `seen` duals, curvatures and the pull
of a plain Newton step. The formulas are in `_interior.h`; the loops are too short for threads.
"""

cdef extern from "_interior.h" nogil:
    void algos_interior_start(
        const double* away, const double* width, const double* ease, double mu, double* at,
        Py_ssize_t n)
    double algos_interior_look(
        const double* low, const double* high, const double* weight, const double* at,
        double* seen, Py_ssize_t n)
    void algos_interior_aim(
        const double* ease, const double* at, const double* move, const double* curvature,
        double center, double bend, double* aim, Py_ssize_t n)
    void algos_interior_recenter(
        const double* ease, const double* at, const double* move, const double* curvature,
        double primal, double dual, double center, double near, double* aim, Py_ssize_t n)
    void algos_interior_move(
        const double* change, const double* at, const double* aim, double* move, double* most,
        Py_ssize_t n)
    double algos_interior_ahead(
        const double* weight, const double* at, const double* move, double primal, double dual,
        Py_ssize_t n)
    void algos_interior_go(
        const double* move, double primal, double dual, double* at, Py_ssize_t n)


def interior_start(
    const double[::1] away,   # IN (n,): values less kinks
    const double[::1] width,  # IN (n,)
    const double[::1] ease,   # IN (n,)
    double mu,
    double[:, ::1] at,        # OUT (4, n)
):
    """Start at the point of the central path with these values."""
    with nogil:
        algos_interior_start(&away[0], &width[0], &ease[0], mu, &at[0, 0], away.shape[0])


def interior_look(
    const double[::1] low,     # IN (n,)
    const double[::1] high,    # IN (n,)
    const double[::1] weight,  # IN (n,)
    const double[:, ::1] at,   # IN (4, n)
    double[:, ::1] seen,       # OUT (3, n)
):
    """Compute weighted duals, curvatures and a Newton step's pull; return Σ w (α s + β r)."""
    cdef double total
    with nogil:
        total = algos_interior_look(
            &low[0], &high[0], &weight[0], &at[0, 0], &seen[0, 0], low.shape[0]
        )
    return total


def interior_aim(
    const double[::1] ease,       # IN (n,)
    const double[:, ::1] at,      # IN (4, n)
    const double[:, ::1] move,    # IN (3, n): the predictor
    const double[::1] curvature,  # IN (n,)
    double center,
    double bend,
    double[:, ::1] aim,           # OUT (3, n)
):
    """Aim at `center`, minus the share `bend` of the predictor's second-order term."""
    with nogil:
        algos_interior_aim(
            &ease[0], &at[0, 0], &move[0, 0], &curvature[0], center, bend, &aim[0, 0],
            ease.shape[0],
        )


def interior_recenter(
    const double[::1] ease,       # IN (n,)
    const double[:, ::1] at,      # IN (4, n)
    const double[:, ::1] move,    # IN (3, n)
    const double[::1] curvature,  # IN (n,)
    double primal,
    double dual,
    double center,
    double near,
    double[:, ::1] aim,           # INOUT (3, n)
):
    """Increase the aim so that products come within a factor `near` of `center`."""
    with nogil:
        algos_interior_recenter(
            &ease[0], &at[0, 0], &move[0, 0], &curvature[0], primal, dual, center, near,
            &aim[0, 0], ease.shape[0],
        )


def interior_move(
    const double[::1] change,  # IN (n,): of the values
    const double[:, ::1] at,   # IN (4, n)
    const double[:, ::1] aim,  # IN (3, n)
    double[:, ::1] move,       # OUT (3, n)
):
    """Compute the move to the aim; return the largest relative decreases of s, r and of α, β."""
    cdef double[2] most
    with nogil:
        algos_interior_move(
            &change[0], &at[0, 0], &aim[0, 0], &move[0, 0], most, change.shape[0]
        )
    return most[0], most[1]


def interior_ahead(
    const double[::1] weight,   # IN (n,)
    const double[:, ::1] at,    # IN (4, n)
    const double[:, ::1] move,  # IN (3, n)
    double primal,
    double dual,
):
    """Return Σ w (α s + β r) after a move of these lengths."""
    cdef double total
    with nogil:
        total = algos_interior_ahead(
            &weight[0], &at[0, 0], &move[0, 0], primal, dual, weight.shape[0]
        )
    return total


def interior_go(
    const double[:, ::1] move,  # IN (3, n)
    double primal,
    double dual,
    double[:, ::1] at,          # INOUT (4, n)
):
    """Take a step of these lengths."""
    with nogil:
        algos_interior_go(&move[0, 0], primal, dual, &at[0, 0], move.shape[1])
