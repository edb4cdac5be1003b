"""The C random streams against numpy's Philox, which passes the published test vectors."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from algos._cython import _rng

word = st.integers(0, 2**64 - 1)


def words(key, stream, step, count):
    found = np.empty(count, dtype=np.uint64)
    _rng._test_words(np.array(key, dtype=np.uint64), found, stream, step)
    return found


def numpy_words(key, stream, step, count):
    counter = np.array([0, step, stream, 0], dtype=np.uint64)
    return np.random.Philox(key=key, counter=counter).random_raw(count)


@given(key=st.tuples(word, word), stream=word, step=word)
def test_words_are_those_of_numpys_philox(key, stream, step):
    expected = numpy_words(np.array(key, dtype=np.uint64), stream, step, 9)
    assert words(key, stream, step, 9).tolist() == expected.tolist()


def test_doubles_are_the_upper_bits_of_the_words():
    key = np.array([3, 4], dtype=np.uint64)
    values = np.empty(1000)
    _rng._test_doubles(key, values, 5, 6)
    raw = numpy_words(key, 5, 6, 1000)
    assert values.tolist() == ((raw >> np.uint64(11)) * 2.0**-53).tolist()
    assert values.min() >= 0 and values.max() < 1


def bounded_oracle(raw, bound, count):
    found = []
    raw = iter(int(w) for w in raw)
    threshold = (2**64 - bound) % bound
    while len(found) < count:
        product = next(raw) * bound
        if product % 2**64 >= threshold:
            found.append(product // 2**64)
    return found


@pytest.mark.parametrize("bound", [1, 2, 3, 10, 2**32 + 1, 3 * 2**62, 2**63 + 1, 2**64 - 1])
def test_bounded_integers_reject_exactly_the_biased_words(bound):
    key = np.array([1, 2], dtype=np.uint64)
    values = np.empty(300, dtype=np.uint64)
    _rng._test_below(key, values, 0, 0, bound)
    assert values.tolist() == bounded_oracle(numpy_words(key, 0, 0, 3000), bound, 300)


def test_every_stream_and_step_is_another_stream():
    found = {tuple(words((1, 2), stream, step, 2)) for stream in range(20) for step in range(20)}
    assert len(found) == 400
