"""Reports of a fit's passes: callbacks, `verbose` and `history_`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from algos._common.arrays import Float32Array
from algos._common.history import History
from algos._common.progress import ProgressReporter


class PassReporter(ProgressReporter[Float32Array]):
    """Passes each pass on to callbacks, `verbose` and the history.

    Attributes
    ----------
    history : History
        The objective of each pass.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, unit="pass")
        self.history = History()

    def __call__(self, topics: Callable[[], Float32Array], objective: float) -> bool:
        """Report a pass; return whether a callback wants the fit to stop."""
        self.history.record(objective, validation=np.nan)
        return self.report(topics, perplexity=objective)
