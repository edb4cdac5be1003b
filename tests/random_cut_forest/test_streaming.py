"""Streams: how they are cut changes no bit, nothing is lost, and failure leaves no trace."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.exceptions import NotFittedError

from algos import RandomCutForest
from algos.random_cut_forest import following
from algos.random_cut_forest.forest import Forest
from tests.random_cut_forest.integrity import check_forest
from tests.random_cut_forest.interrupted import check_interrupted

VARIANTS = [
    {},
    {"shingle_size": 4},
    {"scale": "streaming"},
    {"shingle_size": 3, "scale": "streaming"},
    {"scale": None, "score_method": "expected_inverse_depth", "time_decay": 0.0},
    {"missing_values": "impute", "shingle_size": 3},
    {"missing_values": "impute"},
]
variants = pytest.mark.parametrize("parameters", VARIANTS, ids=str)


def make(**parameters):
    return RandomCutForest(12, max_samples=32, random_state=0).set_params(**parameters)


def series(n=300, d=2, seed=0, share_missing=0.0):
    rng = np.random.default_rng(seed)
    time = np.arange(n)[:, None]
    X = np.sin(time * 2 * np.pi / 20 + np.arange(d)) + 0.1 * rng.normal(size=(n, d))
    X[rng.random(X.shape) < share_missing] = np.nan
    return X


def stream_of(parameters, n=300):
    missing = 0.1 if parameters.get("missing_values") == "impute" else 0.0
    return series(n, share_missing=missing)


def state_of(forest):
    return pickle.dumps(vars(forest))


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(VARIANTS), st.lists(st.integers(1, 60), max_size=12))
def test_how_a_stream_is_cut_changes_no_bit(parameters, sizes):
    X = stream_of(parameters)
    whole = make(**parameters)
    scores, grades = whole.score_partial_fit(X, return_grade=True)
    forest, found, graded = make(**parameters), [], []
    for block in np.split(X, np.minimum(np.cumsum(sizes, dtype=int), len(X))):
        if len(block):
            part = forest.score_partial_fit(block, return_grade=True)
            found.append(part[0])
            graded.append(part[1])
    assert np.array_equal(np.concatenate(found), scores)
    assert np.array_equal(np.concatenate(graded), grades)
    coming = stream_of(parameters, 50)
    assert np.array_equal(forest.score_partial_fit(coming), whole.score_partial_fit(coming))
    assert forest.threshold_ == whole.threshold_
    assert forest.offset_ == whole.offset_


@variants
def test_partial_fit_learns_what_score_partial_fit_learns(parameters):
    X = stream_of(parameters)
    silent, told = make(**parameters).partial_fit(X), make(**parameters)
    told.score_partial_fit(X)
    assert np.array_equal(silent.anomaly_score(X), told.anomaly_score(X))


@variants
def test_a_pickle_in_mid_stream_goes_on_to_the_same_bits(parameters):
    X = stream_of(parameters)
    forest = make(**parameters)
    for start in (0, 5, 130):  # in the warm-up, and behind it
        forest.partial_fit(X[start : start + 125])
        arrived = pickle.loads(pickle.dumps(forest))
        coming = stream_of(parameters, 70)
        expected = copy.deepcopy(forest).score_partial_fit(coming)
        assert np.array_equal(arrived.score_partial_fit(coming), expected)


@variants
@pytest.mark.parametrize("n_jobs", [2, 5])
def test_the_number_of_threads_changes_no_bit(parameters, n_jobs, monkeypatch):
    from algos._common import threads

    monkeypatch.setattr(threads, "_core_limit", lambda: 5)
    monkeypatch.setattr(threads, "ONE_THREAD_BELOW", 1)
    X = stream_of(parameters, 3000)
    one, several = make(n_jobs=1, **parameters), make(n_jobs=n_jobs, **parameters)
    assert np.array_equal(several.score_partial_fit(X), one.score_partial_fit(X))


@variants
def test_a_row_is_scored_by_the_forest_of_the_rows_before_it(parameters):
    X = stream_of({**parameters, "missing_values": "error"}, 200)
    size = parameters.get("shingle_size", 1)
    forest = make(**parameters).partial_fit(X[:150])
    if parameters.get("scale") == "streaming":
        return  # the units of a row are those after it
    expected = forest.anomaly_score(X[151 - size : 151])[-1]
    assert forest.score_partial_fit(X[150:151])[0] == expected


@variants
def test_all_rows_are_counted(parameters):
    X = stream_of(parameters)
    forest = make(**parameters)
    for start in range(0, 300, 30):
        forest.partial_fit(X[start : start + 30])
        assert forest.n_samples_seen_ == start + 30
    assert forest.max_samples_ == 32
    check_forest(Forest(**forest._forest))


@variants
def test_a_long_stream_takes_no_more_room_than_a_short_one(parameters):
    X = np.random.default_rng(0).normal(size=(20_000, 2))
    forest = make(**parameters)
    forest.score_partial_fit(X[:1000])
    short = len(pickle.dumps(forest))
    forest.score_partial_fit(X[1000:])
    assert abs(len(pickle.dumps(forest)) - short) < 50  # digits of counts


def test_the_warm_up_has_no_scores_and_then_all_rows_have():
    X = series()
    scores = make(warm_up=20, shingle_size=4).score_partial_fit(X)
    assert np.flatnonzero(scores)[0] == 23
    assert np.all(scores[23:] > 0)
    assert np.flatnonzero(make().score_partial_fit(X))[0] == 8  # 32 / 4


def test_in_the_warm_up_scoring_says_how_many_rows_are_missing():
    forest = make(warm_up=20).partial_fit(series(13))
    assert forest.n_samples_seen_ == 13
    with pytest.raises(NotFittedError, match=r"seen 13 row\(s\) and lacks 7 more"):
        forest.predict(series(3))
    with pytest.raises(AttributeError, match="max_samples_"):
        forest.max_samples_  # noqa: B018
    assert forest.score_partial_fit(series(7)).tolist() == [0.0] * 7
    assert forest.predict(series(3)).shape == (3,)


def test_a_waiting_row_is_a_copy():
    X = series(5)
    forest = make(warm_up=20).partial_fit(X)
    X[:] = 1e9
    assert np.abs(forest._waiting).max() < 10


@pytest.mark.parametrize("shingle_size", [1, 4])
def test_a_stream_goes_on_after_fit(shingle_size):
    X = series(600)
    forest = make(shingle_size=shingle_size).fit(X[:500])
    scores = forest.score_partial_fit(X[500:])
    assert np.all(scores > 0)
    assert forest.n_samples_seen_ == 600
    assert scores.mean() == pytest.approx(forest.anomaly_score(X)[-100:].mean(), rel=0.3)


def test_after_fit_old_rows_are_forgotten_at_the_rate_of_the_stream():
    rng = np.random.default_rng(0)
    forest = make(max_samples=64).fit(rng.normal(size=(100_000, 2)))
    forest.set_params(time_decay=0.1 / 64)
    forest.partial_fit(rng.normal(size=(64, 2)) + 20)
    held = forest.n_samples_seen_
    assert held == 100_064
    near = forest.anomaly_score(np.array([[20.0, 20.0]]))
    far = forest.anomaly_score(np.array([[0.0, 0.0]]))
    assert far < 1 < near + 1  # the fitted rows are not all gone
    forest.partial_fit(rng.normal(size=(20_000, 2)) + 20)
    assert forest.anomaly_score(np.array([[0.0, 0.0]])) > forest.anomaly_score(
        np.array([[20.0, 20.0]])
    )


def test_a_slower_decay_remembers_longer():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(3000, 2)), rng.normal(size=(3000, 2)) + 30
    found = {}
    for decay in (0.0, 0.01):
        forest = make(time_decay=decay).partial_fit(old).partial_fit(new)
        found[decay] = forest.anomaly_score(np.array([[0.0, 0.0]]))[0]
    assert found[0.0] < found[0.01]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n_estimators", 13), ("max_samples", 64), ("shingle_size", 2), ("scale", None)),
        ("feature_weights", np.array([1.0, 2.0])),
    ],
)
def test_what_the_trees_are_made_of_cannot_be_changed_in_a_stream(name, value):
    forest = make().partial_fit(series())
    forest.set_params(**{name: value})
    with pytest.raises(ValueError, match=rf"`{name}`=.* must be .*; set it back"):
        forest.partial_fit(series())
    forest.fit(series())


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
@variants
def test_an_error_in_the_kernel_leaves_the_forest_as_it_was(parameters, error, monkeypatch):
    X = stream_of(parameters)
    forest = make(**parameters).partial_fit(X[:200])
    expected = copy.deepcopy(forest)

    def fail(*arguments):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(following.stream, "learn", fail)
        with pytest.raises(error):
            forest.score_partial_fit(X[200:250])
    assert forest.n_samples_seen_ == 200
    coming = stream_of(parameters, 60)
    assert np.array_equal(forest.score_partial_fit(coming), expected.score_partial_fit(coming))


@pytest.mark.parametrize("parameters", [p for p in VARIANTS if "missing_values" not in p], ids=str)
def test_an_interrupt_after_the_kernel_leaves_the_rows_learned(parameters, monkeypatch):
    X = stream_of(parameters)
    forest = make(**parameters).partial_fit(X[:200])
    expected = copy.deepcopy(forest)
    learn = following.stream.learn

    def learn_and_stop(*arguments):
        learn(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(following.stream, "learn", learn_and_stop)
        with pytest.raises(KeyboardInterrupt):
            forest.partial_fit(X[200:250])
    assert forest.n_samples_seen_ == 250
    expected.partial_fit(X[200:250])
    assert np.array_equal(forest.score_partial_fit(X[250:]), expected.score_partial_fit(X[250:]))


@pytest.mark.parametrize("shingle_size", [1, 4])
def test_a_copy_has_a_forest_of_its_own(shingle_size):
    forest = make(shingle_size=shingle_size).partial_fit(series())
    other = copy.copy(forest)
    before = other.anomaly_score(series())
    forest.partial_fit(series(500, seed=1))
    assert np.array_equal(other.anomaly_score(series()), before)
    assert other.n_samples_seen_ == 300


def test_merged_forests_score_as_one_of_all_rows():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(2000, 2)), rng.normal(size=(2000, 2)) + 10])
    asked = np.array([[0.0, 0.0], [10.0, 10.0], [5.0, 5.0], [-8.0, 9.0]])
    parameters = {"n_estimators": 200, "max_samples": 64, "scale": None}
    whole = make(**parameters).fit(X).anomaly_score(asked)
    one = make(**parameters).fit(X[:2000])
    one.merge(make(**parameters, random_state=1).fit(X[2000:]))
    assert one.n_samples_seen_ == 4000
    np.testing.assert_allclose(one.anomaly_score(asked), whole, rtol=0.1)


def test_forests_of_one_seed_share_a_merged_sample_by_chance():
    X = np.random.default_rng(0).normal(size=(1000, 2))
    one, other = (make(scale=None).fit(rows) for rows in (X, X + 100))
    forest = one.merge(other)._scoring().forest
    points = forest.points[: forest.n_trees * forest.size * 2].reshape(forest.n_trees, -1, 2)
    n_far = (points[:, :, 0] > points[:, :, 0].mean()).sum(axis=1)
    assert n_far.std() > 1  # of 32 rows; equal keys would take 16 of each


def test_merge_expresses_rows_in_its_own_units():
    rng = np.random.default_rng(0)
    near, wide = rng.normal(size=(1000, 2)), 100 * rng.normal(size=(1000, 2))
    forest = make(n_estimators=50).fit(near).merge(make(n_estimators=50).fit(wide))
    check_forest(Forest(**forest._forest))
    assert np.all(forest.anomaly_score([[150.0, 150.0]]) < forest.anomaly_score([[4e3, 4e3]]))


def test_a_merged_stream_goes_on():
    one = make(shingle_size=4).partial_fit(series())
    one.merge(make(shingle_size=4, random_state=1).partial_fit(series(200, seed=1)))
    assert one.n_samples_seen_ == 500
    assert np.all(one.score_partial_fit(series(50)) > 0)
    assert one.n_samples_seen_ == 550


def test_merge_needs_two_forests():
    forest, waiting = make().partial_fit(series()), make().partial_fit(series(3))
    with pytest.raises(NotFittedError, match="lacks 5 more"):
        forest.merge(waiting)
    with pytest.raises(NotFittedError):
        forest.merge(make())
    assert forest.n_samples_seen_ == 300


@pytest.mark.parametrize("shingle_size", [1, 4])
def test_a_spike_in_a_stream_is_graded_and_little_else(shingle_size):
    X = series(3000)
    X[2000] = 6.0
    forest = RandomCutForest(50, shingle_size=shingle_size, random_state=0)
    _, grades = forest.score_partial_fit(X, return_grade=True)
    assert grades[2000] > 0.5
    assert np.mean(grades > 0) < 0.03
    assert np.mean(grades > 0.5) < 0.01
    assert forest.threshold_ >= 0.8


@pytest.mark.parametrize("shingle_size", [1, 5])
def test_missing_values_are_filled_in_a_stream(shingle_size):
    X = series(600, d=2, share_missing=0.1)
    forest = make(missing_values="impute", shingle_size=shingle_size)
    scores = forest.score_partial_fit(X)
    assert np.all(np.isfinite(scores))
    assert np.all(np.isfinite(forest._forest["points"]))
    assert np.all(np.isfinite(forest.anomaly_score(X)))


def test_a_stream_without_missing_values_is_learned_as_if_none_were_allowed():
    X = series()
    allowing, refusing = make(missing_values="impute", shingle_size=3), make(shingle_size=3)
    assert np.array_equal(allowing.score_partial_fit(X), refusing.score_partial_fit(X))


def test_a_shingle_that_is_mostly_filled_is_not_learned():
    X = series(300, d=1)
    forest = make(missing_values="impute", shingle_size=4).partial_fit(X[:200])
    learned = forest._held().n_learned
    gap = np.full((3, 1), np.nan)
    scores = forest.score_partial_fit(gap)
    assert np.all(scores > 0)
    assert forest._held().n_learned == learned + 2  # one and two of four were missing
    assert forest.n_samples_seen_ == 203
    forest.partial_fit(X[203:210])
    assert forest._held().n_learned == learned + 8  # the first row still had three of four
    assert forest.n_samples_seen_ == 210


def test_a_row_without_any_value_is_scored():
    forest = make(missing_values="impute").partial_fit(series())
    assert forest.score_partial_fit([[np.nan, np.nan]])[0] > 0


def test_nan_is_refused_unless_it_is_allowed():
    X = series()
    X[7, 1] = np.nan
    for method in ("fit", "partial_fit", "score_partial_fit"):
        with pytest.raises(ValueError, match="NaN"):
            getattr(make(), method)(X)
    X[7, 1] = np.inf
    for method in ("fit", "partial_fit", "score_partial_fit"):
        with pytest.raises(ValueError, match="infinity"):
            getattr(make(missing_values="impute"), method)(X)


def test_weights_that_have_not_changed_are_no_change():
    forest = make(feature_weights=[1.0, 2.0]).partial_fit(series())
    pickle.loads(pickle.dumps(forest)).partial_fit(series())
    forest.set_params(feature_weights=np.array([1, 2])).partial_fit(series())
    assert forest.n_samples_seen_ == 600


@pytest.mark.parametrize("lowered", [{"warm_up": 10}, {"max_samples": 16}, {"shingle_size": 1}])
def test_the_warm_up_may_be_lowered_while_rows_wait(lowered):
    X = series()
    forest = make(max_samples=128, shingle_size=5).partial_fit(X[:35]).set_params(**lowered)
    if "shingle_size" not in lowered:
        with pytest.raises(NotFittedError, match="lacks 1 more"):
            forest.anomaly_score(X)
    scores = forest.score_partial_fit(X[35:])
    assert np.all(scores > 0)
    assert forest.n_samples_seen_ == 300


def test_a_parameter_that_is_wrong_is_named_by_every_method():
    X = series()
    forest = make().fit(X).set_params(score_method="nope")
    for method in ("anomaly_score", "predict", "attribution", "likely_values", "density"):
        with pytest.raises(ValueError, match="`score_method`='nope' must be"):
            getattr(forest, method)(X)


def test_rows_of_a_streaming_scale_are_not_forgotten_silently():
    X = series()
    forest = make(scale="streaming").partial_fit(X)
    with pytest.raises(ValueError, match="`scale`='streaming' has changed"):
        forest.forget(X[:5])


@pytest.mark.parametrize("n_parts", [0, 1, 3])
@variants
def test_an_interrupted_call_has_learned_the_rows_up_to_there(parameters, n_parts, monkeypatch):
    X = stream_of(parameters)
    forest = make(**parameters).partial_fit(X[:50])
    monkeypatch.setattr(following, "LEAST_ROWS", 20)
    monkeypatch.setattr(following, "OF_A_PART", 1)
    n = check_interrupted(forest, X[50:], n_parts, monkeypatch)
    assert n == 20 * n_parts or "missing_values" in parameters


@settings(deadline=None, max_examples=15)
@given(st.sampled_from(VARIANTS), st.lists(st.integers(1, 60), max_size=12))
def test_reasons_are_those_of_the_forest_that_gave_the_score(parameters, sizes):
    X = stream_of(parameters, 200)
    size = parameters.get("shingle_size", 1)
    plain, whole, parts = make(**parameters), make(**parameters), make(**parameters)
    expected = plain.score_partial_fit(X, return_grade=True)
    scores, grades, shares = whole.score_partial_fit(X, return_grade=True, return_attribution=True)
    assert np.array_equal(scores, expected[0])
    assert np.array_equal(grades, expected[1])
    assert shares.shape == ((200, 2, 2) if size == 1 else (200, size, 2, 2))
    np.testing.assert_allclose(shares.reshape(200, -1).sum(axis=1), scores, rtol=1e-10)
    found = [
        parts.score_partial_fit(block, return_attribution=True)[1]
        for block in np.split(X, np.minimum(np.cumsum(sizes, dtype=int), len(X)))
        if len(block)
    ]
    assert np.array_equal(np.concatenate(found), shares)
    assert np.array_equal(plain.anomaly_score(X), parts.anomaly_score(X), equal_nan=True)
    if not np.isnan(X).any() and parameters.get("scale") != "streaming":
        before = make(**parameters).partial_fit(X[:150]).attribution(X[151 - size : 151])
        assert np.array_equal(shares[150], before[-1])


def test_a_change_of_level_is_blamed_on_its_column():
    X = np.random.default_rng(0).normal(size=(1200, 4))
    X[600:, 2] += 9
    forest = RandomCutForest(30, random_state=0)
    _, shares = forest.score_partial_fit(X, return_attribution=True)
    column, side = np.unravel_index(shares[600].argmax(), shares[600].shape)
    assert (column, side) == (2, 1)
    assert shares[600, 2, 1] > 0.8 * shares[600].sum()


@pytest.mark.parametrize("shingle_size", [1, 4])
@pytest.mark.parametrize("n_empty", [1, 8, 100])
def test_a_stream_may_begin_without_values(shingle_size, n_empty):
    X = series(300)
    X[:n_empty] = np.nan
    parameters = {"shingle_size": shingle_size, "missing_values": "impute"}
    whole, parts = make(**parameters), make(**parameters)
    scores = whole.score_partial_fit(X)
    assert np.flatnonzero(scores)[0] == n_empty + 8 + shingle_size - 1
    assert whole.n_samples_seen_ == 300
    found = [parts.score_partial_fit(block) for block in np.split(X, [1, 50, 51, 120])]
    assert np.array_equal(np.concatenate(found), scores)


def test_a_stream_with_too_few_values_to_learn_from_scores_0():
    X = np.full((60, 3), np.nan)
    X[5, 0] = 1.0
    forest = make(missing_values="impute")
    assert not forest.score_partial_fit(X).any()
    known = np.zeros((2, 3))
    for rule in ("auto", "three_sigma", 0.1):
        assert (forest.set_params(contamination=rule).predict(known) == 1).all()
    assert forest.dense_regions(1.0, 1) == [] and forest.neighbors(known)[0].shape == (2, 0)
    assert forest.score_partial_fit(np.arange(90.0).reshape(30, 3))[1:].all()


def test_what_changes_nothing_says_so():
    X = series(100)
    forest = make().fit(X)
    with pytest.warns(UserWarning, match="no tree holds any row of X"):
        forest.forget(X + 50)
    with pytest.raises(ValueError, match="whose rows would count twice"):
        forest.merge(forest)


@pytest.mark.parametrize(
    "method",
    [
        *("anomaly_score", "score_samples", "decision_function", "predict", "transform"),
        *("attribution", "density", "neighbors", "forget", "likely_values"),
    ],
)
def test_too_few_rows_for_a_shingle_are_an_error(method):
    forest = make(shingle_size=4).fit(series(100))
    with pytest.raises(ValueError, match=r"X has 3 row\(s\) and must have at least `shingle_size`"):
        getattr(forest, method)(series(3))


def test_the_offset_is_made_anew_when_a_tree_has_changed(monkeypatch):
    rng = np.random.default_rng(0)
    forest = make(n_estimators=3).fit(rng.normal(size=(20_000, 2)))
    made, held_scores = [], RandomCutForest._held_scores
    monkeypatch.setattr(
        RandomCutForest, "_held_scores", lambda self: made.append(1) or held_scores(self)
    )
    changes = 0
    for row in rng.normal(size=(300, 1, 2)):
        before = pickle.dumps(forest._forest["points"])
        forest.partial_fit(row)
        changes += pickle.dumps(forest._forest["points"]) != before
        assert forest.offset_ == pickle.loads(pickle.dumps(forest)).offset_
    assert len(made) == 1 + changes < 100
    forest._offsets.clear()
    before = forest.offset_
    assert forest.partial_fit(rng.normal(size=(5000, 2))).offset_ != before
