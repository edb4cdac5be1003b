"""The recurrent network against NumPy, and its gradient against differences."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import deepar_network, deepar_sample
from algos.deepar.network import Layout, initial_weights, make_network
from tests.deepar.reference import OUTPUTS, outputs, with_direct

KEY = np.array([11, 12], dtype=np.uint64)


def problem(
    kind=1, hidden=5, layers=2, inputs=3, n_static=2, cards=(3, 2), steps=7, windows=5, seed=0,
    dtype=np.float64,
):  # fmt: skip
    """Return a layout, its weights, and the arrays of a batch."""
    rng = np.random.default_rng(seed)
    dims = tuple(2 + j for j in range(len(cards)))
    layout = Layout(inputs, n_static, hidden, layers, OUTPUTS[kind], cards, dims)
    weights = with_direct(layout, initial_weights(layout, KEY, np.float64))
    weights += np.where(weights != 0, rng.normal(scale=0.2, size=weights.size), 0)
    targets = {
        2: rng.poisson(3, (steps, windows)),
        3: rng.poisson(3, (steps, windows)),
        4: rng.random((steps, windows)),
    }.get(kind, rng.normal(size=(steps, windows)))
    batch = (
        rng.normal(size=(steps, windows, inputs)),
        rng.normal(size=(windows, n_static)),
        rng.integers(0, cards, (windows, len(cards))).astype(np.int32),
        targets,
        (rng.random((steps, windows)) < 0.8).astype(float),
        rng.uniform(0.5, 3, windows),
    )
    cast = [a if a.dtype == np.int32 else a.astype(dtype) for a in batch]
    return layout, weights.astype(dtype), cast


def gradient(layout, weights, batch, kind, *, dropout=0.0, zoneout=0.0, n_threads=1, number=4):
    steps, windows, _ = batch[0].shape
    network = make_network(layout, windows, steps, n_threads, weights.dtype)
    grads = np.full_like(weights, np.nan)
    loss, weight = network.gradient(weights, *batch, kind, dropout, zoneout, KEY, number, grads)
    return loss, weight, grads


def plain_loss(layout, weights, batch, kind, dropout=0.0, zoneout=0.0, number=4):
    inputs, static, categories, targets, mask, scale = (
        a if a.dtype == np.int32 else a.astype(float) for a in batch
    )
    head = outputs(layout, weights, inputs, static, categories, dropout, zoneout, KEY, number)
    rows = np.ascontiguousarray(head.reshape(-1, layout.n_outputs))
    ratio = np.broadcast_to(scale, mask.shape).ravel().copy()
    return deepar_sample._test_likelihood(
        rows, targets.ravel(), mask.ravel(), ratio, np.empty_like(rows), kind
    )


def differences(layout, weights, batch, kind, places, step=1e-5, **options):
    """Return the slope by each of these weights, from losses around it."""
    slopes = []
    for place in places:
        around = []
        for sign in (-1, 1):
            moved = weights.copy()
            moved[place] += sign * step
            around.append(gradient(layout, moved, batch, kind, **options)[0])
        slopes.append((around[1] - around[0]) / (2 * step))
    return np.array(slopes)


@pytest.mark.parametrize(("dropout", "zoneout"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
@pytest.mark.parametrize("windows", [1, 5, 16, 37])
def test_loss_is_that_of_the_plain_network(windows, dropout, zoneout):
    layout, weights, batch = problem(windows=windows, hidden=11, layers=3)
    options = {"dropout": dropout, "zoneout": zoneout}
    loss, weight, _ = gradient(layout, weights, batch, 1, **options)
    assert loss == pytest.approx(plain_loss(layout, weights, batch, 1, **options), rel=1e-12)
    assert weight == batch[4].sum()


@pytest.mark.parametrize("kind", OUTPUTS)
def test_gradient_is_that_of_differences(kind):
    layout, weights, batch = problem(kind, steps=15)
    grads = gradient(layout, weights, batch, kind)[2]
    slopes = differences(layout, weights, batch, kind, np.arange(layout.size))
    used = np.abs(grads) > 0
    assert used.sum() > 400
    np.testing.assert_allclose(grads, slopes, rtol=1e-5, atol=1e-6 * np.abs(grads).max())


@pytest.mark.parametrize(
    "case",
    [
        {"layers": 1, "cards": ()},
        {"layers": 3, "hidden": 8},
        {"n_static": 0, "cards": ()},
        {"n_static": 0, "cards": (4,)},
        {"windows": 18, "hidden": 9, "dropout": 0.4},
        {"steps": 1},
        {"dropout": 0.4, "layers": 3},
        {"zoneout": 0.3},
        {"dropout": 0.4, "zoneout": 0.3, "layers": 3, "steps": 13},
    ],
    ids=str,
)
def test_gradient_of_every_option_is_that_of_differences(case):
    options = {name: case[name] for name in case if name in ("dropout", "zoneout")}
    sizes = {name: case[name] for name in case if name not in options}
    layout, weights, batch = problem(0, **sizes)
    grads = gradient(layout, weights, batch, 0, **options)[2]
    places = np.random.default_rng(1).permutation(np.flatnonzero(weights))[:150]
    slopes = differences(layout, weights, batch, 0, places, **options)
    np.testing.assert_allclose(grads[places], slopes, rtol=1e-5, atol=1e-7 * np.abs(grads).max())


def test_padding_has_no_gradient():
    layout, weights, batch = problem(hidden=5, windows=20)
    grads = gradient(layout, weights, batch, 1, dropout=0.2, zoneout=0.1)[2]
    parts, slopes = layout.views(weights), layout.views(grads)
    idle = np.setdiff1d(np.arange(4 * layout.width), layout.gate_columns)
    for name in ("input_0", "recurrent_1", "static"):
        assert not parts[name][:, idle].any()
        assert not slopes[name][:, idle].any()
    assert not slopes["recurrent_0"][5:].any()
    assert not slopes["head"][5:].any()
    for name in ("head", "direct"):
        assert not slopes[name][:, layout.n_outputs :].any()


@pytest.fixture(params=(0, 3, 4))
def level(request):
    chosen = deepar_network._test_choose_level(request.param)
    yield chosen
    deepar_network._test_choose_level(4)


@given(st.integers(1, 25), st.integers(1, 70), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_products_are_those_of_numpy(rows, k, blocks, seed):
    rng = np.random.default_rng(seed)
    x, w, init = (rng.normal(size=s).astype(np.float32) for s in ((rows, k), (k, 8 * blocks), 1))
    init = np.repeat(init, 8 * blocks)
    out = np.empty((rows, 8 * blocks), dtype=np.float32)
    deepar_network._test_multiply(init, x, w, out)
    bound = 1e-6 * k * (np.abs(init) + np.abs(x) @ np.abs(w))
    assert (np.abs(out - (init + x.astype(float) @ w)) <= bound).all()
    before = out.copy()
    deepar_network._test_accumulate(np.ascontiguousarray(x.T), w, out)
    assert (np.abs(out - (before + x.astype(float) @ w)) <= 3 * bound).all()


@pytest.mark.parametrize("n", [8, 40, 56, 160])
def test_bits_of_a_row_do_not_depend_on_the_others(n, level):
    rng = np.random.default_rng(n)
    x, w = (rng.normal(size=s).astype(np.float32) for s in ((13, 33), (33, n)))
    init = rng.normal(size=n).astype(np.float32)
    together, alone = np.empty((13, n), dtype=np.float32), np.empty((1, n), dtype=np.float32)
    deepar_network._test_multiply(init, x, w, together)
    for row in range(13):
        deepar_network._test_multiply(init, x[row : row + 1].copy(), w, alone)
        np.testing.assert_array_equal(together[row], alone[0])


@pytest.mark.parametrize("hidden", [1, 24, 40, 45])
def test_float32_agrees_with_float64(hidden, level):
    layout, weights, batch = problem(hidden=hidden, windows=21, steps=20, dtype=np.float32)
    loss, _, grads = gradient(layout, weights, batch, 1)
    wide = [a if a.dtype == np.int32 else a.astype(float) for a in batch]
    exact, _, slopes = gradient(layout, weights.astype(float), wide, 1)
    assert loss == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(grads, slopes, atol=2e-5 * np.abs(slopes).max())


@given(
    st.integers(1, 70), st.integers(1, 9), st.integers(1, 14), st.integers(1, 3), st.integers(0, 9)
)
@settings(max_examples=25, deadline=None)
def test_threads_change_no_bit(windows, steps, hidden, layers, seed):
    layout, weights, batch = problem(
        hidden=hidden, layers=layers, windows=windows, steps=steps, seed=seed, dtype=np.float32
    )
    one, _, first = gradient(layout, weights, batch, 1, dropout=0.1)
    two, _, second = gradient(layout, weights, batch, 1, dropout=0.1, n_threads=3)
    assert one == two
    np.testing.assert_array_equal(first, second)


def test_memory_serves_smaller_batches():
    layout, weights, batch = problem(windows=40, steps=9, dtype=np.float32)
    network = make_network(layout, 272, 9, 2)
    for windows, steps in ((40, 9), (3, 4), (40, 9), (17, 2)):
        part = [
            np.ascontiguousarray(a[:steps, :windows] if a.ndim > 1 and len(a) == 9 else a[:windows])
            for a in batch
        ]
        grads = np.empty_like(weights)
        network.gradient(weights, *part, 1, 0.1, 0.1, KEY, 4, grads)
        expected = gradient(layout, weights, part, 1, dropout=0.1, zoneout=0.1)[2]
        np.testing.assert_array_equal(grads, expected)


def test_loss_alone_is_that_of_the_gradient():
    layout, weights, batch = problem(windows=20, dtype=np.float32)
    network = make_network(layout, 20, 7)
    loss, weight = network.loss(weights, *batch, 1)
    assert (loss, weight) == gradient(layout, weights, batch, 1)[:2]


def test_what_was_not_observed_is_of_no_matter():
    layout, weights, batch = problem()
    before = gradient(layout, weights, batch, 1)
    batch[3][batch[4] == 0] = np.nan
    after = gradient(layout, weights, batch, 1)
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[2], after[2])


@pytest.mark.parametrize("factor", [1e30, 1e-30])
def test_huge_and_tiny_inputs_give_numbers(factor):
    layout, weights, batch = problem(dtype=np.float32)
    batch[0] *= np.float32(factor)
    loss, _, grads = gradient(layout, weights, batch, 1)
    assert np.isfinite(loss)
    assert np.isfinite(grads).all()


def test_weights_that_are_no_numbers_give_no_number():
    layout, weights, batch = problem(dtype=np.float32)
    for name in ("input_0", "recurrent_1", "head"):
        broken = weights.copy()
        layout.views(broken)[name][0, 0] = np.nan
        assert np.isnan(gradient(layout, broken, batch, 1)[0])


def test_arrays_that_do_not_fit_are_refused():
    layout, weights, batch = problem()
    network = make_network(layout, 5, 7, dtype=np.float64)
    with pytest.raises(ValueError, match="another type"):
        make_network(layout, 5, 7).loss(weights, *batch, 1)
    with pytest.raises(ValueError, match="does not fit into 4 of 7"):
        make_network(layout, 4, 7, dtype=np.float64).loss(weights, *batch, 1)
    with pytest.raises(ValueError, match="arrays and the network disagree"):
        network.loss(weights[1:].copy(), *batch, 1)
    batch[2][3, 1] = 2
    with pytest.raises(ValueError, match="category 1 of window 3 is 2, beyond the 2"):
        network.loss(weights, *batch, 1)
