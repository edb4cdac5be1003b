"""How an estimator chooses among candidates: by rows given, by rows held out, or by folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.row_key import row_keys
from algos._common.split import both_sides, has_few_keys, validation_folds, validation_split
from algos._common.warn import warn
from algos.linear_learner.data import Data
from algos.linear_learner.folds import N_FOLDS, FoldedPack, fit_squared_folds
from algos.linear_learner.losses import Loss
from algos.linear_learner.pack import Outcome, Variant, fit_pack, refitted
from algos.linear_learner.penalties import is_pack
from algos.linear_learner.problem import Doubles
from algos.linear_learner.progress import Progress
from algos.linear_learner.selection import Validation
from algos.linear_learner.settings import Settings
from algos.linear_learner.squared_pack import fit_squared_pack
from algos.linear_learner.threshold import Target

TENTH = 0.1  # of many rows, by `validation_fraction="auto"`
_FEW = 3000  # different rows, up to which that means folds
# Different rows outside the most frequent class, which decide a loss: the mean over a tenth of so
# many has a standard error of a tenth of their deviation.
_FEW_RARE = 1000
_FEW_JUDGES = 20  # rows held out, among which candidates differ by chance
_MOST_FOLDED = 1 << 22  # stored values of X, up to which rare classes are worth folds

Indices = NDArray[np.intp]


class Choosing:
    """The side of a linear learner that trains packs and keeps the best candidate."""

    alpha: Any
    l1_ratio: Any
    solver: str
    selection_criterion: str
    validation_fraction: Any
    early_stopping: bool
    refit: bool

    # What the two kinds may answer for themselves.

    def _variants(self, target: Doubles, weight: Doubles) -> list[Variant]:
        """Return the weightings of the classes to try."""
        return [Variant(1.0, 1.0)]

    def _target(self) -> Target:
        """Return the selection criterion."""
        return Target(self.selection_criterion, 1.0, 0.0, 0.0)

    def _top_k(self) -> int:
        return 1

    def _must_choose(self) -> bool:
        """Tell whether validation rows are needed."""
        return is_pack(self.alpha, self.l1_ratio) or self.selection_criterion != "loss"

    def _fit_pack(
        self, data: Data, held_out: Data | None, settings: Settings, progress: Progress
    ) -> Outcome:
        if held_out is not None:
            return self._squared_pack(data, held_out, settings, are_among=False) or self._best_of(
                data, held_out, settings, progress
            )
        keys = _keys(data, settings)
        fraction = self.validation_fraction
        if fraction == "auto":
            # Stochastic steps need rows held out: their loss tells when to end.
            if self.solver != "sgd" and _call_for_folds(keys, data, settings.loss):
                return self._fit_folds(data, keys, settings, progress)
            fraction = progress.used["validation_fraction"] = TENTH
        classes = _single(data.target) if settings.loss.is_of_classes else None
        sides = validation_split(keys, fraction, classes=classes, weight=data.weight)
        if not _have_optima([sides], data.target, settings.loss):
            sides = both_sides(len(data), fraction)
        elif self.validation_fraction != "auto" and len(sides[1]) < _FEW_JUDGES:
            _warn_of_few_judges(fraction, len(sides[1]), len(data))
        return self._fit_parted(data, sides, settings, progress)

    def _fit_parted(
        self, data: Data, sides: tuple[Indices, Indices], settings: Settings, progress: Progress
    ) -> Outcome:
        to_train, to_choose = sides
        validate = data.subset(to_choose)
        if len(to_train) + len(to_choose) == len(data):
            outcome = self._squared_pack(data, validate, settings, are_among=True)
            if outcome is not None:
                return outcome
        outcome = self._best_of(data.subset(to_train), validate, settings, progress)
        if self.refit and not progress.is_stopped:
            return self._refitted(outcome, data, settings, progress)
        return outcome

    def _fit_folds(
        self, data: Data, keys: NDArray[np.uint64], settings: Settings, progress: Progress
    ) -> Outcome:
        strata = _strata(data, settings.loss)
        folds = validation_folds(keys, N_FOLDS, classes=strata, weight=data.weight)
        if not folds or not _have_optima(folds, data.target, settings.loss):
            sides = both_sides(len(data), self.validation_fraction)
            return self._fit_parted(data, sides, settings, progress)
        variants = self._variants(data.target, data.weight)

        def judge(rows: Data) -> Validation:
            return self._validation(rows, settings, len(variants))

        outcome = None
        if self._is_of_products(settings):
            outcome = fit_squared_folds(data, settings, folds, judge)
        return outcome or FoldedPack(
            data,
            settings,
            folds,
            judge,
            gives_up=self._gives_up(),
            tell=progress.listener,
            is_stopped=lambda: progress.is_stopped,
        ).fit(variants)

    def _is_of_products(self, settings: Settings) -> bool:
        return settings.loss.name == "squared_error" and settings.solver in ("auto", "gram")

    def _gives_up(self) -> bool:
        return self.early_stopping and self.selection_criterion == "loss"

    def _squared_pack(
        self, data: Data, validate: Data, settings: Settings, *, are_among: bool
    ) -> Outcome | None:
        if not self._is_of_products(settings):
            return None
        validation = self._validation(validate, settings, 1)
        return fit_squared_pack(data, settings, validation, are_among=are_among, refit=self.refit)

    def _best_of(
        self, train: Data, validate: Data, settings: Settings, progress: Progress
    ) -> Outcome:
        variants = self._variants(train.target, train.weight)
        return fit_pack(
            train,
            settings,
            self._validation(validate, settings, len(variants)),
            variants,
            gives_up=self._gives_up(),
            tell=progress.listener,
        )

    def _validation(self, data: Data, settings: Settings, n_variants: int) -> Validation:
        factor: Any = 1.0  # class weights that are tried must not judge themselves
        if n_variants == 1:
            factor = self._variants(data.target, data.weight)[0].factor
        return Validation(
            data,
            data.weight * factor,
            settings.loss,
            self._target(),
            settings.n_outputs,
            self._top_k(),
            settings.n_threads,
        )

    def _refitted(
        self, outcome: Outcome, data: Data, settings: Settings, progress: Progress
    ) -> Outcome:
        powers = outcome.candidates.get("class_weight_power")
        variants = self._variants(data.target, data.weight)
        if powers is not None:
            variants = [one for one in variants if one.power == powers[outcome.best]]
        return refitted(outcome, data.weighted(variants[0].factor), settings, progress.listener)


def _warn_of_few_judges(fraction: float, n_judges: int, n: int) -> None:
    if n_judges < n:  # else all of them judge, which `validation_split` has told
        warn(
            f"`validation_fraction`={fraction!r} holds out {n_judges} of {n} rows, too few for a "
            f"reliable choice; raise it, write 'auto' (cross-validation for small data), or pass "
            f"X_val"
        )


def _keys(data: Data, settings: Settings) -> NDArray[np.uint64]:
    """Return what says of each row on which side it stands."""
    assert settings.key is not None
    single = _single(data.target)
    return row_keys(data.X, settings.key, single, n_threads=settings.n_threads)


def _call_for_folds(keys: NDArray[np.uint64], data: Data, loss: Loss) -> bool:
    """Tell whether a tenth would choose by chance, and folds are affordable."""
    if has_few_keys(keys, _FEW):
        return True
    if not loss.is_of_classes or data.X.size > _MOST_FOLDED:
        return False
    places = np.unique(keys, return_index=True)[1]
    counts = np.unique(_single(data.target)[places], return_counts=True)[1]
    return len(places) - int(counts.max()) < _FEW_RARE


def _single(target: Doubles) -> Doubles:
    """Return the first output."""
    return target if target.ndim == 1 else np.ascontiguousarray(target[:, 0])


def _strata(data: Data, loss: Loss) -> Doubles | NDArray[np.bool_] | None:
    """Return what of each kind no rows to train on may lack: classes, and what is not zero.

    Of several outputs the one counts that is zero the most; see `_have_optima` for the others.
    """
    if loss.has_log_link:
        positive = data.target.reshape(len(data), -1) > 0
        return positive[:, np.argmin(data.shares @ positive)]
    return data.target if loss.is_of_classes else None


def _have_optima(parts: list[tuple[Indices, Indices]], target: Doubles, loss: Loss) -> bool:
    """Tell whether no rows to train on are zero alone in an output, of which exp(z) never is."""
    if not loss.has_log_link:
        return True
    return all(bool(target[rows].any(axis=0).all()) for rows, _ in parts)
