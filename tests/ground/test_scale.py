"""Weights brought into range: none is lost that counted, none that did not count appears."""

import numpy as np
import pytest

from algos._common.scale import weights_in_range


@pytest.mark.parametrize("largest", [1e300, 1.0, 1e-300])
def test_weights_in_range_lose_no_row_that_counts(largest):
    weight = np.array([0.0, 5e-324, largest / 4, largest])
    ranged, exponent = weights_in_range(weight)
    np.testing.assert_array_equal(ranged > 0, weight > 0)
    assert ranged[-1] * 2.0**exponent == largest
    assert ranged[-2] == ranged[-1] / 4
    assert np.isfinite(ranged.sum() ** 2) and ranged[-1] ** 2 > 0


def test_weights_of_common_sizes_are_left_as_they_are():
    weight = np.array([0.0, 1e-9, 3.0])
    ranged, exponent = weights_in_range(weight)
    assert ranged is weight and exponent == 0
    assert weights_in_range(None) == (None, 0)
