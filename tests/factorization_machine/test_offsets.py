"""Columns far from zero are warned of, and others are not."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from algos import FactorizationMachineClassifier, FactorizationMachineRegressor
from algos.factorization_machine.offsets import far_columns

RNG = np.random.default_rng(0)
USERS = RNG.integers(50, size=(1000, 1))
YEARS = RNG.integers(1990, 2021, size=(1000, 1))
Y = RNG.normal(size=1000)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_far_from_zero_is_warned_of_by_number(container, dtype):
    X = container(np.hstack([OneHotEncoder().fit_transform(USERS).toarray(), YEARS]).astype(dtype))
    model = FactorizationMachineRegressor(2, max_iter=2, random_state=0)
    with pytest.warns(UserWarning, match=r"little from column 50 of X.*StandardScaler"):
        model.fit(X, Y)


def test_a_column_far_from_zero_is_warned_of_by_name():
    X = pd.DataFrame({"year": YEARS[:, 0], "kelvin": 290 + 9 * Y, "age": USERS[:, 0]})
    model = FactorizationMachineClassifier(2, solver="als", max_iter=1, tol=0, random_state=0)
    with pytest.warns(UserWarning, match="columns 'year', 'kelvin' of X, since their means"):
        model.fit(X, Y > 0)


def test_two_years_are_far_from_zero():
    X = np.hstack([USERS % 2, 2019 + USERS % 2])
    np.testing.assert_array_equal(far_columns(X), [1])
    np.testing.assert_array_equal(far_columns(sparse.csr_array(X)), [1])


def test_standardising_ends_the_warning():
    X = StandardScaler().fit_transform(np.hstack([YEARS, 1e6 + YEARS]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FactorizationMachineRegressor(2, max_iter=2, random_state=0).fit(X, Y)


def test_usual_columns_are_not_far():
    flags = np.ones((5000, 3))
    flags[7, 1:] = 0, 3  # nearly always 1, and an intercept
    for load in (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine):
        assert not len(far_columns(load().data))
    for X in (flags, np.zeros((9, 2)), np.zeros((0, 2)), np.zeros((5, 0)), np.full((1, 2), 9.0)):
        assert not len(far_columns(X)) and not len(far_columns(sparse.csr_array(X)))
    one_hot = OneHotEncoder().fit_transform(USERS)
    assert not len(far_columns(one_hot))
    assert not len(far_columns(sparse.csr_array((5, 10_000_000))))


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_the_unit_of_a_column_does_not_matter(size):
    np.testing.assert_array_equal(far_columns(np.hstack([YEARS, USERS]) * size), [0])
