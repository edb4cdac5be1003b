"""Few rows: candidates are threshold_rows in folds."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos._common.random import seed_key
from algos._common.row_key import row_keys
from algos._common.split import validation_folds
from algos.linear_learner import model_selection

ALPHAS = [1.0, 0.1, 0.01, 0.001]


def two_classes(n=300):
    return make_classification(n, 6, n_informative=4, flip_y=0.1, random_state=0)


def held_out_decisions(model, X, y, codes, classes):
    """Return a candidate's decision values on each fold, by models of the others."""
    decision = np.empty(len(X))
    keys = row_keys(X, seed_key(0), codes)
    for train, held in validation_folds(keys, 5, classes=classes):
        decision[held] = model.fit(X[train], y[train]).decision_function(X[held])
    return decision


def test_candidates_are_validated_by_models_that_have_not_learned_the_rows():
    X, y = two_classes()
    pack = LinearLearnerClassifier(
        alpha=ALPHAS, random_state=0, early_stopping=False, tol=1e-12
    ).fit(X, y)
    for i, alpha in enumerate(ALPHAS):
        alone = LinearLearnerClassifier(alpha=alpha, tol=1e-12)
        z = held_out_decisions(alone, X, y, 2.0 * y - 1, y)
        loss = np.logaddexp(0, np.where(y == 1, -z, z)).mean()
        assert pack.candidates_["validation_loss"][i] == pytest.approx(loss, rel=1e-5)
        assert pack.candidates_["accuracy"][i] == pytest.approx(np.mean((z > 0) == y))
        whole = alone.fit(X, y)
        np.testing.assert_allclose(pack.candidate_coef_[i], whole.coef_, atol=1e-5)
    assert pack.best_index_ == np.argmin(pack.candidates_["validation_loss"])
    np.testing.assert_array_equal(pack.coef_, pack.candidate_coef_[pack.best_index_])
    assert np.isnan(pack.history_["validation"]).all()


def test_thresholds_are_those_of_all_folds_together():
    X, y = two_classes()
    model = LinearLearnerClassifier(
        alpha=0.01, selection_criterion="accuracy", random_state=0, tol=1e-12
    ).fit(X, y)
    z = held_out_decisions(LinearLearnerClassifier(alpha=0.01, tol=1e-12), X, y, 2.0 * y - 1, y)
    best = max(np.mean((z > cut) == y) for cut in [z.min() - 1, *z])
    cut = np.log(model.threshold_ / (1 - model.threshold_))
    assert np.mean((z > cut) == y) == pytest.approx(best)
    assert model.candidates_["accuracy"][0] == pytest.approx(best)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_products_judge_the_squared_loss_as_rows_do(l1_ratio, n_outputs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5)) + 10
    y = X @ rng.normal(size=(5, n_outputs)) + rng.normal(size=(120, n_outputs))
    y = y[:, 0] if n_outputs == 1 else y
    common = {"alpha": ALPHAS, "l1_ratio": l1_ratio, "tol": 1e-12, "random_state": 0}
    pack = LinearLearnerRegressor(**common).fit(X, y)
    keys = row_keys(X, seed_key(0), y.reshape(120, -1)[:, 0].copy())
    for i, alpha in enumerate(ALPHAS):
        alone = LinearLearnerRegressor(alpha=alpha, l1_ratio=l1_ratio, tol=1e-12)
        errors = np.empty_like(y)
        for train, held in validation_folds(keys, 5):
            errors[held] = y[held] - alone.fit(X[train], y[train]).predict(X[held])
        expected = (errors**2).sum() / 240
        assert pack.candidates_["validation_loss"][i] == pytest.approx(expected, rel=1e-5)
    alone = LinearLearnerRegressor(alpha=pack.alpha_, l1_ratio=l1_ratio, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(pack.coef_, alone.coef_, atol=1e-5)


FITS = [
    (LinearLearnerClassifier("log_loss"), 2),
    (LinearLearnerClassifier("log_loss", class_weight="auto", selection_criterion="f_beta"), 2),
    (LinearLearnerClassifier("hinge", class_weight="balanced"), 3),
    (LinearLearnerRegressor("squared_error"), 0),
    (LinearLearnerRegressor("poisson", l1_ratio=[0.0, 1.0]), 0),
]


@pytest.mark.parametrize(("model", "n_classes"), FITS)
def test_weights_are_repeats_and_order_does_not_matter(model, n_classes):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 3))
    y = rng.poisson(np.exp(0.5 * X[:, 0])).astype(float)
    if n_classes:
        y = np.minimum(y, n_classes - 1)
    weight = rng.integers(0, 4, size=80)
    rows = rng.permutation(np.repeat(np.arange(80), weight))
    model.set_params(random_state=0, n_alphas=5, tol=1e-10)
    losses = []
    for fit in ((X, y, weight), (X[rows], y[rows])):
        model.fit(*fit)
        losses.append((model.candidates_["validation_loss"], model.coef_))
    for one, other in zip(*losses, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_a_class_of_one_row_is_trained_on_by_all_folds():
    X, y = load_iris(return_X_y=True)
    X, y = X[:101], y[:101]  # the last class has one row
    model = LinearLearnerClassifier(random_state=0, n_alphas=4).fit(X, y)
    assert np.isfinite(model.candidates_["validation_loss"]).all()


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("criterion", ["loss", "f_beta", "precision_at_target_recall"])
def test_a_class_that_no_fold_can_hold_out_is_validated_on_training_rows(criterion, copies):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(40, 2)), np.full((copies, 2), 4.0)])
    y = np.repeat([0, 1], [40, copies])
    model = LinearLearnerClassifier(
        alpha=ALPHAS, random_state=0, selection_criterion=criterion, class_weight="balanced"
    )
    with pytest.warns(UserWarning, match="`validation_fraction`='auto' leaves no rows, or none"):
        model.fit(X, y)
    assert model.predict(X[-1:]) == 1
    assert model.candidates_["recall"][model.best_index_] == pytest.approx(1)


def test_counts_of_one_positive_row_have_none_to_judge_by():
    X, y = np.arange(20.0)[:, None], np.eye(20)[3]
    model = LinearLearnerRegressor("poisson", alpha=[1.0, 0.1], random_state=0)
    with pytest.warns(UserWarning, match="validation; all 20 rows"):
        model.fit(X, y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("n_positive", [2, 3])
def test_folds_train_on_what_is_not_zero_in_every_output(n_positive):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.poisson(2.0, size=(60, 2)).astype(float)
    y[n_positive:, 1] = 0
    y[:n_positive, 1] = 1
    for seed in range(10):
        model = LinearLearnerRegressor("tweedie", alpha=ALPHAS, random_state=seed).fit(X, y)
        assert (model.candidates_["validation_loss"] < 20).all()


def test_outputs_that_folds_cannot_divide_are_validated_on_training_rows():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = np.zeros((60, 2))
    y[:2, 0] = y[5, 1] = y[6:50, 0] = 1
    model = LinearLearnerRegressor("poisson", alpha=ALPHAS, random_state=0)
    with pytest.warns(UserWarning, match="all 60 rows are used for both"):
        model.fit(X, y)


def test_a_share_that_holds_out_all_that_is_not_zero_serves_both_sides():
    X, y = np.arange(20.0)[:, None], np.eye(20)[3]
    model = LinearLearnerRegressor("poisson", alpha=[1.0, 0.1], validation_fraction=0.2)
    warned = 0
    for seed in range(20):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.set_params(random_state=seed).fit(X, y)
        assert (model.candidates_["validation_loss"] < 2).all()
        warned += any("rows are used for both" in str(one.message) for one in caught)
    assert 0 < warned < 20


def test_a_share_holds_out_one_part():
    X, y = two_classes(200)
    folded = LinearLearnerClassifier(alpha=ALPHAS, random_state=0).fit(X, y)
    parted = folded.__class__(alpha=ALPHAS, random_state=0, validation_fraction=0.1).fit(X, y)
    counts = np.round(parted.candidates_["accuracy"] * 21, 9)  # of 101 and 99 rows
    np.testing.assert_array_equal(counts, np.round(counts))
    assert (parted.candidate_coef_ != folded.candidate_coef_).any()


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_few_rows_choose_as_well_as_scikit_learns_folds(load):
    X, y = load(return_X_y=True)
    ours, theirs = [], []
    for seed in range(3):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.3, stratify=y, random_state=seed
        )
        model = LinearLearnerClassifier(random_state=0).fit(X_train, y_train)
        peer = make_pipeline(
            StandardScaler(), LogisticRegressionCV(Cs=12, scoring="neg_log_loss", max_iter=2000)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            peer.fit(X_train, y_train)
        ours.append(log_loss(y_test, model.predict_proba(X_test)))
        theirs.append(log_loss(y_test, peer.predict_proba(X_test)))
    assert np.mean(ours) < 1.05 * np.mean(theirs) + 0.005


def test_few_rows_choose_a_ridge_as_scikit_learn_does():
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = LinearLearnerRegressor(random_state=0).fit(X_train, y_train)
    peer = make_pipeline(StandardScaler(), RidgeCV(np.geomspace(1e-4, 1e4, 32), cv=5))
    assert model.score(X_test, y_test) > peer.fit(X_train, y_train).score(X_test, y_test) - 0.02


def rare_rows(n=3400, n_positive=60, n_classes=2):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 2)), np.zeros(n, dtype=int)
    y[:n_positive] = rng.integers(1, n_classes, n_positive)
    X[:, 0] += 2 * y
    return X, y


@pytest.fixture
def makes_folds(monkeypatch):
    """Return what tells whether a pack of the classifier is threshold_rows in folds."""
    made = []

    def folds(*args, **options):
        made.append(True)
        return validation_folds(*args, **options)

    monkeypatch.setattr(model_selection, "validation_folds", folds)

    def makes(X, y, model=None, **options):
        model = model or LinearLearnerClassifier(alpha=[0.1, 0.01], random_state=0)
        made.clear()
        model.set_params(**options).fit(X, y)
        return bool(made)

    return makes


@pytest.mark.parametrize("n_classes", [2, 3])
def test_few_rows_outside_the_most_frequent_class_choose_in_folds(n_classes, makes_folds):
    assert makes_folds(*rare_rows(n_positive=999, n_classes=n_classes))
    assert not makes_folds(*rare_rows(n_positive=1000, n_classes=n_classes))
    assert makes_folds(*rare_rows(n_positive=2500))
    assert not makes_folds(*rare_rows(), validation_fraction=0.1)
    assert not makes_folds(*rare_rows(), solver="sgd", tol=0.1)


def test_copies_of_rare_rows_are_few_rows(makes_folds):
    X, y = rare_rows()
    rows = np.repeat(np.arange(len(X)), np.where(y == 1, 40, 1))
    assert makes_folds(X[rows], y[rows])
    assert makes_folds(X, y, class_weight="balanced")


def test_rare_classes_are_not_worth_folds_of_many_values(makes_folds, monkeypatch):
    X, y = rare_rows()
    monkeypatch.setattr(model_selection, "_MOST_FOLDED", X.size)
    assert makes_folds(X, y)
    assert makes_folds(sparse.csr_array(X), y)
    monkeypatch.setattr(model_selection, "_MOST_FOLDED", X.size - 1)
    assert not makes_folds(X, y)
    assert not makes_folds(sparse.csr_array(X), y)


def test_regressors_have_no_rare_class(makes_folds):
    model = LinearLearnerRegressor("poisson", alpha=[0.1, 0.01], random_state=0)
    assert not makes_folds(*rare_rows(), model)
