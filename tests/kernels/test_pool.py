"""The thread pool runs each task once, whoever calls, and after a fork."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from algos._cython._threads import _test_region


def run(n_tasks, n_threads, spin=2000):
    visits = np.zeros(n_tasks, dtype=np.intp)
    slots = np.full(n_tasks, -1, dtype=np.intc)
    _test_region(visits, slots, spin, n_threads)
    return visits, slots


@pytest.mark.parametrize("n_tasks", [0, 1, 2, 3, 64, 5000])
@pytest.mark.parametrize("n_threads", [-1, 0, 1, 2, 7, 1000])
def test_each_task_runs_once_on_a_slot_that_exists(n_tasks, n_threads):
    visits, slots = run(n_tasks, n_threads, spin=50)
    assert np.all(visits == 1)
    assert np.all((slots >= 0) & (slots < max(1, min(n_threads, n_tasks))))


def test_the_caller_works_alone_if_told_so():
    assert np.all(run(100, 1)[1] == 0)


def test_other_threads_take_tasks():
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if len(set(run(64, 2, spin=200_000)[1].tolist())) == 2:
            return
    pytest.fail("no second thread took a task in 30 s")


def test_concurrent_callers_do_not_mix_their_regions():
    with ThreadPoolExecutor(6) as callers:
        for visits, _ in callers.map(lambda _: run(300, 4), range(60)):
            assert np.all(visits == 1)


def test_a_busy_python_thread_does_not_stop_a_region():
    ended = threading.Event()

    def busy():
        while not ended.is_set():
            sum(range(1000))

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(20):
            assert np.all(run(50, 3)[0] == 1)
    finally:
        ended.set()
        thread.join()


def child_status(work, seconds=30):
    """Fork, run `work` in the child, and return its exit status; None if it hangs."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


def all_once():
    return bool(np.all(run(200, 3)[0] == 1))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_pool_of_its_own():
    assert all_once()
    assert child_status(lambda: all_once() and child_status(all_once) == 0) == 0
    assert all_once()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_during_a_region_of_another_thread_leaves_no_lock_behind():
    ended = threading.Event()

    def regions():
        while not ended.is_set():
            run(64, 3, spin=5000)

    thread = threading.Thread(target=regions)
    thread.start()
    try:
        assert [child_status(all_once) for _ in range(10)] == [0] * 10
    finally:
        ended.set()
        thread.join()
