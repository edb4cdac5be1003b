"""The likelihoods: what each takes, and what the network's raw numbers mean to it.

The formulas themselves stand in `algos/_cython/_deepar_likelihood.h` alone. With s+ the softplus
of a raw number and ν the scale of its window:

=================  =======================================  =====================  ===========
name               law                                      targets                parameters
=================  =======================================  =====================  ===========
gaussian           N(m, s²)                                 real, in units of ν    m, s+
student_t          m + s t(n), n above 2                    real, in units of ν    m, s+, 2 + s+
negative_binomial  of mean μ and variance μ + α μ²          0, 1, 2, … as given    ν s+, s+ / √ν
poisson            of mean μ                                0, 1, 2, … as given    ν s+
beta               B(p, q)                                  in [0, 1] as given     s+, s+
deterministic_l1   all at m, which is their median          real, in units of ν    m
=================  =======================================  =====================  ===========
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._cython import deepar_likelihood

Doubles = NDArray[np.float64]


class Likelihood(NamedTuple):
    """The law of a step's value, given what came before.

    Attributes
    ----------
    name : str
    code : int
        That of the kernels.
    n_outputs : int
        Raw numbers that the network gives for each step.
    lowest, highest : float
        What targets are within.
    """

    name: str
    code: int
    n_outputs: int
    lowest: float = -np.inf
    highest: float = np.inf

    @property
    def is_scaled(self) -> bool:
        """Whether targets are in units of the window's scale; else they are as given."""
        return self.lowest == -np.inf

    @property
    def is_count(self) -> bool:
        return self.lowest == 0 and self.highest == np.inf


# The order is that of `algos/_cython/_deepar_likelihood.h`.
LIKELIHOODS = {
    likelihood.name: likelihood
    for likelihood in (
        Likelihood("gaussian", 0, 2),
        Likelihood("student_t", 1, 3),
        Likelihood("negative_binomial", 2, 2, lowest=0),
        Likelihood("poisson", 3, 1, lowest=0),
        Likelihood("beta", 4, 2, lowest=0, highest=1),
        Likelihood("deterministic_l1", 5, 1),
    )
}


def check_targets(
    likelihood: Likelihood,
    values: NDArray[np.floating],
    observed: NDArray[np.uint8],
    offsets: NDArray[np.int64],
) -> None:
    """Raise ValueError naming the series if an observed value is outside the law.

    Parameters
    ----------
    likelihood : Likelihood
    values : ndarray of shape (n_values,)
        As the user gave them, series after series.
    observed : ndarray of shape (n_values,)
        0 where a value is missing.
    offsets : ndarray of shape (n_series + 1,)
        Where each series begins.
    """
    outside = (values < likelihood.lowest) | (values > likelihood.highest)
    places = np.flatnonzero(outside & (observed != 0))
    if not places.size:
        return
    series = int(np.searchsorted(offsets, places[0], side="right")) - 1
    range_of = "in [0, 1]" if likelihood.highest == 1 else "counts, not negative"
    raise ValueError(
        f"`likelihood`={likelihood.name!r} must have values that are {range_of}, but series "
        f"{series} has {float(values[places[0]])!r}; take 'student_t' or 'gaussian' for real values"
    )


def parameters(likelihood: Likelihood, head: NDArray[np.floating], scale: Doubles) -> Doubles:
    """Return the parameters of the laws, in the convention of targets.

    Parameters
    ----------
    likelihood : Likelihood
    head : ndarray of shape (n, n_outputs)
        The network's raw numbers.
    scale : ndarray of shape (n,)
        Of the windows.

    Returns
    -------
    parameters : ndarray of shape (n, n_outputs)
        Those of the table above, in its order.
    """
    raw = np.ascontiguousarray(head, dtype=np.float64)
    found = np.empty_like(raw)
    scales = np.ascontiguousarray(scale, dtype=np.float64)
    deepar_likelihood.parametrize(raw, scales, found, likelihood.code)
    return found
