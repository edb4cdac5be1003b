"""Model packing: all candidates are trained on the same rows, and the best is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos.linear_learner.data import Data
from algos.linear_learner.path_stopping import PathStopping
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.scores import Scores
from algos.linear_learner.selection import Validation
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.choice import Choice, after_passes
from algos.linear_learner.trained import Model, Watch
from algos.linear_learner.training import Training

# Receives the current model, in the user's units; returns whether to stop.
Tell = Callable[[Float64Array, Float64Array], bool]


@dataclass(frozen=True)
class Variant:
    """One weighting of the classes.

    Attributes
    ----------
    power : float
        1 for balanced classes, 0 for unweighted rows; values between are compromises.
    factor : ndarray of shape (n,), or 1.0
        Factors of the rows' weights.
    """

    power: float
    factor: Float64Array | float


@dataclass
class FitResult:
    """The result of a fit.

    Attributes
    ----------
    model : Model
        The best candidate.
    choice : Choice
        The solver.
    candidates : dict of str to ndarray
        One entry for each candidate.
    best : int
        Index of the chosen candidate.
    threshold : float
        On decision values, for two classes.
    criterion : float
        Value of the selection criterion for the best candidate; NaN without validation.
    moments : dict
        Statistics of the training rows, from which a stream continues.
    given_up : set of int
        Candidates that were stopped or skipped, since they could not become the best.
    by_folds : bool
        Whether models of fewer rows were validated instead of the candidates themselves.
    threshold_rows : tuple of (decisions, targets, shares) or None
        The validation rows that the threshold was chosen on, (r,) each.
    """

    model: Model
    choice: Choice
    candidates: dict[str, NDArray[Any]]
    best: int = 0
    threshold: float = 0.0
    criterion: float = float("nan")
    moments: dict[str, Any] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)
    by_folds: bool = False
    threshold_rows: tuple[Float64Array, Float64Array, Float64Array] | None = None

    def __post_init__(self) -> None:
        if self.model.n_passes_before:
            self.choice = after_passes(self.choice, self.model.n_passes_before)

    @staticmethod
    def of(
        models: list[Model],
        choice: Choice,
        scores: Scores,
        powers: list[float] | None = None,
        **more: Any,
    ) -> FitResult:
        """Return the best candidate by its score.

        Parameters
        ----------
        models : list of Model
        choice : Choice
        scores : Scores
        powers : list of float, default=None
            Powers of the candidates' class weights, if there are several.
        **more
            Further attributes, which override those derived from the scores.
        """
        best = scores.best
        result = FitResult(
            models[best],
            choice,
            table_of(models, scores, powers),
            best,
            float(scores.thresholds[best]),
            float(scores.criterion[best]),
        )
        return replace(result, **more)


def fit_one(
    data: Data,
    settings: Settings,
    start: Model | None = None,
    tell: Tell | None = None,
    *,
    is_of_pack: bool = False,
) -> FitResult:
    """Solve a single problem, which may be the refit of a pack's best candidate."""
    training = Training(data, settings)
    grid = training.grid()
    has_start = start is not None
    choice = training.solver_for(grid, begins_near=is_of_pack, has_start=has_start)
    begin = None if start is None else [start]
    models = list(training.path(choice, grid, start=begin, watch=watched(tell, None)))
    table = table_of(models, None, None)
    return FitResult(models[0], choice, table, moments=training.moments(data.weight))


def fit_pack(
    data: Data,
    settings: Settings,
    validation: Validation,
    variants: list[Variant],
    *,
    gives_up: bool,
    tell: Tell | None = None,
) -> FitResult:
    """Train all candidates on `data` and choose by the validation rows.

    Parameters
    ----------
    data : Data
        Without class weights.
    settings : Settings
    validation : Validation
    variants : list of Variant
        Each has its own candidates, in the order of the list.
    gives_up : bool
        Whether hopeless candidates are left unfinished or skipped.
    tell : callable, default=None
    """
    models: list[Model] = []
    powers: list[float] = []
    moments: dict[str, Any] = {}
    given_up: set[int] = set()
    for variant in variants:
        training = Training(data.weighted(variant.factor), settings)
        grid = training.grid()
        choice = training.solver_for(grid)
        own: list[Model] = []
        has_rivals = gives_up and len(grid) > 1 and len(training.problems) == 1
        is_hopeless = _noted(validation.watch(), given_up, len(models)) if has_rivals else None
        for model in training.path(
            choice,
            grid,
            watch=watched(tell, is_hopeless),
            loss_of=validation.loss_of,
            is_over=_asked(training, grid, validation, own) if gives_up else None,
        ):
            if model.is_skipped:
                given_up.add(len(models) + len(own))
            own.append(model)
        models += own
        powers += [variant.power] * len(grid)
        moments = training.moments(data.weight)
    scores = validation.score(models)
    return FitResult.of(
        models,
        choice,
        scores,
        powers if len(variants) > 1 else None,
        moments=moments,
        given_up=given_up,
        threshold_rows=validation.threshold_rows(
            lambda: validation.decisions([models[scores.best]])[0]
        ),
    )


def _asked(
    training: Training, grid: list[PenaltyParams], validation: Validation, models: list[Model]
) -> Callable[[int], bool]:
    """Return a predicate: skip this candidate? It evaluates the last model only when called."""
    ending: PathStopping | None = None

    def is_over(number: int) -> bool:
        nonlocal ending
        settings, last = training.settings, models[-1]
        if ending is None:
            null = np.tile(training.null_intercept(), (len(validation.data), 1))
            ending = PathStopping(
                grid,
                validation.mean_loss(null) if settings.loss.is_positive else None,
                settings.tol,
                is_even=settings.standardize,
            )
        if not last.is_skipped:
            loss = validation.loss_of(last.coef, last.intercept)
            ending.see(number - 1, loss, last.left)
        return ending.is_over(number)

    return is_over


def _noted(watch: Watch, given_up: set[int], first: int) -> Watch:
    """Return a watch that also records the candidates it gives up, numbered from `first`."""

    def noting(
        candidate: int, coef: Float64Array, intercept: Float64Array, certificate: float
    ) -> bool:
        hopeless = watch(candidate, coef, intercept, certificate)
        if hopeless:
            given_up.add(first + candidate)
        return hopeless

    return noting


def watched(tell: Tell | None, is_hopeless: Watch | None) -> Watch | None:
    """Return a watch that reports each iterate and gives up hopeless candidates."""
    if tell is None:
        return is_hopeless

    def watch(
        candidate: int, coef: Float64Array, intercept: Float64Array, certificate: float
    ) -> bool:
        stops = tell(coef, intercept)
        hopeless = is_hopeless is not None and is_hopeless(candidate, coef, intercept, certificate)
        return stops or hopeless

    return watch


def refitted(
    result: FitResult, data: Data, settings: Settings, tell: Tell | None = None
) -> FitResult:
    """Return the result with its best candidate retrained on other rows."""
    best = result.model.params
    settings = replace(settings, alpha=best.alpha, l1_ratio=best.l1_ratio)
    again = fit_one(data, settings, result.model, tell, is_of_pack=True)
    return replace(result, model=again.model, choice=again.choice, moments=again.moments)


def table_of(
    models: list[Model], scores: Scores | None, powers: list[float] | None
) -> dict[str, NDArray[Any]]:
    """Return `candidates_`."""
    table: dict[str, NDArray[Any]] = {
        "alpha": np.array([model.params.alpha for model in models]),
        "l1_ratio": np.array([model.params.l1_ratio for model in models]),
    }
    if powers is not None:
        table["class_weight_power"] = np.array(powers)
    for name in ("objective", "certificate", "n_iter", "converged"):
        table[name] = np.array([getattr(model, name) for model in models])
    if scores is not None:
        table.update(scores.columns)
    table["coef"] = np.array([model.coef for model in models])
    table["intercept"] = np.array([model.intercept for model in models])
    return table
