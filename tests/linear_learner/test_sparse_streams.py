"""Streams of rows whose columns are mostly zero: texts, categories written as indicators."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from algos import LinearLearnerClassifier
from algos.linear_learner import stream
from algos.linear_learner.solvers import iterates
from algos.linear_learner.solvers.schedule import OPTIMIZERS
from algos.linear_learner.sparse_rows import SparseRows
from algos.linear_learner.used_columns import UsedColumns

pytestmark = pytest.mark.filterwarnings("ignore:Most columns of X are filled:UserWarning")


def texts(n, seed, n_words=3000, n_topics=3):
    """Return rows of unit length, whose words are as rare as words are, and their topics."""
    rng = np.random.default_rng(seed)
    tastes = np.exp(0.7 * np.random.default_rng(0).normal(size=(n_topics, n_words)))
    shares = tastes / np.arange(1, n_words + 1)
    ends = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    topics = rng.integers(n_topics, size=n)
    words = [np.searchsorted(ends[topic], rng.random(50) * 0.999) for topic in topics]
    ones = np.ones(50 * n)
    X = sparse.csr_array((ones, (np.repeat(np.arange(n), 50), np.concatenate(words))), (n, n_words))
    X.sum_duplicates()
    rarity = np.log(n / (1 + np.bincount(X.indices, minlength=n_words)) + 1)
    X = X * rarity[np.newaxis, :]
    norms = np.sqrt(X.power(2).sum(axis=1))
    return sparse.csr_array(X / norms[:, np.newaxis]), topics


def categories(n, seed, n_levels=200):
    """Return three indicators of many levels each, and what adds up over these."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(n_levels, size=(n, 3)) + n_levels * np.arange(3)
    X = np.zeros((n, 3 * n_levels))
    X[np.arange(n)[:, np.newaxis], levels] = 1
    effects = np.random.default_rng(0).normal(size=3 * n_levels)
    return X, (X @ effects + rng.normal(size=n) > 0).astype(int)


def streamed(X, y, size, **parameters):
    model = LinearLearnerClassifier(random_state=0, **parameters)
    for start in range(0, X.shape[0], size):
        part = slice(start, start + size)
        model.partial_fit(X[part], y[part], classes=np.unique(y))
    return model


def loss_of(model, X, y):
    return log_loss(y, model.predict_proba(X))


@pytest.mark.parametrize("alpha", [1e-6, 1e-3])
@pytest.mark.parametrize("size", [50, 1000])
def test_a_stream_of_texts_is_about_as_good_as_a_fit(alpha, size):
    X, y = texts(3000, seed=1)
    rows, later = slice(2000), slice(2000, 3000)
    stream = streamed(X[rows], y[rows], size, alpha=alpha)
    whole = LinearLearnerClassifier(alpha=alpha).fit(X[rows], y[rows])
    assert stream.score(X[later], y[later]) > whole.score(X[later], y[later]) - 0.03
    assert loss_of(stream, X[later], y[later]) < loss_of(whole, X[later], y[later]) + 0.05


def test_a_stream_of_texts_may_choose_alpha():
    X, y = texts(3000, seed=1)
    stream = streamed(X[:2000], y[:2000], 500, standardize=False)
    assert stream.score(X[2000:], y[2000:]) > 0.9


@pytest.mark.parametrize("size", [100, 1000])
def test_a_stream_learns_rare_categories(size):
    X, y = categories(12000, seed=1)
    rows, later = slice(10000), slice(10000, 12000)
    stream = streamed(X[rows], y[rows], size, alpha=1e-4)
    whole = LinearLearnerClassifier(alpha=1e-3).fit(X[rows], y[rows])
    assert loss_of(stream, X[later], y[later]) < loss_of(whole, X[later], y[later]) + 0.05


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adagrad"])
def test_zeros_that_are_stored_are_zeros(optimizer):
    X, y = categories(600, seed=1, n_levels=20)
    stored = sparse.csr_array(X + 1)
    stored.data -= 1
    models = [
        streamed(rows, y, 100, alpha=1e-4, optimizer=optimizer)
        for rows in (X, sparse.csr_array(X), stored)
    ]
    for other in models[1:]:
        np.testing.assert_allclose(other.coef_, models[0].coef_, atol=1e-8)


def test_weights_are_repeats_of_sparse_rows():
    X, y = texts(200, seed=1)
    counts = np.random.default_rng(0).integers(1, 4, size=200)
    repeated = np.repeat(np.arange(200), counts)
    parameters = {"alpha": 1e-4, "batch_size": 20, "random_state": 0}
    one = LinearLearnerClassifier(**parameters).partial_fit(X, y, sample_weight=counts)
    other = LinearLearnerClassifier(**parameters).partial_fit(X[repeated], y[repeated])
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-8)


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_a_class_that_the_first_batch_lacks_is_not_ruled_out(loss):
    X, y = texts(400, seed=1)
    first = np.flatnonzero(y < 2)[:50]
    model = LinearLearnerClassifier(loss, alpha=1e-4, random_state=0)
    model.partial_fit(X[first], y[first], classes=[0, 1, 2])
    assert np.ptp(model.intercept_) < 12
    model = streamed(X, y, 100, loss=loss, alpha=1e-4)
    assert model.score(X, y) > 0.9


def test_a_stream_goes_on_from_a_fit_of_texts():
    X, y = texts(1200, seed=1)
    model = LinearLearnerClassifier(alpha=1e-3, random_state=0).fit(X[:600], y[:600])
    before = loss_of(model, X[900:], y[900:])
    for start in range(600, 900, 50):
        model.partial_fit(X[start : start + 50], y[start : start + 50])
    assert loss_of(model, X[900:], y[900:]) < 1.2 * before


@pytest.mark.parametrize("parameters", [{}, {"alpha": [1e-4, 1e-2], "l1_ratio": 0.5}])
def test_columns_that_no_row_has_filled_cost_nothing_and_change_nothing(parameters, monkeypatch):
    X, y = texts(600, seed=3)
    wide = sparse.csr_array((X.data, 5 * X.indices, X.indptr), (600, 5 * X.shape[1]))
    widths = set()
    evaluate = SparseRows.evaluate

    def noted(rows, *arguments):
        widths.add(rows.d)
        return evaluate(rows, *arguments)

    monkeypatch.setattr(SparseRows, "evaluate", noted)
    few = streamed(wide, y, 100, **parameters)
    assert max(widths) <= X.shape[1]
    monkeypatch.setattr(stream, "UsedColumns", lambda X, **_: UsedColumns(X, looks=False))
    all_ = streamed(wide, y, 100, **parameters)
    assert max(widths) == wide.shape[1]
    np.testing.assert_allclose(few.coef_, all_.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(few.intercept_, all_.intercept_, rtol=1e-9)
    assert not few.coef_[:, np.arange(wide.shape[1]) % 5 != 0].any()


def test_a_column_that_only_the_beginning_has_moved_is_kept():
    X, y = texts(200, seed=3)
    wide = sparse.csr_array((X.data, X.indices, X.indptr), (200, 20 * X.shape[1]))
    options = {"solver": "sgd", "init": "uniform", "max_iter": 2, "alpha": 1e-4}
    with pytest.warns(ConvergenceWarning):
        model = LinearLearnerClassifier(random_state=0, **options).fit(wide, y)
    beyond = model.coef_[:, X.shape[1] :].copy()
    model.partial_fit(wide[:50], y[:50])
    kept = model.coef_[:, X.shape[1] :]
    assert np.array_equal(kept != 0, beyond != 0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_in_blocks_of_columns_are_the_same_steps(optimizer, monkeypatch):
    X, y = texts(200, seed=1, n_words=60)
    make = {"alpha": [1e-3, 1e-5], "l1_ratio": 0.5, "optimizer": optimizer}
    whole = streamed(X, y, 100, **make)
    monkeypatch.setattr(iterates, "_BLOCK", 100)  # 16 columns of 6 models
    parts = streamed(X, y, 100, **make)
    assert whole.coef_.tolist() == parts.coef_.tolist()
