"""What "auto" stood for is told, and given in its place makes the same fit."""

import inspect

import numpy as np
import pytest

from algos import (
    PCA,
    DeepARForecaster,
    FactorizationMachineClassifier,
    FactorizationMachineRegressor,
    KMeans,
    LatentDirichletAllocation,
    LinearLearnerClassifier,
    LinearLearnerRegressor,
)
from algos._common.automatic import keep_automatic
from tests.common.estimators import (
    assert_close,
    assert_same_bits,
    cases_where,
    outputs,
)
from tests.common.recorder import Recorder, needs_callbacks

# What is no value of the parameter, but a rule: PCA's adaptive passes, a prior that is learned,
# folds in place of a fraction, a forest's threshold; or is not looked at in `fit`.
RULES = {
    "PCA": {"iterated_power"},
    "LatentDirichletAllocation": {"total_samples", "doc_topic_prior"},
    "LinearLearnerClassifier": {"validation_fraction"},
    "LinearLearnerRegressor": {"validation_fraction"},
}
OF_ADAGRAD = {
    *("learning_rate_init", "learning_rate_linear", "learning_rate_intercept", "batch_size"),
    *("initial_accumulator_value", "early_stopping", "alpha", "alpha_linear", "n_iter_no_change"),
}
UNUSED = {
    "mcmc": OF_ADAGRAD,
    "als": (OF_ADAGRAD - {"alpha", "alpha_linear"}) | {"burn_in", "feature_groups"},
    "adagrad": {"burn_in", "feature_groups"},
}


def automatic(estimator):
    return {name for name, value in estimator.get_params().items() if isinstance(value, str)
            and value == "auto"}  # fmt: skip


def tells_choices(case):
    return case.is_ours and case.kind.__name__ != "RandomCutForest"


telling = cases_where(tells_choices)


def unused(estimator):
    """Return what a fit with parameters at "auto" did not look at."""
    rules = set(RULES.get(type(estimator).__name__, ()))
    if type(estimator).__name__.startswith("Factorization"):
        return rules | UNUSED[estimator.solver_]
    if type(estimator).__name__.startswith("Linear") and estimator.solver_ != "sgd":
        return rules | {"learning_rate_init", "batch_size"}
    if hasattr(estimator, "learning_method_") and estimator.auto_params_["init"] != "spectral":
        return rules | {"alpha0"}
    if type(estimator).__name__ == "DeepARForecaster":
        return rules | {"embedding_dimension"}  # without categories
    if isinstance(estimator, PCA):
        return rules | {"power_iteration_normalizer"}
    return rules


@telling
def test_a_fit_tells_what_each_automatic_parameter_stood_for(case):
    estimator = case.fitted()
    expected = automatic(estimator) - unused(estimator)
    assert set(estimator.auto_params_) - {"validation_fraction"} == expected
    for name, value in estimator.auto_params_.items():
        constraints = type(estimator)._parameters[name]
        assert any(one is not None and one.accepts(value) for one in constraints), name
    if "solver" in estimator.auto_params_:
        assert estimator.auto_params_["solver"] == estimator.solver_


def values_are_all(case):
    """Tell where the values alone make the fit.

    A kept alpha is one of a pack, whose fit has others beside it; the penalties of stochastic
    steps to numbers follow the errors; and what has the unit of y is rounded on its way.
    """
    is_packed = case.kind.__name__.startswith("Linear") and "alpha" not in case.parameters
    return tells_choices(case) and not is_packed and case.kind is not FactorizationMachineRegressor


@cases_where(values_are_all)
def test_the_values_given_in_place_of_auto_make_the_same_fit(case):
    X = case.rows()
    estimator = case.fitted(X)
    explicit = case.make(**estimator.auto_params_).fit(X, case.target(X))
    assert explicit.auto_params_ == {}
    assert_same_bits(outputs(explicit, X), outputs(estimator, X))


@pytest.mark.parametrize("solver", ["mcmc", "als"])
def test_the_values_of_numbers_make_the_same_fit_up_to_rounding(solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = 7 * (X @ np.arange(1.0, 6)) + X[:, 0] * X[:, 1] + 3
    made = FactorizationMachineRegressor(4, solver=solver, max_iter=4, tol=0, random_state=0)
    made.fit(X, y)
    values = made.auto_params_
    again = FactorizationMachineRegressor(
        4, solver=solver, max_iter=4, tol=0, random_state=0, **values
    )
    assert again.fit(X, y).auto_params_ == {}
    assert_close({"y": again.predict(X)}, {"y": made.predict(X)}, np.float32)


def test_spectral_topics_tell_the_sum_of_the_prior_they_were_found_for():
    rng = np.random.default_rng(0)
    topics, mixtures = rng.dirichlet(np.full(40, 0.1), 3), rng.dirichlet(np.full(3, 0.3), 500)
    X = rng.multinomial(60, mixtures @ topics)
    made = LatentDirichletAllocation(3, init="spectral", random_state=0).fit(X)
    told = made.auto_params_
    assert told["learning_method"] == made.learning_method_ and told["max_iter"] == made.n_iter_
    assert 0.3 < told["alpha0"] < 2.7
    again = LatentDirichletAllocation(3, init="spectral", random_state=0, **told).fit(X)
    np.testing.assert_allclose(again.components_, made.components_, rtol=0.05, atol=2)


def test_stochastic_steps_tell_rate_and_rows_of_a_step():
    X = np.random.default_rng(0).normal(size=(300, 4))
    y = X.sum(axis=1)
    parameters = {"alpha": 0.01, "solver": "sgd", "random_state": 0, "init": "normal"}
    learner = LinearLearnerRegressor(**parameters).fit(X, y)
    assert learner.auto_params_ == {
        "learning_rate_init": 0.05, "batch_size": 1000, "init_scale": 0.01,
    }  # fmt: skip
    again = LinearLearnerRegressor(**parameters, **learner.auto_params_).fit(X, y)
    assert_same_bits(outputs(again, X), outputs(learner, X))


def test_a_share_of_validation_rows_is_told_where_there_are_no_folds():
    X = np.random.default_rng(0).normal(size=(5000, 3))
    many = LinearLearnerRegressor().fit(X, X[:, 0])
    assert many.auto_params_["validation_fraction"] == 0.1
    few = LinearLearnerRegressor().fit(X[:200], X[:200, 0])
    assert "validation_fraction" not in few.auto_params_


def test_a_rate_that_was_tried_is_told():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 5))
    y = X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=800) > 0
    parameters = {"n_factors": 4, "solver": "adagrad", "random_state": 0}
    made = FactorizationMachineClassifier(**parameters).fit(X, y)
    assert made.auto_params_["learning_rate_init"] in (0.2, 0.1, 0.05)
    assert made.auto_params_["early_stopping"] is True
    again = FactorizationMachineClassifier(**parameters, **made.auto_params_).fit(X, y)
    assert_same_bits(outputs(again, X), outputs(made, X))


def test_bounds_of_k_means_are_told_by_the_name_that_asks_for_them():
    X = np.random.default_rng(0).normal(size=(5000, 30))
    made = KMeans(100, init="random", n_init=1, max_iter=3, random_state=0).fit(X)
    name = made.auto_params_["algorithm"]
    assert name == made.algorithm_
    again = KMeans(100, init="random", n_init=1, max_iter=3, random_state=0, algorithm=name)
    assert_same_bits(outputs(again.fit(X), X), outputs(made, X))
    assert again.algorithm_ == made.algorithm_


def test_verbose_prints_one_line_of_them(capsys):
    X = np.random.default_rng(0).normal(size=(50, 2))
    KMeans(3, verbose=1, random_state=0).fit(X)
    lines = [line for line in capsys.readouterr().out.splitlines() if "auto: " in line]
    assert lines == ["[KMeans] auto: n_init=1, algorithm='lloyd'"]


def test_a_normaliser_is_told_for_a_number_of_power_iterations():
    X = np.random.default_rng(0).normal(size=(50, 8))
    pca = PCA(2, svd_solver="randomized", iterated_power=4, random_state=0).fit(X)
    assert pca.auto_params_ == {"power_iteration_normalizer": "LU"}


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.array([1, 2, 24], dtype=np.int32), "[1, 2, 24]"),
        (np.array([0.1, 1 / 3]), "[0.1, 0.333333]"),
        (np.arange(1, 13), "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]"),
        (np.arange(1, 41), "[1, 2, 3, 4, 5, 6, …, 40] (40 values)"),
        (np.arange(40) % 3, "array of 3 labels"),
    ],
)
def test_verbose_prints_arrays_as_what_they_are(values, shown, capsys):
    model = KMeans(verbose=1, init="auto")  # any parameter will do
    keep_automatic(model, {"init": values})
    assert f"auto: init={shown}\n" in capsys.readouterr().out
    assert not np.shares_memory(model.auto_params_["init"], values)


class Choices(Recorder):
    """Keeps the choices of each copy of an estimator that is shown."""

    def __init__(self):
        super().__init__()
        self.taken = []

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        super().on_fit_task_end(estimator, context)
        for shown in (estimator, fitted_estimator):
            self.taken.append(getattr(shown, "auto_params_", {}))


@needs_callbacks
@telling
def test_callbacks_are_shown_no_choices_of_the_fit_before(case):
    X = case.rows()
    estimator = case.fitted(X)
    estimator.auto_params_ = before = {"of": "the fit before"}
    choices = Choices()
    estimator.set_callbacks(choices).fit(X, case.target(X))
    assert choices.taken and before not in choices.taken
    assert "of" not in estimator.auto_params_


@needs_callbacks
def test_callbacks_are_shown_the_choices_of_a_forecaster():
    choices = Choices()
    model = DeepARForecaster(4, hidden_size=4, max_iter=2, n_batches=2).set_callbacks(choices)
    model.fit(np.random.default_rng(0).normal(size=(3, 40)))
    assert len(choices.taken) == 6  # two epochs, and the fit
    for taken in choices.taken[1:4:2]:
        assert_same_bits(taken, model.auto_params_)


@needs_callbacks
def test_callbacks_are_shown_the_choices_of_topics():
    choices = Choices()
    model = LatentDirichletAllocation(3, random_state=0).set_callbacks(choices)
    model.fit(np.random.default_rng(0).poisson(1, (50, 30)))
    of_copies = choices.taken[1::2][:-1]
    assert len(of_copies) == model.n_iter_
    assert all(taken == model.auto_params_ for taken in of_copies)


def test_a_fit_that_fails_keeps_the_choices_of_the_one_before():
    X = np.random.default_rng(0).normal(size=(50, 2))
    model = KMeans(3, random_state=0).fit(X)
    before = model.auto_params_
    with pytest.raises(ValueError):
        model.fit(X[:2])
    assert model.auto_params_ is before


@telling
def test_the_attribute_is_described(case):
    assert "auto_params_ : dict" in inspect.getdoc(case.kind)


def test_weights_of_classes_that_were_tried_are_told():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 4))
    y = np.where(X[:, 0] + rng.normal(size=4000) > 1.8, "few", "most")
    parameters = {"alpha": 0.01, "selection_criterion": "f_beta", "random_state": 0}
    made = LinearLearnerClassifier(class_weight="auto", **parameters).fit(X, y)
    told = made.auto_params_["class_weight"]
    power = made.candidates_["class_weight_power"][made.best_index_]
    counts = {label: np.sum(y == label) for label in ("few", "most")}
    assert told == pytest.approx({k: (2000 / n) ** power for k, n in counts.items()})
    again = LinearLearnerClassifier(class_weight=told, **parameters).fit(X, y)
    np.testing.assert_allclose(again.coef_, made.coef_, rtol=1e-5)


def test_streams_tell_what_auto_stood_for():
    X = np.random.default_rng(0).normal(size=(400, 3))
    clusters = KMeans(5, random_state=0)
    assert clusters.partial_fit(X[:200]).auto_params_ == {"n_init": 10, "algorithm": "lloyd"}
    clusters.fit(X)
    assert clusters.auto_params_["n_init"] == 1
    assert clusters.partial_fit(X[:200]).auto_params_["n_init"] == 10
    learner = LinearLearnerClassifier(random_state=0).partial_fit(X, X[:, 0] > 0)
    assert learner.auto_params_ == {
        "alpha": learner.alpha_, "solver": "sgd", "learning_rate_init": 0.05,
    }  # fmt: skip
    machine = FactorizationMachineRegressor(2, init_scale=0.1, random_state=0)
    assert machine.fit(X, X[:, 0]).auto_params_["solver"] == "mcmc"
    told = machine.partial_fit(X, X[:, 0]).auto_params_
    assert told["solver"] == "adagrad" and told["learning_rate_init"] == 0.05
    assert "init_scale" not in told and "max_iter" not in told


def test_a_stream_told_in_place_of_auto_is_the_same():
    X = np.random.default_rng(0).normal(size=(400, 3))
    made = FactorizationMachineClassifier(2, random_state=0).partial_fit(X, X[:, 0] > 0)
    again = FactorizationMachineClassifier(2, random_state=0, **made.auto_params_)
    assert_same_bits(outputs(again.partial_fit(X, X[:, 0] > 0), X), outputs(made, X))
    assert again.auto_params_ == {}
