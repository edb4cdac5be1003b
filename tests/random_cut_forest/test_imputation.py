"""Missing values: what stands for them, in which range they lie, and which are to blame."""

import numpy as np
import pytest
from sklearn import datasets
from sklearn.base import clone
from sklearn.impute import KNNImputer
from sklearn.preprocessing import RobustScaler

from algos import RandomCutForest
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.imputation import (
    blamed,
    conditional_field,
    impute,
    likely_values,
)
from tests.random_cut_forest.plain_tree import as_forest, plain_tree


def forest_of(X, n_trees=30, max_samples=100, seed=0):
    rng = np.random.default_rng(seed)
    X = np.asarray(X, dtype=np.float32)
    samples = [X[rng.permutation(len(X))[:max_samples]] for _ in range(n_trees)]
    return as_forest([plain_tree(sample, rng) for sample in samples], max_samples)


@pytest.fixture(scope="module")
def clusters():
    """Unit clusters around (0, …, 0) and (5, …, 5)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(1000, 4)) + 5 * rng.integers(2, size=(1000, 1))


def test_a_missing_coordinate_is_that_of_the_cluster(clusters):
    rows = np.repeat(np.float32([[0] * 4, [5] * 4]), 4, axis=0)
    is_missing = np.tile(np.eye(4, dtype=bool), (2, 1))
    filled = impute(forest_of(clusters, n_trees=100), np.where(is_missing, 99, rows), is_missing)
    assert np.array_equal(filled[~is_missing], rows[~is_missing])
    error = np.abs(filled - rows)[is_missing]
    assert error.mean() < 0.4 and error.max() < 1.2  # the deviation within a cluster is 1


def test_the_median_of_an_unknown_row_is_that_of_the_sample():
    X = np.random.default_rng(0).normal(3, 1, size=(2000, 2))
    forest = forest_of(X, n_trees=100)
    unknown = np.ones((1, 2), dtype=bool)
    found = conditional_field(forest, np.zeros((1, 2)), unknown, [0.05, 0.5, 0.95])[:, 0]
    expected = 3 + np.array([[-1.645], [0], [1.645]])
    assert np.abs(found - expected).max() < 0.6


def test_copies_outweigh_single_rows():
    X = np.repeat([[1.0, 0.0], [1.0, 7.0]], [90, 10], axis=0)
    row = np.array([[1, 0]], dtype=np.float32)
    assert impute(forest_of(X), row, np.array([[False, True]]))[0, 1] == 0


def test_rows_are_imputed_each_for_itself(clusters):
    forest = forest_of(clusters)
    rng = np.random.default_rng(1)
    rows = clusters[:60].astype(np.float32)
    is_missing = rng.random(rows.shape) < 0.4
    whole = impute(forest, rows, is_missing)
    single = [impute(forest, rows[[i]], is_missing[[i]])[0] for i in range(60)]
    assert np.array_equal(whole, single)
    assert np.array_equal(whole[~is_missing], rows[~is_missing])
    assert np.array_equal(impute(forest, rows, is_missing, n_threads=2), whole)


def test_what_stands_in_missing_places_does_not_matter(clusters):
    forest = forest_of(clusters)
    rows = np.repeat(clusters[:1], 3, axis=0).astype(np.float32)
    rows[:, 1] = np.nan, np.inf, -1e30
    is_missing = np.zeros(rows.shape, dtype=bool)
    is_missing[:, 1] = True
    filled = impute(forest, rows, is_missing)
    assert np.isfinite(filled).all() and np.array_equal(filled[0], filled[2])


def test_the_fewest_columns_that_make_up_half_of_a_score_are_blamed():
    parts = np.zeros((3, 4, 2))
    parts[0] = [[0, 1], [0, 0], [3, 0], [1, 1]]
    parts[1] = [[1, 0], [1, 0], [1, 0], [1, 0]]
    assert blamed(parts).tolist() == [
        [False, False, True, False],
        [True, True, False, False],
        [False] * 4,
    ]


def test_a_likely_row_differs_where_the_anomaly_is(clusters):
    row = np.array([[5, 5, -40, 5]], dtype=np.float32)
    attribution = np.zeros((1, 4, 2))
    attribution[0, 2, 0] = 1
    likely = likely_values(forest_of(clusters, n_trees=100), row, attribution)
    assert abs(likely[0, 2] - 5) < 1.2
    assert np.all(likely[0, [0, 1, 3]] == 5)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_values_are_imputed_as_well_as_by_nearest_neighbours(name):
    X = getattr(datasets, f"load_{name}")(return_X_y=True)[0]
    X = RobustScaler().fit_transform(X)
    rng = np.random.default_rng(0)
    X = X[rng.permutation(len(X))]
    known, asked = X[100:], X[:100]
    is_missing = rng.random(asked.shape) < 0.3
    is_missing[:, 0] &= ~is_missing.all(axis=1)
    holes = np.where(is_missing, np.nan, asked)
    peer = KNNImputer().fit(known).transform(holes)
    found = RandomCutForest(200, scale=None, random_state=0).fit(known).impute(holes)
    ours, theirs = (np.abs(each - asked)[is_missing].mean() for each in (found, peer))
    assert ours < 1.1 * theirs


def test_a_forest_without_rows_is_refused():
    forest = Forest.empty(np.zeros(2, dtype=np.uint64), 2, 4, 3)
    with pytest.raises(ValueError, match="learn rows first"):
        impute(forest, np.zeros((1, 3)), np.ones((1, 3), dtype=bool))


def test_an_outage_is_odd_only_by_columns_that_tell_of_it():
    X = np.random.default_rng(0).normal(size=(1500, 2))
    X[1000:1020] = np.nan
    forest = RandomCutForest(30, missing_values="impute", random_state=0)
    grades = forest.score_partial_fit(X, return_grade=True)[1]
    assert np.all(grades[1000:1020] == 0)
    told = np.column_stack([X, np.isnan(X)])
    grades = clone(forest).score_partial_fit(told, return_grade=True)[1]
    assert np.all(grades[1000:1003] == 1)
