"""What a RandomCutForest says to those who come from elsewhere, and takes in their form."""

import copy

import numpy as np
import pytest
from scipy import sparse

from algos import RandomCutForest


@pytest.fixture(scope="module")
def wave():
    return np.sin(np.arange(400) / 5)[:, np.newaxis]


def test_missing_values_have_their_own_remedy():
    X = np.ones((20, 2))
    forest = RandomCutForest(n_estimators=2).fit(X)
    X[3, 1] = np.nan
    for method in (forest.predict, forest.anomaly_score, forest.partial_fit, forest.fit):
        with pytest.raises(ValueError, match="Input X contains NaN") as caught:
            method(X)
        assert "missing_values='impute'" in str(caught.value)
        assert "HistGradientBoosting" not in str(caught.value)
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        forest.predict(X)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"time_decay": 100000}, r"1 / timeDecay of Kinesis.*time_decay=1e-05"),
        ({"time_decay": -1.0}, r"the default is RandomCutForest\(time_decay=None\)"),
        ({"max_samples": "auto"}, r"'auto' is RandomCutForest\(max_samples=256\)"),
        ({"max_samples": 0.5}, r"max_samples=int\(0.5 \* len\(X\)\)"),
        ({"max_samples": 1.0}, r"max_samples=int\(1.0 \* len\(X\)\)"),
        ({"max_samples": 0}, r"the default is RandomCutForest\(max_samples=256\)"),
        ({"feature_weights": "abc"}, "`feature_weights`='abc' must be array-like"),
    ],
)
def test_values_of_other_libraries_are_put_right(parameters, said):
    with pytest.raises(ValueError, match=said):
        RandomCutForest(**parameters).fit(np.ones((9, 1)))


def test_names_of_other_libraries_are_put_right():
    with pytest.raises(TypeError, match="no parameter 'shingleSize'; write shingle_size"):
        RandomCutForest(shingleSize=4)
    with pytest.raises(TypeError, match="no parameter 'max_features'; write feature_weights"):
        RandomCutForest(max_features=0.5)


def test_one_quantile_is_a_sequence_of_one(wave):
    forest = RandomCutForest(n_estimators=5, shingle_size=16, random_state=0).fit(wave)
    for one, many in zip(
        forest.forecast(3, quantiles=0.5), forest.forecast(3, quantiles=[0.5]), strict=True
    ):
        assert np.array_equal(one, many)
    for wrong in (1.5, "half", [0.1, "half"]):
        with pytest.raises(ValueError, match="must be numbers in"):
            forest.forecast(3, quantiles=wrong)


def test_weights_go_by_the_names_of_columns():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])

    def scores(weights):
        forest = RandomCutForest(n_estimators=5, feature_weights=weights, random_state=0)
        assert copy.deepcopy(forest.fit(X)).merge(forest.__sklearn_clone__().fit(X[:50]))
        return forest.anomaly_score(X)

    plain = scores([1, 2, 0.5])
    assert np.array_equal(scores({"c": 0.5, "b": 2}), plain)
    assert np.array_equal(scores(pd.Series({"c": 0.5, "a": 1, "b": 2})), plain)
    assert np.array_equal(scores(pd.Series([1, 2, 0.5])), plain)  # without names
    stream = RandomCutForest(n_estimators=5, feature_weights={"c": 0}, random_state=0)
    stream.partial_fit(X)
    assert np.all(stream.attribution(X)[:, 2] == 0)
    with pytest.raises(ValueError, match=r"it also has \['d'\]"):
        scores({"d": 1})
    with pytest.raises(ValueError, match=r"lacks \['a'\]; add them, or write .*to_dict"):
        scores(pd.Series({"c": 0.5, "b": 2}))
    with pytest.raises(ValueError, match="must be an array if X has no names"):
        RandomCutForest(feature_weights={"a": 1}).fit(X.to_numpy())


def test_a_share_tells_how_many_columns_are_mended():
    X = np.random.default_rng(0).normal(scale=0.1, size=(300, 4))
    forest = RandomCutForest(n_estimators=30, random_state=0).fit(X)
    odd = np.array([[0, 9.0, 0, 4.0]])
    changed = [np.sum(forest.likely_values(odd, share=s) != odd) for s in (0.3, 0.95)]
    assert changed[0] == 1 and changed[1] >= 2
    assert np.array_equal(forest.likely_values(odd), forest.likely_values(odd, share=0.5))
    for wrong in (0, 1, "half"):
        with pytest.raises(ValueError, match=r"`share`=.* must be a float in"):
            forest.likely_values(odd, share=wrong)


def test_sparse_rows_are_refused_with_a_remedy_for_pipelines():
    for container in (sparse.csr_matrix, sparse.csr_array):
        with pytest.raises(TypeError, match=r"toarray.*OneHotEncoder\(sparse_output=False\)"):
            RandomCutForest().fit(container(np.eye(9)))
