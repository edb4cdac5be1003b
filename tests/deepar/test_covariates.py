"""Covariates: their importance, their forms, and errors."""

import numpy as np
import pandas as pd
import pytest

from algos import DeepARForecaster
from algos.deepar.covariates import NamedArrays
from tests.common.estimators import assert_same_bits
from tests.deepar.series import able, seasonal, small


def promoted(n_series=8, n_times=100, seed=0):
    """Return series that an event doubles, and the events beside numbers that mean nothing."""
    rng = np.random.default_rng(seed)
    events = (rng.random((n_series, n_times + 12)) < 0.2).astype(np.float64)
    values = 5 * (1 + events[:, :n_times]) + 0.2 * rng.normal(size=(n_series, n_times))
    return values, np.stack([rng.normal(size=events.shape), events], axis=1)


def test_known_events_are_forecast_and_matter():
    X, dynamic = promoted()
    model = able(lags=[1], max_iter=10).fit(X[:, :-12], dynamic_real=dynamic[:, :, :-24])
    found = model.predict(X[:, :-12], dynamic_real=dynamic[:, :, :-12], output="median")
    error = np.abs(found - X[:, -12:]).mean()
    assert error < 0.15 * X.mean()
    worth = model.covariate_importance(X, 2, n_repeats=2, dynamic_real=dynamic[:, :, :-12])
    assert worth.names == ["dynamic_real[0]", "dynamic_real[1]"]
    assert worth.importances.shape == (2, 2)
    assert worth.importances_mean[1] > 5 * abs(worth.importances_mean[0])
    assert worth.importances_mean[1] > worth.loss


def test_statics_are_permuted_too():
    X = seasonal(6, 40)
    category, size = np.arange(6) % 2, np.arange(6.0)[:, None]
    model = small().fit(X, static_categorical=category, static_real=size)
    worth = model.covariate_importance(X, static_categorical=category, static_real=size)
    assert worth.names == ["static_categorical[0]", "static_real[0]"]
    assert np.all(np.isfinite(worth.importances))
    with pytest.raises(ValueError, match="`n_windows`"):
        model.covariate_importance(
            X[:1, :10], 1, static_categorical=category[:1], static_real=size[:1]
        )


def test_weights_of_covariate_importance_count_series():
    X = seasonal(5, 60)
    category, weight = [["a"], ["b"], ["a"], ["b"], ["a"]], np.array([2, 0, 1, 3, 0])
    model = small().fit(X, static_categorical=category)

    def worth(rows=slice(None), **weights):
        names = np.array(category)[rows]
        return model.covariate_importance(X[rows], 3, static_categorical=names, **weights)

    found = worth(sample_weight=weight)
    assert found.loss == pytest.approx(worth(np.repeat(np.arange(5), weight)).loss, rel=1e-12)
    assert_same_bits(found.importances, worth([0, 2, 3], sample_weight=[2, 1, 3]).importances)
    assert found.loss != worth().loss
    with pytest.raises(ValueError, match="sample_weight"):
        worth(sample_weight=[1, 2])
    with pytest.raises(ValueError, match="fewer than two windows"):
        model.covariate_importance(X, 1, static_categorical=category, sample_weight=[0, 1, 0, 0, 0])


def test_features_keep_the_names_of_columns():
    X, dynamic = promoted()
    n = len(X)
    statics = {
        "static_categorical": pd.DataFrame({"town": np.arange(n) % 2}),
        "static_real": pd.DataFrame({"size": np.arange(n, dtype=float)}),
    }
    names = ["weather", "promotion"]
    given = statics | {"dynamic_real": NamedArrays.of(list(dynamic), names)}
    model = small().fit(X, **given)
    assert model.covariate_importance(X, **given).names == ["town", "size", *names]
    turned = NamedArrays.of([part[::-1] for part in dynamic], names[::-1])
    with pytest.raises(ValueError, match=r"must have the features \['weather', 'promotion'\]"):
        model.predict(X, **statics, dynamic_real=turned)
    with pytest.raises(ValueError, match="must have the features"):
        model.predict(dynamic_real=turned)


def test_one_course_serves_all_series():
    X, dynamic = promoted()
    shared = dynamic[:1]
    everywhere = np.repeat(shared, len(X), axis=0)
    expected = small().fit(X, dynamic_real=everywhere[:, :, :100])
    of_frame = pd.DataFrame(shared[0].T, columns=["a", "b"])
    for given, future in (
        (shared[:, :, :100], shared[:, :, 100:104]),
        ([shared[0][:, :100]], [shared[0][:, 100:104]]),
        (of_frame[:100], of_frame[100:104]),
    ):
        model = small().fit(X, dynamic_real=given)
        assert_same_bits(
            model.predict(dynamic_real=future),
            expected.predict(dynamic_real=everywhere[:, :, 100:104]),
        )
    found = small().fit(X, dynamic_real=of_frame).predict(X, dynamic_real=of_frame)
    assert_same_bits(found, expected.predict(X, dynamic_real=everywhere))
    assert model.covariate_importance(X, dynamic_real=of_frame).names == ["a", "b"]


def test_the_future_of_covariates_may_be_given_in_fit_or_later():
    X, dynamic = promoted()
    model = small().fit(X, dynamic_real=dynamic)
    expected = model.predict(X, dynamic_real=dynamic)
    assert_same_bits(model.predict(), expected)
    model = small().fit(X, dynamic_real=dynamic[:, :, :100])
    with pytest.raises(ValueError, match=r"`dynamic_real`.*4\), .* only 0 steps"):
        model.predict()
    assert_same_bits(model.predict(dynamic_real=dynamic[:, :, 100:104]), expected)
    assert_same_bits(model.predict(dynamic_real=dynamic), expected)


def test_wrong_shapes_are_refused_with_the_right_ones():
    X, dynamic = promoted()
    model = small().fit(X, dynamic_real=dynamic)
    with pytest.raises(ValueError, match=r"104.*100.*4 to forecast.* has \(2, 101\)"):
        model.predict(X, dynamic_real=dynamic[:, :, :101])
    with pytest.raises(ValueError, match="must have 2 features, as in `fit`, and has 1"):
        model.predict(X, dynamic_real=dynamic[:, :1])
    with pytest.raises(ValueError, match="dynamic_real"):
        model.predict(X)
    with pytest.raises(ValueError, match="static_real"):
        model.predict(X, dynamic_real=dynamic, static_real=np.ones((8, 1)))
    with pytest.raises(ValueError, match="static_categorical"):
        small().fit(X, static_categorical=np.ones(7))
    with pytest.raises(ValueError, match="start"):
        small(freq="D").fit(X, start=["2026-01-01"] * 3)


def test_an_unknown_category_is_an_average_one():
    X = seasonal(6, 40)
    model = small().fit(X, static_categorical=list("aabbcc"))
    assert model.cardinalities_.tolist() == [3]
    known = model.predict(X, static_categorical=list("aabbcc"))
    one_is_new = model.predict(X, static_categorical=list("aabbcd"))
    np.testing.assert_array_equal(one_is_new[:5], known[:5])
    with pytest.warns(UserWarning, match=r"none .*\[:, 0\] was seen .* 'new', .* 'a', 'b'"):
        unknown = model.predict(X, static_categorical=["new"] * 6)
    assert np.all(np.isfinite(unknown))
    assert np.any(unknown != known)


def test_categories_of_another_type_are_warned_about():
    X = seasonal(5, 40)
    model = small().fit(X, static_categorical=np.arange(5))
    with pytest.warns(UserWarning, match=r"these are 'north', it saw 0, 1, 2, …; each"):
        model.predict(X[:1], static_categorical=["north"])


def test_dimensions_of_embeddings_are_for_all_or_each():
    X = seasonal(6, 40)
    categories = np.array([[0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1]]).T
    sizes = [
        small(embedding_dimension=dimension).fit(X, static_categorical=categories).n_parameters_
        for dimension in (2, [2, 2], "auto")
    ]
    assert sizes[0] == sizes[1]
    with pytest.raises(ValueError, match="`embedding_dimension`"):
        small(embedding_dimension=[2]).fit(X, static_categorical=categories)


def test_names_of_an_arrow_table_are_its_columns_and_not_its_data():
    pa = pytest.importorskip("pyarrow", reason="makes the tables")
    X = np.arange(80.0).reshape(4, 20)
    model = DeepARForecaster(4, hidden_size=4, max_iter=1, random_state=0)
    model.fit(X, static_real=pa.table({"s": [1.0, 2, 3, 4]}))
    assert model.predict(X, static_real=pa.table({"s": [1.0, 2, 3, 5]})).shape == (4, 4)


def test_categories_may_be_columns_of_an_arrow_table():
    pa = pytest.importorskip("pyarrow", reason="makes the tables")
    X = np.arange(80.0).reshape(4, 20)
    names = pa.array(["a", "b", "a", "c"])
    table = pa.table({"s": names, "t": names.dictionary_encode(), "u": [1, 2, 2, 1]})
    model = small().fit(X, static_categorical=table)
    assert model.cardinalities_.tolist() == [3, 3, 2]
    np.testing.assert_array_equal(model.predict(X, static_categorical=table), model.predict())
