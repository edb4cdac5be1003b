"""The stopping criterion of a fit: a perplexity that no longer changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from algos._common.arrays import Float32Array
from algos.lda.parameters import Report, Settings


class PerplexityStopper:
    """Passes reports on, and stops the fit when the perplexity changes by less than `perp_tol`.

    Parameters
    ----------
    report : callable
        Called after each pass; the fit also stops if it returns True.
    settings : Settings
        `evaluate_every` and `perp_tol`.
    is_monotone : bool
        Whether one small change is enough, as for variational Bayes. The perplexity of EM and
        CVB0 falls, steps up where one follows the other, and falls again: it must have fallen by
        less than `perp_tol` twice in a row.
    """

    def __init__(self, report: Report, settings: Settings, *, is_monotone: bool) -> None:
        self._report, self._is_monotone = report, is_monotone
        self._every, self._tol = settings.evaluate_every, settings.perp_tol
        self._n_passes, self._n_small = 0, 0
        self._last: float | None = None

    def __call__(self, topics: Callable[[], Float32Array], objective: float) -> bool:
        """Report a pass; return whether to stop."""
        is_stopped = self._report(topics, objective)
        self._n_passes += 1
        return self._has_settled(objective) or is_stopped

    def _has_settled(self, objective: float) -> bool:
        if self._every <= 0 or self._n_passes % self._every or np.isnan(objective):
            return False
        last, self._last = self._last, objective
        is_small = last is not None and abs(last - objective) < self._tol
        if self._is_monotone:
            return is_small
        has_fallen = last is not None and objective <= last
        self._n_small = self._n_small + 1 if is_small and has_fallen else 0
        return self._n_small == 2
