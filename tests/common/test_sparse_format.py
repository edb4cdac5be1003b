"""Every sparse format is taken; spoiled arrays in one are a clear error of every method."""

import functools

import numpy as np
import pytest
from scipy import sparse

from tests.common.estimators import assert_close, cases_where, outputs

COMPRESSED = ["csr", "csc", "bsr"]
FAULTS = {
    "indptr beyond": lambda X: X.indptr.__setitem__(2, 10**6),
    "indptr ends beyond": lambda X: X.indptr.__setitem__(-1, 10**6),
    "indptr descends": lambda X: X.indptr.__setitem__(2, 0),
    "indptr negative": lambda X: X.indptr.__setitem__(0, -(10**6)),
    "indptr starts late": lambda X: X.indptr.__setitem__(0, 1),
    "indptr short": lambda X: setattr(X, "indptr", X.indptr[:-1].copy()),
    "indptr long": lambda X: setattr(X, "indptr", np.append(X.indptr, X.indptr[-1])),
    "indptr of floats": lambda X: setattr(X, "indptr", X.indptr + 0.5),
    "data short": lambda X: setattr(X, "data", X.data[:1].copy()),
    "indices short": lambda X: setattr(X, "indices", X.indices[:1].copy()),
    "index too large": lambda X: X.indices.__setitem__(1, 10**9),
    "index negative": lambda X: X.indices.__setitem__(1, -(10**9)),
}
COORDINATES = {
    "row too large": lambda X: X.row.__setitem__(1, 10**9),
    "row negative": lambda X: X.row.__setitem__(1, -(10**9)),
    "column too large": lambda X: X.col.__setitem__(1, 10**9),
    "column negative": lambda X: X.col.__setitem__(1, -(10**9)),
    "column one beyond": lambda X: X.col.__setitem__(1, X.shape[1]),
    "data short": lambda X: setattr(X, "data", X.data[:1].copy()),
}
SPOILED = [
    *((kind, name, spoil) for kind in COMPRESSED for name, spoil in FAULTS.items()),
    *(("coo", name, spoil) for name, spoil in COORDINATES.items()),
    ("bsr", "flat blocks", lambda X: setattr(X, "data", X.data[:, 0])),
    ("bsr", "large blocks", lambda X: setattr(X, "data", np.zeros((len(X.data), 7, 7)))),
    ("dia", "offsets long", lambda X: setattr(X, "offsets", np.arange(10**6, dtype=np.int32))),
]


def rows_of(case, kind, dtype):
    X = case.rows(n_columns=6).astype(dtype)
    if kind == "bsr":
        return sparse.bsr_array(X, blocksize=(2, 3))
    return sparse.csr_array(X).asformat(kind)


def fitted(case, X):
    return case.make().fit(X, case.target(X.toarray(order="C")))


@functools.cache
def known(case, dtype):
    """Return CSR rows, an estimator fitted to them, which no test may change, and its outputs."""
    X = rows_of(case, "csr", dtype)
    estimator = fitted(case, X)
    return X, estimator, outputs(estimator, X)


pytestmark = pytest.mark.filterwarnings("ignore:Constructing a DIA matrix")
sparse_cases = cases_where(lambda case: case.takes_sparse)


@sparse_cases
@pytest.mark.parametrize(("dtype", "index_type"), [(np.float64, np.int32), (np.int64, np.int64)])
@pytest.mark.parametrize(
    ("kind", "spoil"), [(s[0], s[2]) for s in SPOILED], ids=[f"{s[0]}-{s[1]}" for s in SPOILED]
)
def test_arrays_that_point_beyond_the_matrix_are_refused(case, kind, spoil, dtype, index_type):
    good, estimator, results = known(case, np.float64)
    before = dict(vars(estimator))
    bad = rows_of(case, kind, dtype)
    for name in ("indptr", "indices"):
        if hasattr(bad, name):
            setattr(bad, name, getattr(bad, name).astype(index_type))
    spoil(bad)
    y = case.target(good.toarray())
    calls = {name: (bad, y) for name in ("fit", "partial_fit", "score") if case.has(name)}
    calls |= dict.fromkeys(results, (bad,))
    for name, arguments in calls.items():
        with pytest.raises(ValueError, match=rf"^`X` must be a {kind.upper()} matrix: its .*; "):
            getattr(estimator, name)(*arguments)
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())


@sparse_cases
@pytest.mark.parametrize("kind", [*COMPRESSED, "coo", "dia", "lil", "dok"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_every_sparse_format_gives_the_results_of_csr(case, kind, dtype):
    X, (_, _, results) = rows_of(case, kind, dtype), known(case, dtype)
    assert_close(outputs(fitted(case, X), X), results, np.float32)
