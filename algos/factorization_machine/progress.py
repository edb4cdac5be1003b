"""A fit's sweeps or epochs, as callbacks see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from algos._common.callbacks import Task
from algos._common.verbose import say
from algos.factorization_machine.machine import Machine


class Told:
    """Tells callbacks, and `verbose`, of each sweep or epoch.

    A fit that goes on from a checkpoint retraces what was told before, in silence and to the
    same bits.

    Parameters
    ----------
    estimator : estimator
    task : Task
        The fit's.
    attributes : callable
        Of (machines, how many were told): what a copy needs to predict.
    n_told : int
        How many were told before.

    Attributes
    ----------
    is_stopped : bool
        Whether a callback wants the fit to stop.
    """

    def __init__(
        self,
        estimator: Any,
        task: Task,
        attributes: Callable[[list[Machine], int], dict[str, Any]],
        n_told: int,
    ) -> None:
        self._estimator, self._attributes, self._n_told = estimator, attributes, n_told
        self._subtasks = task.loop("iteration", range(n_told, 1 << 62))
        self._n_done = 0
        self.is_stopped = False

    def __call__(
        self,
        machines: Callable[[], list[Machine]],
        objective: float,
        validation: float = np.nan,
    ) -> bool:
        """Tell of a sweep; return whether a callback wants the fit to stop."""
        self._n_done += 1
        number = self._n_done
        if number <= self._n_told:
            return False
        if np.isnan(validation):
            say(self._estimator, f"iteration {number}", objective=objective)
        else:
            say(self._estimator, f"iteration {number}", objective=objective, validation=validation)
        step = next(self._subtasks)
        self.is_stopped = step.finish(lambda: self._attributes(machines(), number))
        return self.is_stopped

    def tell_last(self, machines: list[Machine]) -> None:
        """Tell of the model if nothing was told: a fit without sweeps is one iteration."""
        if self._n_done == 0:
            self(lambda: machines, np.nan)
