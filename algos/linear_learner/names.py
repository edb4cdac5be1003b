"""Names of losses, solvers and criteria, and other libraries' names for them and for parameters.

A foreign name is refused with an error that names ours (see `algos._common.params`).
"""

from __future__ import annotations

from algos._common.params import Options
from algos.linear_learner.solvers.choice import SOLVERS
from algos.linear_learner.threshold import CRITERIA

CLASSIFIER_LOSS_NAMES = ("log_loss", "hinge", "squared_hinge", "perceptron")
REGRESSOR_LOSS_NAMES = (
    "squared_error",
    "absolute_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "quantile",
    "poisson",
    "gamma",
    "tweedie",
)

_CLASSIFIER_ALIASES = {
    "bce": "log_loss",
    "binary_crossentropy": "log_loss",
    "cross_entropy": "log_loss",
    "hinge_loss": "hinge",
    "log": "log_loss",
    "logistic": "log_loss",
    "logistic_loss": "log_loss",
    "multinomial": "log_loss",
    "softmax": "log_loss",
    "softmax_loss": "log_loss",
    "svm": "hinge",
}
_REGRESSOR_ALIASES = {
    "absolute_loss": "absolute_error",
    "eps_insensitive_absolute_loss": "epsilon_insensitive",
    "eps_insensitive_squared_loss": "squared_epsilon_insensitive",
    "huber_loss": "huber",
    "l1": "absolute_error",
    "l2": "squared_error",
    "lad": "absolute_error",
    "least_squares": "squared_error",
    "mae": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "mean_squared_error": "squared_error",
    "mse": "squared_error",
    "ols": "squared_error",
    "pinball": "quantile",
    "quantile_loss": "quantile",
    "rmse": "squared_error",
    "squared_loss": "squared_error",
}


def _calls(kind: str, names: tuple[str, ...], aliases: dict[str, str]) -> dict[str, str]:
    ours = {**{name: name for name in names}, **aliases}
    return {name: f"{kind}(loss={loss!r})" for name, loss in ours.items()}


CLASSIFIER_LOSSES = Options(
    *CLASSIFIER_LOSS_NAMES,
    aliases=_CLASSIFIER_ALIASES,
    elsewhere=_calls("LinearLearnerRegressor", REGRESSOR_LOSS_NAMES, _REGRESSOR_ALIASES),
)
REGRESSOR_LOSSES = Options(
    *REGRESSOR_LOSS_NAMES,
    aliases=_REGRESSOR_ALIASES,
    elsewhere=_calls("LinearLearnerClassifier", CLASSIFIER_LOSS_NAMES, _CLASSIFIER_ALIASES),
)
CLASSIFIER_CRITERIA = Options(
    *CRITERIA,
    aliases={
        "cross_entropy_loss": "loss",
        "f1": "f_beta",
        "log_loss": "loss",
        "loss_function": "loss",
    },
    elsewhere=dict.fromkeys(("auc", "roc_auc"), "sklearn's GridSearchCV(scoring='roc_auc')"),
)
REGRESSOR_CRITERIA = Options(
    "loss",
    "squared_error",
    "absolute_error",
    aliases={"loss_function": "loss", "mae": "absolute_error", "mse": "squared_error"},
)
SOLVER_NAMES = Options(
    "auto",
    *SOLVERS,
    aliases={
        "cd": "coordinate_descent",
        "cholesky": "gram",
        "highs": "interior_point",
        "liblinear": "auto",
        "lsqr": "auto",
        "newton-cg": "newton",
        "newton-cholesky": "newton",
        "sag": "auto",
        "saga": "auto",
        "svd": "gram",
    },
)

_PATH = "alpha='auto' or an array of values, among which validation rows choose"

# Parameters of scikit-learn's linear models and of SageMaker's, and what to write instead.
_SHARED_FOREIGN_NAMES = {
    "C": "alpha=1 / (C * n_samples), and standardize=False for the same units",
    "Cs": _PATH,
    "alphas": _PATH,
    "average": "nothing: solver='sgd' and partial_fit average their steps",
    "bias_lr_mult": "intercept_learning_rate_factor=…, with solver='sgd'",
    "bias_wd_mult": "alpha_intercept=…, which is a penalty and not a factor",
    "copy_X": "nothing: X is never written to",
    "cv": "validation_fraction='auto', 5 folds for few rows, or pass X_val and y_val to fit",
    "dual": "solver='dual_coordinate_descent', or leave it to solver='auto'",
    "early_stopping_patience": "n_iter_no_change=…, with solver='sgd'",
    "early_stopping_tolerance": "min_improvement=…, with solver='sgd'",
    "epochs": "max_iter=…, with solver='sgd'",
    "eps": "nothing: alpha='auto' finds where its values begin and end",
    "eta0": "learning_rate_init=…",
    "feature_dim": "nothing: it is taken from X",
    "init_bias": "init_intercept=…, with solver='sgd'",
    "init_method": "init=…, with solver='sgd'",
    "init_sigma": "init_scale=… and init='normal', with solver='sgd'",
    "intercept_learning_rate": "intercept_learning_rate_factor=…",
    "intercept_scaling": "nothing: the intercept is never penalised",
    "l1": "alpha=wd + l1 and l1_ratio=l1 / (wd + l1)",
    "l2": "alpha=… and l1_ratio=0",
    "lambda": "alpha=…",
    "lambda_": "alpha=…",
    "l1_ratios": "l1_ratio=…, which may be an array",
    "learning_rate": "learning_rate_init=…",
    "learning_rate_intercept": "intercept_learning_rate_factor=…, a factor of the learning rate",
    "lr": "learning_rate_init=…",
    "lr_scheduler_factor": "learning_rate_factor=…, with solver='sgd'",
    "lr_scheduler_minimum_lr": "learning_rate_min=…, with solver='sgd'",
    "lr_scheduler_step": "learning_rate_step=…, with solver='sgd'",
    "mini_batch_size": "batch_size=…, with solver='sgd'",
    "multi_class": "loss='log_loss' for multinomial; other losses are one-vs-rest",
    "n_epochs": "max_iter=…, with solver='sgd'",
    "normalize": "standardize=…",
    "normalize_data": "standardize=…",
    "num_models": "n_alphas=…, with alpha='auto'",
    "num_point_for_scaler": "nothing: means and deviations are those of all rows",
    "penalty": "l1_ratio=0 for 'l2', l1_ratio=1 for 'l1', between for 'elasticnet', and "
    "alpha=0 for none",
    "positive": "nothing: coefficients cannot be restricted to one sign",
    "power_t": "learning_rate_step=… and learning_rate_factor=…, with solver='sgd'",
    "precompute": "solver='gram', or leave it to solver='auto'",
    "predictor_type": "nothing: use LinearLearnerClassifier or LinearLearnerRegressor",
    "reg_lambda": "alpha=…",
    "scoring": "selection_criterion=…",
    "seed": "random_state=…",
    "selection": "nothing: each solver has its own order of columns",
    "shuffle": "nothing: solver='sgd' shuffles rows, by random_state=…",
    "solver_options": "nothing: solvers have no further options",
    "unbias_data": "nothing: dense columns are centred if there is an intercept, which does not "
    "change the solution",
    "use_bias": "fit_intercept=…",
    "use_lr_scheduler": "learning_rate_factor=1.0 in place of False, with solver='sgd'",
    "wd": "alpha=wd + l1 and l1_ratio=l1 / (wd + l1)",
    "weight_decay": "alpha=…",
}
_LABELS = "nothing: class labels are not scaled"
_UNIT = "nothing: y is learned in its own unit; sklearn's TransformedTargetRegressor scales it"


def _of_the_other(owner: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, f"nothing: it is a parameter of {owner} only")


CLASSIFIER_FOREIGN_NAMES = {
    **_SHARED_FOREIGN_NAMES,
    **_of_the_other(
        "LinearLearnerRegressor",
        "delta",
        "epsilon",
        "huber_delta",
        "loss_insensitivity",
        "power",
        "quantile",
    ),
    "accuracy_top_k": "top_k=…",
    "balance_multiclass_weights": "class_weight='balanced'",
    "binary_classifier_model_selection_criteria": "selection_criterion=…",
    "f_beta": "beta=…",
    "normalize_label": _LABELS,
    "num_calibration_samples": "nothing: all validation rows choose the threshold",
    "num_classes": "nothing: it is taken from y",
    "positive_example_weight_mult": "class_weight='balanced', 'auto' or a dict, {0: 1, 1: 5}",
    "threshold": "model.threshold_ = … after fit, or selection_criterion=… to have it chosen",
    "unbias_label": _LABELS,
}
REGRESSOR_FOREIGN_NAMES = {
    **_SHARED_FOREIGN_NAMES,
    **_of_the_other(
        "LinearLearnerClassifier",
        "accuracy_top_k",
        "balance_multiclass_weights",
        "binary_classifier_model_selection_criteria",
        "f_beta",
        "margin",
        "num_calibration_samples",
        "num_classes",
        "positive_example_weight_mult",
        "target_precision",
        "target_recall",
    ),
    "class_weight": "sample_weight in fit; a numeric target has no classes",
    "huber_delta": "delta=…",
    "loss_insensitivity": "epsilon=…",
    "normalize_label": _UNIT,
    "unbias_label": _UNIT,
}
