"""Gibbs sampling: its results, and what they must not depend on."""

import numpy as np
import pytest
from scipy import sparse

from algos.factorization_machine.centering import Centering
from algos.factorization_machine.fields import find_fields, groups_of
from algos.factorization_machine.likelihoods import Gaussian, OrderedProbit, Probit
from algos.factorization_machine.posterior import predict_mean, predict_variance
from algos.factorization_machine.rows import training_table
from algos.factorization_machine.sampler import Chain, sample
from algos.factorization_machine.scoring import scores

KEY = np.array([5, 6], dtype=np.uint64)
CHAIN = Chain(60, 20, 40)


def ratings(rng, n=4000, n_users=60, n_items=40, k=2):
    user, item = rng.integers(n_users, size=n), rng.integers(n_items, size=n)
    U, V = rng.normal(size=(n_users, k)), rng.normal(size=(n_items, k))
    clean = rng.normal(size=n_users)[user] + rng.normal(size=n_items)[item]
    clean = clean + (U[user] * V[item]).sum(axis=1)
    ones = np.ones(2 * n)
    indices = np.column_stack([user, n_users + item]).ravel()
    X = sparse.csr_array((ones, indices, np.arange(0, 2 * n + 1, 2)), shape=(n, n_users + n_items))
    return X, clean, clean + rng.normal(size=n) / 2


def mean_scores(rows, draws):
    return scores(rows, draws.mean_intercept, draws.mean_linear, draws.mean_factors)


def run(table, likelihood, k=2, chain=CHAIN, **given):
    rng, d = np.random.default_rng(0), table.rows.n_columns
    start = 0.0, np.zeros(d), rng.normal(size=(d, k)) / 10
    fields = find_fields(table.rows)
    groups = groups_of("auto", fields)
    return sample(table.rows, fields, likelihood, chain, groups, start, KEY, **given)


def test_it_finds_the_scores_and_the_noise():
    X, clean, y = ratings(np.random.default_rng(0))
    scale = y.std()
    table = training_table(X, (y - y.mean()) / scale, None)
    posterior = run(table, Gaussian(table.target.astype(np.float32)))
    mean = predict_mean(table.rows, posterior.draws, 1)
    variance = predict_variance(table.rows, posterior.draws, 1)
    # the rows of the table are in another order than those of X
    at = {key: i for i, key in enumerate(map(tuple, table.rows.indices.reshape(-1, 2).tolist()))}
    order = [at[tuple(pair)] for pair in X.indices.reshape(-1, 2).tolist()]
    error = mean[order] * scale + y.mean() - clean
    assert np.sqrt(np.mean(error**2)) < 0.2
    assert np.sqrt(variance.mean()) * scale == pytest.approx(np.std(error), rel=0.3)
    noise = posterior.hyper["noise_precision"][20:].mean()
    assert 1 / np.sqrt(noise) * scale == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(dtype):
    X, _, y = ratings(np.random.default_rng(1), n=60_000)
    table = training_table(X, y / y.std(), None)
    found = [
        run(
            table, Gaussian(table.target.astype(dtype)), k=8, chain=Chain(4, 0, 4),
            n_threads=n_threads, dtype=dtype,
        )
        for n_threads in (1, 2)
    ]  # fmt: skip
    np.testing.assert_array_equal(found[0].draws.factors, found[1].draws.factors)
    np.testing.assert_array_equal(found[0].draws.intercepts, found[1].draws.intercepts)


def test_weights_and_copies_and_order_give_the_same_draws():
    rng = np.random.default_rng(2)
    X, _, y = ratings(rng, n=300)
    weight = rng.integers(0, 4, size=300)
    copies = rng.permutation(np.repeat(np.arange(300), weight))
    tables = [
        training_table(X, y, weight.astype(float)),
        training_table(X[copies], y[copies], None),
    ]
    found = [run(table, Gaussian(table.target, table.weight), dtype=np.float64) for table in tables]
    np.testing.assert_array_equal(found[0].draws.factors, found[1].draws.factors)


@pytest.mark.parametrize("kind", ["probit", "ordered"])
def test_latent_targets_are_sampled_too(kind):
    X, _, y = ratings(np.random.default_rng(3), n=2500)
    if kind == "probit":
        table = training_table(X, (y > 0).astype(float), None)
        likelihood = Probit(table.target.astype(np.int32))
    else:
        table = training_table(X, np.digitize(y, [-1.0, 1.0]).astype(float), None)
        likelihood = OrderedProbit(table.target.astype(np.int32))
    posterior = run(table, likelihood)
    mean = predict_mean(table.rows, posterior.draws, 1)
    assert np.corrcoef(mean, table.target)[0, 1] > 0.75
    assert np.isfinite(posterior.hyper["precisions"]).all()


def test_a_chain_can_be_cut_short():
    X, _, y = ratings(np.random.default_rng(4), n=300)
    table = training_table(X, y, None)
    seen = []

    def watch(sweep):
        seen.append(sweep.number)
        return sweep.number == 3

    posterior = run(table, Gaussian(table.target.astype(np.float32)), on_sweep=watch)
    assert seen == [0, 1, 2, 3]
    assert posterior.n_iter == 4
    assert len(posterior.draws) == 1
    assert posterior.hyper["means"].shape == (4, 2, 3)


def test_centred_machines_have_the_same_scores_and_unseen_columns_are_average():
    rng = np.random.default_rng(5)
    X, _, y = ratings(rng, n=400)
    extra = sparse.csr_array(rng.normal(size=(400, 3)) * (rng.random((400, 3)) < 0.5))
    X = sparse.hstack([X, extra]).tocsr()
    rows = training_table(X, y, None, scales=False, renumbers=False).rows
    fields = find_fields(rows)
    weight = rng.uniform(1, 2, size=rows.n)
    centering = Centering(rows, fields, weight)
    assert [(field.start, field.stop) for field in centering.complete] == [(0, 60), (60, 100)]
    d, k = rows.n_columns, 3
    machine = 0.5, rng.normal(size=d), rng.normal(size=(d, k))
    centered = centering.centered(*machine)
    np.testing.assert_allclose(scores(rows, *centered), scores(rows, *machine), atol=1e-10)
    # what is left of a row without a user is the score of an average one
    users = rows.indices[rows.indptr[:-1]]
    item = sparse.csr_array(([1.0], [70], [0, 1]), shape=(1, d))
    user = np.average(machine[2][users], axis=0, weights=weight)
    average = machine[0] + np.average(machine[1][users], weights=weight)
    average += machine[1][70] + machine[2][70] @ user
    np.testing.assert_allclose(scores(item, *centered), average, atol=1e-10)
