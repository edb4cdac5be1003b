"""Problems with smooth losses, and their optima by a solver that shares nothing with ours."""

import numpy as np
from scipy.optimize import minimize

from algos.linear_learner.losses import Loss
from algos.linear_learner.points import Points
from tests.linear_learner.plain_rows import make_problem

LOSSES = {
    "log_loss": Loss("log_loss"),
    "multinomial": Loss("multinomial"),
    "poisson": Loss("poisson"),
    "gamma": Loss("gamma"),
    "tweedie": Loss("tweedie", 1.5),
    "huber": Loss("huber", 1.2),
    "squared_hinge": Loss("squared_hinge", 1.0),
    "squared_epsilon_insensitive": Loss("squared_epsilon_insensitive", 0.3),
}
N_CLASSES = 3
# l1 and l2, as alpha and l1_ratio
PENALTIES = {"none": (0.0, 0.0), "l2": (0.02, 0.0), "l1": (0.03, 1.0), "elastic net": (0.05, 0.5)}


def draw(name, n=300, d=7, seed=0, dtype=np.float64):
    """Return X, y and weights; a fifth of the rows weighs three times as much."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3) + 0.5
    z = X[:, :3] @ [0.6, -0.5, 0.2] + 0.3
    weight = np.where(np.arange(n) % 5 == 0, 3.0, 1.0)
    return X.astype(dtype), _targets(name, z, X, rng), weight


def _targets(name, z, X, rng):
    n = len(z)
    if name in ("log_loss", "squared_hinge"):
        return np.where(rng.random(n) < 1 / (1 + np.exp(-z)), 1.0, -1.0)
    if name == "multinomial":
        noisy = X[:, :N_CLASSES] + rng.gumbel(size=(n, N_CLASSES))
        return np.argmax(noisy, axis=1).astype(np.float64)
    if name in ("poisson", "tweedie"):
        counts = rng.poisson(np.exp(z)).astype(np.float64)
        return counts if name == "poisson" else counts * rng.gamma(2, size=n)
    if name == "gamma":
        return rng.gamma(2, np.exp(z)) + 1e-3
    return z + rng.standard_t(3, size=n)


def problem_of(name, *, fit_intercept=True, dtype=np.float64, **shape):
    X, y, weight = draw(name, dtype=dtype, **shape)
    n_outputs = N_CLASSES if name == "multinomial" else 1
    return make_problem(
        X, y, LOSSES[name], weight, fit_intercept=fit_intercept, n_outputs=n_outputs
    )


def best_objective(problem, penalty):
    """Return the optimum by L-BFGS-B, in the positive and negative parts of each coordinate."""
    points = Points(problem)
    l1, l2 = points.by_column(penalty.l1), points.by_column(penalty.l2)
    signed = penalty.has_l1

    def objective(parts):
        point = parts[: points.size] - parts[points.size :] if signed else parts
        values, gradients = points.evaluate(point[None])
        value = values[0] + l2 @ point**2 / 2
        gradient = gradients[0] + l2 * point
        if not signed:
            return value, gradient
        both = np.r_[gradient + l1, l1 - gradient]
        return value + np.r_[l1, l1] @ parts, both

    count = points.size * (2 if signed else 1)
    best, start = np.inf, np.zeros(count)
    for _ in range(3):  # anew, since its memory of the shape is short
        found = minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * count if signed else None,
            options={"maxiter": 1000, "maxfun": 2000, "ftol": 0, "gtol": 1e-12, "maxcor": 40},
        )
        best, start = min(best, found.fun), found.x
    return best
