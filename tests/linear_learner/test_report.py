"""What fits tell: lines, `candidates_`, `history_`, and errors that name the right rows."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.callbacks import Checkpoint
from algos.linear_learner import selection
from algos.linear_learner.solvers import bands
from tests.common.recorder import Recorder, StopError, needs_callbacks, stop

X, Y = load_breast_cancer(return_X_y=True)
TRAIN, VAL = slice(0, 400), slice(400, None)
BOTH = [LinearLearnerClassifier, LinearLearnerRegressor]


def fitted(model, **keywords):
    return model.fit(X[TRAIN], Y[TRAIN], X_val=X[VAL], y_val=Y[VAL], **keywords)


@pytest.mark.parametrize("kind", BOTH)
def test_candidates_make_a_frame(kind):
    pandas = pytest.importorskip("pandas", reason="pandas makes the frames")
    model = fitted(kind(n_alphas=3, l1_ratio=[0.0, 0.5]))
    frame = pandas.DataFrame(model.candidates_)
    assert len(frame) == 6
    assert frame["validation_loss"].idxmin() == model.best_index_
    assert model.candidate_coef_.shape == (6, 1, X.shape[1])
    assert model.candidate_intercept_.shape == (6, 1)


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", BOTH)
def test_coefficients_of_candidates_need_not_be_stored(kind, begin):
    kept = kind(n_alphas=3, random_state=0)
    small = kind(n_alphas=3, random_state=0, store_candidate_coef=False)
    for model in (kept, small):
        getattr(model, begin)(X, Y)
    np.testing.assert_array_equal(small.predict(X), kept.predict(X))
    for name in kept.candidates_:
        np.testing.assert_array_equal(small.candidates_[name], kept.candidates_[name])
    assert hasattr(kept, "candidate_coef_")
    assert not hasattr(small, "candidate_coef_")
    assert not hasattr(small, "candidate_intercept_")


def test_a_pickle_without_candidates_is_as_small_as_one_model():
    pixels, digit = load_digits(return_X_y=True)
    one = LinearLearnerClassifier(alpha=0.1).fit(pixels, digit)
    pack = LinearLearnerClassifier(n_alphas=8, store_candidate_coef=False, random_state=0)
    pack.fit(pixels, digit)
    assert len(pickle.dumps(pack)) < len(pickle.dumps(one)) + 4000


@pytest.mark.parametrize("criterion", ["loss", "precision_at_target_recall"])
def test_verbosity_gives_each_candidate_a_line(criterion, capsys):
    model = fitted(LinearLearnerClassifier(n_alphas=3, verbose=1, selection_criterion=criterion))
    lines = [line for line in capsys.readouterr().out.splitlines() if "candidate" in line]
    assert len(lines) == 3
    for i, line in enumerate(lines):
        assert ("chosen" in line) == (i == model.best_index_)
        assert f"alpha {model.candidates_['alpha'][i]:.6g}" in line
        assert f"validation_loss {model.candidates_['validation_loss'][i]:.6g}" in line
        assert ("precision" in line) == (criterion != "loss")


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_history_ends_with_the_validation_loss_of_the_model(loss):
    model = fitted(LinearLearnerRegressor(loss, n_alphas=3))
    history = model.history_["validation"]
    assert history.shape == (model.n_iter_,)
    assert history[-1] == model.candidates_["validation_loss"][model.best_index_]
    again = LinearLearnerRegressor(loss, n_alphas=3, random_state=0).fit(X, Y)
    assert np.isnan(again.history_["validation"]).all()  # refitted on the rows held out


def test_history_has_the_validation_loss_of_each_epoch():
    model = fitted(LinearLearnerClassifier(n_alphas=2, solver="sgd", max_iter=30))
    history = model.history_["validation"]
    assert history.shape == model.history_["objective"].shape == (model.n_iter_,)
    assert history.min() == pytest.approx(model.candidates_["validation_loss"][model.best_index_])


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"X_val": X[:, :3], "y_val": Y}, "X_val has 3 features"),
        ({"X_val": X * np.nan, "y_val": Y}, "Input X_val contains NaN"),
        ({"X_val": X[0], "y_val": Y[:1]}, "X_val, y_val: Expected 2D array"),
        ({"X_val": X, "y_val": Y[1:]}, "X_val, y_val: .*inconsistent numbers"),
        ({"X_val": X, "y_val": np.full(len(Y), np.nan)}, "y_val contains"),
        ({"X_val": X, "y_val": Y, "sample_weight_val": 0 * Y}, "`sample_weight_val` is all zero"),
        ({"X_val": X, "y_val": Y, "sample_weight_val": -Y}, "passed to `sample_weight_val`"),
    ],
)
@pytest.mark.parametrize("kind", BOTH)
def test_errors_of_validation_rows_name_these(kind, keywords, message):
    with pytest.raises(ValueError, match=message):
        kind().fit(X, Y, **keywords)


def test_a_single_automatic_alpha_is_a_middling_one():
    for l1_ratio in (0.0, 1.0):
        one = LinearLearnerClassifier(n_alphas=1, l1_ratio=l1_ratio, random_state=0).fit(X, Y)
        three = LinearLearnerClassifier(n_alphas=3, l1_ratio=l1_ratio, random_state=0).fit(X, Y)
        assert one.alpha_ == pytest.approx(three.candidates_["alpha"][1])
        assert one.score(X, Y) > 0.9


@needs_callbacks
def test_an_unfinished_fit_refuses_other_validation_rows(tmp_path):
    def unfinished():
        model = LinearLearnerClassifier(n_alphas=3)
        with pytest.raises(StopError):
            fitted(model.set_callbacks(Checkpoint(tmp_path / "fit"), Recorder(stop, 2)))
        return joblib.load(tmp_path / "fit")

    with pytest.raises(ValueError, match="validation rows"):
        unfinished().fit(X[TRAIN], Y[TRAIN], X_val=X[VAL], y_val=1 - Y[VAL])
    with pytest.raises(ValueError, match="validation rows"):
        unfinished().fit(X[TRAIN], Y[TRAIN], X_val=X[300:], y_val=Y[300:])
    with pytest.raises(ValueError, match="validation rows"):
        unfinished().fit(X[TRAIN], Y[TRAIN])
    whole = fitted(LinearLearnerClassifier(n_alphas=3))
    np.testing.assert_array_equal(fitted(unfinished()).coef_, whole.coef_)


def test_a_certificate_that_is_no_number_is_warned_of():
    X = np.random.default_rng(0).normal(size=(50, 2))
    model = LinearLearnerRegressor(alpha=0.1, solver="sgd", init_intercept=1e300)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, np.arange(50.0))
    assert model.certificate_ == np.inf


def test_an_exact_step_is_certified():
    model = LinearLearnerRegressor(
        alpha=1.0, solver="lbfgs", fit_intercept=False, standardize=False
    ).fit([[1.0, -1, 0]], [0.5])
    np.testing.assert_allclose(model.coef_, [1 / 6, -1 / 6, 0])
    assert model.certificate_ < 1e-12


@pytest.mark.parametrize("solver", ["newton", "coordinate_descent"])
@pytest.mark.parametrize("max_iter", [1, 2, 3, 5, 1000])
def test_no_certificate_exceeds_an_objective_that_cannot_be_negative(solver, max_iter):
    X = np.random.default_rng(0).normal(size=(100, 5))
    model = LinearLearnerRegressor(
        "huber", alpha=1e-8, l1_ratio=1.0, solver=solver, max_iter=max_iter
    )
    y = X @ [1, 2, 3, 4, 5.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    null = np.where(np.abs(y - np.median(y)) < 1, 0.5, np.abs(y - np.median(y)) - 0.5).mean()
    assert model.certificate_ <= 1.2 * model.objective_ / null


def test_candidates_that_were_given_up_are_told(capsys, monkeypatch):
    monkeypatch.setattr(selection, "_PATIENCE", 1)
    random = np.random.default_rng(1)
    noise = random.normal(size=(60, 40))
    y = noise[:, 0] + random.normal(size=60) > 0
    model = LinearLearnerClassifier(
        "squared_hinge", n_alphas=8, l1_ratio=1.0, validation_fraction=0.5, verbose=1,
        random_state=0,
    ).fit(noise, y)  # fmt: skip
    lines = [line for line in capsys.readouterr().out.splitlines() if "candidate" in line]
    for i, line in enumerate(lines):
        assert f"n_iter {model.candidates_['n_iter'][i]}" in line
        assert ("stopped" in line) == (not model.candidates_["converged"][i])
    assert any("stopped" in line for line in lines)


def loss_of(model, rows, loss):
    if loss == "squared_error":
        return ((Y[rows] - model.predict(X[rows])) ** 2).mean() / 2
    return np.abs(Y[rows] - model.predict(X[rows])).mean()


@pytest.mark.parametrize("alpha", [0.1, [0.1, 0.01]])
def test_verbosity_gives_each_batch_a_line(alpha, capsys):
    model = LinearLearnerRegressor(alpha=alpha, verbose=1)
    model.partial_fit(X[:200], Y[:200])
    before = loss_of(model, slice(200, 300), "squared_error")
    model.partial_fit(X[200:300], Y[200:300])
    first, second = capsys.readouterr().out.splitlines()
    assert first == "[LinearLearnerRegressor] rows seen 200"
    assert second == (f"[LinearLearnerRegressor] rows seen 300, loss before learning {before:.6g}")


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_verbosity_tells_what_stochastic_batches_lost(begin, capsys):
    model = LinearLearnerClassifier(alpha=[0.1, 0.01], random_state=0, verbose=1)
    getattr(model, begin)(X[:200], Y[:200])
    capsys.readouterr()
    model.partial_fit(X[200:300], Y[200:300])
    (line,) = capsys.readouterr().out.splitlines()
    text, loss = line.rsplit(" ", 1)
    assert text == "[LinearLearnerClassifier] rows seen 300, loss before learning"
    assert 0 < float(loss) < np.log(2)


@pytest.mark.parametrize(
    ("alpha", "remedy"), [(0.0, "give an alpha above 0"), (0.1, "raise alpha=0.1")]
)
def test_warnings_say_what_helps(alpha, remedy, monkeypatch):
    model = LinearLearnerClassifier("hinge", alpha=alpha, max_iter=3)
    with pytest.warns(ConvergenceWarning, match=f"3 iter.*; raise max_iter=3 or tol, or {remedy}"):
        model.fit(X, Y)
    exact = bands.exact
    monkeypatch.setattr(bands, "exact", lambda *few, **more: exact(few[0], few[1], 2))
    model.set_params(max_iter=1000)
    with pytest.warns(ConvergenceWarning, match=f"no further improvement.*{remedy}"):
        model.fit(X, Y)


@needs_callbacks
def test_fits_that_a_callback_stopped_are_told_of_it():
    model = LinearLearnerClassifier(alpha=1e-4, solver="lbfgs")
    model.set_callbacks(Recorder(lambda: True, 2))
    with pytest.warns(ConvergenceWarning, match="; a callback stopped the fit$"):
        model.fit(X, Y)


def test_no_candidates_are_refused():
    with pytest.raises(ValueError, match="is empty; it must hold"):
        LinearLearnerRegressor(alpha=[]).fit(X, Y)


def test_many_labels_are_warned_of_once():
    with pytest.warns(UserWarning, match="unique classes is greater than 50%") as told:
        LinearLearnerClassifier(alpha=1.0).fit(X[:30], np.arange(30.0))
    assert len(told) == 1
    with pytest.raises(ValueError, match="Unknown label type"):
        LinearLearnerClassifier(alpha=1.0).fit(X, X[:, 0])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"batch_size": 100, "momentum": 0.5}, r"'newton' of 'auto' does .* `momentum` \(only .* "
         r"solver='sgd' or `partial_fit`\), `batch_size`"),
        ({"n_alphas": 8}, r"`n_alphas` \(only used with alpha='auto'\)"),
        ({"target_recall": 0.9}, r"`target_recall` .*='precision_at_target_recall'\)"),
        ({"solver": "sgd", "momentum": 0.5}, r"`momentum` \(only used with optimizer='sgd'\)"),
        ({"solver": "sgd", "init_scale": 0.5}, r"`init_scale` \(only used with another `init`\)"),
    ],
)  # fmt: skip
def test_parameters_that_a_fit_does_not_use_are_warned_of(parameters, words):
    X, y = load_breast_cancer(return_X_y=True)
    model = LinearLearnerClassifier(alpha=0.01, random_state=0)
    with pytest.warns(UserWarning, match=words):
        model.set_params(**parameters).fit(X, y)
    model.partial_fit(X, y)


@pytest.mark.parametrize("criterion", ["f_beta", "accuracy"])
def test_a_threshold_that_is_sought_among_rows_of_one_class_is_warned_of(criterion):
    X, y = load_breast_cancer(return_X_y=True)
    labels = np.array(["bad", "good"])[y]
    model = LinearLearnerClassifier(alpha=0.01, selection_criterion=criterion)
    with pytest.warns(UserWarning, match=r"`y_val` should hold both .* are of class 'bad'; give"):
        model.fit(X, labels, X_val=X[y == 0], y_val=labels[y == 0])
    by_loss = model.set_params(selection_criterion="loss")
    assert by_loss.fit(X, labels, X_val=X[y == 0], y_val=labels[y == 0]).threshold_ == 0.5
