"""Stochastic learning of factorization machines: AdaGrad over mini-batches, in epochs.

Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic
optimization", JMLR 12; Rendle (2010), "Factorization machines", ICDM.

What is minimised is the weighted mean of

    loss_i + sum over the values of row i of (alpha |v_j|² + alpha_linear w_j²) / 2

so a column is shrunk as often as it occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from algos._common.memory import require_memory
from algos._common.random import Key, stream
from algos._cython import fm_steps
from algos.factorization_machine.rows import Rows

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LOSSES = {"squared_error": 0, "log_loss": 1, "multinomial": 2, "bpr": 3}
_LANES = 8  # floats in a vector: ranks are rounded up to whole ones, from 16 on to two
_LINE = 64  # bytes of a cache line, at whose beginning the table is laid
_OF_START, _OF_ORDER = 0, 1  # streams of random numbers
_LARGEST_VALUE = 1e6  # of a scaled column, in float32 sums of squares
_LARGEST_WEIGHT = 1e6  # in units of the mean weight
_NO_CLIP = 1e12
_START, _START_NOISE = 0.02, 0.1  # of first factors, and of the scores they make
_COMMON = 0.5  # rows of a batch that are expected to have a column, from which on it is common


@dataclass(frozen=True)
class Settings:
    """How steps are made.

    Attributes
    ----------
    loss : {"squared_error", "log_loss", "multinomial", "bpr"}
    rate, rate_linear, rate_intercept : float
        The longest step of a factor, a coefficient and an intercept.
    alpha, alpha_linear, alpha_intercept : float
        L2 penalties.
    accumulator : float
        Where sums of squared gradients begin: the larger, the shorter the first steps.
    batch_size : int or None
        Rows that are scored before their steps are made; None for `values_a_batch`.
    clip : float or None
        The largest magnitude of a number in a gradient.
    """

    loss: str = "log_loss"
    rate: float = 0.1
    rate_linear: float = 0.1
    rate_intercept: float = 0.1
    alpha: float = 1e-3
    alpha_linear: float = 1e-4
    alpha_intercept: float = 0.0
    accumulator: float = 0.1
    batch_size: int | None = None
    values_a_batch: int = 2048
    clip: float | None = None

    def batch_of(self, rows: Rows) -> int:
        """Return how many rows a batch has: a number that hangs on the rows alone."""
        if self.batch_size is not None:
            return int(self.batch_size)
        mean = max(1.0, rows.stored / max(rows.n, 1))
        return int(max(1, self.values_a_batch // mean))


@dataclass(frozen=True)
class Start:
    """Where a fit begins.

    Attributes
    ----------
    scale : float
        Deviation of the factors for "normal", half their width for "uniform", and they
        themselves for "constant".
    init : {"normal", "uniform", "constant"}
    linear_scale, linear_init : float, str
        The same of the coefficients.
    intercept : float or ndarray of shape (n_outputs,)
    """

    scale: float = 0.1
    init: str = "normal"
    linear_scale: float = 0.0
    linear_init: str = "constant"
    intercept: Any = 0.0


@dataclass
class Steps:
    """A learner between epochs or batches: numbers, and the sums of their squared gradients.

    Attributes
    ----------
    table : ndarray of shape (n_columns, n_outputs, 2, rank), float32
        Factors and their sums; the rank is rounded up.
    line : ndarray of shape (n_columns, n_outputs, 2), float32
        Coefficients and their sums.
    intercept : ndarray of shape (n_outputs, 2), float32
    n_factors : int
    n_epochs : int
        Passes over rows so far: no two have the same order.
    n_rows, weight : float
        Of all batches of a stream.
    """

    table: Floats
    line: Floats
    base: Floats
    n_factors: int
    n_epochs: int = 0
    n_rows: float = 0.0
    weight: float = 0.0

    @classmethod
    def begin(
        cls,
        n_columns: int,
        n_factors: int,
        key: Key,
        *,
        n_outputs: int = 1,
        start: Start | None = None,
        accumulator: float = 0.1,
    ) -> Steps:
        """Return a learner that has seen nothing."""
        start = Start() if start is None else start
        rank = padded_rank(n_factors)
        require_memory(
            8 * n_columns * n_outputs * (rank + 1),
            f"the state of {n_columns} columns with {n_factors} factors",
            "lower `n_factors`, or hash columns into fewer",
        )
        table = aligned((n_columns, n_outputs, 2, rank))
        line = aligned((n_columns, n_outputs, 2))
        base = np.zeros((n_outputs, 2), dtype=np.float32)
        for place, (state, scale, init) in enumerate(
            ((table[:, :, 0, :n_factors], start.scale, start.init),
             (line[..., 0], start.linear_scale, start.linear_init))
        ):  # fmt: skip
            state[...] = drawn(init, scale, state.shape, stream(key, _OF_START, place))
        base[:, 0] = start.intercept
        for state in (table[:, :, 1], line[..., 1], base[..., 1]):
            state[...] = accumulator
        return cls(table, line, base, n_factors)

    @property
    def n_outputs(self) -> int:
        """Models beside each other."""
        return int(self.table.shape[1])

    @property
    def intercept(self) -> Doubles:
        """Of shape (n_outputs,)."""
        return self.base[:, 0].astype(np.float64)

    @property
    def linear(self) -> Doubles:
        """Coefficients, of shape (n_outputs, n_columns)."""
        return np.ascontiguousarray(self.line[..., 0].T, dtype=np.float64)

    @property
    def factors(self) -> Floats:
        """Of shape (n_outputs, n_columns, n_factors)."""
        return np.ascontiguousarray(self.table[:, :, 0, : self.n_factors].transpose(1, 0, 2))

    def copy(self) -> Steps:
        """Return a learner of its own."""
        table = aligned(self.table.shape)
        table[...] = self.table
        return replace(self, table=table, line=self.line.copy(), base=self.base.copy())

    def in_place_of(
        self, intercept: NDArray[Any], linear: NDArray[Any], factors: NDArray[Any]
    ) -> Steps:
        """Return a learner with the same sums and another model, shaped as the properties."""
        other = self.copy()
        other.base[:, 0] = intercept
        other.line[..., 0] = np.asarray(linear).T
        other.table[:, :, 0, : self.n_factors] = np.asarray(factors).transpose(1, 0, 2)
        return other

    def scores(self, rows: Rows, *, n_threads: int = 1) -> Floats:
        """Return the scores of rows, of shape (n, n_outputs)."""
        z = np.empty((rows.n, self.n_outputs), dtype=np.float32)
        fm_steps.score(
            rows.indptr, rows.indices, kernel_values(rows), self.table, self.line, self.base,
            z, n_threads,
        )  # fmt: skip
        return z


def padded_rank(n_factors: int) -> int:
    """Return the rank that kernels use: whole vectors of 8 floats, or of 16 for more."""
    lanes = _LANES if n_factors <= _LANES else 2 * _LANES
    return -(-n_factors // lanes) * lanes


def aligned(shape: tuple[int, ...]) -> Floats:
    """Return zeros that begin with a cache line, so that rows share none."""
    size = int(np.prod(shape))
    room = np.zeros(size + _LINE // 4, dtype=np.float32)
    first = -room.ctypes.data % _LINE // 4
    return room[first : first + size].reshape(shape)


def drawn(init: str, scale: float, shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    """Return numbers to begin with, in the way `init` says."""
    if init == "normal" and scale > 0:
        return np.float32(scale) * draw.standard_normal(shape, dtype=np.float32)
    if init == "uniform" and scale > 0:
        return np.float32(scale) * (2 * draw.random(shape, dtype=np.float32) - 1)
    return np.float32(scale)


def start_scale(rows: Rows, n_factors: int) -> float:
    """Return a deviation of first factors at which their products hardly move a score."""
    mean = max(1.0, rows.stored / max(rows.n, 1))
    return float(min(_START, np.sqrt(_START_NOISE / (np.sqrt(n_factors / 2) * mean))))


def kernel_values(rows: Rows) -> Floats | None:
    """Return the values in the kernel's type; None if all are 1."""
    if rows.values is None:
        return None
    if rows.values.dtype == np.float32 and not rows.stored:
        return rows.values
    bounded: Floats = np.clip(rows.values, -_LARGEST_VALUE, _LARGEST_VALUE).astype(np.float32)
    return bounded


@dataclass(frozen=True)
class Plan:
    """How columns are gone about.

    Attributes
    ----------
    cuts : ndarray of shape (parts + 1,), int64
        Where ranges of columns begin that hold about as many values each.
    slots : ndarray of shape (n_columns,), int32
        The place of each column in `common`, or -1.
    common : ndarray, int32
        The columns that many rows of a batch are expected to have.
    """

    cuts: NDArray[np.int64]
    slots: NDArray[np.int32]
    common: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Rows, batch: int, parts: int) -> Plan:
        """Return the plan; only `cuts` hang on the number of parts."""
        counts = np.bincount(rows.indices, minlength=rows.n_columns)
        shares = np.arange(1, parts) * (rows.stored / parts)
        inner = np.searchsorted(np.cumsum(counts), shares) + 1
        cuts = np.concatenate([[0], np.minimum(inner, rows.n_columns), [rows.n_columns]])
        is_common = counts * min(batch, rows.n) >= _COMMON * rows.n
        common = np.flatnonzero(is_common & (counts > 0)).astype(np.int32)
        slots = np.full(rows.n_columns, -1, dtype=np.int32)
        slots[common] = np.arange(len(common), dtype=np.int32)
        return cls(cuts.astype(np.int64), slots, common)


@dataclass(frozen=True)
class Data:
    """Rows with targets, in the kernel's types.

    Attributes
    ----------
    rows : Rows
    values : ndarray of float32, or None
    target, weight : ndarray of shape (n,), float32
        The weights' mean is about 1.
    plans : dict
        Of `plan`.
    """

    rows: Rows
    values: Floats | None
    target: Floats
    weight: Floats
    plans: dict[tuple[int, int], Plan] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, rows: Rows, target: NDArray[Any], weight: NDArray[Any], unit: float | None = None
    ) -> Data:
        """Return the data with weights over `unit`, or over their mean."""
        unit = float(weight.mean()) if unit is None else unit
        with np.errstate(over="ignore"):
            shares = np.minimum(weight / unit, _LARGEST_WEIGHT).astype(np.float32)
        return cls(rows, kernel_values(rows), target.astype(np.float32), shares)

    def plan(self, batch: int, parts: int) -> Plan:
        """Return how columns are gone about: made once."""
        if (batch, parts) not in self.plans:
            self.plans[batch, parts] = Plan.of(self.rows, batch, parts)
        return self.plans[batch, parts]


def one_pass(
    steps: Steps,
    data: Data,
    settings: Settings,
    key: Key,
    *,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    part: int = 0,
    n_threads: int = 1,
) -> float:
    """Learn all rows once, in the order of this epoch; `steps` is written to.

    Parameters
    ----------
    steps : Steps
    data : Data
    settings : Settings
    key : ndarray of shape (2,), dtype uint64
    pairs : tuple of (rows, rivals), default=None
        For "bpr": the rows that must beat others, and those.
    part : int, default=0
        Of the epoch, if it is made of several calls.
    n_threads : int, default=1
        Changes nothing but the time.

    Returns
    -------
    loss : float
        Weighted mean loss of the rows, each before its batch was learned.
    """
    rows = data.rows
    count = rows.n if pairs is None else len(pairs[0])
    order = stream(key, _OF_ORDER, steps.n_epochs, part).permutation(count)
    rival = None
    if pairs is not None:
        order, rival = pairs[0][order], pairs[1][order]
    parts = min(n_threads, fm_steps.MOST_THREADS, max(1, rows.n_columns))
    batch = settings.batch_of(rows)
    plan = data.plan(batch, parts)
    total = fm_steps.learn(
        rows.indptr, rows.indices, data.values, data.target, data.weight, order, rival,
        plan.cuts, plan.slots, plan.common,
        np.array([settings.rate, settings.rate_linear, settings.rate_intercept], np.float32),
        np.array([settings.alpha, settings.alpha_linear, settings.alpha_intercept], np.float32),
        steps.table, steps.line, steps.base, LOSSES[settings.loss], batch,
        _NO_CLIP if settings.clip is None else settings.clip,
    )  # fmt: skip
    weight = float(data.weight[order].sum(dtype=np.float64))
    return total / weight if weight else 0.0


def mean_loss(scores: NDArray[Any], data: Data, loss: str) -> float:
    """Return the weighted mean loss of scores of shape (n, n_outputs)."""
    z, y = scores.astype(np.float64), data.target.astype(np.float64)
    if loss == "squared_error":
        losses = (z[:, 0] - y) ** 2 / 2
    elif loss == "log_loss":
        losses = np.logaddexp(0, np.where(y > 0.5, -z[:, 0], z[:, 0]))
    else:
        losses = logsumexp(z, axis=1) - z[np.arange(len(z)), y.astype(np.intp)]
    return float(np.average(losses, weights=data.weight))


@dataclass
class Best:
    """The learner that has done best so far, and how long ago."""

    steps: Steps
    loss: float = np.inf
    waited: int = 0

    def offer(self, steps: Steps, loss: float, tol: float, *, keeps: bool) -> None:
        """Take the learner if it is the best; without enough progress, wait one more epoch."""
        enough = not np.isfinite(self.loss) or loss < self.loss - tol * abs(self.loss)
        self.waited = 0 if enough else self.waited + 1
        if loss < self.loss:
            self.loss = loss
            if keeps:
                self.steps = steps.copy()


Watch = Callable[[Steps, float, "float | None"], bool]


def epochs(
    steps: Steps,
    once: Callable[[Steps], float],
    check: Callable[[Steps], float] | None,
    *,
    max_iter: int,
    tol: float = 1e-3,
    patience: int = 2,
    watch: Watch | None = None,
) -> Steps:
    """Learn in epochs; where there is a check, return the learner of the best epoch.

    Parameters
    ----------
    steps : Steps
        Goes on from there; is not written to.
    once : callable
        Makes one pass and returns its loss.
    check : callable or None
        Returns the loss of validation rows.
    max_iter : int
        The most epochs.
    tol, patience : float, int
        The end comes when the loss of validation rows, or else of the training rows before
        they were learned, has not fallen by this share of it for so many epochs.
    watch : callable, default=None
        Takes the learner, the training loss and the validation loss (or None) after each
        epoch, and returns whether to stop.
    """
    steps = steps.copy()
    best = Best(steps)
    for _ in range(max_iter):
        loss = once(steps)
        steps.n_epochs += 1
        checked = None if check is None else check(steps)
        best.offer(steps, loss if checked is None else checked, tol, keeps=check is not None)
        if (watch is not None and watch(steps, loss, checked)) or best.waited >= patience:
            break
    return steps if check is None else best.steps


def learn(
    steps: Steps,
    data: Data,
    settings: Settings,
    key: Key,
    *,
    validation: Data | None = None,
    n_threads: int = 1,
    **control: Any,
) -> Steps:
    """Learn rows in `epochs`, to whose parameters `control` goes."""

    def once(steps: Steps) -> float:
        return one_pass(steps, data, settings, key, n_threads=n_threads)

    def check(steps: Steps) -> float:
        assert validation is not None
        scores = steps.scores(validation.rows, n_threads=n_threads)
        return mean_loss(scores, validation, settings.loss)

    return epochs(steps, once, None if validation is None else check, **control)


def tried_rate(
    steps: Steps,
    data: Data,
    settings: Settings,
    key: Key,
    *,
    rates: Sequence[float],
    validation: Data | None = None,
    n_threads: int = 1,
) -> float:
    """Return the rate whose first epoch comes furthest.

    It is what most hangs on the data: where rows tell little, long steps learn noise that
    later epochs cannot undo. Judged by the validation rows, or else by the training rows
    before they were learned. `steps` is not written to.
    """
    losses = []
    for rate in rates:
        trial = steps.copy()
        tried = replace(settings, rate=rate, rate_linear=rate, rate_intercept=rate)
        loss = one_pass(trial, data, tried, key, n_threads=n_threads)
        if validation is not None:
            scores = trial.scores(validation.rows, n_threads=n_threads)
            loss = mean_loss(scores, validation, settings.loss)
        losses.append(loss if np.isfinite(loss) else np.inf)
    return rates[int(np.argmin(losses))]
