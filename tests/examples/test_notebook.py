"""The notebook of streamed digits: its code runs, and is that of the example beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "plot_streamed_digits.py"

pytestmark = pytest.mark.skipif(not EXAMPLE.exists(), reason="the documentation is not here")


def cells_of(kind):
    cells = json.loads(EXAMPLE.with_suffix(".ipynb").read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def code_cells():
    return cells_of("code")


def test_the_notebook_has_the_code_of_the_example():
    text = EXAMPLE.read_text()
    assert all("".join(cell["source"]).strip() in text for cell in code_cells())


def test_the_notebook_was_run_without_errors():
    kinds = [output["output_type"] for cell in code_cells() for output in cell["outputs"]]
    assert "stream" in kinds and "display_data" in kinds and "error" not in kinds


def test_the_texts_of_the_notebook_have_no_markup_of_the_pages():
    texts = ["".join(cell["source"]) for cell in cells_of("markdown")]
    assert texts and not any(":`" in text or "``" in text for text in texts)


def test_two_processes_give_the_labels_of_the_pipeline():
    pytest.importorskip("matplotlib")
    code = "\n".join("".join(cell["source"]) for cell in code_cells())
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "labels are those of the pipeline" in run.stdout
