"""A learning method that fails leaves no trace; merge joins only what belongs together."""

from numbers import Integral
from typing import ClassVar

import numpy as np
import pytest

from algos._common.base import Estimator, check_mergeable, learning
from algos._common.params import ArrayLike, Interval


class Counter(Estimator):
    _parameters: ClassVar = {
        "step": [Interval(Integral, 1, None), ArrayLike()],
        "n_jobs": [None, Interval(Integral, None, None)],
    }

    def __init__(self, step=1, *, n_jobs=None):
        self.step = step
        self.n_jobs = n_jobs

    @learning
    def fit(self, X=None, error=None):
        self.n_features_in_ = 3 if X is None else len(X)
        self.total_ = np.zeros(2)
        if error is not None:
            self.extra_ = 1
            raise error
        return self

    @learning
    def partial_fit(self, X=None):
        self.total_ = self.total_ + 1
        return self


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_whatever_is_raised_the_old_attributes_are_back(kind):
    estimator = Counter().fit()
    before = dict(vars(estimator))
    with pytest.raises(kind):
        estimator.fit(error=kind())
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())


def test_a_failed_first_fit_leaves_it_unfitted():
    estimator = Counter()
    with pytest.raises(ValueError, match="no"):
        estimator.fit(error=ValueError("no"))
    assert vars(estimator) == {"step": 1, "n_jobs": None}


def test_the_method_keeps_its_name_and_signature():
    import inspect

    assert Counter.fit.__name__ == "fit"
    assert list(inspect.signature(Counter.fit).parameters) == ["self", "X", "error"]


@pytest.mark.parametrize("method", ["partial_fit"])
def test_only_fit_can_go_on_from_a_checkpoint(method):
    estimator = Counter().fit()
    estimator._unfinished = {"fingerprint": "x"}
    getattr(estimator, method)()
    assert not hasattr(estimator, "_unfinished")


def test_merge_wants_the_same_class_parameters_and_columns():
    check_mergeable(Counter().fit(), Counter(n_jobs=2).fit())
    check_mergeable(Counter(step=[1, 2]).fit(), Counter(step=np.array([1, 2])).fit())
    with pytest.raises(ValueError, match=r"`other`=3 must be a fitted Counter; "):
        check_mergeable(Counter().fit(), 3)
    with pytest.raises(ValueError, match=r"`step`=2 of the other Counter must be 1; "):
        check_mergeable(Counter().fit(), Counter(step=2).fit())
    with pytest.raises(ValueError, match=r"`n_features_in_`=2 of the other Counter must be 3; "):
        check_mergeable(Counter().fit(), Counter().fit([1, 2]))
