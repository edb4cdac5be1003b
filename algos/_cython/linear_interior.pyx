"""What an interior point does to all of its bent lines, one walk over them at a time.

Blocks: `at` holds s, r, α, β; `move` their changes (β's is minus α's); `aim` the growths asked
of α s and β r and what those add to the pull; `seen` duals, curvatures and a plain Newton
step's pull. The formulas stand in `_interior.h`; a walk is too short for threads.
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
        double centre, double bend, double* aim, Py_ssize_t n)
    void algos_interior_recentre(
        const double* ease, const double* at, const double* move, const double* curvature,
        double primal, double dual, double centre, double near, double* aim, Py_ssize_t n)
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
    """Begin at the point of the central path that has these values."""
    with nogil:
        algos_interior_start(&away[0], &width[0], &ease[0], mu, &at[0, 0], away.shape[0])


def interior_look(
    const double[::1] low,     # IN (n,)
    const double[::1] high,    # IN (n,)
    const double[::1] weight,  # IN (n,)
    const double[:, ::1] at,   # IN (4, n)
    double[:, ::1] seen,       # OUT (3, n)
):
    """Write weighted duals, curvatures and a Newton step's pull; return Σ w (α s + β r)."""
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
    double centre,
    double bend,
    double[:, ::1] aim,           # OUT (3, n)
):
    """Aim at `centre`, less the part `bend` of the predictor's second order."""
    with nogil:
        algos_interior_aim(
            &ease[0], &at[0, 0], &move[0, 0], &curvature[0], centre, bend, &aim[0, 0],
            ease.shape[0],
        )


def interior_recentre(
    const double[::1] ease,       # IN (n,)
    const double[:, ::1] at,      # IN (4, n)
    const double[:, ::1] move,    # IN (3, n)
    const double[::1] curvature,  # IN (n,)
    double primal,
    double dual,
    double centre,
    double near,
    double[:, ::1] aim,           # INOUT (3, n)
):
    """Add to the aim what products lack to be within a factor `near` of `centre`."""
    with nogil:
        algos_interior_recentre(
            &ease[0], &at[0, 0], &move[0, 0], &curvature[0], primal, dual, centre, near,
            &aim[0, 0], ease.shape[0],
        )


def interior_move(
    const double[::1] change,  # IN (n,): of the values
    const double[:, ::1] at,   # IN (4, n)
    const double[:, ::1] aim,  # IN (3, n)
    double[:, ::1] move,       # OUT (3, n)
):
    """Write the move that reaches the aim; return the largest shares it takes off s, r; α, β."""
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
