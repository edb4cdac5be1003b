"""KMeans against scikit-learn's, brute force and its own promises."""

import os
import subprocess
import sys
import tracemalloc
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans as ReferenceKMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning

from algos import KMeans
from algos.callbacks import Checkpoint
from algos.kmeans import metric
from algos.kmeans.restarts import Model, _is_better, owes_digits, refined
from algos.kmeans.rows import weight_by_label
from tests.common.recorder import Recorder, StopError, needs_callbacks, stop

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(scope="module")
def digits():
    return load_digits().data


def make_rows(X):
    """Return rows as a fit has them."""
    return metric.make_rows(X, None, np.zeros(2, dtype=np.uint64), 1, "euclidean")


def brute_force(X, centers):
    """Return (labels, squared distances), both in float64."""
    X, centers = np.asarray(X, np.float64), np.asarray(centers, np.float64)
    squares = np.stack([((X - center) ** 2).sum(axis=1) for center in centers], axis=1)
    return squares.argmin(axis=1), squares


@DTYPES
def test_labels_are_those_of_brute_force(digits, dtype):
    X = digits.astype(dtype)
    model = KMeans(10, random_state=0).fit(X)
    labels, squares = brute_force(X, model.cluster_centers_)
    rows = np.arange(len(X))
    ties = 1e-4 if dtype == np.float32 else 1e-10
    differ = model.labels_ != labels
    assert np.all(squares[rows, model.labels_][differ] - squares.min(axis=1)[differ] < ties)
    assert differ.mean() < 0.001
    assert np.array_equal(model.predict(X), model.labels_)
    assert model.labels_.dtype == np.int32


@DTYPES
@pytest.mark.parametrize("offset", [0, 1e4])
def test_inertia_is_that_of_the_returned_centers(dtype, offset):
    X = (make_blobs(2000, n_features=10, centers=10, random_state=0)[0] + offset).astype(dtype)
    model = KMeans(10, random_state=0).fit(X)
    _, squares = brute_force(X, model.cluster_centers_)
    assert model.inertia_ == pytest.approx(squares.min(axis=1).sum(), rel=1e-6)
    assert model.score(X) == pytest.approx(-model.inertia_, rel=1e-12)


def test_same_start_gives_scikit_learns_result(digits):
    init = digits[:10]
    ours = KMeans(10, init=init, n_init=1).fit(digits)
    theirs = ReferenceKMeans(10, init=init, n_init=1).fit(digits)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, atol=1e-11)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-12)
    assert ours.n_iter_ == theirs.n_iter_
    assert_allclose(ours.transform(digits), theirs.transform(digits), atol=1e-9)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_starts_are_as_good_as_scikit_learns(digits, init):
    runs = range(12)
    ours = [KMeans(10, init=init, n_init=1, random_state=i).fit(digits).inertia_ for i in runs]
    theirs = [
        ReferenceKMeans(10, init=init, n_init=1, random_state=i).fit(digits).inertia_ for i in runs
    ]
    assert np.mean(ours) < 1.01 * np.mean(theirs)


def test_an_offset_in_float32_costs_no_quality():
    X, _ = make_blobs(3000, n_features=5, centers=8, random_state=1)
    far = (X + 1e4).astype(np.float32)
    model = KMeans(8, random_state=0, n_init=5).fit(far)
    exact = KMeans(8, random_state=0, n_init=5).fit(X)
    assert model.inertia_ == pytest.approx(exact.inertia_, rel=1e-4)


def test_fit_neither_writes_nor_copies(digits):
    X = digits.copy()
    X.setflags(write=False)
    KMeans(5, random_state=0, copy_x=False).fit(X)
    assert np.array_equal(X, digits)


def columns_first(centers):
    """A callable init whose centres come in Fortran order."""
    return lambda X, n_clusters, random_state: np.asfortranarray(centers)


@pytest.mark.parametrize("init", [np.asfortranarray, columns_first])
def test_initial_centers_may_have_any_memory_order(digits, init):
    centers = digits[::200].copy()
    expected = KMeans(len(centers), init=centers, n_init=1).fit(digits).cluster_centers_
    found = KMeans(len(centers), init=init(centers), n_init=1).fit(np.asfortranarray(digits))
    assert np.array_equal(found.cluster_centers_, expected)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_weights_equal_repeats_in_any_order(digits, init):
    X = digits[:300]
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, size=len(X))
    repeated = rng.permutation(np.repeat(X, weight, axis=0))
    model = KMeans(6, init=init, random_state=3, n_init=2, tol=0)
    weighted = clone(model).fit(X, sample_weight=weight)
    plain = clone(model).fit(repeated)
    assert_allclose(weighted.cluster_centers_, plain.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert weighted.inertia_ == pytest.approx(plain.inertia_, rel=1e-9)


def test_weights_scale_the_inertia_and_nothing_else(digits):
    model = KMeans(5, random_state=0)
    once = clone(model).fit(digits)
    thrice = clone(model).fit(digits, sample_weight=np.full(len(digits), 3.0))
    assert_allclose(once.cluster_centers_, thrice.cluster_centers_, rtol=1e-9, atol=1e-12)
    assert thrice.inertia_ == pytest.approx(3 * once.inertia_)


def test_empty_clusters_take_the_farthest_rows():
    X = np.array([[0.0], [0.1], [0.2], [10.0], [20.0]])
    init = np.array([[0.1], [1e3], [2e3]])
    model = KMeans(3, init=init, n_init=1).fit(X)
    assert sorted(model.cluster_centers_.ravel()) == pytest.approx([0.1, 10.0, 20.0])


def test_relocation_never_takes_two_equal_rows():
    X = np.array([[0.0], [1.0], [9.0], [9.0], [9.0], [8.0]])
    init = np.array([[0.5], [1e3], [2e3]])
    centers = KMeans(3, init=init, n_init=1).fit(X).cluster_centers_
    assert len(np.unique(centers)) == 3


def test_fewer_different_rows_than_clusters_is_said():
    X = np.repeat(np.eye(3), 5, axis=0)
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(3\).*n_clusters \(5\)"):
        model = KMeans(5, random_state=0).fit(X)
    assert model.inertia_ == 0
    assert np.isfinite(model.cluster_centers_).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_scale_does_not_matter(scale):
    X, _ = make_blobs(400, n_features=3, centers=4, random_state=0)
    X = X / np.abs(X).max()
    dtype = np.float32 if 1e-40 < scale < 1e40 else np.float64
    model = KMeans(4, random_state=0).fit((X * scale).astype(dtype))
    plain = KMeans(4, random_state=0).fit(X.astype(dtype))
    _, squares = brute_force(X, model.cluster_centers_ / dtype(scale))
    assert squares.min(axis=1).sum() == pytest.approx(plain.inertia_, rel=1e-3)
    assert np.array_equal(model.predict((X * scale).astype(dtype)), model.labels_)
    assert_allclose(
        model.transform((X * scale).astype(dtype)) / scale,
        np.sqrt(squares),
        atol=1e-5,
    )


def test_far_rows_have_finite_distances(digits):
    model = KMeans(3, random_state=0).fit(digits.astype(np.float32))
    far = np.full((1, 64), 1e30, dtype=np.float32)
    assert_allclose(model.transform(far), 8e30, rtol=1e-5)


def test_history_describes_the_best_run(digits):
    model = KMeans(10, random_state=0, n_init=3).fit(digits)
    history = model.history_
    assert set(history) == {"objective", "seconds", "validation", "center_shift"}
    assert all(len(column) == model.n_iter_ for column in history.values())
    assert np.all(np.diff(history["objective"]) <= 1e-9 * history["objective"][0])
    assert history["objective"][-1] >= model.inertia_ * (1 - 1e-9)


def test_a_callable_gives_the_start(digits):
    def first_rows(X, n_clusters, random_state):
        assert isinstance(random_state, np.random.RandomState)
        return X[:n_clusters]

    ours = KMeans(4, init=first_rows, n_init=1).fit(digits)
    given = KMeans(4, init=digits[:4]).fit(digits)
    assert np.array_equal(ours.labels_, given.labels_)


def test_more_runs_than_one_start_are_refused_with_a_warning(digits):
    with pytest.warns(RuntimeWarning, match="performing only one init"):
        KMeans(4, init=digits[:4], n_init=3).fit(digits)


@pytest.mark.parametrize("shape", [(3, 64), (4, 63)])
def test_a_start_of_the_wrong_shape_is_refused(digits, shape):
    with pytest.raises(ValueError, match="shape of the initial centers"):
        KMeans(4, init=np.zeros(shape)).fit(digits)


def test_more_clusters_than_rows_is_refused():
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=4"):
        KMeans(4).fit(np.eye(3))


def test_float32_rows_meet_float64_centers(digits):
    model = KMeans(10, random_state=0).fit(digits)
    single = digits.astype(np.float32)
    assert model.transform(single).dtype == np.float32
    assert np.mean(model.predict(single) == model.labels_) > 0.999


def test_max_iter_stops(digits):
    model = KMeans(10, random_state=0, max_iter=2, tol=0).fit(digits)
    assert model.n_iter_ == 2
    assert np.array_equal(model.predict(digits), model.labels_)


def test_verbose_tells_of_runs_and_iterations(digits, capsys):
    KMeans(3, random_state=0, n_init=2, verbose=2).fit(digits)
    text = capsys.readouterr().out
    assert "Run 1: inertia" in text
    assert "Iteration 0, inertia" in text


def test_many_large_centers_give_scikit_learns_result():
    X = np.random.default_rng(0).normal(size=(600, 700))  # k * d too large for lanes
    ours = KMeans(200, init=X[:200], n_init=1, n_jobs=2).fit(X)
    theirs = ReferenceKMeans(200, init=X[:200], n_init=1).fit(X)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, atol=1e-12)


@DTYPES
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("offset", [0, 1e3])
def test_bounds_change_no_label(digits, dtype, weighted, offset):
    X = (digits + offset).astype(dtype)
    weight = np.random.default_rng(0).uniform(size=len(X)) if weighted else None
    plain = KMeans(20, random_state=0, algorithm="lloyd", tol=0).fit(X, sample_weight=weight)
    bounded = KMeans(20, random_state=0, algorithm="elkan", tol=0).fit(X, sample_weight=weight)
    assert (plain.algorithm_, bounded.algorithm_) == ("lloyd", "elkan")
    assert np.array_equal(plain.labels_, bounded.labels_)
    assert plain.n_iter_ == bounded.n_iter_
    assert_allclose(plain.cluster_centers_, bounded.cluster_centers_, rtol=1e-6, atol=1e-5)
    objective = bounded.history_["objective"]
    assert_allclose(objective, plain.history_["objective"], rtol=1e-5 if offset else 1e-6)


def test_bounds_survive_relocation():
    X, _ = make_blobs(500, n_features=4, centers=6, random_state=0)
    init = np.vstack([X[:2], X.mean(axis=0) + 1e3 * np.arange(1, 5)[:, np.newaxis]])
    plain = KMeans(6, init=init, algorithm="lloyd").fit(X)
    bounded = KMeans(6, init=init, algorithm="elkan").fit(X)
    assert np.array_equal(plain.labels_, bounded.labels_)


def test_auto_says_what_it_chose(digits, capsys, monkeypatch):
    monkeypatch.setattr("algos.kmeans.plan.is_fast", lambda: True)
    assert KMeans(60, random_state=0, verbose=1).fit(digits).algorithm_ == "quantized"
    assert "algorithm_ 'quantized': products of 8-bit" in capsys.readouterr().out
    assert KMeans(2, random_state=0).fit(digits[:100]).algorithm_ == "lloyd"  # too few rows
    monkeypatch.setattr("algos.kmeans.plan.is_fast", lambda: False)
    assert KMeans(10, random_state=0).fit(digits).algorithm_ == "lloyd"
    assert KMeans(60, random_state=0).fit(digits).algorithm_ == "lloyd"  # too few rows
    many = np.concatenate([digits, digits + 0.1])
    assert KMeans(60, random_state=0, verbose=1).fit(many).algorithm_ == "elkan"
    assert "algorithm_ 'elkan': bounds save" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("algorithm", "rows", "said"),
    [
        ("lloyd", np.asarray, "'lloyd': algorithm='lloyd' was asked for"),
        ("elkan", np.asarray, "'elkan': algorithm='elkan' was asked for"),
        ("quantized", np.asarray, "'quantized': algorithm='quantized' was asked for"),
        (
            "elkan",
            sparse.csr_array,
            "'lloyd': bounds were asked for but not used: sparse rows",
        ),
        (
            "elkan",
            lambda X: X[:50],
            "'lloyd': bounds were asked for but not used: for so many",
        ),
        (
            "quantized",
            sparse.csr_array,
            "'lloyd': codes were asked for but not used: they would",
        ),
        ("quantized", np.ones_like, "'lloyd': codes were asked for but not used: a sample"),
        (
            "quantized",
            lambda X: np.tile(X[:200], (1, 129)),
            "'elkan': codes were asked for but not used: there are more than 8192 columns",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_verbose_says_what_was_asked_for(digits, capsys, algorithm, rows, said):
    KMeans(4, algorithm=algorithm, random_state=0, verbose=1).fit(rows(digits))
    assert f"algorithm_ {said}" in capsys.readouterr().out


def test_one_cluster_is_the_mean(digits):
    model = KMeans(1).fit(digits)
    assert_allclose(model.cluster_centers_[0], digits.mean(axis=0), atol=1e-12)


def test_default_fit_warns_of_nothing(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KMeans(random_state=0).fit(digits)


def test_labels_are_exact_where_scales_differ():
    rng = np.random.default_rng(0)
    centers = np.repeat(rng.normal(scale=1e3, size=(8, 16)), 2, axis=0)
    centers[1::2, 0] += 4
    X = (centers[rng.integers(16, size=4000)] + rng.normal(size=(4000, 16))).astype(np.float32)
    model = KMeans(16, init=centers.astype(np.float32), max_iter=3).fit(X)
    labels, _ = brute_force(X, model.cluster_centers_)
    assert np.array_equal(model.labels_, labels)
    assert np.array_equal(model.predict(X), labels)


def test_one_far_row_of_no_weight_changes_nothing_wherever_it_stands():
    X, _ = make_blobs(2000, n_features=3, centers=4, random_state=0)
    far, weight = np.full((1, 3), 1e10), np.ones(2001)
    model = KMeans(4, init=X[:4], tol=1e-4)
    weight[0] = 1e-20
    first = clone(model).fit(np.concatenate([far, X]), sample_weight=weight)
    last = clone(model).fit(np.concatenate([X, far]), sample_weight=weight[::-1])
    assert first.n_iter_ == last.n_iter_
    assert first.inertia_ == pytest.approx(last.inertia_, rel=1e-9)
    assert_allclose(first.history_["objective"], last.history_["objective"], rtol=1e-6)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
@pytest.mark.parametrize("giant", [1e155, 1e200, 1.7e308])
def test_a_giant_row_hides_no_inertia_of_the_others(giant, kind):
    X = make_blobs(100, n_features=3, centers=2, random_state=0)[0]
    X[17] = giant
    model = KMeans(2, random_state=0).fit(kind(X))
    with np.errstate(over="ignore"):
        squares = np.sum((X - model.cluster_centers_[model.labels_]) ** 2)
    assert squares > 1000
    assert model.inertia_ == pytest.approx(squares, rel=1e-9)
    assert model.score(kind(X)) == pytest.approx(-squares, rel=1e-9)


@pytest.mark.parametrize("giant", [1e10, 1e17, 1e20, 1e30, 1e60, 1e100, 1e155, 1e200, 1e300])
def test_a_giant_value_beside_an_offset_is_its_own_center(giant):
    X = np.random.default_rng(0).normal(size=(300, 4))
    X[7, 2] = giant
    model = KMeans(2, random_state=0).fit(X)
    others = np.delete(X, 7, axis=0)
    inertia = np.sum((others - others.mean(axis=0)) ** 2)
    assert model.inertia_ == pytest.approx(inertia, rel=1e-9)
    assert model.score(X) == pytest.approx(-inertia, rel=1e-9)
    assert_allclose(model.transform(X).min(axis=1)[7], 0, atol=1e-12)


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan", "auto", "quantized"])
def test_far_rows_do_not_blur_the_others(algorithm):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 4)).astype(np.float32)
    X[:10_000] += 20
    is_far = rng.random(len(X)) < 0.01
    X[is_far, 2] = -99_999_999.0
    labels = np.where(is_far, 2, np.arange(len(X)) < 10_000)
    centers = np.array([X[labels == j].mean(axis=0, dtype=np.float64) for j in range(3)])
    inertia = np.sum((X - centers[labels]) ** 2)
    model = KMeans(3, random_state=0, algorithm=algorithm).fit(X)
    assert model.inertia_ == pytest.approx(inertia, rel=1e-6)


@pytest.mark.parametrize("giant", [1e20, 1e60])
def test_k_means_plus_plus_sees_clusters_beside_giant_values(giant):
    X, labels = make_blobs(3000, n_features=4, centers=3, cluster_std=0.5, random_state=0)
    X[2500, 2], X[100, 0] = giant, -giant
    labels[[100, 2500]] = 3, 4
    model = KMeans(5, random_state=0).fit(X)
    pairs = np.unique(np.column_stack([labels, model.labels_]), axis=0)
    assert len(pairs) == 5


def test_a_shift_that_is_not_the_mean_is_for_far_rows_alone():
    X = np.random.default_rng(0).normal(size=(300, 4))
    assert not make_rows(X + 1e6)[0].is_dragged
    assert not make_rows(X * [1, 1, 1e9, 1])[0].is_dragged
    X[:3] = 1e9
    assert make_rows(X)[0].is_dragged


@DTYPES
def test_rounding_beside_far_rows_takes_no_copy_of_the_rows(dtype):
    X = np.random.default_rng(0).normal(size=(20_000, 32)).astype(dtype)
    X[:3] = -1e9
    rows = make_rows(X)[0]
    assert rows.is_dragged
    tracemalloc.start()
    rounding = rows.rounding
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 2
    assert rounding.shape == (len(X),)
    assert rounding[:3].min() > 1e6 * rounding[3:].max()


def test_weights_by_label_take_no_copy_of_the_labels():
    rng = np.random.default_rng(0)
    labels, weight = rng.integers(7, size=500_000, dtype=np.int32), rng.random(500_000)
    tracemalloc.start()
    found = [weight_by_label(labels, each, 9) for each in (None, weight)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < labels.nbytes
    for each, ours in zip((None, weight), found, strict=True):
        assert_allclose(ours, np.bincount(labels, each, minlength=9), rtol=1e-12)


@DTYPES
def test_centers_off_by_rounding_are_refined(dtype):
    X = (np.random.default_rng(0).normal(size=(300, 4)) + 100).astype(dtype)
    X[0] = 1e9 if dtype == np.float32 else 1e20
    rows, _ = make_rows(X)
    rows.shift = X.mean(axis=0)
    rows.spread = float(np.sum((X.astype(np.float64) - rows.shift) ** 2))
    labels = (np.arange(300) < 1).astype(np.int32)
    centers = np.array([X[150], X[0]])
    _, inertia = rows.measure(centers)
    model = Model(centers, labels, inertia, 1, {})
    assert owes_digits(rows, model)
    means = refined(rows, model).centers
    assert_allclose(means[0], X[1:].mean(axis=0, dtype=np.float64), rtol=1e-6)


@DTYPES
def test_transform_is_exact_beside_a_far_center(dtype):
    centers = np.array([[0, 0, 0, 0], [20, 20, 20, 20], [0, 0, 1e6, 0]], dtype=dtype)
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(2000, 4)) + centers[np.arange(2000) % 3]).astype(dtype)
    model = KMeans(3, init=centers, max_iter=1).fit(centers)
    _, squares = brute_force(X, model.cluster_centers_)
    rtol = 1e-6 if dtype == np.float32 else 1e-14
    assert_allclose(model.transform(X), np.sqrt(squares), rtol=rtol)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_an_inertia_beyond_all_numbers_is_told(learn, kind):
    X = make_blobs(100, n_features=3, centers=2, random_state=0)[0]
    X[17] = 1e200
    with pytest.warns(UserWarning, match="`inertia_` overflows float64"):
        model = getattr(KMeans(1, random_state=0), learn)(kind(X))
        assert model.inertia_ == np.inf
    assert_allclose(model.cluster_centers_, np.full((1, 3), 1e198))


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
@pytest.mark.parametrize(
    ("far", "weight", "score"),
    [
        (5.0, [1, 1, 0], 0),  # nothing is left: squares are taken of larger numbers
        (1e200, [1, 1, 0], 0),  # whose square is no number
        (5.0, [1e-38, 1e-39, 1e-320], -1.6e-319),
    ],
)
def test_the_score_minds_rows_of_no_weight_or_hardly_any(kind, far, weight, score):
    X = np.array([[0.0], [1.0], [far]])
    model = KMeans(2, random_state=0).fit(X[:2])
    assert model.score(kind(X), sample_weight=weight) == pytest.approx(score, abs=1e-270)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_a_float64_model_labels_float32_rows_of_any_scale(scale):
    X = make_blobs(500, n_features=4, centers=5, random_state=0)[0] * scale
    model = KMeans(5, random_state=0).fit(X)
    assert np.mean(model.predict(X.astype(np.float32)) == model.labels_) > 0.99


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
@pytest.mark.parametrize("scale", [1e-300, 1e300, 1e307])
@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_the_unit_of_the_weights_does_not_matter(digits, algorithm, scale):
    model = KMeans(6, random_state=0, algorithm=algorithm)
    plain = clone(model).fit(digits)
    weighted = clone(model).fit(digits, sample_weight=np.full(len(digits), scale))
    assert np.array_equal(weighted.labels_, plain.labels_)
    assert_allclose(weighted.cluster_centers_, plain.cluster_centers_, atol=1e-9)


def test_the_same_clusters_in_another_order_are_no_better():
    labels = np.array([0, 0, 1, 2, 2], dtype=np.int32)
    order = np.array([2, 0, 1], dtype=np.int32)
    best = Model(np.zeros((3, 1)), labels, 1.0, 5, {})
    same = Model(np.zeros((3, 1)), order[labels], 1.0 - 1e-15, 5, {})
    other = Model(np.zeros((3, 1)), np.array([0, 1, 1, 2, 2], dtype=np.int32), 0.9, 5, {})
    assert not _is_better(same, best)
    assert _is_better(other, best)


def test_a_callable_start_cannot_write_to_the_data(digits):
    def careless(X, n_clusters, random_state):
        X[:] = 0

    with pytest.raises(ValueError, match="read-only"):
        KMeans(4, init=careless).fit(digits)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_a_callable_that_returns_nothing_is_told_so(digits, metric):
    def forgetful(X, n_clusters, random_state):
        X[:n_clusters]

    with pytest.raises(ValueError, match=r"returned None; .* must return .* shape \(4, 64\)"):
        KMeans(4, init=forgetful, metric=metric).fit(digits)


@needs_callbacks
@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
def test_a_resumption_may_be_interrupted_and_repeated(digits, algorithm, tmp_path):
    model = KMeans(10, random_state=0, tol=0, algorithm=algorithm)
    whole = clone(model).fit(digits)
    interrupted = clone(model)
    with pytest.raises(StopError):
        interrupted.set_callbacks(Checkpoint(tmp_path / "fit"), Recorder(stop, at=4)).fit(digits)
    loaded = joblib.load(tmp_path / "fit").set_callbacks(Recorder(stop, at=5))
    with pytest.raises(StopError):
        loaded.fit(digits)
    loaded.set_callbacks().fit(digits)
    assert loaded.n_iter_ == whole.n_iter_
    assert loaded.cluster_centers_.tobytes() == whole.cluster_centers_.tobytes()


FORK = """
import os, threading, warnings
import numpy as np
from algos import KMeans
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is the point
X = np.random.default_rng(0).normal(size=(3000, 4))
stop = False
def work():
    while not stop:
        KMeans(20, random_state=0, max_iter=3).fit(X)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(12):
    child = os.fork()
    if child == 0:
        KMeans(20, random_state=0, max_iter=3, n_jobs=2).fit(X)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop = True
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_child_fits_though_other_threads_were_fitting_at_the_fork():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)


GRID = np.array([[0, 0], [1, 0], [2, 0], [0, 3], [1, 3], [2, 3], [7, 7]], dtype=float)


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan", "quantized"])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_row_between_two_centers_is_of_the_first(algorithm, offset):
    start = np.array([[0.0, 0], [2, 0], [1, 3]]) + offset
    kmeans = KMeans(3, init=start, algorithm=algorithm, tol=0, max_iter=1).fit(GRID + offset)
    np.testing.assert_array_equal(kmeans.cluster_centers_ - offset, [[0.5, 0], [2, 0], [2.5, 4]])


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan", "quantized"])
@pytest.mark.parametrize("step", [1, 31, 32, 0.1])
def test_grids_are_clustered_alike_in_any_order_and_by_weights(algorithm, step):
    X = np.random.default_rng(0).integers(0, 8, (2000, 3)) * step
    rows, weight = np.unique(X, axis=0, return_counts=True)
    kmeans = KMeans(16, random_state=0, algorithm=algorithm)
    inertia = kmeans.fit(X).inertia_
    assert kmeans.fit(X[::-1]).inertia_ == pytest.approx(inertia, rel=1e-9)
    assert kmeans.fit(rows, sample_weight=weight).inertia_ == pytest.approx(inertia, rel=1e-9)


def test_columns_that_hardly_differ_are_shifted_without_a_warning():
    X = np.array([[1e3, 0, 5e-324], [1e3, 1, 0], [1e3, 2, 0], [1e3, 3, 0]])
    assert KMeans(2, random_state=0).fit(X).inertia_ == pytest.approx(1.0)
