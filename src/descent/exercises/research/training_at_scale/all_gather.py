"""How `all_gather` is judged: by the parts end to end, and by what was sent."""

from __future__ import annotations

import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor, everywhere, numbers_sent, receivers

all_gather = Exercise("all_gather", minutes=15, difficulty=2, returns=torch.Tensor)


def _run(answer, parts: list[Tensor]):
    return everywhere(answer, len(parts), lambda rank, link: (parts[rank], link))


def _expect_whole(answer, parts: list[Tensor]) -> None:
    whole = [number for part in parts for number in part.tolist()]
    for rank, there in enumerate(_run(answer, parts)[0]):
        expect(there, f"what process {rank} of {len(parts)} has").close_to(
            torch.tensor(whole, dtype=parts[0].dtype), rtol=0, atol=0
        )


@all_gather.property("gives everybody all parts, in the order of the processes", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_whole(answer, [normals(draw, 1 + draw.size // 2) for _ in range(1 + draw.size % 5)])


@all_gather.property("works with parts of different lengths", trials=3)
def _(answer, draw: Draw) -> None:
    for lengths in ((3, 2, 2), (1, 4), (2, 0, 5, 1)):
        _expect_whole(answer, [normals(draw, length) for length in lengths])


@all_gather.property("sends p − 1 messages, all to process r + 1", trials=2)
def _(answer, draw: Draw) -> None:
    for size in (3, 5):
        _, links = _run(answer, [normals(draw, 2) for _ in range(size)])
        expect([len(link.sent) for link in links], "messages sent by each").equals(
            [size - 1] * size
        )
        expect([receivers(link) for link in links], "to whom each process sends").equals(
            [[(rank + 1) % size] for rank in range(size)]
        )


@all_gather.property("sends each part once over every line", trials=2)
def _(answer, draw: Draw) -> None:
    lengths = (3, 2, 2, 4)
    _, links = _run(answer, [normals(draw, length) for length in lengths])
    # Process r sends all parts but its right neighbour's own.
    wanted = [sum(lengths) - lengths[(rank + 1) % 4] for rank in range(4)]
    expect([numbers_sent(link) for link in links], "numbers sent by each").equals(wanted)


@all_gather.property("keeps the dtype, and sends nothing from a process alone", trials=1)
def _(answer, draw: Draw) -> None:
    found, links = _run(answer, [torch.arange(3)])
    expect(found[0], "what a process alone has").equals(torch.arange(3))
    expect(found[0], "what a process alone has").has_dtype("int64")
    expect(len(links[0].sent), "messages of a process alone").equals(0)


@all_gather.right
def right_all_gather(part, link):
    p, rank = link.size, link.rank
    parts = [part.clone() for _ in range(p)]
    for step in range(p - 1):
        link.send(parts[(rank - step) % p], (rank + 1) % p)
        at = (rank - step - 1) % p
        parts[at] = link.receive((rank - 1) % p)
    return torch.cat(parts)


all_gather.slip(
    "own_part_again",
    "Each process sends its own part at every step. What has to go on is what has just arrived.",
    {"parts[(rank - step) % p]": "parts[rank]"},
)
all_gather.slip(
    "order_of_arrival",
    "The parts stand in the order in which they arrived, each process's own first. They belong in "
    "the order of the processes: part 0, part 1, …",
    {"torch.cat(parts)": "torch.cat([parts[(rank - step) % p] for step in range(p)])"},
)
all_gather.slip(
    "one_step_short",
    "One step too few: the part of the right neighbour has p − 1 steps to go to us.",
    {"range(p - 1)": "range(p - 2)"},
)
all_gather.slip(
    "one_step_more",
    "One step too many: the last one brings a process its own part again.",
    {"range(p - 1)": "range(p if p > 1 else 0)"},
)
all_gather.slip(
    "adds",
    "You added what arrived to what was there. Here the parts are finished: each is put into its "
    "place.",
    {"parts[at] = link": "parts[at] = parts[at] + link"},
)
all_gather.slip(
    "other_way_round",
    "Your ring goes the other way round. Here process r sends to r + 1 and receives from r − 1, "
    "modulo p.",
    {
        "(rank + 1) % p": "(rank - 1) % p",
        "link.receive((rank - 1) % p)": "link.receive((rank + 1) % p)",
        "(rank - step) % p": "(rank + step) % p",
        "(rank - step - 1) % p": "(rank + step + 1) % p",
    },
)
all_gather.slip(
    "waits_first",
    "Every process waits before it sends, so nobody ever sends: a deadlock. Send first; a send "
    "does not wait.",
    {
        "        link.send(parts[(rank - step) % p], (rank + 1) % p)\n": "",
        "= link.receive((rank - 1) % p)": (
            "= link.receive((rank - 1) % p)\n"
            "        link.send(parts[(rank - step) % p], (rank + 1) % p)"
        ),
    },
)
all_gather.slip(
    "wrong_place",
    "What arrives is put into the wrong place. At step s the left neighbour sends part "
    "(r − 1) − s.",
    {"(rank - step - 1) % p": "(rank + step + 1) % p", "(rank - step) % p": "(rank + step) % p"},
)

all_gather.slip(
    "sends_to_itself_alone",
    "One step too many: after p − 1 steps everybody has everything. A process alone has to send "
    "nothing, and here it would send to itself.",
    {"range(p - 1)": "range(p)"},
)
all_gather.slip(
    "one_part_missing",
    "One step too few: the part of the right neighbour is missing. It has p − 1 steps to go to us.",
    {
        "[part.clone() for _ in range(p)]": (
            "[part if other == rank else part.new_zeros(0) for other in range(p)]"
        ),
        "range(p - 1)": "range(p - 2)",
    },
)
all_gather.slip(
    "backwards",
    "Each new part was put in front of the others, this process's own last. That is right in one "
    "process only: put part k at place k.",
    {"torch.cat(parts)": "torch.cat([parts[(rank + step + 1) % p] for step in range(p)])"},
)
all_gather.slip(
    "reversed_order",
    "The parts stand in reverse: part p − 1 comes first. They belong in the order of the "
    "processes: part 0, part 1, …",
    {"torch.cat(parts)": "torch.cat(parts[::-1])"},
)
all_gather.slip(
    "list_of_parts",
    "You return the parts one by one. Join them into one tensor: torch.cat.",
    {"torch.cat(parts)": "parts"},
)
all_gather.slip(
    "stacked",
    "You stacked the parts, as rows of a matrix. They belong end to end, and their lengths may "
    "differ: torch.cat.",
    {"torch.cat(parts)": "torch.stack(parts)"},
)
all_gather.slip(
    "sum_of_parts",
    "You added the parts up. Here they are laid end to end; the adding was the first half of the "
    "ring.",
    {"torch.cat(parts)": "sum(parts[1:], parts[0])"},
)
all_gather.slip(
    "other_dtype",
    "The whole has another dtype than the parts. torch.cat keeps theirs; a new buffer needs "
    "dtype=part.dtype.",
    {"torch.cat(parts)": "torch.cat(parts).float()"},
)
all_gather.slip(
    "sends_no_empty_part",
    "You send no part that is empty. The neighbour waits for it all the same: every step is one "
    "message, with however few numbers.",
    {"link.send(parts": "len(parts[(rank - step) % p]) and link.send(parts"},
)


@all_gather.mistake(
    "Every process sends its part to every other. The result is right, but each process talks to "
    "all others at once. In a ring it talks to one neighbour."
)
def everybody_to_everybody(part, link):
    p, rank = link.size, link.rank
    parts = [part.clone() for _ in range(p)]
    for step in range(1, p):
        link.send(part, (rank + step) % p)
    for step in range(1, p):
        parts[(rank - step) % p] = link.receive((rank - step) % p)
    return torch.cat(parts)


@all_gather.mistake(
    "You made room for p parts as long as this process's own. The others may be longer or shorter: "
    "keep the parts in a list and join them at the end."
)
def room_for_equal_parts(part, link):
    p, rank, n = link.size, link.rank, len(part)
    whole, passing = part.new_zeros(p * n), part
    whole[rank * n : rank * n + n] = part
    for step in range(p - 1):
        link.send(passing, (rank + 1) % p)
        passing = link.receive((rank - 1) % p)
        at = (rank - step - 1) % p
        whole[at * n : at * n + n] = passing
    return whole


@all_gather.mistake(
    "Process 0 gathers all and hands everything out. It sends p − 1 whole vectors while the others "
    "wait. In a ring each talks to one neighbour and sends one part at a time."
)
def star(part, link):
    if link.rank:
        link.send(part, 0)
        return link.receive(0)
    whole = torch.cat([part, *(link.receive(other) for other in range(1, link.size))])
    for other in range(1, link.size):
        link.send(whole, other)
    return whole


@all_gather.mistake(
    "You send all that has been gathered so far at every step. What the neighbour has already "
    "travels again: send only what has arrived last."
)
def all_of_it_again(part, link):
    p, rank = link.size, link.rank
    sizes = torch.tensor([len(part)])
    have, lengths = part.clone(), sizes
    for _ in range(p - 1):
        link.send(
            torch.cat([have, lengths.to(have.dtype), torch.tensor([len(lengths)]).to(have.dtype)]),
            (rank + 1) % p,
        )
        arrived = link.receive((rank - 1) % p)
        many = int(arrived[-1])
        have = torch.cat([arrived[: -1 - many], part])
        lengths = torch.cat([arrived[-1 - many : -1].long(), sizes])
    # the first that stands in `have` is that of the right neighbour's, of rank + 1
    pieces = have.split(lengths.tolist()) if p > 1 else [have]
    first = (rank + 1) % p
    return torch.cat([pieces[(other - first) % p] for other in range(p)])


all_gather.hint("Begin with your own part. What do you send at the second step?")
all_gather.hint("At step s process r sends part r − s, modulo p. Which one arrives?")
all_gather.hint(
    "Keep the parts in a list by the number of their process, and join the list at the end. Every "
    "step is a send to rank + 1 and a receive from rank − 1.",
)
all_gather.hint("In which order do the parts arrive, and in which do they belong?", when="value")
all_gather.hint("Who sends, when everybody receives first?", when="error")
