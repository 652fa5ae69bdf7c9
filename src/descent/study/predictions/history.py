"""All predictions of a learner: what was said, what came, and how far one's sureness is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from descent.study.catalog import Chapter
from descent.study.events import Event
from descent.study.header import Prediction
from descent.study.predictions.scoring import Standing, standing, was_right

GROUPS = ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0))
"""How sure: from the first number on, below the second; certain belongs to the last."""


@dataclass(frozen=True)
class Made:
    """A prediction that was made, or whose outcome was seen without one."""

    chapter: Chapter
    prediction: Prediction
    standing: Standing

    @property
    def right(self) -> bool | None:
        """Whether it was right; None where there is nothing to compare yet."""
        return was_right(self.prediction, self.standing)


@dataclass(frozen=True)
class Calibration:
    """How often predictions of one degree of sureness were right."""

    least: float
    most: float
    right: int
    made: int


def history(events: Iterable[Event], chapters: Iterable[Chapter]) -> list[Made]:
    """Return every prediction that has an event, in the order of the answers."""
    by_item: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.kind in ("predict", "outcome"):
            by_item.setdefault((event.chapter, event.exercise), []).append(event)
    found = [
        Made(chapter, prediction, standing(by_item[chapter.id, prediction.id]))
        for chapter in chapters
        for prediction in chapter.predictions
        if (chapter.id, prediction.id) in by_item
    ]
    return sorted(found, key=lambda made: made.standing.at or float("inf"))


def misses(events: Iterable[Event], chapters: Iterable[Chapter]) -> list[Made]:
    """Return the predictions that came otherwise than was said."""
    return [made for made in history(events, chapters) if made.right is False]


def calibration(made: Iterable[Made]) -> list[Calibration]:
    """Return, for each degree of sureness, how many were right of how many."""
    scored = [(one.standing.sure or 0.5, one.right) for one in made if one.right is not None]
    groups = []
    for least, most in GROUPS:
        inside = [
            right
            for sure, right in scored
            if least <= sure < most or (most == GROUPS[-1][1] and sure == most)
        ]
        groups.append(Calibration(least, most, sum(map(bool, inside)), len(inside)))
    return groups
