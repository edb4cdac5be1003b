"""Run benchmarks: `python -m benchmarks.run kmeans`.

Every row is measured in fresh processes: one for each number of threads, in which the peers
run in turn, and one for each peer's memory. Results go to benchmarks/results/. With `--quick`
these are forks of one process that has loaded the packages: loading is what takes longest.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import machine, peers, record, report, worker
from benchmarks.storage import write_arrays
from benchmarks.workload import ALGORITHMS, Unreachable, workloads

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
QUICK_DIVISOR = 50
LOADED = (
    "benchmarks.worker",
    *(
        f"{package}.{algorithm}"
        for algorithm in ALGORITHMS
        for package in ("benchmarks.cases", "algos")
    ),
    *("sklearn.cluster", "sklearn.decomposition", "sklearn.ensemble", "sklearn.linear_model"),
    "faiss",
)  # by the process that quick workers are forks of, where they are installed


def parsed_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Time ours beside other libraries: medians of alternating runs, CPU seconds, "
        "peak memory and the quality reached.",
    )
    parser.add_argument("algorithm", choices=[*ALGORITHMS, "all"])
    parser.add_argument("--peer", nargs="+", choices=peers.PEERS, default=list(peers.PEERS))
    parser.add_argument(
        "--workload",
        nargs="+",
        help="only the row of this name, or else those whose names begin so",
    )
    parser.add_argument(
        "--threads", nargs="+", type=int, help="default: 1 2 (as many as there are cores)"
    )
    parser.add_argument("--no-user", action="store_true", help="leave out “as the user calls it”")
    parser.add_argument(
        "--repeat",
        type=int,
        help="timed runs; default: each row's own number, and the first alone for a peer that "
        f"takes more than {worker.SLOW_SECONDS:.0f} s",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a smoke test whose times mean nothing: fewer and smaller rows, one thread, two "
        "runs, not “as the user calls it”; --threads adds threads",
    )
    parser.add_argument(
        "--limit", type=float, default=900, help="seconds after which a measurement is given up"
    )
    parser.add_argument("--output", type=Path, help="folder of the results")
    return parser.parse_args(arguments)


class Runner:
    """Measures rows with one set of arguments."""

    def __init__(self, options, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.peers = present_peers(options.peer)
        self.threads = options.threads or [1, 2][: 1 if options.quick else len(machine.cores())]
        self.as_user = not (options.no_user or options.quick)
        self.failed = False
        self.explained: set[str] = set()
        self.memory_measured = False

    def measure(self, algorithm, workload):
        """Print and return the row for each number of threads."""
        arrays = self.folder / "arrays.npz"
        try:
            data = workload.data(QUICK_DIVISOR if self.options.quick else 1)
        except Unreachable as reason:
            print(f"\n{algorithm} · {workload.name} · left out: {reason}")
            return []
        write_arrays(arrays, data)
        notes = [workload.caption]
        if self.options.quick:
            notes.append("here " + " × ".join(map(str, data["X"].shape)))
        if "source" in data:
            notes.append(data["source"])
        del data
        print(f"\n{algorithm} · {workload.name} · " + " · ".join(notes))
        counts = [*self.threads, *([None] if workload.user and self.as_user else [])]
        measured = [self._at(algorithm, workload, arrays, count) for count in counts]
        return [entry for entry in measured if entry["peers"]]

    def _at(self, algorithm, workload, arrays, threads):
        job = {
            "algorithm": algorithm,
            "workload": workload.name,
            "arrays": str(arrays),
            "n_jobs": threads,
            "repeat": 2 if self.options.quick else self.options.repeat or workload.repeat,
        }
        answers = self._ask({**job, "what": "time", "peers": self.peers}, threads)
        for peer in answers if workload.memory else ():
            if self._wants_memory(peer, threads):
                measured = self._ask({**job, "what": "memory", "peers": [peer]}, threads)
                answers[peer] |= measured.get(peer, {})
        print(f"\n  {report.threads(threads)}")
        print("  " + report.table(answers).replace("\n", "\n  "))
        legend = {
            name: text
            for name, text in report.legend(answers).items()
            if name not in self.explained
        }
        self.explained |= set(legend)
        notes = [*(f"{name}: {text}" for name, text in legend.items()), *report.notes(answers)]
        print("".join(f"    {note}\n" for note in notes), end="", flush=True)
        self.memory_measured |= any("peak_memory" in answer for answer in answers.values())
        self.failed |= "failure" in answers.get(report.OURS, {})
        return {
            "workload": workload.name,
            "caption": workload.caption,
            "threads": threads,
            "peers": answers,
        }

    def _wants_memory(self, peer, threads):
        """Memory is measured with the first number of threads; in a smoke test, ours in one row."""
        if self.options.quick and (self.memory_measured or peer != report.OURS):
            return False
        return threads == self.threads[0]

    def _ask(self, job, threads):
        question, answer = self.folder / "job.json", self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        question.write_text(json.dumps({**job, "answer": str(answer)}))
        last = self._run_worker(question, threads)
        if answer.exists():
            return json.loads(answer.read_text())
        if len(job["peers"]) > 1:  # one of them took the process down: the others deserve a run
            alone = [self._ask({**job, "peers": [peer]}, threads) for peer in job["peers"]]
            return {peer: found for answers in alone for peer, found in answers.items()}
        return {peer: {"failure": last} for peer in job["peers"]}

    def _run_worker(self, question, threads):
        """Run one process, and return the last line of its errors."""
        if self.options.quick:
            return run_fork(question, threads, self.options.limit)
        try:
            process = subprocess.run(
                [sys.executable, "-m", "benchmarks.worker", str(question)],
                cwd=ROOT,
                env=machine.environment(threads),
                preexec_fn=lambda: take_cores(threads),
                timeout=self.options.limit,
                capture_output=True,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no answer in {self.options.limit:.0f} s"
        return (process.stderr.strip().splitlines() or [f"exit {process.returncode}"])[-1]


def run_fork(question, threads, limit):
    """Run a job in a fork, and return how that ended."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(list(LOADED))
    os.environ.update(machine.environment(threads))  # the first number of threads holds for all
    process = forks.Process(target=answer_fast, args=(question,))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        return f"no answer in {limit:.0f} s"
    return f"exit {process.exitcode}"


def answer_fast(question):
    """Do a job with a garbage collector that leaves alone what was loaded."""
    gc.freeze()
    worker.answer(question)


def take_cores(threads):
    """Keep a process to as many cores as it has threads."""
    if threads is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, machine.cores()[-threads:])


def present_peers(wanted):
    """Return the peers that are installed; say why the others are not there."""
    missing = {peer: peers.why_missing(peer) for peer in wanted}
    for peer, reason in missing.items():
        if reason:
            print(f"without {peer}: {reason}")
    return [peer for peer in wanted if not missing[peer]]


def chosen(algorithm, options):
    """Return the workloads that were asked for: all, or of the smoke test its own."""
    rows, asked = workloads(algorithm), options.workload or []
    beginnings = tuple(set(asked) - {row.name for row in rows})
    if not asked:
        return [row for row in rows if row.quick or not options.quick]
    return [row for row in rows if row.name in asked or row.name.startswith(beginnings)]


def main(arguments=None):
    options = parsed_arguments(arguments)
    algorithms = ALGORITHMS if options.algorithm == "all" else [options.algorithm]
    if options.quick:
        print("smoke test: these times mean nothing")
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(options, Path(folder))
        for algorithm in algorithms:
            known = record.circumstances(algorithm, quick=options.quick)
            entries, file = [], None
            for workload in chosen(algorithm, options):
                entries += runner.measure(algorithm, workload)
                if entries and (not options.quick or options.output):
                    # What stops a run later loses no row.
                    file = record.save(options.output or RESULTS, known, entries)
            if file is not None:
                print(f"\nresults: {os.path.relpath(file)}")
    return int(runner.failed)


if __name__ == "__main__":
    sys.exit(main())
