"""Stochastic learning from batches: a state of fixed size, merged by weighted averages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from algos._common.arrays import Float64Array, IndexArray
from algos._common.random import Key
from algos.linear_learner.data import Data
from algos.linear_learner.extremes import check_numbers, clipped, product
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import FitResult, table_of
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.problem import Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.scores import DecisionScorer
from algos.linear_learner.shifted_rows import in_units
from algos.linear_learner.solvers.choice import Choice
from algos.linear_learner.solvers.iterates import Iterates
from algos.linear_learner.stream_state import State, StreamSettings
from algos.linear_learner.stream_steps import first_iterates, steps_over
from algos.linear_learner.targets import Unit, in_unit, one_against_rest, unit_exponent
from algos.linear_learner.threshold import Criterion
from algos.linear_learner.threshold_rows import latest_rows
from algos.linear_learner.trained import Model
from algos.linear_learner.used_columns import UsedColumns

_CHOICE = Choice("sgd", "rows were learned in batches")


@dataclass(frozen=True)
class Stream(State):
    """Everything learned so far; arrays are replaced, never written to.

    Attributes
    ----------
    weight : float
        Sum of the weights of all rows.
    mean, square : ndarray of shape (d,)
        Means and variances of the columns.
    nonzero_share : ndarray of shape (d,)
        Share of the rows that are nonzero in a column.
    target_square : float
        Mean square of the targets, for losses of y - z.
    theta, average, first_moment, second_moment : ndarray of shape (m, n_outputs, d + 1)
        Fields of `Iterates` for all candidates, for columns of mean 0 and standard deviation 1.
    seen : ndarray of shape (d + 1,)
        Field of `Iterates`.
    n_steps, n_batches : int
    mean_step_weight : float
        Mean weight of the step that a row belongs to; a fit counts as one step of all its rows.
    cumulative_loss : ndarray of shape (m,)
        Weighted sum of the losses of all rows, each before it was learned.
    decisions : ndarray of shape (r, m, n_outputs)
        Decision values of the latest rows, before they were learned.
    targets, weights : ndarray of shape (r,) or (r, n_outputs)
        Targets and weights of the latest rows.
    """

    may_be_infinite: ClassVar[tuple[str, ...]] = ("cumulative_loss", "decisions")

    weight: float
    mean: Float64Array
    square: Float64Array
    nonzero_share: Float64Array
    target_square: float
    theta: Float64Array
    average: Float64Array
    first_moment: Float64Array
    second_moment: Float64Array
    seen: Float64Array
    n_steps: int
    n_batches: int
    mean_step_weight: float
    cumulative_loss: Float64Array
    decisions: Float64Array
    targets: Float64Array
    weights: Float64Array

    @classmethod
    def empty(cls, key: Key, d: int, grid: list[PenaltyParams], n_outputs: int) -> Stream:
        """Return the state before the first row."""
        m = len(grid)
        alphas, l1_ratios = np.array(grid).T
        zeros = np.zeros((m, n_outputs, d + 1))
        return cls(
            key=key,
            alphas=alphas,
            l1_ratios=l1_ratios,
            weight=0.0,
            mean=np.zeros(d),
            square=np.zeros(d),
            nonzero_share=np.zeros(d),
            target_square=0.0,
            theta=zeros,
            average=zeros,
            first_moment=zeros,
            second_moment=zeros,
            seen=np.zeros(d + 1),
            n_steps=0,
            n_batches=0,
            mean_step_weight=0.0,
            cumulative_loss=np.zeros(m),
            decisions=np.empty((0, m, n_outputs)),
            targets=np.empty(0),
            weights=np.empty(0),
        )

    @classmethod
    def after_fit(
        cls,
        after: dict[str, Any],
        coef: Float64Array,
        intercept: Float64Array,
        params: PenaltyParams,
    ) -> Stream:
        """Return the state from which to go on after a fit.

        Parameters
        ----------
        after : dict
            `key`, the moments of the columns, `unit`, the exponent of targets, and
            `threshold_rows`, on which the threshold was chosen, with the weight of all rows.
        coef : ndarray of shape (n_outputs, d)
        intercept : ndarray of shape (n_outputs,)
        params : PenaltyParams
        """
        begun = cls.empty(after["key"], coef.shape[1], [params], len(coef))
        names = ("weight", "mean", "square", "nonzero_share", "target_square")
        known = {name: after[name] for name in names}
        begun = replace(begun, **known, mean_step_weight=after["weight"])
        theta = np.empty(begun.theta.shape)
        theta[..., :-1] = np.ldexp(coef, -after["unit"]) * begun.scale
        theta[..., -1] = np.ldexp(intercept + coef @ after["shift"], -after["unit"])
        begun = replace(begun, theta=theta, average=theta)
        if after.get("threshold_rows") is None:
            return begun
        decisions, targets, shares = after["threshold_rows"]
        return replace(
            begun,
            decisions=np.ldexp(decisions, -after["unit"])[:, np.newaxis, np.newaxis],
            targets=targets,
            weights=shares * after["weight"],
        )

    @property
    def scale(self) -> Float64Array:
        """Standard deviations; 1 for columns that have been constant."""
        deviation = np.sqrt(self.square)
        return np.where(deviation > 1e-12 * np.abs(self.mean), deviation, 1.0)

    def received(self, data: Data, settings: StreamSettings) -> Stream:
        """Return the state after one more batch."""
        used = self._used_columns(data, settings)
        before = self._on_columns(used.gathered, used.are_all)
        shares = data.shares
        rows = make_rows(
            used.of(data.X), shares, center=settings.fit_intercept, n_threads=settings.n_threads
        )
        after = _with_moments(before, rows, data, settings.loss)
        exponent = unit_exponent(after.target_square, settings.loss)
        target, loss = in_unit(data.target, settings.loss, Unit(exponent))
        if loss.is_of_classes and not loss.is_joint and settings.n_outputs > 1:
            target = one_against_rest(target, settings.n_outputs)
        shift = after.mean if settings.fit_intercept else np.zeros_like(after.mean)
        problem = Problem(
            in_units(rows, shift, after.scale),
            target,
            shares,
            loss,
            settings.fit_intercept,
            settings.n_outputs,
        )
        learned = _learn(
            _carried_over(before, after, settings, problem), problem, data, after, settings
        )
        after = replace(after, n_batches=self.n_batches + 1, **learned)
        return after._on_columns(used.spread, used.are_all)

    def _used_columns(self, data: Data, settings: StreamSettings) -> UsedColumns:
        """Return the columns that any row has filled; the state is zero in all others."""
        known = self.nonzero_share > 0
        for values in (self.theta, self.average):  # initial coefficients may be nonzero
            known |= values[..., :-1].any(axis=(0, 1))
        return UsedColumns(data.X, looks=settings.schedule.init == "zeros", known=known)

    def _on_columns(self, moved: Callable[[Float64Array], Float64Array], are_all: bool) -> Stream:
        """Return the state with `moved` applied to the axis of columns of its arrays."""
        if are_all:
            return self
        of_columns: dict[str, Any]
        of_columns = {
            name: moved(getattr(self, name)) for name in ("mean", "square", "nonzero_share")
        }
        for name in ("theta", "average", "first_moment", "second_moment", "seen"):
            values = getattr(self, name)
            of_columns[name] = np.concatenate([moved(values[..., :-1]), values[..., -1:]], axis=-1)
        return replace(self, **of_columns)

    def loss_of_batch(self, before: Stream, data: Data, settings: StreamSettings) -> float:
        """Return the mean loss of the latest batch, for the best candidate so far.

        The loss of each row is that before its step.
        """
        best = int(np.argmin(self.cumulative_loss))
        if self.cumulative_loss[best] == np.inf:
            return float("inf")
        return float(self.cumulative_loss[best] - before.cumulative_loss[best]) / float(
            data.weight.sum()
        )

    def with_classes(self, places: IndexArray, n_classes: int, is_joint: bool) -> Stream:
        """Return the state for more classes, without the decision values.

        Parameters
        ----------
        places : ndarray of shape (n_old_classes,)
            Indices of the old classes among the new ones.
        n_classes : int
        is_joint : bool
            Whether the outputs share one loss: the softmax of (-z/2, z/2) is that of (0, z).
        """
        k = n_classes if n_classes > 2 else 1
        m, _, width = self.theta.shape
        nothing: dict[str, Any] = {
            "decisions": np.empty((0, m, k)),
            "targets": np.empty(0),
            "weights": np.empty(0),
        }
        if k == 1:
            return replace(self, **nothing)
        grown: dict[str, Any] = {}
        for name in ("theta", "average", "first_moment", "second_moment"):
            old = getattr(self, name)
            if len(places) == 2:
                sign = np.array([[-1.0], [1.0]]) / (2 if is_joint else 1)
                old = old * (np.abs(sign) if name == "second_moment" else sign)
            new = np.zeros((m, k, width))
            if len(places) > 1:
                new[:, places] = old
            grown[name] = new
        return replace(self, **grown, **nothing)

    def joined(self, other: Stream, settings: StreamSettings) -> Stream:
        """Return the average of both states, weighted by rows; moments are merged exactly."""
        if self.weight == 0 or other.weight == 0:
            return other if self.weight == 0 else self
        if len(self.alphas) != len(other.alphas):
            raise ValueError(
                f"`other` must have as many candidates as this estimator, {len(self.alphas)}; it "
                f"has {len(other.alphas)}: fit keeps one, partial_fit keeps all"
            )
        total = self.weight + other.weight
        share = other.weight / total
        step = other.mean - self.mean
        spread = (1 - share) * self.square + share * other.square
        both = replace(
            self,
            weight=total,
            mean=self.mean + share * step,
            square=_checked(spread + (np.sqrt(share * (1 - share)) * step) ** 2),
            nonzero_share=(1 - share) * self.nonzero_share + share * other.nonzero_share,
            target_square=(1 - share) * self.target_square + share * other.target_square,
            seen=(1 - share) * self.seen + share * other.seen,
            n_steps=self.n_steps + other.n_steps,
            n_batches=self.n_batches + other.n_batches,
            mean_step_weight=(1 - share) * self.mean_step_weight + share * other.mean_step_weight,
            cumulative_loss=self.cumulative_loss + other.cumulative_loss,
        )
        mine, its = (_in_units_of(both, one, settings) for one in (self, other))
        averaged = {
            name: (1 - share) * getattr(mine, name) + share * getattr(its, name)
            for name in ("theta", "average", "first_moment", "second_moment")
        }
        seen = [(one.decisions, one.targets, one.weights) for one in (self, other)]
        return replace(both, **averaged, **latest_rows(seen))

    def check_criterion(self, criterion: str) -> None:
        """Accept any criterion, which is computed on rows before they are learned."""

    def result(self, settings: StreamSettings, criterion: Criterion, top_k: int) -> FitResult:
        """Return the candidate that did best on rows before it learned them."""
        exponent = unit_exponent(self.target_square, settings.loss)
        coef = clipped(np.ldexp(self.average[..., :-1] / self.scale, exponent))
        shift = self.mean if settings.fit_intercept else np.zeros_like(self.mean)
        intercept = np.ldexp(self.average[..., -1], exponent) - product(coef, shift)
        intercept = clipped(intercept)
        losses = self.cumulative_loss / self.weight
        models = [
            Model(
                one,
                coef[i],
                intercept[i],
                objective=float(losses[i]),
                certificate=float("nan"),
                criterion="loss of rows before they were learned",
                n_iter=self.n_batches,
                converged=True,
                objectives=[float(losses[i])],
            )
            for i, one in enumerate(self.grid)
        ]
        best = int(np.argmin(losses))
        if not settings.keeps_decisions or len(self.targets) == 0:
            return FitResult(models[best], _CHOICE, table_of(models, None, None), best)
        scorer = DecisionScorer(
            self.targets, self.weights, self.weights, settings.loss, criterion,
            settings.n_outputs, top_k,
        )  # fmt: skip
        decisions = [np.ldexp(self.decisions[:, i], exponent) for i in range(len(models))]
        scores = scorer.score(decisions)
        return FitResult.of(models, _CHOICE, scores)


def _checked(square: Float64Array) -> Float64Array:
    if not np.all(np.isfinite(square)):
        raise ValueError(
            f"the variance of X must be at most {np.finfo(np.float64).max:.1e}; rescale X first"
        )
    return square


def _with_moments(stream: Stream, rows: Any, data: Data, loss: Loss) -> Stream:
    """Return the state with updated moments of the columns and the targets."""
    weight = float(data.weight.sum())
    share = weight / (stream.weight + weight)
    step = rows.mean - stream.mean
    targets = 0.0
    if not loss.is_of_classes and not loss.has_log_link:
        with np.errstate(over="ignore"):
            squares = (data.target.reshape(len(data), -1) ** 2).mean(axis=1)
        targets = min(float(data.shares @ squares), np.finfo(np.float64).max / 4)
    with np.errstate(over="ignore"):
        spread = (1 - share) * stream.square + share * rows.variance
        between = (np.sqrt(share * (1 - share)) * step) ** 2
        square = _checked(spread + between if share < 1 else spread)
    return replace(
        stream,
        weight=stream.weight + weight,
        mean=stream.mean + share * step,
        square=square,
        nonzero_share=(1 - share) * stream.nonzero_share + share * rows.filled(data.shares),
        target_square=(1 - share) * stream.target_square + share * targets,
    )


def _carried_over(
    before: Stream, after: Stream, settings: StreamSettings, problem: Problem
) -> Iterates:
    """Return the iterates of the same models for columns in the units of `after`."""
    if before.weight == 0:
        return first_iterates(problem, len(before.theta), settings.schedule, before.key)
    return _in_units_of(after, before, settings)


def _in_units_of(new: Stream, old: Stream, settings: StreamSettings) -> Iterates:
    """Return the iterates of `old` for columns and targets in the units of `new`."""
    change = unit_exponent(old.target_square, settings.loss) - unit_exponent(
        new.target_square, settings.loss
    )
    step = new.mean - old.mean if settings.fit_intercept else np.zeros_like(new.mean)
    old_scale, new_scale = old.scale, new.scale

    def moved(theta: Float64Array) -> Float64Array:
        theta = np.ldexp(theta, change)
        coef = theta[..., :-1] / old_scale
        theta[..., -1] += np.einsum("...d,d", coef, step)
        check_numbers({"theta": theta[..., -1]})  # einsum does not report overflow to numpy
        theta[..., :-1] = coef * new_scale
        return theta

    ratio = np.append(old_scale / new_scale, 1.0)
    return Iterates(
        moved(old.theta),
        moved(old.average),
        old.first_moment * ratio,
        old.second_moment * ratio**2,
        old.seen.copy(),
        old.n_steps,
        old.weight,
        old.mean_step_weight,
    )


def _learn(
    iterates: Iterates, problem: Problem, data: Data, stream: Stream, settings: StreamSettings
) -> dict[str, Any]:
    """Return the fields of the state that steps over one batch change."""
    cumulative_loss = stream.cumulative_loss.copy()
    seen = [(stream.decisions, stream.targets, stream.weights)]
    unit_of_loss = unit_exponent(stream.target_square, settings.loss) * (
        2 if settings.loss.is_smooth else 1
    )
    counted = stream.key, stream.n_batches, stream.nonzero_share
    for losses, rows in steps_over(iterates, problem, data, settings, *counted):
        lost = np.ldexp(losses, unit_of_loss)
        cumulative_loss += np.where(
            np.isnan(lost), np.inf, lost
        )  # a loss beyond the range is the largest
        if rows is not None:
            seen.append(rows)
    return {
        "theta": iterates.theta,
        "average": iterates.average,
        "first_moment": iterates.first_moment,
        "second_moment": iterates.second_moment,
        "seen": iterates.seen,
        "n_steps": iterates.n_steps,
        "mean_step_weight": iterates.mean_step_weight,
        "cumulative_loss": cumulative_loss,
        **latest_rows(seen),
    }
