"""scikit-learn's linear models: every solver that can do it, the fastest of them is timed."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from benchmarks.linear import Way
from benchmarks.peers.linear_models import (
    FEW_ITERATIONS,
    ITERATIONS,
    TOLERANCES,
    LinearModels,
    fit_of,
    outcome_of,
    searched,
    with_defaults,
)

_MOST_HESSIAN_COLUMNS = 2000


def _in_both_types(X):
    """Return the rows as they are and, if those are float32, in float64: some solve that sooner."""
    rows = {str(X.dtype): X}
    return rows if X.dtype == np.float64 else {**rows, "float64": X.astype(np.float64)}


class SklearnLinearModels(LinearModels):
    """Tasks of linear models by scikit-learn."""

    def ways(self, problem, X, y, n_jobs):
        from sklearn.svm import LinearSVC, LinearSVR

        strength = problem.alpha * X.shape[0]
        name = "real" if problem.loss == "squared_error" else problem.loss
        if problem.loss in ("log_loss", "multinomial"):
            return self._logistic(problem, X, y, 1 / strength)
        if problem.loss in ("poisson", "gamma", "tweedie"):
            return self._glm(problem, X, y)
        if problem.loss in ("quantile", "absolute_error") and problem.l1_ratio == 1:
            return [Way("highs", ["default"], self._quantile(problem, X, y))]
        if problem.loss.endswith(("hinge", "insensitive")) and not problem.fit_intercept:
            kind = LinearSVC if problem.is_of_classes else LinearSVR
            own = {} if problem.is_of_classes else {"epsilon": problem.parameter}
            own |= {"penalty": "l1", "dual": False} if problem.l1_ratio else {}
            make = lambda tol: kind(  # noqa: E731
                C=1 / strength, loss=problem.loss, fit_intercept=False, tol=tol,
                max_iter=100_000, random_state=0, **own,
            )  # fmt: skip
            return [Way(kind.__name__, TOLERANCES, fit_of(make, X, y))]
        return self._squared(problem, X, y, strength) if name == "real" else []

    def _logistic(self, problem, X, y, c):
        from sklearn.linear_model import LogisticRegression

        def way(solver, rows, settings, name):
            def make(setting):
                stop = {name: setting} if name == "tol" else {"tol": 1e-14, name: setting}
                return LogisticRegression(
                    C=c,
                    l1_ratio=problem.l1_ratio,
                    solver=solver,
                    fit_intercept=problem.fit_intercept,
                    random_state=0,
                    **({"max_iter": 10_000} | stop),
                )

            return Way(f"{solver} {rows.dtype} {name}", settings, fit_of(make, rows, y))

        own, double = (list(_in_both_types(X).values()) * 2)[:2]
        liblinear = [] if problem.fit_intercept or problem.loss == "multinomial" else ["liblinear"]
        if problem.l1_ratio:
            solvers = [*(liblinear if problem.l1_ratio == 1 else []), "saga"]
            return [way(solver, own, TOLERANCES, "tol") for solver in solvers]
        ways = [way("lbfgs", rows, ITERATIONS, "max_iter") for rows in _in_both_types(X).values()]
        ways.append(way("newton-cg", own, FEW_ITERATIONS, "max_iter"))
        n_classes = len(np.unique(y)) if problem.loss == "multinomial" else 1
        if not sparse.issparse(X) and X.shape[1] * n_classes <= _MOST_HESSIAN_COLUMNS:
            ways.append(way("newton-cholesky", double, FEW_ITERATIONS, "max_iter"))
        return ways + [way(solver, own, TOLERANCES, "tol") for solver in liblinear]

    def _glm(self, problem, X, y):
        from sklearn.linear_model import TweedieRegressor

        power = {"poisson": 1, "gamma": 2}.get(problem.loss, problem.parameter)

        def way(solver, settings):
            return Way(
                f"{solver} max_iter",
                settings,
                fit_of(
                    lambda most: TweedieRegressor(
                        power=power, link="log", alpha=problem.alpha, solver=solver, tol=1e-14,
                        fit_intercept=problem.fit_intercept, max_iter=most,
                    ),
                    X,
                    y,
                ),
            )  # fmt: skip

        if problem.l1_ratio:
            return []
        return [way("lbfgs", ITERATIONS), way("newton-cholesky", FEW_ITERATIONS)]

    def _quantile(self, problem, X, y):
        from sklearn.linear_model import QuantileRegressor

        is_absolute = problem.loss == "absolute_error"
        return fit_of(
            lambda _: QuantileRegressor(
                quantile=0.5 if is_absolute else problem.parameter,
                alpha=problem.alpha / (2 if is_absolute else 1),
                fit_intercept=problem.fit_intercept,
            ),
            X,
            y,
        )

    def _squared(self, problem, X, y, strength):
        from sklearn.linear_model import ElasticNet, Ridge

        intercept = problem.fit_intercept
        if problem.l1_ratio:
            kinds = {"Gram": True, "rows": False}
            return [
                Way(
                    f"{name} tol",
                    TOLERANCES,
                    fit_of(
                        lambda tol, gram=gram: ElasticNet(
                            problem.alpha, l1_ratio=problem.l1_ratio, fit_intercept=intercept,
                            precompute=gram, tol=tol, max_iter=100_000,
                        ),
                        X,
                        y,
                    ),
                )
                for name, gram in kinds.items()
            ]  # fmt: skip
        make = lambda tol: Ridge(  # noqa: E731
            strength, solver="auto", tol=tol, fit_intercept=intercept
        )
        settings = TOLERANCES if sparse.issparse(X) else ["default"]
        return [
            Way(f"Ridge {kind}", settings, fit_of(self._or_default(make), rows, y))
            for kind, rows in _in_both_types(X).items()
        ]

    @staticmethod
    def _or_default(make):
        return lambda tol: make(1e-4 if tol == "default" else tol)

    def path_ways(self, X, y, alphas, n_jobs):
        from sklearn.linear_model import lasso_path

        def fit(tolerance):
            return {"coefs": lasso_path(X, y, alphas=alphas, tol=tolerance, max_iter=10_000)[1].T}

        return [Way("lasso_path tol", TOLERANCES, fit)]

    def linear_defaults(self, X, y, alpha, n_jobs, **others):
        """A fit with the defaults of everything but the penalty."""
        from sklearn.linear_model import LogisticRegression

        return with_defaults(LogisticRegression(C=1 / (alpha * len(X))), X, y)

    def linear_pack(self, X, y, X_val, y_val, alphas, loss, n_jobs, **others):
        """A grid search over the same candidates and rows."""
        from sklearn.linear_model import LogisticRegression, Ridge

        if loss == "squared_error":
            model, name, values = Ridge(), "alpha", alphas * len(X)
            scoring = "neg_mean_squared_error"
        else:
            model, name, values = LogisticRegression(max_iter=1000), "C", 1 / (alphas * len(X))
            scoring = "neg_log_loss"
        run = searched(model, name, values, scoring, (X, y, X_val, y_val), n_jobs)

        def halved():  # of squared errors, as our loss is
            outcome = run()
            share = 0.5 if loss == "squared_error" else 1.0
            return {**outcome, "validation": share * outcome["validation"]}

        return halved

    def linear_predict(self, X, y, alpha, rows, loss, n_jobs, **others):
        """The predictions of a few rows."""
        from sklearn.linear_model import LogisticRegression, Ridge

        strength = alpha * len(X)
        if loss == "squared_error":
            model = Ridge(strength).fit(X, y)
            return lambda: {**outcome_of(model), "predictions": model.predict(rows)}
        model = LogisticRegression(C=1 / strength).fit(X, y)
        return lambda: {**outcome_of(model), "predictions": model.predict_proba(rows)}

    def linear_stream(self, X, y, X_val, y_val, loss, batch_size, n_jobs, **others):
        """One pass over batches by averaged stochastic gradients."""
        from sklearn.linear_model import SGDClassifier, SGDRegressor

        is_real = loss == "squared_error"

        def run():
            kind = SGDRegressor if is_real else SGDClassifier
            # At its own rate it ends far above the loss without coefficients.
            model = kind(
                loss=loss, alpha=1e-6, average=True, learning_rate="constant", eta0=0.01,
                random_state=0,
            )  # fmt: skip
            more = {} if is_real else {"classes": [0, 1]}
            for begin in range(0, len(X), batch_size):
                batch = slice(begin, begin + batch_size)
                model.partial_fit(X[batch], y[batch], **more)
            return {"decisions": X_val @ np.ravel(model.coef_) + model.intercept_, "note": "SGD"}

        return run
