"""Extreme numbers, impossible sizes, errors and warnings."""

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from algos import FactorizationMachineClassifier, FactorizationMachineRegressor
from algos.factorization_machine.centering import Centering
from algos.factorization_machine.rows import Columns, Rows
from algos.factorization_machine.targets import moments_of

SOLVERS = ("mcmc", "als", "adagrad")
KINDS = (FactorizationMachineClassifier, FactorizationMachineRegressor)


def small(kind, solver="auto", **parameters):
    given = {"max_iter": 8, "tol": 0, "random_state": 0, **parameters}
    return kind(given.pop("n_factors", 2), solver=solver, **given)


def products(n=60, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4)).astype(dtype)
    return X, X[:, 0] * X[:, 1] + X[:, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("factor", [2.0**-600, 2.0**600])
def test_a_factor_of_all_weights_that_no_float32_holds(solver, factor, dtype):
    X, y = products(dtype=dtype)
    model = small(FactorizationMachineRegressor, solver, max_iter=40)
    weight = np.random.default_rng(1).integers(1, 4, size=len(y)).astype(float)
    fitted = model.fit(X, y, sample_weight=weight * factor)
    assert np.isfinite(fitted.predict(X)).all()
    assert np.isfinite(fitted.objective_)
    if solver == "mcmc":
        assert fitted.score(X, y) > 0.8


LEVELS = {"loss": "ordered_probit"}
LEARNERS = [
    *((kind, {"solver": solver}) for kind in KINDS for solver in SOLVERS),
    *((FactorizationMachineRegressor, {**LEVELS, "solver": solver}) for solver in SOLVERS[:2]),
]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("exponent", [20, 80, 150])
@pytest.mark.parametrize(("kind", "parameters"), LEARNERS)
def test_a_huge_value_with_tiny_weight_is_learned_without_overflow(kind, parameters, exponent):
    X, y = products()
    is_number = kind is FactorizationMachineRegressor and "loss" not in parameters
    target = y if is_number else np.digitize(y, [0] if "loss" not in parameters else [-1, 1])
    X[:2, :2] *= 10.0**exponent
    weight = np.where(np.arange(len(y)) < 2, 10.0 ** (-2 * exponent), 1.0)
    model = small(kind, max_iter=20, **parameters)
    if parameters["solver"] == "mcmc" and not is_number:
        with pytest.raises(ValueError, match="must be integers"):
            model.fit(X, target, sample_weight=weight)
        return
    model.fit(X, target, sample_weight=weight)
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.coef_).all()


def test_weights_of_pairs_that_overflow_are_refused_clearly():
    X, y = products()
    model = small(FactorizationMachineRegressor, "als", max_iter=40).fit(X * 1e-160, y)
    with pytest.raises(ValueError, match="weight of a pair of columns overflows"):
        model.top_interactions()
    with pytest.raises(ValueError, match="weight of a pair of columns overflows"):
        model.interaction(0, 1)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_models_larger_than_memory_are_refused_before_they_are_allocated(kind, solver):
    X, y = products()
    target = y > 0 if kind is FactorizationMachineClassifier else y
    with pytest.raises(MemoryError, match="lower `n_factors`"):
        small(kind, solver, n_factors=10**9).fit(X, target)
    with pytest.raises(MemoryError, match="lower `n_factors`"):
        small(kind, solver, n_factors=10**9).partial_fit(X, target)


def test_draws_and_traces_count_as_memory(monkeypatch):
    X, y = products()
    monkeypatch.setattr("algos._common.memory._physical_bytes", lambda: 20_000.0)
    with pytest.raises(MemoryError, match="`n_draws`"):
        small(FactorizationMachineRegressor, "mcmc", max_iter=400).fit(X, y)


@pytest.mark.parametrize(("i", "j"), [(0, 1.7), (None, 0), (0, True), (4, 0), (-5, 0), (0, np.nan)])
def test_columns_of_a_pair_are_ints_or_names(i, j):
    X, y = products()
    model = small(FactorizationMachineRegressor).fit(X, y)
    with pytest.raises(ValueError, match="must be an int from -4 to 3"):
        model.interaction(i, j)
    assert model.interaction(np.int32(-1), 0) == model.interaction(3, 0)


@pytest.mark.parametrize("output", [-1, 3, 1.0, None, True])
def test_an_output_is_the_place_of_a_class(output):
    X, y = products()
    model = small(FactorizationMachineClassifier).fit(X, np.digitize(y, [-1, 1]))
    with pytest.raises(ValueError, match=r"`output`=.* must be an int in \[0, 3\)"):
        model.top_interactions(output=output)
    assert model.top_interactions(output=2)


@pytest.mark.parametrize("begins", ["fit", "partial_fit"])
def test_batches_go_on_with_the_model_that_there_is(begins):
    X, y = products()
    model = getattr(small(FactorizationMachineRegressor), begins)(X, y)
    with pytest.raises(ValueError, match="`n_factors`=5 must be 2, as when"):
        model.set_params(n_factors=5).partial_fit(X, y)
    model.set_params(n_factors=2).partial_fit(X, y)


def test_batches_go_on_with_the_loss_that_there_was():
    X, y = products()
    model = small(FactorizationMachineRegressor, loss="ordered_probit").fit(X, y > 0)
    with pytest.raises(ValueError, match="`loss`='squared_error' must be 'ordered_probit'"):
        model.set_params(loss="squared_error").partial_fit(X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_classes_of_huge_rows_have_probabilities(solver, dtype, n_classes):
    X, y = products(dtype=dtype)
    target = np.digitize(y, [0] if n_classes == 2 else [-1, 1])
    model = small(FactorizationMachineClassifier, solver).fit(X, target)
    huge = X * (np.finfo(dtype).max / 100)
    assert np.isfinite(model.decision_function(huge)).all()
    np.testing.assert_allclose(model.predict_proba(huge).sum(axis=1), 1, rtol=1e-6)
    assert not np.isnan(model.predict_log_proba(huge)).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_predictions_of_huge_rows_are_infinite_where_they_overflow(solver, dtype):
    X, y = products(dtype=dtype)
    model = small(FactorizationMachineRegressor, solver, max_iter=40).fit(X, y)
    one = np.zeros((2, 4), dtype=dtype)
    one[0, :2] = np.finfo(dtype).max / 8
    one[1, 2] = 2.0**100  # no pair: a straight line
    predicted = model.predict(one)
    assert predicted[0] == np.inf
    assert predicted[1] == pytest.approx(2.0**100 * model.coef_[2], rel=1e-3)


def test_levels_of_huge_rows_have_probabilities():
    X, y = products()
    model = small(FactorizationMachineRegressor, loss="ordered_probit")
    for solver in ("mcmc", "als"):
        model.set_params(solver=solver).fit(X, np.digitize(y, [-1, 1]))
        shares = model.predict_level_proba(X * 1e300)
        np.testing.assert_allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize("solver", SOLVERS)
def test_of_huge_weights_ratios_count(solver):
    X, y = products()
    weight = np.random.default_rng(3).integers(1, 5, len(y)).astype(np.float64)
    huge, large = (
        small(FactorizationMachineRegressor, solver).fit(X, y, sample_weight=weight * factor)
        for factor in (2.0**1020, 2.0**600)
    )
    np.testing.assert_allclose(huge.predict(X), large.predict(X), rtol=1e-6)
    huge.partial_fit(X, y, sample_weight=weight * 2.0**1020)
    assert np.isfinite(huge.predict(X)).all()


@pytest.mark.parametrize("solver", ["als", "adagrad"])
def test_classes_of_rows_with_the_largest_and_the_least_weight_are_learned(solver):
    X, y = products()
    weight = np.where(y > 0, np.finfo(np.float64).max, 5e-324)
    model = small(FactorizationMachineClassifier, solver).fit(X, y > 0, sample_weight=weight)
    assert model.predict(X).all()
    model.partial_fit(X, y > 0, sample_weight=weight)
    assert np.isfinite(model.predict_proba(X)).all()


def stream_of_weights(factors):
    """Return a machine that has learned batches whose weights are times these."""
    X, y = products()
    model = small(FactorizationMachineRegressor, "adagrad")
    for part, factor in zip(np.array_split(np.arange(len(y)), len(factors)), factors, strict=True):
        model.partial_fit(X[part], y[part], sample_weight=np.full(len(part), factor))
    return model


@pytest.mark.parametrize("factors", [[1.0, 2.0, 3.0], [4.0, 1.0, 2.0]])
def test_batches_of_huge_weights_count_by_their_ratios(factors):
    X, _ = products()
    usual, huge = (stream_of_weights(np.multiply(factors, s)) for s in (1.0, 2.0**1020))
    np.testing.assert_allclose(huge.predict(X), usual.predict(X), rtol=1e-5)


def test_batches_count_by_their_ratios_where_huge_weights_come_late():
    X, _ = products()
    late = stream_of_weights([1.0, 2.0**700, 2.0**701])
    as_late = stream_of_weights([2.0**-140, 2.0**560, 2.0**561])
    np.testing.assert_allclose(late.predict(X), as_late.predict(X), rtol=1e-5)
    assert stream_of_weights([2.0**1000, 1e-300, 1e-300])._weight_seen > 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_merging_counts_huge_weights_by_their_ratios(solver):
    X, y = products()

    def merged(factor):
        mine, its = (
            small(FactorizationMachineRegressor, solver).fit(
                X[rows], y[rows], sample_weight=np.full(len(y[rows]), weight * factor)
            )
            for rows, weight in ((slice(0, None, 2), 1.0), (slice(1, None, 2), 2.0**60))
        )
        return mine.merge(its)

    # The penalties are nothing beside either.
    huge, large = merged(2.0**960), merged(2.0**590)
    np.testing.assert_allclose(huge.predict(X), large.predict(X), rtol=1e-6)
    np.testing.assert_allclose(huge._targets_seen[1:], large._targets_seen[1:])


@pytest.mark.parametrize("solver", ["als", "adagrad"])
@pytest.mark.parametrize("size", [1e300, 1e-200])
def test_products_of_row_and_class_weights_do_not_overflow(solver, size):
    X, y = products()
    model = small(FactorizationMachineClassifier, solver).set_params(
        class_weight={False: size, True: size}
    )
    model.fit(X, y > 0, sample_weight=np.full(len(y), size))
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.n_samples_seen_ == len(y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_targets_whose_differences_overflow_are_learned(solver):
    X, y = products()
    largest = np.finfo(np.float64).max
    model = small(FactorizationMachineRegressor, solver).fit(X, np.where(y > 0, largest, -largest))
    assert not np.isnan(model.predict(X)).any()
    model.partial_fit(X, np.where(y > 0, -largest, largest))
    assert not np.isnan(model.predict(X)).any()


@pytest.mark.parametrize("solver", SOLVERS)
def test_huge_targets_are_predicted_like_others(solver):
    X, y = products()
    usual, huge = (
        small(FactorizationMachineRegressor, solver).fit(X, y * size).predict(X) / size
        for size in (1.0, 2.0**1017)
    )
    np.testing.assert_allclose(huge, usual, atol=1e-5)


def test_targets_whose_coefficients_overflow_are_refused():
    X, y = products()
    huge = np.where(X[:, 0] > 0.99 * X[:, 0].max(), np.finfo(np.float64).max, 1e300)
    X = np.where(np.arange(X.shape[1]) == 0, X * 1e-3, X)
    model = small(FactorizationMachineRegressor, "als").fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="divide y, or multiply X, by a power of ten"):
        model.fit(X, huge)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("solver", SOLVERS)
def test_columns_so_small_that_coefficients_overflow_are_refused(solver):
    X, y = products()
    model = small(FactorizationMachineRegressor, solver, max_iter=20)
    with pytest.raises(ValueError, match=r"deviation of 1.2e\+299 and a column .* 9.1e-11; divide"):
        model.fit(X * 1e-10, y * 1e299)
    near = model.fit(X * 1e-10, y * 1e296)
    assert np.isfinite(near.coef_).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_huge_columns_and_huge_targets_have_the_usual_coefficients(solver):
    X, y = products()
    usual, huge = (
        small(FactorizationMachineRegressor, solver).fit(X * size, y * size).coef_
        for size in (1.0, 2.0**1020)
    )
    np.testing.assert_allclose(huge, usual, rtol=1e-4, atol=1e-5)


FAR = [
    {"learning_rate_init": 1e80},
    {"learning_rate_linear": 1e300},
    {"learning_rate_intercept": 1e300},
    {"initial_accumulator_value": 1e300},
    {"init_scale": 1e300},
    {"init_intercept": 1e300},
    {"init_linear_scale": 1e300, "init_linear": "normal"},
]
# Numbers of numpy warn of an overflow.
FAR_OF_TARGETS = [
    {"alpha": np.float64(1e250)},
    {"init_scale": np.float64(1e280)},
    {"init_intercept": np.float64(1e300)},
    {"init_linear_scale": np.float64(1e280), "init_linear": "normal"},
]
RATES_OF_STEPS = ("learning_rate_init", "learning_rate_linear", "initial_accumulator_value")
far_parameters = pytest.mark.parametrize("far", FAR, ids=lambda far: next(iter(far)))


def refusal_of(far):
    (name, value), *_ = far.items()
    return rf"`{name}`={re.escape(repr(value))} makes the model overflow; lower it"


@far_parameters
@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_by_which_the_model_overflows_is_named(kind, far):
    X, y = products()
    y = y if kind is FactorizationMachineRegressor else y > 0
    is_of_all = next(iter(far)) in ("init_scale", "init_linear_scale")
    for solver in SOLVERS if is_of_all else ["adagrad"]:
        with pytest.raises(ValueError, match=refusal_of(far)):
            small(kind, solver, **far).fit(X, y)
    machine = small(kind, **far)
    with pytest.raises(ValueError, match=refusal_of(far)):
        machine.partial_fit(X, y)
    assert vars(machine) == machine.get_params()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("deviation", [1e-100, 1e-300])
@pytest.mark.parametrize("far", FAR_OF_TARGETS, ids=lambda far: next(iter(far)))
def test_only_a_parameter_far_in_the_unit_of_targets_is_named(far, deviation):
    X, y = products()
    model = small(FactorizationMachineRegressor, "als", **far)
    with pytest.raises(ValueError, match=refusal_of(far)):
        model.fit(X, y * deviation)
    if "alpha" not in far:  # that has a largest in streams
        with pytest.raises(ValueError, match=refusal_of(far)):
            clone(model).partial_fit(X, y * deviation)
    else:
        assert np.isfinite(clone(model).partial_fit(X, y * deviation).predict(X)).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_refusal_names_no_parameter_that_the_solver_does_not_use(solver):
    model = small(FactorizationMachineRegressor).fit(*products())
    used = solver == "adagrad"
    for far in (True, False):
        model.set_params(**dict.fromkeys(RATES_OF_STEPS, 1e80 if far else 1.0))
        error = str(model._overflow_error(model._settings(Columns(4)), solver))
        assert any(f"`{name}`" in error for name in RATES_OF_STEPS) == used


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    "wide",
    [
        {"init_scale": 10.0},
        {"init_scale": 1e3},
        {"init_intercept": -1e6},
        {"init_linear_scale": 1e4, "init_linear": "constant"},
    ],
)
def test_levels_are_sampled_from_scores_far_from_the_cut_points(wide):
    X, y = products()
    levels = np.digitize(y, [-1, 1])
    model = small(FactorizationMachineRegressor, "mcmc", loss="ordered_probit", **wide)
    model.set_params(burn_in=4).fit(X, levels)
    np.testing.assert_allclose(model.predict_level_proba(X).sum(axis=1), 1)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    "wide",
    [
        {"init_scale": 70},
        {"init_intercept": 1e6},
        {"init_linear": "constant", "init_linear_scale": 1e4},
    ],
    ids=lambda wide: next(iter(wide)),
)
def test_levels_are_learned_by_als_from_scores_far_from_the_cut_points(wide):
    X = np.random.default_rng(0).normal(size=(80, 5))
    y = X[:, 0] * X[:, 1] + X[:, 2]
    levels = np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    far = {"n_factors": 3, "max_iter": 30, "loss": "ordered_probit", **wide}
    model = small(FactorizationMachineRegressor, "als", **far)
    assert np.isfinite(model.fit(X, levels).predict(X)).all()


def test_levels_are_learned_from_a_wide_start():
    X, y = products()
    levels = np.digitize(y, [-1, 1])
    model = small(FactorizationMachineRegressor, "mcmc", loss="ordered_probit", init_scale=10.0)
    model.set_params(max_iter=300, burn_in=200).fit(X, levels)
    assert model.score(X, levels) > 0.8


@pytest.mark.parametrize("rate", ["init", "linear", "intercept"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_by_which_the_model_overflows_changes_nothing(kind, rate):
    X, y = products()
    y = y if kind is FactorizationMachineRegressor else y > 0
    stream, other = (small(kind).partial_fit(X, y) for _ in range(2))
    far = {f"learning_rate_{rate}": 1e80}
    with pytest.raises(ValueError, match=refusal_of(far)):
        stream.set_params(**far).partial_fit(X, y)
    stream.set_params(**other.get_params())
    for one in (stream, other):
        one.partial_fit(X, y)
    np.testing.assert_array_equal(stream.predict(X), other.predict(X))


def test_initial_values_of_columns_not_yet_seen_do_not_overflow():
    with pytest.raises(ValueError, match=r"`init_scale`=1e\+300 makes"):
        FactorizationMachineRegressor(2, init_scale=1e300).partial_fit(np.zeros((2, 3)), [1, 2])


@pytest.mark.parametrize("name", ["alpha", "alpha_linear", "alpha_intercept"])
def test_penalties_beyond_float32_are_clipped_in_a_stream(name):
    X, y = products()
    huge, large = (
        small(FactorizationMachineRegressor, **{name: penalty}).partial_fit(X, y)
        for penalty in (1e300, 1e35)
    )
    np.testing.assert_array_equal(huge.predict(X), large.predict(X))


@pytest.mark.parametrize("size", [1e-10, 1e-100])
def test_a_batch_whose_coefficients_overflow_changes_nothing(size):
    X, y = products()
    model = small(FactorizationMachineRegressor)
    with pytest.raises(ValueError, match="multiply X, by a power of ten"):
        model.partial_fit(X * size, y * (1e300 * size) * 1e10)
    assert "_stream" not in vars(model)
    model.partial_fit(X * size, y * (1e300 * size))
    before = model.predict(X * size)
    state = {name: np.copy(value) for name, value in model._stream.items()}
    with pytest.raises(ValueError, match="multiply X, by a power of ten"):
        model.partial_fit(X * size, y * (1e300 * size) * 1e10)
    assert {name: np.copy(value).tolist() for name, value in model._stream.items()} == {
        name: value.tolist() for name, value in state.items()
    }
    np.testing.assert_array_equal(model.predict(X * size), before)


@pytest.mark.parametrize("size", [2.0**-1000, 2.0**1020])
def test_levels_of_any_size_are_predicted_alike(size):
    X, y = products()
    levels = np.digitize(y, [-1, 1]) - 1.0
    usual, other = (
        small(FactorizationMachineRegressor, loss="ordered_probit").fit(X, levels * factor)
        for factor in (1.0, size)
    )
    # The solver sees levels by number, but rows go in an order by their content.
    assert usual.levels_.tolist() == (other.levels_ / size).tolist()
    predicted, spread = other.predict(X, return_std=True)
    shares = other.predict_level_proba(X)
    expected = shares @ usual.levels_
    deviation = np.sqrt(np.maximum(shares @ usual.levels_**2 - expected**2, 0))
    np.testing.assert_allclose(predicted / size, expected, atol=1e-12)
    np.testing.assert_allclose(spread / size, deviation, atol=1e-6)


def test_deviations_of_huge_targets_are_finite():
    X, y = products()
    model = small(FactorizationMachineRegressor, "mcmc").fit(X, y * 1e200)
    assert np.isfinite(model.predict(X, return_std=True)[1]).all()


@pytest.mark.parametrize("solver", ["als", "adagrad"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_descent_that_is_cut_short_is_warned_of(kind, solver):
    X, y = products()
    target = y > 0 if kind is FactorizationMachineClassifier else y
    with pytest.warns(ConvergenceWarning, match=r"after 3 iterations .* above tol=1e-09; raise"):
        small(kind, solver, max_iter=3, tol=1e-9).fit(X, target)
    small(kind, solver, max_iter=100, tol=0.3).fit(X, target)


@pytest.mark.parametrize(
    ("solver", "parameters", "words"),
    [
        ("mcmc", {"alpha": 3.0}, r"'mcmc' does .* `alpha` \(only used with solver='als' or"),
        (
            "auto",
            {"initial_accumulator_value": 0.2},
            r"'mcmc' of 'auto' .* `initial_accumulator_value` .* solver='adagrad'\);",
        ),
        ("als", {"burn_in": 2, "batch_size": 9}, r"`burn_in` .* solver='mcmc'\), `batch_size`"),
        ("adagrad", {"feature_groups": [0, 0, 1, 1]}, r"`feature_groups` .* solver='mcmc'\)"),
        ("als", {"init_linear_scale": 0.1}, r"`init_linear_scale` .* another `init_linear`\)"),
        ("mcmc", {"tol": 1e-9}, r"`tol` .* solver='als' or solver='adagrad'\)"),
    ],
)
def test_parameters_that_a_solver_does_not_use_are_warned_of(solver, parameters, words):
    X, y = products()
    model = small(FactorizationMachineRegressor, solver, max_iter=30)
    with pytest.warns(UserWarning, match=words):
        model.set_params(**parameters).fit(X, y)
    model.partial_fit(X, y)


def test_parameters_that_a_loss_does_not_use_are_warned_of():
    X, y = products()
    groups = np.arange(len(y)) % 4
    ranking = small(FactorizationMachineClassifier, loss="bpr")
    with pytest.warns(UserWarning, match=r"`early_stopping` \(only used with another loss"):
        ranking.set_params(early_stopping=True).fit(X, y > 0, groups=groups)
    with pytest.warns(UserWarning, match=r"`n_draws` \(only used with another loss"):
        ranking.set_params(early_stopping="auto", n_draws=3).fit(X, y > 0, groups=groups)
    with pytest.warns(UserWarning, match=r"`item_features` \(only used with loss='bpr'"):
        small(FactorizationMachineClassifier, item_features=[0]).fit(X, y > 0)
    levels = small(FactorizationMachineRegressor, loss="ordered_probit", learning_rate_init=0.2)
    with pytest.warns(UserWarning, match=r"`learning_rate_init` \(only used with another loss\)"):
        levels.fit(X, y > 0)


@pytest.mark.parametrize("name", ["alpha_intercept", "learning_rate_intercept"])
def test_losses_without_an_intercept_warn_of_its_parameters(name):
    X, y = products()
    words = rf"`{name}` \(only used with another loss\)"
    with pytest.warns(UserWarning, match=words):
        ranking = small(FactorizationMachineClassifier, loss="bpr", **{name: 0.9})
        ranking.fit(X, y > 0, groups=np.arange(len(y)) % 4)
    with pytest.warns(UserWarning, match=words):
        small(FactorizationMachineRegressor, "als", loss="ordered_probit", **{name: 0.9}).fit(
            X, y > 0
        )


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("solver", ["mcmc", "als"])
def test_exact_solvers_without_early_stopping_warn_of_nothing(solver):
    X, y = products()
    small(FactorizationMachineRegressor, solver, early_stopping=False).fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classes_of_single_precision_bear_weights_beyond_it(dtype):
    X, y = np.array([[1, 1], [1, 0], [0, 1]], dtype=dtype), [0, 1, 1]
    chances = [
        FactorizationMachineClassifier(
            2, solver="als", max_iter=20, tol=0, class_weight=of_class, random_state=0
        )
        .fit(X, y, sample_weight=np.array([1.0, 1.0, 0.5]) * weight)
        .predict_proba(X)
        for weight, of_class in [(1e18, None), (3e38, None), (1e200, {0: 1e100, 1: 1e100})]
    ]
    np.testing.assert_allclose(chances[1:], [chances[0]] * 2, atol=1e-4)


def test_the_spread_of_a_mean_beyond_single_precision_is_infinite():
    X, y = np.zeros((9, 1), dtype=np.float32), np.arange(9) * 1e60
    model = small(FactorizationMachineRegressor, "mcmc").fit(X, y)
    assert model.predict(X, return_std=True)[1].tolist() == [np.inf] * 9


def test_the_threads_of_blas_do_not_change_the_means_of_long_fields():
    n = 30_000
    rng = np.random.default_rng(0)
    indices = np.stack([rng.permutation(n), n + rng.integers(50, size=n)], 1).ravel()
    rows = Rows(np.arange(n + 1) * 2, indices.astype(np.int32), None, n + 50)
    centering = Centering(rows, np.array([0, n, n + 50]))
    machine = 0.5, rng.normal(size=n + 50), rng.normal(size=(n + 50, 8)).astype(np.float32)
    assert len(centering.complete) == 2
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            found.append(centering.centered(*machine))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_threads_of_blas_do_not_change_the_moments_of_many_targets(is_weighted):
    rng = np.random.default_rng(0)
    y, weight = rng.normal(size=50_000), rng.uniform(size=50_000)
    found = set()
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            found.add(moments_of(y, weight if is_weighted else None))
    assert len(found) == 1
