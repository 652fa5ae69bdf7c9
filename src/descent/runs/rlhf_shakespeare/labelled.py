"""Samples of the language model with their labels: what the reward model and DPO learn from."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from descent.data.sentiment import soft_labels
from descent.runs.rlhf_shakespeare import RlhfSettings
from descent.runs.rlhf_shakespeare.rollouts import Writer
from descent.runs.word_shakespeare.words import cut
from descent.study.labelling.labels import labels
from descent.training.randomness import generator


class Texts(NamedTuple):
    """Texts as the reward model reads them.

    Attributes
    ----------
    tokens : Tensor
        (n, longest), filled up at the end.
    lengths : Tensor
        (n,), how many of the tokens count.
    soft : Tensor
        (n,) labels, from 0 to 1; 0.5 is neutral.
    """

    tokens: Tensor
    lengths: Tensor
    soft: Tensor


class Labelled:
    """Labelled samples, parted into those to learn from and those to measure by.

    Parameters
    ----------
    settings : RlhfSettings
    writer : Writer
    tokens : Tensor
        (labelled, prompt + completion) samples of the language model.
    """

    def __init__(self, settings: RlhfSettings, writer: Writer, tokens: Tensor) -> None:
        self.settings, self.tokens = settings, tokens
        self.texts = writer.texts(tokens)
        found, soft, self.by_person = _labels(settings, self.texts)
        # The whole of a text may be longer than what the model reads: its beginning counts.
        read = [writer.words.read(cut(text))[: settings.context] or [0] for text in found]
        order = generator(settings.seed, len(read)).permutation(len(read))
        device = tokens.device
        every = Texts(
            pad_sequence([torch.tensor(row, device=device) for row in read], batch_first=True),
            torch.tensor([len(row) for row in read], device=device),
            torch.tensor(soft, dtype=torch.float32, device=device),
        )
        parts = torch.from_numpy(order).to(device).tensor_split([-settings.held_out])
        self.training, self.validation = (Texts(*(x[part] for x in every)) for part in parts)
        self._soft = dict(zip(found, soft, strict=True))

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Pair completions of one prompt, the one with the higher label first.

        Returns
        -------
        winners, losers : Tensor
            (pairs,) rows of `tokens`. Of each prompt the best is paired with the worst, the second
            with the second worst, and so on; equal labels make no pair, and what was skipped none.
        """
        winners, losers = [], []
        for first in range(0, len(self.texts), self.settings.group):
            rows = range(first, first + self.settings.group)
            known = [row for row in rows if self.texts[row] in self._soft]
            ranked = sorted(known, key=lambda row: self._soft[self.texts[row]])
            half = len(ranked) // 2
            for worse, better in zip(
                ranked[:half], reversed(ranked[len(ranked) - half :]), strict=True
            ):
                if self._soft[self.texts[worse]] < self._soft[self.texts[better]]:
                    winners.append(better)
                    losers.append(worse)
        device = self.tokens.device
        return torch.tensor(winners, device=device), torch.tensor(losers, device=device)


def _labels(settings: RlhfSettings, texts: list[str]) -> tuple[list[str], list[float], list[bool]]:
    """Return each text once, its label, and whether a person gave that."""
    if settings.labels == "lexicon":
        once = list(dict.fromkeys(texts))
        return once, soft_labels(once).tolist(), [False] * len(once)
    found = labels(texts, settings.labels)
    return found.texts, found.soft.tolist(), found.by_person.tolist()
