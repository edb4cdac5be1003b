"""The interface of the states of streams."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.random import Key
from algos.linear_learner.data import Data
from algos.linear_learner.extremes import check_numbers
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import FitResult
from algos.linear_learner.penalties import PenaltyParams, candidate_grid
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.schedule import Schedule
from algos.linear_learner.threshold import Criterion


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """Settings of a stream, the same for every batch."""

    loss: Loss
    grid: list[PenaltyParams]
    fit_intercept: bool
    standardize: bool
    schedule: Schedule
    n_outputs: int
    n_threads: int
    keeps_decisions: bool
    validation_fraction: float


@dataclass(frozen=True)
class State(ABC):
    """State of a stream; arrays are replaced, never written to.

    Attributes
    ----------
    key : ndarray of shape (2,), dtype uint64
    alphas, l1_ratios : ndarray of shape (m,)
        The candidates.
    """

    may_be_infinite: ClassVar[tuple[str, ...]] = ()

    key: Key
    alphas: Float64Array
    l1_ratios: Float64Array

    @classmethod
    @abstractmethod
    def empty(cls, key: Key, d: int, grid: list[PenaltyParams], n_outputs: int) -> Self:
        """Return the state before the first row."""

    @classmethod
    @abstractmethod
    def after_fit(
        cls,
        after: dict[str, Any],
        coef: Float64Array,
        intercept: Float64Array,
        params: PenaltyParams,
    ) -> Self:
        """Return the state after a fit."""

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
        """Return the state of the rows of both states."""

    @abstractmethod
    def result(self, settings: StreamSettings, criterion: Criterion, top_k: int) -> FitResult:
        """Return the model of the best candidate."""

    @abstractmethod
    def check_criterion(self, criterion: str) -> None:
        """Raise ValueError if several candidates cannot be compared by a criterion."""

    @classmethod
    def restored(cls, parts: dict[str, Any]) -> Self:
        """Return the state from its `parts`."""
        return cls(**parts)

    def parts(self) -> dict[str, Any]:
        """Return the fields as a dict, which an estimator keeps."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def check(self) -> None:
        """Raise ValueError if anything is not finite, since values were too extreme."""
        check_numbers(self.parts(), self.may_be_infinite)

    @property
    def grid(self) -> list[PenaltyParams]:
        pairs = zip(self.alphas.tolist(), self.l1_ratios.tolist(), strict=True)
        return [PenaltyParams(*pair) for pair in pairs]


def stream_grid(settings: Settings, data: Data) -> list[PenaltyParams]:
    """Return the candidates of a stream.

    Those of "auto" depend on the first batch, but only on the magnitude of its targets, since a
    batch may be a single row.
    """
    gradient = curvature = 1.0
    name = settings.loss.name
    peak = float(np.abs(data.target).max()) or 1.0
    typical = peak * float(np.sqrt(np.mean((data.target / peak) ** 2))) or 1.0
    if settings.loss.is_of_classes:
        gradient, curvature = 0.5, 0.25
    elif settings.loss.has_log_link:
        power = {"poisson": 1.0, "gamma": 2.0}.get(name, settings.loss.parameter)
        gradient = curvature = typical ** (2 - power)
    elif settings.loss.is_smooth:
        gradient = typical
    else:
        curvature = 1 / typical
    return candidate_grid(
        settings.alpha,
        settings.l1_ratio,
        settings.n_alphas,
        gradient=gradient,
        curvature=curvature,
        is_wide=False,
    )
