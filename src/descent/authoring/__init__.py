"""From a chapter source to the learner's notebook, the book page and the lists of chapters.

A chapter is written once, as ``solutions/<part>/NN_slug.py``. :func:`build_chapters` makes from it

- ``notebooks/<part>/NN_slug.ipynb``: the learner's notebook, stubs and no outputs;
- ``solutions/<part>/NN_slug.ipynb``: the executed page of the book;

and from all headers together ``_toc.yml``, the map on the front page and the README's table.
:func:`stale_files` says which of these are out of date, without executing anything. A mistake of
the author's is an :class:`AuthoringError` of one line each, naming file and cell.

What happens where. To read: ``source`` reads the file, ``declared`` knows the exercises,
``validate`` finds the mistakes (``conventions`` those in the code that a learner sees,
``references`` those in links between chapters), ``prose`` the sentences and ``giveaways`` the hints
that tell all, ``limits`` counts what a chapter may not exceed and ``known_excesses`` keeps the list
of what does. To write: ``blanking`` asks nbgrader for the stubs, ``pages`` writes what both
notebooks share, ``learner`` and ``solution`` put them together, ``written`` gives checks and tables
of results their outputs, ``execute`` computes the others. From all chapters: ``terms`` finds what
each section teaches (``term_notes`` reads ``book/terms.yml``), ``listing`` writes the lists
(``contents`` the table of contents, ``course_data`` what pages without a kernel know,
``course_map`` the drawn map). ``freshness`` compares, ``build`` does all of it in order,
``chapter_audit`` grades the graders, ``new_chapter`` makes a chapter from ``templates``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descent.authoring.build import Built, build_chapters
    from descent.authoring.freshness import stale_files
    from descent.authoring.known_excesses import broken_limits
    from descent.authoring.new_chapter import make_chapter
    from descent.authoring.problems import AuthoringError

__all__ = [
    "AuthoringError",
    "Built",
    "broken_limits",
    "build_chapters",
    "make_chapter",
    "stale_files",
]

_HOMES = {
    "AuthoringError": "descent.authoring.problems",
    "Built": "descent.authoring.build",
    "broken_limits": "descent.authoring.known_excesses",
    "build_chapters": "descent.authoring.build",
    "make_chapter": "descent.authoring.new_chapter",
    "stale_files": "descent.authoring.freshness",
}


def __getattr__(name: str) -> Any:
    """Import on first use: nbgrader and jupytext take a second that most commands do not need."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'descent.authoring' has no attribute {name!r}")
