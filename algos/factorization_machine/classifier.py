"""The FactorizationMachineClassifier: parameters and documentation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from algos._common.base import is_same, learning
from algos._common.labels import ClassWeights, class_labels
from algos._common.naming import named
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
from algos.factorization_machine.parameters import FOREIGN_PARAMETERS, SHARED_PARAMETERS
from algos.factorization_machine.streaming import learns_batches
from algos.factorization_machine.targets import group_numbers

_LOSSES = Options(
    "log_loss",
    "bpr",
    aliases={"logistic": "log_loss", "log": "log_loss", "ranking": "bpr", "warp": "bpr"},
)


@named
class FactorizationMachineClassifier(ClassifierMixin, ClassifierLabels, ClassifierModel):
    """Classification or ranking with an effect of every pair of columns, for sparse rows.

    Learns clicks and other classes from columns that are mostly zero, such as one-hot users,
    items and contexts; or, by `loss="bpr"`, to rank the items of each user.

    Parameters
    ----------
    n_factors : int, default=8
        Length of the vector of each column. More can say more of pairs, and take more time.
    loss : {"log_loss", "bpr"}, default="log_loss"
        "log_loss" gives probabilities by the logistic function; of more than two classes
        "adagrad" multinomial ones, "mcmc" and "als" each against the rest. "bpr" ranks: within
        each of the `groups` of `fit` (a user, a query), rows of class 1 shall score above
        others.
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
        How many of them "mcmc" keeps, evenly spaced, beside the mean over all: for the spread
        of scores, which probabilities allow for. They take
        ``4 * n_draws * (n_factors + 1)`` bytes for each column that occurs.
    feature_groups : "auto", array-like of shape (n_features,) or None, default="auto"
        Labels of columns: those of one group have one prior of "mcmc". "auto" finds fields,
        neighbouring columns of which no row has two; None is one group.
    alpha : "auto" or float, default="auto"
        L2 penalty of the factors, for columns whose values have a mean square of 1. Of "als":
        ``sum_i w_i loss_i + alpha / 2 |V|² + alpha_linear / 2 |w|²``. Of "adagrad" a row has
        it for each of its values, in the mean over rows. "mcmc" learns its own, and does not
        use this. "auto" is 10 for "als" and 0.01 for "adagrad".
    alpha_linear : "auto" or float, default="auto"
        The same of the coefficients; "auto" is 2 and 0.001.
    alpha_intercept : float, default=0.0
        The same of the intercept, for "als" and "adagrad".
    learning_rate_init : "auto" or float, default="auto"
        Longest step of a factor. "auto" is the one of 0.2, 0.1 and 0.05 whose first epoch
        comes furthest; 0.1 for `partial_fit`, 0.2 for "bpr". Used by "adagrad" only, as all down
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
        "auto" is at most 0.1, or 0.02 for "adagrad", or 1 for "mcmc" of X that is mostly zero:
        less where rows have more than two ones.
    init_linear : {"zeros", "normal", "uniform", "constant"}, default="zeros"
        First coefficients.
    init_linear_scale : float, default=0.01
        The same of them; "zeros" does not use it.
    init_intercept : float or None, default=None
        First intercept; None is the best constant.
    early_stopping : "auto" or bool, default="auto"
        Whether "adagrad" holds rows out to find the epoch that predicts them best, and then
        learns all rows for as many epochs. "auto" does so from 500 different rows on; "bpr"
        holds none out: it ends by the loss of the pairs it learns. With `X_val` those rows
        serve; False then only tells their loss.
    validation_fraction : float, default=0.1
        Share of the rows (of each class) that are held out, unless `fit` is given `X_val`.
        Which ones is decided by `random_state` and their content; equal rows stay together.
    n_iter_no_change : "auto" or int, default="auto"
        Epochs in a row without progress by `tol`, after which "adagrad" ends. "auto" is 2, or
        with validation rows as many as hold 100 batches: factors that begin near zero need
        those before they tell anything.
    class_weight : dict, "balanced" or None, default=None
        Multiplies the weights of rows: a dict from label to factor (1 for a class that it does
        not name); "balanced" gives each class the same sum of weights.
    item_features : array-like of shape (n_item_features,) or (n_features,), or None, default=None
        Of "bpr": the columns that describe the item, by number, by name or as a mask. A row's
        rival is then its group with the columns of another item, which the group has no row of
        class 1 for; so rows of class 0 are not needed. None takes rivals from the group's rows
        of class 0.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, in ascending order.
    intercept_ : float, or ndarray of shape (n_classes,)
        Constant part of the score; one for each class if there are more than two.
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Weight of each column; of "mcmc" the posterior's mean.
    factors_ : ndarray of shape (n_features, n_factors) or (n_classes, n_features, n_factors)
        Vector of each column. Of "mcmc" the best of so few for the mean weights of pairs over
        all sweeps after the burn-in; predictions take four times as many.
    solver_ : str
        The solver that ran.
    auto_params_ : dict
        What each parameter that was given as "auto" stood for in the last `fit`, or
        in the `partial_fit` that began a stream, if that used it; given in its place, the value
        asks for the same.
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
        of the priors, of shape (n_iter, n_groups, n_factors + 1), the coefficients' last. Not
        of more than two classes, and until `partial_fit` or `merge`.
    n_samples_seen_ : int
        Number of different rows that `fit`, or `partial_fit` and `merge`, saw.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    algos.FactorizationMachineRegressor : The same for numbers.
    algos.LinearLearnerClassifier : Without pairs.

    Notes
    -----
    The score of a row x is, with intercept b, coefficients w and a vector v_i of `n_factors`
    numbers for each column [1]_::

        f(x) = b + w . x + (<v_1, v_2> x_1 x_2 + <v_1, v_3> x_1 x_3 + ...)

    On one-hot users and items this is biased matrix factorisation; further columns (time,
    genres, words) add what is known of either, and of those that were never seen. It costs
    ``n_factors`` multiplications for each stored value.

    For retrieval, f of a user's columns and an item's together is, but for a constant, f of each
    alone and the inner product of their embeddings. So ``np.c_[transform(items), f(items)]``
    and ``np.c_[transform(users), 1]`` rank items as f does, in any index of inner products.
    "mcmc" predicts by a mean that has more factors than `factors_`, so there the ranks are near.

    A row of weight 2 is the same as two equal rows. What fits cost, and the units of columns, are
    as with `FactorizationMachineRegressor`.

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
    >>> clicked = shown.sum(axis=1) % 2 == 0  # no column tells by itself
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

    @knows_foreign_names(FOREIGN_PARAMETERS)
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
        epsilon: Any = "auto",
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
        self.epsilon = epsilon
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
        """Fit the machine.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels; of "bpr" two, or 1 alone with `item_features`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Rows whose loss `history_` tells, and by which "adagrad" stops, instead of a part
            of X. Not of "bpr".
        groups : array-like of shape (n_samples,), default=None
            Of "bpr": the user or query that a row belongs to.

        Returns
        -------
        self : FactorizationMachineClassifier
        """
        if (groups is None) == (self.loss == "bpr"):
            raise ValueError(
                "`groups` must be given to `fit` with loss='bpr'; in a search that takes "
                "sklearn.set_config(enable_metadata_routing=True) and .set_fit_request(groups=True)"
                if groups is None
                else f"`groups` must be None with loss={self.loss!r}; loss='bpr' ranks within them"
            )
        if groups is not None and X_val is not None:
            raise ValueError(
                "`X_val` must be None with loss='bpr', which does not stop by validation rows; "
                "choose `max_iter`, and compare rankings by algos.metrics"
            )
        self.__dict__.pop("_met", None)
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
        """Learn further rows by stochastic steps; those that came before need not be kept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.
        classes : array-like of shape (n_classes,), default=None
            All labels that will come. None takes those of the first batch with two; rows of
            one label that come before it are not learned.

        Returns
        -------
        self : FactorizationMachineClassifier
        """
        first = not self._has_learned()
        rows = self._validated_rows(X, reset=first and "_met" not in self.__dict__)
        require_target(self, rows, y)
        column = class_labels(y)
        self._classes_to_come = None if classes is None else np.unique(np.asarray(classes))
        if first and classes is None and not self._meets_two(column, sample_weight):
            del self._classes_to_come
            return self
        if not first and classes is not None and not is_same(self._classes_to_come, self.classes_):
            raise ValueError(
                f"`classes`={np.asarray(classes).tolist()!r} must be those of the first call, "
                f"{self.classes_.tolist()}; name all that will come there"
            )
        try:
            self._partial_fit(rows, column, sample_weight, first=first)
        finally:
            del self._classes_to_come
        return self

    @learning
    def merge(self, other: FactorizationMachineClassifier) -> FactorizationMachineClassifier:
        """Average this machine with another one, by the weights of the rows that each saw.

        Parameters
        ----------
        other : FactorizationMachineClassifier
            With the same parameters, fitted to the same columns and classes; it is not changed.

        Returns
        -------
        self : FactorizationMachineClassifier
            A single machine: draws of "mcmc" are averaged.
        """
        self._merge(other)
        return self
