"""The FactorizationMachineClassifier: parameters and documentation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from algos._common.base import is_same, learning
from algos._common.labels import ClassWeights, class_labels, distinct_classes
from algos._common.method_names import named
from algos._common.params import (
    POSITIVE_INT,
    ArrayLike as IsArrayLike,
    Constraint,
    Options,
    knows_foreign_names,
)
from algos._common.targets import require_target
from algos.factorization_machine.classifier_labels import ClassifierLabels
from algos.factorization_machine.classifier_model import ClassifierModel
from algos.factorization_machine.incremental import learns_batches
from algos.factorization_machine.names import FOREIGN_NAMES
from algos.factorization_machine.parameters import SHARED_PARAMETERS
from algos.factorization_machine.targets import group_numbers

_LOSSES = Options(
    "log_loss",
    "bpr",
    aliases={"logistic": "log_loss", "log": "log_loss", "ranking": "bpr", "warp": "bpr"},
)


@named
class FactorizationMachineClassifier(ClassifierMixin, ClassifierLabels, ClassifierModel):
    """Factorization machine for classification and ranking, with all pairwise interactions.

    Learns clicks and other classes from columns that are mostly zero, such as one-hot users,
    items and contexts, or, with `loss="bpr"`, to rank the items of each user.

    Parameters
    ----------
    n_factors : int, default=8
        Length of each column's factor vector. More factors can express more about pairs, and take
        more time.
    loss : {"log_loss", "bpr"}, default="log_loss"
        "log_loss" models probabilities by the logistic function; with more than two classes
        "adagrad" learns a multinomial model, "mcmc" and "als" one class against the rest. "bpr"
        ranks: within each of the `groups` of `fit` (a user, a query), rows of class 1 are to
        score above the others.
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
        all sweeps: their spread enters the probabilities. They take
        ``4 * n_draws * (n_factors + 1)`` bytes for each column that occurs.
    feature_groups : "auto", array-like of shape (n_features,) or None, default="auto"
        Group labels of the columns: "mcmc" gives the columns of a group a common prior. "auto"
        finds fields, runs of neighbouring columns of which no row has two; None is one group.
    alpha : "auto" or float, default="auto"
        L2 penalty of the factors, for columns whose values have a mean square of 1. "als" minimises
        ``sum_i w_i loss_i + alpha / 2 |V|² + alpha_linear / 2 |w|²``; "adagrad" adds to each row's
        loss the penalty of that row's columns, and minimises the mean over rows; "mcmc" learns its
        own penalties and ignores this one. "auto" is 10 for "als" and 0.01 for "adagrad".
    alpha_linear : "auto" or float, default="auto"
        L2 penalty of the coefficients. "auto" is 2 for "als" and 0.001 for "adagrad".
    alpha_intercept : float, default=0.0
        L2 penalty of the intercept, for "als" and "adagrad".
    learning_rate_init : "auto" or float, default="auto"
        Learning rate of the factors, the length of the longest step. "auto" tries 0.2, 0.1 and
        0.05 for an epoch and takes the best; it is 0.1 for `partial_fit` and 0.2 for "bpr". Only
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
        "constant". "auto" is at most 0.1, or 0.02 for "adagrad", or 1 for "mcmc" if X is mostly
        zero: less where rows have more than two ones.
    init_linear : {"zeros", "normal", "uniform", "constant"}, default="zeros"
        Distribution of the initial coefficients.
    init_linear_scale : float, default=0.01
        As `init_scale`, for the coefficients; "zeros" does not use it.
    init_intercept : float or None, default=None
        Initial intercept. None is the best constant prediction.
    early_stopping : "auto" or bool, default="auto"
        Whether "adagrad" holds out validation rows to find the best number of epochs, and then
        learns all rows for as many. "auto" does so from 500 distinct rows on; never for
        "bpr", which stops by the loss of its training pairs. If `fit` is
        given `X_val`, those rows are used instead; with False their loss is only recorded.
    validation_fraction : float, default=0.1
        Share of the rows (of each class) that are held out, unless `fit` is given `X_val`. The
        choice depends on `random_state` and the rows' content; equal rows stay together.
    n_iter_no_change : "auto" or int, default="auto"
        Number of consecutive epochs without progress by `tol` after which "adagrad" stops. "auto"
        is 2, or with validation rows as many as make up 100 batches, if that is more: factors
        begin near zero and need so many before they improve predictions.
    class_weight : dict, "balanced" or None, default=None
        Factors that multiply the weights of rows: a dict from label to factor (1 for a class
        that it lacks); "balanced" gives each class the same sum of weights.
    item_features : array-like of shape (n_item_features,) or (n_features,), or None, default=None
        For "bpr": the columns that describe the item, by number, by name or as a mask. Each row
        of class 1 is then compared with the same row for another item, one for which its group has
        no row of class 1, so that rows of class 0 are not needed. None compares it with rows of
        class 0 in its group.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, in ascending order.
    intercept_ : float, or ndarray of shape (n_classes,)
        Constant part of the score; one for each class if there are more than two.
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Coefficient of each column; for "mcmc" the posterior mean.
    factors_ : ndarray of shape (n_features, n_factors) or (n_classes, n_features, n_factors)
        Factor vector of each column. For "mcmc" the best approximation by `n_factors` factors to
        the posterior mean of the pairs' weights; predictions use more of them.
    solver_ : str
        The solver that was used.
    auto_params_ : dict
        The values that parameters given as "auto" took in the last `fit`, or in the
        `partial_fit` that began a stream, as far as they were used. Given explicitly, they lead to
        the same model.
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
        Only for "mcmc" with two classes, until `partial_fit` or `merge`: the hyperparameters
        drawn in each sweep. `means` and `precisions` of the priors, of shape (n_iter, n_groups,
        n_factors + 1), have the coefficients last.
    n_samples_seen_ : int
        Number of rows with positive weight seen by `fit`, or by `partial_fit` and `merge`.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has names that are all strings.

    See Also
    --------
    algos.FactorizationMachineRegressor : The same model for numeric targets.
    algos.LinearLearnerClassifier : A linear model without pairs.

    Notes
    -----
    The score of a row x with intercept b, coefficients w and a vector v_i of `n_factors` numbers
    for each column is [1]_::

        f(x) = b + w . x + (<v_1, v_2> x_1 x_2 + <v_1, v_3> x_1 x_3 + ...)

    With one-hot users and items this is biased matrix factorisation; further columns (time,
    genres, words) add what is known about either, including those that were never seen. A
    prediction costs ``n_factors`` multiplications for each stored value.

    For retrieval: the score of a user's and an item's columns together is, up to a constant, the
    sum of the scores of each alone and of the inner product of their embeddings. So
    ``np.c_[transform(items), f(items)]`` and ``np.c_[transform(users), 1]`` rank items as f does,
    in any index of inner products. With "mcmc" the ranking is approximate, since predictions use
    more factors than `factors_` has.

    A row of weight 2 is equivalent to two equal rows. `FactorizationMachineRegressor` describes
    the cost of fits and the units of columns.

    References
    ----------
    .. [1] Rendle, S., "Factorization machines", ICDM 2010.
    .. [2] Rendle, S. et al., "BPR: Bayesian personalized ranking from implicit feedback",
       UAI 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from algos import FactorizationMachineClassifier
    >>> rng = np.random.default_rng(0)
    >>> shown = rng.integers(8, size=(4000, 2))
    >>> clicked = shown.sum(axis=1) % 2 == 0  # neither column is informative alone
    >>> X = OneHotEncoder().fit_transform(shown)
    >>> machine = FactorizationMachineClassifier(random_state=0).fit(X, clicked)
    >>> machine.score(X, clicked) > 0.95
    True
    """

    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "n_factors": [POSITIVE_INT],
        "loss": [_LOSSES],
        **SHARED_PARAMETERS,
        "class_weight": [Options("balanced"), ClassWeights(), None],
        "item_features": [IsArrayLike(), None],
    }

    @knows_foreign_names(FOREIGN_NAMES)
    def __init__(
        self,
        n_factors: int = 8,
        *,
        loss: str = "log_loss",
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
        class_weight: Any = None,
        item_features: Any = None,
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
        self.class_weight = class_weight
        self.item_features = item_features
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
        groups: ArrayLike | None = None,
    ) -> FactorizationMachineClassifier:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels; for "bpr" two classes, or with `item_features` class 1 alone.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None means 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Validation rows, whose loss is recorded in `history_`; "adagrad" stops by them
            instead of holding out a part of X. Not for "bpr".
        groups : array-like of shape (n_samples,), default=None
            For "bpr": the user or query that each row belongs to.

        Returns
        -------
        self : FactorizationMachineClassifier
        """
        if (groups is None) == (self.loss == "bpr"):
            raise ValueError(
                "`groups` must be given to `fit` with loss='bpr'; a pipeline passes them on as "
                "fit(X, y, <step>__groups=groups), and a search after "
                "sklearn.set_config(enable_metadata_routing=True) and .set_fit_request(groups=True)"
                if groups is None
                else f"`groups` must be None with loss={self.loss!r}; loss='bpr' ranks within them"
            )
        if groups is not None and X_val is not None:
            raise ValueError(
                "`X_val` must be None with loss='bpr', which does not stop by validation rows; "
                "choose `max_iter`, and compare rankings by algos.metrics"
            )
        self.__dict__.pop("_labels_seen", None)
        of_rows = None if groups is None else group_numbers(groups)
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), of_rows)
        return self

    @available_if(learns_batches)
    @learning
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
    ) -> FactorizationMachineClassifier:
        """Learn a further batch of rows by stochastic steps.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None means 1 for all.
        classes : array-like of shape (n_classes,), default=None
            All labels that can occur. None takes those of the first batches up to the one that
            brings a second label; rows before that batch are not learned.

        Returns
        -------
        self : FactorizationMachineClassifier
        """
        first = not self._has_learned()
        rows = self._validated_rows(X, reset=first and "_labels_seen" not in self.__dict__)
        require_target(self, rows, y)
        column = class_labels(y)
        self._classes_given = None if classes is None else distinct_classes(classes)
        if first and classes is None and not self._has_seen_two(column, sample_weight):
            del self._classes_given
            return self
        if not first and classes is not None and not is_same(self._classes_given, self.classes_):
            raise ValueError(
                f"`classes`={np.asarray(classes).tolist()!r} must be those of the first call, "
                f"{self.classes_.tolist()}; list all classes there"
            )
        try:
            self._partial_fit(rows, column, sample_weight, first=first)
        finally:
            del self._classes_given
        return self

    @learning
    def merge(self, other: FactorizationMachineClassifier) -> FactorizationMachineClassifier:
        """Average this model with another one, weighted by the rows that each has seen.

        Parameters
        ----------
        other : FactorizationMachineClassifier
            A model with the same parameters, fitted to the same columns and classes; it is not
            changed.

        Returns
        -------
        self : FactorizationMachineClassifier
            A single model: the draws of "mcmc" are averaged.
        """
        self._merge(other)
        return self
