"""The list of all public estimators; every contract test runs over it.

A new room adds one line for each solver. What an estimator can do (weights, sparse rows,
streaming, callbacks) is read off the class and its tags, never stated here.
"""

import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

import algos
from tests.common.running_mean import RunningMeanRegressor

DUAL = {"loss": "squared_hinge", "solver": "dual_coordinate_descent", "alpha": 0.1, "tol": 1e-12}
COLUMNS = {
    "loss": "huber",
    "solver": "coordinate_descent",
    "alpha": 0.1,
    "l1_ratio": 0.5,
    "tol": 1e-10,
}

# A network that learns in milliseconds.
TINY = {
    "prediction_length": 2,
    "context_length": 3,
    "hidden_size": 4,
    "max_iter": 3,
    "n_batches": 2,
    "batch_size": 4,
    "n_samples": 10,
}

# (class name, parameters beyond the defaults): the default instance and one per solver.
ENTRIES: list[tuple[str, dict[str, Any]]] = [
    ("DeepARForecaster", TINY),
    ("DeepARForecaster", {**TINY, "likelihood": "gaussian", "early_stopping": True}),
    ("DeepARForecaster", {**TINY, "likelihood": "negative_binomial", "zoneout": 0.1}),
    ("FactorizationMachineClassifier", {}),
    ("FactorizationMachineClassifier", {"solver": "mcmc", "max_iter": 20}),
    ("FactorizationMachineClassifier", {"solver": "als", "tol": 0}),
    ("FactorizationMachineClassifier", {"solver": "adagrad", "tol": 0}),
    ("FactorizationMachineRegressor", {}),
    ("FactorizationMachineRegressor", {"solver": "als", "tol": 0}),
    ("FactorizationMachineRegressor", {"solver": "adagrad", "tol": 0}),
    ("FactorizationMachineRegressor", {"loss": "ordered_probit", "max_iter": 20}),
    ("KMeans", {}),
    ("KMeans", {"algorithm": "lloyd"}),
    ("KMeans", {"algorithm": "elkan"}),
    ("KMeans", {"algorithm": "quantized"}),
    ("KMeans", {"init": "random"}),
    ("KMeans", {"metric": "cosine"}),
    ("LatentDirichletAllocation", {}),
    ("LatentDirichletAllocation", {"learning_method": "batch"}),
    ("LatentDirichletAllocation", {"learning_method": "online"}),
    ("LatentDirichletAllocation", {"learning_method": "cvb0", "doc_topic_prior": "auto"}),
    ("LatentDirichletAllocation", {"learning_method": "spectral"}),
    ("LinearLearnerClassifier", {}),
    ("LinearLearnerClassifier", {"solver": "lbfgs", "alpha": 0.01}),
    ("LinearLearnerClassifier", {"loss": "hinge", "alpha": 0.01}),
    ("LinearLearnerClassifier", DUAL),
    ("LinearLearnerClassifier", {"solver": "sgd", "loss": "perceptron", "max_iter": 100}),
    ("LinearLearnerRegressor", {}),
    ("LinearLearnerRegressor", {"alpha": 0.1, "l1_ratio": 0.5}),
    ("LinearLearnerRegressor", {"loss": "huber", "alpha": 0.1}),
    ("LinearLearnerRegressor", {"loss": "quantile", "alpha": 0.1}),
    ("LinearLearnerRegressor", {"loss": "poisson", "alpha": 0.1}),
    ("LinearLearnerRegressor", COLUMNS),
    ("PCA", {}),
    ("PCA", {"svd_solver": "full"}),
    ("PCA", {"svd_solver": "covariance_eigh"}),
    ("PCA", {"svd_solver": "arpack", "n_components": 1}),
    ("PCA", {"svd_solver": "randomized", "n_components": 2}),
    ("PCA", {"svd_solver": "sketch", "n_components": 2}),
    ("RandomCutForest", {}),
    ("RandomCutForest", {"score_method": "expected_inverse_depth", "scale": None}),
    ("RandomCutForest", {"score_method": "depth", "scale": "standard"}),
    ("RandomCutForest", {"score_method": "displacement", "contamination": 0.1}),
    ("RandomCutForest", {"score_method": "collusive_displacement", "scale": "streaming"}),
    ("RandomCutForest", {"missing_values": "impute"}),
    ("RunningMeanRegressor", {}),
    ("RunningMeanRegressor", {"early_stopping": True}),
]

# Kept small for the contract tests: what an instance gets beyond its entry.
SMALL: dict[str, dict[str, Any]] = {
    "FactorizationMachineClassifier": {"n_factors": 4, "max_iter": 20},
    "FactorizationMachineRegressor": {"n_factors": 4, "max_iter": 20},
    "KMeans": {"n_clusters": 3},
    "LatentDirichletAllocation": {"n_components": 3, "max_iter": 8},
    "LinearLearnerClassifier": {"n_alphas": 12},
    "LinearLearnerRegressor": {"n_alphas": 12},
    "PCA": {"n_components": 2},
    "RandomCutForest": {"n_estimators": 20},
}


# Solvers that come near an optimum bit by bit.
_FIRST_ORDER = ("lbfgs", "coordinate_descent", "dual_coordinate_descent")

# Solvers that look up, and tell callbacks, after some iterations.
_SELDOM = ("interior_point", "dual_coordinate_descent", "gram")


def find_class(name: str) -> type:
    if name == "RunningMeanRegressor":
        return RunningMeanRegressor
    return getattr(algos, name)


@dataclass(frozen=True)
class Case:
    """One estimator with its parameters, and data to fit it on."""

    kind: type
    parameters: dict[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> str:
        text = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"{self.kind.__name__}({text})"

    @property
    def is_ours(self) -> bool:
        """Whether it is an estimator of the package, and not one that only tests use."""
        return self.kind.__module__.startswith("algos.")

    def default(self) -> Any:
        """Return the instance as listed."""
        return self.kind(**self.parameters)

    def make(self, **parameters: Any) -> Any:
        """Return a seeded instance that suits the data of `rows`."""
        small = dict(SMALL.get(self.kind.__name__, {}))
        if "alpha" in self.parameters:
            small.pop("n_alphas", None)
        estimator = self.default().set_params(**small)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=0)
        return estimator.set_params(**parameters)

    def has(self, name: str) -> bool:
        """Tell whether the estimator has that parameter or method."""
        # Some methods depend on parameters; others are there only after `fit`.
        owner = self.default() if name == "partial_fit" else self.kind
        return name in self.default().get_params() or hasattr(owner, name)

    def tells_each_iteration(self) -> bool:
        """Tell whether each iteration is a task of its own."""
        return getattr(self.fitted(), "solver_", None) not in _SELDOM

    @property
    def slack(self) -> float:
        """How much more than by rounding two ways to one optimum may differ."""
        is_exact = self.parameters.get("loss") not in ("hinge", "quantile") and (
            self.parameters.get("solver") not in _FIRST_ORDER
        )
        return 1.0 if is_exact else 1e5

    @property
    def few_sweeps(self) -> dict[str, Any]:
        """Parameters of a fit so short that what is drawn does not yet part by rounding.

        A chain of draws loses up to a digit a sweep, and so do two chains that began alike.
        """
        return {"max_iter": 3} if getattr(self.fitted(), "solver_", None) == "mcmc" else {}

    @property
    def takes_weights(self) -> bool:
        return has_fit_parameter(self.default(), "sample_weight")

    @property
    def takes_sparse(self) -> bool:
        return get_tags(self.default()).input_tags.sparse

    @property
    def columns_are_times(self) -> bool:
        """Whether rows are series, so that columns have no names and any number is right."""
        return get_tags(self.default()).no_validation

    @property
    def takes_missing(self) -> bool:
        return get_tags(self.default()).input_tags.allow_nan

    def rows(self, n_rows: int = 200, n_columns: int = 5, seed: int = 0) -> Any:
        """Return float64 rows in a few groups, some of them alike."""
        rng = np.random.default_rng(seed)
        centres = rng.normal(scale=4, size=(3, n_columns))
        X = centres[rng.integers(3, size=n_rows)] + rng.normal(size=(n_rows, n_columns))
        X[np.abs(X) < 0.3] = 0
        X[n_rows // 2 : n_rows // 2 + n_rows // 10] = X[: n_rows // 10]
        return np.abs(X) if get_tags(self.default()).input_tags.positive_only else X

    def target(self, X: Any) -> Any:
        """Return what `fit` takes beside X: classes, numbers or None."""
        values = np.asarray(X, dtype=np.float64) @ np.arange(1.0, X.shape[1] + 1) + 1
        if is_classifier(self.default()):
            is_high = values > np.median(values)
            if not is_high.any():  # rows that are all alike
                is_high[::2] = True
            return np.where(is_high, "high", "low")
        if get_tags(self.default()).target_tags.positive_only:
            values = np.exp(values / max(np.abs(values).max(), 1.0))
        if self.parameters.get("loss") == "ordered_probit":
            # Few levels, so that all rows that are drawn have the same ones.
            return np.digitize(values, np.quantile(values, [0.3, 0.6])).astype(np.float64)
        return values if is_regressor(self.default()) else None

    def fitted(self, X: Any = None, **parameters: Any) -> Any:
        X = self.rows() if X is None else X
        return self.make(**parameters).fit(X, self.target(X))


CASES = [Case(find_class(name), parameters) for name, parameters in ENTRIES]

all_cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def cases_where(condition: Any) -> Any:
    """Parametrize over the estimators for which the claim is meant."""
    chosen = [case for case in CASES if condition(case)]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.id)


# What turns rows into results; each is compared wherever two fits must agree.
OUTPUTS = (
    "predict",
    "predict_proba",
    "decision_function",
    "transform",
    "score_samples",
)


def outputs(estimator: Any, X: Any) -> dict[str, Any]:
    """Return the results of every method that the estimator has, by name."""
    return {name: getattr(estimator, name)(X) for name in OUTPUTS if hasattr(estimator, name)}


def learned(estimator: Any) -> dict[str, Any]:
    """Return the fitted attributes but for the times, which no two runs share."""
    for name in getattr(estimator, "_deferred", ()):
        getattr(estimator, name, None)  # a model that waits to be read is made
    found = {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("_")
    }
    if "history_" in found:
        found["history_"] = {k: v for k, v in found["history_"].items() if k != "seconds"}
    return found


def assert_same_bits(a: Any, b: Any, where: str = "") -> None:
    """Compare dicts, arrays, numbers and strings down to the last bit."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key, value in a.items():
            assert_same_bits(value, b[key], f"{where}.{key}")
    elif isinstance(a, (np.ndarray, np.generic, float)):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), where
        assert a.tolist() == b.tolist() or a.tobytes() == b.tobytes(), where
    else:
        assert a == b, where


def assert_close(a: Any, b: Any, dtype: Any, factor: float = 1e3) -> None:
    """Compare results up to rounding in `dtype`, relative to the largest value."""
    for name, value in a.items():
        value, other = np.asarray(value), np.asarray(b[name])
        if value.dtype.kind in "fc":
            scale = max(1.0, float(np.abs(value).max(initial=0)))
            tolerance = factor * np.finfo(dtype).eps * scale
            np.testing.assert_allclose(value, other, rtol=0, atol=tolerance, err_msg=name)
        else:
            assert value.tolist() == other.tolist(), name


def assert_plain(value: Any, where: str) -> None:
    """Assert that only arrays, numbers, strings and estimators are in `value`."""
    if isinstance(value, dict):
        for key, item in value.items():
            assert isinstance(key, str), where
            assert_plain(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for item in value:
            assert_plain(item, where)
    elif isinstance(value, np.ndarray):
        is_names = value.dtype == object and all(isinstance(v, str) for v in value.flat)
        assert value.dtype != object or is_names, where
    else:
        plain = (numbers.Number, np.generic, str, bool, type(None), BaseEstimator)
        assert isinstance(value, plain), f"{where}: {type(value)}"
