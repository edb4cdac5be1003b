from algos import (
    callbacks as callbacks,
    kmeans as kmeans,
    linear_learner as linear_learner,
    pca as pca,
    plotting as plotting,
)
from algos._show_versions import show_versions as show_versions
from algos.kmeans.estimator import KMeans as KMeans
from algos.linear_learner.classifier import LinearLearnerClassifier as LinearLearnerClassifier
from algos.linear_learner.regressor import LinearLearnerRegressor as LinearLearnerRegressor
from algos.pca.estimator import PCA as PCA

__version__: str
__all__ = [
    "KMeans",
    "LinearLearnerClassifier",
    "LinearLearnerRegressor",
    "PCA",
    "__version__",
    "callbacks",
    "kmeans",
    "linear_learner",
    "pca",
    "plotting",
    "show_versions",
]
