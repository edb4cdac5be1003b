"""Validation of rows and weights, with scikit-learn's error messages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from copy import copy
from numbers import Number
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import validate_data

from algos._common.arrays import Float64Array
from algos._common.checked import check_array
from algos._common.column_types import explain, refuse_date_targets, refuse_dates
from algos._common.csr import canonical
from algos._common.sparse_format import check_sparse_format
from algos._common.threads import effective_n_threads
from algos._cython.finite import all_finite

FLOATS = (np.float64, np.float32)
MANY_VALUES = 1 << 19  # fewer are checked faster than a second thread wakes up


def validate_rows(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    dtype: Any = FLOATS,
    accept_sparse: Any = False,
    ensure_min_samples: int = 1,
    order: str | None = "C",
    ensure_all_finite: bool = True,
) -> Any:
    """Return X as a checked float array (or CSR matrix) of shape (n_rows, n_columns).

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` and `feature_names_in_` if `reset`; else X must agree with them.
    X : array-like, frame or sparse matrix
    reset : bool
        True in `fit`, and in the first `partial_fit`.
    dtype : type or sequence of types, default=(float64, float32)
        Accepted dtypes; others are converted to the first.
    accept_sparse : bool or str, default=False
        As in `sklearn.utils.check_array`; "csr" for CSR.
    ensure_min_samples : int, default=1
    order : {"C", "F", None}, default="C"
    ensure_all_finite : bool, default=True
        False for a caller whose own pass over X detects NaN and infinity.
    """
    if sparse.issparse(X):
        check_sparse_format(X)
    is_plain = _is_plain(X, dtype, accept_sparse, order)
    is_plain = is_plain and X.shape[0] >= max(ensure_min_samples, 1)
    if is_plain and ensure_all_finite:
        is_plain = _is_finite(estimator, X)
    if is_plain and reset and X.shape[1] > 0:
        estimator.n_features_in_ = X.shape[1]
        estimator.__dict__.pop("feature_names_in_", None)
        return X
    if is_plain and not reset and _has_the_columns(estimator, X):
        return X
    is_float32 = refuse_dates(X)
    if is_float32 and isinstance(dtype, tuple) and np.float32 in dtype:
        dtype = np.float32  # scikit-learn makes float64 of polars' and pyarrow's
    try:
        with np.errstate(invalid="ignore"):  # infinities of either sign are summed there
            return validate_data(
                estimator,
                X,
                reset=reset,
                ensure_all_finite=ensure_all_finite and not is_plain,
                dtype=list(dtype) if isinstance(dtype, tuple) else dtype,
                accept_sparse=accept_sparse,
                accept_large_sparse=True,
                ensure_min_samples=ensure_min_samples,
                order=order,
            )
    except (TypeError, ValueError, OverflowError) as error:
        explain(X, error)
        raise


def validate_dense_or_csr(estimator: Any, X: Any, *, reset: bool, **options: Any) -> Any:
    """Return X as `validate_rows` does; sparse rows as CSR in canonical format."""
    return canonical(validate_rows(estimator, X, reset=reset, accept_sparse="csr", **options))


def _is_plain(X: Any, dtype: Any, accept_sparse: Any, order: str | None) -> bool:
    """Return whether X is an array or a CSR matrix that needs no conversion.

    scikit-learn's validation of one row costs more than most predictions for it, and its
    search for NaN in many rows uses one thread.
    """
    if type(X) in (sparse.csr_matrix, sparse.csr_array):
        is_right = accept_sparse == "csr" and X.ndim == 2
        values = X.data
    else:
        is_right = type(X) is np.ndarray and X.ndim == 2 and order != "F"
        values = X
    kinds = dtype if isinstance(dtype, tuple) else (dtype,)
    return (
        is_right
        and values.dtype.type in kinds
        and values.dtype.isnative
        and values.flags.c_contiguous
    )


def _is_finite(estimator: Any, X: Any) -> bool:
    if X.dtype.kind != "f" or sklearn.get_config()["assume_finite"]:
        return True
    values = X.data.reshape(1, -1) if sparse.issparse(X) else X
    if values.size < MANY_VALUES:
        return all_finite(values)
    return all_finite(values, effective_n_threads(getattr(estimator, "n_jobs", 1)))


def _has_the_columns(estimator: Any, X: NDArray[Any]) -> bool:
    # Not hasattr: for a missing attribute, the estimator's __getattr__ is slow.
    known = vars(estimator)
    return X.shape[1] == known.get("n_features_in_") and "feature_names_in_" not in known


def check_sample_weight(sample_weight: Any, n_rows: int) -> Float64Array | None:
    """Return the weights as float64 of shape (n_rows,), or None if all rows weigh 1.

    Raises
    ------
    ValueError
        If they have another shape, or are not finite, negative or all zero.
    """
    if sample_weight is None:
        return None
    if type(sample_weight) is not np.ndarray or sample_weight.dtype.kind not in "fiu":
        refuse_date_targets(sample_weight, "sample_weight")
    if isinstance(sample_weight, Number):
        weight = np.full(n_rows, sample_weight, dtype=np.float64)
        check_array(weight[:1], ensure_2d=False, input_name="sample_weight")
    else:
        weight = check_array(
            sample_weight,
            ensure_2d=False,
            dtype=np.float64,
            order="C",
            ensure_min_samples=0,
            input_name="sample_weight",
        )
    if weight.shape != (n_rows,):
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(n_rows,)}! "
            f"`sample_weight` must be a number or a 1D array with one weight a row"
        )
    if np.any(weight < 0):
        raise ValueError(
            f"Negative values in data passed to `sample_weight`: its least value "
            f"{float(weight.min())!r} must be at least 0; leave such rows out"
        )
    if not np.any(weight > 0):
        raise ValueError(
            "Sample weights must contain at least one non-zero number: `sample_weight` is "
            "all zero; give some row a positive weight"
        )
    return weight


def check_held_out(X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Return whether validation rows were passed; raise ValueError if a part of them is missing."""
    if X_val is None:
        for name, value in (("y_val", y_val), ("sample_weight_val", sample_weight_val)):
            if value is not None:
                raise ValueError(f"`{name}` must be None without `X_val`; pass X_val too")
        return False
    if y_val is None:
        raise ValueError("`X_val` must come with `y_val`; pass y_val too")
    return True


# As messages name them: not in quotes, where they would be the name of a column.
_NAME = re.compile(r"(^|`|^Input | passed for )(X|sample_weight)\b")


@contextlib.contextmanager
def said_of_validation() -> Iterator[None]:
    """Make errors about rows name `X_val` and its weights."""
    try:
        yield
    except (TypeError, ValueError) as error:
        text, n_renamed = _NAME.subn(r"\1\2_val", str(error))
        if not n_renamed and "y_val" not in text:
            text = f"X_val, y_val: {text}"
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(text) from error


def read_only(X: Any) -> Any:
    """Return a read-only view of X, an array or a CSR matrix."""
    if not sparse.issparse(X):
        view = X.view()
        view.flags.writeable = False
        return view
    view = copy(X)
    view.data, view.indices, view.indptr = map(read_only, (X.data, X.indices, X.indptr))
    return view


def drop_zero_weight(X: Any, weight: Float64Array | None, *others: Any) -> tuple[Any, ...]:
    """Return (X, weight, *others) without the rows of weight zero.

    None among `others` stays None; if there is no such row, the arguments are returned unchanged.
    """
    if weight is None or np.all(weight > 0):
        return (X, weight, *others)
    kept = np.flatnonzero(weight > 0)
    rows = X.tocsr()[kept] if sparse.issparse(X) else X[kept]
    return (rows, weight[kept], *(None if o is None else o[kept] for o in others))
