"""Candidates of sparse rows that begin where those before them ended."""

import numpy as np
import pytest
from scipy import sparse

from algos import LinearLearnerClassifier
from algos.linear_learner.solvers.quadratic import Secants


def sparse_classes(n=300, d=700, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = sparse.random_array((n, d), density=0.03, format="csr", random_state=seed)
    X.data = (
        rng.uniform(0.2, 1, size=X.nnz)
        * 10 ** np.random.default_rng(1).uniform(-1, 1, d)[X.indices]
    )
    z = X @ rng.normal(size=(d, n_classes)) + rng.normal(size=(n, n_classes))
    return X, z.argmax(axis=1)


def fitted(X, y, **parameters):
    return LinearLearnerClassifier(solver="lbfgs", random_state=0, **parameters).fit(
        X, y, X_val=X[:50], y_val=y[:50]
    )


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("alphas", [np.geomspace(1, 1e-6, 9), [1.0, 1e-5, 1e-6, 0.9e-6]])
def test_certificates_along_a_path_hold(standardize, n_classes, alphas):
    X, y = sparse_classes(n_classes=n_classes)
    pack = fitted(
        X, y, alpha=alphas, standardize=standardize, refit=False, early_stopping=False
    ).candidates_
    shares = np.bincount(y) / len(y)
    null = -shares @ np.log(shares)
    for alpha, objective, certificate in zip(
        pack["alpha"], pack["objective"], pack["certificate"], strict=True
    ):
        single = LinearLearnerClassifier(
            alpha=alpha, standardize=standardize, solver="lbfgs", tol=1e-11, max_iter=5000
        ).fit(X, y)
        assert objective <= single.objective_ + (2 * certificate + 1e-9) * null
        assert certificate <= 1e-6


def test_a_path_takes_fewer_iterations_than_single_fits():
    X, y = sparse_classes()
    alphas = np.geomspace(1e-1, 1e-6, 12)
    pack = fitted(X, y, alpha=alphas, refit=False, early_stopping=False).candidates_["n_iter"]
    single = [LinearLearnerClassifier(alpha=a, solver="lbfgs").fit(X, y).n_iter_ for a in alphas]
    assert pack.sum() < 0.75 * sum(single)


def test_secants_of_another_penalty_are_those_of_its_objective():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    hessian, more = root @ root.T + np.eye(6), rng.uniform(0, 2, size=6)
    own, stiff = Secants(10), Secants(10)
    for step in rng.normal(size=(4, 6)):
        own.learn(step, hessian @ step)
        stiff.learn(step, hessian @ step + more * step)
    vector = rng.normal(size=6)
    np.testing.assert_allclose(
        own.stiffened(more).solve(vector, lambda v: v), stiff.solve(vector, lambda v: v)
    )
