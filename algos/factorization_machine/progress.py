"""A fit's sweeps or epochs, as callbacks see them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from algos._common.telling import Telling
from algos.factorization_machine.machine import Machine


class Told(Telling[list[Machine]]):
    """Tells callbacks, and `verbose`, of each sweep or epoch: the `told` of solvers."""

    def __call__(
        self,
        machines: Callable[[], list[Machine]],
        objective: float,
        validation: float = np.nan,
    ) -> bool:
        """Tell of a sweep; return whether a callback wants the fit to stop."""
        return self.tell(machines, objective=objective, validation=validation)

    def tell_last(self, machines: list[Machine]) -> None:
        """Tell of the model if nothing was told: a fit without sweeps is one iteration."""
        if self.n_done == 0:
            self(lambda: machines, np.nan)
