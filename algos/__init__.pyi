from algos import (
    callbacks as callbacks,
    deepar as deepar,
    factorization_machine as factorization_machine,
    kmeans as kmeans,
    lda as lda,
    linear_learner as linear_learner,
    metrics as metrics,
    pca as pca,
    plotting as plotting,
    random_cut_forest as random_cut_forest,
)
from algos._show_versions import show_versions as show_versions
from algos.deepar.estimator import DeepARForecaster as DeepARForecaster
from algos.factorization_machine.classifier import (
    FactorizationMachineClassifier as FactorizationMachineClassifier,
)
from algos.factorization_machine.regressor import (
    FactorizationMachineRegressor as FactorizationMachineRegressor,
)
from algos.kmeans.estimator import KMeans as KMeans
from algos.lda.estimator import LatentDirichletAllocation as LatentDirichletAllocation
from algos.linear_learner.classifier import LinearLearnerClassifier as LinearLearnerClassifier
from algos.linear_learner.regressor import LinearLearnerRegressor as LinearLearnerRegressor
from algos.pca.estimator import PCA as PCA
from algos.random_cut_forest.estimator import RandomCutForest as RandomCutForest

__version__: str
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
