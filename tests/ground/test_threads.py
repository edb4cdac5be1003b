"""Thread counts, and BLAS held to one thread."""

import ctypes
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from algos import PCA
from algos._common import threads
from algos._common.params import InvalidParameterError
from algos._common.threads import effective_n_threads, one_thread_blas
from algos._cython._one_thread_blas import Hold, Libraries


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(threads, "_cores_of_the_cgroup", lambda: 8)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize(
    ("n_jobs", "expected"),
    [(None, 8), (1, 1), (3, 3), (8, 8), (100, 8), (-1, 8), (-2, 7), (-8, 1), (-100, 1)],
)
def test_n_jobs_is_a_number_of_threads(eight_cores, n_jobs, expected):
    assert effective_n_threads(n_jobs) == expected


def test_no_thread_is_an_error(eight_cores):
    with pytest.raises(InvalidParameterError, match=r"`n_jobs`=0 must be .*; "):
        effective_n_threads(0)


@pytest.mark.parametrize(
    ("value", "expected"), [("3", 3), ("2,4", 2), ("99", 8), ("", 8), ("x", 8)]
)
@pytest.mark.parametrize("n_jobs", [None, -1, 50])
def test_omp_num_threads_is_a_limit(eight_cores, monkeypatch, value, expected, n_jobs):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert effective_n_threads(n_jobs) == expected


def test_the_affinity_is_a_limit(eight_cores, monkeypatch):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 5, 6}, raising=False)
    assert effective_n_threads(None) == 3


def test_a_joblib_context_speaks_for_none(eight_cores):
    with joblib.parallel_config(n_jobs=3):
        assert effective_n_threads(None) == 3
        assert effective_n_threads(5) == 5
    with joblib.parallel_config(n_jobs=-2):
        assert effective_n_threads(None) == 7
    with joblib.parallel_config(backend="threading"):
        assert effective_n_threads(None) == 8


def test_a_worker_of_joblibs_threads_has_one_thread(eight_cores):
    with joblib.Parallel(n_jobs=2, backend="threading") as parallel:
        assert parallel(joblib.delayed(effective_n_threads)(n) for n in (None, 4)) == [1, 4]


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_worker_of_joblibs_processes_has_one_thread(backend):
    with joblib.Parallel(n_jobs=2, backend=backend) as parallel:
        assert parallel(joblib.delayed(effective_n_threads)(None) for _ in range(2)) == [1, 1]


def test_a_worker_stays_within_the_share_that_joblib_gave_it():
    with (
        joblib.parallel_config(backend="loky", n_jobs=2, inner_max_num_threads=1),
        joblib.Parallel() as parallel,
    ):
        assert parallel(joblib.delayed(effective_n_threads)(8) for _ in range(2)) == [1, 1]


def blas_threads():
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


@pytest.fixture
def two_blas_threads():
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("this BLAS has one thread only")
        yield


def test_blas_has_one_thread_inside_and_its_own_number_outside(two_blas_threads):
    with one_thread_blas():
        assert blas_threads() == {1}
        with one_thread_blas():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_an_error_brings_the_threads_back(two_blas_threads):
    with pytest.raises(KeyError), one_thread_blas():
        raise KeyError
    assert blas_threads() == {2}


def test_the_last_caller_to_leave_brings_the_threads_back(two_blas_threads):
    entered, leave = threading.Event(), threading.Event()

    def other():
        with one_thread_blas():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with one_thread_blas():
        thread.start()
        entered.wait()
    assert blas_threads() == {1}
    leave.set()
    thread.join()
    assert blas_threads() == {2}


def test_any_thread_can_hold_blas_to_one_thread(two_blas_threads):
    seen = []

    def other():
        with one_thread_blas():
            seen.append(blas_threads())
        seen.append(blas_threads())

    thread = threading.Thread(target=other)  # two_blas_threads belongs to the main thread
    thread.start()
    thread.join()
    assert seen == [{1}, {2}]


def test_a_hold_that_nobody_keeps_has_ended(two_blas_threads):
    hold = one_thread_blas()
    hold.__enter__()
    hold.__enter__()
    assert blas_threads() == {1}
    del hold
    assert blas_threads() == {2}


def test_an_ended_hold_may_begin_again(two_blas_threads):
    hold = one_thread_blas()
    for _ in range(2):
        with hold:
            assert blas_threads() == {1}
        assert blas_threads() == {2}


class Interrupts:
    """Raises KeyboardInterrupt in the main thread, again and again.

    Not within the collector, whose callbacks (hypothesis has one) raise to nobody: Python
    tells of that in a warning.
    """

    def __enter__(self):
        self.count = 0
        gc.disable()
        self._before = signal.signal(signal.SIGALRM, self._interrupt)
        return self

    def _interrupt(self, *_):
        self.count += 1
        raise KeyboardInterrupt

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        gc.enable()


def nested_holds():
    for _ in range(100):
        with one_thread_blas(), one_thread_blas():
            len(())


def pca_fit():
    PCA(5, svd_solver="full").fit(ROWS)


ROWS = np.random.default_rng(0).normal(size=(60, 12))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this platform has no timers")
@pytest.mark.parametrize("work", [nested_holds, pca_fit])
def test_interrupts_leave_blas_its_threads(two_blas_threads, work):
    work()
    begun = time.perf_counter()
    work()
    duration = time.perf_counter() - begun
    delays = random.Random(0)
    end = time.monotonic() + 2
    with Interrupts() as interrupts:
        while time.monotonic() < end:
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-6 + delays.random() * duration)
                work()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                pass
            signal.setitimer(signal.ITIMER_REAL, 0)
    assert interrupts.count > 10
    assert threads._blas_libraries().n_holds == 0
    assert blas_threads() == {2}
    entered = threading.Thread(target=nested_holds, daemon=True)  # no lock is left held
    entered.start()
    entered.join(60)
    assert not entered.is_alive()
    work()
    assert blas_threads() == {2}


def test_a_blas_with_a_number_for_each_thread_is_held_in_each():
    of_thread = {}
    me = threading.get_ident

    @ctypes.CFUNCTYPE(ctypes.c_int)
    def get():
        return of_thread.setdefault(me(), 2)

    @ctypes.CFUNCTYPE(None, ctypes.c_int)
    def set_(n_threads):
        of_thread[me()] = n_threads

    addresses = tuple(ctypes.cast(function, ctypes.c_void_p).value for function in (get, set_))
    libraries = Libraries([], [addresses])
    inside = {}

    def other():
        with Hold(libraries), Hold(libraries):
            inside[me()] = of_thread[me()]

    with Hold(libraries):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert set(inside.values()) == {1}
    assert set(of_thread.values()) == {2}


FORK = """
import os, sys, threading
from tests.ground.test_threads import blas_threads, one_thread_blas
from threadpoolctl import threadpool_limits

threadpool_limits(2, user_api="blas")
if blas_threads() != {2}:
    sys.exit(0)
entered, leave = threading.Event(), threading.Event()

def other():
    with one_thread_blas():
        entered.set()
        leave.wait()

threading.Thread(target=other).start()
entered.wait()
inside_too = sys.argv[1] == "inside"
hold = one_thread_blas()
if inside_too:
    hold.__enter__()
child = os.fork()
if child == 0:
    right = blas_threads() == ({1} if inside_too else {2})
    if inside_too:
        hold.__exit__(None, None, None)
    with one_thread_blas():
        right = right and blas_threads() == {1}
    os._exit(0 if right and blas_threads() == {2} else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
leave.set()
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.parametrize("where", ["outside", "inside"])
def test_a_child_forgets_the_callers_that_it_lacks(where):
    done = subprocess.run(
        [sys.executable, "-c", FORK, where],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
