"""DESIGN section 3, point 1: scikit-learn's own checks, no failure expected."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.common.estimators import CASES


@parametrize_with_checks([case.default() for case in CASES])
def test_sklearn_check_passes(estimator, check):
    check(estimator)
