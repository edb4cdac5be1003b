"""Metrics based on a Hessian, and when to recompute it."""

from __future__ import annotations

import abc

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.solvers.line_search import shortened
from algos.linear_learner.solvers.points import Penalties
from algos.linear_learner.solvers.shape import Shape

_LEFT = 1 / 500  # of the last gain, per parameter, above which another Hessian pays
_SLOW = 0.5  # of the last gain, twice in a row, above which a larger sample is needed
_LONG = 16  # steps for which blocks on the diagonal are kept
_FAR = 1.0  # change of a decision value over which the curvature of exp(z) changes e-fold
_STALE = 10.0  # the same since a sample's Hessian was computed: most rows change much less
_NEGLIGIBLE = 1e-4  # of the gain that ends a descent: no true gain has been so much larger
_MOST_EXTRA = 8  # further steps after small but uncertain gains: separable rows have no end


class HessianMetric(abc.ABC):
    """A Hessian at an earlier point, and the steps since then.

    Parameters
    ----------
    shape : Shape
    penalties : Penalties
    enough : float
        A gain small enough to end the descent.
    known : HessianMetric, default=None
        One whose Hessian is tried first, from a point that may be near.
    """

    def __init__(
        self,
        shape: Shape,
        penalties: Penalties,
        enough: float,
        known: HessianMetric | None = None,
    ) -> None:
        self.shape, self.penalties, self.enough = shape, penalties, enough
        self.matrices: list[Float64Array] | None = None if known is None else known.matrices
        self._made_at: Float64Array | None = None if known is None else known._made_at
        self._age = 1  # steps since the Hessian was made, or more
        self._slow = 0  # steps in a row that gained little less than the one before
        self._left = min(max(0.1, _LEFT * shape.parameters), _SLOW)
        self._is_bold = True
        self._gain = np.inf
        self.is_uncertain, self._n_extra = False, 0  # steps after small but uncertain gains
        if self.matrices is not None:
            self._prepare(self.matrices)

    def step(self, point: Float64Array, gradient: Float64Array) -> tuple[Float64Array, float]:
        """Return the step to the minimum of the model, and its predicted gain."""
        if self.matrices is None:
            self._make(point)
        step, gain = self._towards(point, gradient)
        if self._is_unsure(gain):
            if self._slow:
                self.shape = self.shape.grown()
            self._make(point)
            step, gain = self._towards(point, gradient)
        if gain <= self.enough and self._age > 0 and self._is_stale(point):
            self._make(point)
            step, gain = self._towards(point, gradient)
        before, self._gain = self._gain, gain
        if gain <= self.enough < before and not self.shape.is_continuous:
            gain = 2 * self.enough  # rows may change to another piece of the loss: check once more
        is_end = _NEGLIGIBLE * self.enough < gain <= self.enough
        self.is_uncertain = is_end and self._n_extra < _MOST_EXTRA and self._is_far(step)
        self._n_extra += self.is_uncertain
        return step, gain

    def learn(self, step: Float64Array, change: Float64Array, is_whole: bool) -> None:
        """Update the model with the change of the gradient by a step."""
        self._age += 1
        self._is_bold = is_whole
        self._remember(step, change)

    def shortened(self, point: Float64Array, step: Float64Array) -> float:
        """Return the best share of a step that goes too far; 0 if it is to be searched for."""
        shape, has_l1 = self.shape, self.penalties.l1.any()
        if not shape.is_piecewise or (has_l1 and not shape.is_of_margins):
            return 0.0  # with L1, cautious steps of measured targets end sooner
        return shortened(self.shape.points, self.penalties, point, step)

    def renew(self, point: Float64Array) -> bool:
        """Recompute the Hessian, cautiously; False if that has just been done."""
        if self._age == 0 and not self._is_bold:
            return False
        self._is_bold = False
        self._make(point)
        return True

    def _is_unsure(self, gain: float) -> bool:
        """Return whether to recompute the Hessian before going on, or before stopping."""
        if gain <= self.enough:
            # A cautious Hessian, or one of rows that were on a curved piece, hides gains.
            is_smooth = self.shape.is_continuous and not self.shape.is_cheap
            is_sure = self._is_bold and (self._age == 0 or is_smooth)
            self._is_bold = True
            return not is_sure
        if not self.shape.is_whole and self._age < _LONG:  # blocks converge slowly anyway
            is_stale = False
        elif self.shape.has_all_rows:
            is_stale = self.shape.is_cheap or gain > self._left * self._gain
        else:
            self._slow = self._slow + 1 if gain > _SLOW * self._gain else 0
            is_stale = self._slow > 1
        return self._age > 0 and (is_stale or not self._is_bold)

    def _is_stale(self, point: Float64Array) -> bool:
        """Tell whether the Hessian was computed too far away for a certificate."""
        if not self.shape.checks_certificate:
            return False
        far = _FAR if self.shape.has_all_rows else _STALE
        return self._made_at is None or self.shape.distance(point - self._made_at) > far

    def _is_far(self, step: Float64Array) -> bool:
        """Tell whether the curvature may change considerably over the step.

        Second derivatives of losses in exp(z) change by a factor of e at most as z changes by 1
        (compare Bach, 2010, "Self-concordant analysis for logistic regression").
        """
        return self.shape.checks_certificate and self.shape.distance(step) > _FAR

    def _make(self, point: Float64Array) -> None:
        self.matrices = self.shape.at(point, bold=self._is_bold)
        self._made_at = point
        self._age, self._slow = 0, 0
        self._prepare(self.matrices)

    @abc.abstractmethod
    def _prepare(self, matrices: list[Float64Array]) -> None:
        """Prepare for a new Hessian of the mean loss, which is not modified."""

    @abc.abstractmethod
    def _towards(self, point: Float64Array, gradient: Float64Array) -> tuple[Float64Array, float]:
        """Return the step to the minimum, and its predicted gain."""

    @abc.abstractmethod
    def _remember(self, step: Float64Array, change: Float64Array) -> None:
        """Record a step and the change of the gradient."""
