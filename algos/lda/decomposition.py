"""A symmetric tensor as a sum of third powers: T = Σ_k λ_k v_k ⊗ v_k ⊗ v_k, v_k orthonormal.

als     alternating least squares (Kolda and Bader 2009, "Tensor decompositions and
        applications", section 3.4) with the vectors made orthonormal in every step
        (Sharan and Valiant 2017, "Orthogonalized ALS"): no two converge to the same term, and
        terms that are noise do not pull the others along
power   tensor power iterations and deflation (Anandkumar, Ge, Hsu, Kakade and Telgarsky
        2014, "Tensor decompositions for learning latent variable models", algorithm 1)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from algos._common.arrays import Float64Array
from algos._common.random import Key, stream

SAME = 1e-5  # relative difference of two restarts' sums, up to which they found the same terms
LAST_STEPS = 3  # in double precision
RIDGE = 1e-9  # on Gram matrices of unit vectors
TRIAL_STEPS = 30  # of each start, before only the best one continues
LEAST_GAIN = (
    1e-6  # of dependent terms' fit in a step: they converge slowly, smaller gains are noise
)


class Powers(NamedTuple):
    """The terms of the sum, and how the search for them ended."""

    weights: Float64Array  # (m,), not negative
    vectors: Float64Array  # (m, m), columns of length 1
    fit: float  # share of the tensor's sum of squares that they explain
    n_iter: int
    n_restarts: int
    is_converged: bool


def als(
    T: Float64Array,
    key: Key,
    *,
    max_restarts: int,
    max_iter: int,
    tol: float,
    start: Float64Array | None = None,
) -> Powers:
    """Decompose T of shape (m, m, m) into m terms, from a start or the best of random ones.

    Terms from a start keep its order, others are sorted by weight. The search ends when two random
    starts lead to the same result, the best so far. It runs in float32, with the last steps
    in double precision.
    """
    single = T.astype(np.float32)
    n_restarts = 1
    if start is not None:
        best = _orthogonal_steps(single, nearest_rotation(start), max_iter, tol)
    else:
        best = _orthogonal_steps(single, _random_rotation(key, 0, len(T)), max_iter, tol)
        while n_restarts < max_restarts:
            rotation = _random_rotation(key, n_restarts, len(T))
            found = _orthogonal_steps(single, rotation, max_iter, tol)
            n_restarts += 1
            is_same = abs(found.fit - best.fit) <= SAME * best.fit
            best = max(best, found, key=lambda powers: powers.fit)
            if is_same:
                break
    last = _orthogonal_steps(T, best.vectors, min(LAST_STEPS, max_iter), 0.0)
    square = float(np.einsum("ijk,ijk->", T, T))
    found = last._replace(
        fit=last.fit / square if square > 0 else 1.0,
        n_iter=best.n_iter,
        n_restarts=n_restarts,
        is_converged=best.is_converged,
    )
    return _positive(found) if start is not None else _in_order(found)


def _random_rotation(key: Key, number: int, m: int) -> Float64Array:
    normals = stream(key, 1, number).standard_normal((m, m))
    Q: Float64Array = linalg.qr(normals, check_finite=False)[0]
    return Q


def contracted(T: NDArray[Any], V: NDArray[Any]) -> NDArray[Any]:
    """Return the columns T(·, v_k, v_k)."""
    m = len(T)
    once = (T.reshape(m * m, m) @ V).reshape(m, m, -1)
    along: NDArray[Any] = np.einsum("ijk,jk->ik", once, V, optimize=False)
    return along


def nearest_rotation(G: Float64Array) -> Float64Array:
    """Return the orthonormal matrix nearest to a square one."""
    values, vectors = linalg.eigh(G.T @ G, check_finite=False)
    if values[0] <= 1e-10 * values[-1]:
        polar: Float64Array = linalg.polar(G)[0]
        return polar
    return G @ (vectors / np.sqrt(values)) @ vectors.T


def _orthogonal_steps(T: NDArray[Any], V: Float64Array, max_iter: int, tol: float) -> Powers:
    """Maximise Σ_k T(v_k, v_k, v_k)² over orthonormal v_k, which minimises the residual of T.

    The least-squares solution for one factor, given v for the other two, has the columns of the
    gradient; the next v are the nearest orthonormal vectors. `fit` is the sum.
    """
    before, least = -np.inf, max(tol, float(np.finfo(T.dtype).eps))
    is_converged = False
    for i in range(1, max_iter + 1):
        image = contracted(T, V.astype(T.dtype)).astype(np.float64)
        weights = np.einsum("ik,ik->k", V, image)
        total = float(weights @ weights)
        is_converged = total - before <= least * total
        if is_converged or i == max_iter:
            break
        before = total
        V = nearest_rotation(image * weights)
    return Powers(weights, V, total, i, 1, is_converged)


def dependent_als(
    T: Float64Array,
    key: Key,
    n_terms: int,
    *,
    max_restarts: int,
    max_iter: int,
    tol: float,
    start: Float64Array | None = None,
) -> Powers:
    """Decompose T of shape (m, m, m) into more than m terms, which cannot be orthonormal.

    From a start, or from the best of several random ones after a few steps of each.
    """
    tol = max(tol, LEAST_GAIN)
    if start is not None:
        return _positive(_free_steps(T, start, max_iter, tol))
    best = None
    for restart in range(max_restarts):
        V = stream(key, 3, restart).standard_normal((len(T), n_terms))
        V /= np.linalg.norm(V, axis=0)
        found = _free_steps(T, V, min(TRIAL_STEPS, max_iter), tol)
        if best is None or found.fit > best.fit:
            best = found
    assert best is not None
    found = _free_steps(T, best.vectors, max_iter, tol)
    return _in_order(found._replace(n_restarts=max_restarts))


def _free_steps(T: Float64Array, V: Float64Array, max_iter: int, tol: float) -> Powers:
    """Alternate least squares for one factor, given v for the other two, and for the weights."""
    square = float(np.einsum("ijk,ijk->", T, T)) or 1.0
    best, before, is_converged = None, -np.inf, False
    for i in range(1, max_iter + 1):
        image, gram = contracted(T, V), V.T @ V
        inner = np.einsum("ik,ik->k", V, image)
        weights = _solved(gram**3, inner)
        fit = float(weights @ (2 * inner - gram**3 @ weights)) / square
        if best is None or fit > best.fit:
            best = Powers(weights, V, fit, i, 1, False)
        is_converged = abs(fit - before) <= tol * abs(fit)
        if is_converged:
            break
        before = fit
        A = _solved(gram**2, image.T).T
        A /= np.maximum(np.linalg.norm(A, axis=0), np.finfo(float).tiny)
        V = A + np.where(np.einsum("ik,ik->k", A, V) < 0, -V, V)  # half a step, against oscillation
        V /= np.maximum(np.linalg.norm(V, axis=0), np.finfo(float).tiny)
    assert best is not None
    return best._replace(n_iter=i, is_converged=is_converged)


def _solved(gram: Float64Array, right: Float64Array) -> Float64Array:
    """Solve a system with a power of a Gram matrix of unit vectors, which may be singular."""
    ridge = gram + RIDGE * np.eye(len(gram))
    solved: Float64Array = linalg.solve(ridge, right, assume_a="sym", check_finite=False)
    return solved


def power(T: Float64Array, key: Key, *, max_restarts: int, max_iter: int, tol: float) -> Powers:
    """Find the m terms one after another, each the best of several random starts."""
    m = len(T)
    rest, square = T.copy(), float(np.einsum("ijk,ijk->", T, T)) or 1.0
    weights, vectors = np.zeros(m), np.zeros((m, m))
    n_iter, is_converged = 0, True
    for k in range(m):
        starts = stream(key, 2, k).standard_normal((m, max_restarts))
        V = starts / np.linalg.norm(starts, axis=0)
        V, _, _ = _power_steps(rest, V, min(TRIAL_STEPS, max_iter), tol)
        reached = np.abs(np.einsum("ik,ik->k", V, contracted(rest, V)))
        v, done, is_known = _power_steps(rest, V[:, [np.argmax(reached)]], max_iter, tol)
        weights[k] = float(np.einsum("ik,ik->", v, contracted(rest, v)))
        vectors[:, k] = v[:, 0]
        rest -= weights[k] * np.einsum("i,j,k->ijk", v[:, 0], v[:, 0], v[:, 0])
        n_iter, is_converged = n_iter + done, is_converged and is_known
    fit = 1 - float(np.einsum("ijk,ijk->", rest, rest)) / square
    return _in_order(Powers(weights, vectors, fit, n_iter, max_restarts, is_converged))


def _power_steps(
    T: Float64Array, V: Float64Array, max_iter: int, tol: float
) -> tuple[Float64Array, int, bool]:
    """Move each column v to T(·, v, v), normalised, until none changes direction."""
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
    """Make weights positive by changing the signs of vectors."""
    signs = np.where(found.weights < 0, -1.0, 1.0)
    return found._replace(weights=found.weights * signs, vectors=found.vectors * signs)


def _in_order(found: Powers) -> Powers:
    """Make weights positive and sort them in descending order."""
    found = _positive(found)
    order = np.argsort(-found.weights, kind="stable")
    return found._replace(weights=found.weights[order], vectors=found.vectors[:, order])
