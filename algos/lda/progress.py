"""What a fit tells of its passes: callbacks, `verbose` and `history_`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from algos._common.history import History
from algos._common.telling import Telling
from algos.lda.parameters import Floats


class Told(Telling[Floats]):
    """Is told of each pass, and tells callbacks, `verbose` and the history.

    Attributes
    ----------
    history : History
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, unit="pass")
        self._last: float | None = None
        self._n_settled = 0
        self.history = History()

    def __call__(self, topics: Callable[[], Floats], objective: float) -> bool:
        """Tell of a pass; return whether the fit is to stop."""
        self.history.record(objective, validation=np.nan)
        is_stopped = self.tell(topics, perplexity=objective)
        return self._is_enough(self.n_done, objective) or is_stopped

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
