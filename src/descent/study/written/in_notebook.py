"""Rubric and model answer under the cell in which an answer was submitted."""

from __future__ import annotations

from typing import Any

from descent.shell import in_notebook
from descent.study.catalog import Chapter
from descent.study.store import ProgressStore
from descent.study.written.drafts import assess, find_written, submit

EMPTY = (
    "Nothing is written yet. Write between the quotes and run the cell; then you see what a good "
    "answer contains."
)
SUBMITTED = "Kept. Now compare: which of these does your answer contain?"


def write(chapter: Chapter, name: str, text: str, store: ProgressStore) -> None:
    """Keep an answer and show what a good one contains; an empty one is told so.

    Parameters
    ----------
    chapter, name
        The written exercise.
    text
        The answer.
    """
    written = find_written(chapter, name)
    draft = submit(chapter, name, text, store)
    if draft is None:
        print(EMPTY)
    elif in_notebook():
        _show_rubric(chapter, name, draft.met or (), store)
    else:
        points = "".join(f"\n  ☐ {point}" for point in written.rubric)
        print(f"{SUBMITTED}{points}\n\nA model answer: {written.answer}")


def _show_rubric(chapter: Chapter, name: str, met: tuple[int, ...], store: ProgressStore) -> None:
    import ipywidgets
    from IPython.display import Markdown, display

    written = find_written(chapter, name)
    boxes = [
        ipywidgets.Checkbox(value=place in met, indent=False, description="")
        for place in range(len(written.rubric))
    ]

    def keep(change: Any) -> None:
        assess(chapter, name, [place for place, box in enumerate(boxes) if box.value], store)

    rows = []
    for box, point in zip(boxes, written.rubric, strict=True):
        box.layout.width = "2em"
        box.observe(keep, names="value")
        words = ipywidgets.Output()
        words.append_display_data(Markdown(point))
        rows.append(ipywidgets.HBox([box, words]))
    display(Markdown(SUBMITTED), ipywidgets.VBox(rows))
    display(
        Markdown(f"<details><summary>A model answer</summary>\n\n{written.answer}\n\n</details>")
    )
