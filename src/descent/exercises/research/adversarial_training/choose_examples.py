"""How `choose_examples` is judged: by the law that its choices follow, and by words for the rest.

No random number that an answer drew is compared: two that do the same differ in them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from . import laws_of_choice as laws

choose_examples = Exercise(
    "choose_examples",
    minutes=20,
    difficulty=2,
    changes=("generator",),
    seconds=10.0,
    returns=Tensor,
)

HIGHEST, HIGHEST_UP = "the highest first", "from the end, the highest of them last"
LOWEST, ONE_ONLY = "the lowest first", "only the first in its turn"
ANY_ORDER, AS_DRAWN = "not in the order of the scores", "as they were drawn"
TWICE, NO_PLACES, NOT_AS_MANY = "one of them twice", "no places", "not as many as asked for"


def _fault(chosen, n: int, count: int) -> str | None:
    """What is wrong with a choice, whatever the scores are."""
    if not isinstance(chosen, Tensor) or chosen.ndim != 1 or chosen.is_floating_point():
        return NO_PLACES
    places = chosen.tolist()
    if len(places) != count:
        return NOT_AS_MANY
    if not all(0 <= place < n for place in places):
        return NO_PLACES
    return TWICE if len(set(places)) < count else None


def _order(choices: list[list[int]], tables: Tensor) -> str:
    """In which order of the scores all choices are."""
    seen = set()
    for places, best in zip(choices, tables.argsort(descending=True).tolist(), strict=True):
        count = len(places)
        if places == best[:count]:
            seen.add(HIGHEST)
        elif places[::-1] == best[:count]:
            seen.add(HIGHEST_UP)
        elif places == best[::-1][:count]:
            seen.add(LOWEST)
        else:
            seen.add(ONE_ONLY if places[0] == best[0] else ANY_ORDER)
    if seen == {HIGHEST, ONE_ONLY}:  # by luck, what is out of turn may stand in its turn
        return ONE_ONLY
    return seen.pop() if len(seen) == 1 else ANY_ORDER


def _habit(choices: list[list[int]], tables: Tensor) -> str:
    """In which order all choices are handed back: as drawn, or by place or score."""
    if all(places == list(range(len(places))) for places in choices):
        return "the first places of all"
    if all(places == sorted(places) for places in choices):
        return "by their places"
    if all(places == sorted(places, reverse=True) for places in choices):
        return "by their places, the last first"
    rows = zip(tables.tolist(), choices, strict=True)
    drawn = [[scores[place] for place in places] for scores, places in rows]
    if all(scores == sorted(scores, reverse=True) for scores in drawn):
        return HIGHEST
    if all(scores == sorted(scores) for scores in drawn):
        return LOWEST
    return AS_DRAWN


def _choices(answer, tables: Tensor, temperature: float, count: int, generator):
    """What an answer chooses from each row, and the first fault of it."""
    choices = [answer(scores, temperature, count, generator) for scores in tables]
    faults = [_fault(chosen, tables.shape[1], count) for chosen in choices]
    fault = next(filter(None, faults), None)
    return ([] if fault else [chosen.tolist() for chosen in choices]), fault


def _mixed(draw: Draw, scores, rows: int) -> tuple[Tensor, Tensor]:
    """The scores in another order in each row, and where each stood."""
    orders = torch.tensor(draw.rng.permuted([range(len(scores))] * rows, axis=1))
    return torch.tensor(scores, dtype=torch.float32)[orders], orders


@choose_examples.property("gives whole numbers, as many as asked for", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    scores = torch.tensor(draw.uniform(0.1, 1, n), dtype=torch.float32)
    for count in sorted({1, draw.integers(1, n + 1), n}):
        chosen = answer(scores, 0.5, count, torch_generator(draw.seed()))
        if not isinstance(chosen, Tensor):
            return
        # Neither holds a number that was drawn: the same fault is to look the same.
        expect(torch.empty(0, dtype=chosen.dtype), "the choice").has_dtype("int64")
        expect(tuple(chosen.shape), "the shape of the choice").equals((count,))
        is_place = _fault(chosen, n, count) != NO_PLACES
        expect("places in `scores`" if is_place else NO_PLACES, "what was chosen").equals(
            "places in `scores`"
        )


@choose_examples.property("draws nothing twice", trials=1)
def _(answer, draw: Draw) -> None:
    tables, _ = _mixed(draw, [0.1 * k for k in range(1, 13)], 4)
    _, fault = _choices(answer, tables, 0.5, 12, torch_generator(draw.seed()))
    expect(fault or "each once", "twelve drawn from twelve").equals("each once")


@choose_examples.property("keeps to the order of the scores at tiny temperatures", trials=1)
def _(answer, draw: Draw) -> None:
    generator = torch_generator(draw.seed())
    tables, _ = _mixed(draw, range(1, 8), 8)
    # With a choice seen before it, an error is recognised by its kind, whatever its text.
    _, fault = _choices(answer, tables[:1], 1.0, 1, generator)
    expect(fault or "one place", "the choice at T = 1").equals("one place")
    choices, fault = _choices(answer, tables, 0.001, 4, generator)
    expect(fault or _order(choices, tables), "the choice at T = 0.001").equals(HIGHEST)


@choose_examples.property("works with scores far above or below 0", trials=1)
def _(answer, draw: Draw) -> None:
    generator = torch_generator(draw.seed())
    # Shares of a softmax stay above 0 here, in float32 too; exponentials do not stay finite.
    for middle in (1000.0, -1000.0):
        tables, _ = _mixed(draw, [middle + 25 * k for k in range(-2, 2)], 8)
        choices, fault = _choices(answer, tables, 1.0, 4, generator)
        expect(fault or _order(choices, tables), f"the choice with scores about {middle:g}").equals(
            HIGHEST
        )


@choose_examples.property("draws from the generator alone, and on from where it stands", trials=1)
def _(answer, draw: Draw) -> None:
    scores, seed = torch.tensor(draw.uniform(0.1, 1, 30), dtype=torch.float32), draw.seed()
    generator = torch_generator(seed)
    before = generator.get_state()
    first, after, again, other = (
        answer(scores, 1.0, 8, source)
        for source in (generator, generator, torch_generator(seed), torch_generator(seed + 1))
    )
    if not isinstance(first, Tensor):
        return

    def compared(chosen) -> str:
        return "the same" if torch.equal(chosen, first) else "another"

    used = not torch.equal(generator.get_state(), before)
    expect("used" if used else "not touched", "the generator").equals("used")
    expect(compared(after), "the next choice").equals("another")
    expect(compared(again), "the choice with the same seed").equals("the same")
    expect(compared(other), "the choice with another seed").equals("another")


@choose_examples.property("gives them in the order in which they were drawn", trials=1)
def _(answer, draw: Draw) -> None:
    tables, _ = _mixed(draw, [0.1 * k for k in range(1, 9)], 10)
    choices, fault = _choices(answer, tables, 1.0, 5, torch_generator(draw.seed()))
    expect(fault or _habit(choices, tables), "what is handed back").equals(AS_DRAWN)


@choose_examples.property("draws each in proportion to exp(score / T) among those left", trials=1)
def _(answer, draw: Draw) -> None:
    expect(_law(answer, draw), "the law of the choices").equals(laws.RIGHT)


def _law(answer, draw: Draw) -> str:
    """The law of an answer's choices, or whatever else is true of all of them.

    Every table is handed over twice, so that one who draws the same at every call is seen to.
    """
    generator = torch_generator(draw.seed())
    orders, ranks, repeated = [], [], True
    for temperature in laws.TEMPERATURES:
        tables, order = _mixed(draw, laws.SCORES, laws.CALLS // 2)
        tables, order = tables.repeat_interleave(2, dim=0), order.repeat_interleave(2, dim=0)
        choices, fault = _choices(answer, tables, temperature, laws.COUNT, generator)
        habit = fault or _habit(choices, tables)
        if habit != AS_DRAWN:
            return habit
        repeated = repeated and choices[::2] == choices[1::2]
        orders.append(order.numpy())
        ranks.append(order.gather(1, torch.tensor(choices)).numpy())
    if repeated:
        return "the same whenever asked again"
    law = laws.fitting_law(orders, ranks)
    if law == laws.UNKNOWN:
        first, usual = laws.mean_first(ranks[-1], laws.TEMPERATURES[-1])
        law += f": the first drawn have a mean score of {first:.3f}, where {usual:.3f} is usual"
    return law


@choose_examples.right
def right_choice(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    gumbel = -(-even.clamp(min=1e-300).log()).log()
    return (scores.double() / temperature + gumbel).topk(count).indices


# The law is what takes longest to find: the mistakes it alone tells apart come first.
_SUM, _GUMBEL = "scores.double() / temperature + gumbel", "-(-even.clamp(min=1e-300).log()).log()"
_RAND = "torch.rand(len(scores), dtype=torch.float64, generator=generator)"

choose_examples.slip(
    "normal_noise",
    "You added normal noise to the scores. Only Gumbel noise makes the largest come in proportion "
    "to exp(score / T).",
    {_RAND: _RAND.replace("rand(", "randn("), _GUMBEL: "even"},
)
choose_examples.slip(
    "uniform_noise",
    "You added uniform noise to the scores. Only Gumbel noise makes the largest come in proportion "
    "to exp(score / T).",
    {_GUMBEL: "even"},
)
choose_examples.slip(
    "one_logarithm",
    "You added −log u alone. Gumbel noise is −log(−log u), with two logarithms.",
    {_GUMBEL: "-even.clamp(min=1e-300).log()"},
)
choose_examples.slip(
    "log_u_alone",
    "You added log u. Gumbel noise is −log(−log u), with two logarithms.",
    {_GUMBEL: "even.clamp(min=1e-300).log()"},
)
choose_examples.slip(
    "noise_turned_round",
    "You added log(−log u). Gumbel noise is −log(−log u): with its sign turned round, a favourite "
    "among many comes too often.",
    {_GUMBEL: "(-even.clamp(min=1e-300).log()).log()"},
)
choose_examples.slip(
    "divided_twice",
    "The temperature counts twice in your answer: the chances go by exp(score / T²). Divide by it "
    "once, and multiply the noise by nothing.",
    {"/ temperature": "/ temperature**2"},
)


@choose_examples.mistake(
    "The temperature counts twice in your answer, and at a low one exponentials become 0. Divide "
    "the logarithms by it once, and stay with logarithms."
)
def divided_twice_in_shares(scores, temperature, count, generator):
    shares = (scores / temperature**2).softmax(0)
    return torch.multinomial(shares, count, generator=generator)


choose_examples.slip(
    "smallest_taken",
    "You take the smallest sums. The largest of score / T + Gumbel noise is the first draw.",
    {"topk(count)": "topk(count, largest=False)"},
)
choose_examples.slip(
    "lowest_preferred",
    "You prefer low scores: the sign is turned round.",
    {"scores.double()": "-scores.double()"},
)


@choose_examples.mistake(
    "You prefer low scores: the sign is turned round. At a low temperature exponentials also "
    "become 0 or infinite: stay with logarithms."
)
def lowest_preferred_in_shares(scores, temperature, count, generator):
    return torch.multinomial((-scores / temperature).softmax(0), count, generator=generator)


choose_examples.slip(
    "reversed_choice",
    "You return the choice from its end. The first drawn comes first.",
    {"indices": "indices.flip(0)"},
)


@choose_examples.mistake(
    "You return the choice from its end: the first drawn comes first. At a low temperature "
    "exponentials also become exactly 0: stay with logarithms."
)
def reversed_from_shares(scores, temperature, count, generator):
    shares = (scores / temperature).softmax(0)
    return torch.multinomial(shares, count, generator=generator).flip(0)


choose_examples.slip(
    "temperature_ignored",
    "The temperature changes nothing in your answer: the chances go by exp(score). If you divide a "
    "sum of score and noise, divide the score alone.",
    {" / temperature": ""},
)
choose_examples.slip(
    "multiplied",
    "A low temperature makes your choice more even, and it has to make it sharper. Divide the "
    "scores by it, and nothing else.",
    {"/ temperature": "* temperature"},
)


@choose_examples.mistake(
    "You draw in proportion to the scores themselves. Asked for is exp(score / T), which also "
    "takes scores below 0."
)
def proportional(scores, temperature, count, generator):
    return torch.multinomial(scores, count, generator=generator)


@choose_examples.mistake(
    "You draw in proportion to the scores, with their logarithms or divided by their sum. Asked "
    "for is exp(score / T), which also takes scores below 0."
)
def proportional_to_parts(scores, temperature, count, generator):
    return torch.multinomial(scores / scores.sum(), count, generator=generator)


@choose_examples.mistake(
    "You draw in proportion to how far a score is above the lowest. Asked for is exp(score / T)."
)
def above_the_lowest(scores, temperature, count, generator):
    return torch.multinomial(scores - scores.min() + 1e-9, count, generator=generator)


@choose_examples.mistake(
    "You draw in proportion to the scores to the power 1/T. Asked for is exp(score / T), which "
    "also takes scores below 0."
)
def powers(scores, temperature, count, generator):
    return torch.multinomial(scores.double() ** (1 / temperature), count, generator=generator)


@choose_examples.mistake(
    "You took exponentials twice: what was a softmax already went into another. All questions are "
    "then almost as likely. Give `logits` the scores divided by T, or shares to what wants shares."
)
def softmax_twice(scores, temperature, count, generator):
    shares = (scores / temperature).softmax(0).softmax(0)
    return torch.multinomial(shares, count, generator=generator)


@choose_examples.mistake(
    "Every question is as likely in your answer, or almost: the scores change nothing, or little. "
    "Add score / T to Gumbel noise, and take the largest."
)
def even_choice(scores, temperature, count, generator):
    return torch.randperm(len(scores), generator=generator)[:count]


@choose_examples.mistake(
    "You gave the exponentials to `torch.multinomial` as they are. At a low temperature they leave "
    "the range of numbers: add Gumbel noise to the logarithms and take the largest."
)
def plain_multinomial(scores, temperature, count, generator):
    return torch.multinomial((scores / temperature).exp(), count, generator=generator)


@choose_examples.mistake(
    "You drew by shares or weights, and not by their logarithms. At a low temperature most are "
    "exactly 0, in float64 too, and nothing tells them apart; a tiny number added to each hides "
    "it. Add Gumbel noise to the logarithms."
)
def softmax_multinomial(scores, temperature, count, generator):
    return torch.multinomial((scores / temperature).softmax(0), count, generator=generator)


@choose_examples.mistake(
    "Your exponentials leave the range of numbers, and what they belong to is drawn out of turn. A "
    "small number added to each only hides it. Stay with logarithms: add Gumbel noise to them."
)
def underflows(scores, temperature, count, generator):
    shares = (scores / temperature).softmax(0) + 1e-8
    return torch.multinomial(shares, count, generator=generator)


@choose_examples.mistake(
    "Your keys or weights come out equal: exp(score / T) becomes infinite, or a power of u exactly "
    "1. Compare the keys' logarithms, score / T − log(−log u)."
)
def equal_keys(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    return (even ** (1 / (scores.double() / temperature).exp())).topk(count).indices


@choose_examples.mistake(
    "Your keys, u to the power of 1/share, become exactly 0 where a share is small, and nothing is "
    "left to tell them apart. Compare their logarithms: score / T − log(−log u)."
)
def keys_at_zero(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    return (even ** (1 / (scores.double() / temperature).softmax(0))).topk(count).indices


@choose_examples.mistake(
    "You took u to the power of the share, which prefers low scores. The key is u to the power of "
    "1/share; at a low temperature only its logarithm can be computed."
)
def inverted_key(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    return (even ** (scores.double() / temperature).softmax(0)).topk(count).indices


@choose_examples.mistake(
    "You drew one after another from shares, and made the drawn one's share 0. At a low "
    "temperature all that are left are 0 too. Take a softmax of the scores left, again at each "
    "draw."
)
def shares_struck_out(scores, temperature, count, generator):
    shares, chosen = (scores / temperature).softmax(0), []
    for _ in range(count):
        chosen.append(int(torch.multinomial(shares, 1, generator=generator)))
        shares[chosen[-1]] = 0
    return torch.tensor(chosen)


@choose_examples.mistake(
    "You draw with replacement: the same question may stand in the prompt twice."
)
def with_replacement(scores, temperature, count, generator):
    shares = (scores / temperature).softmax(0)
    return torch.multinomial(shares, count, replacement=True, generator=generator)


@choose_examples.mistake(
    "You set the score of what was drawn to 0. exp(0) is 1, so it may be drawn again: set it to "
    "−∞ instead."
)
def struck_with_zero(scores, temperature, count, generator):
    left, chosen = scores.clone(), []
    for _ in range(count):
        shares = (left / temperature).softmax(0)
        chosen.append(int(torch.multinomial(shares, 1, generator=generator)))
        left[chosen[-1]] = 0
    return torch.tensor(chosen)


@choose_examples.mistake(
    "You take the highest scores. Every prompt then shows the same few questions, and the new "
    "ones resemble them: that is how diversity is lost."
)
def highest(scores, temperature, count, generator):
    return scores.topk(count).indices


choose_examples.slip(
    "generator_ignored",
    "Your random numbers do not come from the generator: the choice cannot be repeated.",
    {", generator=generator)": ")"},
)
choose_examples.slip(
    "seeded_anew",
    "You gave the generator a seed. Every call then draws the same: draw on from where it is.",
    {"    even =": "    generator.manual_seed(0)\n    even ="},
)


@choose_examples.mistake(
    "Every call of yours draws the same, whatever generator it is given: a seed is set inside. "
    "Draw from the generator as it is handed over."
)
def seeded_apart(scores, temperature, count, generator):
    return right_choice(scores, temperature, count, torch_generator(0))


@choose_examples.mistake(
    "You made another generator from the seed of the one you were given. It begins anew at every "
    "call: draw from the one you were given, which moves on."
)
def seed_taken_over(scores, temperature, count, generator):
    own = torch_generator(generator.initial_seed())
    return right_choice(scores, temperature, count, own)


choose_examples.slip(
    "sorted_choice",
    "You sorted the choice. It is asked for in the order in which it was drawn.",
    {"indices": "indices.sort().values"},
)


@choose_examples.mistake(
    "You sorted the choice by its scores. It is asked for in the order in which it was drawn."
)
def sorted_by_score(scores, temperature, count, generator):
    chosen = right_choice(scores, temperature, count, generator)
    return chosen[scores[chosen].argsort(descending=True)]


choose_examples.slip(
    "scores_returned",
    "You return scores, or sums of score and noise. Asked for are the places of what was chosen.",
    {"return (": "return scores[(", "indices": "indices]"},
)
choose_examples.slip(
    "sums_returned",
    "You return numbers that were compared, the sums of score and noise. Asked for are their "
    "places: `indices`.",
    {"indices": "values"},
)
choose_examples.slip(
    "list_returned",
    "You return a list. A tensor of int64 is asked for.",
    {"indices": "indices.tolist()"},
)
choose_examples.slip(
    "all_returned",
    "You return all of them in an order. Only the first `count` are asked for.",
    {"topk(count)": "topk(len(scores))"},
)
choose_examples.slip(
    "not_a_number",
    "Your noise is not a number: log u is below 0, and has no logarithm. Gumbel noise is "
    "−log(−log u), with two signs.",
    {_GUMBEL: "-even.clamp(min=1e-300).log().log()"},
)

choose_examples.hint(
    "exp(score/T) divided by its sum is a softmax. What becomes of it at T = 0.001?"
)
choose_examples.hint(
    "The largest of score/T + Gumbel noise comes with these chances; the second largest is the "
    "second draw. Gumbel noise is −log(−log u)."
)
choose_examples.hint("May one question come twice?", when="draws nothing twice")

_EVEN = "even = torch.rand(len(scores){}, generator=generator)"
choose_examples.equivalent(
    f"`{_EVEN.format(', dtype=torch.float64')}` → `{_EVEN.format('')}`",
    because="in float32 the chances are the same to seven digits",
)
_NOISE = "gumbel = -(-even.clamp(min={}).log()).log()"
choose_examples.equivalent(
    f"`{_NOISE.format('1e-300')}` → `{_NOISE.format('2e-300')}`",
    because="either only keeps the logarithm of an exact 0 finite",
)
