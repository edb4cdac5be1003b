"""A process that imports a library, learns a panel and forecasts it, and tells what that took.

`python -m benchmarks.fresh <statement that imports it> <peer> <arrays.npz> [n_jobs]` prints JSON:
seconds of the import, the fit and the paths, and the peak of the whole process in megabytes. The
statement comes first, before anything else is imported that takes time.
"""

import json
import resource
import sys
import time

from benchmarks import peers


def peak_megabytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def answer(statement, peer, file, n_jobs=None):
    """Do it, and return the seconds and the megabytes."""
    begun = time.perf_counter()
    exec(statement, {})
    imported = time.perf_counter() - begun

    from benchmarks.peers.forecasters import Panel
    from benchmarks.storage import read_arrays

    adapter, panel = peers.load(peer), Panel.of(**read_arrays(file))
    n_jobs = None if n_jobs is None else int(n_jobs)
    begun = time.perf_counter()
    model = adapter.learn_series(panel, 0, n_jobs, max_iter=2, n_batches=50)
    learned = time.perf_counter()
    adapter.draw_paths(model, panel, 100)
    return {
        "import": imported,
        "fit": learned - begun,
        "draw": time.perf_counter() - learned,
        "peak": peak_megabytes(),
        "cpu": time.process_time(),
    }


if __name__ == "__main__":
    print(json.dumps(answer(*sys.argv[1:])))
