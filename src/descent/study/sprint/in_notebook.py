"""The sprint in a notebook: the block under way, what comes, and five buttons."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from descent.errors import CourseError
from descent.shell import in_notebook
from descent.study.sprint import acting
from descent.study.sprint.chart import beside_the_source
from descent.study.sprint.in_words import weekend_words
from descent.study.sprint.plan import Plan, load_plan
from descent.study.store import ProgressStore
from descent.study.timing.in_notebook import keep_up
from descent.study.timing.timer import Heartbeat


def show_sprint() -> None:
    """Show the sprint: a timer in a notebook, some lines elsewhere.

    Raises
    ------
    PlanError
        When the plan cannot be read.
    """
    plan, store = load_plan(), ProgressStore()
    if not in_notebook():
        weekend = acting.weekend_now(plan, store)
        lines = weekend_words(weekend) if weekend else ["To begin the sprint: descent sprint begin"]
        print("\n".join(lines))
        return
    from IPython.display import display

    timer = SprintTimer(plan, store)
    timer.keep_up()
    display(timer.box)


class SprintTimer:
    """The buttons and what they act on; everything shown is read from the record.

    Parameters
    ----------
    plan
        The plan.
    store
        The record.
    """

    def __init__(self, plan: Plan, store: ProgressStore) -> None:
        import ipywidgets as widgets

        self.plan, self.store = plan, store
        self.heartbeat = Heartbeat(store)
        self.words, self.chart = widgets.HTML(), widgets.HTML()
        acts: dict[str, tuple[str, Callable[[Plan, ProgressStore], Any]]] = {
            "Begin": ("play", acting.begin),
            "Next": ("step-forward", acting.next_block),
            "Break": ("coffee", acting.take_break),
            "Pause": ("pause", acting.pause),
            "Go on": ("play", acting.go_on),
            "Stop": ("stop", acting.stop),
        }
        self.buttons = {
            name: widgets.Button(description=name, icon=icon) for name, (icon, _) in acts.items()
        }
        for name, (_, act) in acts.items():
            self.buttons[name].on_click(lambda _, act=act: self._do(act))
        row = widgets.HBox(list(self.buttons.values()), layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([self.words, row, self.chart])
        self.draw()

    def keep_up(self) -> None:
        """Draw the minutes anew, and leave signs of life, until the sprint is shown again."""
        keep_up("sprint", self._tick)

    def draw(self, trouble: str = "") -> None:
        """Show how the sprint stands now, and what went wrong if something did."""
        weekend = acting.weekend_now(self.plan, self.store)
        lines = weekend_words(weekend) if weekend else [f"{self.plan.title}. Not begun yet."]
        first, *rest = [*lines, trouble] if trouble else lines
        shown = [f"<b>{escape(first)}</b>", *map(escape, rest)]
        self.words.value = "<br>".join(shown)
        is_on = weekend is not None and weekend.current is not None
        self.chart.value = "" if weekend is None or is_on else beside_the_source(weekend)
        self.buttons["Begin"].disabled = is_on
        for name in ("Next", "Break", "Pause", "Stop"):
            self.buttons[name].disabled = not is_on
        self.buttons["Go on"].disabled = weekend is None

    def _do(self, act: Callable[[Plan, ProgressStore], Any]) -> None:
        trouble = ""
        try:
            act(self.plan, self.store)
        except CourseError as error:
            trouble = str(error)
        self.draw(trouble)

    def _tick(self) -> None:
        weekend = acting.weekend_now(self.plan, self.store)
        self.heartbeat.beat(weekend.current if weekend else None)
        self.draw()
