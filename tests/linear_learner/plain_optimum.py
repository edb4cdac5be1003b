"""Optima of small problems by scipy's general minimisers: independent of all our solvers."""

import numpy as np
from scipy.optimize import minimize

from algos.linear_learner.losses import Loss
from tests.linear_learner.plain_rows import loss_and_slope, make_problem, plain_rows_of

PARAMETERS = {
    "quantile": 0.3,
    "epsilon_insensitive": 0.1,
    "squared_epsilon_insensitive": 0.1,
    "huber": 0.7,
    "tweedie": 1.5,
    "hinge": 1.0,
    "squared_hinge": 1.2,
}


def make_loss(name):
    return Loss(name, PARAMETERS.get(name, 0.0))


def make_data(n, d, loss, seed=0, density=1.0):
    """Return correlated columns far from 0 and targets that the loss takes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 0.5 * rng.normal(size=(n, 1)) + 1
    X[rng.random((n, d)) >= density] = 0
    y = X @ rng.normal(size=d) / np.sqrt(d) + rng.normal(size=n) + 2
    if loss.is_of_classes:
        return X, np.where(y > np.quantile(y, 0.4), 1.0, -1.0)
    return X, np.exp(y / 4) if loss.has_log_link else y


def make_small_problem(name, *, n=25, d=4, seed=0, weighted=False, fit_intercept=True):
    loss = make_loss(name)
    X, y = make_data(n, d, loss, seed)
    weight = np.random.default_rng(seed + 1).integers(1, 4, n) if weighted else None
    return make_problem(X, y, loss, weight, fit_intercept=fit_intercept)


DEGENERATE = ("one row", "constant column", "equal targets", "equal rows")


def make_degenerate_problem(loss, case, *, fit_intercept):
    X, y = make_data(15, 4, loss)
    if case == "one row":
        X, y = X[:1], y[:1]
    elif case == "constant column":
        X[:, 1] = 7
    elif case == "equal targets":
        y[:] = y[0]
    else:
        X[:] = X[0]
    return make_problem(X, y, loss, fit_intercept=fit_intercept, standardize=False)


def assert_finite(solution):
    assert np.isfinite(solution.coef).all()
    assert np.isfinite(solution.intercept).all()
    assert np.isfinite(solution.objective)


def least_objective(problem, penalty):
    """Return the objective at the optimum, or a little above it."""
    return (_smooth if problem.loss.is_smooth else _kinked)(problem, penalty)


def _smooth(problem, penalty):
    """Minimise by L-BFGS-B; with L1, the coefficients' parts above and below 0 are variables."""
    plain, k, d = plain_rows_of(problem), problem.n_outputs, problem.rows.d
    free = float(problem.fit_intercept)
    signs = [1, -1] if penalty.has_l1 else [1]

    def value(v):
        parts, intercept = v[:-k].reshape(len(signs), k, d), free * v[-k:]
        coef = np.tensordot(signs, parts, 1)
        found = plain.evaluate(
            coef[None], intercept[None], problem.target, problem.weight, problem.loss
        )
        ways = found.gradient[0] + penalty.l2 * coef
        total = found.values[0] + (coef**2 @ penalty.l2).sum() / 2 + (parts @ penalty.l1).sum()
        slopes = [(penalty.l1 + sign * ways).ravel() for sign in signs]
        return total, np.concatenate([*slopes, free * found.gradient_intercept[0]])

    best, v = np.inf, np.zeros((len(signs) * d + 1) * k)
    bounds = [(0, None)] * (2 * d * k) + [(None, None)] * k if penalty.has_l1 else None
    for _ in range(4):  # from where it stopped, with a fresh memory
        found = minimize(
            value, v, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"ftol": 0, "gtol": 1e-13, "maxiter": 20000, "maxfun": 40000, "maxcor": 40},
        )  # fmt: skip
        best, v = min(best, found.fun), found.x
    return best


def _kinked(problem, penalty):
    """A quadratic program: a variable above the straight pieces of each row's loss."""
    x, d, n, y = problem.rows.x, problem.rows.d, problem.rows.n, problem.target
    p = problem.loss.parameter
    pieces = {  # (slope by z, constant)
        "absolute_error": [(-1, y), (1, -y)],
        "quantile": [(-p, p * y), (1 - p, (p - 1) * y)],
        "epsilon_insensitive": [(-1, y - p), (1, -y - p), (0, 0 * y)],
        "hinge": [(-y, p + 0 * y), (0, 0 * y)],
    }[problem.loss.name]
    columns = np.c_[x, np.full(n, float(problem.fit_intercept))]
    above = np.concatenate(
        [np.c_[-np.broadcast_to(s, n)[:, None] * columns, np.eye(n)] for s, _ in pieces]
    )
    constant = np.concatenate([c for _, c in pieces])
    l2 = np.r_[penalty.l2, np.zeros(n + 1)]
    linear = np.r_[np.zeros(d + 1), problem.weight]
    begin = np.r_[np.zeros(d + 1), np.max([c for _, c in pieces], axis=0)]
    found = minimize(
        lambda v: linear @ v + l2 @ v**2 / 2, begin, jac=lambda v: linear + l2 * v,
        method="SLSQP", options={"ftol": 1e-15, "maxiter": 1000},
        constraints={"type": "ineq", "fun": lambda v: above @ v - constant, "jac": lambda v: above},
    )  # fmt: skip
    z = x @ found.x[:d] + found.x[d] * problem.fit_intercept
    losses = loss_and_slope(problem.loss, y, z)[0]
    return problem.weight @ losses + penalty.value(found.x[None, :d])
