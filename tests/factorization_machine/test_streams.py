"""Batches and merges, also after a fit."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from algos import FactorizationMachineClassifier, FactorizationMachineRegressor
from algos.factorization_machine import incremental
from algos.factorization_machine.stream_record import begin_record, with_entry
from tests.common.interrupts import count_lines, interrupt

# Few iterations are enough here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("mcmc", "als", "adagrad")


def products(unit, n=400):
    """Columns in any unit, of which a pair acts together."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    return X * unit, X[:, 0] * X[:, 1] + X[:, 2]


@pytest.mark.parametrize("solver", SOLVERS)
def test_batches_after_a_fit_know_the_units_of_columns(solver):
    X, y = products(unit=1e4)
    machine = FactorizationMachineRegressor(4, solver=solver, random_state=0).fit(X, y)
    assert machine.partial_fit(X, y).score(X, y) > 0.85


@pytest.mark.parametrize("solver", SOLVERS)
def test_batches_after_a_merge_know_the_units_of_columns(solver):
    X, y = products(unit=1e4)
    one, other = (
        FactorizationMachineRegressor(4, solver=solver, random_state=0).fit(X[rows], y[rows])
        for rows in (slice(200), slice(200, None))
    )
    assert one.merge(other).partial_fit(X, y).score(X, y) > 0.6


def test_a_column_that_only_one_of_two_streams_met_keeps_its_unit():
    X, y = products(unit=1e4)
    empty = X.copy()
    empty[:, 4] = 0
    one = FactorizationMachineRegressor(4, random_state=0).partial_fit(empty, y)
    other = FactorizationMachineRegressor(4, random_state=0).partial_fit(X, y)
    merged = one.merge(other).partial_fit(empty, y)
    merged.partial_fit(X, y)
    assert np.abs(merged.predict(X)).max() < 100 * np.abs(y).max()


def test_a_column_without_a_value_has_no_part_in_a_stream():
    X, y = products(unit=1.0)
    X[:, 4] = 0
    machine = FactorizationMachineRegressor(4, random_state=0).partial_fit(X, y)
    assert not machine.factors_[4].any() and machine.coef_[4] == 0


def test_ordered_machines_merge_by_their_cut_points():
    rng = np.random.default_rng(0)
    X = np.eye(5)[rng.integers(5, size=400)]
    y = rng.integers(3, size=400)
    low = np.where(rng.random(400) < 0.8, 0, y)
    ordered = FactorizationMachineRegressor(2, loss="ordered_probit", solver="als", max_iter=5)
    one, other = (ordered.__sklearn_clone__().fit(X, target) for target in (y, low))
    apart = one.predict(X).mean(), other.predict(X).mean()
    merged = one.merge(other).predict(X).mean()
    assert apart[1] + 0.2 * np.ptp(apart) < merged < apart[0] - 0.2 * np.ptp(apart)


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_interrupted_batch_changes_nothing(solver, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    X, y = products(unit=1.0, n=50)
    machine = FactorizationMachineRegressor(4, solver=solver, max_iter=3, random_state=0)
    machine.fit(X, y).partial_fit(X, y)
    with monkeypatch.context() as patch:
        patch.setattr(incremental, "say", interrupted)
        with pytest.raises(KeyboardInterrupt):
            machine.partial_fit(X, y)
    other = machine.__sklearn_clone__().fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(
        machine.partial_fit(X, y).predict(X), other.partial_fit(X, y).predict(X)
    )


@pytest.mark.parametrize("target", ["numbers", "classes"])
def test_batches_of_few_columns_are_learned_alike_in_place_and_in_copies(target):
    X, y = products(unit=1.0, n=300)
    kind = FactorizationMachineRegressor
    if target == "classes":
        kind, y = FactorizationMachineClassifier, np.digitize(y, [-0.5, 0.5])
    one, other = (kind(4, random_state=0).partial_fit(X, y) for _ in range(2))
    for column in (0, 3, 3, 1, 2, 4):
        few, more = np.where(np.arange(5) == column, X, 0)[column::9], y[column::9]
        if target == "numbers":
            more = more * (column + 1)  # another unit: all columns that have come change
        one.partial_fit(few, more)
        other = copy.deepcopy(other).partial_fit(few, more)
    np.testing.assert_array_equal(one.factors_, other.factors_)
    np.testing.assert_array_equal(one.coef_, other.coef_)


@pytest.mark.parametrize("begins", ["fit", "partial_fit"])
def test_a_column_that_never_comes_changes_no_other_where_the_unit_moves(begins):
    X, _ = products(unit=1.0, n=100)
    y = X @ [5, 1, 0, -1, -5]
    few = np.where(np.arange(5) == 3, X, 0)
    narrow, wide = (
        getattr(
            FactorizationMachineRegressor(2, solver="adagrad", max_iter=5, random_state=0), begins
        )(with_empty(X, n), y).partial_fit(with_empty(few, n), few[:, 3] + 30)
        for n in (0, 1)
    )
    np.testing.assert_array_equal(narrow.coef_, wide.coef_[:5])
    np.testing.assert_array_equal(narrow.factors_, wide.factors_[:5])
    assert narrow.coef_[0] > narrow.coef_[1] > narrow.coef_[4]


def test_ratings_in_small_batches_are_learned_alike_with_a_column_that_never_comes():
    rng = np.random.default_rng(0)
    users, items = rng.integers(15, size=600), rng.integers(10, size=600)
    X = np.concatenate([np.eye(15)[users], np.eye(10)[items]], axis=1)
    y = rng.normal(size=15)[users] + rng.normal(size=10)[items]
    narrow, wide = (FactorizationMachineRegressor(2, random_state=0) for _ in range(2))
    for rows in np.split(np.arange(600), 60):
        narrow.partial_fit(X[rows], y[rows])
        wide.partial_fit(with_empty(X[rows], 1), y[rows])
    np.testing.assert_array_equal(narrow.coef_, wide.coef_[:25])
    np.testing.assert_array_equal(narrow.factors_, wide.factors_[:25])


def with_empty(X, n):
    return np.concatenate([X, np.zeros((len(X), n))], axis=1)


@pytest.mark.parametrize("kind", [FactorizationMachineClassifier, FactorizationMachineRegressor])
def test_a_batch_interrupted_at_any_line_changes_nothing(kind):
    X, y = products(unit=1.0, n=60)
    y = y if kind is FactorizationMachineRegressor else y > 0
    few, other = (np.where(np.arange(5) < n, X, 0) for n in (2, 4))
    stream, untouched, counted = (
        kind(2, random_state=0, n_jobs=1).partial_fit(X, y).partial_fit(few, y) for _ in range(3)
    )
    before = untouched.predict(X)
    for line in range(1, count_lines(lambda: counted.partial_fit(other, y)) + 1, 2):
        with pytest.raises(KeyboardInterrupt):
            interrupt(lambda: stream.partial_fit(other, y), line)
    np.testing.assert_array_equal(stream.predict(X), before)
    for one in (stream, untouched):
        one.partial_fit(other, y).partial_fit(few, y)
    np.testing.assert_array_equal(stream.factors_, untouched.factors_)


def test_a_batch_of_few_columns_writes_into_the_arrays_there_are():
    X, y = products(unit=1.0)
    stream = FactorizationMachineRegressor(4, random_state=0).partial_fit(X, y)
    few = np.where(np.arange(5) == 1, X, 0)
    table = stream.partial_fit(few, y)._stream["factor_state"]
    for _ in range(3):
        stream.partial_fit(few, y)
        assert stream._stream["factor_state"] is table


def test_parts_with_other_levels_do_not_merge():
    X = np.eye(4)
    ordered = FactorizationMachineRegressor(2, loss="ordered_probit", max_iter=5)
    one, other = (ordered.__sklearn_clone__().fit(X, y) for y in ([0, 1, 2, 2], [0, 1, 1, 5]))
    with pytest.raises(ValueError, match=r"`levels_`=.* must be .*; fit both"):
        one.merge(other)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 500.0])
def test_single_rows_are_learned_about_as_well_as_batches(unit):
    X, y = products(unit=1.0, n=1500)
    y = 10_000 * unit + unit * y
    scores = {}
    for size in (1, 10):
        stream = FactorizationMachineRegressor(4, learning_rate_init=0.1, random_state=0)
        for start in range(0, len(y), size):
            stream.partial_fit(X[start : start + size], y[start : start + size])
        scores[size] = stream.score(X, y)
    assert scores[1] > scores[10] - 0.1


def test_a_change_of_unit_leaves_predictions_as_they_are():
    X, y = products(unit=1.0)
    stream = FactorizationMachineRegressor(4, learning_rate_init=0.1, random_state=0)
    stream.partial_fit(X, y)
    before, unit = stream.predict(X), stream._unit
    far = np.zeros((1, 5))  # a row without values moves the intercept alone
    stream.partial_fit(far, [100.0])
    assert stream._unit != unit
    np.testing.assert_allclose(np.diff(stream.predict(X)), np.diff(before), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("factor", [1e-40, 1e40, 1e300])
def test_targets_of_another_magnitude_do_not_overflow(factor):
    X, y = products(unit=1.0)
    for n in (400, 1200):
        stream = FactorizationMachineRegressor(4, random_state=0)
        for _ in range(n // 400):
            stream.partial_fit(X, y)
        stream.partial_fit(X, y * factor)
        assert np.isfinite(stream.predict(X)).all()


def test_factors_beyond_the_type_of_a_stream_make_a_merge_wider():
    machine = FactorizationMachineRegressor(2, max_iter=20, random_state=0)
    stream = clone(machine).partial_fit([[0.0]], [0.0])
    y = np.array([1e155, 1e155, 1e155, 0.0])
    other = machine.fit(np.ones((4, 1)), y)
    stream.merge(other)
    np.testing.assert_allclose(stream.predict([[1.0]]), 0.8 * other.predict([[1.0]]), rtol=0.1)
    assert np.isfinite(stream.partial_fit([[1.0]], [0.0]).predict([[1.0]])).all()


def test_machines_whose_scores_differ_in_meaning_are_not_merged():
    X, y = products(unit=1)
    codes = np.digitize(y, [-0.5, 0.5])
    of_chances = FactorizationMachineClassifier(3, solver="als", random_state=0).fit(X, codes)
    stream = FactorizationMachineClassifier(3, solver="als", random_state=0).partial_fit(X, codes)
    with pytest.raises(ValueError, match=r"`solver_`='adagrad' of the other .*softmax"):
        of_chances.merge(stream)


def test_machines_are_merged_as_what_they_were_learned_as():
    X, y = products(unit=1)
    small = FactorizationMachineRegressor(4, random_state=0).fit(X, y).set_params(n_factors=6)
    with pytest.raises(ValueError, match=r"`n_factors`=6 must be 4"):
        small.merge(FactorizationMachineRegressor(6, random_state=0).fit(X, y))


def test_machines_of_either_precision_are_merged_in_the_wider():
    X, y = products(unit=1)
    X = X.astype(np.float32)
    small, huge = (
        FactorizationMachineRegressor(4, solver="als", random_state=0).fit(X, y * unit)
        for unit in (1, 1e60)
    )
    merged = small.merge(huge)
    assert merged.coef_.dtype == merged.factors_.dtype == np.float64
    expected = huge.predict(X.astype(np.float64)) / 2
    np.testing.assert_allclose(merged.predict(X.astype(np.float64)), expected, rtol=0.5, atol=1e60)


@pytest.mark.parametrize("solver", SOLVERS)
def test_streams_and_merges_after_a_fit_drop_its_history(solver):
    X, y = products(unit=1, n=60)
    machine = FactorizationMachineRegressor(2, solver=solver, max_iter=9, random_state=0)
    stream = clone(machine).fit(X, y).partial_fit(X, y)
    assert not hasattr(stream, "hyper_")
    assert stream.n_iter_ == len(stream.history_["objective"]) == 1
    assert stream.objective_ == stream.history_["objective"][-1]
    merged = clone(machine).fit(X, y).merge(clone(machine).fit(X[:30], y[:30]))
    for name in ("hyper_", "objective_", "history_", "n_iter_"):
        assert not hasattr(merged, name)
    assert merged.partial_fit(X, y).n_iter_ == 1


def test_a_batch_does_not_copy_the_record_of_earlier_ones():
    X, y = products(unit=1, n=60)
    stream = FactorizationMachineRegressor(2, random_state=0)
    for begin in range(20):
        stream.partial_fit(X[begin : begin + 1], y[begin : begin + 1])
    earlier = stream.history_
    kept = {name: values.copy() for name, values in earlier.items()}
    stream.partial_fit(X, y)
    for name, values in stream.history_.items():
        assert np.shares_memory(values, earlier[name])
        np.testing.assert_array_equal(values[:-1], kept[name])
        np.testing.assert_array_equal(earlier[name], kept[name])
    assert (np.diff(stream.history_["seconds"]) > 0).all()
    with pytest.raises(ValueError, match="read-only"):  # later records are the same memory
        stream.history_["objective"] /= 2


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_of_a_stream_have_their_own_record(copied):
    X, y = products(unit=1, n=60)
    stream = FactorizationMachineRegressor(2, random_state=0).partial_fit(X, y).partial_fit(X, y)
    other = copied(stream).partial_fit(X[:20], y[:20])
    stream.partial_fit(X, y)
    losses = [each.history_["objective"] for each in (stream, other)]
    np.testing.assert_array_equal(*(values[:2] for values in losses))
    assert [values[2] for values in losses] == [stream.objective_, other.objective_]
    assert stream.objective_ != other.objective_


def test_records_that_go_on_from_one_another_do_not_share_entries():
    record = begin_record()
    for value in range(3):
        record, _ = with_entry(record, value)
    (one, first), (other, second) = (with_entry(record, value) for value in (7, 8))
    assert [*first["objective"]] == [0, 1, 2, 7]
    assert [*second["objective"]] == [0, 1, 2, 8]
    assert [*with_entry(one, 9)[1]["objective"]] == [0, 1, 2, 7, 9]
    assert [*with_entry(other, 9)[1]["objective"]] == [0, 1, 2, 8, 9]


def test_a_call_that_fails_after_its_record_leaves_it(monkeypatch):
    X, y = products(unit=1, n=60)
    stream = FactorizationMachineRegressor(2, random_state=0).partial_fit(X, y).partial_fit(X, y)
    expected = clone(stream).partial_fit(X, y).partial_fit(X, y).partial_fit(X, y)
    with monkeypatch.context() as patch:
        patch.setattr(FactorizationMachineRegressor, "_count_batch", None)
        with pytest.raises(TypeError):
            stream.partial_fit(X[:9], y[:9])
    assert stream.n_iter_ == len(stream.history_["objective"]) == 2
    stream.partial_fit(X, y)
    np.testing.assert_array_equal(stream.history_["objective"], expected.history_["objective"])


def test_a_merged_machine_of_constants_is_not_sure():
    X, y = products(unit=1, n=30)
    one, other = (
        FactorizationMachineRegressor(2, solver="mcmc").fit(X, np.full_like(y, value))
        for value in (3.0, 5.0)
    )
    assert not one.predict(X, return_std=True)[1].any()
    with pytest.raises(ValueError, match="without `merge`"):
        one.merge(other).predict(X, return_std=True)


@pytest.mark.parametrize(("of_X", "of_y"), [(1e-170, 1.0), (1e-9, 1e293)])
def test_machines_are_merged_whose_pairs_are_far_from_one(of_X, of_y):
    X, y = products(unit=1, n=60)
    machine = FactorizationMachineRegressor(3, solver="als", tol=0, max_iter=20)
    one, other = (clone(machine).fit(X * of_X, y * of_y) for _ in range(2))
    np.testing.assert_allclose(
        one.merge(other).predict(X * of_X) / of_y, other.predict(X * of_X) / of_y, atol=1e-3
    )


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("solver", SOLVERS)
def test_machines_are_merged_where_factors_times_values_overflow(solver):
    machine = FactorizationMachineRegressor(solver=solver, tol=0, random_state=0, max_iter=100)
    one = clone(machine).fit([[1.7e308]], [0.0])
    other = clone(machine).fit(np.ones((4, 1)), [1e16, 1e16, 1e16, 0.0])
    pair = other.factors_[0] @ other.factors_[0]
    one.merge(other)
    np.testing.assert_allclose(one.factors_[0] @ one.factors_[0], 0.8 * pair, rtol=1e-6)
    assert np.isfinite(one.predict([[1.0]])).all()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_classifiers_of_tiny_and_huge_columns_are_merged(solver, method):
    def learned(value):
        machine = FactorizationMachineClassifier(solver=solver, random_state=0, max_iter=20)
        return getattr(machine, method)([[value]] * 3 + [[0.0]], list("aaab"))

    merged = learned(1e-160).merge(learned(1e155))
    assert np.isfinite(merged.coef_).all() and np.isfinite(merged.factors_).all()
    assert np.isfinite(merged.predict_proba([[1e-160], [1e155], [0.0]])).all()


def test_pairs_of_small_columns_count_in_a_merge():
    X = np.random.default_rng(0).normal(size=(400, 6))
    y = X[:, 0] * X[:, 1] - X[:, 2] * X[:, 3] + X[:, 4] * X[:, 5]
    X *= [1, 1, 1, 1, 1e-10, 1e-10]
    machine = FactorizationMachineRegressor(6, solver="als", alpha=0.1, random_state=0)
    one, other = (clone(machine).fit(X[half], y[half]) for half in (slice(200), slice(200, 400)))
    assert one.score(X, y) > 0.99
    assert one.merge(other).score(X, y) > 0.99
