"""Print digests of what linear learners make of many columns, as JSON.

Run as a program, in processes that differ in BLAS's threads: a vector of coefficients has to be
long before BLAS uses more than one for it.
"""

import hashlib
import json
import sys
from copy import deepcopy

import numpy as np
import scipy.sparse as sp

from algos import LinearLearnerClassifier, LinearLearnerRegressor

FITS = {
    "gram": (LinearLearnerRegressor, {"alpha": [1.0, 0.1]}),
    "lbfgs": (LinearLearnerClassifier, {"alpha": [1.0, 0.1], "solver": "lbfgs"}),
    "coordinate_descent": (LinearLearnerRegressor, {"alpha": [0.5, 0.3], "l1_ratio": 1.0}),
    "dual_coordinate_descent": (LinearLearnerClassifier, {"loss": "hinge", "alpha": [1.0, 0.1]}),
    "sgd": (LinearLearnerClassifier, {"alpha": 0.1, "solver": "sgd", "max_iter": 3}),
}


def digest(model):
    made = hashlib.sha256()
    for name in ("coef_", "intercept_", "objective_", "certificate_"):
        made.update(np.ascontiguousarray(getattr(model, name)).tobytes())
    return made.hexdigest()


def digests(n=60, d=12_000):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) + 2
    y = X[:, :50].sum(axis=1) + rng.normal(size=n)
    found = {}
    for name, (kind, parameters) in FITS.items():
        target = y > y.mean() if kind is LinearLearnerClassifier else y
        for rows in (X, sp.csr_array(X * (X > 3))):
            of = f"{name} {type(rows).__name__}"
            model = kind(random_state=0, tol=1e-3, **parameters).fit(rows, target)
            found[of] = digest(model)
            if kind is LinearLearnerClassifier:
                found[f"{of} streamed"] = digest(model.partial_fit(rows[:50], target[:50]))
                found[f"{of} merged"] = digest(model.merge(deepcopy(model)))
    return found


if __name__ == "__main__":
    json.dump(digests(), sys.stdout)
