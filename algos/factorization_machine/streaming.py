"""Learning in batches, and averaging models that were learned separately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, Int64Array
from algos._common.random import Key
from algos.factorization_machine import stream_state
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
from algos.factorization_machine.stochastic import StepSettings, one_pass
from algos.factorization_machine.stream_state import State
from algos.factorization_machine.target_scaling import ENOUGH_ROWS, UnitChange
from algos.factorization_machine.targets import Unit

_FAR = 1e269  # ratio of spread to scale from which on float32 parameters may overflow float64
_LEAST_SHARE = 0.1  # least weight of a batch in the moving average of errors


class Batch(NamedTuple):
    """A batch of rows, ready to be learned.

    Attributes
    ----------
    problem : Problem
    settings : stochastic.StepSettings
    columns : ndarray of shape (n_columns,)
        The columns of X that the table's columns stand for.
    unit_change : UnitChange or None
        From the unit of the state's targets to that of the batch.
    """

    problem: Problem
    settings: StepSettings
    columns: Int64Array
    unit_change: UnitChange | None


def begin_stream(problem: Problem, columns: Columns, start: list[Machine] | None) -> State:
    """Return the initial state of a stream, over all columns of X.

    Parameters
    ----------
    problem : Problem
        Its rows are not learned here.
    columns : Columns
        All columns of X; the scale is 0 for columns without a value so far.
    start : list of Machine, or None
        The fitted models to start from, over all columns.
    """
    settings = stochastic_settings(problem)
    steps = first_steps(problem, settings)
    if start is not None:
        steps = started(steps, start)
    scale = np.zeros(columns.d) if columns.scale is None else columns.scale
    met = np.where(scale == 0, 0, ENOUGH_ROWS).astype(np.int32)
    return {**vars(steps), "scale": scale, "met": met, "pending": {}}


def state_after_fit(state: Mapping[str, Any], columns: Columns, problem: Problem) -> State:
    """Return the state of a stream that continues a fit by stochastic steps."""
    wide = begin_stream(problem, replace(columns, places=None, scale=known_scale(columns)), None)
    places = slice(None) if columns.places is None else columns.places
    for name in ("factor_state", "linear_state"):
        wide[name][places] = state[name]
    wide["intercept_state"] = state["intercept_state"]
    wide["n_epochs"] = state["n_epochs"]
    return wide


def known_scale(columns: Columns) -> Float64Array:
    """Return the scale that divides each column of X; 0 for columns without a value so far."""
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
        Weighted mean loss of the rows, each before it was learned.
    learned : dict
        New values for `state_after`; the state is not changed.
    """
    problem, settings, columns, unit_change = batch
    table = problem.table
    before = state["scale"][columns]
    scale, met = _followed(before, state["met"][columns], table)
    rows = scaled_rows(table.rows, scale)
    parts = _gathered(state["factor_state"], columns), _gathered(state["linear_state"], columns)
    intercept_state, noise = state["intercept_state"].copy(), state["noise"]
    if unit_change is not None:
        was_seen = before != 0
        for whole, part in zip(
            parts, unit_change.of_columns(*parts, settings.accumulator), strict=True
        ):
            whole[was_seen] = part[was_seen]
        intercept_state = unit_change.of_intercept(intercept_state, settings.accumulator)
        noise = min(noise * unit_change.ratio**2, 1.0)
    steps = Steps(*parts, intercept_state, state["n_factors"], state["n_epochs"], noise=noise)
    weight = float(table.weight.sum())
    unit = (state["weight"] + weight) / (state["n_rows"] + table.rows.n)
    data = data_of(replace(table, rows=rows), problem, unit)
    loss = one_pass(steps, data, settings, key, n_threads=batch.problem.n_threads)
    share = max(_LEAST_SHARE, table.rows.n / (state["n_rows"] + table.rows.n))
    learned = {
        "factor_state": steps.factor_state,
        "linear_state": steps.linear_state,
        "scale": scale,
        "met": met,
        "noise": (1 - share) * noise + share * 2 * loss,
        "intercept_state": steps.intercept_state,
        "n_epochs": steps.n_epochs + 1,
        "n_rows": state["n_rows"] + table.rows.n,
        "weight": state["weight"] + weight,
    }
    return loss, learned


def _followed(
    scale: Float64Array, met: NDArray[np.int32], table: Table
) -> tuple[Float64Array, NDArray[np.int32]]:
    """Return the columns' scales after a batch, and in how many rows each column occurred.

    A scale is the root mean square of a column's values in its first rows. While it changes,
    parameters are kept in the solver's units: after so few rows they are not worth converting.
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
    """Return the state after a batch; a `unit_change` converts all columns seen so far."""
    columns, unit_change = batch.columns, batch.unit_change
    if unit_change is None:
        return stream_state.updated(state, learned, columns)
    is_other = state["scale"] != 0
    is_other[columns] = False
    others = np.flatnonzero(is_other)
    parts = {name: state[name][others] for name in stream_state.OF_COLUMNS}
    changed = unit_change.of_columns(
        parts["factor_state"], parts["linear_state"], batch.settings.accumulator
    )
    parts["factor_state"], parts["linear_state"] = changed
    places = np.concatenate([columns, others])
    order = np.argsort(places)
    joined = {name: np.concatenate([learned[name], part])[order] for name, part in parts.items()}
    return stream_state.updated(state, {**learned, **joined}, places[order])


def is_finite(state: State) -> bool:
    """Tell whether the last batch's parameters, or without one all parameters, are finite."""
    learned = state["pending"] or state
    parts = learned["factor_state"], learned["linear_state"], state["intercept_state"]
    return all(np.isfinite(part).all() for part in parts) and not np.isnan(state["noise"])


def require_finite_model(state: State, unit: Unit) -> None:
    """Raise ValueError if the model of the state overflows float64.

    The smallest scale of the columns learned last shows that it does not, except for extreme
    units, for which the model is computed.
    """
    scale = (state["pending"] or state)["scale"]
    least = float(scale[scale != 0].min(initial=1.0))
    if unit.spread < _FAR * least:
        return
    whole = stream_state.private(state)
    for machine in machines_of_stream(whole):
        machine.in_units(columns_of_stream(whole), unit, single=True)


def _gathered(whole: NDArray[Any], places: Int64Array) -> NDArray[Any]:
    part = aligned((len(places), *whole.shape[1:]))
    np.take(whole, places, axis=0, out=part)
    return part


def machines_of_stream(state: State) -> list[Machine]:
    """Return the models of a stream over all columns, zero for columns without a value."""
    others = ("scale", "met", "pending")
    own = dict(state)  # in one go: `release` may remove "pending" in another thread
    learner = Steps(**{name: value for name, value in own.items() if name not in others})
    was_seen = state["scale"] != 0
    if was_seen.all():
        return machines_of(learner)
    return [
        replace(one, linear=one.linear * was_seen, factors=one.factors * was_seen[:, np.newaxis])
        for one in machines_of(learner)
    ]


def columns_of_stream(state: State) -> Columns:
    """Return the columns of a stream, with scale 1 for columns without a value."""
    scale = np.where(state["scale"] == 0, 1.0, state["scale"])
    return Columns(len(scale), None, None if np.all(scale == 1) else scale)


def averaged(
    mine: tuple[float, Any, Any], other: tuple[float, Any, Any], share: float, sizes: Float64Array
) -> tuple[float, Any, Any]:
    """Return the average of two models, in which `share` is the weight of the other one.

    Intercepts and coefficients are averaged, and so are the pairs' weights V Vᵀ, of which the
    factors are the best approximation of their rank: factors themselves can be rotated, so their
    average means nothing. `sizes` are the sizes of the columns' values, which weigh the pairs.
    """
    n_factors = mine[2].shape[1]
    joined = np.concatenate(
        [np.sqrt(1 - share) * mine[2], np.sqrt(share) * other[2]], axis=1, dtype=np.float64
    )
    used = np.flatnonzero(joined.any(axis=1))
    size = sizes[used, np.newaxis]
    factors = np.zeros((len(joined), n_factors))
    with np.errstate(over="ignore"):  # checked below
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


def _folded(factors: Float64Array, size: Float64Array, rank: int) -> Float64Array:
    """Return `fold` of factors times `size`, divided by `size`, without overflow in between."""
    if not len(factors):
        return np.zeros((0, rank))
    size, powers = np.frexp(size)
    products = factors * size
    exponent = int((np.frexp(np.abs(products).max(axis=1, keepdims=True))[1] + powers).max())
    folded = fold(np.ldexp(products, powers - exponent), rank)
    return np.ldexp(folded / size, exponent - powers)
