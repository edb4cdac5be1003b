"""The model that a fit keeps, as records and as the plain values that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.params import InvalidParameterError
from algos.deepar.encoding import Encoding
from algos.deepar.likelihoods import LOCATION, OF_CODE
from algos.deepar.network import Layout
from algos.deepar.parameters import Settings
from algos.deepar.windows import Plan

Floats = NDArray[np.float32]

_MOST_DIMENSIONS = 50


@dataclass(frozen=True)
class Model:
    """What turns series into forecasts, but for the weights.

    Attributes
    ----------
    encoding : Encoding
        Of scales, dates and covariates.
    plan : Plan
        Of windows.
    layout : Layout
        Of weights.
    likelihood : int
        Its code.
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
        """Return the model of these settings for what the encoding found."""
        plan = encoding.plan(settings.context_length, settings.prediction_length, lags)
        counts = encoding.cardinalities
        layout = Layout(
            plan.n_inputs,
            plan.n_static,
            settings.hidden_size,
            settings.n_layers,
            OF_CODE[settings.likelihood].n_outputs,
            tuple(count + 1 for count in counts),  # the last one is of unknown categories
            dimensions_of(embedding_dimension, counts),
        )
        return cls(encoding, plan, layout, settings.likelihood)

    def beginning_at(self, origin: int, first: float = 0.0) -> Model:
        """Return the model whose learning begins with the value at a lag, or with 0 for none.

        `first` stands for the value before the first one of a series.
        """
        return replace(self, plan=replace(self.plan, origin=origin, first=first))

    def plain(self) -> dict[str, Any]:
        """Return plain values, of which `from_plain` makes the model again."""
        return {
            "encoding": dict(vars(self.encoding)),
            "plan": dict(vars(self.plan)),
            "layout": dict(vars(self.layout)),
            "likelihood": self.likelihood,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Model:
        """Return the model that these values stand for."""
        return cls(
            Encoding(**plain["encoding"]),
            Plan(**plain["plan"]),
            Layout(**plain["layout"]),
            plain["likelihood"],
        )

    def weights(self, learned: Floats) -> Floats:
        """Return the weights that forecast, which are learned as differences from an origin.

        What is learned of nothing, and what weight decay ends at, is there a forecast of the
        value at the lag `plan.origin`: see `algos.deepar.origin`.
        """
        weights = np.array(learned)
        if self.plan.origin:
            place = np.flatnonzero(self.plan.lags == self.plan.origin)
            self.layout.views(weights)["direct"][place, LOCATION] += 1
        return weights

    def with_unknown(self, weights: Floats) -> Floats:
        """Return weights in which an unknown category is the mean of the known ones."""
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
