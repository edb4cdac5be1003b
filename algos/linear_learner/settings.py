"""Training settings, from the parameters of the estimators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from algos._common.random import Key
from algos.linear_learner.losses import Loss
from algos.linear_learner.solvers.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Training settings, from the parameters of an estimator."""

    loss: Loss
    alpha: Any
    l1_ratio: Any
    n_alphas: int
    fit_intercept: bool
    standardize: bool
    solver: str
    tol: float
    max_iter: int
    n_threads: int
    n_outputs: int = 1
    verbose: int = 0
    schedule: Schedule = field(default_factory=Schedule)
    key: Key | None = None
    estimator_name: str = ""
