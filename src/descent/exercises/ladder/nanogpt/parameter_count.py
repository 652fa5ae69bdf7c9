"""How `parameter_count` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

from .shared import count_by_shapes

parameter_count = Exercise("parameter_count", minutes=8, difficulty=1)


def _sizes(draw: Draw) -> tuple[int, int, int, int]:
    return (
        draw.integers(20, 90),
        draw.integers(100, 200),
        2 * draw.integers(2, 9),
        1 + draw.size % 6,
    )


@parameter_count.property("is a whole number")
def _(answer, draw: Draw) -> None:
    expect(type(answer(*_sizes(draw))).__name__, "the type of the count").equals("int")


@parameter_count.property("counts every matrix, table and gain of a tied model", trials=5)
def _(answer, draw: Draw) -> None:
    sizes = _sizes(draw)
    expect(answer(*sizes), "the count").equals(count_by_shapes(*sizes, tied=True))


@parameter_count.property("adds a second table when the head is not tied", trials=5)
def _(answer, draw: Draw) -> None:
    sizes = _sizes(draw)
    expect(answer(*sizes, False), "the count").equals(count_by_shapes(*sizes, tied=False))


def _count(V, context, C, layers, tied, **habits):
    block = 4 * C * C * (not habits.get("no_attention")) + 8 * C * C
    block += 2 * C * (not habits.get("no_norms"))
    block += 9 * C * bool(habits.get("biases"))
    head = V * C * ((not tied) ^ bool(habits.get("wrong_tie")))
    head *= not habits.get("never_untied")
    total = V * C + context * C * (not habits.get("no_positions")) + head
    total += block * (1 if habits.get("one_block") else layers)
    total += C * (not habits.get("no_last_norm"))
    return float(total) if habits.get("as_float") else total


def _counting(name, habit):
    def answer(vocabulary, context, width, layers, tied=True):
        return _count(vocabulary, context, width, layers, tied, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "tie_backwards", "wrong_tie",
        "You count a second table when the head is tied, and none when it is not. A tied head is "
        "the token table itself and costs nothing.",
    ),
    (
        "never_untied", "never_untied",
        "`tied` makes no difference to your count. An untied head has width × vocabulary weights "
        "of its own.",
    ),
    (
        "positions_missed", "no_positions",
        "The table of positions is missing: context × width. (Published counts often leave it "
        "out; here it is in.)",
    ),
    (
        "norms_missed", "no_norms",
        "The gains of the norms are missing: two norms in each block, `width` gains each.",
    ),
    (
        "last_norm_missed", "no_last_norm",
        "The last norm, before the head, is missing.",
    ),
    (
        "biases_counted", "biases",
        "You count biases. This model has none: matrices, tables and gains.",
    ),
    (
        "attention_missed", "no_attention",
        "Attention's matrices are missing: 3·width² for queries, keys and values, width² for "
        "the projection.",
    ),
    (
        "single_block", "one_block",
        "You counted one block. There are `layers` of them.",
    ),
    ("count_as_float", "as_float", "A count is a whole number: use int."),
):  # fmt: skip
    parameter_count.mistake(_message)(_counting(_name, _habit))


parameter_count.hint("Write down the shape of every matrix of a block. There are four.")


parameter_count.hint("A block has 12·width² + 2·width parameters.")


parameter_count.hint("Tables, blocks, last norm, head: which one is missing?", when="value")


parameter_count.hint("How many blocks?", when="factor")
