"""What graphs return, beside what estimators return."""

import numpy as np
import pytest

from algos.onnx import to_onnx

# Numbers differ by so much of the largest one, or of what the test calls their unit.
ACCURACY = {"float32": 1e-6, "float64": 1e-13}


def run(model, X):
    """Return the outputs of a model by name."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime runs the graphs")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def assert_equal_outputs(estimator, X, dtype, *, outputs=None, unit=0.0):
    """Check each output of the graph against the method of its name; return the outputs."""
    X = np.ascontiguousarray(X, dtype=dtype)
    found = run(to_onnx(estimator, dtype=dtype, outputs=outputs), X)
    for name, value in found.items():
        expected = _expected(estimator, name, X)
        assert value.shape == expected.shape, name
        if expected.dtype.kind in "US":
            assert value.tolist() == expected.tolist(), name
            continue
        assert value.dtype == expected.dtype, name
        if expected.dtype.kind in "biu" or hasattr(estimator, "classes_") and name == "predict":
            np.testing.assert_array_equal(value, expected, err_msg=name)
            continue
        size = max(float(np.abs(expected).max()), unit)
        np.testing.assert_allclose(value, expected, rtol=0, atol=ACCURACY[dtype] * size)
    return found


def _expected(estimator, name, X):
    if name == "std":
        return estimator.predict(X, return_std=True)[1]
    return getattr(estimator, name)(X)
