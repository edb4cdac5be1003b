"""Warnings name the user's line."""

import sys
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline

from algos._common.base import Estimator, learning
from algos._common.warn import warn


class Warns(Estimator):
    @learning
    def fit(self, X, y=None):
        warn("so it is", RuntimeWarning)
        return self


class Passes(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


def line_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    (warning,) = caught
    assert warning.category is RuntimeWarning
    assert str(warning.message) == "so it is"
    return warning.filename, warning.lineno


def test_a_warning_names_the_line_that_called_it():
    line = sys._getframe().f_lineno + 1
    found = line_of(lambda: warn("so it is", RuntimeWarning))
    assert found == (__file__, line)


@pytest.mark.parametrize("depth", [0, 1])
def test_a_warning_names_no_line_of_a_pipeline(depth, monkeypatch):
    # The body of `fit` is above, outside of algos: let it count as inside.
    inside = Warns.fit.__wrapped__.__code__.replace(co_filename=warn.__code__.co_filename)
    monkeypatch.setattr(Warns.fit.__wrapped__, "__code__", inside)
    model = make_pipeline(Passes(), Warns()) if depth else Warns()
    line = sys._getframe().f_lineno + 1
    found = line_of(lambda: model.fit(np.zeros((3, 2))))
    assert found == (__file__, line)
