"""The rows of factorization machines: ratings, clicks, rankings, and how fast they are learned."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import sparse
from sklearn.metrics import roc_auc_score

from benchmarks import recommenders
from benchmarks.anomalies import with_spread
from benchmarks.cases import laws, recommender_data
from benchmarks.workload import Workload

CLICK_ROWS, CLICK_TEST = 180_000, 20_000


def long_ratings(divisor):
    """A million ratings in the shape of MovieLens-1M, a tenth of them for the test."""
    n = laws.n_rows(1_000_000, divisor, 20_000)
    sizes = [6040 // min(divisor, 10), 3706 // min(divisor, 10)]
    codes, y = laws.generated_ratings(n, *sizes)
    fold = np.where(np.random.default_rng(laws.SEED).random(n) < 0.1, 0, -1)
    X = recommender_data.one_hot(codes, sizes)
    return {"X": X, "y": y, "fold": fold, "sizes": np.array(sizes)}


def clicks(divisor, *, values=False):
    """Rows of thirty fields, one-hot or with values other than 1."""
    n = laws.n_rows(CLICK_ROWS, divisor, 2000)
    n_test = laws.n_rows(CLICK_TEST, divisor, 2000)
    codes, y = laws.clicks(n + n_test)
    X = recommender_data.one_hot(codes, laws.CLICK_FIELDS)
    if values:
        rng = np.random.default_rng([laws.SEED, X.nnz, 16])
        X.data[:] = rng.lognormal(sigma=0.25, size=X.nnz)
    return {"X": X[:n], "y": y[:n], "X_test": X[n:], "y_test": y[n:]}


def wide(divisor):
    """A hundred rows of ten million columns, ten values each."""
    n, d = 100, 10_000_000 // divisor
    rng = np.random.default_rng([laws.SEED, d, 17])
    indices = np.sort(rng.integers(d, size=(n, 10)), axis=1).ravel().astype(np.int32)
    starts = np.arange(0, 10 * n + 1, 10, dtype=np.int32)
    X = sparse.csr_array((np.ones(10 * n, dtype=np.float32), indices, starts), shape=(n, d))
    return {"X": X, "y": rng.standard_normal(n)}


def one_row(divisor):
    X, y, *_ = recommender_data.ratings(10 if divisor == 1 else divisor, "random").values()
    return {"X": X, "y": y, "rows": X[:1]}


def of_ratings(outcome, arrays):
    """The RMSE of each fold and seed: their mean and deviation."""
    y, fold, found = arrays["y"], arrays["fold"], []
    for predictions in outcome["predictions"]:
        for number in range(fold.max() + 1):
            asked = fold == number
            found.append({"RMSE": recommenders.rmse(y[asked], predictions[asked])})
    return with_spread(found)


def of_clicks(outcome, arrays):
    y, chances = arrays["y_test"], outcome["chances"]
    return {"log loss": recommenders.log_loss(y, chances), "AUC": roc_auc_score(y, chances)}


def of_epochs(outcome, arrays):
    return {"M nonzeros/s": outcome["speed"] / 1e6, **of_clicks(outcome, arrays)}


def of_ranking(outcome, arrays):
    seen, found = arrays["X"].toarray() > 0, []
    for scores in outcome["scores"]:
        ranks = recommenders.ranks(scores, seen, arrays["held"])
        found.append({"HR@10": recommenders.hit_rate(ranks, 10)})
        found[-1]["NDCG@10"] = recommenders.ndcg(ranks, 10)
    return with_spread(found)


def nothing(outcome, arrays):
    return {}


def rated(name, caption, data, *, of="fit and predictions", **others):
    """Return a row of ratings; other arguments are options of the task or of the row."""
    row = {"repeat": 3, "memory": False, "quick": False}
    row |= {key: others.pop(key) for key in ("repeat", "memory", "quick", "user") if key in others}
    return Workload(name, f"{caption}: {of}", "fm_ratings", data, of_ratings, others, **row)


MOVIELENS = "MovieLens-100K, one-hot users and items"
DETAILS = "ages, genders, occupations, genres and years beside them"

RATINGS = [
    rated("ratings-u1", f"{MOVIELENS}, u1, 8 factors, 200 sweeps of Gibbs, 5 seeds",
          partial(recommender_data.ratings, split="u1"),
          n_factors=8, n_seeds=5, way="gibbs", sweeps=200, repeat=1),
    rated("ratings-folds", f"{MOVIELENS}, u1 … u5, 8 factors, defaults",
          partial(recommender_data.ratings, split="folds"),
          n_factors=8, memory=True, user=True, quick=True, repeat=1),
    rated("ratings-random", f"{MOVIELENS}, random 80/20, 16 factors, defaults, 3 seeds",
          partial(recommender_data.ratings, split="random"), n_factors=16, n_seeds=3, repeat=1),
    rated("ratings-details", f"{MOVIELENS}, {DETAILS}, u1 … u5, 8 factors, defaults",
          partial(recommender_data.ratings, split="folds", side=True), n_factors=8, repeat=1),
    *(
        rated(f"cold-{split}", f"MovieLens-100K, {split} that were never seen, in five parts; "
              f"{DETAILS}; 8 factors, defaults",
              partial(recommender_data.ratings, split=split, side=True), n_factors=8, repeat=1)
        for split in ("users", "items")
    ),
    rated("ratings-long-gibbs",
          "1M generated ratings of 6040 × 3706, 16 factors, 50 sweeps of Gibbs",
          long_ratings, n_factors=16, way="gibbs", sweeps=50, repeat=1, memory=True),
    rated("ratings-long-als",
          "1M generated ratings of 6040 × 3706, 16 factors, 20 sweeps of least squares, "
          "penalties 3 and 15",
          long_ratings, n_factors=16, way="als", sweeps=20, quick=True),
]  # fmt: skip

CLICKS = [
    Workload(
        "clicks-tuned",
        "Frappe, 202k × 5382, ten fields, 16 factors, of 36 settings the best on validation rows: "
        "fit and chances of 29k rows",
        "fm_clicks",
        recommender_data.app_uses,
        of_clicks,
        {"n_factors": 16, "way": "tuned"},
        repeat=3,
        quick=False,
    ),
    Workload(
        "clicks-defaults",
        "Frappe, 202k × 5382, ten fields, 16 factors, defaults: fit and chances of 29k rows",
        "fm_clicks",
        recommender_data.app_uses,
        of_clicks,
        {"n_factors": 16},
        repeat=3,
        memory=False,
        user=True,
    ),
    Workload(
        "clicks-gibbs",
        "Frappe, 202k × 5382, ten fields, 16 factors, 50 sweeps of Gibbs: fit and chances of 29k "
        "rows",
        "fm_clicks",
        recommender_data.app_uses,
        of_clicks,
        {"n_factors": 16, "way": "gibbs", "sweeps": 50},
        repeat=1,
        memory=False,
        quick=False,
    ),
]

SPEED = [
    Workload(
        f"epochs-{short}",
        f"{CLICK_ROWS // 1000}k × 103k, thirty fields, {words}, 16 factors: a fit of one epoch, "
        "and one of six",
        "fm_epochs",
        partial(clicks, values=short == "values"),
        of_epochs,
        {"n_factors": 16, "n_epochs": 5},
        repeat=3,
        memory=short == "one-hot",
    )
    for short, words in (("one-hot", "all values 1"), ("values", "any values"))
]

RANKING = Workload(
    "ranking",
    "MovieLens-100K, who rated what, each user's newest held out, 16 factors, 5 seeds: fits and "
    "all scores",
    "fm_ranking",
    recommender_data.positives,
    of_ranking,
    {"n_factors": 16, "n_seeds": 5},
    repeat=1,
    memory=False,
)

ANSWERS = [
    Workload(
        "predict",
        "the chances of 20k rows × 103k, 30 values a row, 16 factors",
        "fm_scores",
        partial(clicks, values=True),
        nothing,
        {"n_factors": 16},
        memory=False,
    ),
    Workload(
        "predict-row",
        "the prediction of one row, 8 factors",
        "fm_row",
        one_row,
        nothing,
        {"n_factors": 8},
        memory=False,
        user=True,
    ),
]

WIDE = Workload(
    "wide",
    "100 rows × 10M columns, 8 factors, defaults",
    "fm_wide",
    wide,
    nothing,
    {"n_factors": 8},
    repeat=1,
)

WORKLOADS = [*RATINGS, *CLICKS, *SPEED, RANKING, *ANSWERS, WIDE]
