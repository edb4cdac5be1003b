"""Epochs of stochastic steps, and pairs for ranking."""

import itertools
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning

from algos._common.random import seed_key, stream
from algos.factorization_machine import (
    FactorizationMachineClassifier,
    FactorizationMachineRegressor,
)
from algos.factorization_machine.batches import Data, Plan
from algos.factorization_machine.ranking import Catalogue, Choices, joined, learn_choices, part_of
from algos.factorization_machine.rows import Rows
from algos.factorization_machine.steps import Start, Steps, padded_rank
from algos.factorization_machine.stochastic import (
    StepSettings,
    epochs,
    learn,
    mean_loss,
    one_pass,
    tried_rate,
)

KEY = seed_key(0)


def one_hot(n, sizes, seed):
    """Return rows with one column of each field."""
    rng = np.random.default_rng(seed)
    first = np.concatenate([[0], np.cumsum(sizes)])
    indices = np.stack([rng.integers(a, b, n) for a, b in itertools.pairwise(first)], 1)
    m = len(sizes)
    return Rows(
        np.arange(0, n * m + 1, m, dtype=np.int64), indices.ravel().astype(np.int32), None,
        int(first[-1]),
    )  # fmt: skip


def clicks(n, seed, noise=1.0):
    """Return rows and targets that depend on pairs of columns."""
    rows = one_hot(n, [40, 30, 5], seed)
    rng = np.random.default_rng(7)
    w, v = rng.normal(size=rows.n_columns), rng.normal(size=(rows.n_columns, 4))
    at = rows.indices.reshape(n, 3)
    q = v[at].sum(axis=1)
    z = w[at].sum(axis=1) + ((q**2).sum(axis=1) - (v[at] ** 2).sum(axis=(1, 2))) / 2
    z += noise * np.random.default_rng(seed + 1).logistic(size=n)
    return Data.of(rows, (z > 0).astype(float), np.ones(n)), z


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "multinomial"])
def test_epochs_learn_the_effects_of_pairs_of_columns(loss):
    data, z = clicks(6000, 0, noise=0.1)
    other, z_other = clicks(2000, 1, noise=0.1)
    outputs = 1
    if loss == "squared_error":
        data, other = (
            Data.of(one.rows, s / z.std(), one.weight) for one, s in ((data, z), (other, z_other))
        )
    if loss == "multinomial":
        outputs = 3
        data, other = (
            Data.of(one.rows, np.digitize(s, [-2, 2]), one.weight)
            for one, s in ((data, z), (other, z_other))
        )
    steps = Steps.begin(data.rows.n_columns, 8, KEY, n_outputs=outputs)
    settings = StepSettings(loss=loss, rate=0.2, rate_linear=0.2, rate_intercept=0.2)
    before = mean_loss(steps.scores(other.rows), other, loss)
    learned = learn(steps, data, settings, KEY, max_iter=15, validation=other)
    after = mean_loss(learned.scores(other.rows), other, loss)
    assert after < 0.35 * before
    assert steps.n_epochs == 0


def test_the_epoch_that_validates_best_is_kept():
    data, _ = clicks(400, 0)
    other, _ = clicks(400, 1)
    seen = []

    def watch(steps, loss, checked):
        seen.append(checked)
        return False

    settings = StepSettings(rate=0.3, alpha=0.0)
    steps = Steps.begin(data.rows.n_columns, 8, KEY)
    learned = learn(
        steps, data, settings, KEY, max_iter=30, patience=4, validation=other, watch=watch
    )
    assert mean_loss(learned.scores(other.rows), other, "log_loss") == min(seen)
    assert len(seen) == np.argmin(seen) + 5 < 30


def test_noise_asks_for_shorter_steps():
    rates = (0.3, 0.01)
    settings = StepSettings()
    chosen = []
    for noise, n in ((0.0, 20_000), (30.0, 800)):
        data, _ = clicks(n, 0, noise)
        other, _ = clicks(4000, 1, noise)
        steps = Steps.begin(data.rows.n_columns, 8, KEY, start=Start(scale=0.02))
        trial = tried_rate(steps, data, settings, KEY, rates=rates, validation=other)
        chosen.append(trial.settings.rate)
        assert steps.n_epochs == 0
    assert chosen == [0.3, 0.01]


def test_the_trial_of_the_chosen_rate_is_the_first_epoch():
    data, _ = clicks(1000, 0)
    steps = Steps.begin(data.rows.n_columns, 8, KEY)
    told = []

    def watch(now, loss, checked):
        told.append(loss)
        return False

    trial = tried_rate(steps, data, StepSettings(), KEY, rates=(0.3, 0.01))
    control = {"max_iter": 3, "patience": 3, "watch": watch}
    without = learn(steps, data, trial.settings, KEY, **control)
    begun = learn(steps, data, trial.settings, KEY, trial=trial, **control)
    assert told[:3] == told[3:]
    assert begun.n_epochs == without.n_epochs == 3
    assert np.array_equal(begun.factor_state, without.factor_state)
    # One of other settings is none.
    other = replace(trial.settings, alpha=0.5)
    trial = tried_rate(steps, data, StepSettings(), KEY, rates=(0.3, 0.01))
    assert np.array_equal(
        learn(steps, data, other, KEY, trial=trial, **control).factor_state,
        learn(steps, data, other, KEY, **control).factor_state,
    )


@pytest.mark.parametrize("n_factors", [1, 8, 20])
def test_bits_do_not_depend_on_threads_and_survive_pickling(n_factors):
    data, _ = clicks(3000, 0)
    outcomes = []
    for n_threads in (1, 2, 3):
        steps = Steps.begin(data.rows.n_columns, n_factors, KEY)
        one_pass(steps, data, StepSettings(), KEY, n_threads=n_threads)
        steps = pickle.loads(pickle.dumps(steps))
        one_pass(steps, data, StepSettings(), KEY, n_threads=n_threads)
        outcomes.append(steps)
    for other in outcomes[1:]:
        assert np.array_equal(other.factor_state, outcomes[0].factor_state)
        assert np.array_equal(other.linear_state, outcomes[0].linear_state)
        assert np.array_equal(other.intercept_state, outcomes[0].intercept_state)
    assert not outcomes[0].factor_state[..., n_factors:][:, :, 0].any()


def test_weights_count_in_units_of_their_mean():
    data, _ = clicks(500, 0)
    heavy = Data.of(data.rows, data.target, np.full(500, 1e200))
    found = []
    for one in (data, heavy):
        steps = Steps.begin(one.rows.n_columns, 8, KEY)
        one_pass(steps, one, StepSettings(), KEY)
        found.append(steps.factor_state)
    assert np.array_equal(*found)


def test_ranks_are_whole_vectors():
    assert [padded_rank(k) for k in (1, 8, 9, 16, 17, 64, 100)] == [8, 8, 16, 16, 32, 64, 112]


def test_a_plan_shares_values_out_and_names_common_columns():
    rows = one_hot(1000, [2, 500], 0)
    plan = Plan.of(rows, 10, 3)
    assert plan.common.tolist() == [0, 1]
    assert plan.slots[:3].tolist() == [0, 1, -1]
    assert plan.cuts[0] == 0 and plan.cuts[-1] == rows.n_columns
    assert np.all(np.diff(plan.cuts) >= 0)
    held = np.histogram(rows.indices, plan.cuts)[0]
    assert held.max() <= 1200


def liking(n_users=60, n_items=40, seed=0):
    """Return rows of user and item, whether the user likes the item, and the users."""
    rng = np.random.default_rng(seed)
    taste, kind = rng.integers(4, size=n_users), np.arange(n_items) % 4
    user, item = (part.ravel() for part in np.indices((n_users, n_items)))
    likes = (taste[user] == kind[item]) ^ (rng.random(len(user)) < 0.02)
    indices = np.stack([user, n_users + item], axis=1).ravel().astype(np.int32)
    indptr = np.arange(0, 2 * len(user) + 1, 2, dtype=np.int64)
    return Rows(indptr, indices, None, n_users + n_items), likes, user, item


@pytest.mark.parametrize("names_items", [False, True])
def test_what_users_like_comes_first(names_items):
    rows, likes, user, _ = liking()
    rng = np.random.default_rng(1)
    kept = rng.random(rows.n) < 0.7
    train = np.flatnonzero(kept & (likes | (not names_items)))
    test = np.flatnonzero(~kept)
    data = Data.of(rows.take(train), likes[train].astype(float), np.ones(len(train)))
    is_of_item = np.arange(rows.n_columns) >= 60 if names_items else None
    steps = Steps.begin(rows.n_columns, 8, KEY)
    settings = StepSettings(loss="bpr", rate=0.2, rate_linear=0.2)
    learned = learn_choices(
        steps, data, user[train], settings, KEY, is_of_item=is_of_item, max_iter=40, patience=40
    )
    z = learned.scores(rows.take(test))[:, 0]
    pairs = [
        np.mean(z[mine & likes[test]][:, None] > z[mine & ~likes[test]])
        for mine in (user[test] == u for u in range(60))
        if (mine & likes[test]).any() and (mine & ~likes[test]).any()
    ]
    assert np.mean(pairs) > 0.85


def test_rivals_are_what_the_group_has_not_chosen():
    rows, likes, user, item = liking()
    data = Data.of(rows, likes.astype(float), np.ones(rows.n))
    choices = Choices.of(data, user)
    for _, (mine, its) in choices.pairs(stream(KEY, 0)):
        assert likes[mine].all() and not likes[its].any()
        assert np.array_equal(user[mine], user[its])
    catalogue = Catalogue.of(data, user, np.arange(rows.n_columns) >= 60)
    assert catalogue.items.n == 40
    rival = catalogue.rivals(stream(KEY, 0))
    chosen = set(zip(user[likes].tolist(), item[likes].tolist(), strict=True))
    columns = catalogue.items.indices[rival] - 60
    drawn = set(zip(catalogue.group.tolist(), columns.tolist(), strict=True))
    assert not chosen & drawn
    for drawn_rows, (mine, its) in catalogue.pairs(stream(KEY, 1)):
        two = drawn_rows.rows.indices.reshape(-1, 2)
        assert np.array_equal(two[mine, 0], two[its, 0])
        assert np.all(two[mine, 1] != two[its, 1])


def test_validation_knows_what_training_chose_and_not_the_reverse():
    rows, likes, user, _ = liking()
    data = Data.of(rows, likes.astype(float), np.ones(rows.n))
    mine, its = Catalogue.of(data, user, np.arange(rows.n_columns) >= 60).split(100)
    assert len(mine.item) == 100 and len(mine.chosen) == 100
    assert set(mine.chosen) < set(its.chosen)


def test_parts_of_rows_join_to_the_rows():
    rng = np.random.default_rng(0)
    held = rng.random((30, 12)) < 0.4
    indptr = np.concatenate([[0], np.cumsum(held.sum(axis=1))]).astype(np.int64)
    values = rng.normal(size=held.sum()).astype(np.float32)
    rows = Rows(indptr, np.nonzero(held)[1].astype(np.int32), values, 12)
    is_left = rng.random(12) < 0.5
    whole = joined(part_of(rows, ~is_left), part_of(rows, is_left))
    assert np.array_equal(whole.indptr, rows.indptr)
    assert np.array_equal(whole.indices, rows.indices)
    assert np.array_equal(whole.values, rows.values)


def test_penalties_follow_the_errors_of_numbers_alone():
    settings = StepSettings(loss="squared_error", alpha=0.5, alpha_linear=0.0, alpha_of_noise=0.1)
    assert settings.penalties(0.25) == pytest.approx([0.525, 0.0, 0.0])
    assert settings.penalties(9.0) == pytest.approx(settings.penalties(1.0))
    assert StepSettings(alpha=0.5, alpha_of_noise=0.1).penalties(0.25)[0] == pytest.approx(0.5)


@pytest.mark.filterwarnings("ignore:.*stopped after:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("streams", [False, True])
def test_defaults_learn_few_rows_with_little_noise(streams):
    train, y = clicks(4000, 0, noise=0.1)
    test, z = clicks(3000, 1, noise=0.1)
    X, X_test = (
        sparse.csr_array(
            (np.ones(one.rows.stored), one.rows.indices, one.rows.indptr), shape=(one.rows.n, 75)
        )
        for one in (train, test)
    )
    model = FactorizationMachineRegressor(8, solver="adagrad", random_state=0)
    if not streams:
        assert model.fit(X, y).score(X_test, z) > 0.96
        return
    for _ in range(30):
        for start in range(0, 4000, 500):
            model.partial_fit(X[start : start + 500], y[start : start + 500])
    assert model.score(X_test, z) > 0.94


def test_parts_of_the_columns_cost_about_the_same():
    """Common columns, which take one step per batch, cost less than rare ones."""
    rows = one_hot(4000, [2, 2, 2, 500, 500], 3)
    plan = Plan.of(rows, 20)
    middle, counts = plan.cuts[1], rows.counts()
    costs = np.where(plan.slots < 0, 2, 1) * counts
    assert len(plan.common) == 6
    assert abs(costs[:middle].sum() - costs[middle:].sum()) <= 2 * costs.max()
    assert counts[:middle].sum() > 1.2 * counts[middle:].sum()
    np.testing.assert_array_equal(plan.starts[::2], rows.indptr)
    in_first = np.add.reduceat(rows.indices < middle, rows.indptr[:-1], dtype=np.int64)
    np.testing.assert_array_equal(plan.starts[1::2] - rows.indptr[:-1], in_first)


class Counted:
    """A learner that knows only how many epochs it has seen, and how often it was copied."""

    n_copies = 0

    def __init__(self, n_epochs=0):
        self.n_epochs, self.noise = n_epochs, 0.0

    def copy(self):
        Counted.n_copies += 1
        return Counted(self.n_epochs)


def epochs_of(losses, *, checks=False, keeps_best=True):
    """Learn by epochs of known losses; return how many were learned, and the copies made."""
    before = Counted.n_copies

    def once(steps):
        return losses[steps.n_epochs]

    def check(steps):
        return losses[steps.n_epochs - 1]

    found = epochs(
        Counted(), once, check if checks else None, max_iter=len(losses), patience=9,
        keeps_best=keeps_best,
    )  # fmt: skip
    return found.n_epochs, Counted.n_copies - before


def test_a_last_epoch_that_diverged_is_discarded():
    assert epochs_of([1.1, 0.8, 0.3, 5.0, 0.4])[0] == 3
    assert epochs_of([1.1, 0.8, 0.3, 0.31, 0.32])[0] == 5


def test_a_learner_is_copied_only_where_an_earlier_epoch_can_be_wanted():
    falling = [1.1, 0.8, 0.3, 0.2]
    assert epochs_of(falling) == (4, 1)
    assert epochs_of(falling, checks=True) == (4, 4)
    assert epochs_of([1.1, 0.8, 0.3, 0.9], checks=True) == (3, 4)
    assert epochs_of([1.1, 0.8, 0.3, 0.9], checks=True, keeps_best=False) == (4, 1)


@pytest.mark.parametrize("rate", ["auto", 0.5])
def test_epochs_repeated_after_a_divergence_have_the_same_bits(rate):
    X, y = load_wine(return_X_y=True)
    leapt, first = (
        FactorizationMachineClassifier(
            solver="adagrad", learning_rate_init=rate, max_iter=max_iter, tol=0, random_state=0
        )
        for max_iter in (100, 1)
    )
    with pytest.warns(ConvergenceWarning, match="next to nothing"):
        leapt.fit(X, y)
    assert leapt.history_["objective"][-1] > 1.2 * leapt.history_["objective"][0]
    np.testing.assert_array_equal(leapt.factors_, first.fit(X, y).factors_)
    np.testing.assert_array_equal(
        leapt.partial_fit(X, y).factors_, first.partial_fit(X, y).factors_
    )


def test_steps_that_only_lose_are_warned_of():
    X, y = load_wine(return_X_y=True)
    machine = FactorizationMachineClassifier(solver="adagrad", random_state=0)
    with pytest.warns(ConvergenceWarning, match="next to nothing.*standardise"):
        machine.fit(X, y)


def test_weights_of_classes_leave_small_data_to_the_sampler():
    X, y = load_wine(return_X_y=True)
    machine = FactorizationMachineClassifier(class_weight="balanced", max_iter=5, random_state=0)
    assert machine.fit(X, y).solver_ == "mcmc"
    weight = np.linspace(0.5, 1.5, len(y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert machine.fit(X / X.max(axis=0), y, sample_weight=weight).solver_ == "adagrad"


def signs(seed=0, n=900, side=30):
    """Return labels that depend on pairs of columns, but on no column alone."""
    rng = np.random.default_rng(3)
    signs = rng.choice([-1, 1], (2, side))
    at = np.random.default_rng(seed).integers(side, size=(n, 2))
    X = np.zeros((n, 2 * side))
    X[np.arange(n), at[:, 0]] = X[np.arange(n), side + at[:, 1]] = 1.0
    return X, signs[0, at[:, 0]] * signs[1, at[:, 1]] > 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore:.*stopped after:sklearn.exceptions.ConvergenceWarning")
def test_small_data_get_enough_epochs_for_factors_to_grow(seed):
    X, y = signs()
    model = FactorizationMachineClassifier(solver="adagrad", random_state=seed).fit(X, y)
    assert model.auto_params_["n_iter_no_change"] > 2
    fresh, truth = signs(seed=7)
    assert model.score(fresh, truth) > 0.9


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("part", ["init", "linear", "intercept"])
def test_a_learning_rate_of_zero_keeps_the_initial_values(part, method):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X[:, 0] * X[:, 1] + X[:, 2] + 0.5
    rates = dict.fromkeys(["init", "linear", "intercept"], 0.1) | {part: 0.0}
    model = FactorizationMachineRegressor(
        2, solver="adagrad", max_iter=3, tol=0, init="constant", init_scale=0.25,
        init_intercept=0.0, random_state=0,
        **{f"learning_rate_{name}": rate for name, rate in rates.items()},
    )  # fmt: skip
    getattr(model, method)(X / np.sqrt((X**2).mean(axis=0)), (y - y.mean()) / y.std())
    kept = {
        "init": np.allclose(model.factors_, 0.25),
        "linear": np.allclose(model.coef_, 0.0),
        "intercept": np.allclose(model.intercept_, 0.0),
    }
    assert kept == {name: name == part for name in rates}


def test_noise_is_predicted_by_a_constant_with_a_warning():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 12)), rng.random(4000) > 0.5
    model = FactorizationMachineClassifier(solver="adagrad", random_state=0)
    with pytest.warns(ConvergenceWarning, match="no better than a constant: its best loss"):
        model.fit(X, y)
    assert model.n_iter_ < 100
    chances = model.predict_proba(X)[:, 1]
    assert np.abs(chances - 0.5).max() < 0.35


@pytest.mark.parametrize("kind", [FactorizationMachineClassifier, FactorizationMachineRegressor])
def test_validation_loss_is_only_recorded_without_early_stopping(kind):
    X, y = signs()
    fixed = {"solver": "adagrad", "early_stopping": False, "tol": 0, "max_iter": 12}
    alone = kind(**fixed, random_state=0).fit(X[:700], y[:700])
    told = kind(**fixed, random_state=0).fit(X[:700], y[:700], X_val=X[700:], y_val=y[700:])
    assert told.n_iter_ == alone.n_iter_ == 12
    np.testing.assert_array_equal(told.factors_, alone.factors_)
    assert np.isnan(alone.history_["validation"]).all()
    assert np.isfinite(told.history_["validation"]).all()
