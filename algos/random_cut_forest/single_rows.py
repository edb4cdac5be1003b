"""A fast path for streams that are learned row by row.

Validating a row and looking up the arrays of a forest takes longer than scoring and learning
the row. A stream is kept open while its parameters and arrays are the same objects; whatever
replaces one of them, such as other methods, closes it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

from algos._common.arrays import Float64Array
from algos._cython.cut_stream import SingleRows
from algos.random_cut_forest.scores import METHODS
from algos.random_cut_forest.shingles import Entry, journal
from algos.random_cut_forest.state import State
from algos.random_cut_forest.threshold import grading_of

FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


def _is_plain(X: Any) -> bool:
    """Tell whether X may skip validation and conversion."""
    return type(X) is np.ndarray and X.flags.c_contiguous and X.dtype in (FLOAT64, FLOAT32)


class OpenStream:
    """An open stream, which checks whether it still is the state of its estimator.

    Parameters
    ----------
    estimator : RandomCutForest
    held : State
        Its state, whose tail may be written to from now on.
    usual : ndarray of shape (5,) or None
        The statistics for grades, also to be written to; None if no row has been scored.
    """

    _follow: dict[Any, Callable[[Any, bool], tuple[float, float] | None]]
    __slots__ = (
        "_arrays",
        "_entries",
        "_follow",
        "_judges",
        "_owner",
        "_shape",
        "_usual",
        "_values",
        "_values_of",
    )

    def __init__(self, estimator: Any, held: State, usual: Float64Array | None) -> None:
        attributes = estimator.__dict__
        self._owner = ref(estimator, partial(_drop, _OPEN, id(estimator)))
        self._values_of = operator.itemgetter(*type(estimator)._parameters)
        self._values = self._values_of(attributes)
        self._arrays, self._usual = attributes["_forest"], attributes["_usual"]
        self._entries = attributes["_notes"]["entries"]
        self._shape, self._judges = (1, estimator.n_features_in_), usual is not None
        forest, scaling, method = held.forest, held.scaling, estimator.score_method
        rows = SingleRows(
            (forest.key, forest.decay, *forest.trees, *forest.reservoirs),
            METHODS.index(method),
            scaling.unit,
            scaling.center,
            scaling.factor,
            np.asarray(scaling.resting, dtype=np.int64),
            np.empty((0, self._shape[1]), np.float32) if held.tail is None else held.tail,
            np.zeros(5) if usual is None else usual,
            *grading_of(method, float(forest.decay[0]), estimator.max_samples),
        )
        self._follow = {FLOAT64: rows.follow, FLOAT32: rows.follow_single}

    def follow(self, estimator: Any, X: Any, judged: bool) -> tuple[float, float] | None:
        """Learn a row; return its score and grade, if `judged`, or zeros.

        Return None, without learning it, if anything has changed or needs validation, or if a
        column that has been constant differs.
        """
        attributes = estimator.__dict__
        if (
            attributes["_forest"] is not self._arrays
            or attributes["_notes"]["entries"] is not self._entries
            or attributes["_usual"] is not self._usual
            or judged > self._judges
            or "_skl_callbacks" in attributes
            or not _is_plain(X)
            or X.shape != self._shape
            or not all(map(operator.is_, self._values_of(attributes), self._values))
        ):
            return None
        return self._follow[X.dtype](X, judged)


# By the ids of estimators, since subclasses need not be hashable. A new estimator with the id of a
# deleted one is recognised, because `OpenStream.follow` compares arrays that the stream holds.
_OPEN: dict[int, OpenStream] = {}


def _drop(streams: dict[int, OpenStream], at: int, _: object) -> None:
    streams.pop(at, None)


def follow(estimator: Any, X: Any, judged: bool) -> tuple[float, float] | None:
    """Learn a row if the stream of the estimator is open; see `OpenStream.follow`."""
    stream = _OPEN.get(id(estimator))
    return None if stream is None else stream.follow(estimator, X, judged)


def close(estimator: Any) -> None:
    """Close the stream of the estimator, if it is open."""
    _OPEN.pop(id(estimator), None)


def hold_open(estimator: Any, X: Any) -> None:
    """Open the stream of an estimator that has just learned the row X, if possible.

    It is not if X needs validation, if columns have names, are scaled by a running scaling, have
    no known value yet or have just ceased to be constant, or if values of the last shingle were
    missing.
    """
    attributes = estimator.__dict__
    if not _is_plain(X) or "feature_names_in_" in attributes or "_forest" not in attributes:
        return
    held, method = estimator._held(), estimator.score_method
    scaling = held.scaling
    if float(held.forest.decay[0]) != estimator._decay():  # changed, and no row learned since
        return
    if scaling.running is not None or held.recent is not None:
        return
    if len(scaling.blank) or held.n_filled.any():
        return
    # Copies, since these two are written to from now on.
    held.tail = None if held.tail is None else np.array(held.tail)
    usual = {name: np.array(value) for name, value in estimator._usual.items()}
    entry = held.n_learned, held.tail, None, held.n_filled, held.n_skipped, held.units
    estimator._notes, estimator._usual = journal(Entry(*entry)), usual
    _OPEN[id(estimator)] = OpenStream(estimator, held, usual.get(method))
