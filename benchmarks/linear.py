"""Linear models: what they minimise, how close a run came, and the setting that comes close enough.

Libraries stop by rules that cannot be compared. So a run is judged by its objective, in
float64 and by the formulas here, relative to the lowest that anyone has reached; and what is
timed is each library's fastest setting that comes as close as the row asks. Finding that
setting is not timed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp

from benchmarks.peers.estimators import quietly

Outcome = dict[str, Any]

LADDER_SECONDS = 20.0  # for the trials of one way
_BLOCK = 65_536
_KNOWN = Path(__file__).parents[1] / "build" / "benchmarks" / "best.json"


@dataclass(frozen=True)
class Problem:
    """The mean loss, and alpha (l1_ratio |w|₁ + (1 - l1_ratio)/2 |w|²).

    Attributes
    ----------
    loss : str
        Of `algos`; "multinomial" for the log loss of several classes.
    alpha, l1_ratio : float
    parameter : float
        The loss's own: quantile, epsilon, delta or power.
    fit_intercept : bool
    """

    loss: str
    alpha: float
    l1_ratio: float = 0.0
    parameter: float = 0.0
    fit_intercept: bool = True

    @property
    def is_of_classes(self) -> bool:
        return self.loss in ("log_loss", "multinomial", "hinge", "squared_hinge")

    def objective(self, X: Any, y: Any, outcome: Outcome) -> float:
        """Return the objective of a run's `coef` and `intercept`, in float64."""
        width = X.shape[1]
        coef = np.asarray(outcome["coef"], dtype=np.float64).reshape(-1, width)
        intercept = np.asarray(outcome.get("intercept", 0.0), dtype=np.float64)
        total = 0.0
        for begin in range(0, X.shape[0], _BLOCK):
            rows = X[begin : begin + _BLOCK]
            z = rows.astype(np.float64) @ coef.T + intercept
            total += float(self._losses(y[begin : begin + _BLOCK], z).sum())
        l2 = np.vdot(coef, coef) / 2
        penalty = self.l1_ratio * np.abs(coef).sum() + (1 - self.l1_ratio) * l2
        return total / X.shape[0] + self.alpha * float(penalty)

    def _losses(self, y: Any, z: Any) -> Any:
        if self.loss == "multinomial":
            return logsumexp(z, axis=1) - z[np.arange(len(z)), y.astype(int)]
        z, p = z[:, 0], self.parameter
        r, margin = y - z, np.where(y > 0, z, -z)
        size = np.abs(r)
        formulas: dict[str, Callable[[], Any]] = {
            "squared_error": lambda: r**2 / 2,
            "absolute_error": lambda: size,
            "quantile": lambda: np.maximum(p * r, (p - 1) * r),
            "huber": lambda: np.where(size <= p, r**2 / 2, p * size - p**2 / 2),
            "epsilon_insensitive": lambda: np.maximum(size - p, 0),
            "squared_epsilon_insensitive": lambda: np.maximum(size - p, 0) ** 2,
            "poisson": lambda: np.exp(z) - y * z,
            "gamma": lambda: z + y * np.exp(-z),
            "tweedie": lambda: np.exp((2 - p) * z) / (2 - p) - y * np.exp((1 - p) * z) / (1 - p),
            "log_loss": lambda: np.logaddexp(0, -margin),
            "hinge": lambda: np.maximum(1 - margin, 0),
            "squared_hinge": lambda: np.maximum(1 - margin, 0) ** 2,
        }
        with np.errstate(over="ignore"):
            return formulas[self.loss]()


def best_known(key: str) -> float:
    """Return the lowest objective that any run has reached; infinity if there was none."""
    return _all_known().get(key, math.inf)


def make_known(key: str, objective: float) -> float:
    """Keep an objective if it is the lowest so far, and return the lowest."""
    known = _all_known()
    if objective < known.get(key, math.inf):
        known[key] = objective
        _KNOWN.parent.mkdir(parents=True, exist_ok=True)
        _KNOWN.write_text(json.dumps(known, indent=1))
    return known.get(key, math.inf)


def _all_known() -> dict[str, float]:
    return json.loads(_KNOWN.read_text()) if _KNOWN.exists() else {}


def suboptimality(problem: Problem, key: str, X: Any, y: Any, outcome: Outcome) -> float:
    """Return (F - F*) / |F*|, F* being the lowest objective known, this one included."""
    objective = problem.objective(X, y, outcome)
    if not math.isfinite(objective):
        return math.inf
    best = make_known(key, objective)
    return (objective - best) / abs(best)


def lasso_objectives(X: Any, y: Any, coefs: Any, alphas: Any) -> Any:
    """Return the lasso's objectives, one for each row of `coefs`, in one pass."""
    coefs = np.asarray(coefs, dtype=np.float64)
    total = np.zeros(len(coefs))
    for begin in range(0, len(X), _BLOCK):
        z = X[begin : begin + _BLOCK].astype(np.float64) @ coefs.T
        total += ((y[begin : begin + _BLOCK, None] - z) ** 2).sum(axis=0)
    return total / (2 * len(X)) + alphas * np.abs(coefs).sum(axis=1)


def path_suboptimality(key: str, X: Any, y: Any, alphas: Any, outcome: Outcome) -> float:
    """Return the largest relative suboptimality along a path of the lasso."""
    objectives = lasso_objectives(X, y, outcome["coefs"], alphas)
    best = np.array([make_known(f"{key}-{i}", float(f)) for i, f in enumerate(objectives)])
    return float(np.max((objectives - best) / best))


@dataclass(frozen=True)
class Way:
    """One way of a library to solve a problem: a solver, and settings from loose to tight.

    Attributes
    ----------
    name : str
        Of the solver, for the report.
    settings : iterable
    fit : callable
        Takes one of the settings, and returns `coef` and `intercept`.
    """

    name: str
    settings: Iterable[Any]
    fit: Callable[[Any], Outcome]


def fastest(
    ways: list[Way], target: float, distance: Callable[[Outcome], float]
) -> Callable[[], Outcome]:
    """Return the run of the fastest setting within the target, or else of the closest one."""
    reached: list[tuple[float, Way, Any]] = []
    closest: list[tuple[float, Way, Any]] = []
    for way in ways:
        spent = 0.0
        for setting in way.settings:
            seconds, gap = _tried(way, setting, distance)
            spent += seconds
            closest.append((gap, way, setting))
            if gap <= target:
                again = _tried(way, setting, distance)[0] if seconds < 1 else seconds
                reached.append((min(seconds, again), way, setting))
                break
            is_slow = reached and seconds > 1.5 * min(entry[0] for entry in reached)
            if is_slow or spent > LADDER_SECONDS:
                break
    if not closest:
        raise ValueError("no way to solve this problem")
    _, way, setting = min(reached or closest, key=lambda entry: entry[0])
    note = f"{way.name} {setting}" if reached else f"short of it: {way.name} {setting}"

    def run() -> Outcome:
        outcome = quietly(lambda: way.fit(setting))
        return {**outcome, "converged": bool(reached), "note": note}

    return run


def _tried(way: Way, setting: Any, distance: Callable[[Outcome], float]) -> tuple[float, float]:
    begin = time.perf_counter()
    outcome = quietly(lambda: way.fit(setting))
    return time.perf_counter() - begin, distance(outcome)
