"""What looks like a mistake is told, and what does not is not."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner import rare_columns

X, Y = load_diabetes(return_X_y=True)
CLASSES = Y > 150


def silent(learn, *data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return learn(*data, **options)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("model", "told"),
    [
        (LinearLearnerRegressor(quantile=0.9), "`quantile` .only used with loss='quantile'"),
        (LinearLearnerRegressor("huber", epsilon=1.35), "`epsilon` .*loss='huber' use delta"),
        (LinearLearnerRegressor(delta=2.0), "`delta` .only used with loss='huber'"),
        (LinearLearnerRegressor("poisson", power=1.2), "`power` .only used with loss='tweedie'"),
        (LinearLearnerRegressor("quantile", delta=3.0), "`delta` .only used with loss='huber'"),
        (LinearLearnerClassifier(margin=2.0), "`margin` .*'hinge' or loss='squared_hinge'"),
    ],
)
def test_a_parameter_of_another_loss_is_told(model, told, method):
    y = CLASSES if isinstance(model, LinearLearnerClassifier) else Y
    model = clone(model).set_params(alpha=1.0, tol=0.1)
    with pytest.warns(UserWarning, match=f"does not use {told}") as found:
        getattr(model, method)(X, y)
    assert len(found) == 1 and found[0].filename == __file__
    if method == "partial_fit":
        silent(model.partial_fit, X, y)


def test_beta_is_of_one_criterion():
    model = LinearLearnerClassifier(alpha=1.0, beta=2.0)
    with pytest.warns(UserWarning, match="`beta` .only used with selection_criterion='f_beta'"):
        model.fit(X, CLASSES)
    silent(model.set_params(selection_criterion="f_beta").fit, X, CLASSES)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "quantile", "quantile": 0.9},
        {"loss": "huber", "delta": 2.0},
        {"loss": "squared_epsilon_insensitive", "epsilon": 0.5},
        {"loss": "tweedie", "power": 1.2},
        {"quantile": 0.5, "delta": 1.0, "power": 1.5},
    ],
)
def test_a_loss_s_own_parameter_is_not(options):
    silent(LinearLearnerRegressor(alpha=1.0, **options).fit, X, Y)


def test_products_that_cannot_judge_are_refused_before_they_learn():
    model = LinearLearnerRegressor(n_alphas=4, selection_criterion="absolute_error")
    with pytest.raises(ValueError, match="'loss' or 'squared_error' in partial_fit"):
        model.partial_fit(X, Y)
    assert not hasattr(model, "n_samples_seen_")
    model.set_params(selection_criterion="loss").partial_fit(X, Y)
    known = model.predict(X)
    model.set_params(selection_criterion="absolute_error")
    with pytest.raises(ValueError, match="'loss' or 'squared_error' in partial_fit"):
        model.partial_fit(X, Y)
    model.set_params(selection_criterion="loss")
    assert model.n_samples_seen_ == len(Y)
    np.testing.assert_array_equal(model.predict(X), known)
    one = LinearLearnerRegressor(alpha=1.0, selection_criterion="absolute_error")
    assert one.partial_fit(X, Y).predict(X[:1]).shape == (1,)


def words(n=400, *, n_frequent=20, n_rare=100):
    rng = np.random.default_rng(0)
    frequent = rng.random((n, n_frequent)) < 0.3
    rare = rng.random((n, n_rare)) < 1 / n
    rare[np.arange(n_rare), np.arange(n_rare)] = True
    X = sparse.csr_array(np.hstack([frequent, rare]).astype(float))
    return X, frequent[:, 0] ^ (rng.random(n) < 0.1)


@pytest.mark.parametrize("kind", [LinearLearnerClassifier, LinearLearnerRegressor])
def test_rare_standardised_columns_are_warned_about(kind):
    X, y = words()
    y = y if kind is LinearLearnerClassifier else y + 0.0
    with pytest.warns(
        UserWarning, match="^Most columns of X are filled.*standardize=False$"
    ) as told:
        kind(alpha=0.1).fit(X, y)
    assert len(told) == 1 and told[0].filename == __file__
    silent(kind(alpha=0.1, standardize=False).fit, X, y)
    silent(kind(alpha=0.1).fit, X.toarray(), y)
    silent(kind(alpha=0.1).fit, X[:90], y[:90])


def test_columns_that_are_all_equally_rare_are_not_warned_about():
    codes = np.arange(1000) % 200
    X = sparse.csr_array((np.ones(1000), (np.arange(1000), codes)), shape=(1000, 200))
    silent(LinearLearnerClassifier(alpha=0.1).fit, X, codes > 99)


def test_few_rare_columns_are_not_warned_about():
    X, y = words(n_frequent=60, n_rare=50)
    silent(LinearLearnerClassifier(alpha=0.1).fit, X, y)


@pytest.mark.parametrize("alpha", [0.0, [0.0, 0.0]])
def test_rare_columns_are_not_told_where_nothing_is_penalised(alpha):
    X, y = words()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("error", message=".*standardize")
        LinearLearnerRegressor(alpha=alpha, random_state=0).fit(X, y + 0.0)


def test_rare_columns_are_counted_in_little_memory():
    X = sparse.random_array((20_000, 500), density=0.1, format="csr", random_state=0)
    X.data[::3] = 0
    expected = (X.toarray() != 0).sum(axis=0)
    tracemalloc.start()
    try:
        counts = rare_columns._filled_rows(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(counts, expected)
    assert peak < (X.data.nbytes + X.indices.nbytes) / 4


def test_identities_are_not_taken_for_amounts():
    rng = np.random.default_rng(0)
    people = np.setdiff1d(np.arange(156), 77)
    for labels in (np.repeat(people, 4), rng.choice(np.setdiff1d(np.arange(151), 77), 700)):
        silent(LinearLearnerClassifier(alpha=1.0).fit, rng.normal(size=(len(labels), 2)), labels)


def test_beta_is_used_where_candidates_are_measured_by_it():
    X, y = words(100)
    model = LinearLearnerClassifier(alpha=[0.1, 0.01], beta=2.0, standardize=False, random_state=0)
    silent(model.fit, X, y)
    with pytest.warns(UserWarning, match="does not use `beta`"):
        model.set_params(alpha=0.1).fit(X, y)


def test_integers_of_many_values_are_taken_for_a_regressions_target():
    model = LinearLearnerClassifier(alpha=1.0)
    with pytest.warns(UserWarning, match="214 different integers in 442 rows.*strings") as told:
        model.fit(X, Y.astype(int))
    assert len(told) == 1
    rng = np.random.default_rng(0)
    for labels in (7 * np.repeat(np.arange(101), 5), np.repeat(np.arange(110), 3)):
        rows = rng.normal(size=(len(labels), 2))
        silent(model.fit, rows, labels)  # five rows each, or numbered throughout


def test_few_rows_that_are_to_choose_are_told():
    X, y = load_iris(return_X_y=True)
    model = LinearLearnerClassifier(n_alphas=3, random_state=0, validation_fraction=0.05)
    with pytest.warns(UserWarning, match="holds out 9 of 150 rows") as told:
        model.fit(X, y)
    assert len(told) == 1
    silent(model.set_params(validation_fraction=0.2).fit, X, y)
    silent(model.set_params(validation_fraction="auto").fit, X, y)
