"""What is planted is found: seasons with gaps, counts, new series, intervals of the right width."""

import numpy as np
import pytest

from tests.deepar.series import PERIOD, able, plain_loss, seasonal


def held_out(X):
    return X[:, :-PERIOD], X[:, -PERIOD:]


def test_a_season_with_missing_blocks_is_found():
    X, truth = held_out(seasonal(16, 132))
    rng = np.random.default_rng(1)
    for row in X:
        first = rng.integers(0, 80)
        row[first : first + 20] = np.nan
    model = able().fit(X)
    found = model.predict_quantiles()
    naive = np.abs(truth - X[:, -PERIOD:]).sum() / np.abs(truth).sum()
    assert plain_loss(truth, found, model.quantiles) < 0.06 < 1.5 * naive + 0.06
    low, high = model.predict_quantiles(quantiles=(0.1, 0.9)).transpose(1, 0, 2)
    # .69 to .78 by eight seeds: as another processor's bits would have it
    assert 0.6 < np.mean((truth >= low) & (truth <= high)) <= 0.99


def test_counts_are_forecast_by_a_negative_binomial():
    rng = np.random.default_rng(0)
    rate = 4 + 3 * np.sin(2 * np.pi * np.arange(132) / PERIOD) + np.zeros((16, 1))
    X, truth = held_out(rng.negative_binomial(5, 5 / (5 + rate)).astype(np.float64))
    model = able(likelihood="negative_binomial").fit(X)
    paths = model.sample(n_samples=200)
    assert np.all(paths == np.rint(paths))
    assert np.abs(paths.mean(axis=1) - rate[:, -PERIOD:]).mean() < 1.0
    low, high = np.quantile(paths, [0.1, 0.9], axis=1)
    assert 0.7 < np.mean((truth >= low) & (truth <= high)) < 0.98


def test_a_new_series_of_a_known_category_begins_like_its_kind():
    rng = np.random.default_rng(0)
    kind = np.repeat(["high", "low"], 10)
    level = np.where(kind == "high", 50.0, 2.0)[:, None]
    X = level * (1 + 0.05 * rng.normal(size=(20, 60)))
    model = able(max_iter=15).fit(X, static_categorical=kind)
    found = model.predict([[], []], static_categorical=["high", "low"], output="median")
    assert found[0, 0] == pytest.approx(50, rel=0.3)
    assert found[1, 0] == pytest.approx(2, rel=0.3)


@pytest.mark.parametrize("mark", [-99999999.0, 1e12, -1e300])
def test_a_mark_in_the_far_past_does_no_harm(mark):
    X, truth = held_out(seasonal(12, 120))
    model = able(likelihood="student_t", max_iter=10).fit(X)
    marked = X.copy()
    marked[3, 10] = mark
    for found in (model.predict(marked), model.fit(marked).predict(marked)):
        np.testing.assert_allclose(found[3], truth[3], rtol=0.25)


@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_scales_do_not_matter(likelihood):
    X, truth = held_out(seasonal(12, 120))
    model = able(likelihood=likelihood, max_iter=10).fit(X)
    found = model.predict(output="median")
    errors = np.abs(found - truth).mean(axis=1) / truth.mean(axis=1)
    assert errors.max() < 0.25
