"""The units of a forest: what they are, and that no data leads out of float32."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

from algos import RandomCutForest
from algos._common.params import InvalidParameterError
from algos._cython.cut_scale import LIMIT, normalize_rows, scale_rows
from algos.random_cut_forest.scaling import SCALES, Scaling, learnt_scaling

ALL = [*SCALES, None]


def rows(n=500, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * [1.0, 10.0, 0.1][:d] + 5


def learnt(X, scale="robust", weights=None):
    return learnt_scaling(X, scale, weights, len(X), 0.0)


def plain_scaled(X, scaling):
    with np.errstate(over="ignore"):
        found = (X * scaling.unit - scaling.center) * scaling.factor
    return np.clip(found, -LIMIT, LIMIT).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, 3000])
def test_scale_rows_does_what_the_formula_says(dtype, n):
    X = rows(n).astype(dtype)
    scaling = learnt(rows())
    assert np.array_equal(scaling.scaled(X), plain_scaled(X.astype(np.float64), scaling))
    assert np.array_equal(scaling.scaled(X, 2), scaling.scaled(X))


@settings(deadline=None, max_examples=50)
@given(
    npst.arrays(np.float64, (4, 2), elements=st.floats(allow_nan=False, allow_infinity=False)),
    st.sampled_from(ALL),
)
def test_any_numbers_are_scaled_within_the_limit(X, scale):
    scaling = learnt(X, scale)
    found = scaling.scaled(np.concatenate([X, -X]))
    assert np.all(np.abs(found) <= LIMIT)
    assert np.all(np.abs(found[:4]) <= 100) or scale in ("robust", "standard")


def test_nan_stays_nan():
    X = rows()
    X[3, 1] = np.nan
    for scale in ALL:
        found = learnt(X, scale).scaled(X)
        assert np.array_equal(np.isnan(found), np.isnan(X))


def test_robust_is_the_interquartile_range_about_the_median():
    X = rows()
    low, middle, high = np.percentile(X, [25, 50, 75], axis=0)
    expected = (X - middle) / (high - low)
    np.testing.assert_allclose(learnt(X).scaled(X), expected, rtol=1e-5, atol=1e-6)


def test_standard_divides_by_the_deviation():
    X = rows()
    np.testing.assert_allclose(learnt(X, "standard").scaled(X).std(axis=0), 1, rtol=1e-5)


def test_none_keeps_the_proportions_of_the_columns():
    X = rows()
    found = learnt(X, None).scaled(X).astype(np.float64)
    ratio = found.std(axis=0) / X.std(axis=0)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    assert np.frexp(ratio[0])[0] == pytest.approx(0.5, rel=1e-5)  # a power of two


def test_a_column_without_quartiles_has_its_deviation_for_a_unit():
    X = np.zeros((100, 1))
    X[:10] = 4.0
    assert learnt(X).scaled(X).std() == pytest.approx(1)


@pytest.mark.parametrize(("value", "unit"), [(0.0, 1.0), (1e4, 1e4), (-3.0, 3.0)])
def test_a_constant_column_has_its_value_for_a_unit(value, unit):
    scaling = learnt(np.full((50, 1), value))
    assert scaling.scaled(np.array([[value]]))[0, 0] == 0
    assert scaling.scaled(np.array([[value + 2 * unit]]))[0, 0] == pytest.approx(2)


def test_rounding_is_no_spread():
    X = np.full((50, 1), 0.1)
    X[::2] = np.nextafter(0.1, 1)
    assert np.ptp(learnt(X).scaled(X)) < 1e-6


@pytest.mark.parametrize("scale", ALL)
@pytest.mark.parametrize("size", [1e-310, 1e-150, 1.0, 1e150, 1e300])
def test_scaling_and_back_is_the_identity(scale, size):
    X = rows() * size
    scaling = learnt(X, scale)
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


def plain_normalized(X, running, decay, clip=100.0):
    """Return rows normalised one by one, and the running state after them."""
    weight, mean, scatter = (running[:, k].copy() for k in range(3))
    out = []
    for x in X:
        step = x - mean
        weight = weight * np.exp(-decay) + 1
        mean = mean + step / weight
        scatter = scatter * np.exp(-decay) + step * (x - mean)
        out.append(np.clip((x - mean) / np.sqrt(scatter / weight), -clip, clip))
    return np.array(out), np.column_stack([weight, mean, scatter])


def test_normalize_rows_follows_mean_and_deviation():
    X, decay = rows(), 0.01
    running = np.array([[5.0, 5.0, 4.0]] * 3)
    expected, after = plain_normalized(X, running, decay)
    found = np.empty(X.shape, dtype=np.float32)
    normalize_rows(X, np.ones(3), np.ones(3), running, found, decay, 100.0, True)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(running, after, rtol=1e-9)


def test_a_streaming_scale_follows_a_drift():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2)) * np.linspace(1, 50, 4000)[:, None]
    drifting = RandomCutForest(20, scale="streaming", random_state=0)
    frozen = RandomCutForest(20, scale="robust", random_state=0)
    follows, stays = drifting.score_partial_fit(X), frozen.score_partial_fit(X)
    assert np.median(follows[-500:]) < 1.5 * np.median(follows[500:1000])
    assert np.all(np.isfinite(stays))


def test_an_empty_block_is_scaled_to_none():
    out = np.empty((0, 3), dtype=np.float32)
    scale_rows(np.empty((0, 3)), np.ones(3), np.zeros(3), np.ones(3), out)


def test_the_same_scaling_is_told_from_another():
    X = rows()
    assert learnt(X).is_same(learnt(X))
    assert not learnt(X).is_same(learnt(X + 1))
    assert not learnt(X, "streaming").is_same(Scaling(**learnt(X).fixed))
