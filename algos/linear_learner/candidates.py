"""The candidates of a fit: how strong their penalties are, in the user's units and the solvers'."""

from __future__ import annotations

import numpy as np

from algos.linear_learner import squared_state
from algos.linear_learner.penalties import (
    Strength,
    audible,
    candidate_grid,
    is_loud,
    mean_curvature,
    null_slope,
    penalty_of,
    slope_size,
)
from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.gram import largest_mean_slope
from algos.linear_learner.solvers.null_model import constant_model
from algos.linear_learner.squared_fit import KeptProducts
from algos.linear_learner.targets import Unit


class Candidates:
    """What the parameters ask for, for the rows of one fit.

    Parameters
    ----------
    settings : Settings
    problems : list of Problem
        Of the same rows.
    products : KeptProducts
    unit : Unit
        Of the targets.
    is_wide : bool
        Whether X has fewer rows than columns.
    """

    def __init__(
        self,
        settings: Settings,
        problems: list[Problem],
        products: KeptProducts,
        unit: Unit,
        *,
        is_wide: bool,
    ) -> None:
        self._settings, self._problems, self._products = settings, problems, products
        self._unit, self._is_wide = unit, is_wide
        self._made: dict[Strength, Penalty] = {}
        self._slope: float | None = None
        self._slope_bound: float | None = None

    def strengths(self) -> list[Strength]:
        """Return the candidates, in the order in which they are trained."""
        settings = self._settings
        slope = curvature = 0.0
        if isinstance(settings.alpha, str):
            slope, curvature = self._null_slope_and_curvature()
        return candidate_grid(
            settings.alpha, settings.l1_ratio, settings.n_alphas, slope, curvature, self._is_wide
        )

    def penalties(self, strengths: list[Strength]) -> list[Penalty]:
        """Return their penalties in the units of solvers."""
        made = self._made
        for one in strengths:
            if one not in made:
                made[one] = self._penalty(one)
        return [made[one] for one in strengths]

    def _penalty(self, strength: Strength) -> Penalty:
        rows = self._problems[0].rows
        penalty = penalty_of(strength, rows, self._settings.standardize, self._unit)
        return self._audible(penalty) if penalty.has_l1 else penalty

    def _audible(self, penalty: Penalty) -> Penalty:
        if not self._settings.loss.is_smooth:  # their certificates mind no slopes
            return penalty
        sums = self._products.known
        if self._slope is None and sums is not None:
            self._slope_bound = self._slope_bound or largest_mean_slope(sums)
            if is_loud(penalty, self._slope_bound):
                return penalty  # without a look at each row's slope
        if self._slope is None:
            self._slope = slope_size(self._problems)
        return audible(penalty, self._slope, keep=self._settings.solver == "coordinate_descent")

    def _null_slope_and_curvature(self) -> tuple[float, float]:
        """Return what the grid of alphas hangs on, in the user's units."""
        settings, state = self._settings, self._products.state
        if state is not None:
            return squared_state.largest_slope(
                state, fit_intercept=settings.fit_intercept, standardize=settings.standardize
            ), 1.0
        gradients, curvature = [], 0.0
        for problem in self._problems:
            coef, intercept = constant_model(problem)
            found = problem.evaluate(coef, intercept)
            gradients.append(found.gradient[0])
            curvature = max(curvature, mean_curvature(problem, intercept[0], found.values[0]))
        slope = null_slope(self._problems, gradients, settings.standardize)
        return (
            float(np.ldexp(slope, self._unit.of_l1)),
            float(np.ldexp(curvature, self._unit.of_l2)),
        )
