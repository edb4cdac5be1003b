"""Unfinished fits: what a checkpoint holds beyond a model, and how `fit` goes on from it.

An estimator needs four lines::

    progress = Resumable(self, X, y, sample_weight)
    state = progress.state or {"iteration": 0, "centers": initial_centers(...)}
    with fit_tasks(self, self.max_iter - state["iteration"], X=X) as fit:
        for step in fit.loop("iteration", range(state["iteration"], self.max_iter)):
            ...
            step.finish(lambda: {"cluster_centers_": centers.copy(),
                                 **progress.unfinished(iteration=step.number + 1, ...)})

The state holds whatever the remaining iterations depend on, as plain arrays, numbers and
strings: the key of the random streams, and whether the last iteration has converged.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from scipy import sparse

from algos._common.base import NOT_OF_THE_MODEL
from algos._common.row_key import row_keys
from algos._common.threads import effective_n_threads

ATTRIBUTE = "_unfinished"
_KEY = np.array([0x5EED, 0xF17], dtype=np.uint64)


class Resumable:
    """A fit that can stop after any task and be resumed, with bit-identical results.

    Parameters
    ----------
    estimator : estimator
        If it was loaded from a checkpoint, its stored state is removed from it.
    X : array or CSR matrix of shape (n_rows, n_columns)
        Validated rows.
    y, sample_weight : array-like of shape (n_rows,), default=None
    held_out : tuple of (rows, y, sample_weight), default=None
        Validation rows, checked, if the caller passed any.

    Attributes
    ----------
    state : dict or None
        The arguments of the last `unfinished` call; None for a fit from the start.

    Raises
    ------
    ValueError
        If the stored state belongs to other data or parameters.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        held_out: tuple[Any, Any, Any] | None = None,
    ) -> None:
        self._of = (estimator, [(X, y, sample_weight)] + ([held_out] if held_out else []))
        self._fingerprint: str | None = None
        stored = estimator.__dict__.pop(ATTRIBUTE, None)
        self.state: dict[str, Any] | None = None
        if stored is not None:
            if stored["fingerprint"] != self.fingerprint():
                name = type(estimator).__name__
                raise ValueError(
                    f"this {name} holds an unfinished fit of other data or parameters; pass "
                    f"the same X, y, sample_weight and validation rows and leave the "
                    f"parameters as they were, or fit sklearn.base.clone(estimator) to start "
                    f"afresh"
                )
            self.state = {name: value for name, value in stored.items() if name != "fingerprint"}

    def fingerprint(self) -> str:
        """Return a hash of the data and of the parameters that make the model."""
        if self._fingerprint is None:
            self._fingerprint = _fingerprint(*self._of)
        return self._fingerprint

    def unfinished(self, **state: Any) -> dict[str, Any]:
        """Return the attribute that carries `state`, for the `attributes` of a task."""
        return {ATTRIBUTE: {"fingerprint": self.fingerprint(), **state}}


def _fingerprint(estimator: Any, tables: list[tuple[Any, Any, Any]]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(estimator.get_params(deep=False).items()):
        # An instance has moved on since the key was drawn from it; an int says it all.
        if name not in NOT_OF_THE_MODEL or (name == "random_state" and isinstance(value, int)):
            _add(digest, name, value)
    n_threads = effective_n_threads(getattr(estimator, "n_jobs", 1))
    for X, y, sample_weight in tables:
        digest.update(f"{X.shape} {X.dtype} {sparse.issparse(X)}".encode())
        digest.update(row_keys(X, _KEY, n_threads=n_threads).tobytes())
        _add(digest, "y", y)
        _add(digest, "sample_weight", sample_weight)
    return digest.hexdigest()


def _add(digest: Any, name: str, value: Any) -> None:
    if isinstance(value, (np.ndarray, list, tuple)):
        array = np.ascontiguousarray(value)
        if array.dtype.kind not in "OSU":
            digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
            digest.update(array.tobytes())
            return
        value = array.tolist()
    if callable(value):  # its repr holds an address, which another process has not
        value = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    digest.update(f"{name}={value!r};".encode())
