"""What must hold in the arrays of every Forest."""

import numpy as np

from algos.random_cut_forest.forest import (
    FREE_INNER,
    FREE_LEAF,
    N_LEAVES,
    ROOT,
    SAMPLED,
)
from tests.random_cut_forest.exact_law import points_of


def check_forest(forest):
    """Assert that boxes, spans, masses, links, free lists and reservoirs fit together."""
    for t in range(forest.n_trees):
        used = _check_tree(forest, t)
        _check_free(forest, t, used)
        _check_reservoir(forest, t)


def _boxes(forest, t):
    inner, d = forest.size - 1, forest.n_columns
    return forest.boxes[: forest.n_trees * inner * 2 * d].reshape(-1, inner, 2, d)[t]


def _check_tree(forest, t):
    """Check the nodes from the leaves to the root; return those in use."""
    inner, nodes, points = forest.size - 1, forest.nodes[t], points_of(forest)[t]
    root = forest.heads[t, ROOT]
    if root < 0:
        assert forest.heads[t, N_LEAVES] == 0
        return set()
    order, stack = [], [(root, -1)]
    while stack:
        node, parent = stack.pop()
        assert forest.parent[t, node] == parent
        order.append(node)
        if node < inner:
            stack += [(child, node) for child in nodes[node, 2:]]
    assert len(set(order)) == len(order)
    known = {}
    for node in reversed(order):
        if node >= inner:
            point = points[node - inner]
            assert (nodes[node, 2:] == node).all()
            assert nodes[node, 1] == 0
            assert np.isinf(nodes[node, :1].view(np.float32)[0])
            known[node] = point, point, forest.mass[t, node]
            continue
        (low, high, n), (low_right, high_right, n_right) = map(known.get, nodes[node, 2:])
        column, cut = nodes[node, 1], nodes[node, :1].view(np.float32)[0]
        assert high[column] <= cut < low_right[column]
        low, high = np.minimum(low, low_right), np.maximum(high, high_right)
        assert (_boxes(forest, t)[node] == [low, high]).all()
        span = np.sum(high.astype(np.float64) - low)
        np.testing.assert_allclose(forest.spans[t, node], span, rtol=1e-5)
        assert forest.mass[t, node] == n + n_right
        known[node] = low, high, n + n_right
    assert forest.mass[t, root] == forest.clock[t, SAMPLED]
    assert forest.heads[t, N_LEAVES] == sum(node >= inner for node in order)
    return set(order)


def _check_free(forest, t, used):
    """Check that free nodes are chained, each once."""
    node, free = forest.heads[t, FREE_INNER], set()
    while node >= 0:
        assert node not in free
        free.add(node)
        node = forest.nodes[t, node, 2]
    node = forest.heads[t, FREE_LEAF]
    while node >= 0:
        assert node not in free
        free.add(node)
        node = forest.nodes[t, node, 1]
    assert not free & used
    assert len(free) + len(used) == 2 * forest.size - 1


def _check_reservoir(forest, t):
    n = forest.clock[t, SAMPLED]
    keys, leaves = forest.keys[t, :n], forest.leaves[t, :n]
    assert np.isfinite(keys).all()
    above = (np.arange(1, n) - 1) // 2
    assert (keys[above] >= keys[1:]).all()
    found, copies = np.unique(leaves, return_counts=True)
    assert (forest.mass[t, found] == copies).all()
    assert forest.heads[t, N_LEAVES] == len(found)
