"""How `make_loader` is judged."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, RandomSampler

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import Numbers

make_loader = Exercise(
    "make_loader", minutes=8, difficulty=2, changes=("generator",), returns=DataLoader
)


def _epoch(loader: DataLoader) -> list[list[int]]:
    return [[int(i) for i in torch.as_tensor(batch).reshape(-1)] for batch in loader]


@make_loader.property("visits the examples in the order of torch.randperm", trials=4)
def _(answer, draw: Draw) -> None:
    n, seed = draw.size + 3, draw.seed()
    loader = answer(Numbers(n), n, torch_generator(seed))
    expected = torch.randperm(n, generator=torch_generator(seed))
    order = [i for batch in _epoch(loader) for i in batch]
    expect(order, "the order of the first epoch").equals(expected.tolist())


@make_loader.property("takes one more randperm for each epoch")
def _(answer, draw: Draw) -> None:
    n, seed = 8, draw.seed()
    loader, twin = answer(Numbers(n), 3, torch_generator(seed)), torch_generator(seed)
    for epoch in (1, 2, 3):
        order = [i for batch in _epoch(loader) for i in batch]
        expected = torch.randperm(n, generator=twin).tolist()
        expect(order, f"the order of epoch {epoch}").equals(expected)


@make_loader.property("cuts batches of the size asked for, the last one shorter", trials=3)
def _(answer, draw: Draw) -> None:
    n, size = draw.choice([(7, 3), (8, 4), (5, 2), (3, 5)])
    loader = answer(Numbers(n), size, torch_generator(draw.seed()))
    sizes = [len(batch) for batch in _epoch(loader)]
    expect(sizes, "the sizes of the batches").equals([min(size, n - i) for i in range(0, n, size)])


class _Order(torch.utils.data.Sampler):
    def __init__(self, n: int, generator: torch.Generator | None) -> None:
        self.n, self.generator = n, generator

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.n, generator=self.generator).tolist())


@make_loader.mistake(
    "You let the loader shuffle. It takes other numbers from your generator as well, so its "
    "order is not that of torch.randperm. Hand it a sampler: `EpochOrder(len(dataset), "
    "generator)`."
)
def own_shuffle(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size, shuffle=True, generator=generator)


@make_loader.mistake(
    "You let the loader shuffle, and without your generator: another order at every run. Hand it a "
    "sampler: `EpochOrder(len(dataset), generator)`."
)
def global_shuffle(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size, shuffle=True)


@make_loader.mistake("Your loader does not shuffle: without a sampler the order is 0, 1, 2, …")
def unshuffled(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size)


@make_loader.mistake(
    "Every epoch of yours has the same order: the permutation was drawn once, when the loader "
    "was made. A sampler draws anew each time it is gone through."
)
def drawn_once(dataset, batch_size, generator):
    order = torch.randperm(len(dataset), generator=generator).tolist()
    return DataLoader(dataset, batch_size=batch_size, sampler=order)


@make_loader.mistake(
    "You drop the short batch at the end of an epoch. Its examples count too: leave `drop_last` "
    "at False."
)
def drops_last(dataset, batch_size, generator):
    order = _Order(len(dataset), generator)
    return DataLoader(dataset, batch_size=batch_size, sampler=order, drop_last=True)


@make_loader.mistake("You did not pass on the batch size: the loader's default is batches of one.")
def batches_of_one(dataset, batch_size, generator):
    return DataLoader(dataset, sampler=_Order(len(dataset), generator))


@make_loader.mistake(
    "Your first epoch has the right order and the next has not. torch's RandomSampler draws a "
    "second permutation at the end of each epoch. EpochOrder draws one."
)
def random_sampler(dataset, batch_size, generator):
    sampler = RandomSampler(dataset, generator=generator)
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler)


@make_loader.mistake(
    "You gave the generator to the sampler and to the loader. The loader draws from it too, "
    "before the permutation: give it to the sampler alone."
)
def generator_twice(dataset, batch_size, generator):
    order = _Order(len(dataset), generator)
    return DataLoader(dataset, batch_size=batch_size, sampler=order, generator=generator)


@make_loader.mistake(
    "You used a generator of your own, or seeded the one you were given. Use it as it comes."
)
def seeded_again(dataset, batch_size, generator):
    return DataLoader(
        dataset, batch_size=batch_size, sampler=_Order(len(dataset), torch_generator(0))
    )


@make_loader.mistake(
    "Your order has as many indices as a batch, so that an epoch is one batch. It runs over all "
    "examples: `EpochOrder(len(dataset), generator)`."
)
def order_of_one_batch(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size, sampler=_Order(batch_size, generator))


make_loader.hint("The loader takes a data set, a batch size, and something that gives the order.")
make_loader.hint("`DataLoader(dataset, batch_size=…, sampler=…)` with the EpochOrder of the page.")
make_loader.hint("Who else draws from the generator? Give it to the sampler alone.", when="order")
make_loader.hint("How long is the last batch of 7 examples, three at a time?", when="length")
make_loader.hint("`shuffle=True` and a sampler exclude each other.", when="error")
make_loader.hint(
    "Is the order drawn when the loader is made, or each time an epoch starts?",
    when="takes one more randperm for each epoch",
)
