"""Robust random cut trees as the paper defines them, slow and plain; and Forests made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from algos.random_cut_forest.forest import FREE_INNER, FREE_LEAF, N_LEAVES, ROOT, Forest


@dataclass
class PlainNode:
    """An inner node, or a leaf where `column` is None."""

    low: Any
    high: Any
    mass: int
    column: int | None = None
    cut: float = np.nan
    left: PlainNode | None = None
    right: PlainNode | None = None

    @property
    def span(self):
        return float(np.sum(self.high - self.low, dtype=np.float64))


def plain_tree(X, rng):
    """Draw a tree over the rows of X (definition 1: Guha et al., ICML 2016)."""
    low, high = X.min(axis=0), X.max(axis=0)
    sides = (high - low).astype(np.float64)
    if not sides.any():
        return PlainNode(low, high, len(X))
    column = int(rng.choice(len(sides), p=sides / sides.sum()))
    cut = np.float32(rng.uniform(low[column], high[column]))
    cut = max(low[column], min(cut, np.nextafter(high[column], low[column])))
    goes_left = X[:, column] <= cut
    left, right = plain_tree(X[goes_left], rng), plain_tree(X[~goes_left], rng)
    return PlainNode(low, high, len(X), column, float(cut), left, right)


def plain_path(node, row):
    """Return the nodes from the root to the leaf to which the cuts lead."""
    path = [node]
    while node.column is not None:
        node = node.left if row[node.column] <= node.cut else node.right
        path.append(node)
    return path


def excess(node, row):
    """Return how far the row is below and above the node's box, in each column: (2, d)."""
    row = np.asarray(row, dtype=np.float64)
    return np.maximum([node.low - row, row - node.high], 0.0)


def as_forest(trees, size, key=(0, 0)):
    """Return a Forest (no reservoirs) with the given plain trees."""
    n_columns = len(trees[0].low)
    forest = Forest.empty(np.array(key, dtype=np.uint64), len(trees), size, n_columns)
    for t, root in enumerate(trees):
        _fill(forest, t, root)
    return forest


def _fill(forest, t, root):
    inner = forest.size - 1
    d, nodes, heads = forest.n_columns, forest.nodes[t], forest.heads[t]
    boxes = forest.boxes[: forest.n_trees * inner * 2 * d].reshape(forest.n_trees, inner, 2, d)[t]
    points = forest.points[: forest.n_trees * forest.size * d].reshape(
        forest.n_trees, forest.size, d
    )[t]

    def take(node, parent):
        if node.column is None:
            at = heads[FREE_LEAF]
            heads[FREE_LEAF], nodes[at, 1] = nodes[at, 1], 0
            heads[N_LEAVES] += 1
            points[at - inner] = node.low
        else:
            at = heads[FREE_INNER]
            heads[FREE_INNER] = nodes[at, 2]
            boxes[at] = node.low, node.high
            forest.spans[t, at] = node.span
            children = take(node.left, at), take(node.right, at)
            nodes[at] = np.float32(node.cut).view(np.int32), node.column, *children
        forest.parent[t, at], forest.mass[t, at] = parent, node.mass
        return at

    heads[ROOT] = take(root, -1)
