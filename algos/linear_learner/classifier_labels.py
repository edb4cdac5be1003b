"""Labels of a linear classifier: which there are, what they lose, how much each weighs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.labels import (
    check_known_classes,
    class_factors,
    class_labels,
    class_numbers,
    distinct_classes,
    encoded_classes,
    require_two_classes,
)
from algos._common.random import Key
from algos._common.warn import warn
from algos.linear_learner.data import Data
from algos.linear_learner.estimator import LinearLearner
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import FitResult, Variant
from algos.linear_learner.stream import Stream
from algos.linear_learner.threshold import Criterion

_MANY, _OF_ROWS = 20, 0.1  # distinct floats from which y may be the target of a regression
_ONCE = 0.1  # share of these, or of integers, that occur only once
_MANY_INTEGERS, _ROWS_OF_INTEGERS = 100, 5  # the same for integers, with fewer rows each
_TOLD = 0.5  # share of the rows above which scikit-learn's check of targets has warned
_POWERS = (0.0, 0.5, 1.0)  # of the balanced class weights, tried by class_weight="auto"


class ClassifierLabels(LinearLearner):
    """Mixin of the linear classifier: classes and class weights."""

    class_weight: Any
    margin: float
    beta: float
    target_recall: float
    target_precision: float
    top_k: int
    classes_: NDArray[Any]
    _class_sums: Float64Array
    _all_classes: NDArray[Any]

    def _loss(self) -> Loss:
        loss = str(self._learned("loss"))  # numpy strings would look odd in messages
        if loss == "log_loss":
            return Loss("multinomial" if len(self.classes_) > 2 else "log_loss")
        return Loss(loss, float(self._learned("margin")))

    def _n_outputs(self) -> int:
        return len(self.classes_) if len(self.classes_) > 2 else 1

    def _encoded(self, y: Any, name: str = "y") -> Float64Array:
        # Training labels were checked when their classes were learned.
        labels = np.asarray(y) if name == "y" else class_labels(y, name)
        return encoded_classes(labels, self.classes_, name)

    def _must_choose(self) -> bool:
        return super()._must_choose() or self.class_weight == "auto"

    def _criterion(self) -> Criterion:
        return Criterion(
            self.selection_criterion, self.beta, self.target_recall, self.target_precision
        )

    def _top_k(self) -> int:
        return self.top_k

    def _learn_classes(self, labels: NDArray[Any]) -> None:
        classes = np.unique(labels)
        require_two_classes(classes)
        _warn_of_numbers(classes, labels)
        self._check_classes(classes)
        if isinstance(self.class_weight, Mapping):
            check_known_classes(self.class_weight, classes)
        self.classes_ = classes

    def _check_classes(self, classes: NDArray[Any]) -> None:
        if len(classes) > 2 and self.selection_criterion not in ("loss", "accuracy", "f_beta"):
            raise ValueError(
                f"`selection_criterion`={self.selection_criterion!r} must be 'loss', 'accuracy' "
                f"or 'f_beta' for {len(classes)} classes; a threshold needs two classes"
            )

    def _meet_classes(self, labels: NDArray[Any], classes: ArrayLike | None) -> None:
        """Update `classes_` and the state that depends on them."""
        known = getattr(self, "classes_", labels[:0])
        named = labels[:0] if classes is None else np.asarray(classes)
        _check_alike(known, named, labels)
        is_usual = classes is None and len(known) == 2
        if is_usual and ((labels == known[0]) | (labels == known[1])).all():
            return
        if classes is not None:
            self._name_classes(known, distinct_classes(named))
        else:
            named = self.__dict__.get("_all_classes", named)
        if len(named):
            encoded_classes(labels, np.unique(named))
        now = np.unique(np.concatenate([known, named, labels]))
        if len(now) == len(known):
            return
        self._check_classes(now)
        if self._has_learned():
            places = np.searchsorted(now, known)
            is_joint = self._learned("loss") == "log_loss" and len(now) > 2
            state = self._state_so_far()
            assert isinstance(state, Stream)  # the squared loss is for regression only
            self._continue(state.with_classes(places, len(now), is_joint))
        if hasattr(self, "_class_sums"):
            sums = np.zeros(len(now))
            sums[np.searchsorted(now, known)] = self._class_sums
            self._class_sums = sums
        self.classes_ = now

    def _name_classes(self, known: NDArray[Any], named: NDArray[Any]) -> None:
        """Keep the classes that were announced; others are refused from then on."""
        before = self.__dict__.get("_all_classes", named)
        if not np.array_equal(before, named) or not np.isin(known, named).all():
            raise ValueError(
                f"`classes`={named.tolist()} must be {np.union1d(before, known).tolist()}, as in "
                f"the previous batches; pass the same classes or None"
            )
        self._all_classes = named

    def _count_classes(self, data: Data) -> None:
        """Add the weights of a batch to the sums of the classes, which "balanced" uses."""
        self._class_sums = self._sums(data) + self.__dict__.get("_class_sums", 0.0)

    def _class_weighted(self, data: Data) -> Data:
        """Return a batch with its class weights, given the sums of all rows so far."""
        if self.class_weight is None:
            return data
        factors = class_factors(self.class_weight, self.classes_, self._class_sums)
        return data.weighted(factors[self._codes(data.target)])

    def _sums(self, data: Data) -> Float64Array:
        """Return the sum of the weights of each class."""
        codes, n_classes = self._codes(data.target), len(self.classes_)
        return np.bincount(codes, data.weight, minlength=n_classes).astype(np.float64)

    def _begin_stream(self, result: FitResult, key: Key, data: Data) -> None:
        super()._begin_stream(result, key, data)
        self._class_sums = self._sums(data)

    def _take_counts(self, other: Any) -> None:
        super()._take_counts(other)
        self._class_sums = self._class_sums + other._class_sums

    def _codes(self, target: Float64Array) -> IndexArray:
        return class_numbers(target, len(self.classes_))

    def _check_trainable(self, data: Data) -> None:
        if not self._sums(data).all():
            raise ValueError(
                "`sample_weight` must be positive for at least one row of each class; remove the "
                "classes whose weights are all zero"
            )

    def _check_validation_rows(self, data: Data) -> None:
        found = np.unique(self._codes(data.target))
        if self.selection_criterion == "loss" or len(self.classes_) > 2 or len(found) > 1:
            return
        only = self.classes_[found].tolist()[0]
        warn(
            f"`y_val` should hold both classes for selection_criterion="
            f"{self.selection_criterion!r}, which calibrates a threshold between them: all rows of "
            f"positive weight are of class {only!r}; give rows of both, or write "
            f"selection_criterion='loss'"
        )

    def _factors(self, sums: Float64Array, power: float) -> Float64Array:
        """Return the factors of the class weights, for one power of "auto"."""
        factors: Float64Array = class_factors(self.class_weight, self.classes_, sums) ** power
        return factors

    def _chosen(self, result: FitResult, data: Data) -> dict[str, Any]:
        chosen = super()._chosen(result, data)
        if self.class_weight == "auto":
            power = float(result.candidates["class_weight_power"][result.best])
            factors = self._factors(self._sums(data), power)
            chosen["class_weight"] = dict(
                zip(self.classes_.tolist(), factors.tolist(), strict=True)
            )
        return chosen

    def _variants(self, target: Float64Array, weight: Float64Array) -> list[Variant]:
        if self.class_weight is None:
            return super()._variants(target, weight)
        codes = self._codes(target)
        sums: Any = np.bincount(codes, weight, minlength=len(self.classes_))
        powers = _POWERS if self.class_weight == "auto" else (1.0,)
        return [Variant(power, self._factors(sums, power)[codes]) for power in powers]


def _warn_of_numbers(classes: NDArray[Any], labels: NDArray[Any]) -> None:
    """Warn about labels that look like the target of a regression."""
    kind = labels.dtype.kind
    if kind == "f" and _are_measured(classes, labels):
        noun, others = "floats", "integers or strings"
    elif kind in "iu" and _are_counted(classes, labels):
        noun, others = "integers", "strings"
    else:
        return
    warn(
        f"`y` holds {len(classes)} different {noun} in {len(labels)} rows, each of which is "
        f"treated as a class; use LinearLearnerRegressor for a numeric target, or convert labels "
        f"to {others}"
    )


def _are_counted(classes: NDArray[Any], labels: NDArray[Any]) -> bool:
    """Tell whether integers look like amounts: many, with few rows each, and with gaps.

    Identifiers mostly have several rows each; amounts often occur only once.
    """
    n, k = len(labels), len(classes)
    if not max(_MANY_INTEGERS, n / _ROWS_OF_INTEGERS) < k <= _TOLD * n:
        return False
    return bool((np.diff(classes) != 1).any()) and _are_often_single(classes, labels)


def _are_measured(classes: NDArray[Any], labels: NDArray[Any]) -> bool:
    """Tell whether floats look measured: many, unevenly spaced, and often occurring once.

    Codes of classes have several rows each, or are evenly spaced.
    """
    n = len(labels)
    if not max(_MANY, _OF_ROWS * n) < len(classes) <= _TOLD * n or np.ptp(np.diff(classes)) == 0:
        return False
    return _are_often_single(classes, labels)


def _are_often_single(classes: NDArray[Any], labels: NDArray[Any]) -> bool:
    counts = np.bincount(np.searchsorted(classes, labels))
    return bool((counts == 1).mean() >= _ONCE)


def _check_alike(*groups: NDArray[Any]) -> None:
    """Raise ValueError if numbers and strings are mixed, which numpy would convert to strings."""
    kinds = {group.dtype.kind in "biuf" for group in groups if len(group)}
    if len(kinds) > 1:
        raise ValueError(
            "`y` must hold labels of one kind, numbers or strings, like `classes` and the "
            "previous batches; convert them"
        )
