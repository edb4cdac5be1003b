"""How many threads a call may use, and BLAS held to one.

The pool itself is C (`algos/_cython/_pool.h`); kernels take the number made here.
"""

from __future__ import annotations

import functools
import os
import threading
from types import TracebackType
from typing import Any

import joblib
from joblib.parallel import get_active_backend

from algos._common.params import InvalidParameterError


def effective_n_threads(n_jobs: int | None) -> int:
    """Return the number of threads that `n_jobs` means here and now.

    Parameters
    ----------
    n_jobs : int or None
        A number of threads; negative counts from the end, -1 being all cores, -2 all but
        one. None is the value of an enclosing `joblib.parallel_config`, else 1 inside a
        joblib worker, else all cores.

    Returns
    -------
    n_threads : int
        At least 1, and at most the cores that the process may use: its affinity, its
        cgroup, OMP_NUM_THREADS and the share that joblib gave to this worker.
    """
    limit = _core_limit()
    if n_jobs is None:
        n_jobs = _context_n_jobs(limit)
    if n_jobs == 0:
        raise InvalidParameterError(
            "`n_jobs`=0 must be a positive or negative int or None; "
            "write n_jobs=1 for one thread, None for all cores"
        )
    if n_jobs < 0:
        n_jobs = limit + 1 + n_jobs
    return max(1, min(int(n_jobs), limit))


def _context_n_jobs(limit: int) -> int:
    """Return joblib's word, or all cores where it is silent."""
    backend, n_jobs = get_active_backend()
    if n_jobs is not None:
        return int(n_jobs)
    in_worker = (backend.nesting_level or 0) > 0
    return 1 if in_worker else limit


def _core_limit() -> int:
    limit = _cores_of_the_cgroup()
    if hasattr(os, "sched_getaffinity"):
        limit = min(limit, len(os.sched_getaffinity(0)))
    # joblib's processes hand their workers' share down in this variable too. It may be a
    # list, one number for each level of nesting.
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked.isdigit() and int(asked) > 0:
        limit = min(limit, int(asked))
    return max(1, limit)


@functools.cache
def _cores_of_the_cgroup() -> int:
    # Reading the cgroup's files takes longer than a prediction for one row.
    return int(joblib.cpu_count())


class _Library:
    """One BLAS library, its number of threads read and set without threadpoolctl's rules.

    From version 3.7 on, threadpoolctl lets only the first thread that asked set OpenBLAS's
    number; what others ask for is silently left undone.
    """

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        self.set = _setter_of_openblas(controller) or controller.set_num_threads
        # OpenMP keeps one number for each thread that calls, the others one for all.
        self.is_per_thread = getattr(controller, "threading_layer", None) == "openmp"

    def limit(self) -> int:
        """Set one thread; return the number before."""
        before = int(self._controller.num_threads)
        if before != 1:
            self.set(1)
        return before

    def restore(self, n_threads: int) -> None:
        """Bring back what `limit` returned."""
        if n_threads != 1:
            self.set(n_threads)


def _setter_of_openblas(controller: Any) -> Any:
    if controller.internal_api != "openblas" or controller.threading_layer == "openmp":
        return None
    for prefix in ("", "scipy_"):
        for suffix in ("", "64_", "_64"):
            setter = getattr(controller.dynlib, f"{prefix}openblas_set_num_threads{suffix}", None)
            if setter is not None:
                return setter
    return None


class _OneThreadBlas:
    """Holds every BLAS of the process to one thread while anybody is inside.

    The first to enter saves the numbers of threads, the last to leave brings them back.
    Entering threadpoolctl's own limit costs 23 µs; this is made of its parts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[int, int] = {}  # thread id -> how often it is inside
        self._shared: list[_Library] = []
        self._per_thread: list[_Library] = []
        self._saved: list[int] = []
        self._saved_of: dict[int, list[int]] = {}  # thread id -> its numbers
        self._is_ready = False

    def __enter__(self) -> None:
        with self._lock:
            me = threading.get_ident()
            if not self._is_ready:
                self._find_libraries()
            if not self._holders:
                self._saved = [library.limit() for library in self._shared]
            if me not in self._holders:
                self._saved_of[me] = [library.limit() for library in self._per_thread]
            self._holders[me] = self._holders.get(me, 0) + 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            me = threading.get_ident()
            self._holders[me] -= 1
            if self._holders[me]:
                return
            del self._holders[me]
            _restore(self._per_thread, self._saved_of.pop(me))
            if not self._holders:
                _restore(self._shared, self._saved)

    def _find_libraries(self) -> None:
        libraries = _blas_libraries()
        self._shared = [library for library in libraries if not library.is_per_thread]
        self._per_thread = [library for library in libraries if library.is_per_thread]
        self._is_ready = True

    def before_fork(self) -> None:
        """Let no thread be half way through a change."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Forget the holders that have no thread here; the forking one is still inside."""
        self._lock.release()
        me = threading.get_ident()
        others_only = bool(self._holders) and me not in self._holders
        self._holders = {me: self._holders[me]} if me in self._holders else {}
        self._saved_of = {me: self._saved_of[me]} if me in self._saved_of else {}
        if others_only:
            _restore(self._shared, self._saved)


def _restore(libraries: list[_Library], saved: list[int]) -> None:
    for library, n_threads in zip(libraries, saved, strict=True):
        library.restore(n_threads)


def _blas_libraries() -> list[_Library]:
    # Here, since the import of both costs milliseconds; SciPy's BLAS must be loaded to be
    # found, and it is the one our kernels call.
    import scipy.linalg.cython_blas  # noqa: F401
    from threadpoolctl import ThreadpoolController

    controllers = ThreadpoolController().select(user_api="blas").lib_controllers
    return [_Library(found) for found in controllers if found.num_threads is not None]


_ONE_THREAD_BLAS = _OneThreadBlas()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_ONE_THREAD_BLAS.before_fork,
        after_in_parent=_ONE_THREAD_BLAS.after_fork_in_parent,
        after_in_child=_ONE_THREAD_BLAS.after_fork_in_child,
    )


def one_thread_blas() -> _OneThreadBlas:
    """Return the context in which BLAS and LAPACK run on one thread.

    It may be entered again inside itself and from several threads at once.
    """
    return _ONE_THREAD_BLAS
