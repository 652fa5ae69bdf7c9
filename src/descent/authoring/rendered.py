"""Short markdown as HTML: questions, answers and asides that stand inside a page's own HTML.

A page's prose is rendered by the book. What sits in an attribute, a summary or the data that a page
reads without a kernel has to arrive rendered. Formulas keep the form that the book's MathJax looks
for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin


def html(text: str) -> str:
    """Return markdown as HTML, on one line; a single paragraph comes without its ``<p>``.

    Parameters
    ----------
    text
        Markdown with ``$formulas$``; raw HTML in it is shown as text.
    """
    rendered = _markdown().render(text.strip()).strip()
    if rendered.count("<p>") == 1 and rendered.startswith("<p>") and rendered.endswith("</p>"):
        rendered = rendered.removeprefix("<p>").removesuffix("</p>")
    return rendered.replace("\n", " ")


@functools.cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).use(dollarmath_plugin, double_inline=True)
    markdown.add_render_rule("math_inline", _in_line)
    for kind in ("math_inline_double", "math_block"):
        markdown.add_render_rule(kind, _displayed)
    return markdown


def _in_line(
    renderer: object, tokens: Sequence[Token], index: int, options: object, env: object
) -> str:
    formula = escape(tokens[index].content.strip())
    return f'<span class="math notranslate nohighlight">\\({formula}\\)</span>'


def _displayed(
    renderer: object, tokens: Sequence[Token], index: int, options: object, env: object
) -> str:
    formula = escape(tokens[index].content.strip())
    return f'<span class="math notranslate nohighlight">\\[{formula}\\]</span>'
