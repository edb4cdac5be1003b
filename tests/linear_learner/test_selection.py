"""Packs: which candidate is kept, by what, and what is told of the others."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_classification
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    fbeta_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from algos import LinearLearnerClassifier, LinearLearnerRegressor

ALPHAS = [1.0, 0.1, 0.01, 0.001]


def imbalanced(seed=0, n=600):
    return make_classification(
        n, 8, n_informative=4, weights=[0.85], flip_y=0.05, class_sep=0.7, random_state=seed
    )


def halves(X, y):
    return X[::2], y[::2], X[1::2], y[1::2]


def fitted(X, y, X_val, y_val, **parameters):
    model = LinearLearnerClassifier(alpha=ALPHAS, early_stopping=False, random_state=0)
    return model.set_params(**parameters).fit(X, y, X_val=X_val, y_val=y_val)


def test_candidates_are_the_models_of_their_alphas():
    X, y, X_val, y_val = halves(*imbalanced())
    pack = fitted(X, y, X_val, y_val, tol=1e-10)
    for i, alpha in enumerate(pack.candidates_["alpha"]):
        alone = LinearLearnerClassifier(alpha=float(alpha), tol=1e-10).fit(X, y)
        np.testing.assert_allclose(pack.candidate_coef_[i], alone.coef_, atol=1e-5)
        np.testing.assert_allclose(pack.candidate_intercept_[i], alone.intercept_, atol=1e-5)
    best = pack.best_index_
    assert pack.alpha_ == pack.candidates_["alpha"][best]
    np.testing.assert_array_equal(pack.coef_, pack.candidate_coef_[best])


def test_the_least_validation_loss_wins():
    X, y, X_val, y_val = halves(*imbalanced())
    pack = fitted(X, y, X_val, y_val)
    losses = []
    for coef, intercept in zip(pack.candidate_coef_, pack.candidate_intercept_, strict=True):
        z = X_val @ coef[0] + intercept[0]
        losses.append(np.logaddexp(0, np.where(y_val == 1, -z, z)).mean())
    np.testing.assert_allclose(pack.candidates_["validation_loss"], losses, rtol=1e-12)
    assert pack.best_index_ == np.argmin(losses)
    assert log_loss(y_val, pack.predict_proba(X_val)) == pytest.approx(min(losses))
    assert pack.threshold_ == 0.5


METRICS = {
    "accuracy": lambda y, p: accuracy_score(y, p),
    "f_beta": lambda y, p: fbeta_score(y, p, beta=2.0),
    "precision": lambda y, p: precision_score(y, p, zero_division=0),
    "recall": lambda y, p: recall_score(y, p),
}


@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
@pytest.mark.parametrize(
    "criterion",
    ["loss", "accuracy", "f_beta", "precision_at_target_recall", "recall_at_target_precision"],
)
@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_columns_tell_what_predictions_reach(criterion, loss):
    X, y, X_val, y_val = halves(*imbalanced())
    pack = fitted(X, y, X_val, y_val, loss=loss, selection_criterion=criterion, beta=2.0)
    predicted = pack.predict(X_val)
    for name, metric in METRICS.items():
        told = pack.candidates_[name][pack.best_index_]
        assert told == pytest.approx(metric(y_val, predicted)), name
    area = roc_auc_score(y_val, pack.decision_function(X_val))
    assert pack.candidates_["roc_auc"][pack.best_index_] == pytest.approx(area)


@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
@pytest.mark.parametrize("criterion", ["accuracy", "f_beta"])
def test_no_candidate_at_any_threshold_is_better(criterion):
    X, y, X_val, y_val = halves(*imbalanced())
    pack = fitted(X, y, X_val, y_val, selection_criterion=criterion, beta=2.0)
    best = 0.0
    for coef, intercept in zip(pack.candidate_coef_, pack.candidate_intercept_, strict=True):
        z = X_val @ coef[0] + intercept[0]
        for threshold in [z.min() - 1, *np.sort(z)]:
            best = max(best, METRICS[criterion](y_val, (z > threshold).astype(int)))
    assert METRICS[criterion](y_val, pack.predict(X_val)) == pytest.approx(best)


@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
def test_targets_are_reached_on_validation_rows():
    X, y, X_val, y_val = halves(*imbalanced())
    common = {"target_recall": 0.9, "target_precision": 0.6}
    by_recall = fitted(
        X, y, X_val, y_val, selection_criterion="precision_at_target_recall", **common
    )
    assert recall_score(y_val, by_recall.predict(X_val)) >= 0.9
    by_precision = fitted(
        X, y, X_val, y_val, selection_criterion="recall_at_target_precision", **common
    )
    assert precision_score(y_val, by_precision.predict(X_val)) >= 0.6


@pytest.mark.filterwarnings("ignore:`y_val` should hold both:UserWarning")
@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
def test_a_target_that_no_threshold_reaches_is_told():
    X, y = np.repeat(np.arange(20.0), 2)[:, None], np.arange(40) % 2  # each row in both classes
    model = LinearLearnerClassifier(
        alpha=0.1, selection_criterion="recall_at_target_precision", random_state=0
    )
    with pytest.warns(UserWarning, match=r"target_precision=0\.8 .* the precision .* is 0\.5 "):
        model.fit(X, y, X_val=X, y_val=y)
    assert model.candidates_["precision"][0] == pytest.approx(0.5)
    model.set_params(target_precision=0.5).fit(X, y, X_val=X, y_val=y)  # reached: silent
    model.set_params(selection_criterion="precision_at_target_recall")
    with pytest.warns(UserWarning, match=r"target_recall=0\.8 .* the recall .* is 0 there"):
        model.fit(X, y, X_val=X[:5], y_val=np.zeros(5))


def test_metrics_of_many_classes_are_scikit_learns():
    X, y = load_wine(return_X_y=True)
    X, y, X_val, y_val = halves(X, y)
    pack = fitted(X, y, X_val, y_val, selection_criterion="f_beta", top_k=2)
    predicted, decision = pack.predict(X_val), pack.decision_function(X_val)
    expected = {
        "accuracy": accuracy_score(y_val, predicted),
        "balanced_accuracy": balanced_accuracy_score(y_val, predicted),
        "macro_recall": recall_score(y_val, predicted, average="macro"),
        "macro_precision": precision_score(y_val, predicted, average="macro"),
        "f_beta": f1_score(y_val, predicted, average="macro"),
        "top_k_accuracy": top_k_accuracy_score(y_val, decision, k=2),
        "validation_loss": log_loss(y_val, pack.predict_proba(X_val)),
    }
    for name, value in expected.items():
        assert pack.candidates_[name][pack.best_index_] == pytest.approx(value), name


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("criterion", ["loss", "accuracy", "precision_at_target_recall"])
def test_the_sign_of_the_decision_is_the_prediction(loss, dtype, criterion):
    X, y = imbalanced(n=300)
    model = LinearLearnerClassifier(loss, alpha=0.01, selection_criterion=criterion)
    model.set_params(random_state=0).fit(X.astype(dtype), y)
    decision = model.decision_function(X.astype(dtype))
    assert decision.dtype == dtype
    np.testing.assert_array_equal(model.predict(X.astype(dtype)), (decision > 0).astype(int))


def test_probabilities_do_not_mind_the_threshold():
    X, y = imbalanced(n=300)
    model = LinearLearnerClassifier(
        alpha=0.01, selection_criterion="f_beta", random_state=0, tol=1e-12
    ).fit(X, y)
    plain = LinearLearnerClassifier(alpha=0.01, tol=1e-12).fit(X, y)
    assert model.threshold_ != 0.5
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-4)
    above = model.predict_proba(X)[:, 1] > model.threshold_
    np.testing.assert_array_equal(model.predict(X), above.astype(int))


def test_a_threshold_may_be_set():
    X, y = imbalanced(n=300)
    model = LinearLearnerClassifier(alpha=0.01).fit(X, y)
    model.threshold_ = 0.2
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X)[:, 1] > 0.2)
    assert (model.decision_function(X) > 0).sum() == model.predict(X).sum()


def test_a_threshold_between_extreme_probabilities_is_kept():
    X = np.linspace(-1, 1, 40)[:, None] * 1e3
    y = (X[:, 0] > 900).astype(int)
    model = LinearLearnerClassifier(alpha=1e-9, selection_criterion="accuracy", random_state=0).fit(
        X, y, X_val=X, y_val=y
    )
    assert model.score(X, y) == 1


@pytest.mark.parametrize("weighting", ["balanced", {0: 1.0, 1: 7.0}])
def test_class_weights_are_sample_weights(weighting):
    X, y = imbalanced(n=300)
    counts = np.bincount(y)
    factor = len(y) / (2 * counts) if weighting == "balanced" else np.array([1.0, 7.0])
    by_class = LinearLearnerClassifier(alpha=0.01, class_weight=weighting, tol=1e-12).fit(X, y)
    by_row = LinearLearnerClassifier(alpha=0.01, tol=1e-12).fit(X, y, sample_weight=factor[y])
    np.testing.assert_allclose(by_class.coef_, by_row.coef_, rtol=1e-6, atol=1e-9)


def test_automatic_class_weights_are_three_packs():
    X, y = imbalanced()
    pack = LinearLearnerClassifier(
        alpha=ALPHAS, class_weight="auto", selection_criterion="f_beta", random_state=0
    ).fit(X, y)
    powers = pack.candidates_["class_weight_power"]
    np.testing.assert_array_equal(powers, np.repeat([0.0, 0.5, 1.0], len(ALPHAS)))


def test_refit_trains_on_all_rows():
    X, y = imbalanced()
    common = {"alpha": ALPHAS, "random_state": 0, "tol": 1e-10, "validation_fraction": 0.1}
    held = LinearLearnerClassifier(refit=False, **common).fit(X, y)
    whole = LinearLearnerClassifier(refit=True, **common).fit(X, y)
    alone = LinearLearnerClassifier(alpha=whole.alpha_, tol=1e-10).fit(X, y)
    assert held.alpha_ == whole.alpha_
    np.testing.assert_array_equal(held.coef_, held.candidate_coef_[held.best_index_])
    np.testing.assert_allclose(whole.coef_, alone.coef_, rtol=1e-4, atol=1e-5)
    assert np.abs(whole.coef_ - held.coef_).max() > 1e-4


DATA = {
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "iris": lambda: load_iris(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    **{f"imbalanced {seed}": (lambda seed=seed: imbalanced(seed)) for seed in range(6)},
    "wide": lambda: make_classification(80, 200, random_state=0),
    "noise": lambda: make_classification(200, 20, flip_y=0.9, random_state=1),
    "easy": lambda: make_classification(300, 5, class_sep=3.0, random_state=2),
}


@pytest.mark.parametrize("name", list(DATA))
def test_giving_up_candidates_never_changes_the_winner(name):
    X, y = DATA[name]()
    common = {"n_alphas": 16, "random_state": 0, "refit": False}
    patient = LinearLearnerClassifier(early_stopping=False, **common).fit(X, y)
    hasty = LinearLearnerClassifier(early_stopping=True, **common).fit(X, y)
    assert hasty.best_index_ == patient.best_index_


def test_a_regressor_is_chosen_by_its_error():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    y = X @ rng.normal(size=6) + rng.standard_t(2, size=200)
    X, y, X_val, y_val = halves(X, y)
    for criterion, power in (("squared_error", 2), ("absolute_error", 1)):
        pack = LinearLearnerRegressor(
            "huber", alpha=ALPHAS, l1_ratio=[0.0, 0.5], selection_criterion=criterion
        ).fit(X, y, X_val=X_val, y_val=y_val)
        errors = [
            (np.abs(y_val - X_val @ coef[0] - intercept[0]) ** power).mean()
            for coef, intercept in zip(pack.candidate_coef_, pack.candidate_intercept_, strict=True)
        ]
        np.testing.assert_allclose(pack.candidates_[criterion], errors, rtol=1e-9)
        assert pack.best_index_ == np.argmin(errors)
        assert len(errors) == 2 * len(ALPHAS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("noise", [1.0, 1e-7])
def test_a_squared_pack_with_rows_to_validate_is_its_candidates_alone(dtype, l1_ratio, noise):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 6)).astype(dtype)
    y = X @ rng.normal(size=6) + 3 + noise * rng.normal(size=300)
    X, y, X_val, y_val = halves(X, y)
    common = {"l1_ratio": l1_ratio, "tol": 1e-10}
    pack = LinearLearnerRegressor(alpha=ALPHAS, **common).fit(X, y, X_val=X_val, y_val=y_val)
    singles = [LinearLearnerRegressor(alpha=alpha, **common).fit(X, y) for alpha in ALPHAS]
    losses = [((y_val - one.predict(X_val)) ** 2).mean() / 2 for one in singles]
    rtol = 1e-4 if dtype == np.float32 or l1_ratio else 1e-6
    np.testing.assert_allclose(pack.candidates_["validation_loss"], losses, rtol=rtol)
    assert pack.best_index_ == np.argmin(losses)
    alone = singles[pack.best_index_]
    # A gap of 1e-10 leaves coefficients its root.
    np.testing.assert_allclose(pack.coef_, alone.coef_, atol=1e-5)
    np.testing.assert_array_equal(pack.candidate_coef_[pack.best_index_].ravel(), pack.coef_)


def test_equal_candidates_go_to_the_strongest_penalty():
    X, y = np.zeros((20, 2)), np.tile([0, 1], 10)
    X_val, y_val = np.zeros((4, 2)), [0, 1, 0, 1]
    pack = LinearLearnerClassifier(alpha=[0.1, 1.0]).fit(X, y, X_val=X_val, y_val=y_val)
    assert pack.alpha_ == 1.0


def test_one_candidate_needs_no_validation_rows():
    X, y = imbalanced(n=100)
    model = LinearLearnerClassifier(alpha=0.1).fit(X, y)
    assert "validation_loss" not in model.candidates_
    assert model.candidates_["alpha"].tolist() == [0.1]


@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
@pytest.mark.parametrize("loss", ["squared_error", "huber", "squared_epsilon_insensitive"])
@pytest.mark.parametrize("size", [1e155, 1e-200, 1e300, 1e-300])
@pytest.mark.parametrize("refit", [True, False])
def test_candidates_of_extreme_targets_are_told_apart(loss, size, refit):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 3))
    y = (X @ [1, 2, 3.0] + 0.1 * rng.normal(size=300)) * size
    sides = {"X_val": X[200:], "y_val": y[200:]}
    model = LinearLearnerRegressor(loss, delta=size, epsilon=size / 100, refit=refit)
    model.fit(X[:200], y[:200], **sides)
    assert model.alpha_ < 1e-3 * model.candidates_["alpha"].max()
    np.testing.assert_allclose(model.coef_ / size, [1, 2, 3], atol=0.1)


@pytest.mark.parametrize("size", [1e155, 1e-200])
def test_streams_of_extreme_targets_choose(size):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 3))
    y = (X @ [1, 2, 3.0] + 0.1 * rng.normal(size=300)) * size
    model = LinearLearnerRegressor(alpha=[10.0, 1e-6], random_state=0).partial_fit(X, y)
    assert model.alpha_ == 1e-6
