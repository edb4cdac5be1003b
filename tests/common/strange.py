"""Arrays that nobody would choose: a strategy of hypothesis for every estimator's tests.

A few values stand at places that a seed chooses: that is quick to draw, and gives constants,
repeated rows and huge beside tiny numbers far more often than values drawn one by one.
"""

import numpy as np
from hypothesis import strategies as st
from scipy import sparse

PLAIN = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 10.0, 1e-3, 1e4]
HARD = [
    -0.0,
    5e-324,
    1e-310,
    1e-160,
    1e-45,
    1e-30,
    1e-8,
    1e16,
    -1e30,
    3e38,
    1e155,
    -1e160,
    1e300,
    1.7e308,
    -1.7e308,
]
WRONG = [np.nan, np.inf, -np.inf]

DTYPES = ["float64", "float64", "float32", "float32", "float16", "int64", "int32", "uint8", "bool"]

n_rows = st.one_of(st.integers(0, 12), st.sampled_from([30, 70]))
n_columns = st.integers(0, 6)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def pools(draw):
    """Draw the few values of an array, rarely NaN."""
    values = draw(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4))
    if draw(st.booleans()):
        values += draw(st.lists(st.sampled_from(HARD), min_size=1, max_size=2))
    if draw(st.integers(0, 9)) == 9:
        values += [draw(st.sampled_from(WRONG))]
    return values


def as_dtype(X, dtype):
    """Return X in another type, integers at the ends of their range where it is too short."""
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind in "iu":
            ends = np.iinfo(dtype)
            X = np.clip(np.nan_to_num(X), float(ends.min) / 2, float(ends.max) / 2)
        return X.astype(dtype)


@st.composite
def numbers(draw, shape, dtypes=DTYPES):
    """Draw an array of that shape."""
    values = draw(pools())
    rng = np.random.default_rng(draw(seeds))
    X = rng.choice(values, size=shape)
    if draw(st.booleans()):
        with np.errstate(all="ignore"):
            X = X * rng.normal(size=shape)
    return as_dtype(X, draw(st.sampled_from(dtypes)))


def csr(X, kind=sparse.csr_matrix, index=np.int32):
    if X.dtype == np.float16:  # which scipy does not know
        X = X.astype(np.float32)
    X = kind(X)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    return X


def with_zeros(X):
    """Store every other value of the first row, zero or not."""
    X = csr(X)
    X.data[::2] = 0
    return X


def read_only(X):
    X.flags.writeable = False
    return X


CONTAINERS = [
    lambda X: X,
    np.asfortranarray,
    lambda X: np.repeat(X, 2, axis=0)[::2],
    lambda X: X[::-1, ::-1],
    read_only,
    lambda X: X.tolist() if X.size else X,
]
SPARSE = [
    csr,
    lambda X: csr(X, sparse.csr_array, np.int64),
    lambda X: csr(X).tocsc(),
    lambda X: csr(X).tocoo(),
    with_zeros,
]


@st.composite
def rows(draw, n_rows, n_columns, positive=False):
    """Draw rows of any type in any container."""
    X = draw(numbers((n_rows, n_columns)))
    if positive and X.dtype.kind == "f":
        X = np.abs(X)
    return draw(st.sampled_from(CONTAINERS + SPARSE))(X)
