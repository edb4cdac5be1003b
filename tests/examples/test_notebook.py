"""The notebooks: their code runs, and is that of the examples beside them."""

import json
import warnings
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SAYS = {  # what the notebook prints if all is well
    "plot_directions": "two streams merged",
    "plot_streamed_digits": "labels equal those of the pipeline",
    "plot_precision_at_recall": "<- chosen",
    "plot_taxi_anomalies": "score  grade",
    "plot_topics_of_texts": "topics  perplexity  coherence",
    "plot_hourly_forecasts": "within the 80 % range",
    "plot_movie_recommender": "dislikes:",
}

pytestmark = [
    pytest.mark.skipif(not EXAMPLES.exists(), reason="the documentation is not here"),
    pytest.mark.parametrize("name", SAYS),
]


def cells_of(name, kind):
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def test_the_notebook_has_the_code_of_the_example(name):
    text = (EXAMPLES / f"{name}.py").read_text()
    assert all("".join(cell["source"]).strip() in text for cell in cells_of(name, "code"))


def test_the_notebook_was_run_without_errors(name):
    outputs = [output for cell in cells_of(name, "code") for output in cell["outputs"]]
    kinds = [output["output_type"] for output in outputs]
    assert "stream" in kinds and "display_data" in kinds and "error" not in kinds


def test_the_texts_of_the_notebook_have_no_markup_of_the_pages(name):
    texts = ["".join(cell["source"]) for cell in cells_of(name, "markdown")]
    assert texts and not any(":`" in text or "``" in text for text in texts)


def test_the_code_of_the_notebook_runs(name, capsys):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib draws")
    matplotlib.use("agg")
    code = "\n".join("".join(cell["source"]) for cell in cells_of(name, "code"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # nothing is shown
        exec(compile(code, name, "exec"), {"__name__": "__main__"})
    matplotlib.pyplot.close("all")
    assert SAYS[name] in capsys.readouterr().out
