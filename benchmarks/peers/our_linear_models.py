"""Our linear learner."""

from __future__ import annotations

import numpy as np

from benchmarks.linear import Way
from benchmarks.peers.estimators import quietly
from benchmarks.peers.linear_models import (
    TOLERANCES,
    LinearModels,
    fit_of,
    outcome_of,
    with_defaults,
)

_PARAMETERS = {
    "quantile": "quantile",
    "huber": "delta",
    "epsilon_insensitive": "epsilon",
    "squared_epsilon_insensitive": "epsilon",
    "tweedie": "power",
}


def learner(loss, n_jobs, **parameters):
    """Return an estimator whose penalty acts on the coefficients themselves, as the peers'."""
    from algos import LinearLearnerClassifier, LinearLearnerRegressor

    of_classes = ("log_loss", "multinomial", "hinge", "squared_hinge")
    kind = LinearLearnerClassifier if loss in of_classes else LinearLearnerRegressor
    name = "log_loss" if loss == "multinomial" else loss
    return kind(name, standardize=False, random_state=0, n_jobs=n_jobs, **parameters)


class OurLinearModels(LinearModels):
    """Tasks of linear models by `algos`."""

    def ways(self, problem, X, y, n_jobs):
        own = {_PARAMETERS[problem.loss]: problem.parameter} if problem.loss in _PARAMETERS else {}

        def make(tolerance):
            return learner(
                problem.loss,
                n_jobs,
                alpha=problem.alpha,
                l1_ratio=problem.l1_ratio,
                fit_intercept=problem.fit_intercept,
                tol=tolerance,
                **own,
            )

        return [Way("tol", TOLERANCES, fit_of(make, X, y))]

    def path_ways(self, X, y, alphas, n_jobs):
        # Rows to validate by must be named, or a part of X would be held out.
        def fit(tolerance):
            model = learner(
                "squared_error", n_jobs, alpha=alphas, l1_ratio=1.0, fit_intercept=False,
                tol=tolerance, early_stopping=False,
            )  # fmt: skip
            model.fit(X, y, X_val=X[:100], y_val=y[:100])
            return {"coefs": model.candidate_coef_[:, 0]}

        return [Way("tol", TOLERANCES, fit)]

    def linear_defaults(self, X, y, alpha, n_jobs, **others):
        """A fit with the defaults of everything but the penalty."""
        return with_defaults(learner("log_loss", n_jobs, alpha=alpha), X, y)

    def linear_pack(self, X, y, X_val, y_val, alphas, loss, n_jobs, **others):
        """All candidates at once."""
        model = learner(loss, n_jobs, alpha=alphas)

        def run():
            quietly(lambda: model.fit(X, y, X_val=X_val, y_val=y_val))
            return {"validation": model.candidates_["validation_loss"][model.best_index_]}

        return run

    def linear_predict(self, X, y, alpha, rows, loss, n_jobs, **others):
        """The predictions of a few rows."""
        model = learner(loss, n_jobs, alpha=alpha).fit(X, y)
        predict = model.predict if loss == "squared_error" else model.predict_proba
        return lambda: {**outcome_of(model), "predictions": predict(rows)}

    def linear_stream(self, X, y, X_val, y_val, loss, batch_size, n_jobs, **others):
        """One pass over batches."""

        def run():
            model = learner(loss, n_jobs, alpha=1e-6)
            for begin in range(0, len(X), batch_size):
                model.partial_fit(X[begin : begin + batch_size], y[begin : begin + batch_size])
            return {"decisions": X_val @ np.ravel(model.coef_) + model.intercept_}

        return run
