"""Several runs of Lloyd's iterations from different initial centres, and the best of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, FloatArray
from algos._common.callbacks import Task
from algos._common.random import Key, stream
from algos._common.scale import scaled
from algos._common.validation import read_only
from algos.kmeans.bounds import BoundedPasses
from algos.kmeans.lloyd import Descent, Passes, descend
from algos.kmeans.parallel_seeding import parallel_plus_plus
from algos.kmeans.plan import Plan, check_initial_centers
from algos.kmeans.quantized import QuantizedPasses
from algos.kmeans.rows import Labels, Rows
from algos.kmeans.seeding import plus_plus, random_rows

_ROUNDINGS = 8
_SHOWS = 1e-6  # of the inertia


@dataclass
class Model:
    """The result of one run, with the inertia and labels of the returned centres."""

    centers: FloatArray
    labels: Labels
    inertia: float
    n_iter: int
    history: dict[str, NDArray[Any]]


@dataclass
class RunState:
    """The state of a fit, from which it can be resumed."""

    key: Key
    run: int = 0
    best: Model | None = None
    descent: Descent | None = None
    passes: Passes | None = None  # of the current descent
    passes_state: dict[str, Any] | None = None  # of the passes in a checkpoint

    def checkpoint(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "run": self.run,
            "best": None if self.best is None else asdict(self.best),
            "descent": None if self.descent is None else self.descent.state(),
            "passes": None if self.passes is None else self.passes.state(),
        }

    @classmethod
    def resumed(cls, state: dict[str, Any]) -> RunState:
        best, descent = state["best"], state["descent"]
        return cls(
            state["key"],
            state["run"],
            None if best is None else Model(**best),
            None if descent is None else Descent.resumed(descent),
            passes_state=state["passes"],
        )


def best_run(
    rows: Rows,
    plan: Plan,
    state: RunState,
    *,
    task: Task,
    attributes: Callable[[Float64Array], dict[str, Any]],
    report: Callable[[int, str], None],
) -> Model:
    """Do the remaining runs and return the best of all.

    Parameters
    ----------
    attributes : callable
        Returns the attributes passed to callbacks, given the present centres (less the shift).
    report : callable
        Receives (level, text) for `verbose`.
    """
    for run in task.loop("run", range(state.run, plan.n_init), n_subtasks=plan.max_iter):
        state.run = run.number
        if state.descent is None:
            state.descent = Descent.from_centers(  # nothing else holds these centres
                initial_centers(rows, plan, state.key, run.number), len(rows)
            )
        state.passes = _passes(rows, plan, state.passes_state)
        state.passes_state = None
        descent = descend(
            rows,
            state.passes,
            state.descent,
            max_iter=plan.max_iter,
            tol=plan.tol,
            task=run,
            attributes=attributes,
            report=lambda text: report(2, text),
        )
        model = _measured(rows, descent)
        report(1, f"Run {run.number}: inertia {model.inertia} in {model.n_iter} iterations")
        if state.best is None or _is_better(model, state.best):
            state.best = model
        state.descent = None
    assert state.best is not None  # there is at least one run
    return state.best


def _is_better(model: Model, best: Model) -> bool:
    """Tell whether a run found better clusters, not the same ones in another order."""
    renamed = np.full(len(model.centers), -1, dtype=np.int32)
    renamed[model.labels] = best.labels
    same = bool(np.array_equal(renamed[model.labels], best.labels))
    return model.inertia < best.inertia and not same


def _passes(rows: Rows, plan: Plan, state: dict[str, Any] | None) -> Passes:
    if plan.algorithm == "elkan":
        return BoundedPasses(rows, plan.n_clusters, state)
    if plan.algorithm == "quantized" and rows.codes is not None:
        return QuantizedPasses(rows, rows.codes, plan.n_clusters, state)
    return rows


def _measured(rows: Rows, descent: Descent) -> Model:
    """Return the model of a run, with the inertia of its centres after rounding."""
    centers = rows.unshifted(descent.centers)
    labels, inertia = rows.measure(centers)
    return Model(centers, labels, inertia, descent.n_iter, descent.history.arrays())


def owes_digits(rows: Rows, model: Model) -> bool:
    """Tell whether the rounding of shifted centres may be visible in the inertia.

    The error of centres is some rounding units of their distance to the shift, and the squares
    of these distances add up to at most the spread.
    """
    rounding = _ROUNDINGS * float(np.finfo(rows.X.dtype).eps)
    return model.inertia * _SHOWS < rounding**2 * rows.spread


def refined(rows: Rows, model: Model) -> Model:
    """Return the model of extreme rows with centres that lost no digits to the shift."""
    if not rows.shift.any():  # sparse rows have none
        return model
    centers = rows.means_by_label(model.labels, model.centers)
    labels, inertia = rows.measure(centers)
    if inertia > model.inertia:
        return model
    return replace(model, centers=centers, labels=labels, inertia=inertia)


_CHOICES = {
    "k-means++": plus_plus,
    "k-means||": parallel_plus_plus,
    "random": random_rows,
}


def initial_centers(rows: Rows, plan: Plan, key: Key, run: int) -> Float64Array:
    """Return the centres that a run starts from, less the shift."""
    if isinstance(plan.init, str):
        choose = _CHOICES[plan.init]
        return rows.take(choose(rows, plan.n_clusters, stream(key, run)))
    centers = plan.init
    if callable(centers):
        seed = np.random.RandomState(stream(key, run).integers(2**32))
        X = read_only(scaled(rows.X, -plan.exponent))
        centers = centers(X, plan.n_clusters, random_state=seed)
        if centers is None:
            raise ValueError(
                f"`init`={plan.init!r} returned None; a callable `init` must return the centres, "
                f"an array of shape ({plan.n_clusters}, {rows.X.shape[1]})"
            )
    checked = check_initial_centers(centers, plan.n_clusters, rows.X.shape[1])
    return rows.shifted(scaled(checked, plan.exponent))
