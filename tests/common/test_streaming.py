"""DESIGN section 3, point 11: learning in parts, and joining what was learned apart."""

import copy

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from algos import FactorizationMachineClassifier, LinearLearnerClassifier
from tests.common.batches import iter_batches, learn_from
from tests.common.estimators import assert_same_bits, cases_where, learned, outputs

streaming = cases_where(lambda case: case.has("partial_fit"))
merging = cases_where(lambda case: case.has("merge"))


def as_memmap(X, folder):
    X.tofile(folder / "rows")
    return np.memmap(folder / "rows", dtype=X.dtype, shape=X.shape, mode="r")


def streamed(case, X):
    return learn_from(case.make(), iter_batches(X, case.target(X), batch_size=40))


@streaming
def test_arrays_memmaps_and_generators_stream_alike(case, tmp_path):
    X = case.rows(150)
    y = case.target(X)
    expected = learned(learn_from(case.make(), iter_batches(X, y, batch_size=40)))
    generator = (
        (X[start : start + 40], None if y is None else y[start : start + 40])
        for start in range(0, 150, 40)
    )
    sources = [
        iter_batches(as_memmap(X, tmp_path), y, batch_size=40),
        iter_batches(generator, batch_size=40),
    ]
    for source in sources:
        assert_same_bits(learned(learn_from(case.make(), source)), expected)


@cases_where(lambda case: case.has("partial_fit") and case.takes_sparse)
def test_sparse_rows_stream(case):
    X = case.rows(150)
    batches = iter_batches(sparse.csr_array(X), case.target(X), batch_size=40)
    estimator = learn_from(case.make(), batches)
    assert outputs(estimator, X)


@streaming
def test_learning_in_parts_continues_a_fit(case):
    X, more = case.rows(), case.rows(seed=1)
    once = case.fitted(X)
    twice = copy.deepcopy(once).partial_fit(more, case.target(more))
    results = outputs(once, X)
    assert getattr(twice, "n_features_in_", None) == getattr(once, "n_features_in_", None)
    assert any(np.any(outputs(twice, X)[name] != value) for name, value in results.items())


@cases_where(lambda case: case.has("partial_fit") and not case.columns_are_times)
def test_a_batch_of_another_width_is_refused(case):
    estimator = case.fitted()
    narrow = case.rows(n_columns=4)
    with pytest.raises(ValueError, match=r"4 feature.* expecting 5 feature"):
        estimator.partial_fit(narrow, case.target(narrow))


@streaming
def test_one_row_may_come_first(case):
    from sklearn.exceptions import NotFittedError

    X = case.rows()
    y = case.target(X)
    estimator = case.make().partial_fit(X[:1], None if y is None else y[:1])
    for name in outputs(case.fitted(X), X):
        try:
            getattr(estimator, name)(X)
        except NotFittedError as error:
            said = str(error)
            assert "second class" in said or any(character.isdigit() for character in said)
    estimator.partial_fit(X, y)
    assert outputs(estimator, X)


@merging
def test_merge_changes_and_returns_self_alone(case):
    X, other_X = case.rows(), case.rows(seed=1)
    estimator, other = case.fitted(X), case.fitted(other_X)
    before = copy.deepcopy(learned(other))
    results = outputs(estimator, X)
    assert estimator.merge(other) is estimator
    assert_same_bits(learned(other), before)
    assert any(np.any(outputs(estimator, X)[name] != value) for name, value in results.items())


@merging
def test_merge_refuses_what_does_not_fit(case):
    X = case.rows()
    narrow = case.rows(n_columns=4)
    wrong = {
        "class": object(),
        "columns": case.fitted(narrow),
    }
    if case.has("max_iter"):
        wrong["parameters"] = case.fitted(X, max_iter=77)
    for name, other in wrong.items():
        estimator = case.fitted(X)
        before = learned(estimator)
        with pytest.raises(ValueError, match=r"must be .*; ") as caught:
            estimator.merge(other)
        assert str(caught.value), name
        assert_same_bits(learned(estimator), before)


@merging
def test_merge_counts_no_row_twice(case):
    estimator = case.fitted(case.rows())
    with pytest.raises(ValueError, match=r"must be another .*, whose rows .*; .*merge a"):
        estimator.merge(estimator)


@merging
def test_merge_minds_no_parameter_that_is_not_of_the_model(case):
    changed = {
        name: value
        for name, value in {"n_jobs": 1, "verbose": 1, "random_state": 9}.items()
        if case.has(name)
    }
    X = case.rows()
    case.fitted(X).merge(case.fitted(case.rows(seed=1), **changed))


@pytest.mark.parametrize("kind", [LinearLearnerClassifier, FactorizationMachineClassifier])
def test_classifiers_that_met_one_label_alone_have_nothing_to_merge(kind):
    one, other = (kind().partial_fit(np.zeros((2, 1)), [1, 1]) for _ in range(2))
    with pytest.raises(NotFittedError, match="has seen only class 1"):
        one.merge(other)


# What counts for the model of a stream though it is set after the rows came.
SET_LATER = {
    "KMeans": {"n_clusters": 2},
    "PCA": {"n_components": 1},
    "LinearLearnerClassifier": {"standardize": True},
    "LinearLearnerRegressor": {"standardize": True},
}


@cases_where(lambda case: case.has("partial_fit") and case.kind.__name__ in SET_LATER)
def test_a_look_at_a_stream_changes_nothing_of_what_is_set_later(case):
    X = case.rows()
    looked_at, other = (streamed(case, X) for _ in range(2))
    outputs(looked_at, X)
    for estimator in (looked_at, other):
        estimator.set_params(**SET_LATER[case.kind.__name__])
    assert_same_bits(learned(looked_at), learned(other))
    assert_same_bits(outputs(looked_at, X), outputs(other, X))


@streaming
def test_what_is_set_after_a_fit_leaves_its_model(case):
    X = case.rows()
    estimator = case.fitted(X)
    before = learned(estimator)
    later = SET_LATER.get(case.kind.__name__, {"n_jobs": 1} if case.has("n_jobs") else {})
    assert_same_bits(learned(estimator.set_params(**later)), before)


@streaming
def test_completion_offers_what_waits_to_be_read(case):
    estimator = streamed(case, case.rows())
    offered = dir(estimator)
    assert {name for name in learned(estimator) if not name.startswith("_")} <= {*offered}
