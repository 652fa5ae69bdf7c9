"""What the interactive figures share: one page of HTML, style and plain JavaScript each.

Such a figure needs neither a kernel nor a network: the same output works in JupyterLab and in the
book read from disk. ``NAME.js`` draws it and ``NAME.css``, where there is one, styles it.
``interactive.js`` sets it up and holds what several are made of (sliders, panels, messages),
``plot.js`` the canvas with axes, ``interactive.css`` the card, the parts and the colours.
"""

from __future__ import annotations

import hashlib
import html
import json
from importlib.resources import files
from typing import Any

FALLBACK = "This figure moves in the book, and in JupyterLab after its cell has been run."

_FOLDER = files("descent.figures")


class InteractiveFigure:
    """A self-contained piece of HTML that a notebook shows as a figure.

    Attributes
    ----------
    html : the markup, style and script together; the same bytes for the same content.
    description : what stands in for it where HTML cannot be shown.
    """

    def __init__(self, html: str, description: str) -> None:
        self.html = html
        self.description = description

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<interactive figure: {self.description}>"


def interactive_figure(
    name: str, description: str, problem: dict[str, Any], model: str | None = None
) -> InteractiveFigure:
    """Put a figure together from its script, its style and what it shows.

    Parameters
    ----------
    name : of its ``.js`` file in this folder, and of its ``.css`` file if it has one.
    description : what stands in for it where HTML cannot be shown.
    problem : what the script is given, as JSON.
    model : of a further ``.js`` file that computes and draws nothing, whose names the script gets
        beside those of ``interactive.js`` and ``plot.js``.

    Returns
    -------
    InteractiveFigure : its script sets up every copy of it on the page, each once.
    """
    own_style = _FOLDER.joinpath(f"{name}.css")
    style = _text("interactive.css") + (own_style.read_text("utf-8") if own_style.is_file() else "")
    shared, plot, own = (_text(f"{file}.js").rstrip() for file in ("interactive", "plot", name))
    if model is not None:
        own_model = _text(f"{model}.js").rstrip()
        plot = f"((tools) => ({{ ...{plot}(tools), ...{own_model}(tools) }}))"
    data = json.dumps(problem, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256((data + style + shared + plot + own).encode()).hexdigest()[:12]
    key = f"{name.replace('_', '-')}-{digest}"
    markup = (
        f'<div class="descent-figure descent-{name.replace("_", "-")}" data-figure="{key}" '
        f'data-problem="{html.escape(data, quote=True)}">\n'
        f"<style>\n{style}</style>\n"
        f'<p class="figure-fallback">{FALLBACK}</p>\n</div>\n'
        f'<script>\n{shared}("{key}",\n{plot},\n{own});\n</script>\n'
    )
    return InteractiveFigure(markup, description)


def _text(file: str) -> str:
    return _FOLDER.joinpath(file).read_text("utf-8")
