"""Where a pack may end: weaker penalties than those so far can no longer become the best."""

from __future__ import annotations

from algos.linear_learner.penalties import Strength

_RISES = 4  # of the validation loss, from one candidate to the next weaker one, without a fall
_MARGIN = 0.02  # of what the best candidate gains on a constant, that they lead above it
_LITTLE, _OF_NULL = 0.1, 0.05  # where that is less than this part of its loss, of that loss
# The same where the penalty is of columns as they are: it lets those of large numbers go first,
# and the loss may rise by them before those of small numbers bring it down.
_UNEVEN = 0.1


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
    is_even : bool
        Whether the penalty is of columns of one deviation.
    """

    def __init__(
        self, strengths: list[Strength], null: float, tol: float, *, is_even: bool
    ) -> None:
        self._is_even = is_even
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
        if not self._is_even:
            return _UNEVEN * self._null
        return _OF_NULL * self._null if gain < _LITTLE * self._null else _MARGIN * gain
