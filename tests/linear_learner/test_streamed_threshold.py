"""A threshold that a fit has found, and what further rows make of it."""

import numpy as np
import pytest
from sklearn.base import clone

from algos import LinearLearnerClassifier


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("validation", ["auto", 0.3, "rows given"])
def test_a_few_more_rows_hardly_move_the_threshold_of_a_fit(loss, validation):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] + 0.5 * rng.normal(size=400) > 0.7).astype(int)
    model = LinearLearnerClassifier(loss, alpha=0.01, selection_criterion="f_beta", random_state=0)
    given = {}
    if validation == "rows given":
        given = {"X_val": X[:100], "y_val": y[:100]}
    else:
        model.set_params(validation_fraction=validation)
    model.fit(X[:300], y[:300], **given)
    before, predicted = model.threshold_, model.predict(X)
    again = clone(model).fit(X[299::-1], y[299::-1], **given)
    model.partial_fit(X[300:301], y[300:301])
    again.partial_fit(X[300:301], y[300:301])
    assert model.threshold_ == pytest.approx(before, abs=0.1)
    assert np.mean(model.predict(X) != predicted) < 0.03
    assert again.threshold_ == pytest.approx(model.threshold_, rel=1e-6)


def test_merged_fits_keep_a_threshold():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = (X[:, 0] + 0.5 * rng.normal(size=600) > 1.2).astype(int)
    one, other, both = (
        LinearLearnerClassifier(
            alpha=0.01, selection_criterion="precision_at_target_recall", target_recall=0.95
        ).fit(X[rows], y[rows])
        for rows in (slice(300), slice(300, 600), slice(600))
    )
    merged = one.merge(other)
    assert merged.threshold_ == pytest.approx(both.threshold_, abs=0.1)
    recall = merged.predict(X)[y == 1].mean()
    assert recall == pytest.approx(0.95, abs=0.04)
