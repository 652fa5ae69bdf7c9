"""How `choose_examples` is judged: by how often each comes, against the shares worked out."""

from __future__ import annotations

import itertools
import math

import torch

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

choose_examples = Exercise(
    "choose_examples",
    minutes=20,
    difficulty=2,
    changes=("generator",),
    seconds=10.0,
    returns=torch.Tensor,
)

REPEATS = 700


def _chances(scores, temperature: float, count: int) -> dict[tuple[int, ...], float]:
    """The chance of every ordered choice, by enumeration."""
    weights = [math.exp((s - max(scores)) / temperature) for s in scores]
    chances = {}
    for order in itertools.permutations(range(len(scores)), count):
        chance, left = 1.0, sum(weights)
        for k in order:
            chance, left = chance * weights[k] / left, left - weights[k]
        chances[order] = chance
    return chances


def _judge(answer, draw: Draw, scores, temperature: float, count: int) -> None:
    chances = _chances(scores, temperature, count)
    generator = torch_generator(draw.seed())
    table = torch.tensor(scores)
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(REPEATS):
        chosen = tuple(answer(table, temperature, count, generator).tolist())
        seen[chosen] = seen.get(chosen, 0) + 1
    for order, chance in chances.items():
        share = seen.pop(order, 0) / REPEATS
        slack = 4.5 * math.sqrt(chance * (1 - chance) / REPEATS) + 1.5 / REPEATS
        expect(share, f"how often {list(order)} is chosen").is_between(
            chance - slack, chance + slack
        )
    expect(sum(seen.values()), "choices that cannot happen").equals(0)


@choose_examples.property("draws one in proportion to exp(score / T)", trials=1)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [0.9, 0.1, 0.5, 0.3], 0.4, 1)


@choose_examples.property("draws several in turn, none twice", trials=1)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [0.2, 1.0, 0.6], 0.5, 2)


@choose_examples.property("works with large scores and tiny temperatures", trials=2)
def _(answer, draw: Draw) -> None:
    scores = torch.tensor([0.3, 0.9, 0.1, 0.7]) + draw.choice([0.0, 500.0])
    chosen = answer(scores, 0.001, 3, torch_generator(draw.seed()))
    expect(chosen, "the choice at a temperature of 0.001").equals([1, 3, 0])
    every = answer(torch.tensor([-900.0, 0.0, 900.0]), 1.0, 3, torch_generator(draw.seed()))
    expect(every, "all three, with scores far apart").equals([2, 1, 0])


@choose_examples.property("gives one favourite among many its share, and no more", trials=1)
def _(answer, draw: Draw) -> None:
    scores = [0.0] * 12
    scores[draw.integers(0, 12)] = 1.2
    _judge(answer, draw, scores, 0.5, 1)


@choose_examples.property("at a high temperature knows no favourites", trials=1)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, [0.0, 1.0, 0.5], 1000.0, 1)


@choose_examples.property("gives whole numbers, and draws from the generator alone", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size + 2
    scores, seed = torch.tensor(draw.uniform(0, 1, n), dtype=torch.float32), draw.seed()
    first = answer(scores, 0.5, n, torch_generator(seed))
    expect(first, "the choice").has_dtype("int64")
    expect(first, "the choice").has_shape(n)
    expect(sorted(first.tolist()), "the choice, in order").equals(list(range(n)))
    again = answer(scores, 0.5, n, torch_generator(seed))
    expect(again, "the choice with the same seed").equals(first)


@choose_examples.right
def right_choice(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    gumbel = -(-even.clamp(min=1e-300).log()).log()
    return (scores.double() / temperature + gumbel).topk(count).indices


@choose_examples.mistake(
    "You draw with replacement: the same question may stand in the prompt twice."
)
def with_replacement(scores, temperature, count, generator):
    shares = (scores / temperature).softmax(0)
    return torch.multinomial(shares, count, replacement=True, generator=generator)


@choose_examples.mistake(
    "You take the highest scores. Every prompt then shows the same few questions, and the new "
    "ones resemble them: that is how diversity is lost."
)
def highest(scores, temperature, count, generator):
    return scores.topk(count).indices


@choose_examples.mistake(
    "You multiplied by the temperature. A low one has to make the choice sharper: divide."
)
def multiplied(scores, temperature, count, generator):
    shares = (scores * temperature).softmax(0) + 1e-30
    return torch.multinomial(shares, count, generator=generator)


@choose_examples.mistake(
    "You draw in proportion to the scores themselves. Asked for is exp(score / T)."
)
def proportional(scores, temperature, count, generator):
    return torch.multinomial((scores - scores.min() + 1e-6), count, generator=generator)


@choose_examples.mistake("The temperature changes nothing in your answer.")
def temperature_ignored(scores, temperature, count, generator):
    return torch.multinomial(scores.softmax(0) + 1e-30, count, generator=generator)


@choose_examples.mistake("Every question is as likely in your answer: the scores change nothing.")
def even_choice(scores, temperature, count, generator):
    return torch.randperm(len(scores), generator=generator)[:count]


@choose_examples.mistake("You prefer low scores: the sign is turned round.")
def lowest_preferred(scores, temperature, count, generator):
    return torch.multinomial((-scores / temperature).softmax(0) + 1e-30, count, generator=generator)


@choose_examples.mistake(
    "Your exponentials leave the range of numbers: some become infinite, or exactly 0, and what "
    "they belong to is drawn in the wrong order; a small number added to each only hides it. Add "
    "Gumbel noise to the scores and take the largest, or draw one after another with the "
    "logarithms."
)
def underflows(scores, temperature, count, generator):
    shares = (scores.double() / temperature).softmax(0) + 1e-30
    return torch.multinomial(shares.float(), count, generator=generator)


@choose_examples.mistake(
    "You draw from torch's own numbers instead of the generator: the choice cannot be repeated."
)
def generator_ignored(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64)
    gumbel = -(-even.clamp(min=1e-300).log()).log()
    return (scores.double() / temperature + gumbel).topk(count).indices


@choose_examples.mistake(
    "You sorted the choice. It is asked for in the order in which it was drawn."
)
def sorted_choice(scores, temperature, count, generator):
    return right_choice(scores, temperature, count, generator).sort().values


@choose_examples.mistake("You return the scores of what was chosen. Asked for are their places.")
def scores_returned(scores, temperature, count, generator):
    return scores[right_choice(scores, temperature, count, generator)]


@choose_examples.mistake(
    "You added normal noise to the scores. Only Gumbel noise makes the largest come in "
    "proportion to exp(score / T)."
)
def normal_noise(scores, temperature, count, generator):
    noise = torch.randn(len(scores), dtype=torch.float64, generator=generator)
    return (scores.double() / temperature + noise).topk(count).indices


@choose_examples.mistake(
    "You added log(−log u). Gumbel noise is −log(−log u): with its sign turned round, a favourite "
    "among many comes too often."
)
def noise_turned_round(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    noise = (-even.clamp(min=1e-300).log()).log()
    return (scores.double() / temperature + noise).topk(count).indices


@choose_examples.mistake(
    "You added −log u alone. Gumbel noise is −log(−log u), with two logarithms."
)
def one_logarithm(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    noise = -even.clamp(min=1e-300).log()
    return (scores.double() / temperature + noise).topk(count).indices


@choose_examples.mistake(
    "You added uniform noise to the scores. Only Gumbel noise makes the largest come in "
    "proportion to exp(score / T)."
)
def uniform_noise(scores, temperature, count, generator):
    noise = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    return (scores.double() / temperature + noise).topk(count).indices


@choose_examples.mistake(
    "You divided the noise by the temperature too: it then changes nothing. Only the scores are "
    "divided."
)
def noise_divided(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    gumbel = -(-even.clamp(min=1e-300).log()).log()
    return ((scores.double() + gumbel) / temperature).topk(count).indices


@choose_examples.mistake(
    "You gave the exponentials to `torch.multinomial` as they are. At a low temperature they leave "
    "the range of numbers: add Gumbel noise to the logarithms and take the largest."
)
def plain_multinomial(scores, temperature, count, generator):
    return torch.multinomial((scores / temperature).exp(), count, generator=generator)


@choose_examples.mistake(
    "You drew from a softmax in one go. At a low temperature most shares are exactly 0, in float64 "
    "too, and fewer are left to draw than are asked for: add Gumbel noise to the logarithms."
)
def softmax_multinomial(scores, temperature, count, generator):
    return torch.multinomial((scores / temperature).softmax(0), count, generator=generator)


@choose_examples.mistake(
    "You sorted the choice by its scores. It is asked for in the order in which it was drawn."
)
def sorted_by_score(scores, temperature, count, generator):
    chosen = right_choice(scores, temperature, count, generator)
    return chosen[scores[chosen].argsort(descending=True)]


@choose_examples.mistake("You return the choice from its end. The first drawn comes first.")
def reversed_choice(scores, temperature, count, generator):
    return right_choice(scores, temperature, count, generator).flip(0)


@choose_examples.mistake(
    "You gave the generator a seed. Every call then draws the same: draw on from where it is."
)
def seeded_anew(scores, temperature, count, generator):
    generator.manual_seed(0)
    return right_choice(scores, temperature, count, generator)


@choose_examples.mistake("You return a list. A tensor of int64 is asked for.")
def list_returned(scores, temperature, count, generator):
    return right_choice(scores, temperature, count, generator).tolist()


@choose_examples.mistake("You added log u. Gumbel noise is −log(−log u), with two logarithms.")
def log_u_alone(scores, temperature, count, generator):
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    return (scores.double() / temperature + even.clamp(min=1e-300).log()).topk(count).indices


choose_examples.hint(
    "exp(score/T) divided by its sum is a softmax. What becomes of it at T = 0.001?"
)
choose_examples.hint(
    "The largest of score/T + Gumbel noise comes with these chances; the second largest is the "
    "second draw. Gumbel noise is −log(−log u)."
)
choose_examples.hint("May one question come twice?", when="draws several in turn, none twice")

_EVEN = "even = torch.rand(len(scores){}, generator=generator)"
choose_examples.equivalent(
    f"`{_EVEN.format(', dtype=torch.float64')}` → `{_EVEN.format('')}`",
    because="in float32 the chances are the same to seven digits",
)
_GUMBEL = "gumbel = -(-even.clamp(min={}).log()).log()"
choose_examples.equivalent(
    f"`{_GUMBEL.format('1e-300')}` → `{_GUMBEL.format('2e-300')}`",
    because="either only keeps the logarithm of an exact 0 finite",
)
