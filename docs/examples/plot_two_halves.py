"""
Merging models of two shards
============================

``partial_fit`` keeps a state whose size does not depend on the number of rows, and ``merge``
joins two such states: each process learns a shard, and the result is one model. For
:class:`algos.PCA` and the squared loss it is that of all rows at once; the samples of a forest
have the distribution of a joint fit; for the others :doc:`the page of each </algorithms/index>`
says how two models are combined.
"""

import copy

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OneHotEncoder

import algos

digits, digit = load_digits(return_X_y=True)
tumours, malignant = load_breast_cancer(return_X_y=True)
patients, progress = load_diabetes(return_X_y=True)
rng = np.random.default_rng(0)
pairs = rng.integers(80, size=(12_000, 2))
tastes, kinds = rng.normal(size=(2, 80, 3))
stars = (tastes[pairs[:, 0]] * kinds[pairs[:, 1]]).sum(axis=1)
one_hot = OneHotEncoder().fit_transform(pairs)
outliers = np.vstack([rng.normal(size=(3000, 4)), rng.normal(0, 4, size=(60, 4))])
odd = np.arange(len(outliers)) >= 3000


def rarity(forest, X, y):
    """Return the area under the ROC curve."""
    return roc_auc_score(y, forest.anomaly_score(X))


def held_out(model, X, y=None):
    """Return the negative perplexity of held-out counts."""
    return -model.perplexity(X, held_out=0.5)


def scored(model, *rows):
    """Return the estimator's own score."""
    return model.score(*rows)


# %%
# For each class: its rows, and a metric (higher is better). Topics and factors have no fixed order,
# so that models with different starts cannot be averaged: there both halves start from a model of
# a few first rows.

work = {
    "PCA": (algos.PCA(10), (digits,), scored, 0),
    "LinearLearnerRegressor": (
        algos.LinearLearnerRegressor(alpha=0.01),
        (patients, progress),
        scored,
        0,
    ),
    "LinearLearnerClassifier": (
        algos.LinearLearnerClassifier(alpha=1e-3, random_state=0),
        (tumours, malignant),
        scored,
        0,
    ),
    "KMeans": (algos.KMeans(10, random_state=0), (digits,), scored, 0),
    "RandomCutForest": (algos.RandomCutForest(random_state=0), (outliers, odd), rarity, 0),
    "LatentDirichletAllocation": (
        algos.LatentDirichletAllocation(15, total_samples=1797, random_state=0),
        (digits,),
        held_out,
        400,
    ),
    "FactorizationMachineRegressor": (
        algos.FactorizationMachineRegressor(
            3, solver="adagrad", learning_rate_init=0.2, random_state=0
        ),
        (one_hot, stars),
        scored,
        2000,
    ),
}


def learn(model, *arrays, parts=4):
    """Learn rows in a few batches, as a process does with its shard."""
    arguments = arrays[:1] if isinstance(model, algos.RandomCutForest) else arrays
    options = {"classes": [0, 1]} if hasattr(model, "predict_proba") else {}
    for rows in np.array_split(np.arange(arrays[0].shape[0]), parts):
        model.partial_fit(*(array[rows] for array in arguments), **options)
    return model


# %%
# Two processes, one model
# ------------------------

table = {}
with Parallel(n_jobs=2) as processes:
    for name, (model, arrays, measure, n_common) in work.items():
        n_rows = arrays[0].shape[0]
        order = np.random.default_rng(0).permutation(n_rows)
        common, shards = order[:n_common], np.array_split(order[n_common:], 2)
        if n_common:
            learn(model, *(array[common] for array in arrays))
        halves = processes(
            delayed(learn)(copy.deepcopy(model), *(array[shard] for array in arrays))
            for shard in shards
        )
        whole = learn(model, *(array[order[n_common:]] for array in arrays))
        alone = measure(halves[0], *arrays)
        table[name] = alone, measure(halves[0].merge(halves[1]), *arrays), measure(whole, *arrays)

print(f"{'':32}{'one half':>12}{'merged':>12}{'one stream':>12}")
for name, told in table.items():
    print(f"{name:32}" + "".join(f"{number:12.4g}" for number in told))

# %%
# The difference from a stream that has seen all rows. To the left it is rounding: the merged model
# is the joint one. Merged topics, factors and coefficients of a classifier are averages, which need
# models that have learned enough: with so few rows, the merged topics and classifier are no better
# than those of one half, and one stream of all rows is better.

figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
for column, label, marker, color in (
    (0, "one half", "o", "#8d99ae"),
    (1, "merged", "D", "#d1495b"),
):
    far = [max(abs(told[column] / told[2] - 1), 1e-16) for told in table.values()]
    ax.semilogx(far, list(table), marker, color=color, label=label)
ax.set(xlabel="difference from one stream of all rows, relative", xlim=(5e-17, 1))
ax.grid(axis="y", color="0.9")
ax.invert_yaxis()
ax.legend(loc="upper center")
plt.show()
