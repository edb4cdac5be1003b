"""The mixin of the regressor that handles the unit of y, or its levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos.factorization_machine.estimator import FactorizationMachine
from algos.factorization_machine.target_scaling import ENOUGH_ROWS, TargetMoments, UnitChange
from algos.factorization_machine.targets import numbers, unit_of


class RegressorNumbers(FactorizationMachine):
    """The unit of numeric targets, or their levels."""

    loss: str
    _targets_seen: tuple[float, ...]

    def _checked_target(self, y: Any, name: str = "y") -> NDArray[Any]:
        return numbers(y, name)

    def _learn_target(self, y: NDArray[Any], weight: Float64Array | None) -> None:
        if self.loss == "ordered_probit":
            self._target_unit = (0.0, 1.0)
            self.levels_ = np.unique(y)
            return
        unit = unit_of(y, weight)
        self._target_unit = (unit.center, unit.spread)
        self._targets_seen = tuple(TargetMoments.of(y, weight))
        self.__dict__.pop("levels_", None)

    def _follow_target(self, y: NDArray[Any], weight: Float64Array | None) -> UnitChange | None:
        if self._n_distinct_seen >= ENOUGH_ROWS:
            return None
        old, before = self._unit, TargetMoments(*self._targets_seen)
        self._have_seen(before.joined(TargetMoments.of(y, weight)))
        # From equal targets nothing was learned, and 1 was only a placeholder for their unit.
        return UnitChange.between(old, self._unit) if before.deviation > 0 else None

    def _have_seen(self, seen: TargetMoments) -> None:
        unit = seen.unit(self._unit)
        self._targets_seen, self._target_unit = tuple(seen), (unit.center, unit.spread)

    def _merge(self, other: Any) -> None:
        super()._merge(other)
        if self.loss != "ordered_probit":
            its = TargetMoments(*other._targets_seen)
            its = its._replace(weight=self._weight_of(other, its.weight))
            self._have_seen(TargetMoments(*self._targets_seen).joined(its))

    def _weigh_over(self, exponent: int) -> None:
        if "_targets_seen" in self.__dict__:
            seen = TargetMoments(*self._targets_seen)
            weight = float(np.ldexp(seen.weight, self._weight_exponent - exponent))
            self._targets_seen = tuple(seen._replace(weight=weight))
        super()._weigh_over(exponent)

    def _encoded(self, y: NDArray[Any], name: str = "y") -> Float64Array:
        if self.loss != "ordered_probit":
            return self._unit.of(y)
        places = np.searchsorted(self.levels_, y)
        places[places == len(self.levels_)] = 0
        unknown = self.levels_[places] != y
        if unknown.any():
            raise ValueError(
                f"`{name}` holds the value {y[unknown].tolist()[0]!r}, which must be one of the "
                f"levels {self.levels_.tolist()}"
            )
        return places.astype(np.float64)

    def _loss_name(self) -> str:
        return str(self.loss)

    def _n_classes(self) -> int:
        return len(self.levels_) if self.loss == "ordered_probit" else 0
