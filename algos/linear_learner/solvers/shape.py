"""The Hessian of the mean loss over a sample of the rows."""

from __future__ import annotations

from copy import copy

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.memory import require_memory
from algos.linear_learner.problem import Problem
from algos.linear_learner.solvers.curvature import PIECEWISE, blocks, hessian
from algos.linear_learner.solvers.points import Points
from algos.linear_learner.solvers.quadratic import Factor
from algos.linear_learner.solvers.sample import sampled, size_for

WHOLE = 1536  # parameters, above which outputs have Hessians of their own
_CHEAP = 1 << 22  # multiplications in a Hessian that costs no more than a pass


class Shape:
    """The shape of a problem's loss: Hessians over a sample of its rows.

    Parameters
    ----------
    problem : Problem
    points : Points
    is_rough : bool, default=False
        Whether an approximate optimum is enough.
    is_of_pack : bool, default=False
        Whether several candidates use it, so that the fastest method is used.
    """

    def __init__(
        self,
        problem: Problem,
        points: Points,
        *,
        is_rough: bool = False,
        is_of_pack: bool = False,
    ) -> None:
        self.points, self._all, self.is_rough = points, problem, is_rough
        self._is_of_pack = is_of_pack
        self.is_whole = points.size <= WHOLE
        self.parameters = points.size if self.is_whole else points.width  # of one matrix
        n_matrices = 1 if self.is_whole else points.k
        with_l1 = "solver='coordinate_descent' with an L1 penalty"
        if problem.loss.is_joint:
            with_l1 = "fit one class against the rest (sklearn.multiclass.OneVsRestClassifier)"
        require_memory(
            3 * 8 * n_matrices * self.parameters**2,
            f"the Hessian of {n_matrices} x {self.parameters} parameters and its factor",
            f"write solver='lbfgs' and l1_ratio=0, or {with_l1}",
        )
        count = size_for(problem.rows.n, self.parameters)
        self.problem = problem if count == problem.rows.n else sampled(problem, count)
        self._grown: Shape | None = None
        self._factored: tuple[list[Float64Array], list[Factor]] = ([], [])

    @property
    def has_all_rows(self) -> bool:
        return self.problem is self._all

    @property
    def is_cheap(self) -> bool:
        """Whether it is cheap enough to compute after every step."""
        return self.has_all_rows and self.problem.rows.n * self.parameters**2 <= _CHEAP

    @property
    def is_continuous(self) -> bool:
        """Whether second derivatives have no jumps, or none that matter."""
        return self.is_rough or not self.is_piecewise

    @property
    def is_piecewise(self) -> bool:
        """Whether the loss is piecewise quadratic."""
        return self.problem.loss.name in PIECEWISE

    @property
    def is_of_margins(self) -> bool:
        """Whether rows beyond their margins have no loss."""
        return self.problem.loss.name == "squared_hinge"

    @property
    def checks_certificate(self) -> bool:
        """Whether a certificate is worth another Hessian; a pack only compares candidates."""
        is_smooth = self.is_continuous and not self.is_rough
        return is_smooth and self.is_whole and (self.is_cheap or not self._is_of_pack)

    @property
    def eps(self) -> float:
        return float(np.finfo(self.problem.rows.dtype).eps)

    @property
    def noise(self) -> float:
        """The approximate relative excess loss of the sample's optimum on all rows."""
        return self.points.size / (2 * self.problem.rows.n)

    def at(self, point: Float64Array, *, bold: bool) -> list[Float64Array]:
        """Return the Hessian: one matrix, or one for each output if that is too large."""
        if self.is_whole:
            at_once = self._is_of_pack
            return [hessian(self.problem, self.points, point, bold=bold, at_once=at_once)]
        return blocks(self.problem, self.points, point, bold=bold)

    def distance(self, way: Float64Array) -> float:
        """Return the largest change of a decision value along `way`, of classes by differences."""
        moved = self.problem.rows.decision(*self.points.model(way))
        is_joint = self.problem.loss.is_joint
        each = np.ptp(moved, axis=1) if is_joint else np.abs(moved)
        return float(each.max())

    def factors(self, matrices: list[Float64Array]) -> list[Factor]:
        """Return the factors of a Hessian, computed once for successive candidates."""
        if self._factored[0] is not matrices:
            self._factored = (matrices, [Factor(matrix, self.eps) for matrix in matrices])
        return self._factored[1]

    def grown(self) -> Shape:
        """Return the shape over four times the rows, if there are as many; created once.

        It is a separate object, so that other candidates of the pack do not pay for it.
        """
        if self.has_all_rows:
            return self
        if self._grown is None:
            count, n = 4 * self.problem.rows.n, self._all.rows.n
            self._grown = larger = copy(self)
            larger.problem = sampled(self._all, count) if 2 * count < n else self._all
            larger._factored, larger._grown = ([], []), None
        return self._grown
