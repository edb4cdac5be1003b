"""Exact laws of small random cut trees and reservoirs, by enumeration; and what forests hold."""

from itertools import combinations, pairwise, permutations

import numpy as np
from scipy.stats import chi2

from algos.random_cut_forest.forest import ROOT, SAMPLED


def shape_law(X):
    """Return the probability of every tree over the rows of X.

    A tree's shape is the set of its inner nodes, each the set of the rows below it.
    """
    X = np.asarray(X, dtype=np.float64)
    return _shape_law(X, tuple(range(len(X))))


def _shape_law(X, rows):
    values = X[list(rows)]
    span = np.ptp(values, axis=0).sum()
    if span == 0:
        return {frozenset(): 1.0}
    law = {}
    for column in range(X.shape[1]):
        cuts = np.unique(values[:, column])
        for low, high in pairwise(cuts):
            left = tuple(row for row in rows if X[row, column] <= low)
            right = tuple(row for row in rows if X[row, column] > low)
            for a, p in _shape_law(X, left).items():
                for b, q in _shape_law(X, right).items():
                    shape = a | b | {frozenset(rows)}
                    law[shape] = law.get(shape, 0.0) + (high - low) / span * p * q
    return law


def sample_law(weights, size):
    """Return the probability of every set of rows drawn without replacement."""
    weights = np.asarray(weights, dtype=np.float64)
    law = {}
    for rows in combinations(range(len(weights)), size):
        law[frozenset(rows)] = 0.0
        for order in permutations(rows):
            left = weights.sum() - np.append(0, np.cumsum(weights[list(order)])[:-1])
            law[frozenset(rows)] += np.prod(weights[list(order)] / left)
    return law


def shapes_of(forest, X):
    """Return the shape of every tree, whose points are rows of X."""
    X = np.asarray(X, dtype=np.float32)
    inner, points = forest.size - 1, points_of(forest)

    def below(t, node, found):
        if node >= inner:
            same = (points[t, node - inner] == X).all(axis=1)
            return frozenset(np.flatnonzero(same).tolist())
        left, right = forest.nodes[t, node, 2:]
        rows = below(t, left, found) | below(t, right, found)
        found.add(rows)
        return rows

    shapes = []
    for t in range(forest.n_trees):
        found = set()
        below(t, forest.heads[t, ROOT], found)
        shapes.append(frozenset(found))
    return shapes


def points_of(forest):
    n_floats = forest.n_trees * forest.size * forest.n_columns
    return forest.points[:n_floats].reshape(forest.n_trees, forest.size, forest.n_columns)


def sampled_values(forest):
    """Return the first column of every tree's sampled rows, tree by tree."""
    values = points_of(forest)[:, :, 0]
    places = forest.leaves - (forest.size - 1)
    return [
        values[t, places[t, : forest.clock[t, SAMPLED]]].tolist() for t in range(forest.n_trees)
    ]


def fits(outcomes, law, least=1e-3):
    """Return whether outcomes agree with a law (chi-square; rare outcomes are one)."""
    outcomes = list(outcomes)
    assert set(outcomes) <= set(law), "an outcome that cannot be"
    names = list(law)
    counts = dict.fromkeys(names, 0)
    for outcome in outcomes:
        counts[outcome] += 1
    seen = np.array([counts[name] for name in names], dtype=np.float64)
    expected = np.array([law[name] for name in names]) * len(outcomes)
    assert np.isclose(expected.sum(), len(outcomes))
    rare = expected < 5
    if rare.any():
        seen = np.append(seen[~rare], seen[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    statistic = ((seen - expected) ** 2 / np.maximum(expected, 1e-12)).sum()
    return chi2.sf(statistic, len(seen) - 1) > least
