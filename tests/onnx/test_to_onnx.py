"""What can be exported, what is said where it cannot, and pipelines."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from algos import (
    PCA,
    FactorizationMachineClassifier,
    KMeans,
    LinearLearnerClassifier,
    LinearLearnerRegressor,
    RandomCutForest,
)
from algos.onnx import graph as graphs, to_onnx
from tests.onnx.running import assert_equal_outputs, run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "persistence.rst"


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="the extra `onnx` brings it")


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(120, 6))


@pytest.fixture
def pca(rows):
    return PCA(2).fit(rows)


def test_without_onnx_the_extra_is_named(pca, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"the extra `onnx` brings.*pip install"):
        to_onnx(pca)


def test_onnx_is_imported_late():
    program = "import sys, algos; algos.onnx.to_onnx; print('onnx' in sys.modules)"
    run_alone = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run_alone.stdout.strip() == "False"


@pytest.mark.parametrize("dtype", ["float16", "double ", None, 32, np.int64])
def test_other_dtypes_are_refused(pca, dtype):
    with pytest.raises(ValueError, match=r"`dtype`=.* must be 'float32' or 'float64'"):
        to_onnx(pca, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype(np.float64)])
def test_a_dtype_has_several_names(onnx, pca, dtype):
    model = to_onnx(pca, dtype=dtype)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE


@pytest.mark.parametrize(
    "estimator", [RandomCutForest(), PowerTransformer(), make_pipeline(PowerTransformer(), PCA())]
)
def test_what_has_no_graph_is_refused(onnx, rows, estimator):
    with pytest.raises(ValueError, match=r"`estimator` must be one of Fac.*, or a pipeline of"):
        to_onnx(estimator.fit(rows))


@pytest.mark.parametrize(
    "estimator", [PCA(), KMeans(), LinearLearnerRegressor(), FactorizationMachineClassifier()]
)
def test_what_is_not_fitted_is_refused(onnx, estimator):
    with pytest.raises(NotFittedError):
        to_onnx(estimator)


def test_one_class_alone_is_not_enough(onnx, rows):
    model = LinearLearnerClassifier().partial_fit(rows[:3], [1, 1, 1])
    with pytest.raises(NotFittedError, match="seen only class"):
        to_onnx(model)


@pytest.mark.parametrize("outputs", [[], ["predict"], "predict", ["transform", "std"]])
def test_outputs_that_there_are_not_are_refused(onnx, pca, outputs):
    with pytest.raises(ValueError, match=r"`outputs`=.* must be some of \['transform'\]"):
        to_onnx(pca, outputs=outputs)


def test_what_is_not_named_costs_nothing(onnx, rows):
    model = FactorizationMachineClassifier(4, solver="als", max_iter=2, tol=0)
    model.fit(rows, rows[:, 0] > 0)
    whole, part = to_onnx(model), to_onnx(model, outputs=["decision_function"])
    assert [output.name for output in part.graph.output] == ["decision_function"]
    assert len(part.graph.node) < len(whole.graph.node)
    assert part.ByteSize() < whole.ByteSize()


def test_labels_of_a_kind_that_onnx_lacks_are_refused(onnx, rows):
    model = LinearLearnerClassifier(alpha=1e-2).fit(rows, rows[:, 0] > 0)
    model.classes_ = np.array([("a", 1), None], dtype=object)
    with pytest.raises(ValueError, match="classes must be numbers, bools or strings"):
        to_onnx(model)


def test_a_model_too_large_for_one_file_is_refused(onnx, pca, monkeypatch):
    monkeypatch.setattr(graphs, "_ROOM", 50)
    with pytest.raises(ValueError, match=r"name the `outputs` that you need"):
        to_onnx(pca)


def test_a_model_says_what_it_is(onnx, pca):
    model = to_onnx(pca)
    (X,), (transform,) = model.graph.input, model.graph.output
    assert (model.producer_name, X.name, transform.name) == ("algos", "X", "transform")
    dims = [dim.dim_param or dim.dim_value for dim in X.type.tensor_type.shape.dim]
    assert dims == ["n_samples", 6]
    assert onnx.load_from_string(model.SerializeToString()) == model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "steps",
    [
        (PCA(3), LinearLearnerClassifier(alpha=1e-2)),
        (PCA(4, whiten=True), KMeans(5, random_state=0)),
        (KMeans(5, random_state=0), LinearLearnerClassifier("hinge", alpha=1e-2)),
        ("passthrough", make_pipeline(PCA(4), PCA(2)), LinearLearnerClassifier(alpha=1e-2)),
        (PCA(3), FactorizationMachineClassifier(2, solver="als", max_iter=2, tol=0)),
        (StandardScaler(), PCA(4), KMeans(5, random_state=0)),
    ],
    ids=["pca linear", "pca kmeans", "kmeans linear", "nested", "pca machine", "scaler pca kmeans"],
)
def test_pipelines(onnx, rows, steps, dtype):
    pipeline = make_pipeline(*steps).fit(rows, np.where(rows[:, 0] > 0, "up", "down"))
    assert_equal_outputs(pipeline, rows + 0.25, dtype)


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not beside the tests")
def test_the_example_of_the_documentation_runs(onnx, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime", reason="the example runs its model")
    monkeypatch.chdir(tmp_path)
    section = PAGE.read_text().split("\nONNX\n")[1]
    block = re.search(r"code-block:: python\n\n((?:   .*\n|\n)+)", section)[1]
    names = {}
    exec(re.sub("(?m)^   ", "", block), names)
    assert names["labels"].tolist() == names["model"].predict(names["X"]).tolist()
    assert (tmp_path / "model.onnx").exists()


def test_a_row_alone_has_the_distances_that_it_has_among_others(onnx, rows):
    kmeans = KMeans(3, random_state=0).fit(rows)
    model = to_onnx(kmeans, dtype="float64")
    whole = run(model, rows)
    for i in (0, 7, 119):
        alone = run(model, rows[i : i + 1])
        assert alone["transform"].tolist() == whole["transform"][i : i + 1].tolist()


def test_a_search_is_refused_with_what_to_export():
    search = GridSearchCV(KMeans(2, random_state=0), {"n_clusters": [2, 3]}, cv=2)
    search.fit(np.random.default_rng(0).normal(size=(20, 2)))
    with pytest.raises(ValueError, match=r"\(GridSearchCV\); export its best_estimator_$"):
        to_onnx(search)
