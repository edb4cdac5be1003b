"""Weights of the network: their layout in one flat vector, and their initial values.

The network is a stack of LSTM layers under a linear head whose outputs are the raw parameters
of a likelihood. All weights are one vector, so that an optimizer, a copy or a clip is one loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Int64Array
from algos._common.memory import require_memory
from algos._common.random import Key, stream
from algos._cython.deepar_network import Network

Weights = NDArray[Any]

UNITS = 8  # whose gates are stored side by side: see `_deepar_cell.h`
_NUMBERS_A_WEIGHT = 5  # itself, its gradient, two moments and an average
GATES = ("input", "forget", "candidate", "output")


@dataclass(frozen=True)
class Layout:
    """Sizes of a network, and the places of its weights.

    Parameters
    ----------
    n_inputs : int
        Number of inputs of each step.
    n_static : int
        Number of real static inputs of a window.
    hidden_size : int
        Number of units in a layer.
    n_layers : int
    n_outputs : int
        Number of raw outputs, the parameters of the likelihood; at most 8.
    cardinalities : tuple of int, default=()
        The number of categories of each static feature.
    embedding_dimensions : tuple of int, default=()
        The length of the embedding of each static feature.
    """

    n_inputs: int
    n_static: int
    hidden_size: int
    n_layers: int
    n_outputs: int
    cardinalities: tuple[int, ...] = ()
    embedding_dimensions: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Number of units in a layer including padding: a multiple of 8."""
        return -(-self.hidden_size // UNITS) * UNITS

    @property
    def static_size(self) -> int:
        """Length of a window's static input: real numbers, then embeddings."""
        return self.n_static + sum(self.embedding_dimensions)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights, in the order in which they are stored.

        Layer l has `input_l` (inputs, 4 width), `recurrent_l` (width, 4 width) and `bias_l`.
        `static` (static_size, 4 width) belongs to layer 0. `head` (width, 8), `head_bias`
        and `direct` (n_inputs, 8), from the inputs to the outputs, have 8 columns, of which the
        first n_outputs are used. `embedding_j` is (cardinality, dimension).
        """
        wide = 4 * self.width
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.n_layers):
            shapes[f"input_{layer}"] = (self.width if layer else self.n_inputs, wide)
            shapes[f"recurrent_{layer}"] = (self.width, wide)
            shapes[f"bias_{layer}"] = (wide,)
        shapes["static"] = (self.static_size, wide)
        shapes["head"] = (self.width, UNITS)
        shapes["head_bias"] = (UNITS,)
        shapes["direct"] = (self.n_inputs, UNITS)
        for j, shape in enumerate(zip(self.cardinalities, self.embedding_dimensions, strict=True)):
            shapes[f"embedding_{j}"] = shape
        return shapes

    @property
    def offsets(self) -> Int64Array:
        """Where each of `shapes` begins in the vector, and where the last one ends."""
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        return np.array(list(accumulate(sizes, initial=0)), dtype=np.int64)

    @property
    def size(self) -> int:
        """Length of the vector."""
        return int(self.offsets[-1])

    @property
    def sizes(self) -> Int64Array:
        """Sizes for the kernels: inputs, static reals, width, layers and outputs."""
        return np.array(
            [self.n_inputs, self.n_static, self.width, self.n_layers, self.n_outputs],
            dtype=np.int64,
        )

    @property
    def categories(self) -> Int64Array:
        """Cardinality and dimension of each static category, (n_categories, 2)."""
        pairs = [self.cardinalities, self.embedding_dimensions]
        return np.ascontiguousarray(np.array(pairs, dtype=np.int64).reshape(2, -1).T)

    @property
    def gate_columns(self) -> Int64Array:
        """Columns of the gates (input, forget, candidate, output) of each unit, (4, hidden)."""
        unit = np.arange(self.hidden_size)
        first = unit // UNITS * len(GATES) * UNITS + unit % UNITS
        return first + UNITS * np.arange(len(GATES))[:, None]

    def views(self, weights: Weights) -> dict[str, Weights]:
        """Return views of the parts of a vector by name."""
        parts = np.split(weights, self.offsets[1:-1])
        return {
            name: part.reshape(shape)
            for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)
        }


def initial_weights(layout: Layout, key: Key, dtype: Any = np.float32) -> Weights:
    """Draw weights: uniform in ±1 / sqrt(hidden_size), with forget gates open (bias 1).

    Padding is 0, and remains so: its gradients are 0.
    """
    require_memory(
        _NUMBERS_A_WEIGHT * np.dtype(dtype).itemsize * layout.size,
        f"learning {layout.size} weights",
        "lower `hidden_size`, `n_layers` or `embedding_dimension`",
    )
    rng = stream(key)
    weights = np.zeros(layout.size, dtype=dtype)
    parts = layout.views(weights)
    used, hidden = layout.gate_columns.ravel(), layout.hidden_size
    draw = partial(rng.uniform, -(hidden**-0.5), hidden**-0.5)
    for layer in range(layout.n_layers):
        rows = hidden if layer else layout.n_inputs
        parts[f"input_{layer}"][:rows, used] = draw((rows, used.size))
        parts[f"recurrent_{layer}"][:hidden, used] = draw((hidden, used.size))
        parts[f"bias_{layer}"][layout.gate_columns[GATES.index("forget")]] = 1
    parts["static"][:, used] = draw((layout.static_size, used.size))
    parts["head"][:hidden, : layout.n_outputs] = draw((hidden, layout.n_outputs))
    for j, shape in enumerate(zip(layout.cardinalities, layout.embedding_dimensions, strict=True)):
        parts[f"embedding_{j}"][...] = rng.normal(size=shape) * shape[1] ** -0.5
    return weights


def make_network(
    layout: Layout, n_windows: int, n_steps: int, n_threads: int = 1, dtype: Any = np.float32
) -> Network:
    """Return the network's kernel, with memory for windows of `n_steps` steps.

    Its `gradient` and `loss` take at most n_windows windows of at most n_steps steps; memory is
    reused from call to call, so a network must not be used by two callers at a time.
    """
    network = Network(
        layout.sizes,
        layout.categories,
        layout.offsets,
        n_windows,
        n_steps,
        n_threads,
        np.dtype(dtype) == np.float64,
    )
    require_memory(
        network.n_bytes,
        f"a network of {layout.n_layers} layers of {layout.hidden_size} units over {n_steps} steps",
        "lower `hidden_size`, `batch_size` or `context_length`",
    )
    network.allocate()
    return network
