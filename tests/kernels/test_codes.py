"""8-bit codes of rows, and labels found by them, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython._codes import _test_choose_vnni
from algos._cython._pairs import _test_choose_pairs_level
from algos._cython.kmeans_quantized import assign_quantized
from algos.kmeans.codes import encode_as


@pytest.fixture(params=[False, True], ids=["plain", "vnni"])
def vnni(request):
    if _test_choose_vnni(request.param) != request.param:
        pytest.skip("this build or processor has no VNNI")
    yield request.param
    _test_choose_vnni(True)


def decoded(codes, n, d):
    """The numbers that the codes stand for."""
    words = -(-d // 4)
    high, *low = np.split(
        codes.codes.astype(int) - 128, range(words, codes.codes.shape[1], words), 1
    )
    values = high * codes.step
    for part in low:
        values = values + part * codes.step / 256
    rows = values.transpose(0, 2, 1, 3).reshape(-1, 4 * words)
    assert not rows[n:].any()
    assert not rows[:, d:].any()
    return rows[:n, :d]


def nearest(X, shift, centers):
    """All squared distances of the rows less the shift, in float64."""
    y = (X - shift).astype(np.float64)
    return ((y[:, None] - centers.astype(np.float64)) ** 2).sum(axis=2)


def label(X, shift, centers, codes, *, weight=None, labels=None, n_threads=1):
    labels = np.full(len(X), -1, dtype=np.int32) if labels is None else labels.copy()
    sums, counts = np.empty(centers.shape), np.empty(len(centers))
    changed, measured, _ = assign_quantized(
        X, weight, shift, centers, *codes, labels, sums, counts, None, None, 0.0, n_threads
    )
    return labels, sums, counts, changed, measured


def data(seed, n, d, k, dtype=np.float32, scale=1.0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * scale).astype(dtype)
    centers = (rng.normal(size=(k, d)) * scale).astype(dtype)
    return X, (rng.normal(size=d) * scale / 5).astype(dtype), centers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (64, 4), (65, 5), (200, 13), (300, 31)])
def test_codes_and_their_errors_are_those_of_the_rows(n, d, fine, dtype):
    X, shift, _ = data(0, n, d, 1, dtype)
    codes = encode_as(X, shift, 1, fine=fine)
    y = (X - shift).astype(np.float64)
    left = np.linalg.norm(y - decoded(codes, n, d), axis=1)
    assert np.all(codes.errors >= left * (1 - 1e-12))
    lengths = np.linalg.norm(y, axis=1)
    assert np.all(codes.errors <= 1.001 * left + 1e-6 * lengths)
    np.testing.assert_allclose(codes.norms, lengths, rtol=1e-5)
    inside = np.abs(y) <= 127 * codes.step
    bound = codes.step / (256 if fine else 2) * (1 + 1e-3)  # low codes end at 127 of 128
    assert np.all(np.abs(y - decoded(codes, n, d))[inside] <= bound)


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 2, 4, 5, 6, 7, 13, 64])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (70, 3), (500, 8), (130, 30), (64, 97)])
def test_labels_and_sums_are_those_of_the_rows(vnni, n, d, k, dtype, fine):
    if fine and d > 32:
        pytest.skip("integers would overflow")
    X, shift, centers = data(1, n, d, k, dtype)
    weight = np.random.default_rng(2).uniform(0.5, 2, n)
    found, sums, counts, changed, _ = label(
        X, shift, centers, encode_as(X, shift, 1, fine=fine), weight=weight
    )
    assert found.tolist() == nearest(X, shift, centers).argmin(axis=1).tolist()
    assert changed == n
    member = weight[:, None] * (found[:, None] == np.arange(k))
    np.testing.assert_allclose(counts, member.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(sums, member.T @ (X - shift).astype(float), atol=1e-10)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 200),
    d=st.integers(1, 24),
    k=st.integers(1, 20),
    heavy=st.booleans(),
    fine=st.booleans(),
    exponent=st.integers(-20, 20),
    far=st.floats(0, 100),
)
@settings(max_examples=200, deadline=None)
def test_no_data_makes_codes_lose_the_nearest_center(seed, n, d, k, heavy, fine, exponent, far):
    X, shift, centers = data(seed, n, d, k, scale=2.0**exponent)
    rng = np.random.default_rng(seed)
    if heavy:  # few values many times as large as others: codes cut them off
        X *= np.exp(rng.normal(scale=3, size=X.shape)).astype(np.float32)
    centers *= np.float32(1 + far * (rng.random() < 0.5))
    centers[rng.integers(k)] = centers[0]  # a tie
    codes = encode_as(X, shift, 1, fine=fine)
    found, *_, changed, _ = label(X, shift, centers, codes)
    if changed < 0:
        return  # refused, as the centres are too far off
    squares = nearest(X, shift, centers)
    own = squares[np.arange(n), found]
    assert np.all(own <= squares.min(axis=1) * (1 + 1e-5) + np.finfo(np.float32).tiny)
    firsts = np.argmax(squares == own[:, None], axis=1)
    assert np.all(firsts == found)


def test_vnni_and_plain_c_agree_to_the_bit():
    X, shift, centers = data(3, 1000, 12, 20)
    results = []
    for wanted in (True, False):
        _test_choose_vnni(wanted)
        results.append(label(X, shift, centers, encode_as(X, shift, 1, fine=False)))
    _test_choose_vnni(True)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("level", [0, 3, 4])
def test_every_level_measures_alike(level):
    X, shift, centers = data(4, 500, 19, 30)
    centers[1::2] = centers[::2] + np.float32(1e-3)  # so that many are measured
    _test_choose_pairs_level(level)
    found, *_, measured = label(X, shift, centers, encode_as(X, shift, 1, fine=False))
    _test_choose_pairs_level(4)
    assert measured >= 1000
    squares = nearest(X, shift, centers)
    np.testing.assert_allclose(squares[np.arange(500), found], squares.min(axis=1), rtol=1e-5)


def test_threads_change_no_bit_and_only_changes_are_summed():
    X, shift, centers = data(5, 5000, 9, 25)
    codes = encode_as(X, shift, 2, fine=True)
    before = np.random.default_rng(6).integers(0, 25, 5000).astype(np.int32)
    one = label(X, shift, centers, codes, labels=before)
    two = label(X, shift, centers, codes, labels=before, n_threads=2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    found, sums, counts, changed, _ = one
    assert changed == np.count_nonzero(found != before)
    change = (found[:, None] == np.arange(25)) * 1.0 - (before[:, None] == np.arange(25))
    np.testing.assert_allclose(counts, change.sum(axis=0))
    np.testing.assert_allclose(sums, change.T @ (X - shift).astype(float), atol=1e-9)


def test_centers_beyond_the_integers_are_refused():
    X, shift, centers = data(7, 100, 4, 3)
    codes = encode_as(X, shift, 1, fine=False)
    found, *_, changed, measured = label(X, shift, centers * np.float32(1e9), codes)
    assert (changed, measured) == (-1, 0)
    assert found.tolist() == [-1] * 100


def test_rows_that_do_not_differ_have_no_codes():
    X = np.ones((10, 3), dtype=np.float32)
    assert encode_as(X, X[0], 1, fine=False) is None


def gaps_fall(before, centers, per_gap):
    """What the gap of each label may fall by when the centres move, after that of none."""
    drift = np.linalg.norm(centers.astype(np.float64) - before, axis=1)
    others = [np.delete(drift, j).max(initial=0) for j in range(len(drift))]
    fall = np.ceil((drift + others) * per_gap * (1 + 1e-6))
    return np.append(0, np.minimum(fall, 65535)).astype(np.int32)


def true_gaps(squares, labels):
    """By how much farther the next centre is than the own, in float64."""
    distances = np.sqrt(squares)
    own = distances[np.arange(len(labels)), labels].copy()
    distances[np.arange(len(labels)), labels] = np.inf
    return distances.min(axis=1) - own


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 400),
    d=st.sampled_from([1, 3, 8, 20, 100]),
    k=st.integers(1, 30),
    fine=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    exponent=st.integers(-20, 20),
    drift=st.floats(0, 0.3),
)
@settings(max_examples=150, deadline=None)
def test_rows_with_a_gap_keep_their_nearest_center(seed, n, d, k, fine, dtype, exponent, drift):
    X, shift, centers = data(seed, n, d, k, dtype, scale=2.0**exponent)
    rng = np.random.default_rng(seed)
    X[: n // 2] = centers[rng.integers(k, size=n // 2)] + shift  # so that gaps are wide
    X[: n // 2] += (0.1 * 2.0**exponent * rng.normal(size=(n // 2, d))).astype(dtype)
    codes = encode_as(X, shift, 1, fine=fine and d <= 32)
    if codes is None:
        return
    per_gap = 1000 / 2.0**exponent
    gaps, labels = np.zeros(n, dtype=np.uint16), np.full(n, -1, dtype=np.int32)
    before = centers.astype(np.float64)
    total, counts = np.zeros((k, d)), np.zeros(k)
    for _ in range(4):
        sums, weights = np.empty((k, d)), np.empty(k)
        fall = gaps_fall(before, centers, per_gap)
        *_, seen = assign_quantized(
            X, None, shift, centers, *codes, labels, sums, weights, gaps, fall, per_gap, 1
        )
        assert seen <= n
        total, counts = total + sums, counts + weights
        squares = nearest(X, shift, centers)
        own = squares[np.arange(n), labels]
        assert np.all(own <= squares.min(axis=1) * (1 + 1e-5) + np.finfo(np.float32).tiny)
        assert np.all(gaps <= true_gaps(squares, labels).clip(0) * per_gap * (1 + 1e-5))
        np.testing.assert_array_equal(counts, np.bincount(labels, minlength=k))
        before = centers.astype(np.float64)
        step = drift * 2.0**exponent * rng.normal(size=(k, d)) * (rng.random((k, 1)) < 0.5)
        centers = (centers + step).astype(dtype)


@pytest.mark.parametrize(("d", "k"), [(8, 50), (100, 5)])
def test_gaps_spare_rows_and_threads_change_none(d, k):
    X, shift, centers = data(9, 5000, d, k)
    X = (centers[np.arange(5000) % k] + shift + 0.2 * X).astype(np.float32)
    codes = encode_as(X, shift, 1, fine=False)
    results, falls = [], np.zeros((2, k + 1), dtype=np.int32)
    falls[1, 1] = 65535  # of one label all gaps close
    for n_threads in (1, 2):
        gaps, labels = np.zeros(5000, dtype=np.uint16), np.full(5000, -1, dtype=np.int32)
        for fall in falls:
            sums, counts = np.empty((k, d)), np.empty(k)
            changed, _, seen = assign_quantized(
                X, None, shift, centers, *codes, labels, sums, counts, gaps, fall, 1000.0,
                n_threads,
            )  # fmt: skip
        assert changed == 0
        assert 5000 // k <= seen < 3000
        results.append((labels, gaps, seen))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
