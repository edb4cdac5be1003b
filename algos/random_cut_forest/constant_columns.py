"""Columns that have been constant so far, and get their units when they vary.

The unit of such a column is provisional. When a row of a stream differs there for the first time,
the unit becomes what it would be if the scaling had been learned from constant rows and this one:
no sampled row differs, so no tree changes. After as many further rows as the warm-up has, the
final unit is learned from these: the sampled rows are converted to it, and the trees regrown over
them, so that they are distributed as if it had been the unit from the start. All this depends
only on the rows, not on their division into calls.

In the code, a column *rests* while it is constant, and *moves* afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, IndexArray
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.growth import grow
from algos.random_cut_forest.joining import places, present
from algos.random_cut_forest.scaling import ROUNDING, Scaling
from algos.random_cut_forest.state import State

LEAST_WINDOW = 32  # rows from which a unit is learned, at least

Columns = IndexArray
# From the rows and the numbers of some columns to the scaling of these.
Learn = Callable[[NDArray[np.floating], Columns], Scaling]


def n_alike(held: State, X: NDArray[np.floating], window: int) -> int:
    """Return the number of rows before units change; `settled` has handled the first."""
    n = len(X)
    if held.recent is not None:
        n = min(n, max(1, window - len(held.recent)))
    if n <= 1:
        return n
    is_new = _is_new(held, X[1:n]).any(axis=1)
    return 1 + int(is_new.argmax()) if is_new.any() else n


def settled(
    held: State, X: NDArray[np.floating], window: int, learn: Learn, n_threads: int = 1
) -> State:
    """Return the state with the units for the first row of X, if there is one."""
    if held.recent is not None and len(held.recent) >= window:
        held = _with_units(held, held.recent, learn, n_threads)
    if not len(X):
        return held
    is_new = _is_new(held, X[:1])
    if not is_new.any():
        return held
    resting = held.scaling.resting
    new = resting[is_new[0]]
    is_blank = np.isin(new, held.scaling.blank)
    return _moving(_begun(held, X, new[is_blank], learn), X, new[~is_blank], window, learn)


def continued(held: State, X: NDArray[np.floating]) -> Float64Array | None:
    """Return `recent` with further rows appended."""
    if held.recent is None:
        return None
    return np.concatenate([held.recent, X[:, held.scaling.resting]])


def adopted(held: State, other: Scaling, n_threads: int = 1) -> State:
    """Return a state whose resting columns get the units of another scaling, if known there."""
    mine = held.scaling
    resting = np.intersect1d(mine.resting, other.resting)
    blank = np.intersect1d(mine.blank, other.blank)
    columns = np.union1d(np.setdiff1d(mine.resting, resting), np.setdiff1d(mine.blank, blank))
    if not len(columns):
        return held
    scaling = mine.with_columns(columns, other.of_columns(columns))
    new = replace(scaling, resting=resting, blank=blank)
    return _watching(_expressed(held, new, columns, n_threads), mine.resting)


def _differs(scaling: Scaling, values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell which values of resting columns are known and differ from the constant."""
    resting = scaling.resting
    center = scaling.center[resting]
    with np.errstate(over="ignore"):
        distance = np.abs(values * scaling.unit[resting] - center)
    return np.asarray(distance > ROUNDING * np.abs(center))  # False for NaN


def _is_new(held: State, X: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell which values are the first to differ in their columns, or the first known ones."""
    resting = held.scaling.resting
    values = X[:, resting]
    is_blank = np.isin(resting, held.scaling.blank)
    is_new = np.where(is_blank, ~np.isnan(values), _differs(held.scaling, values))
    if held.recent is not None:
        is_new &= ~_differs(held.scaling, held.recent).any(axis=0)
    return is_new


def _begun(held: State, X: NDArray[np.floating], columns: Columns, learn: Learn) -> State:
    """Let columns without known values rest at their first one, with which all rows are filled."""
    if not len(columns):
        return held
    scaling = held.scaling.with_columns(columns, learn(X[:1, columns], columns))
    return _scaled_by(held, replace(scaling, blank=np.setdiff1d(scaling.blank, columns)))


def _moving(
    held: State, X: NDArray[np.floating], columns: Columns, window: int, learn: Learn
) -> State:
    """Give columns that move for the first time a unit from their constant and this row."""
    if not len(columns):
        return held
    recent = np.empty((0, len(held.scaling.resting))) if held.recent is None else held.recent
    rest = np.tile(held.scaling.rest(columns), (window, 1))
    rest[-1] = X[0, columns]
    scaling = held.scaling.with_columns(columns, learn(rest, columns))
    # After a merge, a column may have rested at two values.
    scaling = scaling if _is_free(held, scaling, columns) else held.scaling
    return replace(_scaled_by(held, scaling), recent=recent)


def _with_units(held: State, recent: Float64Array, learn: Learn, n_threads: int) -> State:
    """Give units to the columns that have moved for half of the recent rows.

    Those that have only changed to another constant rest there. The others need more rows.
    """
    scaling, resting = held.scaling, held.scaling.resting
    has_moved = np.logical_or.accumulate(_differs(scaling, recent), axis=0)
    is_asked = has_moved[(len(recent) - 1) // 2]
    columns = resting[is_asked]
    since = np.where(has_moved[:, is_asked], recent[:, is_asked], np.nan)
    found = learn(since, columns)
    new = scaling.with_columns(columns, found).rested(np.delete(columns, found.resting))
    return _watching(_expressed(held, new, columns, n_threads), resting)


def _watching(held: State, before: Columns) -> State:
    """Return a state with `recent` reduced from the columns `before` to those still resting."""
    if held.recent is None:
        return held
    kept = held.recent[:, np.isin(before, held.scaling.resting)]
    moves = _differs(held.scaling, kept).any(axis=1)
    return replace(held, recent=kept[moves.argmax() :] if moves.any() else None)


def _is_free(held: State, new: Scaling, columns: Columns) -> bool:
    """Tell whether all stored rows are constant in some columns, and remain so."""
    same = np.array_equal(held.scaling.rest(columns), new.rest(columns))
    points = held.forest.own_points.reshape(-1, len(new.unit))
    return same and not points[:, columns].any()


def _expressed(held: State, new: Scaling, columns: Columns, n_threads: int) -> State:
    """Return the state with its rows converted to new units of some columns."""
    if _is_free(held, new, columns):
        return _scaled_by(held, new)
    known = np.setdiff1d(columns, held.scaling.blank)  # filled values stay at the centre
    before, after = held.scaling.of_columns(known), new.of_columns(known)
    came = None
    if held.recent is not None:
        came = np.ascontiguousarray(held.recent[:, np.isin(held.scaling.resting, known)])

    def express(rows: Float32Array) -> Float32Array:
        rows = rows.copy()
        kept = np.ascontiguousarray(rows[:, known])
        rows[:, known] = _in_units(kept, before, after, came)
        return rows

    points = express(held.forest.own_points.reshape(-1, len(new.unit)))
    tail = None if held.tail is None else express(held.tail)
    held = replace(held, forest=_regrown(held.forest, points, n_threads), tail=tail)
    return _scaled_by(held, new)


def _in_units(
    kept: Float32Array, before: Scaling, after: Scaling, came: Float64Array | None
) -> Float32Array:
    """Return rows in other units, with the exact bits if the original rows are known."""
    found = after.scaled(before.unscaled(kept))
    if came is None:
        return found
    old, new = before.scaled(came), after.scaled(came)
    for j in range(kept.shape[1]):
        values, first = np.unique(old[:, j], return_index=True)  # NaN last
        moved = np.flatnonzero(kept[:, j])
        at = np.minimum(np.searchsorted(values, kept[moved, j]), len(values) - 1)
        is_one = values[at] == kept[moved, j]
        found[moved[is_one], j] = new[first[at[is_one]], j]
    return found


def _scaled_by(held: State, scaling: Scaling) -> State:
    return replace(held, scaling=scaling, units=scaling.fixed)


def _regrown(forest: Forest, points: Float32Array, n_threads: int) -> Forest:
    """Return a forest regrown over the same samples in other units."""
    again = Forest.empty(forest.key, forest.n_trees, forest.size, forest.n_columns)
    again.clock[:] = forest.clock
    again.decay[:] = forest.decay
    chosen = np.where(present(forest), places(forest, 0), -1)
    grow(again, points.ravel(), chosen, forest.keys, n_threads, forest.n_columns)
    return again
