"""Stochastic steps of factorization machines against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import fm_rows, fm_steps
from algos.factorization_machine.steps import aligned

LOSSES = {"squared_error": 0, "log_loss": 1, "multinomial": 2, "bpr": 3}


def problem(n, d, rank, outputs, loss, has_values, seed):
    """Return CSR arrays, targets and weights, and the state of a learner."""
    rng = np.random.default_rng(seed)
    held = rng.random((n, d)) < 0.5
    X = np.where(held, rng.normal(size=(n, d)) if has_values else 1.0, 0).astype(np.float32)
    held = X != 0
    indptr = np.concatenate([[0], np.cumsum(held.sum(axis=1))]).astype(np.int64)
    indices = np.nonzero(held)[1].astype(np.int32)
    values = X[held] if has_values else None
    target = (
        rng.normal(size=n) if loss == "squared_error" else rng.integers(max(outputs, 2), size=n)
    )
    weight = rng.integers(1, 4, n).astype(np.float32)
    table, line = aligned((d, outputs, 2, rank)), aligned((d, outputs, 2))
    table[...] = rng.normal(size=table.shape, scale=0.3)
    line[...] = rng.normal(size=line.shape)
    intercept = rng.normal(size=(outputs, 2)).astype(np.float32)
    for state in (table[:, :, 1], line[..., 1], intercept[..., 1]):
        state[...] = 0.1 + np.abs(state)
    rows = (indptr, indices, values, target.astype(np.float32), weight)
    return X.astype(float), rows, (table, line, intercept)


def plain_scores(X, state):
    table, line, intercept = (part.astype(float) for part in state)
    columns = []
    for c in range(table.shape[1]):
        v = table[:, c, 0]
        pairs = ((X @ v) ** 2 - X**2 @ v**2).sum(axis=1) / 2
        columns.append(intercept[c, 0] + X @ line[:, c, 0] + pairs)
    return np.stack(columns, axis=1)


def plain_slopes(z, y, loss):
    if loss == "squared_error":
        return z - y[:, None]
    if loss == "log_loss":
        return 1 / (1 + np.exp(-z)) - y[:, None]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True) - (y[:, None] == np.arange(z.shape[1]))


def plain_step(number, total, g, rate, clip):
    g = np.clip(g, -clip, clip)
    total = total + g**2
    return number - rate * g / np.sqrt(total), total


def plain_column(table, line, j, along, rates, l2, clip):
    pull, shrink, slope, weight = along[:, :-3], along[:, -3:-2], along[:, -2], along[:, -1]
    v, w = table[j, :, 0], line[j, :, 0]
    g = pull + (shrink + weight[:, None] * l2[0]) * v
    table[j, :, 0], table[j, :, 1] = plain_step(v, table[j, :, 1], g, rates[0], clip)
    g = slope + weight * l2[1] * w
    line[j, :, 0], line[j, :, 1] = plain_step(w, line[j, :, 1], g, rates[1], clip)


def plain_learn(X, rows, state, order, rival, rates, l2, loss, batch, clip, common):
    """Return the state after one pass, in double."""
    target, weight = rows[3].astype(float), rows[4].astype(float)
    table, line, intercept = (part.astype(float) for part in state)
    for start in range(0, len(order), batch):
        at = order[start : start + batch]
        q = np.einsum("nd,dck->nck", X, table[:, :, 0])
        z = plain_scores(X, (table, line, intercept))
        if rival is None:
            e = weight[at, None] * plain_slopes(z[at], target[at], loss)
            g = (e.sum(axis=0) / weight[at].sum()) + l2[2] * intercept[:, 0]
            intercept[:, 0], intercept[:, 1] = plain_step(*intercept.T, g, rates[2], clip)
        else:
            against = rival[start : start + batch]
            e = -weight[at, None] / (1 + np.exp(z[at] - z[against]))
        sums = {}
        for r, row in enumerate(at):
            sides = [(X[row], q[row], 1)]
            if rival is not None:
                sides.append((X[against[r]], q[against[r]], -1))
            for j in np.flatnonzero(np.any([x != 0 for x, _, _ in sides], axis=0)):
                along = np.concatenate(
                    [
                        e[r][:, None] * sum(s * x[j] * p for x, p, s in sides),
                        e[r][:, None] * sum(-s * x[j] ** 2 for x, _, s in sides),
                        e[r][:, None] * sum(s * x[j] for x, _, s in sides),
                        np.full((len(table[j]), 1), weight[row]),
                    ],
                    axis=1,
                )
                if j in common:
                    sums[j] = sums.get(j, 0) + along
                else:
                    plain_column(table, line, j, along, rates, l2, clip)
        for j, along in sums.items():
            plain_column(table, line, j, along, rates, l2, clip)
    return table, line, intercept


def learned(rows, state, order, rival, rates, l2, loss, batch, clip, common, cuts, n_threads=1):
    state = [part.copy() for part in state]
    slots = np.full(len(state[0]), -1, dtype=np.int32)
    slots[common] = np.arange(len(common))
    common, cuts = np.asarray(common, dtype=np.int32), np.asarray(cuts, dtype=np.int64)
    starts = np.empty((len(rows[0]) - 1) * (len(cuts) - 1) + 1, dtype=np.int64)
    fm_rows.part_starts(*rows[:2], cuts, starts)
    value = fm_steps.learn(
        starts, *rows[1:], order, rival, cuts, slots, common,
        np.float32(rates), np.float32(l2), *state, LOSSES[loss], batch, clip, n_threads,
    )  # fmt: skip
    return value, state


cases = pytest.mark.parametrize(
    ("rank", "outputs", "loss"),
    [
        (8, 1, "squared_error"),
        (8, 1, "log_loss"),
        (16, 1, "log_loss"),
        (32, 1, "squared_error"),
        (64, 1, "log_loss"),
        (48, 1, "log_loss"),
        (16, 3, "multinomial"),
        (80, 3, "multinomial"),
        (16, 1, "bpr"),
    ],
)
kinds = pytest.mark.parametrize("has_values", [False, True])


@cases
@kinds
@settings(max_examples=12, deadline=None)
@given(
    n=st.integers(1, 30), d=st.integers(1, 9), batch=st.integers(1, 12), seed=st.integers(0, 2**20)
)
def test_a_pass_equals_plain_steps_for_any_number_of_threads(
    rank, outputs, loss, has_values, n, d, batch, seed
):
    X, rows, state = problem(n, d, rank, outputs, loss, has_values, seed)
    rng = np.random.default_rng(seed + 1)
    order = rng.permutation(n)
    rival = rng.permutation(n) if loss == "bpr" else None
    rates, l2 = np.array([0.1, 0.05, 0.2]), np.array([0.02, 0.01, 0.03])
    common = np.flatnonzero(rng.random(d) < 0.5)
    given_ = (order, rival, rates, l2, loss, batch, 0.7, common)
    cuts = [0, *np.sort(rng.integers(0, d + 1, rng.integers(4))), d]
    value, found = learned(rows, state, *given_, cuts)
    wanted = plain_learn(X, rows, state, *given_)
    for mine, its in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, its, rtol=2e-3, atol=2e-4)
    for n_threads in (2, 3, 9):
        again, others = learned(rows, state, *given_, cuts, n_threads)
        assert again == value
        assert all(np.array_equal(a, b) for a, b in zip(found, others, strict=True))


@kinds
@pytest.mark.parametrize("rank", [8, 16, 24, 32, 64, 160])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_scores_equal_the_formula(rank, has_values, n_threads):
    for outputs in (1, 3):
        X, rows, state = problem(1100, 12, rank, outputs, "squared_error", has_values, rank)
        z = np.empty((len(X), outputs), dtype=np.float32)
        fm_steps.score(*rows[:3], *state, z, n_threads)
        np.testing.assert_allclose(z, plain_scores(X, state), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "multinomial", "bpr"])
def test_losses_are_those_before_the_batch(loss):
    outputs = 3 if loss == "multinomial" else 1
    X, rows, state = problem(40, 6, 8, outputs, loss, True, 3)
    order = np.arange(40)
    rival = order[::-1].copy() if loss == "bpr" else None
    value, _ = learned(rows, state, order, rival, [0.1] * 3, [0.0] * 3, loss, 40, 1e9, [], [0, 6])
    z, y = plain_scores(X, state), rows[3]
    if loss == "squared_error":
        losses = (z[:, 0] - y) ** 2 / 2
    elif loss == "log_loss":
        losses = np.logaddexp(0, np.where(y > 0, -z[:, 0], z[:, 0]))
    elif loss == "bpr":
        losses = np.logaddexp(0, z[::-1, 0] - z[:, 0])
    else:
        losses = np.log(np.exp(z).sum(axis=1)) - z[order, y.astype(int)]
    assert value == pytest.approx(rows[4] @ losses, rel=1e-4)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "multinomial"])
def test_slopes_pass_finite_differences(loss):
    """A first step from large sums goes along the gradient of the loss."""
    outputs = 3 if loss == "multinomial" else 1
    _, rows, state = problem(1, 5, 8, outputs, loss, True, 11)
    rows = (*rows[:4], np.ones(1, np.float32))
    state[0][:, :, 1], state[1][..., 1], state[2][..., 1] = 1e8, 1e8, 1e8
    args = (np.zeros(1, np.int64), None, [1e4] * 3, [0.0] * 3, loss, 1, 1e9, [], [0, 5])

    def loss_of(state):
        return learned(rows, state, *args)[0]

    _, after = learned(rows, state, *args)
    for part in range(3):
        before, later = state[part], after[part]
        step = (before - later)[..., 0, :] if part == 0 else (before - later)[..., 0]
        place = np.unravel_index(np.argmax(np.abs(step)), step.shape)
        at = (*place[:-1], 0, place[-1]) if part == 0 else (*place, 0)
        changed = [[one.copy() for one in state] for _ in range(2)]
        changed[0][part][at] += 1e-2
        changed[1][part][at] -= 1e-2
        slope = (loss_of(changed[0]) - loss_of(changed[1])) / 2e-2
        assert step[place] == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "multinomial", "bpr"])
def test_steps_stay_bounded_whatever_comes(loss):
    outputs = 3 if loss == "multinomial" else 1
    _, rows, state = problem(60, 7, 8, outputs, loss, True, 5)
    rng = np.random.default_rng(0)
    wild = np.float32([1e6, -1e6, 1e-30, 1.0])
    rows = (*rows[:2], rng.choice(wild, len(rows[2])), rows[3] * np.float32(1e4), rows[4])
    if loss != "squared_error":
        rows = (*rows[:3], rows[3] / np.float32(1e4), rows[4])
    for total in (0.0, 0.1):
        state[0][:, :, 1], state[1][..., 1], state[2][..., 1] = total, total, total
        order = np.arange(60)
        rival = order[::-1].copy() if loss == "bpr" else None
        now = state
        for _ in range(5):
            value, now = learned(
                rows, now, order, rival, [0.5] * 3, [1e-3] * 3, loss, 7, 1e12, [2, 4], [0, 7]
            )
            assert np.isfinite(value)
        assert all(np.isfinite(part).all() for part in now)
        assert np.abs(now[0][:, :, 0]).max() <= np.abs(state[0][:, :, 0]).max() + 5 * 60 * 0.51


def test_inverse_roots_are_close():
    a = np.float32(10.0) ** np.linspace(-37, 37, 4001, dtype=np.float32)
    out = np.empty_like(a)
    fm_steps._test_inverse_root(a, out)
    np.testing.assert_allclose(out * np.sqrt(a.astype(float)), 1, rtol=6e-6)


def test_batches_of_a_team_end_whoever_comes():
    """More parts than threads, many short phases."""
    _, rows, state = problem(400, 20, 8, 1, "log_loss", False, 2)
    args = (np.arange(400), None, [0.1] * 3, [0.0] * 3, "log_loss", 1, 1e9, [3])
    cuts = np.linspace(0, 20, 9).astype(int)
    wanted = learned(rows, state, *args, cuts)
    found = learned(rows, state, *args, cuts, 8)
    assert wanted[0] == found[0]
    assert np.array_equal(wanted[1][0], found[1][0])
