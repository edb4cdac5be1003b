"""Lloyd's algorithm: label the rows, move the centres to their means, repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._common.callbacks import Task
from algos._common.history import History
from algos._cython.kmeans_update import square_of_move, sums_to_means
from algos.kmeans.rows import Labels, Rows, Sums


class Passes(Protocol):
    """The labelling step of an iteration."""

    def assign(self, centers: Float64Array, labels: Labels) -> Sums:
        """Relabel the rows in place and sum them up by label."""
        ...

    def state(self) -> dict[str, Any] | None:
        """Return the state besides centres and labels, from which to continue."""
        ...


@dataclass
class Descent:
    """The state of one run of Lloyd's algorithm, from which it can be resumed."""

    centers: Float64Array  # (k, d) less the shift
    labels: Labels
    n_iter: int = 0
    converged: str = ""  # the reason, or "" if it has not converged
    history: History = field(default_factory=History)

    def state(self) -> dict[str, Any]:
        """Return plain arrays and numbers for `resumed`."""
        return {
            "centers": self.centers.copy(),
            "labels": self.labels.copy(),
            "n_iter": self.n_iter,
            "converged": self.converged,
            "history": self.history.arrays(),
        }

    @classmethod
    def from_centers(cls, centers: Float64Array, n_rows: int) -> Descent:
        """Return the state before the first iteration, from centres less the shift."""
        return cls(centers, np.full(n_rows, -1, dtype=np.int32))

    @classmethod
    def resumed(cls, state: dict[str, Any]) -> Descent:
        own = {"labels": state["labels"].copy(), "history": History(state["history"])}
        return cls(**{**state, **own})


def descend(
    rows: Rows,
    passes: Passes,
    descent: Descent,
    *,
    max_iter: int,
    tol: float,
    task: Task,
    attributes: Callable[[Float64Array], dict[str, Any]],
    report: Callable[[str], None],
) -> Descent:
    """Iterate until no label changes, the centres move less than tol, or max_iter.

    Parameters
    ----------
    rows : Rows
    passes : Passes
        Labels the rows: `rows` itself, or passes that avoid computing some distances.
    descent : Descent
        Changed in place.
    max_iter : int
    tol : float
        Tolerance for the sum of the squared shifts of the centres.
    task : Task
        The task of the run, for callbacks.
    attributes : callable
        Returns the attributes passed to callbacks, given the centres (less the shift);
        see `algos._common.callbacks`.
    report : callable
        Receives a line of text for each iteration.

    Returns
    -------
    descent : Descent
    """
    for step in _steps(task, descent, max_iter):
        objective = _iterate(rows, passes, descent, tol)
        report(f"Iteration {step.number}, inertia {objective}.")
        step.finish(lambda: attributes(descent.centers))
        if descent.converged:
            report(f"Converged at iteration {step.number}: {descent.converged}")
            break
    return descent


def _steps(task: Task, descent: Descent, max_iter: int) -> Iterator[Task]:
    if descent.converged:  # resumed from a checkpoint of its last iteration
        return iter(())
    return task.loop("iteration", range(descent.n_iter, max_iter))


def _iterate(rows: Rows, passes: Passes, descent: Descent, tol: float) -> float:
    found = passes.assign(descent.centers, descent.labels)
    objective = rows.inertia_of(found.objective)
    descent.n_iter += 1
    moved = 0.0
    if found.n_changed == 0:
        descent.converged = "strict convergence."
    else:
        centers = _means(rows, found, descent)
        moved = square_of_move(descent.centers, centers)
        descent.centers = centers
        if moved <= tol:
            descent.converged = f"center shift {moved} within tolerance {tol}."
    descent.history.record(objective, center_shift=moved)
    return objective


def _means(rows: Rows, found: Sums, descent: Descent) -> Float64Array:
    """Return the means by label; a centre without rows moves to a distant row."""
    if np.count_nonzero(found.counts) < len(found.counts):
        _relocate(rows, found, descent)
    # In place, since wide centres dominate memory; centres that stay empty do not move.
    sums_to_means(found.sums, found.counts, descent.centers)
    return rows.placed(found.sums, descent.centers)


def _relocate(rows: Rows, found: Sums, descent: Descent) -> None:
    """Assign the farthest remaining row, and all rows equal to it, to each empty cluster."""
    squares, keys = rows.distances(descent.centers), rows.keys()
    empty = list(np.flatnonzero(found.counts == 0))
    for row in _farthest(keys, squares, len(empty)):
        cluster = empty.pop(0)
        alike = np.flatnonzero(keys == keys[row])
        weight = float(len(alike) if rows.weight is None else rows.weight[alike].sum())
        old = descent.labels[row]
        if found.counts[old] <= weight * (1 + 1e-12):  # would only empty another cluster
            continue
        moved = rows.take(row) * weight
        found.sums[old] -= moved
        found.counts[old] -= weight
        found.sums[cluster] = moved
        found.counts[cluster] = weight


def _farthest(keys: NDArray[np.uint64], squares: Float64Array, n: int) -> Iterator[int]:
    """Yield up to n distinct rows, farthest from their centres first, ties by key."""
    seen: set[int] = set()
    for row in np.lexsort((keys, -squares)):
        key = int(keys[row])
        if len(seen) == n or squares[row] <= 0:
            return
        if key not in seen:
            seen.add(key)
            yield int(row)
