"""What several exercises of ladder/gpt2_multi_gpu draw from and compare with."""

from __future__ import annotations

import torch

from descent.training.links import Link

Tensor = torch.Tensor


SECONDS = 1.0
"""Of work, after which threads that take turns count as endless; right answers need a tenth."""


def numbers_sent(link: Link) -> int:
    """How many numbers a process has sent, in all its messages."""
    return sum(sent.numbers for sent in link.sent)


def ring(values: Tensor, link: Link) -> Tensor:
    """A ring all-reduce, for right and wrong answers that need one."""
    p, rank = link.size, link.rank
    right, left = (rank + 1) % p, (rank - 1) % p
    parts = [part.clone() for part in values.tensor_split(p)]
    for step in range(p - 1):
        link.send(parts[(rank - step) % p], right)
        parts[(rank - step - 1) % p] += link.receive(left)
    for step in range(p - 1):
        link.send(parts[(rank + 1 - step) % p], right)
        parts[(rank - step) % p] = link.receive(left)
    return torch.cat(parts)
