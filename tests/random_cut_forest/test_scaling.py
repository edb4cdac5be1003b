"""The units of a forest: what they are, and that no data leads out of float32."""

import numpy as np
import pytest

from algos import RandomCutForest
from algos._common.params import InvalidParameterError
from algos.random_cut_forest.scaling import SCALES, Scaling, learned_scaling

ALL = [*SCALES, None]


def rows(n=500, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * [1.0, 10.0, 0.1][:d] + 5


def learned(X, scale="robust", weights=None):
    return learned_scaling(X, scale, weights, len(X), 0.0)


def test_nan_stays_nan():
    X = rows()
    X[3, 1] = np.nan
    for scale in ALL:
        found = learned(X, scale).scaled(X)
        assert np.array_equal(np.isnan(found), np.isnan(X))


def test_robust_is_the_interquartile_range_about_the_median():
    X = rows()
    low, middle, high = np.percentile(X, [25, 50, 75], axis=0)
    expected = 1.349 * (X - middle) / (high - low)
    np.testing.assert_allclose(learned(X).scaled(X), expected, rtol=1e-5, atol=1e-6)


def test_standard_divides_by_the_deviation():
    X = rows()
    np.testing.assert_allclose(learned(X, "standard").scaled(X).std(axis=0), 1, rtol=1e-5)


def test_none_keeps_the_proportions_of_the_columns():
    X = rows()
    found = learned(X, None).scaled(X).astype(np.float64)
    ratio = found.std(axis=0) / X.std(axis=0)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    assert np.frexp(ratio[0])[0] == pytest.approx(0.5, rel=1e-5)  # a power of two


def test_a_column_without_quartiles_has_its_deviation_for_a_unit():
    X = np.zeros((100, 1))
    X[:10] = 4.0
    assert learned(X).scaled(X).std() == pytest.approx(1)


def test_a_narrow_column_with_wide_tails_has_a_third_of_its_deviation_for_a_unit():
    X = np.random.default_rng(0).standard_t(1, size=(1000, 1))
    trimmed = np.clip(X, *np.sort(X[:, 0])[[10, -11]])
    assert learned(X).scaled(trimmed).std() == pytest.approx(3, rel=1e-4)


@pytest.mark.parametrize("wild", [1e2, 1e4, 1e200])
def test_an_outlier_among_the_rows_does_not_hide_others(wild):
    X = np.random.default_rng(0).normal(size=(1000, 2))
    clean = RandomCutForest(random_state=0).fit(X).anomaly_score([[8.0, 0.0]])
    X[0, 0] = wild
    forest = RandomCutForest(random_state=0).fit(X)
    assert forest.anomaly_score([[8.0, 0.0]])[0] == pytest.approx(clean[0], rel=0.2)
    assert forest.predict([[8.0, 0.0]]) == -1


@pytest.mark.parametrize("at", [3, 40, 500])  # in the warm-up, and behind it
def test_one_wild_value_does_not_destroy_a_streaming_scale(at):
    X = np.random.default_rng(0).normal(size=(1000, 2))
    X[900] = 12.0, 0.0
    clean = RandomCutForest(50, scale="streaming", random_state=0).score_partial_fit(X)
    X[at, 0] = 1e200
    scores = RandomCutForest(50, scale="streaming", random_state=0).score_partial_fit(X)
    assert scores[900] == pytest.approx(clean[900], rel=0.3)


def test_a_streaming_scale_counts_the_known_values_of_each_column():
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=5000), 1e6 + rng.normal(size=5000)]
    X[3000, 1] = 1e6 + 15
    X[:70, 1] = np.nan
    forest = RandomCutForest(scale="streaming", missing_values="impute", random_state=0)
    scores = forest.score_partial_fit(X)
    assert scores[3000] > 1.5
    assert scores[3000] > np.quantile(scores, 0.999)


def test_a_streaming_scale_finds_a_new_level_again():
    rng = np.random.default_rng(0)
    X = np.concatenate([np.zeros((200, 1)), 1e5 * rng.normal(size=(2000, 1)) + 1e6])
    scaling = learned(X[:64], "streaming")
    out = np.empty(X.shape, dtype=np.float32)
    scaling.follow(X, out, 0.0)
    assert out[-500:].std() < 3


@pytest.mark.parametrize(("value", "unit"), [(0.0, 1.0), (1e4, 1e4), (-3.0, 3.0)])
def test_a_constant_column_has_its_value_for_a_unit(value, unit):
    scaling = learned(np.full((50, 1), value))
    assert scaling.scaled(np.array([[value]]))[0, 0] == 0
    assert scaling.scaled(np.array([[value + 2 * unit]]))[0, 0] == pytest.approx(2)


def test_rounding_is_no_spread():
    X = np.full((50, 1), 0.1)
    X[::2] = np.nextafter(0.1, 1)
    assert np.ptp(learned(X).scaled(X)) < 1e-6


@pytest.mark.parametrize("scale", ALL)
@pytest.mark.parametrize("size", [1e-310, 1e-150, 1.0, 1e150, 1e300])
def test_scaling_and_back_is_the_identity(scale, size):
    X = rows() * size
    scaling = learned(X, scale)
    np.testing.assert_allclose(
        scaling.unscaled(scaling.scaled(X)), X, rtol=0, atol=1e-5 * np.abs(X).max()
    )


def test_a_column_of_weight_zero_has_no_part():
    X = rows()
    forest = RandomCutForest(10, feature_weights=[1, 1, 0], random_state=0).fit(X)
    other = X.copy()
    other[:, 2] = 1e6
    assert np.array_equal(forest.anomaly_score(other), forest.anomaly_score(X))


def test_a_weight_is_a_factor_of_the_column():
    X = rows()
    weighted = RandomCutForest(10, feature_weights=[2, 1, 1], scale=None, random_state=0).fit(X)
    scaled = RandomCutForest(10, scale=None, random_state=0).fit(X * [2, 1, 1])
    np.testing.assert_allclose(
        weighted.anomaly_score(X), scaled.anomaly_score(X * [2, 1, 1]), rtol=1e-5
    )


@pytest.mark.parametrize(
    "weights", [[1.0], [1, 2, -1], [1, np.nan, 1], [0, 0, 0], ["a", "b", "c"], [[1, 1, 1]]]
)
def test_wrong_weights_are_refused(weights):
    with pytest.raises(InvalidParameterError, match=r"`feature_weights`.* must .*; "):
        RandomCutForest(feature_weights=weights).fit(rows())


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [1e-20, 1e20])
def test_weights_beyond_float32_are_refused_where_columns_are_near_1(scale, size):
    forest = RandomCutForest(10, scale=scale, feature_weights=[size, 0, size / 2])
    with pytest.raises(InvalidParameterError, match=r"`feature_weights` must .*; divide"):
        forest.fit(rows())
    with pytest.raises(InvalidParameterError, match=r"`feature_weights` must .*; divide"):
        forest.partial_fit(rows())


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1e20, 1e300])
def test_without_scaling_a_factor_of_all_weights_changes_no_score(size):
    X = rows()
    plain = RandomCutForest(10, scale=None, feature_weights=[1, 2, 0], random_state=0).fit(X)
    other = RandomCutForest(10, scale=None, random_state=0)
    other.set_params(feature_weights=[size, 2 * size, 0]).fit(X)
    np.testing.assert_allclose(other.anomaly_score(X), plain.anomaly_score(X), rtol=1e-5)


def test_without_scaling_weights_may_bring_any_columns_together():
    X = rows()
    plain = RandomCutForest(10, scale=None, random_state=0).fit(X)
    other = RandomCutForest(10, scale=None, feature_weights=[1e-100, 1, 1e100], random_state=0)
    other.fit(X * [1e100, 1, 1e-100])
    np.testing.assert_allclose(
        other.anomaly_score(X * [1e100, 1, 1e-100]), plain.anomaly_score(X), rtol=1e-5
    )


@pytest.mark.parametrize("scale", ALL)
def test_the_largest_numbers_come_back_as_numbers(scale):
    largest = np.finfo(np.float64).max
    X = largest * np.random.default_rng(0).choice([-1.0, 1.0], size=(60, 2))
    forest = RandomCutForest(10, max_samples=16, scale=scale, random_state=0).fit(X)
    assert np.isfinite(forest.likely_values(X)).all()
    assert np.isfinite(forest.neighbors(X, 2)[1]).all()


@pytest.mark.parametrize("scale", ALL)
@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-300])
def test_a_column_of_almost_no_spread_stays_known(scale, tiny):
    X = np.array([[tiny], [1.0], [0.0], [0.0], [0.0]])
    scaling = learned(X, scale, [1e9])
    assert np.isfinite(scaling.factor).all()
    assert np.isfinite(scaling.scaled(X)).all()
    forest = RandomCutForest(5, scale=scale, random_state=0).fit(X)
    assert np.isfinite(forest.score_samples(X)).all()


def test_a_streaming_scale_follows_a_drift():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2)) * np.linspace(1, 50, 4000)[:, None]
    drifting = RandomCutForest(20, scale="streaming", random_state=0)
    frozen = RandomCutForest(20, scale="robust", random_state=0)
    follows, stays = drifting.score_partial_fit(X), frozen.score_partial_fit(X)
    assert np.median(follows[-500:]) < 1.5 * np.median(follows[500:1000])
    assert np.all(np.isfinite(stays))


def test_the_same_scaling_is_told_from_another():
    X = rows()
    assert learned(X).is_same(learned(X))
    assert not learned(X).is_same(learned(X + 1))
    assert not learned(X, "streaming").is_same(Scaling(**learned(X).fixed))
