"""Tables of the documentation, drawn from benchmarks/results/."""

import json

import benchmark_overview

from benchmarks import record, report
from benchmarks.workload import ALGORITHMS

NONE_YET = (
    "*No measurements are recorded yet:* ``.venv/bin/python -m benchmarks.run {}`` "
    "*records them.*\n"
)

PACKAGES = {  # of peers that are named otherwise
    "sklearn": "scikit-learn",
    "sklearn_online": "scikit-learn",
    "truncated_svd": "scikit-learn",
    "intelex": "scikit-learn-intelex",
    "faiss": "faiss-cpu",
    "fastkmeans": "fastkmeans torch",
    "liblinear": "liblinear-multicore",
    "modern_fm": "modern-fm",
    "lightfm": "lightfm-next",
    "bigartm": "bigartm10",
    "gluonts": "gluonts torch lightning",
}


def write_all(results, tables):
    """Write one file for each algorithm, from its newest results, and one of all.

    What was measured without AVX-512 gets files of its own, where there is any.
    """
    tables.mkdir(exist_ok=True)
    newest = newest_of(results)
    for algorithm in ALGORITHMS:
        result = newest.get(algorithm)
        text = page(result) if result else NONE_YET.format(algorithm)
        write_changed(tables / f"{algorithm}.rst", text)
    write_changed(tables / "overview.rst", benchmark_overview.overview(newest))
    narrow = newest_of(results / "avx2")
    for algorithm, result in narrow.items():
        write_changed(tables / f"{algorithm}_avx2.rst", page(result))
    write_changed(tables / "overview_avx2.rst", benchmark_overview.overview(narrow))
    write_changed(tables / "streams.rst", streams(newest_result(results / "avx2", "streams")))


def newest_of(results):
    """Return the newest results of each algorithm that has any in a folder."""
    found = {name: newest_result(results, name) for name in ALGORITHMS}
    return {name: result for name, result in found.items() if result}


def newest_result(results, name):
    """Return the contents of the newest file of an algorithm in a folder, or None."""
    file = record.newest_file(results, name)
    return None if file is None else json.loads(file.read_text())


STREAM_COLUMNS = {
    "": "``{workload}``",
    "rows": "{rows:,}",
    "GB": "{gigabytes:.3g}",
    "s": "{seconds:.3g}",
    "rows a CPU second, at first": "{first_pace:,.0f}",
    "in the end": "{last_pace:,.0f}",
    "growth of the peak, MB": "{growth:.1f}",
}


def streams(result):
    """Return the table of endless streams."""
    if result is None:
        return "*No measurements are recorded yet.*\n"
    rows = [
        [text.format(**entry, **entry["peers"][report.OURS]) for text in STREAM_COLUMNS.values()]
        for entry in result["measurements"]
    ]
    table = list_table("Streams at default threads", STREAM_COLUMNS, rows)
    return f"{table}\n{circumstances(result)}.\n"


def write_changed(target, text):
    """Write a file, unless it says that already: Sphinx reads what is new again."""
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


def page(result):
    """Return all tables of one file of results."""
    tables = [table(entry) for entry in result["measurements"]]
    meaning = "*wall / ours* above 1 means that the peer takes longer.\n"
    return "\n".join([f"{circumstances(result)}. {meaning}", legend(result), *tables])


def legend(result):
    """A line for each column that says what was reached."""
    meanings = {}
    for entry in result["measurements"]:
        meanings |= report.legend(entry["peers"])
    return "".join(f"* *{name}*: {text}.\n" for name, text in meanings.items())


def circumstances(result):
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in versions_beside(result))
    return (
        f"Measured up to {result['date']}: {machine['processor']}, {machine['vectors']}, "
        f"{counted(machine['cores'])}, {machine['memory_gb']} GB, Python {machine['python']}, "
        f"{versions}; load before: {machine['load_before']:.2f}"
    )


def counted(n_cores):
    return "1 core" if n_cores == 1 else f"{n_cores} cores"


def versions_beside(result):
    """Return names and versions of the packages that took part."""
    named = {name for entry in result["measurements"] for name in entry["peers"]}
    peers = {name.partition(":")[0] for name in named}
    used = {"numpy", "scipy", *" ".join(PACKAGES.get(name, name) for name in peers).split()}
    return [(name, number) for name, number in result["versions"].items() if name in used]


def table(entry):
    head, rows = report.columns(entry["peers"])
    title = f"{entry['caption']}; {report.threads(entry['threads'])}"
    notes = "".join(f"\n{note}\n" for note in report.notes(entry["peers"]))
    return list_table(title, head, rows) + notes


def list_table(title, head, rows):
    lines = [f".. list-table:: {title}", "   :header-rows: 1", "   :width: 100%"]
    lines += ["   :class: measured", ""]
    for row in [head, *rows]:
        cells = [cell or "\\ " for cell in row]
        lines.append("   * - " + "\n     - ".join(cells))
    return "\n".join(lines) + "\n"
