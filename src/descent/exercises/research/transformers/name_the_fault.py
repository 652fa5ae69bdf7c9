"""How `name_the_fault` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

name_the_fault = Exercise("name_the_fault", minutes=25, difficulty=3, returns=str)

HEALTHY, UNTRAINED, PAST = "healthy", "not trained", "hides the past"
FUTURE, UNSHIFTED = "sees the future", "targets not shifted"
SAMPLE = 2000


def _measured(draw: Draw, truths: list[float]) -> list[float]:
    """Accuracies as a sample of 2000 sequences gives them, near the true ones."""
    counts = draw.rng.binomial(SAMPLE, truths)
    return [float(count) / SAMPLE for count in counts]


def _evidence(draw: Draw, fault: str, n: int, vocabulary: int) -> tuple[list[float], list[float]]:
    """Two rows of accuracies of a model whose fault is known, after the page's own models."""
    chance, sure = 1 / vocabulary, 0.998
    blind, seeing = [chance] * n, [sure] * n
    if fault == UNSHIFTED:
        return _measured(draw, seeing * 2), _measured(draw, seeing * 2)
    if fault == FUTURE:
        after = [draw.choice([chance, 0.6, sure]) for _ in range(n)]
        last = draw.choice([chance, sure])  # the last place has no future to see
        return _measured(draw, seeing + seeing[:-1] + [last]), _measured(draw, blind + after)
    if fault == PAST:
        reach = draw.integers(1, n)
        edge = draw.choice([chance, 0.45]) if reach + 1 < n else chance
        truths = blind + [sure] * reach + [edge] + [chance] * (n - reach - 1)
        return _measured(draw, truths), _measured(draw, truths)
    if fault == UNTRAINED:
        level = draw.choice([chance, 0.35, 0.7])
        return _measured(draw, blind + [level] * n), _measured(draw, blind + [level] * n)
    return _measured(draw, blind + seeing), _measured(draw, blind + seeing)


def _try(answer, draw: Draw, fault: str) -> None:
    n, vocabulary = draw.integers(2, 9), draw.integers(5, 30)
    whole, cut = _evidence(draw, fault, n, vocabulary)
    expect(answer(whole, cut, vocabulary), f"the verdict (n = {n}, V = {vocabulary})").equals(fault)


@name_the_fault.property("knows a healthy model", trials=5)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, HEALTHY)


@name_the_fault.property("knows a mask that reveals the future", trials=7)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, FUTURE)


@name_the_fault.property("knows targets that are the inputs", trials=5)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, UNSHIFTED)


@name_the_fault.property("knows a mask that hides the past, however far it reaches", trials=7)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, PAST)


@name_the_fault.property("knows a model that was not trained to the end", trials=7)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, UNTRAINED)


@name_the_fault.property("needs the second half whole: one place of many may tell")
def _(answer, draw: Draw) -> None:
    n = 6
    truths = [0.1] * n + [0.998] * n
    missing = draw.integers(0, n)
    truths[n + missing] = 0.1
    found = answer(_measured(draw, truths), _measured(draw, truths), 10)
    expect(found, f"the verdict when place {n + missing} alone is at chance").equals(PAST)


@name_the_fault.property("counts a place as right from exactly 0.9 on")
def _(answer, draw: Draw) -> None:
    n = draw.integers(2, 6)
    low, edge, under = [0.1] * n, [0.9] * n, [0.899] * n
    expect(answer(low + edge, low + edge, 10), "the verdict on a second half of 0.9").equals(
        HEALTHY
    )
    found = answer(low + under, low + under, 10)
    expect(found, "the verdict on a second half of 0.899").equals(UNTRAINED)
    found = answer(low + [0.92] * n, low + [0.92] * n, 10)
    expect(found, "the verdict on a second half of 0.92").equals(HEALTHY)
    expect(answer(edge + edge, edge + edge, 10), "the verdict on 0.9 throughout").equals(UNSHIFTED)
    expect(answer(edge + edge, low + low, 10), "the verdict when 0.9 is lost").equals(FUTURE)


@name_the_fault.property("asks what a place does when cut, where the two rows disagree")
def _(answer, draw: Draw) -> None:
    n = draw.integers(3, 7)
    low, high = [0.1] * n, [0.998] * n
    whole = _measured(draw, low + high)
    found = answer(whole, _measured(draw, low + low), 10)
    expect(found, "the verdict when the second half is right only with the future").equals(
        UNTRAINED
    )
    mixed = [0.1] * n
    mixed[draw.integers(1, n)] = 0.998
    found = answer(whole, _measured(draw, low + mixed), 10)
    expect(found, "the verdict when one place is right without the future").equals(PAST)
    found = answer(_measured(draw, high + high), _measured(draw, low + high), 10)
    expect(found, "the verdict when only the first half goes blind").equals(FUTURE)


@name_the_fault.right
def right_verdict(whole, cut, vocabulary):
    n = len(whole) // 2
    first, first_cut, second = whole[:n], cut[:n], cut[n:]
    right = [accuracy >= 0.9 for accuracy in second]
    if min(first) >= 0.9:
        return "targets not shifted" if min(first_cut) >= 0.9 else "sees the future"
    if all(right):
        return "healthy"
    return "hides the past" if any(right) else "not trained"


name_the_fault.slip(
    "future_and_targets_exchanged",
    "Two verdicts have changed places. A model that peeps goes blind when the future is cut off; "
    "one that was asked for its own input does not.",
    {"if min(first_cut) >= 0.9 else": "if min(first_cut) < 0.9 else"},
)
name_the_fault.slip(
    "cut_never_looked_at",
    "You never look at the second row in the first half. Without it, a mask that "
    "peeps and targets that are "
    "not shifted look the same.",
    {
        'return "targets not shifted" if '
        'min(first_cut) >= 0.9 else "sees the future"': 'return "sees the future"'
    },
)
name_the_fault.slip(
    "second_half_of_whole",
    "You judge the second half by the row in which the model reads everything. What counts is what "
    "it does when cut.",
    {"cut[:n], cut[n:]": "cut[:n], whole[n:]"},
)
name_the_fault.slip(
    "past_and_untrained_exchanged",
    "Two verdicts have changed places: where *no* place of the second half is "
    "right, the model was not "
    "trained; where some are, something is hidden.",
    {"if any(right) else": "if not any(right) else"},
)
name_the_fault.slip(
    "mean_of_the_second_half",
    "You judge the second half by its mean. A single place at chance hides in a mean.",
    {"if all(right):": "if sum(second) / n >= 0.8:"},
)
name_the_fault.slip(
    "first_place_of_the_second_half",
    "You look only at the first place of the second half, which needs no look back at all.",
    {"if all(right):": "if right[0]:"},
)
name_the_fault.slip(
    "last_place_alone",
    "You look only at the last place of the second half. Any place may be the one that fails.",
    {"if all(right):": "if right[-1]:"},
)
name_the_fault.slip(
    "chance_is_not_exact",
    "You ask for accuracies of exactly 1. They are measured on samples, and a right place may show "
    "0.99.",
    {"accuracy >= 0.9 for": "accuracy >= 1.0 for"},
)
name_the_fault.slip(
    "better_than_chance_is_right",
    "You call a place right as soon as it is better than chance. Half-trained models are that; a "
    "place counts as right from 0.9 on.",
    {"accuracy >= 0.9 for": "accuracy >= 2 / vocabulary for"},
)
name_the_fault.slip(
    "halves_exchanged",
    "You took the second half for the first.",
    {"= whole[:n], cut[:n], cut[n:]": "= whole[n:], cut[n:], cut[:n]"},
)
name_the_fault.slip(
    "six_symbols",
    "You cut at place 6. The rows have 2n places, whatever n is.",
    {"len(whole) // 2": "min(6, len(whole) - 1)"},
)
name_the_fault.slip(
    "healthy_first",
    "You call a model healthy when its second half is right, before you look at the first. A model "
    "that is right where nothing can be known is not healthy.",
    {
        "    if min(first) >= 0.9:": "    if all(right):\n        return "
        '"healthy"\n    if min(first) >= 0.9:'
    },
)
name_the_fault.slip(
    "future_by_the_second_half",
    "You tell the two by the *second* half of the cut row. A model that peeps may be right "
    "there too; its first half goes blind.",
    {"if min(first_cut) >= 0.9 else": "if all(right) else"},
)
name_the_fault.slip(
    "chance_is_a_tenth",
    "You took chance to be a tenth, as for ten symbols. It is 1/V.",
    {"if min(first) >= 0.9:": "if max(abs(a - 0.1) for a in first) > 0.06:"},
)
name_the_fault.slip(
    "untrained_means_chance",
    "You call a model untrained only where its second half is at chance. One that is "
    "half-way has places of 0.35 or 0.7: none of them is right yet.",
    {
        'return "hides the past" if any(right) else'
        ' "not trained"': "blind = all(abs(accuracy - 1 / vocabulary) <= 0.06 for accuracy"
        " in second)\n"
        '    return "not trained" if blind else "hides the past"'
    },
)
name_the_fault.slip(
    "most_places_will_do",
    "You call a model healthy when most of the second half is right. All of it has to be.",
    {"if all(right):": "if sum(right) > n / 2:"},
)
name_the_fault.slip(
    "first_right_place",
    "You look for a right place only at the start of the second half. Any of its places "
    "may be the one that is right.",
    {"if any(right) else": "if right[0] else"},
)
name_the_fault.slip(
    "more_than_enough",
    "You ask for 0.95. A place counts as right from 0.9 on.",
    {
        "accuracy >= 0.9 for": "accuracy >= 0.95 for",
        "min(first) >= 0.9:": "min(first) >= 0.95:",
        "min(first_cut) >= 0.9 else": "min(first_cut) >= 0.95 else",
    },
)
name_the_fault.slip(
    "rows_compared",
    "You call it the future as soon as the two rows differ at all. They are measured, and "
    "differ by luck too: ask whether the first half of `cut` is right.",
    {"if min(first_cut) >= 0.9 else": "if whole == cut else"},
)


name_the_fault.equivalent(
    "`if min(whole[:n]) >= 0.9:` → `if max(whole[:n]) >= 0.9:`",
    because="the first half is right or at chance as a whole: the page promises nothing between",
)
name_the_fault.equivalent(
    "`return 'targets not shifted' if min(cut[:n]) >= 0.9 else 'sees the future'` → "
    "`return 'targets not shifted' if max(cut[:n]) >= 0.9 else 'sees the future'`",
    because="the first half is right or at chance as a whole: the page promises nothing between",
)


name_the_fault.hint("Two questions first: is the first half right? And when it is cut?")
name_the_fault.hint("Then the second half of `cut`: are all places right, some, or none?")
name_the_fault.hint(
    "A place is right from 0.9 on; `all` and `any` of such truth values do the rest."
)
name_the_fault.hint(
    "Which row separates a mask that peeps from targets not shifted?",
    when="knows targets that are the inputs",
)
name_the_fault.hint(
    "Does one failing place among many reach your verdict?",
    when="needs the second half whole: one place of many may tell",
)
