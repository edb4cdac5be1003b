"""What a worker makes of its measurements."""

import pytest

from benchmarks import worker
from benchmarks.workload import Workload


def test_a_part_of_a_task_stands_for_all_of_it():
    answer = {"wall": 2.0, "cpu": 1.0, "walls": [2.0, 3.0], "note": "told"}
    worker.extrapolate(answer, rows=100, of=1000)
    assert answer == {
        "wall": pytest.approx(20.0),
        "cpu": pytest.approx(10.0),
        "walls": pytest.approx([20.0, 30.0]),
        "rows_per_second": pytest.approx(50.0),
        "note": "from 100 rows, told",
    }


def test_a_whole_task_says_nothing():
    answer = {"wall": 2.0, "cpu": 1.0, "walls": [2.0]}
    worker.extrapolate(answer, rows=1000, of=1000)
    assert "note" not in answer
    assert answer["wall"] == 2.0


def test_a_process_of_its_own_tells_its_cpu_seconds():
    workload = Workload("process", "", "process", dict, lambda outcome, arrays: {})
    answer = {"wall": 2.0, "cpu": 0.1, "outcomes": [{"cpu": 1.5}]}
    assert worker.judged(answer, workload, {})["cpu"] == 1.5


def test_the_quality_of_seeded_runs_is_their_median():
    workload = Workload("fit", "", "kmeans_fit", dict, lambda outcome, arrays: outcome, seeded=True)
    runs = {"ours": iter([{"inertia": 3.0}, {"inertia": 1.0}, {"inertia": 2.0}]).__next__}
    answer = worker.alternate(runs, {"ours": 1}, 3, keep_all=workload.seeded)["ours"]
    judged = worker.judged(answer, workload, {})
    assert judged["quality"] == {"inertia": 2.0}
    assert len(judged["walls"]) == 3
    assert "outcomes" not in judged
