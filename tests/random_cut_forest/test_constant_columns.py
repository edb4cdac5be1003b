"""Columns that rest at one value when the scaling is learned get their units when they move."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos import RandomCutForest
from algos.random_cut_forest.forest import Forest
from tests.random_cut_forest.integrity import check_forest
from tests.random_cut_forest.interrupted import check_interrupted

WINDOW = 32  # max_samples / 4, and the least
VARIANTS = [
    {},
    {"scale": "standard", "score_method": "expected_inverse_depth"},
    {"shingle_size": 3, "time_decay": 0.01},
    {"missing_values": "impute"},
    {"missing_values": "impute", "shingle_size": 3, "n_estimators": 5},
    {"feature_weights": [1.0, 2.0, 0.0, 1.0, 3.0, 1.0]},
]
variants = pytest.mark.parametrize("parameters", VARIANTS, ids=str)


def make(**parameters):
    return RandomCutForest(10, max_samples=64, random_state=0).set_params(**parameters)


def series(n=400, missing=False, seed=0):
    """Return columns: one that moves, one that begins, a flag, steps, one at rest, and one late."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    X[:, 1] = np.where(np.arange(n) < 100, 7, 7e4 + 1e4 * X[:, 1])
    X[:, 2] = np.arange(n) % 90 == 89
    X[:, 3] = np.arange(n) // 130
    X[:, 4] = -3
    X[:, 5] = 300 + 5 * X[:, 5]
    if missing:
        X[rng.random(X.shape) < 0.05] = np.nan
        X[:70, 5] = np.nan
    return X


def units_of(forest):
    return vars(forest._held().scaling)


def stream_of(parameters, n=400):
    return series(n, "missing_values" in parameters)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(VARIANTS), st.lists(st.integers(1, 60), max_size=12), st.booleans())
def test_how_a_stream_is_cut_changes_no_bit(parameters, sizes, explains):
    X = stream_of(parameters)
    whole, forest, found = make(**parameters), make(**parameters), []
    expected = whole.score_partial_fit(X)
    for block in np.split(X, np.minimum(np.cumsum(sizes, dtype=int), len(X))):
        if len(block):
            scores = forest.score_partial_fit(block, return_attribution=explains)
            found.append(scores[0] if explains else scores)
            forest = pickle.loads(pickle.dumps(forest))
    assert np.array_equal(np.concatenate(found), expected)
    assert np.array_equal(forest.anomaly_score(X), whole.anomaly_score(X))
    assert pickle.dumps(units_of(forest)) == pickle.dumps(units_of(whole))
    check_forest(Forest(**forest._forest))


@variants
def test_one_row_at_a_time_changes_no_bit(parameters):
    X = stream_of(parameters)
    whole, forest = make(**parameters), make(**parameters)
    scores = [forest.score_partial_fit(row[np.newaxis])[0] for row in X]
    assert np.array_equal(scores, whole.score_partial_fit(X))
    assert np.array_equal(forest.anomaly_score(X), whole.anomaly_score(X))


def test_a_unit_is_learned_of_the_rows_since_the_column_moves():
    X = series()
    X[:, 3] = 0
    forest = make().partial_fit(X)
    # The flag of row 89 has begun the window.
    again = make(warm_up=WINDOW - 11).partial_fit(X[100 : 89 + WINDOW])
    for name in ("unit", "center", "factor"):
        assert units_of(forest)[name][1] == units_of(again)[name][1]


@variants
def test_kept_rows_are_those_that_came(parameters):
    if "missing_values" in parameters or "feature_weights" in parameters:
        return  # filled, or without the column of weight 0
    X = stream_of(parameters)
    forest = make(**parameters).partial_fit(X)
    _, rows = forest.neighbors(X, 1)
    size = parameters.get("shingle_size", 1)
    asked = np.lib.stride_tricks.sliding_window_view(X, size, axis=0).transpose(0, 2, 1)
    kept = np.concatenate([make(**parameters).partial_fit(X).neighbors(X, 1)[1], rows])
    kept = kept.reshape(-1, size * 6)
    distances = np.abs(kept[:, np.newaxis] - asked.reshape(1, -1, size * 6)).max(axis=2)
    assert distances.min(axis=1).max() < 1e-2  # float32 of 7e4


def test_a_column_that_begins_to_move_does_not_hide_the_others():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 3))
    X[:, 1] = np.where(np.arange(1200) < 200, 1.0, 1e5 + 1e4 * X[:, 1])
    X[900, 0] = 9
    scores = RandomCutForest(50, random_state=0).score_partial_fit(X)
    assert scores[900] > 1.5
    assert scores[900] == scores[300:].max()


@pytest.mark.parametrize("rest", [0.0, 20.0, -1e9, 1e150])
def test_the_first_other_value_stands_out_whatever_the_units(rest):
    X = np.random.default_rng(0).normal(size=(500, 3))
    X[:, 1] = rest
    X[400, 1] += abs(rest) / 1000 or 1e-9
    scores = RandomCutForest(50, random_state=0).score_partial_fit(X)
    assert scores.argmax() == 400
    assert scores[400] > 1.5


def test_a_fitted_forest_learns_the_units_of_what_rested_in_fit():
    X = series(800)
    forest = make().fit(X[:80])
    assert units_of(forest)["resting"].tolist() == [1, 2, 3, 4]
    forest.partial_fit(X[80:])
    assert units_of(forest)["resting"].tolist() == [3, 4]
    assert units_of(forest)["center"][3] / units_of(forest)["unit"][3] == 5  # where it rested last


def test_a_column_without_values_rests_at_its_first():
    X = stream_of({"missing_values": "impute"})
    forest = make(missing_values="impute").partial_fit(X[:65])
    assert units_of(forest)["blank"].tolist() == [5]
    assert not forest._forest["points"][: 640 * 6].reshape(-1, 6)[:, 5].any()
    forest.partial_fit(X[65:])
    assert not len(units_of(forest)["blank"])
    assert np.abs(forest._held().forest.own_points[:, :, 5]).max() < 6


@pytest.mark.parametrize("scale", [None, "streaming"])
def test_other_scales_have_units_of_their_own(scale):
    forest = make(scale=scale).partial_fit(series())
    assert not len(units_of(forest)["resting"])


@variants
@pytest.mark.parametrize("n_parts", range(0, 12, 3))
def test_an_interrupted_call_has_learned_the_rows_up_to_there(parameters, n_parts, monkeypatch):
    X = stream_of(parameters)
    forest = make(**parameters).partial_fit(X[:50])
    check_interrupted(forest, X[50:], n_parts, monkeypatch)


def test_merged_forests_have_the_unit_of_the_one_in_which_a_column_moves():
    X = series()
    early, late = make().partial_fit(X[:90]), make(random_state=1).partial_fit(X[100:200])
    unit = units_of(late)["unit"][1] * units_of(late)["factor"][1]
    both = early.merge(late)
    assert units_of(both)["unit"][1] * units_of(both)["factor"][1] == unit
    check_forest(Forest(**both._forest))
    values = np.unique(np.round(both.neighbors(X, 150)[1][0, :, 1], 2))
    assert values[0] == pytest.approx(7, abs=0.1)
    assert values[-1] > 5e4


def test_resting_at_two_values_after_a_merge_goes_on():
    X = series(300)[:80]
    other = X + [0, 0, 0, 0, 1, 0]
    forest = make().partial_fit(X).merge(make(random_state=1).partial_fit(other))
    assert np.all(forest.score_partial_fit(other) > 0)
    assert 4 in units_of(forest)["resting"]
    other[:, 4] = np.random.default_rng(0).normal(size=80)
    forest.partial_fit(other)
    assert 4 not in units_of(forest)["resting"]


@variants
@pytest.mark.parametrize("n_rows", [80, 94, 115, 150])
def test_merged_forests_go_on_in_the_middle_of_a_window(parameters, n_rows):
    X = stream_of(parameters)
    forest, other = make(**parameters), make(**parameters, random_state=1)
    forest.partial_fit(X[:n_rows]).merge(other.partial_fit(X[100:200]))
    again = pickle.loads(pickle.dumps(forest))
    scores = forest.score_partial_fit(X[n_rows:])
    assert np.array_equal([again.score_partial_fit(x[np.newaxis])[0] for x in X[n_rows:]], scores)
    assert 1 not in units_of(forest)["resting"]
    check_forest(Forest(**forest._forest))


def test_what_was_filled_is_at_the_center_of_a_merged_forest():
    X = stream_of({"missing_values": "impute"})
    blank = make(missing_values="impute").partial_fit(X[:60])
    known = make(missing_values="impute", random_state=1).partial_fit(X[100:200])
    assert units_of(blank)["blank"].tolist() == [5]
    known.merge(blank)
    assert np.abs(known._held().forest.own_points[:, :, 5]).max() < 10


def test_a_column_without_values_rests_where_that_of_the_other_forest_does():
    X = stream_of({"missing_values": "impute"})
    rests = X[:60].copy()
    rests[:, 5] = 300
    forest = make(missing_values="impute").partial_fit(X[:60])
    forest.merge(make(missing_values="impute", random_state=1).partial_fit(rests))
    assert not len(units_of(forest)["blank"])
    assert 5 in units_of(forest)["resting"]
    assert not forest._held().forest.own_points[:, :, 5].any()
    forest.partial_fit(X[60:])
    assert np.abs(forest._held().forest.own_points[:, :, 5]).max() < 6


@pytest.mark.parametrize("scale", ["robust", "standard"])
def test_kept_rows_in_new_units_have_the_bits_of_those_that_came(scale):
    X = series()
    X[:, 3] = X[:, 4]  # steps are known by their float32 alone
    forest = make(scale=scale).partial_fit(X)
    held = forest._held()
    came = {row.tobytes() for row in held.scaling.scaled(X) + np.float32(0)}
    assert {row.tobytes() for row in held.forest.own_points.reshape(-1, 6)} <= came
