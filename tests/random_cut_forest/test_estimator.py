"""The estimator itself: what it finds, what it says of it, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from algos import RandomCutForest
from algos.random_cut_forest.forest import SAMPLED, Forest
from algos.random_cut_forest.scores import METHODS
from tests.random_cut_forest.integrity import check_forest

methods = pytest.mark.parametrize("method", METHODS)


def blobs(n=1000, d=4, n_far=10, seed=0):
    """Return rows of two groups, and behind them some that are far from both."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 6 * rng.integers(2, size=(n, 1))
    return np.concatenate([X, rng.uniform(-30, 30, size=(n_far, d))])


def is_far(X, n_far=10):
    return np.arange(len(X)) >= len(X) - n_far


def make(**parameters):
    return RandomCutForest(30, max_samples=64, random_state=0).set_params(**parameters)


@methods
def test_far_rows_score_higher(method):
    X = blobs()
    forest = make(score_method=method).fit(X)
    assert roc_auc_score(is_far(X), forest.anomaly_score(X)) > 0.9


@pytest.mark.parametrize("scale", ["robust", "standard", "streaming"])
def test_units_do_not_matter_to_a_scaled_forest(scale):
    X = blobs()
    forest = make(scale=scale).fit(X)
    other = make(scale=scale).fit(X * [1, 1e3, 1e-3, 1e6] + [0, 1e5, 0, 0])
    np.testing.assert_allclose(
        other.anomaly_score(X * [1, 1e3, 1e-3, 1e6] + [0, 1e5, 0, 0]),
        forest.anomaly_score(X),
        rtol=0.02,
    )


def test_without_scaling_units_matter():
    X = blobs()
    assert not np.allclose(
        make(scale=None).fit(X * [1, 100, 1, 1]).anomaly_score(X * [1, 100, 1, 1]),
        make(scale=None).fit(X).anomaly_score(X),
        rtol=0.02,
    )


@pytest.mark.parametrize("offset", [0.0, 1.6e9])
def test_data_far_from_zero_loses_no_digits(offset):
    X = blobs().round(3)
    forest = make().fit(X + offset)
    np.testing.assert_allclose(
        forest.anomaly_score(X + offset), make().fit(X).anomaly_score(X), rtol=1e-3
    )


def test_scores_decisions_and_labels_agree():
    X = blobs()
    forest = make().fit(X)
    score = forest.anomaly_score(X)
    assert np.all(score > 0)
    assert np.array_equal(forest.score_samples(X), -score)
    decision = forest.decision_function(X)
    assert np.array_equal(decision, -score - forest.offset_)
    assert np.array_equal(forest.predict(X), np.where(decision < 0, -1, 1))
    assert np.array_equal(forest.transform(X), score[:, None])
    assert np.array_equal(make().fit_predict(X), forest.predict(X))


@methods
@pytest.mark.parametrize("shingle_size", [1, 3])
def test_attribution_sums_to_the_score(method, shingle_size):
    X = blobs(300)
    forest = make(score_method=method, shingle_size=shingle_size).fit(X)
    parts = forest.attribution(X)
    shape = (len(X), 4, 2) if shingle_size == 1 else (len(X), shingle_size, 4, 2)
    assert parts.shape == shape
    assert np.all(parts >= 0)
    total = parts.reshape(len(X), -1).sum(axis=1)
    np.testing.assert_allclose(total, forest.anomaly_score(X), rtol=1e-10)


def test_attribution_names_column_side_and_lag():
    rng = np.random.default_rng(0)
    forest = make(shingle_size=4).fit(rng.normal(size=(1000, 3)))
    X = rng.normal(size=(10, 3))
    X[6, 1] = -12
    parts = forest.attribution(X)
    for row in (6, 7, 8, 9):
        lag, column, side = np.unravel_index(parts[row].argmax(), parts[row].shape)
        assert (lag, column, side) == (row - 6, 1, 0)


def test_likely_values_mend_what_is_odd():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1)) + 0.1 * rng.normal(size=(2000, 3))
    forest = make(max_samples=256).fit(X)
    odd = np.array([[1.0, 1.0, -9.0]])
    likely = forest.likely_values(odd)
    assert np.array_equal(likely[0, :2], odd[0, :2])
    assert abs(likely[0, 2] - 1) < 0.6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_impute_fills_nan_alone(dtype):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(2000, 1)) + 0.1 * rng.normal(size=(2000, 3))).astype(dtype)
    forest = make(max_samples=256).fit(X)
    holed = X[:50].copy()
    holed[::2, 1] = np.nan
    filled = forest.impute(holed)
    assert filled.dtype == dtype
    known = ~np.isnan(holed)
    assert np.array_equal(filled[known], X[:50][known])
    assert np.abs(filled - X[:50]).max() < 1.5
    assert np.array_equal(forest.impute(X[:5]), X[:5])


@pytest.mark.parametrize("shingle_size", [1, 3])
def test_fit_bears_missing_values(shingle_size):
    rng = np.random.default_rng(0)
    X = blobs()
    X[rng.random(X.shape) < 0.1] = np.nan
    forest = make(missing_values="impute", shingle_size=shingle_size).fit(X)
    check_forest(Forest(**forest._forest))
    assert np.all(np.isfinite(forest._forest["points"]))
    assert np.all(np.isfinite(forest.predict(X)))
    filled = forest.impute(X)
    assert np.all(np.isfinite(filled))


def test_a_forecast_goes_on_as_the_stream_does():
    time_ = np.arange(1203)
    X = np.column_stack([np.sin(time_ * 2 * np.pi / 12), 100 + np.cos(time_ * 2 * np.pi / 12)])
    forest = make(shingle_size=6, max_samples=256).partial_fit(X[:1200])
    found, ranges = forest.forecast(3, quantiles=[0.1, 0.9])
    assert found.shape == (3, 2)
    assert ranges.shape == (2, 3, 2)
    np.testing.assert_allclose(found, X[1200:], atol=0.4)
    np.testing.assert_array_equal(forest.forecast(3), found)


def test_a_forecast_needs_shingles():
    with pytest.raises(ValueError, match=r"`shingle_size`=1 must be at least 2"):
        make().fit(blobs()).forecast(2)
    forest = make(shingle_size=3).fit(blobs())
    with pytest.raises(ValueError, match=r"`horizon`=0 must be"):
        forest.forecast(0)
    with pytest.raises(ValueError, match=r"`quantiles`=\[2\] must be"):
        forest.forecast(2, quantiles=[2])


def test_density_is_higher_inside():
    X = blobs(n_far=0)
    forest = make().fit(X)
    inside, outside = forest.density(np.array([[0.0] * 4, [40.0] * 4]))
    assert inside > 10 * outside
    sides = forest.density(X[:5], directional=True)
    assert sides.shape == (5, 4, 2)
    np.testing.assert_allclose(sides.sum(axis=(1, 2)), forest.density(X[:5]))


@pytest.mark.parametrize("shingle_size", [1, 3])
def test_neighbors_are_rows_that_were_seen(shingle_size):
    X = blobs(100, n_far=0)
    forest = make(max_samples=128, shingle_size=shingle_size).fit(X)
    distances, rows = forest.neighbors(X, 2)
    n = len(X) - shingle_size + 1
    assert distances.shape == (n, 2)
    np.testing.assert_allclose(distances[:, 0], 0, atol=1e-6)
    newest = rows[:, 0] if shingle_size == 1 else rows[:, 0, -1]
    np.testing.assert_allclose(newest, X[shingle_size - 1 :], atol=1e-5)


def test_dense_regions_are_the_groups():
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(1000, 2)), rng.normal(size=(1000, 2)) * 0.5 + 20]
    forest = make(max_samples=256).fit(np.concatenate([*groups, rng.uniform(-50, 50, (50, 2))]))
    found = forest.dense_regions(1.0, 5)
    assert len(found) == 2
    assert found[0].density > found[1].density
    for region, center in zip(found, (20, 0), strict=True):
        assert np.all(np.abs((region.low + region.high) / 2 - center) < 1)
    with pytest.raises(ValueError, match=r"`radius`=-1 must be"):
        forest.dense_regions(-1, 5)


def test_a_forgotten_row_is_in_no_tree():
    X = blobs(60, n_far=0)
    forest = make().fit(X)
    before = forest.anomaly_score(X[:1])
    forest.forget(X[:1])
    check_forest(Forest(**forest._forest))
    assert forest.anomaly_score(X[:1]) > before
    assert forest.neighbors(X[:1], 1)[0] > 0
    with pytest.raises(ValueError, match="every tree must keep one"):
        forest.forget(X)
    assert forest.max_samples_ == 59


def test_the_score_is_one_named_column():
    frame = pd.DataFrame(blobs(), columns=list("abcd"))
    forest = make().set_output(transform="pandas").fit(frame)
    assert forest.transform(frame).columns.tolist() == ["anomaly_score"]
    both = FeatureUnion([("scaled", StandardScaler()), ("forest", make())])
    both.set_output(transform="pandas")
    assert both.fit_transform(frame).shape == (len(frame), 5)
    assert both.get_feature_names_out()[-1] == "forest__anomaly_score"
    pipeline = make_pipeline(StandardScaler(), make())
    assert set(pipeline.fit_predict(frame)) == {-1, 1}


def test_disjoint_samples_share_no_row():
    X = np.arange(2000.0)[:, None]
    forest = make(disjoint_samples=True).fit(X)
    points = forest._forest["points"][: 30 * 64]
    assert len(np.unique(points)) == 30 * 64
    assert forest.max_samples_ == 64


def test_too_few_rows_for_disjoint_samples_are_told_of():
    with pytest.warns(UserWarning, match=r"leaves 10 of 300 rows .*; pass 1920 rows"):
        forest = make(disjoint_samples=True).fit(blobs(300, n_far=0))
    assert forest.max_samples_ == 10
    with pytest.raises(ValueError, match=r"needs at least one row for each of the 30 trees"):
        make(disjoint_samples=True).fit(blobs(29, n_far=0))


def test_few_rows_are_in_every_tree():
    forest = make().fit(blobs(20, n_far=0))
    assert forest.max_samples_ == 20
    assert np.all(forest._forest["clock"][:, SAMPLED] == 20)


@pytest.mark.parametrize("shingle_size", [2, 5])
def test_the_first_rows_of_a_stretch_have_no_score(shingle_size):
    X = blobs()
    forest = make(shingle_size=shingle_size).fit(X)
    score = forest.anomaly_score(X)
    assert not score[: shingle_size - 1].any()
    assert np.all(score[shingle_size - 1 :] > 0)
    assert np.all(forest.predict(X)[: shingle_size - 1] == 1)
    with pytest.raises(ValueError, match=r"must have at least `shingle_size`="):
        make(shingle_size=shingle_size).fit(X[: shingle_size - 1])


def test_shingles_find_what_single_rows_cannot():
    time_ = np.arange(4000)
    X = np.sin(time_ * 2 * np.pi / 24)[:, None]
    X[3000:3012] = X[2988:3000]  # half a wave, shifted: no value is odd
    odd = (time_ >= 3000) & (time_ < 3020)
    found = {
        size: roc_auc_score(odd, make(shingle_size=size, max_samples=256).fit(X).anomaly_score(X))
        for size in (1, 8)
    }
    assert found[8] > 0.8 > found[1] + 0.1


@methods
@pytest.mark.parametrize("scale", ["robust", "standard", "streaming", None])
def test_rows_that_are_all_equal_are_no_anomalies(method, scale):
    X = np.full((100, 3), 7.0)
    forest = make(score_method=method, scale=scale).fit(X)
    assert np.all(forest.predict(X) == 1)
    assert np.all(np.isfinite(forest.anomaly_score(X + 1)))
    if method != "depth":  # which sees the leaf alone, and there is but one
        assert forest.anomaly_score(X + 1)[0] > forest.anomaly_score(X)[0]


@methods
def test_one_row_is_a_forest(method):
    forest = make(score_method=method).fit([[1.0, 2.0]])
    assert np.all(np.isfinite(forest.anomaly_score([[1.0, 2.0], [5.0, 5.0]])))
    assert forest.predict([[1.0, 2.0]]).tolist() == [1]


@pytest.mark.parametrize("max_samples", [1, 2])
def test_tiny_trees_work(max_samples):
    forest = make(max_samples=max_samples)
    scores = forest.score_partial_fit(blobs())
    assert np.all(np.isfinite(scores))
    assert np.all(np.isfinite(make(max_samples=max_samples).fit(blobs()).predict(blobs())))


@pytest.mark.parametrize("size", [1e-310, 1e-150, 1e150, 1e300])
@pytest.mark.parametrize("scale", ["robust", "standard", "streaming", None])
def test_extreme_numbers_score_as_moderate_ones(size, scale):
    X = blobs()
    found = make(scale=scale).fit(X * size).anomaly_score(X * size)
    expected = make(scale=scale).fit(X).anomaly_score(X)
    np.testing.assert_allclose(found, expected, rtol=0.05)


def test_a_query_far_beyond_all_rows_is_scored():
    forest = make().fit(blobs())
    scores = forest.anomaly_score([[1e300] * 4, [-1e308] * 4, [0.0] * 4])
    assert np.all(np.isfinite(scores))
    assert np.all(scores[:2] > scores[2])


def test_values_that_are_equal_in_float32_share_a_leaf():
    X = np.ones((50, 1))
    X[::2] += 1e-12
    X[0] = 2
    check_forest(Forest(**make().fit(X)._forest))


def test_a_wide_row_is_refused_before_memory_is_gone():
    X = np.zeros((3, 1_000_000))
    with pytest.raises(MemoryError, match=r"needs .* GB .*`n_estimators`.*`max_samples`"):
        RandomCutForest(1000, max_samples=2048).fit(X)


def test_float32_and_lists_are_taken():
    X = blobs()
    single = make().fit(X.astype(np.float32))
    assert single.anomaly_score(X.astype(np.float32)).dtype == np.float32
    assert single.score_partial_fit(X[:3].astype(np.float32)).dtype == np.float32
    assert make().fit(X.tolist()).anomaly_score(X.tolist()).dtype == np.float64
    assert make().fit((X * 100).astype(int)).predict((X * 100).astype(int)).shape == (len(X),)


def test_verbose_says_what_was_made(capsys):
    make(verbose=1).fit(blobs())
    make(verbose=1).partial_fit(blobs())
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "[RandomCutForest] 30 trees of 64 rows, from 1010",
        "[RandomCutForest] scaling learned from the first 16 rows",
    ]


def test_it_ranks_as_well_as_an_isolation_forest():
    X = blobs(3000, 6, 60)
    ours = RandomCutForest(random_state=0).fit(X).anomaly_score(X)
    theirs = -IsolationForest(random_state=0).fit(X).score_samples(X)
    assert roc_auc_score(is_far(X, 60), ours) >= roc_auc_score(is_far(X, 60), theirs) - 0.01


def test_likely_values_have_no_gaps():
    X = np.random.default_rng(0).normal(size=(400, 3))
    forest = RandomCutForest(20, missing_values="impute", random_state=0).fit(X)
    rows_with_gap = X[:50].copy()
    rows_with_gap[:, 1] = np.nan
    rows_with_gap[0, 0] = 30.0
    likely = forest.likely_values(rows_with_gap)
    assert np.all(np.isfinite(likely))
    np.testing.assert_allclose(likely[:, 1], forest.impute(rows_with_gap)[:, 1], rtol=1e-5, atol=3)


def test_a_forecast_that_no_memory_holds_is_refused():
    X = np.random.default_rng(0).normal(size=(300, 2))
    forest = RandomCutForest(10, shingle_size=3, random_state=0).fit(X)
    with pytest.raises(MemoryError, match="a forecast of 1000000000000 rows"):
        forest.forecast(10**12)
