"""Progress reports of a fit: callbacks and `verbose`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from algos._common.callbacks import Task
from algos._common.verbose import say

Model = TypeVar("Model")


class ProgressReporter(Generic[Model]):
    """Reports each pass to callbacks, and prints it if `verbose` is set.

    A fit that is resumed from a checkpoint repeats the passes that were reported before without
    reporting them again, with bit-identical results.

    Parameters
    ----------
    estimator : estimator
    task : Task
        The task of the fit.
    attributes : callable
        Takes (model, number of passes) and returns the attributes that a copy needs to predict.
    n_reported : int
        Number of passes that were reported before.
    unit : str, default="iteration"
        Name of a pass.

    Attributes
    ----------
    n_done : int
        Number of passes done, including those reported before.
    is_stopped : bool
        Whether a callback asked the fit to stop.
    """

    def __init__(
        self,
        estimator: Any,
        task: Task,
        attributes: Callable[[Model, int], dict[str, Any]],
        n_reported: int,
        *,
        unit: str = "iteration",
    ) -> None:
        self._estimator, self._attributes, self._n_reported = estimator, attributes, n_reported
        self._unit = unit
        self._subtasks = task.loop(unit, range(n_reported, 1 << 62))
        self.n_done = 0
        self.is_stopped = False

    def report(self, model: Callable[[], Model], **numbers: float) -> bool:
        """Report a pass with its metrics, those that are not NaN; return whether to stop."""
        self.n_done += 1
        number = self.n_done
        if number > self._n_reported:
            known = {name: value for name, value in numbers.items() if not np.isnan(value)}
            say(self._estimator, f"{self._unit} {number}", level=1, **known)
            step = next(self._subtasks)
            self.is_stopped = step.finish(lambda: self._attributes(model(), number))
        return self.is_stopped
