"""
Handwritten digits without their labels
=======================================

A pipeline of :class:`algos.PCA` and :class:`algos.KMeans` clusters handwritten digits. We look at
the clusters, how well they agree with the true digits, and the time of the same pipeline with
scikit-learn's classes.

The digits are those that scikit-learn ships. MNIST is used instead if it is available: as
``digits/mnist5000.npz`` in the folder named by the environment variable ``ALGOS_DATA``, or as
``mnist_784`` in scikit-learn's cache. Nothing is downloaded.
"""

import argparse
import importlib.util
import os
import socket
import statistics
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import sklearn.cluster
import sklearn.decomposition
from matplotlib.ticker import MaxNLocator
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.datasets import fetch_openml, get_data_home, load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

import algos

# %%
# The digits
# ----------


def shared_mnist():
    """Return MNIST from the folder named by ALGOS_DATA, or None."""
    file = Path(os.environ.get("ALGOS_DATA", ".")) / "digits" / "mnist5000.npz"
    if not file.exists():
        return None
    with np.load(file) as data:
        return data["X"], data["y"], "MNIST, from ALGOS_DATA"


def cached_mnist():
    """Return MNIST from scikit-learn's cache if it was fetched before, or None."""
    cache = Path(get_data_home()) / "openml" / "openml.org"
    if not any(cache.rglob("mnist_784*")):
        return None
    parser = "pandas" if importlib.util.find_spec("pandas") else "liac-arff"
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)  # a half-filled cache must not become a download
    try:
        X, y = fetch_openml(
            "mnist_784", version=1, return_X_y=True, as_frame=False, parser=parser, n_retries=0
        )
    except OSError:
        return None
    finally:
        socket.setdefaulttimeout(before)
    return X, y.astype(int), "MNIST, from scikit-learn's cache"


def bundled_digits():
    """Return the 8 × 8 digits that scikit-learn ships."""
    X, y = load_digits(return_X_y=True)
    return X, y, "scikit-learn's bundled digits"


X, y, source = shared_mnist() or cached_mnist() or bundled_digits()
X = (X / X.max()).astype(np.float32)  # pixels from 0 to 1
side = round(X.shape[1] ** 0.5)
print(f"{len(X):,} digits of {side} × {side} pixels: {source}")

# %%
# The pipeline
# ------------
# The classes of both libraries have the same parameters, so one function builds either pipeline.


def make_pipeline(library_pca, library_kmeans):
    return Pipeline(
        [
            ("pca", library_pca(n_components=30, random_state=0)),
            ("kmeans", library_kmeans(n_clusters=10, n_init=10, random_state=0)),
        ]
    )


pipelines = {
    "algos": make_pipeline(algos.PCA, algos.KMeans),
    "scikit-learn": make_pipeline(sklearn.decomposition.PCA, sklearn.cluster.KMeans),
}
LARGE = X.size > 1_000_000


def show_progress(text):
    """Print what is running to stderr, which these pages do not show."""
    if LARGE:
        print(f"  {text}", file=sys.stderr, flush=True)


for name, pipeline in pipelines.items():
    show_progress(f"{name}: first fit")
    pipeline.fit(X)

# %%
# Agreement of clusters and digits
# --------------------------------
# *Accuracy* assigns each digit to one cluster in the best possible way; *purity* assigns to each
# cluster its most frequent digit.


def digit_of_each_group(labels):
    """Return the one-to-one assignment of digits to clusters with the most correct rows."""
    counts = contingency_matrix(y, labels)
    digits, groups = linear_sum_assignment(-counts)
    return digits[np.argsort(groups)]


def agreement(labels):
    counts = contingency_matrix(y, labels)
    return {
        "adjusted Rand index": adjusted_rand_score(y, labels),
        "normalised mutual information": normalized_mutual_info_score(y, labels),
        "accuracy": np.mean(digit_of_each_group(labels)[labels] == y),
        "purity": counts.max(axis=0).sum() / counts.sum(),
    }


def print_comparison():
    columns = {name: agreement(pipeline["kmeans"].labels_) for name, pipeline in pipelines.items()}
    for name, pipeline in pipelines.items():
        columns[name]["inertia per row"] = pipeline["kmeans"].inertia_ / len(X)
    print(f"{'':32}" + "".join(f"{name:>14}" for name in columns))
    for measure in columns["algos"]:
        print(f"{measure:32}" + "".join(f"{column[measure]:14.4f}" for column in columns.values()))
    ours, theirs = (column["inertia per row"] for column in columns.values())
    if abs(ours - theirs) <= 1e-3 * theirs:
        print("The inertias are as good as equal: local optima of one quality, from other draws,")
        print("so a difference between the scores is chance.")


print_comparison()

# %%
# Time
# ----
# As a script, this prints the time of a fit with one thread each. It is left out on this page, as
# timings of a busy build machine mean little: see the benchmarks.


def median_times(repeat=5):
    """Return medians of wall and CPU seconds of alternating fits; load affects both alike."""
    times = {name: [] for name in pipelines}
    fits = {name: clone(pipeline) for name, pipeline in pipelines.items()}
    fits["algos"].set_params(pca__n_jobs=1, kmeans__n_jobs=1)
    with threadpool_limits(1):
        for run in range(repeat):
            for name, pipeline in fits.items():
                show_progress(f"{name}: run {run + 1} of {repeat}")
                begun, begun_cpu = time.perf_counter(), time.process_time()
                pipeline.fit(X)
                times[name].append((time.perf_counter() - begun, time.process_time() - begun_cpu))
    return {
        name: [statistics.median(kind) for kind in zip(*runs, strict=True)]
        for name, runs in times.items()
    }


def print_times():
    title = "fit with one thread each, median"
    print(f"\n{title:32}" + "".join(f"{name:>14}" for name in pipelines))
    times = median_times()
    for number, kind in enumerate(("wall", "CPU")):
        ours, theirs = times["algos"][number], times["scikit-learn"][number]
        cells = f"{ours * 1e3:11.1f} ms{theirs * 1e3:11.1f} ms"
        print(f"{f'{kind} time':32}{cells}   (ratio {theirs / ours:.1f})")


if "ALGOS_DOCS_BUILD" not in os.environ:
    print_times()

# %%
# The cluster centres
# -------------------
# Transformed back from principal components to pixels, the centres look like digits. The title of
# each is the most frequent true digit of its cluster, with its share of the rows.

INK, ACCENT, GREY = "#1b2a41", "#d1495b", "#8d99ae"


def draw_centres(figure, pipeline):
    images = pipeline["pca"].inverse_transform(pipeline["kmeans"].cluster_centers_)
    counts = contingency_matrix(y, pipeline["kmeans"].labels_)
    digits, sizes = counts.argmax(axis=0), counts.sum(axis=0)
    axes = figure.subplots(2, 5)
    for ax, group in zip(axes.flat, np.argsort(digits), strict=True):
        share = counts[digits[group], group] / sizes[group]
        ax.imshow(images[group].reshape(side, side), cmap="gray_r", vmin=0, vmax=0.85)
        ax.set_title(f"{digits[group]}", loc="left", fontsize=15, fontweight="bold", color=INK)
        ax.set_title(f"{share:.0%} of {sizes[group]:,}", loc="right", fontsize=9, color=GREY)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_color("#d9dee7")


def draw_scree(ax, pca):
    share = 100 * pca.explained_variance_ratio_
    numbers = np.arange(1, len(share) + 1)
    ax.bar(numbers, share, color=INK, width=0.75)
    ax.set(title="Variance explained by each component", xlabel="component", ylabel="%")
    ax.annotate(
        f"{share.sum():.0f}% together",
        (0.97, 0.9),
        xycoords="axes fraction",
        ha="right",
        color=INK,
    )


def draw_inertia(ax, kmeans):
    inertia = kmeans.history_["objective"] / len(X)
    ax.plot(np.arange(1, len(inertia) + 1), inertia, "o-", color=ACCENT, markersize=4)
    ax.set(
        title="Inertia per row, best of ten starts",
        xlabel="iteration",
        ylabel="mean squared distance",
    )


def draw(pipeline):
    figure = plt.figure(figsize=(10, 8.8), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.6, 1])
    top.suptitle(
        f"Ten groups among {len(X):,} unlabelled digits: their centres, their most frequent digit "
        "and its share",
        fontsize=12,
        color=INK,
    )
    draw_centres(top, pipeline)
    left, right = bottom.subplots(1, 2)
    draw_scree(left, pipeline["pca"])
    draw_inertia(right, pipeline["kmeans"])
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.title.set(color=INK, fontsize=11)
        ax.grid(axis="y", color="#e6e9ef")
        ax.set_axisbelow(True)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=3))
        ax.set_xlim(left=0.4)
    return figure


figure = draw(pipelines["algos"])

# %%
# As a script, ``--output FILE`` writes the picture to a file.

parser = argparse.ArgumentParser(description="Sort handwritten digits into ten groups.")
parser.add_argument("--output", type=Path, help="write the picture here")
output = parser.parse_args().output
if output:
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=130)
    print(f"picture: {output}")
else:
    plt.show()
