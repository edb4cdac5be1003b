"""Formulas as MathML, which browsers draw by themselves: pages need neither network nor script."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

SPELLINGS = [  # of commands that docutils lacks
    (re.compile(r"\\dots(?![a-z])"), r"\\ldots"),
    (re.compile(r"\\(big|Big)(?![a-zA-Z])"), r"\\\1l"),
]


def mathml(formula, as_block):
    """Return the MathML of a formula."""
    for command, known in SPELLINGS:
        formula = command.sub(known, formula)
    return tex2mathml(formula, as_block=as_block)


def visit_inline(translator, node):
    translator.body.append(mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_block(translator, node):
    translator.body.append(f'<div class="math">{mathml(node.astext(), as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
