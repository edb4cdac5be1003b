"""Stochastic learning of factorization machines: AdaGrad over mini-batches, in epochs.

Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic
optimization", JMLR 12; Rendle (2010), "Factorization machines", ICDM.

The objective is the weighted mean of

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

from algos._common.arrays import Float32Array, Int64Array
from algos._common.random import Key, stream
from algos._cython import fm_steps
from algos.factorization_machine.batches import Data
from algos.factorization_machine.rows import Rows
from algos.factorization_machine.steps import Steps

LOSSES = {"squared_error": 0, "log_loss": 1, "multinomial": 2, "bpr": 3}
_OF_ORDER = 1  # stream of random numbers
_NO_CLIP = 1e12
_MOST_PENALTY = 1e30  # finite in float32, so that products with zero are zero
_DIVERGED = 0.2  # relative excess over the least loss from which on the last epoch has diverged


@dataclass(frozen=True)
class StepSettings:
    """Settings of stochastic steps.

    Attributes
    ----------
    loss : {"squared_error", "log_loss", "multinomial", "bpr"}
    rate, rate_linear, rate_intercept : float
        Learning rates, the longest step of a factor, a coefficient and an intercept.
    alpha, alpha_linear, alpha_intercept : float
        L2 penalties.
    alpha_of_noise, alpha_linear_of_noise : float
        For "squared_error": penalties per unit of the mean squared error, added to the former,
        since a prior weighs more the noisier the data.
    accumulator : float
        Initial value of the sums of squared gradients: the larger, the shorter the first steps.
    batch_size : int or None
        Rows of a batch; None derives it from `values_a_batch`.
    values_a_batch : int
        Stored values of a batch, on average, if `batch_size` is None.
    clip : float or None
        Clip gradients by value, at this magnitude.
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
        """Return the number of rows of a batch, which depends on the rows only."""
        if self.batch_size is not None:
            return int(self.batch_size)
        mean = max(1.0, rows.stored / max(rows.n, 1))
        return int(max(1, self.values_a_batch // mean))

    def penalties(self, noise: float) -> Float32Array:
        """Return the penalties of factors, coefficients and intercepts at this squared error."""
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
    settings: StepSettings,
    key: Key,
    *,
    pairs: tuple[Int64Array, Int64Array] | None = None,
    part: int = 0,
    n_threads: int = 1,
) -> float:
    """Learn all rows once, in the order of this epoch; updates `steps` in place.

    Parameters
    ----------
    steps : Steps
    data : Data
    settings : StepSettings
    key : ndarray of shape (2,), dtype uint64
    pairs : tuple of (rows, rivals), default=None
        For "bpr": the chosen rows, and their rivals.
    part : int, default=0
        Number of the call, if an epoch takes several.
    n_threads : int, default=1
        Affects only the time; at most two are used.

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
        steps.factor_state, steps.linear_state, steps.intercept_state, LOSSES[settings.loss], batch,
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
        """Record an epoch's loss; without enough progress, count it as waited."""
        enough = not np.isfinite(self.loss) or loss < self.loss - tol * abs(self.loss)
        self.waited = 0 if enough else self.waited + 1
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch


def has_diverged(last: float, least: float) -> bool:
    """Tell whether the last loss is far above the lowest one."""
    return bool(last > (1 + _DIVERGED) * least)


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
    """Learn in epochs; with a check, or if the loss diverged, return the best epoch's learner.

    With a check the best learner is copied before the next epoch. Divergence is rare: after it the
    epochs up to the best one are repeated.

    Parameters
    ----------
    steps : Steps
        The initial learner, which is not changed.
    once : callable
        Makes one pass and returns its loss.
    check : callable or None
        Returns the loss of validation rows.
    max_iter : int
        Maximum number of epochs.
    tol, patience : float, int
        Stop when the loss of the validation rows, or else of the training rows before they were
        learned, has not decreased by this share of it for `patience` epochs.
    watch : callable, default=None
        Called with the learner, the training loss and the validation loss (or None) after each
        epoch; returns whether to stop.
    keeps_best : bool, default=True
        Whether to keep the learner of the best epoch, with a check.
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
    if best.epoch == epoch or (check is None and not has_diverged(loss, best.loss)):
        return steps
    if check is None:
        return epochs(first, once, None, max_iter=best.epoch, patience=best.epoch + 1)
    return steps if kept is None else kept


def learn(
    steps: Steps,
    data: Data,
    settings: StepSettings,
    key: Key,
    *,
    validation: Data | None = None,
    trial: Trial | None = None,
    n_threads: int = 1,
    **control: Any,
) -> Steps:
    """Learn rows by `epochs`, to which `control` is passed.

    A `trial` that started from `steps` with these settings is reused as the first epoch.
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
    """A first epoch, made to compare learning rates.

    Attributes
    ----------
    settings : StepSettings
    steps : Steps
        After the epoch.
    loss : float
        Training loss, as `one_pass` returns it.
    compared : float
        Loss of the validation rows, or else `loss`.
    """

    settings: StepSettings
    steps: Steps
    loss: float
    compared: float

    def serves(self, settings: StepSettings) -> bool:
        """Tell whether this is the first epoch of learning with these settings."""
        return self.settings == settings


def tried_rate(
    steps: Steps,
    data: Data,
    settings: StepSettings,
    key: Key,
    *,
    rates: Sequence[float],
    validation: Data | None = None,
    n_threads: int = 1,
) -> Trial:
    """Return the first epoch with the learning rate that lowers the loss most.

    The best rate depends on the data: if rows have little information, long steps learn noise that
    later epochs cannot undo. The loss is that of the validation rows, or else of the training rows
    before they were learned. `steps` is not changed.
    """
    best = None
    for rate in rates:
        trial = steps.copy()
        tried = replace(settings, rate=rate, rate_linear=rate, rate_intercept=rate)
        loss = compared = one_pass(trial, data, tried, key, n_threads=n_threads)
        if validation is not None:
            scores = trial.scores(validation.rows, n_threads=n_threads)
            compared = mean_loss(scores, validation, settings.loss)
        compared = compared if np.isfinite(compared) else np.inf
        if best is None or compared < best.compared:
            best = Trial(tried, trial, loss, compared)
    assert best is not None
    return best
