"""Where a pack may end: weaker penalties than those so far can no longer become the best."""

from __future__ import annotations

from algos.linear_learner.penalties import Strength

_RISES = 4  # of the validation loss, from one candidate to the next weaker one, without a fall
_MARGIN = 0.02  # of what the best candidate gains on a constant, that they lead above it
# A gain below this share of what the constant loses may be that of a few columns, while a penalty
# of columns as they are still holds those of small numbers: the loss may rise, and then fall.
_LITTLE = 0.1
_OF_NULL = 0.05  # the margin then, of what the constant loses


class Ending:
    """The validation losses of a pack's candidates, and whether to go on.

    Two things end the candidates of one l1_ratio. The validation loss has risen several times in
    a row, to clearly above the least: it falls, then rises along a path, and wiggles little. Or
    what is left to lose on the rows to train on is less than the tolerance: weaker penalties have
    the same solutions, or ones that no certificate tells from them.

    Parameters
    ----------
    strengths : list of Strength
    null : float
        Validation loss of the best constant model.
    tol : float
        Of certificates.
    """

    def __init__(self, strengths: list[Strength], null: float, tol: float) -> None:
        self._strengths, self._null, self._tol = strengths, null, tol
        self._best = self._last = float("inf")
        self._rises = 0
        self._ended: set[float] = set()
        self._is_stopped = False

    def is_over(self, candidate: int) -> bool:
        """Tell whether a candidate can be spared."""
        return self._is_stopped or self._strengths[candidate].l1_ratio in self._ended

    def stop(self) -> None:
        """Spare all that are left."""
        self._is_stopped = True

    def see(self, candidate: int, loss: float, left: float) -> None:
        """Take in how a candidate does.

        Parameters
        ----------
        candidate : int
        loss : float
            On validation rows.
        left : float
            What weaker ones may still gain on the rows to train on, see `Model`.
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
        gain = max(self._null - self._best, 0.0)
        return max(_MARGIN * gain, _OF_NULL * self._null if gain < _LITTLE * self._null else 0.0)
