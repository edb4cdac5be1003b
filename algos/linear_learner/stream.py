"""Stochastic learning from batches: a state of fixed size, joined by weighted averages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key
from algos.linear_learner.data import Data
from algos.linear_learner.extremes import check_numbers, clipped, product
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import Outcome, table_of
from algos.linear_learner.penalties import Strength
from algos.linear_learner.problem import Doubles, Problem
from algos.linear_learner.recent import latest
from algos.linear_learner.rows import make_rows
from algos.linear_learner.scores import DecisionScorer
from algos.linear_learner.shifted_rows import in_units
from algos.linear_learner.solvers.choice import Choice
from algos.linear_learner.solvers.iterates import Iterates
from algos.linear_learner.stream_state import State, StreamSettings
from algos.linear_learner.stream_steps import first_iterates, steps_over
from algos.linear_learner.targets import Unit, in_unit, one_against_rest, unit_exponent
from algos.linear_learner.threshold import Target
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
        Of the columns: the mean, and the mean squared deviation from it.
    filled : ndarray of shape (d,)
        Share of the rows that are not 0 in the column.
    target_square : float
        Mean square of the targets, of losses of y - z.
    theta, average, first, second : ndarray of shape (m, n_outputs, d + 1)
        `Iterates` of all candidates, for columns of mean 0 and deviation 1.
    seen : ndarray of shape (d + 1,)
        Of `Iterates`, too.
    n_steps, n_batches : int
    typical : float
        What a row's step weighs on average: that of a fit is worth all of its rows.
    tally : ndarray of shape (m,)
        Weighted sum of the losses of rows, each before it was learned.
    decisions : ndarray of shape (r, m, n_outputs)
        Decision values of the latest rows, from before they were learned.
    targets, weights : ndarray of shape (r,) or (r, n_outputs)
        Of those rows.
    """

    may_be_infinite: ClassVar[tuple[str, ...]] = ("tally", "decisions")

    weight: float
    mean: Doubles
    square: Doubles
    filled: Doubles
    target_square: float
    theta: Doubles
    average: Doubles
    first: Doubles
    second: Doubles
    seen: Doubles
    n_steps: int
    n_batches: int
    typical: float
    tally: Doubles
    decisions: Doubles
    targets: Doubles
    weights: Doubles

    @classmethod
    def empty(cls, key: Key, d: int, strengths: list[Strength], n_outputs: int) -> Stream:
        """Return the state before the first row."""
        m = len(strengths)
        alphas, l1_ratios = np.array(strengths).T
        zeros = np.zeros((m, n_outputs, d + 1))
        nothing = np.empty((0, m, n_outputs)), np.empty(0), np.empty(0)
        return cls(
            key, alphas, l1_ratios, 0.0, np.zeros(d), np.zeros(d), np.zeros(d), 0.0, zeros, zeros,
            zeros, zeros, np.zeros(d + 1), 0, 0, 0.0, np.zeros(m), *nothing,
        )  # fmt: skip

    @classmethod
    def after_fit(
        cls, after: dict[str, Any], coef: Doubles, intercept: Doubles, strength: Strength
    ) -> Stream:
        """Return the state from which to go on after a fit.

        Parameters
        ----------
        after : dict
            `key`, the moments of the columns, `unit`, the exponent of targets, and `judged`, the
            rows by which the threshold was found: together they weigh as much as all rows.
        coef : ndarray of shape (n_outputs, d)
        intercept : ndarray of shape (n_outputs,)
        strength : Strength
        """
        begun = cls.empty(after["key"], coef.shape[1], [strength], len(coef))
        names = ("weight", "mean", "square", "filled", "target_square")
        known = {name: after[name] for name in names}
        begun = replace(begun, **known, typical=after["weight"])
        theta = np.empty(begun.theta.shape)
        theta[..., :-1] = np.ldexp(coef, -after["unit"]) * begun.scale
        theta[..., -1] = np.ldexp(intercept + coef @ after["shift"], -after["unit"])
        begun = replace(begun, theta=theta, average=theta)
        if after.get("judged") is None:
            return begun
        decisions, targets, shares = after["judged"]
        return replace(
            begun,
            decisions=np.ldexp(decisions, -after["unit"])[:, np.newaxis, np.newaxis],
            targets=targets,
            weights=shares * after["weight"],
        )

    @property
    def scale(self) -> Doubles:
        """Deviations; 1 for columns that have been constant."""
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
        """Return the columns that any row has filled; the others are zero in all of the state."""
        known = self.filled > 0
        for values in (self.theta, self.average):  # a fit may have begun anywhere
            known |= values[..., :-1].any(axis=(0, 1))
        return UsedColumns(data.X, looks=settings.schedule.init == "zeros", known=known)

    def _on_columns(self, moved: Callable[[Doubles], Doubles], are_all: bool) -> Stream:
        """Return the state with what belongs to columns `moved`."""
        if are_all:
            return self
        of_columns: dict[str, Any]
        of_columns = {name: moved(getattr(self, name)) for name in ("mean", "square", "filled")}
        for name in ("theta", "average", "first", "second", "seen"):
            values = getattr(self, name)
            of_columns[name] = np.concatenate([moved(values[..., :-1]), values[..., -1:]], axis=-1)
        return replace(self, **of_columns)

    def loss_of_batch(self, before: Stream, data: Data, settings: StreamSettings) -> float:
        """Return the mean loss of the latest batch, each step's rows before that step.

        Of the candidate that has done best so far.
        """
        best = int(np.argmin(self.tally))
        if self.tally[best] == np.inf:
            return float("inf")
        return float(self.tally[best] - before.tally[best]) / float(data.weight.sum())

    def with_classes(self, places: NDArray[np.intp], n_classes: int, is_joint: bool) -> Stream:
        """Return the state for more classes; it forgets decision values.

        Parameters
        ----------
        places : ndarray of shape (n_old_classes,)
            Where the old classes stand among the new.
        n_classes : int
        is_joint : bool
            Whether the outputs share one loss: softmax of (-z/2, z/2) is that of (0, z).
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
        for name in ("theta", "average", "first", "second"):
            old = getattr(self, name)
            if len(places) == 2:
                sign = np.array([[-1.0], [1.0]]) / (2 if is_joint else 1)
                old = old * (np.abs(sign) if name == "second" else sign)
            new = np.zeros((m, k, width))
            if len(places) > 1:
                new[:, places] = old
            grown[name] = new
        return replace(self, **grown, **nothing)

    def joined(self, other: Stream, settings: StreamSettings) -> Stream:
        """Return the average of both by the weights of their rows; moments join exactly."""
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
            filled=(1 - share) * self.filled + share * other.filled,
            target_square=(1 - share) * self.target_square + share * other.target_square,
            seen=(1 - share) * self.seen + share * other.seen,
            n_steps=self.n_steps + other.n_steps,
            n_batches=self.n_batches + other.n_batches,
            typical=(1 - share) * self.typical + share * other.typical,
            tally=self.tally + other.tally,
        )
        mine, its = (_in_units_of(both, one, settings) for one in (self, other))
        averaged = {
            name: (1 - share) * getattr(mine, name) + share * getattr(its, name)
            for name in ("theta", "average", "first", "second")
        }
        seen = [(one.decisions, one.targets, one.weights) for one in (self, other)]
        return replace(both, **averaged, **latest(seen))

    def check_criterion(self, criterion: str) -> None:
        """Take any: rows judge as they come."""

    def outcome(self, settings: StreamSettings, target: Target, top_k: int) -> Outcome:
        """Return the model: of the candidates the one that did best on rows it had not learned."""
        exponent = unit_exponent(self.target_square, settings.loss)
        coef = clipped(np.ldexp(self.average[..., :-1] / self.scale, exponent))
        shift = self.mean if settings.fit_intercept else np.zeros_like(self.mean)
        intercept = np.ldexp(self.average[..., -1], exponent) - product(coef, shift)
        intercept = clipped(intercept)
        losses = self.tally / self.weight
        models = [
            Model(one, coef[i], intercept[i], float(losses[i]), float("nan"),
                  "loss of rows before they were learned", self.n_batches, True,
                  [float(losses[i])])
            for i, one in enumerate(self.strengths)
        ]  # fmt: skip
        best = int(np.argmin(losses))
        if not settings.keeps_decisions or len(self.targets) == 0:
            return Outcome(models[best], _CHOICE, table_of(models, None, None), best)
        scorer = DecisionScorer(
            self.targets, self.weights, self.weights, settings.loss, target,
            settings.n_outputs, top_k,
        )  # fmt: skip
        decisions = [np.ldexp(self.decisions[:, i], exponent) for i in range(len(models))]
        scores = scorer.score(decisions)
        return Outcome.of(models, _CHOICE, scores)


def _checked(square: Doubles) -> Doubles:
    if not np.all(np.isfinite(square)):
        raise ValueError(
            f"the variance of X must be at most {np.finfo(np.float64).max:.1e}; rescale X first"
        )
    return square


def _with_moments(stream: Stream, rows: Any, data: Data, loss: Loss) -> Stream:
    """Return the state with the columns' moments, and the targets', brought up to date."""
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
        filled=(1 - share) * stream.filled + share * rows.filled(data.shares),
        target_square=(1 - share) * stream.target_square + share * targets,
    )


def _carried_over(
    before: Stream, after: Stream, settings: StreamSettings, problem: Problem
) -> Iterates:
    """Return the iterates for columns in the units of `after`: the same models."""
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

    def moved(theta: Doubles) -> Doubles:
        theta = np.ldexp(theta, change)
        slopes = theta[..., :-1] / old_scale
        theta[..., -1] += np.einsum("...d,d", slopes, step)
        check_numbers({"theta": theta[..., -1]})  # einsum tells numpy of no overflow
        theta[..., :-1] = slopes * new_scale
        return theta

    ratio = np.append(old_scale / new_scale, 1.0)
    return Iterates(
        moved(old.theta),
        moved(old.average),
        old.first * ratio,
        old.second * ratio**2,
        old.seen.copy(),
        old.n_steps,
        old.weight,
        old.typical,
    )


def _learn(
    iterates: Iterates, problem: Problem, data: Data, stream: Stream, settings: StreamSettings
) -> dict[str, Any]:
    """Return the parts of the state that steps over one batch change."""
    tally = stream.tally.copy()
    seen = [(stream.decisions, stream.targets, stream.weights)]
    unit_of_loss = unit_exponent(stream.target_square, settings.loss) * (
        2 if settings.loss.is_smooth else 1
    )
    counted = stream.key, stream.n_batches, stream.filled
    for losses, recent in steps_over(iterates, problem, data, settings, *counted):
        lost = np.ldexp(losses, unit_of_loss)
        tally += np.where(np.isnan(lost), np.inf, lost)  # a loss beyond the range is the largest
        if recent is not None:
            seen.append(recent)
    return {
        "theta": iterates.theta,
        "average": iterates.average,
        "first": iterates.first,
        "second": iterates.second,
        "seen": iterates.seen,
        "n_steps": iterates.n_steps,
        "typical": iterates.typical,
        "tally": tally,
        **latest(seen),
    }
