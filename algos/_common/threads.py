"""The number of threads of a call, and BLAS limited to one.

The pool itself is C (`algos/_cython/_pool.h`); kernels take the number computed here.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

import joblib
from joblib.parallel import get_active_backend

from algos._common.params import InvalidParameterError
from algos._cython._one_thread_blas import Hold, Libraries

ONE_THREAD_BELOW = 1_000_000  # multiplications


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
    if n_jobs == 1:
        return 1
    limit = _core_limit()
    if n_jobs is None:
        n_jobs = _context_n_jobs(limit)
    if n_jobs == 0:
        raise InvalidParameterError(
            "`n_jobs`=0 must be an int other than 0 or None; "
            "write n_jobs=1 for one thread, None for all cores"
        )
    if n_jobs < 0:
        n_jobs = limit + 1 + n_jobs
    return max(1, min(int(n_jobs), limit))


def threads_for(n_jobs: int | None, multiplications: float) -> int:
    """Return the number of threads for some work: one if it takes less time than finding out."""
    is_little = multiplications < ONE_THREAD_BELOW and n_jobs != 0
    return 1 if is_little else effective_n_threads(n_jobs)


def _context_n_jobs(limit: int) -> int:
    """Return joblib's number of jobs, or all cores if it has none."""
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


# The C functions that return and set the number of threads. threadpoolctl's own methods are
# Python, which an interrupt can stop half way; and from version 3.7 on, only the first thread
# that asks can set OpenBLAS's number: requests of others are silently ignored.
_FUNCTIONS = {
    "openblas": tuple(
        (f"{prefix}openblas_get_num_threads{suffix}", f"{prefix}openblas_set_num_threads{suffix}")
        for prefix in ("", "scipy_")
        for suffix in ("", "64_", "_64")
    ),
    "mkl": (("MKL_Get_Max_Threads", "MKL_Set_Num_Threads_Local"),),
    "blis": (("bli_thread_get_num_threads", "bli_thread_set_num_threads"),),
    "flexiblas": (("flexiblas_get_num_threads", "flexiblas_set_num_threads"),),
}
_FUNCTIONS_OF_OPENMP = (("omp_get_max_threads", "omp_set_num_threads"),)


def _addresses(controller: Any) -> tuple[int, int] | None:
    names = _FUNCTIONS.get(controller.internal_api, ())
    if controller.internal_api == "openblas" and controller.threading_layer == "openmp":
        names = _FUNCTIONS_OF_OPENMP + names
    for pair in names:
        if all(hasattr(controller.dynlib, name) for name in pair):
            get, set_ = (_address(getattr(controller.dynlib, name)) for name in pair)
            return get, set_
    return None


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _has_number_for_each_thread(controller: Any) -> bool:
    layer = getattr(controller, "threading_layer", None)
    return controller.internal_api == "mkl" or layer == "openmp"


_MADE: dict[str, Libraries] = {}


def _blas_libraries() -> Libraries:
    made = _MADE.get("blas")
    # Several threads may begin at once; the first to finish sets the result for all.
    return _MADE.setdefault("blas", _find_libraries()) if made is None else made


def _find_libraries() -> Libraries:
    # Here, since the import of both costs milliseconds; SciPy's BLAS must be loaded to be
    # found, and it is the one our kernels call.
    import scipy.linalg.cython_blas  # noqa: F401
    from threadpoolctl import ThreadpoolController

    shared: list[tuple[int, int]] = []
    per_thread: list[tuple[int, int]] = []
    for controller in ThreadpoolController().select(user_api="blas").lib_controllers:
        addresses = _addresses(controller)
        if addresses is not None:
            (per_thread if _has_number_for_each_thread(controller) else shared).append(addresses)
    return Libraries(shared, per_thread)


def _after_fork_in_child() -> None:
    for libraries in _MADE.values():
        libraries.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def one_thread_blas() -> Hold:
    """Return a context in which BLAS and LAPACK run on one thread.

    It may be nested and entered by several threads at once: the first to enter saves the
    numbers of threads, the last to leave restores them. Write it into the `with` statement
    itself; a hold ends when nothing refers to it any more, so that the numbers are restored
    wherever a KeyboardInterrupt strikes.
    """
    return Hold(_blas_libraries())
