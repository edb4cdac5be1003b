"""The state of a forest: its trees, and the samples that they hold, as plain arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.random import Key

SLACK = 16  # floats after the last box and point; see `_cut_tree.h`

ROOT, N_LEAVES, FREE_INNER, FREE_LEAF = range(4)  # the columns of `heads`
SEEN, NEXT, SAMPLED, DRAWN = range(4)  # the columns of `clock`

Ints = NDArray[np.int32]
Reservoirs = tuple[Float64Array, Ints, Int64Array, Float64Array]
Trees = tuple[Ints, Ints, Ints, Float32Array, Float32Array, Float32Array, Ints, int]


@dataclass
class Forest:
    """Trees over float32 rows of one width, each with a reservoir of at most `size` rows.

    The layout of a tree is that of `_cut_tree.h`. All arrays of one tree change together, and
    only in kernels that cannot fail.
    """

    key: Key  # of the random streams: tree t draws from stream t
    nodes: NDArray[np.int32]  # (n_trees, 2 size - 1, 4): cut (bits of a float32), column, children
    parent: NDArray[np.int32]  # (n_trees, 2 size - 1)
    mass: NDArray[np.int32]  # (n_trees, 2 size - 1)
    boxes: Float32Array  # (n_trees * (size - 1) * 2 * n_columns + SLACK,)
    spans: Float32Array  # (n_trees, size - 1)
    points: Float32Array  # (n_trees * size * n_columns + SLACK,)
    heads: NDArray[np.int32]  # (n_trees, 4): root or -1, leaves, first free inner node and leaf
    keys: Float64Array  # (n_trees, size): max-heap of the sampled rows' keys
    leaves: NDArray[np.int32]  # (n_trees, size): the leaf of each sampled row, in heap order
    clock: Int64Array  # (n_trees, 4): rows seen, next row taken, rows sampled, words drawn
    coming: Float64Array  # (n_trees,): the key of the next row taken
    decay: Float64Array  # (1,): increase of the log of the weight from row to row

    @classmethod
    def empty(cls, key: Key, n_trees: int, size: int, n_columns: int) -> Forest:
        """Return empty trees, whose first row will be row 0."""
        n_nodes, inner = 2 * size - 1, size - 1
        heads = np.zeros((n_trees, 4), dtype=np.int32)
        heads[:, ROOT] = -1
        heads[:, FREE_INNER], heads[:, FREE_LEAF] = (0 if inner else -1), inner
        return cls(
            key=key,
            nodes=_free_nodes(n_trees, size),
            parent=np.full((n_trees, n_nodes), -1, dtype=np.int32),
            mass=np.zeros((n_trees, n_nodes), dtype=np.int32),
            boxes=np.zeros(n_trees * inner * 2 * n_columns + SLACK, dtype=np.float32),
            spans=np.zeros((n_trees, inner), dtype=np.float32),
            points=np.zeros(n_trees * size * n_columns + SLACK, dtype=np.float32),
            heads=heads,
            keys=np.zeros((n_trees, size)),
            leaves=np.zeros((n_trees, size), dtype=np.int32),
            clock=np.zeros((n_trees, 4), dtype=np.int64),
            coming=np.zeros(n_trees),
            decay=np.zeros(1),
        )

    @property
    def n_trees(self) -> int:
        return self.nodes.shape[0]

    @property
    def size(self) -> int:
        """Maximum number of rows in a tree."""
        return self.keys.shape[1]

    @property
    def n_columns(self) -> int:
        return (len(self.points) - SLACK) // (self.n_trees * self.size)

    @property
    def own_points(self) -> Float32Array:
        """The points in the leaves of each tree, a view of shape (n_trees, size, n_columns)."""
        shape = self.n_trees, self.size, self.n_columns
        return self.points[: math.prod(shape)].reshape(shape)

    @property
    def trees(self) -> Trees:
        """The arguments of kernels that only read the trees, in order."""
        return (
            self.nodes,
            self.parent,
            self.mass,
            self.boxes,
            self.spans,
            self.points,
            self.heads,
            self.n_columns,
        )

    @property
    def reservoirs(self) -> Reservoirs:
        """The additional arguments of kernels that change the trees, in order."""
        return self.keys, self.leaves, self.clock, self.coming

    def copy(self) -> Forest:
        return Forest(**{name: value.copy() for name, value in vars(self).items()})


def _free_nodes(n_trees: int, size: int) -> NDArray[np.int32]:
    """Return inner nodes chained by their left child (-1 ends), and leaves.

    The children of a leaf are always the leaf itself; free leaves are chained by their
    `column`, which is 0 for leaves in use.
    """
    n_nodes, inner = 2 * size - 1, size - 1
    nodes = np.zeros((n_trees, n_nodes, 4), dtype=np.int32)
    nodes[:, :inner, 2] = np.append(np.arange(1, inner), -1)[:inner]
    nodes[:, inner:, 0] = np.float32(np.inf).view(np.int32)
    nodes[:, inner:, 1] = np.append(np.arange(inner + 1, n_nodes), -1)
    nodes[:, inner:, 2:] = np.arange(inner, n_nodes)[:, None]
    return nodes
