"""Constraints of the parameters that both linear learners have."""

from __future__ import annotations

from numbers import Real

from algos._common.params import (
    N_JOBS,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INT,
    SHARE,
    VERBOSE,
    ArrayLike,
    Boolean,
    Constraint,
    Interval,
    Options,
    RandomState,
)
from algos.linear_learner.names import SOLVER_NAMES
from algos.linear_learner.solvers.schedule import OPTIMIZERS

SHARED_PARAMETERS: dict[str, list[Constraint | None]] = {
    "alpha": [Options("auto"), NON_NEGATIVE, ArrayLike()],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), ArrayLike()],
    "fit_intercept": [Boolean()],
    "standardize": [Boolean()],
    "solver": [SOLVER_NAMES],
    "tol": [NON_NEGATIVE],
    "max_iter": [POSITIVE_INT],
    "n_alphas": [POSITIVE_INT],
    "validation_fraction": [Options("auto"), SHARE],
    "early_stopping": [Boolean()],
    "refit": [Boolean()],
    "warm_start": [Boolean()],
    "store_candidate_coef": [Boolean()],
    "optimizer": [Options(*OPTIMIZERS)],
    "learning_rate_init": [Options("auto"), POSITIVE],
    "momentum": [Interval(Real, 0, 1)],
    "beta_1": [Interval(Real, 0, 1)],
    "beta_2": [Interval(Real, 0, 1)],
    "intercept_learning_rate_factor": [POSITIVE],
    "alpha_intercept": [NON_NEGATIVE],
    "learning_rate_step": [POSITIVE_INT],
    "learning_rate_factor": [Interval(Real, 0, 1, closed="right")],
    "learning_rate_min": [NON_NEGATIVE],
    "batch_size": [Options("auto"), POSITIVE_INT],
    "n_iter_no_change": [POSITIVE_INT],
    "min_improvement": [NON_NEGATIVE],
    "init": [Options("zeros", "uniform", "normal")],
    "init_scale": [POSITIVE, None],
    "init_intercept": [Interval(Real, None, None, closed="neither"), None],
    "random_state": [RandomState()],
    "n_jobs": N_JOBS,
    "verbose": VERBOSE,
}
