"""Tables of the documentation, drawn from benchmarks/results/."""

import json

import benchmark_overview

from benchmarks import report
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


def newest_of(results):
    """Return the newest results of each algorithm that has any in a folder."""
    files = {name: sorted(results.glob(f"{name}-*.json")) for name in ALGORITHMS}
    return {name: json.loads(found[-1].read_text()) for name, found in files.items() if found}


def write_changed(target, text):
    """Write a file, unless it says that already: Sphinx reads what is new again."""
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
    versions = ", ".join(f"{name} {number}" for name, number in versions_beside(result))
    return (
        f"Measured up to {result['date']}: {machine['processor']}, {machine['vectors']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, Python {machine['python']}, "
        f"{versions}; load before: {machine['load_before']:.2f}. "
        "*wall / ours* above 1 means that the peer takes longer.\n"
    )


def versions_beside(result):
    """Return names and versions of the packages that took part."""
    peers = {name.partition(":")[0] for entry in result["measurements"] for name in entry["peers"]}
    used = {"numpy", "scipy", *" ".join(PACKAGES.get(name, name) for name in peers).split()}
    return [(name, number) for name, number in result["versions"].items() if name in used]


def table(entry):
    head, rows = report.columns(entry["peers"])
    title = f"{entry['caption']}; {report.threads(entry['threads'])}"
    lines = [f".. list-table:: {title}", "   :header-rows: 1", "   :width: 100%"]
    lines += ["   :class: measured", ""]
    for row in [head, *rows]:
        cells = [cell or "\\ " for cell in row]
        lines.append("   * - " + "\n     - ".join(cells))
    notes = "".join(f"\n{note}\n" for note in report.notes(entry["peers"]))
    return "\n".join(lines) + "\n" + notes
