"""Which rows a run of the benchmarks takes, and what it leaves."""

import json

import pytest

from benchmarks import run
from benchmarks.run import chosen, parsed_arguments
from benchmarks.workload import workloads


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["fit"], ["fit"]),
        (["fit-z"], ["fit-zipf"]),
        (["fit", "bars"], ["bars", "fit"]),
        (["speed-50"], ["speed-50"]),
        (["none"], []),
    ],
)
def test_a_whole_name_means_one_row_and_a_beginning_all_that_begin_so(asked, names):
    options = parsed_arguments(["lda", "--workload", *asked])
    assert sorted(row.name for row in chosen("lda", options)) == names


def test_without_names_all_rows_are_taken_and_few_for_the_smoke_test():
    rows = workloads("lda")
    assert chosen("lda", parsed_arguments(["lda"])) == rows
    quick = chosen("lda", parsed_arguments(["lda", "--quick"]))
    assert 0 < len(quick) < len(rows) and all(row.quick for row in quick)


def test_a_run_that_is_stopped_keeps_the_rows_before(tmp_path, monkeypatch):
    def measure(runner, algorithm, workload):
        if workload.name == "fit-zipf":
            raise KeyboardInterrupt
        return [{"workload": workload.name}]

    monkeypatch.setattr(run.Runner, "measure", measure)
    monkeypatch.setattr(run.machine, "versions", dict)
    with pytest.raises(KeyboardInterrupt):
        run.main(
            ["lda", "--peer", "algos", "--workload", "fit", "fit-zipf", "--output", str(tmp_path)]
        )
    (file,) = tmp_path.glob("lda-*.json")
    assert json.loads(file.read_text())["measurements"] == [{"workload": "fit"}]
