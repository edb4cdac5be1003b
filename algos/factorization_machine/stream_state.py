"""The state of a stream: arrays over all columns of X, and what was learned last.

A batch may have a few of very many columns. So it is not learned into copies: its columns stay
beside the arrays, as `late`, until the next call brings them in. To do that twice is no
different from doing it once, so a call may be interrupted anywhere: the state from before is
still there, with its own `late`.

A state that has `late`, be it empty, is the only one that holds its arrays. One without, as of
a pickle, of a file or of a shallow copy, may share them or be read-only, and `after` copies them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

State = dict[str, Any]

OF_COLUMNS = ("table", "line", "scale", "met")  # arrays with a place for each column


def brought_in(state: State) -> State:
    """Return the state after writing what was learned last into its arrays."""
    late = state.get("late")
    if late:
        for name in OF_COLUMNS:
            state[name][late["columns"]] = late[name]
    return state


def let_go(state: State) -> None:
    """Make the state one whose arrays others may hold: nobody will write to them again.

    It is changed in place, for all who know it must know of that.
    """
    brought_in(state).pop("late", None)


def after(state: State, learned: State, columns: NDArray[np.int64]) -> State:
    """Return the state in which some columns are as they were learned.

    Parameters
    ----------
    state : dict
        Into which all is brought; it is not changed.
    learned : dict
        With the names in `OF_COLUMNS` for `columns`, and other names as they are now.
    columns : ndarray
        All different, and in rising order.
    """
    if len(columns) == len(state["scale"]):
        return {**state, **learned, "late": {}}
    own = {}
    if "late" not in state:
        own = {name: state[name].copy() for name in OF_COLUMNS}
    numbers = {name: value for name, value in learned.items() if name not in OF_COLUMNS}
    late = {"columns": columns, **{name: learned[name] for name in OF_COLUMNS}}
    return {**state, **own, **numbers, "late": late}


def apart(state: State) -> State:
    """Return a state with all brought in, that shares no array to be written to."""
    copies = {name: state[name].copy() for name in OF_COLUMNS}
    return brought_in({**state, **copies})
