"""The parameters that classifier and regressor share, and what others call them."""

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
    "learning_rate_init": [Options("auto"), POSITIVE],
    "learning_rate_linear": [Options("auto"), POSITIVE],
    "learning_rate_intercept": [Options("auto"), POSITIVE],
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

# What SageMaker and the libraries of this field call our parameters.
FOREIGN_PARAMETERS: dict[str, str] = {
    "num_factors": "n_factors",
    "rank": "n_factors",
    "factors": "n_factors",
    "k": "n_factors",
    "n_components": "n_factors",
    "no_components": "n_factors",
    "feature_dim": "nothing: the number of columns is taken from X",
    "predictor_type": "nothing: there is a class for each of the two",
    "epochs": "max_iter",
    "epoch": "max_iter",
    "n_iter": "max_iter",
    "n_epochs": "max_iter",
    "mini_batch_size": "batch_size",
    "bias_lr": "learning_rate_intercept",
    "linear_lr": "learning_rate_linear",
    "factors_lr": "learning_rate_init",
    "intercept_learning_rate": "learning_rate_intercept",
    "learning_rate": "learning_rate_init",
    "lr": "learning_rate_init",
    "bias_wd": "alpha_intercept",
    "linear_wd": "alpha_linear",
    "factors_wd": "alpha",
    "reg": "alpha",
    "l2_reg": "alpha",
    "l2_reg_w": "alpha_linear",
    "l2_reg_V": "alpha",
    "l2_linear": "alpha_linear",
    "l2_factors": "alpha",
    "bias_init_method": "init_intercept, a number",
    "bias_init_sigma": "init_intercept, a number",
    "bias_init_scale": "init_intercept, a number",
    "bias_init_value": "init_intercept",
    "linear_init_method": "init_linear",
    "linear_init_sigma": "init_linear_scale with init_linear='normal'",
    "linear_init_scale": "init_linear_scale with init_linear='uniform'",
    "linear_init_value": "init_linear_scale with init_linear='constant'",
    "factors_init_method": "init",
    "factors_init_sigma": "init_scale with init='normal'",
    "factors_init_scale": "init_scale with init='uniform'",
    "factors_init_value": "init_scale with init='constant'",
    "init_stdev": "init_scale",
    "init_std": "init_scale",
    "eps": "initial_accumulator_value",
    "epsilon": "initial_accumulator_value",
    "seed": "random_state",
    "rescale_grad": "sample_weight in `fit`, which multiplies gradients",
    "group_shapes": "feature_groups, a label for each column",
    "n_samples": "n_draws, over which standard deviations are taken; means are over all",
}
