"""How `ring_all_reduce` is judged."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect
from descent.training.links import Link, alone, in_turns

from .shared import SECONDS, Tensor, numbers_sent, ring

ring_all_reduce = Exercise("ring_all_reduce", minutes=40, difficulty=3, returns=torch.Tensor)


def _everywhere(answer, values: list[Tensor]) -> tuple[list[Tensor], list[Link]]:
    """Run an answer in one process for each tensor; what each returns, and its link."""
    links: dict[int, Link] = {}

    def one(link: Link) -> Any:
        links[link.rank] = link
        return answer(values[link.rank], link)

    found = in_turns(one, len(values), SECONDS)
    return found, [links[rank] for rank in range(len(values))]


def _expect_sums(found: list[Any], values: list[Tensor]) -> bool:
    total = torch.stack(values).double().sum(0)
    for rank, there in enumerate(found):
        expect(there, f"what process {rank} returns").close_to(total, atol=1e-5)
    return all(there.shape == total.shape and torch.allclose(there.double(), total, atol=1e-4)
               for there in found)  # fmt: skip


def _is_right_with_equal_parts(answer, draw: Draw) -> bool:
    """Whether the rest of a property means anything: a wrong ring may stop at unequal parts."""
    values = [normals(draw, 9) for _ in range(3)]
    found, _ = _everywhere(answer, values)
    return _expect_sums(found, values)


@ring_all_reduce.property("leaves the sum in every process", trials=5)
def _(answer, draw: Draw) -> None:
    size = 2 + draw.size % 4
    values = [normals(draw, size * (1 + draw.size // 3)) for _ in range(size)]
    found, _ = _everywhere(answer, values)
    _expect_sums(found, values)


@ring_all_reduce.property("sends 2(p − 1) messages of one part each from every process")
def _(answer, draw: Draw) -> None:
    for size, each in ((2, 3), (4, 2), (5, 1)):
        found, links = _everywhere(answer, [normals(draw, size * each) for _ in range(size)])
        expect([len(link.sent) for link in links], "messages sent by each process").equals(
            [2 * (size - 1)] * size
        )
        expect([numbers_sent(link) for link in links], "numbers sent by each process").equals(
            [2 * (size - 1) * each] * size
        )


@ring_all_reduce.property("sends all messages of a process to one neighbour", trials=2)
def _(answer, draw: Draw) -> None:
    for size in (3, 5):
        _, links = _everywhere(answer, [normals(draw, size) for _ in range(size)])
        targets = [len({sent.to for sent in link.sent}) for link in links]
        expect(targets, "to how many others each process sends").equals([1] * size)


@ring_all_reduce.property("leaves nothing out where n does not divide by p", trials=2)
def _(answer, draw: Draw) -> None:
    if _is_right_with_equal_parts(answer, draw):
        for size, n in ((3, 7), (4, 4 + draw.size), (3, 8)):
            values = [normals(draw, n) for _ in range(size)]
            _expect_sums(_everywhere(answer, values)[0], values)


@ring_all_reduce.property("works when some parts are empty", trials=2)
def _(answer, draw: Draw) -> None:
    if _is_right_with_equal_parts(answer, draw):
        for size, n in ((3, 2), (2, 1), (5, 3)):
            values = [normals(draw, n) for _ in range(size)]
            _expect_sums(_everywhere(answer, values)[0], values)


@ring_all_reduce.property("cuts into parts that differ in length by at most one", trials=3)
def _(answer, draw: Draw) -> None:
    if _is_right_with_equal_parts(answer, draw):
        for size, n in ((4, 4 + draw.size), (3, 2), (5, 13), (4, 10)):
            _, links = _everywhere(answer, [normals(draw, n) for _ in range(size)])
            lengths = [sent.numbers for link in links for sent in link.sent]
            # p − 1 times, and in two halves, each part leaves a process.
            expect(sum(lengths), f"numbers sent by all {size} together, n = {n}").equals(
                2 * (size - 1) * n
            )
            expect(
                max(lengths, default=0) - min(lengths, default=0),
                f"longest part sent minus shortest, {n} numbers in {size} parts",
            ).is_between(0, 1)


@ring_all_reduce.property("gives all processes the same numbers, to the last bit")
def _(answer, draw: Draw) -> None:
    values = [torch.tensor(draw.rng.normal(size=8), dtype=torch.float32) for _ in range(4)]
    found, _ = _everywhere(answer, values)
    _expect_sums(found, values)
    same = [torch.equal(there, found[0]) for there in found]
    expect(sum(same), "how many of 4 processes have the same as process 0").equals(4)


@ring_all_reduce.property("gives a process alone its own vector, and sends nothing")
def _(answer, draw: Draw) -> None:
    values, link = normals(draw, 5), alone()
    expect(answer(values, link), "what a single process returns").close_to(values)
    expect(len(link.sent), "messages sent by a process alone").equals(0)


@ring_all_reduce.property("keeps the dtype of `values`")
def _(answer, draw: Draw) -> None:
    for values in (normals(draw, 6).double(), torch.arange(6)):
        found, _ = _everywhere(answer, [values.clone() for _ in range(3)])
        for rank in (0, 2):
            expect(found[rank], f"what process {rank} returns").has_dtype(
                str(values.dtype).removeprefix("torch.")
            )


@ring_all_reduce.right
def right_ring(values, link):
    p, rank = link.size, link.rank
    right, left = (rank + 1) % p, (rank - 1) % p
    parts = [part.clone() for part in values.tensor_split(p)]
    for step in range(p - 1):  # reduce
        link.send(parts[(rank - step) % p], right)
        at = (rank - step - 1) % p
        parts[at] = parts[at] + link.receive(left)
    for step in range(p - 1):  # gather
        link.send(parts[(rank + 1 - step) % p], right)
        parts[(rank - step) % p] = link.receive(left)
    return torch.cat(parts)


_REDUCE, _GATHER = "range(p - 1):  # reduce", "range(p - 1):  # gather"
_TAKES_AT = "parts[at] = parts[at] + link.receive(left)"

ring_all_reduce.slip(
    "loses_dtype",
    "The result is float32 where `values` are not; keep their dtype.",
    {"torch.cat(parts)": "torch.cat(parts).float()"},
)


@ring_all_reduce.mistake(
    "Your processes all talk to process 0. It gives the right sum, but process 0 sends and "
    "receives (p − 1) whole vectors while the others wait. In a ring each talks to its neighbours "
    "and sends one part at a time."
)
def star(values, link):
    total = values.clone()
    if link.rank == 0:
        for other in range(1, link.size):
            total += link.receive(other)
        for other in range(1, link.size):
            link.send(total, other)
        return total
    link.send(values, 0)
    return link.receive(0)


@ring_all_reduce.mistake(
    "You send whole vectors round the ring. The sum is right, but each process sends (p − 1) · n "
    "numbers. Cut the vector into p parts: then it is 2(p − 1)/p · n, however many processes "
    "there are."
)
def whole_vectors(values, link):
    total, passing = values.clone(), values
    for _ in range(link.size - 1):
        link.send(passing, (link.rank + 1) % link.size)
        passing = link.receive((link.rank - 1) % link.size)
        total = total + passing
    return total


@ring_all_reduce.mistake(
    "Every process sends its whole vector to every other. The sum is right, but each sends "
    "(p − 1) · n numbers. In a ring each sends one part at a time to one neighbour."
)
def everybody_to_everybody(values, link):
    for step in range(1, link.size):
        link.send(values, (link.rank + step) % link.size)
    arrived = {r: link.receive(r) for r in range(link.size) if r != link.rank}
    total = torch.zeros_like(values)
    for rank in range(link.size):
        total = total + arrived.get(rank, values)
    return total


ring_all_reduce.slip(
    "waits_first",
    "Every process waits before it sends, so nobody ever sends: a deadlock. Send first, then "
    "receive; a send does not wait.",
    {
        "        link.send(parts[(rank - step) % p], right)\n": "",
        _TAKES_AT: _TAKES_AT + "\n        link.send(parts[(rank - step) % p], right)",
    },
)
ring_all_reduce.slip(
    "own_part_again",
    "Each process sends its own part at every step. What has to go on to the right is the part "
    "that has just been added to: at step s, part rank − s.",
    {"link.send(parts[(rank - step) % p], right)": "link.send(parts[rank], right)"},
)
ring_all_reduce.slip(
    "adds_in_second_half",
    "In the second half you added what arrived. There the parts are finished sums: they replace "
    "what a process has.",
    {
        "parts[(rank - step) % p] = link.receive(left)": (
            "parts[(rank - step) % p] = parts[(rank - step) % p] + link.receive(left)"
        )
    },
)
ring_all_reduce.slip(
    "first_half_only",
    "You stopped after the first half: each process has one finished part and p − 1 unfinished "
    "ones. The second half hands the finished parts round.",
    {_GATHER: "range(0):"},
)
ring_all_reduce.slip(
    "gathers_own_number",
    "Part k ends as the numbers of process k alone. Two slips do that: putting what arrives in "
    "the first half in the place of one's own numbers, where it has to be added to them; or "
    "beginning the second half with part r, where the finished one is part r + 1.",
    {
        "parts[(rank + 1 - step) % p]": "parts[(rank - step) % p]",
        "parts[(rank - step) % p] = link": "parts[(rank - step - 1) % p] = link",
    },
)
ring_all_reduce.slip(
    "one_step_short",
    "One step too few in the first half: a part visits p processes, and that takes p − 1 steps.",
    {_REDUCE: "range(p - 2):"},
)
ring_all_reduce.slip(
    "one_step_more",
    "One step too many in one of the halves: p − 1 steps are enough in each. What the last one "
    "brings is replaced or there already, and costs every process a message.",
    {_REDUCE: "range(p if p > 1 else 0):"},
)
ring_all_reduce.slip(
    "both_one_step_more",
    "One step too many in both halves. After p − 1 steps each part has visited all p processes: "
    "what one more brings is not kept, and it costs every process a message in each half.",
    {_REDUCE: "range(p if p > 1 else 0):", _GATHER: "range(p if p > 1 else 0):"},
)
ring_all_reduce.slip(
    "both_one_step_short",
    "One step too few in both halves. A part has to visit all p processes, which takes p − 1 "
    "steps: once to be added up, and once to be handed round.",
    {_REDUCE: "range(p - 2):", _GATHER: "range(p - 2):"},
)
ring_all_reduce.slip(
    "handed_round_one_step_short",
    "One step too few in the second half: one part in each process is still unfinished. A "
    "finished part has p − 1 others to visit.",
    {_GATHER: "range(p - 2):"},
)
ring_all_reduce.slip(
    "averages",
    "You returned the mean. An all-reduce adds; who wants a mean divides afterwards.",
    {"torch.cat(parts)": "torch.cat(parts) / p"},
)
ring_all_reduce.slip(
    "chunks",
    "`chunk(p)` may make fewer than p parts when n does not divide by p. `tensor_split(p)` always "
    "makes p, of which some may be empty.",
    {"values.tensor_split(p)": "values.chunk(p)"},
)
ring_all_reduce.slip(
    "drops_the_rest",
    "Parts of n // p numbers leave the last n mod p out. `values.tensor_split(p)` makes p parts "
    "of nearly equal length, and leaves nothing out.",
    {"values.tensor_split(p)": "values[: len(values) // p * p].tensor_split(p)"},
)
ring_all_reduce.slip(
    "rest_not_exchanged",
    "The last n mod p numbers are still each process's own: parts of n // p numbers leave them "
    "out. `values.tensor_split(p)` makes p parts of nearly equal length, and leaves nothing out.",
    {
        "values.tensor_split(p)": "values[: len(values) // p * p].tensor_split(p)",
        "torch.cat(parts)": "torch.cat([*parts, values[len(values) // p * p :]])",
    },
)


def _ring_of_parts(parts: list[Tensor], link: Link) -> Tensor:
    """A ring over parts that were cut by hand."""
    p, rank = link.size, link.rank
    for step in range(2 * (p - 1)):
        sends = (rank - step) % p
        link.send(parts[sends], (rank + 1) % p)
        arrived = link.receive((rank - 1) % p)
        takes = (sends - 1) % p
        parts[takes] = parts[takes] + arrived if step < p - 1 else arrived
    return torch.cat(parts)


@ring_all_reduce.mistake(
    "The last part gets all that is left over, so it may be far longer than the others, and every "
    "step waits for it. Parts may differ in length by one: cut with tensor_split."
)
def rest_in_last(values, link):
    p = link.size
    each = len(values) // p
    cuts = [each * k for k in range(p)] + [len(values)]
    return _ring_of_parts([values[a:b].clone() for a, b in itertools.pairwise(cuts)], link)


@ring_all_reduce.mistake(
    "Your parts are cut to n / p rounded up (as `chunk(p)` does too), so the last ones are short "
    "or empty while the first are longer by more than one. tensor_split(p) makes them as equal as "
    "can be."
)
def chunks_and_empty_ones(values, link):
    each = -(-len(values) // link.size)
    parts = [values[k * each : (k + 1) * each].clone() for k in range(link.size)]
    return _ring_of_parts(parts, link)


@ring_all_reduce.mistake(
    "The sum is right, but you send padding. Parts may differ in length by one: cut with "
    "tensor_split."
)
def padded(values, link):
    return ring(F.pad(values, (0, -len(values) % link.size)), link)[: len(values)]


ring_all_reduce.hint(
    "First half: at step s, process r sends part r − s and adds what arrives to part r − s − 1, "
    "all modulo p. Follow part 0 through three processes on paper."
)
ring_all_reduce.hint("Copy the parts: `parts = [part.clone() for part in values.tensor_split(p)]`.")
ring_all_reduce.hint(
    "Second half: process r begins with part r + 1, which is finished, and what arrives replaces "
    "part r − s at step s."
)
ring_all_reduce.hint(
    "Three processes, three numbers: print the parts after each step.", when="value"
)
ring_all_reduce.hint("Who sends, when everybody receives first?", when="error")
ring_all_reduce.hint("Where are the numbers that do not divide by p?", when="shape")
