"""A recall card as a review sees it: known by chapter and id, whatever becomes of its words."""

from __future__ import annotations

from dataclasses import dataclass

from descent.study.events import PREDICTION

Key = tuple[str, str]
"""What a card's answers are kept under: the chapter's id and the card's id in it."""


@dataclass(frozen=True)
class ReviewCard:
    """One card.

    Attributes
    ----------
    chapter, item
        The chapter's id and the card's id in it. The words may change; the history stays.
    question, answer
        As Markdown.
    section
        The id of the section it belongs to; empty where it belongs to the chapter as a whole.
    transfer
        Whether it asks about a new case.
    met_at
        When the learner met it without answering it, in seconds since 1970 (UTC); None where they
        have not.
    """

    chapter: str
    item: str
    question: str
    answer: str
    section: str = ""
    transfer: bool = False
    met_at: float | None = None

    @property
    def key(self) -> Key:
        """What its answers are kept under."""
        return self.chapter, self.item


def missed_prediction(
    chapter: str, item: str, ask: str, said: str, was: str, because: str, met_at: float
) -> ReviewCard:
    """Make the card that a prediction becomes when it was missed.

    Parameters
    ----------
    chapter, item
        The chapter's id and the prediction's id in it.
    ask
        What was to be predicted.
    said, was
        What the learner said and what was measured, with their unit.
    because
        The declared reason.
    met_at
        When it was missed, in seconds since 1970 (UTC).

    Returns
    -------
    Card
        It asks for the reason. Its item is the prediction's, with ``PREDICTION`` before it.
    """
    question = f"{ask} You said {said}; it was {was}. Why?"
    return ReviewCard(chapter, f"{PREDICTION}{item}", question, because, met_at=met_at)
