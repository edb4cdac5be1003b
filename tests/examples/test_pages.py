"""The pages: one order of sections, snippets that run, and an overview that tells the truth."""

import json
import re
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page.stem for page in (DOCS / "algorithms").glob("*.rst") if page.stem != "index")
ORDER = (
    *("Example", "How it is parallelised", "What it costs", "Limits", "From scikit-learn"),
    *("SageMaker's names", "From other libraries", "Measured", "References"),
)
OPTIONAL = {"From scikit-learn", "From other libraries"}

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the documentation is not here")


@pytest.mark.parametrize("name", PAGES)
def test_the_sections_of_a_page_are_in_one_order(name):
    text = (DOCS / "algorithms" / f"{name}.rst").read_text()
    found = [title for title in re.findall(r"^(.+)\n-{4,}$", text, re.M) if title in ORDER]
    assert found == [title for title in ORDER if title in found or title not in OPTIONAL]
    assert f".. include:: ../_tables/{name}.rst" in text
    assert "../gallery/plot_" in text


def test_the_snippets_of_the_readme_run(capsys):
    names = {}
    for snippet in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        exec(compile(snippet, "README.md", "exec"), names)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("0.6") and said[-1] == "(20, 2, 24)"


# What the snippets without prompts, which are no doctests, take from the text before them.
BEFORE = {
    "algorithms/deepar": """
        import numpy as np, pandas as pd
        from algos.deepar import panel_from_long
        days = pd.date_range("2026-01-01", periods=5)
        frame = pd.DataFrame({"store": np.repeat(["a", "b"], 5), "date": [*days, *days],
            "sales": range(10), "region": np.repeat(["n", "s"], 5), "price": 1.5})""",
    "callbacks": """
        import numpy as np
        from algos import KMeans
        X = np.random.default_rng(0).normal(size=(100, 3))""",
    "from_sagemaker": """
        import sys
        from types import SimpleNamespace as Of
        import numpy as np
        path = "rows.pbr"
        open(path, "wb").close()
        row = Of(values=[1.5, 2.0], keys=[3, 0], shape=[5])
        record = Of(features={"values": Of(float32_tensor=row)},
            label={"values": Of(float32_tensor=Of(values=[1.0]))})
        reader = Of(read_records=lambda file: [record, record])  # in the place of SageMaker's
        for name in ("sagemaker", "sagemaker.amazon", "sagemaker.amazon.common"):
            monkeypatch.setitem(sys.modules, name, reader)""",
    "persistence": """
        import numpy as np
        from algos import KMeans
        model = KMeans(n_clusters=2).fit(np.random.default_rng(0).normal(size=(100, 3)))""",
}
AFTER = {
    "from_sagemaker": """
        assert X.dtype == np.float32
        assert X.toarray().tolist() == [[2.0, 0, 0, 1.5, 0]] * 2""",
}
NEEDED = {"callbacks": ("rich", "sklearn.callback"), "persistence": ("skops", "onnxruntime")}


def plain_snippets(text):
    """Return the snippets of Python on a page that are no doctests."""
    blocks = re.findall(r"^( *)\.\. code-block:: python\n\n((?:\1 +.*\n|\n)+)", text, re.M)
    return [dedent(block) for _, block in blocks if ">>>" not in block]


def test_plain_snippets_are_on_the_pages_whose_snippets_are_run():
    with_some = [
        str(page.relative_to(DOCS).with_suffix(""))
        for page in DOCS.rglob("*.rst")
        if not {"gallery", "_build"} & set(page.parts) and plain_snippets(page.read_text())
    ]
    assert sorted(with_some) == sorted(BEFORE)


@pytest.mark.parametrize("name", BEFORE)
def test_the_plain_snippets_of_a_page_run(name, tmp_path, monkeypatch):
    for package in ("pandas", *NEEDED.get(name, ())):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)  # some write files
    names = {"monkeypatch": monkeypatch}
    exec(dedent(BEFORE[name]), names)
    for snippet in plain_snippets((DOCS / f"{name}.rst").read_text()):
        exec(compile(snippet, name, "exec"), names)
    exec(dedent(AFTER.get(name, "")), names)


def test_every_example_has_a_place_and_a_description():
    examples = {page.stem for page in (DOCS / "examples").glob("plot_*.py")}
    order = (DOCS / "gallery_order.py").read_text()
    conf = (DOCS / "conf.py").read_text()
    assert all(f'"{name.removeprefix("plot_")}"' in order for name in examples)
    assert all(f'"gallery/{name}"' in conf for name in examples)


@pytest.fixture
def overview(monkeypatch):
    """The module that makes one line of each row of the benchmarks."""
    if not (ROOT / "benchmarks").exists():
        pytest.skip("the benchmarks are not here")
    monkeypatch.setattr(sys, "path", [str(DOCS), str(ROOT), *sys.path])
    return pytest.importorskip("benchmark_overview")


def measured(workload, ours, theirs, **quality):
    """Results of one row: seconds of both, and what they reached."""
    answers = {
        name: {
            "wall": wall,
            "converged": True,
            "quality": {key: both[number] for key, both in quality.items()},
        }
        for number, (name, wall) in enumerate((("algos", ours), ("sklearn", theirs)))
    }
    entry = {"workload": workload, "caption": workload, "threads": 1, "peers": answers}
    return {"kmeans": {"measurements": [entry]}}


def test_a_slower_row_is_told_in_bold_and_counted(overview):
    text = overview.overview(measured("fit-a", ours=2.0, theirs=1.0))
    assert "**scikit-learn 0.50**" in text
    assert "Of 1 times beside another library ours are the longer ones in 1" in text


def test_a_faster_row_is_told_plainly(overview):
    text = overview.overview(measured("fit-a", ours=1.0, theirs=3.0))
    assert "scikit-learn 3.00" in text and "**" not in text


@pytest.mark.parametrize("measure, ours, theirs", [("wQL", 0.2, 0.1), ("AP", 0.1, 0.2)])
def test_what_reaches_more_is_told_in_bold(overview, measure, ours, theirs):
    results = measured("value-x", 1.0, 2.0, **{measure: (ours, theirs)})
    text = overview.overview(results)
    assert f"**{theirs}**" in text and "another reaches more in 1" in text
    turned = overview.overview(measured("value-x", 1.0, 2.0, **{measure: (theirs, ours)}))
    assert f"**{ours}**" not in turned and "another reaches more in 0" in turned


def test_every_row_beside_another_library_is_on_the_page(overview):
    for file in (ROOT / "benchmarks" / "results").rglob("*.json"):
        result = json.loads(file.read_text())
        if result["algorithm"] not in overview.NAMES:
            continue
        beside_others = set()
        for entry in result["measurements"]:
            answers = {k: v for k, v in entry["peers"].items() if "failure" not in v}
            if "algos" in answers and any(map(overview.is_other, answers)):
                beside_others.add(entry["workload"])
        assert len(overview.algorithm_lines(result)) == len(beside_others)
