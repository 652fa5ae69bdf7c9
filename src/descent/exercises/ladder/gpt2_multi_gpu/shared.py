"""What several exercises of ladder/gpt2_multi_gpu draw from and compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from descent.training.links import Link

Tensor = torch.Tensor


SECONDS = 1.0


"""Of work, after which threads that take turns count as endless; right answers need a tenth."""


def numbers_sent(link: Link) -> int:
    return sum(sent.numbers for sent in link.sent)


def ring(values: Tensor, link: Link, **habits: Any) -> Tensor:
    """A right ring, which the mistakes below spoil in one place each."""
    p, rank = link.size, link.rank
    right, left = (rank + 1) % p, (rank - 1) % p
    if "parts" in habits:
        parts = habits["parts"]
    elif habits.get("whole_parts"):
        each = len(values) // p
        parts = [values[k * each : (k + 1) * each].clone() for k in range(p)]
    else:
        cut = values.chunk if habits.get("chunk") else values.tensor_split
        parts = [part.clone() for part in cut(p)]
    for step in range(habits.get("reduce_steps", p - 1)):
        sends = rank if habits.get("own_part_again") else rank - step
        takes = rank if habits.get("into_own") else sends - 1
        if habits.get("waits_first"):
            arrived = link.receive(left)
            link.send(parts[sends % p], right)
        else:
            link.send(parts[sends % p], right)
            arrived = link.receive(left)
        part = parts[takes % p]
        parts[takes % p] = added(part, arrived)
    for step in range(habits.get("gather_steps", p - 1)):
        sends = rank - step + habits.get("gather_from", 1)
        link.send(parts[sends % p], right)
        arrived = link.receive(left)
        part = parts[(sends - 1) % p]
        parts[(sends - 1) % p] = added(part, arrived) if habits.get("adds_on") else arrived
    total = torch.cat(parts)
    return total / p if habits.get("averages") else total


def added(part: Tensor, arrived: Tensor) -> Tensor:
    return part + arrived if part.shape == arrived.shape else arrived


def named(name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    answer.__name__ = name
    return answer
