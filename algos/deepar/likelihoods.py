"""The likelihoods: what each takes, and what the network's raw numbers mean to it.

The formulas themselves stand in `algos/_cython/_deepar_likelihood.h` alone. With s+ the softplus
of a raw number and ν the scale of its window:

=================  =================================  ====================  ===============
name               law                                values                raw numbers are
=================  =================================  ====================  ===============
gaussian           N(m, s²)                           real, in units of ν   m, s+
student_t          m + s t(n), n above 2              real, in units of ν   m, s+, 2 + s+
negative_binomial  of mean μ and variance μ + α μ²    counts, as they are   ν s+, s+ / √ν
poisson            of mean μ                          counts, as they are   ν s+
beta               B(p, q)                            shares, as they are   s+, s+
deterministic_l1   none: m, which is the median       real, in units of ν   m
=================  =================================  ====================  ===============
"""

from __future__ import annotations

from typing import NamedTuple


class Likelihood(NamedTuple):
    """The law of a step's value, given what came before.

    Attributes
    ----------
    name : str
    code : int
        That of the kernels.
    n_outputs : int
        Raw numbers that the network gives for each step.
    values : {"real", "count", "share"}
        Any, from 0 on, or in [0, 1].
    """

    name: str
    code: int
    n_outputs: int
    values: str

    @property
    def is_scaled(self) -> bool:
        """Whether values are in units of their window's scale; else they are as given."""
        return self.values == "real"

    @property
    def spread(self) -> int | None:
        """Which of the raw numbers tells how wide the law is, and not where it lies."""
        return 1 if self.n_outputs > 1 and self.values != "share" else None


LOCATION = 0  # which of the raw numbers tells where a law of real values lies

# By their code: the order is that of `algos/_cython/_deepar_likelihood.h`.
OF_CODE = (
    Likelihood("gaussian", 0, 2, "real"),
    Likelihood("student_t", 1, 3, "real"),
    Likelihood("negative_binomial", 2, 2, "count"),
    Likelihood("poisson", 3, 1, "count"),
    Likelihood("beta", 4, 2, "share"),
    Likelihood("deterministic_l1", 5, 1, "real"),
)
LIKELIHOODS = {likelihood.name: likelihood for likelihood in OF_CODE}
DETERMINISTIC = LIKELIHOODS["deterministic_l1"].code
NOT_NEGATIVE = tuple(one.name for one in OF_CODE if one.values != "real")
