"""How `reversal_floor` is judged."""

from __future__ import annotations

import math

from descent.grading import Draw, Exercise, expect

reversal_floor = Exercise("reversal_floor", minutes=12, difficulty=2, returns=float)


def _counted(n: int, vocabulary: int, start: bool, separator: bool) -> float:
    """Write the sequence out as the kinds of its tokens, and add up what each target costs."""
    kinds = ["start"] * start + ["random"] * n + ["separator"] * separator + ["repeat"] * n
    costs = [math.log(vocabulary) if kind == "random" else 0.0 for kind in kinds[1:]]
    return sum(costs) / len(costs)


def _compare(answer, n: int, vocabulary: int, start: bool, separator: bool) -> None:
    floor = answer(n, vocabulary, start, separator)
    expect(
        floor, f"the floor (n = {n}, V = {vocabulary}, start {start}, separator {separator})"
    ).close_to(_counted(n, vocabulary, start, separator), rtol=1e-6, atol=1e-9)


@reversal_floor.property("is half of ln V with a start token and no separator", trials=4)
def _(answer, draw: Draw) -> None:
    vocabulary = draw.integers(2, 50)
    floor = answer(draw.size, vocabulary, True, False)
    expect(floor, "the floor").close_to(math.log(vocabulary) / 2, rtol=1e-6)


@reversal_floor.property("counts one random place less without a start token", trials=5)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw.size, draw.integers(2, 50), False, False)


@reversal_floor.property("counts the separator as a place that costs nothing", trials=5)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw.size, draw.integers(2, 50), True, True)
    _compare(answer, draw.size, draw.integers(2, 50), False, True)


@reversal_floor.property(
    "is 0 where nothing is random: one symbol, or a row of one without a start"
)
def _(answer, draw: Draw) -> None:
    expect(answer(draw.integers(2, 9), 1, True, True), "the floor of one symbol").close_to(
        0.0, atol=1e-9
    )
    expect(answer(1, 10, False, False), "the floor of a row of one").close_to(0.0, atol=1e-9)


@reversal_floor.right
def right_floor(n, vocabulary, start, separator):
    random = n if start else n - 1
    places = 2 * n - 1 + start + separator
    return random * math.log(vocabulary) / places


reversal_floor.slip(
    "always_half",
    "You take half of ln V throughout. That holds with a start token and without a separator; "
    "otherwise count the places, and those among them that are random.",
    {"return random * math.log(vocabulary) / places": "return math.log(vocabulary) / 2"},
)
reversal_floor.slip(
    "first_symbol_predicted",
    "Without a start token nothing predicts the first symbol, so only n − 1 targets are random.",
    {"n if start else n - 1": "n"},
)
reversal_floor.slip(
    "start_is_a_target",
    "The number of random targets is n with a start token, and n − 1 without: you have it the "
    "other way round, or one too few.",
    {"n if start else n - 1": "n - 1"},
)
reversal_floor.slip(
    "separator_costs",
    "You charge for the separator. All rows are equally long, so a model can count: it is certain "
    "where it comes, and costs nothing.",
    {"n if start else n - 1": "(n if start else n - 1) + separator"},
)
reversal_floor.slip(
    "separator_not_counted",
    "The separator is a target too: one place more in the mean, at a cost of 0.",
    {" + start + separator": " + start"},
)
reversal_floor.slip(
    "last_token_counted",
    "You divide by the number of tokens. The last one predicts nothing: one place less.",
    {"2 * n - 1": "2 * n"},
)
reversal_floor.slip(
    "start_not_counted",
    "You left the start token's place out of the mean. It reads the start and predicts the first "
    "symbol.",
    {"- 1 + start +": "- 1 +"},
)
reversal_floor.slip(
    "in_bits",
    "You measure in bits. The loss here is in nats: math.log, not math.log2.",
    {"math.log(": "math.log2("},
)
reversal_floor.slip(
    "the_sum",
    "You return the sum over the places. The loss is a mean: divide by their number.",
    {" / places": ""},
)
reversal_floor.slip(
    "probability_of_chance",
    "You average 1/V, the chance of a lucky guess. The cost of a random symbol is ln V.",
    {"math.log(vocabulary)": "(1 - 1 / vocabulary)"},
)
reversal_floor.slip(
    "marks_are_random",
    "You charge for the start token and the separator too. The one is never predicted, the "
    "other is certain: only symbols of the row can cost.",
    {"n if start else n - 1": "n + start + separator"},
)
reversal_floor.slip(
    "first_half_whole",
    "Without a start token there is one place fewer: your mean is over one too many.",
    {"2 * n - 1 + start + separator": "2 * n + separator"},
)
reversal_floor.slip(
    "start_among_the_symbols",
    "You count the start token among the symbols that may come. It never comes: ln V, not "
    "ln(V + 1).",
    {"math.log(vocabulary)": "math.log(vocabulary + start)"},
)
reversal_floor.slip(
    "separator_among_the_symbols",
    "You count the separator among the symbols that may come. A model that counts knows "
    "that it does not come there: ln V.",
    {"math.log(vocabulary)": "math.log(vocabulary + separator)"},
)
reversal_floor.slip(
    "start_counts_for_nothing",
    "You treat every sequence as one with a start token: n random places and one place for "
    "each token after it.",
    {"n if start else n - 1": "n", "2 * n - 1 + start + separator": "2 * n + separator"},
)


reversal_floor.hint(
    "Write the sequence out for n = 2 and mark each token but the first: random or not?"
)
reversal_floor.hint("Floor = (number of random targets · ln V) / (number of targets).")
reversal_floor.hint("n = 1 without a start token: [7, 7]. One target. Is it random?", when="value")
reversal_floor.hint(
    "Is the separator a target? Is it a surprise?",
    when="counts the separator as a place that costs nothing",
)
