"""A stream held open for single rows: the same bits as by the long way, and nothing slips by."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos import RandomCutForest
from algos.random_cut_forest import single_rows

VARIANTS = [
    {},
    {"shingle_size": 5},
    {"scale": None, "score_method": "collusive_displacement", "time_decay": 0.01},
    {"scale": "streaming"},
    {"missing_values": "impute", "shingle_size": 3},
]
variants = pytest.mark.parametrize("parameters", VARIANTS, ids=str)
OPEN = VARIANTS[:3]


def make(**parameters):
    return RandomCutForest(8, max_samples=16, random_state=0).set_params(**parameters)


def rows(n=200, d=2, dtype=np.float64):
    return np.random.default_rng(0).normal(size=(n, d)).astype(dtype)


def opened(X, **parameters):
    """Return a forest whose stream is held open."""
    forest = make(**parameters)
    for i in range(len(X)):
        forest.score_partial_fit(X[i : i + 1])
    assert id(forest) in single_rows._OPEN
    return forest


def is_open(forest, row, judged=True):
    """Tell whether a copy of the row would be taken; it is learned then."""
    return single_rows.follow(forest, row, judged) is not None


@variants
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_rows_have_the_bits_of_a_block(parameters, dtype):
    X = rows(dtype=dtype)
    whole, forest = make(**parameters), make(**parameters)
    scores, grades = whole.score_partial_fit(X, return_grade=True)
    for i in range(len(X)):
        score, grade = forest.score_partial_fit(X[i : i + 1], return_grade=True)
        assert score.dtype == grade.dtype == dtype
        assert (score[0], grade[0]) == (scores[i], grades[i])
    assert forest.n_samples_seen_ == len(X)
    assert forest.threshold_ == whole.threshold_
    assert np.array_equal(forest.anomaly_score(X), whole.anomaly_score(X))


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(VARIANTS),
    st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=60),
)
def test_rows_and_blocks_scored_or_not_go_on_from_each_other(parameters, parts):
    sizes, judged = zip(*parts, strict=True)
    X = rows(40 + sum(sizes))
    forest, whole = make(**parameters), make(**parameters)
    forest.partial_fit(X[:40])
    whole.partial_fit(X[:40])
    for block, scored in zip(np.split(X[40:], np.cumsum(sizes)), judged, strict=False):
        if scored and len(block):
            expected = whole.score_partial_fit(block.copy("F")[:, ::1])
            assert np.array_equal(forest.score_partial_fit(block), expected)
        elif len(block):
            forest.partial_fit(block)
            whole.partial_fit(block.tolist())  # never by an open stream
    assert np.array_equal(forest.anomaly_score(X), whole.anomaly_score(X))


@pytest.mark.parametrize("parameters", OPEN, ids=str)
def test_a_plain_stream_is_held_open(parameters):
    X = rows()
    forest = opened(X[:100], **parameters)
    assert is_open(forest, X[100:101])
    assert is_open(forest, X[101:102].astype(np.float32))
    assert forest.n_samples_seen_ == 102


@pytest.mark.parametrize(
    "parameters", [{"scale": "streaming"}, {"warm_up": 150}], ids=["scaled anew", "warming up"]
)
def test_another_is_not(parameters):
    X = rows(100)
    forest = make(**parameters)
    for i in range(len(X)):
        forest.score_partial_fit(X[i : i + 1])
    assert not is_open(forest, X[:1])


@pytest.mark.parametrize("name", ["n_estimators", "score_method", "time_decay", "contamination"])
def test_a_changed_parameter_closes_it_and_is_checked(name):
    X = rows()
    forest = opened(X[:100])
    forest.set_params(**{name: "no value of it"})
    for method in (forest.score_partial_fit, forest.partial_fit):
        with pytest.raises(ValueError, match=name):
            method(X[100:101])
    assert forest.n_samples_seen_ == 100


def test_another_score_is_graded_by_its_own_threshold():
    X = rows()
    forest = opened(X[:100]).set_params(score_method="depth")
    again = pickle.loads(pickle.dumps(forest))
    for i in range(100, 200):
        forest.score_partial_fit(X[i : i + 1])
    again.score_partial_fit(X[100:])
    assert forest.threshold_ == again.threshold_


@pytest.mark.parametrize(
    "row, message",
    [
        ([[np.nan, 0.0]], "NaN"),
        ([[np.inf, 0.0]], "infinity"),
        ([[1.0]], "features"),
        ([0.0, 0.0], "2D"),
    ],
    ids=str,
)
def test_a_bad_row_is_refused_as_ever_and_leaves_no_trace(row, message):
    X = rows()
    forest = opened(X[:100], shingle_size=3)
    expected = copy.deepcopy(forest).score_partial_fit(X[100:])
    with pytest.raises(ValueError, match=message):
        forest.score_partial_fit(np.array(row))
    assert np.array_equal(forest.score_partial_fit(X[100:]), expected)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))]
)
@pytest.mark.parametrize("parameters", OPEN, ids=str)
def test_a_copy_is_a_stream_of_its_own(copied, parameters):
    X = rows()
    forest = opened(X[:100], **parameters)
    other = copied(forest)
    scores = [forest.score_partial_fit(X[i : i + 1], return_grade=True) for i in range(100, 150)]
    again = [other.score_partial_fit(X[i : i + 1], return_grade=True) for i in range(100, 150)]
    assert np.array_equal(again, scores)
    assert other.threshold_ == forest.threshold_


def test_fit_forget_and_merge_close_it():
    X = rows()
    forest, other = opened(X[:100]), make(random_state=1).fit(X)
    for change in (
        lambda: forest.merge(other),
        lambda: forest.forget(X),
        lambda: forest.fit(X),
    ):
        change()
        again = pickle.loads(pickle.dumps(forest))
        score = forest.score_partial_fit(X[:1])
        assert np.array_equal(score, again.score_partial_fit(X[:1]))


def test_names_are_asked_for_in_each_row():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rows(), columns=["a", "b"])
    forest = make()
    for i in range(100):
        forest.score_partial_fit(X[i : i + 1])
    with pytest.warns(UserWarning, match="feature names"):
        forest.score_partial_fit(X.to_numpy()[:1])


def test_missing_values_are_filled_before_a_stream_is_held_open_again():
    X = rows()
    X[100, 0] = np.nan
    whole, forest = (make(missing_values="impute", shingle_size=3) for _ in range(2))
    scores = whole.score_partial_fit(X)
    found = [forest.score_partial_fit(X[i : i + 1])[0] for i in range(len(X))]
    assert found == scores.tolist()
    assert is_open(forest, X[:1])


def test_a_stream_that_nobody_refers_to_is_not_kept():
    forest = opened(rows(50))
    key = id(forest)
    assert key in single_rows._OPEN
    del forest
    gc.collect()
    assert key not in single_rows._OPEN


class Comparable(RandomCutForest):
    """A forest without a hash."""

    def __eq__(self, other):
        return self.get_params() == other.get_params()


def test_a_forest_without_a_hash_is_held_open_as_well():
    X = rows()
    forests = [Comparable(8, max_samples=16, random_state=0) for _ in range(2)]
    for i in range(len(X)):
        scores = [forest.score_partial_fit(X[i : i + 1])[0] for forest in forests]
        assert scores[0] == scores[1]
    assert all(id(forest) in single_rows._OPEN for forest in forests)
    assert forests[0].n_samples_seen_ == len(X)


def test_a_decay_set_before_a_row_that_is_not_learned_holds_afterwards():
    rows = np.random.default_rng(0).normal(size=(300, 2))
    ends = {}
    for kind in (np.asarray, np.ndarray.tolist):
        model = RandomCutForest(5, max_samples=16, missing_values="impute", random_state=0)
        for row in rows[:100]:
            model.score_partial_fit(kind(row[np.newaxis]))
        model.set_params(time_decay=0.05)
        model.score_partial_fit(kind(np.full((1, 2), np.nan)))
        ends[kind] = [model.score_partial_fit(kind(row[np.newaxis]))[0] for row in rows[100:]]
    assert ends[np.asarray] == ends[np.ndarray.tolist]


def test_a_new_fit_lets_go_of_the_forest_before():
    rows = np.random.default_rng(0).normal(size=(200, 2))
    model = RandomCutForest(5, max_samples=16, random_state=0)
    for row in rows:
        model.partial_fit(row[np.newaxis])
    before = weakref.ref(model._forest["points"])
    model.fit(rows)
    gc.collect()
    assert before() is None


def resting(dtype=np.float64, at=5.0, n=300):
    """Return rows with a column that rests, one that moves for a row and one that changes level."""
    X = rows(n, 4, dtype)
    X[:, 1] = at
    X[:, 2] = np.arange(n) == 150
    X[:, 3] = np.arange(n) > 220
    return X


@pytest.mark.parametrize("parameters", OPEN, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("at", [5.0, 0.0, -1e30, 3e-30])
def test_columns_at_rest_leave_a_stream_open(parameters, dtype, at):
    X = resting(dtype, at)
    whole, forest = make(**parameters), make(**parameters)
    scores, grades = whole.score_partial_fit(X, return_grade=True)
    was_open = []
    for i in range(len(X)):
        score, grade = forest.score_partial_fit(X[i : i + 1], return_grade=True)
        assert (score[0], grade[0]) == (scores[i], grades[i])
        was_open.append(id(forest) in single_rows._OPEN)
    moves = slice(150, 181), slice(221, 252)  # with the next one, 32 rows to learn a unit
    expected = np.arange(len(X)) >= 4 + parameters.get("shingle_size", 1) - 1
    if parameters.get("scale", "") is not None:
        for part in moves:
            expected[part] = False
    assert was_open[10:] == expected[10:].tolist()
    assert np.array_equal(forest.anomaly_score(X), whole.anomaly_score(X))
    assert pickle.dumps(vars(forest._held().scaling)) == pickle.dumps(vars(whole._held().scaling))


@pytest.mark.parametrize("at", [5.0, 0.0])
def test_the_first_value_that_differs_is_not_learned_by_an_open_stream(at):
    X = resting(at=at)
    forest = opened(X[:100])
    row = X[100:101].copy()
    row[0, 1] += abs(at) * 8 * np.finfo(float).eps  # a rounding
    assert is_open(forest, row)
    row[0, 1] += abs(at) * 32 * np.finfo(float).eps or 1e-300
    assert not is_open(forest, row)
    assert forest.n_samples_seen_ == 101
    again = pickle.loads(pickle.dumps(forest))
    assert forest.score_partial_fit(row)[0] == again.score_partial_fit(row.tolist())[0]
    assert forest.n_samples_seen_ == 102


def test_a_column_without_values_closes_a_stream():
    X = resting()
    X[:, 1] = np.nan
    forest = make(missing_values="impute")
    for i in range(100):
        forest.score_partial_fit(X[i : i + 1])
    assert not is_open(forest, np.ones((1, 4)))
