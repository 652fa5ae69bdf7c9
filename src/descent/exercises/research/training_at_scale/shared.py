"""What several exercises of research/training_at_scale draw from and compare with."""

from __future__ import annotations

from collections import deque
from typing import Any

import torch

from descent.training.links import Link, in_turns

Tensor = torch.Tensor

SECONDS = 1.0
"""Of work, after which threads that take turns count as endless; right answers need a tenth."""


def everywhere(answer, size: int, arguments) -> tuple[list[Any], list[Link]]:
    """Call an answer in each of `size` processes with ``arguments(rank, link)``.

    Returns what each call gave, and each process's link, by rank.
    """
    links: dict[int, Link] = {}

    def one(link: Link) -> Any:
        links[link.rank] = link
        return answer(*arguments(link.rank, link))

    found = in_turns(one, size, SECONDS)
    return found, [links[rank] for rank in range(size)]


def numbers_sent(link: Link) -> int:
    """How many numbers a process has sent, in all its messages."""
    return sum(sent.numbers for sent in link.sent)


def receivers(link: Link) -> list[int]:
    """To whom a process has sent."""
    return sorted({sent.to for sent in link.sent})


class Clocked:
    """A link that counts rounds: each send takes one, and a message is there when it ends."""

    def __init__(self, link: Link, stamps: dict[tuple[int, int], deque[int]]) -> None:
        self.link, self.stamps, self.now = link, stamps, 0
        self.rank, self.size, self.sent = link.rank, link.size, link.sent

    def send(self, values: Tensor, to: int) -> None:
        """Send, and be a round later."""
        self.link.send(values, to)
        self.now += 1
        self.stamps.setdefault((self.rank, to), deque()).append(self.now)

    def receive(self, source: int) -> Tensor:
        """Receive, not before the message is there."""
        values = self.link.receive(source)
        self.now = max(self.now, self.stamps[source, self.rank].popleft())
        return values

    def __deepcopy__(self, memo: dict[int, Any]) -> Clocked:
        return self  # as of a link

    def __repr__(self) -> str:
        return repr(self.link)


# Right pieces, of which answers that build on earlier ones are made.


def reduce_scatter(values: Tensor, link: Link) -> Tensor:
    """The sum over all processes, of which each keeps its part."""
    p, rank = link.size, link.rank
    parts = [part.clone() for part in values.tensor_split(p)]
    for step in range(p - 1):
        link.send(parts[(rank - step - 1) % p], (rank + 1) % p)
        parts[(rank - step - 2) % p] += link.receive((rank - 1) % p)
    return parts[rank]


def all_gather(part: Tensor, link: Link) -> Tensor:
    """The parts of all processes, end to end."""
    p, rank = link.size, link.rank
    parts = {rank: part}
    for step in range(p - 1):
        link.send(parts[(rank - step) % p], (rank + 1) % p)
        parts[(rank - step - 1) % p] = link.receive((rank - 1) % p)
    return torch.cat([parts[other] for other in range(p)])


def all_reduce(values: Tensor, link: Link) -> Tensor:
    """The sum over all processes, of any shape, in each."""
    return all_gather(reduce_scatter(values.flatten(), link), link).view_as(values)
