"""The choice of a solver, of early stopping, and the parameters that a solver uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos.factorization_machine.parameters import SOLVERS
from algos.factorization_machine.rows import Table

# Multiplications per sweep of block updates beyond which stochastic steps are chosen.
_LONG_SWEEP = 4e10
# The same for two classes, chosen for time alone: 300 sweeps of this length take a few seconds.
# Measured log loss of sampling and of steps: ratings above 3, 80,000 rows .528 and .548; uses of
# apps, 10,000 rows .322 and .363, 40,000 rows .241 and .288.
_SHORT_SWEEP = 1.5e7
_ROWS_TO_STOP_BY = 500


def choose_solver(estimator: Any, table: Table, loss: str, n_classes: int) -> tuple[str, str]:
    """Return the solver and the reason for it.

    Raises
    ------
    ValueError
        If the requested solver does not support the loss.
    """
    asked = str(estimator.solver)
    if asked != "auto":
        _check_suits(asked, loss)
        return asked, "as requested"
    if loss == "bpr":
        return "adagrad", "ranking is learned by stochastic steps"
    if loss == "ordered_probit":
        return "mcmc", "ordered levels are learned best by sampling"
    sweep = table.rows.stored * (estimator.n_factors + 1.0) ** 2
    if loss == "squared_error":
        if sweep <= _LONG_SWEEP:
            return "mcmc", "sampling is the most accurate, and needs no tuning"
        return "adagrad", f"a sweep of sampling would take {sweep:.1g} multiplications"
    n_machines = n_classes if n_classes > 2 else 1
    is_small = sweep * n_machines <= _SHORT_SWEEP
    if is_small and (table.has_whole_weights or _weighs_classes(estimator, table, n_classes)):
        return "mcmc", "sampling is more accurate for data of this size"
    if is_small:
        return "adagrad", "Gibbs sampling needs integer sample weights"
    return "adagrad", "stochastic steps with early stopping suit classes"


def _weighs_classes(estimator: Any, table: Table, n_classes: int) -> bool:
    """Tell whether rows have the weights of their classes only."""
    is_weighted = getattr(estimator, "class_weight", None) is not None
    return is_weighted and len(np.unique(table.weight)) <= n_classes


_SOLVERS_OF = {"bpr": ("adagrad",), "ordered_probit": ("mcmc", "als")}  # of others all


def _check_suits(solver: str, loss: str) -> None:
    suited = _SOLVERS_OF.get(loss, SOLVERS)
    if solver not in suited:
        raise ValueError(
            f"`solver`={solver!r} must be 'auto' or one of {list(suited)} for loss={loss!r}; "
            f"choose one of them"
        )


# The solvers that use a parameter, where not all do.
_USERS = {
    **dict.fromkeys(("burn_in", "n_draws", "feature_groups"), ("mcmc",)),
    **dict.fromkeys(("tol", "alpha", "alpha_linear", "alpha_intercept"), ("als", "adagrad")),
    **dict.fromkeys(
        ("learning_rate_init", "learning_rate_linear", "learning_rate_intercept", "batch_size",
         "clip_gradient", "initial_accumulator_value", "early_stopping", "validation_fraction",
         "n_iter_no_change"),
        ("adagrad",),
    ),
}  # fmt: skip
# Pairs need no intercept, and ordered levels have cut points instead.
WITHOUT_INTERCEPT = "bpr", "ordered_probit"
OF_INTERCEPT = "alpha_intercept", "learning_rate_intercept"


def unused(estimator: Any, solver: str) -> dict[str, str]:
    """Return the parameters that have no effect here, each with what would use it."""
    suited = _SOLVERS_OF.get(estimator.loss, SOLVERS)
    found = {
        name: " or ".join(f"solver={user!r}" for user in users if user in suited) or "another loss"
        for name, users in _USERS.items()
        if solver not in users
    }
    if estimator.loss == "bpr":
        found |= dict.fromkeys((*found, "early_stopping", "validation_fraction"), "another loss")
    else:
        found["item_features"] = "loss='bpr'"
    if estimator.init_linear == "zeros":
        found["init_linear_scale"] = "another `init_linear`"
    if estimator.loss in WITHOUT_INTERCEPT:
        found |= dict.fromkeys(OF_INTERCEPT, "another loss")
    if not estimator.early_stopping:  # no solver stops early then
        found.pop("early_stopping", None)
    if solver == "mcmc" and estimator.tol == 0:  # as it asks, all of `max_iter` are made
        del found["tol"]
    return found


def stops_early(early_stopping: Any, solver: str, table: Table) -> bool:
    """Tell whether validation rows are held out for early stopping."""
    if solver != "adagrad" or table.groups is not None:
        return False
    if early_stopping == "auto":
        return table.rows.n >= _ROWS_TO_STOP_BY
    return bool(early_stopping)
