"""DESIGN section 3, point 1: scikit-learn's own checks, no failure expected."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.common.estimators import CASES

mark = parametrize_with_checks([case.default() for case in CASES])
argument_names, checks = mark.args  # a generator on scikit-learn 1.8, which pytest 9 refuses


# Some checks fit eight clusters to two distinct rows, which rightly warns.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# Others leave one row to a class, which then both trains and validates, with a warning too.
@pytest.mark.filterwarnings("ignore:`validation_fraction`:UserWarning")
# And some set `alpha` or `n_iter_no_change` whatever the solver, which is told as it should be.
@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
# Some have rows around 100.
@pytest.mark.filterwarnings("ignore:.* may learn little from columns? :UserWarning")
@pytest.mark.parametrize(argument_names, list(checks), **mark.kwargs)
def test_sklearn_check_passes(estimator, check):
    check(estimator)
