"""What the states of streams have in common, and what is asked of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from algos._common.random import Key
from algos.linear_learner.data import Data
from algos.linear_learner.extremes import check_numbers
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import Outcome
from algos.linear_learner.penalties import Strength, candidate_grid
from algos.linear_learner.problem import Doubles
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.schedule import Schedule
from algos.linear_learner.threshold import Target


@dataclass(frozen=True)
class StreamSettings:
    """What the parameters say; the same for every batch."""

    loss: Loss
    strengths: list[Strength]
    fit_intercept: bool
    standardize: bool
    schedule: Schedule
    n_outputs: int
    n_threads: int
    keeps_decisions: bool
    validation_fraction: float


@dataclass(frozen=True)
class State(ABC):
    """What rows so far have left; arrays are replaced, never written to.

    Attributes
    ----------
    key : ndarray of shape (2,), dtype uint64
    alphas, l1_ratios : ndarray of shape (m,)
        The candidates.
    """

    may_be_infinite: ClassVar[tuple[str, ...]] = ()

    key: Key
    alphas: Doubles
    l1_ratios: Doubles

    @classmethod
    @abstractmethod
    def empty(cls, key: Key, d: int, strengths: list[Strength], n_outputs: int) -> Self:
        """Return the state before the first row."""

    @classmethod
    @abstractmethod
    def after_fit(
        cls, after: dict[str, Any], coef: Doubles, intercept: Doubles, strength: Strength
    ) -> Self:
        """Return the state from which to go on after a fit."""

    @abstractmethod
    def received(self, data: Data, settings: StreamSettings) -> Self:
        """Return the state after one more batch."""

    @abstractmethod
    def loss_of_batch(self, before: Self, data: Data, settings: StreamSettings) -> float | None:
        """Return the mean loss of the latest batch before it was learned; None if unknown.

        Parameters
        ----------
        before : State
            The one that received the batch.
        data : Data
            The batch.
        settings : StreamSettings
        """

    @abstractmethod
    def joined(self, other: Self, settings: StreamSettings) -> Self:
        """Return the state of the rows of both."""

    @abstractmethod
    def outcome(self, settings: StreamSettings, target: Target, top_k: int) -> Outcome:
        """Return the model of the best candidate."""

    @abstractmethod
    def check_criterion(self, criterion: str) -> None:
        """Raise ValueError if candidates cannot be judged so, of which there are several."""

    @classmethod
    def restored(cls, parts: dict[str, Any]) -> Self:
        """Return the state of which these are the `parts`."""
        return cls(**parts)

    def parts(self) -> dict[str, Any]:
        """Return all parts, as an estimator keeps them."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def check(self) -> None:
        """Raise ValueError if anything is no number: values were too extreme."""
        check_numbers(self.parts(), self.may_be_infinite)

    @property
    def strengths(self) -> list[Strength]:
        pairs = zip(self.alphas.tolist(), self.l1_ratios.tolist(), strict=True)
        return [Strength(*pair) for pair in pairs]


def stream_strengths(settings: Settings, data: Data) -> list[Strength]:
    """Return the candidates of a stream: those of "auto" hang on its first batch.

    On the magnitude of its targets alone, since a batch may be a single row.
    """
    slope = curvature = 1.0
    name = settings.loss.name
    peak = float(np.abs(data.target).max()) or 1.0
    typical = peak * float(np.sqrt(np.mean((data.target / peak) ** 2))) or 1.0
    if settings.loss.is_of_classes:
        slope, curvature = 0.5, 0.25
    elif settings.loss.has_log_link:
        power = {"poisson": 1.0, "gamma": 2.0}.get(name, settings.loss.parameter)
        slope = curvature = typical ** (2 - power)
    elif settings.loss.is_smooth:
        slope = typical
    else:
        curvature = 1 / typical
    return candidate_grid(
        settings.alpha, settings.l1_ratio, settings.n_alphas, slope, curvature, is_wide=False
    )
