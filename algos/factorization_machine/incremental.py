"""Learning in batches, and joining what was learned apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key
from algos.factorization_machine import stream_state
from algos.factorization_machine.following import ENOUGH_ROWS, Turn
from algos.factorization_machine.learners import (
    data_of,
    first_steps,
    machines_of,
    started,
    stochastic_settings,
)
from algos.factorization_machine.machine import Machine, Problem
from algos.factorization_machine.posterior import fold
from algos.factorization_machine.rows import Columns, Table, column_scale, scaled_rows
from algos.factorization_machine.scoring import in_dtype
from algos.factorization_machine.steps import Steps, aligned
from algos.factorization_machine.stochastic import Settings, one_pass
from algos.factorization_machine.stream_state import State
from algos.factorization_machine.targets import Unit

Doubles = NDArray[np.float64]

_FAR = 1e269  # from spreads so far above scales to the largest float64, there is no float32
_LATE = 0.1  # the share of a batch in what errors are like of late


class Batch(NamedTuple):
    """Rows of a stream that come together.

    Attributes
    ----------
    problem : Problem
    settings : stochastic.Settings
    columns : ndarray of shape (n_columns,)
        The columns of X that the table's are.
    turn : Turn or None
        From the unit of targets in which the state is to that of the batch.
    """

    problem: Problem
    settings: Settings
    columns: NDArray[np.int64]
    turn: Turn | None


def begin_stream(problem: Problem, columns: Columns, start: list[Machine] | None) -> State:
    """Return the state of a stream over all columns of X: no columns are known by now.

    Parameters
    ----------
    problem : Problem
        Its table tells which rows come first, and nothing of them is learned here.
    columns : Columns
        All of X; the scale is 0 where a column has held no value yet.
    start : list of Machine, or None
        What was fitted before, for all columns.
    """
    settings = stochastic_settings(problem)
    steps = first_steps(problem, settings)
    if start is not None:
        steps = started(steps, start)
    scale = np.zeros(columns.d) if columns.scale is None else columns.scale
    met = np.where(scale == 0, 0, ENOUGH_ROWS).astype(np.int32)
    return {**vars(steps), "scale": scale, "met": met, "late": {}}


def state_after_fit(state: Mapping[str, Any], columns: Columns, problem: Problem) -> State:
    """Return the state of a stream that goes on from a fit by stochastic steps."""
    wide = begin_stream(problem, replace(columns, places=None, scale=known_scale(columns)), None)
    places = slice(None) if columns.places is None else columns.places
    for name in ("table", "line"):
        wide[name][places] = state[name]
    wide["base"] = state["base"]
    wide["n_epochs"] = state["n_epochs"]
    return wide


def known_scale(columns: Columns) -> Doubles:
    """Return what the values of each column of X are divided by; 0 where none has come."""
    scale = np.zeros(columns.d)
    places = slice(None) if columns.places is None else columns.places
    scale[places] = 1.0 if columns.scale is None else columns.scale
    return scale


def learn_batch(state: State, batch: Batch, key: Key) -> tuple[float, State]:
    """Learn the rows of a batch.

    Parameters
    ----------
    state : dict
    batch : Batch
    key : ndarray of shape (2,)

    Returns
    -------
    loss : float
        The weighted mean of the rows' losses before they were learned.
    learned : dict
        What `state_after` takes; the state is as it was.
    """
    problem, settings, columns, turn = batch
    table = problem.table
    before = state["scale"][columns]
    scale, met = _followed(before, state["met"][columns], table)
    rows = scaled_rows(table.rows, scale)
    parts = _gathered(state["table"], columns), _gathered(state["line"], columns)
    base, noise = state["base"].copy(), state["noise"]
    if turn is not None:
        has_come = before != 0
        for whole, part in zip(parts, turn.of_columns(*parts, settings.accumulator), strict=True):
            whole[has_come] = part[has_come]
        base = turn.of_base(base, settings.accumulator)
        noise = min(noise * turn.ratio**2, 1.0)
    steps = Steps(*parts, base, state["n_factors"], state["n_epochs"], noise=noise)
    weight = float(table.weight.sum())
    unit = (state["weight"] + weight) / (state["n_rows"] + table.rows.n)
    data = data_of(replace(table, rows=rows), problem, unit)
    loss = one_pass(steps, data, settings, key, n_threads=batch.problem.n_threads)
    share = max(_LATE, table.rows.n / (state["n_rows"] + table.rows.n))
    learned = {
        "table": steps.table,
        "line": steps.line,
        "scale": scale,
        "met": met,
        "noise": (1 - share) * noise + share * 2 * loss,
        "base": steps.base,
        "n_epochs": steps.n_epochs + 1,
        "n_rows": state["n_rows"] + table.rows.n,
        "weight": state["weight"] + weight,
    }
    return loss, learned


def _followed(
    scale: Doubles, met: NDArray[np.int32], table: Table
) -> tuple[Doubles, NDArray[np.int32]]:
    """Return the columns' scales after a batch, and how many rows they have been met in.

    A scale is the root of the mean square of the first rows' values. While it moves, numbers
    stay as they are in the solver's units: those of so few rows are worth no more than that.
    """
    counts = np.bincount(table.rows.indices, minlength=len(met))
    own = column_scale(table.rows, table.weight)
    share = np.where(met < ENOUGH_ROWS, counts / np.maximum(met + counts, 1), 0.0)
    roots = np.sqrt(1 - share) * scale, np.sqrt(share) * (1.0 if own is None else own)
    met = np.minimum(met + counts, ENOUGH_ROWS).astype(np.int32)
    followed = np.hypot(*roots)
    is_near = np.abs(followed - scale) <= 1e-12 * scale
    return np.where(is_near, scale, followed), met


def state_after(state: State, learned: State, batch: Batch) -> State:
    """Return the state with a batch learned, and with a `turn` all columns that have come."""
    columns, turn = batch.columns, batch.turn
    if turn is None:
        return stream_state.after(state, learned, columns)
    is_other = state["scale"] != 0
    is_other[columns] = False
    others = np.flatnonzero(is_other)
    parts = {name: state[name][others] for name in stream_state.OF_COLUMNS}
    turned = turn.of_columns(parts["table"], parts["line"], batch.settings.accumulator)
    parts["table"], parts["line"] = turned
    places = np.concatenate([columns, others])
    order = np.argsort(places)
    joined = {name: np.concatenate([learned[name], part])[order] for name, part in parts.items()}
    return stream_state.after(state, {**learned, **joined}, places[order])


def are_numbers(state: State) -> bool:
    """Tell whether all that was learned last, or all there is, are numbers."""
    learned = state["late"] or state
    parts = learned["table"], learned["line"], state["base"]
    return all(np.isfinite(part).all() for part in parts) and not np.isnan(state["noise"])


def require_numbers(state: State, unit: Unit) -> None:
    """Raise ValueError if a model of the state would have no place in float64.

    That is known from the least scale of the columns that were learned last, but for units far
    out: there the model is made.
    """
    scale = (state["late"] or state)["scale"]
    least = float(scale[scale != 0].min(initial=1.0))
    if unit.spread < _FAR * least:
        return
    whole = stream_state.apart(state)
    for machine in machines_of_stream(whole):
        machine.in_units(columns_of_stream(whole), unit, single=True)


def _gathered(whole: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    part = aligned((len(places), *whole.shape[1:]))
    np.take(whole, places, axis=0, out=part)
    return part


def machines_of_stream(state: State) -> list[Machine]:
    """Return the machines of a stream, over all columns: zero for those without a value."""
    others = ("scale", "met", "late")
    own = dict(state)  # at once: `let_go` may take "late" out of it in another thread
    learner = Steps(**{name: value for name, value in own.items() if name not in others})
    has_come = state["scale"] != 0
    if has_come.all():
        return machines_of(learner)
    return [
        replace(one, linear=one.linear * has_come, factors=one.factors * has_come[:, np.newaxis])
        for one in machines_of(learner)
    ]


def columns_of_stream(state: State) -> Columns:
    """Return the columns of a stream, in units of 1 where none was learned."""
    scale = np.where(state["scale"] == 0, 1.0, state["scale"])
    return Columns(len(scale), None, None if np.all(scale == 1) else scale)


def averaged(
    mine: tuple[float, Any, Any], other: tuple[float, Any, Any], share: float, sizes: Doubles
) -> tuple[float, Any, Any]:
    """Return the average of two machines, `share` being the other's part.

    Intercepts and coefficients are averaged; of the pairs' weights V Vᵀ, averaged too, the
    factors are the best of so few: factors themselves have no common directions. A pair counts
    as much as its columns' values do, whose `sizes` these are.
    """
    n_factors = mine[2].shape[1]
    joined = np.concatenate(
        [np.sqrt(1 - share) * mine[2], np.sqrt(share) * other[2]], axis=1, dtype=np.float64
    )
    used = np.flatnonzero(joined.any(axis=1))
    size = sizes[used, np.newaxis]
    factors = np.zeros((len(joined), n_factors))
    with np.errstate(over="ignore"):  # told of below
        factors[used] = _folded(joined[used], size, n_factors)
    linear = (1 - share) * mine[1] + share * other[1].astype(np.float64)
    dtype = np.result_type(mine[1], mine[2], other[1], other[2])
    held = in_dtype(linear, dtype), in_dtype(factors, dtype)
    if not all(np.isfinite(part).all() for part in held):
        largest = max(float(np.abs(part).max(initial=0.0)) for part in (linear, factors))
        raise ValueError(
            f"the averaged `coef_` and `factors_`, of up to {largest:g}, overflow {dtype}; divide "
            f"y by a constant and fit both again"
        )
    return (1 - share) * mine[0] + share * other[0], *held


def _folded(factors: Doubles, size: Doubles, rank: int) -> Doubles:
    """Return `fold` of factors times `size`, over `size`; products and squares may overflow."""
    if not len(factors):
        return np.zeros((0, rank))
    size, powers = np.frexp(size)
    products = factors * size
    exponent = int((np.frexp(np.abs(products).max(axis=1, keepdims=True))[1] + powers).max())
    folded = fold(np.ldexp(products, powers - exponent), rank)
    return np.ldexp(folded / size, exponent - powers)
