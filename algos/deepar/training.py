"""Training of a network: Adam over batches of windows, in epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from algos._common.arrays import Float32Array
from algos._cython import deepar_adam

_RISING = 100  # steps until the rate is full: before, Adam's second moments are noise
_LAST = 0.01  # of the largest rate, at the end of a schedule
_FALLEN = 0.1  # of the schedule's rate, after the first time without progress
_MOST_REJECTED = 50  # batches in a row
_MOST_NAMED = 5  # series, in an error


@dataclass(frozen=True)
class TrainSettings:
    """The settings of training.

    Attributes
    ----------
    max_iter : int
        The last epoch, which also determines the schedule of rates.
    n_batches : int
        Steps in an epoch.
    learning_rate : float
        The largest rate of a step.
    schedule : {"cosine", "constant"}
        Whether rates fall to almost nothing by the last epoch.
    weight_decay : float
        Each step shrinks the weights by this times its rate.
    clip : float
        Gradients of a batch's mean loss are clipped to this norm.
    memory : float
        The share of the average of weights that a step keeps; 0 is no average. Forecasts of
        averages vary less from seed to seed.
    tol, n_iter_no_change : float, int
        When the loss on held-back steps has not fallen by `tol` for this number of epochs,
        training continues from the best weights at lower rates; the next time it ends.
    continues : bool
        Whether to continue at lower rates; otherwise training ends the first time.
    """

    max_iter: int = 200
    n_batches: int = 50
    learning_rate: float = 3e-3
    schedule: str = "cosine"
    weight_decay: float = 0.1
    clip: float = 10.0
    memory: float = 0.998
    tol: float = 1e-4
    continues: bool = True
    n_iter_no_change: int = 10

    def rate(self, n_steps: int) -> float:
        """Return the rate of the step after `n_steps` others."""
        done = n_steps / max(1, self.max_iter * self.n_batches)
        rising = min(1.0, (n_steps + 1) / _RISING)
        if self.schedule == "constant":
            return self.learning_rate * rising
        falling = (1 + math.cos(math.pi * min(1.0, done))) / 2
        return self.learning_rate * rising * (_LAST + (1 - _LAST) * falling)


@dataclass
class TrainState:
    """The state of training: plain arrays and numbers, `TrainState(**vars(state))` equals it.

    Attributes
    ----------
    weights, first, second : ndarray of shape (n_weights,), dtype float32
        The weights and Adam's moments after the last step.
    average : ndarray of shape (n_weights,), dtype float32
        A running average of the weights.
    best : ndarray of shape (n_weights,), dtype float32
        The average of the best epoch, if steps were held back; else empty.
    n_steps, n_epochs : int
        Numbers so far, rejected steps included.
    n_rejected : int
        Steps whose loss or gradient was not finite: they changed nothing.
    best_loss : float
        The loss of `best`.
    n_waited : int
        Epochs since the last sufficient progress.
    best_epoch : int
        The epoch of `best`.
    n_falls : int
        Number of times that rates were lowered for lack of progress.
    """

    weights: Float32Array
    first: Float32Array
    second: Float32Array
    average: Float32Array
    best: Float32Array = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    n_steps: int = 0
    n_epochs: int = 0
    n_rejected: int = 0
    best_loss: float = np.inf
    n_waited: int = 0
    best_epoch: int = 0
    n_falls: int = 0

    @classmethod
    def begin(cls, weights: Float32Array) -> TrainState:
        """Return the state before the first step; the weights are copied."""
        return cls(weights.copy(), np.zeros_like(weights), np.zeros_like(weights), weights.copy())

    def copy(self) -> TrainState:
        """Return a deep copy."""
        values: dict[str, Any] = {
            name: np.array(value) if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        return TrainState(**values)

    @property
    def learned(self) -> Float32Array:
        """The weights to predict with."""
        return self.best if len(self.best) else self.average

    @property
    def learned_epoch(self) -> int:
        """The epoch of these weights, counted from 1."""
        return self.best_epoch if len(self.best) else self.n_epochs


class Work(Protocol):
    """The training data: batches, numbered from 0, each always the same."""

    def gradient(
        self, weights: Float32Array, number: int, out: Float32Array
    ) -> tuple[float, float]:
        """Overwrite `out` with a batch's summed gradient; return (loss, weight)."""

    def culprits(self, weights: Float32Array, number: int) -> list[int]:
        """Return the series (places in the panel) whose loss in a batch is not finite."""


Watch = Callable[[TrainState, "Epoch"], bool]
Check = Callable[[Float32Array], dict[str, float]]


@dataclass(frozen=True)
class Epoch:
    """The figures of an epoch.

    Attributes
    ----------
    objective : float
        Mean loss of the targets, each before its batch was learned.
    rate : float
        The rate of its last step.
    gradient : float
        Mean length of a batch's gradient before it was clipped.
    held_out : dict of str to float
        The `loss` of held-back steps, and what else the check returns; empty without one.
    culprits : list of int
        The series that caused a rejected step, if any.
    """

    objective: float
    rate: float
    gradient: float
    held_out: dict[str, float] = field(default_factory=dict)
    culprits: list[int] = field(default_factory=list)


def train(
    state: TrainState,
    work: Work,
    settings: TrainSettings,
    *,
    check: Check | None = None,
    watch: Watch | None = None,
) -> TrainState:
    """Train from epoch `state.n_epochs` to `settings.max_iter`, or until there is no progress.

    When steps at the schedule's rates no longer help, smaller ones from the best weights often do.

    Parameters
    ----------
    state : TrainState
        The state to start from; it is not modified.
    work : Work
        See `algos.deepar.training_batches.PanelWork`.
    settings : TrainSettings
    check : callable, default=None
        Maps weights to figures of held-back steps, `loss` among them: the weights of the best
        epoch are then kept.
    watch : callable, default=None
        Called after each epoch with the state (whose arrays training goes on modifying) and
        the figures; training ends if it returns True.

    Returns
    -------
    state : TrainState
        Its `learned` are the weights to predict with.

    Raises
    ------
    ValueError
        If too many batches in a row have a loss or gradient that is not finite.
    """
    state = state.copy()
    out = np.empty_like(state.weights)
    # Checked at the head of the loop, since a state from a checkpoint may have waited enough.
    while state.n_epochs < settings.max_iter and not _is_at_its_end(state, settings):
        epoch = _epoch(state, work, settings, out)
        state.n_epochs += 1
        if check is not None:
            epoch = replace(epoch, held_out=check(state.average))
            _keep_best(state, epoch.held_out["loss"], settings)
        if watch is not None and watch(state, epoch):
            break
    return state


def _is_at_its_end(state: TrainState, settings: TrainSettings) -> bool:
    """Return whether training ends; after the first wait, continue from the best weights."""
    if state.n_waited < settings.n_iter_no_change:
        return False
    if state.n_falls or not (settings.continues and len(state.best)):
        return True
    state.weights[:] = state.average[:] = state.best
    state.n_falls, state.n_waited = 1, 0
    return False


def _epoch(state: TrainState, work: Work, settings: TrainSettings, out: Float32Array) -> Epoch:
    """Run the steps of an epoch."""
    losses = weights = lengths = rate = 0.0
    n_taken = n_in_a_row = 0
    culprits: list[int] = []
    for _ in range(settings.n_batches):
        rate = settings.rate(state.n_steps) * _FALLEN**state.n_falls
        loss, weight, length = _step(state, work, settings, rate, out)
        state.n_steps += 1
        if np.isfinite(length):
            losses, weights, lengths = losses + loss, weights + weight, lengths + length
            n_taken, n_in_a_row = n_taken + 1, 0
            continue
        if weight > 0:
            state.n_rejected += 1
            n_in_a_row += 1
            culprits = culprits or work.culprits(state.weights, state.n_steps - 1)
        if n_in_a_row >= min(_MOST_REJECTED, settings.n_batches):
            _give_up(settings.learning_rate, culprits)
    objective = losses / weights if weights else np.nan
    return Epoch(objective, rate, lengths / max(n_taken, 1), culprits=culprits)


def _step(
    state: TrainState, work: Work, settings: TrainSettings, rate: float, out: Float32Array
) -> tuple[float, float, float]:
    """Take one step; return its loss, weight and gradient norm, infinite if rejected."""
    loss, weight = work.gradient(state.weights, state.n_steps, out)
    if not (np.isfinite(loss) and weight > 0):
        return loss, weight, np.inf
    length = deepar_adam.step(
        out,
        weight,
        state.weights,
        state.first,
        state.second,
        state.average,
        state.n_steps - state.n_rejected + 1,
        rate,
        settings.clip,
        settings.weight_decay,
        settings.memory,
    )
    return loss, weight, length if np.isfinite(length) else np.inf


def _keep_best(state: TrainState, loss: float, settings: TrainSettings) -> None:
    """Keep the weights if they are the best on the held-back steps."""
    better = loss < state.best_loss
    enough = loss < state.best_loss - settings.tol or not np.isfinite(state.best_loss)
    state.n_waited = 0 if better and enough else state.n_waited + 1
    if better:
        state.best_loss, state.best = loss, state.average.copy()
        state.best_epoch = state.n_epochs


def _give_up(rate: float, culprits: list[int]) -> None:
    shown = ", ".join(map(str, culprits[:_MOST_NAMED])) + " …" * (len(culprits) > _MOST_NAMED)
    raise ValueError(
        f"`learning_rate_init`={rate!r} must be smaller: the loss or the gradient of batch after "
        f"batch is not finite; write {min(rate / 10, 3e-3):.3g}, and if that does not help, check "
        f"the values of series {shown}, where this began"
    )
