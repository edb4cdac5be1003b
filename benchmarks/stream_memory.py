"""Long streams of rows through `partial_fit`: `python -m benchmarks.stream_memory`.

Batches are generated and discarded, each estimator in a process of its own. Prints the rows, the
time, the rows per CPU second in the second and in the last tenth of the stream, and how much the
peak memory of the process grew after the first tenth.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from pathlib import Path

import numpy as np

from algos import PCA, KMeans, RandomCutForest
from benchmarks import record, report

N_COLUMNS = 50
N_GROUPS = 20
BATCH_BYTES = 64 << 20
ESTIMATORS = {
    "KMeans": lambda: KMeans(N_GROUPS, random_state=0).partial_fit,
    "PCA": lambda: PCA(10).partial_fit,
    "RandomCutForest": lambda: RandomCutForest(50, random_state=0).partial_fit,
    "RandomCutForest-scores": lambda: RandomCutForest(50, random_state=0).score_partial_fit,
}
GIGABYTES = {"KMeans": 20, "PCA": 20, "RandomCutForest": 2, "RandomCutForest-scores": 1}


def batches(n_bytes, batch_bytes, seed=0):
    """Yield float32 rows around a few centres, in one array that is overwritten each time.

    The noise of a batch is a random slice of one pool, since drawing it would take longer than
    learning the batch.
    """
    rng = np.random.default_rng(seed)
    centers = 2 * rng.standard_normal((N_GROUPS, N_COLUMNS), dtype=np.float32)
    n_rows = max(batch_bytes // (4 * N_COLUMNS), 1)
    pool = rng.standard_normal((n_rows + 10_007, N_COLUMNS), dtype=np.float32)
    X = np.empty((n_rows, N_COLUMNS), dtype=np.float32)
    for _ in range(-(-n_bytes // X.nbytes)):
        start = int(rng.integers(10_008))
        np.take(centers, rng.integers(N_GROUPS, size=n_rows), axis=0, out=X)
        X += pool[start : start + n_rows]
        yield X


def peak_megabytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def stream(name, n_bytes, batch_bytes):
    """Learn a stream and return its size, times and peak memory."""
    learn, early = ESTIMATORS[name](), None
    seconds, rows, cpu = 0.0, [0], [0.0]  # these after each batch
    for X in batches(n_bytes, batch_bytes):
        begun, used = time.perf_counter(), time.process_time()
        learn(X)
        seconds += time.perf_counter() - begun
        cpu.append(cpu[-1] + time.process_time() - used)
        rows.append(rows[-1] + len(X))
        if early is None and X[:1].nbytes * rows[-1] >= n_bytes / 10:
            early = peak_megabytes()
    learn.__self__.transform(X[:1000])
    return {
        "rows": rows[-1],
        "gigabytes": X[:1].nbytes * rows[-1] / 1e9,
        "seconds": seconds,
        "first_pace": pace(rows, cpu, 0.1, 0.2),
        "last_pace": pace(rows, cpu, 0.9, 1),
        "peak": peak_megabytes(),
        "growth": peak_megabytes() - early,
    }


def line(name, answer):
    return (
        "{name:22s} {rows:>13,} rows  {gigabytes:8.2f} GB  {seconds:8.1f} s  "
        "{first_pace:,.0f} and {last_pace:,.0f} rows a CPU second  "
        "peak RSS {peak:7.0f} MB, grew {growth:5.1f} MB after the first tenth"
    ).format(name=name, **answer)


def pace(rows, seconds, begin, end):
    """Return the rows of a second between two shares of a stream's rows."""
    ends = np.array([begin, end]) * rows[-1]
    return np.diff(ends)[0] / np.diff(np.interp(ends, rows, seconds))[0]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gigabytes", type=float, help="for each; default: 20, of forests 2 and 1")
    parser.add_argument("--batch-megabytes", type=float, default=BATCH_BYTES / 1e6)
    parser.add_argument("--estimator", choices=list(ESTIMATORS), action="append")
    parser.add_argument("--output", type=Path, help="folder of the results; default: none")
    options = parser.parse_args(arguments)
    circumstances, entries = record.circumstances("streams"), []
    for name in options.estimator or ESTIMATORS:
        gigabytes = GIGABYTES[name] if options.gigabytes is None else options.gigabytes
        sizes = int(gigabytes * 1e9), int(options.batch_megabytes * 1e6)
        # In a fresh process: the peak of memory never falls.
        with multiprocessing.get_context("spawn").Pool(1) as process:
            answer = process.apply(stream, (name, *sizes))
        print(line(name, answer), flush=True)
        entries.append({"workload": name, "threads": None, "peers": {report.OURS: answer}})
        if options.output:
            record.save(options.output, circumstances, entries)


if __name__ == "__main__":
    main()
