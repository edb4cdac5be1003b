"""The state of a stream: arrays over all columns of X, and the last batch that was learned.

A batch may have few of very many columns. So the new values of its columns are kept beside the
arrays, as "pending", until the next call writes them into the arrays. Writing them twice is no
different from writing them once, so a call may be interrupted anywhere: the previous state still
exists, with its own pending batch.

A state with an entry "pending", even an empty one, is the only owner of its arrays. A state
without it, as in a pickle, a file or a shallow copy, may share them or find them read-only, so
`updated` copies them.
"""

from __future__ import annotations

from typing import Any

from algos._common.arrays import Int64Array

State = dict[str, Any]

OF_COLUMNS = ("factor_state", "linear_state", "scale", "met")  # arrays with an entry per column


def with_pending(state: State) -> State:
    """Return the state after writing its pending batch into its arrays."""
    pending = state.get("pending")
    if pending:
        for name in OF_COLUMNS:
            state[name][pending["columns"]] = pending[name]
    return state


def release(state: State) -> None:
    """Give up the ownership of the arrays, which others may hold from now on.

    The state is changed in place, since all its holders must know.
    """
    with_pending(state).pop("pending", None)


def updated(state: State, learned: State, columns: Int64Array) -> State:
    """Return the state with new values for some columns.

    Parameters
    ----------
    state : dict
        Its pending batch has been written; it is not changed.
    learned : dict
        The names in `OF_COLUMNS`, with values for `columns`, and other names with new values.
    columns : ndarray
        Distinct, in ascending order.
    """
    if len(columns) == len(state["scale"]):
        return {**state, **learned, "pending": {}}
    own = {}
    if "pending" not in state:
        own = {name: state[name].copy() for name in OF_COLUMNS}
    numbers = {name: value for name, value in learned.items() if name not in OF_COLUMNS}
    pending = {"columns": columns, **{name: learned[name] for name in OF_COLUMNS}}
    return {**state, **own, **numbers, "pending": pending}


def private(state: State) -> State:
    """Return a copy that shares no array, with the pending batch written into it."""
    copies = {name: state[name].copy() for name in OF_COLUMNS}
    return with_pending({**state, **copies})
