"""Callbacks for `estimator.set_callbacks(...)`, beside those of scikit-learn."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import joblib

from algos._common.callbacks import HAS_CALLBACKS, without_callbacks
from algos._common.checkpoint import ATTRIBUTE

__all__ = ["Checkpoint"]


class Checkpoint:
    """Write the estimator to a file while it is being fitted.

    `joblib.load(path)` returns an estimator that predicts as if the fit had stopped there
    (attributes that belong to a finished fit, such as `labels_`, are not there yet). Its
    `fit`, called with the same data and parameters, does the rest, goes on writing, and
    gives the bits of the uninterrupted run (but for the times in `history_`); with other
    data it raises ValueError. `sklearn.base.clone` of it starts afresh.

    A fit that comes to its end leaves the finished estimator in the file.

    The file is replaced in one step: it always holds a whole estimator. Give each of
    several fits that run at the same time, such as those of a grid search, its own path.

    Parameters
    ----------
    path : str or path-like
        The file; its folder must exist.
    every : int, default=1
        Write after every so many iterations (in the unit of the estimator's `max_iter`).

    Raises
    ------
    RuntimeError
        On scikit-learn 1.8, which has no callbacks.
    FileNotFoundError
        When a fit begins and the folder does not exist.

    Examples
    --------
    >>> import tempfile, pathlib, joblib
    >>> import numpy as np
    >>> from algos import KMeans
    >>> from algos.callbacks import Checkpoint
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "kmeans.joblib"
    >>> model = KMeans(n_clusters=5, random_state=0).set_callbacks(Checkpoint(path)).fit(X)
    >>> resumed = joblib.load(path).fit(X)
    >>> bool(np.all(resumed.cluster_centers_ == model.cluster_centers_))
    True
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        if not HAS_CALLBACKS:
            raise RuntimeError(
                "Checkpoint needs the callbacks of scikit-learn 1.9 or later; upgrade it"
            )
        if every < 1:
            raise ValueError(f"`every`={every!r} must be an int in [1, inf); write every=1")
        self.path = path
        self.every = every
        self._seen: dict[Any, int] = {}  # the run's identity -> tasks that could be resumed

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to count."""
        folder = Path(self.path).parent
        if not folder.is_dir():
            raise FileNotFoundError(
                f"`path`={str(self.path)!r} must be in a folder that exists; "
                f"make the folder {str(folder)!r}"
            )
        self._seen[context.root_uuid] = 0

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget the run; write what it has come to, unless an error has ended it."""
        self._seen.pop(context.root_uuid, None)
        if sys.exc_info()[0] is None:
            _write(without_callbacks(estimator), Path(self.path))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: tasks are written at their end."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Write the estimator, if this task can be resumed and its turn has come."""
        if fitted_estimator is None or ATTRIBUTE not in fitted_estimator.__dict__:
            return
        seen = self._seen.get(context.root_uuid, 0) + 1
        self._seen[context.root_uuid] = seen
        if seen % self.every == 0:
            unfinished = without_callbacks(fitted_estimator)
            unfinished.set_callbacks(Checkpoint(self.path, self.every))
            _write(unfinished, Path(self.path))


def _write(estimator: Any, path: Path) -> None:
    """Replace the file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with temporary.open("wb") as file:
            joblib.dump(estimator, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
