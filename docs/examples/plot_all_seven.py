"""
All seven, once
===============

Every algorithm at its own kind of work, each beside what one would do without it: real data
that scikit-learn brings, or data drawn by a law that is stated. Nothing is downloaded. On two
cores it takes about a minute.
"""

import argparse
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import adjusted_rand_score, average_precision_score, precision_score
from sklearn.model_selection import train_test_split

import algos

INK, ACCENT, GREY = "#1b2a41", "#d1495b", "#8d99ae"
summary = []  # of each algorithm: what it did, its measure, ours, the other's, seconds


def with_progress(estimator):
    """Show a bar while it learns, in a terminal where scikit-learn has bars and rich is there."""
    if sys.stderr.isatty() and sklearn.__version__ >= "1.9":
        try:
            from sklearn.callback import ProgressBar

            return estimator.set_callbacks(ProgressBar())
        except ImportError:
            pass
    print(f"  {type(estimator).__name__} …", file=sys.stderr, flush=True)
    return estimator


def told(name, job, measure, ours, other, seconds):
    """Keep a row of the summary."""
    summary.append((name, job, measure, ours, other, seconds))


# %%
# PCA and k-means: digits without their labels
# --------------------------------------------
# Ten groups of 8 × 8 pixels, compared with the true digits that nobody told of; beside them,
# groups by the mean brightness alone.

digits, true_digits = load_digits(return_X_y=True)
begun = time.perf_counter()
pca = with_progress(algos.PCA(n_components=20, random_state=0)).fit(digits)
seconds_pca = time.perf_counter() - begun
told(
    "PCA",
    "1797 digits, 20 of 64 directions",
    "variance kept",
    pca.explained_variance_ratio_.sum(),
    20 / 64,
    seconds_pca,
)

begun = time.perf_counter()
kmeans = with_progress(algos.KMeans(n_clusters=10, n_init=10, random_state=0))
groups = kmeans.fit_predict(pca.transform(digits))
by_brightness = np.digitize(
    digits.mean(axis=1), np.quantile(digits.mean(axis=1), np.arange(1, 10) / 10)
)
told(
    "KMeans",
    "their ten groups",
    "adjusted Rand index",
    adjusted_rand_score(true_digits, groups),
    adjusted_rand_score(true_digits, by_brightness),
    time.perf_counter() - begun,
)

# %%
# Linear learner: a precision at a promised recall
# ------------------------------------------------
# Malignant tumours: of those marked, how many are, if at least 97 % must be found? 32
# strengths of the penalty are trained together; the other is the best model of log loss with the
# usual threshold of one half.

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y == 0, random_state=0, stratify=y)
begun = time.perf_counter()
learner = with_progress(
    algos.LinearLearnerClassifier(
        alpha="auto",
        selection_criterion="precision_at_target_recall",
        target_recall=0.97,
        random_state=0,
    )
).fit(X_train, y_train)
seconds_learner = time.perf_counter() - begun
found = learner.predict(X_test)
usual = learner.predict_proba(X_test)[:, 1] > 0.5
told(
    "LinearLearner",
    "tumours, 32 candidates",
    "recall on new rows",
    found[y_test].mean(),
    usual[y_test].mean(),
    seconds_learner,
)
precision = precision_score(y_test, found)

# %%
# LDA: strokes of digits
# ----------------------
# Pixels are words and grey levels their counts. A topic is a set of pixels that are dark together;
# a digit is a mixture of them. The measure is the perplexity of held-out ink; beside it that of
# one topic.

begun = time.perf_counter()
topics = with_progress(algos.LatentDirichletAllocation(n_components=15, random_state=0))
topics.fit(digits[:1500])
seconds_topics = time.perf_counter() - begun
one_topic = algos.LatentDirichletAllocation(n_components=1, random_state=0).fit(digits[:1500])
told(
    "LDA",
    "ink of digits, 15 topics",
    "perplexity, held out",
    topics.perplexity(digits[1500:], held_out=0.5),
    one_topic.perplexity(digits[1500:], held_out=0.5),
    seconds_topics,
)

# %%
# Factorization machine: tastes that no one stated
# ------------------------------------------------
# 400 users and 300 items; a rating is 3, a bias of each, the product of five hidden tastes, and
# noise of deviation .5. A tenth of all pairs is known. The measure is the error on others; beside
# it that of the biases alone.

rng = np.random.default_rng(0)
n_users, n_items = 400, 300
tastes = rng.normal(0, 0.6, (n_users, 5)), rng.normal(0, 0.6, (n_items, 5))
biases = rng.normal(0, 0.5, n_users), rng.normal(0, 0.5, n_items)
pairs = rng.permutation(n_users * n_items)[: n_users * n_items // 8]
users, items = np.divmod(pairs, n_items)
ratings = (
    3
    + biases[0][users]
    + biases[1][items]
    + (tastes[0][users] * tastes[1][items]).sum(axis=1)
    + rng.normal(0, 0.5, len(pairs))
)
one_hot = sparse.hstack(
    [
        sparse.eye_array(n_users, format="csr")[users],
        sparse.eye_array(n_items, format="csr")[items],
    ],
    format="csr",
)
known = np.arange(len(pairs)) < 12_000
begun = time.perf_counter()
machine = with_progress(algos.FactorizationMachineRegressor(n_factors=8, random_state=0))
machine.fit(one_hot[known], ratings[known])
seconds_machine = time.perf_counter() - begun
linear = algos.LinearLearnerRegressor(alpha=1e-3).fit(one_hot[known], ratings[known])


def error_of(model):
    """The root of the mean squared error on unknown ratings."""
    return np.sqrt(np.mean((model.predict(one_hot[~known]) - ratings[~known]) ** 2))


told(
    "FactorizationMachine",
    "12,000 ratings, noise .5",
    "error on others",
    error_of(machine),
    error_of(linear),
    seconds_machine,
)

# %%
# Random cut forest: a stream with six odd moments
# ------------------------------------------------
# A sine of period 50 with noise; six times its phase leaps for ten steps, within its usual
# values. Each row is scored by the forest as it stood, then learnt. Beside it: how far the value
# is from the mean.

steps = np.arange(3000)
odd = np.zeros(len(steps), dtype=bool)
phase = 2 * np.pi * steps / 50
for begin in (700, 1130, 1540, 1990, 2410, 2800):
    odd[begin : begin + 17] = True  # as long as a shingle of eight sees them
    phase[begin : begin + 10] += np.pi
signal = np.sin(phase) + rng.normal(0, 0.1, len(steps))
begun = time.perf_counter()
forest = algos.RandomCutForest(n_estimators=50, shingle_size=8, random_state=0)
scores = with_progress(forest).score_partial_fit(signal[:, None])
seconds_forest = time.perf_counter() - begun
told(
    "RandomCutForest",
    "3000 steps, 6 leaps",
    "average precision",
    average_precision_score(odd[500:], scores[500:]),
    average_precision_score(odd[500:], np.abs(signal[500:])),
    seconds_forest,
)

# %%
# DeepAR: the next two days of 60 series
# --------------------------------------
# Each series has a level, a daily and a weekly wave and noise in proportion to it. The measure
# is the mean weighted quantile loss of 48 hours that were held back; beside it that of repeating
# the last week.

hours = np.arange(24 * 7 * 5)
levels = rng.lognormal(2, 1, 60)
daily = 1 + 0.4 * np.sin(2 * np.pi * (hours / 24 + rng.uniform(-0.1, 0.1, (60, 1))))
weekly = 1 + 0.3 * ((hours // 24) % 7 < 5)
panel = levels[:, None] * (daily * weekly + rng.normal(0, 0.1, (60, len(hours))))
begun = time.perf_counter()
forecaster = with_progress(
    algos.DeepARForecaster(prediction_length=48, freq="h", max_iter=20, random_state=0)
).fit(panel[:, :-48], start="2024-01-01")
quantiles = np.arange(1, 10) / 10
forecasts = forecaster.predict_quantiles(quantiles=quantiles)
seconds_forecaster = time.perf_counter() - begun
last_week = np.repeat(panel[:, None, -48 - 168 : -168], len(quantiles), axis=1)


def loss_of(forecasts):
    """The mean weighted quantile loss of the hours held back."""
    return algos.metrics.weighted_quantile_loss(panel[:, -48:], forecasts, quantiles)


told(
    "DeepARForecaster",
    "60 series, 48 hours ahead",
    "weighted quantile loss",
    loss_of(forecasts),
    loss_of(last_week),
    seconds_forecaster,
)

# %%
# In one table
# ------------

print(f"{'':22}{'job':36}{'measure':24}{'ours':>8}{'beside':>8}{'seconds':>9}")
for name, job, measure, ours, other, seconds in summary:
    print(f"{name:22}{job:36}{measure:24}{ours:8.3f}{other:8.3f}{seconds:9.2f}")
print(f"precision of the linear learner at that recall: {precision:.3f}")

# %%
# And in pictures
# ---------------


def show_image(ax, image, title):
    ax.imshow(image.reshape(8, 8), cmap="Greys")
    ax.set(xticks=[], yticks=[], title=title)


figure = plt.figure(figsize=(12, 9), layout="constrained")
rows = figure.subfigures(4, 1, height_ratios=[1, 1, 1.4, 1.4])
centres = pca.inverse_transform(kmeans.cluster_centers_)
for ax, centre in zip(rows[0].subplots(1, 10), centres, strict=True):
    show_image(ax, centre, "")
rows[0].suptitle("PCA and KMeans: the centres of ten groups", color=INK)
for ax, topic in zip(rows[1].subplots(1, 15), topics.components_, strict=True):
    show_image(ax, topic, "")
rows[1].suptitle("LatentDirichletAllocation: fifteen strokes", color=INK)

left, right = rows[2].subplots(1, 2)
left.plot(learner.candidates_["alpha"], learner.candidates_["precision"], "o-", color=INK)
left.set(
    xscale="log",
    xlabel="alpha",
    ylabel="precision",
    title="LinearLearner: candidates at a recall of .97",
)
right.scatter(ratings[~known], machine.predict(one_hot[~known]), s=4, color=GREY)
right.plot([0, 6], [0, 6], color=ACCENT)
right.set(xlabel="rating", ylabel="foretold", title="FactorizationMachine: unknown ratings")

left, right = rows[3].subplots(1, 2)
left.plot(steps[600:1700], scores[600:1700], color=INK, linewidth=0.8)
for begin in (700, 1130, 1540):
    left.axvspan(begin, begin + 10, color=ACCENT, alpha=0.4)
left.set(xlabel="step", ylabel="anomaly score", title="RandomCutForest: leaps of the phase")
series = int(np.argsort(levels)[30])
ahead = np.arange(48)
right.plot(np.arange(-96, 48), panel[series, -144:], color=INK, linewidth=0.8)
right.fill_between(ahead, forecasts[series, 0], forecasts[series, -1], color=ACCENT, alpha=0.3)
right.plot(ahead, forecasts[series, 4], color=ACCENT)
right.set(xlabel="hour", title="DeepARForecaster: two days, 80 % interval")


# %%
# As a script, ``--output FILE`` writes them to a file.

parser = argparse.ArgumentParser(description="All seven algorithms, once.")
parser.add_argument("--output", type=Path, help="write the pictures here")
output = parser.parse_args().output
if output:
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=120)
    print(f"pictures: {output}")
else:
    plt.show()
