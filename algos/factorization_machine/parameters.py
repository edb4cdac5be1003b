"""Constraints of the parameters that classifier and regressor share."""

from __future__ import annotations

from numbers import Integral, Real

from algos._common.params import (
    N_JOBS,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INT,
    SHARE,
    VERBOSE,
    ArrayLike as IsArrayLike,
    Boolean,
    Constraint,
    Interval,
    Options,
    RandomState,
)

NUMBER = Interval(Real, None, None, closed="neither")

SOLVERS = ("mcmc", "als", "adagrad")
INITS = ("normal", "uniform", "constant")

SOLVER_NAMES = Options(
    "auto",
    *SOLVERS,
    aliases={
        "gibbs": "mcmc",
        "bayesian": "mcmc",
        "sgd": "adagrad",
        "adam": "adagrad",
        "ftrl": "adagrad",
        "sgda": "adagrad",
        "cd": "als",
        "coordinate_descent": "als",
    },
)

# Rows of the constraint table that both kinds share.
SHARED_PARAMETERS: dict[str, list[Constraint | None]] = {
    "solver": [SOLVER_NAMES],
    "max_iter": [Options("auto"), POSITIVE_INT],
    "tol": [NON_NEGATIVE],
    "burn_in": [Options("auto"), Interval(Integral, 0, None)],
    "n_draws": [POSITIVE_INT],
    "feature_groups": [Options("auto"), IsArrayLike(), None],
    "alpha": [Options("auto"), NON_NEGATIVE],
    "alpha_linear": [Options("auto"), NON_NEGATIVE],
    "alpha_intercept": [NON_NEGATIVE],
    "learning_rate_init": [Options("auto"), NON_NEGATIVE],
    "learning_rate_linear": [Options("auto"), NON_NEGATIVE],
    "learning_rate_intercept": [Options("auto"), NON_NEGATIVE],
    "batch_size": [Options("auto"), POSITIVE_INT],
    "clip_gradient": [POSITIVE, None],
    "initial_accumulator_value": [Options("auto"), POSITIVE],
    "init": [Options(*INITS)],
    "init_scale": [Options("auto"), NON_NEGATIVE],
    "init_linear": [Options("zeros", *INITS)],
    "init_linear_scale": [NUMBER],
    "init_intercept": [NUMBER, None],
    "early_stopping": [Options("auto"), Boolean()],
    "validation_fraction": [SHARE],
    "n_iter_no_change": [Options("auto"), POSITIVE_INT],
    "warm_start": [Boolean()],
    "random_state": [RandomState()],
    "n_jobs": N_JOBS,
    "verbose": VERBOSE,
}
