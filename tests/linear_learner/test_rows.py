"""Rows over kernels against the same in numpy."""

import numpy as np
import pytest
from scipy import sparse

from algos.linear_learner.decisions import losses_of
from algos.linear_learner.dense_rows import DenseRows
from algos.linear_learner.losses import CODES, Loss
from algos.linear_learner.rows import make_rows
from algos.linear_learner.sparse_rows import SparseRows
from tests.linear_learner.plain_rows import PlainRows, losses_and_slopes

PARAMETERS = {
    "quantile": 0.3,
    "epsilon_insensitive": 0.2,
    "squared_epsilon_insensitive": 0.2,
    "huber": 0.7,
    "tweedie": 1.5,
    "hinge": 1.0,
    "squared_hinge": 1.0,
}
LOSSES = [Loss(name, PARAMETERS.get(name, 0.0)) for name in CODES]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def make_rows_pair(n, d, dtype, seed, *, is_sparse=False, offset=3.0, n_threads=1):
    rng = np.random.default_rng(seed)
    if is_sparse:
        X = sparse.random(n, d, density=0.3, format="csr", dtype=dtype, random_state=seed)
        shift, scale = np.zeros(d), rng.uniform(0.5, 2, d)
        return SparseRows(X, scale, n_threads), PlainRows(X, shift, scale)
    X = (rng.normal(size=(n, d)) + offset).astype(dtype)
    shift, scale = offset + rng.normal(size=d) / 10, rng.uniform(0.5, 2, d)
    return DenseRows(X, shift, scale, n_threads), PlainRows(X, shift, scale)


def make_targets(loss, n, k, rng):
    if loss.name == "multinomial":
        return rng.integers(k, size=n).astype(np.float64)
    if loss.is_of_classes:
        return rng.choice([-1.0, 1.0], size=n)
    if loss.has_log_link:
        return rng.gamma(2.0, size=n)
    return rng.normal(size=n) if k == 1 else rng.normal(size=(n, k))


def make_models(n, d, m, k, rng):
    coef = rng.normal(size=(m, k, d)) / np.sqrt(d)
    weight = rng.uniform(0.5, 2, n)
    return coef, rng.normal(size=(m, k)), weight / weight.sum()


def assert_close(found, expected, tolerance):
    size = max(float(np.abs(expected).max(initial=0)), 1.0)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * size)


@every_loss
@types
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("m", [1, 3, 8])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (70, 3), (700, 37)])
def test_a_pass_gives_values_and_gradients(loss, dtype, is_sparse, m, n, d):
    rng = np.random.default_rng(1)
    k = 3 if loss.name in ("multinomial", "squared_error") else 1
    rows, plain = make_rows_pair(n, d, dtype, 2, is_sparse=is_sparse)
    coef, intercept, weight = make_models(n, d, m, k, rng)
    target = make_targets(loss, n, k, rng)
    found = rows.evaluate(coef, intercept, target, weight, loss)
    expected = plain.evaluate(coef, intercept, target, weight, loss)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        # A slope with a kink may fall on its other side by rounding: of one row.
        assert_close(one, other, 300 * np.finfo(dtype).eps)


@types
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("k", [1, 2, 9])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (5, 3), (700, 37)])
def test_products_are_those_of_numpy(dtype, is_sparse, k, n, d):
    rng = np.random.default_rng(3)
    rows, plain = make_rows_pair(n, d, dtype, 4, is_sparse=is_sparse)
    coef, intercept = rng.normal(size=(k, d)), rng.normal(size=k)
    weight = rng.uniform(size=n) * (rng.uniform(size=n) < 0.7)
    tolerance = 300 * np.finfo(dtype).eps
    assert_close(rows.decision(coef, intercept), plain.decision(coef, intercept), tolerance)
    assert_close(rows.gram(weight), plain.gram(weight), tolerance)
    values = rng.normal(size=(n, k))
    assert_close(rows.cross(values), plain.cross(values), tolerance)
    gram, cross = rows.gram_and_cross(weight, values)
    assert_close(gram, plain.gram(weight), tolerance)
    assert_close(cross, plain.cross(weight[:, np.newaxis] * values), tolerance)
    some = rng.permutation(n)[: n // 2 + 1]
    part = rows.subset(some)
    assert part.n == len(some)
    expected = plain.subset(some).decision(coef, intercept)
    assert_close(part.decision(coef, intercept), expected, tolerance)


@every_loss
@types
def test_losses_of_decision_values(loss, dtype):
    rng = np.random.default_rng(5)
    k = 3 if loss.name in ("multinomial", "squared_error") else 1
    rows, plain = make_rows_pair(50, 4, dtype, 6)
    z, target = rng.normal(size=(50, k)), make_targets(loss, 50, k, rng)
    expected, _ = losses_and_slopes(loss, target, z)
    assert_close(losses_of(z, target, loss), expected, 1e-13)
    assert plain.n == rows.n


@pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES if not loss.is_joint], ids=lambda x: x.name
)
def test_curvatures_are_differences_of_slopes(loss):
    rng = np.random.default_rng(7)
    rows, plain = make_rows_pair(200, 3, np.float64, 8)
    coef, intercept, weight = make_models(200, 3, 1, 1, rng)
    target = make_targets(loss, 200, 1, rng)
    found = rows.curvatures(coef[0, 0], intercept[0, 0], target, weight, loss)
    z = plain.decision(coef[0], intercept[0])
    h = 1e-5
    slopes = [losses_and_slopes(loss, target, z + step)[1][:, 0] for step in (h, -h)]
    expected = weight * (slopes[0] - slopes[1]) / (2 * h)
    assert_close(found * 200, expected * 200, 1e-6)


@types
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "csr"])
def test_columns_get_mean_zero_and_deviation_one(dtype, center, is_sparse):
    rng = np.random.default_rng(9)
    X = (rng.normal(size=(400, 6)) * [1, 5, 0.1, 1, 1, 0] + [0, 3, 1, 0, 2, 7]).astype(dtype)
    weight = rng.uniform(0.5, 2, 400)
    weight /= weight.sum()
    rows = make_rows(sparse.csr_array(X) if is_sparse else X, weight, center=center, n_threads=1)
    mean = weight @ X.astype(np.float64)
    expected = np.sqrt(weight @ (X - mean) ** 2)
    expected[-1] = 1
    if not center:
        expected = np.sqrt(weight @ X.astype(np.float64) ** 2)
    np.testing.assert_allclose(rows.scale, expected, rtol=1e-6)
    constant = [0, 0, 0, 0, 0, 7] if center else np.zeros(6)
    np.testing.assert_allclose(
        rows.shift, mean if center and not is_sparse else constant, atol=1e-12
    )
    other = rows.in_units(rows.shift, 2 * rows.scale)
    gram, half = rows.gram(weight), other.gram(weight)
    np.testing.assert_allclose(half[:-1, :-1], gram[:-1, :-1] / 4, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e-30), (np.float32, 1e30), (np.float64, 1e-150)]
    + [(np.float64, 1e150), (np.float64, 1e-300), (np.float64, 1e300)],
)
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "csr"])
def test_extreme_columns_are_as_good_as_others(dtype, size, is_sparse):
    rng = np.random.default_rng(10)
    usual = rng.normal(size=(300, 4)).astype(dtype)
    exponent = int(np.log2(size))
    odd = usual.copy()
    odd[:, 1] = np.ldexp(odd[:, 1], exponent)
    weight, loss = np.full(300, 1 / 300), Loss("log_loss")
    target = rng.choice([-1.0, 1.0], 300)
    coef, intercept, _ = make_models(300, 4, 1, 1, rng)
    found = []
    for X in (usual, odd):
        rows = make_rows(sparse.csr_array(X) if is_sparse else X, weight, center=True, n_threads=1)
        found.append([*rows.evaluate(coef, intercept, target, weight, loss)])
        found[-1] += [rows.gram(weight), rows.decision(coef[0], intercept[0])]
        found[-1] += [rows.subset(np.arange(9)).cross(target[:9, np.newaxis])]
    scale = rows.scale * 2.0 ** -np.array([0.0, exponent, 0, 0])
    np.testing.assert_allclose(scale, usual.std(axis=0, dtype=np.float64), rtol=1e-6)
    for one, other in zip(*found, strict=True):
        assert_close(one, other, 300 * np.finfo(dtype).eps)
