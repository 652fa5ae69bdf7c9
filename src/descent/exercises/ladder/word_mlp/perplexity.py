"""How `perplexity` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

perplexity = Exercise("perplexity", minutes=6, difficulty=1, returns=float)


@perplexity.property("is exp of minus the mean log-probability", trials=6)
def _(answer, draw: Draw) -> None:
    p = draw.uniform(0.05, 0.9, draw.size)
    product = math.prod(p.tolist())
    log_p = torch.tensor(np.log(p))
    expect(answer(log_p), "the perplexity").close_to((1 / product) ** (1 / len(p)))


@perplexity.property("is V for a guesser who finds V words equally likely")
def _(answer, draw: Draw) -> None:
    size = draw.integers(2, 2000)
    log_p = torch.full((7,), -math.log(size), dtype=torch.float64)
    expect(answer(log_p), "the perplexity").close_to(size)


@perplexity.property("is 4 for the probabilities 1/2 and 1/8", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(torch.tensor([0.5, 0.125]).log()), "the perplexity").close_to(4.0)


@perplexity.property("is 1 for certainty, and infinite when a word that came was impossible")
def _(answer, draw: Draw) -> None:
    sure = torch.zeros(draw.integers(1, 5))
    expect(answer(sure), "the perplexity of certainty").close_to(1.0)
    result = answer(torch.tensor([-0.5, -math.inf]))
    expect(float(result) == math.inf, "it is infinite").is_true(
        otherwise="One log-probability is −inf: the word was called impossible and came. The "
        f"perplexity is infinite then, and yours came out as {float(result):.4g}."
    )


@perplexity.property("is right for a text of thousands of words, or words all but impossible")
def _(answer, draw: Draw) -> None:
    n, p = draw.integers(2000, 4000), draw.uniform(0.01, 0.2)
    log_p = torch.full((n,), math.log(p), dtype=torch.float64)
    expect(answer(log_p), f"the perplexity of {n} words").close_to(1 / p)
    rare = torch.tensor([-300.0, -800.0, 0.0, 0.0], dtype=torch.float64)
    expect(answer(rare), "with log-probabilities −300, −800, 0 and 0").close_to(math.exp(275.0))


@perplexity.mistake(
    "You multiplied the probabilities. The product of a long text is too small for the computer, "
    "which makes 0 of it: add up the logarithms, that is, take their mean."
)
def product(log_probabilities):
    return float(torch.exp(log_probabilities).prod() ** (-1 / len(log_probabilities)))


@perplexity.mistake(
    "You made probabilities of the logarithms and took the logarithm again. A probability may be "
    "too small for the computer, which makes 0 of it: stay with the logarithms you were given."
)
def there_and_back(log_probabilities):
    return float(torch.exp(-torch.exp(log_probabilities).log().mean()))


@perplexity.mistake(
    "You raised 2 to a number of nats. Natural logarithms go with exp, logarithms to base 2 with "
    "a power of 2."
)
def two_to_nats(log_probabilities):
    return float(2.0 ** -log_probabilities.mean())


@perplexity.mistake(
    "You averaged the perplexities of single words. Average the logarithms first, take exp once at "
    "the end: perplexity is 1 over the *geometric* mean probability."
)
def mean_of_perplexities(log_probabilities):
    return float(torch.exp(-log_probabilities).mean())


@perplexity.mistake(
    "You returned the mean negative log-likelihood, in nats. Perplexity is its exp."
)
def without_exp(log_probabilities):
    return float(-log_probabilities.mean())


@perplexity.mistake(
    "You summed. Perplexity is per word: take the mean, or it grows with the length of the text."
)
def summed(log_probabilities):
    return float(torch.exp(-log_probabilities.sum()))


@perplexity.mistake(
    "The minus is missing. Log-probabilities are negative, and you returned the geometric mean "
    "probability: perplexity is 1 over it."
)
def without_minus(log_probabilities):
    return float(torch.exp(log_probabilities.mean()))


@perplexity.mistake(
    "You took 1 over the mean probability. One impossible word would hardly matter then. Average "
    "the logarithms, not the probabilities."
)
def mean_probability(log_probabilities):
    return float(1 / torch.exp(log_probabilities).mean())


@perplexity.mistake(
    "You took the logarithm once more. What comes in are logarithms of probabilities already."
)
def logarithm_again(log_probabilities):
    return float(torch.exp(-torch.log(log_probabilities).mean()))


@perplexity.mistake(
    "You left the impossible words out (or bounded their logarithms), so that a model is forgiven "
    "its worst mistakes. One of them makes the perplexity infinite."
)
def forgiving(log_probabilities):
    return float(torch.exp(-log_probabilities[torch.isfinite(log_probabilities)].mean()))


@perplexity.mistake("You took 10 to the power. These are natural logarithms: use exp.")
def ten_to_nats(log_probabilities):
    return float(10.0 ** -log_probabilities.mean())


perplexity.hint("Mean first, then a minus, then exp.")
perplexity.hint("`torch.exp(-log_probabilities.mean())`; `float(…)` makes it a number.")
perplexity.hint("Try 1/2 and 1/8. Their logs average to log(1/4).", when="value")
perplexity.hint("`math.exp` refuses large numbers where `torch.exp` says inf.", when="error")
