"""The LinearLearnerClassifier: parameters and documentation."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from algos._common.base import learning
from algos._common.labels import ClassWeights, class_labels
from algos._common.method_names import named
from algos._common.params import (
    POSITIVE,
    POSITIVE_INT,
    SHARE,
    Constraint,
    Options,
    knows_foreign_names,
)
from algos._common.search import Categorical
from algos._common.targets import require_target
from algos.linear_learner.classifier_labels import ClassifierLabels
from algos.linear_learner.classifier_model import ClassifierModel
from algos.linear_learner.names import (
    CLASSIFIER_CRITERIA,
    CLASSIFIER_FOREIGN_NAMES,
    CLASSIFIER_LOSSES,
)
from algos.linear_learner.parameters import SHARED_PARAMETERS


@named
class LinearLearnerClassifier(ClassifierMixin, ClassifierLabels, ClassifierModel):
    """Linear classification: logistic or multinomial regression and support vectors.

    Every loss is available with L2, L1 and elastic-net penalties, and each fit reports how far
    it may be from the optimum. By default 32 values of `alpha` are trained together and
    validation rows choose among them. For two classes the decision threshold can be calibrated
    for accuracy, an F score, or precision or recall at a target of the other. `partial_fit`
    learns in batches; `merge` joins models that were learned from different rows.

    Parameters
    ----------
    loss : {"log_loss", "hinge", "squared_hinge", "perceptron"}, default="log_loss"
        For more than two classes "log_loss" is multinomial; the others are one-vs-rest.
        "perceptron" needs `solver="sgd"` or `partial_fit`.
    alpha : "auto", float or array-like of shape (n_alphas,), default="auto"
        Strength of the penalty. With a number, that one convex problem is solved. An array
        defines a pack of candidates: all are trained together on the same rows, and the one
        that does best on validation rows is kept. "auto" is a pack of `n_alphas` values, from
        one that keeps all coefficients near zero to one that has hardly any effect.
    l1_ratio : float or array-like, default=0.0
        Share of the L1 penalty: 0 is ridge, 1 is lasso, values between are the elastic net.
        An array defines a pack of every `l1_ratio` with every `alpha`.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is never penalised.
    standardize : bool, default=True
        Whether the penalty acts on the coefficients of columns scaled to standard deviation 1,
        so that the units of columns do not matter. `coef_` is in the units of X either way.
        False gives scikit-learn's objective; it is better for sparse words and categories,
        whose columns share a unit. Solvers scale columns internally in both cases.
    margin : float, default=1.0
        Margin from which "hinge" and "squared_hinge" are zero. Used by these losses only.
    class_weight : dict, "balanced", "auto" or None, default=None
        Factors for the sample weights: a dict from label to factor (1 for classes that it
        does not name); "balanced" gives each class the same sum of weights; "auto" trains
        candidates unweighted, balanced and halfway between, and lets validation rows choose.
        Validation rows are not reweighted, so with `selection_criterion="loss"` the unweighted
        candidates win: combine "auto" with "f_beta" or another criterion.
    solver : {"auto", "gram", "newton", "lbfgs", "coordinate_descent", \
            "dual_coordinate_descent", "interior_point", "sgd"}, default="auto"
        "auto" chooses by loss, penalty and shape (`solver_` names the choice, `verbose` prints
        the reason): "gram" for the squared loss, where one Gram matrix serves all candidates;
        "newton" for smooth losses with few parameters, "lbfgs" with many (or for a single
        candidate of the log loss, if it is estimated to be faster); "coordinate_descent" for L1
        on many columns; "dual_coordinate_descent" for L2 with fewer rows than columns;
        "interior_point" for losses with kinks. "sgd" makes stochastic steps, without a
        certificate.
    tol : float, default=1e-6
        A fit has converged when its `certificate_`, which is relative to the objective of the
        best constant model, is at most `tol`.
    max_iter : int, default=1000
        Maximum number of iterations for each candidate; epochs for "sgd".
    n_alphas : int, default=32
        Number of values that `alpha="auto"` tries for each `l1_ratio`; 1 takes the middle of
        the range. Used by `alpha="auto"` only.
    selection_criterion : {"loss", "accuracy", "f_beta", "precision_at_target_recall", \
            "recall_at_target_precision"}, default="loss"
        Criterion by which validation rows choose the best candidate. All but "loss" also
        calibrate the threshold of two classes, even for a single candidate. For more than two
        classes only "loss", "accuracy" and "f_beta" (the mean over classes) are allowed.
    beta : float, default=1.0
        Weight of recall relative to precision in "f_beta", as a criterion and as a column of
        `candidates_`.
    target_recall : float, default=0.8
        Least recall for "precision_at_target_recall". Used by this criterion only.
    target_precision : float, default=0.8
        Least precision for "recall_at_target_precision". Used by this criterion only. If no
        threshold reaches it, the most precise one is taken and `fit` warns.
    top_k : int, default=3
        Number of highest-ranked classes in the column `top_k_accuracy` of `candidates_`, for
        more than two classes.
    validation_fraction : "auto" or float, default="auto"
        Share of the rows (of each class) held out for validation, unless `fit` is given
        `X_val`. "auto" holds out a tenth of large data and cross-validates in 5 folds, which
        takes about six times as long, where a tenth would be too few rows for a reliable
        choice: for up to 3000 distinct rows, or where fewer than 1000 of them are outside the
        most frequent class (of two classes: in the rarer one) and `X` stores at most 4 million
        values. In `partial_fit` and for `solver="sgd"` "auto" is always a tenth. The
        validation rows depend on `random_state` and on the content of rows, not on their
        order; equal rows stay together. Used only if there is something to choose.
    early_stopping : bool, default=True
        Whether to stop training candidates whose validation loss is clearly worse than the
        best one's, and to skip weaker penalties once they gain hardly anything; a skipped
        candidate has an infinite certificate. Used by `selection_criterion="loss"` only.
    refit : bool, default=True
        Whether to train the chosen candidate again on all rows, including the validation rows.
        `candidates_` and the threshold are not updated. Rows given as `X_val` are never
        trained on. After cross-validation the candidates are trained on all rows anyway.
    warm_start : bool, default=False
        Whether `fit` starts from the coefficients of the previous fit. Used for a single
        problem; a pack starts afresh.
    store_candidate_coef : bool, default=True
        Whether to keep `candidate_coef_` and `candidate_intercept_`. Without them the pickle
        of a fit to many columns is many times smaller.
    optimizer : {"adam", "sgd", "rmsprop", "adagrad"}, default="adam"
        Optimizer of the stochastic steps of `partial_fit` and `solver="sgd"`. This and the
        following parameters down to `init_intercept` are not used by other solvers, nor by
        the squared loss in `partial_fit`.
    learning_rate_init : "auto" or float, default="auto"
        Initial learning rate, for columns of standard deviation 1; "auto" depends on the
        optimizer.
    momentum : float, default=0.0
        Momentum of `optimizer="sgd"`. Used by this optimizer only.
    beta_1 : float, default=0.9
        Decay rate of the mean of gradients. Used by "adam" only.
    beta_2 : float, default=0.999
        Decay rate of the mean of squared gradients. Used by "adam" only.
    intercept_learning_rate_factor : float, default=10.0
        Factor by which the learning rate of the intercept exceeds that of the coefficients.
    alpha_intercept : float, default=0.0
        Strength of an L2 penalty on the intercept in stochastic steps.
    learning_rate_step : int, default=100
        Number of steps after which the learning rate is multiplied by `learning_rate_factor`.
    learning_rate_factor : float, default=0.99
        Factor of the learning rate after every `learning_rate_step` steps; 1 keeps it
        constant.
    learning_rate_min : float, default=1e-5
        Lower bound of the learning rate.
    batch_size : "auto" or int, default="auto"
        Number of distinct rows in a step. "auto" is 1000 for `solver="sgd"`; in `partial_fit`
        it grows from 10 (or one for every 1000 parameters of all candidates) to 1000 as rows
        come in. A step of fewer rows, or of less weight than the steps before, is shortened in
        proportion.
    n_iter_no_change : int, default=3
        Number of consecutive epochs with an improvement below `min_improvement` after which
        `solver="sgd"` stops.
    min_improvement : float, default=1e-3
        Relative improvement of an epoch that counts for `n_iter_no_change`.
    init : {"zeros", "uniform", "normal"}, default="zeros"
        Initial coefficients of stochastic steps, for columns of standard deviation 1.
    init_scale : float or None, default=None
        Half width for "uniform", standard deviation for "normal"; None is 0.07 and 0.01
        respectively. Not used by "zeros".
    init_intercept : float or None, default=None
        Initial intercept, for columns of mean 0; None is the best constant.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Determines the validation rows and the order of stochastic steps. An int makes the
        result reproducible to the last bit, for every `n_jobs`.
    n_jobs : int or None, default=None
        Number of threads: None means all cores (1 inside a joblib worker), -1 all cores. The
        result does not depend on it.
    verbose : int, default=0
        If 1, print the solver, why it was chosen, a line for each of several candidates, and
        the certificate reached; in `partial_fit` a line for each batch, with its mean loss
        before it was learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in ascending order.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients, in the units of X; float64 for float32 rows too.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    threshold_ : float
        For two classes: the second class is predicted above it. A probability for "log_loss",
        otherwise a decision value; it may be set.
    alpha_ : float
        Strength of the model's penalty.
    l1_ratio_ : float
        Share of L1 in that penalty.
    candidates_ : dict of str to ndarray of shape (n_candidates,)
        All candidates, one entry each, ready for `pandas.DataFrame`: `alpha`, `l1_ratio`,
        `objective`, `certificate`, `n_iter`, `converged`, and if they were compared
        `validation_loss` and metrics. For two classes these are `accuracy`, `f_beta`,
        `precision`, `recall` (at the chosen threshold) and `roc_auc` (with "loss" and more
        than 200,000 decision values of all candidates, only the best one's, otherwise NaN);
        for more classes `accuracy`, `balanced_accuracy`, `top_k_accuracy`, `dcg`,
        `macro_precision`, `macro_recall` and `f_beta`. With `class_weight="auto"` also
        `class_weight_power` (0, 0.5 or 1).
    best_index_ : int
        Index of the chosen candidate in `candidates_`.
    candidate_coef_ : ndarray of shape (n_candidates, n_outputs, n_features)
        Coefficients of all candidates, where n_outputs is the number of rows of `coef_`. Only
        with `store_candidate_coef=True`.
    candidate_intercept_ : ndarray of shape (n_candidates, n_outputs)
        Intercepts of all candidates. Only with `store_candidate_coef=True`.
    objective_ : float
        Mean loss plus penalty of the model.
    certificate_ : float
        By how much `objective_` may exceed the optimum, relative to the objective of the best
        constant model.
    certificate_kind_ : str
        "duality gap" is a bound; "gradient norm" is an estimate, the gain of one more Newton
        step (for the squared loss the exact distance from the optimum, up to rounding).
        Stochastic steps have neither: "gain of the last epoch" is the decrease of the
        objective in that epoch; after `partial_fit` it is "loss of rows before they were
        learned", which is then `objective_`, and `certificate_` is NaN.
    n_iter_ : int
        Number of iterations of the model's own fit.
    solver_ : str
        The solver that ran.
    auto_params_ : dict
        The values used for parameters given as "auto" (`init_scale`: None) in the last `fit`,
        or since then in `partial_fit`; setting a parameter to its value asks for the same
        again. `alpha` is the chosen one, with which a fit has no other candidates;
        `validation_fraction` is missing after cross-validation.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        History of the model's fit: `objective` after each iteration, `seconds` since the
        solver started (its time shared evenly among iterations) and `validation`, the loss of
        the validation rows: after each epoch for "sgd", at the end for other solvers, and NaN
        where it is not known, as after cross-validation or a refit on those rows. After
        `partial_fit` only `objective`.
    n_samples_seen_ : int
        Number of rows of positive weight that `fit`, or `partial_fit` and `merge`, saw.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    algos.LinearLearnerRegressor : Linear models for numeric targets.

    Notes
    -----
    The model minimises, over the coefficients v and an intercept::

        sum_i w_i loss(y_i, z_i) / sum_i w_i + alpha (l1_ratio |v|_1 + (1 - l1_ratio) / 2 |v|²)

    with z = X coef + intercept, and v = coef times the columns' standard deviations, or coef
    itself with `standardize=False`. The losses are log(1 + exp(-yz)) or its multinomial form,
    max(margin - yz, 0), and the square of that, with y = -1 or 1.

    A pass over dense rows takes about ``4 * n_samples * n_features`` operations for each
    candidate; over CSR rows, four for each stored value. "newton" makes about four passes and
    computes Hessians of a sample; "gram" makes one pass of ``n_samples * n_features ** 2``
    operations for all candidates. Beyond X, a fit needs a few numbers per row, and
    ``n_features ** 2`` for "gram" and "newton"; validation and refitting copy the training
    rows. CSR rows are never made dense. float32 rows are not converted, except up to 8 MB of
    them for a loss with kinks.

    A row of weight 2 is equivalent to two equal rows, and rows of weight zero are ignored.
    Separable data have no optimum without a penalty: the fit stops at `max_iter` or at the
    limits of floating point, and warns.

    A fit that is resumed from a checkpoint gives the same bits; the solver repeats the
    iterations before it, without calling callbacks again.

    References
    ----------
    .. [1] Liberty, E. et al., "Elastic machine learning algorithms in Amazon SageMaker",
       SIGMOD 2020.
    .. [2] Kingma, D. and Ba, J., "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from algos import LinearLearnerClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LinearLearnerClassifier(random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.97
    True
    >>> len(model.candidates_["alpha"])
    32
    >>> cautious = LinearLearnerClassifier(
    ...     selection_criterion="precision_at_target_recall", target_recall=0.95, random_state=0
    ... ).fit(X, y)
    >>> bool((cautious.predict(X) == (cautious.decision_function(X) > 0)).all())
    True
    """

    _ranges: ClassVar = {**ClassifierModel._ranges, "class_weight": Categorical((None, "balanced"))}
    _parameters: ClassVar[dict[str, list[Constraint | None]]] = {
        "loss": [CLASSIFIER_LOSSES],
        **SHARED_PARAMETERS,
        "margin": [POSITIVE],
        "class_weight": [Options("balanced", "auto"), ClassWeights(), None],
        "selection_criterion": [CLASSIFIER_CRITERIA],
        "beta": [POSITIVE],
        "target_recall": [SHARE],
        "target_precision": [SHARE],
        "top_k": [POSITIVE_INT],
    }

    n_samples_seen_: int

    @knows_foreign_names(CLASSIFIER_FOREIGN_NAMES)
    def __init__(
        self,
        loss: str = "log_loss",
        *,
        alpha: Any = "auto",
        l1_ratio: Any = 0.0,
        fit_intercept: bool = True,
        standardize: bool = True,
        margin: float = 1.0,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        n_alphas: int = 32,
        selection_criterion: str = "loss",
        beta: float = 1.0,
        target_recall: float = 0.8,
        target_precision: float = 0.8,
        top_k: int = 3,
        validation_fraction: Any = "auto",
        early_stopping: bool = True,
        refit: bool = True,
        warm_start: bool = False,
        store_candidate_coef: bool = True,
        optimizer: str = "adam",
        learning_rate_init: Any = "auto",
        momentum: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        intercept_learning_rate_factor: float = 10.0,
        alpha_intercept: float = 0.0,
        learning_rate_step: int = 100,
        learning_rate_factor: float = 0.99,
        learning_rate_min: float = 1e-5,
        batch_size: Any = "auto",
        n_iter_no_change: int = 3,
        min_improvement: float = 1e-3,
        init: str = "zeros",
        init_scale: float | None = None,
        init_intercept: float | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.margin = margin
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_alphas = n_alphas
        self.selection_criterion = selection_criterion
        self.beta = beta
        self.target_recall = target_recall
        self.target_precision = target_precision
        self.top_k = top_k
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.refit = refit
        self.warm_start = warm_start
        self.store_candidate_coef = store_candidate_coef
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.intercept_learning_rate_factor = intercept_learning_rate_factor
        self.alpha_intercept = alpha_intercept
        self.learning_rate_step = learning_rate_step
        self.learning_rate_factor = learning_rate_factor
        self.learning_rate_min = learning_rate_min
        self.batch_size = batch_size
        self.n_iter_no_change = n_iter_no_change
        self.min_improvement = min_improvement
        self.init = init
        self.init_scale = init_scale
        self.init_intercept = init_intercept
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
    ) -> LinearLearnerClassifier:
        """Fit the model; with several candidates, fit all and keep the best.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. float32 and float64 are not converted; C-ordered arrays and CSR
            matrices are not copied.
        y : array-like of shape (n_samples,)
            Labels of at least two classes. Many distinct floats or integers, which look like
            the target of a regression, raise a warning.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Validation rows that choose candidates and thresholds, instead of a part of X.

        Returns
        -------
        self : LinearLearnerClassifier
        """
        self._begin_objective()
        rows = self._validated_rows(X, reset=True)
        require_target(self, rows, y)
        labels = class_labels(y)
        self._learn_classes(labels)
        self._fit(rows, labels, sample_weight, X_val, y_val, sample_weight_val)
        return self

    @learning
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> LinearLearnerClassifier:
        """Learn a batch of rows by averaged stochastic gradient steps.

        Earlier rows need not be kept. With several candidates, the model is the one with the
        best predictions for rows before it learned them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The batch; the order of its rows does not matter.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that there will be; others are refused from then on. With None, classes
            are added as they appear, and one that appears later has learned nothing from the
            earlier rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.

        Returns
        -------
        self : LinearLearnerClassifier
        """
        if self.class_weight == "auto":
            raise ValueError(
                "`class_weight`='auto' must be None, 'balanced' or a dict in partial_fit, which "
                "sees each row only once; call fit to compare class weights"
            )
        first = not hasattr(self, "n_samples_seen_")
        if first:
            self._begin_objective()
        self._check_objective()
        rows = self._validated_rows(X, reset=first)
        require_target(self, rows, y)
        labels = class_labels(y)
        self._meet_classes(labels, classes)
        data = self._data(rows, labels, sample_weight, begins=first)
        self._count_classes(data)
        data = self._class_weighted(data)
        if len(self.classes_) < 2:
            self.n_samples_seen_ = len(data) + (0 if first else self.n_samples_seen_)
        else:
            self._learn_batch(data)
        return self
