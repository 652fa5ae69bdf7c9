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

ring_all_reduce = Exercise("ring_all_reduce", minutes=40, difficulty=3)


def _everywhere(answer, values: list[Tensor]) -> tuple[list[Tensor], list[Link]]:
    """Run an answer in one process for each tensor; what each returns, and its link."""
    links: dict[int, Link] = {}

    def one(link: Link) -> Any:
        links[link.rank] = link
        return answer(values[link.rank], link)

    found = in_turns(one, len(values), SECONDS)
    return found, [links[rank] for rank in range(len(values))]


def _expect_sums(found: list[Any], values: list[Tensor]) -> None:
    total = torch.stack(values).double().sum(0)
    for rank, values_there in enumerate(found):
        expect(values_there, f"what process {rank} returns").close_to(total, atol=1e-5)


@ring_all_reduce.property("keeps the dtype of `values`")
def _(answer, draw: Draw) -> None:
    found, _ = _everywhere(answer, [normals(draw, 6).double() for _ in range(3)])
    for rank in (0, 2):
        there = found[rank]
        expect(
            8 * there.element_size() if isinstance(there, Tensor) else there,
            f"bits of each number that process {rank} returns, where `values` have 64",
        ).equals(64)


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
        targets = [len({sent.to for sent in link.sent}) for link in links]
        expect(targets, "to how many others each process sends").equals([1] * size)


@ring_all_reduce.property("works when the parts are not equal, or some are empty", trials=3)
def _(answer, draw: Draw) -> None:
    for size, n in ((4, 4 + draw.size), (3, 2), (2, 1)):
        values = [normals(draw, n) for _ in range(size)]
        found, links = _everywhere(answer, values)
        _expect_sums(found, values)
        expect(
            sum(map(numbers_sent, links)), f"numbers sent by all {size} together, n = {n}"
        ).equals(2 * (size - 1) * n)
        lengths = [sent.numbers for link in links for sent in link.sent]
        expect(
            max(lengths, default=0) - min(lengths, default=0),
            f"longest part sent minus shortest, {n} numbers in {size} parts",
        ).is_between(0, 1)


@ring_all_reduce.property("gives all processes the same numbers, to the last bit")
def _(answer, draw: Draw) -> None:
    values = [torch.tensor(draw.rng.normal(size=9), dtype=torch.float32) for _ in range(4)]
    found, _ = _everywhere(answer, values)
    _expect_sums(found, values)
    same = [torch.equal(torch.as_tensor(there), torch.as_tensor(found[0])) for there in found]
    expect(sum(same), "how many of 4 processes have the same as process 0").equals(4)


@ring_all_reduce.property("gives a process alone its own vector, and sends nothing")
def _(answer, draw: Draw) -> None:
    values = normals(draw, 5).double()
    found = answer(values, alone())
    expect(found, "what a single process returns").close_to(values)
    expect(found, "what a single process returns").has_dtype("float64")


@ring_all_reduce.mistake("The result is float32 where `values` are float64; keep the dtype.")
def loses_dtype(values, link):
    return ring(values, link).float()


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
    "Every process waits before it sends, so nobody ever sends: a deadlock. Send first, then "
    "receive; a send does not wait."
)
def waits_first(values, link):
    return ring(values, link, waits_first=True)


@ring_all_reduce.mistake(
    "Each process sends its own part at every step. What has to go on to the right is the part "
    "that has just been added to: at step s, part rank − s."
)
def own_part_again(values, link):
    return ring(values, link, own_part_again=True)


@ring_all_reduce.mistake(
    "In the second half you added what arrived. There the parts are finished sums: they replace "
    "what a process has."
)
def adds_in_second_half(values, link):
    return ring(values, link, adds_on=True)


@ring_all_reduce.mistake(
    "You stopped after the first half: each process has one finished part and p − 1 unfinished "
    "ones. The second half hands the finished parts round."
)
def first_half_only(values, link):
    return ring(values, link, gather_steps=0)


@ring_all_reduce.mistake(
    "Part k ends as the numbers of process k alone. Two slips do that: putting what arrives in "
    "the first half in the place of one's own numbers, where it has to be added to them; or "
    "beginning the second half with part r, where the finished one is part r + 1."
)
def gathers_own_number(values, link):
    return ring(values, link, gather_from=0)


@ring_all_reduce.mistake(
    "One step too few in the first half: a part visits p processes, and that takes p − 1 steps."
)
def one_step_short(values, link):
    return ring(values, link, reduce_steps=max(link.size - 2, 0))


@ring_all_reduce.mistake(
    "One step too many in the first half: some numbers were added twice. p − 1 steps are enough."
)
def one_step_more(values, link):
    return ring(values, link, reduce_steps=link.size)


@ring_all_reduce.mistake(
    "You returned the mean. An all-reduce adds; who wants a mean divides afterwards."
)
def averages(values, link):
    return ring(values, link, averages=True)


@ring_all_reduce.mistake(
    "`chunk(p)` may make fewer than p parts when n does not divide by p. `tensor_split(p)` always "
    "makes p, of which some may be empty."
)
def chunks(values, link):
    return ring(values, link, chunk=True)


@ring_all_reduce.mistake(
    "Parts of n // p numbers leave the last n mod p out. `values.tensor_split(p)` makes p parts "
    "of nearly equal length, and leaves nothing out."
)
def drops_the_rest(values, link):
    return ring(values, link, whole_parts=True)


@ring_all_reduce.mistake(
    "The last part gets all that is left over, so it may be far longer than the others, and every "
    "step waits for it. Parts may differ in length by one: cut with tensor_split."
)
def rest_in_last(values, link):
    p = link.size
    each = len(values) // p
    cuts = [each * k for k in range(p)] + [len(values)]
    parts = [values[low:high].clone() for low, high in itertools.pairwise(cuts)]
    return ring(values, link, parts=parts)


@ring_all_reduce.mistake(
    "`chunk(p)` rounds the length of a part up, so the last parts are short or empty while the "
    "first ones are longer by more than one. tensor_split(p) makes them as equal as can be."
)
def chunks_and_empty_ones(values, link):
    parts = [part.clone() for part in values.chunk(link.size)]
    parts += [values[:0].clone() for _ in range(link.size - len(parts))]
    return ring(values, link, parts=parts)


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
