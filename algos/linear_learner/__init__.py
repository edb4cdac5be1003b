"""Linear models with many losses, solved to a certified accuracy, one by one or in packs."""

from algos.linear_learner.classifier import LinearLearnerClassifier
from algos.linear_learner.regressor import LinearLearnerRegressor

__all__ = ["LinearLearnerClassifier", "LinearLearnerRegressor"]
