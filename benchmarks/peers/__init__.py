"""One file for each peer: a class `Adapter` with one method for each task it can do.

A task's method takes the workload's arrays and options and `n_jobs` (an int, or None for "as
the user calls it"), does all that is not to be timed, and returns a function without
arguments: the timed run. That returns its outcome, a dict; `converged=False` in it is said in
the report, and so is `note`, a few words; `rows` of it and `of` say that only a part of the task
was done, whose time stands for all of it; `cpu` are the CPU seconds of a process of its own. A
peer that is not installed has a `version` that raises ImportError.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

# In the order of the report; the first is the one that ratios refer to.
PEERS = (
    "algos",
    "sklearn",
    "intelex",
    "faiss",
    "superkmeans",
    "fastkmeans",
    "sparsekmeans",
    "geokmeans",
    "truncated_svd",
    "fbpca",
    "one_fit",
    "liblinear",
    "glum",
    "skglm",
    "celer",
    "snapml",
    "vowpalwabbit",
    "executor",
    "validation",
    "myfm",
    "modern_fm",
    "xlearn",
    "lightfm",
    "lightfm:warp",
    "linear_terms",
    "most_popular",
    "two_products",
    "forest:expected_inverse_depth",
    "forest:expected_inverse_depth-raw",
    "forest:depth",
    "forest:displacement",
    "forest:collusive_displacement",
    "krcf",
    "rcf3",
    "rrcf",
    "pysad",
    "river",
    "coniferest",
    "isotree",
    "pyod",
    "our_topics:batch",
    "our_topics:online",
    "our_topics:cvb0",
    "our_topics:spectral",
    "sklearn_online",
    "gensim",
    "tomotopy",
    "bigartm",
    "pyrmallet",
    "lda",
    "gluonts",
    "seasonal_naive",
    "seasonal_naive:point",
    "seasonal_naive:last",
)


class Peer(Protocol):
    """What every adapter has, beside its tasks."""

    title: str

    def version(self) -> str:
        """Return the installed version, or raise ImportError."""


def load(name: str) -> Any:
    """Return the adapter of `benchmarks/peers/<name>.py`, or `<name>:<variant>` of it."""
    module, *variant = name.split(":")
    return importlib.import_module(f"benchmarks.peers.{module}").Adapter(*variant)


def why_missing(name: str) -> str | None:
    """Return why a peer cannot take part, or None if it can."""
    try:
        load(name).version()
    except ImportError as error:
        return str(error)
    return None
