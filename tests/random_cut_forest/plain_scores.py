"""Scores and their shares by the formulas, slow and plain; and displacement by its definition."""

from itertools import pairwise

import numpy as np

from tests.random_cut_forest.plain_tree import PlainNode, excess, plain_path


def cut_off(path, row):
    """Return the probability that the row hangs beside each node of its path."""
    outside = [excess(node, row).sum() for node in path]
    p = [e / (e + node.span) if e else 0.0 for e, node in zip(outside, path, strict=True)]
    return np.array(p) * np.cumprod([1.0, *(1 - np.array(p[:-1]))])


def plain_score(root, row, method):
    """Return the score of a row in one tree: for kinds of depth, what their mean is taken of."""
    path = plain_path(root, row)
    leaf, depth, levels = path[-1], len(path) - 1, np.log2(root.mass + 1)
    below = depth + np.log2(leaf.mass + 1)
    mass = np.array([node.mass for node in path])
    if method == "depth":
        return below / levels
    if not excess(leaf, row).any():
        pushed = (mass[:-1] - mass[1:]) / mass[1:]
        return {
            "expected_inverse_depth": (1 - leaf.mass / (2 * root.mass)) / below * levels,
            "expected_depth": below / levels,
            "displacement": (mass[-2] - leaf.mass) / leaf.mass if depth else 0.0,
            "collusive_displacement": max(pushed, default=0.0),
        }[method]
    pushed = np.maximum.accumulate([0, *((mass[:-1] - mass[1:]) / (mass[1:] + 1))])
    new_depth = np.arange(1, depth + 2)
    value = {
        "expected_inverse_depth": levels / new_depth,
        "expected_depth": new_depth / levels,
        "displacement": mass,
        "collusive_displacement": np.maximum(mass, pushed),
    }[method]
    return cut_off(path, row) @ value


def plain_forest_score(trees, row, method):
    mean = np.mean([plain_score(tree, row, method) for tree in trees])
    return 1 / mean if method in ("expected_depth", "depth") else mean


def plain_shares(root, row, method):
    """Return the shares (d, 2) in one tree of a score that is no kind of depth."""
    path, score = plain_path(root, row), plain_score(root, row, method)
    if excess(path[-1], row).any():
        boxes = path
        mass, less = [node.mass for node in path], 0
    else:
        boxes = _without_leaf(path)
        mass, less = [node.mass for node in path[:-1]], path[-1].mass
    if not boxes:
        return np.full((len(row), 2), score / (2 * len(row)))
    if method == "expected_inverse_depth":
        value = 1 / np.arange(1, len(boxes) + 1)
    else:
        value = np.array(mass, dtype=float) - less
    if method == "collusive_displacement" and not less:
        pushed = [(a - b) / (b + 1) for a, b in pairwise(mass)]
        value = np.maximum(value, np.maximum.accumulate([0, *pushed]))
    chances = cut_off(boxes, row)
    shares = sum(
        chance * v * excess(box, row) / excess(box, row).sum()
        for chance, v, box in zip(chances, value, boxes, strict=True)
        if chance
    ).T
    return shares * (score / shares.sum())


def _without_leaf(path):
    """Return the boxes on the way to a leaf that is no more; the last separates for certain."""
    boxes: list[PlainNode] = []
    for node, child in zip(path[-2::-1], path[:0:-1], strict=True):
        sibling = node.right if node.left is child else node.left
        low, high = sibling.low, sibling.high
        if boxes:
            low, high = np.minimum(low, boxes[-1].low), np.maximum(high, boxes[-1].high)
        boxes.append(PlainNode(low, high, node.mass))
    if boxes:
        boxes[0] = _Beside(boxes[0].low, boxes[0].high, boxes[0].mass)
    return boxes[::-1]


class _Beside(PlainNode):
    span = 0.0


def inserted(node, row):
    """Return (probability, tree) for every place where a row can be cut off in a tree."""
    outside = excess(node, row).sum()
    p = outside / (outside + node.span) if outside else 0.0
    new = PlainNode(np.array(row), np.array(row), 1)
    low, high = np.minimum(node.low, row), np.maximum(node.high, row)
    found = [(p, PlainNode(low, high, node.mass + 1, 0, 0.0, node, new))]
    if node.column is None:
        return found
    goes_left = row[node.column] <= node.cut
    for chance, child in inserted(node.left if goes_left else node.right, row):
        pair = (child, node.right) if goes_left else (node.left, child)
        tree = PlainNode(low, high, node.mass + 1, node.column, node.cut, *pair)
        found.append(((1 - p) * chance, tree))
    return found


def depths(node, depth=0):
    """Return [(leaf, depth)] of a tree."""
    if node.column is None:
        return [(node, depth)]
    return depths(node.left, depth + 1) + depths(node.right, depth + 1)


def removed(node, leaves):
    """Return the tree without some leaves, or None."""
    if node.column is None:
        return None if any(node is leaf for leaf in leaves) else node
    left, right = removed(node.left, leaves), removed(node.right, leaves)
    if left is None or right is None:
        return right if left is None else left
    mass = left.mass + right.mass
    return PlainNode(node.low, node.high, mass, node.column, node.cut, left, right)


def pushed_down(root, group):
    """Return by how much the other points rise in all when a group of leaves goes."""
    rest = removed(root, group)
    after = {id(leaf): depth for leaf, depth in depths(rest)} if rest else {}
    return sum(
        leaf.mass * (depth - after[id(leaf)]) for leaf, depth in depths(root) if id(leaf) in after
    )


def displacement(root, row):
    """Return definition 2 of Guha et al., ICML 2016, for the row that is in the tree."""
    leaf = next(leaf for leaf, _ in depths(root) if not excess(leaf, row).any())
    return pushed_down(root, [leaf]) / leaf.mass


def collusive_displacement(root, row):
    """Return definition 3, over the groups that are all that is below a node."""
    groups = [[leaf for leaf, _ in depths(node)] for node in _holders(root, row)]
    return max(pushed_down(root, group) / sum(leaf.mass for leaf in group) for group in groups)


def _holders(root, row):
    held = [leaf for leaf, _ in depths(root) if not excess(leaf, row).any()]
    return [node for node in _nodes(root) if any(leaf is held[0] for leaf, _ in depths(node))]


def _nodes(node):
    return [node] if node.column is None else [node, *_nodes(node.left), *_nodes(node.right)]
