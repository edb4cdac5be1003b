"""The estimators: fits, predictions and errors."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.preprocessing import OneHotEncoder

from algos import FactorizationMachineClassifier, FactorizationMachineRegressor

# Few iterations are enough here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("mcmc", "als", "adagrad")
USERS, ITEMS = 40, 30


def ratings(n=3000, *, noise=0.3, seed=0):
    """One-hot users and items, and ratings of two factors with biases."""
    rng = np.random.default_rng(seed)
    user, item = rng.integers(USERS, size=n), rng.integers(ITEMS, size=n)
    truth = np.random.default_rng(99)
    p, q = truth.normal(size=(USERS, 2)), truth.normal(size=(ITEMS, 2))
    b, c = truth.normal(size=USERS), truth.normal(size=ITEMS)
    y = 3 + b[user] + c[item] + (p[user] * q[item]).sum(axis=1) + noise * rng.normal(size=n)
    X = sparse.csr_array(
        (np.ones(2 * n), np.stack([user, USERS + item], 1).ravel(), np.arange(n + 1) * 2),
        shape=(n, USERS + ITEMS),
    )
    return X, y, user, item


def regressor(**parameters):
    small = {"n_factors": 4, "max_iter": 40, "random_state": 0, "alpha": "auto"}
    return FactorizationMachineRegressor(**{**small, **parameters})


def classifier(**parameters):
    small = {"n_factors": 4, "max_iter": 40, "random_state": 0}
    return FactorizationMachineClassifier(**{**small, **parameters})


@pytest.mark.parametrize("parameters", [{"solver": "mcmc"}, {"solver": "als", "alpha": 0.5}])
def test_planted_factors_are_found(parameters):
    X, y, *_ = ratings()
    test, truth, *_ = ratings(1000, seed=1)
    assert regressor(**parameters).fit(X, y).score(test, truth) > 0.95


def test_steps_find_planted_factors():
    X, y, *_ = ratings()
    test, truth, *_ = ratings(1000, seed=1)
    model = regressor(solver="adagrad", alpha=1e-3, learning_rate_init=0.2, max_iter=100)
    assert model.fit(X, y).score(test, truth) > 0.9


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("labels", [np.array([-1, 1]), np.array(["no", "yes"])])
def test_labels_of_any_kind_are_learned(solver, labels):
    X, y, *_ = ratings()
    target = labels[(y > 3).astype(int)]
    model = classifier(solver=solver).fit(X, target)
    assert model.classes_.tolist() == labels.tolist()
    assert model.score(X, target) > 0.85
    assert model.solver_ == solver


@pytest.mark.parametrize("solver", SOLVERS)
def test_several_classes_have_probabilities_of_sum_one(solver):
    X, y, *_ = ratings()
    target = np.digitize(y, [2, 4])
    model = classifier(solver=solver).fit(X, target)
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert np.array_equal(shares.argmax(axis=1), model.predict(X))
    assert model.factors_.shape == (3, USERS + ITEMS, 4)
    assert model.transform(X).shape == (3000, 12)
    assert len(model.get_feature_names_out()) == 12


@pytest.mark.parametrize("solver", ["als", "adagrad"])
def test_predictions_are_biased_matrix_factorisation_on_one_hot_users_and_items(solver):
    X, y, user, item = ratings()
    model = regressor(solver=solver).fit(X, y)
    b, c = model.coef_[:USERS], model.coef_[USERS:]
    p, q = model.factors_[:USERS], model.factors_[USERS:]
    expected = model.intercept_ + b[user] + c[item] + (p[user] * q[item]).sum(axis=1)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("solver", ["als", "adagrad"])
def test_embeddings_with_scores_rank_items_as_predictions_do(solver):
    X, y, *_ = ratings()
    model = regressor(solver=solver).fit(X, y)
    rows = sparse.identity(USERS + ITEMS, format="csr")
    users, items = rows[:USERS], rows[USERS:]
    of_items = np.c_[model.transform(items), model.predict(items)]
    of_users = np.c_[model.transform(users), np.ones(USERS)]
    pairs = np.add.outer(users.toarray(), np.zeros(ITEMS)).transpose(0, 2, 1).reshape(-1, 70)
    pairs[:, USERS:] = np.tile(np.eye(ITEMS), (USERS, 1))
    found = model.predict(pairs).reshape(USERS, ITEMS)
    ranks = of_users @ of_items.T
    shift = found - ranks
    np.testing.assert_allclose(shift, np.repeat(shift[:, :1], ITEMS, axis=1), atol=1e-4)


def test_interactions_are_products_of_factors_the_largest_first():
    X, y, *_ = ratings()
    model = regressor(solver="als").fit(X, y)
    weights = np.triu(model.factors_ @ model.factors_.T, 1)
    largest = np.sort(np.abs(weights[np.triu_indices(70, 1)]))[::-1][:25]
    top = model.top_interactions(n=25, within_fields=True)
    np.testing.assert_allclose([abs(w) for *_, w in top], largest, rtol=1e-9)
    first, second, weight = top[0]
    assert model.interaction(int(first[1:]), int(second[1:])) == pytest.approx(weight)
    names = [f"c{place}" for place in range(70)]
    found = model.top_interactions(names, n=1, within_fields=True)
    assert found[0][:2] == ("c" + first[1:], "c" + second[1:])


def test_pairs_that_no_row_can_have_are_not_listed():
    X, y, *_ = ratings()
    model = regressor(solver="als").fit(X, y)
    weights = model.factors_[:USERS] @ model.factors_[USERS:].T
    top = model.top_interactions(n=25)
    expected = np.sort(np.abs(weights).ravel())[::-1][:25]
    np.testing.assert_allclose([abs(weight) for *_, weight in top], expected, rtol=1e-9)
    model.partial_fit(X, y)
    assert model.top_interactions(n=25) == model.top_interactions(n=25, within_fields=True)


def test_names_of_columns_name_interactions():
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=["a", "b", "c"])
    model = regressor(solver="als").fit(frame, frame["a"] * frame["b"])
    assert model.top_interactions(n=1)[0][:2] == ("a", "b")
    assert model.interaction("a", "b") == model.interaction(0, 1)
    with pytest.raises(ValueError, match="must be one of the columns"):
        model.interaction("a", "d")


def test_the_spread_of_predictions_narrows_with_data():
    X, y, *_ = ratings()
    few = regressor(max_iter=60).fit(X[:300], y[:300]).predict(X, return_std=True)[1]
    many = regressor(max_iter=60).fit(X, y).predict(X, return_std=True)[1]
    assert many.mean() < 0.7 * few.mean()
    with pytest.raises(ValueError, match="needs the draws of solver='mcmc'"):
        regressor(solver="als").fit(X, y).predict(X, return_std=True)
    first, other = regressor(max_iter=8).fit(X, y), regressor(max_iter=8).fit(X, y)
    with pytest.raises(ValueError, match="without `merge`"):
        first.merge(other).predict(X, return_std=True)


def test_a_fit_to_equal_numbers_is_sure_and_keeps_nothing_of_the_last():
    X, y, *_ = ratings()
    model = regressor(max_iter=8).fit(X, y)
    predicted, spread = model.fit(X, np.full_like(y, 3.0)).predict(X, return_std=True)
    assert np.all(predicted == 3.0) and not spread.any()
    assert not hasattr(model, "hyper_")


def test_no_pairs_cannot_be_asked_for():
    X, y, *_ = ratings()
    with pytest.raises(ValueError, match="`n`=0 must be at least 1"):
        regressor(max_iter=8).fit(X, y).top_interactions(n=0)


def test_ordered_levels_have_probabilities():
    X, y, *_ = ratings()
    stars = np.clip(np.round(y), 1, 5)
    model = regressor(loss="ordered_probit").fit(X, stars)
    shares = model.predict_level_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares @ model.levels_, model.predict(X))
    assert model.score(X, stars) > 0.8
    assert not hasattr(model, "partial_fit")


@pytest.mark.parametrize("solver", SOLVERS)
def test_units_of_columns_and_targets_do_not_matter(solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)) * (rng.random((200, 6)) < 0.5)
    y = X[:, 0] + X[:, 1] * X[:, 2]
    scale = 2.0 ** np.array([-20, 3, 0, 10, 30, -5])
    model = regressor(solver=solver).fit(X, y)
    other = clone(model).fit(X * scale, 1024 * y - 7)
    expected = 1024 * model.predict(X) - 7
    error = np.abs(other.predict(X * scale) - expected)
    # The order of rows, and so all draws, depend on their values.
    assert error.max() < 0.1 * expected.std()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_constant_target_is_predicted_exactly(solver):
    X, *_ = ratings(200)
    assert np.all(regressor(solver=solver).fit(X, np.full(200, 0.1)).predict(X) == 0.1)


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_without_values_get_the_best_constant(solver):
    X = sparse.csr_array((8, 5))
    y = np.array([0, 0, 1, 1, 1, 1, 1, 1])
    assert regressor(solver=solver).fit(X, y).predict(X).tolist() == [0.75] * 8
    np.testing.assert_allclose(classifier(solver=solver).fit(X, y).predict_proba(X)[:, 1], 0.75)


@pytest.mark.parametrize("solver", SOLVERS)
def test_columns_unseen_in_training_have_no_factors(solver):
    X, y, *_ = ratings()
    kept = np.asarray(X[:, :1].todense()).ravel() == 0
    model = regressor(solver=solver).fit(X[kept], y[kept])
    assert not model.factors_[0].any()


@pytest.mark.parametrize("solver", SOLVERS)
def test_ten_million_columns_of_a_hundred_rows_are_no_trouble(solver):
    d, rng = 10**7, np.random.default_rng(0)
    X = sparse.csr_array(
        (np.ones(300), (np.repeat(np.arange(100), 3), rng.integers(d, size=300))), shape=(100, d)
    )
    model = regressor(solver=solver, n_factors=2, max_iter=3).fit(X, rng.normal(size=100))
    assert model.coef_.shape == (d,)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("name", SOLVERS)
def test_warm_start_begins_where_the_last_fit_ended(name):
    X, y, *_ = ratings()
    model = regressor(solver=name, warm_start=True).fit(X, y)
    before = model.history_["objective"][-1]
    model.set_params(max_iter=1).fit(X, y)
    assert model.history_["objective"][0] < 1.5 * before


def test_a_stream_comes_near_a_fit():
    X, y, *_ = ratings()
    stream = regressor(solver="adagrad", alpha=1e-3, learning_rate_init=0.2)
    for _ in range(30):
        for start in range(0, 3000, 500):
            stream.partial_fit(X[start : start + 500], y[start : start + 500])
    assert stream.score(X, y) > 0.9
    assert stream.n_iter_ == 180
    assert stream.n_samples_seen_ > 3000


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_stream_goes_on_from_any_fit(solver):
    X, y, *_ = ratings()
    model = regressor(solver=solver).fit(X, y)
    before = model.score(X, y)
    assert model.partial_fit(X, y).score(X, y) > before - 0.05
    assert model.solver_ == "adagrad"


@pytest.mark.parametrize("solver", SOLVERS)
def test_merge_is_an_average_weighted_by_rows(solver):
    X, y, *_ = ratings()
    a = regressor(solver=solver).fit(X[:2000], y[:2000])
    b = regressor(solver=solver).fit(X[2000:], y[2000:])
    score, intercept = min(a.score(X, y), b.score(X, y)), a.intercept_
    share = b._weight_seen / (a._weight_seen + b._weight_seen)
    a.merge(b)
    assert a.intercept_ == pytest.approx((1 - share) * intercept + share * b.intercept_)
    assert a.score(X, y) > score
    assert a.n_samples_seen_ > b.n_samples_seen_


def test_rankings_put_what_was_chosen_first():
    X, y, user, _ = ratings()
    model = classifier(loss="bpr").fit(X, y > 3, groups=user)
    order = model.decision_function(X)
    positive, negative = order[y > 3].mean(), order[y <= 3].mean()
    assert positive > negative
    with pytest.raises(ValueError, match="`groups` must be"):
        classifier(loss="bpr").fit(X, y > 3)
    with pytest.raises(ValueError, match="`groups` must be"):
        classifier().fit(X, y > 3, groups=user)


def test_rivals_can_come_from_the_catalogue():
    X, y, user, _ = ratings()
    chosen = y > 4
    model = classifier(loss="bpr", item_features=np.arange(USERS, USERS + ITEMS))
    model.fit(X[chosen], np.ones(chosen.sum()), groups=user[chosen])
    scores = model.decision_function(X)
    assert scores[chosen].mean() > scores[~chosen].mean()


def test_validation_rows_can_be_given():
    X, y, *_ = ratings()
    model = regressor(solver="adagrad").fit(X[:2000], y[:2000], X_val=X[2000:], y_val=y[2000:])
    assert np.isfinite(model.history_["validation"]).all()
    with pytest.raises(ValueError, match="must come with `y_val`"):
        regressor().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="must be None without `X_val`"):
        regressor().fit(X, y, y_val=y)


def test_errors_about_validation_rows_name_them():
    X, y, *_ = ratings(200)
    with pytest.raises(ValueError, match="X_val has 5 features"):
        regressor().fit(X, y, X_val=X[:, :5], y_val=y)
    with pytest.raises(ValueError, match="`sample_weight_val`"):
        regressor().fit(X, y, X_val=X, y_val=y, sample_weight_val=-np.ones(len(y)))


def test_solvers_that_do_not_support_the_loss_are_refused():
    X, y, user, _ = ratings(200)
    with pytest.raises(ValueError, match="`solver`='adagrad' must be"):
        regressor(solver="adagrad", loss="ordered_probit").fit(X, np.round(y))
    with pytest.raises(ValueError, match="`solver`='mcmc' must be"):
        classifier(solver="mcmc", loss="bpr").fit(X, y > 3, groups=user)
    with pytest.raises(ValueError, match="must be integers"):
        classifier(solver="mcmc").fit(X, y > 3, sample_weight=np.full(200, 0.3))
    with pytest.raises(ValueError, match="`feature_groups`"):
        regressor(feature_groups=[0, 1]).fit(X, y)


@pytest.mark.parametrize("name", ["num_factors", "epochs", "factors_lr", "bias_wd"])
def test_sagemakers_names_lead_to_ours(name):
    with pytest.raises(TypeError, match=f"no parameter '{name}'; write "):
        FactorizationMachineRegressor(**{name: 1})


def test_titles_and_encoders_of_scikit_learn_go_in():
    shown = np.array([["ann", "up"], ["bob", "up"], ["ann", "jaws"], ["cid", "up"]])
    X = OneHotEncoder(handle_unknown="ignore").fit(shown)
    model = regressor().fit(X.transform(shown), [5, 4, 1, 4.5])
    unknown = model.predict(X.transform([["nobody", "nothing"]]))
    assert unknown[0] == pytest.approx(model.intercept_)


def test_what_ranking_cannot_use_is_refused():
    X = np.eye(6)
    y, groups = np.array([1, 0, 1, 0, 1, 0]), np.array([0, 0, 0, 1, 1, 1])
    ranking = FactorizationMachineClassifier(loss="bpr", max_iter=2)
    with pytest.raises(ValueError, match="X_val"):
        ranking.fit(X, y, groups=groups, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="must have two for loss"):
        ranking.fit(X, groups + y, groups=groups)
    with pytest.raises(ValueError, match="groups"):
        ranking.fit(X, y, groups=np.array(["a", None, "a", 1, 1, 1], dtype=object))
    with pytest.raises(ValueError, match="groups contains NaN"):
        ranking.fit(X, y, groups=np.where(groups, np.nan, 0.0))


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_an_invalid_number_of_pairs_is_refused(n):
    X, y, *_ = ratings(100)
    with pytest.raises(ValueError, match="`n`"):
        regressor(solver="als").fit(X, y).top_interactions(n=n)


def test_labels_of_groups_are_one_for_each_column():
    X, y, *_ = ratings(100)
    with pytest.raises(ValueError, match="`feature_groups` of shape"):
        regressor(solver="mcmc", feature_groups=[0, 1]).fit(X, y)


def test_a_mean_without_columns_is_as_unsure_as_one_with_a_few():
    X, y = np.zeros((50, 3)), np.random.default_rng(0).normal(size=50)
    nothing = regressor(solver="mcmc").fit(X, y).predict(X[:1], return_std=True)[1]
    few = regressor(solver="mcmc").fit(np.eye(50, 3) * 1e-3, y).predict(X[:1], return_std=True)[1]
    np.testing.assert_allclose(nothing, y.std() / np.sqrt(51))
    np.testing.assert_allclose(nothing, few, rtol=0.3)


def test_a_chain_of_classes_begins_wide_enough_to_arrive_soon():
    rng = np.random.default_rng(0)
    codes, factors = rng.integers(40, size=(4000, 6)), rng.normal(size=(6, 40, 2))
    vectors = [factors[field][codes[:, field]] for field in range(6)]
    score = sum((vectors[a] * vectors[b]).sum(axis=1) for a in range(6) for b in range(a))
    X = OneHotEncoder().fit_transform(codes)
    model = classifier(solver="mcmc", max_iter=6).fit(X, score > 0)
    assert model.history_["objective"][-1] < 0.4


@pytest.mark.parametrize("extra", ["nothing", "numbers"])
def test_a_chain_learns_one_rare_column_a_row(extra):
    rng = np.random.default_rng(0)
    levels, effects = rng.integers(500, size=1000), 2 * rng.normal(size=500)
    y = rng.random(1000) < expit(effects[levels])
    X = OneHotEncoder().fit_transform(levels[:, np.newaxis])
    if extra == "numbers":
        X = sparse.hstack([X, rng.normal(size=(1000, 2))]).tocsr()
    model = FactorizationMachineClassifier(solver="mcmc", max_iter=100, random_state=0).fit(X, y)
    assert log_loss(y, model.predict_proba(X)) < 0.55  # of a constant: .69


def test_a_chain_of_numbers_learns_one_rare_column_a_row():
    rng = np.random.default_rng(0)
    levels, effects = rng.integers(1500, size=3000), rng.normal(size=1500)
    X, y = sparse.eye_array(1500, format="csr")[levels], effects[levels] + rng.normal(size=3000)
    model = FactorizationMachineRegressor(random_state=0, max_iter=50).fit(X, y)
    occurs = np.unique(levels)
    assert np.corrcoef(model.coef_[occurs], effects[occurs])[0, 1] > 0.7
    assert model.coef_[occurs].std() > 0.4


def test_a_chain_of_classes_begins_narrow_where_rows_are_dense():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 100))
    y = (X[:, 0] + X[:, 1] + 0.5 * rng.logistic(size=800)) > 0
    model = FactorizationMachineClassifier(8, solver="mcmc", random_state=0).fit(X[:300], y[:300])
    assert log_loss(y[300:], model.predict_proba(X[300:])) < 0.54


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_equal_rows_are_all_counted_and_those_of_weight_zero_are_not(method):
    X, y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 2.0]]), np.array([1.0, 1, 2, 3])
    model = FactorizationMachineRegressor(2, solver="adagrad", max_iter=2, tol=0, random_state=0)
    getattr(model, method)(X, y, sample_weight=[1, 2, 1, 0])
    assert model.n_samples_seen_ == 3


@pytest.mark.parametrize("solver", ["mcmc", "als"])
def test_a_row_alone_has_the_expected_level_that_it_has_in_a_batch(solver):
    X, y, *_ = ratings(300)
    levels = np.digitize(y, np.linspace(0, 6, 8))
    model = regressor(solver=solver, loss="ordered_probit", max_iter=10).fit(X, levels)
    alone = [model.predict(X[[i]])[0] for i in range(50)]
    np.testing.assert_array_equal(alone, model.predict(X)[:50])
