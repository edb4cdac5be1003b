"""The place of NaN and infinity that errors name."""

import re

import numpy as np
import pytest
from scipy import sparse

from algos import (
    PCA,
    FactorizationMachineClassifier,
    KMeans,
    LinearLearnerClassifier,
    LinearLearnerRegressor,
    RandomCutForest,
)
from algos._common import nonfinite
from algos._common.labels import class_labels
from algos._common.nonfinite import located
from tests.common.estimators import CASES

OURS = [case for case in CASES if case.is_ours and "DeepAR" not in case.id]


def both():
    """Return rows with infinity in row 1 and NaN in row 5."""
    X = np.random.default_rng(0).normal(size=(30, 3))
    X[1, 0], X[5, 2] = np.inf, np.nan
    return X


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_the_place_is_that_of_what_the_error_is_about(make):
    for text, place in (("NaN.", "row 5 of column 2"), ("infinity.", "row 1 of column 0")):
        error = located(ValueError(f"Input X contains {text}"), make(both()))
        assert str(error) == f"Input X contains {text} The first one is in {place}."


def test_infinity_before_nan_is_not_taken_for_it():
    with pytest.raises(ValueError, match=r"X contains NaN\. The first one is in row 5 of column 2"):
        KMeans(2).fit(both())
    y = np.arange(30.0)
    y[3], y[8] = np.inf, np.nan
    with pytest.raises(ValueError, match=r"y contains NaN\. The first one is in row 8\."):
        LinearLearnerRegressor().fit(np.ones((30, 1)), y)


def test_nan_that_is_allowed_is_not_taken_for_infinity():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    X = np.random.default_rng(0).normal(size=(30, 3))
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    forest = RandomCutForest(5).fit(frame)
    X[1, 1], X[9, 2] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"^Input X contains infinity .* row 9 of column 'c'"):
        forest.impute(pd.DataFrame(X, columns=["a", "b", "c"]))


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "boolean", "double[pyarrow]"])
def test_missing_values_of_nullable_columns_are_located(dtype):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    pytest.importorskip("pyarrow", reason="pyarrow holds a column")
    frame = pd.DataFrame({"a": np.arange(6.0), "c": pd.array([1, 1, 1, None, 1, None], dtype)})
    with pytest.raises(ValueError, match=r"^Input X contains NaN\. .* row 3 of column 'c'\."):
        KMeans(2).fit(frame)


@pytest.mark.parametrize("value", ["NA", "NaT"])
def test_missing_values_among_objects_are_located(value):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    values = pd.Series([1.0, 2.0, getattr(pd, value), 4.0], dtype=object)
    frame = pd.DataFrame({"a": np.arange(4.0), "c": values})
    with pytest.raises(ValueError, match=r"^Input X contains NaN, as .* row 2 of column 'c'"):
        KMeans(2).fit(frame)
    frame.loc[3, "c"] = "red"
    with pytest.raises(ValueError, match="column 'c' of `X` holds strings"):
        KMeans(2).fit(frame)


@pytest.mark.parametrize("rows", [list, np.array])
def test_an_int_that_is_larger_than_any_float_is_located(rows):
    X = rows([[1.0, 2], [3.0, 10**400]])
    with pytest.raises(ValueError, match=r"contains infinity .* in row 1 of column 1"):
        KMeans(2).fit(X)


def test_targets_of_objects_get_the_same_errors():
    pd = pytest.importorskip("pandas", reason="pandas makes the series")
    X = np.ones((3, 1))
    with pytest.raises(ValueError, match=r"^Input y contains NaN, as NAType .* is in row 1\."):
        LinearLearnerRegressor().fit(X, pd.Series([1.0, pd.NA, 2], dtype=object))
    with pytest.raises(ValueError, match=r"^Input y contains infinity .* is in row 2\."):
        LinearLearnerRegressor().fit(X, [1, 2, 10**400])


@pytest.mark.parametrize("dtype", ["object", "string"])
def test_missing_labels_among_strings_are_located(dtype):
    pd = pytest.importorskip("pandas", reason="pandas makes the series")
    for labels in (["a", "b", None, "a"], pd.Series(["a", "b", None, "a"], dtype=dtype)):
        with pytest.raises(ValueError, match=r"^Input y_val contains NaN.* is in row 2\."):
            class_labels(labels, "y_val")


@pytest.mark.parametrize("labels", [[True, None, False], [0, None, 1], [0, np.nan, 1]])
def test_missing_labels_among_numbers_are_located(labels):
    with pytest.raises(ValueError, match=r"^Input y contains NaN.* is in row 1\."):
        class_labels(np.array(labels, dtype=object))


@pytest.mark.parametrize("kind", [LinearLearnerClassifier, FactorizationMachineClassifier])
def test_missing_labels_among_the_classes_are_located(kind):
    with pytest.raises(ValueError, match=r"^Input classes contains NaN.* is in row 2\."):
        kind().partial_fit(np.ones((2, 1)), ["a", "b"], classes=["a", "b", None])
    with pytest.raises(ValueError, match="`classes` holds labels that cannot be sorted"):
        kind().partial_fit(np.ones((2, 1)), ["a", "b"], classes=np.array(["a", 1], dtype=object))


@pytest.mark.parametrize("solver", ["full", "covariance_eigh", "randomized", "sketch"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_columns_whose_sums_show_nan_are_named(solver, method):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    X = np.random.default_rng(0).normal(size=(30, 3))
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN\. .* row 3 of column 'c'"):
        getattr(PCA(2, svd_solver=solver), method)(pd.DataFrame(X, columns=["a", "b", "c"]))


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.id)
@pytest.mark.parametrize("names", [[1, 0], [20, 10], [("b", 1), ("b", 2)]])
def test_columns_whose_names_are_no_strings_are_named(case, names):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    X, y = np.abs(np.random.default_rng(0).normal(size=(80, 2))), np.arange(80) % 2
    X[3, 0] = np.inf
    columns = pd.MultiIndex.from_tuples(names) if isinstance(names[0], tuple) else names
    frame = pd.DataFrame(X, columns=columns)
    estimator = case.default()
    for method in ("fit", "partial_fit"):
        if hasattr(estimator, method):
            with pytest.raises(ValueError, match=re.escape(f"row 3 of column {names[0]!r}.")):
                getattr(estimator, method)(frame, y)


def test_columns_of_rows_that_may_have_nan_are_named():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    frame = pd.DataFrame(np.ones((30, 2)), columns=[20, 10])
    frame.iloc[3, 0] = np.inf
    with pytest.raises(ValueError, match=r"row 3 of column 20\."):
        RandomCutForest(5, missing_values="impute").fit(frame)


def test_columns_of_targets_are_named():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    for name in ("price", 7):
        y = pd.DataFrame({name: [1.0, np.nan, 2.0]})
        with pytest.raises(ValueError, match=rf"Input y contains NaN.* row 1 of column {name!r}\."):
            LinearLearnerRegressor().fit(np.ones((3, 1)), y)


def test_only_rows_are_said_to_accept_nan():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    missing = np.array([1.0, pd.NA, 2.0], dtype=object)
    with pytest.raises(ValueError, match=r"drop its row, or write numpy.nan where"):
        KMeans(2).fit(missing[:, np.newaxis])
    with pytest.raises(ValueError, match=r"drop its row\. The first one is in row 1\.$"):
        LinearLearnerRegressor().fit(np.ones((3, 1)), missing)


def test_cells_of_nullable_columns_are_not_boxed_to_find_one(monkeypatch):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    asked = []
    monkeypatch.setattr(
        nonfinite, "is_missing", lambda value: asked.append(value) or value is pd.NA
    )
    for dtype in ("Int64", "Float32", "boolean"):
        frame = pd.DataFrame({name: pd.array([1] * 100, dtype) for name in "abc"})
        frame.iloc[98, 2] = pd.NA
        with pytest.raises(ValueError, match=r"row 98 of column 'c'"):
            KMeans(2).fit(frame)
    assert not asked
