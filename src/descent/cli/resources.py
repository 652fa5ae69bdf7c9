"""The command that finds something to read, to watch or to use."""

from __future__ import annotations

from typing import Annotated

import typer

from descent.cli.app import WAY, app


@app.command(rich_help_panel=WAY)
def resources(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Words to look for, in any field.", show_default=False),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="book, course, lecture, paper, post, video, tool, site or data."),
    ] = None,
    level: Annotated[str | None, typer.Option(help="from-zero, basics or advanced.")] = None,
    hours: Annotated[float | None, typer.Option(help="The most it may take.")] = None,
    chapter: Annotated[
        str | None, typer.Option(help="Where it enters the course: 3, R3, ladder/03.")
    ] = None,
) -> None:
    """Find a book, a course, a talk or a tool: what it is good for, and what to skip in it."""
    from descent.study.resources import course_library, find_resources
    from descent.study.resources.printing import as_text

    library = course_library()
    found = find_resources(library, " ".join(words or []), kind, level, hours, chapter)
    for resource in found:
        print(as_text(resource, library) + "\n")
    print(f"{len(found)} of {len(library.resources)} resources.")
    if not found:
        print("Nothing answers to all of that. Ask for less; the book has a page of them all.")
