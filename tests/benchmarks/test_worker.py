"""What a worker makes of its measurements."""

import pytest

# Not there where the tests run beside an installed wheel.
worker = pytest.importorskip("benchmarks.worker")


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
