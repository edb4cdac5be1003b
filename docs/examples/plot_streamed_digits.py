"""
Digits that come in batches
===========================

The digits arrive batch by batch and are never all in memory: :class:`algos.PCA` learns from each
batch, then :class:`algos.KMeans` learns from the projected batches. Each model is saved
to its own file; two independent processes load one file each, and together
they compute the same labels as the pipeline.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import Pipeline

import algos

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)  # pixels from 0 to 1
BATCH = 300


def batches():
    """Yield the digits in batches, never all of them at once."""
    for begin in range(0, len(X), BATCH):
        yield X[begin : begin + BATCH]


# %%
# First pass: principal components
# --------------------------------
# ``partial_fit`` updates the mean and the scatter matrix of the rows. Nothing is lost: the
# components are those of one fit to all rows.

pca = algos.PCA(n_components=30, random_state=0)
for batch in batches():
    pca.partial_fit(batch)

whole = algos.PCA(n_components=30, svd_solver="covariance_eigh").fit(X)
difference = np.max(abs(pca.explained_variance_ / whole.explained_variance_ - 1))
print(f"{pca.n_samples_:,} rows; the variances differ from those of one fit by {difference:.0e}")

# %%
# Second pass: clusters
# ---------------------
# ``partial_fit`` of k-means keeps more centres than clusters, and clusters these centres when the
# model is read, with the best of ten runs. We compare it with the best of ten fits to all rows,
# which read them many times.

kmeans = algos.KMeans(n_clusters=10, random_state=0)
for batch in batches():
    kmeans.partial_fit(pca.transform(batch))

projected = pca.transform(X)
at_once = algos.KMeans(n_clusters=10, n_init=10, random_state=0).fit(projected)
print(f"{'':20}{'streamed':>10}{'at once':>10}")
print(
    f"{'inertia per row':20}{-kmeans.score(projected) / len(X):10.4f}"
    f"{-at_once.score(projected) / len(X):10.4f}"
)
print(
    f"{'adjusted Rand index':20}{adjusted_rand_score(y, kmeans.predict(projected)):10.4f}"
    f"{adjusted_rand_score(y, at_once.labels_):10.4f}"
)

# %%
# The two fitted models can be combined in a pipeline.

pipeline = Pipeline([("pca", pca), ("kmeans", kmeans)])
labels = pipeline.predict(X)

# %%
# Two files, two processes
# ------------------------
# One process has the PCA and reduces the number of columns, like a small machine near the data.
# The other has the centres and never sees a pixel.

PROJECT = """
import sys, joblib, numpy as np
model, rows, out = sys.argv[1:]
np.save(out, joblib.load(model).transform(np.load(rows)))
"""
LABEL = """
import sys, joblib, numpy as np
model, rows, out = sys.argv[1:]
np.save(out, joblib.load(model).predict(np.load(rows)))
"""


def run(code, *files):
    """Run code in a separate process."""
    subprocess.run([sys.executable, "-c", code, *map(str, files)], check=True)


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    joblib.dump(pca, folder / "pca.joblib")
    joblib.dump(kmeans, folder / "kmeans.joblib")
    np.save(folder / "pixels.npy", X)
    run(PROJECT, folder / "pca.joblib", folder / "pixels.npy", folder / "projected.npy")
    run(LABEL, folder / "kmeans.joblib", folder / "projected.npy", folder / "labels.npy")
    received = np.load(folder / "labels.npy")
    for file in ("pca.joblib", "kmeans.joblib"):
        print(f"{file:14} {(folder / file).stat().st_size / 1024:6.1f} kB")

assert np.array_equal(received, labels)
print(f"all {len(labels):,} labels equal those of the pipeline")

# %%
# What the streamed centres look like
# -----------------------------------
# ``inverse_transform`` maps the centres back to pixels.

figure, axes = plt.subplots(2, 5, figsize=(8, 3.6), layout="constrained")
images = pca.inverse_transform(kmeans.cluster_centers_)
for group, ax in enumerate(axes.flat):
    digit = np.bincount(y[labels == group]).argmax()
    ax.imshow(images[group].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"mostly {digit}", fontsize=10)
    ax.set(xticks=[], yticks=[])
plt.show()
