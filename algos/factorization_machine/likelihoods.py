"""Likelihoods of the samplers: the distribution of targets given the scores.

Each one represents a row by a normal variable with known precision: the target itself, or a
latent variable that is drawn (Gibbs sampling) or averaged over (EM). Nothing else in the solvers
depends on the likelihood.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._common.params import InvalidParameterError
from algos._common.random import Key, stream
from algos._common.scale import exponent_of, scaled, unscaled
from algos._cython.fm_latent import average_latents, draw_latents, measure_levels
from algos._cython.fm_polya import polya_gammas
from algos.factorization_machine.cut_points import CutPrior, draw_cuts, improve_cuts, start_cuts

Levels = NDArray[np.int32]

_NOISE, _CUTS, _COPIES = 101, 102, 104  # streams of a key; further words name the sweep
_TWO_CLASSES = np.array([-np.inf, 0.0, np.inf])
_MOST_LEVELS = 256
_EXTREME_WEIGHT = 40  # exponent
_FAR = 1e4  # for larger scores, derivatives by cut points lose all their digits
_WHOLE = 1e-9  # relative tolerance for sums of integer weights


class Latent(NamedTuple):
    """Rows as normal variables around their scores.

    Attributes
    ----------
    target : ndarray of shape (n,)
    weight : ndarray of shape (n,), or None
        The precisions of the rows divided by `precision`; None for 1.
    precision : float
    """

    target: NDArray[Any]
    weight: NDArray[Any] | None
    precision: float


class Likelihood(Protocol):
    """The interface of a likelihood.

    Attributes
    ----------
    has_intercept : bool
        Whether the score has an intercept; cut points take its place.
    stretches : bool
        Whether the scale of all parameters is drawn jointly as well: see `scale_draw`.
    weight : ndarray of shape (n,), or None
        Weights of the rows; None for 1.
    """

    has_intercept: bool
    stretches: bool
    weight: NDArray[Any] | None

    def draw(self, scores: NDArray[Any], key: Key, sweep: int, n_threads: int) -> Latent:
        """Draw the latent variables and parameters of the likelihood, given the scores."""
        ...

    def expect(self, scores: NDArray[Any], n_threads: int) -> Latent:
        """Return expectations instead of draws; a fit to them never raises the objective."""
        ...

    def objective(self, scores: NDArray[Any], n_threads: int) -> float:
        """Return the weighted sum of losses that `expect` decreases."""
        ...

    def state(self) -> dict[str, Any]:
        """Return the parameters of the likelihood, by name: numbers and arrays."""
        ...


class Gaussian:
    """Targets with normal noise of unknown precision.

    Parameters
    ----------
    target : ndarray of shape (n,)
        With unit variance, as the priors assume.
    weight : ndarray of shape (n,), or None
        A row of weight w stands for w rows. Weights beyond 2**40 or 2**-40 are divided
        by about the largest: a common factor of all weights is one of the noise.
    shape, rate : float, default=1.0
        The precision's prior is Gamma(shape / 2, rate / 2).
    """

    has_intercept = True
    stretches = False

    def __init__(
        self,
        target: NDArray[Any],
        weight: NDArray[Any] | None = None,
        *,
        shape: float = 1.0,
        rate: float = 1.0,
    ) -> None:
        self.target = target
        self.weight, self._exponent = _near_one(weight)
        self.total = float(
            len(target) if self.weight is None else self.weight.sum(dtype=np.float64)
        )
        self.shape, self.rate = shape, rate
        self.precision = 1.0

    def draw(self, scores: NDArray[Any], key: Key, sweep: int, n_threads: int) -> Latent:
        """Draw the precision of the noise."""
        return self.draw_noise(self._squares(scores), key, sweep)

    def draw_noise(self, square: float, key: Key, sweep: int) -> Latent:
        """Draw the precision of the noise, given the weighted sum of squared errors."""
        rng = stream(key, _NOISE, sweep)
        rate = (self.rate + square) / 2
        self.precision = float(rng.gamma((self.shape + self.total) / 2)) / rate
        return Latent(self.target, self.weight, self.precision)

    def expect(self, scores: NDArray[Any], n_threads: int) -> Latent:
        """Return the targets, with a precision of 1 for each row of weight 1."""
        return Latent(self.target, self.weight, unscaled(1.0, self._exponent))

    def objective(self, scores: NDArray[Any], n_threads: int) -> float:
        """Return half of the weighted sum of squared errors."""
        return self.loss_of(self._squares(scores))

    def loss_of(self, square: float) -> float:
        """Return the objective, given the weighted sum of squared errors."""
        return float(unscaled(square / 2, self._exponent))

    def _squares(self, scores: NDArray[Any]) -> float:
        error = np.subtract(self.target, scores, dtype=np.float64)
        np.square(error, out=error)
        if self.weight is not None:
            error *= self.weight
        return float(error.sum())

    def state(self) -> dict[str, Any]:
        """Return the precision of the noise."""
        return {"noise_precision": unscaled(self.precision, -self._exponent)}


def _near_one(weight: NDArray[Any] | None) -> tuple[NDArray[Any] | None, int]:
    """Return weights over 2**e, and e, which is 0 unless float32 sums of them could overflow."""
    exponent = 0 if weight is None or not len(weight) else exponent_of(weight)
    if abs(exponent) < _EXTREME_WEIGHT:
        return weight, 0
    return scaled(weight, exponent), exponent


class TwoClasses:
    """Base class for two classes, with a latent variable for each row.

    Parameters
    ----------
    levels : ndarray of shape (n,), int32
        0 and 1.
    weight : ndarray of shape (n,), or None
        `draw` requires integers, see `copies_of`.
    """

    has_intercept = True
    stretches = True

    def __init__(self, levels: Levels, weight: Float64Array | None = None) -> None:
        self.levels, self.weight = np.ascontiguousarray(levels, dtype=np.int32), weight
        self._copies: Levels | None = None
        self._has_copies = False

    def copies(self) -> Levels | None:
        """Return the weights as `copies_of` does, computed once."""
        if not self._has_copies:
            self._copies, self._has_copies = copies_of(self.weight), True
        return self._copies

    def state(self) -> dict[str, Any]:
        """Return nothing: only the rows have latent variables."""
        return {}


class Probit(TwoClasses):
    """Two classes: the second one if score + normal noise > 0.

    Parameters are those of `TwoClasses`.
    """

    def __init__(self, levels: Levels, weight: Float64Array | None = None) -> None:
        super().__init__(levels, weight)
        self.cuts = _TWO_CLASSES
        self._weight_of_copies: NDArray[Any] | None = None

    def draw(self, scores: NDArray[Any], key: Key, sweep: int, n_threads: int) -> Latent:
        """Draw the mean of the latent variables of each row's copies, which is sufficient."""
        copies = self.copies()
        if copies is not None and self._weight_of_copies is None:
            self._weight_of_copies = copies.astype(scores.dtype)
        target = np.empty_like(scores)
        draw_latents(scores, self.levels, self.cuts, copies, key, target, sweep, n_threads)
        return Latent(target, self._weight_of_copies, 1.0)

    def expect(self, scores: NDArray[Any], n_threads: int) -> Latent:
        """Return the means of the latent variables: the E step of EM."""
        target = np.empty_like(scores)
        average_latents(scores, self.levels, self.cuts, target, n_threads)
        weight = self.weight
        return Latent(target, None if weight is None else weight.astype(scores.dtype), 1.0)

    def objective(self, scores: NDArray[Any], n_threads: int) -> float:
        """Return the weighted sum of the negative log-probabilities of the levels."""
        derivatives = np.empty((3, len(self.cuts)))
        return -measure_levels(scores, self.levels, self.cuts, self.weight, derivatives, n_threads)


class Logit(TwoClasses):
    """Two classes: the probability of the second one is the logistic function of the score.

    Given its latent Pólya-Gamma variable ω, a row is the normal variable (y - 1/2) / ω with
    precision ω around its score.

    Parameters are those of `TwoClasses`.
    """

    def draw(self, scores: NDArray[Any], key: Key, sweep: int, n_threads: int) -> Latent:
        """Draw the sum of the Pólya-Gamma variables of each row's copies."""
        return self._latent(scores, self.copies(), key, sweep, n_threads)

    def expect(self, scores: NDArray[Any], n_threads: int) -> Latent:
        """Return the means of the Pólya-Gamma numbers: the E step of EM."""
        target, omega, precision = self._latent(scores, None, None, 0, n_threads)
        assert omega is not None
        if self.weight is not None:
            omega *= self.weight.astype(omega.dtype)
        return Latent(target, omega, precision)

    def _latent(
        self,
        scores: NDArray[Any],
        copies: Levels | None,
        key: Key | None,
        sweep: int,
        n_threads: int,
    ) -> Latent:
        target, omega = np.empty_like(scores), np.empty_like(scores)
        polya_gammas(scores, self.levels, copies, key, target, omega, sweep, n_threads)
        return Latent(target, omega, 1.0)

    def objective(self, scores: NDArray[Any], n_threads: int) -> float:
        """Return the weighted sum of the logistic losses."""
        against = np.where(self.levels == 0, scores, -scores).astype(np.float64)
        losses = np.logaddexp(0.0, against, out=against)
        return float(losses.sum() if self.weight is None else (self.weight * losses).sum())


class RoundedLogit(Logit):
    """Two classes with real weights, which each sweep rounds up or down at random.

    The mean over sweeps is the weight. A fraction of a row has no likelihood, so this is an
    approximation, good for weights that balance classes.

    Parameters
    ----------
    levels : ndarray of shape (n,), int32
    weight : ndarray of shape (n,)
    """

    def __init__(self, levels: Levels, weight: Float64Array) -> None:
        super().__init__(levels, weight)
        self._floor = np.floor(weight)
        self._rest = weight - self._floor

    def draw(self, scores: NDArray[Any], key: Key, sweep: int, n_threads: int) -> Latent:
        """Draw the number of copies of each row, and the precision of their sum."""
        rng = stream(key, _COPIES, sweep)
        copies = self._floor + (rng.random(len(self._rest)) < self._rest)
        drawn = np.minimum(np.maximum(copies, 1.0), 2**31 - 1).astype(np.int32)
        latent = self._latent(scores, drawn, key, sweep, n_threads)
        assert latent.weight is not None
        latent.weight[copies == 0] = 0  # a row without copies has no weight
        return latent


class OrderedProbit(Probit):
    """Ordered levels: the interval between learned cut points that has score + normal noise.

    Parameters
    ----------
    levels : ndarray of shape (n,), int32
        0 … n_levels - 1; each of them occurs.
    weight : ndarray of shape (n,), or None
    prior : CutPrior or None, default=None
        None for the default at this number of levels.
    """

    has_intercept = False
    stretches = False

    def __init__(
        self, levels: Levels, weight: Float64Array | None = None, *, prior: CutPrior | None = None
    ) -> None:
        super().__init__(levels, weight)
        mass = np.bincount(self.levels, weight)
        if len(mass) > _MOST_LEVELS:
            raise InvalidParameterError(
                f"`y` with {len(mass)} distinct values must have at most {_MOST_LEVELS} for "
                "loss='ordered_probit'; use loss='squared_error', or round `y`"
            )
        self.cuts = start_cuts(mass.astype(np.float64))
        self.prior = CutPrior.of(len(mass)) if prior is None else prior

    def draw(self, scores: NDArray[Any], key: Key, sweep: int, n_threads: int) -> Latent:
        """Draw the cut points with the latent variables integrated out, then the latter."""
        self.copies()  # refuses fractional weights before anything is drawn
        rng = stream(key, _CUTS, sweep)
        self.cuts = draw_cuts(self.cuts, self.prior, self._measure(scores, n_threads), rng)
        return super().draw(scores, key, sweep, n_threads)

    def expect(self, scores: NDArray[Any], n_threads: int) -> Latent:
        """Improve the cut points by a step, then return the latent variables' means."""
        self.cuts = improve_cuts(self.cuts, self._measure(scores, n_threads))
        return super().expect(scores, n_threads)

    def state(self) -> dict[str, Any]:
        """Return the cut points, including the infinite ones."""
        return {"cuts": self.cuts}

    def _measure(self, scores: NDArray[Any], n_threads: int) -> Any:
        near = np.clip(scores, -_FAR, _FAR)

        def measure(cuts: Float64Array) -> tuple[float, Float64Array]:
            derivatives = np.empty((3, len(cuts)))
            value = measure_levels(near, self.levels, cuts, self.weight, derivatives, n_threads)
            return value, derivatives

        return measure


def copies_of(weight: Float64Array | None) -> Levels | None:
    """Return weights as numbers of copies, None if all are 1.

    A row of weight w stands for w rows, each with its own latent variable, so w must be an integer.
    """
    if weight is None:
        return None
    copies = np.rint(weight)
    if np.any(np.abs(weight - copies) > _WHOLE * weight) or copies.max(initial=0) > 2**31 - 1:
        raise InvalidParameterError(
            "`sample_weight` must be integers below 2**31 for solver='mcmc' with latent variables; "
            "use solver='als'"
        )
    return None if np.all(copies == 1) else copies.astype(np.int32)
