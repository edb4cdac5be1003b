"""scikit-learn's checks of arrays, without its warning when a sum of huge values overflows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import utils

from algos._common.nonfinite import located


def check_array(array: Any, **options: Any) -> Any:
    """Call `sklearn.utils.check_array`.

    It looks for NaN and infinity by summing, which is an invalid operation for infinities or huge
    numbers of both signs: numpy warns, although the array may be fine.
    """
    with np.errstate(invalid="ignore"):
        try:
            return utils.check_array(array, **options)
        except (TypeError, ValueError, OverflowError) as error:
            place = located(error, array, input_name=options.get("input_name", ""))
            raise place or error from None


def assert_all_finite(X: Any, **options: Any) -> None:
    """Call `sklearn.utils.assert_all_finite`, without numpy's warnings."""
    with np.errstate(invalid="ignore"):
        try:
            utils.assert_all_finite(X, **options)
        except ValueError as error:
            place = located(error, X, input_name=options.get("input_name", ""))
            raise place or error from None
