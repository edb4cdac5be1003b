"""Rows, losses and objectives in plain numpy: slow and obviously right."""

import numpy as np
from scipy import sparse
from scipy.special import logsumexp, softmax

from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Evaluation, Penalty, Problem


def loss_and_slope(loss, y, z):
    """Return loss and its derivative by z, elementwise; z of shape (n,)."""
    p, r = loss.parameter, y - z
    with np.errstate(over="ignore"):
        return {
            "squared_error": lambda: (r**2 / 2, -r),
            "absolute_error": lambda: (np.abs(r), -np.sign(r)),
            "quantile": lambda: (
                np.maximum(p * r, (p - 1) * r),
                np.where(r > 0, -p, np.where(r < 0, 1 - p, 0)),
            ),
            "epsilon_insensitive": lambda: (
                np.maximum(np.abs(r) - p, 0),
                -np.sign(r) * (np.abs(r) > p),
            ),
            "squared_epsilon_insensitive": lambda: (
                np.maximum(np.abs(r) - p, 0) ** 2,
                -2 * np.sign(r) * np.maximum(np.abs(r) - p, 0),
            ),
            "huber": lambda: (
                np.where(np.abs(r) <= p, r**2 / 2, p * np.abs(r) - p**2 / 2),
                -np.clip(r, -p, p),
            ),
            "poisson": lambda: (np.exp(z) - y * z, np.exp(z) - y),
            "gamma": lambda: (z + y * np.exp(-z), 1 - y * np.exp(-z)),
            "tweedie": lambda: (
                np.exp((2 - p) * z) / (2 - p) - y * np.exp((1 - p) * z) / (1 - p),
                np.exp((2 - p) * z) - y * np.exp((1 - p) * z),
            ),
            "log_loss": lambda: (np.logaddexp(0, -y * z), -y / (1 + np.exp(y * z))),
            "hinge": lambda: (np.maximum(p - y * z, 0), -y * (y * z < p)),
            "squared_hinge": lambda: (
                np.maximum(p - y * z, 0) ** 2,
                -2 * y * np.maximum(p - y * z, 0),
            ),
            "perceptron": lambda: (np.maximum(-y * z, 0), -y * (y * z < 0)),
        }[loss.name]()


def losses_and_slopes(loss, target, z):
    """Return the losses (n,) and slopes (n, k) for decision values z (n, k)."""
    if loss.name == "multinomial":
        own = target.astype(int), np.arange(len(z))
        slopes = softmax(z, axis=1)
        slopes[own[1], own[0]] -= 1
        return logsumexp(z, axis=1) - z[own[1], own[0]], slopes
    columns = [target if target.ndim == 1 else target[:, k] for k in range(z.shape[1])]
    both = [loss_and_slope(loss, y, z[:, k]) for k, y in enumerate(columns)]
    return sum(values for values, _ in both), np.stack([slope for _, slope in both], axis=1)


class PlainRows:
    """`algos.linear_learner.problem.Rows`, in numpy."""

    def __init__(self, X, shift=None, scale=None, n_threads=1):
        self.X, self.n_threads = X, n_threads
        self.n, self.d = X.shape
        self.is_sparse = sparse.issparse(X)
        self.dtype = X.dtype
        self.shift = np.zeros(self.d) if shift is None else shift
        self.scale = np.ones(self.d) if scale is None else scale
        dense = X.toarray() if self.is_sparse else X
        self.x = (dense.astype(np.float64) - self.shift) / self.scale

    @property
    def moderate(self):
        return self.X, self.scale

    def decision(self, coef, intercept):
        return self.x @ coef.T + intercept

    def evaluate(self, coef, intercept, target, weight, loss):
        values, gradients, slopes_sum = [], [], []
        for v, b in zip(coef, intercept, strict=True):
            losses, slopes = losses_and_slopes(loss, target, self.decision(v, b))
            slopes = slopes * weight[:, None]
            values.append(weight @ losses)
            gradients.append(slopes.T @ self.x)
            slopes_sum.append(slopes.sum(axis=0))
        return Evaluation(np.array(values), np.array(gradients), np.array(slopes_sum))

    def gram(self, weight):
        extended = np.c_[self.x, np.ones(self.n)]
        return (extended * weight[:, None]).T @ extended

    def cross(self, values):
        return values.T @ np.c_[self.x, np.ones(self.n)]

    def gram_and_cross(self, weight, target):
        return self.gram(weight), self.cross(weight[:, None] * target)

    def subset(self, indices):
        return PlainRows(self.X[indices], self.shift, self.scale, self.n_threads)


def scattered(shape, density, seed):
    """Return a CSR array with that share of its places filled; any SciPy makes the same."""
    rng = np.random.default_rng(seed)
    count = int(density * shape[0] * shape[1])
    places = rng.choice(shape[0] * shape[1], size=count, replace=False)
    values = rng.uniform(size=count)
    return sparse.csr_array((values, np.divmod(places, shape[1])), shape=shape)


def make_problem(X, y, loss, weight=None, *, fit_intercept=True, n_outputs=1, standardize=True):
    """Return a Problem over PlainRows whose columns have mean 0 and deviation 1."""
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    weight = weight / weight.sum()
    dense = X.toarray() if sparse.issparse(X) else X
    shift = np.zeros(X.shape[1])
    if fit_intercept and not sparse.issparse(X):
        shift = weight @ dense
    scale = np.sqrt(weight @ (dense - weight @ dense) ** 2) if standardize else None
    if scale is not None:
        scale[scale == 0] = 1
    rows = PlainRows(X, shift, scale)
    return Problem(rows, np.asarray(y, np.float64), weight, loss, fit_intercept, n_outputs)


def make_penalty(d, alpha, l1_ratio=0.0):
    return Penalty(np.full(d, alpha * l1_ratio), np.full(d, alpha * (1 - l1_ratio)))


def plain_rows_of(problem):
    rows = problem.rows
    if isinstance(rows, PlainRows):
        return rows
    return PlainRows(rows.X, rows.shift, rows.scale)


def objective(problem, penalty, coef, intercept):
    """Return the objective of coef (n_outputs, d), in float64."""
    found = plain_rows_of(problem).evaluate(
        coef[None], intercept[None], problem.target, problem.weight, problem.loss
    )
    return float(found.values[0]) + penalty.value(coef)


__all__ = ["Loss", "PlainRows", "make_penalty", "make_problem", "objective", "plain_rows_of"]
