"""How `broadcast` is judged: a clock on every link counts the rounds."""

from __future__ import annotations

import math
from collections import deque

import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Clocked, Tensor, everywhere

broadcast = Exercise("broadcast", minutes=20, difficulty=2, returns=torch.Tensor)


def _spread(answer, values: list[Tensor], root: int) -> tuple[list[Tensor], list[Clocked]]:
    """What every process has afterwards, and its clocked link."""
    stamps: dict[tuple[int, int], deque[int]] = {}
    clocked: dict[int, Clocked] = {}

    def arguments(rank, link):
        clocked[rank] = Clocked(link, stamps)
        return values[rank], clocked[rank], root

    found, _ = everywhere(answer, len(values), arguments)
    return found, [clocked[rank] for rank in range(len(values))]


def _expect_from_root(answer, values: list[Tensor], root: int) -> None:
    found, _ = _spread(answer, values, root)
    for rank, there in enumerate(found):
        called = f"what process {rank} of {len(values)} has, from root {root}"
        expect(there, called).close_to(values[root], rtol=0, atol=0)


@broadcast.property("gives everybody what process 0 has", trials=5)
def _(answer, draw: Draw) -> None:
    size = (2, 4, 1, 8, 4)[min(draw.size, 5) - 1]
    _expect_from_root(answer, [normals(draw, 3) for _ in range(size)], 0)


@broadcast.property("works for any number of processes", trials=3)
def _(answer, draw: Draw) -> None:
    for size in (3, 5, 6, 7):
        _expect_from_root(answer, [normals(draw, 2) for _ in range(size)], 0)


@broadcast.property("works from any root", trials=3)
def _(answer, draw: Draw) -> None:
    for size in (2, 4, 5, 7):
        root = draw.integers(1, size)
        _expect_from_root(answer, [normals(draw, 2) for _ in range(size)], root)


@broadcast.property("needs log₂ p rounds, rounded up", trials=1)
def _(answer, draw: Draw) -> None:
    for size in (4, 5, 8, 9, 13):
        _, links = _spread(answer, [normals(draw, 2) for _ in range(size)], draw.integers(0, size))
        rounds = max(link.now for link in links)
        wanted = math.ceil(math.log2(size))
        expect(rounds, f"rounds until all {size} have it").is_between(1, wanted)


@broadcast.property("sends p − 1 messages in all", trials=1)
def _(answer, draw: Draw) -> None:
    for size in (1, 2, 6, 8):
        _, links = _spread(answer, [normals(draw, 2) for _ in range(size)], 0)
        sent = sum(len(link.sent) for link in links)
        expect(sent, f"messages of all {size} processes").equals(size - 1)
        most = max(len(link.sent) for link in links)
        expect(most, f"most messages of one of {size} processes").is_between(0, size.bit_length())


@broadcast.property("keeps shape and dtype", trials=1)
def _(answer, draw: Draw) -> None:
    for values in (normals(draw, 2, 3).double(), torch.arange(4).view(2, 2)):
        found, _ = _spread(answer, [values + rank for rank in range(3)], 2)
        expect(found[1], "what process 1 has").close_to(values + 2)
        expect(found[1], "what process 1 has").has_dtype(str(values.dtype).removeprefix("torch."))


@broadcast.right
def right_broadcast(values, link, root):
    p = link.size
    place = (link.rank - root) % p
    have, reach = values.clone(), 1
    while reach < p:
        if place < reach and place + reach < p:
            link.send(have, (place + reach + root) % p)
        elif reach <= place < 2 * reach:
            have = link.receive((place - reach + root) % p)
        reach *= 2
    return have


broadcast.slip(
    "always_from_0",
    "It always begins at process 0. Count places from the root: (rank − root) mod p.",
    {
        "(link.rank - root) % p": "link.rank",
        "(place + reach + root) % p": "place + reach",
        "(place - reach + root) % p": "place - reach",
    },
)
broadcast.slip(
    "places_for_ranks",
    "You count places from the root, and then send to a place as if it were a rank. Add the root "
    "again, modulo p.",
    {
        "(place + reach + root) % p": "place + reach",
        "(place - reach + root) % p": "place - reach",
    },
)
broadcast.slip(
    "powers_of_two_only",
    "It sends to processes that do not exist, or round the circle to one that has it already. "
    "Where p is no power of two, the last round reaches fewer.",
    {" and place + reach < p": ""},
)
broadcast.slip(
    "keeps_its_own",
    "What arrives is received and dropped: the others return their own tensor.",
    {"have = link.receive": "link.receive"},
)
broadcast.slip(
    "rounds_rounded_down",
    "The number of rounds is rounded down: where p is no power of two the last processes never get "
    "it. Go on while the reach is below p.",
    {"while reach < p:": "while 2 * reach <= p:"},
)
broadcast.slip(
    "one_round_short",
    "One round is missing: the processes furthest from the root never get it. Go on while the "
    "reach is below p.",
    {"while reach < p:": "while 2 * reach < p:"},
)

broadcast.slip(
    "root_added",
    "You added the root where it is to be taken away. The root's place is 0, so places are "
    "(rank − root) mod p, and ranks (place + root) mod p.",
    {
        "(link.rank - root) % p": "(link.rank + root) % p",
        "(place + reach + root) % p": "(place + reach - root) % p",
        "(place - reach + root) % p": "(place - reach - root) % p",
    },
)
broadcast.slip(
    "sends_its_own",
    "Who passes it on sends its own tensor, and not the one that it has received.",
    {"link.send(have": "link.send(values"},
)
broadcast.slip(
    "other_dtype",
    "What arrives has another dtype than what the root has. Send and return it as it is.",
    {"values.clone()": "values.float()"},
)
broadcast.slip(
    "flattened",
    "What comes back is flat. A tensor can be sent in any shape: pass it on as it is.",
    {"values.clone()": "values.flatten()"},
)


@broadcast.mistake(
    "The root sends to all by itself, one after another: p − 1 rounds. Whoever has it already can "
    "pass it on, so the number of senders doubles every round."
)
def root_does_it_all(values, link, root):
    if link.rank != root:
        return link.receive(root)
    for other in range(link.size):
        if other != root:
            link.send(values, other)
    return values.clone()


@broadcast.mistake(
    "Each process hands it to its neighbour: p − 1 rounds. Let whoever has it go on sending, so "
    "that the number of senders doubles every round."
)
def along_a_chain(values, link, root):
    p = link.size
    place = (link.rank - root) % p
    have = values.clone() if place == 0 else link.receive((link.rank - 1) % p)
    if place < p - 1:
        link.send(have, (link.rank + 1) % p)
    return have


@broadcast.mistake(
    "Each process passes it on to two others and stops: a tree with two branches. That is more "
    "rounds than needed, since whoever has sent twice lies idle. All that have it should go on."
)
def two_branches(values, link, root):
    p = link.size
    place = (link.rank - root) % p
    have = values.clone() if place == 0 else link.receive(((place - 1) // 2 + root) % p)
    for child in (2 * place + 1, 2 * place + 2):
        if child < p:
            link.send(have, (child + root) % p)
    return have


@broadcast.mistake(
    "Everybody sends to everybody. The result is right, but p(p − 1) messages are sent where p − 1 "
    "are enough: only who has the root's tensor has anything to say."
)
def everybody_to_everybody(values, link, root):
    others = [other for other in range(link.size) if other != link.rank]
    for other in others:
        link.send(values, other)
    arrived = {other: link.receive(other) for other in others}
    return arrived.get(root, values).clone()


broadcast.hint("After one round two processes have it. What can both do in the second?")
broadcast.hint(
    "Number the places from the root. In a round where the places below `reach` have it, place k "
    "sends to place k + reach."
)
broadcast.hint(
    "Eight processes: 0→1; then 0→2, 1→3; then 0→4, 1→5, 2→6, 3→7. Which of these fall away with "
    "seven? Every process goes through all rounds, and in each it sends, receives or does nothing."
)
broadcast.hint("Is a place a rank? Add the root again, modulo p.", when="works from any root")
broadcast.hint("For every receive somebody has to send, in the same round.", when="error")

broadcast.equivalent(
    "`while reach < p:` → `while reach <= p:`",
    because="once all places are within reach, one round more sends nothing",
)
