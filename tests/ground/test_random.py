"""Keys and streams."""

import numpy as np
import pytest

from algos._common.random import seed_key, stream


def test_an_integer_always_gives_the_same_key():
    assert seed_key(3).tolist() == seed_key(np.int32(3)).tolist()
    assert len({tuple(seed_key(seed).tolist()) for seed in range(1000)}) == 1000
    assert seed_key(3).dtype == np.uint64


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_an_instance_gives_another_key_each_time(make):
    instance = make(0)
    keys = [seed_key(instance).tolist() for _ in range(3)]
    again = make(0)
    assert keys == [seed_key(again).tolist() for _ in range(3)]
    assert len(set(map(tuple, keys))) == 3


def test_a_path_names_a_stream():
    key = seed_key(0)
    paths = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (2**40,)]
    firsts = [stream(key, *path).integers(2**63) for path in paths]
    assert firsts == [stream(key, *path).integers(2**63) for path in paths]
    assert len(set(firsts)) == len(paths)
    assert stream(seed_key(1)).integers(2**63) != firsts[0]
