"""Print digests of what PCA makes of many columns, as JSON.

Run as a program, in processes that differ in BLAS's threads: products and factorisations
have to be large before BLAS uses more than one.
"""

import hashlib
import json
import sys

import numpy as np

from algos import PCA

FITS = {
    "full": {"svd_solver": "full"},
    "covariance_eigh": {"svd_solver": "covariance_eigh"},
    "arpack": {"svd_solver": "arpack", "n_components": 5},
    "randomized": {"svd_solver": "randomized", "n_components": 5},
}
STATE = ["components_", "explained_variance_", "singular_values_", "mean_", "_mean", "_scatter"]


def digest(*arrays):
    made = hashlib.sha256()
    for array in arrays:
        made.update(np.ascontiguousarray(array).tobytes())
    return made.hexdigest()


def state(pca):
    return digest(*(getattr(pca, name) for name in STATE if hasattr(pca, name)))


def digests(n=777, d=701):
    X = np.random.default_rng(0).normal(size=(n + 20, d)) * np.geomspace(3, 0.3, d)
    found = {}
    for name, parameters in FITS.items():
        pca = PCA(random_state=0, **parameters).fit(X[:n])
        found[f"{name} fit"] = state(pca)
        found[f"{name} model"] = digest(pca.get_covariance(), pca.get_precision())
        found[f"{name} score"] = digest(pca.score_samples(X[n:]))
        found[f"{name} transform"] = digest(pca.transform(X[n:]))
        wide = PCA(random_state=0, **parameters).fit(X[: n // 2])
        found[f"{name} wide fit"] = state(wide)
        found[f"{name} model of wide"] = digest(wide.get_covariance(), wide.get_precision())
        if name == "full":
            found[f"{name} partial_fit"] = state(pca.partial_fit(X[n:]))
            found[f"{name} merge"] = state(pca.merge(PCA(**parameters).partial_fit(X[n:])))
    return found


if __name__ == "__main__":
    json.dump(digests(), sys.stdout)
