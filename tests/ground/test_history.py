"""The record of a fit."""

import numpy as np
import pytest

from algos._common.history import History


def test_each_record_is_one_entry_of_every_array():
    history = History()
    history.record(3.0, validation=1.0, inertia=7)
    history.record(2.0, validation=0.5, inertia=6)
    arrays = history.arrays()
    assert list(arrays) == ["objective", "seconds", "validation", "inertia"]
    assert arrays["objective"].tolist() == [3.0, 2.0]
    assert arrays["inertia"].tolist() == [7, 6]
    assert np.all(np.diff(arrays["seconds"]) >= 0)
    assert len(history) == 2


def test_entries_all_have_the_same_names():
    history = History()
    history.record(3.0)
    with pytest.raises(KeyError, match="validation"):
        history.record(2.0, validation=1.0)


def test_a_resumed_record_goes_on_in_time():
    earlier = {"objective": np.array([5.0]), "seconds": np.array([100.0])}
    history = History(earlier)
    history.record(4.0)
    arrays = history.arrays()
    assert arrays["objective"].tolist() == [5.0, 4.0]
    assert arrays["seconds"][1] >= 100
    assert earlier["objective"].tolist() == [5.0]
