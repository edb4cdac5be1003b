"""Columns that have rested at one value so far, and get their units when they move.

The unit of such a column is a guess. When a row of a stream differs there for the first time,
the unit becomes what it would be if the scaling had been learned of rows at rest and this one:
no kept row differs, so no tree changes. When as many rows again have come, it is learned of these,
for good: the kept rows are expressed in it, and the trees grown anew over them, in law as if
it had been the unit from the first. All this hangs on the rows alone, not on the calls that
bring them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.growth import grow
from algos.random_cut_forest.joining import places, present
from algos.random_cut_forest.scaling import ROUNDING, Scaling
from algos.random_cut_forest.state import State

LEAST_WINDOW = 32  # rows, of which a unit is learned

Doubles = NDArray[np.float64]
Columns = NDArray[np.intp]
# From rows of some columns, and which columns they are, to the scaling of these.
Learn = Callable[[NDArray[np.floating], Columns], Scaling]


def n_alike(held: State, X: NDArray[np.floating], window: int) -> int:
    """Return how many rows come before units change; the first is looked after (`settled`)."""
    n = len(X)
    if held.recent is not None:
        n = min(n, max(1, window - len(held.recent)))
    is_new = _is_new(held, X[1:n]).any(axis=1)
    return 1 + int(is_new.argmax()) if is_new.any() else n


def settled(
    held: State, X: NDArray[np.floating], window: int, learn: Learn, n_threads: int = 1
) -> State:
    """Return the state, with the units that hold for the first row of X, if there is one."""
    if held.recent is not None and len(held.recent) >= window:
        held = _with_units(held, held.recent, learn, n_threads)
    is_new = _is_new(held, X[:1])
    if not is_new.any():
        return held
    resting = held.scaling.resting
    new = resting[is_new[0]]
    is_blank = np.isin(new, held.scaling.blank)
    return _moving(_begun(held, X, new[is_blank], learn), X, new[~is_blank], window, learn)


def continued(held: State, X: NDArray[np.floating]) -> Doubles | None:
    """Return `recent` after further rows."""
    if held.recent is None:
        return None
    return np.concatenate([held.recent, X[:, held.scaling.resting]])


def adopted(held: State, other: Scaling, n_threads: int = 1) -> State:
    """Return a state whose resting columns have the units of another scaling that knows them."""
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
    """Tell which values of resting columns are known and not where these have rested."""
    resting = scaling.resting
    center = scaling.center[resting]
    with np.errstate(over="ignore"):
        distance = np.abs(values * scaling.unit[resting] - center)
    return np.asarray(distance > ROUNDING * np.abs(center))  # NaN is not


def _is_new(held: State, X: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell which values are the first of their columns that differ, or that are known."""
    resting = held.scaling.resting
    values = X[:, resting]
    is_blank = np.isin(resting, held.scaling.blank)
    is_new = np.where(is_blank, ~np.isnan(values), _differs(held.scaling, values))
    if held.recent is not None:
        is_new &= ~_differs(held.scaling, held.recent).any(axis=0)
    return is_new


def _begun(held: State, X: NDArray[np.floating], columns: Columns, learn: Learn) -> State:
    """Have columns of which no value was known rest at their first: all rows are filled by it."""
    if not len(columns):
        return held
    scaling = held.scaling.with_columns(columns, learn(X[:1, columns], columns))
    return _scaled_by(held, replace(scaling, blank=np.setdiff1d(scaling.blank, columns)))


def _moving(
    held: State, X: NDArray[np.floating], columns: Columns, window: int, learn: Learn
) -> State:
    """Give columns that move for the first time a unit of their rest and this row."""
    if not len(columns):
        return held
    recent = np.empty((0, len(held.scaling.resting))) if held.recent is None else held.recent
    rest = np.tile(held.scaling.rest(columns), (window, 1))
    rest[-1] = X[0, columns]
    scaling = held.scaling.with_columns(columns, learn(rest, columns))
    # Of merged forests a column may have rested at two values.
    scaling = scaling if _is_free(held, scaling, columns) else held.scaling
    return replace(_scaled_by(held, scaling), recent=recent)


def _with_units(held: State, recent: Doubles, learn: Learn, n_threads: int) -> State:
    """Give the columns that have moved for half of the recent rows their units.

    Those that have only moved to another value rest there. The others wait for more rows.
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
    """Return a state whose `recent`, of columns that rested before, is of those that still do."""
    if held.recent is None:
        return held
    kept = held.recent[:, np.isin(before, held.scaling.resting)]
    moves = _differs(held.scaling, kept).any(axis=1)
    return replace(held, recent=kept[moves.argmax() :] if moves.any() else None)


def _is_free(held: State, new: Scaling, columns: Columns) -> bool:
    """Tell whether all that is kept is at rest in some columns, and stays there."""
    same = np.array_equal(held.scaling.rest(columns), new.rest(columns))
    points = held.forest.own_points.reshape(-1, len(new.unit))
    return same and not points[:, columns].any()


def _expressed(held: State, new: Scaling, columns: Columns, n_threads: int) -> State:
    """Return the state with its rows in new units of some columns."""
    if _is_free(held, new, columns):
        return _scaled_by(held, new)
    known = np.setdiff1d(columns, held.scaling.blank)  # what was filled stays at the centre
    before, after = held.scaling.of_columns(known), new.of_columns(known)
    came = None
    if held.recent is not None:
        came = np.ascontiguousarray(held.recent[:, np.isin(held.scaling.resting, known)])

    def express(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        rows = rows.copy()
        kept = np.ascontiguousarray(rows[:, known])
        rows[:, known] = _in_units(kept, before, after, came)
        return rows

    points = express(held.forest.own_points.reshape(-1, len(new.unit)))
    tail = None if held.tail is None else express(held.tail)
    held = replace(held, forest=_regrown(held.forest, points, n_threads), tail=tail)
    return _scaled_by(held, new)


def _in_units(
    kept: NDArray[np.float32], before: Scaling, after: Scaling, came: Doubles | None
) -> NDArray[np.float32]:
    """Return rows in other units: with the bits of those that came, where these are known."""
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


def _regrown(forest: Forest, points: NDArray[np.float32], n_threads: int) -> Forest:
    """Return a forest of the same samples, in other words."""
    again = Forest.empty(forest.key, forest.n_trees, forest.size, forest.n_columns)
    again.clock[:] = forest.clock
    again.decay[:] = forest.decay
    chosen = np.where(present(forest), places(forest, 0), -1)
    grow(again, points.ravel(), chosen, forest.keys, n_threads, forest.n_columns)
    return again
