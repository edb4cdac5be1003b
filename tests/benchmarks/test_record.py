import json

import pytest

from benchmarks import record


def result(rows, machine="one", version="1", load=0.0):
    return {
        "algorithm": "lda",
        "quick": False,
        "machine": {"processor": machine, "load_before": load},
        "versions": {"numpy": version},
        "measurements": rows,
    }


def row(workload, threads=1, **peers):
    return {"workload": workload, "threads": threads, "peers": peers}


def of(file):
    return json.loads(file.read_text())["measurements"]


def test_rows_and_peers_join_those_that_are_there(tmp_path):
    file = tmp_path / "lda-2026-11-22.json"
    record.write(file, result([row("fit", algos=1, gensim=2), row("fit", threads=2, algos=3)]))
    record.write(file, result([row("fit", tomotopy=4, algos=5), row("bars", algos=6)], load=2.5))
    assert of(file) == [
        row("fit", algos=5, gensim=2, tomotopy=4),
        row("fit", threads=2, algos=3),
        row("bars", algos=6),
    ]


@pytest.mark.parametrize("other", [{"machine": "another"}, {"version": "2"}])
def test_results_of_other_conditions_are_put_aside(tmp_path, other):
    file = tmp_path / "lda-2026-11-22.json"
    for number in range(3):
        conditions = other if number % 2 else {}
        record.write(file, result([row("fit", algos=number)], **conditions))
    assert sorted(tmp_path.iterdir())[-1] == file  # the newest by its name
    found = {each.name: of(each)[0]["peers"]["algos"] for each in tmp_path.iterdir()}
    assert sorted(found.values()) == [0, 1, 2] and found[file.name] == 2


def test_a_failure_takes_the_place_of_no_measurement(tmp_path):
    file = tmp_path / "lda-2026-11-22.json"
    failure, good = {"failure": "MemoryError"}, {"wall": 1.0}
    record.write(file, result([row("fit", algos=good, gensim=failure)]))
    record.write(
        file, result([row("fit", algos=failure, gensim={"failure": "hangs"}, peer=failure)])
    )
    assert of(file) == [row("fit", algos=good, gensim={"failure": "hangs"}, peer=failure)]
    record.write(file, result([row("fit", gensim=good)]))
    assert of(file) == [row("fit", algos=good, gensim=good, peer=failure)]


def test_rows_of_other_data_do_not_stand_in_one(tmp_path):
    file = tmp_path / "lda-2026-11-22.json"
    before = [{**row("fit", threads, algos=1, gensim=2), "caption": "small"} for threads in (1, 2)]
    later = {**row("fit", algos=3), "caption": "large"}
    record.write(file, result([*before, row("bars", algos=4)]))
    record.write(file, result([later]))
    assert of(file) == [row("bars", algos=4), later]


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "lda-2026-11-22.json"
    record.write(file, result([row("fit", algos=1)]))

    def full(path, target):
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(type(file), "replace", full)
        with pytest.raises(OSError, match="no space"):
            record.write(file, result([row("fit", algos=2)]))
    assert of(file) == [row("fit", algos=1)] and list(tmp_path.iterdir()) == [file]
    file.write_text(file.read_text()[:50])
    with pytest.raises(ValueError, match=r"is no complete file of results: .*; restore it"):
        record.write(file, result([row("fit", algos=2)]))
    assert len(file.read_text()) == 50


def test_results_tell_of_the_machine_before_they_were_measured(tmp_path):
    known = record.circumstances("streams")
    assert known["machine"]["load_before"] >= 0
    entry = {"workload": "PCA", "threads": None, "peers": {"algos": {"seconds": 1.0}}}
    file = record.save(tmp_path / "new", known, [entry])
    assert file.name == f"streams-{known['date']}.json"
    record.save(tmp_path / "new", known, [{**entry, "workload": "KMeans"}])
    assert [row["workload"] for row in json.loads(file.read_text())["measurements"]] == [
        "PCA",
        "KMeans",
    ]


def test_results_of_an_earlier_day_are_continued_if_nothing_else_changed(tmp_path):
    def known(date, version="1"):
        kept = result([], version=version)
        del kept["measurements"]
        return {**kept, "date": date}

    first = record.save(tmp_path, known("2026-11-22"), [row("fit", algos=1)])
    second = record.save(tmp_path, known("2026-11-23"), [row("bars", algos=2)])
    assert not first.exists()
    assert of(second) == [row("fit", algos=1), row("bars", algos=2)]
    assert record.newest_file(tmp_path, "lda") == second
    third = record.save(tmp_path, known("2026-11-24", version="2"), [row("fit", algos=3)])
    assert second.exists()
    assert of(third) == [row("fit", algos=3)]
    assert record.newest_file(tmp_path, "lda") == third
    assert record.newest_file(tmp_path, "pca") is None
