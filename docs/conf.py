"""Settings of the documentation."""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import benchmark_tables  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402

import algos  # noqa: E402

project = "algos"
author = "the algos developers"
version = release = algos.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "formulas",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_tables", "_templates", "examples", "gallery/*.ipynb"]
templates_path = ["_templates"]
default_role = "py:obj"
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

# Links into scikit-learn's documentation need the network.
if os.environ.get("ALGOS_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable/", None),
        "python": ("https://docs.python.org/3/", None),
        "sklearn": ("https://scikit-learn.org/stable/", None),
    }

sphinx_gallery_conf = {
    "within_subsection_order": "gallery_order.GalleryOrder",
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "abort_on_example_error": True,
    "capture_repr": (),
    "show_memory": False,
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "algos"
html_static_path = ["_static"]
html_css_files = ["algos.css"]
# Pages that have no others below them need no list of these.
html_sidebars = {
    name: []
    for name in (
        "benchmarks",
        "callbacks",
        "from_sagemaker",
        "from_scikit_learn",
        "install",
        "persistence",
        "threads",
    )
}
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
html_show_sourcelink = False

os.environ["ALGOS_DOCS_BUILD"] = "1"  # examples leave out what holds for one moment only
benchmark_tables.write_all(HERE.parent / "benchmarks" / "results", HERE / "_tables")


def skip_generated_methods(app, what, name, obj, skip, options):
    """scikit-learn makes set_*_request, whose text refers to its own pages."""
    return True if name.startswith("set_") and name.endswith("_request") else skip


TERM = re.compile(r"(\s*\*{0,2}\w+_\*{0,2})( : .*)?$")  # numpydoc's line of an attribute
DESCRIPTIONS = {
    "gallery/plot_all_seven": "Centres of ten groups of digits; fifteen strokes; the precision of "
    "candidates by their penalty; predicted ratings against true ones; anomaly scores that peak at "
    "leaps; and two days of forecasts with their range.",
    "gallery/plot_bars": "Three rows of ten pictures of five by five pixels: documents, where rows "
    "and columns overlap, and topics, each of which is one row or one column.",
    "gallery/plot_digits_pipeline": "Ten cluster centres drawn as handwritten digits; below them, "
    "the variance explained by each principal component, and the inertia by iteration.",
    "gallery/plot_directions": "Errors of variances against the offset of the columns: those of "
    "scikit-learn rise until no digit is right, ours stay below a hundred-thousandth; then rows of "
    "three groups along two directions, apart in ours.",
    "gallery/plot_hourly_forecasts": "The loss of the training falls over the epochs; then four "
    "hourly series with fans of forecasts over two days, most of what came within them.",
    "gallery/plot_more_than_memory": "How many gigabytes a second each class reads, from a "
    "twentieth to some ten.",
    "gallery/plot_movie_recommender": "Thirty films as points in a plane, named; films that "
    "the same users like lie near each other.",
    "gallery/plot_new_products": "Daily counts of three products with fans of forecasts, which "
    "rise on planned promotions; then fans of products without a past, around their true means.",
    "gallery/plot_number_of_clusters": "The inertia falls steeply up to seven clusters, which are "
    "marked, and hardly beyond; fits to all rows lie on the curve or little below.",
    "gallery/plot_portable_models": "The sizes of three files of one model.",
    "gallery/plot_precision_at_recall": "Precision rises and recall falls with the probability "
    "asked for, on the rows that chose the threshold and on others; the threshold is marked where "
    "the recall on the first rows is still nine tenths.",
    "gallery/plot_same_bits": "Centres of k-means on rows in two orders: each circle has its cross "
    "in ours, some have none in scikit-learn's.",
    "gallery/plot_streamed_digits": "Ten cluster centres drawn as handwritten digits.",
    "gallery/plot_taxi_anomalies": "A series of taxi rides, with few days shaded; below it its "
    "scores, which peak on these days, and the half hours that made each peak; then forecasts of "
    "two days, with ranges.",
    "gallery/plot_topics_of_texts": "Six topics with the bars of their eight heaviest words.",
    "gallery/plot_two_halves": "How far one half, and two merged halves, are from one stream of "
    "all rows, for seven classes: merged, the exact ones are at rounding.",
}
TAGS = re.compile(r"<script\b.*?</script>|<style\b.*?</style>|<[^>]*>", re.DOTALL)


def shield_fitted_names(app, what, name, obj, options, lines):
    """`n_iter_` in a type or a sentence is a name, where reStructuredText sees a link."""
    bare = re.compile(r"(``.*?``|`.*?`)|(?<!\w)(\w+_)(?!\w)")
    in_example = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith(">>>"):
            in_example = True
        elif not line.strip():
            in_example = False  # a blank line ends an example and its output
        if in_example:
            continue
        term = TERM.match(line)
        name, rest = (term[1], line[term.end(1) :]) if term else ("", line)
        lines[number] = name + bare.sub(lambda found: found[1] or f"``{found[2]}``", rest)


def unlink_inherited(app, what, name, obj, options, lines):
    """Methods that scikit-learn documents link to labels of its own pages."""
    if (getattr(obj, "__module__", None) or "").startswith("sklearn."):
        lines[:] = [re.sub(r":ref:`([^`<]*?)(?: <[^`]*>)?`", r"\1", line) for line in lines]


def describe_images(app, docname, source):
    """Put a description in the place of the gallery's joined titles."""
    if docname in DESCRIPTIONS:
        source[0] = re.sub(r":alt: .*", f":alt: {DESCRIPTIONS[docname]}", source[0])


def fail_on_backticks(app, error):
    """Markup that was taken for text shows as two backticks in a page."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = [
        str(file.relative_to(out))
        for file in sorted(out.rglob("*.html"))
        if "``" in TAGS.sub("", file.read_text(encoding="utf-8").partition("<body")[2])
    ]
    if pages:
        raise ExtensionError("literal double backticks in " + ", ".join(pages))


def setup(app):
    app.connect("autodoc-process-docstring", shield_fitted_names, priority=900)  # after numpydoc
    app.connect("autodoc-process-docstring", unlink_inherited)
    app.connect("autodoc-skip-member", skip_generated_methods)
    app.connect("source-read", describe_images)
    app.connect("build-finished", fail_on_backticks)
