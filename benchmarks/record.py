"""The file of an algorithm's results: what is measured later joins what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(file: Path, result: dict[str, Any]) -> None:
    """Write results; rows and peers of the same file that were not measured anew stay.

    Results of another machine or other versions do not stand in one file with these: they
    are given another name.
    """
    entries = result["measurements"]
    if file.exists():
        before = json.loads(file.read_text())
        if _conditions(before) == _conditions(result):
            entries = merged(before["measurements"], entries)
        else:
            put_aside = _free_name(file)
            file.rename(put_aside)
            print(f"{file.name} is of another machine or other versions: now {put_aside.name}")
    text = json.dumps({**result, "measurements": entries}, indent=1) + "\n"
    file.write_text(text)


def merged(before: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of both; of a row in both, each peer's later measurement."""
    rows = {(row["workload"], row["threads"]): row for row in before}
    for row in later:
        place = row["workload"], row["threads"]
        peers = rows[place]["peers"] if place in rows else {}
        rows[place] = {**row, "peers": {**peers, **row["peers"]}}
    return list(rows.values())


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
