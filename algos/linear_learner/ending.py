"""Where a pack may end: weaker penalties than those so far hardly become the best any more."""

from __future__ import annotations

from algos.linear_learner.penalties import Strength

_RISES = 4  # of the validation loss, from one candidate to the next weaker one, without a fall
# What they lead above the best candidate: a part of its loss, which is all that others may gain,
# and a part of what it gains on a constant. A path that has gained nothing yet may still find
# what columns of small numbers, or small differences of columns, tell.
_OF_BEST, _OF_GAIN = 0.5, 0.02
# The same, of a constant's loss, where the penalty is of columns as they are: it lets those of
# large numbers go first, and the loss rises by them before others bring it down.
_UNEVEN = 0.1


class Ending:
    """The validation losses of a pack's candidates, and whether to go on.

    Two things end the candidates of one l1_ratio. The validation loss has risen several times in
    a row, to far above the least: it falls, then rises along a path, and wiggles little. Or
    what is left to lose on the rows to train on is less than the tolerance: weaker penalties have
    the same solutions, or ones that no certificate tells from them.

    Parameters
    ----------
    strengths : list of Strength
    null : float or None
        Validation loss of the best constant model; None for losses that may be negative: these
        have no parts, and their rises end nothing.
    tol : float
        Of certificates.
    is_even : bool
        Whether the penalty is of columns of one deviation.
    """

    def __init__(
        self, strengths: list[Strength], null: float | None, tol: float, *, is_even: bool
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
        if self._null is None:
            return float("inf")
        gain = max(self._null - self._best, 0.0)
        least = 0.0 if self._is_even else _UNEVEN * self._null
        return max(_OF_BEST * self._best, _OF_GAIN * gain, least)
