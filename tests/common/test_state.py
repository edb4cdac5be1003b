"""DESIGN section 3, point 8: the state is plain, so it travels."""

import copy
import io
import pickle

import joblib
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
    if hasattr(estimator, "partial_fit"):
        mapped.partial_fit(more, case.target(more))
        estimator.partial_fit(more, case.target(more))
        assert_same_bits(outputs(mapped, X), outputs(estimator, X))
    mapped.fit(more, case.target(more))
    assert_same_bits(learned(mapped), learned(case.fitted(more)))


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


@cases_where(lambda case: case.has("partial_fit"))
def test_learning_more_leaves_a_copy_alone(case):
    X = case.rows()
    estimator = case.fitted(X)
    shallow = copy.copy(estimator)
    expected = copy.deepcopy(learned(estimator))
    more = case.rows(seed=1)
    estimator.partial_fit(more, case.target(more))
    assert_same_bits(learned(shallow), expected)
