"""The parts of the course: their order, and how a chapter's number is shown in each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One part of the course.

    Attributes
    ----------
    name
        Its folder, such as ``reinforcement``.
    title
        What the pages call it.
    letters
        What stands before a chapter's number wherever the number is shown: ``RL`` makes ``RL4``.
        The ladder has none: its rungs are 1, 2, 3.
    word
        What prose calls one of its chapters: a *rung* 13, *Research* 3.
    """

    name: str
    title: str
    letters: str
    word: str

    def mark(self, number: int) -> str:
        """Return a chapter's number as it is shown beside its title: ``13``, ``R3``."""
        return f"{self.letters}{number}"

    def reference(self, number: int) -> str:
        """Return a chapter as prose calls it: ``rung 13``, ``Research 3``."""
        return f"{self.word} {number}"


PARTS = (
    Part("ladder", "The ladder", "", "rung"),
    Part("research", "Research chapters", "R", "Research"),
    Part("foundations", "Foundations", "F", "Foundations"),
    Part("encounter", "A first encounter", "E", "Encounter"),
    Part("reinforcement", "Reinforcement learning", "RL", "Reinforcement"),
    Part("capstone", "Capstones", "C", "Capstone"),
)
"""The parts in the order of the course."""


def find_part(name: str) -> Part:
    """Return the part of this name; one that the course does not know is called by its folder."""
    known = next((part for part in PARTS if part.name == name), None)
    if known is not None:
        return known
    title = name.replace("_", " ").capitalize()
    return Part(name, title, f"{title} ", title)


def part_order(name: str) -> tuple[int, str]:
    """Return the sort key of a part: the known ones in the order of the course, others by name."""
    names = [part.name for part in PARTS]
    return (names.index(name) if name in names else len(names)), name
