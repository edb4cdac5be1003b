"""The display of a stream and its anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algos._common.drawing import require_matplotlib

MOST_LINES = 8  # columns of a stream that are told apart by colour


class AnomalyDisplay:
    """A stream, its anomaly scores, and what its peaks are made of.

    Three panels, one below the other: the columns of the stream, with the rows above the
    threshold shaded; the scores, the highest peaks numbered; and which columns made each of
    these, red where a value is high and blue where it is low, the paler the less it adds
    beside the largest. Make one with :meth:`from_estimator` or :meth:`from_scores`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The stream.
    scores : array-like of shape (n_samples,)
        How anomalous each row is.
    threshold : float, array-like of shape (n_samples,) or None, default=None
        Above it a row is an anomaly.
    peaks : array-like of int, default=()
        The rows to number, in ascending order.
    attribution : array-like of shape (n_peaks, n_parts, 2) or None, default=None
        What each column, or each row of a shingle, adds to the score of a peak, low and high;
        None leaves the third panel out.
    part_names : sequence of str or None, default=None
        Names of those parts; None numbers them.
    times : array-like of shape (n_samples,) or None, default=None
        Where the rows stand on the axis; None is their number.
    feature_names : sequence of str or None, default=None
        Names of the columns; None is those of a frame, or numbers.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        The panels: two or three.
    figure_ : matplotlib Figure
        The figure of `axes_`.
    lines_ : list of matplotlib Line2D
        The columns of the stream.
    score_line_ : matplotlib Line2D
        The scores.
    threshold_line_ : matplotlib Line2D or None
        The threshold.
    image_ : matplotlib QuadMesh or None
        The attribution.

    See Also
    --------
    algos.RandomCutForest : Makes scores and attributions.

    Examples
    --------
    >>> import numpy as np
    >>> from algos import RandomCutForest
    >>> from algos.plotting import AnomalyDisplay
    >>> X = np.sin(np.arange(500) / 4).reshape(-1, 1)
    >>> X[300:310] = 0
    >>> forest = RandomCutForest(shingle_size=8, random_state=0).fit(X)
    >>> display = AnomalyDisplay.from_estimator(forest, X)  # doctest: +SKIP
    """

    def __init__(
        self,
        X: ArrayLike,
        scores: ArrayLike,
        *,
        threshold: ArrayLike | None = None,
        peaks: ArrayLike = (),
        attribution: ArrayLike | None = None,
        part_names: Sequence[str] | None = None,
        times: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        self.X = X
        self.scores = scores
        self.threshold = threshold
        self.peaks = peaks
        self.attribution = attribution
        self.part_names = part_names
        self.times = times
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        forest: Any,
        X: Any,
        *,
        scores: ArrayLike | None = None,
        threshold: ArrayLike | None = None,
        n_peaks: int = 5,
        times: ArrayLike | None = None,
        ax: Any = None,
    ) -> AnomalyDisplay:
        """Draw a stream and what a fitted forest says of it.

        Parameters
        ----------
        forest : RandomCutForest
            Fitted. It explains the peaks as it stands now.
        X : array-like of shape (n_samples, n_features)
            The stream, in order.
        scores : array-like of shape (n_samples,), default=None
            What `forest.score_partial_fit` returned for X, while it learnt. None is
            `forest.anomaly_score(X)`.
        threshold : float or array-like of shape (n_samples,), default=None
            None is -`forest.offset_`.
        n_peaks : int, default=5
            At most so many peaks above the threshold are explained, the highest ones, each at
            least a shingle away from the others.
        times : array-like of shape (n_samples,), default=None
            Where the rows stand on the axis; None is their number.
        ax : matplotlib Axes, default=None
            Whose place to take; None is a new figure.

        Returns
        -------
        display : AnomalyDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        scores = np.asarray(forest.anomaly_score(X) if scores is None else scores)
        threshold = -forest.offset_ if threshold is None else threshold
        size = forest.shingle_size
        peaks = _highest(scores, threshold, n_peaks, size)
        rows = getattr(X, "iloc", X if hasattr(X, "columns") else np.asarray(X))
        # A peak is explained by the rows of its shingle alone.
        parts = [forest.attribution(rows[max(0, i - size + 1) : i + 1])[-1] for i in peaks]
        names = _names(X, None)
        attribution, part_names = _parts(parts, names)
        display = cls(
            X,
            scores,
            threshold=threshold,
            peaks=peaks,
            attribution=attribution,
            part_names=part_names,
            times=times,
            feature_names=names,
        )
        return display.plot(ax=ax)

    @classmethod
    def from_scores(
        cls,
        X: Any,
        scores: ArrayLike,
        *,
        threshold: ArrayLike | None = None,
        attribution: ArrayLike | None = None,
        n_peaks: int = 5,
        separation: int = 1,
        times: ArrayLike | None = None,
        ax: Any = None,
    ) -> AnomalyDisplay:
        """Draw a stream and scores that any detector gave it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The stream, in order.
        scores : array-like of shape (n_samples,)
            How anomalous each row is.
        threshold : float or array-like of shape (n_samples,), default=None
            Above it a row is an anomaly; None draws none.
        attribution : array-like of shape (n_samples, n_features, 2), default=None
            What each column adds to each score, low and high; with shingles
            (n_samples, shingle_size, n_features, 2), the newest row first.
        n_peaks : int, default=5
            At most so many peaks above the threshold are numbered, the highest ones.
        separation : int, default=1
            How many rows peaks are apart at least.
        times : array-like of shape (n_samples,), default=None
            Where the rows stand on the axis; None is their number.
        ax : matplotlib Axes, default=None
            Whose place to take; None is a new figure.

        Returns
        -------
        display : AnomalyDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_scores")
        peaks = _highest(np.asarray(scores), threshold, n_peaks, separation)
        names = _names(X, None)
        parts, part_names = None, None
        if attribution is not None:
            parts, part_names = _parts(list(np.asarray(attribution)[peaks]), names)
        display = cls(
            X,
            scores,
            threshold=threshold,
            peaks=peaks,
            attribution=parts,
            part_names=part_names,
            times=times,
            feature_names=names,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> AnomalyDisplay:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Whose place to take; None is a new figure.

        Returns
        -------
        self : AnomalyDisplay
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        peaks = np.asarray(self.peaks, dtype=np.intp)
        has_parts = self.attribution is not None and len(peaks) > 0
        self.axes_ = _panels(ax, [2, 1.3, 1.7] if has_parts else [2, 1.3])
        self.figure_ = self.axes_[0].figure
        scores = np.asarray(self.scores)
        times = np.arange(len(scores)) if self.times is None else np.asarray(self.times)
        self._plot_stream(self.axes_[0], times)
        self._plot_scores(self.axes_[1], times, scores)
        for number, i in enumerate(peaks, 1):
            self.axes_[1].annotate(
                str(number),
                (times[i], scores[i]),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
            )
        self.image_ = None
        if has_parts:
            self._plot_attribution(self.axes_[2], times[peaks])
        self.figure_.align_ylabels(self.axes_)
        return self

    def _plot_stream(self, ax: Any, times: NDArray[Any]) -> None:
        X = np.asarray(self.X, dtype=np.float64).reshape(len(times), -1)
        names = _names(self.X, self.feature_names)
        self.lines_ = []
        for values, name in zip(_comparable(X).T, names, strict=True):
            self.lines_ += ax.plot(times, values, linewidth=0.8, label=name)
        if 1 < len(names) <= MOST_LINES:
            ax.legend(loc="upper left", ncols=len(names), fontsize="small")
        ax.set_ylabel(names[0] if len(names) == 1 else "Columns, scaled")
        ax.tick_params(labelbottom=False)

    def _plot_scores(self, ax: Any, times: NDArray[Any], scores: NDArray[Any]) -> None:
        (self.score_line_,) = ax.plot(times, scores, color="0.25", linewidth=0.8)
        self.threshold_line_ = None
        if self.threshold is not None:
            limit = np.broadcast_to(np.asarray(self.threshold, dtype=np.float64), scores.shape)
            (self.threshold_line_,) = ax.plot(times, limit, color="tab:red", linestyle="--")
            for panel in self.axes_[:2]:
                _shade(panel, times, scores > limit)
        ax.set_ylabel("Anomaly score")
        # Rows that have no score yet have 0, which would flatten the others.
        scored = scores[scores > 0]
        if scored.size:
            room = 0.2 * (scored.max() - scored.min() or 1.0)
            ax.set_ylim(scored.min() - room, scored.max() + room)

    def _plot_attribution(self, ax: Any, times: NDArray[Any]) -> None:
        parts = np.asarray(self.attribution, dtype=np.float64)
        side = np.where(parts[..., 1] >= parts[..., 0], 1, -1)
        signed = side * parts.sum(axis=2)
        signed /= np.maximum(np.abs(signed).max(axis=1, keepdims=True), np.finfo(float).tiny)
        self.image_ = ax.pcolormesh(signed.T, cmap="RdBu_r", vmin=-1, vmax=1)
        bar = self.figure_.colorbar(self.image_, ax=ax, fraction=0.03, pad=0.01)
        bar.set_ticks([-1, 0, 1], labels=["low", "no part", "high"])
        ax.set_xticks(
            np.arange(len(times)) + 0.5,
            [f"{number}\n{_label(time)}" for number, time in enumerate(times, 1)],
        )
        names = [str(j) for j in range(parts.shape[1])]
        if self.part_names is not None:
            names = list(self.part_names)
        shown = np.unique(np.linspace(0, len(names) - 1, min(len(names), 10)).astype(int))
        ax.set_yticks(shown + 0.5, [names[j] for j in shown])
        ax.invert_yaxis()
        ax.set_ylabel("Parts of the peaks")


def _highest(scores: NDArray[Any], threshold: Any, n_peaks: int, separation: int) -> list[int]:
    """Return the rows of the highest scores above the threshold, none close to another."""
    limit = 0.0 if threshold is None else threshold
    above = np.where(scores > limit, scores, -np.inf)
    found: list[int] = []
    while len(found) < n_peaks and above.size and np.isfinite(above.max()):
        top = int(above.argmax())
        found.append(top)
        above[max(0, top - separation + 1) : top + separation] = -np.inf
    return sorted(found)


def _parts(parts: list[NDArray[Any]], names: Sequence[str]) -> tuple[Any, list[str]]:
    """Return (n_peaks, n_parts, 2) and the parts' names.

    With shingles the parts of one column are the rows of the shingle, those of several the
    columns.
    """
    found = np.array(parts)
    if found.ndim < 4:
        return found, list(names)
    if len(names) > 1:
        return found.sum(axis=1), list(names)
    return found[:, :, 0], ["now", *(f"-{lag}" for lag in range(1, found.shape[1]))]


def _names(X: Any, names: Sequence[str] | None) -> list[str]:
    if names is not None:
        return list(names)
    if hasattr(X, "columns"):
        return [str(name) for name in X.columns]
    shape = np.shape(X)
    n = shape[1] if len(shape) > 1 else 1
    return ["Value"] if n == 1 else [f"x{j}" for j in range(n)]


def _comparable(X: NDArray[Any]) -> NDArray[Any]:
    """Return one column as it is, and several in units of their spread."""
    if X.shape[1] == 1:
        return X
    low, middle, high = np.nanpercentile(X, [5, 50, 95], axis=0)
    spread = np.where(high > low, high - low, 1.0)
    comparable: NDArray[Any] = (X - middle) / spread
    return comparable


def _panels(ax: Any, heights: list[float]) -> list[Any]:
    """Return axes one below the other, the first two of which share the times."""
    import matplotlib.pyplot as plt

    if ax is None:
        figure = plt.figure(figsize=(9, 1.6 * sum(heights)), layout="constrained")
        grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    else:
        figure = ax.figure
        ax.set_axis_off()
        spec = ax.get_subplotspec()
        grid = spec.subgridspec(len(heights), 1, height_ratios=heights, hspace=0.3)
    first = figure.add_subplot(grid[0])
    second = figure.add_subplot(grid[1], sharex=first)
    return [first, second, *(figure.add_subplot(grid[k]) for k in range(2, len(heights)))]


def _shade(ax: Any, times: NDArray[Any], is_above: NDArray[np.bool_]) -> None:
    edges = np.flatnonzero(np.diff(is_above.astype(np.int8), prepend=0, append=0))
    for start, end in edges.reshape(-1, 2):
        last = min(end, len(times) - 1)
        ax.axvspan(times[start], times[last], color="tab:red", alpha=0.2, linewidth=1)


def _label(time: Any) -> str:
    if isinstance(time, np.datetime64):
        return str(time.astype("datetime64[m]")).replace("T", " ")
    return f"{time:.6g}" if isinstance(time, np.floating) else str(time)
