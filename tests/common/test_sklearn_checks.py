"""DESIGN section 3, point 1: scikit-learn's own checks, no failure expected."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.common.estimators import CASES


# Two checks fit 4 different rows to estimators whose default is more clusters; to warn of
# it is right, and scikit-learn's own classes do.
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@parametrize_with_checks([case.default() for case in CASES])
def test_sklearn_check_passes(estimator, check):
    check(estimator)
