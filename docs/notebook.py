"""Make the executed notebook of an example: `python docs/notebook.py docs/examples/plot_….py`.

Needs sphinx-gallery, nbclient and ipykernel. The notebook stands beside the example.
"""

import json
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
from sphinx_gallery.notebook import jupyter_notebook
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

ROLE = re.compile(r":[a-z:]+:`~?([^`<]+?)(?: <[^`]*>)?`")  # Sphinx's, such as :class:`algos.PCA`


def without_roles(text):
    """Return text in which a notebook shows as code what pages link or set as code."""
    return ROLE.sub(r"`\1`", text).replace("``", "`")


def notebook(example):
    """Return the executed notebook of an example."""
    blocks = split_code_and_text_blocks(example)[1]
    raw = jupyter_notebook(blocks, dict(DEFAULT_GALLERY_CONF), str(example.parent))
    made = nbformat.reads(json.dumps(raw), as_version=4)
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type == "code":
            cell.metadata.clear()
        else:
            cell.source = without_roles(cell.source).strip()
    made.nbformat_minor = 5
    NotebookClient(made, timeout=600, kernel_name="python3").execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # the moment of the run
    return made


if __name__ == "__main__":
    for name in sys.argv[1:]:
        example = Path(name)
        nbformat.write(notebook(example), example.with_suffix(".ipynb"))
