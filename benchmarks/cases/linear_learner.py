"""The rows of the linear learner.

All penalties act on the coefficients as they are (`standardize=False`), which makes the
objective everyone's. alpha = 1/n is C = 1. What is timed is each library's fastest setting
that comes as close to the optimum as the row asks; `benchmarks/linear.py` finds it.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.special import expit

from benchmarks.cases import laws
from benchmarks.linear import (
    Problem,
    best_known,
    make_known,
    path_suboptimality,
    suboptimality,
)
from benchmarks.peers.our_linear_models import OurLinearModels
from benchmarks.workload import Unreachable, Workload

N_CANDIDATES = 32
REFERENCE = 1e-9  # tolerance of the fit in float64 that first says how low the objective can be
_GLM_POWER = 1.5


def draw(z, law):
    """Return targets drawn around decision values of deviation 2."""
    rng = np.random.default_rng([laws.SEED, *z.shape, 10])
    n = len(z)
    if law == "classes":
        return np.argmax(z + rng.gumbel(size=z.shape), axis=1)
    z = z[:, 0]
    draws = {
        "labels": lambda: (z + rng.logistic(size=n) > 0).astype(np.int64),
        "real": lambda: z + 3 + rng.standard_normal(n),
        "heavy": lambda: z + 3 + rng.standard_t(2, n),
        "counts": lambda: rng.poisson(np.exp(z / 4)).astype(np.float64),
        "positive": lambda: np.exp(z / 4) * rng.gamma(2.0, 0.5, n),
    }
    return draws[law]()


def prepared(name, X, y, loss, alpha, *, l1_ratio=0.0, parameter=0.0, fit_intercept=True):
    """Return the arrays of a row, with the lowest objective known: at first ours in float64."""
    key = f"{name} {X.shape[0]} × {X.shape[1]}"
    if not np.isfinite(best_known(key)):
        problem = Problem(loss, alpha, l1_ratio, parameter, fit_intercept)
        double = X.astype(np.float64)
        (way,) = OurLinearModels().ways(problem, double, y, None)
        make_known(key, problem.objective(double, y, way.fit(REFERENCE)))
    return {"X": X, "y": y, "alpha": alpha, "key": key}


def dense(divisor, name, n, d, law, loss, alpha=None, least=0, n_classes=1, **options):
    """Return rows of shared factors; alpha is 1/n if it is not given."""
    X, z = laws.shared_factors(laws.n_rows(n, divisor, max(least, 4 * d)), d, n_classes)
    y = draw(z, law)
    return prepared(name, X, y, loss, alpha or 1 / len(y), **options)


def documents(divisor, name, n, d, loss, alpha=None, **options):
    """Return sparse rows of length 1 with labels."""
    rows = laws.sparse_groups(laws.n_rows(n, divisor, 2000), d, 85, 200)
    X, y = laws.sparse_labels(rows)
    return prepared(name, X, y, loss, alpha or 1 / len(y), **options)


def reviews(divisor, name, loss):
    """Return the IMDB reviews as tf-idf of hashed words and pairs of words."""
    file = Path(os.environ.get("ALGOS_DATA", ".")) / "linear_learner" / "imdb_hashed.npz"
    if not file.exists():
        raise Unreachable("there is no linear_learner/imdb_hashed.npz in ALGOS_DATA")
    with np.load(file) as data:
        parts = data["data"].astype(np.float32), data["indices"], data["indptr"]
        X = sparse.csr_array(parts, shape=tuple(data["shape"]))
        y = data["y"].astype(np.int64)
    n = laws.n_rows(len(y), divisor, 2000)
    chosen = np.random.default_rng(laws.SEED).permutation(len(y))[:n]
    X, y = X[np.sort(chosen)], y[np.sort(chosen)]
    return prepared(name, X, y, loss, 1 / len(y), fit_intercept=False)


def covertype(divisor, name):
    """Return the forests of the covertype data, seven classes, columns of deviation 1."""
    from sklearn.datasets import fetch_covtype
    from sklearn.preprocessing import StandardScaler

    try:
        X, y = fetch_covtype(return_X_y=True)
    except OSError as error:
        raise Unreachable(f"covertype cannot be fetched: {error}") from None
    X = StandardScaler().fit_transform(X[::divisor]).astype(np.float32)
    return prepared(name, X, y[::divisor].astype(np.int64) - 1, "multinomial", 1 / len(X))


def unscaled(divisor, name):
    """Return columns whose deviations are 1 … 10⁴."""
    X, z = laws.shared_factors(laws.n_rows(20_000, divisor, 2000), 20)
    X = X.astype(np.float64) * np.geomspace(1, 1e4, 20)
    return prepared(name, X, draw(z, "labels"), "log_loss", 1 / len(X))


def path(divisor, name, n, d):
    """Return centred columns, a centred target and 100 alphas."""
    X, z = laws.shared_factors(laws.n_rows(n, divisor, 4 * d), d)
    X = X.astype(np.float64)
    y = draw(z, "real")
    X -= X.mean(axis=0)
    y -= y.mean()
    most = np.abs(X.T @ y).max() / len(y)
    alphas, key = np.geomspace(most, most / 1000, 100), f"{name} {X.shape[0]} × {d}"
    if not np.isfinite(best_known(f"{key}-0")):
        (way,) = OurLinearModels().path_ways(X, y, alphas, None)
        path_suboptimality(key, X, y, alphas, way.fit(REFERENCE))
    return {"X": X, "y": y, "alphas": alphas, "key": key}


def candidates(divisor, n, d, law, loss):
    """Return rows, a fifth of them to validate by, and 32 alphas."""
    X, z = laws.shared_factors(laws.n_rows(n, divisor, 8 * d), d)
    y, cut = draw(z, law), len(X) * 4 // 5
    alphas = np.geomspace(1e2, 1e-6, N_CANDIDATES)
    return {"X": X[:cut], "y": y[:cut], "X_val": X[cut:], "y_val": y[cut:], "alphas": alphas}


def one_row(divisor, law):
    X, z = laws.shared_factors(laws.n_rows(5000, divisor, 500), 50)
    return {"X": X, "y": draw(z, law), "alpha": 1e-3, "rows": X[:1].copy()}


def closeness(outcome, arrays, loss, l1_ratio=0.0, parameter=0.0, fit_intercept=True):
    """How far the objective is above the lowest known."""
    problem = Problem(loss, arrays["alpha"], l1_ratio, parameter, fit_intercept)
    gap = suboptimality(problem, arrays["key"], arrays["X"], arrays["y"], outcome)
    return {"suboptimality": gap}


def accuracy_and_closeness(outcome, arrays):
    """The same, and how many classes are right and which worst of all."""
    z = arrays["X"] @ outcome["coef"].T + outcome["intercept"]
    right = z.argmax(axis=1) == arrays["y"]
    return {**closeness(outcome, arrays, "multinomial"), "right": right.mean()}


def path_closeness(outcome, arrays):
    """The same for the worst of a path's models."""
    X, y, alphas = arrays["X"], arrays["y"], arrays["alphas"]
    return {"suboptimality": path_suboptimality(arrays["key"], X, y, alphas, outcome)}


def validation_loss(outcome, arrays):
    return {"validation loss": outcome["validation"]} if "validation" in outcome else {}


def held_out_loss(outcome, arrays):
    margin = np.where(arrays["y_val"] > 0, 1, -1) * outcome["decisions"]
    return {"validation loss": np.logaddexp(0, -margin).mean()}


def prediction_error(outcome, arrays):
    """The largest error of a prediction by the model's own coefficients."""
    if "predictions" not in outcome:
        return {}
    coef = np.ravel(outcome["coef"]).astype(np.float64)
    true = arrays["rows"].astype(np.float64) @ coef + outcome["intercept"]
    found = outcome["predictions"]
    if found.ndim == 2:
        true, found = expit(true), found[:, 1]
    return {"error": np.max(np.abs(found - true)) / np.abs(true).max()}


def fit_row(name, caption, data, loss, target, *, penalty=None, **others):
    """Return the row of a fit to a target suboptimality; `penalty` goes to data and task alike."""
    penalty = penalty or {}
    return Workload(
        name,
        f"{caption}; to {target:g} above the optimum",
        "linear_fit",
        partial(data, name=name, loss=loss, **penalty),
        partial(closeness, loss=loss, **penalty),
        {"loss": loss, "target": target, **penalty},
        **({"repeat": 3, "quick": False} | others),
    )


L1 = {"l1_ratio": 1.0}
NO_INTERCEPT = {"fit_intercept": False}
A, B = partial(dense, n=500_000, d=50), partial(dense, n=100_000, d=500)

LOGISTIC = [
    fit_row("log-a", "500k × 50, log loss, C=1", partial(A, law="labels"), "log_loss", 1e-5,
            user=True, quick=True),
    fit_row("log-a-coarse", "500k × 50, log loss, C=1", partial(A, law="labels"), "log_loss",
            1e-3, memory=False),
    fit_row("log-b", "100k × 500, log loss, C=1", partial(B, law="labels"), "log_loss", 1e-5),
    fit_row("log-sparse", "CSR, 180k × 50k, about 80 values a row, log loss, C=1, no intercept",
            partial(documents, n=180_000, d=50_000), "log_loss", 1e-5, penalty=NO_INTERCEPT),
    Workload(
        "log-reviews",
        "IMDB reviews, CSR, 25k × 262k, log loss, C=1, no intercept; to 1e-05 above the optimum",
        "linear_fit",
        partial(reviews, name="log-reviews", loss="log_loss"),
        partial(closeness, loss="log_loss", fit_intercept=False),
        {"loss": "log_loss", "target": 1e-5, "fit_intercept": False},
        repeat=3,
        quick=False,
    ),
    fit_row("log-l1", "100k × 50, log loss, L1, alpha 0.003, no intercept",
            partial(dense, n=100_000, d=50, law="labels", alpha=3e-3), "log_loss", 1e-5,
            penalty=L1 | NO_INTERCEPT, memory=False),
    fit_row("log-l1-sparse", "CSR, 20k × 50k, log loss, L1, alpha 0.0003, no intercept",
            partial(documents, n=20_000, d=50_000, alpha=3e-4), "log_loss", 1e-5,
            penalty=L1 | NO_INTERCEPT, memory=False),
    fit_row("multinomial", "100k × 50, 10 classes, C=1",
            partial(dense, n=100_000, d=50, law="classes", n_classes=10), "multinomial", 1e-5),
    Workload(
        "unscaled",
        "20k × 20, columns of deviation 1 … 10⁴, log loss, C=1: fit with defaults",
        "linear_defaults",
        partial(unscaled, name="unscaled"),
        partial(closeness, loss="log_loss"),
        {"loss": "log_loss"},
        repeat=3,
        memory=False,
    ),
    Workload(
        "covertype",
        "581k × 54, 7 classes, C=1; to 1e-05 above the optimum",
        "linear_fit",
        partial(covertype, name="covertype"),
        accuracy_and_closeness,
        {"loss": "multinomial", "target": 1e-5},
        repeat=1,
        memory=False,
        quick=False,
    ),
]  # fmt: skip

SQUARED = [
    fit_row(f"ridge-{name}", f"{shape}, squared error, L2, alpha 1/n", partial(data, law="real"),
            "squared_error", 1e-8, quick=name == "a")
    for name, shape, data in (("a", "500k × 50", A), ("b", "100k × 500", B))
] + [
    fit_row(f"lasso-{name}", f"{shape}, squared error, L1, alpha 0.02",
            partial(data, law="real", alpha=0.02), "squared_error", 1e-6, penalty=L1,
            memory=False)
    for name, shape, data in (("a", "500k × 50", A), ("b", "100k × 500", B))
] + [
    Workload(
        f"path-{name}",
        f"{shape}, lasso, float64, 100 alphas over 3 decades; to 1e-05 above each optimum",
        "linear_path",
        partial(path, name=f"path-{name}", n=n, d=d),
        path_closeness,
        {"target": 1e-5},
        repeat=3,
        memory=False,
        quick=name == "a",
    )
    for name, shape, n, d in (("a", "500k × 50", 500_000, 50), ("b", "100k × 500", 100_000, 500))
]  # fmt: skip

PACKS = [
    Workload(
        f"pack-{name}",
        f"500k × 50, {words}, 32 alphas, the best by 100k of these rows",
        "linear_pack",
        partial(candidates, n=500_000, d=50, law=law, loss=loss),
        validation_loss,
        {"loss": loss},
        repeat=3,
        memory=False,
    )
    for name, words, law, loss in (
        ("squared", "squared error", "real", "squared_error"),
        ("log", "log loss", "labels", "log_loss"),
    )
]

OTHER_LOSSES = [
    fit_row(loss.replace("_error", ""), f"{caption}, {loss}", partial(data, law=law), loss,
            target, penalty=penalty, memory=False)
    for loss, caption, data, law, target, penalty in (
        ("huber", "200k × 50, L1, alpha 0.01",
         partial(dense, n=200_000, d=50, alpha=1e-2), "heavy", 1e-6, L1 | {"parameter": 1.5}),
        ("quantile", "10k × 20, 0.9, L1, alpha 0.001",
         partial(dense, n=10_000, d=20, alpha=1e-3), "heavy", 1e-6, L1 | {"parameter": 0.9}),
        ("absolute_error", "10k × 20, L1, alpha 0.001",
         partial(dense, n=10_000, d=20, alpha=1e-3), "heavy", 1e-6, L1),
        ("hinge", "50k × 50, C=1, no intercept",
         partial(dense, n=50_000, d=50), "labels", 1e-4, NO_INTERCEPT),
        ("squared_hinge", "50k × 50, C=1, no intercept",
         partial(dense, n=50_000, d=50), "labels", 1e-4, NO_INTERCEPT),
        ("poisson", "200k × 50, L2, alpha 1/n",
         partial(dense, n=200_000, d=50), "counts", 1e-6, {}),
        ("gamma", "200k × 50, L2, alpha 1/n",
         partial(dense, n=200_000, d=50), "positive", 1e-6, {}),
        ("tweedie", "200k × 50, L2, alpha 1/n",
         partial(dense, n=200_000, d=50), "counts", 1e-6, {"parameter": _GLM_POWER}),
    )
]  # fmt: skip

SMALL = [
    fit_row(f"small-{n}x{d}-{short}", f"{n} × {d}, {loss}, L2, alpha 1/n",
            partial(dense, n=n, d=d, law=law, least=n), loss, 1e-5, memory=False, repeat=5,
            user=d == 10, quick=d == 10)
    for n, d in ((500, 10), (5000, 20))
    for short, loss, law in (("log", "log_loss", "labels"), ("squared", "squared_error", "real"))
]  # fmt: skip

STREAM = Workload(
    "stream",
    "80k × 50, log loss, float32: one pass over batches of 1000, then the loss of 20k rows",
    "linear_stream",
    partial(candidates, n=100_000, d=50, law="labels", loss="log_loss"),
    held_out_loss,
    {"loss": "log_loss", "batch_size": 1000},
    repeat=3,
    memory=False,
    quick=False,
)

CALLS = [
    Workload(
        f"predict-{short}",
        f"{words} of one row, 50 columns",
        "linear_predict",
        partial(one_row, law=law),
        prediction_error,
        {"loss": loss},
        memory=False,
        user=short == "log",
    )
    for short, words, loss, law in (
        ("log", "predict_proba", "log_loss", "labels"),
        ("squared", "predict", "squared_error", "real"),
    )
]

WORKLOADS = [*LOGISTIC, *SQUARED, *PACKS, *OTHER_LOSSES, *SMALL, STREAM, *CALLS]
