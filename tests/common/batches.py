"""Data that comes in batches: slices of one big array, or an iterator's items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from algos._common.validation import check_sample_weight

Batch = tuple[Any, Any, Any]  # X, y or None, sample_weight or None
Learner = TypeVar("Learner")


def iter_batches(
    X: Any, y: Any = None, sample_weight: Any = None, *, batch_size: int
) -> Iterator[Batch]:
    """Yield (X, y, sample_weight) in batches, y and sample_weight being None if absent.

    Parameters
    ----------
    X : array, memmap, CSR matrix, or iterable of batches
        What has a shape is cut into slices of `batch_size` rows: views, so of a memmap
        only one batch is in memory. An iterable gives its own batches, each X, (X, y) or
        (X, y, sample_weight).
    y, sample_weight : array-like of shape (n_rows,), default=None
        Only for an X that has a shape.
    batch_size : int
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size`={batch_size!r} must be an int in [1, inf); try 4096")
    if hasattr(X, "shape"):
        return _slices(X, y, sample_weight, batch_size)
    if y is not None or sample_weight is not None:
        raise ValueError(
            "`y` and `sample_weight` must be None when X is an iterable of batches; "
            "let it give tuples (X, y) or (X, y, sample_weight)"
        )
    return (_as_batch(item) for item in X)


def _slices(X: Any, y: Any, sample_weight: Any, batch_size: int) -> Iterator[Batch]:
    n_rows = X.shape[0]
    weight = check_sample_weight(sample_weight, n_rows)
    if y is not None and len(y) != n_rows:
        raise ValueError(f"`y` has {len(y)} values; it must have {n_rows}, one for each row of X")
    for start in range(0, n_rows, batch_size):
        rows = slice(start, min(start + batch_size, n_rows))
        yield (
            X[rows],
            None if y is None else y[rows],
            None if weight is None else weight[rows],
        )


def _as_batch(item: Any) -> Batch:
    if not isinstance(item, tuple):
        return item, None, None
    if not 1 <= len(item) <= 3:
        raise ValueError(
            f"a batch of {len(item)} parts must be X, (X, y) or (X, y, sample_weight); "
            f"give no other parts"
        )
    X, y, sample_weight = (*item, None, None)[:3]
    return X, y, sample_weight


def learn_from(estimator: Learner, batches: Iterable[Batch], **options: Any) -> Learner:
    """Call `partial_fit` for each batch and return the estimator.

    Parameters
    ----------
    estimator : estimator with `partial_fit`
    batches : iterable of (X, y, sample_weight)
        As from `iter_batches`; a batch whose weights are all zero holds no rows.
    **options
        Handed to each call, such as `classes`.
    """
    for X, y, weight in batches:
        if weight is None:
            estimator.partial_fit(X, y, **options)  # type: ignore[attr-defined]
        elif weight.any():
            estimator.partial_fit(  # type: ignore[attr-defined]
                X, y, sample_weight=weight, **options
            )
    return estimator
