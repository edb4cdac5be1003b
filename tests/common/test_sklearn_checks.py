"""DESIGN section 3, point 1: scikit-learn's own checks, no failure expected."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.common.estimators import CASES


# Some checks fit eight clusters to two distinct rows, which rightly warns.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([case.default() for case in CASES])
def test_sklearn_check_passes(estimator, check):
    check(estimator)
