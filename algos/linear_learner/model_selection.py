"""Choice among candidates: by given validation rows, rows held out, or cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.row_key import row_and_target_keys
from algos._common.split import both_sides, has_few_keys, validation_folds, validation_split
from algos._common.warn import warn
from algos.linear_learner.data import Data
from algos.linear_learner.folds import N_FOLDS, FoldedPack, fit_squared_folds
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import FitResult, Variant, fit_pack, refitted
from algos.linear_learner.penalties import is_pack
from algos.linear_learner.progress import CallbackReporter
from algos.linear_learner.replicates import Partition, fold_replicates, split_replicates
from algos.linear_learner.selection import Validation
from algos.linear_learner.settings import Settings
from algos.linear_learner.squared_pack import fit_squared_pack
from algos.linear_learner.threshold import Criterion

TENTH = 0.1  # held out of many rows by `validation_fraction="auto"`
_FEW = 3000  # distinct rows up to which "auto" means cross-validation
# Distinct rows outside the most frequent class, from which most of the loss comes: the mean over a
# tenth of them has a standard error of a tenth of their standard deviation.
_FEW_RARE = 1000
_FEW_VALIDATION_ROWS = 20  # too few for a reliable choice
_MOST_FOLDED = 1 << 22  # stored values of X up to which rare classes are cross-validated

Keys = NDArray[np.uint64]


class ModelSelection:
    """Mixin of the linear learners: training packs and choosing the best candidate."""

    alpha: Any
    l1_ratio: Any
    solver: str
    selection_criterion: str
    validation_fraction: Any
    early_stopping: bool
    refit: bool

    # Defaults, which classifiers override.

    def _variants(self, target: Float64Array, weight: Float64Array) -> list[Variant]:
        """Return the weightings of the classes to try."""
        return [Variant(1.0, 1.0)]

    def _criterion(self) -> Criterion:
        """Return the selection criterion."""
        return Criterion(self.selection_criterion)

    def _top_k(self) -> int:
        return 1

    def _must_choose(self) -> bool:
        """Tell whether validation rows are needed."""
        return is_pack(self.alpha, self.l1_ratio) or self.selection_criterion != "loss"

    def _fit_pack(
        self, data: Data, held_out: Data | None, settings: Settings, reporter: CallbackReporter
    ) -> FitResult:
        if held_out is not None:
            return self._squared_pack(data, held_out, settings, are_among=False) or self._best_of(
                data, held_out, settings, reporter
            )
        keys, row_keys = _keys(data, settings)
        fraction = self.validation_fraction
        if fraction == "auto":
            # Stochastic steps need held-out rows, whose loss decides when to stop.
            if self.solver != "sgd" and _call_for_folds(keys, data, settings.loss):
                return self._fit_folds(data, keys, row_keys, settings, reporter)
            fraction = reporter.used["validation_fraction"] = TENTH
        classes = _single(data.target) if settings.loss.is_of_classes else None
        partition = split_replicates(data, keys, row_keys, fraction, settings.key, classes)
        if partition is None:
            sides = validation_split(keys, fraction, classes=classes, weight=data.weight)
            partition = Partition(data, [sides])
        if not _have_optima(partition.parts, partition.data.target, settings.loss):
            partition = Partition(data, [both_sides(len(data), fraction)])
        elif (
            self.validation_fraction != "auto"
            and partition.n_validation_rows < _FEW_VALIDATION_ROWS
        ):
            _warn_of_few_validation_rows(fraction, partition.n_validation_rows, len(data))
        return self._fit_parted(partition.data, partition.parts[0], settings, reporter)

    def _fit_parted(
        self,
        data: Data,
        sides: tuple[IndexArray, IndexArray],
        settings: Settings,
        reporter: CallbackReporter,
    ) -> FitResult:
        to_train, to_choose = sides
        validate = data.subset(to_choose)
        if len(to_train) + len(to_choose) == len(data):
            result = self._squared_pack(data, validate, settings, are_among=True)
            if result is not None:
                return result
        result = self._best_of(data.subset(to_train), validate, settings, reporter)
        if self.refit and not reporter.is_stopped:
            return self._refitted(result, data, settings, reporter)
        return result

    def _fit_folds(
        self, data: Data, keys: Keys, row_keys: Keys, settings: Settings, reporter: CallbackReporter
    ) -> FitResult:
        strata = _strata(data, settings.loss)
        partition = fold_replicates(data, keys, row_keys, N_FOLDS, settings.key, strata)
        if partition is None:
            folds = validation_folds(keys, N_FOLDS, classes=strata, weight=data.weight)
            partition = Partition(data, folds)
        if not (
            partition.parts and _have_optima(partition.parts, partition.data.target, settings.loss)
        ):
            sides = both_sides(len(data), self.validation_fraction)
            return self._fit_parted(data, sides, settings, reporter)
        data, folds, _ = partition
        variants = self._variants(data.target, data.weight)

        def make_validation(rows: Data) -> Validation:
            return self._validation(rows, settings, len(variants))

        result = None
        if self._is_of_products(settings):
            result = fit_squared_folds(data, settings, folds, make_validation)
        return result or FoldedPack(
            data,
            settings,
            folds,
            make_validation,
            gives_up=self._gives_up(),
            tell=reporter.listener,
            is_stopped=lambda: reporter.is_stopped,
        ).fit(variants)

    def _is_of_products(self, settings: Settings) -> bool:
        return settings.loss.name == "squared_error" and settings.solver in ("auto", "gram")

    def _gives_up(self) -> bool:
        return self.early_stopping and self.selection_criterion == "loss"

    def _squared_pack(
        self, data: Data, validate: Data, settings: Settings, *, are_among: bool
    ) -> FitResult | None:
        if not self._is_of_products(settings):
            return None
        validation = self._validation(validate, settings, 1)
        return fit_squared_pack(data, settings, validation, are_among=are_among, refit=self.refit)

    def _best_of(
        self, train: Data, validate: Data, settings: Settings, reporter: CallbackReporter
    ) -> FitResult:
        variants = self._variants(train.target, train.weight)
        return fit_pack(
            train,
            settings,
            self._validation(validate, settings, len(variants)),
            variants,
            gives_up=self._gives_up(),
            tell=reporter.listener,
        )

    def _validation(self, data: Data, settings: Settings, n_variants: int) -> Validation:
        factor: Any = 1.0  # candidates with different class weights are compared unweighted
        if n_variants == 1:
            factor = self._variants(data.target, data.weight)[0].factor
        return Validation(
            data,
            data.weight * factor,
            settings.loss,
            self._criterion(),
            settings.n_outputs,
            self._top_k(),
            settings.n_threads,
        )

    def _refitted(
        self, result: FitResult, data: Data, settings: Settings, reporter: CallbackReporter
    ) -> FitResult:
        powers = result.candidates.get("class_weight_power")
        variants = self._variants(data.target, data.weight)
        if powers is not None:
            variants = [one for one in variants if one.power == powers[result.best]]
        return refitted(result, data.weighted(variants[0].factor), settings, reporter.listener)


def _warn_of_few_validation_rows(fraction: float, n_validation: int, n: int) -> None:
    if n_validation < n:  # otherwise all rows validate, and `validation_split` has warned
        warn(
            f"`validation_fraction`={fraction!r} holds out {n_validation} of {n} rows, too few for "
            f"a reliable choice; raise it, write 'auto' (cross-validation for small data), or pass "
            f"X_val"
        )


def _keys(data: Data, settings: Settings) -> tuple[Keys, Keys]:
    """Return the keys that decide between training and validation, with the target and without."""
    assert settings.key is not None
    single = _single(data.target)
    of_rows, keys = row_and_target_keys(data.X, settings.key, single, n_threads=settings.n_threads)
    return keys, of_rows


def _call_for_folds(keys: Keys, data: Data, loss: Loss) -> bool:
    """Tell whether a tenth is too few rows for a reliable choice, and folds are affordable."""
    if has_few_keys(keys, _FEW):
        return True
    if not loss.is_of_classes or data.X.size > _MOST_FOLDED:
        return False
    places = np.unique(keys, return_index=True)[1]
    counts = np.unique(_single(data.target)[places], return_counts=True)[1]
    return len(places) - int(counts.max()) < _FEW_RARE


def _single(target: Float64Array) -> Float64Array:
    """Return the first output."""
    return target if target.ndim == 1 else np.ascontiguousarray(target[:, 0])


def _strata(data: Data, loss: Loss) -> Float64Array | NDArray[np.bool_] | None:
    """Return the strata of which all training rows need members: classes, or positive targets.

    With several outputs, the one that is zero most often; see `_have_optima` for the others.
    """
    if loss.has_log_link:
        positive = data.target.reshape(len(data), -1) > 0
        return positive[:, np.argmin(data.shares @ positive)]
    return data.target if loss.is_of_classes else None


def _have_optima(
    parts: list[tuple[IndexArray, IndexArray]], target: Float64Array, loss: Loss
) -> bool:
    """Tell whether no training rows are all zero in an output, since exp(z) never is."""
    if not loss.has_log_link:
        return True
    return all(bool(target[rows].any(axis=0).all()) for rows, _ in parts)
