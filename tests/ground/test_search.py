import numpy as np
import pytest
from scipy import stats
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, ParameterSampler, RandomizedSearchCV
from sklearn.pipeline import make_pipeline

import algos
from algos import (
    PCA,
    FactorizationMachineClassifier,
    FactorizationMachineRegressor,
    KMeans,
    LinearLearnerClassifier,
)
from algos._common.params import as_constraints
from algos._common.search import Categorical, Continuous, Integer, SearchSpace
from tests.common.estimators import CASES

OURS = [case for case in CASES if case.is_ours]


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.id)
def test_every_range_is_of_a_parameter_and_within_its_constraint(case):
    estimator = case.default()
    space = estimator.search_space()
    assert space
    for params in ParameterSampler(space, 20, random_state=0):
        estimator.set_params(**params)
        for name, value in params.items():
            constraints = as_constraints(type(estimator)._parameters[name])
            assert any(each.accepts(value) for each in constraints), name


def test_numbers_are_drawn_evenly_over_their_scale():
    rng = np.random.RandomState(0)
    linear = [Continuous(2, 6).rvs(rng) for _ in range(2000)]
    assert stats.kstest(linear, stats.uniform(2, 4).cdf).pvalue > 0.001
    log = [Continuous(1e-4, 10, log=True).rvs(rng) for _ in range(2000)]
    assert stats.kstest(log, stats.loguniform(1e-4, 10).cdf).pvalue > 0.001
    assert min(log) >= 1e-4 and max(log) <= 10


@pytest.mark.parametrize("log", [False, True])
def test_integers_reach_both_ends_and_no_farther(log):
    rng = np.random.RandomState(0)
    drawn = [Integer(1, 6, log=log).rvs(rng) for _ in range(2000)]
    counts = np.bincount(drawn, minlength=7)
    assert counts[0] == 0 and len(counts) == 7
    if log:
        shares = np.log((np.arange(1, 7) + 0.5) / (np.arange(1, 7) - 0.5)) / np.log(13)
    else:
        shares = np.full(6, 1 / 6)
    assert stats.chisquare(counts[1:], 2000 * shares).pvalue > 0.001


def test_choices_keep_their_type():
    drawn = {Categorical((None, "balanced")).rvs(np.random.RandomState(s)) for s in range(20)}
    assert drawn == {None, "balanced"}


def test_ranges_follow_the_solver():
    assert "learning_rate_init" not in LinearLearnerClassifier().search_space()
    assert "learning_rate_init" in LinearLearnerClassifier(solver="sgd").search_space()
    assert "alpha" in FactorizationMachineRegressor(solver="als").search_space()


DESCENT = {"solver": "adagrad", "init_linear": "normal"}
FM = "FactorizationMachineRegressor"
# SageMaker's tunable numbers, where there is a parameter for them: class, what an instance gets
# so that it uses the parameter, our name, and SageMaker's range.
SAGEMAKERS = [
    ("LinearLearnerRegressor", {}, "alpha", 1e-7, 1),
    ("LinearLearnerRegressor", {"solver": "sgd"}, "learning_rate_init", 1e-5, 1),
    ("LinearLearnerRegressor", {"solver": "sgd"}, "batch_size", 100, 5000),
    ("LatentDirichletAllocation", {"learning_method": "spectral"}, "alpha0", 0.1, 10),
    ("LatentDirichletAllocation", {}, "n_components", 1, 150),
    *((FM, {"solver": s}, "alpha", 1e-8, 512) for s in ("als", "adagrad")),
    *((FM, {"solver": s}, "alpha_linear", 1e-8, 512) for s in ("als", "adagrad")),
    *((FM, {"solver": s}, "alpha_intercept", 1e-8, 512) for s in ("als", "adagrad")),
    *((FM, {"solver": s}, "max_iter", 1, 1000) for s in ("als", "adagrad")),
    (FM, DESCENT, "batch_size", 100, 10_000),
    *((FM, DESCENT, f"learning_rate_{of}", 1e-8, 512) for of in ("init", "linear", "intercept")),
    (FM, DESCENT, "init_scale", 1e-8, 512),
    (FM, DESCENT, "init_linear_scale", 1e-8, 512),
    ("RandomCutForest", {}, "max_samples", 1, 2048),
    ("RandomCutForest", {}, "n_estimators", 50, 1000),
    ("DeepARForecaster", {}, "max_iter", 1, 1000),
    ("DeepARForecaster", {}, "context_length", 1, 200),
    ("DeepARForecaster", {}, "batch_size", 32, 1028),
    ("DeepARForecaster", {}, "learning_rate_init", 1e-5, 1e-1),
    ("DeepARForecaster", {}, "hidden_size", 30, 200),
    ("DeepARForecaster", {}, "n_layers", 1, 8),
    ("DeepARForecaster", {}, "dropout", 0, 0.2),
    ("DeepARForecaster", {}, "embedding_dimension", 1, 50),
]
# Those that are narrower on purpose, as `search_space` says.
NARROWER = {
    **dict.fromkeys(("learning_rate_init", "learning_rate_linear"), (1e-4, 1)),
    **dict.fromkeys(("learning_rate_intercept",), (1e-4, 1)),
    **dict.fromkeys(("init_scale", "init_linear_scale"), (1e-3, 1)),
    "max_samples": (2, 2048),
}


@pytest.mark.parametrize(("kind", "parameters", "name", "low", "high"), SAGEMAKERS)
def test_a_space_has_sagemakers_ranges_or_narrower_ones_on_purpose(
    kind, parameters, name, low, high
):
    found = getattr(algos, kind)(**parameters).search_space()[name]
    is_narrower = kind in (FM, "RandomCutForest") and name in NARROWER
    assert (found.low, found.high) == (NARROWER[name] if is_narrower else (low, high))


def test_a_space_has_only_what_the_fit_looks_at():
    assert "extra_center_factor" not in KMeans().search_space()  # `partial_fit` looks at it
    assert "init_linear_scale" not in FactorizationMachineRegressor().search_space()
    ranker = FactorizationMachineClassifier(loss="bpr", solver="adagrad").search_space()
    assert "learning_rate_linear" in ranker
    assert not {"alpha_intercept", "learning_rate_intercept"} & set(ranker)


def test_a_change_of_a_space_stays_its_own():
    space = KMeans().search_space()
    del space["init"]
    assert "init" in KMeans().search_space()


def test_randomized_and_halving_searches_take_a_space():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 5)), rng.integers(2, size=200)
    learner = LinearLearnerClassifier(random_state=0)
    for search in (
        RandomizedSearchCV(learner, learner.search_space(), n_iter=3, cv=2, random_state=0),
        HalvingRandomSearchCV(
            learner, learner.search_space(), n_candidates=4, cv=2, random_state=0
        ),
    ):
        assert 1e-7 <= search.fit(X, y).best_params_["alpha"] <= 1


def test_a_space_is_prefixed_for_a_step_of_a_pipeline():
    X = np.random.default_rng(0).normal(size=(100, 6))
    pipeline = make_pipeline(PCA(), KMeans(n_clusters=3, random_state=0))
    space = PCA().search_space().prefixed("pca") | KMeans().search_space().prefixed("kmeans")
    search = RandomizedSearchCV(pipeline, space, n_iter=2, cv=2, random_state=0).fit(X)
    assert set(search.best_params_) == set(space)


def test_an_optuna_trial_suggests_what_the_ranges_allow():
    class Trial:  # the three methods of optuna.trial.Trial that a space calls
        def suggest_float(self, name, low, high, *, log=False):
            return high if log else low

        def suggest_int(self, name, low, high, *, log=False):
            return high if log else low

        def suggest_categorical(self, name, choices):
            return choices[-1]

    space = SearchSpace(
        a=Continuous(0, 1), b=Continuous(1, 2, log=True), c=Integer(3, 4), d=Categorical(("x", "y"))
    )
    assert space.suggest(Trial()) == {"a": 0, "b": 2, "c": 3, "d": "y"}


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.id)
def test_a_study_of_optuna_draws_what_the_estimator_takes(case):
    optuna = pytest.importorskip("optuna", reason="optuna draws the parameters")
    estimator = case.default()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        params = estimator.search_space().suggest(study.ask())
        estimator.set_params(**params)
        for name, value in params.items():
            constraints = as_constraints(type(estimator)._parameters[name])
            assert any(each.accepts(value) for each in constraints), name


def test_lists_and_distributions_of_scipy_may_replace_ranges_for_optuna():
    optuna = pytest.importorskip("optuna", reason="optuna draws the parameters")
    space = SearchSpace(a=Continuous(0, 1))
    space |= {"b": [1, 2, 3], "c": [{0: 1}, {0: 2}], "d": stats.loguniform(1e-3, 1)}
    space["e"] = stats.randint(4, 6)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(10):
        params = space.suggest(study.ask())
        assert 0 <= params["a"] <= 1
        assert params["b"] in (1, 2, 3)
        assert params["c"] in ({0: 1}, {0: 2})
        assert 1e-3 <= params["d"] <= 1
        assert params["e"] in (4, 5) and type(params["e"]) is int
    with pytest.raises(TypeError, match="the search space's entry 'f'=3 must be a range"):
        SearchSpace(f=3).suggest(study.ask())


def test_the_best_parameters_of_a_study_are_the_values_or_cannot_be_taken_for_them():
    optuna = pytest.importorskip("optuna", reason="optuna draws the parameters")
    space = SearchSpace(alpha=stats.loguniform(1e-3, 1), l1_ratio=stats.uniform(0.25, 0.5))
    space |= {"max_iter": stats.randint(4, 6), "tol": stats.gamma(2, scale=1e-3)}
    space["class_weight"] = [{0: 1}, {0: 2}]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: space.suggest(trial)["alpha"], n_trials=3)
    best, params = study.best_params, space.suggest(optuna.trial.FixedTrial(study.best_params))
    assert set(params) == set(space)
    assert set(best) - set(space) == {"tol (quantile)", "class_weight (index)"}
    assert all(best[name] == params[name] for name in ("alpha", "l1_ratio", "max_iter"))
    assert best["alpha"] == study.best_value
    with pytest.raises(ValueError, match=r"(?s)^Invalid parameter 'tol \(quantile\)'.*FixedTrial"):
        LinearLearnerClassifier().set_params(**best)


class Chooser:
    """The least or the largest number, as a trial of optuna chooses it."""

    def __init__(self, is_least):
        self.is_least = is_least

    def suggest_float(self, name, low, high, *, log=False):
        return low if self.is_least else high

    suggest_int = suggest_float


@pytest.mark.parametrize("values", [stats.randint(5, 20), stats.binom(7, 0.5), stats.poisson(3)])
def test_discrete_distributions_give_ints_of_their_support_at_both_ends(values):
    for is_least in (True, False):
        (chosen,) = SearchSpace(n=values).suggest(Chooser(is_least)).values()
        assert type(chosen) is int
        assert values.pmf(chosen) > 0
        if np.isfinite(values.support()[1 - is_least]):
            assert chosen == values.support()[1 - is_least]


class Quantile(Chooser):
    """A given share of the way from the least to the largest number."""

    def __init__(self, share):
        self.share = share

    def suggest_float(self, name, low, high, *, log=False):
        if log:
            return low * (high / low) ** self.share
        return low + self.share * (high - low)


@pytest.mark.parametrize(
    "values",
    [
        stats.loguniform(1e-3, 1e2, loc=5),
        stats.loguniform(1e-3, 1e2, 5, 2),
        stats.loguniform(a=1e-3, b=1e2, scale=2),
        stats.loguniform(1e-3, b=1e2),
        stats.uniform(5, scale=2),
    ],
)
def test_ranges_are_chosen_only_for_distributions_that_are_equal(values):
    for share in (0.1, 0.5, 0.9):
        params = SearchSpace(a=values).suggest(Quantile(share))
        assert params["a"] == pytest.approx(values.ppf(share))


@pytest.mark.parametrize(
    "values",
    [
        stats.rv_discrete(values=([0.1, 0.5], [0.5, 0.5])),
        stats.poisson(3, loc=0.5),
        stats.randint(3, 7, loc=0.5),
    ],
)
def test_discrete_distributions_of_other_numbers_are_not_truncated(values):
    for share in (0.2, 0.5, 0.9):
        chosen = SearchSpace(a=values).suggest(Quantile(share))["a"]
        assert chosen == values.ppf(share)


def test_the_ends_of_unbounded_distributions_are_finite():
    for is_least in (True, False):
        params = SearchSpace(a=stats.norm(0, 1), b=stats.expon()).suggest(Chooser(is_least))
        assert all(map(np.isfinite, params.values()))


def test_joined_and_copied_spaces_are_spaces():
    one, other = SearchSpace(a=Continuous(0, 1)), {"b": [1, 2]}
    for space in (one | other, other | one, one.copy()):
        assert type(space) is SearchSpace
    assert set(one | other) == {"a", "b"}
    assert set(one) == {"a"}
