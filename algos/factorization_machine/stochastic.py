"""Stochastic learning of factorization machines: AdaGrad over mini-batches, in epochs.

Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic
optimization", JMLR 12; Rendle (2010), "Factorization machines", ICDM.

What is minimised is the weighted mean of

    loss_i + sum over the values of row i of (alpha |v_j|² + alpha_linear w_j²) / 2

so a column is shrunk as often as it occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from algos._common.random import Key, stream
from algos._cython import fm_steps
from algos.factorization_machine.batches import Data
from algos.factorization_machine.rows import Rows
from algos.factorization_machine.steps import Steps

Floats = NDArray[np.float32]

LOSSES = {"squared_error": 0, "log_loss": 1, "multinomial": 2, "bpr": 3}
_OF_ORDER = 1  # stream of random numbers
_NO_CLIP = 1e12
_MOST_PENALTY = 1e30  # in float32, in which products with zero are to be zero
_LEAP = 0.2  # share of the least loss by which steps too long may throw the last one above it


@dataclass(frozen=True)
class Settings:
    """How steps are made.

    Attributes
    ----------
    loss : {"squared_error", "log_loss", "multinomial", "bpr"}
    rate, rate_linear, rate_intercept : float
        The longest step of a factor, a coefficient and an intercept.
    alpha, alpha_linear, alpha_intercept : float
        L2 penalties.
    alpha_of_noise, alpha_linear_of_noise : float
        Of "squared_error": what is added to them for each unit of the mean squared error, as
        likelihood and prior weigh each other.
    accumulator : float
        Where sums of squared gradients begin: the larger, the shorter the first steps.
    batch_size : int or None
        Rows that are scored before their steps are made; None for `values_a_batch`.
    clip : float or None
        The largest magnitude of a number in a gradient.
    """

    loss: str = "log_loss"
    rate: float = 0.1
    rate_linear: float = 0.1
    rate_intercept: float = 0.1
    alpha: float = 1e-3
    alpha_linear: float = 1e-4
    alpha_intercept: float = 0.0
    alpha_of_noise: float = 0.0
    alpha_linear_of_noise: float = 0.0
    accumulator: float = 0.1
    batch_size: int | None = None
    values_a_batch: int = 2048
    clip: float | None = None

    def batch_of(self, rows: Rows) -> int:
        """Return how many rows a batch has: a number that hangs on the rows alone."""
        if self.batch_size is not None:
            return int(self.batch_size)
        mean = max(1.0, rows.stored / max(rows.n, 1))
        return int(max(1, self.values_a_batch // mean))

    def penalties(self, noise: float) -> Floats:
        """Return those of factors, coefficients and intercepts at this mean squared error."""
        alpha, linear = self.alpha, self.alpha_linear
        if self.loss == "squared_error":
            noise = min(noise, 1.0)
            alpha, linear = (
                alpha + noise * self.alpha_of_noise,
                linear + noise * self.alpha_linear_of_noise,
            )
        penalties = np.array([alpha, linear, self.alpha_intercept])
        return np.minimum(penalties, _MOST_PENALTY).astype(np.float32)


def one_pass(
    steps: Steps,
    data: Data,
    settings: Settings,
    key: Key,
    *,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    part: int = 0,
    n_threads: int = 1,
) -> float:
    """Learn all rows once, in the order of this epoch; `steps` is written to.

    Parameters
    ----------
    steps : Steps
    data : Data
    settings : Settings
    key : ndarray of shape (2,), dtype uint64
    pairs : tuple of (rows, rivals), default=None
        For "bpr": the rows that must beat others, and those.
    part : int, default=0
        Of the epoch, if it is made of several calls.
    n_threads : int, default=1
        Changes nothing but the time; two are put to use.

    Returns
    -------
    loss : float
        Weighted mean loss of the rows, each before its batch was learned.
    """
    rows = data.rows
    count = rows.n if pairs is None else len(pairs[0])
    order = stream(key, _OF_ORDER, steps.n_epochs, part).permutation(count)
    rival = None
    if pairs is not None:
        order, rival = pairs[0][order], pairs[1][order]
    batch = settings.batch_of(rows)
    plan = data.plan(batch)
    total = fm_steps.learn(
        plan.starts, rows.indices, data.values, data.target, data.weight, order, rival,
        plan.cuts, plan.slots, plan.common,
        np.array([settings.rate, settings.rate_linear, settings.rate_intercept], np.float32),
        settings.penalties(steps.noise),
        steps.table, steps.line, steps.base, LOSSES[settings.loss], batch,
        _NO_CLIP if settings.clip is None else settings.clip, n_threads,
    )  # fmt: skip
    weight = float(data.weight[order].sum(dtype=np.float64))
    return total / weight if weight else 0.0


def mean_loss(scores: NDArray[Any], data: Data, loss: str) -> float:
    """Return the weighted mean loss of scores of shape (n, n_outputs)."""
    z, y = scores.astype(np.float64), data.target.astype(np.float64)
    if loss == "squared_error":
        losses = (z[:, 0] - y) ** 2 / 2
    elif loss == "log_loss":
        losses = np.logaddexp(0, np.where(y > 0.5, -z[:, 0], z[:, 0]))
    else:
        losses = logsumexp(z, axis=1) - z[np.arange(len(z)), y.astype(np.intp)]
    return float(np.average(losses, weights=data.weight))


@dataclass
class Best:
    """The epoch that has done best so far, from 1 on, and how long ago progress was enough."""

    epoch: int = 0
    loss: float = np.inf
    waited: int = 0

    def offer(self, epoch: int, loss: float, tol: float) -> None:
        """Take the epoch if it is the best; without enough progress, wait one more."""
        enough = not np.isfinite(self.loss) or loss < self.loss - tol * abs(self.loss)
        self.waited = 0 if enough else self.waited + 1
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch


def has_leapt(last: float, least: float) -> bool:
    """Tell whether the last loss is far above the least one."""
    return bool(last > (1 + _LEAP) * least)


Watch = Callable[[Steps, float, "float | None"], bool]


def epochs(
    steps: Steps,
    once: Callable[[Steps], float],
    check: Callable[[Steps], float] | None,
    *,
    max_iter: int,
    tol: float = 1e-3,
    patience: int = 2,
    watch: Watch | None = None,
    keeps_best: bool = True,
) -> Steps:
    """Learn in epochs; return the learner of the best one where there is a check or a leap.

    That of a check is copied before the next epoch. Leaps are rare: after one the epochs up to
    the best are made again.

    Parameters
    ----------
    steps : Steps
        Goes on from there; is not written to.
    once : callable
        Makes one pass and returns its loss.
    check : callable or None
        Returns the loss of validation rows.
    max_iter : int
        The most epochs.
    tol, patience : float, int
        The end comes when the loss of validation rows, or else of the training rows before
        they were learned, has not fallen by this share of it for so many epochs.
    watch : callable, default=None
        Takes the learner, the training loss and the validation loss (or None) after each
        epoch, and returns whether to stop.
    keeps_best : bool, default=True
        Whether the learner of the best epoch is wanted where there is a check.
    """
    first, steps = steps, steps.copy()
    best, kept, loss, epoch = Best(), None, 0.0, 0
    for epoch in range(1, max_iter + 1):
        if check is not None and keeps_best and epoch - 1 == best.epoch > 0:
            kept = steps.copy()
        loss = once(steps)
        steps.n_epochs += 1
        checked = None if check is None else check(steps)
        steps.noise = 2 * (loss if checked is None else checked)
        best.offer(epoch, loss if checked is None else checked, tol)
        if (watch is not None and watch(steps, loss, checked)) or best.waited >= patience:
            break
    if best.epoch == epoch or (check is None and not has_leapt(loss, best.loss)):
        return steps
    if check is None:
        return epochs(first, once, None, max_iter=best.epoch, patience=best.epoch + 1)
    return steps if kept is None else kept


def learn(
    steps: Steps,
    data: Data,
    settings: Settings,
    key: Key,
    *,
    validation: Data | None = None,
    trial: Trial | None = None,
    n_threads: int = 1,
    **control: Any,
) -> Steps:
    """Learn rows in `epochs`, to whose parameters `control` goes.

    A `trial` that began at `steps` with these settings is the first epoch.
    """
    made = [] if trial is None or not trial.serves(settings) else [trial]

    def once(steps: Steps) -> float:
        if made:
            steps.become(made[0].steps)
            return made.pop().loss
        return one_pass(steps, data, settings, key, n_threads=n_threads)

    def check(steps: Steps) -> float:
        assert validation is not None
        scores = steps.scores(validation.rows, n_threads=n_threads)
        return mean_loss(scores, validation, settings.loss)

    return epochs(steps, once, None if validation is None else check, **control)


@dataclass(frozen=True)
class Trial:
    """A first epoch that was made to see how far it comes.

    Attributes
    ----------
    settings : Settings
    steps : Steps
        After the epoch.
    loss : float
        Of the rows before they were learned, as `one_pass` returns it.
    judged : float
        Loss of validation rows, or else `loss`.
    """

    settings: Settings
    steps: Steps
    loss: float
    judged: float

    def serves(self, settings: Settings) -> bool:
        """Tell whether learning with these settings begins with this epoch."""
        return self.settings == settings


def tried_rate(
    steps: Steps,
    data: Data,
    settings: Settings,
    key: Key,
    *,
    rates: Sequence[float],
    validation: Data | None = None,
    n_threads: int = 1,
) -> Trial:
    """Return the first epoch of the rate that comes furthest with it.

    It is what most hangs on the data: where rows tell little, long steps learn noise that
    later epochs cannot undo. Judged by the validation rows, or else by the training rows
    before they were learned. `steps` is not written to.
    """
    best = None
    for rate in rates:
        trial = steps.copy()
        tried = replace(settings, rate=rate, rate_linear=rate, rate_intercept=rate)
        loss = judged = one_pass(trial, data, tried, key, n_threads=n_threads)
        if validation is not None:
            scores = trial.scores(validation.rows, n_threads=n_threads)
            judged = mean_loss(scores, validation, settings.loss)
        judged = judged if np.isfinite(judged) else np.inf
        if best is None or judged < best.judged:
            best = Trial(tried, trial, loss, judged)
    assert best is not None
    return best
