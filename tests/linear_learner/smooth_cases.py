"""Problems with smooth losses, of targets that are drawn from them."""

import numpy as np

from algos.linear_learner.losses import Loss
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
