"""Parameters of a linear learner that have no effect on a fit."""

from __future__ import annotations

from typing import Any

_OF_STEPS = (
    "optimizer", "learning_rate_init", "momentum", "beta_1", "beta_2",
    "intercept_learning_rate_factor", "alpha_intercept", "learning_rate_step",
    "learning_rate_factor", "learning_rate_min", "batch_size", "n_iter_no_change",
    "min_improvement", "init", "init_scale", "init_intercept",
)  # fmt: skip
_OF_OPTIMIZERS = {"momentum": "sgd", "beta_1": "adam", "beta_2": "adam"}
_OF_CRITERIA = {
    "target_recall": "precision_at_target_recall",
    "target_precision": "recall_at_target_precision",
    "beta": "f_beta",
}
_OF_LOSSES = {
    "margin": ("hinge", "squared_hinge"),
    "quantile": ("quantile",),
    "epsilon": ("epsilon_insensitive", "squared_epsilon_insensitive"),
    "delta": ("huber",),
    "power": ("tweedie",),
}


def unused(estimator: Any, solver: str) -> dict[str, str]:
    """Return the parameters that a fit by a solver does not use, and what would use them."""
    names = {
        name: f"selection_criterion={criterion!r}"
        for name, criterion in _OF_CRITERIA.items()
        if estimator.selection_criterion != criterion
    }
    names.update(unused_of_losses(str(estimator.loss)))
    if "f_beta" in estimator.candidates_:
        names.pop("beta", None)
    if not isinstance(estimator.alpha, str):
        names["n_alphas"] = "alpha='auto'"
    if solver != "sgd":
        batches = "" if estimator.loss == "squared_error" else " or `partial_fit`"
        return {**names, **dict.fromkeys(_OF_STEPS, f"solver='sgd'{batches}")}
    for name, optimizer in _OF_OPTIMIZERS.items():
        if estimator.optimizer != optimizer:
            names[name] = f"optimizer={optimizer!r}"
    if estimator.init == "zeros":
        names["init_scale"] = "another `init`"
    return names


def unused_of_losses(loss: str) -> dict[str, str]:
    """Return the parameters of other losses, and the losses that use them."""
    names = {
        name: " or ".join(f"loss={one!r}" for one in losses)
        for name, losses in _OF_LOSSES.items()
        if loss not in losses
    }
    if loss == "huber":  # scikit-learn's name for delta
        names["epsilon"] += "; for loss='huber' use delta"
    return names
