"""How `leaked_fraction` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

leaked_fraction = Exercise("leaked_fraction", minutes=15, difficulty=2, returns=float)


def _counted(train: list[int], valid: list[int], length: int) -> float:
    """Ask of every prediction whether a training window is close enough before it."""
    asked = hits = 0
    for start in valid:
        for place in range(start + 1, start + length + 1):
            asked += 1
            hits += any(1 <= place - other <= length for other in train)
    return hits / asked


def _compare(answer, train: list[int], valid: list[int], length: int) -> None:
    found = answer(train, valid, length)
    expect(found, f"the share (windows of {length})").close_to(
        _counted(train, valid, length), atol=1e-9
    )


@leaked_fraction.property("is a sixth in the page's example")
def _(answer, draw: Draw) -> None:
    expect(answer([0, 6], [2, 3], 3), "the share").close_to(1 / 6, rtol=1e-6)


@leaked_fraction.property(
    "counts predictions, overlapping ones as often as they are made", trials=7
)
def _(answer, draw: Draw) -> None:
    span = 6 * draw.size + 6
    train = draw.integers(0, span, draw.size + 1).tolist()
    valid = draw.integers(0, span, draw.size + 2).tolist()
    _compare(answer, train, valid, draw.integers(1, 7))


@leaked_fraction.property("is 0 for blocks that lie end to end, and 1 for the same windows")
def _(answer, draw: Draw) -> None:
    length = draw.integers(2, 8)
    starts = [length * i for i in range(8)]
    order = draw.rng.permutation(starts).tolist()
    expect(answer(order[:5], order[5:], length), "the share of blocks end to end").close_to(
        0.0, atol=1e-9
    )
    expect(answer(starts, order[:3], length), "the share of the same windows").close_to(
        1.0, rtol=1e-9
    )


@leaked_fraction.property("is 0 where there are no training windows")
def _(answer, draw: Draw) -> None:
    expect(answer([], [draw.integers(0, 20)], 4), "the share").close_to(0.0, atol=1e-9)


@leaked_fraction.property("tells the two sets apart")
def _(answer, draw: Draw) -> None:
    _compare(answer, [0, 1, 2, 3, 4], [3, 40, 60], 5)
    _compare(answer, [3, 40, 60], [0, 1, 2, 3, 4], 5)


@leaked_fraction.right
def right_share(train_starts, valid_starts, length):
    trained = {start + k for start in train_starts for k in range(1, length + 1)}
    asked = [start + k for start in valid_starts for k in range(1, length + 1)]
    return sum(place in trained for place in asked) / len(asked)


_TRAINED, _ASKED = "train_starts for k in range(1, length + 1)", "valid_starts for k in range(1, "


leaked_fraction.slip(
    "counts_inputs",
    "You take the *inputs* of the training windows, s … s + length − 1, and the targets of the "
    "others. Compare targets with targets: s + 1 … s + length.",
    {_TRAINED: "train_starts for k in range(length)"},
)
leaked_fraction.slip(
    "one_too_many",
    "You count length + 1 tokens a window. It *reads* so many; it predicts one less, all but its "
    "first.",
    {
        _TRAINED: "train_starts for k in range(length + 1)",
        f"{_ASKED}length + 1)": "valid_starts for k in range(length + 1)",
    },
)
leaked_fraction.slip(
    "one_too_few",
    "Your windows predict one token too few: range(1, length) ends before the last.",
    {
        _TRAINED: "train_starts for k in range(1, length)",
        f"{_ASKED}length + 1)": f"{_ASKED}max(length, 2))",
    },
)
leaked_fraction.slip(
    "share_of_training",
    "You measure the wrong set: what part of the *training* predictions is in validation. The "
    "question is what the validation number is worth.",
    {
        "(train_starts, valid_starts, length)": "(valid_starts, train_starts, length)",
        "/ len(asked)": "/ max(len(asked), 1)",
    },
)
leaked_fraction.slip(
    "distinct_tokens",
    "You count each token once. A token that two validation windows predict counts twice in their "
    "loss, and so here.",
    {
        "asked = [start + k for start in valid_starts "
        "for k in range(1, length + 1)]": "asked = {start + k for start in valid_starts "
        "for k in range(1, length + 1)}"
    },
)
leaked_fraction.slip(
    "a_number_not_a_share",
    "You return how many, not what part: divide by the number of validation predictions.",
    {" / len(asked)": " / 1"},
)
leaked_fraction.slip(
    "the_clean_part",
    "You return the part that does *not* leak.",
    {"place in trained for": "place not in trained for"},
)


@leaked_fraction.mistake(
    "You count windows and not predictions: a window that shares one token with training is not "
    "leaked as a whole."
)
def whole_windows(train_starts, valid_starts, length):
    touched = [any(abs(s - t) < length for t in train_starts) for s in valid_starts]
    return sum(touched) / len(touched)


@leaked_fraction.mistake(
    "You ask whether the same *window* was trained on. Windows that start elsewhere share their "
    "tokens all the same."
)
def same_windows(train_starts, valid_starts, length):
    return sum(s in train_starts for s in valid_starts) / len(valid_starts)


leaked_fraction.slip(
    "share_of_windows",
    "You divide by the number of validation windows. Each makes `length` predictions.",
    {" / len(asked)": " / len(valid_starts)"},
)
leaked_fraction.slip(
    "over_training",
    "You divide by the number of training predictions. The share is of the *validation* "
    "predictions.",
    {" / len(asked)": " / max(len(train_starts) * length, 1)"},
)
leaked_fraction.slip(
    "counts_how_often",
    "You count a leaked prediction as often as it was trained on. It leaks or does not: once.",
    {
        "trained = {start": "trained = [start",
        "train_starts for k in range(1, length + 1)}": "train_starts for k in range(1, len"
        "gth + 1)]",
        "sum(place in trained for": "sum(trained.count(place) for",
    },
)
leaked_fraction.slip(
    "between_first_and_last",
    "You count all that lies between the first and the last training target. There are "
    "gaps between windows.",
    {"place in trained for": "(bool(trained) and min(trained) <= place <= max(trained)) for"},
)
leaked_fraction.slip(
    "wholly_leaked_windows",
    "You count the windows that leak as a whole. A window may leak in part: count predictions.",
    {
        "return sum(place in trained for place in a"
        "sked) / len(asked)": "whole = [all(s + k in trained for k in range(1, length + 1)"
        ") for s in valid_starts]\n"
        "    return sum(whole) / len(whole)"
    },
)
leaked_fraction.slip(
    "read_is_not_predicted",
    "You count what a training window *reads* as well, its first token. Only what it "
    "predicts was a target: s + 1 … s + length.",
    {_TRAINED: "train_starts for k in range(length + 1)"},
)
leaked_fraction.slip(
    "asks_about_inputs",
    "You ask about the *inputs* of the validation windows. Their predictions are s + 1 … s "
    "+ length.",
    {"valid_starts for k in range(1, length + 1)": "valid_starts for k in range(length)"},
)
leaked_fraction.slip(
    "overlap_over_union",
    "You divide by the places of both sets together. The share is of the validation "
    "predictions alone.",
    {
        "return sum(place in trained for place in a"
        "sked) / len(asked)": "return len(trained & set(asked)) / len(trained | set(asked))"
    },
)


leaked_fraction.hint(
    "Two collections of places: those trained on, and those asked about in validation."
)
leaked_fraction.hint("A set answers `place in trained` at once; a list keeps what is asked twice.")
leaked_fraction.hint(
    "A window of 3 at 6 predicts the tokens 7, 8, 9. Which do you count?", when="value"
)
