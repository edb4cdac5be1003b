"""DESIGN section 3, point 7: progress, callbacks, checkpoints, interrupts."""

import signal
import warnings
from collections import Counter

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from algos._common.checkpoint import ATTRIBUTE
from algos.callbacks import Checkpoint
from tests.common.estimators import (
    all_cases,
    assert_plain,
    assert_same_bits,
    cases_where,
    learned,
    outputs,
)
from tests.common.recorder import Recorder, StopError, needs_callbacks, stop

iterative = cases_where(lambda case: case.has("max_iter"))


class Stopper(Recorder):
    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        return context.max_subtasks == 0


class Snapshots(Recorder):
    """Asks every task for an estimator that is ready to predict."""

    def __init__(self, X):
        super().__init__()
        self.X = X
        self.taken = []

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        super().on_fit_task_end(estimator, context)
        if context.max_subtasks == 0 and fitted_estimator is not None:
            self.taken.append(outputs(fitted_estimator, self.X))


def fit_with(case, X, *callbacks, **parameters):
    estimator = case.make(**parameters).set_callbacks(*callbacks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, case.target(X))


@needs_callbacks
@all_cases
def test_every_task_that_begins_ends_once(case):
    recorder = Recorder()
    fit_with(case, case.rows(), recorder)
    assert recorder.begun
    assert Counter(recorder.begun) == Counter(recorder.ended)
    assert recorder.setups == recorder.teardowns == 1


@needs_callbacks
@iterative
def test_every_iteration_is_a_task(case):
    recorder = Recorder()
    estimator = fit_with(case, case.rows(), recorder)
    assert recorder.leaves >= (estimator.n_iter_ if case.tells_each_iteration() else 1)


@needs_callbacks
@all_cases
def test_callbacks_do_not_change_a_bit(case):
    X = case.rows()
    watched = fit_with(case, X, Recorder(), Snapshots(X))
    assert_same_bits(learned(watched), learned(case.fitted(X)))


@needs_callbacks
@all_cases
def test_scikit_learns_progress_bar_runs(case, capsys):
    pytest.importorskip("rich", reason="rich draws the progress bar")
    from sklearn.callback import ProgressBar

    X = case.rows()
    assert_same_bits(learned(fit_with(case, X, ProgressBar())), learned(case.fitted(X)))


def no_score(estimator, X, y=None):
    return 0.0


@needs_callbacks
@cases_where(lambda case: case.is_ours)
def test_a_grid_search_tells_of_each_of_its_fits(case):
    X = case.rows()
    recorder = Recorder()
    estimator = case.make().set_callbacks(recorder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = GridSearchCV(estimator, {"n_jobs": [1, 2]}, cv=2, scoring=no_score)
        search.fit(X, case.target(X))
    assert recorder.setups == recorder.teardowns == 5  # two settings on two halves, and the best
    assert Counter(recorder.begun) == Counter(recorder.ended)
    assert_same_bits(learned(search.best_estimator_), learned(case.fitted(X)))


@needs_callbacks
@cases_where(lambda case: case.is_ours)
def test_scikit_learns_progress_bar_runs_on_a_grid_search(case, capsys):
    pytest.importorskip("rich", reason="rich draws the progress bar")
    from sklearn.callback import ProgressBar

    X = case.rows()
    search = GridSearchCV(case.make(), {"n_jobs": [1, 2]}, cv=2, scoring=no_score)
    search.set_callbacks(ProgressBar())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(X, case.target(X))
    assert_same_bits(learned(search.best_estimator_), learned(case.fitted(X)))


@needs_callbacks
@iterative
def test_a_callback_can_stop_the_fit(case):
    stopper = Stopper()
    estimator = fit_with(case, case.rows(), stopper)
    if case.tells_each_iteration():
        assert estimator.n_iter_ == 1
    else:
        assert stopper.leaves == 1
    assert outputs(estimator, case.rows())


@needs_callbacks
@iterative
def test_each_iteration_shows_an_estimator_that_predicts(case):
    X = case.rows()
    snapshots = Snapshots(X)
    estimator = fit_with(case, X, snapshots)
    assert len(snapshots.taken) == snapshots.leaves
    expected = outputs(estimator, X)
    for found in snapshots.taken:
        assert {name: np.shape(v) for name, v in found.items()} == {
            name: np.shape(v) for name, v in expected.items()
        }


@needs_callbacks
@all_cases
def test_an_error_in_a_callback_leaves_the_old_state_and_no_open_task(case):
    X = case.rows()
    estimator = case.fitted(X)
    recorder = Recorder(stop)
    estimator.set_callbacks(recorder)
    before = dict(vars(estimator))
    other = case.rows(seed=1)
    with pytest.raises(StopError):
        estimator.fit(other, case.target(other))
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())
    assert Counter(recorder.begun) == Counter(recorder.ended)
    assert recorder.teardowns == 1


@pytest.fixture
def heed_interrupts():
    """A shell's background jobs begin with the signal ignored."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)


@needs_callbacks
@all_cases
def test_an_interrupt_leaves_the_old_state_and_a_usable_process(case, heed_interrupts):
    X = case.rows()
    estimator = case.fitted(X)
    estimator.set_callbacks(Recorder(lambda: signal.raise_signal(signal.SIGINT)))
    before = learned(estimator)
    expected = outputs(estimator, X)
    other = case.rows(seed=1)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(other, case.target(other))
    assert_same_bits(learned(estimator), before)
    assert_same_bits(outputs(estimator, X), expected)
    assert_same_bits(learned(case.fitted(X)), before)


def interrupted(case, X, path, at):
    """Return what the checkpoint holds of a fit that broke after `at` tasks, or None."""
    try:
        fit_with(case, X, Checkpoint(path), Recorder(stop, at))
    except StopError:
        return joblib.load(path)
    return None


@needs_callbacks
@iterative
@pytest.mark.parametrize("at", [1, 2, 3, 5, 8])
def test_a_resumed_fit_gives_the_bits_of_an_uninterrupted_one(case, at, tmp_path):
    X = case.rows()
    estimator = interrupted(case, X, tmp_path / "fit", at)
    if estimator is None:
        return  # the fit has fewer iterations
    assert outputs(estimator, X)
    assert_plain(vars(estimator)[ATTRIBUTE], ATTRIBUTE)
    estimator.fit(X, case.target(X))
    expected = case.fitted(X)
    assert_same_bits(learned(estimator), learned(expected))
    assert_same_bits(outputs(estimator, X), outputs(expected, X))
    assert ATTRIBUTE not in vars(estimator)


@needs_callbacks
@iterative
def test_a_resumed_fit_does_the_rest_alone(case, tmp_path):
    X = case.rows()
    whole, rest = Recorder(), Recorder()
    fit_with(case, X, whole)
    estimator = interrupted(case, X, tmp_path / "fit", 1)
    estimator.set_callbacks(rest).fit(X, case.target(X))
    assert whole.leaves > 1 or not case.tells_each_iteration()
    assert rest.leaves == whole.leaves - 1


@needs_callbacks
@iterative
def test_the_checkpoint_of_the_last_iteration_adds_nothing(case, tmp_path):
    X = case.rows()
    fit_with(case, X, Checkpoint(tmp_path / "fit"))
    resumed = joblib.load(tmp_path / "fit").fit(X, case.target(X))
    assert_same_bits(learned(resumed), learned(case.fitted(X)))


@needs_callbacks
@iterative
def test_a_resumed_fit_needs_no_second_draw_from_an_instance(case, tmp_path):
    X = case.rows()
    with pytest.raises(StopError):
        fit_with(
            case,
            X,
            Checkpoint(tmp_path / "fit"),
            Recorder(stop),
            random_state=np.random.RandomState(4),
        )
    resumed = joblib.load(tmp_path / "fit").fit(X, case.target(X))
    expected = case.fitted(X, random_state=np.random.RandomState(4))
    assert_same_bits(learned(resumed), learned(expected))


@needs_callbacks
@iterative
def test_an_unfinished_fit_refuses_other_data_and_stays_unfinished(case, tmp_path):
    X = case.rows()
    estimator = interrupted(case, X, tmp_path / "fit", 1)
    other = case.rows(seed=1)
    with pytest.raises(ValueError, match=r"unfinished fit .*; .*clone"):
        estimator.fit(other, case.target(other))
    with pytest.raises(ValueError, match=r"unfinished fit .*; .*clone"):
        clone_parameters = {"max_iter": estimator.max_iter + 1}
        joblib.load(tmp_path / "fit").set_params(**clone_parameters).fit(X, case.target(X))
    assert ATTRIBUTE in vars(estimator)
    estimator.fit(X, case.target(X))
    assert_same_bits(learned(estimator), learned(case.fitted(X)))


@needs_callbacks
@iterative
def test_a_clone_of_an_unfinished_fit_starts_afresh(case, tmp_path):
    X = case.rows()
    estimator = clone(interrupted(case, X, tmp_path / "fit", 1))
    assert ATTRIBUTE not in vars(estimator)
    other = case.rows(seed=1)
    estimator.fit(other, case.target(other))
    assert_same_bits(learned(estimator), learned(case.fitted(other)))


@iterative
def test_the_history_has_one_entry_for_each_iteration(case):
    estimator = case.fitted()
    history = estimator.history_
    assert {"objective", "seconds"} <= set(history)
    for name, values in history.items():
        assert isinstance(values, np.ndarray), name
        assert values.shape == (estimator.n_iter_,), name
    assert np.all(np.diff(history["seconds"]) >= 0)


@cases_where(lambda case: case.has("verbose"))
def test_nothing_is_printed_unless_asked_for(case, capsys):
    case.fitted(verbose=0)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    case.fitted(verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith(f"[{case.kind.__name__}] ") for line in lines)
