"""scikit-learn's checks of arrays, without its warning where a sum of huge numbers is no number."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import utils


def check_array(array: Any, **options: Any) -> Any:
    """Return what `sklearn.utils.check_array` does.

    It looks for NaN and infinity by summing up, which for infinities or huge numbers of either
    sign is invalid: numpy warns, although the array may be right.
    """
    with np.errstate(invalid="ignore"):
        return utils.check_array(array, **options)


def assert_all_finite(X: Any, **options: Any) -> None:
    """Raise the ValueError of `sklearn.utils.assert_all_finite`, and say nothing else."""
    with np.errstate(invalid="ignore"):
        utils.assert_all_finite(X, **options)
