"""DESIGN section 3, point 2: drop-ins have scikit-learn's parameters, methods and attributes."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.cluster
import sklearn.decomposition

from tests.common.estimators import cases_where, learned, outputs

ORIGINALS = {
    "KMeans": sklearn.cluster.KMeans,
    "PCA": sklearn.decomposition.PCA,
    "LatentDirichletAllocation": sklearn.decomposition.LatentDirichletAllocation,
}
# Whose default is ours: "auto" chooses what is fastest here.
OTHER_DEFAULTS = {
    ("KMeans", "algorithm"),
    ("LatentDirichletAllocation", "learning_method"),
    ("LatentDirichletAllocation", "max_iter"),  # "auto" is theirs for their methods
    ("LatentDirichletAllocation", "total_samples"),  # "auto" is the documents seen
}

drop_ins = cases_where(lambda case: case.kind.__name__ in ORIGINALS)


def original(case):
    return ORIGINALS[case.kind.__name__]


@drop_ins
def test_the_parameters_are_scikit_learns_and_n_jobs(case):
    ours = inspect.signature(case.kind).parameters
    theirs = inspect.signature(original(case)).parameters
    assert "n_jobs" in ours
    for name, parameter in theirs.items():
        assert ours[name].kind == parameter.kind, name
        if (case.kind.__name__, name) not in OTHER_DEFAULTS:
            assert ours[name].default == parameter.default, name
    added = [name for name in ours if name not in theirs]
    assert list(ours)[: len(theirs)] == list(theirs), "ours come after theirs"
    assert all(ours[name].kind is inspect.Parameter.KEYWORD_ONLY for name in added)


def public_methods(kind):
    return {
        name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))
    }


@drop_ins
def test_every_method_of_scikit_learns_is_there_with_its_arguments(case):
    missing = public_methods(original(case)) - public_methods(case.kind)
    assert not missing
    for name in ("fit", "fit_predict", "fit_transform", "predict", "transform", "score"):
        if hasattr(original(case), name):
            theirs = list(inspect.signature(getattr(original(case), name)).parameters)
            ours = list(inspect.signature(getattr(case.kind, name)).parameters)
            assert ours[: len(theirs)] == theirs, name


@drop_ins
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_fitted_attributes_and_results_have_scikit_learns_shapes_and_types(case, dtype):
    X = case.rows().astype(dtype)
    ours = case.fitted(X)
    shared = set(inspect.signature(original(case)).parameters)
    parameters = {name: v for name, v in ours.get_params().items() if name in shared}
    if parameters.get("algorithm") in ("auto", "quantized"):  # ours alone
        del parameters["algorithm"]
    if parameters.get("svd_solver") == "sketch":  # ours alone
        del parameters["svd_solver"]
    if parameters.get("total_samples") == "auto":  # ours alone
        del parameters["total_samples"]
    if parameters.get("learning_method") not in ("batch", "online"):  # None elsewhere
        parameters.pop("learning_method", None)
    if parameters.get("doc_topic_prior") == "auto":  # ours alone
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = original(case)(**parameters).fit(X)
    found = learned(ours)
    for name, value in learned(theirs).items():
        found.setdefault(name, getattr(ours, name))  # such as properties
        assert np.shape(found[name]) == np.shape(value), name
        if isinstance(value, np.ndarray):
            assert found[name].dtype == value.dtype, name
    results = outputs(ours, X)
    for name, value in outputs(theirs, X).items():
        assert results[name].shape == value.shape, name
        assert results[name].dtype == value.dtype, name
