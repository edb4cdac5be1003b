"""A tiny estimator that uses every part of the ground floor.

Least squares from running means of products: the state is one small matrix, whatever the
number of rows, and the model comes from it by conjugate gradients.
"""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from algos._common.base import Estimator, check_mergeable, learning
from algos._common.callbacks import fit_tasks
from algos._common.checkpoint import Resumable
from algos._common.history import History
from algos._common.params import N_JOBS, VERBOSE, Boolean, Interval, RandomState
from algos._common.random import seed_key, stream
from algos._common.row_key import row_keys
from algos._common.split import validation_split
from algos._common.threads import effective_n_threads, one_thread_blas
from algos._common.validation import check_sample_weight, drop_zero_weight, validate_rows
from algos._common.verbose import say
from tests.common.batches import iter_batches

BATCH = 1024


class RunningMeanRegressor(RegressorMixin, Estimator):
    """Linear least squares from the running means of products.

    Parameters
    ----------
    alpha : float, default=0.1
        Penalty on the squared coefficients.
    max_iter : int, default=100
        At most so many conjugate gradient steps.
    tol : float, default=1e-24
        Stop when the squared gradient is below this part of its first value.
    early_stopping : bool, default=False
        Stop when the error on validation rows has not fallen for `n_iter_no_change` steps.
    validation_fraction : float, default=0.1
        Share of the rows that validate, if `early_stopping`.
    n_iter_no_change : int, default=10
        See `early_stopping`.
    random_state : int, RandomState, Generator or None, default=None
        Draws the first coefficients.
    n_jobs : int or None, default=None
        Threads; the result does not depend on it.
    verbose : int, default=0
        1 prints a line for each step.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Slopes.
    intercept_ : float
        Prediction where all columns are zero.
    n_iter_ : int
        Steps done.
    history_ : dict of str to ndarray
        `objective`, `seconds` and, if `early_stopping`, `validation` of each step.
    moments_ : ndarray of shape (n_features + 2, n_features + 2)
        The state: weighted sums of products of (columns, 1, y).
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if they have any.
    """

    _parameters: ClassVar = {
        "alpha": [Interval(Real, 0, None)],
        "max_iter": [Interval(Integral, 1, None)],
        "tol": [Interval(Real, 0, None)],
        "early_stopping": [Boolean()],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None)],
        "random_state": [RandomState()],
        "n_jobs": N_JOBS,
        "verbose": VERBOSE,
    }

    def __init__(
        self,
        *,
        alpha=0.1,
        max_iter=100,
        tol=1e-24,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @learning
    def fit(self, X, y, sample_weight=None):
        X, y, weight = self._validate(X, y, sample_weight, reset=True)
        progress = Resumable(self, X, y, weight)
        state = progress.state or {"key": seed_key(self.random_state)}
        train, held_out = self._split(X, y, weight, state["key"])
        with one_thread_blas():
            self._commit(train, self._descend(train, held_out, state, progress, X, y))
        return self

    @learning
    def partial_fit(self, X, y, sample_weight=None):
        reset = not hasattr(self, "moments_")
        X, y, weight = self._validate(X, y, sample_weight, reset=reset)
        with one_thread_blas():
            moments = _moments(X, y, weight) + (0 if reset else self.moments_)
            self._finalize(moments)
        return self

    @learning
    def merge(self, other):
        check_mergeable(self, other)
        with one_thread_blas():
            self._finalize(self.moments_ + other.moments_)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_rows(self, X, reset=False, accept_sparse="csr")
        # Row by row: a product's bits for one row depend on how many rows it has.
        slopes = X @ self.coef_ if sparse.issparse(X) else (X * self.coef_).sum(axis=1)
        return (slopes + self.intercept_).astype(X.dtype, copy=False)

    def _validate(self, X, y, sample_weight, *, reset):
        X = validate_rows(self, X, reset=reset, accept_sparse="csr")
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        weight = check_sample_weight(sample_weight, X.shape[0])
        X, weight, y = drop_zero_weight(X, weight, y)
        return X, y, weight

    def _split(self, X, y, weight, key):
        """Return the moments of the training rows and of the validation rows."""
        if not self.early_stopping:
            return _moments(X, y, weight), None
        keys = row_keys(X, key, y, n_threads=effective_n_threads(self.n_jobs))
        sides = validation_split(keys, self.validation_fraction, weight=weight)
        return [
            _moments(X[rows], y[rows], None if weight is None else weight[rows]) for rows in sides
        ]

    def _finalize(self, moments):
        state = {"key": seed_key(0)}
        self._commit(moments, self._descend(moments, None, state, None, None, None))

    def _descend(self, moments, held_out, state, progress, X, y):
        gram, target = _normal_equations(moments, self.alpha)
        run = _Descent(gram, target, state)
        with fit_tasks(self, self.max_iter, X=X, y=y) as fit:
            for step in fit.loop("iteration", range(run.n_iter, self.max_iter)):
                if not run.done:
                    run.step(held_out, self.tol, self.early_stopping and self.n_iter_no_change)
                    say(self, f"iteration {run.n_iter}", objective=run.objective)
                step.finish(lambda: {**run.attributes(), **progress.unfinished(**run.state())})
                if run.done:
                    break
        return run

    def _commit(self, moments, run):
        self.moments_ = moments
        for name, value in run.attributes().items():
            setattr(self, name, value)


class _Descent:
    """Conjugate gradients on the normal equations; `state` is all that it depends on."""

    def __init__(self, gram, target, state):
        self.gram = gram
        self.target = target
        self.key = state["key"]
        if "coef" in state:
            self.coef, self.residual, self.direction = (
                state[name].copy() for name in ("coef", "residual", "direction")
            )
        else:
            self.coef = stream(self.key, 0).normal(size=len(target))
            self.residual = target - gram @ self.coef
            self.direction = self.residual.copy()
        self.first = state.get("first", float(self.residual @ self.residual))
        self.n_iter = state.get("n_iter", 0)
        self.done = state.get("done", False)
        self.history = History(state.get("history"))

    def step(self, held_out, tol, patience):
        along = self.gram @ self.direction
        before = self.residual @ self.residual
        curvature = self.direction @ along
        size = before / curvature if curvature > 0 else 0.0
        self.coef += size * self.direction
        self.residual -= size * along
        after = self.residual @ self.residual
        self.direction *= after / before if before > 0 else 0.0
        self.direction += self.residual
        self.n_iter += 1
        self.objective = float(self.coef @ (self.gram @ self.coef) / 2 - self.target @ self.coef)
        errors = {} if held_out is None else {"validation": _squared_error(held_out, self.coef)}
        self.history.record(self.objective, **errors)
        self.done = bool(after <= tol * self.first) or self._stalls(patience)

    def _stalls(self, patience):
        if not patience or len(self.history) <= patience:
            return False
        errors = self.history.arrays()["validation"]
        return bool(errors[-patience:].min() >= errors[:-patience].min())

    def attributes(self):
        return {
            "coef_": self.coef[:-1].copy(),
            "intercept_": float(self.coef[-1]),
            "n_iter_": self.n_iter,
            "history_": self.history.arrays(),
        }

    def state(self):
        names = ("coef", "residual", "direction")
        return {
            **{name: getattr(self, name).copy() for name in names},
            "key": self.key,
            "first": self.first,
            "n_iter": self.n_iter,
            "done": self.done,
            "history": self.history.arrays(),
        }


def _moments(X, y, weight):
    """Return the weighted sums of products of the columns of (X, 1, y)."""
    total = 0.0
    for rows, targets, w in iter_batches(X, y, weight, batch_size=BATCH):
        block = rows.toarray() if hasattr(rows, "toarray") else rows
        block = np.column_stack([block.astype(np.float64), np.ones(len(targets)), targets])
        with np.errstate(over="ignore", invalid="ignore"):
            total = total + (block if w is None else block * w[:, None]).T @ block
    if not np.all(np.isfinite(total)):
        raise ValueError("the products of X and y must be finite; scale the columns down")
    return total


def _normal_equations(moments, alpha):
    scale = moments[-2, -2]
    gram = moments[:-1, :-1] / scale
    gram[:-1, :-1] += alpha * np.eye(len(gram) - 1)
    return gram, moments[:-1, -1] / scale


def _squared_error(moments, coef):
    full = np.append(coef, -1.0)
    return float(full @ moments @ full / moments[-2, -2])
