"""Sums of errors and stretched scores against numpy."""

import numpy as np
import pytest

from algos._cython.fm_errors import error_sums, stretch_errors, stretch_sums


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("has_weights", [False, True])
@pytest.mark.parametrize("n", [1, 255, 10_000])
def test_sums_and_stretched_errors_are_numpys(dtype, has_weights, n):
    rng = np.random.default_rng(n)
    target, errors = rng.standard_normal((2, n)).astype(dtype)
    weights = rng.random(n).astype(dtype) if has_weights else None
    scores = target.astype(float) - errors
    g = scores - 0.7
    w = 1 if weights is None else weights.astype(float)
    found = stretch_sums(target, errors, weights, 0.7, 1)
    assert found == pytest.approx((np.sum(w * g * g), np.sum(w * g * errors)), rel=1e-9)
    assert found == stretch_sums(target, errors, weights, 0.7, 2)
    stretched = errors.copy()
    stretch_errors(target, stretched, 0.7, 1.5, 1)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(stretched, target - (0.7 + 1.5 * g), atol=20 * eps)
    again = errors.copy()
    stretch_errors(target, again, 0.7, 1.5, 2)
    assert again.tobytes() == stretched.tobytes()


@pytest.mark.parametrize("n", [0, 1, 7, 1000, 20_001])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_errors_are_numpys(n, dtype):
    rng = np.random.default_rng(n)
    e, p = rng.normal(size=(2, n)).astype(dtype) ** 2
    for weight in (None, p):
        one = np.ones(n) if weight is None else weight.astype(float)
        expected = one.sum(), one @ e.astype(float), one @ e.astype(float) ** 2
        found = error_sums(e, weight, 1)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert found == error_sums(e, weight, 2)
