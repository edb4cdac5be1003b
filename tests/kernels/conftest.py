"""Settings of the tests of kernels."""

import pytest

from algos._cython import _tile

LEVELS = (0, 3, 4)  # of instruction sets


@pytest.fixture(params=LEVELS)
def level(request):
    """Have dense kernels use one instruction set, or the best below it; return which."""
    chosen = _tile._test_choose_level(request.param)
    yield chosen
    _tile._test_choose_level(max(LEVELS))
