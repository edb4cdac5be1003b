"""One measurement in a fresh process: `python -m benchmarks.worker <job.json>`.

The process that starts this one has set its threads and its cores. The job names the
algorithm, the row, the file of its arrays, the peers, `n_jobs`, the number of runs and the
file for the answer.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import math
import multiprocessing
import resource
import statistics
import sys
import threading
import time
import warnings
from pathlib import Path

from benchmarks import peers
from benchmarks.storage import read_arrays
from benchmarks.workload import Workload, find_workload

LEAST_SECONDS = 0.01  # of one timed run: shorter calls are repeated within it
SLOW_SECONDS = 10.0  # of one run: a peer that takes longer is timed once
HANGS_AFTER = 10.0  # seconds, for a child
HANGS = f"hangs (no answer in {HANGS_AFTER:.0f} s)"


def prepare(peer, workload, arrays, n_jobs):
    """Return the peer's run, or None if it lacks the task."""
    task = getattr(peers.load(peer), workload.task, None)
    return task and task(**arrays, **workload.options, n_jobs=n_jobs)


def timed(run, calls):
    """Return wall and CPU seconds of one call, and its outcome."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        outcome = run()
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls, outcome


def warm_up(run):
    """Run untimed, for code is loaded and threads wake.

    Return the calls in a timed run, and this run's measurement if it was a slow one.
    """
    wall, cpu, outcome = timed(run, 1)
    if wall > SLOW_SECONDS:
        only = {"wall": wall, "cpu": cpu, "walls": [wall], "outcomes": [outcome], "slow": True}
        return 1, only
    if wall < 100 * LEAST_SECONDS:  # the first run may have loaded code for longer
        wall = timed(run, 1)[0]
    return max(1, math.ceil(LEAST_SECONDS / wall)), None


def alternate(runs, calls, repeat, *, keep_all=False):
    """Return the measurements of each peer from alternating runs, with the last outcome or all."""
    walls, cpus, outcomes = ({peer: [] for peer in runs} for _ in range(3))
    for _ in range(repeat):
        for peer, run in runs.items():
            wall, cpu, outcome = timed(run, calls[peer])
            walls[peer].append(wall)
            cpus[peer].append(cpu)
            outcomes[peer] = [*(outcomes[peer] if keep_all else []), outcome]
    return {
        peer: {
            "wall": statistics.median(walls[peer]),
            "cpu": statistics.median(cpus[peer]),
            "walls": walls[peer],
            "outcomes": outcomes[peer],
        }
        for peer in runs
    }


@contextlib.contextmanager
def busy_thread():
    """A thread that computes in Python and holds the GIL whenever it can."""
    stop = threading.Event()

    def count():
        number = 0
        while not stop.is_set():
            number += 1

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def in_a_child(peer, run, repeat):
    """Fork, and measure in the child; the parent has run before."""
    receive, send = multiprocessing.Pipe(duplex=False)

    def measure():
        send.send(alternate({peer: run}, {peer: warm_up(run)[0]}, repeat))

    child = multiprocessing.get_context("fork").Process(target=measure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's: threads and fork
        child.start()
    answered = receive.poll(HANGS_AFTER)
    answer = receive.recv() if answered else {peer: {"failure": HANGS}}
    if not answered:
        child.kill()
    child.join()
    return answer


def measure_time(workload: Workload, job, arrays):
    """Return wall and CPU seconds and the quality of each peer that has the task."""
    runs, calls, answers = {}, {}, {}
    for peer in job["peers"]:
        try:
            run = prepare(peer, workload, arrays, job["n_jobs"])
            if run:
                calls[peer], slow = warm_up(run)
                if slow:
                    answers[peer] = slow
                else:
                    runs[peer] = run
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            answers[peer] = {"failure": f"{type(error).__name__}: {reason}"}
    if workload.condition == "forked":
        for peer, run in runs.items():
            answers |= in_a_child(peer, run, job["repeat"])
    else:
        with busy_thread() if workload.condition == "busy" else contextlib.nullcontext():
            answers |= alternate(runs, calls, job["repeat"], keep_all=workload.seeded)
    ordered = (peer for peer in job["peers"] if peer in answers)
    return {peer: judged(answers[peer], workload, arrays) for peer in ordered}


def judged(answer, workload, arrays):
    """Put the quality of an answer in the place of its outcomes."""
    outcomes = answer.pop("outcomes", [])
    if outcomes:
        last = outcomes[-1]
        answer["converged"] = all(outcome.get("converged", True) for outcome in outcomes)
        if "note" in last:
            answer["note"] = last["note"]
        answer["cpu"] = last.get("cpu", answer["cpu"])  # of a process of its own
        if "rows" in last:
            extrapolate(answer, last["rows"], last["of"])
        found = [workload.quality(outcome, arrays) for outcome in outcomes]
        quality = {name: float(statistics.median(q[name] for q in found)) for name in found[-1]}
        answer["quality"] = quality
        if workload.task == "kmeans_iterations" and "iterations" in quality:
            answer["per_iteration"] = answer["wall"] / max(1, quality["iterations"])
    return answer


def extrapolate(answer, rows, of):
    """Put the times of all rows in the place of those of some, and say so."""
    for name in ("wall", "cpu"):
        answer[name] *= of / rows
    answer["walls"] = [wall * of / rows for wall in answer["walls"]]
    answer["rows_per_second"] = of / answer["wall"]
    if rows < of:
        answer["note"] = ", ".join([f"from {rows:,} rows", *filter(None, [answer.get("note")])])


def measure_memory(workload: Workload, job, arrays):
    """Return the bytes that one run needs beyond its data, at its peak."""
    (peer,) = job["peers"]
    few = workload.data(10**6)
    with contextlib.suppress(Exception):  # loads the code, wakes the threads
        prepare(peer, workload, few, job["n_jobs"])()
    del few
    run = prepare(peer, workload, arrays, job["n_jobs"])
    if run is None:
        return {}
    gc.collect()
    give_back_heap()
    before = resident_bytes()
    forget_peak()
    run()
    return {peer: {"peak_memory": max(0, peak_bytes() - before)}}


def _status(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def give_back_heap():
    """Return to the system what was freed, or small arrays would find room and cost nothing."""
    with contextlib.suppress(OSError, AttributeError):  # glibc's
        ctypes.CDLL(None).malloc_trim(0)


def resident_bytes():
    return _status("VmRSS") if sys.platform == "linux" else peak_bytes()


def peak_bytes():
    if sys.platform == "linux":
        return _status("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget_peak():
    """Let the peak begin anew; elsewhere than on Linux the arrays' own peak stays in it."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def answer(question):
    """Do the job of a file, and write what it asks for."""
    job = json.loads(Path(question).read_text())
    workload = find_workload(job["algorithm"], job["workload"])
    measure = {"time": measure_time, "memory": measure_memory}[job["what"]]
    arrays = read_arrays(job["arrays"])
    Path(job["answer"]).write_text(json.dumps(measure(workload, job, arrays)))


if __name__ == "__main__":
    answer(sys.argv[1])
