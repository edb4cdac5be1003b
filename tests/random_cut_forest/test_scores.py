"""Scores of grown forests beside those of AWS's library, and what they tell."""

import numpy as np
import pytest

from algos.random_cut_forest.attribution import attribute
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.growth import grow
from algos.random_cut_forest.scores import METHODS, score

AWS_SHARES = [[0.0031, 0.1096], [0.0, 0.8874]]  # krcf 0.4.0, mean of 5 forests of 400 trees
KEY = np.array([3, 5], dtype=np.uint64)


def grown(X, n_trees=200):
    forest = Forest.empty(KEY, n_trees, *X.shape)
    chosen = np.tile(np.arange(len(X)), (n_trees, 1))
    grow(forest, X, chosen, np.zeros(chosen.shape), 1)
    return forest


@pytest.fixture(scope="module")
def clusters():
    """Return 256 rows of three clusters, and rows of them and far from them."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(3, 6)) * 4

    def draw(n):
        return (centers[rng.integers(3, size=n)] + rng.normal(size=(n, 6))).astype(np.float32)

    X, near = draw(256), draw(300)
    return X, {"near": near, "far": (rng.normal(size=(100, 6)) * 8).astype(np.float32)}


# Means of krcf 0.4.0 (200 trees, which all hold the 256 rows; its displacement times 257).
AWS = {
    "near": {"expected_inverse_depth": 0.7590, "displacement": 2.789},
    "far": {"expected_inverse_depth": 3.5504, "displacement": 99.81},
}


@pytest.mark.parametrize("where", AWS)
@pytest.mark.parametrize("method", AWS["near"])
def test_scores_are_those_of_awss_library(clusters, where, method):
    X, rows = clusters
    found = score(grown(X), rows[where], len(rows[where]), 6, method, 1)
    assert np.mean(found) == pytest.approx(AWS[where][method], rel=0.02)


def test_scores_of_the_rows_learned_are_those_of_awss_library(clusters):
    X, _ = clusters
    found = score(grown(X), X[:100], 100, 6, "expected_inverse_depth", 1)
    assert np.mean(found) == pytest.approx(0.6928, rel=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_rows_far_away_score_highest(clusters, method):
    X, rows = clusters
    forest = grown(X, 50)
    near, far = (score(forest, rows[k], len(rows[k]), 6, method, 1) for k in ("near", "far"))
    assert np.median(far) > np.quantile(near, 0.99)


def test_shares_in_a_score_are_those_of_awss_library():
    """A row 4 too high in one column of two: krcf gives its upper side most of the score."""
    X = np.random.default_rng(0).normal(size=(128, 2)).astype(np.float32)
    row = np.array([[0, 4]], dtype=np.float32)
    shares = attribute(grown(X), row, 1, 2, "expected_inverse_depth", 1)
    np.testing.assert_allclose(shares[0] / shares.sum(), AWS_SHARES, atol=0.02)
