"""The file of an algorithm's results, into which later measurements are merged."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

from benchmarks import machine


def circumstances(algorithm: str, *, quick: bool = False) -> dict[str, Any]:
    """Return a result without its measurements; call it before these begin, for the load."""
    return {
        "algorithm": algorithm,
        "date": dt.date.today().isoformat(),
        "quick": quick,
        "machine": machine.describe(),
        "versions": machine.versions(),
    }


def save(folder: Path, known: dict[str, Any], entries: list[dict[str, Any]]) -> Path:
    """Write results into the folder, merged with the newest ones, and return their file.

    A file of an earlier day gets today's name, if machine and versions are the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result = {**known, "measurements": entries}
    file = folder / f"{known['algorithm']}-{known['date']}.json"
    newest = newest_file(folder, known["algorithm"])
    if newest is not None and newest < file and _conditions(_read(newest)) == _conditions(result):
        newest.rename(file)
    write(file, result)
    return file


def newest_file(folder: Path, algorithm: str) -> Path | None:
    """Return an algorithm's newest file of results in a folder."""
    files = sorted(folder.glob(f"{algorithm}-????-??-??.json"))
    return files[-1] if files else None


def write(file: Path, result: dict[str, Any]) -> None:
    """Write results; workloads and peers in the file that were not measured again are kept.

    A file with results of another machine or other versions is renamed first.
    """
    entries = result["measurements"]
    if file.exists():
        before = _read(file)
        if _conditions(before) == _conditions(result):
            entries = merged(before["measurements"], entries)
        else:
            put_aside = _free_name(file)
            file.rename(put_aside)
            print(f"{file.name} is of another machine or other versions: now {put_aside.name}")
    text = json.dumps({**result, "measurements": entries}, indent=1) + "\n"
    _replace(file, text)


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except ValueError as error:
        raise ValueError(
            f"{file} is no complete file of results: {error}; restore it, or move it away"
        ) from error


def _replace(file: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def merged(before: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of both; of a row in both, each peer's later measurement.

    A row of another caption is of other data: the earlier ones of that name are left out. A
    failure takes the place of no measurement.
    """
    captions = {row["workload"]: row.get("caption") for row in later}
    stay = [
        row
        for row in before
        if captions.get(row["workload"], row.get("caption")) == row.get("caption")
    ]
    rows = {_place(row): row for row in stay}
    for row in later:
        peers = dict(rows[_place(row)]["peers"]) if _place(row) in rows else {}
        for peer, answer in row["peers"].items():
            if peer not in peers or not _has_failed(answer) or _has_failed(peers[peer]):
                peers[peer] = answer
        rows[_place(row)] = {**row, "peers": peers}
    return list(rows.values())


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["workload"], row.get("caption"), row["threads"]


def _has_failed(answer: Any) -> bool:
    return isinstance(answer, dict) and "failure" in answer


def _conditions(result: dict[str, Any]) -> tuple[Any, ...]:
    """Return what two results must share to stand in one file."""
    machine = {name: value for name, value in result["machine"].items() if name != "load_before"}
    return result["algorithm"], result["quick"], machine, result["versions"]


def _free_name(file: Path) -> Path:
    """Return a name that sorts before the file's own, which stays the newest."""
    number = 1
    while (free := file.with_name(f"{file.stem}-{number}{file.suffix}")).exists():
        number += 1
    return free
