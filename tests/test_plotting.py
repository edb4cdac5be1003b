"""Displays: what is drawn, and what is said where nothing can be."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

import algos.plotting
from algos import KMeans, LatentDirichletAllocation, RandomCutForest
from algos.plotting import AnomalyDisplay, InertiaDisplay, TopicWordDisplay


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib draws")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def kmeans():
    X = np.random.default_rng(0).normal(size=(500, 2))
    return KMeans(4, random_state=0).partial_fit(X)


def test_the_curve_of_an_estimator_is_drawn(pyplot, kmeans):
    display = InertiaDisplay.from_estimator(kmeans)
    counts, inertias = kmeans.inertia_curve()
    assert display.line_.get_xdata().tolist() == counts.tolist()
    assert display.line_.get_ydata().tolist() == inertias.tolist()
    assert display.mark_.get_xdata().tolist() == [4]
    assert [text.get_text() for text in display.ax_.get_legend().texts] == ["n_clusters=4"]
    assert display.ax_.get_xlabel() == "Number of clusters"
    assert display.ax_.get_ylabel() == "Inertia"
    assert display.figure_ is display.ax_.figure


def test_a_display_draws_where_and_how_it_is_told(pyplot, kmeans):
    _, ax = pyplot.subplots()
    display = InertiaDisplay.from_estimator(kmeans, range(1, 4), ax=ax, color="red")
    assert display.ax_ is ax
    assert display.line_.get_color() == "red"
    assert display.mark_ is None and ax.get_legend() is None  # 4 is not among them
    assert display.plot(ax).line_ is not None
    assert len(ax.lines) == 2


def test_given_numbers_are_drawn(pyplot):
    display = InertiaDisplay([2, 3], [5.0, 1.0], chosen=3).plot()
    assert display.line_.get_ydata().tolist() == [5.0, 1.0]
    assert display.mark_.get_ydata().tolist() == [1.0]


def test_without_matplotlib_the_remedy_is_said(kmeans, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="from_estimator needs matplotlib; install it"):
        InertiaDisplay.from_estimator(kmeans)
    with pytest.raises(ImportError, match=r"plot needs matplotlib; install it"):
        InertiaDisplay([1], [1]).plot()


def test_the_module_is_lazy_and_loads_no_matplotlib():
    program = "import sys, algos; algos.plotting.InertiaDisplay; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(algos.plotting.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


class PlainForest:
    """What the display asks of a forest; a column's part is its distance from 0."""

    shingle_size = 1
    offset_ = -2.0

    def anomaly_score(self, X):
        return np.abs(np.asarray(X)).sum(axis=1)

    def attribution(self, X):
        X = np.asarray(X)
        return np.stack([np.maximum(-X, 0), np.maximum(X, 0)], axis=2)


class ShingleForest(PlainForest):
    shingle_size = 3

    def attribution(self, X):
        parts = np.zeros((len(X), 3, np.shape(X)[1], 2))
        parts[-1, :, :, 1] = np.abs(np.asarray(X)[:-4:-1])
        return parts


@pytest.fixture
def rows():
    X = np.random.default_rng(0).uniform(-0.5, 0.5, size=(100, 2))
    X[30], X[31], X[70] = (5, 0), (4, 0), (0, -9)
    return X


def test_a_stream_its_scores_and_the_parts_of_its_peaks_are_drawn(pyplot, rows):
    display = AnomalyDisplay.from_estimator(PlainForest(), rows, n_peaks=2)
    assert display.peaks == [30, 70]
    assert len(display.axes_) == 3 and len(display.lines_) == 2
    assert display.score_line_.get_ydata().tolist() == PlainForest().anomaly_score(rows).tolist()
    assert set(display.threshold_line_.get_ydata()) == {2.0}
    parts = np.asarray(display.image_.get_array()).reshape(2, 2)  # (column, peak)
    assert parts[0, 0] == 1 and parts[1, 1] == -1  # high, and low
    assert np.abs([parts[1, 0], parts[0, 1]]).max() < 0.2
    assert [text.get_text() for text in display.axes_[1].texts] == ["1", "2"]
    assert len(display.axes_[0].patches) == 2  # rows 30 to 31, and row 70
    display.figure_.canvas.draw()


def test_peaks_are_a_shingle_apart_and_explained_by_its_rows(pyplot, rows):
    display = AnomalyDisplay.from_estimator(ShingleForest(), rows[:, :1], n_peaks=9)
    assert display.peaks == [30]  # row 31 is of the same shingle
    assert display.part_names == ["now", "1 row before", "2 rows before"]
    found = np.asarray(display.attribution)
    np.testing.assert_allclose(found[0, :, 1], np.abs(rows[30:27:-1, 0]))
    wide = AnomalyDisplay.from_estimator(ShingleForest(), rows)
    assert wide.part_names == ["x0", "x1"] and np.shape(wide.attribution) == (2, 2, 2)


def test_rows_of_a_long_shingle_are_named_at_even_steps(pyplot, rows):
    attribution = np.ones((100, 24, 1, 2))
    display = AnomalyDisplay.from_scores(
        rows[:, 0], rows[:, 0], attribution=attribution, threshold=3
    )
    labels = [label.get_text() for label in display.axes_[2].get_yticklabels()]
    assert labels[0] == "now" and 4 <= len(labels) < 24
    lags = [int(label.split(" rows before")[0]) for label in labels[1:]]
    assert lags == [lags[0] * (i + 1) for i in range(len(lags))]


def test_frames_give_names_and_dates_stand_at_the_peaks(pyplot, rows):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    times = np.datetime64("2020-01-01T00:00") + np.arange(100) * np.timedelta64(1, "h")
    frame = pd.DataFrame(rows, columns=["in", "out"])
    display = AnomalyDisplay.from_estimator(PlainForest(), frame, times=times)
    assert [line.get_label() for line in display.lines_] == ["in", "out"]
    assert display.part_names == ["in", "out"]
    labels = [label.get_text() for label in display.axes_[2].get_xticklabels()]
    assert labels[0] == "1\n2020-01-02\n06:00"


def test_scores_of_any_detector_are_drawn(pyplot, rows):
    scores = np.abs(rows).sum(axis=1)
    plain = AnomalyDisplay.from_scores(rows, scores)
    assert len(plain.axes_) == 2 and plain.threshold_line_ is None and plain.image_ is None
    limits = np.linspace(1, 8, 100)
    attribution = PlainForest().attribution(rows)
    display = AnomalyDisplay.from_scores(
        rows, scores, threshold=limits, attribution=attribution, n_peaks=3, separation=2
    )
    assert display.peaks == [30, 70] and len(display.axes_) == 3
    assert np.array_equal(display.attribution, attribution[[30, 70]])


def test_reasons_as_of_the_scores_are_drawn_and_dated_by_their_row(pyplot, rows):
    scores, attribution = np.zeros(100), np.zeros((100, 3, 2, 2))
    scores[50], attribution[50, 2, 1, 0] = 4, 4  # row 48, two rows before, was low in column 1
    display = AnomalyDisplay.from_estimator(
        ShingleForest(), rows, scores=scores, attribution=attribution
    )
    assert display.peaks == [50] and display.events == [48]
    assert np.array_equal(display.attribution, [[[0, 0], [4, 0]]])
    assert display.axes_[2].get_xticklabels()[0].get_text() == "1\n48"
    assert [mark.xy[0] for mark in display.marks_] == [48]


def test_grades_tell_the_alarms_and_a_run_of_them_has_one_peak(pyplot):
    scores, grades = np.ones(60), np.zeros(60)
    grades[10:30] = grades[40] = 0.5
    scores[12], scores[25], scores[40], scores[50] = 3, 2, 1.5, 9
    X = np.zeros((60, 1))
    display = AnomalyDisplay.from_scores(X, scores, grades=grades)
    assert display.peaks == [12, 40] and display.threshold_line_ is None
    assert len(display.axes_[0].patches) == 2
    far = AnomalyDisplay.from_estimator(
        PlainForest(), X, scores=scores, grades=grades, separation=40
    )
    assert far.peaks == [12]
    plain = AnomalyDisplay.from_scores(X, scores, n_peaks=2)
    assert plain.peaks == [12, 50]


@pytest.mark.parametrize("zone", [None, "Europe/Paris"])
def test_a_frame_of_dates_is_drawn_along_them(pyplot, rows, zone):
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    index = pd.date_range("2020-01-01", periods=100, freq="h", tz=zone)
    display = AnomalyDisplay.from_estimator(PlainForest(), pd.DataFrame(rows, index=index))
    labels = [label.get_text() for label in display.axes_[2].get_xticklabels()]
    assert labels == ["1\n2020-01-02\n06:00", "2\n2020-01-03\n22:00"]
    display.figure_.canvas.draw()


def test_one_outlier_does_not_flatten_the_other_columns(pyplot, rows):
    rows[40, 1] = 1e9
    display = AnomalyDisplay.from_estimator(PlainForest(), rows)
    bottom, top = display.axes_[0].get_ylim()
    assert np.ptp(display.lines_[0].get_ydata()[:30]) > 0.15 * (top - bottom)
    many = AnomalyDisplay.from_estimator(PlainForest(), np.tile(rows, (1, 5)))
    assert "5–95 %" in many.axes_[0].get_ylabel()


def test_several_columns_are_drawn_one_below_the_other(pyplot, rows):
    rows[10] = np.nan
    display = AnomalyDisplay.from_scores(rows, np.arange(100.0))
    upper, lower = (line.get_ydata() for line in display.lines_)
    assert np.nanmin(upper) > np.nanmax(lower)
    assert np.isnan(upper[10]) and np.isnan(lower[10])


def test_numbers_of_peaks_do_not_overlap(pyplot):
    scores = np.zeros(2000)
    scores[[500, 505, 1500]] = 2, 3, 1
    display = AnomalyDisplay.from_scores(np.zeros((2000, 1)), scores)
    assert display.peaks == [500, 505, 1500]
    for numbers in (display.marks_, display.axes_[1].texts):
        assert [number.get_visible() for number in numbers] == [False, True, True]


def test_names_legend_and_dates_stay_inside(pyplot, rows):
    names = ["a very long name of a column of a stream", "another one of some length"]
    pd = pytest.importorskip("pandas", reason="pandas makes the frames")
    rows[10:90:10] = 7
    index = pd.date_range("2020-01-01", periods=100, freq="h")
    figure, axes = pyplot.subplots(1, 2, figsize=(12, 6))
    frame = pd.DataFrame(rows, columns=names, index=index)
    display = AnomalyDisplay.from_estimator(PlainForest(), frame, n_peaks=6, ax=axes[0])
    figure.canvas.draw()
    stream, _, reasons = display.axes_
    legend = stream.get_legend().get_window_extent()
    assert legend.y0 >= stream.get_window_extent().y1 - 1  # above the data
    assert legend.x1 <= axes[1].get_window_extent().x0
    boxes = [label.get_window_extent() for label in reasons.get_yticklabels()]
    assert min(box.x0 for box in boxes) >= 0
    dates = reasons.get_xticklabels()
    assert len(dates) == 6 and all(label.get_rotation() == 30 for label in dates)


def test_what_does_not_fit_the_rows_is_said(rows):
    pytest.importorskip("matplotlib", reason="matplotlib draws")
    scores = np.abs(rows).sum(axis=1)
    draw = AnomalyDisplay.from_estimator
    with pytest.raises(ValueError, match="`scores` is a tuple of what"):
        draw(PlainForest(), rows, scores=(scores, scores))
    with pytest.raises(ValueError, match=r"`scores` of shape \(99,\) must have one entry for"):
        draw(PlainForest(), rows, scores=scores[1:])
    with pytest.raises(ValueError, match=r"`times` of shape \(3,\) must have one entry for"):
        draw(PlainForest(), rows, times=[1, 2, 3])
    with pytest.raises(ValueError, match=r"`grades` of shape \(99,\) must have one entry for"):
        draw(PlainForest(), rows, grades=scores[1:])
    with pytest.raises(ValueError, match=r"must have `anomaly_score`.*draw others by from_scores"):
        draw(KMeans(), rows)


def test_a_stream_without_anomalies_is_drawn(pyplot):
    X = np.zeros((10, 1))
    display = AnomalyDisplay.from_estimator(PlainForest(), X)
    assert display.peaks == [] and len(display.axes_) == 2


def test_the_panels_take_the_place_of_given_axes(pyplot, rows):
    figure, axes = pyplot.subplots(1, 2)
    display = AnomalyDisplay.from_estimator(PlainForest(), rows, ax=axes[1])
    assert display.figure_ is figure
    figure.canvas.draw()
    assert all(ax.get_position().x0 > 0.5 for ax in display.axes_)


def test_a_forest_is_drawn(pyplot):
    X = np.sin(np.arange(400) / 4).reshape(-1, 1)
    X[300:310] = 0
    forest = RandomCutForest(n_estimators=20, shingle_size=8, random_state=0)
    scores, grades = forest.score_partial_fit(X, return_grade=True)
    display = AnomalyDisplay.from_estimator(forest, X, scores=scores, grades=grades)
    assert any(300 <= peak < 320 for peak in display.peaks)
    assert np.shape(display.attribution) == (len(display.peaks), 8, 2)


def test_without_matplotlib_the_remedy_is_said_of_anomalies_too(rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="from_estimator needs matplotlib; install it"):
        AnomalyDisplay.from_estimator(PlainForest(), rows)
    with pytest.raises(ImportError, match="from_scores needs matplotlib; install it"):
        AnomalyDisplay.from_scores(rows, rows[:, 0])


def test_the_words_of_topics_are_drawn(pyplot):
    components = np.array([[1.0, 5, 4], [6, 0, 2]])
    display = TopicWordDisplay(components, feature_names=list("abc"), n_words=2).plot()
    assert [len(bars) for bars in display.bars_] == [2, 2]
    assert [bar.get_width() for bar in display.bars_[0]] == pytest.approx([0.5, 0.4])
    labels = [[text.get_text() for text in ax.get_yticklabels()] for ax in display.axes_]
    assert labels == [["b", "c"], ["a", "c"]]
    assert [ax.get_title() for ax in display.axes_] == ["Topic 0", "Topic 1"]


def test_topics_of_a_pipeline_are_drawn_with_the_words_of_the_steps_before(pyplot):
    texts = ["cat dog", "bond stock"] * 10
    pipeline = make_pipeline(CountVectorizer(), LatentDirichletAllocation(2, random_state=0))
    pipeline.fit(texts)
    display = TopicWordDisplay.from_estimator(pipeline)
    labels = [{text.get_text() for text in ax.get_yticklabels()} for ax in display.axes_]
    assert labels == [{"bond", "cat", "dog", "stock"}] * 2
    given = TopicWordDisplay.from_estimator(pipeline, list("abcd"))
    assert {text.get_text() for text in given.axes_[0].get_yticklabels()} == set("abcd")
    X = CountVectorizer().fit_transform(texts)
    numbered = make_pipeline("passthrough", LatentDirichletAllocation(2, random_state=0)).fit(X)
    display = TopicWordDisplay.from_estimator(numbered)
    assert {text.get_text() for text in display.axes_[0].get_yticklabels()} == set("0123")


def test_topics_are_drawn_where_and_how_they_are_told(pyplot):
    X = np.repeat(np.kron(np.eye(3), np.ones((2, 2))), 5, axis=0)
    lda = LatentDirichletAllocation(3, random_state=0).fit(X)
    figure, ax = pyplot.subplots()
    display = TopicWordDisplay.from_estimator(
        lda, topics=[2, 0], titles=["x", "y"], n_words=1, ax=ax, color="red"
    )
    assert display.figure_ is figure
    assert [ax.get_title() for ax in display.axes_] == ["x", "y"]
    named = TopicWordDisplay.from_estimator(lda, list("abcdef"), topics=[0], n_words=6)
    labels = {text.get_text() for text in named.axes_[0].get_yticklabels()}
    assert labels == set("abcdef")
    assert display.bars_[0][0].get_facecolor() == (1.0, 0.0, 0.0, 1.0)
    for without in (KMeans(2), make_pipeline("passthrough", LatentDirichletAllocation(2))):
        with pytest.raises(ValueError, match=r"`estimator` must have `components_`.*; fit it"):
            TopicWordDisplay.from_estimator(without)
    for wrong in ({"topics": [3]}, {"titles": ["x"]}, {"feature_names": ["a"]}):
        with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`.* must .*; "):
            TopicWordDisplay.from_estimator(lda, **wrong)
