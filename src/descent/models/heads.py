"""The attention heads of a GPT-2 of `transformers`: where they look, and the model without some.

A head is (layer, head), from 0, as in L5H1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

Head = tuple[int, int]


def repeated_tokens(
    vocabulary: int, period: int, copies: int, rows: int, draw: torch.Generator, first: int
) -> Tensor:
    """Draw random tokens, and repeat them: what comes next can be known from the copy before alone.

    Parameters
    ----------
    vocabulary : int
        Tokens are drawn from those below, none twice in a row.
    period, copies : int
        Tokens before the first repetition, and how often they stand there in all.
    rows : int
    draw : torch.Generator
    first : int
        The token that every row begins with.

    Returns
    -------
    Tensor
        (rows, 1 + period · copies).
    """
    once = torch.stack([torch.randperm(vocabulary, generator=draw)[:period] for _ in range(rows)])
    return torch.cat([torch.full((rows, 1), first), once.repeat(1, copies)], dim=1)


def induction_scores(attention: Tensor, tokens: Tensor) -> Tensor:
    """Return how much of its attention each head gives to what followed earlier copies of a token.

    From each token that stood there before, all earlier places are counted whose own token comes
    right after a copy of it: with the nearest copy alone, a head that looks at several would be
    missed.

    Parameters
    ----------
    attention : Tensor
        (rows, heads, time, time), rows that sum to 1.
    tokens : Tensor
        (rows, time).

    Returns
    -------
    Tensor
        (heads,), means over all tokens that stood there before, from 0 to 1.
    """
    place = torch.arange(tokens.shape[1], device=tokens.device)
    same = torch.zeros(*tokens.shape, tokens.shape[1], dtype=torch.bool, device=tokens.device)
    # From t one looks at s where token s - 1 is token t, and s is not after t.
    same[:, :, 1:] = tokens[:, :, None] == tokens[:, None, :-1]
    same &= place[:, None] >= place
    given = (attention * same[:, None]).sum(dim=-1)  # (rows, heads, time)
    asked = same.any(dim=-1)  # (rows, time)
    return (given * asked[:, None]).sum(dim=(0, 2)) / asked.sum()


def previous_token_scores(attention: Tensor) -> Tensor:
    """Return how much of its attention each head gives to the token before: (heads,), means."""
    return attention.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(0, 2))


@contextmanager
def without_heads(model: Any, heads: Iterable[Head]) -> Iterator[None]:
    """Set to zero what some heads of a ``GPT2LMHeadModel`` add, as long as the block lasts."""
    width = model.config.n_embd // model.config.n_head
    inside: dict[int, list[int]] = {}
    for layer, head in heads:
        inside.setdefault(layer, []).append(head)

    def cut(numbers: list[int]) -> Any:
        def hook(module: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            kept = given[0].clone()  # (rows, time, features): the heads' results side by side
            for number in numbers:
                kept[..., number * width : (number + 1) * width] = 0
            return (kept, *given[1:])

        return hook

    with ExitStack() as until_the_end:
        for layer, numbers in inside.items():
            projection = model.transformer.h[layer].attn.c_proj
            handle = projection.register_forward_pre_hook(cut(numbers))
            until_the_end.callback(handle.remove)
        yield
