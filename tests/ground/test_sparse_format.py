"""What the check of sparse arrays lets pass, SciPy's own check of new matrices lets pass too."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse

from algos._common.sparse_format import check_sparse_format


def made(kind, X):
    if kind == "bsr":
        return sparse.bsr_array(X, blocksize=(2, 2))
    return sparse.coo_array(X).asformat(kind)


def check_as_scipy_does(X):
    """Raise ValueError where SciPy would not make such a matrix."""
    if X.format == "coo":
        sparse.coo_array((X.data, (X.row, X.col)), shape=X.shape)
    else:
        X.check_format()


@given(
    st.sampled_from(["csr", "csc", "bsr", "coo"]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 999),
    st.integers(-3, 3),
    st.booleans(),
)
def test_what_is_not_refused_is_a_matrix_to_scipy(kind, n, d, seed, change, in_first):
    rng = np.random.default_rng(seed)
    X = made(kind, rng.normal(size=(2 * n, 2 * d)) * (rng.random((2 * n, 2 * d)) < 0.4))
    names = ("row", "col") if kind == "coo" else ("indptr", "indices")
    array = getattr(X, names[0] if in_first else names[1])
    if len(array):
        array[rng.integers(len(array))] += change
    try:
        check_sparse_format(X)
    except ValueError:
        assert change != 0
        return
    check_as_scipy_does(X)
    X.tocsr().toarray()


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"])
@pytest.mark.parametrize("container", [np.zeros, np.ones])
def test_every_format_passes_as_scipy_makes_it(kind, container):
    check_sparse_format(made(kind, container((4, 6))))
