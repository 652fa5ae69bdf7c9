"""A resource as the terminal shows it."""

from __future__ import annotations

import textwrap

from descent.study.resources.library import Library, Resource, hours_text
from descent.study.resources.search import chapter_name

WIDTH = 88  # characters of a line


def as_text(resource: Resource, library: Library) -> str:
    """Return a few lines: title and author, the facts, the address, then each in a paragraph."""
    facts = " · ".join(filter(None, [resource.kind, resource.level, hours_text(resource)]))
    paragraphs = [f"{resource.title}, {resource.author}", facts, *_address(resource)]
    paragraphs.append(f"Best for: {resource.best_for}.")
    if resource.skip:
        after = (
            f" (after {library.sources[resource.skip_from].title})" if resource.skip_from else ""
        )
        paragraphs.append(f"Skip: {resource.skip}{after}.")
    for key, said in resource.said.items():
        title = library.sources[key].title
        paragraphs.append(f"{title[0].upper()}{title[1:]}: {said}")
    if resource.chapters:
        names = ", ".join(chapter_name(chapter) for chapter in resource.chapters)
        paragraphs.append(f"Enters at: {names}.")
    return "\n".join([paragraphs[0], *(_indented(paragraph) for paragraph in paragraphs[1:])])


def _address(resource: Resource) -> list[str]:
    if resource.dead is None:
        lines = [resource.url]
    else:
        lines = [f"{resource.url} (gone on {resource.dead})", f"Archive: {resource.archive}"]
    return lines + ([resource.note] if resource.note else [])


def _indented(paragraph: str) -> str:
    return textwrap.fill(
        paragraph,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
