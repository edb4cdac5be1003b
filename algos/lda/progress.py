"""What a fit tells of its passes: callbacks, `verbose` and `history_`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from algos._common.callbacks import Task
from algos._common.history import History
from algos._common.verbose import say
from algos.lda.parameters import Floats


class Told:
    """Is told of each pass, and tells callbacks, `verbose` and the history.

    A fit that goes on from a checkpoint retraces what was told before, in silence and to the
    same bits.

    Parameters
    ----------
    estimator : estimator
    task : Task
        The fit's.
    attributes : callable
        Of (counts of topics, how many passes were told): what a copy needs to predict.
    n_told : int
        How many passes were told before.

    Attributes
    ----------
    history : History
    """

    def __init__(
        self,
        estimator: Any,
        task: Task,
        attributes: Callable[[Floats, int], dict[str, Any]],
        n_told: int,
    ) -> None:
        self._estimator, self._attributes, self._n_told = estimator, attributes, n_told
        self._passes = task.loop("pass", range(n_told, 1 << 62))
        self._last: float | None = None
        self._n_settled = 0
        self.history = History()

    def __call__(self, topics: Callable[[], Floats], objective: float) -> bool:
        """Tell of a pass; return whether the fit is to stop."""
        self.history.record(objective, validation=np.nan)
        number = len(self.history)
        is_enough = self._is_enough(number, objective)
        if number <= self._n_told:
            return is_enough
        if np.isnan(objective):
            say(self._estimator, f"iteration {number}")
        else:
            say(self._estimator, f"iteration {number}", perplexity=objective)
        step = next(self._passes)
        return step.finish(lambda: self._attributes(topics(), number)) or is_enough

    def _is_enough(self, number: int, objective: float) -> bool:
        """Tell whether the perplexity has changed by less than `perp_tol`.

        That of EM and CVB0 falls, steps up where one follows the other, and falls again: it has
        come to rest where it twice in a row has fallen, and by less.
        """
        every = self._estimator.evaluate_every
        if every <= 0 or number % every or np.isnan(objective):
            return False
        last, self._last = self._last, objective
        is_small = last is not None and abs(last - objective) < self._estimator.perp_tol
        if self._estimator.learning_method_ in ("batch", "online"):
            return is_small
        has_settled = is_small and last is not None and objective <= last
        self._n_settled = self._n_settled + 1 if has_settled else 0
        return self._n_settled == 2
