"""Render the server's own pages. jinja escapes every value that goes into a template."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

STATIC = Path(__file__).with_name("static")
TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, base_url: str, **values: Any) -> str:
    """Return a page.

    Parameters
    ----------
    template
        The file name of its template.
    base_url
        Where the server is, with a slash at its end.
    values
        What the template asks for.
    """

    def asset(name: str) -> str:
        return f"{base_url}descent/static/{name}?v={_version(name)}"

    return _environment().get_template(template).render(base_url=base_url, asset=asset, **values)


def render_message(title: str, text: str, base_url: str) -> str:
    """Return a page that says one thing, and leads back to JupyterLab."""
    return render("message.html", base_url, title=title, text=text)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def _version(name: str) -> str:
    """Return what changes with a file, so that browsers may keep it until it does."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
