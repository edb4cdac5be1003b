"""Recommenders: one-hot users and items, new users and items, and vectors to search."""

import numpy as np
import pytest
from scipy import sparse

from algos import FactorizationMachineClassifier, FactorizationMachineRegressor

# Few iterations are enough here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_USERS, N_ITEMS, N_KINDS = 60, 40, 4


def one_hot(codes, size):
    """Return rows with one 1 each, or none for codes below 0."""
    codes = np.asarray(codes)
    return sparse.eye_array(size + 1, size, dtype=np.float64, format="csr")[
        np.where(codes < 0, size, codes)
    ]


@pytest.fixture(scope="module")
def ratings():
    """Users, items and ratings, which mostly depend on known kinds of users and items."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(N_KINDS, size=N_USERS), rng.integers(N_KINDS, size=N_ITEMS)
    likes = 1.5 * rng.normal(size=(N_KINDS, N_KINDS))
    user, item = rng.integers(N_USERS, size=2500), rng.integers(N_ITEMS, size=2500)
    y = 3 + likes[kinds[0][user], kinds[1][item]] + 0.3 * rng.normal(size=2500)
    return user, item, kinds, y


def pairs(user, item):
    return sparse.hstack([one_hot(user, N_USERS), one_hot(item, N_ITEMS)], format="csr")


@pytest.mark.parametrize("solver", ["als", "adagrad"])
def test_one_hot_pairs_are_factorised_with_biases(ratings, solver):
    user, item, _, y = ratings
    model = FactorizationMachineRegressor(3, solver=solver, random_state=0)
    model.fit(pairs(user, item), y)
    w, V = model.coef_, model.factors_.astype(np.float64)
    item = N_USERS + item
    factorised = model.intercept_ + w[user] + w[item] + (V[user] * V[item]).sum(axis=1)
    np.testing.assert_allclose(model.predict(pairs(user, item - N_USERS)), factorised, rtol=1e-5)


@pytest.mark.parametrize("solver", ["mcmc", "als", "adagrad"])
def test_a_column_that_was_never_seen_adds_nothing(ratings, solver):
    user, item, _, y = ratings
    known = user != 7
    model = FactorizationMachineRegressor(3, solver=solver, max_iter=20, random_state=0)
    model.fit(pairs(user, item)[known], y[known])
    assert model.coef_[7] == 0
    assert not model.factors_[7].any()
    items = np.arange(N_ITEMS)
    np.testing.assert_array_equal(
        model.predict(pairs(np.full(N_ITEMS, 7), items)),
        model.predict(pairs(np.full(N_ITEMS, -1), items)),
    )


@pytest.mark.parametrize("held_out", ["users", "items"])
def test_side_columns_predict_ratings_of_new_users_and_items(ratings, held_out):
    user, item, kinds, y = ratings
    new = (user if held_out == "users" else item) % 5 == 0
    side = sparse.hstack(
        [
            pairs(user, item),
            one_hot(kinds[0][user], N_KINDS),
            one_hot(kinds[1][item], N_KINDS),
        ],
        format="csr",
    )
    errors = {}
    for name, X in (("biases alone", pairs(user, item)), ("side columns", side)):
        model = FactorizationMachineRegressor(4, random_state=0, max_iter=100)
        model.fit(X[~new], y[~new])
        errors[name] = np.sqrt(np.mean((model.predict(X[new]) - y[new]) ** 2))
    assert errors["side columns"] < 0.5 * errors["biases alone"]


@pytest.mark.parametrize("solver", ["als", "adagrad"])
def test_extended_embeddings_rank_items_as_scores_do(ratings, solver):
    user, item, kinds, y = ratings
    side = one_hot(kinds[1], N_KINDS)  # an item's row has two columns, whose pair counts too
    X = sparse.hstack([pairs(user, item), side[item]], format="csr")
    model = FactorizationMachineRegressor(3, solver=solver, random_state=0).fit(X, y)

    def rows(users, items):
        return sparse.hstack([pairs(users, items), side[items]], format="csr")

    items, nobody = np.arange(N_ITEMS), np.full(N_ITEMS, -1)
    item_rows = rows(nobody, items)
    user_rows = sparse.hstack(
        [pairs(np.arange(N_USERS), np.full(N_USERS, -1)), sparse.csr_array((N_USERS, N_KINDS))],
        format="csr",
    )
    vectors = np.c_[model.transform(item_rows), model.predict(item_rows)]
    queries = np.c_[model.transform(user_rows), np.ones(N_USERS)]
    scores = np.array([model.predict(rows(np.full(N_ITEMS, u), items)) for u in range(N_USERS)])
    own = model.predict(user_rows) - model.intercept_
    np.testing.assert_allclose(queries @ vectors.T + own[:, None], scores, rtol=1e-5, atol=1e-5)


def test_items_are_named_by_numbers_mask_or_names():
    rng = np.random.default_rng(2)
    user, item = rng.integers(N_USERS, size=200), rng.integers(N_ITEMS, size=200)
    X = pairs(user, item)
    numbers = np.arange(N_USERS, N_USERS + N_ITEMS)
    mask = np.isin(np.arange(N_USERS + N_ITEMS), numbers)

    def factors(X, named):
        model = FactorizationMachineClassifier(
            2, loss="bpr", item_features=named, max_iter=2, tol=0, random_state=0
        )
        return model.fit(X, np.ones(200), groups=user).factors_

    by_number = factors(X, numbers)
    assert np.array_equal(factors(X, mask), by_number)
    pd = pytest.importorskip("pandas", reason="names are those of a data frame")
    frame = pd.DataFrame(X.toarray(), columns=[f"c{j}" for j in range(X.shape[1])])
    assert np.array_equal(factors(frame, frame.columns[mask].tolist()), by_number)
    with pytest.raises(ValueError, match="'age' must hold names of columns of X"):
        factors(frame, ["c1", "age"])
    assert np.array_equal(factors(X, numbers - X.shape[1]), by_number)  # from the end
    for named in ([], [True], [-1 - X.shape[1]], [X.shape[1]], ["c1"], mask & False):
        with pytest.raises(ValueError, match="`item_features` must be the columns"):
            factors(X, named)


def test_rankings_find_what_was_held_out():
    rng = np.random.default_rng(1)
    kinds = rng.integers(N_KINDS, size=N_USERS), rng.integers(N_KINDS, size=N_ITEMS)
    taken = (kinds[0][:, None] == kinds[1]) & (rng.random((N_USERS, N_ITEMS)) < 0.6)
    user, item = np.nonzero(taken)
    model = FactorizationMachineClassifier(
        4, loss="bpr", item_features=np.arange(N_USERS, N_USERS + N_ITEMS), random_state=0
    ).fit(pairs(user, item), np.ones(len(user)), groups=user)
    every = pairs(np.repeat(np.arange(N_USERS), N_ITEMS), np.tile(np.arange(N_ITEMS), N_USERS))
    scores = model.decision_function(every).reshape(N_USERS, N_ITEMS)
    alike = (kinds[0][:, None] == kinds[1]) & ~taken
    other = kinds[0][:, None] != kinds[1]
    means = [(scores[u][alike[u]].mean(), scores[u][other[u]].mean()) for u in range(N_USERS)
             if alike[u].any()]  # fmt: skip
    assert np.mean([first > second for first, second in means]) > 0.9


@pytest.mark.parametrize(
    ("n_classes", "remedy"), [(1, "give `item_features`"), (3, "group them into two")]
)
def test_rankings_need_two_classes(n_classes, remedy):
    X = np.eye(6)
    model = FactorizationMachineClassifier(2, loss="bpr", random_state=0)
    with pytest.raises(ValueError, match=remedy):
        model.fit(X, np.arange(6) % n_classes, groups=np.zeros(6))
