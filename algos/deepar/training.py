"""Learning the weights of a network: Adam over batches of windows, in epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from algos._cython import deepar_adam

Floats = NDArray[np.float32]

_RISING = 100  # steps until the rate is full: Adam's second moments are noise before
_LAST = 0.01  # of the largest rate, at the end of a schedule
_FALLEN = 0.1  # of the schedule's rate, once it has brought nothing for long enough
_MOST_REJECTED = 50  # batches in a row
_MOST_NAMED = 5  # series, in an error


@dataclass(frozen=True)
class Settings:
    """How weights are learned.

    Attributes
    ----------
    max_iter : int
        The epoch at which learning ends, and the schedule of rates with it.
    n_batches : int
        Steps in an epoch.
    learning_rate : float
        The largest rate of a step.
    schedule : {"cosine", "constant"}
        Whether rates fall to almost nothing by the last epoch.
    weight_decay : float
        Each step shrinks the weights by this, times its rate.
    clip : float
        The longest gradient of a batch's mean loss; longer ones are shortened.
    memory : float
        How much of the average of weights a step leaves; 0 is no average. Forecasts of
        averages differ less from seed to seed.
    tol, n_iter_no_change : float, int
        When the loss of what was held back has not fallen by `tol` for so many epochs, rates
        fall and the best weights are gone on with; the next time learning ends.
    goes_on : bool
        Whether that is so; otherwise learning ends the first time.
    """

    max_iter: int = 200
    n_batches: int = 50
    learning_rate: float = 3e-3
    schedule: str = "cosine"
    weight_decay: float = 0.1
    clip: float = 10.0
    memory: float = 0.998
    tol: float = 1e-4
    goes_on: bool = True
    n_iter_no_change: int = 10

    def rate(self, n_steps: int) -> float:
        """Return the rate of the step that follows `n_steps` others."""
        done = n_steps / max(1, self.max_iter * self.n_batches)
        rising = min(1.0, (n_steps + 1) / _RISING)
        if self.schedule == "constant":
            return self.learning_rate * rising
        falling = (1 + math.cos(math.pi * min(1.0, done))) / 2
        return self.learning_rate * rising * (_LAST + (1 - _LAST) * falling)


@dataclass
class Progress:
    """Where learning stands: plain arrays and numbers, `Progress(**vars(progress))` is it.

    Attributes
    ----------
    weights, first, second : ndarray of shape (n_weights,), dtype float32
        The weights and Adam's moments after the last step.
    average : ndarray of shape (n_weights,), dtype float32
        A running average of the weights.
    best : ndarray of shape (n_weights,), dtype float32
        The average of the best epoch, if anything was held back to tell; else empty.
    n_steps, n_epochs : int
        Done so far, rejected steps included.
    n_rejected : int
        Steps whose loss or gradient was no number: they changed nothing.
    best_loss : float
        What `best` reached.
    n_waited : int
        Epochs since the last one that was better by enough.
    best_epoch : int
        The one whose weights `best` are.
    n_falls : int
        How often rates have fallen for want of progress.
    """

    weights: Floats
    first: Floats
    second: Floats
    average: Floats
    best: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    n_steps: int = 0
    n_epochs: int = 0
    n_rejected: int = 0
    best_loss: float = np.inf
    n_waited: int = 0
    best_epoch: int = 0
    n_falls: int = 0

    @classmethod
    def begin(cls, weights: Floats) -> Progress:
        """Return the state before the first step; the weights are copied."""
        return cls(weights.copy(), np.zeros_like(weights), np.zeros_like(weights), weights.copy())

    def copy(self) -> Progress:
        """Return a state that shares no array with this one."""
        values: dict[str, Any] = {
            name: np.array(value) if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        return Progress(**values)

    @property
    def learned(self) -> Floats:
        """The weights to predict with."""
        return self.best if len(self.best) else self.average

    @property
    def learned_epoch(self) -> int:
        """The epoch, from 1, whose weights these are."""
        return self.best_epoch if len(self.best) else self.n_epochs


class Work(Protocol):
    """What is learned from: batches, numbered from 0, each always the same."""

    def gradient(self, weights: Floats, number: int, out: Floats) -> tuple[float, float]:
        """Add nothing, overwrite `out` by a batch's summed gradient; return (loss, weight)."""

    def culprits(self, weights: Floats, number: int) -> list[int]:
        """Return the series (their places in the panel) whose loss in a batch is no number."""


Watch = Callable[[Progress, "Epoch"], bool]
Check = Callable[[Floats], dict[str, float]]


@dataclass(frozen=True)
class Epoch:
    """What is told of an epoch.

    Attributes
    ----------
    objective : float
        Mean loss of the targets, each before its batch was learned.
    rate : float
        Of its last step.
    gradient : float
        Mean length of a batch's gradient before it was clipped.
    held_out : dict of str to float
        Of what was held back: its `loss`, and what else the check returns; empty without one.
    culprits : list of int
        The series because of which a step was left out, if one was.
    """

    objective: float
    rate: float
    gradient: float
    held_out: dict[str, float] = field(default_factory=dict)
    culprits: list[int] = field(default_factory=list)


def train(
    progress: Progress,
    work: Work,
    settings: Settings,
    *,
    check: Check | None = None,
    watch: Watch | None = None,
) -> Progress:
    """Learn from `progress.n_epochs` to `settings.max_iter`, or until no more is gained.

    Where steps at the schedule's rates gain no more, smaller ones from the best weights often do.

    Parameters
    ----------
    progress : Progress
        Where learning stands; it is not written to.
    work : Work
        See `algos.deepar.learning.PanelWork`.
    settings : Settings
    check : callable, default=None
        Takes weights and returns figures of what was held back, `loss` among them: learning
        then keeps the weights of the best epoch.
    watch : callable, default=None
        Called after each epoch with the state (arrays that learning goes on writing to) and
        its figures; learning ends if it returns True.

    Returns
    -------
    progress : Progress
        Its `learned` are the weights to predict with.

    Raises
    ------
    ValueError
        If batch after batch has a loss or gradient that is no number; names the rate and series.
    """
    progress = progress.copy()
    out = np.empty_like(progress.weights)
    # At the head of the loop, since a state that waited long enough may come from a checkpoint.
    while progress.n_epochs < settings.max_iter and not _is_at_its_end(progress, settings):
        epoch = _epoch(progress, work, settings, out)
        progress.n_epochs += 1
        if check is not None:
            epoch = replace(epoch, held_out=check(progress.average))
            _judge(progress, epoch.held_out["loss"], settings)
        if watch is not None and watch(progress, epoch):
            break
    return progress


def _is_at_its_end(progress: Progress, settings: Settings) -> bool:
    """Tell whether waiting ends learning; the first time it goes on from the best at low rates."""
    if progress.n_waited < settings.n_iter_no_change:
        return False
    if progress.n_falls or not (settings.goes_on and len(progress.best)):
        return True
    progress.weights[:] = progress.average[:] = progress.best
    progress.n_falls, progress.n_waited = 1, 0
    return False


def _epoch(progress: Progress, work: Work, settings: Settings, out: Floats) -> Epoch:
    """Take an epoch's steps."""
    losses = weights = lengths = rate = 0.0
    n_taken = n_in_a_row = 0
    culprits: list[int] = []
    for _ in range(settings.n_batches):
        rate = settings.rate(progress.n_steps) * _FALLEN**progress.n_falls
        loss, weight, length = _step(progress, work, settings, rate, out)
        progress.n_steps += 1
        if np.isfinite(length):
            losses, weights, lengths = losses + loss, weights + weight, lengths + length
            n_taken, n_in_a_row = n_taken + 1, 0
            continue
        if weight > 0:
            progress.n_rejected += 1
            n_in_a_row += 1
            culprits = culprits or work.culprits(progress.weights, progress.n_steps - 1)
        if n_in_a_row >= min(_MOST_REJECTED, settings.n_batches):
            _give_up(settings.learning_rate, culprits)
    objective = losses / weights if weights else np.nan
    return Epoch(objective, rate, lengths / max(n_taken, 1), culprits=culprits)


def _step(
    progress: Progress, work: Work, settings: Settings, rate: float, out: Floats
) -> tuple[float, float, float]:
    """Learn one batch; return its loss, weight and length of gradient, infinite if rejected."""
    loss, weight = work.gradient(progress.weights, progress.n_steps, out)
    if not (np.isfinite(loss) and weight > 0):
        return loss, weight, np.inf
    length = deepar_adam.step(
        out,
        weight,
        progress.weights,
        progress.first,
        progress.second,
        progress.average,
        progress.n_steps - progress.n_rejected + 1,
        rate,
        settings.clip,
        settings.weight_decay,
        settings.memory,
    )
    return loss, weight, length if np.isfinite(length) else np.inf


def _judge(progress: Progress, loss: float, settings: Settings) -> None:
    """Keep the weights if none have done better on what is held back."""
    better = loss < progress.best_loss
    enough = loss < progress.best_loss - settings.tol or not np.isfinite(progress.best_loss)
    progress.n_waited = 0 if better and enough else progress.n_waited + 1
    if better:
        progress.best_loss, progress.best = loss, progress.average.copy()
        progress.best_epoch = progress.n_epochs


def _give_up(rate: float, culprits: list[int]) -> None:
    shown = ", ".join(map(str, culprits[:_MOST_NAMED])) + " …" * (len(culprits) > _MOST_NAMED)
    raise ValueError(
        f"`learning_rate_init`={rate!r} must be smaller: the loss or the gradient of batch after "
        f"batch is not finite; write {min(rate / 10, 3e-3):.3g}, and if that does not help, look "
        f"at the values of series {shown}, at which this began"
    )
