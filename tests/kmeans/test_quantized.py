"""KMeans by 8-bit codes: the clusters of the plain passes, whatever the data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits, make_blobs

from algos import KMeans
from algos._common.random import seed_key
from algos._cython.kmeans_quantized import assign_quantized
from algos.kmeans.codes import encode
from algos.kmeans.quantized import QuantizedPasses
from algos.kmeans.rows import Rows


def both(X, n_clusters, **parameters):
    """Fits by codes and by plain passes from the same seed."""
    weight = parameters.pop("sample_weight", None)
    return [
        KMeans(n_clusters, random_state=0, algorithm=algorithm, **parameters).fit(
            X, sample_weight=weight
        )
        for algorithm in ("quantized", "lloyd")
    ]


LAWS = {
    "digits": lambda: load_digits().data,
    "digits32": lambda: load_digits().data.astype(np.float32),
    "blobs": lambda: make_blobs(3000, 5, centers=12, random_state=0)[0],
    "offset": lambda: (make_blobs(3000, 20, random_state=1)[0] + 1e4).astype(np.float32),
    "heavy": lambda: np.random.default_rng(2).standard_t(1.5, size=(2000, 9)),
    "huge": lambda: np.random.default_rng(3).normal(size=(500, 4)) * 1e200,
    "tiny": lambda: (np.random.default_rng(4).normal(size=(500, 4)) * 1e-30).astype(np.float32),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.filterwarnings("ignore:.inertia_. overflows")
def test_the_clusters_are_those_of_plain_passes(law):
    coded, plain = both(LAWS[law](), 12, max_iter=20)
    assert coded.algorithm_ == "quantized"
    assert np.array_equal(coded.labels_, plain.labels_)
    assert_allclose(coded.inertia_, plain.inertia_, rtol=1e-9)
    scale = np.abs(plain.cluster_centers_).max()
    assert_allclose(coded.cluster_centers_ / scale, plain.cluster_centers_ / scale, atol=1e-6)


def test_ties_cost_nothing():
    X = np.random.default_rng(5).integers(0, 3, size=(1000, 3)).astype(float)
    coded, plain = both(X, 27)
    assert_allclose([coded.inertia_, plain.inertia_], 0, atol=1e-20)


def test_weights_count_and_large_sums_are_made_apart():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(3000, 40))
    weight = rng.uniform(0.1, 3, 3000)
    coded, plain = both(X, 700, max_iter=5, sample_weight=weight)  # no room for lanes
    assert np.array_equal(coded.labels_, plain.labels_)
    assert_allclose(coded.history_["objective"], plain.history_["objective"], rtol=1e-6)


def test_constant_rows_have_no_codes():
    with pytest.warns(UserWarning, match="distinct clusters"):
        assert KMeans(2, algorithm="quantized").fit(np.ones((50, 3))).algorithm_ == "lloyd"


def test_too_many_columns_or_bytes_have_no_codes():
    wide = np.random.default_rng(7).normal(size=(3, 9000))
    assert encode(wide, wide[0], 1) is None
    narrow = np.broadcast_to(np.float32(1), (2_000_000, 1))  # not made: nothing is read
    assert encode(narrow, np.zeros(1, np.float32), 1) is None


def test_passes_give_up_codes_that_rule_nothing_out():
    rng = np.random.default_rng(8)
    X = np.concatenate([rng.normal(size=(500, 30)) * 1e-3, rng.normal(size=(500, 30)) * 1e3])
    rows = Rows(X, None, seed_key(0), 1)
    centers = X[:20] - rows.shift
    labels = np.full(len(X), -1, dtype=np.int32)
    passes = QuantizedPasses(rows, rows.codes, 20)
    first = passes.assign(centers, labels)
    assert not passes.state()["is_useful"]
    again = passes.assign(centers, labels)
    assert_allclose(first.sums, again.sums, atol=1e-9)
    assert again.n_changed == 0


def settled_rows(n=6000, d=6, k=30):
    """Overlapping groups, on which a fit takes many passes that change little."""
    rng = np.random.default_rng(9)
    centers = 2 * rng.normal(size=(k, d))
    return (centers[rng.integers(k, size=n)] + rng.normal(size=(n, d))).astype(np.float32)


@pytest.mark.parametrize("d", [6, 200])
def test_rows_with_gaps_keep_the_labels_of_plain_passes(d):
    coded, plain = both(settled_rows(d=d, k=30 if d == 6 else 8), 30 if d == 6 else 12, tol=0)
    assert coded.n_iter_ == plain.n_iter_ > 15
    assert np.array_equal(coded.labels_, plain.labels_)
    # Products in float32 may take a row that is nearly between two centres to the other one.
    assert_allclose(coded.history_["objective"], plain.history_["objective"], rtol=1e-4)


def test_gaps_spare_most_rows_of_late_passes(monkeypatch):
    seen = []

    def counted(*arguments):
        found = assign_quantized(*arguments)
        seen.append(found[2])
        return found

    monkeypatch.setattr("algos.kmeans.quantized.assign_quantized", counted)
    X = settled_rows()
    KMeans(30, random_state=0, algorithm="quantized", tol=0).fit(X)
    assert seen[0] == len(X)
    assert seen[-1] < len(X) / 3


def test_passes_go_on_from_a_state_with_gaps_to_the_same_bits():
    rows = Rows(settled_rows(), None, seed_key(0), 1)
    whole = resumed = QuantizedPasses(rows, rows.codes, 30)
    centers = other_centers = rows.X[:30] - rows.shift.astype(np.float64)
    labels, other_labels = (np.full(len(rows), -1, dtype=np.int32) for _ in range(2))
    had_gaps = 0
    for _ in range(25):
        resumed = QuantizedPasses(rows, rows.codes, 30, resumed.state())
        had_gaps += "gaps" in resumed.state()
        found, other = whole.assign(centers, labels), resumed.assign(other_centers, other_labels)
        np.testing.assert_array_equal(labels, other_labels)
        np.testing.assert_array_equal(found.sums, other.sums)
        centers, other_centers = (f.sums / f.counts[:, None] for f in (found, other))
    assert had_gaps > 3
