"""Sums of third powers are taken apart again."""

import numpy as np
import pytest

from algos._common.random import seed_key
from algos.lda.decomposition import als, power

WAYS = pytest.mark.parametrize("decompose", [als, power])
LIMITS = {"max_restarts": 10, "max_iter": 1000, "tol": 1e-8}


def sum_of_powers(weights, vectors):
    return np.einsum("k,ik,jk,lk->ijl", weights, vectors, vectors, vectors)


def orthonormal(m, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(m, m)))[0]


@WAYS
@pytest.mark.parametrize("m", [1, 2, 7, 40])
def test_orthonormal_terms_are_found(decompose, m):
    weights = np.sort(np.random.default_rng(m).uniform(1, 20, m))[::-1]
    vectors = orthonormal(m, m)
    found = decompose(sum_of_powers(weights, vectors), seed_key(0), **LIMITS)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6)
    np.testing.assert_allclose(found.vectors, vectors, atol=1e-6)
    assert found.is_converged
    assert found.fit == pytest.approx(1)


@WAYS
def test_terms_are_found_beneath_noise(decompose):
    m, rng = 20, np.random.default_rng(0)
    weights, vectors = rng.uniform(2, 10, m), orthonormal(m, 1)
    noise = rng.normal(scale=0.02, size=(m, m, m))
    noise = sum(noise.transpose(p) for p in [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
    noise += noise.transpose(0, 2, 1)
    found = decompose(sum_of_powers(weights, vectors) + noise, seed_key(0), **LIMITS)
    cosines = np.abs(found.vectors.T @ vectors).max(axis=0)
    assert cosines.min() > 0.97


@WAYS
def test_a_zero_tensor_is_decomposed(decompose):
    found = decompose(np.zeros((3, 3, 3)), seed_key(0), **LIMITS)
    assert np.all(found.weights == 0)
    assert np.all(np.isfinite(found.vectors))


@WAYS
def test_same_key_same_terms(decompose):
    T = sum_of_powers(np.ones(5), orthonormal(5, 3))
    first, second = (decompose(T, seed_key(7), **LIMITS) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, second.vectors)


def test_restarts_end_when_two_agree():
    T = sum_of_powers(np.arange(1.0, 9), orthonormal(8, 3))
    assert als(T, seed_key(0), **LIMITS).n_restarts == 2


def test_a_start_keeps_the_order_of_its_terms():
    weights, vectors = np.arange(1.0, 9), orthonormal(8, 3)
    start = vectors + 0.05 * np.random.default_rng(0).normal(size=(8, 8))
    found = als(sum_of_powers(weights, vectors), seed_key(0), **LIMITS, start=start)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6)


def test_limits_are_kept():
    T = np.random.default_rng(0).normal(size=(6, 6, 6))
    T = sum(
        T.transpose(p) for p in [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0)]
    )
    found = als(T, seed_key(0), max_restarts=3, max_iter=1, tol=0.0)
    assert found.n_iter == 1
    assert not found.is_converged
    assert found.n_restarts <= 3
