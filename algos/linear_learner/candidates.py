"""The candidates of a fit: their penalties in the user's units and in those of the solvers."""

from __future__ import annotations

import numpy as np

from algos.linear_learner import squared_state
from algos.linear_learner.penalties import (
    PenaltyParams,
    candidate_grid,
    is_l1_above_rounding,
    largest_null_gradient,
    mean_absolute_derivative,
    mean_curvature,
    penalty_of,
    without_negligible_l1,
)
from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.gram import mean_derivative_bound
from algos.linear_learner.solvers.null_model import constant_model
from algos.linear_learner.squared_fit import KeptProducts
from algos.linear_learner.targets import Unit


class Candidates:
    """The penalties that the parameters ask for, for the rows of one fit.

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
        self._made: dict[PenaltyParams, Penalty] = {}
        self._mean_derivative: float | None = None
        self._derivative_bound: float | None = None

    def grid(self) -> list[PenaltyParams]:
        """Return the candidates, in the order in which they are trained."""
        settings = self._settings
        gradient = curvature = 0.0
        if isinstance(settings.alpha, str):
            gradient, curvature = self._null_gradient_and_curvature()
        return candidate_grid(
            settings.alpha,
            settings.l1_ratio,
            settings.n_alphas,
            gradient=gradient,
            curvature=curvature,
            is_wide=self._is_wide,
        )

    def penalties(self, grid: list[PenaltyParams]) -> list[Penalty]:
        """Return the penalties of some candidates in the units of solvers."""
        made = self._made
        for one in grid:
            if one not in made:
                made[one] = self._penalty(one)
        return [made[one] for one in grid]

    def _penalty(self, params: PenaltyParams) -> Penalty:
        rows = self._problems[0].rows
        penalty = penalty_of(params, rows, self._settings.standardize, self._unit)
        return self._without_negligible_l1(penalty) if penalty.has_l1 else penalty

    def _without_negligible_l1(self, penalty: Penalty) -> Penalty:
        if not self._settings.loss.is_smooth:  # their certificates do not use derivatives
            return penalty
        sums = self._products.known
        if self._mean_derivative is None and sums is not None:
            self._derivative_bound = self._derivative_bound or mean_derivative_bound(sums)
            if is_l1_above_rounding(penalty, self._derivative_bound):
                return penalty  # without computing the derivative of each row
        if self._mean_derivative is None:
            self._mean_derivative = mean_absolute_derivative(self._problems)
        keep = self._settings.solver == "coordinate_descent"
        return without_negligible_l1(penalty, self._mean_derivative, keep=keep)

    def _null_gradient_and_curvature(self) -> tuple[float, float]:
        """Return the null model's largest gradient and curvature, which set the alpha grid.

        Both are in the user's units.
        """
        settings, state = self._settings, self._products.state
        if state is not None:
            return squared_state.largest_null_gradient(
                state, fit_intercept=settings.fit_intercept, standardize=settings.standardize
            ), 1.0
        gradients, curvature = [], 0.0
        for problem in self._problems:
            coef, intercept = constant_model(problem)
            found = problem.evaluate(coef, intercept)
            gradients.append(found.gradient[0])
            curvature = max(curvature, mean_curvature(problem, intercept[0], found.values[0]))
        gradient = largest_null_gradient(self._problems, gradients, settings.standardize)
        return (
            float(np.ldexp(gradient, self._unit.of_l1)),
            float(np.ldexp(curvature, self._unit.of_l2)),
        )
