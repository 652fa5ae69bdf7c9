"""How `augment` is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import different_values

augment = Exercise("augment", minutes=20, difficulty=3, changes=("generator",), returns=Tensor)


def _moved(picture: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """A picture (c, h, w) moved, zeros coming in: by cutting out of a wide margin of zeros."""
    _, height, width = picture.shape
    margin = max(height, width)
    wide = F.pad(picture, (margin,) * 4)
    top, left = margin - down, margin - right
    return wide[:, top : top + height, left : left + width]


def _augmented(answer, pictures: torch.Tensor, limit: int, seed: int) -> torch.Tensor:
    return torch.as_tensor(answer(pictures, limit, torch_generator(seed)))


def _numbered(n: int, channels: int = 1, height: int = 4, width: int = 5) -> torch.Tensor:
    """Pictures all alike, without a zero, no two pixels the same."""
    pixels = torch.arange(1.0, channels * height * width + 1).reshape(channels, height, width)
    return pixels.repeat(n, 1, 1, 1)


def _wandered(answer, seed: int, n: int, limit: int = 1) -> list[tuple[int, int]]:
    """Where n pictures went, (down, right) each: a bright pixel in the middle tells."""
    pictures = torch.zeros(n, 1, 7, 7)
    pictures[:, 0, 3, 3] = 1.0
    found = _augmented(answer, pictures, limit, seed)
    if found.shape != pictures.shape:
        return []
    where = found[:, 0].flatten(1).argmax(dim=1).tolist()
    return [(place // 7 - 3, place % 7 - 3) for place in where]


@augment.property("moves each picture as a whole, zeros coming in", trials=3)
def _(answer, draw: Draw) -> None:
    pictures, limit = _numbered(20, 2), draw.integers(1, 3)
    found = _augmented(answer, pictures, limit, draw.seed())
    expect(tuple(found.shape), "the shape").equals(tuple(pictures.shape))
    if found.shape == pictures.shape:
        reach = range(-limit, limit + 1)
        copies = [_moved(pictures[0], down, right) for down in reach for right in reach]
        is_copy = (found[:, None] == torch.stack(copies)).flatten(2).all(dim=2).any(dim=1)
        # A truth value, not a count: which pictures are spoilt depends on how shifts are drawn.
        expect(bool(is_copy.all()), "each picture is a shifted copy").is_true(
            otherwise="some picture is not itself, moved by at most the limit, with zeros coming in"
        )


@augment.property("gives each picture a shift of its own", trials=1)
def _(answer, draw: Draw) -> None:
    shifts = _wandered(answer, draw.seed(), 150)
    expect(len(set(shifts)), "how many of the 9 shifts 150 pictures made at limit 1").equals(9)
    seen = sorted({step for shift in shifts for step in shift})
    expect(seen, "the steps seen").equals([-1, 0, 1])


@augment.property("uses every shift from −limit to limit, both ways independently", trials=1)
def _(answer, draw: Draw) -> None:
    for limit, n, most in ((1, 500, 92), (2, 1000, 72)):  # five deviations above n / 9, n / 25
        shifts, steps = _wandered(answer, draw.seed(), n, limit), list(range(-limit, limit + 1))
        if len(set(shifts)) > 1:
            down, right = (sorted(set(axis)) for axis in zip(*shifts, strict=True))
            expect(down, f"the shifts downwards seen at limit {limit}").equals(steps)
            expect(right, f"the shifts to the right seen at limit {limit}").equals(steps)
            count, favourite = max((shifts.count(shift), shift) for shift in set(shifts))
            expect(count < most, "no shift is favoured").is_true(
                otherwise=f"at limit {limit}, {favourite[0]} down and {favourite[1]} to the right "
                f"came {count} times in {n}, about {n // len(steps) ** 2} would be its share: "
                "all whole numbers are equally likely, which rounding spoils; `torch.randint` "
                "draws them"
            )


@augment.property("fills what comes in with zeros", trials=1)
def _(answer, draw: Draw) -> None:
    found = _augmented(answer, torch.ones(60, 1, 5, 5), 1, draw.seed())
    sums = different_values(found.double().flatten(1).sum(dim=1)) if found.ndim == 4 else []
    expect(sums, "the ink left of 25 pixels, moved by at most 1").equals([16.0, 20.0, 25.0])
    corner = torch.zeros(60, 1, 5, 5)
    corner[:, 0, 0, 0] = 1.0
    found = _augmented(answer, corner, 1, draw.seed())
    sums = different_values(found.double().flatten(1).sum(dim=1)) if found.ndim == 4 else []
    expect(sums, "the ink left of one pixel in a corner").equals([0.0, 1.0])


@augment.property("leaves pictures where they are when the limit is 0", trials=1)
def _(answer, draw: Draw) -> None:
    pictures = normals(draw, 2, 1, 4, 3)
    expect(answer(pictures, 0, torch_generator(1)), "the pictures").close_to(pictures)


@augment.property("draws from the generator it was given", trials=1)
def _(answer, draw: Draw) -> None:
    pictures, seed, generator = _numbered(40), draw.seed(), torch_generator(draw.seed())
    one, two = (_augmented(answer, pictures, 2, seed) for _ in range(2))
    calls = [torch.as_tensor(answer(pictures, 2, generator)) for _ in range(2)]
    expect(torch.equal(one, two), "the same seed, the same shifts").is_true(
        otherwise="two generators with the same seed gave different shifts: the chance comes from "
        "elsewhere"
    )
    expect(not torch.equal(*calls), "the next call, other shifts").is_true(
        otherwise="two calls with the same generator gave the same shifts: draw from the generator "
        "as it comes, without seeding it"
    )


def _shifted(images, limit, generator, **habits):
    """Random shifts with one bad habit, named by keyword."""
    n, low, high = len(images), -limit, limit + 1
    low = 0 if habits.get("one_way") else low
    high = limit if habits.get("open_end") and limit else high
    draws = 1 if habits.get("whole_batch") else n
    source = None if habits.get("own_randomness") else generator
    moves = torch.randint(low, high, (draws, 2), generator=source).expand(n, 2)
    moves = moves[:, [1, 1]] if habits.get("diagonal") else moves
    moves = moves * torch.tensor([0, 1]) if habits.get("sideways") else moves
    return _cut_out(images, moves * habits.get("times", 1), habits.get("fill", "constant"))


def _cut_out(images, moves, fill="constant"):
    """Pictures moved by (down, right) each; `fill` says what comes in, in the words of F.pad."""
    margin = int(moves.abs().max())
    height, width = images.shape[2:]
    windows = F.pad(images, (margin,) * 4, mode=fill).unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(len(images)), :, margin - moves[:, 0], margin - moves[:, 1]]


@augment.mistake(
    "Your pictures wrap round: what leaves on one side comes back on the other, as `torch.roll` "
    "does it. What comes in is paper: 0."
)
def wraps_round(images, limit, generator):
    return _shifted(images, limit, generator, fill="circular")


@augment.mistake(
    "The whole batch moves together. Draw one pair of shifts for *each* picture: n × 2 numbers."
)
def same_for_the_batch(images, limit, generator):
    return _shifted(images, limit, generator, whole_batch=True)


@augment.mistake(
    "Your shifts go one way only. They run from −limit to +limit; a negative one moves up, or left."
)
def one_way_only(images, limit, generator):
    return _shifted(images, limit, generator, one_way=True)


@augment.mistake(
    "The largest shift never comes: `torch.randint(low, high)` leaves out `high`. Use limit + 1."
)
def largest_left_out(images, limit, generator):
    return _shifted(images, limit, generator, open_end=True)


@augment.mistake(
    "The largest shift never comes: `torch.randint(low, high)` leaves out `high`, and with limit 0 "
    "there is nothing to draw from. Use limit + 1."
)
def largest_left_out_even_at_0(images, limit, generator):
    moves = torch.randint(-limit, limit, (len(images), 2), generator=generator)
    return _cut_out(images, moves)


@augment.mistake(
    "Down and right always agree, so that pictures move along the diagonal. Draw the two shifts "
    "separately."
)
def along_the_diagonal(images, limit, generator):
    return _shifted(images, limit, generator, diagonal=True)


@augment.mistake("Your pictures move sideways only. Shift the rows as well.")
def sideways_only(images, limit, generator):
    return _shifted(images, limit, generator, sideways=True)


@augment.mistake("You filled in with copies of the edge. What comes in is paper: 0.")
def smeared_edges(images, limit, generator):
    return _shifted(images, limit, generator, fill="replicate")


@augment.mistake(
    "The generator is not used, so that a run cannot be repeated: `torch.randint(…, "
    "generator=generator)`."
)
def augment_without_generator(images, limit, generator):
    return _shifted(images, limit, generator, own_randomness=True)


@augment.mistake(
    "The shifts are either 0 or as far as they may go. All whole numbers between belong to them: "
    "`torch.randint(-limit, limit + 1, …)`."
)
def all_or_nothing(images, limit, generator):
    return _shifted(images, min(limit, 1), generator, times=limit)


@augment.mistake(
    "A picture's channels move apart. They show one thing: move them all by the same two numbers."
)
def channels_apart(images, limit, generator):
    n, channels, *size = images.shape
    return _shifted(images.reshape(-1, 1, *size), limit, generator).reshape(n, channels, *size)


@augment.mistake(
    "No picture stays where it is along an axis: a shift of 0 belongs to them as well."
)
def never_zero(images, limit, generator):
    if limit == 0:
        return images.clone()
    sides = 2 * torch.randint(0, 2, (len(images), 2), generator=generator) - 1
    far = torch.randint(1, limit + 1, (len(images), 2), generator=generator)
    return _cut_out(images, sides * far)


@augment.mistake(
    "You returned the padded pictures. Cut a window of the old size out of each, where its shift "
    "says."
)
def not_cut_out(images, limit, generator):
    return F.pad(images, (limit,) * 4)


@augment.mistake("Nothing moves: the pictures come back where they were.")
def never_moved(images, limit, generator):
    return images.clone()


augment.equivalent(
    "`corner = torch.randint(0, 2 * limit + 1, (n, 2), generator=generator)` → "
    "`corner = torch.randint(0, 2 * limit + 1, (n, 3), generator=generator)`",
    because="a third random number for each picture is drawn and never read",
)


augment.hint("Lay a margin of `limit` zeros round all pictures, then cut a window out of each.")
augment.hint(
    "`torch.randint(0, 2 * limit + 1, (n, 2), generator=generator)` gives each picture the top "
    "left corner of its window."
)
augment.hint("A loop over the pictures and `torch.stack` will do.")
augment.hint("Is the size of the window that of the picture?", when="shape")
augment.hint(
    "`randint` leaves out its upper end. Are both −limit and limit drawn?",
    when="uses every shift from −limit to limit, both ways independently",
)
augment.hint(
    "`torch.roll` brings back what has left. Pad instead.", when="fills what comes in with zeros"
)
