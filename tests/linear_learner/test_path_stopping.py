"""Packs end where weaker penalties can no longer win."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, load_wine

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner import folds
from algos.linear_learner.losses import Loss
from algos.linear_learner.path_stopping import PathStopping
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.problem import Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers import bands, curvature
from algos.linear_learner.solvers.multinomial import hessian_at_once, multinomial_hessian
from tests.common.recorder import Recorder, needs_callbacks


def trained(model):
    """Return which candidates were trained at all."""
    return np.isfinite(model.candidates_["certificate"])


def noise(n_classes):
    rng = np.random.default_rng(0)
    return rng.normal(size=(442, 10)), rng.integers(n_classes, size=442)


def uneven(seed):
    """Return rows that a column of small numbers explains, and large ones do not."""
    rng = np.random.default_rng(seed)
    for shape in ((100, 500), (442, 10)):
        rng.normal(size=shape)
    X = rng.normal(size=(60, 30)) * np.geomspace(1, 1e-3, 30)
    return X, X[:, 0] + 30 * X[:, 10] + rng.standard_t(2, 60) * seed


def ends_at(losses, left=np.inf, ratios=None, *, null=1.0, is_even=True):
    """Return which candidates are spared."""
    ratios = ratios or [0.0] * len(losses)
    grid = [PenaltyParams(1 / (i + 1), ratio) for i, ratio in enumerate(ratios)]
    ending, spared = PathStopping(grid, null, 1e-6, is_even=is_even), []
    for i, loss in enumerate(losses):
        if ending.is_over(i):
            spared.append(i)
        else:
            ending.see(i, loss, left)
    return spared


def test_a_path_ends_after_clear_rises():
    fall = [0.8, 0.6, 0.5]
    assert ends_at([*fall, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]) == [7, 8]
    assert ends_at([*fall, 0.55, 0.6, 0.65, 0.7, 0.74, 0.75]) == []  # not clear
    assert ends_at([*fall, 0.6, 0.7, 0.8, 0.7, 0.8, 0.9]) == []  # not in a row
    assert ends_at([*fall, 0.5, 0.5, 0.5]) == []


def test_a_path_that_has_gained_nothing_goes_on_longer():
    assert ends_at([0.97, 1.0, 1.1, 1.2, 1.3, 1.4]) == []
    assert ends_at([0.97, 1.0, 1.1, 1.3, 1.5, 1.6]) == [5]


def test_a_path_that_has_gained_nearly_all_ends_soon():
    assert ends_at([0.01, 0.012, 0.015, 0.02, 0.04, 0.05]) == [5]
    assert ends_at([0.01, 0.012, 0.015, 0.02, 0.029, 0.03]) == []


def test_a_penalty_of_columns_as_they_are_goes_on_longer():
    losses = [0.1, 0.12, 0.14, 0.16, 0.19, 0.22, 0.3]
    assert ends_at(losses) == [5, 6]
    assert ends_at(losses, is_even=False) == [6]


def test_rises_of_losses_that_may_be_negative_end_nothing():
    assert ends_at([0.1, 0.2, 0.3, 0.4, 5.0, 60.0], null=None) == []


def test_a_path_ends_where_nothing_is_left():
    assert ends_at([0.8, 0.6], left=1e-7) == [1]
    assert ends_at([0.8, 0.6], left=1e-5) == []


def test_each_l1_ratio_ends_by_itself():
    losses, ratios = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.6, 0.5], [0.0] * 6 + [1.0] * 2
    assert ends_at(losses, ratios=ratios) == [5]


def test_noise_of_many_classes_is_given_up(monkeypatch):
    made = []
    hessian = curvature.hessian_at_once
    monkeypatch.setattr(
        curvature, "hessian_at_once", lambda *given: made.append(1) or hessian(*given)
    )
    model = LinearLearnerClassifier(random_state=0).fit(*noise(100))
    assert model.solver_ == "newton"
    assert 5 <= trained(model).sum() <= 14 and trained(model)[:5].all()
    assert len(made) <= 20
    assert len(model.candidates_["alpha"]) == 32


def test_passes_that_candidates_share_end_too():
    model = LinearLearnerClassifier(solver="lbfgs", random_state=0).fit(*noise(100))
    assert trained(model).sum() <= 14


@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%")
def test_held_out_rows_end_a_path_too():
    X, y = noise(100)
    asked = np.flatnonzero(np.isin(y, y[:300]) & (np.arange(len(y)) >= 300))
    model = LinearLearnerClassifier().fit(X[:300], y[:300], X_val=X[asked], y_val=y[asked])
    assert trained(model).sum() <= 16


def spectra(seed):
    """Return rows whose narrow peak tells the class, beside wide ones that vary far more."""
    rng = np.random.default_rng(seed)
    t, n = np.linspace(0, 1, 80), 1060
    X = sum(rng.normal(size=(n, 1)) * np.exp(-((t - c) ** 2) / 0.08) for c in np.linspace(0, 1, 8))
    height = rng.normal(size=n)
    X = X + 0.03 * height[:, None] * np.exp(-((t - 0.5) ** 2) / 0.0005)
    return X + 0.01 * rng.normal(size=X.shape), height + 0.3 * rng.normal(size=n) > 0


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("seed", range(3))
def test_what_weak_penalties_alone_find_is_found(loss, seed):
    X, y = spectra(seed)
    model = LinearLearnerClassifier(loss, n_alphas=16, random_state=0).fit(X[:60], y[:60])
    assert model.score(X[60:], y[60:]) > 0.75


def test_counts_that_small_columns_tell_are_found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1120, 30)) * np.r_[np.ones(20), np.full(10, 1e-3)]
    y = rng.poisson(1000 * np.exp(400 * X[:, 25]))
    model = LinearLearnerRegressor("poisson", standardize=False, random_state=0)
    assert model.fit(X[:120], y[:120]).score(X[120:], y[120:]) > 0.9


@pytest.mark.parametrize(
    ("load", "loss", "most"),
    [
        (load_wine, "log_loss", 24),
        (load_wine, "hinge", 20),
        (load_iris, "log_loss", 26),
    ],
)
def test_the_winner_is_that_of_the_whole_path(load, loss, most):
    X, y = load(return_X_y=True)
    whole = LinearLearnerClassifier(loss, early_stopping=False, random_state=0).fit(X, y)
    short = LinearLearnerClassifier(loss, random_state=0).fit(X, y)
    assert trained(whole).all() and trained(short).sum() <= most
    n = trained(short).sum()
    found, known = (m.candidates_["validation_loss"][:n] for m in (short, whole))
    np.testing.assert_allclose(found, known, rtol=0.02)
    assert short.best_index_ == np.argmin(known)


@pytest.mark.parametrize("loss", ["huber", "absolute_error"])
@pytest.mark.parametrize("seed", range(3))
def test_columns_that_the_penalty_still_holds_have_their_turn(loss, seed):
    X, y = uneven(seed)
    common = {"standardize": False, "random_state": 0}
    whole = LinearLearnerRegressor(loss, early_stopping=False, **common).fit(X, y)
    short = LinearLearnerRegressor(loss, **common).fit(X, y)
    best = [model.candidates_["validation_loss"].min() for model in (short, whole)]
    assert best[0] <= best[1] + 1e-5 * np.abs(y).mean()


def test_separated_rows_end_the_hinge():
    X, y = load_wine(return_X_y=True)
    model = LinearLearnerClassifier("hinge", random_state=0).fit(X, y)
    spared = ~trained(model)
    assert spared.sum() >= 12 and not spared[: model.best_index_ + 1].any()
    last = np.flatnonzero(~spared)[-1]
    for i in np.flatnonzero(spared):
        np.testing.assert_array_equal(model.candidate_coef_[i], model.candidate_coef_[last])


def test_what_is_spared_stays_where_the_path_ended(capsys):
    X, y = noise(60)
    model = LinearLearnerClassifier(random_state=0, verbose=1).fit(X, y)
    table, Z = model.candidates_, (X - X.mean(axis=0)) / X.std(axis=0)
    spared = ~trained(model)
    assert np.isinf(table["certificate"][spared]).all() and not table["converged"][spared].any()
    last = np.flatnonzero(~spared)[-1]
    coef, intercept = model.candidate_coef_[last] * X.std(axis=0), model.candidate_intercept_[last]
    z = Z @ coef.T + intercept + X.mean(axis=0) @ model.candidate_coef_[last].T
    loss = np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])
    objectives = loss + table["alpha"] * (coef**2).sum() / 2
    np.testing.assert_allclose(table["objective"][spared], objectives[spared], rtol=1e-9)
    lines = [line for line in capsys.readouterr().out.splitlines() if "candidate" in line]
    assert ["stopped" in line for line in lines] == spared.tolist()


def test_the_next_l1_ratio_begins_anew():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 20)), rng.integers(4, size=100)
    alphas = np.geomspace(1, 1e-3, 10)
    both = LinearLearnerClassifier(alpha=alphas, l1_ratio=[0.0, 0.5], random_state=0).fit(X, y)
    went = trained(both)
    assert not went[9] and went[10:14].all()
    alone = LinearLearnerClassifier(alpha=alphas, l1_ratio=0.5, random_state=0).fit(X, y)
    n = trained(alone).sum()
    np.testing.assert_allclose(
        both.candidates_["validation_loss"][10 : 10 + n],
        alone.candidates_["validation_loss"][:n],
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    "options", [{"early_stopping": False}, {"selection_criterion": "accuracy"}]
)
def test_all_are_trained_where_that_is_asked_for(options):
    X, y = noise(4)
    model = LinearLearnerClassifier(n_alphas=12, random_state=0, **options).fit(X, y)
    assert trained(model).all()


def test_packs_of_losses_with_kinks_follow_their_vertices(monkeypatch):
    solved = []
    exact = bands.exact
    monkeypatch.setattr(
        bands, "exact", lambda *given, **how: solved.append(1) or exact(*given, **how)
    )
    X, y = load_diabetes(return_X_y=True)
    LinearLearnerRegressor("absolute_error", random_state=0).fit(X, y)
    assert len(solved) <= 130  # of 6 trainings of 32 candidates


@needs_callbacks
def test_a_callback_may_stop_a_folded_fit():
    X, y = noise(4)
    whole = LinearLearnerClassifier(n_alphas=8, early_stopping=False, random_state=0)
    recorder = Recorder(lambda: True, 25)
    stopped = clone(whole).set_callbacks(recorder).fit(X, y)
    went, best = trained(stopped), stopped.best_index_
    assert recorder.leaves == 25 and 0 < went.sum() < 8 and went[best]
    whole.fit(X, y)
    np.testing.assert_allclose(stopped.coef_, whole.candidate_coef_[best], rtol=1e-12)


def test_floats_of_many_values_are_taken_for_a_regressions_target():
    X, y = load_diabetes(return_X_y=True)
    model = LinearLearnerClassifier(alpha=1.0)
    with pytest.warns(UserWarning, match="214 different floats in 442 rows") as told:
        model.fit(X, y)
    assert len(told) == 1 and told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, np.floor(y / 20))
    with pytest.warns(UserWarning, match="greater than 50%") as told:
        model.fit(X[:200], y[:200])
    assert len(told) == 1


# Each of them with the number of rows of its classes: none is a regression's target.
CODES = {
    "few rows": (np.arange(3), 1),
    "two codes": (np.array([10, 20]), 50),
    "consecutive codes of five rows": (np.arange(40), 5),
    "scattered codes of five rows": (np.cumsum(1 + np.arange(30) % 7), 5),
    "consecutive codes, some of one row": (np.arange(30), 1 + np.arange(30) // 3),
    "codes in tens, some of one row": (10 * np.arange(30), 1 + np.arange(30) // 3),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("codes", CODES)
def test_floats_that_are_codes_are_taken_for_classes(codes, dtype):
    labels = np.repeat(*CODES[codes]).astype(dtype)
    X = np.random.default_rng(0).normal(size=(len(labels), 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LinearLearnerClassifier(alpha=1.0).fit(X, labels)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_rounded_measurements_are_taken_for_a_regressions_target(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = scale * np.round(40 * (X[:, 0] + rng.normal(size=600)))
    with pytest.warns(UserWarning, match="different floats in 600 rows"):
        LinearLearnerClassifier(alpha=1.0).fit(X, y)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("width", [4, 5])
def test_a_hessian_at_once_is_that_of_pairs_of_classes(is_sparse, width):
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(1300, 4)) + 3, rng.uniform(0.5, 1, size=1300)
    X[rng.random(X.shape) < 0.5] = 0
    rows = make_rows(
        sparse.csr_matrix(X) if is_sparse else X, weight / weight.sum(), center=True, n_threads=1
    )
    problem = Problem(
        rows, rng.integers(12, size=1300) + 0.0, weight / weight.sum(), Loss("multinomial"),
        n_outputs=12,
    )  # fmt: skip
    z = 20 * rng.normal(size=(1300, 12))
    pairs = multinomial_hessian(problem, width, z)
    np.testing.assert_allclose(hessian_at_once(problem, width, z), pairs, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("options", [{}, {"class_weight": "auto"}])
def test_folds_of_large_rows_one_at_a_time_choose_as_all_at_once_do(options, monkeypatch):
    X, y = load_iris(return_X_y=True)
    model = LinearLearnerClassifier(
        n_alphas=8, early_stopping=False, random_state=0, store_candidate_coef=False, **options
    )
    at_once = clone(model).fit(X, y > 0)
    monkeypatch.setattr(folds, "MOST_FOLDED_AT_ONCE", 0)
    in_turn = model.fit(X, y > 0)
    assert in_turn.best_index_ == at_once.best_index_
    np.testing.assert_array_equal(in_turn.coef_, at_once.coef_)
    for name, column in at_once.candidates_.items():
        np.testing.assert_array_equal(in_turn.candidates_[name], column, err_msg=name)


@needs_callbacks
@pytest.mark.parametrize("at", [1, 9, 25])
def test_a_callback_may_stop_folds_that_go_one_at_a_time(at, monkeypatch):
    monkeypatch.setattr(folds, "MOST_FOLDED_AT_ONCE", 0)
    X, y = noise(4)
    recorder = Recorder(lambda: True, at)
    model = LinearLearnerClassifier(n_alphas=8, early_stopping=False, random_state=0)
    model.set_callbacks(recorder).fit(X, y)
    assert recorder.setups == recorder.teardowns == 1
    assert np.isfinite(model.coef_).all() and len(model.candidates_["alpha"]) == 8
