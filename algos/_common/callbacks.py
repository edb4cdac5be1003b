"""scikit-learn's callbacks (1.9 and later), and the same names without effect on 1.8.

The protocol is experimental there, so this module is the only one that touches it. A fit is
a tree of tasks, for example restarts and their iterations::

    with fit_tasks(self, n_init, X=X) as fit:
        for restart in fit.loop("restart", range(n_init), n_subtasks=max_iter):
            for step in restart.loop("iteration", range(max_iter)):
                ...  # one iteration
                step.finish(lambda: {"cluster_centers_": centers.copy()})
                if converged:
                    break

Without callbacks nothing of this is evaluated. A driver takes a `Task` as an argument;
`NO_CALLBACKS` serves where there is no estimator.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport, with_callbacks

    HAS_CALLBACKS = True
except ImportError:  # scikit-learn 1.8
    HAS_CALLBACKS = False

    class CallbackSupport:  # type: ignore[no-redef]
        """Stands where scikit-learn 1.9 has its mixin."""

    def with_callbacks(method):  # type: ignore[no-redef,no-untyped-def]
        return method


# What scikit-learn keeps on an estimator while, and because, callbacks run.
_OF_THE_RUN = (
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
    "_callback_fit_ctx",
    "_parent_callback_ctx",
)


def without_callbacks(estimator: Any) -> Any:
    """Return a shallow copy of the estimator that knows of no callbacks."""
    estimator = copy.copy(estimator)
    for name in _OF_THE_RUN:
        estimator.__dict__.pop(name, None)
    return estimator


Attributes = Callable[[], Mapping[str, Any]]


class Task:
    """One task of a fit; begun when made, and ended once.

    Attributes
    ----------
    number : int
        Its place in its loop.
    """

    def __init__(self, number: int = 0, call: _Call | None = None) -> None:
        self.number = number
        self._call = call
        self._child: Task | None = None
        self._ended = False
        self._stop = False

    @property
    def is_watched(self) -> bool:
        """Whether there is a callback to tell of it."""
        return self._call is not None

    def loop(self, name: str, numbers: Iterable[int], *, n_subtasks: int = 0) -> Iterator[Task]:
        """Yield one subtask for each number, until a callback wants the loop to stop.

        Parameters
        ----------
        name : str
            What one subtask is called, as in "iteration".
        numbers : iterable of int
            A resumed fit begins where it stopped: `range(done, max_iter)`.
        n_subtasks : int, default=0
            At most so many subtasks will each of these have.
        """
        for number in numbers:
            self._finish_child()  # the last one of a loop that a break has left
            task = Task(number, self._call and self._call.begin_subtask(name, n_subtasks))
            self._child = task
            yield task
            if task.finish():
                return

    def finish(self, attributes: Attributes | None = None) -> bool:
        """End the task, once; return whether a callback wants its loop to stop.

        Parameters
        ----------
        attributes : callable, default=None
            Returns the fitted attributes that a copy of the estimator needs to predict as
            if the fit had stopped here (arrays that the loop goes on writing to: copied).
            Called only if a callback asks.
        """
        if not self._ended:
            self._ended = True
            try:
                self._finish_child()
            finally:
                self._stop = self._call is not None and self._call.end(attributes)
        return self._stop

    def _finish_child(self) -> None:
        if self._child is not None:
            self._child.finish()


class _Call:
    """The hooks of one task in scikit-learn's protocol."""

    def __init__(self, estimator: Any, context: Any, data: dict[str, Any]) -> None:
        self._estimator = estimator
        self._context = context
        self._data = data
        context.call_on_fit_task_begin(estimator=estimator, **data)

    def begin_subtask(self, name: str, n_subtasks: int) -> _Call:
        context = self._context.subcontext(task_name=name, max_subtasks=n_subtasks)
        return _Call(self._estimator, context, self._data)

    def end(self, attributes: Attributes | None) -> bool:
        return bool(
            self._context.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=attributes, **self._data
            )
        )


NO_CALLBACKS = Task()


@contextlib.contextmanager
def fit_tasks(
    estimator: Any,
    n_subtasks: int | None,
    *,
    X: Any = None,
    y: Any = None,
    metadata: Mapping[str, Any] | None = None,
) -> Iterator[Task]:
    """Open the task tree of one fit; call it once, inside a `learning` method.

    Whatever leaves the block, every task that began has its end.

    Parameters
    ----------
    estimator : estimator
    n_subtasks : int or None
        At most so many tasks will the outermost loop have; None if nobody knows.
    X, y : array-like, default=None
        What callbacks are shown as the training data.
    metadata : mapping, default=None
        Such as the sample weights.
    """
    if not getattr(estimator, "_skl_callbacks", None):
        yield Task()
        return
    context = estimator._init_callback_context(max_subtasks=n_subtasks)
    data = {"X": X, "y": y, "metadata": None if metadata is None else dict(metadata)}
    root = Task(0, _Call(estimator, context, data))
    try:
        yield root
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to hear of
            root.finish()
        raise
    root.finish()
