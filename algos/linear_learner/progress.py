"""Reporting a fit's iterations to callbacks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.callbacks import Task

# (coef, intercept, iterations reported so far) → the attributes that a copy needs to predict
Attributes = Callable[[Float64Array, Float64Array, int], Mapping[str, Any]]


class CallbackReporter:
    """Reports each evaluation of a candidate by a solver to the callbacks.

    Solvers keep more state than a model (curvature, decompositions, bounds), so a fit that is
    resumed from a checkpoint repeats the iterations reported before, silently and to the same bits.

    Parameters
    ----------
    task : Task
        The task of the fit.
    attributes : callable
    n_reported : int, default=0
        Number of iterations that were reported before the checkpoint.

    Attributes
    ----------
    listener : callable or None
        `report`, if there are callbacks.
    is_stopped : bool
        Whether a callback wants the fit to stop.
    used : dict
        Values that the fit has used for parameters given as "auto", by name.
    """

    def __init__(self, task: Task, attributes: Attributes, n_reported: int = 0) -> None:
        self._subtasks = task.loop("iteration", itertools.count(n_reported))
        self._attributes, self._n_reported, self._n_done = attributes, n_reported, 0
        self._last: Float64Array | None = None
        self.listener = self.report if task.is_watched else None
        self.is_stopped = False
        self.used: dict[str, Any] = {}

    def report(self, coef: Float64Array, intercept: Float64Array) -> bool:
        """Report a model; return whether a callback wants the fit to stop."""
        if self.is_stopped:
            return True
        self._last = coef
        self._n_done += 1
        if self._n_done > self._n_reported:
            number = self._n_done
            step = next(self._subtasks)
            self.is_stopped = step.finish(lambda: self._attributes(coef, intercept, number))
        return self.is_stopped

    def report_last(self, coef: Float64Array, intercept: Float64Array) -> None:
        """Report the final model, unless it was the last one reported."""
        if self._last is None or not np.array_equal(self._last, coef):
            self.report(coef, intercept)
