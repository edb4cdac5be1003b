"""Linear models for every loss, solved to a certificate, alone or in packs."""

from algos.linear_learner.classifier import LinearLearnerClassifier
from algos.linear_learner.regressor import LinearLearnerRegressor

__all__ = ["LinearLearnerClassifier", "LinearLearnerRegressor"]
