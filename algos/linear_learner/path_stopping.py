"""Early stopping of a regularisation path, when weaker penalties cannot become the best."""

from __future__ import annotations

from algos.linear_learner.penalties import PenaltyParams

_RISES = 4  # successive rises of the validation loss, from one candidate to the next weaker one
# By how much the loss must then exceed the best one: a share of the best loss, which is all that
# others could gain, and a share of its gain over a constant. A path that has gained nothing yet may
# still benefit from columns of small numbers, or from small differences between columns.
_OF_BEST, _OF_GAIN = 0.5, 0.02
# The same as a share of a constant's loss, for penalties on unscaled columns: columns of large
# numbers become active first and may raise the loss before the others reduce it.
_UNEVEN = 0.1


class PathStopping:
    """Decides from the validation losses of a pack's candidates whether to continue.

    A path of one l1_ratio ends for either of two reasons. The validation loss has risen several
    times in a row, to far above its minimum: along a path it falls, then rises, with little
    fluctuation. Or less than the tolerance is left to gain on the training rows: weaker penalties
    then have the same solutions, up to the tolerance.

    Parameters
    ----------
    grid : list of PenaltyParams
    null : float or None
        Validation loss of the best constant model; None for losses that may be negative, whose
        rises do not end a path.
    tol : float
        Tolerance of certificates.
    is_even : bool
        Whether the penalty acts on standardised columns.
    """

    def __init__(
        self, grid: list[PenaltyParams], null: float | None, tol: float, *, is_even: bool
    ) -> None:
        self._is_even = is_even
        self._strengths, self._null, self._tol = grid, null, tol
        self._best = self._last = float("inf")
        self._rises = 0
        self._ended: set[float] = set()
        self._is_stopped = False

    def is_over(self, candidate: int) -> bool:
        """Tell whether a candidate can be skipped."""
        return self._is_stopped or self._strengths[candidate].l1_ratio in self._ended

    def stop(self) -> None:
        """Skip all remaining candidates."""
        self._is_stopped = True

    def see(self, candidate: int, loss: float, left: float) -> None:
        """Record the results of a candidate.

        Parameters
        ----------
        candidate : int
        loss : float
            On validation rows.
        left : float
            What weaker penalties may still gain on the training rows, see `Model`.
        """
        ratio = self._strengths[candidate].l1_ratio
        if candidate == 0 or self._strengths[candidate - 1].l1_ratio != ratio:
            self._rises = 0
        else:
            self._rises = self._rises + 1 if loss > self._last else 0
        self._last, self._best = loss, min(self._best, loss)
        is_past = self._rises >= _RISES and loss > self._best + self._margin()
        if left <= self._tol or is_past:
            self._ended.add(ratio)

    def _margin(self) -> float:
        if self._null is None:
            return float("inf")
        gain = max(self._null - self._best, 0.0)
        least = 0.0 if self._is_even else _UNEVEN * self._null
        return max(_OF_BEST * self._best, _OF_GAIN * gain, least)
