"""Reports of a fit: verbose output, warnings and `history_`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from algos._common.arrays import Float64Array
from algos._common.verbose import say
from algos._common.warn import warn
from algos.linear_learner.pack import FitResult
from algos.linear_learner.trained import Model

# Columns of `candidates_` that show how well a criterion was met that is not a column itself.
_MET_BY = {
    "precision_at_target_recall": ("precision", "recall"),
    "recall_at_target_precision": ("recall", "precision"),
}

_STOPPED = "a callback stopped the fit"


def tell(estimator: Any, result: FitResult) -> None:
    """Print a line for each of several candidates and one for the model, if `verbose`."""
    if not estimator.verbose:
        return
    say(estimator, f"solver_ {result.choice.name!r}: {result.choice.reason}")
    if len(result.candidates["alpha"]) > 1:
        _tell_candidates(estimator, result)
    model = result.model
    figures = {
        "objective": model.objective,
        model.criterion or "certificate": model.certificate,
        "iterations": model.n_iter,
    }
    text = f"alpha_ {estimator.alpha_:.6g}, l1_ratio_ {estimator.l1_ratio_:.6g}"
    say(estimator, text, level=1, **figures)


def _tell_candidates(estimator: Any, result: FitResult) -> None:
    table, criterion = result.candidates, estimator.selection_criterion
    told = ("alpha", "l1_ratio", "class_weight_power", "n_iter", "validation_loss")
    names = (*told, *_MET_BY.get(criterion, (criterion,)))
    for i, converged in enumerate(table["converged"]):
        figures = {name: float(table[name][i]) for name in names if name in table}
        state = "" if converged else ", stopped" if i in result.given_up else ", unfinished"
        state += ", chosen" if i == result.best else ""
        say(estimator, f"candidate {i}{state}", level=1, **figures)


def tell_batch(estimator: Any, n_rows: int, loss: float | None) -> None:
    """Print a line for a batch of `partial_fit`, if `verbose`.

    Parameters
    ----------
    estimator : estimator
    n_rows : int
        Number of rows of all batches so far.
    loss : float or None
        Mean loss of the batch before it was learned; None if there was no model.
    """
    known = "" if loss is None else f", loss before learning {loss:.6g}"
    say(estimator, f"rows seen {n_rows}{known}")


def warn_unless_converged(estimator: Any, model: Model, *, is_stopped: bool = False) -> None:
    """Warn if the fit did not converge, and say which parameter would help.

    Parameters
    ----------
    estimator : estimator
    model : Model
    is_stopped : bool, default=False
        Whether a callback has stopped the fit.
    """
    if model.converged:
        return
    name = type(estimator).__name__
    if model.certificate <= estimator.tol:
        warn(
            f"{name} stopped after {model.n_iter} iterations; the loss keeps falling as "
            f"coefficients grow, since the data are separable; write alpha > 0, for example "
            f"alpha=1e-4, instead of alpha={estimator.alpha!r}",
            ConvergenceWarning,
        )
        return
    warn(
        f"{name} stopped after {model.n_iter} iterations with a {model.criterion} of "
        f"{model.certificate:.3g} relative to the null model's objective, above "
        f"tol={estimator.tol}; {_STOPPED if is_stopped else _what_helps(estimator, model)}",
        ConvergenceWarning,
    )


def warn_of_missed_target(estimator: Any, result: FitResult) -> None:
    """Warn if no threshold of any candidate reaches the target precision or recall."""
    criterion = estimator.selection_criterion
    if criterion not in _MET_BY or not result.criterion < 0:
        return
    name = _MET_BY[criterion][1]
    parameter = f"target_{name}"
    best = float(result.candidates[name][result.best])
    warn(
        f"{type(estimator).__name__} found no threshold that reaches {parameter}="
        f"{getattr(estimator, parameter)!r} on the validation rows: the {name} of the chosen "
        f"model is {best:.3g} there; lower {parameter}, or use other validation rows"
    )


def _what_helps(estimator: Any, model: Model) -> str:
    alpha = float(estimator.alpha_)
    more = f"raise alpha={alpha!r}" if alpha > 0 else "give an alpha above 0, such as alpha=1e-4,"
    unsure = "if the data do not determine the coefficients"
    if model.n_iter >= estimator.max_iter:
        return f"raise max_iter={estimator.max_iter} or tol, or {more} {unsure}"
    return (
        f"solver_={estimator.solver_!r} found no further improvement, so a larger max_iter would "
        f"not help: raise tol if this accuracy is enough, {more} {unsure}, or choose another "
        f"solver"
    )


def history_of(result: FitResult) -> dict[str, Float64Array]:
    """Return `history_`, with NaN for values that are not known.

    Stochastic steps compute the validation loss after each epoch, other solvers at the end. It
    is unknown for a model that was also trained on the validation rows.
    """
    model, table = result.model, result.candidates
    unknown = validation = np.full(len(model.objectives), np.nan)
    if model.validations:
        validation = np.array(model.validations)
    elif "validation_loss" in table and len(unknown):
        best = result.best
        is_that = not result.by_folds and np.array_equal(model.coef, table["coef"][best])
        if is_that:  # not refitted
            validation = np.append(unknown[1:], table["validation_loss"][best])
    return {
        "objective": np.array(model.objectives),
        "seconds": np.array(model.seconds) if model.seconds else unknown,
        "validation": validation,
    }
