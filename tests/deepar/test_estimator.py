"""The estimator: shapes, its methods, warm starts, and routing."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from algos import DeepARForecaster
from algos.deepar.encoding import fit_panel
from algos.deepar.likelihoods import LIKELIHOODS
from algos.deepar.model import Model
from algos.deepar.panel import Panel
from algos.deepar.parameters import decay_of, settings_of
from algos.deepar.state import _train_settings
from algos.deepar.training import TrainState
from algos.deepar.training_batches import (
    PanelWork,
    held_back,
    held_out_check,
    steps_held_back,
    with_spread,
)
from tests.common.estimators import assert_same_bits, learned
from tests.deepar.series import able, plain_loss, seasonal, small

all_likelihoods = pytest.mark.parametrize("likelihood", LIKELIHOODS)


def suited(X, likelihood):
    """Return series of the kind that a likelihood is for."""
    if likelihood == "beta":
        return X / (1.1 * X.max(axis=1, keepdims=True))
    return np.rint(X) if likelihood in ("negative_binomial", "poisson") else X


@all_likelihoods
def test_results_have_the_documented_shapes(likelihood):
    X = suited(seasonal(5, 40), likelihood)
    model = small(likelihood=likelihood).fit(X)
    assert model.predict(X).shape == model.predict().shape == (5, 4)
    assert model.predict(X, horizon=9).shape == (5, 9)
    assert model.predict_quantiles(X, (0.1, 0.5)).shape == (5, 2, 4)
    assert model.predict_quantiles().shape == (5, 9, 4)
    assert model.sample(X, 7).shape == (5, 7, 4)
    assert model.sample(X, horizon=3).shape == (5, 20, 3)
    assert model.embed(X).shape == model.embed().shape == (5, 8)
    assert np.isfinite(model.score(X))


@all_likelihoods
def test_paths_lie_where_the_likelihood_has_values(likelihood):
    X = suited(seasonal(5, 40), likelihood)
    paths = small(likelihood=likelihood).fit(X).sample(X, horizon=30)
    assert np.all(np.isfinite(paths))
    if likelihood in ("negative_binomial", "poisson"):
        assert np.all((paths >= 0) & (paths == np.rint(paths)))
    if likelihood == "beta":
        assert np.all((paths >= 0) & (paths <= 1))
    if likelihood == "deterministic_l1":
        assert np.all(paths == paths[:, :1])


def test_without_X_the_series_of_fit_go_on():
    X = seasonal(5, 40)
    model = small(freq="h").fit(X, start="2026-01-01")
    for other in (X, list(X), np.hstack([np.full((5, 3), np.nan), X, np.full((5, 2), np.nan)])):
        earlier = 3 if np.ndim(other) and len(other[0]) > 40 else 0
        start = np.datetime64("2026-01-01", "h") - np.timedelta64(earlier, "h")
        assert_same_bits(model.sample(), model.sample(other, start=start))
    assert_same_bits(model.predict(horizon=50), model.predict(X, horizon=50, start="2026-01-01"))


def test_the_mean_and_quantiles_are_those_of_the_paths():
    model = small().fit(seasonal(5, 40))
    paths = model.sample(n_samples=20)
    np.testing.assert_allclose(model.predict(), paths.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(model.predict(output="median"), np.median(paths, axis=1))
    expected = np.quantile(paths, [0.2, 0.9], axis=1).transpose(1, 0, 2)
    np.testing.assert_allclose(model.predict_quantiles(quantiles=[0.2, 0.9]), expected)


def test_the_first_paths_of_many_are_those_of_few():
    model = small().fit(seasonal(5, 40))
    assert_same_bits(model.sample(n_samples=50)[:, :7], model.sample(n_samples=7))
    assert_same_bits(model.sample(horizon=9)[:, :, :4], model.sample(horizon=4))


def test_other_series_and_their_order_change_no_path():
    X = seasonal(9, 40)
    model = small().fit(X)
    paths = model.sample(X)
    order = np.random.default_rng(0).permutation(9)
    assert_same_bits(model.sample(X[order]), paths[order])
    assert_same_bits(model.sample(X[3:4]), paths[3:4])


def test_another_random_state_gives_other_paths_and_an_int_the_same():
    model = small().fit(seasonal(5, 40))
    paths = model.sample(random_state=3)
    assert_same_bits(model.sample(random_state=3), paths)
    assert np.all(model.sample() != paths)


def test_the_score_is_the_loss_of_the_last_steps():
    X = seasonal(5, 40)
    model = small().fit(X)
    found = model.predict_quantiles(X[:, :-4])
    expected = plain_loss(X[:, -4:], found, model.quantiles)
    assert model.score(X) == pytest.approx(-expected, rel=1e-6)
    X[2, -2] = np.nan  # what is not known is not scored
    assert np.isfinite(model.score(X))


def test_a_backtest_scores_each_origin():
    X = seasonal(5, 60)
    model = small().fit(X[:, :40])
    result = model.backtest(X, n_windows=3, stride=2)
    assert result.origins.tolist() == [8, 6, 4]
    assert result.forecast.shape == (3, 5, 9, 4)
    assert result.truth.shape == (3, 5, 4)
    assert result.loss[-1] == -model.score(X)
    assert result.loss[0] == -model.score(X[:, :-4])
    assert_same_bits(result.forecast[1], model.predict_quantiles(X[:, :-6]))
    np.testing.assert_allclose(result.truth[2], X[:, -4:], rtol=1e-6)
    assert np.all(np.diff(result.coverage, axis=1) >= 0)


def test_a_weight_in_a_backtest_is_how_often_a_series_counts():
    X = seasonal(5, 60)
    model = small().fit(X[:, :40])
    found = model.backtest(X, n_windows=2, sample_weight=[2, 0, 1, 1, 0])
    repeated = model.backtest(X[[0, 0, 2, 3]], n_windows=2)
    np.testing.assert_allclose(found.loss, repeated.loss)
    np.testing.assert_allclose(found.coverage, repeated.coverage)
    assert found.forecast.shape == (2, 5, 9, 4)
    with pytest.raises(ValueError, match="sample_weight"):
        model.backtest(X, sample_weight=[1.0, 2.0])


def test_windows_before_all_series_are_refused_and_those_of_missing_values_have_no_loss():
    X = seasonal(3, 10)
    model = small().fit(X)
    with pytest.raises(ValueError, match=r"`n_windows`=4 of 4 steps, .* more than 12 .* has 10"):
        model.backtest(X, n_windows=4)
    assert np.isfinite(model.backtest(X, n_windows=3).loss).all()
    X[:, 2:6] = np.nan
    assert np.isnan(model.backtest(X, n_windows=2).loss).tolist() == [True, False]


def test_a_warm_start_continues():
    X = seasonal(5, 40)
    model = small(warm_start=True).fit(X)
    first = learned(model)
    model.fit(X)
    assert model.n_iter_ == 4
    assert np.all(np.diff(model.history_["seconds"]) >= 0)
    assert model.history_["objective"][:2].tolist() == first["history_"]["objective"].tolist()
    with pytest.raises(ValueError, match=r"`hidden_size`=5 must be 8, .*; set it back"):
        model.set_params(hidden_size=5).fit(X)
    assert model.set_params(warm_start=False).fit(X).n_iter_ == 2


@pytest.mark.parametrize("goes_on", ["fit", "partial_fit"])
def test_a_warm_start_accepts_the_value_of_auto(goes_on):
    X, towns = seasonal(5, 40), [["a"], ["b"], ["a"], ["b"], ["c"]]
    found = []
    for is_given in (False, True):
        model = small(warm_start=True).fit(X, static_categorical=towns)
        auto = dict.fromkeys(model.auto_params_, "auto")
        given = {**model.auto_params_, "early_stopping": False, "context_length": 6}
        if is_given:
            model.set_params(**given)
        getattr(model, goes_on)(X, static_categorical=towns)
        model.set_params(**auto)  # and back
        found.append(getattr(model, goes_on)(X, static_categorical=towns).predict())
    assert_same_bits(*found)
    lags = model.lags_.tolist()
    with pytest.raises(ValueError, match=r"`lags`=.* must be 'auto', as when"):
        getattr(model.set_params(lags=lags[:-1]), goes_on)(X, static_categorical=towns)


def test_a_context_of_none_is_as_long_as_the_forecast_also_in_a_warm_start():
    X = seasonal(5, 40)
    model = small(warm_start=True, context_length=None).fit(X)
    assert model.set_params(context_length=4).fit(X).n_iter_ == 4
    with pytest.raises(ValueError, match="`context_length`=5 must be None"):
        model.set_params(context_length=5).fit(X)


def test_learning_in_parts_is_one_epoch_each():
    X = seasonal(5, 40)
    model = small().partial_fit(X)
    assert model.n_iter_ == 1
    model.partial_fit(X[:2, :30])
    assert model.n_iter_ == 2
    assert model.predict().shape == (2, 4)  # the series of the last call go on


def test_best_iter_is_the_epoch_that_predicts():
    X = seasonal(6, 60)
    assert small(max_iter=3).fit(X).best_iter_ == 3
    model = small(max_iter=8, early_stopping=True, learning_rate_init=0.05, n_batches=20).fit(X)
    assert model.best_iter_ == 1 + np.argmin(model.history_["validation"])


@pytest.mark.parametrize(
    "parameters", [{"context_length": 10**12}, {"batch_size": 10**12}, {"hidden_size": 10**6}]
)
def test_too_much_memory_is_refused_before_learning(parameters):
    with pytest.raises(MemoryError, match=f"needs .* lower .*`{next(iter(parameters))}`"):
        small(**parameters).fit(seasonal(5, 40))


def test_forecasts_that_do_not_fit_into_memory_are_refused():
    model = small().fit(seasonal(5, 40))
    with pytest.raises(MemoryError, match=r"needs .* lower `horizon`"):
        model.predict(horizon=2**70)
    with pytest.raises(MemoryError, match=r"needs .* lower `n_samples`"):
        model.set_params(n_samples=10**12).predict()


def test_a_warm_start_needs_no_future_covariates():
    X, ahead = seasonal(5, 40), np.random.default_rng(0).normal(size=(5, 2, 44))
    given = {"dynamic_real": ahead[:, :, :40], "start": "2026-01-01"}
    for model in (small(freq="D", warm_start=True), small(freq="D")):
        model.fit(X, **given)
        goes_on = model.fit if model.warm_start else model.partial_fit
        goes_on(X, **given)
        expected = model.predict(X, start="2026-01-01", dynamic_real=ahead)
        np.testing.assert_array_equal(model.predict(dynamic_real=ahead), expected)
        with pytest.raises(ValueError, match=r"must have the shape \(5, 2, 4\)"):
            model.predict()
        with pytest.raises(ValueError, match="`X` must hold at least one observed value"):
            model.partial_fit(
                [[np.nan], []], dynamic_real=[np.ones((2, 1))] * 2, start=given["start"]
            )


def test_few_values_shrink_weights_more_by_default():
    auto, given = (settings_of(small(weight_decay=decay)) for decay in ("auto", 0.3))
    found = [decay_of(auto, n, 0) for n in (0, 20_000, 40_000, 200_000, 10**9)]
    assert found == pytest.approx([1.0, 1.0, 0.5, 0.1, 0.1])
    assert decay_of(auto, 10**9, 1) == 1
    assert decay_of(given, 0, 1) == decay_of(given, 10**9, 0) == 0.3


def test_missing_values_do_not_count_as_values():
    X = np.random.default_rng(0).normal(size=(50, 1000))
    X[:, 100:500] = np.nan
    panel, _ = fit_panel(X, likelihood="gaussian")
    assert panel.n_values == 30_000
    assert _train_settings(settings_of(small()), 1, panel, 0).weight_decay == pytest.approx(2 / 3)


def test_a_diverging_rate_is_named_before_series():
    refused = pytest.raises(
        ValueError, match=r"`learning_rate_init`=1e\+30 must be .* write 0\.003"
    )
    warned = pytest.warns(RuntimeWarning, match="lower `learning_rate_init`, or check .* series")
    with refused, warned:
        small(learning_rate_init=1e30, max_iter=30).fit(seasonal(5, 40))


@pytest.mark.parametrize("likelihood", ["student_t", "gaussian"])
def test_counts_that_are_mostly_zero_need_a_distribution_of_counts(likelihood):
    X = np.random.default_rng(0).poisson(0.3, (8, 60))
    with pytest.warns(UserWarning, match=r"counts of which 7\d% are 0.*negative_binomial"):
        small(likelihood=likelihood).fit(X)
    small(likelihood=likelihood).fit(np.where(X, X - 0.5, X))  # no counts
    small(likelihood=likelihood).fit(X + 1)
    small(likelihood="poisson").fit(X)


@pytest.mark.parametrize("likelihood", ["negative_binomial", "poisson"])
def test_fractions_need_a_distribution_of_real_values(likelihood):
    X = np.random.default_rng(0).poisson(3, (8, 60)).astype(float)
    X[:, :3] = np.nan
    small(likelihood=likelihood).fit(X)
    X[2, 5:8] = 0.25
    with pytest.warns(UserWarning, match=r"456 values of which 3 are not whole .*'student_t'"):
        small(likelihood=likelihood).fit(X)


def test_early_stopping_records_the_validation_loss():
    X = seasonal(10, 60)
    parameters = {"early_stopping": True, "max_iter": 6, "n_iter_no_change": 1, "tol": 10.0}
    assert small(**parameters).fit(X[:9]).n_iter_ == 2
    model = small(**parameters).fit(X)
    assert model.n_iter_ == 3  # one to begin with, one that waits, and one at lower rates
    rates = model.history_["learning_rate"]
    assert rates[2] < 0.15 * rates[1]
    assert np.all(np.isfinite(model.history_["validation"]))
    assert np.all(np.isnan(small().fit(X).history_["validation"]))


def test_a_warm_start_returns_to_full_rates():
    X = seasonal(10, 60)
    model = small(early_stopping=True, max_iter=6, n_iter_no_change=1, tol=10.0, warm_start=True)
    n_first = model.fit(X).n_iter_
    del model._progress["n_falls"]  # a pickle from before there were falls has none
    rates = model.set_params(n_iter_no_change=10).fit(X).history_["learning_rate"]
    assert rates[n_first] > 5 * rates[n_first - 1]


def test_lags_go_as_far_back_as_two_in_five_steps_can_look():
    for n_times, last in ((82, 49), (81, 48)):
        model = small(freq="h").fit(seasonal(4, n_times), start="2026-01-01")
        assert model.lags_[-1] == last


def test_an_instance_of_random_state_gives_other_fits():
    X = seasonal(5, 40)
    rng = np.random.RandomState(0)
    model = small(random_state=rng)
    first = model.fit(X).predict()
    assert np.any(model.fit(X).predict() != first)
    assert_same_bits(model.predict(), model.predict())


def test_float32_rows_give_float32_results():
    X = seasonal(5, 40).astype(np.float32)
    model = small().fit(X)
    for found in (model.predict(), model.predict(X), model.sample(list(X)), model.embed(X)):
        assert found.dtype == np.float32
    assert model.predict(X.astype(np.float64)).dtype == np.float64


def test_float32_columns_of_arrow_give_float32_results():
    pa = pytest.importorskip("pyarrow", reason="makes the tables")
    X = seasonal(5, 40).astype(np.float32)
    table = pa.table({f"t{i}": column for i, column in enumerate(X.T)})
    model = small().fit(table)
    assert model.predict().dtype == model.predict(table).dtype == np.float32
    mixed = table.set_column(0, "t0", pa.array(X[:, 0].astype(np.float64)))
    assert model.predict(mixed).dtype == np.float64


def test_writing_to_lags_does_not_change_forecasts():
    model = small().fit(seasonal(5, 40))
    expected = model.predict()
    model.auto_params_["lags"][:] = 9
    assert model.lags_[0] == 1
    model.lags_[:] = 9
    assert_same_bits(model.predict(), expected)


def test_parameters_may_change_between_fit_and_forecast():
    X = seasonal(5, 40)
    model = small().fit(X)
    expected = model.predict()
    model.set_params(prediction_length=9, hidden_size=3, likelihood="poisson", lags=[5])
    assert_same_bits(model.predict(), expected)
    model.set_params(n_samples="many")
    with pytest.raises(ValueError, match="`n_samples`='many' must be"):
        model.predict()


def test_covariates_are_routed_through_cross_validation():
    X = seasonal(12, 40)
    rng = np.random.default_rng(0)
    given = {
        "static_categorical": rng.integers(3, size=12),
        "static_real": rng.normal(size=(12, 2)),
        "dynamic_real": rng.normal(size=(12, 1, 40)),
        "start": np.full(12, np.datetime64("2026-01-01")),
    }
    names = dict.fromkeys(given, True)
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(freq="D").set_fit_request(**names).set_score_request(**names)
        scores = cross_val_score(model, X, cv=3, params=given)
        assert np.all(np.isfinite(scores))
        search = GridSearchCV(model, {"hidden_size": [2, 8]}, cv=2).fit(X, **given)
    assert search.best_estimator_.score(X, **given) < 0


def test_weights_of_series_are_routed_through_a_pipeline():
    X = seasonal(12, 40)
    weight = np.arange(12.0)
    starts = np.full(12, np.datetime64("2026-01-01"))
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(freq="D").set_fit_request(start=True)
        model.set_score_request(start=True, sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(np.log1p), model).fit(X, start=starts)
        scores = [
            pipeline.score(X, start=starts),
            pipeline.score(X, sample_weight=weight, start=starts),
        ]
        given = {"start": starts, "sample_weight": weight}
        assert np.all(np.isfinite(cross_val_score(pipeline, X, cv=2, params=given)))
    fitted, logs = pipeline[-1], np.log1p(X)
    expected = [
        fitted.score(logs, start=starts),
        fitted.score(logs, start=starts, sample_weight=weight),
    ]
    assert scores == expected
    assert scores[0] != scores[1]


def test_a_fitted_forecaster_is_pickled_and_cloned():
    model = small(freq="h").fit(seasonal(5, 40), start="2026-01-01")
    assert_same_bits(pickle.loads(pickle.dumps(model)).sample(), model.sample())
    with pytest.raises(NotFittedError):
        clone(model).predict()


def test_names_of_other_libraries_are_answered():
    with pytest.raises(TypeError, match="no parameter 'num_cells'; write hidden_size"):
        DeepARForecaster(num_cells=40)
    with pytest.raises(TypeError, match=r"no parameter 'horizon'; write prediction_length, or"):
        DeepARForecaster(horizon=12)
    with pytest.raises(
        ValueError, match="did you mean DeepARForecaster\\(likelihood='student_t'\\)"
    ):
        small(likelihood="student-T").fit(seasonal(3, 20))


def test_no_warning_comes_of_gaps_and_constants():
    X = seasonal(6, 40)
    X[0] = 0
    X[1] = 7.5
    X[2, 5:30] = np.nan
    X[3, :38] = np.nan
    X[4] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small().fit(X)
        assert np.all(np.isfinite(model.predict()))


def test_a_step_with_a_nan_loss_is_skipped_with_a_warning(monkeypatch):
    X = seasonal(5, 40)
    expected = small().fit(X)
    gradient = PanelWork.gradient

    def spoiled(work, weights, number, out):
        loss, weight = gradient(work, weights, number, out)
        return (np.nan if number == 3 else loss), weight

    monkeypatch.setattr(PanelWork, "gradient", spoiled)
    monkeypatch.setattr(PanelWork, "culprits", lambda *arguments: [2])
    with pytest.warns(RuntimeWarning, match=r"epoch 1: steps were left out .* series 2$"):
        model = small().fit(X)
    assert np.all(np.isfinite(model.predict()))
    assert np.any(model.predict() != expected.predict())


def test_the_series_without_a_finite_loss_are_named():
    X = seasonal(5, 40)
    model = small()
    model.fit(X)
    found = Model.from_plain(model._model)
    panel = Panel(**model._panel)
    places = np.array([10, 11, 12, 13, 14])
    work = PanelWork(panel, found, settings_of(model), model._key, 1, places)
    weights = model._weights.copy()
    assert work.culprits(weights, 0) == []
    weights[:] = np.nan
    assert set(work.culprits(weights, 0)) <= set(places.tolist())


def gradient_of(model, context_weight):
    """Return (gradient, loss, weight) of a batch with that weight of contexts."""
    panel, found = Panel(**model._panel), Model.from_plain(model._model)
    settings = settings_of(clone(model).set_params(context_weight=context_weight))
    work = PanelWork(panel, found, settings, model._key, 1, np.arange(len(panel)))
    gradient = np.empty_like(model._weights)
    loss, weight = work.gradient(model._weights, 0, gradient)
    return gradient, loss, weight


def test_context_weight_scales_the_loss_of_contexts():
    X = seasonal(5, 40)
    model = small(max_iter=1).fit(X)
    gradients, losses, weights = zip(*(gradient_of(model, w) for w in (0, 0.25, 1)), strict=True)
    assert weights[0] == 4 * model.batch_size
    assert weights[2] - weights[0] > 4 * weights[0] / model.batch_size  # of the contexts' values
    for none, some, all_of_it in (gradients, losses, weights):
        np.testing.assert_allclose(some, 0.75 * none + 0.25 * all_of_it, rtol=1e-4, atol=1e-4)


def test_forecasts_of_what_begins_are_learned_without_losses_of_contexts():
    X = 5 + seasonal(30, 60, seed=1) / 1000  # all near 5
    model = small(context_weight=0, max_iter=10, n_batches=25).fit(X)
    assert np.abs(model.predict([[]]) / 5 - 1).max() < 0.5


def test_few_values_are_not_learned_by_heart():
    X = np.random.default_rng(0).poisson(0.3, (8, 60)).astype(float)
    few = small(likelihood="negative_binomial", max_iter=80, n_batches=10).fit(X)
    assert few.early_stopping_ and np.isfinite(few.history_["validation"]).all()
    once = small(likelihood="negative_binomial", max_iter=1, n_batches=1)
    assert not once.fit(X).early_stopping_
    given = small(likelihood="negative_binomial", max_iter=80, n_batches=10, early_stopping=True)
    np.testing.assert_array_equal(few.predict(), given.fit(X).predict())


def test_of_few_series_several_windows_are_held_back():
    X = np.random.default_rng(0).gamma(2.0, size=(4, 400))
    X[3, 42:] = np.nan  # too short for ten windows
    panel, _ = fit_panel(X, likelihood="gaussian")
    training, held = held_back(panel, 4)
    assert training.lengths.tolist() == [360, 360, 360, 2]
    X[3, :42] = np.nan
    panel, _ = fit_panel(X[:3], likelihood="gaussian")
    training, held = held_back(panel, 4)
    assert training.lengths.tolist() == [360] * 3
    ends = [X[:3, 396 - 4 * k : 400 - 4 * k] for k in range(10)]
    np.testing.assert_allclose(held.last(4), np.concatenate(ends), rtol=1e-6)
    np.testing.assert_array_equal(held.keys[3:6], panel.shortened(4).keys)
    assert held.shortened(4).horizon >= 4


@pytest.mark.parametrize("off", [-1.0, 0.7])
@pytest.mark.parametrize("likelihood", ["student_t", "gaussian"])
def test_the_spread_is_fitted_to_held_back_steps(likelihood, off):
    X = np.rint(np.random.default_rng(0).gamma(2.0, 20, size=(6, 300)))
    model = small(likelihood=likelihood, early_stopping=True, max_iter=8, n_batches=50).fit(X)
    found, progress = Model.from_plain(model._model), TrainState(**model._progress)
    _, held = held_back(Panel(**model._panel), 4)
    check = held_out_check(held, found, settings_of(model), model._key, 1, 4)
    assert check(progress.best)["loss"] == pytest.approx(progress.best_loss, rel=0.02)
    spoiled = progress.copy()
    found.layout.views(spoiled.best)["head_bias"][1] += off
    spoiled.best_loss = check(spoiled.best)["loss"]
    mended = with_spread(spoiled, found, check)
    assert mended.best_loss < spoiled.best_loss
    assert mended.best_loss == check(mended.best)["loss"] < 1.02 * progress.best_loss


def test_the_spread_of_counts_is_moved_only_to_better():
    X = np.random.default_rng(0).negative_binomial(2, 0.2, size=(6, 300)).astype(float)
    model = small(likelihood="negative_binomial", early_stopping=True, max_iter=8).fit(X)
    assert TrainState(**model._progress).best_loss <= model.history_["validation"].min()


def test_distributions_without_a_spread_are_unchanged():
    X = np.random.default_rng(0).uniform(size=(6, 60))
    model = small(likelihood="beta", early_stopping=True).fit(X)
    progress = TrainState(**model._progress)
    assert with_spread(progress, Model.from_plain(model._model), None) is progress


def test_at_most_128_series_are_held_back():
    X = np.random.default_rng(0).gamma(2.0, size=(140, 30))
    model = small(max_iter=2, early_stopping=True, n_iter_no_change=1).fit(X)
    alone = small(max_iter=2, early_stopping=False).fit(X)
    assert model.early_stopping_ and not alone.early_stopping_
    assert np.isfinite(model.history_["validation"]).all()


def test_series_shorter_than_a_forecast_are_compared_at_their_own_times():
    rng = np.random.default_rng(0)
    c = np.array([0, 1, 1, 0, 1, 0, 0, 1] * 4, dtype=float)
    X = 5 + 10 * c + rng.normal(0, 0.1, (20, len(c)))
    model = able(prediction_length=8, lags=[1], early_stopping=False, n_batches=20)
    model.fit(X, dynamic_real=c[None, None])
    whole = model.backtest(X[:2], 1, dynamic_real=c[None, None])
    found = model.backtest([X[0], X[1, :3]], 2, dynamic_real=[c[None], c[None, :3]])
    assert found.loss[1] < 0.1 and whole.loss[0] < 0.1
    assert np.isnan(found.truth[1, 1]).tolist() == [True] * 5 + [False] * 3
    assert np.isnan(found.forecast[1, 1, 0]).tolist() == [True] * 5 + [False] * 3
    assert model.score([X[1, :3]], dynamic_real=[c[None, :3]]) > -0.1


def test_no_row_beyond_the_known_ones_is_read():
    X = np.random.default_rng(0).normal(5, 1, (6, 9))
    panel, _ = fit_panel(X, likelihood="gaussian", dynamic_real=X[:, None])
    for ended in (panel.shortened(14), panel.shortened(5).shortened(14)):
        ends = ended.dynamic_rows + ended.lengths + ended.horizon
        assert ends.max() <= len(ended.dynamic) and ended.horizon >= 14
    np.testing.assert_array_equal(
        panel.shortened(14).dynamic.reshape(-1)[-14:],
        [*panel.dynamic[-9:, 0]] + [panel.dynamic[-1, 0]] * 5,
    )


def test_of_short_series_no_more_than_a_quarter_is_held_back():
    X = np.ones((5, 400))
    for n_times, expected in ((400, 14), (40, 10), (15, 3), (2, 1)):
        panel, _ = fit_panel(X[:, :n_times], likelihood="gaussian")
        assert steps_held_back(panel, 14) == expected


def test_a_common_future_is_refused_where_series_end_apart():
    X = np.random.default_rng(0).normal(5, 1, (3, 40))
    c = np.arange(46.0)[None, None] % 7
    X[1, -3:] = np.nan
    model = small().fit(X, dynamic_real=c[..., :40])
    with pytest.raises(ValueError, match=r"`dynamic_real` of the 4 steps to come .* \(3, 1, 4\)"):
        model.predict(dynamic_real=c[..., 40:44])
    apart = np.concatenate([c[..., 40:44], c[..., 37:41], c[..., 40:44]])
    whole = model.predict(dynamic_real=c[..., :44])
    np.testing.assert_array_equal(model.predict(dynamic_real=apart), whole)


def test_large_numbers_in_columns_of_objects_are_categories_of_their_own():
    X = np.ones((6, 20))
    for names in (2**60, 2**80):
        groups = np.array([names, names + 1] * 3, dtype=object)
        assert small().fit(X, static_categorical=groups).cardinalities_.tolist() == [2]
    mixed = small().fit(X, static_categorical=np.array([1, "a", 1, "a", 2, 2], dtype=object))
    asked = np.array([1], dtype=object)
    np.testing.assert_array_equal(
        mixed.predict(X[:1], static_categorical=asked),
        mixed.predict(X, static_categorical=[1, "a", 1, "a", 2, 2])[:1],
    )
