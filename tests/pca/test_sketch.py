"""svd_solver="sketch": one pass, bounded memory, batches of any size."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import linalg, sparse

from algos import PCA
from algos.pca import sketch
from algos.pca.nystrom import nystrom, with_others

N, D = 6000, 150


def spectra():
    ranks = np.arange(1, D + 1)
    return {
        "harmonic": (1 / ranks, 0.02),
        "geometric": (np.exp(-ranks / 10) + 1e-6, 0.01),
        "spiked": (np.where(ranks <= 10, 20.0 - ranks, 1.0), 0.1),
    }


def rows(variances, n=N, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return (rng.normal(size=(n, D)) * np.sqrt(variances) @ directions + 3).astype(dtype)


def scatter_of(X):
    centered = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    return centered.T @ centered


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", spectra())
def test_leading_variances_are_close_on_known_spectra(name, dtype):
    variances, error = spectra()[name]
    X = rows(variances, dtype=dtype)
    pca = PCA(5, svd_solver="sketch").fit(X)
    true = linalg.eigvalsh(scatter_of(X) / (N - 1))[::-1]
    np.testing.assert_allclose(pca.explained_variance_, true[:5], rtol=error)
    V = pca.components_.astype(np.float64)
    captured = np.trace(V @ scatter_of(X) @ V.T) / (N - 1)
    assert captured >= (1 - error / 2) * true[:5].sum()
    # Mean and total variance are exact.
    np.testing.assert_allclose(pca.mean_, X.mean(axis=0, dtype=np.float64), rtol=1e-6)
    total = pca.explained_variance_.sum() + pca.noise_variance_ * (D - 5)
    assert total == pytest.approx(true.sum(), rel=1e-6)


def test_no_direction_is_overrated_nor_lost_beyond_the_bound():
    X = rows(spectra()["harmonic"][0])
    learned = sketch.updated(sketch.empty(20, D), X, 1)
    learned = sketch.settled(learned, 1)
    error = scatter_of(X) - learned.rows.T @ learned.rows
    values = linalg.eigvalsh(error)
    assert values[0] >= -1e-9 * learned.total
    lost = learned.total - np.sum(learned.rows**2)
    assert values[-1] <= lost
    assert lost <= 0.6 * learned.total


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 700), max_size=5), is_sparse=st.booleans())
def test_batches_of_any_size_give_the_bits_of_one_fit(cuts, is_sparse):
    X = rows(spectra()["harmonic"][0], 700)
    X[np.abs(X) < 3] = 0
    X = sparse.csr_array(X) if is_sparse else X
    whole = PCA(3, svd_solver="sketch").fit(X)
    parts = PCA(3, svd_solver="sketch")
    bounds = sorted({0, *cuts, 700})
    for start, stop in pairwise(bounds):
        parts.partial_fit(X[start:stop])
    for name in ("components_", "explained_variance_", "mean_", "noise_variance_"):
        assert (
            np.asarray(getattr(parts, name)).tobytes() == np.asarray(getattr(whole, name)).tobytes()
        )
    assert parts.n_samples_ == 700
    assert parts.svd_solver_ == "sketch"


def test_merged_sketches_are_close_to_the_joint_one():
    X = rows(spectra()["harmonic"][0])
    X[N // 2 :] += 0.5
    halves = [PCA(5, svd_solver="sketch").partial_fit(half) for half in (X[:3210], X[3210:])]
    joint = halves[0].merge(halves[1])
    true = linalg.eigvalsh(scatter_of(X) / (N - 1))[::-1]
    np.testing.assert_allclose(joint.explained_variance_, true[:5], rtol=0.02)
    np.testing.assert_allclose(joint.mean_, X.mean(axis=0), rtol=1e-12)
    assert joint.n_samples_ == N


@pytest.mark.parametrize("n", [12, N])
def test_few_columns_lose_nothing(n):
    X = rows(spectra()["harmonic"][0])[:n, :80]
    whole = PCA(10, svd_solver="sketch").fit(X[: n // 2 + 5])  # keeps 40 rows, or the covariance
    streamed = PCA(10, svd_solver="sketch").partial_fit(X[:3])
    halves = [PCA(10, svd_solver="sketch").partial_fit(half) for half in (X[:5], X[5:])]
    exact = PCA(10, svd_solver="covariance_eigh").fit(X)
    learned = (
        whole.partial_fit(X[n // 2 + 5 :]),
        streamed.partial_fit(X[3:]),
        halves[0].merge(halves[1]),
    )
    for pca in learned:
        np.testing.assert_allclose(pca.explained_variance_, exact.explained_variance_, rtol=1e-10)
        assert pca.svd_solver_ == "covariance_eigh"


def test_a_stream_never_holds_a_square_of_the_columns():
    X = rows(spectra()["harmonic"][0])
    pca = PCA(2, svd_solver="sketch").partial_fit(X[:1000])
    held = [v for v in pca._sketch.values() if isinstance(v, np.ndarray)]
    assert sum(v.size for v in held) <= 25 * D  # 2 * (2 + 10) rows and a mean
    assert "_scatter" not in vars(pca)


def test_one_row_at_a_time_and_a_pickle_in_between():
    X = rows(spectra()["harmonic"][0], 130)
    whole = PCA(2, svd_solver="sketch").fit(X)
    parts = PCA(2, svd_solver="sketch")
    for i, row in enumerate(X):
        parts.partial_fit(row[None])
        if i == 77:
            parts = pickle.loads(pickle.dumps(parts))
    assert parts.components_.tobytes() == whole.components_.tobytes()


@pytest.mark.parametrize("solver", ["covariance_eigh", "full"])
def test_a_sketch_goes_on_from_an_exact_fit(solver):
    X = rows(spectra()["harmonic"][0])
    pca = PCA(5, svd_solver=solver).fit(X[:3000]).set_params(svd_solver="sketch")
    pca.partial_fit(X[3000:])
    true = linalg.eigvalsh(scatter_of(X) / (N - 1))[::-1]
    np.testing.assert_allclose(pca.explained_variance_, true[:5], rtol=0.02)


@pytest.mark.parametrize("n_components", [0, 0.5, "mle"])
def test_the_number_of_components_must_be_given(n_components):
    X = rows(spectra()["harmonic"][0], 50)
    for learn in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match="`n_components`"):
            getattr(PCA(n_components, svd_solver="sketch"), learn)(X)


def test_values_whose_squares_overflow_are_refused_and_nothing_is_lost():
    X = rows(spectra()["harmonic"][0], 200)
    pca = PCA(2, svd_solver="sketch").partial_fit(X)
    before = pca.explained_variance_.copy()
    with pytest.raises(ValueError, match="variance of X must be at most"):
        pca.partial_fit(X * 1e200)
    assert pca.explained_variance_.tolist() == before.tolist()


@pytest.mark.parametrize("d", [6, 60])
@pytest.mark.parametrize("n", [40, 2000])
@pytest.mark.parametrize("scale", [1e-25, 1e-15, 1e15, 1e18])
def test_a_stream_of_extreme_single_precision_equals_one_fit(scale, n, d):
    X = (np.random.default_rng(0).normal(size=(n, d)) * scale).astype(np.float32)
    whole = PCA(2, svd_solver="sketch").fit(X)
    parts = PCA(2, svd_solver="sketch")
    for start in range(0, n, n // 2):
        parts.partial_fit(X[start : start + n // 2])
    for name in ("singular_values_", "explained_variance_", "explained_variance_ratio_"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-6)
    np.testing.assert_allclose(parts.components_, whole.components_, atol=1e-5)
    assert parts.singular_values_[0] > scale


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 1e25), (np.float64, 2e153)])
@pytest.mark.parametrize("d", [6, 60])
def test_a_stream_whose_variance_is_beyond_the_type_is_refused_when_it_comes(d, dtype, scale):
    X = np.random.default_rng(0).normal(size=(400, d)).clip(-1, 1).astype(dtype)
    pca = PCA(2, svd_solver="sketch").partial_fit(X)
    before = pca.components_.tobytes()
    with pytest.raises(ValueError, match="variance of X must be at most"):
        for row in X * dtype(scale):
            before = pca.components_.tobytes()
            pca.partial_fit(row[None])
    assert pca.components_.tobytes() == before


@pytest.mark.parametrize("cut", [1, 2, 20])
@pytest.mark.parametrize("order", [("auto", "sketch"), ("sketch", "auto")])
@pytest.mark.parametrize("d", [6, 60])
def test_another_solver_goes_on_from_few_rows_exactly(order, cut, d):
    X = rows(spectra()["harmonic"][0], 40)[:, :d]
    pca = PCA(2, svd_solver=order[0]).partial_fit(X[:cut])
    pca.set_params(svd_solver=order[1]).partial_fit(X[cut:])
    whole = PCA(2, svd_solver=order[1]).fit(X)
    rtol = 1e-9 if d == 6 or order[1] == "auto" else 0.02
    np.testing.assert_allclose(pca.explained_variance_, whole.explained_variance_, rtol=rtol)
    np.testing.assert_allclose(pca.mean_, X.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_another_solver_does_not_go_on_from_a_part_of_the_variance(learn):
    X = rows(spectra()["harmonic"][0], 300)
    pca, other = (getattr(PCA(2, svd_solver="sketch"), learn)(X[:150]) for _ in range(2))
    before = pca.components_.tobytes()
    pca.set_params(svd_solver="auto")
    with pytest.raises(ValueError, match="`svd_solver`='auto' must be 'sketch', with which"):
        pca.partial_fit(X[150:])
    with pytest.raises(ValueError, match="set it back, or start with a new PCA"):
        pca.merge(other.set_params(svd_solver="auto"))
    assert pca.components_.tobytes() == before
    whole = getattr(PCA(2, svd_solver="sketch"), learn)(X[:150]).partial_fit(X[150:])
    pca.set_params(svd_solver="sketch").partial_fit(X[150:])
    assert pca.components_.tobytes() == whole.components_.tobytes()


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("cut", [60, 300])
def test_what_a_sketch_has_lost_is_known_beside_a_row_far_out(cut, as_rows):
    X = np.random.default_rng(0).normal(size=(600, 200)) * np.arange(1, 201) ** -1.0
    X[3] *= 1e7
    X = as_rows(X)
    learned = PCA(5, svd_solver="sketch").partial_fit(X[:cut])
    joint = PCA(5, svd_solver="sketch").partial_fit(X[cut:]).merge(learned)
    for pca in (learned, joint):
        pca.set_params(svd_solver="auto")
        with pytest.raises(ValueError, match="`svd_solver`='auto' must be 'sketch', with which"):
            pca.partial_fit(X[cut:])


@pytest.mark.parametrize("n", [10, 60, 1500])
def test_another_solver_goes_on_from_few_directions_exactly(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 8)) * 10.0 ** -np.arange(8) @ rng.normal(size=(8, D)) + 1
    pca = PCA(5, svd_solver="sketch").partial_fit(X[:n])
    pca.set_params(svd_solver="auto").partial_fit(X[n:])
    whole = PCA(5).fit(X)
    np.testing.assert_allclose(pca.explained_variance_, whole.explained_variance_, rtol=1e-6)


@pytest.mark.parametrize("solver", ["sketch", "auto"])
def test_more_components_than_a_sketch_has_kept_are_refused(solver):
    X = rows(spectra()["harmonic"][0], 200)
    pca = PCA(2, svd_solver="sketch").partial_fit(X[:100])
    before = pca.explained_variance_.tolist()
    pca.set_params(n_components=30)
    with pytest.raises(ValueError, match="`n_components`=30 must be at most 24"):
        pca.partial_fit(X[100:])
    assert pca.set_params(n_components=2).explained_variance_.tolist() == before
    with pytest.raises(ValueError, match="`n_components`=30 must be at most 24"):
        _ = (
            PCA(2, svd_solver="sketch")
            .partial_fit(X[:100])
            .set_params(n_components=30, svd_solver=solver)
            .components_
        )
    # Nothing is lost of a few rows.
    few = PCA(2, svd_solver="sketch").partial_fit(X[:20]).set_params(n_components=30)
    assert few.partial_fit(X[20:]).explained_variance_.min() > 0


def test_more_components_than_a_truncated_fit_has_kept_are_refused():
    X = rows(spectra()["harmonic"][0], 200)
    pca = PCA(2, svd_solver="randomized", random_state=0).fit(X)
    pca.set_params(svd_solver="sketch", n_components=30)
    with pytest.raises(ValueError, match="`n_components`=30 must be at most 2"):
        pca.partial_fit(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(dtype):
    X = np.random.default_rng(0).normal(size=(2500, 400)).astype(dtype) + 7
    one, two = (PCA(3, svd_solver="sketch", n_jobs=n_jobs).fit(X) for n_jobs in (1, 2))
    assert one.components_.tobytes() == two.components_.tobytes()
    assert one.explained_variance_.tobytes() == two.explained_variance_.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", [40, 1500, 5990])
def test_one_long_row_in_a_large_chunk_is_found(row, dtype):
    X = rows(spectra()["harmonic"][0], dtype=dtype)
    X[row] += 300 * np.eye(D)[row % D].astype(dtype)
    pca = PCA(2, svd_solver="sketch").fit(X)
    exact = PCA(2, svd_solver="covariance_eigh").fit(X)
    np.testing.assert_allclose(pca.explained_variance_, exact.explained_variance_, rtol=0.01)
    assert abs(pca.components_[0] @ exact.components_[0]) > 0.999


def assert_near_the_truth(pca, X, rtol):
    exact = PCA(5, svd_solver="full").fit(X)
    assert np.all(np.diff(pca.explained_variance_) <= 0)
    np.testing.assert_allclose(pca.explained_variance_, exact.explained_variance_, rtol=rtol)
    V = pca.components_.astype(np.float64)
    np.testing.assert_allclose(V @ V.T, np.eye(5), atol=5e-7 if X.dtype == np.float32 else 1e-10)
    aligned = np.abs(np.einsum("ij,ij->i", V, exact.components_))
    assert aligned.min() > 0.99


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", [1e2, 1e4, 1e5, 1e7, 1e9])
@pytest.mark.parametrize("row", [1, 5990])
def test_a_row_far_out_hides_no_direction(row, length, dtype):
    X = np.random.default_rng(0).normal(size=(6000, 200)) * np.arange(1, 201) ** -1.0
    X[row] *= length
    X = X.astype(dtype)
    assert_near_the_truth(PCA(5, svd_solver="sketch").fit(X), X, 0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e2, 1e4, 1e6, 1e8])
def test_a_column_of_another_unit_hides_no_direction(scale, dtype):
    scales = np.r_[scale, 5, 4, 3, 2, np.full(195, 0.1)]
    X = (np.random.default_rng(0).normal(size=(6000, 200)) * scales).astype(dtype)
    assert_near_the_truth(PCA(5, svd_solver="sketch").fit(X), X, 1e-3)
    halves = [PCA(5, svd_solver="sketch").partial_fit(half) for half in (X[:3100], X[3100:])]
    assert_near_the_truth(halves[0].merge(halves[1]), X, 1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [40, 5000])
def test_directions_of_all_magnitudes_keep_their_digits(n, dtype):
    X = np.random.default_rng(0).normal(size=(n, 200)) * 10.0 ** -np.arange(200)
    X = X.astype(dtype)
    assert_near_the_truth(PCA(5, svd_solver="sketch").fit(X), X, 1e-5)


def test_a_direction_that_comes_late_is_found():
    X = rows(spectra()["harmonic"][0])
    X[N // 2 :] = np.roll(X[N // 2 :], D // 2, axis=1)
    pca = PCA(5, svd_solver="sketch", n_oversamples=30).fit(X)
    exact = PCA(5, svd_solver="covariance_eigh").fit(X)
    np.testing.assert_allclose(pca.explained_variance_, exact.explained_variance_, rtol=0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rank", [0, 1, 3, 30])
def test_rows_of_low_rank_lose_nothing(rank, dtype):
    rng = np.random.default_rng(1)
    X = (rng.normal(size=(3000, rank)) @ rng.normal(size=(rank, D)) + 2).astype(dtype)
    pca = PCA(5, svd_solver="sketch").fit(X)
    exact = PCA(5, svd_solver="covariance_eigh").fit(X)
    scale = exact.explained_variance_[0]
    np.testing.assert_allclose(
        pca.explained_variance_, exact.explained_variance_, rtol=1e-5, atol=1e-6 * scale
    )
    gram = pca.components_.astype(float) @ pca.components_.T
    np.testing.assert_allclose(gram, np.eye(5), atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(2, 30),
    known=st.integers(0, 8),
    others=st.integers(1, 8),
    size=st.integers(1, 12),
    rank=st.integers(1, 30),
)
def test_what_products_show_is_never_more_than_the_scatter(seed, d, known, others, size, rank):
    rng = np.random.default_rng(seed)
    scatter = scatter_of(rng.normal(size=(40, min(rank, d))) @ rng.normal(size=(min(rank, d), d)))
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0][: min(known, d)]
    Q = with_others(basis, rng.normal(size=(others, d)))
    squares, vectors = nystrom(Q, Q @ scatter, np.finfo(float).eps, size)
    assert len(vectors) == min(size, len(squares))
    found = (vectors.T * squares[: len(vectors)]) @ vectors
    largest = linalg.eigvalsh(scatter)[-1]
    assert linalg.eigvalsh(scatter - found)[0] >= -1e-7 * largest
    if len(squares) <= size:  # nothing was cut: equal along Q
        np.testing.assert_allclose(Q @ found, Q @ scatter, atol=1e-6 * largest)
