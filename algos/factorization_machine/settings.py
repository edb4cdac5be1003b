"""From an estimator's parameters to the settings of solvers."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos.factorization_machine.machine import Machine, Settings
from algos.factorization_machine.model import FittedMachine
from algos.factorization_machine.rows import Columns
from algos.factorization_machine.target_scaling import UnitChange
from algos.factorization_machine.targets import Unit

_FAR = 1e9  # in the units of solvers, in which sensible values are about 1


class ConfiguredMachine(FittedMachine):
    """The parameters of both estimators, converted for solvers."""

    solver: str
    max_iter: Any
    tol: float
    burn_in: Any
    n_draws: int
    feature_groups: Any
    alpha: Any
    alpha_linear: Any
    alpha_intercept: float
    learning_rate_init: Any
    learning_rate_linear: Any
    learning_rate_intercept: Any
    batch_size: Any
    clip_gradient: float | None
    initial_accumulator_value: Any
    init: str
    init_scale: Any
    init_linear: str
    init_linear_scale: float
    init_intercept: float | None
    early_stopping: Any
    validation_fraction: float
    n_iter_no_change: Any
    warm_start: bool
    random_state: Any
    verbose: int

    # Implemented by the classifier and by the regressor.

    @abstractmethod
    def _learn_target(self, y: NDArray[Any], weight: Float64Array | None) -> None:
        """Learn the classes, the levels or the unit of numeric targets."""

    @abstractmethod
    def _encoded(self, y: NDArray[Any], name: str = "y") -> Float64Array:
        """Return y encoded for solvers."""

    @abstractmethod
    def _checked_target(self, y: Any, name: str = "y") -> NDArray[Any]:
        """Return y validated, as a column."""

    def _follow_target(self, y: NDArray[Any], weight: Float64Array | None) -> UnitChange | None:
        """Update the unit of numeric targets by a batch; return the conversion, if any."""
        return None

    @abstractmethod
    def _loss_name(self) -> str:
        """Return the name of the loss for solvers."""

    @abstractmethod
    def _n_classes(self) -> int:
        """Return the number of classes or levels, 0 for numeric targets."""

    def _weighted(self, target: Float64Array, weight: Float64Array | None) -> Float64Array | None:
        """Return the row weights times the class weights."""
        return weight

    # For solvers.

    @np.errstate(over="ignore")  # an overflowing model is refused later
    def _settings(self, columns: Columns) -> Settings:
        def given(value: Any, factor: float = 1.0) -> Any:
            return None if isinstance(value, str) else value * factor

        spread = self._unit.spread
        groups = self.feature_groups
        if not (groups is None or isinstance(groups, str)):
            groups = columns.gathered(self._checked_groups(groups))
        return Settings(
            n_factors=self.n_factors,
            max_iter=given(self.max_iter, 1),
            tol=self.tol,
            burn_in=given(self.burn_in, 1),
            n_draws=self.n_draws,
            feature_groups=groups,
            # Squares of factors have the unit of the targets.
            alpha=given(self.alpha, 1 / spread),
            alpha_linear=given(self.alpha_linear),
            alpha_intercept=self.alpha_intercept,
            learning_rate=given(self.learning_rate_init),
            learning_rate_linear=given(self.learning_rate_linear),
            learning_rate_intercept=given(self.learning_rate_intercept),
            batch_size=given(self.batch_size, 1),
            clip_gradient=self.clip_gradient,
            initial_accumulator_value=given(self.initial_accumulator_value),
            init=self.init,
            init_scale=given(self.init_scale, 1 / np.sqrt(spread)),
            init_linear=self.init_linear,
            init_linear_scale=self.init_linear_scale / spread,
            init_intercept=self._initial_intercept(),
            n_iter_no_change=given(self.n_iter_no_change, 1),
        )

    def _attributes(
        self, machines: list[Machine], columns: Columns, unit: Unit, dtype: Any, solver: str
    ) -> dict[str, Any]:
        if not all(one.is_finite for one in machines):
            raise self._overflow_error(self._settings(Columns(self.n_features_in_)), solver)
        return super()._attributes(machines, columns, unit, dtype, solver)

    def _overflow_error(self, settings: Settings, solver: str) -> ValueError:
        """Return the error for a model that overflowed, which names the parameter at fault."""
        name = far_parameter(settings, solver)
        if name is None:
            or_lower = ", or lower `learning_rate_init`" if solver == "adagrad" else ""
            return ValueError(
                f"values of X overflow during learning; standardise its columns{or_lower}"
            )
        return ValueError(
            f"`{name}`={getattr(self, name)!r} makes the model overflow; lower it, or keep its "
            f"default"
        )

    def _initial_intercept(self) -> float | None:
        if self.init_intercept is None:
            return None
        return float((self.init_intercept - self._unit.center) / self._unit.spread)

    def _checked_groups(self, groups: Any) -> NDArray[Any]:
        labels = np.asarray(groups)
        if labels.shape != (self.n_features_in_,):
            raise ValueError(
                f"`feature_groups` of shape {labels.shape} must be of shape "
                f"({self.n_features_in_},), one label for each column; or write 'auto'"
            )
        return np.unique(labels, return_inverse=True)[1].astype(np.int32)

    def _start(self, columns: Columns) -> list[Machine] | None:
        """Return the fitted models if the next fit can start from them, else None."""
        if not hasattr(self, "factors_"):
            return None
        shape = (self.n_features_in_, self.n_factors)
        n_outputs = self._n_classes() if self._n_classes() > 2 else 1
        factors = np.reshape(self.factors_, (-1, *self.factors_.shape[-2:]))
        if factors.shape != (n_outputs, *shape):
            return None
        each = zip(np.atleast_1d(self.intercept_), np.atleast_2d(self.coef_), factors, strict=True)
        return [Machine.from_units(*one, columns, self._unit) for one in each]


def far_parameter(settings: Settings, solver: str) -> str | None:
    """Return the most extreme parameter, if one is far from the usual range."""
    given = {"init_scale": settings.init_scale, "init_intercept": settings.init_intercept}
    if settings.init_linear != "zeros":
        given["init_linear_scale"] = settings.init_linear_scale
    if solver == "adagrad":  # penalties are bounded there
        given |= {
            "learning_rate_init": settings.learning_rate,
            "learning_rate_linear": settings.learning_rate_linear,
            "learning_rate_intercept": settings.learning_rate_intercept,
            "initial_accumulator_value": settings.initial_accumulator_value,
        }
    if solver == "als":
        given |= {
            "alpha": settings.alpha,
            "alpha_linear": settings.alpha_linear,
            "alpha_intercept": settings.alpha_intercept,
        }
    sizes = {name: abs(value) for name, value in given.items() if value is not None}
    far = [name for name, size in sizes.items() if size > _FAR]
    return max(far, key=lambda name: sizes[name], default=None)


def quiet_where_far(settings: Settings, solver: str) -> Any:
    """Return a context that hides numpy's warnings if the model will be refused."""
    if far_parameter(settings, solver) is None:
        return contextlib.nullcontext()
    return np.errstate(all="ignore")
