"""Our estimators beside each other and inside scikit-learn's."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from algos import (
    PCA,
    FactorizationMachineClassifier,
    FactorizationMachineRegressor,
    KMeans,
    LatentDirichletAllocation,
    LinearLearnerClassifier,
    LinearLearnerRegressor,
    RandomCutForest,
)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:900] / 16, y[:900]


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def test_principal_components_feed_a_linear_learner(digits):
    pipeline = make_pipeline(PCA(20), LinearLearnerClassifier(alpha=1e-3))
    assert cross_val_score(pipeline, *digits, cv=3).mean() > 0.88


def test_distances_to_centres_feed_a_linear_learner(digits):
    pipeline = make_pipeline(
        KMeans(40, random_state=0), StandardScaler(), LinearLearnerClassifier(alpha=1e-3)
    )
    assert cross_val_score(pipeline, *digits, cv=3).mean() > 0.88


def texts_of_two_kinds(n=120):
    rng = np.random.default_rng(0)
    words = [["goal", "match", "team", "win"], ["vote", "law", "party", "court"]]
    kinds = rng.integers(2, size=n)
    return [" ".join(rng.choice(words[kind], 12)) for kind in kinds], kinds


def test_topics_of_texts_feed_a_linear_learner():
    texts, kinds = texts_of_two_kinds()
    pipeline = make_pipeline(
        CountVectorizer(),
        LatentDirichletAllocation(2, random_state=0),
        LinearLearnerClassifier(alpha=1e-3),
    )
    assert cross_val_score(pipeline, texts, kinds, cv=3).mean() > 0.95


def test_one_hot_columns_feed_a_factorization_machine():
    rng = np.random.default_rng(0)
    X = rng.integers(6, size=(1500, 2))
    y = X.sum(axis=1) % 2  # nothing for a linear model to learn
    pipeline = make_pipeline(
        OneHotEncoder(), FactorizationMachineClassifier(n_factors=4, random_state=0)
    )
    linear = make_pipeline(OneHotEncoder(), LogisticRegression())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.95
    assert cross_val_score(linear, X, y, cv=3).mean() < 0.6


def test_anomaly_scores_join_components_in_a_union(digits):
    X, y = digits
    union = FeatureUnion([("pca", PCA(5)), ("forest", RandomCutForest(30, random_state=0))])
    union.set_output(transform="pandas")
    columns = union.fit_transform(X).columns
    assert len(columns) == 6 and columns[-1].startswith("forest__")
    union.set_output(transform="default")
    pipeline = make_pipeline(union, LinearLearnerClassifier(alpha=1e-3))
    assert cross_val_score(pipeline, X, y, cv=2).mean() > 0.6


CLASSIFIERS = [
    LinearLearnerClassifier(alpha=1e-3),
    FactorizationMachineClassifier(solver="als", max_iter=10, tol=0, alpha=0.1, random_state=0),
]
REGRESSORS = [
    LinearLearnerRegressor(alpha=1e-3),
    FactorizationMachineRegressor(solver="als", max_iter=20, tol=0, alpha=10, random_state=0),
]


def named(estimator):
    return type(estimator).__name__


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=named)
@pytest.mark.parametrize(
    "around",
    [
        lambda inner: VotingClassifier(
            [("ours", inner), ("theirs", LogisticRegression())], voting="soft"
        ),
        lambda inner: StackingClassifier([("ours", inner)], LogisticRegression(), cv=2),
        lambda inner: BaggingClassifier(inner, n_estimators=3, random_state=0),
        lambda inner: CalibratedClassifierCV(inner, cv=2),
    ],
    ids=["voting", "stacking", "bagging", "calibrated"],
)
def test_classifiers_stand_inside_ensembles(classifier, around, digits):
    X, y = digits
    rows = y < 2
    assert around(classifier).fit(X[rows], y[rows]).score(X[rows], y[rows]) > 0.95


@pytest.mark.parametrize("regressor", REGRESSORS, ids=named)
@pytest.mark.parametrize(
    "around",
    [
        lambda inner: VotingRegressor([("ours", inner), ("theirs", Ridge())]),
        lambda inner: StackingRegressor([("ours", inner)], Ridge(), cv=2),
        lambda inner: BaggingRegressor(inner, n_estimators=3, random_state=0),
    ],
    ids=["voting", "stacking", "bagging"],
)
def test_regressors_stand_inside_ensembles(regressor, around, diabetes):
    X, y = diabetes
    assert around(regressor).fit(X, y).score(X, y) > 0.4


def test_a_grid_over_two_of_our_steps_finds_the_better_settings(digits):
    pipeline = make_pipeline(PCA(random_state=0), LinearLearnerClassifier())
    grid = {"pca__n_components": [1, 15], "linearlearnerclassifier__alpha": [1e-3, 10]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(*digits)
    assert search.best_params_ == {
        "pca__n_components": 15,
        "linearlearnerclassifier__alpha": 1e-3,
    }
