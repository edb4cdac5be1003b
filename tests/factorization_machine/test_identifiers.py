"""Ids of users and items are warned of, and quantities are not."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from algos import FactorizationMachineClassifier, FactorizationMachineRegressor
from algos.factorization_machine.identifiers import numbered_columns

IDS = np.random.default_rng(0).integers(0, 2000, (3000, 2))
STARS = np.random.default_rng(1).normal(size=3000)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_raw_ids_are_warned_of_by_number(first, dtype):
    model = FactorizationMachineRegressor(max_iter=2, random_state=0)
    with pytest.warns(UserWarning, match=r"columns 0, 1 of X as quantities.*OneHotEncoder"):
        model.fit((IDS + first).astype(dtype), STARS)


def test_raw_ids_are_warned_of_by_name():
    X = pd.DataFrame({"user": IDS[:, 0], "age": 20.5 + IDS[:, 1] % 60})
    model = FactorizationMachineClassifier(solver="als", max_iter=1, tol=0, random_state=0)
    with pytest.warns(UserWarning, match="reads column 'user' of X as a quantity"):
        model.fit(X, STARS > 0)


def test_either_remedy_ends_the_warning():
    for X in (OneHotEncoder().fit_transform(IDS), StandardScaler().fit_transform(IDS)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            FactorizationMachineRegressor(2, max_iter=2, random_state=0).fit(X, STARS)


def test_quantities_are_not_taken_for_ids():
    rng = np.random.default_rng(2)
    quantities = {
        "pixels": rng.integers(0, 256, 5000),
        "day of the year": rng.integers(1, 367, 5000),
        "heavy counts": np.floor(rng.lognormal(5, 1.5, 5000)),
        "metres above the sea": np.rint(rng.normal(2900, 300, 100_000)),
        "pay": np.rint(rng.normal(40_000, 9000, 5000)),
        "negative": rng.integers(-1, 1500, 5000),
        "not whole": rng.integers(0, 1500, 5000) + 0.5,
        "a row for each": np.arange(5000),
        "late fractions": np.append(rng.integers(0, 1500, 5000), 7.5),
    }
    for name, column in quantities.items():
        assert not len(numbered_columns(column[:, np.newaxis].astype(float))), name
    for load in (load_digits, load_wine, load_diabetes):
        assert not len(numbered_columns(load().data))
    assert not len(numbered_columns(sparse.csr_array(IDS)))
