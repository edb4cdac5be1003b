"""The DeepARForecaster estimator: parameters, documentation and fitting."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from algos._common.base import Estimator, learning
from algos._common.method_names import named
from algos._common.params import Constraint, knows_foreign_names
from algos._common.search import Continuous, Integer
from algos.deepar.backtesting import Backtesting
from algos.deepar.likelihoods import NOT_NEGATIVE
from algos.deepar.names import FOREIGN_NAMES
from algos.deepar.parameters import PARAMETERS
from algos.deepar.state import covariates_of


@named
class DeepARForecaster(Backtesting, Estimator):
    """Probabilistic forecasts of many related time series, by one recurrent network.

    One autoregressive network is learned over all series [1]_: at each step an LSTM takes
    past values (lags), the calendar, the age of the series and covariates, and returns
    the distribution of the next value. Forecasts are sample paths drawn step by step, which
    give quantiles of any horizon and of sums over it. Series may have any
    scales, lengths and gaps, and new ones are forecast without another fit.

    Rows are series: X has a row for each series and a column for each step. For
    frames whose rows are times use :func:`algos.deepar.panel_from_wide` or
    :func:`algos.deepar.panel_from_long`.

    Parameters
    ----------
    prediction_length : int, default=24
        Number of steps to forecast, in training and by default; `predict` can go further.
    context_length : int or None, default=None
        Number of steps before the forecast that the network processes. None is
        `prediction_length`. Lags reach further back.
    context_weight : float, default=1.0
        Weight in [0, 1] of the loss of the context's steps, relative to 1 for those to forecast;
        1 is that of [1]_. A context's scale is the mean of all its values, later ones included:
        the more a network learns from these steps, the more it trusts the scale.
    freq : str, pandas offset or None, default=None
        The distance between steps, in pandas' spelling: "h", "15min", "D", "W", "MS" …
        It determines the lags and, with `start`, the features of the calendar. None
        is unknown.
    likelihood : {"student_t", "gaussian", "negative_binomial", "poisson", "beta", \
            "deterministic_l1"}, default="student_t"
        Distribution of the next value: "student_t" for real values with outliers,
        "gaussian" for those without, "negative_binomial" or "poisson" for counts, "beta"
        for shares in [0, 1]. "deterministic_l1" learns only the median.
    hidden_size : int, default=40
        Number of cells in each layer.
    n_layers : int, default=2
        Number of layers, at most 16.
    dropout : float, default=0.0
        Share of the values between layers that a training step drops; no effect with
        one layer. `weight_decay` prevents overfitting as well, and harms less.
    zoneout : float, default=0.0
        Probability that a cell keeps its state in a step of training. SageMaker's
        `dropout_rate` is this parameter.
    lags : "auto" or array-like of int, default="auto"
        The past values that are inputs of each step: 1 is the last value. "auto"
        takes the last few and those around whole cycles of `freq`, as far back as at least two
        in five steps of the shorter series can look; see `lags_`.
    embedding_dimension : "auto", int or array-like of int, default="auto"
        Length of the vector that represents a category of `static_categorical`, for all
        features or for each. "auto" grows with the number of categories.
    window_sampling : {"uniform", "scale"}, default="uniform"
        How series are drawn in training: with equal probability, or in proportion to their mean
        magnitude, as in [1]_. The latter learns little but the largest if scales differ much.
    max_iter : int, default=200
        Number of epochs.
    n_batches : int, default=50
        Number of steps in an epoch.
    batch_size : int, default=32
        Number of windows in each step.
    learning_rate_init : float, default=0.003
        The largest learning rate of Adam: it is reached by the 100th step, and falls along a
        cosine to almost nothing in the last epoch.
    weight_decay : "auto" or float, default="auto"
        Each step shrinks the weights by this times its learning rate. "auto" is 0.1
        for panels of 200 000 values or more, 1 for those of 20 000 or fewer and for those
        with an `origin_`, and inversely proportional to the number of values in between.
    clip_gradient : float or None, default=10.0
        Clips the gradient of a step by norm, to this length; None is no limit.
    early_stopping : "auto" or bool, default="auto"
        Whether the last `prediction_length` steps of 128 series are held back from training (with
        fewer series several times as many, up to a tenth of each): forecasts of them decide when
        to stop, and which epoch was best. "auto" does so if the series are so few or short that
        `max_iter` epochs would visit each value more than 120 times: see `early_stopping_`.
    n_iter_no_change : int, default=10
        With `early_stopping`, the number of epochs without progress to wait: the first time
        training continues from the best weights at a tenth of the rates, the second time
        it ends; with fewer than ten series it ends the first time. With an `origin_` it has no
        effect: weights learned at full rates are worse than the first ones, and improve as the
        rates fall.
    tol : float, default=0.0001
        The decrease of the weighted quantile loss that counts as progress.
    n_samples : int, default=100
        Number of sample paths of a forecast.
    quantiles : array-like of float, default=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
        The levels of `predict_quantiles`, and of the mean loss in `score`.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the last call, for `max_iter` more epochs.
    n_jobs : int or None, default=None
        Number of threads: None is all cores (1 inside a joblib worker), -1 all cores. It
        changes no bit of the result.
    random_state : int, RandomState instance, Generator instance or None, default=None
        Seed of the weights, the windows and the paths. An int makes fits and forecasts
        reproducible to the last bit; None draws from numpy's global state.
    verbose : int, default=0
        1 prints a line for each epoch.

    Attributes
    ----------
    n_iter_ : int
        Number of epochs.
    early_stopping_ : bool
        Whether a horizon was held back.
    auto_params_ : dict
        The values that "auto" stood for in the last `fit`, of each parameter that was "auto" and
        in use; given explicitly, they give the same fit.
    best_iter_ : int
        The epoch, counted from 1, whose weights are used: the last one, or with
        `early_stopping` the best one.
    history_ : dict of str to ndarray of shape (n_iter_,)
        `objective`, the mean negative log-likelihood of the windows of each epoch,
        `seconds` since the beginning, `validation`, the weighted quantile loss of the
        held-back steps (nan without `early_stopping`), and `learning_rate`.
    lags_ : ndarray of shape (n_lags,)
        The lags that are inputs.
    origin_ : int
        The lag of the value that an untrained network forecasts, and towards which weights are
        shrunk. It is 1 if the inputs of a step explain, by least squares, less than 2 % of the
        squared changes, as in series close to a random walk; else 0, for none.
    cardinalities_ : ndarray of shape (n_static_categorical,)
        Number of categories of each static feature.
    n_parameters_ : int
        Number of weights of the network.

    See Also
    --------
    algos.deepar.panel_from_wide : Makes the arguments of `fit` from a frame with a column
        for each series.
    algos.deepar.panel_from_long : The same from a frame with a row for each series and time.
    algos.deepar.panel_from_json_lines : The same from SageMaker's files.
    algos.metrics.weighted_quantile_loss : The measure of `score`.
    algos.plotting.ForecastDisplay : Draws forecasts as fans.

    Notes
    -----
    The forecast of a series depends on its own values and covariates, the fit and its
    seed: not on other series that are forecast with it, nor on `n_jobs`. A larger
    `n_samples` only adds paths.

    A step of training takes about 6 * n_parameters_ * batch_size * (context_length +
    prediction_length) multiplications and additions, a forecast 2 * n_parameters_ *
    n_samples * horizon of each series. The values of the training series are kept, in
    float32, so that `predict()` can continue them.

    References
    ----------
    .. [1] Salinas, D., Flunkert, V., Gasthaus, J. and Januschowski, T., "DeepAR:
       Probabilistic forecasting with autoregressive recurrent networks", International
       Journal of Forecasting 36 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from algos import DeepARForecaster
    >>> hours = np.arange(24 * 20)
    >>> rng = np.random.default_rng(0)
    >>> day = 2 + np.sin(2 * np.pi * hours / 24)
    >>> X = np.array([1.0, 10.0, 300.0])[:, None] * (day + rng.normal(0, 0.1, (3, 480)))
    >>> model = DeepARForecaster(12, freq="h", max_iter=3, random_state=0).fit(X)
    >>> model.predict().shape
    (3, 12)
    >>> model.predict_quantiles(quantiles=(0.1, 0.9)).shape
    (3, 2, 12)
    """

    _parameters: ClassVar[dict[str, list[Constraint | None]]] = PARAMETERS

    _ranges: ClassVar = {
        "context_length": Integer(1, 200, log=True),
        "hidden_size": Integer(30, 200, log=True),
        "n_layers": Integer(1, 8),
        "dropout": Continuous(0, 0.2),
        "zoneout": Continuous(0, 0.2),
        "embedding_dimension": Integer(1, 50, log=True),
        "max_iter": Integer(1, 1000, log=True),
        "batch_size": Integer(32, 1028, log=True),
        "learning_rate_init": Continuous(1e-5, 1e-1, log=True),
    }

    n_iter_: int
    history_: dict[str, NDArray[Any]]

    @knows_foreign_names(FOREIGN_NAMES)
    def __init__(
        self,
        prediction_length: int = 24,
        *,
        context_length: int | None = None,
        context_weight: float = 1.0,
        freq: Any = None,
        likelihood: str = "student_t",
        hidden_size: int = 40,
        n_layers: int = 2,
        dropout: float = 0.0,
        zoneout: float = 0.0,
        lags: Any = "auto",
        embedding_dimension: Any = "auto",
        window_sampling: str = "uniform",
        max_iter: int = 200,
        n_batches: int = 50,
        batch_size: int = 32,
        learning_rate_init: float = 3e-3,
        weight_decay: Any = "auto",
        clip_gradient: float | None = 10.0,
        early_stopping: str | bool = "auto",
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        n_samples: int = 100,
        quantiles: Any = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.prediction_length = prediction_length
        self.context_length = context_length
        self.context_weight = context_weight
        self.freq = freq
        self.likelihood = likelihood
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.dropout = dropout
        self.zoneout = zoneout
        self.lags = lags
        self.embedding_dimension = embedding_dimension
        self.window_sampling = window_sampling
        self.max_iter = max_iter
        self.n_batches = n_batches
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.clip_gradient = clip_gradient
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.n_samples = n_samples
        self.quantiles = quantiles
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @learning
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> DeepARForecaster:
        """Fit the network to series.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
            A row for each series; NaN where a value is missing. NaN at either end of a row
            are not part of the series.
        y : None
            Ignored; present for scikit-learn's interface.
        start : datetime64, or array-like of shape (n_series,), default=None
            The time of the first column, or of the first column of each row, without a time zone;
            it requires `freq`. Without it there are no features of the calendar.
        static_categorical : array-like of shape (n_series, n_features), default=None
            Categories of each series, of any type.
        static_real : array-like of shape (n_series, n_features), default=None
            Real numbers of each series.
        dynamic_real : array-like of shape (n_series, n_features, n_times), default=None
            Numbers at each step that are known ahead; or a list of n_series arrays of shape
            (n_features, n_times). There may be more steps than in X: the future. Covariates that
            are the same for all series may be given once: as an array of shape (1, n_features,
            n_times), or as a frame whose rows are times.

        Returns
        -------
        self : DeepARForecaster
        """
        self._fit(X, covariates_of(start, static_categorical, static_real, dynamic_real))
        return self

    @learning
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        *,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> DeepARForecaster:
        """Fit one more epoch, on these series.

        The first call determines features, scales and `origin_`; later ones keep them.
        `predict()` continues the series of the last call. No steps are held back, and the learning
        rate does not decay.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
            Series, as in `fit`; they may differ from those of earlier calls.
        y : None
            Ignored; present for scikit-learn's interface.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            As in `fit`.

        Returns
        -------
        self : DeepARForecaster
        """
        self._partial_fit(X, covariates_of(start, static_categorical, static_real, dynamic_real))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = True  # columns are steps in time, not features
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = self.likelihood in NOT_NEGATIVE
        tags.target_tags.required = False
        return tags
