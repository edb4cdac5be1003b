"""The FactorizationMachineRegressor: parameters and documentation."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from algos._common.base import learning
from algos._common.naming import named
from algos._common.params import POSITIVE_INT, Constraint, Options, knows_foreign_names
from algos._common.targets import require_target
from algos.factorization_machine.parameters import FOREIGN_PARAMETERS, SHARED_PARAMETERS
from algos.factorization_machine.regressor_model import RegressorModel
from algos.factorization_machine.regressor_numbers import RegressorNumbers
from algos.factorization_machine.streaming import learns_batches
from algos.factorization_machine.targets import numbers

_LOSSES = Options(
    "squared_error",
    "ordered_probit",
    aliases={"mse": "squared_error", "squared": "squared_error", "ordinal": "ordered_probit"},
)


@named
class FactorizationMachineRegressor(RegressorMixin, RegressorNumbers, RegressorModel):
    """Regression with an effect of every pair of columns, for sparse rows.

    Learns ratings, clicks and other numbers from columns that are mostly zero, such as
    one-hot users and items. By default it draws from the posterior, which needs no tuning and
    tells how sure it is; stochastic steps and least squares are there too.

    Parameters
    ----------
    n_factors : int, default=8
        Length of the vector of each column. More can say more of pairs, and take more time.
    loss : {"squared_error", "ordered_probit"}, default="squared_error"
        "ordered_probit" takes the distinct values of y as ordered levels, as of ratings: the
        prediction is the mean level, and `predict_level_proba` tells the probability of each. By
        "mcmc" or "als".
    solver : {"auto", "mcmc", "als", "adagrad"}, default="auto"
        "mcmc" draws from the posterior, with priors of its own for each group of columns: the
        most accurate, without anything to tune. "als" solves for the coefficient and factors
        of one column after the other, to the least penalised loss: deterministic. "adagrad"
        makes stochastic steps: for data that is large, or comes in batches. "auto" chooses by
        loss and size; `solver_` tells, and `verbose` the reason. `fit` warns of parameters that
        were given and that it does not use.
    max_iter : "auto" or int, default="auto"
        Sweeps of "mcmc" and "als", epochs of "adagrad": at most so many. "auto" is 300, 100 and
        100 of them.
    tol : float, default=1e-4
        "als" ends when a sweep lowers the objective by a smaller share of it, "adagrad" when
        `n_iter_no_change` epochs in a row do. If they never do, a ConvergenceWarning says so; 0
        asks for just `max_iter` of them. "mcmc" does not use it.
    burn_in : "auto" or int, default="auto"
        Sweeps of "mcmc" before those that count; "auto" is 15, and at most a quarter of all.
    n_draws : int, default=32
        How many of them "mcmc" keeps, evenly spaced, beside the mean over all: for
        `return_std` and the probabilities of levels. They take
        ``4 * n_draws * (n_factors + 1)`` bytes for each column that occurs.
    feature_groups : "auto", array-like of shape (n_features,) or None, default="auto"
        Labels of columns: those of one group have one prior of "mcmc". "auto" finds fields,
        neighbouring columns of which no row has two; None is one group.
    alpha : "auto" or float, default="auto"
        L2 penalty of the factors, for columns whose values have a mean square of 1. Of "als":
        ``sum_i w_i loss_i + alpha / 2 |V|² + alpha_linear / 2 |w|²``. Of "adagrad" a row has
        it for each of its values, in the mean over rows. "mcmc" learns its own, and does not
        use this. "auto" is 10 for "als" and 0.07 for "adagrad", of targets of deviation 1.
    alpha_linear : "auto" or float, default="auto"
        The same of the coefficients; "auto" is 2 and 0.01.
    alpha_intercept : float, default=0.0
        The same of the intercept, for "als" and "adagrad".
    learning_rate_init : "auto" or float, default="auto"
        Longest step of a factor. "auto" is 0.05. Used by "adagrad" only, as all down
        to `n_iter_no_change`.
    learning_rate_linear : "auto" or float, default="auto"
        The same of a coefficient; "auto" is `learning_rate_init`.
    learning_rate_intercept : "auto" or float, default="auto"
        The same of the intercept.
    batch_size : "auto" or int, default="auto"
        Rows that are scored before their steps are made; "auto" is about 2000 stored values.
    clip_gradient : float or None, default=None
        Largest magnitude of a number in a row's gradient.
    epsilon : "auto" or float, default="auto"
        Where the sums of squared gradients begin: the larger, the shorter the first steps.
    init : {"normal", "uniform", "constant"}, default="normal"
        First factors, of "mcmc" and "als" too.
    init_scale : "auto" or float, default="auto"
        Deviation for "normal", half width for "uniform", the number itself for "constant".
        "auto" is at most 0.1, or 0.02 for "adagrad": less where rows have more than two ones.
    init_linear : {"zeros", "normal", "uniform", "constant"}, default="zeros"
        First coefficients.
    init_linear_scale : float, default=0.01
        The same of them; "zeros" does not use it.
    init_intercept : float or None, default=None
        First intercept; None is the best constant.
    early_stopping : "auto" or bool, default="auto"
        Whether "adagrad" holds rows out to find the epoch that predicts them best, and then
        learns all rows for as many epochs. "auto" does so from 500 different rows on.
        With `X_val` those rows serve; False then only tells their loss.
    validation_fraction : float, default=0.1
        Share of the rows (of each class) that are held out, unless `fit` is given `X_val`.
        Which ones is decided by `random_state` and their content; equal rows stay together.
    n_iter_no_change : "auto" or int, default="auto"
        Epochs in a row without progress by `tol`, after which "adagrad" ends. "auto" is 2, or
        with validation rows as many as hold 100 batches: factors that begin near zero need
        those before they tell anything.
    warm_start : bool, default=False
        Whether `fit` begins at the model of the last one.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Draws first factors, the order of steps, and all of "mcmc". An int makes the result
        reproducible to the last bit, for every `n_jobs`.
    n_jobs : int or None, default=None
        Number of threads: None is all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    verbose : int, default=0
        1 prints the solver, why it was chosen, and a line for each iteration.

    Attributes
    ----------
    intercept_ : float
        Constant part of the score.
    coef_ : ndarray of shape (n_features,)
        Weight of each column; of "mcmc" the posterior's mean.
    factors_ : ndarray of shape (n_features, n_factors)
        Vector of each column. Of "mcmc" the best of so few for the mean weights of pairs over
        all sweeps after the burn-in; predictions take four times as many.
    levels_ : ndarray of shape (n_levels,)
        Distinct values of y; only with "ordered_probit", whose score says little by itself.
    solver_ : str
        The solver that ran.
    auto_params_ : dict
        What each parameter that was given as "auto" stood for in the last `fit`, or
        in the `partial_fit` that began a stream, if that used it; given in its place, the value
        asks for the same. But automatic penalties of "adagrad" are told as at a mean squared
        error of 1, and fall with it.
    n_iter_ : int
        Sweeps or epochs done; batches of a stream. After `merge` neither this nor `objective_`
        nor `history_` is there, for they were one part's alone.
    objective_ : float
        Of "als" the penalised loss, of "adagrad" the least mean loss of an epoch (of the rows
        held out, if there are some), of "mcmc" the loss in the last sweep. In units of the
        target's variance for numbers. NaN where no value of X differs from 0, or no target from
        another, so that the best constant is all there is to learn.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        `objective`, `seconds` since the beginning, and `validation`, the mean loss of rows that
        were held out (NaN without).
    hyper_ : dict of str to ndarray
        Of "mcmc": what was drawn beside the model, sweep by sweep: `means` and `precisions`
        of the priors, of shape (n_iter, n_groups, n_factors + 1), the coefficients' last;
        `noise_precision`, of shape (n_iter,), is of targets of deviation 1. Until `partial_fit`
        or `merge`.
    n_samples_seen_ : int
        Number of different rows that `fit`, or `partial_fit` and `merge`, saw.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    algos.FactorizationMachineClassifier : The same for classes, and for ranking.

    Notes
    -----
    The score of a row x is, with intercept b, coefficients w and a vector v_i of `n_factors`
    numbers for each column [1]_::

        f(x) = b + w . x + (<v_1, v_2> x_1 x_2 + <v_1, v_3> x_1 x_3 + ...)

    On one-hot users and items this is biased matrix factorisation; further columns (time,
    genres, words) add what is known of either, and of those that were never seen. It costs
    ``n_factors`` multiplications for each stored value.

    How scores rank items in an index of inner products: see
    `FactorizationMachineClassifier`.

    A sweep of "mcmc" or "als" draws or solves all ``n_factors + 1`` numbers of a column at once
    and takes about ``nnz * n_factors ** 2 / 2`` multiplications; an epoch of "adagrad" about
    ``6 * nnz * n_factors``. Beyond the rows, sorted and copied, they need some numbers a row
    and for each column that occurs; columns that never occur take none.

    A row of weight 2 is the same as two equal rows; rows of weight zero have no part in the
    fit. Columns are divided by the root of the mean square of their stored values and numbers
    to be predicted are centred and scaled, so units do not matter; `coef_` and `factors_` are
    for X as it is. Columns without a value in training have a coefficient and factors of zero.
    The data are not made dense, and dense X is stored as sparse rows while it is learned.

    References
    ----------
    .. [1] Rendle, S., "Factorization machines", ICDM 2010.
    .. [2] Rendle, S., "Factorization machines with libFM", ACM TIST 3 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from algos import FactorizationMachineRegressor
    >>> seen = np.array([[0, 0], [0, 1], [1, 0], [1, 2], [2, 1], [2, 2]])
    >>> ratings = np.array([5.0, 1.0, 4.0, 2.0, 2.0, 5.0])
    >>> encoder = OneHotEncoder().fit(seen)
    >>> machine = FactorizationMachineRegressor(n_factors=2, random_state=0)
    >>> machine = machine.fit(encoder.transform(seen), ratings)
    >>> machine.predict(encoder.transform([[0, 2]])).shape
    (1,)
    """

    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "n_factors": [POSITIVE_INT],
        "loss": [_LOSSES],
        **SHARED_PARAMETERS,
    }

    @knows_foreign_names(FOREIGN_PARAMETERS)
    def __init__(
        self,
        n_factors: int = 8,
        *,
        loss: str = "squared_error",
        solver: str = "auto",
        max_iter: Any = "auto",
        tol: float = 1e-4,
        burn_in: Any = "auto",
        n_draws: int = 32,
        feature_groups: Any = "auto",
        alpha: Any = "auto",
        alpha_linear: Any = "auto",
        alpha_intercept: float = 0.0,
        learning_rate_init: Any = "auto",
        learning_rate_linear: Any = "auto",
        learning_rate_intercept: Any = "auto",
        batch_size: Any = "auto",
        clip_gradient: float | None = None,
        epsilon: Any = "auto",
        init: str = "normal",
        init_scale: Any = "auto",
        init_linear: str = "zeros",
        init_linear_scale: float = 0.01,
        init_intercept: float | None = None,
        early_stopping: Any = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: Any = "auto",
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_factors = n_factors
        self.loss = loss
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.burn_in = burn_in
        self.n_draws = n_draws
        self.feature_groups = feature_groups
        self.alpha = alpha
        self.alpha_linear = alpha_linear
        self.alpha_intercept = alpha_intercept
        self.learning_rate_init = learning_rate_init
        self.learning_rate_linear = learning_rate_linear
        self.learning_rate_intercept = learning_rate_intercept
        self.batch_size = batch_size
        self.clip_gradient = clip_gradient
        self.epsilon = epsilon
        self.init = init
        self.init_scale = init_scale
        self.init_linear = init_linear
        self.init_linear_scale = init_linear_scale
        self.init_intercept = init_intercept
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @learning
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> FactorizationMachineRegressor:
        """Fit the machine.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Rows whose loss `history_` tells, and by which "adagrad" stops, instead of a part
            of X.

        Returns
        -------
        self : FactorizationMachineRegressor
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @available_if(learns_batches)
    @learning
    def partial_fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FactorizationMachineRegressor:
        """Learn further rows by stochastic steps; those that came before need not be kept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.

        Returns
        -------
        self : FactorizationMachineRegressor
        """
        first = not self._has_learned()
        rows = self._validated_rows(X, reset=first)
        require_target(self, rows, y)
        self._partial_fit(rows, numbers(y), sample_weight, first=first)
        return self

    @learning
    def merge(self, other: FactorizationMachineRegressor) -> FactorizationMachineRegressor:
        """Average this machine with another one, by the weights of the rows that each saw.

        Parameters
        ----------
        other : FactorizationMachineRegressor
            With the same parameters, fitted to the same columns; it is not changed.

        Returns
        -------
        self : FactorizationMachineRegressor
            A single machine: draws of "mcmc" are averaged.
        """
        self._merge(other)
        return self
