"""Scratch memory is aligned and zeroed, and too much of it is MemoryError."""

import sys

import pytest

from algos._cython._memory import _test_scratch


@pytest.mark.parametrize(("count", "itemsize"), [(0, 8), (1, 1), (3, 8), (1000, 4), (65, 64)])
def test_scratch_is_aligned_zeroed_and_of_the_asked_size(count, itemsize):
    assert _test_scratch(count, itemsize) == (0, count * itemsize, 0)


@pytest.mark.parametrize(
    ("count", "itemsize"), [(-1, 8), (1, 0), (sys.maxsize, 1), (sys.maxsize // 8 + 1, 8)]
)
def test_a_size_that_cannot_be_is_memory_error(count, itemsize):
    with pytest.raises(MemoryError, match="exceed"):
        _test_scratch(count, itemsize)


def test_more_than_the_machine_has_is_memory_error():
    with pytest.raises(MemoryError, match="GB"):
        _test_scratch(2**46, 8)
