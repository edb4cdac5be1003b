"""The tasks of the linear learner for any library with scikit-learn's classes."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.linear import Problem, Way, fastest, path_suboptimality, suboptimality

Run = Callable[[], dict[str, Any]]

ITERATIONS = (3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 110, 160, 220, 320, 640, 1300, 5000)
FEW_ITERATIONS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 25, 50)
TOLERANCES = tuple(10.0**-power for power in range(1, 14))


class LinearModels(ABC):
    """Tasks by linear models. Subclasses give `ways`, and what else they can do."""

    @abstractmethod
    def ways(self, problem: Problem, X: Any, y: Any, n_jobs: int | None) -> list[Way]:
        """Return the ways to solve a problem, none if there is none."""

    def linear_fit(
        self, X, y, alpha, key, loss, target, n_jobs, l1_ratio=0.0, parameter=0.0,
        fit_intercept=True, **others,
    ) -> Run | None:  # fmt: skip
        """A fit to a given relative suboptimality."""
        problem = Problem(loss, alpha, l1_ratio, parameter, fit_intercept)
        ways = self.ways(problem, X, y, n_jobs)
        if not ways:
            return None
        return fastest(ways, target, lambda run: suboptimality(problem, key, X, y, run))

    def path_ways(self, X: Any, y: Any, alphas: Any, n_jobs: int | None) -> list[Way]:
        """Return the ways to a path of the lasso, without intercepts."""
        return []

    def linear_path(self, X, y, alphas, key, target, n_jobs, **others) -> Run | None:
        """The lasso for a row of alphas, each to a given relative suboptimality."""
        ways = self.path_ways(X, y, alphas, n_jobs)
        if not ways:
            return None
        return fastest(ways, target, lambda run: path_suboptimality(key, X, y, alphas, run))


def outcome_of(model: Any) -> dict[str, Any]:
    """Return what a fitted model has found."""
    return {"coef": np.asarray(model.coef_), "intercept": np.asarray(model.intercept_)}


def fit_of(make: Callable[[Any], Any], X: Any, y: Any) -> Callable[[Any], dict[str, Any]]:
    """Return a `Way.fit`: a model made of a setting, and fitted."""
    return lambda setting: outcome_of(make(setting).fit(X, y))


def with_defaults(model: Any, X: Any, y: Any) -> Run:
    """Return a fit whose warnings are told by `converged`."""

    def run():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        silent = not any(issubclass(one.category, ConvergenceWarning) for one in caught)
        return {**outcome_of(model), "converged": silent}

    return run


def searched(model: Any, parameter: str, values: Any, scoring: str, data: Any, n_jobs: Any) -> Run:
    """Return a grid search over one parameter, chosen by given validation rows."""
    from scipy import sparse
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    X, y, X_val, y_val = data
    stack = sparse.vstack if sparse.issparse(X) else np.concatenate
    rows, target = stack([X, X_val]), np.concatenate([y, y_val])
    split = PredefinedSplit(np.repeat([-1, 0], [len(y), len(y_val)]))
    search = GridSearchCV(
        model, {parameter: list(values)}, scoring=scoring, cv=split, refit=False, n_jobs=n_jobs
    )

    def run():
        search.fit(rows, target)
        return {"validation": -search.best_score_, "note": "GridSearchCV"}

    return run
