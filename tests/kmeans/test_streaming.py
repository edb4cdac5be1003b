"""KMeans in parts: batches, shards, and other numbers of clusters from one state."""

import copy
import json
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError

from algos import KMeans
from algos._cython.kmeans_merge import merge_closest
from algos.kmeans import stream as streams
from algos.kmeans.rows import Rows
from algos.kmeans.stream import Mergers, _reliable_products
from tests.common.estimators import assert_same_bits, learned


def groups(n=6000, d=6, k=12, scale=4.0, seed=0):
    """Return rows around k centres, and the group of each."""
    rng = np.random.default_rng(seed)
    group = rng.integers(k, size=n)
    return scale * rng.normal(size=(k, d))[group] + rng.normal(size=(n, d)), group


def sorted_groups():
    X, group = groups()
    return X[np.argsort(group, kind="stable")]


def drifting():
    rng = np.random.default_rng(1)
    return rng.normal(size=(6000, 4)) + np.linspace(0, 25, 6000)[:, np.newaxis]


LAWS = {
    "groups": lambda: groups()[0],
    "overlapping groups": lambda: groups(scale=1.0, d=16)[0],
    "sorted groups": sorted_groups,
    "drift": drifting,
    "uniform": lambda: np.random.default_rng(2).random((6000, 2)),
    "heavy tails": lambda: np.random.default_rng(3).standard_t(2.5, size=(6000, 3)),
}
all_laws = pytest.mark.parametrize("law", LAWS)


def streamed(X, batch_size=500, sample_weight=None, **parameters):
    kmeans = KMeans(**{"n_clusters": 12, "random_state": 0, **parameters})
    for start in range(0, X.shape[0], batch_size):
        part = slice(start, start + batch_size)
        kmeans.partial_fit(
            X[part], sample_weight=None if sample_weight is None else sample_weight[part]
        )
    return kmeans


def state(kmeans):
    return kmeans._state_of_all_rows()


def total_squares(kmeans, mean):
    """Return the sum of squares about the mean that the state tells."""
    kept = state(kmeans)
    squares = ((kept.centers * 2.0**kept.exponent - mean) ** 2).sum(axis=1)
    return (kept.scatter + kept.weights @ squares) if kept.exponent == 0 else None


@all_laws
@pytest.mark.parametrize("batch_size", [37, 1000])
def test_a_stream_ends_near_a_fit_to_all_rows(law, batch_size):
    X = LAWS[law]()
    kmeans = streamed(X, batch_size)
    best = KMeans(12, n_init=5, random_state=0).fit(X).inertia_
    assert -kmeans.score(X) < 1.06 * best
    assert kmeans.n_samples_seen_ == len(X)


@all_laws
def test_the_inertia_is_an_upper_bound_of_that_of_the_rows(law):
    X = LAWS[law]()
    kmeans = streamed(X)
    true = -kmeans.score(X)
    assert true * (1 - 1e-9) <= kmeans.inertia_ < 1.2 * true
    assert kmeans.history_["objective"][-1] >= kmeans.inertia_ * (1 - 1e-9)
    assert len(kmeans.history_["objective"]) == kmeans.n_iter_


@all_laws
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weight_mean_and_sum_of_squares_are_exact(law, dtype):
    X = LAWS[law]().astype(dtype)
    wide = X.astype(np.float64)
    mean = wide.mean(axis=0)
    kmeans = streamed(X, batch_size=301)
    kept = state(kmeans)
    assert len(kept.centers) == 120
    assert kept.weights.sum() == pytest.approx(len(X))
    tolerance = 1e-7 if dtype == np.float32 else 1e-12
    assert_allclose(kept.weights @ kept.centers / len(X), mean, rtol=0, atol=tolerance * 30)
    assert total_squares(kmeans, mean) == pytest.approx(((wide - mean) ** 2).sum(), rel=tolerance)


def test_while_rows_are_few_each_is_its_own_center():
    X = groups(100)[0]
    kmeans = streamed(X, batch_size=1)
    assert state(kmeans).scatter == pytest.approx(0, abs=1e-24)
    assert_allclose(np.sort(state(kmeans).centers, axis=0), np.sort(X, axis=0), atol=1e-14)
    assert kmeans.inertia_ == pytest.approx(-kmeans.score(X))


def test_single_rows_are_learned_as_well_as_batches():
    X = sorted_groups()
    single = streamed(X, batch_size=1)
    best = KMeans(12, n_init=5, random_state=0).fit(X).inertia_
    assert -single.score(X) < 1.06 * best


def test_too_few_rows_are_said():
    kmeans = KMeans(4, random_state=0).partial_fit(np.eye(3))
    with pytest.raises(NotFittedError, match=r"has seen 3 row.* lacks 1 more for its 4 clusters"):
        kmeans.predict(np.eye(3))
    with pytest.raises(AttributeError, match=r"no 'cluster_centers_' yet; it has seen 3 row"):
        _ = kmeans.cluster_centers_
    kmeans.partial_fit(np.full((1, 3), 9.0))
    assert sorted(kmeans.predict([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [9, 9, 9]])) == [0, 1, 2, 3]


@pytest.mark.parametrize("n_rows", [1, 20])
def test_equal_rows_make_equal_centers(n_rows):
    kmeans = KMeans(3, random_state=0)
    for _ in range(30):
        kmeans.partial_fit(np.tile([[1.1, 1e5, -3.3]], (n_rows, 1)))
    assert_allclose(kmeans.cluster_centers_, np.tile([[1.1, 1e5, -3.3]], (3, 1)), rtol=1e-15)
    assert kmeans.inertia_ == 0
    assert len(state(kmeans).centers) == 1


def tight_pairs(rng):
    return np.concatenate([1e4 + rng.normal(size=(15, 3)), -1e4 + rng.normal(size=(15, 3))])


def tight_groups(rng, spread=1e-9):
    far = 1e3 * rng.normal(size=(60, 8))
    return far[rng.integers(60, size=400)] + spread * rng.normal(size=(400, 8))


def one_far(rng, distance):
    X = rng.normal(size=(200, 3)) + 10 * rng.integers(2, size=(200, 1))
    X[0, 0] = distance
    return X


ROUNDED = {
    "tight pairs": tight_pairs,
    "tight groups": tight_groups,
    "tight groups for float32": lambda rng: tight_groups(rng, 1e-3),
    "nearly equal": lambda rng: 1e3 + 1e-12 * rng.normal(size=(50, 2)),
    "one far": lambda rng: one_far(rng, 1e9),
    "one very far": lambda rng: one_far(rng, 1e17),
    "all far": lambda rng: 1e15 * rng.random(size=(30, 1)),
    "timestamps": lambda rng: 1.7e18 + 1e12 * rng.normal(size=(300, 1)),
    "long": lambda rng: 1e7 * rng.integers(1, 90, size=(30, 1)),
}


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("law", ROUNDED)
def test_rounding_makes_no_center_of_no_rows(law, dtype, metric, make):
    for seed in range(8):
        X = ROUNDED[law](np.random.default_rng(seed)).astype(dtype)
        kmeans = KMeans(3, random_state=seed, metric=metric)
        for part in np.array_split(X, 1 + seed % 3):
            kmeans.partial_fit(make(part))
        kept = state(kmeans)
        assert np.isfinite(kept.centers).all()
        assert (kept.weights > 0).all()
        assert kept.weights.sum() == pytest.approx(len(X))
        if metric == "euclidean":
            mean = X.mean(axis=0, dtype=np.float64)
            units = np.abs(X).max() * (1e-5 if dtype == np.float32 else 1e-13)
            found = kept.weights @ kept.centers / len(X) * 2.0**kept.exponent
            assert_allclose(found, mean, rtol=0, atol=units)
        assert np.isfinite(kmeans.cluster_centers_).all()
        assert np.isfinite(kmeans.inertia_)


def test_nearly_equal_directions_make_no_nan():
    noise = 1e-5 * np.random.default_rng(0).normal(size=(5, 3))
    X = np.concatenate([[[0, 1, 0]], [1, 0, 0] + noise]).astype(np.float32)
    for seed in range(20):
        kmeans = KMeans(2, metric="cosine", random_state=seed).partial_fit(X)
        assert np.isfinite(kmeans.cluster_centers_).all()


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_long_rows_make_centers_too(make):
    for unit in (1e7, 1e15, 1e30):
        X = unit * np.array([[1], [2], [9], [9.1]])
        centers = KMeans(2, random_state=0).partial_fit(make(X)).cluster_centers_
        assert_allclose(np.sort(centers, axis=0) / unit, [[1.5], [9.05]])
    X, _ = groups(1000, k=2, scale=30.0)
    X[0] = 1e9  # whose rounding is not that of the others
    kmeans = streamed(make(X), 1000, n_clusters=3)
    assert_allclose(np.sort(kmeans.cluster_centers_, axis=0)[-1], X[0])
    assert kmeans.inertia_ < 1.5 * 1000 * X.shape[1]


@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
@pytest.mark.parametrize("batch_size", [40, 3000])
def test_the_order_of_rows_within_a_batch_does_not_matter(batch_size, init):
    X, _ = groups(3000, scale=1.0)
    rng = np.random.default_rng(0)
    shuffled = [rng.permutation(batch_size) + i for i in range(0, 3000, batch_size)]
    kmeans = streamed(X, batch_size, init=init)
    other = streamed(X[np.concatenate(shuffled)], batch_size, init=init)
    assert_allclose(other.cluster_centers_, kmeans.cluster_centers_, rtol=1e-9)
    assert other.inertia_ == pytest.approx(kmeans.inertia_, rel=1e-9)


@pytest.mark.parametrize("half_life", [None, 700.0])
@pytest.mark.parametrize("batch_size", [50, 300, 1500])
def test_weights_are_repeats(batch_size, half_life):
    X, _ = groups(3000)
    weight = np.random.default_rng(0).integers(0, 4, size=len(X))
    weight[::batch_size] = 1  # no batch is empty
    kmeans = streamed(X, batch_size, weight, half_life=half_life)
    other = KMeans(12, random_state=0, half_life=half_life)
    for start in range(0, len(X), batch_size):
        part = slice(start, start + batch_size)
        other.partial_fit(np.repeat(X[part], weight[part], axis=0))
    assert state(kmeans).weights.sum() == pytest.approx(state(other).weights.sum())
    assert state(kmeans).n_updates == state(other).n_updates
    assert_allclose(other.cluster_centers_, kmeans.cluster_centers_, rtol=1e-8)
    assert other.inertia_ == pytest.approx(kmeans.inertia_, rel=1e-9)


def test_light_rows_are_not_held_back_without_end():
    kmeans = streamed(groups(3000)[0], 10, np.full(3000, 1e-3))
    assert kmeans._stream["n_pending"] < 4 * 120


def test_rows_without_weight_are_no_rows():
    X, _ = groups(2000)
    weight = (np.arange(2000) % 3 > 0).astype(float)
    odd = np.where(weight[:, np.newaxis] > 0, X, 1e9)
    kmeans = streamed(odd, 2000, weight)
    assert_same_bits(learned(kmeans), learned(streamed(X[weight > 0], 2000, weight[weight > 0])))


@pytest.mark.parametrize("batch_size", [10, 1000])
def test_the_weight_of_a_row_has_halved_after_its_half_life(batch_size):
    X, _ = groups(3000)
    kmeans = streamed(X, batch_size, half_life=500.0)
    ages = batch_size * ((2999 - np.arange(3000)) // batch_size)
    weight = 2.0 ** (-ages / 500)
    kept = state(kmeans)
    assert kept.weights.sum() == pytest.approx(weight.sum())
    assert_allclose(kept.weights @ kept.centers, weight @ X, rtol=1e-9, atol=1e-6)
    mean = weight @ X / weight.sum()
    squares = weight @ ((X - mean) ** 2).sum(axis=1)
    assert total_squares(kmeans, mean) == pytest.approx(squares, rel=1e-9)


def test_a_half_life_follows_what_is_new():
    old, new = groups(20_000, seed=0)[0], groups(20_000, seed=5)[0]
    X = np.concatenate([old, new])
    follows, keeps = streamed(X, half_life=2000.0), streamed(X)
    best = KMeans(12, n_init=5, random_state=0).fit(new).inertia_
    assert -follows.score(new) < 1.05 * best
    assert -keeps.score(new) > 1.2 * best
    many = streamed(np.tile(X, (3, 1)), half_life=1.0)  # weights underflow
    assert np.isfinite(many.inertia_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [10, 40])  # of many centres, codes rule some out
def test_any_number_of_threads_gives_the_same_bits(dtype, factor, monkeypatch):
    monkeypatch.setattr("algos._common.threads._core_limit", lambda: 5)
    X = groups(20_000, d=20)[0].astype(dtype)
    one = streamed(X, 3000, n_jobs=1, extra_center_factor=factor)
    for n_jobs in (2, 5):
        several = streamed(X, 3000, n_jobs=n_jobs, extra_center_factor=factor)
        assert_same_bits(learned(several), learned(one))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_codes_change_no_label_of_a_batch(dtype, offset, monkeypatch):
    X = (groups(3000, d=20)[0] + offset).astype(dtype)
    rows = Rows(X, None, np.array([1, 2], dtype=np.uint64), 1)
    centers = rows.take(np.arange(500)) + 0.01
    labels, squares = rows.nearest(centers)
    monkeypatch.setattr("algos.kmeans.rows.is_fast", lambda: False)
    expected_labels, expected = rows.nearest(centers)
    assert_allclose(squares, expected, rtol=1e-5 if dtype == np.float32 else 1e-12)
    assert np.mean(labels == expected_labels) > 0.999


def test_an_offset_in_float32_costs_no_quality():
    X, _ = make_blobs(6000, n_features=5, centers=12, random_state=1)
    far = (X + 1e4).astype(np.float32)
    near = (far.astype(np.float64) - 1e4).astype(np.float32)  # the same rows, exactly
    assert streamed(far).inertia_ == pytest.approx(streamed(near).inertia_, rel=1e-3)
    assert -streamed(far).score(far) == pytest.approx(-streamed(near).score(near), rel=1e-3)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_the_scale_of_the_rows_does_not_matter(scale):
    X, _ = groups(2000)
    X = X / np.abs(X).max()
    dtype = np.float32 if 1e-40 < scale < 1e40 else np.float64
    plain = streamed(X.astype(dtype))
    kmeans = streamed((X * scale).astype(dtype))
    inertia = -KMeans(12, init=kmeans.cluster_centers_ / dtype(scale), max_iter=1).fit(X).score(X)
    assert inertia < 1.05 * plain.inertia_


@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_scales_may_change_within_a_stream():
    X, _ = groups(600)
    kmeans = KMeans(12, random_state=0)
    for scale in (1e-200, 1.0, 1e200, 1e-5):
        kmeans.partial_fit(X * scale)
    assert np.isfinite(kmeans.cluster_centers_).all()
    assert np.abs(kmeans.cluster_centers_).max() > 1e200


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_the_unit_of_the_weights_does_not_matter(scale):
    X, _ = groups(2000)
    plain, weighted = streamed(X), streamed(X, sample_weight=np.full(len(X), scale))
    assert_allclose(weighted.cluster_centers_, plain.cluster_centers_, rtol=1e-9)
    assert np.isfinite(weighted.inertia_)
    with pytest.raises(ValueError, match="sum of all `sample_weight`"):
        streamed(X, sample_weight=np.full(len(X), 1e306))


def test_learning_goes_on_from_a_fit():
    X, group = groups()
    kmeans = KMeans(12, random_state=0, n_init=3).fit(X[group < 6])
    kept = state(kmeans)
    assert kept.weights.sum() == (group < 6).sum()
    assert kept.scatter == pytest.approx(kmeans.inertia_)
    kmeans.partial_fit(X[group >= 6])
    with pytest.raises(AttributeError, match=r"no 'labels_', since the rows .* call `predict`"):
        _ = kmeans.labels_
    assert kmeans.n_samples_seen_ == len(X)
    assert -kmeans.score(X) < 1.1 * KMeans(12, n_init=5, random_state=0).fit(X).inertia_


def test_a_fit_forgets_what_was_streamed():
    X, _ = groups(1000)
    kmeans = streamed(X + 50)
    assert_same_bits(learned(kmeans.fit(X)), learned(KMeans(12, random_state=0).fit(X)))


def test_reading_the_model_changes_nothing_that_comes_later():
    X, _ = groups(3000)
    silent = streamed(X, 70)
    watched = KMeans(12, random_state=0)
    for start in range(0, len(X), 70):
        watched.partial_fit(X[start : start + 70])
        assert hasattr(watched, "cluster_centers_") == (watched.n_samples_seen_ >= 12)
    assert_same_bits(learned(watched), learned(silent))


def test_threads_may_ask_for_the_model_at_once():
    X, _ = groups(2000)
    expected = streamed(X).predict(X)
    for _ in range(5):
        kmeans = streamed(X)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _, kmeans=kmeans: kmeans.predict(X), range(8)):
                assert np.array_equal(found, expected)


def test_the_endless_stream_runs(capsys, tmp_path):
    stream_memory = pytest.importorskip(
        "benchmarks.stream_memory", reason="benchmarks are not beside an installed wheel"
    )
    small = ["--gigabytes", "0.02", "--batch-megabytes", "1"]
    stream_memory.main([*small, "--output", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    names = ["KMeans", "PCA", "RandomCutForest", "RandomCutForest-scores"]
    assert [line.split()[0] for line in lines] == names
    (file,) = tmp_path.glob("streams-*.json")
    assert [entry["workload"] for entry in json.loads(file.read_text())["measurements"]] == names


def test_a_seed_is_drawn_from_once():
    X, _ = groups(1000)
    used, once = np.random.RandomState(3), np.random.RandomState(3)
    streamed(X, 100, random_state=used).predict(X)
    KMeans(12, random_state=once).fit(X)
    assert used.randint(2**31) == once.randint(2**31)


def test_the_caller_may_reuse_the_batch():
    X, _ = groups(1000)
    batch, kmeans = np.empty((10, X.shape[1])), KMeans(12, random_state=0)
    for start in range(0, 1000, 10):
        batch[:] = X[start : start + 10]
        kmeans.partial_fit(batch)
    batch[:] = np.nan
    assert_same_bits(learned(kmeans), learned(streamed(X, 10)))


def test_the_caller_may_reuse_the_weights():
    X, _ = groups(100)
    weight = np.ones(100)
    kmeans = KMeans(12, random_state=0).partial_fit(X, sample_weight=weight)
    weight[:] = np.nan
    expected = KMeans(12, random_state=0).partial_fit(X, sample_weight=np.ones(100))
    assert_same_bits(learned(kmeans), learned(expected))


@pytest.mark.parametrize("size", [1e-60, 1.0, 1e39, 1e60, 1e200])
@pytest.mark.parametrize("n_rows", [30, 600])
@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_a_stream_of_both_dtypes_is_float64(size, n_rows):
    X, _ = groups(n_rows)
    small, large = X.astype(np.float32), size * X
    for parts in ([small, large], [large, small], [small, large, small]):
        kmeans = KMeans(12, random_state=0)
        for part in parts:
            kmeans.partial_fit(part)
        assert kmeans.cluster_centers_.dtype == np.float64
        assert np.isfinite(kmeans.cluster_centers_).all()
        peak = max(size, 1) * np.abs(X).max()
        assert 0.1 * peak < np.abs(kmeans.cluster_centers_).max() <= peak * (1 + 1e-6)
    one, other = KMeans(12, random_state=0), KMeans(12, random_state=1)
    joint = one.partial_fit(small).merge(other.partial_fit(large))
    assert joint.cluster_centers_.dtype == np.float64
    assert np.isfinite(joint.cluster_centers_).all()


def test_parameters_set_between_batches_are_checked_when_the_model_is_made():
    X, _ = groups(100)
    kmeans = KMeans(12, random_state=0).partial_fit(X)
    for wrong in ({"init": "foo"}, {"n_clusters": 0}, {"metric": "foo"}):
        right = {name: getattr(kmeans, name) for name in wrong}
        kmeans.set_params(**wrong)
        for read in (kmeans.predict, lambda X: kmeans.inertia_, lambda X: kmeans.inertia_curve()):
            with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`=.* must be"):
                read(X)
        kmeans.set_params(**right)
    assert np.isfinite(kmeans.inertia_)


def test_the_number_of_clusters_may_fall_to_that_of_the_rows():
    kmeans = KMeans(8, random_state=0).partial_fit(np.eye(4))
    assert not hasattr(kmeans, "cluster_centers_")
    kmeans.set_params(n_clusters=2)
    assert kmeans.predict(np.eye(4)).max() == 1
    later = KMeans(2, random_state=0).partial_fit(np.eye(4)).set_params(n_clusters=8)
    with pytest.raises(NotFittedError, match="lacks 4 more for its 8"):
        later.predict(np.eye(4))


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_a_stream_keeps_its_metric(learn):
    X, _ = groups(1000)
    kmeans = getattr(KMeans(3, random_state=0), learn)(X).set_params(metric="cosine")
    before = dict(vars(kmeans))
    with pytest.raises(ValueError, match="`metric`='cosine' must be 'euclidean'"):
        kmeans.partial_fit(X)
    assert all(vars(kmeans)[name] is value for name, value in before.items())
    with pytest.raises(ValueError, match="`metric`='cosine' must be 'euclidean'"):
        kmeans.recluster(2)


def test_what_an_init_of_ones_own_raises_is_told():
    def init(X, n_clusters, random_state):
        raise LookupError("my own")

    X, _ = groups(200)
    kmeans = KMeans(3, init=init).partial_fit(X)
    with pytest.raises(LookupError, match="my own"):
        kmeans.predict(X)
    kmeans.set_params(init=lambda X, n_clusters, random_state: X[:2])
    with pytest.raises(ValueError, match="shape of the initial centers"):
        kmeans.cluster_centers_  # noqa: B018
    assert kmeans.set_params(init="k-means++").predict(X).max() == 2


@pytest.mark.parametrize("when", [0, 1, 2])
def test_an_interrupted_update_leaves_no_trace(when, monkeypatch):
    X, _ = groups(3000)
    kmeans = streamed(X[:2000])
    before = dict(vars(kmeans))
    names = ["_opened", "_absorbed", "Mergers"]

    def interrupt(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(streams, names[when], interrupt)
    with pytest.raises(KeyboardInterrupt):
        kmeans.partial_fit(X[2000:] + 100)
    assert vars(kmeans).keys() == before.keys()
    assert all(vars(kmeans)[name] is value for name, value in before.items())


def test_a_state_has_the_same_size_after_any_number_of_rows():
    X, _ = groups(40_000)
    sizes = []
    for n_rows in (5000, 40_000):
        kept = vars(streamed(X[:n_rows], 1000))["_stream"]
        sizes.append({name: np.shape(value) for name, value in kept.items()})
    assert sizes[0] == sizes[1]
    held_back = streamed(X, 1)._stream["n_pending"]
    assert held_back < 4 * 120


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_sparse_rows_stream_to_the_clusters_of_dense_ones(metric):
    X, _ = groups(3000)
    X[np.abs(X) < 1.5] = 0
    dense = streamed(X, 130, metric=metric)
    from_csr = streamed(sparse.csr_array(X), 130, metric=metric)
    assert_allclose(from_csr.cluster_centers_, dense.cluster_centers_, atol=1e-8)
    assert from_csr.inertia_ == pytest.approx(dense.inertia_)


def test_dense_and_sparse_batches_may_alternate():
    X, _ = groups(1000)
    kmeans = KMeans(12, random_state=0)
    for start in range(0, 1000, 20):
        part = X[start : start + 20]
        kmeans.partial_fit(sparse.csr_array(part) if start % 40 else part)
    assert kmeans.inertia_ == pytest.approx(streamed(X, 20).inertia_)


def test_directions_stream():
    rng = np.random.default_rng(0)
    X = groups(5000)[0] * rng.uniform(0.1, 10, size=(5000, 1))
    X[::50] = 0  # no direction: at distance 1 from every centre
    kmeans = streamed(X, metric="cosine")
    fitted = KMeans(12, metric="cosine", random_state=0, n_init=5).fit(X)
    assert_allclose(np.linalg.norm(kmeans.cluster_centers_, axis=1), 1)
    assert -kmeans.score(X) <= kmeans.inertia_ * (1 + 1e-9) < 1.1 * fitted.inertia_
    assert -fitted.partial_fit(X).score(X) < 1.1 * fitted.inertia_
    nothing = KMeans(3, metric="cosine").partial_fit(np.zeros((5, 4)))
    assert nothing.inertia_ == 5
    assert nothing.inertia_curve()[1] == nothing.recluster(1).inertia_ == 5
    assert not nothing.cluster_centers_.any()


def sharded(X, n_shards, **parameters):
    parts = np.array_split(X, n_shards)
    shards = [streamed(part, random_state=i, **parameters) for i, part in enumerate(parts)]
    joint = shards[0]
    for shard in shards[1:]:
        joint.merge(shard)
    return joint


@all_laws
@pytest.mark.parametrize("n_shards", [2, 5])
def test_merged_shards_are_a_joint_stream(law, n_shards):
    X = LAWS[law]()
    mean = X.mean(axis=0)
    merged, joint = sharded(X, n_shards), streamed(X)
    assert merged.n_samples_seen_ == len(X)
    assert state(merged).weights.sum() == pytest.approx(state(joint).weights.sum())
    kept = state(merged)
    assert_allclose(kept.weights @ kept.centers / len(X), mean, atol=1e-11)
    assert total_squares(merged, mean) == pytest.approx(total_squares(joint, mean), rel=1e-11)
    best = KMeans(12, n_init=5, random_state=0).fit(X).inertia_
    assert -merged.score(X) < 1.06 * best
    assert len(kept.centers) == 120


def test_merging_is_symmetric_up_to_rounding():
    X, _ = groups()
    a, b = streamed(X[:2500]), streamed(X[2500:], random_state=7)
    forth, back = copy.deepcopy(a).merge(b), copy.deepcopy(b).merge(a)
    assert_allclose(forth.cluster_centers_, back.cluster_centers_, rtol=1e-9)
    assert forth.inertia_ == pytest.approx(back.inertia_)


def test_fits_merge_too():
    X, _ = groups()
    joint = KMeans(12, n_init=3, random_state=0).fit(X[:3000])
    joint.merge(KMeans(12, n_init=3, random_state=1).fit(X[3000:]))
    assert len(state(joint).centers) == 24
    assert -joint.score(X) < 1.1 * KMeans(12, n_init=5, random_state=0).fit(X).inertia_


def test_few_rows_merge_to_enough():
    a, b = KMeans(4).partial_fit(np.eye(3)), KMeans(4).partial_fit(10 * np.eye(3))
    assert a.merge(b).predict(np.eye(3)).shape == (3,)


def test_a_merger_forgets_what_is_calm_for_one():
    X, _ = groups()
    a, b = streamed(X[:3000]), streamed(X[3000:])
    a._stream = {**state(a).state(), "calm": 1.0}
    assert a.merge(b)._stream["calm"] == 0


@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_scales_of_shards_may_differ():
    X, _ = groups(1000)
    joint = streamed(X * 1e200).merge(streamed(X))
    assert np.isfinite(joint.cluster_centers_).all()
    assert np.abs(joint.cluster_centers_).max() > 1e199


def test_merge_refuses_other_factors():
    X, _ = groups(500)
    with pytest.raises(ValueError, match="`extra_center_factor`=5 of the other KMeans must be 10"):
        streamed(X).merge(streamed(X, extra_center_factor=5))


def learned_shard(seed):
    X, _ = groups(3000, seed=0)
    return streamed(X[seed::2], 250, random_state=seed)


@pytest.mark.parametrize("backend", ["multiprocessing", "loky"])
def test_two_processes_learn_shards_that_merge(backend):
    with joblib.Parallel(n_jobs=2, backend=backend) as parallel:
        shards = parallel(joblib.delayed(learned_shard)(seed) for seed in (0, 1))
    joint = shards[0].merge(shards[1])
    X, _ = groups(3000, seed=0)
    here = learned_shard(0).merge(learned_shard(1))
    assert_same_bits(learned(joint), learned(here))
    assert -joint.score(X) < 1.05 * KMeans(12, n_init=5, random_state=0).fit(X).inertia_


@pytest.mark.parametrize("n_clusters", [1, 3, 12, 30])
def test_any_smaller_number_of_clusters_comes_from_the_state(n_clusters):
    X, _ = groups()
    kmeans = streamed(X, 70)
    before = copy.deepcopy(learned(kmeans))
    other = kmeans.recluster(n_clusters)
    assert_same_bits(learned(kmeans), before)
    assert other.cluster_centers_.shape == (n_clusters, X.shape[1])
    best = KMeans(n_clusters, n_init=5, random_state=0).fit(X).inertia_
    assert -other.score(X) < 1.05 * best
    assert other.n_samples_seen_ == len(X)
    assert clone(other).get_params() == other.get_params()
    other.partial_fit(X)  # learns on with as many centres
    assert len(state(other).centers) >= 120


def test_reclustering_after_a_fit_and_what_is_refused():
    X, _ = groups(1000)
    kmeans = KMeans(12, random_state=0).fit(X)
    assert kmeans.recluster(5).inertia_ == pytest.approx(
        KMeans(5, n_init=5, random_state=0).fit(X).inertia_, rel=0.1
    )
    for wrong in (0, 13, 2.5, "3", True):
        with pytest.raises(ValueError, match=r"`n_clusters`=.* must be an int in \[1, 12\]"):
            kmeans.recluster(wrong)
    given = streamed(X, init=X[:12])
    assert given.recluster(4).init == "k-means++"
    with pytest.raises(NotFittedError):
        KMeans(3).recluster(2)


def test_a_start_of_the_wrong_shape_is_refused_at_once():
    X, _ = groups(100)
    with pytest.raises(ValueError, match="shape of the initial centers"):
        KMeans(12, init=X[:11]).partial_fit(X)
    with pytest.raises(ValueError, match="`init` must have no row of zeros"):
        KMeans(2, init=[[0.0, 0], [1, 1]], metric="cosine").partial_fit(np.eye(2))


@all_laws
def test_the_inertia_curve_falls_and_is_that_of_reclustering(law):
    X = LAWS[law]()
    kmeans = streamed(X)
    counts, inertias = kmeans.inertia_curve()
    assert counts.tolist() == list(range(2, 121))
    assert np.all(np.diff(inertias) <= 0)
    assert inertias[-1] == pytest.approx(state(kmeans).scatter)
    for k in (2, 5, 12, 40):
        assert inertias[k - 2] == pytest.approx(kmeans.recluster(k).inertia_, rel=0.1)
    some, of_some = kmeans.inertia_curve([40, 1, 5])
    assert some.tolist() == [1, 5, 40]
    mean = X.mean(axis=0)
    assert of_some[0] == pytest.approx(((X - mean) ** 2).sum())


def test_the_curve_refuses_other_numbers():
    X, _ = groups(1000)
    kmeans = streamed(X)
    for wrong in ([0, 3], [121], [], [2.5], 0, 2.5, [True], "3", [[1, 2], [3]], [[1, 2], [3, 4]]):
        with pytest.raises(ValueError, match=r"`n_clusters`=.* an int or ints in \[1, 120\]"):
            kmeans.inertia_curve(wrong)
    with pytest.raises(ValueError, match=r"in \[1, 3\], .* by `partial_fit` of a new KMeans"):
        KMeans(3, random_state=0).fit(X).inertia_curve(range(1, 12))
    counts, inertias = kmeans.inertia_curve(5)
    assert counts.tolist() == [5]
    assert inertias == kmeans.inertia_curve([5])[1]


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    k=st.integers(1, 4),
    factor=st.integers(1, 5),
    digits=st.integers(0, 3),
    weighted=st.booleans(),
    half_life=st.sampled_from([None, 30.0]),
    cut=st.integers(0, 8),
    seed=st.integers(0, 100),
)
def test_what_a_state_tells_of_all_rows_is_exact(
    sizes, k, factor, digits, weighted, half_life, cut, seed
):
    rng = np.random.default_rng(seed)
    parameters = {"n_clusters": k, "extra_center_factor": factor, "half_life": half_life}
    shards = [KMeans(random_state=i, **parameters) for i in (0, 1)]
    ages, rows, weights = [], [], []
    clock = [0.0, 0.0]
    for i, size in enumerate(sizes):
        X = np.round(rng.normal(size=(size, 3)), digits)
        weight = rng.integers(1, 4, size=size).astype(float) if weighted else np.ones(size)
        shard = int(i >= cut)
        shards[shard].partial_fit(X, sample_weight=weight if weighted else None)
        clock[shard] += weight.sum()
        rows.append(X)
        weights.append(weight)
        ages.append((shard, clock[shard]))
    now = [w * 2.0 ** (0 if half_life is None else (came - clock[s]) / half_life)
           for w, (s, came) in zip(weights, ages, strict=True)]  # fmt: skip
    X, weight = np.concatenate(rows), np.concatenate(now)
    used = [shard for shard in shards if hasattr(shard, "_stream")]
    kmeans = used[0] if len(used) == 1 else used[0].merge(used[1])
    kept = state(kmeans)
    mean = weight @ X / weight.sum()
    assert len(kept.centers) <= max(k * factor, 1)
    assert kept.weights.sum() == pytest.approx(weight.sum())
    assert_allclose(kept.weights @ kept.centers, weight @ X, atol=1e-8 * weight.sum())
    squares = weight @ ((X - mean) ** 2).sum(axis=1)
    assert total_squares(kmeans, mean) == pytest.approx(squares, rel=1e-8, abs=1e-8)
    if len(X) >= k:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            true = weight @ (kmeans.transform(X).min(axis=1) ** 2)
        assert true <= kmeans.inertia_ * (1 + 1e-7) + 1e-7


@pytest.mark.parametrize("name", ["predict", "transform", "score"])
def test_the_error_of_a_callable_start_is_the_users_own(name):
    def mistaken(X, n_clusters, random_state):
        return X.nothing

    kmeans = KMeans(3, init=mistaken, random_state=0).partial_fit(groups(300)[0])
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(kmeans, name)(groups(300)[0])
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = kmeans.inertia_


def test_a_merge_into_an_unfitted_one_says_what_to_do():
    fitted = KMeans(3, random_state=0).fit(groups(300)[0])
    with pytest.raises(NotFittedError, match="`partial_fit` first, or begin with a copy"):
        KMeans(3).merge(fitted)


def test_rows_of_weight_one_after_rows_of_hardly_any():
    X = np.random.default_rng(0).normal(size=(50, 2))
    model = KMeans(2, random_state=0).partial_fit(X, sample_weight=np.full(50, 1e-308))
    assert np.isfinite(model.partial_fit(X).cluster_centers_).all()


def test_weights_that_vanish_beside_others_still_have_a_mean():
    X = np.array([[0.0], [1.0], [3.0]])
    model = KMeans(2, random_state=0).fit(X, sample_weight=[2.4, 5e-324, 5e-324])
    assert np.isfinite(model.inertia_)
    assert_allclose(np.sort(model.cluster_centers_.ravel()), [0, 3], atol=1e-200)


@pytest.mark.parametrize(
    ("giant", "dtype"),
    [(1e9, np.float32), (1e20, np.float32), (1e20, np.float64), (1e30, np.float64)],
)
@pytest.mark.parametrize("size", [50, 400, 3000])
def test_the_inertia_of_a_stream_with_giant_rows_is_an_upper_bound(giant, dtype, size):
    X = np.random.default_rng(0).normal(size=(3000, 4)).astype(dtype)
    X[::3] += 20
    X[2500, 2], X[100, 0] = giant, -giant
    kmeans = KMeans(4, random_state=0)
    for start in range(0, len(X), size):
        kmeans.partial_fit(X[start : start + size])
    ordinary = np.delete(X, [100, 2500], axis=0).astype(np.float64)
    is_odd = ordinary.mean(axis=1) > 10
    best = sum(np.sum((part - part.mean(0)) ** 2) for part in (ordinary[is_odd], ordinary[~is_odd]))
    assert -kmeans.score(X) == pytest.approx(best, rel=1e-4)
    assert kmeans.inertia_ == pytest.approx(best, rel=1e-3)
    assert kmeans.inertia_ >= -kmeans.score(X) * (1 - 1e-4)


def test_squares_that_a_giant_row_hides_in_a_stream_are_told():
    X = np.random.default_rng(0).normal(size=(300, 4))
    X[7, 2] = 1e200
    kmeans = KMeans(2, random_state=0).partial_fit(X)
    with pytest.warns(UserWarning, match="`inertia_` omits the squared distances"):
        kmeans.predict(X)


def test_a_warning_as_an_error_leaves_no_labels():
    X = np.random.default_rng(0).normal(size=(300, 4))
    X[7, 2] = 1e200
    kmeans = KMeans(1, random_state=0).partial_fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="`inertia_` overflows"):
            kmeans.predict(X)
    with pytest.raises(AttributeError, match="rows of a stream are not kept"):
        _ = kmeans.labels_


def test_centers_take_room_for_the_rows_there_are():
    X = sparse.random_array((12, 50_000), density=1e-3, format="csr", random_state=0)
    tracemalloc.start()
    try:
        KMeans(10, extra_center_factor=100, random_state=0).partial_fit(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * X.shape[1] * 8  # of 1000 centres that may be


@pytest.mark.parametrize("away", [0.0, 1e6, 1e8])
def test_products_are_asked_where_they_tell_who_is_near(away):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 200))
    points[::2] += away
    weights = rng.uniform(0.1, 1, size=40)
    points -= points.mean(axis=0)
    assert (_reliable_products(points, 20) is not None) == (away == 0)
    plain, left = points.copy(), weights.copy()
    pairs, costs = np.empty((20, 2), dtype=np.intp), np.empty(20)
    merge_closest(plain, left, None, pairs, costs, 1)
    found = Mergers(points, weights, 20, 1)
    assert found.pairs.tolist() == pairs.tolist()
    np.testing.assert_allclose(found.costs, costs, rtol=1e-6)
