"""scikit-learn's callbacks (1.9 and later); on 1.8 the same names do nothing.

The protocol is experimental, so only this module touches it. A fit is a tree of tasks, for
example restarts and their iterations::

    with fit_tasks(self, n_init, X=X) as fit:
        for restart in fit.loop("restart", range(n_init), n_subtasks=max_iter):
            for step in restart.loop("iteration", range(max_iter)):
                ...  # one iteration
                step.finish(lambda: {"cluster_centers_": centers.copy()})
                if converged:
                    break

Without callbacks none of this is evaluated. A driver takes a `Task` as an argument;
`NO_CALLBACKS` is one for callers without an estimator.
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
        """Replaces scikit-learn 1.9's mixin."""

    def with_callbacks(method):  # type: ignore[no-redef,no-untyped-def]
        return method


# Attributes that scikit-learn sets on an estimator while callbacks run.
_OF_THE_RUN = (
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
    "_callback_fit_ctx",
    "_parent_callback_ctx",
)


def without_callbacks(estimator: Any) -> Any:
    """Return a shallow copy of the estimator without its callbacks."""
    estimator = copy.copy(estimator)
    for name in _OF_THE_RUN:
        estimator.__dict__.pop(name, None)
    return estimator


Attributes = Callable[[], Mapping[str, Any]]


class Task:
    """One task of a fit; it begins when constructed and ends once.

    Attributes
    ----------
    number : int
        Its index in its loop.
    """

    def __init__(self, number: int = 0, call: _Call | None = None) -> None:
        self.number = number
        self._call = call
        self._child: Task | None = None
        self._ended = False
        self._stop = False

    @property
    def is_watched(self) -> bool:
        """Whether any callback observes this task."""
        return self._call is not None

    def loop(self, name: str, numbers: Iterable[int], *, n_subtasks: int = 0) -> Iterator[Task]:
        """Yield one subtask for each number, until a callback asks the loop to stop.

        Parameters
        ----------
        name : str
            Name of one subtask, such as "iteration".
        numbers : iterable of int
            A resumed fit begins where it stopped: `range(done, max_iter)`.
        n_subtasks : int, default=0
            Largest number of subtasks that each of these will have.
        """
        for number in numbers:
            self._finish_child()  # the last one of a loop that a break has left
            task = Task(number, self._call and self._call.begin_subtask(name, n_subtasks))
            self._child = task
            yield task
            if task.finish():
                return

    def finish(self, attributes: Attributes | None = None) -> bool:
        """End the task, once; return whether a callback asks its loop to stop.

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

    Every task that began is ended, however the block is left.

    Parameters
    ----------
    estimator : estimator
    n_subtasks : int or None
        Largest number of tasks of the outermost loop; None if unknown.
    X, y : array-like, default=None
        The training data that callbacks see.
    metadata : mapping, default=None
        For example the sample weights.
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
        with contextlib.suppress(Exception):  # report the first error
            root.finish()
        raise
    root.finish()
