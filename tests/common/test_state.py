"""DESIGN section 3, point 8: the state is plain, so it travels."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from tests.common.estimators import (
    all_cases,
    assert_plain,
    assert_same_bits,
    cases_where,
    learned,
    outputs,
)
from tests.common.interrupts import count_lines, interrupt

_N_INTERRUPTS = 8


def by_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def by_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def by_skops(estimator):
    skops = pytest.importorskip("skops.io", reason="skops keeps the estimators")
    data = skops.dumps(estimator)
    kind = type(estimator)
    own = f"{kind.__module__}.{kind.__name__}"
    untrusted = skops.get_untrusted_types(data=data)
    assert set(untrusted) <= {own}  # our class, and nothing else, has to be trusted
    return skops.loads(data, trusted=untrusted)


def after_fit(case, X):
    return case.fitted(X)


def after_partial_fit(case, X):
    """Return a stream of two batches, the last of few columns, so that some stay as they were."""
    narrow = X[:50].copy()
    if case.takes_sparse:
        narrow[:, 3:] = 0
    return case.make().partial_fit(X, case.target(X)).partial_fit(narrow, case.target(narrow))


# How an estimator came to what it knows before it travels, is copied or interrupted.
begun = pytest.mark.parametrize("begin", [after_fit, after_partial_fit], ids=lambda f: f.__name__)
streaming = cases_where(lambda case: case.has("partial_fit"))


@all_cases
@pytest.mark.parametrize(
    "travel", [by_pickle, by_joblib, by_skops, copy.deepcopy], ids=lambda f: f.__name__
)
def test_an_estimator_travels_without_loss(case, travel):
    X = case.rows()
    estimator = case.fitted(X)
    arrived = travel(estimator)
    assert arrived.get_params() == estimator.get_params()
    assert_same_bits(learned(arrived), learned(estimator))
    assert_same_bits(outputs(arrived, X), outputs(estimator, X))


@streaming
@pytest.mark.parametrize(
    "travel", [by_pickle, by_joblib, by_skops, copy.deepcopy], ids=lambda f: f.__name__
)
def test_a_stream_travels_and_goes_on(case, travel):
    X, more = case.rows(), case.rows(seed=1)
    estimator = after_partial_fit(case, X)
    assert_plain(vars(estimator), case.id)
    arrived = travel(estimator)
    assert_same_bits(learned(arrived), learned(estimator))
    for one in (estimator, arrived):
        one.partial_fit(more, case.target(more))
    assert_same_bits(learned(arrived), learned(estimator))


@all_cases
def test_the_state_is_arrays_numbers_strings_and_estimators(case):
    for name, value in vars(case.fitted()).items():
        assert_plain(value, name)


@all_cases
def test_a_memory_mapped_estimator_works_and_learns(case, tmp_path):
    X = case.rows()
    estimator = case.fitted(X)
    joblib.dump(estimator, tmp_path / "estimator")
    mapped = joblib.load(tmp_path / "estimator", mmap_mode="r")
    assert_same_bits(outputs(mapped, X), outputs(estimator, X))
    more = case.rows(seed=1)
    mapped.fit(more, case.target(more))
    assert_same_bits(learned(mapped), learned(case.fitted(more)))


def by_memory_map(estimator, folder):
    joblib.dump(estimator, folder / "estimator")
    return joblib.load(folder / "estimator", mmap_mode="r")


def by_foreign_buffers(estimator, _):
    """Load arrays that lie in somebody else's bytes, which cannot be written to."""
    buffers = []
    data = pickle.dumps(estimator, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=[bytes(one.raw()) for one in buffers])


@streaming
@begun
@pytest.mark.parametrize("travel", [by_memory_map, by_foreign_buffers], ids=lambda f: f.__name__)
def test_a_read_only_estimator_learns_on(case, begin, travel, tmp_path):
    X, more = case.rows(), case.rows(seed=1)
    y = case.target(more)
    estimator = begin(case, X)
    arrived = travel(estimator, tmp_path)
    for one in (estimator, arrived):
        one.partial_fit(more[:50], None if y is None else y[:50])
        one.partial_fit(more[50:], None if y is None else y[50:])
    assert_same_bits(outputs(arrived, X), outputs(estimator, X))
    assert_same_bits(learned(arrived), learned(estimator))


@all_cases
def test_a_pickle_from_before_a_parameter_was_added_has_its_default(case):
    X = case.rows()
    estimator = case.fitted(X)
    older = copy.copy(estimator)
    for name, value in case.kind(**case.parameters).get_params(deep=False).items():
        if name not in case.parameters and getattr(older, name) is value:
            del older.__dict__[name]
    assert len(vars(older)) < len(vars(estimator))
    arrived = by_pickle(older)
    assert arrived.get_params() == estimator.get_params()
    assert_same_bits(outputs(arrived, X), outputs(estimator, X))


@all_cases
def test_a_clone_has_the_parameters_and_nothing_else(case):
    estimator = case.fitted()
    assert vars(clone(estimator)) == estimator.get_params()


def by_shared_buffers(estimator):
    """Load arrays that lie where those of the estimator do."""
    buffers = []
    data = pickle.dumps(estimator, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=buffers)


@streaming
@begun
@pytest.mark.parametrize("share", [copy.copy, by_shared_buffers], ids=lambda f: f.__name__)
def test_learning_more_leaves_a_copy_alone(case, begin, share):
    X, more = case.rows(), case.rows(seed=1)
    estimator = begin(case, X)
    expected = copy.deepcopy(estimator)
    y = case.target(more)
    shallow = share(estimator)
    for rows in (slice(50), slice(50, None)):  # what the first one leaves may be written later
        estimator.partial_fit(more[rows], None if y is None else y[rows])
    assert_same_bits(learned(shallow), learned(expected))
    shallow.partial_fit(more, y)
    assert_same_bits(learned(shallow), learned(expected.partial_fit(more, y)))


def check_interrupted(case, call):
    """Assert that a call which is interrupted at any line changes nothing.

    Here it is so at some lines, other ones from case to case.
    """
    X = case.rows()
    estimator, untouched, counted = (after_partial_fit(case, X) for _ in range(3))
    expected = outputs(untouched, X)
    outputs(counted, X)  # makes the model, which `merge` reads
    n_lines = count_lines(lambda: call(counted))
    draw = np.random.default_rng(list(case.id.encode()))
    for line in draw.integers(1, n_lines, size=_N_INTERRUPTS, endpoint=True).tolist():
        with pytest.raises(KeyboardInterrupt):
            interrupt(lambda: call(estimator), line)
        assert_same_bits(outputs(estimator, X), expected)
    assert_same_bits(learned(call(estimator)), learned(call(untouched)))


@streaming
def test_an_interrupted_batch_is_as_if_it_had_not_come(case):
    more = case.rows(seed=1)
    check_interrupted(case, lambda one: one.partial_fit(more, case.target(more)))


@cases_where(lambda case: case.has("partial_fit") and case.has("merge"))
def test_an_interrupted_merge_changes_nothing(case):
    other = after_partial_fit(case, case.rows(seed=1))
    outputs(other, case.rows())
    check_interrupted(case, lambda one: one.merge(other))
