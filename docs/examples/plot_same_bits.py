"""
The same bits
=============

With an integer ``random_state``, the results of every estimator are bit-identical for any number
of threads. And randomness does not depend on the order of the rows: shuffled rows, or weights
instead of copies, give the same clusters.
"""

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn import cluster
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_blobs
from sklearn.preprocessing import OneHotEncoder

import algos

# %%
# Any number of threads
# ---------------------
# A digest of the whole fitted state, without the number of threads and the seconds of ``history_``:
# a single different bit would change it.


def digest(model):
    """Return a short digest of the whole state of an estimator."""
    state = vars(model) | {"n_jobs": None, "history_": None}
    return joblib.hash(state)[:8]


digits = load_digits().data
tumours, diabetes = load_breast_cancer(return_X_y=True), load_diabetes(return_X_y=True)
rng = np.random.default_rng(0)
pairs = rng.integers(60, size=(4000, 2))
ratings = rng.normal(size=60)[pairs[:, 0]] * rng.normal(size=60)[pairs[:, 1]]
one_hot = OneHotEncoder().fit_transform(pairs)
series = 5 + np.sin(np.arange(300) / 4 + rng.uniform(0, 6, (20, 1))) + rng.normal(size=(20, 300))

fits = [
    (algos.LinearLearnerClassifier, {"alpha": 1e-3}, tumours),
    (algos.LinearLearnerRegressor, {"alpha": 1e-3, "loss": "quantile"}, diabetes),
    (algos.KMeans, {"n_clusters": 10}, (digits,)),
    (algos.PCA, {"n_components": 20, "svd_solver": "randomized"}, (digits,)),
    (algos.LatentDirichletAllocation, {"max_iter": 5}, (digits,)),
    (algos.FactorizationMachineRegressor, {"max_iter": 30}, (one_hot, ratings)),
    (algos.FactorizationMachineClassifier, {"max_iter": 5}, (one_hot, ratings > 0)),
    (algos.RandomCutForest, {}, (digits,)),
    (algos.DeepARForecaster, {"max_iter": 2, "n_batches": 10}, (series,)),
]
for make, parameters, data in fits:
    digests = [digest(make(**parameters, random_state=0, n_jobs=n).fit(*data)) for n in (1, 2)]
    assert len(set(digests)) == 1
    print(f"{make.__name__:32}" + "  ".join(digests))

# %%
# Any order of the rows
# ---------------------
# One run of k-means on the same rows in two orders. The initial centres are drawn by the content of
# the rows here, and by their position in scikit-learn; so there the second order gives another
# draw, which may converge to other clusters.

X, _ = make_blobs(3000, centers=25, cluster_std=0.7, random_state=4)
shuffled = np.random.default_rng(1).permutation(len(X))

figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
for ax, make in zip(axes, (algos.KMeans, cluster.KMeans), strict=True):
    ax.scatter(*X.T, s=1, color="0.8")
    inertias = []
    for order, marker, color in ((np.arange(len(X)), "o", "#1b2a41"), (shuffled, "x", "#d1495b")):
        kmeans = make(n_clusters=25, n_init=1, random_state=0).fit(X[order])
        face = "none" if marker == "o" else color
        ax.scatter(*kmeans.cluster_centers_.T, s=60, marker=marker, color=color, facecolor=face)
        inertias.append(kmeans.inertia_)
    title = make.__module__.partition(".")[0]
    ax.set_title(f"{title}: inertia {inertias[0]:.1f} and {inertias[1]:.1f}", fontsize=10)
    ax.set(xticks=[], yticks=[])
plt.show()

# %%
# Weights are copies
# ------------------
# Rows with integer weights, and the same rows repeated accordingly.

weight = rng.integers(1, 4, size=len(X))
weighted = algos.KMeans(25, random_state=0).fit(X, sample_weight=weight)
repeated = algos.KMeans(25, random_state=0).fit(np.repeat(X, weight, axis=0))
far = np.abs(weighted.cluster_centers_ - repeated.cluster_centers_).max()
print(f"centres of weights and of copies differ by {far:.0e}")
