"""A symmetric tensor as a sum of third powers: T = Σ_k λ_k v_k ⊗ v_k ⊗ v_k.

Of the moments of whitened topics the v_k are orthonormal, but for what sampling makes of them.

    als     alternating least squares (Kolda and Bader 2009, "Tensor decompositions and
            applications", section 3.4), kept symmetric, the vectors being made orthonormal
            before every step of the beginning (Sharan and Valiant 2017, "Orthogonalized ALS"):
            no two of them then come to the same topic
    power   tensor power iterations and deflation (Anandkumar, Ge, Hsu, Kakade and Telgarsky
            2014, "Tensor decompositions for learning latent variable models", algorithm 1)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from algos._common.random import Key, stream

Doubles = NDArray[np.float64]

SAME = 1e-6  # relative difference of the fits of two restarts that found the same
RIDGE = 1e-9  # on Gram matrices of unit vectors
POWER_STEPS = 30  # of each start, before the best one goes on alone


class Powers(NamedTuple):
    """The terms of the sum, the greatest weight first, and how they were found."""

    weights: Doubles  # (R,), positive
    vectors: Doubles  # (m, R), of length 1
    fit: float  # share of the tensor's sum of squares that they make up
    n_iter: int
    n_restarts: int
    is_converged: bool


def als(
    T: Doubles,
    key: Key,
    *,
    max_restarts: int,
    max_iter: int,
    tol: float,
    start: Doubles | None = None,
) -> Powers:
    """Decompose T of shape (m, m, m) into m terms, from a start or the best of random ones.

    Terms from a start stay in its order, others are in the order of their weights. Two random starts that end at the same fit, the best one, end the search.
    """
    if start is not None:
        return _positive(_from_start(T, nearest_rotation(start), max_iter, tol))
    best: Powers | None = None
    for restart in range(max_restarts):
        rotation = _random_rotation(stream(key, 1, restart), len(T))
        found = _from_start(T, rotation, max_iter, tol)
        is_same = best is not None and abs(found.fit - best.fit) <= SAME * best.fit
        if best is None or found.fit > best.fit:
            best = found
        best = best._replace(n_restarts=restart + 1)
        if is_same:
            break
    assert best is not None
    return _in_order(best)


def _from_start(T: Doubles, V: Doubles, max_iter: int, tol: float) -> Powers:
    V, n_orthogonal = _orthogonal_steps(T, V, max_iter, tol)
    found = _least_squares_steps(T, V, max_iter - n_orthogonal, tol)
    return found._replace(n_iter=found.n_iter + n_orthogonal)


def _random_rotation(random: np.random.Generator, m: int) -> Doubles:
    Q: Doubles = linalg.qr(random.standard_normal((m, m)), check_finite=False)[0]
    return Q


def contracted(T: Doubles, V: Doubles) -> Doubles:
    """Return the columns T(·, v_k, v_k)."""
    m = len(T)
    once = (T.reshape(m * m, m) @ V).reshape(m, m, -1)
    along: Doubles = np.einsum("ijk,jk->ik", once, V, optimize=False)
    return along


def nearest_rotation(G: Doubles) -> Doubles:
    """Return the orthonormal matrix that is nearest to a square one."""
    values, vectors = linalg.eigh(G.T @ G, check_finite=False)
    if values[0] <= 1e-10 * values[-1]:
        polar: Doubles = linalg.polar(G)[0]
        return polar
    return G @ (vectors / np.sqrt(values)) @ vectors.T


def _solved(gram: Doubles, right: Doubles) -> Doubles:
    """Solve with a power of a Gram matrix of unit vectors, which may be singular."""
    ridge = gram + RIDGE * np.eye(len(gram))
    solved: Doubles = linalg.solve(ridge, right, assume_a="pos", check_finite=False)
    return solved


def _orthogonal_steps(
    T: Doubles, V: Doubles, max_iter: int, tol: float
) -> tuple[Doubles, int]:
    """Raise Σ_k T(v_k, v_k, v_k)² over orthonormal v_k: what they leave of T is the least.

    The step goes to the orthonormal vectors nearest to the gradient's.
    """
    before = -np.inf
    for i in range(1, max_iter + 1):
        image = contracted(T, V)
        weights = np.einsum("ik,ik->k", V, image)
        total = float(weights @ weights)
        if total - before <= max(tol, 1e-12) * total:
            return V, i
        before = total
        V = nearest_rotation(image * weights)
    return V, max_iter


def _least_squares_steps(T: Doubles, V: Doubles, max_iter: int, tol: float) -> Powers:
    """Let the vectors turn from orthonormal ones to those that fit best."""
    square = float(np.einsum("ijk,ijk->", T, T)) or 1.0
    fit, converged, i = -np.inf, False, 0
    weights = np.einsum("ik,ik->k", V, contracted(T, V))
    best = weights, V
    for i in range(1, max_iter + 1):
        image = contracted(T, V)
        gram = V.T @ V
        inner = np.einsum("ik,ik->k", V, image)
        weights = _solved(gram**3, inner)
        now = float(weights @ (2 * inner - gram**3 @ weights)) / square
        if now <= fit + tol * abs(fit):
            converged = True
            break
        fit, best = now, (weights, V)
        A = _solved(gram**2, image.T).T
        lengths = np.linalg.norm(A, axis=0)
        lengths[lengths == 0] = 1.0
        V = A / lengths
    return Powers(*best, fit, i, 1, converged)


def power(T: Doubles, key: Key, *, max_restarts: int, max_iter: int, tol: float) -> Powers:
    """Find the m terms one after another, each the best of several random starts."""
    m = len(T)
    rest, square = T.copy(), float(np.einsum("ijk,ijk->", T, T)) or 1.0
    weights, vectors = np.zeros(m), np.zeros((m, m))
    n_iter, converged = 0, True
    for k in range(m):
        starts = stream(key, 2, k).standard_normal((m, max_restarts))
        V = starts / np.linalg.norm(starts, axis=0)
        V, _, _ = _power_steps(rest, V, min(POWER_STEPS, max_iter), tol)
        reached = np.abs(np.einsum("ik,ik->k", V, contracted(rest, V)))
        v, done, is_known = _power_steps(rest, V[:, [np.argmax(reached)]], max_iter, tol)
        weights[k] = float(np.einsum("ik,ik->", v, contracted(rest, v)))
        vectors[:, k] = v[:, 0]
        rest -= weights[k] * np.einsum("i,j,k->ijk", v[:, 0], v[:, 0], v[:, 0])
        n_iter, converged = n_iter + done, converged and is_known
    fit = 1 - float(np.einsum("ijk,ijk->", rest, rest)) / square
    return _in_order(Powers(weights, vectors, fit, n_iter, max_restarts, converged))


def _power_steps(T: Doubles, V: Doubles, max_iter: int, tol: float) -> tuple[Doubles, int, bool]:
    """Take each column v to T(·, v, v), made a unit vector, until none turns."""
    for i in range(1, max_iter + 1):
        image = contracted(T, V)
        lengths = np.linalg.norm(image, axis=0)
        image = np.where(lengths > 0, image / np.where(lengths > 0, lengths, 1), V)
        turned = 1 - np.abs(np.einsum("ik,ik->k", image, V)).min()
        V = image
        if turned <= tol:
            return V, i, True
    return V, max_iter, False


def _positive(found: Powers) -> Powers:
    """Make weights positive, which turns vectors round."""
    signs = np.where(found.weights < 0, -1.0, 1.0)
    return found._replace(weights=found.weights * signs, vectors=found.vectors * signs)


def _in_order(found: Powers) -> Powers:
    """Make weights positive and put the greatest first."""
    found = _positive(found)
    order = np.argsort(-found.weights, kind="stable")
    return found._replace(weights=found.weights[order], vectors=found.vectors[:, order])
