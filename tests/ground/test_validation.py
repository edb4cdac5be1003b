"""Rows and weights: the fast way and the slow way agree."""

import re
import tracemalloc
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator

from algos._common import column_types, validation
from algos._common.column_types import refuse_dates
from algos._common.targets import checked_numbers
from algos._common.validation import (
    check_sample_weight,
    drop_zero_weight,
    said_of_validation,
    validate_rows,
)


class Fitted(BaseEstimator):
    def __init__(self):
        pass


@pytest.fixture
def estimator():
    estimator = Fitted()
    validate_rows(estimator, np.zeros((2, 3)), reset=True)
    return estimator


@pytest.fixture
def slow_calls(monkeypatch):
    """Count the rows that go through scikit-learn's validation."""
    calls = []
    original = validation.validate_data

    def counted(*arguments, **keywords):
        calls.append(1)
        return original(*arguments, **keywords)

    monkeypatch.setattr(validation, "validate_data", counted)
    return calls


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plain_rows_are_returned_themselves(estimator, slow_calls, dtype):
    X = np.ones((4, 3), dtype=dtype)
    assert validate_rows(estimator, X, reset=False) is X
    assert not slow_calls


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plain_csr_rows_are_returned_themselves(estimator, slow_calls, make, dtype):
    X = make(np.eye(3, dtype=dtype))
    assert validate_rows(estimator, X, reset=False, accept_sparse="csr") is X
    assert validate_rows(estimator, X, reset=True, accept_sparse="csr") is X
    assert not slow_calls


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_value_of_csr_rows_is_scikit_learns_error(estimator, value):
    X = sparse.csr_array(np.eye(3))
    X.data[-1] = value
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        validate_rows(estimator, X, reset=False, accept_sparse="csr")


def test_other_csr_rows_are_scikit_learns_affair(estimator, slow_calls):
    with pytest.raises(TypeError, match="Sparse data was passed"):
        validate_rows(estimator, sparse.csr_array(np.eye(3)), reset=False)
    with pytest.raises(ValueError, match="4 features, but Fitted is expecting 3"):
        validate_rows(estimator, sparse.csr_array(np.eye(4)), reset=False, accept_sparse="csr")
    whole = sparse.csr_array(np.eye(3, dtype=int))
    assert validate_rows(estimator, whole, reset=False, accept_sparse="csr").dtype == float
    assert len(slow_calls) == 3


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("n_rows", [4, 200_000])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_value_is_scikit_learns_error(estimator, reset, n_rows, value):
    X = np.ones((n_rows, 3))
    assert validate_rows(estimator, X, reset=reset) is X
    X[-1, -1] = value
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        validate_rows(estimator, X, reset=reset)


def test_no_value_is_looked_at_if_scikit_learn_is_told_so(estimator):
    X = np.full((2, 3), np.nan)
    with sklearn.config_context(assume_finite=True):
        assert validate_rows(estimator, X, reset=False) is X


SLOW = [
    np.asfortranarray(np.ones((4, 3))),
    np.ones((4, 3), dtype=np.int64),
    np.ones((4, 3), dtype=np.float16),
    np.ones((4, 3)).astype(np.dtype(float).newbyteorder()),
    np.ones((4, 3)).tolist(),
    np.ones((8, 3))[::2],
]


@pytest.mark.parametrize("X", SLOW, ids=range(len(SLOW)))
def test_other_rows_take_the_slow_way_to_the_same_array(estimator, slow_calls, X):
    found = validate_rows(estimator, X, reset=False)
    assert slow_calls
    assert found.flags.c_contiguous
    assert found.dtype.isnative
    assert found.tolist() == np.ones((4, 3)).tolist()


def test_only_listed_dtypes_are_kept(estimator, slow_calls):
    X = np.ones((4, 3))
    found = validate_rows(estimator, X, reset=False, dtype=np.float32)
    assert found.dtype == np.float32
    assert slow_calls


def test_too_few_rows_are_scikit_learns_error(estimator):
    with pytest.raises(ValueError, match=r"minimum of 2 is required"):
        validate_rows(estimator, np.ones((1, 3)), reset=False, ensure_min_samples=2)


def test_names_are_checked_for_plain_arrays_too():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    estimator = Fitted()
    validate_rows(estimator, pd.DataFrame(np.ones((2, 2)), columns=["a", "b"]), reset=True)
    with pytest.warns(UserWarning, match="feature names"):
        validate_rows(estimator, np.ones((2, 2)), reset=False)


def test_no_weights_are_none():
    assert check_sample_weight(None, 3) is None


@pytest.mark.parametrize("weight", [[1, 2, 0], np.array([1.0, 2.0, 0.0], dtype=np.float32)])
def test_weights_become_float64(weight):
    found = check_sample_weight(weight, 3)
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0, 0.0]


def test_rows_of_weight_zero_are_dropped_everywhere():
    X = np.arange(6.0).reshape(3, 2)
    weight = np.array([1.0, 0.0, 2.0])
    labels = np.array(["a", "b", "c"])
    rows, left, some, none = drop_zero_weight(X, weight, labels, None)
    assert rows.tolist() == [[0, 1], [4, 5]]
    assert left.tolist() == [1, 2]
    assert some.tolist() == ["a", "c"]
    assert none is None
    as_csr, *_ = drop_zero_weight(sparse.csr_array(X), weight)
    assert as_csr.toarray().tolist() == rows.tolist()


def test_nothing_is_copied_if_every_row_weighs():
    X, weight = np.ones((2, 2)), np.ones(2)
    assert all(a is b for a, b in zip(drop_zero_weight(X, weight), (X, weight), strict=True))
    assert drop_zero_weight(X, None)[0] is X


DAYS = np.array(["2026-01-01", "2026-02-01"], dtype="datetime64[D]")


def frames_of_days():
    pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    plain = {"n": [1.0, 2.0], "when": DAYS.astype("datetime64[us]")}
    yield pandas.DataFrame(plain)
    yield pandas.DataFrame({"when": pandas.to_datetime(DAYS, utc=True)})
    yield pandas.DataFrame({"when": pandas.to_datetime(DAYS).to_period("M")})
    yield pandas.DataFrame({"when": DAYS - DAYS[0]})
    yield pandas.DataFrame({"when": pandas.Series(list(DAYS), dtype=object)})
    yield pandas.DataFrame(
        {"when": pandas.Series(pandas.period_range("2026", periods=2)).astype(object)}
    )
    yield pandas.DataFrame({"n": [1, 2], "when": pandas.Categorical(pandas.to_datetime(DAYS))})
    yield polars.DataFrame(plain)
    yield polars.DataFrame({"when": DAYS})
    yield pyarrow.table(plain)
    yield pyarrow.table({"when": pyarrow.array(DAYS).dictionary_encode()})
    runs = pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([1, 2]), pyarrow.array(DAYS))
    yield pyarrow.table({"when": runs})
    yield pyarrow.table({"n": [1, 2], "when": [None, 5]}).cast(
        pyarrow.schema([("n", pyarrow.int8()), ("when", pyarrow.duration("s"))])
    )


def test_a_column_of_dates_is_named(estimator):
    for frame in frames_of_days():
        with pytest.raises(ValueError, match="column 'when' of `X` holds dates or times"):
            validate_rows(estimator, frame, reset=True)
    with pytest.raises(ValueError, match=r"column 0 of `X` holds dates.*datetime64\[D\]"):
        validate_rows(estimator, DAYS[:, np.newaxis], reset=True)


@pytest.mark.parametrize(
    "rows",
    [
        DAYS[:, np.newaxis].astype(object),
        [[1.0, DAYS[0].item()]],
        [[DAYS[0], 1.0], [DAYS[1], 2.0]],
        [[1.0], [DAYS[0].item()]],
        [[1.0], [np.timedelta64(3, "s")]],
        ((1.0,), (DAYS[0],)),
        [np.array([1.0]), DAYS[:1]],
        [np.array([1.0]), DAYS[:1].astype(object)],
        np.array([[1.0], [np.timedelta64(3, "s")]], dtype=object),
    ],
)
def test_dates_among_objects_are_refused(estimator, rows):
    with pytest.raises(ValueError, match=r"column [01] of `X` holds dates or times"):
        validate_rows(estimator, rows, reset=True)


def test_dates_in_nanoseconds_in_lists_of_arrays_are_refused(estimator):
    for row in (np.array([DAYS[0]] * 2, dtype="M8[ns]"), np.array([3, 4], dtype="m8[ns]")):
        with pytest.raises(ValueError, match=r"column 0 of `X` holds dates or times .*\[ns\]"):
            validate_rows(estimator, [row, row], reset=True)


def test_weights_that_are_dates_are_refused():
    for weight in (DAYS, DAYS.astype("M8[ns]"), list(DAYS)):
        with pytest.raises(ValueError, match=r"^`sample_weight` holds dates or times"):
            check_sample_weight(weight, len(DAYS))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, float])
def test_numbers_of_numpy_in_a_list_are_not_asked_one_by_one(kind, monkeypatch):
    asked = []

    def counting(value, *rest):
        asked.append(value)
        return getattr(value, *rest)

    monkeypatch.setattr(column_types, "getattr", counting, raising=False)
    y = [kind(value) for value in range(500)]
    assert checked_numbers(y).tolist() == list(range(500))
    assert len(asked) < 50


def test_lists_of_arrays_are_not_copied_in_search_of_dates():
    rows = list(np.ones((100, 1000), dtype=np.float32))
    tracemalloc.start()
    refuse_dates(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * 100 * rows[0].nbytes


def targets_of_days():
    pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    yield from (DAYS, DAYS - DAYS[0], list(DAYS), DAYS.tolist(), DAYS.astype(object))
    series = pandas.Series(DAYS.astype("datetime64[s]"))
    yield from (series, series - series[0], series.astype(object), series.dt.to_period("M"))
    yield from (series.dt.tz_localize("UTC"), series.astype("timestamp[s][pyarrow]"))
    yield from (series.to_frame(), polars.Series(DAYS), pyarrow.array(DAYS))


def test_targets_that_are_dates_are_refused():
    for y in targets_of_days():
        with pytest.raises(ValueError, match=r"^`y_val` holds dates or times .*; replace it by"):
            checked_numbers(y, "y_val")


def test_targets_of_numbers_are_not_taken_for_dates():
    pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    y = np.arange(3.0)
    for same in (
        y,
        y.tolist(),
        list(y),
        y.astype(object),
        pandas.Series(y, dtype="Int64"),
        polars.Series(y),
        pyarrow.array(y),
    ):
        assert checked_numbers(same).tolist() == [0, 1, 2]
    assert checked_numbers([[0, 1], (2, 3)]).tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("column 'X' of `X` holds"), "column 'X' of `X_val` holds"),
        (ValueError("X has 2 features"), "X_val has 2 features"),
        (ValueError("Input sample_weight contains"), "Input sample_weight_val contains"),
        (TypeError("Sparse data was passed for X,"), "Sparse data was passed for X_val,"),
        (TypeError("column 'sample_weight' of `X`"), "column 'sample_weight' of `X_val`"),
        (ValueError("names unseen:\n- X\n"), "X_val, y_val: names unseen:\n- X\n"),
        (ValueError("`y_val` holds"), "`y_val` holds"),
        (ValueError("names unseen:\n- a for X\n"), "X_val, y_val: names unseen:\n- a for X\n"),
        (ValueError("'a for X': column 0 of `X`"), "'a for X': column 0 of `X_val`"),
    ],
)
def test_errors_about_validation_rows_name_them_and_leave_columns_their_names(error, text):
    with pytest.raises(type(error)) as caught, said_of_validation():
        raise error
    assert str(caught.value) == text


@pytest.mark.parametrize("names", [[0, 2], [0.5, 3.5], [("b", 1), ("b", 2)]])
def test_names_of_columns_that_are_numbers_print_as_such(estimator, names):
    pandas = pytest.importorskip("pandas")
    columns = pandas.MultiIndex.from_tuples(names) if isinstance(names[0], tuple) else names
    wrong = pandas.DataFrame(np.ones((3, 2)), columns=columns)
    wrong.iloc[2, 1] = np.nan
    dates = pandas.DataFrame(np.ones((2, 2)), columns=columns)
    dates[names[1]] = DAYS.astype("datetime64[s]")
    texts = pandas.DataFrame([["1", "2"], ["1", "red"]], columns=columns)
    for frame in (wrong, dates, texts):
        with pytest.raises(ValueError, match=re.escape(f"column {names[1]!r}")):
            validate_rows(estimator, frame, reset=True)


def test_columns_of_lists_are_named(estimator):
    pandas, polars = map(pytest.importorskip, ("pandas", "polars"))
    columns = {"n": [1.0, 2.0], "lists": [[1, 2], [3, 4]]}
    for make in (pandas.DataFrame, polars.DataFrame):
        with pytest.raises(ValueError, match="with a sequence: column 'lists' of `X` holds values"):
            validate_rows(estimator, make(columns), reset=True)


def test_a_lazy_frame_is_refused_with_its_remedy(estimator):
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"LazyFrame, .*; pass X\.collect\(\)$"):
        validate_rows(estimator, polars.LazyFrame({"n": [1.0]}), reset=True)


def test_arrays_of_pyarrow_that_are_no_table_are_scikit_learns_business(estimator):
    pyarrow = pytest.importorskip("pyarrow")
    rows = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(
        validate_rows(estimator, pyarrow.Tensor.from_numpy(rows), reset=True), rows
    )
    with pytest.raises(ValueError, match="Expected 2D array"):
        validate_rows(estimator, pyarrow.array(np.arange(6.0)), reset=True)


def test_frames_of_float32_stay_float32(estimator):
    pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    X = np.arange(6, dtype=np.float32).reshape(3, 2)
    columns = {"a": X[:, 0], "b": X[:, 1]}
    for frame in (
        pandas.DataFrame(columns),
        pandas.DataFrame(columns).astype("Float32"),
        pandas.DataFrame(columns).astype("float32[pyarrow]"),
        polars.DataFrame(columns),
        pyarrow.table(columns),
    ):
        rows = validate_rows(estimator, frame, reset=True)
        assert rows.dtype == np.float32
        assert np.array_equal(rows, X)
    mixed = polars.DataFrame({**columns, "c": [1.0, 2.0, 3.0]})
    assert validate_rows(estimator, mixed, reset=True).dtype == np.float64


def test_the_column_of_other_objects_is_named(estimator):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"n": [1.0, 2.0], "range": pandas.interval_range(0, 2)})
    with pytest.raises(TypeError, match="column 'range' of `X` must hold numbers"):
        validate_rows(estimator, frame, reset=True)


def test_objects_that_are_numbers_are_not_taken_for_others(estimator):
    pandas = pytest.importorskip("pandas")
    decimals, bools = [Decimal("1.5")] * 2, np.array([np.True_, np.False_], dtype=object)
    frame = pandas.DataFrame({"price": decimals, "is": bools, "id": [uuid4(), uuid4()]})
    with pytest.raises(TypeError, match="not 'UUID': column 'id' of `X` must hold numbers"):
        validate_rows(estimator, frame, reset=True)
    frame["id"] = pandas.Series([1.0, pandas.NA], dtype=object)
    with pytest.raises(ValueError, match=r"NaN, as NAType .* row 1 of column 'id'"):
        validate_rows(estimator, frame, reset=True)
    frame["id"] = pandas.Series([1.0, 10**400], dtype=object)
    with pytest.raises(ValueError, match=r"infinity .* row 1 of column 'id'"):
        validate_rows(estimator, frame, reset=True)


def test_categories_that_are_dates_are_named_as_such(estimator):
    pandas = pytest.importorskip("pandas")
    days = pandas.Series(DAYS.astype("M8[s]")).astype("category")
    with pytest.raises(ValueError, match=r"column 'day' .* times \(datetime64\[s\]\)"):
        validate_rows(estimator, days.to_frame("day"), reset=True)
    with pytest.raises(ValueError, match=r"`y` holds dates or times \(datetime64\[s\]\)"):
        checked_numbers(days)


def test_sparse_rows_where_dense_ones_are_needed_get_a_remedy_for_pipelines(estimator):
    with pytest.raises(TypeError, match=r"OneHotEncoder\(sparse_output=False\)"):
        validate_rows(estimator, sparse.eye(3, format="csr"), reset=True)
