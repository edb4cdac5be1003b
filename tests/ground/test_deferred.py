"""Models that are made when they are first read."""

import copy
import pickle

import pytest

from algos._common.deferred import Deferred


class Counting(Deferred):
    _deferred = ("total_",)

    def __init__(self):
        self.made = 0
        self._parts = []

    def learn(self, part):
        self._parts = [*self._parts, part]
        self._defer_model()

    def _make_model(self):
        self.made += 1
        self.total_ = sum(self._parts)


def learned(*parts):
    counting = Counting()
    for part in parts:
        counting.learn(part)
    return counting


def test_the_model_is_made_once_and_when_it_is_read():
    counting = learned(1, 2)
    assert counting.made == 0
    assert counting.total_ == counting.total_ == 3
    assert counting.made == 1


def test_learning_makes_the_model_anew():
    counting = learned(1, 2)
    assert counting.total_ == 3
    counting.learn(4)
    assert counting.total_ == 7


def test_nothing_is_there_before_anything_is_learned():
    with pytest.raises(AttributeError, match=r"'Counting' object has no attribute 'total_'"):
        _ = Counting().total_


def test_other_names_do_not_make_a_model():
    counting = learned(1)
    assert not hasattr(counting, "others_")
    assert counting.made == 0


@pytest.mark.parametrize("move", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_an_unread_model_travels(move):
    assert move(learned(1, 2)).total_ == 3


def test_a_missing_attribute_within_is_not_taken_for_a_missing_model():
    class Broken(Counting):
        def _make_model(self):
            return self.nothing

    broken = Broken()
    broken.learn(1)
    with pytest.raises(RuntimeError, match="could not be computed"):
        hasattr(broken, "total_")
