"""The command that shows what a learner predicted, and how it came."""

from __future__ import annotations

from descent.cli.app import REMEMBER, app


@app.command(rich_help_panel=REMEMBER)
def predictions() -> None:
    """Show your predictions: what you said, how sure you were, what came."""
    from datetime import datetime

    from rich.console import Console
    from rich.table import Table

    from descent.study.catalog import load_catalog
    from descent.study.predictions.answers import value_text
    from descent.study.predictions.commit import in_words
    from descent.study.predictions.history import calibration, history
    from descent.study.store import ProgressStore

    found = history(ProgressStore().events(), load_catalog())
    said = [made for made in found if made.standing.said is not None]
    if not said:
        print(
            "No prediction of yours counts yet: one does that was made before its outcome was "
            "seen. Every chapter asks for some before its experiments."
        )
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Day", "Chapter", "You said", "It was", ""):
        table.add_column(heading, overflow="fold")
    for made in said:
        stand = made.standing
        assert stand.said is not None and stand.at is not None
        table.add_row(
            datetime.fromtimestamp(stand.at).strftime("%d %b"),
            f"{made.chapter.reference}: {made.prediction.id}",
            in_words(made.prediction, stand.said, stand.sure),
            "" if stand.came is None else value_text(made.prediction, stand.came),
            {True: "✓", False: "✗", None: "…"}[made.right],
        )
    Console().print(table)
    for group in calibration(said):
        if group.made:
            print(
                f"{100 * group.least:.0f} to {100 * group.most:.0f} % sure: "
                f"right {group.right} of {group.made}"
            )
