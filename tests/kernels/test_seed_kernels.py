"""The kernels of k-means++ against numpy, with codes and without, on every instruction set."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import _codes, _tile
from algos._cython.kmeans_buckets import bucket_sums, draw_members, group_by_bucket
from algos._cython.kmeans_seed import add_center, add_hits, hit_lanes, try_candidates
from algos._cython.kmeans_seed_codes import bound_gains
from algos._cython.kmeans_seed_known import add_center_known, try_known
from algos.kmeans.codes import encode_as
from algos.kmeans.trials import Trials

LEVELS = (0, 3, 4)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = pytest.mark.parametrize(
    "shape",
    [(1, 1, 1), (3, 2, 5), (17, 8, 6), (64, 16, 4), (65, 17, 7), (700, 33, 3), (21, 17000, 2)],
)


@pytest.fixture(params=LEVELS)
def level(request):
    chosen = _tile._test_choose_level(request.param)
    yield chosen
    _tile._test_choose_level(max(LEVELS))


@pytest.fixture(params=[False, True], ids=["plain", "vnni"])
def vnni(request):
    yield _codes._test_choose_vnni(request.param)
    _codes._test_choose_vnni(True)


def problem(n, d, m, dtype, seed=0, weighted=True):
    """Rows, candidates (two of them rows) less the shift, and the squares so far."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) + 3).astype(dtype)
    shift = X.mean(axis=0, dtype=np.float64).astype(dtype)
    candidates = rng.normal(size=(m, d)).astype(dtype)
    candidates[:2] = (X - shift)[rng.integers(n, size=min(m, 2))]
    squares = rng.uniform(0.5 * d, 2.5 * d, size=n).astype(dtype)
    weight = rng.uniform(0.5, 2, size=n) if weighted else None
    return X, weight, shift, candidates, squares


def exact_squares(X, shift, candidates):
    away = (X - shift).astype(np.float64)[:, np.newaxis] - candidates.astype(np.float64)
    return (away**2).sum(axis=2)


class Found:
    """What a step has noted."""

    def __init__(self, n, m, dtype, capacity=None):
        lanes, longest = hit_lanes(n)
        self.masks = np.full((-(-n // 64), m), 7, dtype=np.uint64)
        self.listed = np.zeros((lanes, m, capacity or longest), dtype=dtype)
        self.counts = np.full((lanes, m), 7, dtype=np.intp)
        self.gains = np.empty(m)
        self.n = n

    @property
    def args(self):
        return self.masks, self.listed, self.counts, self.gains

    def hits(self):
        """The masks as booleans (n, m)."""
        bits = self.masks[:, :, np.newaxis] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
        return bits.transpose(0, 2, 1).reshape(-1, self.masks.shape[1])[: self.n].astype(bool)

    def distances(self, candidate):
        """The listed distances of a candidate's hits."""
        lists = zip(self.listed[:, candidate], self.counts[:, candidate], strict=True)
        return np.concatenate([values[:count] for values, count in lists])

    def same_bits(self, other):
        return all(
            mine.tobytes() == theirs.tobytes()
            for mine, theirs in zip(self.args, other.args, strict=True)
        )


def tried(X, weight, shift, candidates, squares, *, n_threads=1, packed=None, full=False):
    found = Found(len(X), len(candidates), X.dtype)
    try_candidates(X, weight, shift, candidates, squares, packed, full, *found.args, n_threads)
    return found


class Bounds:
    """What codes tell of each candidate."""

    def __init__(self, X, weight, shift, candidates, squares, codes, *, n_threads=1):
        self.possible = np.full((-(-len(X) // 64), len(candidates)), 7, dtype=np.uint64)
        self.bounds = np.full((3, len(candidates)), np.nan)
        bound_gains(weight, candidates, squares, *codes, self.possible, self.bounds, n_threads)

    def same_bits(self, other):
        same_masks = np.array_equal(self.possible, other.possible)
        return same_masks and np.array_equal(self.bounds, other.bounds)


def tried_known(X, weight, shift, candidates, squares, codes, *, n_threads=1):
    """All candidates, one after the other."""
    bounded = Bounds(X, weight, shift, candidates, squares, codes, n_threads=n_threads)
    found = Found(len(X), len(candidates), X.dtype)
    for j, candidate in enumerate(candidates):
        one = Found(len(X), 1, X.dtype)
        found.gains[j] = try_known(
            X, weight, shift, candidate, squares, bounded.possible, j, *one.args[:3], n_threads
        )
        found.masks[:, j], found.counts[:, j] = one.masks[:, 0], one.counts[:, 0]
        found.listed[:, j] = one.listed[:, 0]
    least, most, count = bounded.bounds
    assert np.all(least * (1 - 1e-6) <= found.gains)
    assert np.all(found.gains <= most * (1 + 1e-6))
    assert np.all(found.counts.sum(axis=0) <= count)
    return found


def assert_right(found, X, weight, shift, candidates, squares):
    exact = exact_squares(X, shift, candidates)
    away = squares[:, np.newaxis].astype(np.float64) - exact
    rounding = 4 * (X.shape[1] + 8) * np.finfo(X.dtype).eps * squares.max()
    hits = found.hits()
    clear = abs(away) > rounding
    np.testing.assert_array_equal(hits[clear], (away > 0)[clear])
    np.testing.assert_array_equal(found.counts.sum(axis=0), hits.sum(axis=0))
    for j in range(len(candidates)):
        np.testing.assert_allclose(found.distances(j), exact[hits[:, j], j], rtol=0, atol=rounding)
    w = np.ones(len(X)) if weight is None else weight
    expected = w @ np.maximum(away, 0)
    np.testing.assert_allclose(found.gains, expected, rtol=0, atol=2 * rounding * w.sum())


@DTYPES
@SHAPES
def test_hits_and_gains_equal_numpy(level, shape, dtype):
    given_ = problem(*shape, dtype)
    found = tried(*given_, n_threads=2)
    assert_right(found, *given_)
    assert found.same_bits(tried(*given_))


@DTYPES
@pytest.mark.parametrize("shape", [(3, 2, 5), (17, 8, 6), (65, 17, 7), (700, 33, 3), (70, 8000, 2)])
def test_hits_by_codes_equal_numpy(vnni, shape, dtype):
    given_ = problem(*shape, dtype)
    codes = encode_as(given_[0], given_[2], 1, fine=shape[1] <= 16)
    found = tried_known(*given_, codes, n_threads=2)
    assert_right(found, *given_)
    assert found.same_bits(tried_known(*given_, codes))
    assert Bounds(*given_, codes).same_bits(Bounds(*given_, codes, n_threads=2))


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(2, 400),
    d=st.integers(1, 40),
    m=st.integers(1, 9),
    seed=st.integers(0, 2**31),
    exponent=st.integers(-12, 12),
    single=st.booleans(),
    fine=st.booleans(),
    weighted=st.booleans(),
)
def test_codes_change_no_bit(n, d, m, seed, exponent, single, fine, weighted):
    dtype = np.float32 if single else np.float64
    X, weight, shift, candidates, squares = problem(n, d, m, dtype, seed, weighted)
    X, shift, candidates = (np.ldexp(a, exponent) for a in (X, shift, candidates))
    squares = np.ldexp(squares, 2 * exponent)
    squares[::5] = 0
    codes = encode_as(X, shift, 1, fine=fine and d <= 16)
    given_ = (X, weight, shift, candidates, squares)
    no_help = codes._replace(errors=np.full(n, np.inf, np.float32))  # so all rows are measured
    filtered, measured = tried_known(*given_, codes), tried_known(*given_, no_help)
    assert filtered.same_bits(measured)
    assert not filtered.hits()[::5].any()


@DTYPES
@pytest.mark.parametrize("d", [3, 8, 20])
def test_rows_in_tiles_give_the_same_bits(level, dtype, d):
    given_ = problem(1000, d, 5, dtype)
    room = np.empty((1000 + 64) * d + 16, dtype=dtype)
    packed = room[-room.ctypes.data % 64 // room.itemsize :]
    plain = tried(*given_)
    assert plain.same_bits(tried(*given_, packed=packed))
    assert plain.same_bits(tried(*given_, packed=packed, full=True, n_threads=2))


@DTYPES
def test_a_new_center_lowers_the_squares_alike_in_every_way(dtype):
    X, weight, shift, candidates, squares = problem(3000, 20, 3, dtype)
    codes = encode_as(X, shift, 1, fine=False)
    bucket = np.random.default_rng(0).integers(16, size=3000).astype(np.uint16)
    for found in (
        tried(X, weight, shift, candidates, squares),
        tried_known(X, weight, shift, candidates, squares, codes),
    ):
        center, lowered = candidates[1:2], squares.copy()
        sums = np.bincount(bucket, weight * squares)
        add_hits(found.masks, found.listed, found.counts, 1, weight, bucket, lowered, sums)
        expected = np.minimum(squares, exact_squares(X, shift, center)[:, 0])
        np.testing.assert_allclose(lowered, expected, rtol=1e-5)
        np.testing.assert_allclose(sums, np.bincount(bucket, weight * lowered), rtol=1e-9)
    by_codes, known = lowered, squares.copy()
    add_center_known(X, shift, center[0], known, found.masks, 1, 2)
    assert known.tobytes() == by_codes.tobytes()
    passed = squares.copy()
    add_center(X, shift, center, passed, None, False, 2)
    np.testing.assert_allclose(passed, expected, rtol=1e-5)
    assert known[np.all(X - shift == center, axis=1)].max() == 0


def test_bounds_are_close_where_codes_are_fine():
    given_ = problem(2000, 12, 4, np.float32)
    codes = encode_as(given_[0], given_[2], 1, fine=True)
    least, most, _ = Bounds(*given_, codes).bounds
    np.testing.assert_allclose(least, most, rtol=0.01)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(2, 3000),
    d=st.integers(1, 40),
    m=st.integers(1, 8),
    seed=st.integers(0, 2**31),
    weighted=st.booleans(),
)
def test_the_best_candidate_is_the_same_with_codes(n, d, m, seed, weighted):
    X, weight, shift, candidates, squares = problem(n, d, m, np.float32, seed, weighted)
    candidates[-1] = candidates[0]  # of equals the first is the best
    codes = encode_as(X, shift, 1, fine=False)
    plain = Trials(X, weight, shift, m, None, 1)
    coded = Trials(X, weight, shift, m, codes, 1)
    bucket = np.zeros(n, dtype=np.uint16)
    for _ in range(3):  # codes are not asked before the second step
        wide = candidates.astype(np.float64)
        best = int(np.argmax(plain.gains(wide, squares)))
        assert int(np.argmax(coded.gains(wide, squares))) == best
        lowered = []
        for trials in (plain, coded):
            lowered.append(squares.copy())
            trials.add(best, wide[best], bucket, lowered[-1], np.zeros(1))
        np.testing.assert_allclose(*lowered, rtol=1e-5, atol=1e-5)
        squares = lowered[1]
        candidates = np.roll(candidates, 1, axis=1)


def test_hits_beyond_the_room_are_counted():
    X, weight, shift, candidates, squares = problem(2000, 6, 3, np.float32)
    whole, short = tried(X, weight, shift, candidates, squares), Found(2000, 3, np.float32, 2)
    try_candidates(X, weight, shift, candidates, squares, None, False, *short.args, 1)
    assert np.array_equal(short.masks, whole.masks)
    assert np.array_equal(short.counts, whole.counts)
    assert np.array_equal(short.gains, whole.gains)
    assert short.counts.max() > 2


def test_bucket_sums_equal_bincount():
    rng = np.random.default_rng(0)
    values = rng.uniform(size=5000).astype(np.float32)
    weight = rng.uniform(size=5000)
    bucket = rng.integers(1024, size=5000).astype(np.uint16)
    for w in (None, weight):
        sums = np.empty(1024)
        bucket_sums(values, w, bucket, sums, 2)
        factor = 1 if w is None else w
        np.testing.assert_allclose(sums, np.bincount(bucket, values * factor, minlength=1024))


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_rows_are_grouped_as_by_a_stable_sort(index):
    bucket = np.random.default_rng(0).integers(50, size=700).astype(np.uint16)
    starts, members = np.empty(65, dtype=np.int64), np.empty(700, dtype=index)
    group_by_bucket(bucket, starts, members)
    np.testing.assert_array_equal(members, np.argsort(bucket, kind="stable"))
    np.testing.assert_array_equal(np.diff(starts), np.bincount(bucket, minlength=64))


@pytest.mark.parametrize("weighted", [False, True])
def test_members_are_drawn_where_the_sum_exceeds_the_target(weighted):
    rng = np.random.default_rng(0)
    values = rng.integers(3, size=40).astype(np.float64)
    weight = rng.integers(1, 4, size=40).astype(np.float64) if weighted else None
    starts, members = np.array([0, 25, 40]), rng.permutation(40).astype(np.int32)
    for bucket in (0, 1):
        mine = members[starts[bucket] : starts[bucket + 1]]
        cumulated = np.cumsum(values[mine] * (weight[mine] if weighted else 1))
        targets = np.append(np.arange(0, cumulated[-1], 0.5), cumulated[-1] + 1)
        drawn = np.empty(len(targets), dtype=np.int64)
        buckets = np.full(len(targets), bucket)
        draw_members(values, weight, starts, members, buckets, targets, drawn)
        expected = mine[np.searchsorted(cumulated, targets[:-1], side="right")]
        np.testing.assert_array_equal(drawn[:-1], expected)
        assert values[drawn[-1]] > 0  # where rounding leaves nothing
