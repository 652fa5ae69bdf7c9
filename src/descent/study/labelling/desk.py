"""The tool in a notebook: one text at a time, buttons and keys, and how many are left.

Everything it shows is read from the file of judgements, so a kernel that ends takes nothing with it
and the tool goes on where it stopped. Nothing waits for the learner: the cell ends at once. Where
no widget can be shown, as on a page of the book, there stands a text that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from descent.errors import CourseError
from descent.shell import in_notebook
from descent.study.labelling.judgements import Judgements

POSITIVE, NEUTRAL, NEGATIVE = 1.0, 0.5, 0.0
"""Soft labels: 0.5 is as far from either."""

BUTTONS: dict[str, tuple[str, float | None]] = {
    "positive": ("p", POSITIVE),
    "neutral": ("u", NEUTRAL),
    "negative": ("n", NEGATIVE),
    "skip": ("s", None),
}
"""What each button says, its key, and the judgement it gives."""

UNDO = "z"
"""The key that takes the last judgement back."""


class Desk:
    """The texts of a set, and what is pressed to judge them.

    Parameters
    ----------
    texts : dict
        Texts by the item that a judgement names, in the order in which they are shown.
    judgements : Judgements
        Where each judgement goes at once.
    done : str
        What is said when none is left.
    skips : bool
        Whether a text may be passed over.
    """

    def __init__(
        self, texts: Mapping[str, str], judgements: Judgements, done: str, skips: bool = True
    ) -> None:
        import ipywidgets as widgets

        self.texts, self.judgements, self.done = dict(texts), judgements, done
        self.acts = {name: act for name, act in BUTTONS.items() if skips or act[1] is not None}
        self.item: str | None = None
        self.sample, self.words = widgets.HTML(), widgets.HTML()
        self.bar = widgets.IntProgress(min=0, max=max(1, len(self.texts)))
        self.buttons = {
            name: widgets.Button(description=f"{name} ({key})", tooltip=f"key {key}")
            for name, (key, _) in self.acts.items()
        }
        for name, (_, value) in self.acts.items():
            self.buttons[name].on_click(lambda _, value=value: self._do_give(value))
        self.undo = widgets.Button(description=f"undo ({UNDO})", tooltip=f"key {UNDO}")
        self.undo.on_click(lambda _: self._do(self._take_back))
        # A field that takes letters is what every keyboard, phone and screen reader can use.
        self.keys = widgets.Text(placeholder="click here, then press the keys",
                                 description="Keys", continuous_update=True)  # fmt: skip
        self.keys.observe(self._typed, names="value")
        row = widgets.HBox([*self.buttons.values(), self.undo], layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([self.sample, row, self.keys, self.bar, self.words])
        self.draw()

    def draw(self) -> None:
        """Show the next text, and how many are done."""
        judged = self.judgements.now()
        self.item = next((item for item in self.texts if item not in judged), None)
        done = sum(item in judged for item in self.texts)
        shown = self.done if self.item is None else self.texts[self.item]
        self.sample.value = (
            f'<pre aria-live="polite" style="white-space: pre-wrap; padding: 0.6em; border: 1px '
            f'solid var(--jp-border-color1, gray)">{escape(shown)}</pre>'
        )
        self.bar.value = done
        self.words.value = f"{done} of {len(self.texts)} done"
        for button in self.buttons.values():
            button.disabled = self.item is None
        self.undo.disabled = not judged

    def _do_give(self, value: float | None) -> None:
        item = self.item  # the one that was shown when the button was pressed
        self._do(lambda: None if item is None else self.judgements.give(item, value))

    def _take_back(self) -> None:
        self.judgements.undo()

    def _typed(self, change: Any) -> None:
        """Act on one new letter. What was typed ahead is about texts that nobody has seen."""
        before, now = change["old"], change["new"]
        new = now[len(before) :] if now.startswith(before) else ""
        if len(new) > 1:
            self._say(f"{new!r} was typed ahead of the texts, and does not count: key by key.")
            return
        key = new.lower()
        values = dict(self.acts.values())
        if key in values:
            self._do_give(values[key])
        elif key == UNDO:
            self._do(self._take_back)

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
            self.draw()
        except CourseError as error:  # the text stays, to be judged again
            self._say(str(error))

    def _say(self, trouble: str) -> None:
        self.words.value = f"<b>{escape(trouble)}</b>"


def show_desk(desk_of: Callable[[], Desk], text: str) -> None:
    """Show a desk in a notebook, and where no widget can be shown the text.

    Parameters
    ----------
    desk_of : callable
        Makes the desk.
    text : str
        What stands there without widgets.
    """
    if not in_notebook():
        print(text)
        return
    from IPython.display import display

    display({**desk_of().box._repr_mimebundle_(), "text/plain": text}, raw=True)
