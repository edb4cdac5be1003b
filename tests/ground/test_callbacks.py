"""The task tree: every begin has its end, nothing is evaluated without need."""

from typing import ClassVar

import joblib
import numpy as np
import pytest

from algos._common.base import Estimator, learning
from algos._common.callbacks import HAS_CALLBACKS, NO_CALLBACKS, fit_tasks
from algos.callbacks import Checkpoint
from tests.common.recorder import needs_callbacks
from tests.common.running_mean import RunningMeanRegressor


class Nested(Estimator):
    """Runs three restarts of four iterations; `how` chooses the way out."""

    _parameters: ClassVar = {}

    @learning
    def fit(self, X=None, how=None, evaluated=None):
        with fit_tasks(self, 3) as fit:
            for restart in fit.loop("restart", range(3), n_subtasks=4):
                for step in restart.loop("iteration", range(4)):
                    if how == "raise" and step.number == 1:
                        raise KeyError
                    if how == "break" and step.number == 1:
                        break
                    step.finish(lambda: self._attributes(evaluated))
        return self

    def _attributes(self, evaluated):
        if evaluated is not None:
            evaluated.append(1)
        return {"a_": 1}


class Log:
    """Collects (begin or end, name, number)."""

    def __init__(self, stop_at=None, fail_at=None):
        self.stop_at = stop_at
        self.fail_at = fail_at
        self.lines = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.lines.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        task = (context.task_name, context.task_id)
        self.lines.append(("end", *task))
        if task == self.fail_at:
            raise OSError("full")
        return task == self.stop_at


def balanced(lines):
    """Tell whether the tasks nest as brackets do."""
    open_tasks = []
    for what, *task in lines:
        if what == "begin":
            open_tasks.append(task)
        elif not open_tasks or open_tasks.pop() != task:
            return False
    return not open_tasks


def run(log, **keywords):
    return Nested().set_callbacks(log).fit(**keywords)


def count(log, name):
    return sum(line[:2] == ("begin", name) for line in log.lines)


@needs_callbacks
def test_tasks_nest_and_are_numbered():
    log = Log()
    run(log)
    assert balanced(log.lines)
    assert (count(log, "fit"), count(log, "restart"), count(log, "iteration")) == (1, 3, 12)
    assert log.lines[:3] == [
        ("begin", "fit", 0),
        ("begin", "restart", 0),
        ("begin", "iteration", 0),
    ]


@needs_callbacks
def test_a_break_ends_its_task():
    log = Log()
    run(log, how="break")
    assert balanced(log.lines)
    assert count(log, "iteration") == 6


@needs_callbacks
def test_an_error_ends_every_open_task():
    log = Log()
    with pytest.raises(KeyError):
        run(log, how="raise")
    assert balanced(log.lines)
    assert count(log, "restart") == 1


@needs_callbacks
@pytest.mark.parametrize(
    ("stop_at", "restarts", "iterations"),
    [(("iteration", 1), 3, 6), (("restart", 1), 2, 8), (("fit", 0), 3, 12)],
)
def test_a_callback_stops_its_own_level(stop_at, restarts, iterations):
    log = Log(stop_at=stop_at)
    run(log)
    assert balanced(log.lines)
    assert (count(log, "restart"), count(log, "iteration")) == (restarts, iterations)


@needs_callbacks
@pytest.mark.parametrize("fail_at", [("iteration", 1), ("restart", 0), ("fit", 0)])
def test_an_error_in_a_callback_ends_every_open_task_and_is_heard(fail_at):
    log = Log(fail_at=fail_at)
    with pytest.raises(OSError, match="full"):
        run(log)
    assert balanced(log.lines)


@needs_callbacks
def test_an_error_of_the_fit_is_not_hidden_by_one_of_a_callback():
    with pytest.raises(KeyError):
        run(Log(fail_at=("iteration", 1)), how="raise")


def test_nothing_is_evaluated_without_callbacks():
    evaluated = []
    Nested().fit(evaluated=evaluated)
    assert not evaluated


@needs_callbacks
def test_nothing_is_evaluated_for_callbacks_that_do_not_ask():
    evaluated = []
    run(Log(), evaluated=evaluated)
    assert not evaluated


def test_a_driver_runs_without_an_estimator():
    for _ in range(2):
        assert [task.number for task in NO_CALLBACKS.loop("iteration", range(3))] == [0, 1, 2]


@needs_callbacks
@pytest.mark.parametrize(("every", "iteration"), [(1, 5), (2, 4), (4, 4)])
def test_a_checkpoint_is_written_every_so_many_iterations(tmp_path, every, iteration):
    X = np.random.default_rng(0).normal(size=(30, 8))
    log = Log(fail_at=("iteration", 4))
    estimator = RunningMeanRegressor(random_state=0)
    estimator.set_callbacks(Checkpoint(tmp_path / "fit", every=every), log)
    with pytest.raises(OSError, match="full"):
        estimator.fit(X, X[:, 0])
    assert joblib.load(tmp_path / "fit")._unfinished["n_iter"] == iteration
    assert [path.name for path in tmp_path.iterdir()] == ["fit"]


@needs_callbacks
def test_a_checkpoint_that_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    X = np.random.default_rng(0).normal(size=(30, 8))
    path = tmp_path / "fit"
    path.write_bytes(b"old")

    def full(estimator, file):
        raise OSError("disk full")

    monkeypatch.setattr(joblib, "dump", full)
    estimator = RunningMeanRegressor().set_callbacks(Checkpoint(path))
    with pytest.raises(OSError, match="disk full"):
        estimator.fit(X, X[:, 0])
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["fit"]


@needs_callbacks
def test_a_finished_fit_leaves_the_finished_estimator(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 8))
    estimator = RunningMeanRegressor(random_state=0).set_callbacks(Checkpoint(tmp_path / "fit"))
    estimator.fit(X, X[:, 0])
    loaded = joblib.load(tmp_path / "fit")
    assert not [name for name in vars(loaded) if "callback" in name or "unfinished" in name]
    assert np.array_equal(loaded.predict(X), estimator.predict(X))


@needs_callbacks
def test_a_resumed_fit_goes_on_writing(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 8))
    path = tmp_path / "fit"
    estimator = RunningMeanRegressor(random_state=0)
    for iteration in (2, 3):  # each log counts from the beginning of the whole fit
        log = Log(fail_at=("iteration", iteration))
        callbacks = getattr(estimator, "_skl_callbacks", [Checkpoint(path)])
        with pytest.raises(OSError, match="full"):
            estimator.set_callbacks(*callbacks, log).fit(X, X[:, 0])
        estimator = joblib.load(path)
    assert estimator._unfinished["n_iter"] > 3


@needs_callbacks
def test_a_folder_that_is_not_there_is_named(tmp_path):
    estimator = RunningMeanRegressor().set_callbacks(Checkpoint(tmp_path / "no" / "fit"))
    with pytest.raises(FileNotFoundError, match=r"`path`=.*; make the folder"):
        estimator.fit(np.eye(4), np.arange(4.0))


@needs_callbacks
def test_checkpoint_every_no_iteration_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`every`=0 must be"):
        Checkpoint(tmp_path / "fit", every=0)


@pytest.mark.skipif(HAS_CALLBACKS, reason="this scikit-learn has callbacks")
def test_checkpoint_says_what_it_needs(tmp_path):
    with pytest.raises(RuntimeError, match=r"scikit-learn 1\.9"):
        Checkpoint(tmp_path / "fit")
