"""How `reduce_scatter` is judged: sums over all processes, and what was sent."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor, everywhere, numbers_sent, receivers

reduce_scatter = Exercise("reduce_scatter", minutes=35, difficulty=3, returns=torch.Tensor)


def _run(answer, values: list[Tensor]):
    return everywhere(answer, len(values), lambda rank, link: (values[rank], link))


def _expect_parts(found: list[Tensor], values: list[Tensor]) -> None:
    """Process r has part r of the sum; the parts are cut here by hand."""
    total = torch.stack(values).double().sum(0)
    each, more = divmod(len(total), len(values))
    begin = 0
    for rank, there in enumerate(found):
        end = begin + each + (rank < more)
        expect(there, f"what process {rank} of {len(values)} keeps").close_to(
            total[begin:end], atol=1e-5
        )
        begin = end


@reduce_scatter.property("leaves part r of the sum in process r", trials=5)
def _(answer, draw: Draw) -> None:
    size = 2 + draw.size % 4
    values = [normals(draw, size * (1 + draw.size // 3)) for _ in range(size)]
    _expect_parts(_run(answer, values)[0], values)


@reduce_scatter.property(
    "gives the first parts one number more where n does not divide by p", trials=3
)
def _(answer, draw: Draw) -> None:
    for size, n in ((3, 7), (4, 4 + draw.size), (3, 8), (5, 3)):
        values = [normals(draw, n) for _ in range(size)]
        _expect_parts(_run(answer, values)[0], values)


@reduce_scatter.property("sends p − 1 messages of one part each from every process", trials=2)
def _(answer, draw: Draw) -> None:
    for size, each in ((2, 3), (4, 2), (5, 1)):
        _, links = _run(answer, [normals(draw, size * each) for _ in range(size)])
        expect([len(link.sent) for link in links], "messages sent by each process").equals(
            [size - 1] * size
        )
        expect([numbers_sent(link) for link in links], "numbers sent by each process").equals(
            [(size - 1) * each] * size
        )


@reduce_scatter.property("sends all messages of process r to process r + 1", trials=2)
def _(answer, draw: Draw) -> None:
    for size in (3, 5):
        _, links = _run(answer, [normals(draw, size) for _ in range(size)])
        expect([receivers(link) for link in links], "to whom each process sends").equals(
            [[(rank + 1) % size] for rank in range(size)]
        )


@reduce_scatter.property("keeps the dtype, and sends nothing from a process alone", trials=1)
def _(answer, draw: Draw) -> None:
    for values in (normals(draw, 6).double(), torch.arange(6)):
        found, links = _run(answer, [values])
        expect(found[0], "what a process alone keeps").close_to(values)
        expect(found[0], "what a process alone keeps").has_dtype(
            str(values.dtype).removeprefix("torch.")
        )
        expect(len(links[0].sent), "messages of a process alone").equals(0)
    found, _ = _run(answer, [torch.arange(4), torch.arange(4)])
    expect(found[1], "what process 1 of 2 keeps").has_dtype("int64")


@reduce_scatter.right
def right_reduce_scatter(values, link):
    p, rank = link.size, link.rank
    parts = [part.clone() for part in values.tensor_split(p)]
    for step in range(p - 1):
        link.send(parts[(rank - step - 1) % p], (rank + 1) % p)
        arrived = link.receive((rank - 1) % p)
        at = (rank - step - 2) % p
        parts[at] = parts[at] + arrived
    return parts[rank]


_SENDS = "        link.send(parts[(rank - step - 1) % p], (rank + 1) % p)\n"
_RECEIVES = "        arrived = link.receive((rank - 1) % p)\n"

reduce_scatter.slip(
    "finishes_the_next_part",
    "Process r ends with part r + 1 of the sum, as in many descriptions of the ring. Here it is to "
    "be part r: begin one part earlier, so that process r sends part r − 1 first.",
    {
        "(rank - step - 1) % p": "(rank - step) % p",
        "(rank - step - 2) % p": "(rank - step - 1) % p",
        "parts[rank]": "parts[(rank + 1) % p]",
    },
)
reduce_scatter.slip(
    "returns_a_part_in_the_making",
    "The part that you return has not been all the way round. Which part did the last message of "
    "all complete?",
    {
        "(rank - step - 1) % p": "(rank - step) % p",
        "(rank - step - 2) % p": "(rank - step - 1) % p",
    },
)
reduce_scatter.slip(
    "other_way_round",
    "Your ring goes the other way round. Here process r sends to r + 1 and receives from r − 1, "
    "modulo p.",
    {
        "(rank + 1) % p": "(rank - 1) % p",
        "link.receive((rank - 1) % p)": "link.receive((rank + 1) % p)",
        "(rank - step - 1) % p": "(rank + step + 1) % p",
        "(rank - step - 2) % p": "(rank + step + 2) % p",
    },
)
reduce_scatter.slip(
    "waits_first",
    "Every process waits before it sends, so nobody ever sends: a deadlock. Send first; a send "
    "does not wait.",
    {_SENDS: "", _RECEIVES: _RECEIVES + _SENDS},
)
reduce_scatter.slip(
    "replaces",
    "What arrives takes the place of what the process has. It has to be added.",
    {"parts[at] + arrived": "arrived"},
)
reduce_scatter.slip(
    "same_part_again",
    "Each process sends the same part at every step. What has to go on is the part that has just "
    "been added to.",
    {"(rank - step - 1) % p": "(rank - 1) % p"},
)
reduce_scatter.slip(
    "one_step_short",
    "One step too few: a part visits p processes, and that takes p − 1 steps.",
    {"range(p - 1)": "range(p - 2)"},
)
reduce_scatter.slip(
    "averages",
    "You returned the mean. Here it is the sum; who wants a mean divides afterwards.",
    {"return parts[rank]": "return parts[rank] / p"},
)
reduce_scatter.slip(
    "chunks",
    "`chunk(p)` rounds the lengths up and may make fewer than p parts. `tensor_split(p)` makes p "
    "of nearly equal length.",
    {"values.tensor_split(p)": "values.chunk(p)"},
)
reduce_scatter.slip(
    "drops_the_rest",
    "Parts of n // p numbers leave the last n mod p out. `values.tensor_split(p)` leaves nothing "
    "out.",
    {"values.tensor_split(p)": "values[: len(values) // p * p].tensor_split(p)"},
)
reduce_scatter.slip(
    "rest_to_the_last",
    "The last part has all that is left over. The first n mod p parts have one number more each: "
    "cut with tensor_split(p).",
    {"tensor_split(p)": "tensor_split([k * (len(values) // p) for k in range(1, p)])"},
)

reduce_scatter.slip(
    "one_step_more",
    "One step too many: after p − 1 steps every part is whole. One more adds to a finished part "
    "again, and a process alone would send to itself.",
    {"range(p - 1)": "range(p)"},
)
reduce_scatter.slip(
    "sends_what_it_began_with",
    "You send your own numbers at every step, and not what has been added up so far. So a part "
    "collects from one neighbour only.",
    {"link.send(parts[": "link.send(values.tensor_split(p)["},
)
reduce_scatter.slip(
    "returns_all_parts",
    "You return all parts. Only part r is whole in process r, and only that one is asked for.",
    {"return parts[rank]": "return torch.cat(parts)"},
)
reduce_scatter.slip(
    "list_of_parts",
    "You return the list of all parts. Only part r is whole in process r, and only that one is "
    "asked for.",
    {"return parts[rank]": "return parts"},
)
reduce_scatter.slip(
    "other_dtype",
    "The part has another dtype than `values`. Add the parts as they are, without float().",
    {"parts = [part.clone()": "parts = [part.float()"},
)


@reduce_scatter.mistake(
    "Your processes all talk to process 0, which adds up and hands the parts out. It receives "
    "p − 1 whole vectors while the others wait. In a ring each talks to its neighbour and sends "
    "one part at a time."
)
def star(values, link):
    if link.rank:
        link.send(values, 0)
        return link.receive(0)
    total = values.clone()
    for other in range(1, link.size):
        total += link.receive(other)
    parts = total.tensor_split(link.size)
    for other in range(1, link.size):
        link.send(parts[other], other)
    return parts[0].clone()


@reduce_scatter.mistake(
    "Each process sends part k straight to process k. The sums and the count of numbers are right, "
    "but every process talks to all others at once. In a ring it talks to one neighbour."
)
def straight_to_its_owner(values, link):
    p, rank = link.size, link.rank
    parts = values.tensor_split(p)
    for step in range(1, p):
        link.send(parts[(rank + step) % p], (rank + step) % p)
    total = parts[rank].clone()
    for step in range(1, p):
        total += link.receive((rank - step) % p)
    return total


@reduce_scatter.mistake(
    "You send whole vectors round the ring and keep your part at the end. Each process then sends "
    "(p − 1) · n numbers. One part at a time is enough: (p − 1)/p · n."
)
def whole_vectors(values, link):
    p, rank = link.size, link.rank
    total, passing = values.clone(), values
    for _ in range(p - 1):
        link.send(passing, (rank + 1) % p)
        passing = link.receive((rank - 1) % p)
        total = total + passing
    return total.tensor_split(p)[rank].clone()


@reduce_scatter.mistake(
    "The sum is right, but you send and return padding. Parts may differ in length by one: cut "
    "with tensor_split(p)."
)
def padded(values, link):
    return right_reduce_scatter(F.pad(values, (0, -len(values) % link.size)), link)


reduce_scatter.hint(
    "A part travels round the circle and collects. To be finished in process r, where must part r "
    "have begun, p − 1 steps earlier?"
)
reduce_scatter.hint(
    "Three processes: write down for each step which part every process sends, so that process 0 "
    "receives part 0 last."
)
reduce_scatter.hint(
    "At step s process r sends part r − s − 1, and what arrives belongs to part r − s − 2, all "
    "modulo p. Copy the parts first: an input must stay as it is.",
)
reduce_scatter.hint("Which part did the last message complete?", when="value")
reduce_scatter.hint("Who sends, when everybody receives first?", when="error")
reduce_scatter.hint("Where are the numbers that do not divide by p?", when="shape")
