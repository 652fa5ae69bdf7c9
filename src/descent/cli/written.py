"""The command for exercises that are answered in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from descent.cli.app import REMEMBER, ChapterName, app
from descent.errors import CourseError

if TYPE_CHECKING:
    from descent.study.header import Written
    from descent.study.written.drafts import AsksInWriting


@app.command(rich_help_panel=REMEMBER)
def write(
    chapter: ChapterName,
    exercise: Annotated[
        str, typer.Argument(help="Which one; without it, they are listed.", show_default=False)
    ] = "",
) -> None:
    """Answer a question in sentences, then compare with what a good answer contains."""
    from descent.cli.chapters import chapter_named
    from descent.study.written.drafts import find_written

    found = chapter_named(chapter)
    if exercise:
        answer_in_terminal(found, find_written(found, exercise))
    else:
        list_written(found)


def list_written(chapter: AsksInWriting) -> None:
    """Print the exercises of a chapter that are answered in sentences, and what was written."""
    from descent.study.recall.readable import readable
    from descent.study.store import ProgressStore
    from descent.study.written.drafts import drafts

    if not chapter.written:
        print(f"{chapter.heading} has no written exercise.")
    events = ProgressStore().events(chapter.id)
    for written in chapter.written:
        versions = len(drafts(events, chapter.id, written.id))
        state = f"written, {versions} version{'s' * (versions != 1)}" if versions else "not yet"
        print(f"{written.id} ({state}): {readable(written.ask)}")


def answer_in_terminal(chapter: AsksInWriting, written: Written) -> None:
    """Let an answer be written, keep it, and compare it with what a good one contains."""
    from descent.study.recall.readable import readable
    from descent.study.store import ProgressStore
    from descent.study.written.drafts import assess, drafts, submit

    store = ProgressStore()
    before = drafts(store.events(chapter.id), chapter.id, written.id)
    text = _edited(written, before[-1].text if before else "")
    if submit(chapter, written.id, text, store) is None:
        print("Nothing was written, and nothing is kept.")
        return
    if store.pending.in_memory:  # it ends with this command
        raise CourseError(f"Your answer could not be kept. Copy it from here:\n\n{text.strip()}")
    print("Kept. What a good answer contains:")
    asked = typer.get_text_stream("stdin").isatty()
    met = [
        place
        for place, point in enumerate(map(readable, written.rubric))
        if (typer.confirm(f"  Yours: {point}?", default=False) if asked else print(f"  - {point}"))
    ]
    if asked:
        assess(chapter, written.id, met, store)
    print(f"\nA model answer: {readable(written.answer)}")


def _edited(written: Written, before: str) -> str:
    """Let the learner write in their editor, or read what is piped in."""
    import click

    from descent.study.recall.readable import readable

    stream = typer.get_text_stream("stdin")
    if not stream.isatty():
        try:
            return str(stream.read())
        except UnicodeDecodeError as error:
            raise CourseError("What was piped in is no text in UTF-8. Nothing is kept.") from error
    mark = "# Your answer stands above this line. Save and close to submit it."
    try:
        text = click.edit(f"{before}\n\n{mark}\n# {readable(written.ask)}\n")
    except click.ClickException as error:
        raise CourseError(
            f"No editor could be opened ({error.message}). Set EDITOR, or pipe your answer in."
        ) from error
    return "" if text is None else text.partition(mark)[0]
