"""What several exercises of ladder/word_mlp draw from and compare with."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descent.grading import Draw

UNKNOWN = "<unk>"


WORDS = ("the", "king", "is", "dead", "long", "live", "and", ",", ".", "!", "queen", "o", "my")


def sentence(draw: Draw, length: int, words: tuple[str, ...] = WORDS) -> list[str]:
    """Random words, the early ones far more frequent."""
    return [words[int(len(words) * draw.rng.uniform() ** 2)] for _ in range(length)]


def drawn_ids(draw: Draw, length: int, size: int) -> Tensor:
    return torch.tensor(draw.integers(0, size, length), dtype=torch.int64)


def ranked_words(tokens: list[str]) -> list[str]:
    """Words by falling frequency, ties in alphabetical order, by repeated search."""
    left, ranked = sorted(set(tokens)), []
    while left:
        best = left[0]
        for word in left:
            if tokens.count(word) > tokens.count(best):
                best = word
        ranked.append(best)
        left.remove(best)
    return ranked


def numbering(tokens: list[str], size: int) -> dict[str, int]:
    ranked = ranked_words(tokens)[: max(size - 1, 0)]
    return {UNKNOWN: 0} | {word: place + 1 for place, word in enumerate(ranked)}


def numbered_words(ranked: list[str], size: int) -> dict[str, int]:
    return {word: i for i, word in enumerate([UNKNOWN, *ranked[: max(size - 1, 0)]])}


def frequent(tokens: list[str]) -> list[str]:
    counts = Counter(tokens)
    return sorted(counts, key=lambda word: (-counts[word], word))


class Table(nn.Module):
    """A bigram model: logits of the next word looked up by the last word of the context.

    It notes the size of every batch, its mode, and whether gradients were recorded.
    """

    def __init__(self, logits: Any, drops: bool = False) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(np.asarray(logits), dtype=torch.float64))
        self.drops = drops
        self.batches: list[int] = []
        self.modes: set[bool] = set()
        self.recorded: set[bool] = set()
        self.shown: list[int] = []

    def forward(self, contexts: Tensor) -> Tensor:
        self.batches.append(len(contexts))
        self.modes.add(self.training)
        self.recorded.add(torch.is_grad_enabled())
        if self.training:
            self.shown += contexts[:, 0].tolist()
        rows = self.logits[contexts[:, -1]]
        return rows * 0.5 if self.drops and self.training else rows

    def __repr__(self) -> str:
        return f"a small model of {len(self.logits)} words"


def log_softmax_of(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
