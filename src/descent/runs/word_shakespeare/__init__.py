"""The run `word_shakespeare`: a decoder-only transformer that writes Shakespeare, word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.runs.definition.declaration import Needs, Run
from descent.runs.definition.language_models import SHAKESPEARE, LanguageModelSettings, needs_of
from descent.training.settings import WrongSetting

WORDS = 6890  # of tiny Shakespeare that are in the training text twice; the stand-in has fewer


@dataclass(frozen=True, kw_only=True)
class WordSettings(LanguageModelSettings):
    """Settings of the run, besides those of every language model.

    Attributes
    ----------
    least_count
        How often a word stands in the training text, at the least, to have a number of its own.
        All others are one unknown word, which with 2 or more the model has met in training.
    """

    LEAST: ClassVar = {"least_count": 1}

    least_count: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.context % 2 == 0:
            raise WrongSetting(
                f"context is {self.context}; it is an odd number. Words and what stands between "
                "them take turns: in windows of even length all words have even places, and the "
                "model would tell them by their place, in the training text alone."
            )


def needs(settings: WordSettings) -> Needs:
    """Estimate memory and disk: weights with their optimiser, and what the backward pass keeps."""
    return needs_of(settings, WORDS)


RUN = Run(
    name="word_shakespeare",
    title="A transformer that writes Shakespeare, word by word",
    chapter="research/1",
    settings=WordSettings,
    mine=("research/1", "Decoder"),
    needs=needs,
    data=SHAKESPEARE,
)
