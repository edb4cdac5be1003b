"""DESIGN section 3, point 9: one clear error, or the right result; never a trace of failure."""

import functools
import inspect
import pickle
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import algos
from tests.common.estimators import (
    OUTPUTS,
    all_cases,
    assert_same_bits,
    cases_where,
    learned,
    outputs,
)


@contextmanager
def expected_warnings():
    """Let pass what a fit rightly says of odd rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # such as k > distinct rows
        warnings.filterwarnings("ignore", message="`validation_fraction`")  # nothing to split
        warnings.filterwarnings("ignore", message=".* may learn little from columns? ")
        warnings.filterwarnings("ignore", message="`inertia_` overflows")
        yield


def with_value(value):
    def spoil(X):
        X = X.copy()
        X[3, 1] = value
        return X

    return spoil


# (name, what becomes of good rows, exception, message)
WRONG_ROWS = [
    ("NaN", with_value(np.nan), ValueError, "NaN"),
    ("inf", with_value(np.inf), ValueError, "infinity"),
    ("-inf", with_value(-np.inf), ValueError, "infinity"),
    ("no rows", lambda X: X[:0], ValueError, r"0 sample"),
    ("no columns", lambda X: X[:, :0], ValueError, r"0 feature"),
    ("a vector", lambda X: X[0], ValueError, "2D array"),
    ("a cube", lambda X: X[None], ValueError, "dim 3"),
    ("complex", lambda X: X + 1j, ValueError, "[Cc]omplex"),
    ("words", lambda X: np.full(X.shape, "word"), ValueError, "could not convert"),
    ("None", lambda X: None, (ValueError, TypeError), "array|None"),
]
NAMES = [name for name, *_ in WRONG_ROWS]


@functools.cache
def known(case, dtype):
    """Return rows and an estimator fitted to them, which no test may change."""
    X = case.rows().astype(dtype)
    return X, case.fitted(X)


@all_cases
@pytest.mark.parametrize(("spoil", "kind", "message"), [w[1:] for w in WRONG_ROWS], ids=NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wrong_rows_are_refused_and_change_nothing(case, spoil, kind, message, dtype):
    if message == "NaN" and case.takes_missing:
        return
    if message in ("0 feature", "array|None") and case.columns_are_times:
        return  # series may be empty, and those of `fit` are meant where there is no X
    X, estimator = known(case, dtype)
    before = dict(vars(estimator))
    wrong = spoil(X)
    y = case.target(X)
    learning = [estimator.fit]
    if hasattr(estimator, "partial_fit"):
        learning.append(estimator.partial_fit)
    for learn in learning:
        with pytest.raises(kind, match=message):
            learn(wrong, y if y is None or wrong is None else y[: len(wrong)])
    for name in outputs(estimator, X):
        with pytest.raises(kind, match=message):
            getattr(estimator, name)(wrong)
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())


@pytest.mark.parametrize("name", [name for name in algos.__all__ if name[0].isupper()])
def test_a_wrong_call_names_the_class(name):
    kind = getattr(algos, name)
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if method.__module__.startswith("algos.") and not name.startswith(("_", "set_")):
            with pytest.raises(TypeError, match=rf"^{kind.__name__}\.{name}\(\) (miss|got)"):
                method(kind(), wrong=1)
            if vars(kind)[name] is method:  # and no descriptor made it
                assert pickle.loads(pickle.dumps(method)) is method


@cases_where(lambda case: not case.columns_are_times)
@pytest.mark.parametrize("n_columns", [1, 4, 6])
def test_another_number_of_columns_is_refused(case, n_columns):
    X, estimator = known(case, "float64")
    other = case.rows(n_columns=n_columns)
    for name in outputs(estimator, X):
        with pytest.raises(ValueError, match=rf"{n_columns} feature.* expecting 5 feature"):
            getattr(estimator, name)(other)


@all_cases
def test_an_unfitted_estimator_says_so(case):
    estimator = case.make()
    for name in OUTPUTS:
        if hasattr(estimator, name):
            with pytest.raises(NotFittedError):
                getattr(estimator, name)(case.rows())


def odd_but_right(X):
    """Return rows that a fit has to bear, by name."""
    return {
        "constant columns": np.tile([[1.0, 2.0, 3.0, 4.0, 5.0]], (len(X), 1)),
        "one constant column": np.column_stack([X[:, :4], np.full(len(X), 1e4)]),
        "zeros": np.zeros_like(X),
        "two distinct rows": np.where(np.arange(len(X))[:, None] % 2, X[0], X[1]),
        "far from zero": X + 1e6,
        "tiny": X * 1e-30,
        "large": X * 1e30,
        "subnormal": X * 1e-310,
    }


@all_cases
@pytest.mark.parametrize("name", list(odd_but_right(np.zeros((2, 5)))))
def test_odd_rows_give_finite_results(case, name):
    X = odd_but_right(case.rows())[name]
    with expected_warnings():
        estimator = case.fitted(X)
    for output, value in outputs(estimator, X).items():
        if value.dtype.kind == "f":
            assert np.all(np.isfinite(value)), output


@all_cases
@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_values_whose_squares_overflow_give_finite_results_or_one_error(case, scale):
    X = case.rows() * scale
    with expected_warnings():
        try:
            estimator = case.fitted(X)
        except ValueError as error:
            assert "; " in str(error)  # what is wrong; what to do
            return
        found = outputs(estimator, X)
    for name, value in found.items():
        if value.dtype.kind == "f":
            assert np.all(np.isfinite(value)), name


@all_cases
def test_one_row_is_learned_or_refused_clearly(case):
    X = case.rows()[:1]
    with expected_warnings():
        try:
            estimator = case.fitted(X)
        except ValueError as error:
            assert str(error)
            return
    for value in outputs(estimator, X).values():
        assert len(value) == 1


@cases_where(lambda case: case.is_ours)
def test_no_jobs_are_one_error_however_little_is_to_be_done(case):
    X = case.rows()
    estimator = case.fitted(X).set_params(n_jobs=0)
    message = "`n_jobs`=0 must be an int other than 0 or None; write n_jobs=1 "
    calls = [lambda: estimator.fit(X, case.target(X))]
    calls += [functools.partial(getattr(estimator, name), X) for name in outputs_of(case)]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()


def outputs_of(case):
    return [name for name in OUTPUTS if hasattr(case.fitted(), name)]


@all_cases
def test_a_wrong_parameter_after_a_fit_changes_nothing(case):
    X = case.rows()
    estimator = case.fitted(X)
    before = learned(estimator)
    name = next(iter(case.kind._parameters))
    estimator.set_params(**{name: object()})
    with pytest.raises(ValueError, match=name):
        estimator.fit(X, case.target(X))
    assert_same_bits(learned(estimator), before)


@cases_where(lambda case: case.is_ours)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinities_of_either_sign_are_one_error_without_a_warning(case, dtype):
    X = case.rows()
    y = case.target(X)
    wrong = np.asarray(X, dtype=dtype)
    wrong[3, 1], wrong[4, 2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="infinity"):
        case.make().fit(wrong, y)
    if y is not None and y.dtype.kind == "f":
        y[:2] = np.inf, -np.inf
        with pytest.raises(ValueError, match="infinity"):
            case.make().fit(X, y)


@cases_where(lambda case: case.is_ours and case.takes_weights)
def test_weights_whose_sum_overflows_are_borne_or_refused(case):
    X = case.rows()
    weight = np.full(len(X), 1e308)
    with expected_warnings():
        try:
            estimator = case.make().fit(X, case.target(X), sample_weight=weight)
        except ValueError as error:
            assert "sample_weight" in str(error) and "; " in str(error)
            return
        found = outputs(estimator, X)
    for name, value in found.items():
        if value.dtype.kind == "f":
            assert np.all(np.isfinite(value)), name


@cases_where(lambda case: case.has("partial_fit"))
@pytest.mark.parametrize("n_rows", [1, 50])
def test_a_batch_of_huge_values_is_learned_or_refused_and_changes_nothing(case, n_rows):
    X = case.rows()
    y = case.target(X)
    estimator = case.make()
    extra = {"classes": np.unique(y)} if y is not None and y.dtype.kind == "U" else {}
    batch = () if y is None else (y,)
    with expected_warnings():
        estimator.partial_fit(X, *batch, **extra)
        before = outputs(estimator, X)
        try:
            estimator.partial_fit(X[:n_rows] * 1e160, *(part[:n_rows] for part in batch))
        except ValueError as error:
            assert "; " in str(error)
            assert_same_bits(outputs(estimator, X), before)
            return
        found = outputs(estimator, X)
    for name, value in found.items():
        if value.dtype.kind == "f":
            assert not np.any(np.isnan(value)), name
