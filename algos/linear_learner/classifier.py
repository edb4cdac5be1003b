"""The LinearLearnerClassifier: parameters and documentation."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from algos._common.base import learning
from algos._common.labels import ClassWeights, class_labels
from algos._common.naming import named
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
    CRITERIA_OF_CLASSES,
    FOREIGN_PARAMETERS_OF_CLASSES,
    LOSSES_OF_CLASSES,
)
from algos.linear_learner.parameters import SHARED_PARAMETERS


@named
class LinearLearnerClassifier(ClassifierMixin, ClassifierLabels, ClassifierModel):
    """Linear classification: logistic or multinomial regression and support vectors.

    Every loss with every penalty, solved to a certificate; by default 32 strengths of the
    penalty, trained together, of which validation rows choose one. Two classes
    can have a threshold that is calibrated for accuracy, an F score, or precision or recall
    at a target of the other. Learns in batches by `partial_fit`, and joins what was learned
    apart by `merge`.

    Parameters
    ----------
    loss : {"log_loss", "hinge", "squared_hinge", "perceptron"}, default="log_loss"
        "log_loss" is multinomial for more than two classes; the others then set each class
        against the rest. "perceptron" needs `solver="sgd"` or `partial_fit`.
    alpha : "auto", float or array-like of shape (n_alphas,), default="auto"
        Strength of the penalty. A number asks for that one convex problem. An array is a
        pack of candidates: all are trained on the same rows together, and the one that does
        best on validation rows is kept. "auto" is a pack of `n_alphas` of them, from one
        that keeps all coefficients near zero to one that hardly matters.
    l1_ratio : float or array-like, default=0.0
        Share of the L1 penalty: 0 is ridge, 1 is lasso, between is the elastic net. An
        array makes a pack of every `l1_ratio` with every `alpha`.
    fit_intercept : bool, default=True
        Whether there is an intercept. It is never penalised.
    standardize : bool, default=True
        Whether the penalty acts on the coefficients of columns of deviation 1, so that the
        units of columns do not matter. `coef_` is in the units of X either way. False is
        scikit-learn's objective, and better for sparse words and categories, which have a unit
        in common. Solvers scale columns for themselves in both cases.
    margin : float, default=1.0
        Decision value from which "hinge" and "squared_hinge" are zero. Used by these only.
    class_weight : dict, "balanced", "auto" or None, default=None
        Multiplies the weights of rows: a dict from label to factor (1 for a class that it
        does not name); "balanced" gives each class the same sum of weights; "auto" trains
        candidates unweighted, balanced and half way, and lets validation rows choose. These
        count as they are, so by `selection_criterion="loss"` the unweighted win: ask for
        "f_beta" or another criterion with it.
    solver : {"auto", "gram", "newton", "lbfgs", "coordinate_descent", \
            "dual_coordinate_descent", "interior_point", "sgd"}, default="auto"
        "auto" takes what suits loss, penalty and shape (`solver_` tells, and `verbose` the
        reason): "gram" for the squared loss, of which all candidates follow from the
        products of columns; "newton" for smooth losses with few parameters, "lbfgs" with
        many (or of one candidate of the log loss, where an estimate says that it is sooner);
        "coordinate_descent" for L1 on many columns; "dual_coordinate_descent" for L2
        with fewer rows than columns; "interior_point" for losses with kinks. "sgd" makes
        stochastic steps and certifies nothing.
    tol : float, default=1e-6
        A candidate is solved when `certificate_`, relative to the objective of the best
        constant model, is at most this.
    max_iter : int, default=1000
        Most iterations of a candidate; epochs for "sgd".
    n_alphas : int, default=32
        How many strengths `alpha="auto"` tries for each `l1_ratio`; 1 is the middle of the
        range. Used by "auto" only.
    selection_criterion : {"loss", "accuracy", "f_beta", "precision_at_target_recall", \
            "recall_at_target_precision"}, default="loss"
        What the best candidate is best at, on validation rows. All but "loss" also
        calibrate the threshold of two classes, for a single candidate too. More than two
        classes take "loss", "accuracy" or "f_beta" (the mean over classes).
    beta : float, default=1.0
        Recall counts so many times as much as precision in "f_beta". Used by this only, as a
        criterion and a column of `candidates_`.
    target_recall : float, default=0.8
        Used by "precision_at_target_recall" only.
    target_precision : float, default=0.8
        Used by "recall_at_target_precision" only. If no threshold reaches it, the most
        precise is taken, and `fit` warns.
    top_k : int, default=3
        Of the column `top_k_accuracy` in `candidates_`, for more than two classes.
    validation_fraction : "auto" or float, default="auto"
        Share of the rows (of each class) that candidates are chosen by, unless `fit` is
        given `X_val`. "auto" is a tenth, of which few rows would choose by chance: up to
        3000 different ones, or where fewer than 1000 are outside the most frequent class
        (of two classes: in the rarer one) and `X` stores at most 4 million values,
        candidates are judged on all rows instead, in 5 folds, by models that were trained
        on the other folds, which takes about six times as long; in `partial_fit` and for
        `solver="sgd"` it is a tenth. Which rows is decided by `random_state` and their
        content, not their order; equal rows stay together. Used only where there is
        something to choose.
    early_stopping : bool, default=True
        Whether a pack leaves candidates unfinished whose validation loss is clearly worse
        than the best one's, and ends where weaker penalties hardly win any more: candidates
        that are spared so have an infinite certificate. Used by `selection_criterion="loss"` only.
    refit : bool, default=True
        Whether the chosen candidate is trained again on all rows, those of validation
        included. `candidates_` and thresholds stay those of before. Rows given as `X_val`
        are never trained on. Candidates that folds judge are trained on all rows anyway.
    warm_start : bool, default=False
        Whether `fit` begins at the coefficients of the last one, where one problem is solved;
        a pack begins anew.
    store_candidate_coef : bool, default=True
        Whether `candidate_coef_` and `candidate_intercept_` are kept. Without them a pickle
        of a fit to many columns is many times smaller.
    optimizer : {"adam", "sgd", "rmsprop", "adagrad"}, default="adam"
        Of the stochastic steps of `partial_fit` and `solver="sgd"`, as all parameters down
        to `init_intercept` are: other solvers, and the squared loss in `partial_fit`, use
        none of them.
    learning_rate_init : "auto" or float, default="auto"
        First learning rate, for columns of deviation 1; "auto" is one for each optimizer.
    momentum : float, default=0.0
        Used by the optimizer "sgd" only.
    beta_1 : float, default=0.9
        Decay of the mean of gradients. Used by "adam" only.
    beta_2 : float, default=0.999
        Decay of the mean of their squares. Used by "adam" only.
    intercept_learning_rate : float, default=10.0
        What the learning rate is multiplied by for the intercept.
    alpha_intercept : float, default=0.0
        An L2 penalty of the intercept in stochastic steps.
    learning_rate_step : int, default=100
        Number of steps after which the learning rate is multiplied by `learning_rate_factor`.
    learning_rate_factor : float, default=0.99
        See above; 1 keeps the rate.
    learning_rate_min : float, default=1e-5
        The rate falls no lower.
    batch_size : "auto" or int, default="auto"
        Different rows in a step, of `partial_fit` too. "auto" is 1000 for `solver="sgd"`;
        `partial_fit` begins with 10 (or one for 1000 parameters of all candidates) and comes
        to 1000 as rows come in. A batch of fewer, or with less weight than batches had
        before, makes a step shorter in proportion.
    n_iter_no_change : int, default=3
        `solver="sgd"` ends when so many epochs in a row improve by less than
        `min_improvement`.
    min_improvement : float, default=1e-3
        See above, relative.
    init : {"zeros", "uniform", "normal"}, default="zeros"
        First coefficients of stochastic steps, for columns of deviation 1.
    init_scale : float or None, default=None
        Half width for "uniform", deviation for "normal"; None is 0.07 and 0.01. "zeros" does
        not use it.
    init_intercept : float or None, default=None
        First intercept, for columns of mean 0; None is the best constant.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Chooses validation rows and the order of stochastic steps. An int makes the result
        reproducible to the last bit, for every `n_jobs`.
    n_jobs : int or None, default=None
        Number of threads: None is all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    verbose : int, default=0
        1 prints the solver, why it was chosen, a line for each of several candidates, and
        what was reached; in `partial_fit` a line for each batch, with its mean loss before
        it was learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in ascending order.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients, in the units of X; float64 for float32 rows too.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    threshold_ : float
        For two classes: the second is predicted above it. A probability for "log_loss",
        else a decision value; it may be set.
    alpha_ : float
        Strength of the model's penalty.
    l1_ratio_ : float
        Share of L1 in it.
    candidates_ : dict of str to ndarray of shape (n_candidates,)
        All candidates, one entry each, as `pandas.DataFrame` takes them: `alpha`, `l1_ratio`,
        `objective`, `certificate`, `n_iter`, `converged`, and where they were compared
        `validation_loss` and metrics: of two classes `accuracy`, `f_beta`,
        `precision`, `recall` (at the threshold chosen) and `roc_auc` (for "loss" and more
        than 200,000 decision values of all candidates NaN, but for the best one); of more
        `accuracy`, `balanced_accuracy`, `top_k_accuracy`, `dcg`, `macro_precision`,
        `macro_recall` and `f_beta`. With `class_weight="auto"` also `class_weight_power` (0,
        0.5 or 1).
    best_index_ : int
        The chosen candidate's place there.
    candidate_coef_ : ndarray of shape (n_candidates, n_outputs, n_features)
        Coefficients of all candidates, n_outputs being the number of rows of `coef_`; only
        with `store_candidate_coef`.
    candidate_intercept_ : ndarray of shape (n_candidates, n_outputs)
        Intercepts of all candidates.
    objective_ : float
        The mean loss and the penalty, at the model.
    certificate_ : float
        By how much `objective_` may be above the optimum, as a share of the objective of the
        best constant model; it has no unit.
    certificate_kind_ : str
        "duality gap" is a bound; "gradient norm" an estimate, what a Newton step would
        still gain (which for the squared loss is all there is, but for rounding).
        Stochastic steps have neither: "gain of the last epoch" is by how much that lowered
        the objective, and a stream tells the "loss of rows before they were learned" as
        `objective_`, with a `certificate_` of NaN.
    n_iter_ : int
        Number of iterations of the model's own fit.
    solver_ : str
        The solver that ran.
    auto_params_ : dict
        What each parameter that was given as "auto" (of `init_scale`: None) stood for in the
        last `fit` or since then in `partial_fit`, if that used it; given in its place, the
        value asks for the same. `alpha` is the one that was kept, which alone is a fit without
        candidates; folds are no `validation_fraction`.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        The model's fit: `objective` after each iteration, `seconds` since the solver began
        (its time shared evenly among iterations) and `validation`, the loss of validation
        rows: of each epoch for "sgd", of other solvers at the end, and NaN where it is not
        known, as after folds or a refit on those rows. After `partial_fit`, `objective` is
        all there is.
    n_samples_seen_ : int
        Number of rows of positive weight that `fit`, or `partial_fit` and `merge`, saw.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    algos.LinearLearnerRegressor : The same for numbers.

    Notes
    -----
    The model minimises, over the coefficients v and an intercept::

        sum_i w_i loss(y_i, z_i) / sum_i w_i + alpha (l1_ratio |v|_1 + (1 - l1_ratio) / 2 |v|²)

    with z = X coef + intercept, and v = coef times the columns' deviations, or coef itself
    with `standardize=False`. The losses are log(1 + exp(-yz)) or its multinomial form,
    max(margin - yz, 0), and the square of that, with y = -1 or 1.

    A pass over dense rows takes about ``4 * n_samples * n_features`` operations for each
    candidate, over CSR rows as many for each stored value. "newton" makes some four passes
    and Hessians of a sample; "gram" one pass of ``n_samples * n_features ** 2`` for all
    candidates. Beyond X, fits need a few numbers a row, and ``n_features ** 2`` for "gram" and
    "newton"; validation and refitting copy the rows that are trained on. CSR rows are never
    made dense, and float32 rows are not converted, but for few (up to 8 MB) of a loss with kinks.

    A row of weight 2 is the same as two equal rows; rows of weight zero have no part in the
    fit. Without a penalty, data that the model separates have no optimum: the fit stops at
    `max_iter` or at the limits of the number format, and warns.

    A fit that a checkpoint has stopped goes on to the same bits; its solver retraces the
    iterations before, of which callbacks are not told again.

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
        "loss": [LOSSES_OF_CLASSES],
        **SHARED_PARAMETERS,
        "margin": [POSITIVE],
        "class_weight": [Options("balanced", "auto"), ClassWeights(), None],
        "selection_criterion": [CRITERIA_OF_CLASSES],
        "beta": [POSITIVE],
        "target_recall": [SHARE],
        "target_precision": [SHARE],
        "top_k": [POSITIVE_INT],
    }

    n_samples_seen_: int

    @knows_foreign_names(FOREIGN_PARAMETERS_OF_CLASSES)
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
        intercept_learning_rate: float = 10.0,
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
        self.intercept_learning_rate = intercept_learning_rate
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
        """Fit the model, or all candidates and the best of them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 and float64 are used as they are; a C-ordered array is not copied, nor a
            CSR matrix.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes. Amounts, as many different floats or integers
            seem to be, are warned of: they are the target of a regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Rows to choose among candidates and thresholds by, instead of a part of X.

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
        """Learn further rows by averaged stochastic gradient steps.

        Those that came before need not be kept. With several candidates, the model is the
        one that has done best on rows before it learned them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The order of its rows does not matter.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that there will be; others are refused from then on. None learns
            classes as they come: one that is met later begins then, without what earlier
            rows would have said of it.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; None is 1 for all.

        Returns
        -------
        self : LinearLearnerClassifier
        """
        if self.class_weight == "auto":
            raise ValueError(
                "`class_weight`='auto' must be None, 'balanced' or a dict in partial_fit, which "
                "sees each row once; call fit to try several"
            )
        first = not hasattr(self, "n_samples_seen_")
        if first:
            self._begin_objective()
        self._check_objective()
        rows = self._validated_rows(X, reset=first)
        require_target(self, rows, y)
        labels = class_labels(y)
        self._meet_classes(labels, classes)
        data = self._weighted(self._data(rows, labels, sample_weight, begins=first))
        if len(self.classes_) < 2:
            self.n_samples_seen_ = len(data) + (0 if first else self.n_samples_seen_)
        else:
            self._learn_batch(data)
        return self
