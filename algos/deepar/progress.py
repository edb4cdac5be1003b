"""Reports of a fit's epochs: callbacks, `verbose` and `history_`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from algos._common.callbacks import Task
from algos._common.history import History
from algos._common.verbose import say
from algos._common.warn import warn
from algos.deepar.training import Epoch, TrainState


class EpochReporter:
    """Passes each epoch on to callbacks, `verbose` and the history.

    Parameters
    ----------
    estimator : estimator
    task : Task
        The task of the fit.
    attributes : callable
        Maps the state of training and the history to the attributes that a copy needs.
    epochs : range
        The epochs to come.
    history : mapping of str to array, default=None
        The history of the epochs before.

    Attributes
    ----------
    history : History
        The figures of each epoch.
    """

    def __init__(
        self,
        estimator: Any,
        task: Task,
        attributes: Callable[[TrainState, dict[str, Any]], dict[str, Any]],
        epochs: range,
        history: Mapping[str, Any] | None = None,
    ) -> None:
        self._estimator, self._attributes = estimator, attributes
        self._epochs = task.loop("epoch", epochs)
        self.history = History(history)

    def __call__(self, state: TrainState, epoch: Epoch) -> bool:
        """Report an epoch; return whether a callback wants the fit to stop."""
        validation = epoch.held_out.get("validation", np.nan)
        text = f"epoch {state.n_epochs}"
        self.history.record(epoch.objective, validation=validation, learning_rate=epoch.rate)
        if epoch.held_out:
            say(self._estimator, text, objective=epoch.objective, validation=validation)
        else:
            say(self._estimator, text, objective=epoch.objective)
        if epoch.culprits:
            names = ", ".join(map(str, epoch.culprits))
            warn(
                f"{text}: steps were left out whose loss or gradient is not finite; lower "
                f"`learning_rate_init`, or check the values of series {names}",
                RuntimeWarning,
            )
        step = next(self._epochs)
        return step.finish(lambda: self._attributes(state.copy(), self.history.arrays()))
