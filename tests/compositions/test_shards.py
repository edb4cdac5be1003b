"""Shards learned in two processes and merged are the whole, exactly or as documented."""

import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy import sparse

from algos import (
    PCA,
    FactorizationMachineClassifier,
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


def pairs_of_numbers(n, seed=0):
    """Rows of two numbers out of eight, and the product of their vectors."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(2, 8, 2))
    first, second = rng.integers(8, size=(2, n))
    X = sparse.csr_matrix(np.hstack([np.eye(8)[first], np.eye(8)[second]]))
    return X, (vectors[0, first] * vectors[1, second]).sum(axis=1)


def passed_over(estimator, X, y):
    for _ in range(40):
        estimator.partial_fit(X, y)
    return estimator


@pytest.mark.parametrize("learn", [passed_over, lambda machine, X, y: machine.fit(X, y)])
@pytest.mark.parametrize("kind", [FactorizationMachineRegressor, FactorizationMachineClassifier])
def test_a_merged_machine_is_better_than_either_shards_and_almost_the_whole_one(kind, learn):
    scores = np.mean([scores_of_shards(kind, learn, seed) for seed in range(4)], axis=0)
    first, second, merged_score, whole = scores
    assert merged_score > max(first, second)
    assert merged_score > whole - 0.03


def scores_of_shards(kind, learn, seed):
    """Return the scores of two halves, of the two merged, and of the whole, for new rows."""
    X, y = pairs_of_numbers(800, seed)
    X_new, y_new = pairs_of_numbers(4000, seed)
    y += np.random.default_rng(seed).normal(size=len(y))  # so much that it is worth averaging
    if kind is FactorizationMachineClassifier:
        y, y_new = y > 0, y_new > 0
    solver = "adagrad" if learn is passed_over else "mcmc"
    made = [kind(2, solver=solver, max_iter=100, random_state=0) for _ in range(3)]
    parts = slice(0, 400), slice(400, 800), slice(0, 800)
    for one, part in zip(made, parts, strict=True):
        learn(one, X[part], y[part])
    apart = [one.score(X_new, y_new) for one in made]
    return *apart[:2], made[0].merge(made[1]).score(X_new, y_new), apart[2]


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
