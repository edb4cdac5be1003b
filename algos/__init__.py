"""Amazon SageMaker's built-in algorithms as fast scikit-learn estimators.

Names are loaded when they are first used (PEP 562): `import algos` computes nothing.
"""

import importlib

__version__ = "0.1.0.dev0"

_HOMES = {
    "DeepARForecaster": "algos.deepar.estimator",
    "FactorizationMachineClassifier": "algos.factorization_machine.classifier",
    "FactorizationMachineRegressor": "algos.factorization_machine.regressor",
    "KMeans": "algos.kmeans.estimator",
    "LatentDirichletAllocation": "algos.lda.estimator",
    "LinearLearnerClassifier": "algos.linear_learner.classifier",
    "LinearLearnerRegressor": "algos.linear_learner.regressor",
    "PCA": "algos.pca.estimator",
    "RandomCutForest": "algos.random_cut_forest.estimator",
    "show_versions": "algos._show_versions",
}
_SUBMODULES = (
    "callbacks",
    "deepar",
    "factorization_machine",
    "kmeans",
    "lda",
    "linear_learner",
    "metrics",
    "pca",
    "plotting",
    "random_cut_forest",
)

__all__ = [
    "DeepARForecaster",
    "FactorizationMachineClassifier",
    "FactorizationMachineRegressor",
    "KMeans",
    "LatentDirichletAllocation",
    "LinearLearnerClassifier",
    "LinearLearnerRegressor",
    "PCA",
    "RandomCutForest",
    "__version__",
    "callbacks",
    "deepar",
    "factorization_machine",
    "kmeans",
    "lda",
    "linear_learner",
    "metrics",
    "pca",
    "plotting",
    "random_cut_forest",
    "show_versions",
]


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"algos.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'algos' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # the next access is an ordinary one
    return value


def __dir__():
    return sorted(globals().keys() | _HOMES.keys() | set(_SUBMODULES))
