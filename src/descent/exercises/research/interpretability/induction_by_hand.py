"""How `induction_by_hand` is judged: the weights are run, and their attention is looked at."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import later_copies, repeated

induction_by_hand = Exercise(
    "induction_by_hand",
    minutes=45,
    difficulty=3,
    returns=tuple[Tensor, Tensor, Tensor, Tensor],
)


def _stream(row: list[int], vocabulary: int, length: int) -> Tensor:
    x = torch.zeros(len(row), 3 * vocabulary + length)
    for i, token in enumerate(row):
        x[i, token] = 1.0
        x[i, vocabulary + i] = 1.0
    return x


def _layer(x: Tensor, look: Tensor, write: Tensor) -> tuple[Tensor, Tensor]:
    future = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
    attention = (x @ look @ x.T).masked_fill(future, -torch.inf).softmax(dim=1)
    return attention, x + attention @ x @ write


def _run(weights, row: list[int], vocabulary: int, length: int):
    look, write, look_again, write_again = (w.float() for w in weights)
    first, x = _layer(_stream(row, vocabulary, length), look, write)
    second, x = _layer(x, look_again, write_again)
    return first, second, x[:, -vocabulary:]


def _rows(draw: Draw, vocabulary: int, length: int) -> list[int]:
    return repeated(draw.rng, vocabulary, length, draw.integers(2, length // 2 + 1))


def _weights(answer, vocabulary: int, length: int):
    weights = answer(vocabulary, length)
    size = 3 * vocabulary + length
    for name, weight in zip(("look 1", "write 1", "look 2", "write 2"), weights, strict=False):
        expect(weight, name).has_shape(size, size).is_finite()
        expect(weight.is_floating_point(), f"whether {name} has float numbers").equals(True)
    fits = len(weights) == 4 and all(w.shape == (size, size) for w in weights)
    return weights if fits else None


def _case(answer, draw: Draw):
    vocabulary, length = 4 + draw.size % 7, 6 + draw.size % 8
    return _weights(answer, vocabulary, length), vocabulary, length


@induction_by_hand.property("looks one place back in the first layer", trials=5)
def _(answer, draw: Draw) -> None:
    weights, vocabulary, length = _case(answer, draw)
    if weights is None:
        return
    first, _, _ = _run(weights, _rows(draw, vocabulary, length), vocabulary, length)
    back = first.diagonal(offset=-1)
    expect(back, "attention to the place before, from the second place on").is_above(0.99)


@induction_by_hand.property("writes the token before into the third part", trials=4)
def _(answer, draw: Draw) -> None:
    weights, vocabulary, length = _case(answer, draw)
    if weights is None:
        return
    row = _rows(draw, vocabulary, length)
    x = _stream(row, vocabulary, length)
    _, x = _layer(x, weights[0].float(), weights[1].float())
    third = x[1:, vocabulary + length : 2 * vocabulary + length]
    wanted = torch.zeros(len(row) - 1, vocabulary)
    for i in range(1, len(row)):
        wanted[i - 1, row[i - 1]] = 1.0
    expect(third, "the third part, from the second place on").close_to(wanted, atol=0.03)


@induction_by_hand.property("looks after earlier copies in the second layer", trials=7)
def _(answer, draw: Draw) -> None:
    weights, vocabulary, length = _case(answer, draw)
    if weights is None:
        return
    row = _rows(draw, vocabulary, length)
    _, second, _ = _run(weights, row, vocabulary, length)
    for i, places in enumerate(later_copies(row)):
        if places:
            name = f"attention of place {i} to places {places}"
            expect(float(second[i, places].sum()), name).is_above(0.99)


@induction_by_hand.property("does not take the first place for one that follows a copy", trials=3)
def _(answer, draw: Draw) -> None:
    weights, vocabulary, length = _case(answer, draw)
    if weights is None:
        return
    row = [0, 1, 2, 3, 0, 1][:length]
    _, second, _ = _run(weights, row, vocabulary, length)
    expect(float(second[4, 1]), "attention of place 4 to place 1").is_above(0.99)


@induction_by_hand.property("predicts what followed, for any tokens and any distance", trials=5)
def _(answer, draw: Draw) -> None:
    weights, vocabulary, length = _case(answer, draw)
    if weights is None:
        return
    tokens = [int(t) for t in draw.rng.permutation(vocabulary)]
    again = draw.integers(1, min(vocabulary, length - 1))
    row = (tokens[: again + 1] + [tokens[again - 1]])[:length]
    _, _, predicted = _run(weights, row, vocabulary, length)
    if len(row) == again + 2:
        expect(int(predicted[-1].argmax()), f"the prediction after {row}").equals(row[again])


@induction_by_hand.property("predicts by more than a half where the token occurred once", trials=3)
def _(answer, draw: Draw) -> None:
    weights, vocabulary, length = _case(answer, draw)
    if weights is None:
        return
    row = [2, 0, 1, 2]
    _, _, predicted = _run(weights, row, vocabulary, length)
    top = predicted[3].topk(2).values
    expect(float(top[0] - top[1]), "by how much the prediction leads").is_above(0.5)
    expect(int(predicted[3].argmax()), f"the prediction after {row}").equals(0)


@induction_by_hand.right
def right_weights(vocabulary, length):
    size = 3 * vocabulary + length
    token = torch.arange(vocabulary)
    place = vocabulary + torch.arange(length)
    before = vocabulary + length + token
    predicted = 2 * vocabulary + length + token
    look, write, look_again, write_again = torch.zeros(4, size, size)
    look[place[1:], place[:-1]] = 40.0
    write[token, before] = 1.0
    look_again[token, before] = 40.0
    look_again[token, place[0]] = -80.0
    write_again[token, predicted] = 1.0
    return look, write, look_again, write_again


induction_by_hand.slip(
    "looks_ahead",
    "Your first layer wants the *next* place, which the mask hides. Row: the place that looks. "
    "Column: the place it looks at, one smaller.",
    {"look[place[1:], place[:-1]]": "look[place[:-1], place[1:]]"},
)
induction_by_hand.slip(
    "looks_at_itself",
    "Your first layer looks at its own place.",
    {"look[place[1:], place[:-1]]": "look[place, place]"},
)
induction_by_hand.slip(
    "looks_two_back",
    "Your first layer looks two places back.",
    {"look[place[1:], place[:-1]]": "look[place[2:], place[:-2]]"},
)
induction_by_hand.slip(
    "too_soft_first",
    "Your scores in the first layer are too small: a softmax of 1 against 0 hardly prefers "
    "anything. Scores of 40 leave nothing to the others.",
    {"place[:-1]] = 40.0": "place[:-1]] = 1.0"},
)
induction_by_hand.slip(
    "too_soft_second",
    "Your scores in the second layer are too small: a softmax of 1 against 0 hardly prefers "
    "anything.",
    {"before] = 40.0": "before] = 1.0", "-80.0": "-2.0"},
)
induction_by_hand.slip(
    "duplicate_token",
    "Your second layer compares the token with tokens: it finds the copies, and the place itself. "
    "Compare it with what stood *before* each place.",
    {"look_again[token, before]": "look_again[token, token]"},
)
induction_by_hand.slip(
    "second_look_turned_round",
    "Your second layer compares what stood before *this* place with the tokens of the others. It "
    "is the other way round: row, what looks; column, what is looked at.",
    {"look_again[token, before]": "look_again[before, token]"},
)
induction_by_hand.slip(
    "before_with_before",
    "Your second layer compares what stood before with what stood before. That finds the same "
    "place as the copy, not the one after it.",
    {"look_again[token, before]": "look_again[before, before]"},
)
induction_by_hand.slip(
    "first_place_left_in",
    "The first place has nothing before it, so it looks at itself and holds its own token as the "
    "one before. Later copies of that token then look at place 0 too: give it a score far below 0.",
    {"    look_again[token, place[0]] = -80.0\n": ""},
)
induction_by_hand.slip(
    "place_copied",
    "Your first layer writes *where* it looked, and not which token stood there.",
    {
        "write[token, before] = 1.0": (
            "write[place[: min(length, vocabulary)], before[: min(length, vocabulary)]] = 1.0"
        )
    },
)
induction_by_hand.slip(
    "written_over_the_token",
    "Your first layer writes the token before on top of the token itself: afterwards nobody can "
    "tell which is which. Use the third part.",
    {"write[token, before]": "write[token, token]"},
)
induction_by_hand.slip(
    "written_turned_round",
    "Your first layer reads the third part and writes the first. Rows are read, columns written.",
    {"write[token, before]": "write[before, token]"},
)
induction_by_hand.slip(
    "predicts_the_token_before",
    "Your second layer copies what stood *before* the place it looks at. That is the token you "
    "already have: copy the token itself.",
    {"write_again[token, predicted]": "write_again[before, predicted]"},
)
induction_by_hand.slip(
    "prediction_turned_round",
    "Your second layer reads the fourth part and writes the first. Rows are read, columns written.",
    {"write_again[token, predicted]": "write_again[predicted, token]"},
)
induction_by_hand.slip(
    "nothing_predicted",
    "Your second layer looks at the right places and writes nothing.",
    {"write_again[token, predicted] = 1.0": "pass"},
)
induction_by_hand.slip(
    "unlikes",
    "Your second layer prefers places whose token before is *another* one. A match gets the high "
    "score.",
    {"before] = 40.0": "before] = -40.0"},
)

induction_by_hand.slip(
    "too_soft",
    "Your scores are too small, in both layers: a softmax of 1 against 0 hardly prefers anything. "
    "Scores of 40 leave nothing to the others.",
    {"place[:-1]] = 40.0": "place[:-1]] = 1.0", "before] = 40.0": "before] = 1.0", "-80.0": "-2.0"},
)
_FIRST = "    look_again[token, place[0]] = -80.0\n"
for _name, _entry, _words in (
    (
        "duplicate_token",
        "look_again[token, token]",
        "Your second layer compares the token with tokens: it finds the copies, and the place "
        "itself. Compare it with what stood *before* each place.",
    ),
    (
        "second_look_turned_round",
        "look_again[before, token]",
        "Your second layer compares what stood before *this* place with the tokens of the others. "
        "It is the other way round: row, what looks; column, what is looked at.",
    ),
    (
        "before_with_before",
        "look_again[before, before]",
        "Your second layer compares what stood before with what stood before. That finds the same "
        "place as the copy, not the one after it.",
    ),
):
    induction_by_hand.slip(
        f"{_name}_and_the_first_place",
        f"{_words} And mind the first place, which holds its own token as the one before.",
        {"look_again[token, before]": _entry, _FIRST: ""},
    )
induction_by_hand.slip(
    "both_written_turned_round",
    "Both of your layers read where they should write. Rows are read, columns written.",
    {
        "write[token, before]": "write[before, token]",
        "write_again[token, predicted]": "write_again[predicted, token]",
    },
)
induction_by_hand.slip(
    "place_before_token",
    "You took the place for the first part of the stream. The token is the first, the place the "
    "second.",
    {
        "token = torch.arange(vocabulary)": "token = length + torch.arange(vocabulary)",
        "place = vocabulary + torch.arange(length)": "place = torch.arange(length)",
        "before = vocabulary + length + token": "before = vocabulary + token",
        "predicted = 2 * vocabulary + length + token": "predicted = 2 * vocabulary + token",
    },
)
induction_by_hand.slip(
    "minus_infinity",
    "You gave the first place a score of −∞. An entry of 0 in the stream times ∞ is no number, and "
    "spoils every score: a finite number far below 0 is enough.",
    {"-80.0": "-torch.inf"},
)
induction_by_hand.slip(
    "itself_as_well",
    "Your first layer likes its own place as much as the one before: each gets half.",
    {"    write[token, before]": ("    look[place, place] = 40.0\n    write[token, before]")},
)
induction_by_hand.slip(
    "all_earlier_places",
    "Your first layer likes all earlier places alike. The one right before is asked for.",
    {
        "look[place[1:], place[:-1]] = 40.0": (
            "look[vocabulary : vocabulary + length, vocabulary : vocabulary + length] = "
            "40.0 * torch.ones(length, length).tril(-1)"
        )
    },
)
induction_by_hand.slip(
    "predicted_into_the_token",
    "Your second layer writes the prediction into the first part. It belongs in the fourth.",
    {"write_again[token, predicted]": "write_again[token, token]"},
)
induction_by_hand.slip(
    "predicted_into_the_third",
    "Your second layer writes the prediction into the third part. It belongs in the fourth.",
    {"write_again[token, predicted]": "write_again[token, before]"},
)
induction_by_hand.slip(
    "last_place_left_out",
    "The last place looks nowhere in particular: your count of places ends one too early.",
    {"look[place[1:], place[:-1]]": "look[place[1:-1], place[:-2]]"},
)
induction_by_hand.slip(
    "whole_numbers",
    "Your matrices hold whole numbers. Float tensors are asked for: they meet a stream of floats.",
    {
        "return look, write, look_again, write_again": (
            "return tuple(m.long() for m in (look, write, look_again, write_again))"
        )
    },
)

for _line, _other in (
    ("look[place[1:], place[:-1]] = 40.0", "80.0"),
    ("look_again[token, before] = 40.0", "80.0"),
    ("look_again[token, place[0]] = -80.0", "-160.0"),
    ("write_again[token, predicted] = 1.0", "2.0"),
):
    induction_by_hand.equivalent(
        f"`{_line}` → `{_line.split(' = ')[0]} = {_other}`",
        because="a softmax that is sure stays sure, and a prediction may lead by more",
    )

induction_by_hand.hint("Layer 1: place i to place i − 1, and copy the token found into part 3.")
induction_by_hand.hint("Layer 2: my token, against part 3 of the others. What is copied where?")
induction_by_hand.hint("Place 0 has nothing before it. What does layer 1 write there?")
induction_by_hand.hint(
    "What does the very first place hold in part 3?",
    when="does not take the first place for one that follows a copy",
)
induction_by_hand.hint("`look[rows, columns] = 40.0` with two index tensors sets pairs.")
