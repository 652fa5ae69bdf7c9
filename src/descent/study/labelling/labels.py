"""A person's labels and the lexicon's: given by hand, read back, and never mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from descent.data.sentiment import soft_labels
from descent.errors import CourseError
from descent.study.labelling.desk import Desk, show_desk
from descent.study.labelling.judgements import Judgements

KIND = "texts"


class Labels(NamedTuple):
    """Texts with soft labels; those that a person labelled come first.

    Attributes
    ----------
    texts : list of str
    soft : ndarray
        (n,), from 0, negative, to 1, positive; 0.5 is neutral.
    by_person : ndarray
        (n,) booleans: whether a person gave the label, or the lexicon did.
    """

    texts: list[str]
    soft: NDArray[np.float64]
    by_person: NDArray[np.bool_]


def label_samples(texts: Sequence[str], name: str = "sentiment") -> None:
    """Show a tool to label texts with: positive, neutral, negative, skip, undo.

    Each label is kept at once, in the learner's home folder. Run the cell again, today or next
    week, and it goes on where it stopped.

    Parameters
    ----------
    texts : sequence of str
        What is to be labelled. A text that is there twice is shown once.
    name : str
        The set that the labels go to.

    Raises
    ------
    CourseError
        When the name is none, or the texts are not a list of texts.
    """
    kept = Judgements(name, KIND)
    samples = _once(texts)
    judged = sum(text in kept.now() for text in samples)
    told = (
        f"Here stands a tool to label {len(samples)} texts by hand (positive, neutral, negative); "
        f"{judged} are labelled. It needs a notebook with a kernel: open this chapter in "
        "JupyterLab. Until then the lexicon's labels stand in, and no person gave those."
    )
    done = "All are labelled. Labels are kept; `labels` returns them."
    show_desk(lambda: Desk({text: text for text in samples}, kept, done), told)


def labels(texts: Sequence[str] = (), name: str = "sentiment", say: bool = True) -> Labels:
    """Return the labels of a set, those given by hand first, and the lexicon's for other texts.

    Parameters
    ----------
    texts : sequence of str
        Texts that need a label: where no person labelled one, the lexicon does. One that was
        skipped by hand is left out.
    name : str
        The set that labels were given in; all its labels are returned, of whatever texts.
    say : bool
        Whether to print how many there are of each.

    Returns
    -------
    Labels

    Raises
    ------
    CourseError
        When the name is none, or the texts are not a list of texts.
    """
    judged = Judgements(name, KIND).now()
    by_hand = {text: value for text, value in judged.items() if value is not None}
    others = [text for text in _once(texts) if text not in judged]
    automatic = soft_labels(others) if others else np.zeros(0)
    soft = np.concatenate([np.array(list(by_hand.values()), dtype=np.float64), automatic])
    by_person = np.arange(len(soft)) < len(by_hand)
    if say:
        print(
            f"{len(by_hand)} labels by a person, {len(others)} by the lexicon; "
            f"{len(judged) - len(by_hand)} skipped."
        )
    return Labels([*by_hand, *others], soft, by_person)


def _once(texts: Sequence[str]) -> list[str]:
    """Return each text once, in order."""
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise CourseError("Texts are given as a list: [text] for a single one.")
    return list(dict.fromkeys(texts))
