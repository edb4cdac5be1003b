"""PCA against scikit-learn, against float64, and in what scikit-learn cannot do."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import linalg, sparse
from sklearn import decomposition
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from algos import PCA
from algos.pca import covariance, estimator
from algos.pca.moments import gather
from algos.pca.solvers import choose_solver
from algos.pca.spectrum import completed, count_by_evidence, with_fixed_signs

SOLVERS = ["full", "covariance_eigh", "arpack", "randomized"]
Reference = decomposition.PCA
ATTRIBUTES = [
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "noise_variance_",
]
solvers = pytest.mark.parametrize("solver", SOLVERS)
types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def rows(n=300, d=12, seed=0, dtype=np.float64, offset=2.0):
    """Return rows whose standard deviations along random directions fall from 3 to 0.3."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(d, d)))[0]
    X = (rng.normal(size=(n, d)) * np.geomspace(3, 0.3, d)) @ directions
    return (X + offset).astype(dtype)


def both(X, **parameters):
    """Return our fit, and scikit-learn's exact one in double precision."""
    reference = {"n_components": parameters.get("n_components"), "svd_solver": "full"}
    reference["whiten"] = parameters.get("whiten", False)
    ours = PCA(random_state=0, **parameters).fit(X)
    return ours, Reference(**reference).fit(X.astype(np.float64))


def tolerance(dtype):
    return {np.float32: 1e-5, np.float64: 1e-9}[dtype]


@types
@solvers
@pytest.mark.parametrize("shape", [(300, 12), (40, 39), (20, 60)], ids=str)
def test_attributes_equal_those_of_scikit_learn(solver, shape, dtype):
    X = rows(*shape, dtype=dtype)
    ours, reference = both(X, n_components=5, svd_solver=solver)
    for name in ATTRIBUTES:
        found, expected = np.asarray(getattr(ours, name)), np.asarray(getattr(reference, name))
        assert found.shape == expected.shape, name
        scale = np.abs(expected).max()
        atol = 50 * tolerance(dtype) * scale
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=name)
    assert ours.n_components_ == reference.n_components_
    assert ours.n_samples_ == reference.n_samples_
    assert ours.svd_solver_ == solver


@types
@solvers
@pytest.mark.parametrize("whiten", [False, True])
def test_results_equal_those_of_scikit_learn(solver, whiten, dtype):
    X = rows(dtype=dtype)
    ours, reference = both(X, n_components=4, svd_solver=solver, whiten=whiten)
    Z = ours.transform(X)
    assert Z.dtype == dtype
    assert Z.flags.c_contiguous
    atol = 500 * tolerance(dtype)
    np.testing.assert_allclose(Z, reference.transform(X.astype(float)), rtol=0, atol=atol)
    assert Z.tobytes() == ours.fit_transform(X).tobytes()
    back = ours.inverse_transform(Z)
    assert back.dtype == dtype
    np.testing.assert_allclose(
        back, reference.inverse_transform(Z.astype(float)), rtol=0, atol=atol
    )


@solvers
def test_the_model_has_the_moments_and_likelihoods_of_scikit_learn(solver):
    X = rows()
    ours, reference = both(X, n_components=4, svd_solver=solver)
    for name in ("get_covariance", "get_precision"):
        found, expected = getattr(ours, name)(), getattr(reference, name)()
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.score_samples(X), reference.score_samples(X), rtol=1e-7)
    assert ours.score(X) == pytest.approx(reference.score(X), rel=1e-9)


@types
@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh"])
@pytest.mark.parametrize("shape", [(200, 5), (5, 60)], ids=str)
def test_whitening_does_not_magnify_rounding(shape, solver, dtype):
    rng = np.random.default_rng(0)
    rank = min(3, shape[0] - 1)
    X = (rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))).astype(dtype)
    pca = PCA(whiten=True, svd_solver=solver).fit(X)
    Z = pca.transform(X)
    assert Z.dtype == pca._deviations().dtype == dtype
    np.testing.assert_allclose(Z[:, :rank].std(axis=0, ddof=1), 1, rtol=1e-4)
    assert np.abs(Z[:, rank:]).max() <= 100
    assert pca.inverse_transform(Z).dtype == dtype
    np.testing.assert_allclose(pca.inverse_transform(Z), X, atol=500 * tolerance(dtype))


@types
@pytest.mark.parametrize("n_components", [None, 4, 3, 2])
@pytest.mark.parametrize("deviations", [(3, 2, 1, 0.5), (100, 1, 1, 0.5)], ids=str)
def test_the_precision_is_the_inverse_of_the_covariance(deviations, n_components, dtype):
    X = (np.random.default_rng(0).normal(size=(100, 4)) * deviations).astype(dtype)
    pca = PCA(n_components).fit(X)
    covariance = pca.get_covariance().astype(np.float64)
    product = pca.get_precision().astype(np.float64) @ covariance
    rounding = 10 * np.finfo(dtype).eps * np.linalg.cond(covariance)
    np.testing.assert_allclose(product, np.eye(4), rtol=0, atol=rounding)


@types
@pytest.mark.parametrize("n_components", [None, 5, 3])
def test_the_likelihood_minds_small_variances(n_components, dtype):
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X = (rng.normal(size=(2000, 6)) * np.geomspace(1, 1e-4, 6) @ directions).astype(dtype)
    ours, reference = both(X, n_components=n_components, svd_solver="full")
    expected = reference.score(X.astype(np.float64))
    assert ours.score(X) == pytest.approx(expected, abs=1e-5 if dtype == np.float32 else 1e-8)


def test_whitening_does_not_change_the_model_of_the_data():
    X = rows()
    plain, white = (PCA(4, whiten=whiten).fit(X) for whiten in (False, True))
    assert np.array_equal(plain.get_covariance(), white.get_covariance())
    assert np.array_equal(plain.score_samples(X), white.score_samples(X))
    np.testing.assert_allclose(np.cov(white.transform(X).T), np.eye(4), atol=1e-9)


@pytest.mark.parametrize("n_components", [None, 0, 3, 12, 0.2, 0.9, 0.999999, "mle"])
@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh"])
def test_the_number_of_components_is_that_of_scikit_learn(solver, n_components):
    ours, reference = both(rows(), n_components=n_components, svd_solver=solver)
    assert ours.n_components_ == reference.n_components_
    assert ours.noise_variance_ == pytest.approx(reference.noise_variance_)
    assert ours.transform(rows()).shape == (300, reference.n_components_)
    if n_components == 0:
        return  # nothing to come back from
    back = ours.inverse_transform(ours.transform(rows()))
    np.testing.assert_allclose(back, reference.inverse_transform(reference.transform(rows())))


def test_arpack_leaves_one_direction_out_by_default():
    assert PCA(svd_solver="arpack").fit(rows()).n_components_ == 11
    assert PCA(svd_solver="randomized").fit(rows()).n_components_ == 12


@pytest.mark.parametrize("seed", range(5))
def test_the_evidence_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 9)) + 0.1 * rng.normal(size=(200, 9))
    assert PCA("mle").fit(X).n_components_ == Reference("mle").fit(X).n_components_ == 3


def test_the_evidence_bears_equal_variances():
    assert count_by_evidence(np.array([4.0, 4.0, 1.0, 1.0, 1.0]), 100) == 2
    assert 1 <= count_by_evidence(np.zeros(4), 100) <= 3


@pytest.mark.parametrize("normalizer", ["auto", "QR", "LU", "none"])
@pytest.mark.parametrize("iterated_power", [0, 2, 7])
def test_power_iterations_are_as_accurate_as_those_of_scikit_learn(iterated_power, normalizer):
    X = rows(400, 100)
    exact = PCA(6, svd_solver="full").fit(X).explained_variance_
    parameters = {
        "svd_solver": "randomized",
        "iterated_power": iterated_power,
        "power_iteration_normalizer": normalizer,
        "n_oversamples": 5,
    }

    def error(kind):
        found = [kind(6, random_state=i, **parameters).fit(X) for i in range(40)]
        return np.median([np.abs(pca.explained_variance_ / exact - 1).max() for pca in found])

    # Equal in law: the medians differ by the spread of 40 runs alone.
    assert error(PCA) <= 1.4 * error(Reference) + 1e-12


@types
def test_randomized_finds_the_eigenvalues_of_a_falling_spectrum(dtype):
    X = rows(2000, 300, dtype=dtype)
    ours, reference = both(X, n_components=10, svd_solver="randomized")
    error = np.abs(ours.explained_variance_ / reference.explained_variance_ - 1).max()
    assert error <= 1e-6


@types
@solvers
@pytest.mark.parametrize("offset", [0, 10, 1e3, 1e4])
def test_an_offset_costs_no_digits(solver, offset, dtype):
    # The rows with the offset are the truth, so that its own rounding is not in question.
    X = rows(20_000, 10, dtype=dtype, offset=offset)
    double = X.astype(np.float64)
    covariance = np.cov((double - double.mean(axis=0)).T)
    exact = np.linalg.eigvalsh(covariance)[::-1][:5]
    found = PCA(5, svd_solver=solver, random_state=0).fit(X).explained_variance_
    assert np.abs(found / exact - 1).max() <= (1e-6 if dtype == np.float32 else 1e-9)


def test_the_covariance_of_single_precision_is_nearly_that_of_double():
    X = rows(50_000, 10, dtype=np.float32)
    found = gather(X, 2).scatter
    double = X.astype(np.float64)
    double -= double.mean(axis=0)
    exact = double.T @ double
    values = np.linalg.eigvalsh(found), np.linalg.eigvalsh(exact)
    # Twice the spacing of floats: code for old processors rounds once more in each product.
    assert np.abs(values[0] / values[1] - 1).max() <= 2 * np.finfo(np.float32).eps


def test_a_sample_that_misses_the_mean_costs_no_digits():
    # Every row of the sample is at 0, all others are near 1000.
    X = 1000 + rows(256 * 40, 3, dtype=np.float32, offset=0)
    X[:: -(-len(X) // 256)] = 0
    X = np.concatenate([X] + [X[1:40]] * 200)  # the sample's share is small
    moments = gather(X, 1)
    double = X.astype(np.float64)
    np.testing.assert_allclose(moments.mean, double.mean(axis=0), rtol=4e-9)
    exact = np.cov(double.T) * (len(X) - 1)
    np.testing.assert_allclose(moments.scatter, exact, rtol=1e-6)


@solvers
@pytest.mark.parametrize("shape", [(3000, 40), (60, 300)], ids=str)
@types
def test_the_number_of_threads_changes_no_bit(solver, shape, dtype):
    X = rows(*shape, dtype=dtype)
    one, two = (
        PCA(5, svd_solver=solver, random_state=3, n_jobs=n_jobs).fit(X) for n_jobs in (1, 2)
    )
    for name in ATTRIBUTES:
        found, expected = np.asarray(getattr(two, name)), np.asarray(getattr(one, name))
        assert found.tobytes() == expected.tobytes(), name
    assert one.transform(X).tobytes() == two.transform(X).tobytes()


@types
@pytest.mark.parametrize("n_components", [0.5, 0.9, None])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_the_number_of_threads_changes_no_bit_of_a_share_of_wide_rows(
    is_sparse, n_components, dtype
):
    X = rows(40, 200, dtype=dtype)
    X = sparse.csr_array(X) if is_sparse else X
    one, two = (
        PCA(n_components, svd_solver="covariance_eigh", n_jobs=n_jobs).fit(X) for n_jobs in (1, 2)
    )
    for name in ATTRIBUTES:
        found, expected = np.asarray(getattr(two, name)), np.asarray(getattr(one, name))
        assert found.tobytes() == expected.tobytes(), name


@types
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95, 0.9999])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_share_of_wide_rows_has_the_components_of_their_number(
    is_sparse, share, dtype, monkeypatch
):
    X = rows(40, 200, dtype=dtype)
    data = sparse.csr_array(X) if is_sparse else X
    made = []
    orthonormal = covariance._orthonormal
    monkeypatch.setattr(
        covariance, "_orthonormal", lambda rows: made.append(len(rows)) or orthonormal(rows)
    )
    pca = PCA(share, svd_solver="covariance_eigh").fit(data)
    count = pca.n_components_
    assert count == Reference(share, svd_solver="full").fit(X.astype(np.float64)).n_components_
    assert made == [min(count, 39)]  # others would take time for nothing
    fixed = PCA(count, svd_solver="covariance_eigh").fit(data)
    atol = 100 * np.finfo(dtype).eps
    for name in ATTRIBUTES:
        found, expected = getattr(pca, name), getattr(fixed, name)
        np.testing.assert_allclose(found, expected, rtol=10 * atol, atol=10 * atol, err_msg=name)
    identity = np.eye(count)
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, identity, atol=atol)


@types
@pytest.mark.parametrize("n_components", [0.5, 0.99, 0.999999, None])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_wide_rows_of_widely_different_variances_lose_no_more_than_squares_do(
    is_sparse, n_components, dtype
):
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.normal(size=(size, 60)))[0] for size in (60, 700))
    X = (U * np.geomspace(1, 1e-7, 60) @ V.T).astype(dtype)
    centered = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    _, expected, directions = np.linalg.svd(centered, full_matrices=False)
    pca = PCA(n_components).fit(sparse.csr_array(X) if is_sparse else X)
    count = pca.n_components_
    share = np.cumsum(expected**2) / (expected**2).sum()
    assert count == (60 if n_components is None else np.count_nonzero(share <= n_components) + 1)
    unit = {np.float32: 1e-9, np.float64: 1e-15}[dtype]
    atol = 10 * unit * expected[0] ** 2
    rtol = 10 * float(np.finfo(dtype).eps)
    squares = pca.singular_values_.astype(np.float64) ** 2
    np.testing.assert_allclose(squares, expected[:count] ** 2, rtol=rtol, atol=atol)
    components = pca.components_.astype(np.float64)
    atol = 20 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(components @ components.T, np.eye(count), atol=atol)
    known = min(count, int(np.count_nonzero(expected > 1e3 * np.sqrt(unit) * expected[0])))
    along = np.abs(np.einsum("ij,ij->i", components[:known], directions[:known]))
    np.testing.assert_allclose(along, 1, atol=1e-4)


@solvers
def test_components_are_orthonormal_with_positive_peaks(solver):
    for shape in [(300, 12), (10, 40), (50, 50)]:
        components = PCA(6, svd_solver=solver, random_state=0).fit(rows(*shape)).components_
        np.testing.assert_allclose(components @ components.T, np.eye(6), atol=1e-9)
        assert np.all(components[np.arange(6), np.abs(components).argmax(axis=1)] > 0)


@solvers
@types
def test_rows_of_lower_rank_than_wished_have_variances_of_zero(solver, dtype):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(100, 2)) @ rng.normal(size=(2, 8)) + 1).astype(dtype)
    for data, rank in [(X, 2), (np.ones_like(X), 0)]:
        pca = PCA(4, svd_solver=solver, random_state=0).fit(data)
        scale = pca.explained_variance_.max() or 1
        assert np.all(pca.explained_variance_[rank:] <= 1e-5 * scale)
        np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(4), atol=1e-5)
        assert np.all(np.isfinite(pca.score_samples(data)))
        ratio = pca.explained_variance_ratio_.sum()
        assert ratio == pytest.approx(1 if rank else 0, abs=1e-5)


def low_rank(kind, n, d, rank, seed, dtype):
    rng = np.random.default_rng(seed)
    if kind == "one-hot":
        X = np.zeros((n, d))
        X[np.arange(n), rng.integers(0, min(rank, d), n)] = 1
    else:
        X = rng.normal(size=(n, rank)) * np.geomspace(1, 1e-2, rank) @ rng.normal(size=(rank, d))
    return X.astype(dtype)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["one-hot", "products"]),
    n=st.integers(2, 60),
    more=st.integers(1, 60),
    rank=st.integers(1, 6),
    solver=st.sampled_from(["auto", "covariance_eigh"]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_wide_rows_of_low_rank_have_orthonormal_components(
    kind, n, more, rank, solver, dtype, seed
):
    d = n + more
    X = low_rank(kind, n, d, rank, seed, dtype)
    centered = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    _, expected, V = np.linalg.svd(centered, full_matrices=False)
    eps = np.finfo(dtype).eps
    for data in (X, sparse.csr_array(X)):
        pca = PCA(svd_solver=solver).fit(data)
        components = pca.components_.astype(np.float64)
        assert np.abs(components @ components.T - np.eye(n)).max() < 50 * eps
        atol = 50 * eps * expected[0] ** 2
        np.testing.assert_allclose(pca.singular_values_**2, expected**2, rtol=0, atol=atol)
        # The leading directions are those of the data, and hold all of it.
        kept = int(np.count_nonzero(expected > 1e-3 * (expected[0] or 1)))
        outside = V[:kept] - V[:kept] @ components[:kept].T @ components[:kept]
        assert np.abs(outside).max(initial=0) < 1e6 * eps


@pytest.mark.parametrize("count", [None, 500])
def test_many_wide_rows_of_few_kinds_have_components(count):
    X = low_rank("one-hot", 600, 1500, 4, 0, np.float64)
    for data in (X, sparse.csr_array(X)):
        pca = PCA(count).fit(data)
        identity = np.eye(pca.n_components_)
        np.testing.assert_allclose(pca.components_ @ pca.components_.T, identity, atol=1e-12)
        assert pca.explained_variance_[3:].max() < 1e-12
        assert pca.explained_variance_ratio_[:3].sum() == pytest.approx(1)


@solvers
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(np.float32, 1e15), (np.float32, 1e-15), (np.float64, 1e150), (np.float64, 1e-150)],
    ids=str,
)
def test_extreme_values_give_the_scaled_result(solver, dtype, scale):
    X = rows(dtype=dtype)
    plain = PCA(3, svd_solver=solver, random_state=0).fit(X)
    extreme = PCA(3, svd_solver=solver, random_state=0).fit(X * dtype(scale))
    for name, power in [("singular_values_", 1), ("mean_", 1), ("explained_variance_", 2)]:
        expected = getattr(plain, name).astype(np.float64) * float(scale) ** power
        np.testing.assert_allclose(getattr(extreme, name), expected, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(extreme.components_, plain.components_, atol=1e-4)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_a_variance_beyond_the_type_is_one_clear_error(learn):
    X = rows(dtype=np.float32) * np.float32(1e30)
    with pytest.raises(ValueError, match=r"variance .* must be .*; pass float64"):
        getattr(PCA(2), learn)(X)


def test_extreme_rows_of_single_precision_have_a_spectrum_in_double():
    X = rows(dtype=np.float32) * np.float32(1e30)
    ratio = PCA(2).fit(X.astype(np.float64)).explained_variance_ratio_
    np.testing.assert_allclose(ratio, PCA(2).fit(rows()).explained_variance_ratio_, rtol=1e-5)


@pytest.mark.parametrize(
    ("solver", "n_components", "message"),
    [
        ("full", 13, r"must be between 0 and min\(n_samples, n_features\)=12"),
        ("covariance_eigh", 13, r"must be between 0 and .*svd_solver='covariance_eigh'; "),
        ("randomized", 13, r"must be between 1 and"),
        ("randomized", 0, r"must be between 1 and"),
        ("randomized", "mle", r"`n_components`='mle' must be an int between 1 and"),
        ("arpack", 0.5, r"`n_components`=0.5 must be an int between 1 and"),
        ("arpack", 12, r"must be strictly less than both n_samples=300 and n_features=12"),
    ],
)
def test_a_wrong_number_of_components_is_refused(solver, n_components, message):
    with pytest.raises(ValueError, match=message):
        PCA(n_components, svd_solver=solver).fit(rows())
    with pytest.raises(ValueError, match="n_components"):
        Reference(n_components, svd_solver=solver).fit(rows())


def test_mle_needs_as_many_rows_as_columns():
    for kind in (PCA, Reference):
        with pytest.raises(ValueError, match=r"mle.*n_samples >= n_features"):
            kind("mle", svd_solver="full").fit(rows(5, 12))


def test_rows_are_never_written_to_nor_copied_into_the_estimator():
    for solver in SOLVERS:
        for keep in (True, False):
            X = rows()
            X.flags.writeable = False
            before = X.copy()
            PCA(3, svd_solver=solver, copy=keep).fit_transform(X)
            assert np.array_equal(X, before)


def test_inverse_transform_minds_the_number_of_components():
    pca = PCA(3).fit(rows())
    with pytest.raises(ValueError, match=r"4 features.*3 components; "):
        pca.inverse_transform(np.zeros((2, 4)))


@solvers
def test_only_solvers_that_draw_take_from_the_global_state(solver):
    np.random.seed(0)
    expected = np.random.rand()
    np.random.seed(0)
    PCA(2, svd_solver=solver).fit(rows())
    assert (np.random.rand() == expected) == (solver in ("full", "covariance_eigh"))


def test_inverse_transform_checks_plain_rows_fast_and_others_fully(monkeypatch):
    pca = PCA(3).fit(rows())
    Z = pca.transform(rows())
    expected = pca.inverse_transform(Z)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="contains"):
            pca.inverse_transform(np.array([[0.0, bad, 1.0]]))
    with pytest.raises(ValueError, match="2D"):
        pca.inverse_transform(Z[0])
    for other in (np.asfortranarray(Z), Z.tolist(), Z.astype(">f8")):
        assert np.array_equal(pca.inverse_transform(other), expected)

    def refuse(*args, **kwargs):
        raise AssertionError("the slow check")

    monkeypatch.setattr(estimator, "check_array", refuse)
    for dtype in (np.float32, np.float64):
        found = pca.inverse_transform(Z[:1].astype(dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected[:1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("solver", "dtype", "error"),
    [
        ("full", np.float32, 3e-7),
        ("arpack", np.float32, 1e-3),
        ("covariance_eigh", np.float32, 4e-2),  # fewer digits where registers are short
        ("randomized", np.float32, 2e-2),
        ("full", np.float64, 1e-12),
        ("arpack", np.float64, 1e-9),
        ("covariance_eigh", np.float64, 3e-9),
        ("randomized", np.float64, 3e-9),
    ],
)
def test_small_variances_are_as_accurate_as_documented(solver, dtype, error):
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X = (rng.normal(size=(20_000, 6)) * np.geomspace(1, 1e-4, 6) @ directions).astype(dtype)
    ours, reference = both(X, n_components=5, svd_solver=solver)
    found = ours.explained_variance_ / reference.explained_variance_
    np.testing.assert_allclose(found, 1, rtol=error)


# ---- streaming


@settings(max_examples=30)
@given(
    cuts=st.lists(st.integers(1, 99), max_size=6),
    offset=st.sampled_from([0.0, 1e4]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_streamed_equals_whole_and_merged_equals_joint(cuts, offset, dtype):
    X = rows(100, 6, dtype=dtype, offset=offset)
    whole = PCA(3, svd_solver="covariance_eigh").fit(X)
    edges = [0, *sorted(set(cuts)), 100]
    parts = [X[a:b] for a, b in pairwise(edges)]
    streamed, merged = PCA(3), PCA(3)
    for part in parts:
        streamed.partial_fit(part)
    for i, part in enumerate(parts):
        other = PCA(3).partial_fit(part)
        merged = other if i == 0 else merged.merge(other)
    rtol = 2e-4 if dtype == np.float32 else 1e-8
    for pca in (streamed, merged):
        assert pca.n_samples_ == 100
        np.testing.assert_allclose(pca.mean_, whole.mean_, rtol=rtol)
        for name in ("explained_variance_", "noise_variance_"):
            np.testing.assert_allclose(getattr(pca, name), getattr(whole, name), rtol=rtol)
        np.testing.assert_allclose(pca.components_, whole.components_, atol=20 * rtol)


@pytest.mark.parametrize("solver", ["auto", "sketch"])
def test_the_model_of_float32_and_float64_rows_is_float64_in_any_order(solver):
    short, double = rows(90, 80, dtype=np.float32), rows(90, 80, seed=1)
    for first, second in ((short, double), (double, short)):
        streamed = PCA(2, svd_solver=solver).partial_fit(first).partial_fit(second)
        other = PCA(2, svd_solver=solver).partial_fit(second)
        merged = PCA(2, svd_solver=solver).partial_fit(first).merge(other)
        for pca in (streamed, merged):
            assert pca.components_.dtype == pca.mean_.dtype == np.float64
    anew = streamed.fit(short)
    assert anew.components_.dtype == np.float32


def test_too_few_rows_are_learned_and_the_missing_ones_counted():
    X = rows(10, 6)
    pca = PCA(4)
    for seen in range(1, 4):
        pca.partial_fit(X[seen - 1 : seen])
        for method in (pca.transform, pca.score_samples, pca.inverse_transform):
            with pytest.raises(NotFittedError, match=rf"seen {seen} row.* lacks {4 - seen} more"):
                method(X)
    pca.partial_fit(X[3:])
    np.testing.assert_allclose(pca.explained_variance_, PCA(4).fit(X).explained_variance_)


def test_fewer_components_may_be_asked_for_when_rows_are_missing():
    X = rows()
    pca = PCA(5).partial_fit(X[:3])
    with pytest.raises(NotFittedError, match=r"3 row\(s\) and lacks 2 more"):
        pca.transform(X)
    with pytest.raises(AttributeError, match=r"no 'components_' yet; it has seen 3 row"):
        _ = pca.components_
    pca.set_params(n_components=2)
    expected = PCA(2).partial_fit(X[:3])
    assert pca.transform(X).tobytes() == expected.transform(X).tobytes()
    assert pca.explained_variance_.tolist() == expected.explained_variance_.tolist()


@pytest.mark.parametrize(("n", "n_components"), [(2, 4), (3, 50), (40, 50)])
@pytest.mark.parametrize("solver", ["auto", "sketch"])
def test_more_components_than_columns_are_refused_at_the_first_rows(solver, n, n_components):
    pca = PCA(n_components, svd_solver=solver)
    with pytest.raises(ValueError, match=f"`n_components`={n_components} must be between"):
        pca.partial_fit(rows(n, 3))
    assert not hasattr(pca, "n_samples_")


@pytest.mark.parametrize(
    ("value", "message"),
    [(5, "lacks 2 more"), (7, "must be between"), ("a", "must be an int")],
)
def test_parameters_are_checked_again_when_the_model_is_made(value, message):
    pca = PCA(2).partial_fit(rows(3, 6)).set_params(n_components=value)
    with pytest.raises(ValueError, match=message):
        pca.transform(rows(3, 6))
    assert pca.set_params(n_components=2).components_.shape == (2, 6)


def test_a_model_goes_when_the_rows_no_longer_suffice():
    X = rows(12, 10)
    pca = PCA(2).partial_fit(X[:5])
    pca.set_params(n_components=10).partial_fit(X[5:7])
    with pytest.raises(NotFittedError, match=r"seen 7 row.* lacks 3 more"):
        pca.transform(X)
    assert not hasattr(pca, "explained_variance_")
    assert pca.partial_fit(X[7:]).transform(X).shape == (12, 10)


def test_a_stream_that_began_with_one_row_may_be_merged():
    X = rows(10, 6)
    pca = PCA(4).partial_fit(X[:1]).merge(PCA(4).partial_fit(X[1:]))
    np.testing.assert_allclose(pca.explained_variance_, PCA(4).fit(X).explained_variance_)


@solvers
@pytest.mark.parametrize("n", [200, 8])
def test_learning_continues_an_exact_fit_exactly(solver, n):
    X = rows()
    pca = PCA(4, svd_solver=solver, random_state=0).fit(X[:n]).partial_fit(X[n:])
    whole = PCA(4, svd_solver="full").fit(X)
    np.testing.assert_allclose(pca.explained_variance_, whole.explained_variance_)
    np.testing.assert_allclose(pca.components_, whole.components_, atol=1e-8)
    assert pca.svd_solver_ == "covariance_eigh"


TRUNCATED = [("arpack", 200), ("randomized", 200), ("full", 50), ("covariance_eigh", 50)]


@pytest.mark.parametrize(("solver", "n"), TRUNCATED)
@pytest.mark.parametrize("offset", [2.0, 1e6])
def test_learning_continues_a_truncated_fit_from_its_model_and_warns(solver, n, offset):
    X = rows(300, 80, offset=offset)
    pca = PCA(4, svd_solver=solver, random_state=0).fit(X[:n])
    model = pca.get_covariance() * (n - 1)
    joint, merged = copy.deepcopy(pca), copy.deepcopy(pca)
    match = r'fit with svd_solver="covariance_eigh" and .*partial_fit from the start'
    with pytest.warns(UserWarning, match=match) as caught:
        joint.partial_fit(X[n:])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    other = PCA(4, svd_solver=solver, random_state=0).partial_fit(X[n:])
    with pytest.warns(UserWarning, match=match) as caught:
        merged.merge(other)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    step = pca.mean_ - other.mean_
    scatter = model + np.cov(X[n:].T) * (299 - n) + n * (300 - n) / 300 * np.outer(step, step)
    values = np.linalg.eigvalsh(scatter / 299)[::-1]
    for found in (joint, merged):
        np.testing.assert_allclose(found.mean_, X.mean(axis=0))
        np.testing.assert_allclose(found.explained_variance_, values[:4])
        found.partial_fit(X[:1])  # warns no more


def test_learning_continues_a_wide_fit_of_all_components_exactly():
    X = rows(300, 80)
    pca = PCA().fit(X[:50]).partial_fit(X[50:])
    np.testing.assert_allclose(pca.explained_variance_, PCA().fit(X).explained_variance_)


@solvers
def test_learning_continues_from_the_mean_in_double(solver):
    X = rows(300, 80, dtype=np.float32, offset=1000)
    pca = PCA(4, svd_solver=solver, random_state=0).fit(X)
    np.testing.assert_allclose(pca._mean, X.mean(axis=0, dtype=np.float64), rtol=1e-12)


def test_a_pickle_goes_on_learning():
    X = rows()
    pca = pickle.loads(pickle.dumps(PCA(4).partial_fit(X[:50])))
    expected = PCA(4).partial_fit(X[:50]).partial_fit(X[50:])
    assert np.array_equal(pca.partial_fit(X[50:]).components_, expected.components_)
    assert not hasattr(clone(pca), "components_")


# ---- parts


@pytest.mark.parametrize(
    ("shape", "count", "solver"),
    [
        ((1_000_000, 50), 10, "covariance_eigh"),
        ((200_000, 300), 50, "covariance_eigh"),
        ((20_000, 2000), 20, "randomized"),
        ((1797, 64), None, "covariance_eigh"),
        ((20, 60), 5, "full"),
        ((500, 20_000), 10, "covariance_eigh"),
        ((500, 20_000), None, "covariance_eigh"),
        ((5000, 20_000), 10, "randomized"),
        ((3000, 2000), None, "covariance_eigh"),
    ],
    ids=str,
)
def test_auto_chooses_by_shape(shape, count, solver):
    assert choose_solver(*shape, count, 10) == solver


def test_completed_rows_are_orthonormal_and_begin_with_the_given():
    given_rows = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))[0].T
    for start in (given_rows, np.empty((0, 6)), np.eye(6)[:2]):
        found = completed(start, 6)
        assert np.array_equal(found[: len(start)], start)
        np.testing.assert_allclose(found @ found.T, np.eye(6), atol=1e-12)


@pytest.mark.parametrize("d", [300, 301, 2000])
@pytest.mark.parametrize("found", [0, 1, 100, 239, 241, 290, 299])
def test_few_or_many_missing_rows_are_completed(found, d):
    start = np.linalg.qr(np.random.default_rng(0).normal(size=(d, found)))[0].T
    whole = completed(start, 300)
    assert whole.shape == (300, d)
    assert np.array_equal(whole[:found], start)
    np.testing.assert_allclose(whole @ whole.T, np.eye(300), atol=1e-14)
    assert completed(start, 300).tobytes() == whole.tobytes()


def test_one_missing_row_is_completed_without_factorising_the_others(monkeypatch):
    sizes = []
    qr = linalg.qr
    monkeypatch.setattr(linalg, "qr", lambda A, **rest: sizes.append(A.shape) or qr(A, **rest))
    completed(np.eye(40, 300), 41)
    assert set(sizes) == {(300, 1)}


def test_signs_follow_the_largest_coordinate_the_first_of_equals():
    fixed = with_fixed_signs(np.array([[1.0, -2.0], [-3.0, 3.0], [0.0, 0.0]]))
    assert np.array_equal(fixed, [[-1.0, 2.0], [3.0, -3.0], [0.0, 0.0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_beside_a_constant_are_infinitely_unlikely_without_a_warning(dtype):
    X = np.ones((20, 3), dtype=dtype)
    scores = PCA(n_components=2, random_state=0).fit(X).score_samples(X * 1e5)
    assert np.all(scores < -1e30)


def test_rows_and_their_negatives_have_the_components_of_uncentered_rows():
    X = np.random.default_rng(0).normal(size=(50, 6)) + np.arange(6)
    pca = PCA(3).partial_fit(X).partial_fit(-X)
    _, singular, directions = np.linalg.svd(X, full_matrices=False)
    np.testing.assert_allclose(pca.singular_values_, np.sqrt(2) * singular[:3])
    np.testing.assert_allclose(np.abs(pca.components_), np.abs(directions[:3]), atol=1e-12)
    np.testing.assert_allclose(pca.mean_, 0, atol=1e-14)


@pytest.mark.parametrize(
    ("solver", "shape", "reason"),
    [
        ("auto", (50, 6), "'covariance_eigh': the covariance is the fastest for 50 rows"),
        ("auto", (20, 60), "'full': there are more columns than rows"),
        ("auto", (600, 2000), "'randomized': passes over 600 rows take less time"),
        ("arpack", (50, 6), "'arpack': it was asked for"),
    ],
)
def test_verbose_tells_the_solver_and_why(solver, shape, reason, capsys):
    PCA(2, svd_solver=solver, verbose=1, random_state=0).fit(
        np.random.default_rng(0).normal(size=shape) * 0.5 ** np.minimum(np.arange(shape[1]), 30)
    )
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"[PCA] svd_solver {reason}")
    assert f"rows {shape[0]}, components 2, variance_ratio 0.9" in last


@pytest.mark.parametrize(
    ("n_components", "solver", "shape", "reason"),
    [
        (None, "auto", (600, 2000), "it finds all 600 directions, and truncated solvers"),
        (0.9, "auto", (700, 600), "it finds all 600 directions"),
        (5, "sketch", (300, 40), "a sketch of 40 columns would take no less memory than their"),
        (5, "covariance_eigh", (300, 40), "it was asked for"),
    ],
)
def test_verbose_tells_why_the_covariance_is_taken(n_components, solver, shape, reason, capsys):
    X = np.random.default_rng(0).normal(size=shape)
    PCA(n_components, svd_solver=solver, verbose=1).fit(X)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"[PCA] svd_solver 'covariance_eigh': {reason}")
    assert "svd_solver_ 'covariance_eigh'" in last


@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh"])
def test_whitening_magnifies_no_rounding(solver):
    X = load_digits().data  # three columns are constant
    found = PCA(whiten=True, svd_solver=solver).fit_transform(X)
    deviations = found.std(axis=0)
    assert deviations.max() < 1.01
    assert (deviations < 0.1).sum() == 3
