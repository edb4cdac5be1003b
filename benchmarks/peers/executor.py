"""Python's own thread pool, with the tasks of our pool."""

from __future__ import annotations

import os
import platform

import numpy as np


class Adapter:
    """concurrent.futures.ThreadPoolExecutor."""

    title = "ThreadPoolExecutor"

    def version(self) -> str:
        return platform.python_version()

    def region(self, n_tasks, spin, n_jobs, **others):
        """The same tasks, one share for each thread; the GIL is free within a share."""
        from concurrent.futures import ThreadPoolExecutor

        from algos._cython._threads import _test_region

        n_threads = n_jobs or len(os.sched_getaffinity(0))
        visits, slots = np.zeros(n_tasks, dtype=np.intp), np.zeros(n_tasks, dtype=np.intc)
        shares = list(
            zip(np.array_split(visits, n_threads), np.array_split(slots, n_threads), strict=True)
        )
        pools: dict[int, ThreadPoolExecutor] = {}

        def one_share(share):
            _test_region(*share, spin, 1)

        def run():
            visits[:] = 0
            if os.getpid() not in pools:  # its threads do not survive a fork
                pools[os.getpid()] = ThreadPoolExecutor(n_threads)
            list(pools[os.getpid()].map(one_share, shares))
            return {"visits": visits}

        return run
