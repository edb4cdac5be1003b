"""Tables of the documentation, drawn from benchmarks/results/."""

import json

from benchmarks import report
from benchmarks.workload import ALGORITHMS

NONE_YET = (
    "*No measurements are recorded yet:* ``.venv/bin/python -m benchmarks.run {}`` "
    "*records them.*\n"
)


def write_all(results, tables):
    """Write one file for each algorithm, from its newest results."""
    tables.mkdir(exist_ok=True)
    for algorithm in ALGORITHMS:
        files = sorted(results.glob(f"{algorithm}-*.json"))
        text = page(json.loads(files[-1].read_text())) if files else NONE_YET.format(algorithm)
        target = tables / f"{algorithm}.rst"
        if not target.exists() or target.read_text() != text:
            target.write_text(text)


def page(result):
    """Return all tables of one file of results."""
    tables = [table(entry) for entry in result["measurements"]]
    return "\n".join([circumstances(result), legend(result), *tables])


def legend(result):
    """A line for each column that says what was reached."""
    meanings = {}
    for entry in result["measurements"]:
        meanings |= report.legend(entry["peers"])
    return "".join(f"* *{name}*: {text}.\n" for name, text in meanings.items())


def circumstances(result):
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return (
        f"Measured on {result['date']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, Python {machine['python']}, {versions}; "
        f"load before: {machine['load_before']:.2f}. "
        "*wall / ours* above 1 means that the peer takes longer.\n"
    )


def table(entry):
    head, rows = report.columns(entry["peers"])
    title = f"{entry['caption']}; {report.threads(entry['threads'])}"
    lines = [f".. list-table:: {title}", "   :header-rows: 1", "   :width: 100%", ""]
    for row in [head, *rows]:
        cells = [cell or "\\ " for cell in row]
        lines.append("   * - " + "\n     - ".join(cells))
    notes = "".join(f"\n{note}\n" for note in report.notes(entry["peers"]))
    return "\n".join(lines) + "\n" + notes
