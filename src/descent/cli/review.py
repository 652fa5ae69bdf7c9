"""The command for recall: today's cards, one by one."""

from __future__ import annotations

from typing import Annotated

import typer

from descent.cli.app import REMEMBER, app


@app.command(rich_help_panel=REMEMBER)
def review(
    chapter: Annotated[
        str, typer.Argument(help="Only the cards of one chapter.", show_default=False)
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the cards; ask nothing.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Ask for all that is due, not a day's worth.")
    ] = False,
) -> None:
    """Answer the recall cards that are due. q leaves at any time; each answer is kept at once."""
    from descent.cli.chapters import chapter_named
    from descent.study.recall.in_terminal import (
        at_a_terminal,
        list_in_terminal,
        review_in_terminal,
    )
    from descent.study.recall.keyboard import single_keys
    from descent.study.recall.session import Session
    from descent.study.store import ProgressStore

    only = chapter_named(chapter).id if chapter else ""
    session = Session(ProgressStore(), only, whole_pile=everything)
    if list_ or not at_a_terminal():
        list_in_terminal(session)
    else:
        with single_keys() as read_key:
            review_in_terminal(session, read_key)
