# stand-in
from __future__ import annotations

import numpy as np

from algos.linear_learner.rows import LossesOfRows


def decision_values(X, coef, intercept, n_threads):
    return np.asarray(X @ coef.T + intercept).astype(X.dtype)


def mean_losses(decision, target, weight, loss):
    return float(weight @ LossesOfRows().losses(decision, target, loss))
