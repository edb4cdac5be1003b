"""The parameters of latent Dirichlet allocation: checks, and settings of the learners.

Every learner is a plain function with one signature::

    learn(documents, topics, settings, key, n_threads, report) -> Learned

The order of `documents` depends only on their content. `topics` is None, to begin at
random from streams of `key`, or the initial counts. `report(topics, objective)` is called
after each pass and returns whether to stop: `topics` is a function that returns the present counts
(a copy if the loop goes on writing to them), and `objective` the perplexity of the documents at the
start of the pass, or nan if it was not computed.

Counts of topics are word-major: float32 of shape (n_words, width), width being the number of
topics padded to a multiple of 16, the expected count of each word in each topic *without* the
prior, exactly 0 in the padding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float32Array, Float64Array
from algos._common.memory import has_memory
from algos._common.params import (
    N_JOBS,
    POSITIVE_INT,
    VERBOSE,
    ArrayLike as IsArrayLike,
    Constraint,
    Interval,
    Options,
    RandomState,
)

METHODS = ("batch", "online", "cvb0", "spectral")
MEGABYTE = 1e6
LANES = 16  # the width of topics is a multiple of it
LEAST_PRIOR = 1e-12  # replaces 0, whose digamma and logarithm are not finite
MOST_PRIOR = 1e12  # above it, differences of log-gammas in a bound are lost to rounding
MOST_BEGUN = 1e36  # that counts to begin with sum to, as those of documents

NON_NEGATIVE = Interval(Real, 0, None)
POSITIVE = Interval(Real, 0, None, closed="neither")

LEARNING_METHODS = Options(
    "auto",
    *METHODS,
    aliases={"vb": "batch", "svi": "online", "em": "cvb0", "gibbs": "cvb0", "als": "spectral"},
)

PARAMETERS: dict[str, list[Constraint | None]] = {
    "n_components": [POSITIVE_INT],
    "doc_topic_prior": [Options("auto"), NON_NEGATIVE, IsArrayLike(), None],
    "topic_word_prior": [NON_NEGATIVE, IsArrayLike(), None],
    "learning_method": [LEARNING_METHODS],
    "learning_decay": [Interval(Real, 0, 1, closed="both")],
    "learning_offset": [Interval(Real, 1, None)],
    "max_iter": [Options("auto"), Interval(Integral, 0, None)],
    "batch_size": [POSITIVE_INT],
    "evaluate_every": [Interval(Integral, None, None, closed="neither")],
    "total_samples": [Options("auto"), POSITIVE],
    "perp_tol": [NON_NEGATIVE],
    "mean_change_tol": [NON_NEGATIVE],
    "max_doc_update_iter": [Interval(Integral, 0, None)],
    "n_jobs": N_JOBS,
    "verbose": VERBOSE,
    "random_state": [RandomState()],
    "init": [Options("auto", "random", "spectral"), IsArrayLike()],
    "alpha0": [Options("auto"), POSITIVE],
    "max_restarts": [POSITIVE_INT],
    "max_als_iter": [POSITIVE_INT],
    "tol": [NON_NEGATIVE],
    "max_memory": [NON_NEGATIVE, None],
}


class Report(Protocol):
    """Called after each pass; returns whether to stop."""

    def __call__(self, topics: Callable[[], Float32Array], objective: float) -> bool: ...


@dataclass(frozen=True)
class Settings:
    """The settings of learners, made from the parameters.

    Attributes
    ----------
    n_topics, n_words : int
        The shape of the topics.
    doc_topic_prior : ndarray of shape (n_topics,), dtype float64
        Prior of topics in a document.
    topic_word_prior : ndarray, dtype float32
        Of shape (), (n_words,) or (n_words, width), in the last case 1 in the padding.
    learns_doc_topic_prior : bool
        Whether `doc_topic_prior` is only the initial value.
    max_iter : int or None
        None is the default of the learner.
    batch_size, learning_decay, learning_offset, evaluate_every, perp_tol
    mean_change_tol, max_doc_update_iter
        As in scikit-learn.
    total_samples : float or None
        Number of documents that a batch stands for; None depends on the number seen.
    init : str
        "auto", "random" or "spectral", if no initial counts were given.
    alpha0 : float or None
        The sum of the document prior that the spectral method assumes; None estimates it.
    max_restarts, max_als_iter, tol
        Of the spectral method.
    max_bytes : float or None
        Limit for sweeps of CVB0 and for spectral topics; None depends on the machine.
    evaluates_each_pass : bool
        Whether each pass computes the perplexity, even if that takes extra time.
    """

    n_topics: int
    n_words: int
    doc_topic_prior: Float64Array
    topic_word_prior: Float32Array
    learns_doc_topic_prior: bool = False
    max_iter: int | None = None
    batch_size: int = 128
    learning_decay: float = 0.7
    learning_offset: float = 10.0
    evaluate_every: int = -1
    total_samples: float | None = None
    perp_tol: float = 0.1
    mean_change_tol: float = 1e-3
    max_doc_update_iter: int = 100
    init: str = "auto"
    alpha0: float | None = None
    max_restarts: int = 10
    max_als_iter: int = 1000
    tol: float = 1e-8
    max_bytes: float | None = None
    evaluates_each_pass: bool = False

    def allows(self, n_bytes: int) -> bool:
        """Return whether `n_bytes` are within `max_bytes`, or half of this machine's memory."""
        return has_memory(2 * n_bytes) if self.max_bytes is None else n_bytes <= self.max_bytes

    @property
    def width(self) -> int:
        """Number of topics with the padding."""
        return padded_width(self.n_topics)


@dataclass(frozen=True)
class Learned:
    """The result of a learner.

    Attributes
    ----------
    topics : ndarray of shape (n_words, width), dtype float32
        The counts of each word in each topic, without the prior.
    n_updates : int
        The number of times the topics were changed.
    doc_topic_prior : ndarray of shape (n_topics,) or None
        The learned prior, if any.
    perplexity : float
        Of the documents, at the end; nan if it was not computed.
    """

    topics: Float32Array
    n_updates: int
    doc_topic_prior: Float64Array | None = None
    perplexity: float = float("nan")


def padded_width(n: int) -> int:
    """Return the next multiple of `LANES`."""
    return -(-n // LANES) * LANES


def padded_columns(values: NDArray[Any], fill: float = 0.0) -> Float32Array:
    """Return an array of shape (n, n_topics) as float32 of shape (n, width)."""
    n_topics = values.shape[1]
    wide = np.empty((len(values), padded_width(n_topics)), dtype=np.float32)
    wide[:, :n_topics] = values
    wide[:, n_topics:] = fill
    return wide


def padded_row(values: Float64Array, width: int) -> Float32Array:
    """Return one number for each topic in the layout of the kernels: float32, 0 in the padding."""
    row = np.zeros(width, dtype=np.float32)
    row[: len(values)] = values
    return row


def document_prior(given: Any, n_topics: int) -> Float64Array:
    """Return the prior of each topic in a document."""
    if given is None or isinstance(given, str):
        return np.full(n_topics, 1.0 / n_topics)
    if isinstance(given, float) and LEAST_PRIOR <= given <= MOST_PRIOR:
        return np.full(n_topics, given)  # as fitted models ask for it
    prior = _numbers("doc_topic_prior", given, [(), (n_topics,)], "(n_components,)")
    return np.broadcast_to(prior, (n_topics,)).copy()


def word_prior(given: Any, n_topics: int, n_words: int) -> Float32Array:
    """Return the prior of each word, word-major where it differs among topics."""
    if given is None:
        return np.asarray(1.0 / n_topics, dtype=np.float32)
    if sparse.issparse(given):
        raise ValueError(
            "`topic_word_prior` is sparse and must be a dense array; write "
            "topic_word_prior=topic_word_prior.toarray()"
        )
    shapes = [(), (n_words,), (n_topics, n_words)]
    said = "(n_features,) or (n_components, n_features)"
    prior = _numbers("topic_word_prior", given, shapes, said)
    if prior.ndim == 2:
        return padded_columns(prior.T, fill=1.0)
    return prior.astype(np.float32)


def given_start(init: Any, n_topics: int, n_words: int) -> Float32Array:
    """Return given initial counts, word-major."""
    shape = (n_topics, n_words)
    if sparse.issparse(init):
        raise ValueError("`init` is sparse and must be a dense array; write init=init.toarray()")
    try:
        start = np.asarray(init, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`init` must be numbers of shape {shape}, or 'auto'; {error}") from error
    if start.shape != shape:
        raise ValueError(
            f"`init` of shape {start.shape} must be of shape {shape}, (n_components, "
            f"n_features); or write 'auto'"
        )
    if not np.all(np.isfinite(start)) or np.any(start < 0):
        raise ValueError(
            f"`init` holds {_worst(start):.6g} and must hold finite counts that are not negative; "
            f"or write 'auto'"
        )
    if start.max() > MOST_BEGUN or start.sum() > MOST_BEGUN:
        raise ValueError(
            f"`init` must hold counts whose sum is at most {MOST_BEGUN:.0e}; divide them"
        )
    return padded_columns(start.T)


def prior_attribute(given: Any, n_topics: int) -> Any:
    """Return a prior as a fitted attribute: a number where all topics have the same one."""
    if given is None:
        return 1.0 / n_topics
    array = np.array(given, dtype=np.float64)
    return array if array.ndim else float(array)


def _numbers(name: str, given: Any, shapes: list[tuple[int, ...]], said: str) -> Float64Array:
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be numbers, of shape {said}; {error}") from error
    if values.shape not in shapes:
        raise ValueError(
            f"`{name}` of shape {values.shape} must be a number or of shape {said}, which is "
            f"{' or '.join(map(str, shapes[1:]))} here; write None for 1 / n_components"
        )
    if not np.all(np.isfinite(values)) or np.any(values < 0) or np.any(values > MOST_PRIOR):
        raise ValueError(
            f"`{name}` holds {_worst(values):.6g} and must be in [0, {MOST_PRIOR:.0e}]; write None "
            f"for 1 / n_components"
        )
    return np.maximum(values, LEAST_PRIOR)


def _worst(values: Float64Array) -> float:
    """Return a value that is not finite, else the least if it is negative, else the largest."""
    strange = values[~np.isfinite(values)]
    if strange.size:
        return float(strange[0])
    return float(values.min() if values.min() < 0 else values.max())
