"""What a fit tells of its passes over the rows: callbacks and `verbose`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from algos._common.callbacks import Task
from algos._common.verbose import say

Model = TypeVar("Model")


class Telling(Generic[Model]):
    """Tells callbacks, and `verbose`, of each pass.

    A fit that goes on from a checkpoint retraces what was told before, in silence and to the
    same bits.

    Parameters
    ----------
    estimator : estimator
    task : Task
        The fit's.
    attributes : callable
        Of (model, how many passes were told): what a copy needs to predict.
    n_told : int
        How many passes were told before.
    unit : str, default="iteration"
        What callbacks call a pass.

    Attributes
    ----------
    n_done : int
        How many passes were done, those of before included.
    is_stopped : bool
        Whether a callback wants the fit to stop.
    """

    def __init__(
        self,
        estimator: Any,
        task: Task,
        attributes: Callable[[Model, int], dict[str, Any]],
        n_told: int,
        *,
        unit: str = "iteration",
    ) -> None:
        self._estimator, self._attributes, self._n_told = estimator, attributes, n_told
        self._subtasks = task.loop(unit, range(n_told, 1 << 62))
        self.n_done = 0
        self.is_stopped = False

    def tell(self, model: Callable[[], Model], **numbers: float) -> bool:
        """Tell of a pass, in the numbers that are known of it; return whether to stop."""
        self.n_done += 1
        number = self.n_done
        if number > self._n_told:
            known = {name: value for name, value in numbers.items() if not np.isnan(value)}
            say(self._estimator, f"iteration {number}", level=1, **known)
            step = next(self._subtasks)
            self.is_stopped = step.finish(lambda: self._attributes(model(), number))
        return self.is_stopped
