"""The model of a fit, as records and as the plain values that are pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array
from algos._common.params import InvalidParameterError
from algos.deepar.encoding import Encoding
from algos.deepar.likelihoods import LOCATION, OF_CODE
from algos.deepar.network import Layout
from algos.deepar.parameters import Settings
from algos.deepar.windows import Plan

_MOST_DIMENSIONS = 50


@dataclass(frozen=True)
class Model:
    """The model without its weights.

    Attributes
    ----------
    encoding : Encoding
        Encoding of scales, dates and covariates.
    plan : Plan
        Plan of windows.
    layout : Layout
        Layout of weights.
    likelihood : int
        The code of the likelihood.
    """

    encoding: Encoding
    plan: Plan
    layout: Layout
    likelihood: int

    @classmethod
    def of(
        cls,
        encoding: Encoding,
        settings: Settings,
        lags: NDArray[np.int32],
        embedding_dimension: Any,
    ) -> Model:
        """Make the model from settings and an encoding."""
        plan = encoding.plan(settings.context_length, settings.prediction_length, lags)
        counts = encoding.cardinalities
        layout = Layout(
            plan.n_inputs,
            plan.n_static,
            settings.hidden_size,
            settings.n_layers,
            OF_CODE[settings.likelihood].n_outputs,
            tuple(count + 1 for count in counts),  # the last one is for unknown categories
            dimensions_of(embedding_dimension, counts),
        )
        return cls(encoding, plan, layout, settings.likelihood)

    def beginning_at(self, origin: int, first: float = 0.0) -> Model:
        """Return the model whose initial forecast is the value at a lag, or 0 if the lag is 0.

        `first` replaces the value before the first one of a series.
        """
        return replace(self, plan=replace(self.plan, origin=origin, first=first))

    def plain(self) -> dict[str, Any]:
        """Return plain values, from which `from_plain` makes the model again."""
        return {
            "encoding": dict(vars(self.encoding)),
            "plan": dict(vars(self.plan)),
            "layout": dict(vars(self.layout)),
            "likelihood": self.likelihood,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Model:
        """Make the model from plain values."""
        return cls(
            Encoding(**plain["encoding"]),
            Plan(**plain["plan"]),
            Layout(**plain["layout"]),
            plain["likelihood"],
        )

    def weights(self, learned: Float32Array) -> Float32Array:
        """Return the network's weights from those learned, which are relative to an origin.

        The initial weights, and the limit of weight decay, then forecast the
        value at the lag `plan.origin`: see `algos.deepar.origin`.
        """
        weights = np.array(learned)
        if self.plan.origin:
            place = np.flatnonzero(self.plan.lags == self.plan.origin)
            self.layout.views(weights)["direct"][place, LOCATION] += 1
        return weights

    def with_unknown(self, weights: Float32Array) -> Float32Array:
        """Return weights in which the embedding of unknown categories is the mean of the others."""
        if not self.layout.cardinalities:
            return weights
        weights = np.array(weights)
        parts = self.layout.views(weights)
        for j in range(len(self.layout.cardinalities)):
            table = parts[f"embedding_{j}"]
            if len(table) > 1:
                table[-1] = table[:-1].mean(axis=0, dtype=np.float64)
        return weights


def dimensions_of(embedding_dimension: Any, cardinalities: list[int]) -> tuple[int, ...]:
    """Return the dimension of each feature's embedding."""
    if isinstance(embedding_dimension, str):
        return tuple(min(_MOST_DIMENSIONS, (count + 1) // 2 + 1) for count in cardinalities)
    if isinstance(embedding_dimension, Integral):
        return (int(embedding_dimension),) * len(cardinalities)
    given = np.asarray(embedding_dimension)
    if given.dtype.kind not in "iu" or given.shape != (len(cardinalities),) or np.any(given < 1):
        raise InvalidParameterError(
            f"`embedding_dimension`={embedding_dimension!r} must be {len(cardinalities)} ints in "
            f"[1, inf), one for each feature of `static_categorical`; one int serves all"
        )
    return tuple(int(dimension) for dimension in given)
