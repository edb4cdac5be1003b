"""The mixin of the classifier that handles labels and class weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._common.labels import (
    check_known_classes,
    class_factors,
    class_labels,
    class_numbers,
    encoded_classes,
    require_two_classes,
)
from algos.factorization_machine.columns import column_numbers
from algos.factorization_machine.estimator import FactorizationMachine
from algos.factorization_machine.rows import Columns
from algos.factorization_machine.targets import (
    checked_weights,
    class_factors_in_range,
    require_choices,
)

_LEAST_PRODUCT = np.finfo(np.float64).tiny


class ClassifierLabels(FactorizationMachine):
    """Labels and class weights of a classifier."""

    loss: str
    class_weight: Any
    item_features: Any
    classes_: NDArray[Any]
    _labels_seen: NDArray[Any]
    _classes_given: NDArray[Any] | None

    def _has_seen_two(self, column: NDArray[Any], sample_weight: Any) -> bool:
        """Remember the labels of a first batch; tell whether two have been seen by now."""
        weight, _ = checked_weights(sample_weight, len(column))
        met = np.unique(column if weight is None else column[weight > 0])
        met = np.unique(np.concatenate([self.__dict__.get("_labels_seen", met), met]))
        if len(met) > 1:
            self._classes_given = met
            self.__dict__.pop("_labels_seen", None)
            return True
        self._labels_seen = self.classes_ = met
        return False

    def _checked_target(self, y: Any, name: str = "y") -> NDArray[Any]:
        return class_labels(y, name)

    def _learn_target(self, y: NDArray[Any], weight: Float64Array | None) -> None:
        self._target_unit = (0.0, 1.0)
        named = self.__dict__.get("_classes_given")
        classes = np.unique(y) if named is None else named
        if self.loss == "bpr" and len(classes) == 1 and self.item_features is not None:
            classes = np.array([0, 1])
        if self.loss == "bpr":
            require_choices(classes)
        else:
            require_two_classes(classes)
        self.classes_ = classes

    def _encoded(self, y: NDArray[Any], name: str = "y") -> Float64Array:
        return encoded_classes(y, self.classes_, name)

    def _weighted(self, target: Float64Array, weight: Float64Array | None) -> Float64Array | None:
        if self.class_weight is None:
            return weight
        if isinstance(self.class_weight, Mapping):
            check_known_classes(self.class_weight, self.classes_)
        numbers = class_numbers(target, len(self.classes_))
        sums = np.bincount(numbers, weight, minlength=len(self.classes_))
        of_classes = class_factors(self.class_weight, self.classes_, sums)
        factors = class_factors_in_range(of_classes)[numbers]
        # No row vanishes, however little it weighs.
        return factors if weight is None else np.maximum(weight * factors, _LEAST_PRODUCT)

    def _loss_name(self) -> str:
        return str(self.loss)

    def _item_columns(self, columns: Columns) -> NDArray[np.bool_] | None:
        if self.item_features is None:
            return None
        numbers = column_numbers(
            self.item_features, columns.d, getattr(self, "feature_names_in_", None)
        )
        places = np.arange(columns.d) if columns.places is None else columns.places
        return np.isin(places, numbers)

    def _n_classes(self) -> int:
        return len(self.classes_)
