"""Displays: what is drawn, and what is said where nothing can be."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import algos.plotting
from algos import KMeans
from algos.plotting import InertiaDisplay


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
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
    assert display.ax_.get_xlabel() == "Number of clusters"
    assert display.ax_.get_ylabel() == "Inertia"
    assert display.figure_ is display.ax_.figure


def test_a_display_draws_where_and_how_it_is_told(pyplot, kmeans):
    _, ax = pyplot.subplots()
    display = InertiaDisplay.from_estimator(kmeans, range(1, 4), ax=ax, color="red")
    assert display.ax_ is ax
    assert display.line_.get_color() == "red"
    assert display.mark_ is None  # 4 is not among them
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
