"""Choices from rows that repeat with different targets, as tables of categories have them."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import RidgeCV
from sklearn.metrics import log_loss

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner import replicates

HOW = [
    {},
    {"early_stopping": False},
    {"validation_fraction": 0.2},
    {"solver": "sgd"},
]


def town_rows(n=4000, n_towns=120):
    """Return one-hot towns, a few of which most people live in, and what depends on them."""
    rng = np.random.default_rng(0)
    town = np.minimum(rng.zipf(1.5, 2 * n), n_towns) - 1
    chance = 1 / (1 + np.exp(-1.5 * rng.normal(size=n_towns)[town]))
    return np.eye(n_towns)[town], (rng.random(2 * n) < chance).astype(int)


def halves(X, y):
    n = len(y) // 2
    return X[:n], y[:n], X[n:], y[n:]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
def test_categories_are_not_penalised_away(how, make):
    X, y, X_new, y_new = halves(*town_rows())
    model = LinearLearnerClassifier(standardize=False, random_state=0, **how).fit(make(X), y)
    least = min(
        log_loss(y_new, plain.set_params(alpha=alpha).fit(X, y).predict_proba(X_new))
        for plain in [LinearLearnerClassifier(standardize=False)]
        for alpha in (1e-5, 1e-4, 1e-3)
    )
    assert log_loss(y_new, model.predict_proba(X_new)) < 1.01 * least
    assert np.nanmax(model.candidates_["roc_auc"]) > 0.65  # 0 where folds learn the opposite


def test_combinations_of_categories_are_not_penalised_away():
    rng = np.random.default_rng(0)
    n = 5000
    town = np.minimum(rng.zipf(1.5, 2 * n), 200) - 1
    day, sex = rng.integers(0, 7, 2 * n), rng.integers(0, 2, 2 * n)
    score = 1.5 * rng.normal(size=200)[town] + 0.3 * rng.normal(size=7)[day]
    y = (rng.random(2 * n) < 1 / (1 + np.exp(-score))).astype(int)
    X = np.hstack([np.eye(200)[town], np.eye(7)[day], np.eye(2)[sex]])
    X, y, X_new, y_new = halves(X, y)
    model = LinearLearnerClassifier(standardize=False, random_state=0).fit(X, y)
    # LogisticRegression's default penalty is near the best one.
    plain = LinearLearnerClassifier(alpha=1 / n, standardize=False).fit(X, y)
    ours, others = (log_loss(y_new, one.predict_proba(X_new)) for one in (model, plain))
    assert ours < 1.005 * others


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
def test_ratings_by_category_are_explained(loss):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 30, 4000)
    y = np.clip(np.round(3 + rng.normal(size=30)[group] + rng.normal(size=4000)), 1, 5)
    X, y, X_new, y_new = halves(np.eye(30)[group], y)
    model = LinearLearnerRegressor(loss, random_state=0).fit(X, y)
    ridge = RidgeCV(alphas=np.logspace(-4, 4, 20)).fit(X, y)
    assert model.score(X_new, y_new) > ridge.score(X_new, y_new) - 0.02


def test_ratings_of_two_kinds_are_explained():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 30, 2000)
    effects = rng.normal(size=(30, 2))[group]
    y = np.clip(np.round(effects + rng.normal(size=(2000, 2))), -2, 2)
    model = LinearLearnerRegressor(random_state=0).fit(np.eye(30)[group], y)
    ridge = RidgeCV(alphas=np.logspace(-4, 4, 20)).fit(np.eye(30)[group], y)
    assert model.score(np.eye(30), y[:30]) == pytest.approx(
        ridge.score(np.eye(30), y[:30]), abs=0.05
    )


@pytest.mark.parametrize("alpha", ["auto", 1e-3])
@pytest.mark.parametrize("validation_fraction", ["auto", 0.2])
def test_thresholds_of_one_binary_column_are_on_its_side(alpha, validation_fraction):
    x = np.repeat([0.0, 0.0, 1.0, 1.0], [450, 50, 50, 450])[:, np.newaxis]
    y = np.repeat([0, 1, 0, 1], [450, 50, 50, 450])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 4 kinds of rows are no few judges
        model = LinearLearnerClassifier(
            alpha=alpha,
            selection_criterion="accuracy",
            validation_fraction=validation_fraction,
            random_state=0,
        ).fit(x, y)
    assert model.score(x, y) == pytest.approx(0.9)
    assert model.candidates_["roc_auc"].min() > 0.8


@pytest.mark.parametrize("how", HOW[:3])
def test_weights_of_a_table_of_frequencies_are_repeats(how):
    X, y, *_ = halves(*town_rows(400, 20))
    rows, weight = np.unique(np.column_stack([X, y]), axis=0, return_counts=True)
    repeated = np.random.default_rng(2).permutation(len(y))
    make = LinearLearnerClassifier(standardize=False, random_state=0, tol=1e-10, **how)
    by_weight = make.fit(rows[:, :-1], rows[:, -1], sample_weight=weight)
    loss = by_weight.candidates_["validation_loss"].copy()
    coef, alpha = by_weight.coef_.copy(), by_weight.alpha_
    by_repeats = make.fit(X[repeated], y[repeated])
    np.testing.assert_allclose(by_repeats.candidates_["validation_loss"], loss, rtol=1e-6)
    assert by_repeats.alpha_ == pytest.approx(alpha)
    np.testing.assert_allclose(by_repeats.coef_, coef, atol=1e-5)


def weights_that_are_no_counts():
    rng = np.random.default_rng(1)
    return [np.full(500, 1000.0), rng.uniform(2, 4, 500), rng.integers(1, 366, 500)]


@pytest.mark.parametrize("weight", weights_that_are_no_counts())
@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_the_unit_of_weights_does_not_choose_the_penalty(loss, weight):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 100, 500)
    effect = 0.4 * rng.normal(size=100)
    y = effect[group] + rng.normal(size=500)
    make = LinearLearnerRegressor(loss, standardize=False, random_state=0)
    model = make.fit(np.eye(100)[group], y, sample_weight=weight)
    assert model.score(np.eye(100), effect) > 0.1  # less than 0 if folds validate what they learned


@pytest.mark.parametrize("weight", weights_that_are_no_counts())
def test_the_unit_of_weights_does_not_choose_the_penalty_of_classes(weight):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 100, 500)
    chance = 1 / (1 + np.exp(-0.4 * rng.normal(size=100)))
    y = (rng.random(500) < chance[group]).astype(int)
    make = LinearLearnerClassifier(standardize=False, random_state=0)
    found = make.fit(np.eye(100)[group], y, sample_weight=weight).predict_proba(np.eye(100))[:, 1]
    loss = -np.mean(chance * np.log(found) + (1 - chance) * np.log(1 - found))
    assert loss < np.log(2) + 0.02


def test_weights_that_sum_to_one_are_shares_of_rows():
    X, y, *_ = halves(*town_rows(1000))
    make = LinearLearnerClassifier(standardize=False, random_state=0)
    alpha = make.fit(X, y).alpha_
    assert make.fit(X, y, sample_weight=np.full(len(y), 1 / len(y))).alpha_ == pytest.approx(alpha)


def test_threads_do_not_change_what_is_chosen():
    X, y, *_ = halves(*town_rows(400, 20))
    one, two = (LinearLearnerClassifier(random_state=0, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.candidates_["objective"], two.candidates_["objective"])


@pytest.mark.parametrize("how", HOW)
def test_without_replicates_rows_are_parted_as_they_are(how, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X, y = np.vstack([X, X[:50]]), (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    y = np.append(y, y[:50])  # copies, but of one target each
    make = LinearLearnerClassifier(random_state=0, max_iter=50, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coef = make.fit(X, y).coef_
        monkeypatch.setattr(replicates, "_assigned", lambda *_: None)
        np.testing.assert_array_equal(make.fit(X, y).coef_, coef)
