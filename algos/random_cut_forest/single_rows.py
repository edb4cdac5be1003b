"""Streams that come row by row: what does not change from row to row is looked up once.

To validate a row and to find what belongs to a forest takes longer than to score and learn it.
A stream is held open while its parameters and all that it holds are the same objects; whatever
replaces one of them, as other methods do, closes it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from algos._cython.cut_stream import SingleRows
from algos.random_cut_forest.scores import METHODS
from algos.random_cut_forest.shingles import Entry, journal
from algos.random_cut_forest.state import State
from algos.random_cut_forest.threshold import grading_of

Doubles = NDArray[np.float64]

FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


def _is_plain(X: Any) -> bool:
    return type(X) is np.ndarray and X.flags.c_contiguous and X.dtype in (FLOAT64, FLOAT32)


class OpenStream:
    """A stream held open, with what tells whether it still is the estimator's.

    Parameters
    ----------
    estimator : RandomCutForest
    held : State
        Its state, of which the tail may be written to from now on.
    usual : ndarray of shape (5,) or None
        What grades go by, to be written to as well; None while no row has been scored.
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

    def __init__(self, estimator: Any, held: State, usual: Doubles | None) -> None:
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
            np.empty((0, self._shape[1]), np.float32) if held.tail is None else held.tail,
            np.zeros(5) if usual is None else usual,
            *grading_of(method, float(forest.decay[0]), estimator.max_samples),
        )
        self._follow = {FLOAT64: rows.follow, FLOAT32: rows.follow_single}

    def follow(self, estimator: Any, X: Any, judged: bool) -> tuple[float, float] | None:
        """Learn a row; return its score and grade, if `judged`, or zeros.

        None, and nothing is learned, where anything is not as it was or asks for more checks.
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


# By their estimators' ids: subclasses need not be hashable. No other estimator can pass for one
# that is gone, since the stream holds the arrays by which `OpenStream.follow` tells them apart.
_OPEN: dict[int, OpenStream] = {}


def _drop(streams: dict[int, OpenStream], at: int, _: object) -> None:
    streams.pop(at, None)


def follow(estimator: Any, X: Any, judged: bool) -> tuple[float, float] | None:
    """Learn a row where the estimator's stream is held open, as `OpenStream.follow` does."""
    stream = _OPEN.get(id(estimator))
    return None if stream is None else stream.follow(estimator, X, judged)


def close(estimator: Any) -> None:
    """Let go of what an open stream of the estimator holds."""
    _OPEN.pop(id(estimator), None)


def hold_open(estimator: Any, X: Any) -> None:
    """Hold the stream of an estimator open, which has just learned the row X, if it is plain.

    It is not where X is no plain row, where columns have names or rest, are scaled anew by each
    row, or where values of the last shingle were missing.
    """
    attributes = estimator.__dict__
    if not _is_plain(X) or "feature_names_in_" in attributes or "_forest" not in attributes:
        return
    held, method = estimator._held(), estimator.score_method
    scaling = held.scaling
    if float(held.forest.decay[0]) != estimator._decay():  # set anew, and no row learned since
        return
    if scaling.running is not None or scaling.rests or held.recent is not None:
        return
    if held.n_filled.any():
        return
    # From now on these two are written to: nothing else may refer to them.
    held.tail = None if held.tail is None else np.array(held.tail)
    usual = {name: np.array(value) for name, value in estimator._usual.items()}
    entry = held.n_learned, held.tail, None, held.n_filled, held.n_skipped, held.units
    estimator._notes, estimator._usual = journal(Entry(*entry)), usual
    _OPEN[id(estimator)] = OpenStream(estimator, held, usual.get(method))
