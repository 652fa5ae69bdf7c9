"""How `read_windows` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

read_windows = Exercise(
    "read_windows", minutes=20, difficulty=2, returns=tuple[torch.Tensor, torch.Tensor]
)


class _Shard:
    """A shard on disk, which notes which of its tokens were read."""

    def __init__(self, tokens: np.ndarray) -> None:
        self._tokens, self.read = tokens, np.zeros(len(tokens), dtype=np.bool_)
        self.dtype, self.shape, self.size, self.ndim = tokens.dtype, tokens.shape, tokens.size, 1

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, place: Any) -> Any:
        self.read[place] = True
        part = self._tokens[place]
        return part.copy() if isinstance(part, np.ndarray) else part

    def __deepcopy__(self, memo: dict[int, Any]) -> _Shard:
        return self  # the count is shared

    def __repr__(self) -> str:
        return f"uint16{self._tokens.tolist()}" if self.size < 12 else f"{self.size} tokens"


def _shards(draw: Draw, *lengths: int, low: int = 0, high: int = 32_768) -> list[_Shard]:
    """Shards of these lengths, with tokens from `low` to `high` − 1."""
    return [_Shard(draw.rng.integers(low, high, n).astype(np.uint16)) for n in lengths]


def _expect_windows(answer, shards: list[_Shard], starts: list[int], length: int) -> None:
    tokens = [int(token) for shard in shards for token in shard._tokens]
    inputs, targets = answer(shards, torch.tensor(starts), length)
    rows = [tokens[start : start + length + 1] for start in starts]
    expect(inputs, "the inputs").close_to([row[:-1] for row in rows], rtol=0, atol=0)
    expect(targets, "the targets").close_to([row[1:] for row in rows], rtol=0, atol=0)


@read_windows.property("gives windows and, one place later, their targets", trials=5)
def _(answer, draw: Draw) -> None:
    shards = _shards(draw, draw.size + 12)
    starts = sorted(draw.rng.choice(11, 1 + draw.size % 3, replace=False).tolist())
    _expect_windows(answer, shards, starts, draw.size)


@read_windows.property("takes the windows in the order of `starts`", trials=2)
def _(answer, draw: Draw) -> None:
    shards = _shards(draw, 20)
    first, second = draw.integers(7, 15), draw.integers(0, 7)
    _expect_windows(answer, shards, [first, second, first], 1 + draw.size)


@read_windows.property("finds positions in later shards", trials=3)
def _(answer, draw: Draw) -> None:
    length = 1 + draw.size
    shards = _shards(draw, 4, 2 + length, 3 + length)
    for start in (5, 4 + (2 + length) + 1):
        _expect_windows(answer, shards, [start], length)


@read_windows.property("finds a window that begins where a shard begins", trials=2)
def _(answer, draw: Draw) -> None:
    length = 1 + draw.size
    shards = _shards(draw, 3, 1 + length, 2 + length)
    for start in (3, 4 + length):
        _expect_windows(answer, shards, [start], length)


@read_windows.property("goes on in the next shard where one ends", trials=3)
def _(answer, draw: Draw) -> None:
    length = 2 + draw.size
    shards = _shards(draw, 1 + length, 3 + length)
    for start in (1, draw.integers(2, 1 + length), length):
        _expect_windows(answer, shards, [start], length)


@read_windows.property("runs over several short shards", trials=3)
def _(answer, draw: Draw) -> None:
    length = 3 + draw.size
    shards = _shards(draw, 3, 1, 2, length + 3)
    for start in (0, 2, 3):
        _expect_windows(answer, shards, [start], length)


@read_windows.property("reaches the last token of the last shard")
def _(answer, draw: Draw) -> None:
    shards = _shards(draw, 3, 4)
    for length in (1, 2, 6):
        _expect_windows(answer, shards, [7 - length - 1], length)


@read_windows.property("reads several windows from several shards at once", trials=2)
def _(answer, draw: Draw) -> None:
    shards = _shards(draw, 6, 8, 7)
    starts = [3, draw.integers(0, 12), 10, draw.integers(7, 15), 12]
    _expect_windows(answer, shards, starts, 5)


@read_windows.property("returns int64 tensors")
def _(answer, draw: Draw) -> None:
    inputs, targets = answer(_shards(draw, 5, 5), torch.tensor([0, 3]), 4)
    expect(inputs, "the inputs").has_dtype("int64")
    expect(targets, "the targets").has_dtype("int64")


@read_windows.property("keeps the tokens from 32 768 on", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_windows(answer, _shards(draw, 8, low=32_768, high=65_536), [0, 3], 4)


@read_windows.property("reads no more of the shards than the windows need", trials=1)
def _(answer, draw: Draw) -> None:
    shards, length = _shards(draw, 3000, 3000), 8
    starts = [10, 2996, 5000]
    _expect_windows(answer, shards, starts, length)
    read = np.concatenate([shard.read for shard in shards])
    for start in starts:
        read[start : start + length + 1] = False
    expect(int(read.sum()), "tokens read that are in none of the windows").equals(0)


@read_windows.right
def right_windows(shards, starts, length):
    rows = []
    for at in starts.tolist():
        wanted, parts = length + 1, []
        for shard in shards:
            if wanted and at < len(shard):
                part = np.asarray(shard[at : at + wanted])
                parts.append(part.astype(np.int64))
                wanted -= len(part)
                at = len(shard)
            at -= len(shard)
        rows.append(np.concatenate(parts))
    window = torch.from_numpy(np.stack(rows))
    return window[:, :-1], window[:, 1:]


read_windows.slip(
    "same_tokens",
    "Inputs and targets are the same tokens. Read length + 1 tokens: the targets are those from "
    "the second on.",
    {"window[:, :-1], window[:, 1:]": "window[:, :-1], window[:, :-1].clone()"},
)
read_windows.slip(
    "swapped",
    "You returned the targets first. The inputs are tokens 0 to length − 1 of a window, and the "
    "targets those one place later.",
    {"window[:, :-1], window[:, 1:]": "window[:, 1:], window[:, :-1]"},
)
read_windows.slip(
    "one_token_short",
    "You read `length` tokens for each window, so inputs and targets are one short. The last "
    "target is one more: read length + 1.",
    {"length + 1": "length"},
)
read_windows.slip(
    "left_as_uint16",
    "You left the tokens in 16 bits. uint16 is how they lie on disk; an embedding and a loss want "
    "int64.",
    {"part.astype(np.int64)": "part"},
)
read_windows.slip(
    "through_int16",
    "Tokens above 32 767 became negative: they went through int16. Convert from uint16 to int64 "
    "at once.",
    {"np.int64": "np.int16", "np.stack(rows)": "np.stack(rows).astype(np.int64)"},
)
read_windows.slip(
    "sorted_starts",
    "You sorted the positions, so the windows come in another order than `starts` has. Row i "
    "belongs to starts[i].",
    {"starts.tolist()": "sorted(starts.tolist())"},
)


@read_windows.mistake(
    "You read whole shards. They are gigabytes: slice each shard for what a window needs, and "
    "only then make an array of it."
)
def whole_shards(shards, starts, length):
    tokens = np.concatenate([np.asarray(shard[:]) for shard in shards]).astype(np.int64)
    window = torch.from_numpy(np.stack([tokens[at : at + length + 1] for at in starts.tolist()]))
    return window[:, :-1], window[:, 1:]


read_windows.slip(
    "reads_to_the_end",
    "You read each shard to its end and cut afterwards. Those are gigabytes: slice what you need "
    "at once, [a:b], not [a:].",
    {"np.asarray(shard[at : at + wanted])": "np.asarray(shard[at:])[:wanted]"},
)
read_windows.slip(
    "reads_too_far",
    "In each next shard you read length + 1 tokens again and cut afterwards. Read only what is "
    "still missing from the window.",
    {"shard[at : at + wanted])": "shard[at : at + length + 1])[:wanted]"},
)


def _at_place(shards, place: int) -> int:
    """The token at a position, or the last one of all."""
    for shard in shards[:-1]:
        if place < len(shard):
            return int(shard[place])
        place -= len(shard)
    return int(shards[-1][min(place, len(shards[-1]) - 1)])


def _from_places(shards, starts, length, moved) -> tuple[Tensor, Tensor]:
    """Windows of tokens whose positions are `moved(start, i)`."""
    window = torch.tensor(
        [[_at_place(shards, moved(at, i)) for i in range(length + 1)] for at in starts.tolist()]
    )
    return window[:, :-1], window[:, 1:]


@read_windows.mistake(
    "You looked in the first shard for every position. Count through the shards: take off the "
    "length of each one that lies before."
)
def first_shard_only(shards, starts, length):
    window = np.stack([shards[0][at : at + length + 1] for at in starts.tolist()])
    window = torch.from_numpy(window.astype(np.int64))
    return window[:, :-1], window[:, 1:]


@read_windows.mistake(
    "A position that equals the length of the shards before is the first token of the next shard. "
    "You take it to be in the one that ends there: compare with <, or side='right'."
)
def edge_belongs_before(shards, starts, length):
    edges = np.cumsum([len(shard) for shard in shards])
    return _from_places(shards, starts, length, lambda at, i: at + i - (at + i in edges))


@read_windows.mistake(
    "A window that ends in the next shard lost a token at the edge: the next shard is read from "
    "its token 0 on."
)
def skips_at_edge(shards, starts, length):
    edges = np.cumsum([len(shard) for shard in shards])

    def moved(at: int, i: int) -> int:
        own = int(np.searchsorted(edges, at, side="right"))
        return at + i if at + i < edges[own] else at + i + 1

    return _from_places(shards, starts, length, moved)


read_windows.slip(
    "stops_at_edge",
    "A window that meets the end of a shard stops there, so that windows differ in length. Go on "
    "in the next shard, from its first token.",
    {"wanted -= len(part)": "wanted = 0"},
)


@read_windows.mistake(
    "You moved a window back that would meet the end of its shard. It keeps its start, and goes on "
    "in the next shard."
)
def moved_back(shards, starts, length):
    rows = []
    for at in starts.tolist():
        own = 0
        while at >= len(shards[own]):
            at -= len(shards[own])
            own += 1
        at = max(0, min(at, len(shards[own]) - length - 1))
        rows.append(shards[own][at : at + length + 1].astype(np.int64))
    window = torch.from_numpy(np.stack(rows))
    return window[:, :-1], window[:, 1:]


@read_windows.mistake(
    "A window that meets the end of a shard begins again at the start of the same one. It goes on "
    "in the next."
)
def wraps_in_shard(shards, starts, length):
    edges = np.cumsum([0, *(len(shard) for shard in shards)])

    def moved(at: int, i: int) -> int:
        own = int(np.searchsorted(edges, at, side="right"))
        low, high = int(edges[own - 1]), int(edges[own])
        return low + (at + i - low) % (high - low)

    return _from_places(shards, starts, length, moved)


read_windows.slip(
    "two_shards_at_most",
    "You went on in one more shard only; a window may run over several short ones.",
    {"if wanted and at < len(shard)": "if len(parts) < 2 and wanted and at < len(shard)"},
)


read_windows.equivalent(
    "`if wanted and at < len(shard):` → `if wanted and at <= len(shard):`",
    because="at the very end of a shard nothing is read, and the position in the next one is 0",
)


read_windows.hint("Write a small function that reads `count` tokens from one position on.")
read_windows.hint(
    "Go through the shards: while the position lies behind this one, take its length off. Then "
    "slice, and go on at 0 in the next until you have enough."
)
read_windows.hint("`np.asarray(shard[at : at + wanted]).astype(np.int64)`", when="dtype")
read_windows.hint("What does a slice that runs past the end of a shard give?", when="error")
read_windows.hint("How many tokens does a window of `length` need?", when="shape")
