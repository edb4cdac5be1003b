"""What one row of a benchmark is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Arrays = dict[str, Any]
Outcome = dict[str, Any]

ALGORITHMS = (
    "linear_learner",
    "kmeans",
    "pca",
    "lda",
    "factorization_machine",
    "random_cut_forest",
    "deepar",
    "threads",
)


class Unreachable(Exception):  # noqa: N818
    """The data of a row is not here: the row is left out, and this says why."""


@dataclass(frozen=True)
class Workload:
    """One row of a benchmark, for all peers.

    Attributes
    ----------
    name : str
        Short, without spaces: for `--workload`.
    caption : str
        Shape of the data and what is done with it.
    task : str
        Method of the peers that does it; a peer without it is left out.
    data : callable
        Takes the divisor of the number of rows (1, or 50 with `--quick`) and returns the
        arrays, all of which go to the task and to `quality`.
    quality : callable
        Takes a run's outcome and the arrays, and returns numbers by name.
    options : dict
        More keyword arguments for the task.
    repeat : int
        Number of timed runs, if `--repeat` does not say otherwise.
    seeded : bool
        Whether runs have different seeds: then the quality is the median over them, too.
    condition : {"idle", "busy", "forked"}
        What goes on in the process meanwhile: nothing, a Python thread that computes, or
        the runs take place in a child, forked after the first run.
    memory : bool
        Whether peak memory is measured.
    user : bool
        Whether it is also run "as the user calls it", with no thread settings.
    quick : bool
        Whether `--quick` runs it too.
    """

    name: str
    caption: str
    task: str
    data: Callable[[int], Arrays]
    quality: Callable[[Outcome, Arrays], dict[str, float]]
    options: dict[str, Any] = field(default_factory=dict)
    repeat: int = 5
    seeded: bool = False
    condition: str = "idle"
    memory: bool = True
    user: bool = False
    quick: bool = True


def workloads(algorithm: str) -> list[Workload]:
    """Return the rows of `benchmarks/cases/<algorithm>.py`."""
    return list(importlib.import_module(f"benchmarks.cases.{algorithm}").WORKLOADS)


def find_workload(algorithm: str, name: str) -> Workload:
    """Return one row by its name."""
    return next(row for row in workloads(algorithm) if row.name == name)
