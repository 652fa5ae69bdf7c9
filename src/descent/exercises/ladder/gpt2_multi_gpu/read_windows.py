"""How `read_windows` is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

read_windows = Exercise("read_windows", minutes=20, difficulty=2)


class _Shard:
    """A shard on disk, which counts how many tokens were read from it."""

    def __init__(self, tokens: np.ndarray, count: list[int]) -> None:
        self._tokens, self._count = tokens, count
        self.dtype, self.shape, self.size, self.ndim = tokens.dtype, tokens.shape, tokens.size, 1

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, place: Any) -> Any:
        part = self._tokens[place]
        self._count[0] += int(np.size(part))
        return part.copy() if isinstance(part, np.ndarray) else part

    def __deepcopy__(self, memo: dict[int, Any]) -> _Shard:
        return self  # the count is shared

    def __repr__(self) -> str:
        return f"uint16{self._tokens.tolist()}" if self.size < 12 else f"{self.size} tokens"


def _shards(draw: Draw, *lengths: int) -> tuple[list[Any], list[int], list[int]]:
    """Shards of these lengths, their tokens one after another, and the count of what is read."""
    count = [0]
    parts = [draw.rng.integers(0, 50_257, n).astype(np.uint16) for n in lengths]
    return [_Shard(part, count) for part in parts], np.concatenate(parts).tolist(), count


def _expect_windows(found: Any, tokens: list[int], starts: Tensor, length: int) -> None:
    inputs, targets = found
    rows = [tokens[start : start + length + 1] for start in starts.tolist()]
    expect(inputs, "the inputs").close_to([row[:-1] for row in rows], rtol=0, atol=0)
    expect(targets, "the targets").close_to([row[1:] for row in rows], rtol=0, atol=0)


@read_windows.property("gives windows and, one place later, their targets", trials=5)
def _(answer, draw: Draw) -> None:
    length = draw.size
    shards, tokens, _ = _shards(draw, length + 12)
    starts = torch.tensor(draw.integers(0, 11, 3))
    _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("finds positions in later shards", trials=4)
def _(answer, draw: Draw) -> None:
    length = 1 + draw.size
    shards, tokens, _ = _shards(draw, 9, length + 6, length + 6)
    starts = torch.tensor([9 + draw.integers(0, 5), 15 + length + draw.integers(0, 5), 9, 0])
    length = min(length, 6)
    _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("goes on in the next shard where one ends, and in the one after", trials=5)
def _(answer, draw: Draw) -> None:
    length = 3 + draw.size
    shards, tokens, _ = _shards(draw, 5, 1, 2, length + 3)
    starts = torch.tensor([*draw.integers(0, 8, 2).tolist(), 4, 0])
    _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("reaches the last token of the last shard")
def _(answer, draw: Draw) -> None:
    shards, tokens, _ = _shards(draw, 3, 4)
    for length in (2, 6):
        starts = torch.tensor([7 - length - 1])
        _expect_windows(answer(shards, starts, length), tokens, starts, length)


@read_windows.property("returns int64 tensors")
def _(answer, draw: Draw) -> None:
    shards, _, _ = _shards(draw, 5, 5)
    for name, part in zip(
        ("the inputs", "the targets"), answer(shards, torch.tensor([0, 3]), 4), strict=True
    ):
        expect(part, name).is_a(torch.Tensor)
        expect(part, name).has_dtype("int64")


@read_windows.property("reads no more of the shards than the windows need")
def _(answer, draw: Draw) -> None:
    shards, tokens, count = _shards(draw, 3000, 3000)
    starts = torch.tensor([10, 2996, 5000])
    _expect_windows(answer(shards, starts, 8), tokens, starts, 8)
    expect(count[0], "tokens read for 3 windows of 8 + 1, in all").is_below(120)


def _windows_of(read: Callable[[int, int], np.ndarray], starts, length, **habits):
    rows = np.stack([read(int(start), length + 1) for start in starts])
    rows = rows.astype(habits.get("dtype", np.int64))
    inputs, targets = torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, 1:].copy())
    return (inputs, inputs.clone()) if habits.get("not_offset") else (inputs, targets)


def _reader(shards):
    """A right way to read `count` tokens from a position on."""

    def read(at: int, count: int) -> np.ndarray:
        parts = []
        for shard in shards:
            if count and at < len(shard):
                parts.append(np.asarray(shard[at : at + count]))
                count -= len(parts[-1])
                at = len(shard)
            at -= len(shard)
        return np.concatenate(parts)

    return read


@read_windows.mistake(
    "Inputs and targets are the same tokens. Read length + 1 tokens: the targets are those from "
    "the second on."
)
def same_tokens(shards, starts, length):
    return _windows_of(_reader(shards), starts, length, not_offset=True)


@read_windows.mistake(
    "You left the tokens in 16 bits. uint16 is how they lie on disk; an embedding and a loss want "
    "int64."
)
def left_as_uint16(shards, starts, length):
    return _windows_of(_reader(shards), starts, length, dtype=np.uint16)


@read_windows.mistake(
    "Tokens above 32 767 became negative: they went through int16. Convert from uint16 to int64 "
    "at once."
)
def through_int16(shards, starts, length):
    inputs, targets = _windows_of(_reader(shards), starts, length, dtype=np.int16)
    return inputs.long(), targets.long()


@read_windows.mistake(
    "You read whole shards. They are gigabytes: slice each shard for what a window needs, and "
    "only then make an array of it."
)
def whole_shards(shards, starts, length):
    tokens = np.concatenate([np.asarray(shard) for shard in shards])
    return _windows_of(lambda at, n: tokens[at : at + n], starts, length)


@read_windows.mistake(
    "You read each shard to its end and cut afterwards. Those are gigabytes: slice what you need "
    "at once, [a:b], not [a:]."
)
def reads_to_the_end(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        parts = []
        for shard in shards:
            if count and at < len(shard):
                parts.append(np.asarray(shard[at:])[:count])
                count -= len(parts[-1])
                at = len(shard)
            at -= len(shard)
        return np.concatenate(parts)

    return _windows_of(read, starts, length)


@read_windows.mistake(
    "You looked in the first shard for every position. Count through the shards: take off the "
    "length of each one that lies before."
)
def first_shard_only(shards, starts, length):
    first = shards[0]
    return _windows_of(
        lambda at, n: np.asarray(first[[(at + i) % len(first) for i in range(n)]]), starts, length
    )


@read_windows.mistake(
    "A window that ends in the next shard lost a token at the edge: the next shard is read from "
    "its token 0 on."
)
def skips_at_edge(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        edges = np.cumsum([len(shard) for shard in shards])
        own = int(np.searchsorted(edges, at, side="right"))
        places = [at + i if at + i < edges[own] else at + i + 1 for i in range(count)]
        return np.array([_token(shards, min(place, int(edges[-1]) - 1)) for place in places])

    return _windows_of(read, starts, length)


def _token(shards, place: int) -> int:
    for shard in shards:
        if place < len(shard):
            return int(shard[place])
        place -= len(shard)
    raise IndexError(place)


@read_windows.mistake(
    "A window that meets the end of a shard stops there, so that windows differ in length. Go on "
    "in the next shard, from its first token."
)
def stops_at_edge(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        for shard in shards:
            if at < len(shard):
                return np.asarray(shard[at : at + count])
            at -= len(shard)
        return np.array([])

    return _windows_of(read, starts, length)


@read_windows.mistake(
    "A window that meets the end of a shard begins again at the start of the same one. It goes on "
    "in the next."
)
def wraps_in_shard(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        for shard in shards:
            if at < len(shard):
                return np.array([shard[(at + i) % len(shard)] for i in range(count)])
            at -= len(shard)
        return np.array([])

    return _windows_of(read, starts, length)


@read_windows.mistake(
    "You went on in one more shard only; a window may run over several short ones."
)
def two_shards_at_most(shards, starts, length):
    def read(at: int, count: int) -> np.ndarray:
        for place, shard in enumerate(shards):
            if at < len(shard):
                parts = [np.asarray(shard[at : at + count])]
                if place + 1 < len(shards):
                    parts.append(np.asarray(shards[place + 1][: count - len(parts[0])]))
                return np.concatenate(parts)
            at -= len(shard)
        return np.array([])

    return _windows_of(read, starts, length)


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
