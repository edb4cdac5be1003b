"""The display of a stream and its anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algos._common.arrays import IndexArray
from algos._common.drawing import require_matplotlib
from algos.random_cut_forest.panels import (
    are_free,
    comparable,
    label,
    legend_columns,
    names_that_fit,
    panels,
    shade,
    short,
    strips,
    tick_angle,
    use_dates,
)
from algos.random_cut_forest.peaks import (
    column_names,
    event_rows,
    highest,
    parts_of,
    per_row,
    row_times,
    score_array,
)

MOST_LINES = 8  # columns of a stream that are drawn apart


class AnomalyDisplay:
    """A stream, its anomaly scores, and the attributions of their peaks.

    Three panels, one below the other: the columns of the stream, with the alarms shaded; the
    scores, with the highest peaks numbered; and the columns that caused each of these, red where
    a value is high and blue where it is low, paler for smaller contributions.
    Create one with :meth:`from_estimator` or :meth:`from_scores`.

    Up to eight columns are drawn in strips, one below the other, over their own ranges; more
    are drawn together, in units of the distance between their 5th and 95th percentiles. Values
    that are more than two such units from the median are cut off, unless there is only one
    column. Numbers that would overlap those of higher peaks are left out, except below the
    third panel.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The stream.
    scores : array-like of shape (n_samples,)
        The anomaly score of each row.
    threshold : float, array-like of shape (n_samples,) or None, default=None
        Rows with higher scores are anomalies.
    grades : array-like of shape (n_samples,) or None, default=None
        Rows with a grade above 0 are anomalies, whatever the threshold.
    peaks : array-like of int, default=()
        The rows to number, in ascending order.
    events : array-like of int or None, default=None
        The row of the stream that caused each peak, with whose time it is labelled; None is
        the peaks themselves. A shingle may score highest some rows after the anomalous one.
    attribution : array-like of shape (n_peaks, n_parts, 2) or None, default=None
        The contribution of each column, or each row of a shingle, to the score of a peak, low
        and high; None leaves the third panel out.
    part_names : sequence of str or None, default=None
        Names of those parts; None numbers them.
    times : array-like of shape (n_samples,) or None, default=None
        Positions of the rows on the time axis; None is a frame's index of dates, or the row
        numbers.
    feature_names : sequence of str or None, default=None
        Names of the columns; None uses those of a data frame, or numbers.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        The panels: two or three.
    figure_ : matplotlib Figure
        The figure of `axes_`.
    lines_ : list of matplotlib Line2D
        The columns of the stream.
    marks_ : list of matplotlib Annotation
        The numbered events in the panel of the stream.
    score_line_ : matplotlib Line2D
        The scores.
    threshold_line_ : matplotlib Line2D or None
        The threshold.
    image_ : matplotlib QuadMesh or None
        The attribution.

    See Also
    --------
    algos.RandomCutForest : Computes scores and attributions.

    Examples
    --------
    >>> import numpy as np
    >>> from algos import RandomCutForest
    >>> from algos.plotting import AnomalyDisplay
    >>> X = np.sin(np.arange(500) / 4).reshape(-1, 1)
    >>> X[300:310] = 0
    >>> forest = RandomCutForest(shingle_size=8, random_state=0)
    >>> scores, grades = forest.score_partial_fit(X, return_grade=True)
    >>> display = AnomalyDisplay.from_estimator(
    ...     forest, X, scores=scores, grades=grades
    ... )  # doctest: +SKIP
    """

    def __init__(
        self,
        X: ArrayLike,
        scores: ArrayLike,
        *,
        threshold: ArrayLike | None = None,
        grades: ArrayLike | None = None,
        peaks: ArrayLike = (),
        events: ArrayLike | None = None,
        attribution: ArrayLike | None = None,
        part_names: Sequence[str] | None = None,
        times: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        self.X = X
        self.scores = scores
        self.threshold = threshold
        self.grades = grades
        self.peaks = peaks
        self.events = events
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
        grades: ArrayLike | None = None,
        attribution: ArrayLike | None = None,
        threshold: ArrayLike | None = None,
        n_peaks: int = 5,
        separation: int | None = None,
        times: ArrayLike | None = None,
        ax: Any = None,
    ) -> AnomalyDisplay:
        """Draw a stream with the scores and attributions of a fitted forest.

        Parameters
        ----------
        forest : RandomCutForest
            Fitted.
        X : array-like of shape (n_samples, n_features)
            The stream, in order.
        scores : array-like of shape (n_samples,), default=None
            What `forest.score_partial_fit` returned for X. None is
            `forest.anomaly_score(X)`.
        grades : array-like of shape (n_samples,), default=None
            What it returned with `return_grade=True`: the alarms are the rows with a grade
            above 0. None uses the threshold.
        attribution : array-like of shape (n_samples, n_features, 2), default=None
            The attributions at the time of each score; with shingles of shape
            (n_samples, shingle_size, n_features, 2), the newest row first. None computes them
            with the present forest. After `score_partial_fit` it has learned the anomalies
            themselves, and after a persistent shift of level it blames other columns.
        threshold : float or array-like of shape (n_samples,), default=None
            None is -`forest.offset_`, or no threshold if there are `grades`. `threshold_` is
            that of the next row, and does not apply to the rows before.
        n_peaks : int, default=5
            Maximum number of peaks to explain: the highest ones, one for each run of alarms.
        separation : int, default=None
            Minimum distance of peaks in rows; None is `shingle_size`.
        times : array-like of shape (n_samples,), default=None
            Positions of the rows on the time axis; None is a frame's index of dates, or the
            row numbers.
        ax : matplotlib Axes, default=None
            Axes whose place the panels take; None creates a new figure.

        Returns
        -------
        display : AnomalyDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        if not hasattr(forest, "anomaly_score"):
            raise ValueError(
                f"`forest`={forest!r} must have `anomaly_score`, as RandomCutForest has; draw "
                f"others by from_scores(X, -detector.score_samples(X))"
            )
        size = forest.shingle_size
        if scores is None:
            scores = forest.anomaly_score(X)
        if threshold is None and grades is None:
            threshold = -forest.offset_
        separation = size if separation is None else separation
        found = score_array(X, scores)
        peaks = highest(found, threshold, grades, n_peaks, separation)
        if attribution is None:
            rows = getattr(X, "iloc", X if hasattr(X, "columns") else np.asarray(X))
            # A peak is explained only by the rows of its shingle.
            starts = [max(0, i - size + 1) for i in peaks]
            parts = [
                forest.attribution(rows[start : start + size])[i - start]
                for i, start in zip(peaks, starts, strict=True)
            ]
        else:
            parts = list(per_row(X, "attribution", attribution)[peaks])
        return cls._drawn(X, found, threshold, grades, peaks, parts, times, ax)

    @classmethod
    def from_scores(
        cls,
        X: Any,
        scores: ArrayLike,
        *,
        grades: ArrayLike | None = None,
        attribution: ArrayLike | None = None,
        threshold: ArrayLike | None = None,
        n_peaks: int = 5,
        separation: int = 1,
        times: ArrayLike | None = None,
        ax: Any = None,
    ) -> AnomalyDisplay:
        """Draw a stream with scores from any detector.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The stream, in order.
        scores : array-like of shape (n_samples,)
            The anomaly score of each row: larger is more anomalous.
        grades : array-like of shape (n_samples,), default=None
            Rows with a grade above 0 are anomalies; None uses the threshold.
        attribution : array-like of shape (n_samples, n_features, 2), default=None
            The contribution of each column to each score, low and high; with shingles
            (n_samples, shingle_size, n_features, 2), the newest row first.
        threshold : float or array-like of shape (n_samples,), default=None
            Rows with higher scores are anomalies; None draws none.
        n_peaks : int, default=5
            Maximum number of peaks to number: the highest ones, one for each run of alarms.
        separation : int, default=1
            Minimum distance of peaks in rows.
        times : array-like of shape (n_samples,), default=None
            Positions of the rows on the time axis; None is a frame's index of dates, or the
            row numbers.
        ax : matplotlib Axes, default=None
            Axes whose place the panels take; None creates a new figure.

        Returns
        -------
        display : AnomalyDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_scores")
        found = score_array(X, scores)
        peaks = highest(found, threshold, grades, n_peaks, separation)
        parts = None
        if attribution is not None:
            parts = list(per_row(X, "attribution", attribution)[peaks])
        return cls._drawn(X, found, threshold, grades, peaks, parts, times, ax)

    @classmethod
    def _drawn(
        cls,
        X: Any,
        scores: NDArray[Any],
        threshold: Any,
        grades: Any,
        peaks: list[int],
        parts: list[NDArray[Any]] | None,
        times: Any,
        ax: Any,
    ) -> AnomalyDisplay:
        names = column_names(X, None)
        attribution, part_names = parts_of(parts, names)
        display = cls(
            X,
            scores,
            threshold=threshold,
            grades=grades,
            peaks=peaks,
            events=event_rows(peaks, parts),
            attribution=attribution,
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
            Axes whose place the panels take; None creates a new figure.

        Returns
        -------
        self : AnomalyDisplay
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        peaks = np.asarray(self.peaks, dtype=np.intp)
        events = peaks if self.events is None else np.asarray(self.events, dtype=np.intp)
        scores = score_array(self.X, self.scores)
        times = row_times(self.X, self.times)
        names = column_names(self.X, self.feature_names)
        has_parts = self.attribution is not None and len(peaks) > 0
        part_names = self._part_names() if has_parts else []
        self.axes_ = panels(ax, [2, 1.3, 1.7] if has_parts else [2, 1.3], names, part_names)
        self.figure_ = self.axes_[0].figure
        self._plot_stream(self.axes_[0], times, names)
        self._plot_scores(self.axes_[1], times, scores)
        self._number(times, scores, peaks, events)
        self.image_ = None
        if has_parts:
            self._plot_attribution(self.axes_[2], times[events], part_names)
        self.figure_.align_ylabels(self.axes_[:2])
        return self

    def _part_names(self) -> list[str]:
        if self.part_names is None:
            return [str(j) for j in range(np.asarray(self.attribution).shape[1])]
        return [short(name) for name in self.part_names]

    def _plot_stream(self, ax: Any, times: NDArray[Any], names: Sequence[str]) -> None:
        X = np.asarray(self.X, dtype=np.float64).reshape(len(times), -1)
        values, limits = comparable(X)
        are_apart = 1 < len(names) <= MOST_LINES
        if are_apart:
            values, limits = strips(values)
            ax.set_yticks([])
        self.lines_ = []
        for column, name in zip(values.T, names, strict=True):
            alpha = 0.5 if len(names) > MOST_LINES else 1.0
            self.lines_ += ax.plot(times, column, linewidth=0.8, alpha=alpha, label=name)
        if are_apart:
            ax.legend(
                handles=self.lines_,
                labels=[short(name) for name in names],
                loc="lower left",  # above the panel, where no data are
                bbox_to_anchor=(0, 1),
                ncols=legend_columns(ax, names),
                fontsize="small",
                frameon=False,
            )
        if limits is not None:
            ax.set_ylim(*limits)
        several = "Each in its own range" if are_apart else "From the median, in\n5–95 % ranges"
        ax.set_ylabel(short(names[0]) if len(names) == 1 else several)
        ax.tick_params(labelbottom=False)
        use_dates(ax, times)

    def _plot_scores(self, ax: Any, times: NDArray[Any], scores: NDArray[Any]) -> None:
        (self.score_line_,) = ax.plot(times, scores, color="0.25", linewidth=0.8)
        self.threshold_line_ = None
        is_alarm = None
        if self.threshold is not None:
            limit = np.broadcast_to(np.asarray(self.threshold, dtype=np.float64), scores.shape)
            (self.threshold_line_,) = ax.plot(times, limit, color="tab:red", linestyle="--")
            is_alarm = scores > limit
        if self.grades is not None:
            is_alarm = per_row(self.X, "grades", self.grades) > 0
        if is_alarm is not None:
            for panel in self.axes_[:2]:
                shade(panel, times, is_alarm)
        ax.set_ylabel("Anomaly score")
        # Rows without a score have 0, which would flatten the others.
        scored = scores[scores > 0]
        if scored.size:
            room = 0.2 * (scored.max() - scored.min() or 1.0)
            ax.set_ylim(scored.min() - room, scored.max() + room)

    def _number(
        self,
        times: NDArray[Any],
        scores: NDArray[Any],
        peaks: IndexArray,
        events: IndexArray,
    ) -> None:
        """Number the peaks in the scores, and the rows that caused them in the stream."""
        stream, panel = self.axes_[:2]
        self.marks_ = []
        order = np.argsort(-scores[peaks], kind="stable")
        of_peaks = are_free(panel, times[peaks], order)
        of_events = are_free(stream, times[events], order)
        for number, (i, event) in enumerate(zip(peaks, events, strict=True), 1):
            panel.annotate(
                str(number),
                (times[i], scores[i]),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                visible=bool(of_peaks[number - 1]),
            )
            mark = stream.annotate(
                str(number),
                (times[event], 0.97),
                xycoords=stream.get_xaxis_transform(),
                ha="center",
                va="top",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
                visible=bool(of_events[number - 1]),
            )
            self.marks_.append(mark)

    def _plot_attribution(self, ax: Any, times: NDArray[Any], names: list[str]) -> None:
        parts = np.asarray(self.attribution, dtype=np.float64)
        side = np.where(parts[..., 1] >= parts[..., 0], 1, -1)
        signed = side * parts.sum(axis=2)
        signed /= np.maximum(np.abs(signed).max(axis=1, keepdims=True), np.finfo(float).tiny)
        self.image_ = ax.pcolormesh(signed.T, cmap="RdBu_r", vmin=-1, vmax=1)
        bar = self.figure_.colorbar(self.image_, ax=ax, fraction=0.03, pad=0.01)
        bar.set_ticks([-1, 0, 1], labels=["low", "usual", "high"])
        labels = [f"{number}\n{label(time)}" for number, time in enumerate(times, 1)]
        ax.set_xticks(np.arange(len(times)) + 0.5, labels, fontsize="small")
        if angle := tick_angle(ax, labels):
            ax.set_xticks(
                ax.get_xticks(),
                [text.replace("\n", " ").replace(" ", ": ", 1) for text in labels],
                rotation=angle,
                ha="right",
                rotation_mode="anchor",
            )
        step = -(-len(names) // names_that_fit(ax, names))
        shown = np.arange(0, len(names), step)
        ax.set_yticks(shown + 0.5, [names[j] for j in shown])
        ax.invert_yaxis()
        ax.set_ylabel("What was unusual")
