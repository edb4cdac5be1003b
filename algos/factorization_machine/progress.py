"""Progress reports of a fit, by sweep or epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from algos._common.progress import ProgressReporter
from algos.factorization_machine.machine import Machine


class SweepReporter(ProgressReporter[list[Machine]]):
    """Reports each sweep or epoch to callbacks, and prints it if `verbose` is set."""

    def __call__(
        self,
        machines: Callable[[], list[Machine]],
        objective: float,
        validation: float = np.nan,
    ) -> bool:
        """Report a sweep or epoch; return whether a callback asks the fit to stop."""
        return self.report(machines, objective=objective, validation=validation)

    def report_last(self, machines: list[Machine]) -> None:
        """Report the model if nothing was reported: a fit without sweeps is one iteration."""
        if self.n_done == 0:
            self(lambda: machines, np.nan)
