"""Following a run in a notebook's cell."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from descent.runs.folder import RunFolder
from descent.runs.folder.states import FAILED, UNDER_WAY
from descent.runs.watching.look import Look, closing_words, follow, look_at


def watch_in_notebook(folder: RunFolder) -> None:
    """Show a progress bar, the loss curve and the log in the cell until the run has ended.

    The trainings of a sweep make up no curve: of one the picture is in its report.
    Interrupting the cell ends the watching, not the run.
    """
    from IPython.display import HTML, display

    from descent.figures import LivePlot

    handle = display(HTML(""), display_id=True)
    plot: AbstractContextManager[Any] = nullcontext()
    if not folder.run().sweep:
        plot = LivePlot("step", f"loss ({folder.run().loss_in})", every=1.0)
    drawn = 0
    try:
        with plot as live:
            for look in follow(folder):
                handle.update(HTML(_as_html(folder, look)))
                for line in look.lines[drawn:] if live else []:
                    losses = {name: value for name, value in line.items() if name.endswith("loss")}
                    live.update(line["step"], **losses)
                drawn = len(look.lines)
    except KeyboardInterrupt:
        print(f"{folder.id} goes on. To stop it: descent runs stop {folder.id}")
        return
    print(closing_words(folder, look_at(folder)))


def _as_html(folder: RunFolder, look: Look) -> str:
    from html import escape

    done = 100 * look.step / max(1, look.steps)
    colour = "#D55E00" if look.state == FAILED else "#0072B2"
    name = escape(f"{folder.id}: {look.state}, {look.progress}")
    log = escape("\n".join(look.log if look.state in (*UNDER_WAY, FAILED) else []))
    return (
        f'<div role="progressbar" aria-valuenow="{done:.0f}" aria-label="{name}"'
        ' style="background:#E5E7EB;border-radius:4px;max-width:40em">'
        f'<div style="width:{done:.1f}%;background:{colour};height:0.8em;border-radius:4px">'
        f"</div></div><div>{name}</div><div>{escape(look.words)}</div>"
        f'<pre style="font-size:85%;max-height:12em;overflow:auto">{log}</pre>'
    )
