"""DESIGN section 3, point 3: every kind of input, and results in its dtype."""

import tracemalloc

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from algos import KMeans, LinearLearnerRegressor
from tests.common.estimators import (
    CASES,
    OUTPUTS,
    all_cases,
    assert_close,
    assert_same_bits,
    cases_where,
    outputs,
)


def fortran(X, folder):
    return np.asfortranarray(X)


def strided(X, folder):
    wide = np.zeros((2 * X.shape[0], 2 * X.shape[1]), dtype=X.dtype)
    wide[::2, ::2] = X
    return wide[::2, ::2]


def read_only(X, folder):
    X = X.copy()
    X.flags.writeable = False
    return X


def memory_map(X, folder):
    X.tofile(folder / "rows")
    return np.memmap(folder / "rows", dtype=X.dtype, shape=X.shape, mode="r")


def nested_list(X, folder):
    return X.tolist()


def swapped_bytes(X, folder):
    return X.astype(X.dtype.newbyteorder())


def pandas_frame(X, folder):
    return pytest.importorskip("pandas", reason="pandas makes the frames").DataFrame(
        X, columns=names(X)
    )


def polars_frame(X, folder):
    return pytest.importorskip("polars", reason="polars makes the frames").DataFrame(
        dict(zip(names(X), X.T, strict=True))
    )


def pandas_of_arrow(X, folder):
    pytest.importorskip("pyarrow", reason="pyarrow holds the columns")
    return pandas_frame(X, folder).astype("float64[pyarrow]")


def names(X):
    return [f"column {j}" for j in range(X.shape[1])]


KINDS = [
    fortran,
    strided,
    read_only,
    memory_map,
    nested_list,
    swapped_bytes,
    pandas_frame,
    polars_frame,
    pandas_of_arrow,
]
FRAMES = [pandas_frame, polars_frame]


@all_cases
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_container_gives_the_bits_of_a_plain_array(case, kind, tmp_path):
    X = case.rows()
    expected = outputs(case.fitted(X), X)
    other = kind(X, tmp_path)
    estimator = case.make().fit(other, case.target(X))
    assert_same_bits(outputs(estimator, other), expected)


@cases_where(lambda case: not case.columns_are_times)
@pytest.mark.parametrize("kind", FRAMES, ids=lambda kind: kind.__name__)
def test_column_names_are_kept_and_checked(case, kind, tmp_path):
    X = case.rows()
    frame = kind(X, tmp_path)
    estimator = case.make().fit(frame, case.target(X))
    assert estimator.feature_names_in_.tolist() == names(X)
    for name in outputs(estimator, frame):
        with pytest.raises(ValueError, match="feature names"):
            getattr(estimator, name)(frame[names(X)[::-1]])


@all_cases
def test_integers_are_computed_as_float64(case):
    X = np.rint(case.rows()).astype(np.int64)
    estimator = case.fitted(X)
    expected = outputs(case.fitted(X.astype(np.float64)), X.astype(np.float64))
    assert_same_bits(outputs(estimator, X), expected)


@all_cases
def test_no_call_changes_the_input(case):
    X = case.rows()
    y = case.target(X)
    kept_X, kept_y = X.copy(), None if y is None else y.copy()
    estimator = case.make().fit(X, y)
    outputs(estimator, X)
    assert X.tobytes() == kept_X.tobytes()
    if y is not None:
        assert y.tolist() == kept_y.tolist()


@all_cases
def test_float32_results_are_float32_and_near_those_of_float64(case):
    X = case.rows().astype(np.float32)
    wide_X = X.astype(np.float64)
    narrow = outputs(case.fitted(X, **case.few_sweeps), X)
    wide = outputs(case.fitted(wide_X, **case.few_sweeps), wide_X)
    for name, value in narrow.items():
        if wide[name].dtype == np.float64:
            assert value.dtype == np.float32, name
    assert_close(narrow, wide, np.float32, factor=1e3 * min(case.slack, 10))


# How much memory answers and `fit` may take beside dense float32 rows, as a share of these.
# Factorization machines and topics make CSR rows of them, of 12 or 16 bytes a value, and what else
# their pages state; forests scaled rows; DeepAR lays out the series and a few windows.
MOST_MEMORY = {
    "DeepARForecaster": (10, 10),
    "FactorizationMachineClassifier": (7.5, 7.5),
    "FactorizationMachineRegressor": (7.5, 7.5),
    "KMeans": (0.4, 2),
    "LatentDirichletAllocation": (6.5, 11),
    "LinearLearnerClassifier": (0.4, 8.5),  # all five folds of so few values at once
    "LinearLearnerRegressor": (0.4, 4),
    "PCA": (0.4, 0.4),
    "RandomCutForest": (1.5, 5.5),
}
MORE_FOR = {"score_samples": 3}  # of PCA: rows in float64


def peak_of(call, *arguments):
    tracemalloc.start()
    try:
        call(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


first_cases = cases_where(
    lambda case: case.is_ours and case is next(one for one in CASES if one.kind is case.kind)
)


@first_cases
def test_answers_and_fits_take_no_more_memory_than_their_pages_say(case):
    few = case.rows(n_columns=50).astype(np.float32)
    estimator = case.fitted(few)
    X = np.tile(few, (50, 1))
    answers, fit = MOST_MEMORY[case.kind.__name__]
    for name in OUTPUTS:
        if not hasattr(estimator, name):
            continue
        answer = getattr(estimator, name)
        answer(few)  # what the first call loads is no matter of the rows
        assert peak_of(answer, X) < max(answers, MORE_FOR.get(name, 0)) * X.nbytes, name
    assert peak_of(case.make().fit, X, case.target(X)) < fit * X.nbytes


@cases_where(lambda case: case.kind.__name__.startswith(("LinearLearner", "PCA")))
def test_answers_for_dense_rows_take_no_copy_of_them(case):
    few = case.rows(n_columns=50).astype(np.float32)
    estimator = case.fitted(few)
    X = np.tile(few, (100, 1))
    for name in ("predict", "transform"):
        if hasattr(estimator, name):
            getattr(estimator, name)(few)
            assert peak_of(getattr(estimator, name), X) < 0.4 * X.nbytes, name


def csr(X, index_type, container):
    """Return X as CSR with a stored zero in each row and unsorted columns."""
    n_rows, n_columns = X.shape
    columns = np.tile(np.arange(n_columns)[::-1], n_rows).astype(index_type)
    starts = (np.arange(n_rows + 1) * n_columns).astype(index_type)
    rows = container((X[:, ::-1].ravel(), columns, starts), shape=X.shape)
    rows.indices, rows.indptr = columns, starts  # the constructor may have narrowed them
    return rows


SPARSE_KINDS = [
    (index_type, container)
    for index_type in (np.int32, np.int64)
    for container in (sparse.csr_matrix, sparse.csr_array)
]


@cases_where(lambda case: case.takes_sparse)
@pytest.mark.parametrize(("index_type", "container"), SPARSE_KINDS)
def test_sparse_rows_give_the_results_of_dense_ones(case, index_type, container):
    X = case.rows()
    rows = csr(X, index_type, container)
    estimator = case.make().fit(rows, case.target(X))
    expected = case.fitted(X)
    assert_close(
        outputs(estimator, rows), outputs(expected, X), np.float64, factor=1e5 * case.slack
    )
    assert_close(outputs(expected, rows), outputs(expected, X), np.float64)
    assert rows.indices.dtype == index_type


@cases_where(lambda case: not case.takes_sparse)
def test_sparse_rows_are_refused_clearly(case):
    X = case.rows()
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        case.make().fit(sparse.csr_array(X), case.target(X))


@cases_where(lambda case: case.has("transform"))
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_gives_frames_with_the_names_of_the_outputs(case, container):
    pytest.importorskip(container, reason="it makes the frames")
    X = case.rows()
    estimator = case.fitted(X).set_output(transform=container)
    frame = estimator.transform(X)
    assert list(frame.columns) == list(estimator.get_feature_names_out())
    expected = case.fitted(X).transform(X)
    assert np.asarray(frame).tolist() == expected.tolist()


def scored_by_one(estimator, X, y=None):
    return 1.0


@cases_where(lambda case: case.takes_weights)
def test_weights_are_routed_through_a_search_and_a_pipeline(case):
    X = case.rows()
    y = case.target(X)
    weight = np.random.default_rng(1).integers(1, 4, size=len(X)).astype(np.float64)
    expected = case.make().fit(X, y, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = case.make().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), asking)
        # The fit to all rows is looked at: what is searched over changes nothing.
        nothing = {f"{pipeline.steps[-1][0]}__verbose": [0]}
        search = GridSearchCV(pipeline, nothing, cv=2, scoring=scored_by_one)
        found = search.fit(X, y, sample_weight=weight).best_estimator_[-1]
        assert_same_bits(outputs(found, X), outputs(expected, X))


@all_cases
def test_the_notebook_shows_the_estimator(case):
    assert case.kind.__name__ in case.fitted()._repr_html_()


@cases_where(lambda case: not case.columns_are_times)
@pytest.mark.parametrize("make", FRAMES)
def test_a_column_of_texts_is_named(case, make, tmp_path):
    X = case.rows()
    known = case.fitted(make(X, tmp_path))
    frame = make(X, tmp_path)
    name = list(frame.columns)[1]
    texts = ["red", *["blue"] * (len(X) - 1)]
    if hasattr(frame, "with_columns"):
        import polars as pl

        frame = frame.with_columns(pl.Series(name, texts))
    else:
        frame[name] = texts
    with pytest.raises(ValueError, match=f"'red' to a number: column {name!r} of `X` holds "):
        case.make().fit(frame, case.target(X))
    ask = next(getattr(known, name) for name in ("predict", "transform") if hasattr(known, name))
    with pytest.raises(ValueError, match=f"'red' to a number: column {name!r} of `X` holds "):
        ask(frame)


@pytest.mark.parametrize(
    ("X", "column"),
    [
        ([[1.0, 2], [3, "four"]], 1),
        (np.array([["1", "2"], ["three", "4"]], dtype=object), 0),
    ],
)
def test_a_text_in_any_row_is_named(X, column):
    with pytest.raises(ValueError, match=f"to a number: column {column} of `X` holds strings"):
        KMeans(2).fit(X)


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("€ 10,489.01", "thousands"),
        ("USD 20", "thousands"),
        ("5 %", "thousands"),
        ("0,00", "thousands"),
        ("2013-12-02 21:15:00", "to_datetime"),
        ("12/31/2020", "to_datetime"),
        ("", "na_values"),
        ("?", "na_values"),
        ("01.02.20", "to_datetime"),
        ("1,234,567", "thousands"),
        ("12.5kg", "thousands"),
        ("20 °C", "thousands"),
        ("True", "map it to 1 and 0"),
        ("no", "map it to 1 and 0"),
        ("192.168.0.1", "OneHotEncoder"),
        ("1.2.3", "OneHotEncoder"),
        ("20-30", "OneHotEncoder"),
        ("<5", "OneHotEncoder"),
        ("50+", "OneHotEncoder"),
        ("3rd", "OneHotEncoder"),
        ("A12", "OneHotEncoder"),
        ("3rd Avenue", "OneHotEncoder"),
        (b"red", "OneHotEncoder"),
    ],
)
def test_the_remedy_for_strings_follows_from_what_they_look_like(value, remedy):
    X = np.array([[1.0, "1", "x"], [2.0, value, "y"]], dtype=object)
    with pytest.raises(ValueError, match=f"column 1 of `X` holds strings; .*{remedy}") as caught:
        KMeans(2).fit(X)
    assert str(caught.value).endswith("; so does column 2")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@cases_where(lambda case: not get_tags(case.make()).input_tags.allow_nan)
def test_the_first_value_that_is_not_finite_is_located(case, bad):
    X = np.array(case.rows(), dtype=np.float64)
    y = case.target(X)
    X[3, 1] = X[4, 0] = bad
    with pytest.raises(
        ValueError, match=r"Input (X )?contains .*The first one is in row 3 of column 1"
    ):
        case.make().fit(X, y)


def test_the_place_of_nan_is_named_in_frames_sparse_rows_and_targets():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    X, y = np.ones((6, 2)), np.arange(6.0)
    X[2, 1] = y[4] = np.nan
    with pytest.raises(ValueError, match="row 2 of column 'b'"):
        LinearLearnerRegressor(alpha=1).fit(pd.DataFrame(X, columns=["a", "b"]), y)
    with pytest.raises(ValueError, match="row 2 of column 1"):
        LinearLearnerRegressor(alpha=1).fit(sparse.csr_array(X), y)
    with pytest.raises(ValueError, match=r"Input y contains NaN. The first one is in row 4\."):
        LinearLearnerRegressor(alpha=1).fit(np.ones((6, 2)), y)


def test_a_column_may_have_the_name_of_an_attribute():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    with pytest.raises(ValueError, match="column 'b' of `X` holds strings"):
        KMeans(2).fit(pd.DataFrame({"column_names": [1.0, 2], "b": ["x", "y"]}))
