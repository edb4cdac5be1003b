"""
All seven, once
===============

Every algorithm on its typical task, each beside a simple baseline, on data that scikit-learn
ships or that is generated here. Nothing is downloaded. On two cores it takes about a minute.
"""

import argparse
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import adjusted_rand_score, average_precision_score, precision_score
from sklearn.model_selection import train_test_split

import algos

INK, ACCENT, GREY = "#1b2a41", "#d1495b", "#8d99ae"
summary = []  # for each algorithm: task, metric, ours, the baseline's, seconds


def with_progress(estimator):
    """Add a progress bar, in a terminal and if scikit-learn's and rich are available."""
    if sys.stderr.isatty():
        try:
            from sklearn.callback import ProgressBar

            return estimator.set_callbacks(ProgressBar())
        except ImportError:
            pass
    print(f"  {type(estimator).__name__} …", file=sys.stderr, flush=True)
    return estimator


def add_row(name, task, metric, ours, other, seconds):
    """Add a row to the summary."""
    summary.append((name, task, metric, ours, other, seconds))


# %%
# PCA and k-means: digits without their labels
# --------------------------------------------
# Ten clusters of 8 × 8 images, compared with the true digits, which were not used. The baseline
# clusters by mean brightness.

digits, true_digits = load_digits(return_X_y=True)
begun = time.perf_counter()
pca = with_progress(algos.PCA(n_components=20, random_state=0)).fit(digits)
seconds_pca = time.perf_counter() - begun
add_row(
    "PCA",
    "1797 digits, 20 of 64 components",
    "explained variance",
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
add_row(
    "KMeans",
    "the same, 10 clusters",
    "adjusted Rand index",
    adjusted_rand_score(true_digits, groups),
    adjusted_rand_score(true_digits, by_brightness),
    time.perf_counter() - begun,
)

# %%
# Linear learner: precision at a target recall
# --------------------------------------------
# The precision for malignant tumours, if at least 97 % must be found. 32 values of alpha are
# trained together. The baseline is the model of lowest log loss with the usual threshold of one
# half.

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
add_row(
    "LinearLearner",
    "tumours, 32 candidates",
    "recall on test rows",
    found[y_test].mean(),
    usual[y_test].mean(),
    seconds_learner,
)
precision = precision_score(y_test, found)

# %%
# LDA: strokes of digits
# ----------------------
# Pixels are words and grey levels their counts. A topic is a set of pixels that are dark together,
# and a digit is a mixture of topics. The metric is the perplexity of held-out counts; the baseline
# is a single topic.

begun = time.perf_counter()
topics = with_progress(algos.LatentDirichletAllocation(n_components=15, random_state=0))
topics.fit(digits[:1500])
seconds_topics = time.perf_counter() - begun
one_topic = algos.LatentDirichletAllocation(n_components=1, random_state=0).fit(digits[:1500])
add_row(
    "LDA",
    "digits as counts, 15 topics",
    "held-out perplexity",
    topics.perplexity(digits[1500:], held_out=0.5),
    one_topic.perplexity(digits[1500:], held_out=0.5),
    seconds_topics,
)

# %%
# Factorization machine: ratings
# ------------------------------
# 400 users and 300 items. A rating is the sum of 3, a bias of the user, a bias of the item, the
# product of five latent factors, and noise of standard deviation .5. A tenth of all pairs is known.
# The metric is the error on other pairs; the baseline has biases only.

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
    """Return the root mean squared error on unknown ratings."""
    return np.sqrt(np.mean((model.predict(one_hot[~known]) - ratings[~known]) ** 2))


add_row(
    "FactorizationMachine",
    "12,000 ratings, noise .5",
    "RMSE on other pairs",
    error_of(machine),
    error_of(linear),
    seconds_machine,
)

# %%
# Random cut forest: a stream with six anomalies
# ----------------------------------------------
# A sine of period 50 with noise. Six times its phase jumps for ten steps, within its usual range.
# Each row is scored before it is learned. The baseline is the distance of a value from the mean.

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
add_row(
    "RandomCutForest",
    "3000 steps, 6 anomalies",
    "average precision",
    average_precision_score(odd[500:], scores[500:]),
    average_precision_score(odd[500:], np.abs(signal[500:])),
    seconds_forest,
)

# %%
# DeepAR: the next two days of 60 series
# --------------------------------------
# Each series has a level, a daily and a weekly season, and noise in proportion to the level. The
# metric is the mean weighted quantile loss over 48 held-out hours; the baseline repeats the last
# week.

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
    """Return the mean weighted quantile loss over the held-out hours."""
    return algos.metrics.weighted_quantile_loss(panel[:, -48:], forecasts, quantiles)


add_row(
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

print(f"{'':22}{'task':36}{'metric':24}{'ours':>8}{'baseline':>9}{'seconds':>9}")
for name, task, metric, ours, other, seconds in summary:
    print(f"{name:22}{task:36}{metric:24}{ours:8.3f}{other:9.3f}{seconds:9.2f}")
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
rows[0].suptitle("PCA and KMeans: centres of ten clusters", color=INK)
for ax, topic in zip(rows[1].subplots(1, 15), topics.components_, strict=True):
    show_image(ax, topic, "")
rows[1].suptitle("LatentDirichletAllocation: fifteen topics", color=INK)

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
right.set(xlabel="rating", ylabel="prediction", title="FactorizationMachine: unknown ratings")

left, right = rows[3].subplots(1, 2)
left.plot(steps[600:1700], scores[600:1700], color=INK, linewidth=0.8)
for begin in (700, 1130, 1540):
    left.axvspan(begin, begin + 10, color=ACCENT, alpha=0.4)
left.set(xlabel="step", ylabel="anomaly score", title="RandomCutForest: jumps of the phase")
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
