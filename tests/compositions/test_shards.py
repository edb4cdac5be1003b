"""Shards learned in two processes and merged are the whole, exactly or as documented."""

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse

from algos import (
    PCA,
    FactorizationMachineRegressor,
    KMeans,
    LatentDirichletAllocation,
    LinearLearnerClassifier,
    LinearLearnerRegressor,
    RandomCutForest,
)


def rows(n=600, d=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 4 * rng.integers(3, size=(n, 1))
    return X, X @ np.arange(1.0, d + 1) + rng.normal(size=n)


def learned(estimator, *data):
    return estimator.partial_fit(*data)


def merged(make, *data):
    """Learn either half in a process of its own, and merge the two."""
    half = data[0].shape[0] // 2
    shards = [[each[:half] for each in data], [each[half:] for each in data]]
    first, second = Parallel(n_jobs=2)(delayed(learned)(make(), *shard) for shard in shards)
    return first.merge(second)


def test_merged_components_are_those_of_all_rows():
    X, _ = rows()
    both, whole = merged(lambda: PCA(3), X), PCA(3).fit(X)
    np.testing.assert_allclose(both.explained_variance_, whole.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(both.components_, whole.components_, atol=1e-8)


def test_a_merged_squared_loss_has_the_coefficients_of_all_rows():
    X, y = rows()
    both = merged(lambda: LinearLearnerRegressor(alpha=1e-3), X, y)
    whole = LinearLearnerRegressor(alpha=1e-3).fit(X, y)
    np.testing.assert_allclose(both.coef_, whole.coef_, rtol=1e-8)


def test_merged_centres_are_about_as_good_as_those_of_all_rows():
    X, _ = rows(3000)
    both = merged(lambda: KMeans(3, random_state=0), X)
    whole = KMeans(3, random_state=0).fit(X)
    assert -both.score(X) < 1.02 * whole.inertia_


def test_a_merged_classifier_is_about_as_good_as_that_of_all_rows():
    X, y = rows(4000)
    y = (y > np.median(y)).astype(int)
    both = merged(lambda: LinearLearnerClassifier(random_state=0), X, y)
    assert both.score(X, y) > 0.95


def test_a_merged_machine_predicts_about_as_that_of_all_rows():
    rng = np.random.default_rng(0)
    columns = rng.integers(8, size=(4000, 2))
    X = sparse.csr_matrix(np.hstack([np.eye(8)[columns[:, 0]], np.eye(8)[columns[:, 1]]]))
    y = rng.normal(size=(8, 2)) @ rng.normal(size=(2, 8))
    y = y[columns[:, 0], columns[:, 1]]
    both = merged(lambda: FactorizationMachineRegressor(solver="adagrad", random_state=0), X, y)
    assert both.score(X, y) > -1  # two halves of a stream: no worse than twice the mean's error


def test_a_merged_forest_holds_rows_of_either_shard():
    X, _ = rows(2000)
    X[1000:] += 100
    both = merged(lambda: RandomCutForest(50, random_state=0), X)
    assert both.n_samples_seen_ == 2000
    inside = both.anomaly_score(np.vstack([X[:5], X[-5:]]))
    assert both.anomaly_score(np.full((1, 6), 50.0)).min() > 1.2 * np.median(inside)


def test_merged_topics_are_those_of_either_shard():
    rng = np.random.default_rng(0)
    topics = np.kron(np.eye(2), np.full(5, 0.2))
    X = rng.multinomial(60, topics[rng.integers(2, size=800)])
    both = merged(lambda: LatentDirichletAllocation(2, random_state=0), X)
    found = both.components_ / both.components_.sum(axis=1, keepdims=True)
    distance = np.abs(found[:, None] - topics).sum(axis=2) / 2
    assert distance.min(axis=0).max() < 0.1
