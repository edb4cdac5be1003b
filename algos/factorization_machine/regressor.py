"""The FactorizationMachineRegressor: parameters and documentation."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from algos._common.base import learning
from algos._common.method_names import named
from algos._common.params import POSITIVE_INT, Constraint, Options, knows_foreign_names
from algos._common.targets import require_target
from algos.factorization_machine.incremental import learns_batches
from algos.factorization_machine.names import FOREIGN_NAMES
from algos.factorization_machine.parameters import SHARED_PARAMETERS
from algos.factorization_machine.regressor_model import RegressorModel
from algos.factorization_machine.regressor_numbers import RegressorNumbers
from algos.factorization_machine.targets import numbers

_LOSSES = Options(
    "squared_error",
    "ordered_probit",
    aliases={"mse": "squared_error", "squared": "squared_error", "ordinal": "ordered_probit"},
)


@named
class FactorizationMachineRegressor(RegressorMixin, RegressorNumbers, RegressorModel):
    """Factorization machine for regression: a linear model with all pairwise interactions.

    Learns ratings and other numbers from columns that are mostly zero, such as one-hot users and
    items. By default it samples from the posterior, which needs no tuning and estimates how
    uncertain each prediction is; alternating least squares and stochastic steps are available too.

    Parameters
    ----------
    n_factors : int, default=8
        Length of each column's factor vector. More factors can express more about pairs, and take
        more time.
    loss : {"squared_error", "ordered_probit"}, default="squared_error"
        "ordered_probit" treats the distinct values of y as ordered levels, for ratings say:
        `predict` returns the expected level, and `predict_level_proba` the probability of each.
        It needs "mcmc" or "als".
    solver : {"auto", "mcmc", "als", "adagrad"}, default="auto"
        "mcmc" draws models from the posterior by Gibbs sampling and learns a prior for each group
        of columns: the most accurate solver, with nothing to tune. "als" (alternating least
        squares) minimises the penalised loss over one column's coefficient and factors at a time;
        it is deterministic. "adagrad" takes stochastic gradient steps, for large data and for
        streams. "auto" chooses by the loss and the size of the data: `solver_` stores the choice,
        and `verbose=1` prints the reason. `fit` warns of parameters that were given but that the
        solver does not use.
    max_iter : "auto" or int, default="auto"
        Maximum number of sweeps ("mcmc" and "als") or epochs ("adagrad"). "auto" is 300 for
        "mcmc" and 100 for the others.
    tol : float, default=1e-4
        "als" stops when a sweep lowers the objective by less than this share of it, "adagrad"
        when `n_iter_no_change` epochs in a row do. A ConvergenceWarning says if `max_iter` was
        reached first; 0 asks for `max_iter` iterations, without a warning. "mcmc" does not use it.
    burn_in : "auto" or int, default="auto"
        Number of initial sweeps that "mcmc" discards. "auto" is 15, but at most a quarter of all.
    n_draws : int, default=32
        Number of draws that "mcmc" keeps, evenly spaced after the burn-in, beside the mean over
        all sweeps: `return_std` and the probabilities of levels need them. They take
        ``4 * n_draws * (n_factors + 1)`` bytes for each column that occurs.
    feature_groups : "auto", array-like of shape (n_features,) or None, default="auto"
        Group labels of the columns: "mcmc" gives the columns of a group a common prior. "auto"
        finds fields, runs of neighbouring columns of which no row has two; None is one group.
    alpha : "auto" or float, default="auto"
        L2 penalty of the factors, for columns whose values have a mean square of 1. "als" minimises
        ``sum_i w_i loss_i + alpha / 2 |V|² + alpha_linear / 2 |w|²``; "adagrad" adds to each row's
        loss the penalty of that row's columns, and minimises the mean over rows; "mcmc" learns its
        own penalties and ignores this one. "auto" is 10 for "als" and 0.07 for "adagrad", for
        targets with a standard deviation of 1.
    alpha_linear : "auto" or float, default="auto"
        L2 penalty of the coefficients. "auto" is 2 for "als" and 0.01 for "adagrad".
    alpha_intercept : float, default=0.0
        L2 penalty of the intercept, for "als" and "adagrad".
    learning_rate_init : "auto" or float, default="auto"
        Learning rate of the factors, the length of the longest step. "auto" is 0.05. Only
        "adagrad" uses this and the following parameters, down to `initial_accumulator_value`.
    learning_rate_linear : "auto" or float, default="auto"
        Learning rate of the coefficients. "auto" is `learning_rate_init`; 0, for this and the
        other rates, keeps the initial values.
    learning_rate_intercept : "auto" or float, default="auto"
        Learning rate of the intercept. "auto" is `learning_rate_init`.
    batch_size : "auto" or int, default="auto"
        Number of rows in a mini-batch. "auto" is about 2000 stored values.
    clip_gradient : float or None, default=None
        Clip gradients by value: no entry of a row's gradient exceeds this magnitude.
    initial_accumulator_value : "auto" or float, default="auto"
        Initial value of AdaGrad's sums of squared gradients: the larger, the shorter the first
        steps. "auto" is 0.1.
    init : {"normal", "uniform", "constant"}, default="normal"
        Distribution of the initial factors, for every solver.
    init_scale : "auto" or float, default="auto"
        Standard deviation for "normal", half width for "uniform", the value itself for
        "constant". "auto" is at most 0.1, or 0.02 for "adagrad": less where rows have more than
        two ones.
    init_linear : {"zeros", "normal", "uniform", "constant"}, default="zeros"
        Distribution of the initial coefficients.
    init_linear_scale : float, default=0.01
        As `init_scale`, for the coefficients; "zeros" does not use it.
    init_intercept : float or None, default=None
        Initial intercept. None is the best constant prediction.
    early_stopping : "auto" or bool, default="auto"
        Whether "adagrad" holds out validation rows to find the best number of epochs, and then
        learns all rows for as many. "auto" does so from 500 distinct rows on. If `fit` is
        given `X_val`, those rows are used instead; with False their loss is only recorded.
    validation_fraction : float, default=0.1
        Share of the rows (of each class) that are held out, unless `fit` is given `X_val`. The
        choice depends on `random_state` and the rows' content; equal rows stay together.
    n_iter_no_change : "auto" or int, default="auto"
        Number of consecutive epochs without progress by `tol` after which "adagrad" stops. "auto"
        is 2, or with validation rows as many as make up 100 batches, if that is more: factors
        begin near zero and need so many before they improve predictions.
    warm_start : bool, default=False
        Whether `fit` starts from the previously fitted model.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Determines the initial factors, the order of stochastic steps and all draws of "mcmc". An
        int makes the result reproducible to the last bit, for every `n_jobs`.
    n_jobs : int or None, default=None
        Number of threads: None means all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    verbose : int, default=0
        1 prints the solver, why it was chosen, and a line for each iteration.

    Attributes
    ----------
    intercept_ : float
        Constant part of the score.
    coef_ : ndarray of shape (n_features,)
        Coefficient of each column; for "mcmc" the posterior mean.
    factors_ : ndarray of shape (n_features, n_factors)
        Factor vector of each column. For "mcmc" the best approximation by `n_factors` factors to
        the posterior mean of the pairs' weights; predictions use more of them.
    levels_ : ndarray of shape (n_levels,)
        Distinct values of y; only with "ordered_probit", whose score has no unit of its own.
    solver_ : str
        The solver that was used.
    auto_params_ : dict
        The values that parameters given as "auto" took in the last `fit`, or in the
        `partial_fit` that began a stream, as far as they were used. Given explicitly, they lead to
        the same model. The penalties of "adagrad", which decrease with the mean squared error, are
        reported as at an error of 1.
    n_iter_ : int
        Number of sweeps or epochs, or of batches of a stream. `merge` removes `n_iter_`,
        `objective_` and `history_`, which would describe one part alone.
    objective_ : float
        For "als" the penalised loss, for "adagrad" the lowest mean loss of an epoch (of the
        validation rows, if there are any), for "mcmc" the loss in the last sweep; for numeric
        targets in units of their variance. NaN if X has no nonzero value, or y only one distinct
        value, so that a constant is all there is to learn.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        `objective`, `seconds` since the start, and `validation`, the mean loss of the validation
        rows (NaN without).
    hyper_ : dict of str to ndarray
        Only for "mcmc", until `partial_fit` or `merge`: the hyperparameters drawn in each sweep.
        `means` and `precisions` of the priors, of shape (n_iter, n_groups, n_factors + 1), have
        the coefficients last; `noise_precision`, of shape (n_iter,), is for targets with a
        standard deviation of 1.
    n_samples_seen_ : int
        Number of rows with positive weight seen by `fit`, or by `partial_fit` and `merge`.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has names that are all strings.

    See Also
    --------
    algos.FactorizationMachineClassifier : The same model for classes, and for ranking.

    Notes
    -----
    The score of a row x with intercept b, coefficients w and a vector v_i of `n_factors` numbers
    for each column is [1]_::

        f(x) = b + w . x + (<v_1, v_2> x_1 x_2 + <v_1, v_3> x_1 x_3 + ...)

    With one-hot users and items this is biased matrix factorisation; further columns (time,
    genres, words) add what is known about either, including those that were never seen. A
    prediction costs ``n_factors`` multiplications for each stored value.

    `FactorizationMachineClassifier` explains how to rank items by an index of inner products.

    A sweep of "mcmc" or "als" updates all ``n_factors + 1`` numbers of a column at once and takes
    about ``nnz * n_factors ** 2 / 2`` multiplications; an epoch of "adagrad" takes about
    ``6 * nnz * n_factors``. Beyond a sorted copy of the rows, memory is proportional to the
    number of rows and to the number of columns that occur.

    A row of weight 2 is equivalent to two equal rows; rows of weight zero are ignored. Columns
    are divided by the root mean square of their stored values and numeric targets are centred and
    scaled, so units do not matter; `coef_` and `factors_` refer to the original X. Columns
    without a nonzero value in training have a coefficient and factors of zero. Sparse X is never
    made dense, and dense X is stored as sparse rows during the fit.

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

    @knows_foreign_names(FOREIGN_NAMES)
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
        initial_accumulator_value: Any = "auto",
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
        self.initial_accumulator_value = initial_accumulator_value
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
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None means 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Validation rows, whose loss is recorded in `history_`; "adagrad" stops by them
            instead of holding out a part of X.

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
        """Learn a further batch of rows by stochastic steps.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None means 1 for all.

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
        """Average this model with another one, weighted by the rows that each has seen.

        Parameters
        ----------
        other : FactorizationMachineRegressor
            A model with the same parameters, fitted to the same columns; it is not changed.

        Returns
        -------
        self : FactorizationMachineRegressor
            A single model: the draws of "mcmc" are averaged.
        """
        self._merge(other)
        return self
