"""How `best_of_n` is judged: every choice of n out of N, one after another."""

from __future__ import annotations

import math
from itertools import combinations

import torch
from torch import Tensor

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

best_of_n = Exercise("best_of_n", minutes=30, difficulty=3, returns=tuple[float, float])


def _enumerated(proxy, gold, n: int) -> tuple[float, float]:
    scores, values = proxy.double().tolist(), gold.double().tolist()
    total, count = 0.0, 0
    for chosen in combinations(range(len(scores)), n):
        highest = max(scores[i] for i in chosen)
        best = [values[i] for i in chosen if scores[i] == highest]
        total += sum(best) / len(best)
        count += 1
    return total / count, math.log(n) - (n - 1) / n


def _expect_best(answer, proxy, gold, n: int) -> None:
    value, kl = answer(proxy, gold, n)
    right, right_kl = _enumerated(proxy, gold, n)
    expect(value, f"the gold reward of the best of {n}").close_to(right, atol=1e-6)
    expect(kl, f"the KL of the best of {n}").close_to(right_kl, atol=1e-9)


def _rewards(draw: Draw, count: int) -> tuple[Tensor, Tensor]:
    proxy = torch.tensor(draw.rng.permutation(count) * 0.37 - 1.0)
    gold = 0.3 * proxy + torch.tensor(draw.normal(count))
    return proxy, gold


@best_of_n.property("is the mean over all choices of n samples", trials=5)
def _(answer, draw: Draw) -> None:
    count = min(draw.size + 3, 9)
    _expect_best(answer, *_rewards(draw, count), draw.integers(2, count))


@best_of_n.property("is chosen by the proxy and scored by the gold reward", trials=3)
def _(answer, draw: Draw) -> None:
    proxy, _ = _rewards(draw, 6)
    _expect_best(answer, proxy, -proxy + torch.tensor(draw.normal(6)), 3)


@best_of_n.property("of one is the mean, at no distance", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_best(answer, *_rewards(draw, draw.size + 2), 1)


@best_of_n.property("of all is the best there is", trials=2)
def _(answer, draw: Draw) -> None:
    count = draw.size + 3
    _expect_best(answer, *_rewards(draw, count), count)


@best_of_n.property("takes ties of the proxy for equally good", trials=4)
def _(answer, draw: Draw) -> None:
    proxy = torch.tensor([0.5, 1.5, 0.5, 1.5, -1.0, 1.5, 0.5]).double()
    order = torch.tensor(draw.rng.permutation(7))
    for n in (2, 3, 5):
        _expect_best(answer, proxy[order], torch.tensor(draw.normal(7)), n)
    same = torch.zeros(5).double()
    _expect_best(answer, same, torch.tensor(draw.normal(5)), 3)


@best_of_n.property("stays exact for 3000 samples", trials=1)
def _(answer, draw: Draw) -> None:
    count, n = 3000, draw.choice([64, 256, 1000])
    proxy = torch.tensor(draw.rng.permutation(count)).double()
    value, kl = answer(proxy, proxy, n)
    # The mean of the largest of n out of 0, …, N − 1 is n(N + 1)/(n + 1) − 1.
    expect(value, f"the mean of the best of {n}").close_to(n * (count + 1) / (n + 1) - 1, rtol=1e-6)
    expect(kl, "the KL").close_to(math.log(n) - (n - 1) / n)


@best_of_n.property("refuses n below 1, and more than there are", trials=1)
def _(answer, draw: Draw) -> None:
    proxy, gold = _rewards(draw, 4)
    refuses(answer, proxy, gold, 0, because="the best of none")
    refuses(answer, proxy, gold, 5, because="the best of five out of four")


@best_of_n.right
def right_best(proxy, gold, n):
    count = len(proxy)
    if not 1 <= n <= count:
        raise ValueError("n is from 1 to the number of samples")
    order = proxy.argsort()
    scores, values = proxy[order].tolist(), gold[order].tolist()
    ways = math.comb(count, n)
    total, first = 0.0, 0
    while first < count:
        last = first
        while last < count and scores[last] == scores[first]:
            last += 1
        chosen = math.comb(last, n) - math.comb(first, n)
        total += chosen / ways * (sum(values[first:last]) / (last - first))
        first = last
    return total, math.log(n) - (n - 1) / n


_KL = "math.log(n) - (n - 1) / n"
_WAYS = "chosen = math.comb(last, n) - math.comb(first, n)"
_SLIPS = {
    "kl_is_ln_n": (
        "Your KL is ln n. That is how much the best sample is preferred at most; the mean is "
        "less: "
        "ln n − (n − 1)/n.",
        {_KL: "math.log(n)"},
    ),
    "kl_minus_n": (
        "Your KL takes n − 1 off, and is negative. It is ln n − (n − 1)/n.",
        {_KL: "math.log(n) - (n - 1)"},
    ),
    "kl_one_over_n": (
        "Your KL is ln n − 1/n. It is ln n − (n − 1)/n, which is 0 for n = 1.",
        {_KL: "math.log(n) - 1 / n"},
    ),
    "kl_plus": (
        "Your KL adds (n − 1)/n. It is taken off.",
        {_KL: "math.log(n) + (n - 1) / n"},
    ),
    "kl_in_bits": (
        "Your KL is in bits. Nats: the natural logarithm.",
        {_KL: "math.log2(n) - (n - 1) / n"},
    ),
    "with_replacement": (
        "You drew with replacement, so that a sample can meet itself. Count the choices of n "
        "*different* samples; the estimate is unbiased only then.",
        {_WAYS: "chosen = last**n - first**n", "ways = math.comb(count, n)": "ways = count**n"},
    ),
    "first_n": (
        "You took the best of the first n alone. The other samples say something, too: take the "
        "mean over all choices.",
        {"total, first = 0.0, 0": "part = proxy[:n]\n"
         "    hit = part == part.max()\n"
         "    return gold[:n][hit].mean().item(), math.log(n) - (n - 1) / n\n"
         "    total, first = 0.0, 0"},
    ),
    "best_gold": (
        "You chose by the gold reward. Nobody has it when choosing: the proxy chooses, the gold "
        "reward scores.",
        {"order = proxy.argsort()": "proxy = gold\n    order = proxy.argsort()"},
    ),
    "proxy_scored": (
        "You scored by the proxy. It chose; the gold reward says how good the choice was.",
        {"gold[order].tolist()": "proxy[order].tolist()"},
    ),
    "worst_of_n": (
        "You took the worst of n.",
        {"order = proxy.argsort()": "proxy = -proxy\n    order = proxy.argsort()"},
    ),
    "ties_to_the_last": (
        "Of samples that the proxy finds equally good you always took one of them. Each is as "
        "likely: take their mean.",
        {"(sum(values[first:last]) / (last - first))": "values[last - 1]"},
    ),
    "ties_to_the_best_gold": (
        "Of samples that the proxy finds equally good you took the one with the best gold "
        "reward. "
        "It is not seen: take their mean.",
        {"(sum(values[first:last]) / (last - first))": "max(values[first:last])"},
    ),
    "ties_by_place": (
        "You gave tied samples different weights, by their place. Each of them is as likely.",
        {"last < count and scores[last] == scores[first]": "last == first"},
    ),
    "one_rank_off": (
        "You are off by one in the ranks: the i-th smallest is the best of C(i − 1, n − "
        "1) choices.",
        {_WAYS: "chosen = math.comb(max(last - 1, 0), n) - math.comb(max(first - 1, 0), n)",
         "ways = math.comb(count, n)": "ways = max(math.comb(count - 1, n), 1)"},
    ),
    "top_share": (
        "You averaged the best count/n samples. That is not what the best of n gives: work out "
        "how "
        "often each sample is the best.",
        {"total, first = 0.0, 0":
         "top = max(count // n, 1)\n"
         "    return sum(values[-top:]) / top, math.log(n) - (n - 1) / n\n"
         "    total, first = 0.0, 0"},
    ),
    "mean_of_the_top_n": (
        "You averaged the n best. Only the best of n is kept.",
        {"total, first = 0.0, 0":
         "return sum(values[-n:]) / n, math.log(n) - (n - 1) / n\n"
         "    total, first = 0.0, 0"},
    ),
    "maximum_of_all": (
        "You took the best of all samples, whatever n is.",
        {"total, first = 0.0, 0":
         "return values[-1], math.log(n) - (n - 1) / n\n"
         "    total, first = 0.0, 0"},
    ),
    "nothing_refused": (
        "You do not refuse n that is below 1 or above the number of samples. Raise ValueError.",
        {"if not 1 <= n <= count:": "if count < 0:",
         "ways = math.comb(count, n)": "ways = max(math.comb(count, n), 1)",
         "return total, math.log(n) - (n - 1) / n":
         "n = max(n, 1)\n    return total, math.log(n) - (n - 1) / n"},
    ),
    "too_many_capped": (
        "You cut n down to the number of samples. What was asked for is not known then: raise "
        "ValueError.",
        {"if not 1 <= n <= count:": "n = min(n, count)\n    if n < 1:"},
    ),
    "all_refused": (
        "You refused the best of all N. With n = N there is one choice, and it is known.",
        {"1 <= n <= count": "1 <= n < count"},
    ),
    "one_refused": (
        "You refused n = 1. It is the mean, at a KL of 0.",
        {"1 <= n <= count": "1 < n <= count"},
    ),
    "kl_of_all": (
        "Your KL goes by the number of samples at hand. It goes by n, out of which one is "
        "kept.",
        {"math.log(n) - (n - 1) / n":
         "math.log(count) - (n - 1) / n"},
    ),
    "kl_two_logarithms": (
        "Your KL takes the logarithm of (n − 1)/n off. Take (n − 1)/n itself.",
        {"math.log(n) - (n - 1) / n":
         "math.log(n) - (math.log((n - 1) / n) if n > 1 else 0.0)"},
    ),
    "kl_root": (
        "You gave the root of the KL.",
        {"math.log(n) - (n - 1) / n":
         "math.sqrt(max(math.log(n) - (n - 1) / n, 0.0))"},
    ),
    "blocks": (
        "You cut the samples into blocks of n. All choices of n are meant, not these alone.",
        {"total, first = 0.0, 0":
         "parts = [slice(i, i + n) for i in range(0, count - n + 1, n)]\n    picked = "
         "[gold[part][proxy[part].argmax()].item() for part in parts]\n    return sum(picked) "
         "/ len(picked), math.log(n) - (n - 1) / n\n    total, first = 0.0, 0"},
    ),
    "random_choices": (
        "You drew choices at random. That is right in the mean and off in each: count all "
        "choices.",
        {"total, first = 0.0, 0":
         "dice = torch.Generator().manual_seed(0)\n    picks = [torch.randperm(count, "
         "generator=dice)[:n] for _ in range(200)]\n    picked = "
         "[gold[pick][proxy[pick].argmax()].item() for pick in picks]\n    return sum(picked) "
         "/ len(picked), math.log(n) - (n - 1) / n\n    total, first = 0.0, 0"},
    ),
    "too_few_choices": (
        "You divided by C(N − 1, n − 1). There are C(N, n) choices.",
        {"ways = math.comb(count, n)":
         "ways = math.comb(count - 1, n - 1)"},
    ),
    "ties_added": (
        "You added the gold rewards of tied samples up. Take their mean.",
        {"(sum(values[first:last]) / (last - first))":
         "sum(values[first:last])"},
    ),
    "ties_to_the_first": (
        "Of tied samples you always took the first. Each is as likely: take their mean.",
        {"(sum(values[first:last]) / (last - first))":
         "values[first]"},
    ),
    "index_error": (
        "You raised another error. A ValueError is asked for.",
        {"raise ValueError(":
         "raise IndexError("},
    ),
    "gain": (
        "You took the mean gold reward off. The value itself is asked for.",
        {"return total,":
         "return total - gold.double().mean().item(),"},
    ),
    "below_and_at": (
        "You counted, for each score, all choices at or below it. Take off those that lie "
        "below: each choice has one best.",
        {"chosen = math.comb(last, n) - math.comb(first, n)":
         "chosen = math.comb(last, n)"},
    ),
    "first_n_by_place": (
        "You took the best of the first n alone. The other samples say something, too: take "
        "the mean over all choices."
        " Tied samples, too, should count alike.",
        {"total, first = 0.0, 0":
         "return gold[:n][proxy[:n].argmax()].item(), math.log(n) - (n - 1) / n\n    total, "
         "first = 0.0, 0"},
    ),
    "with_replacement_by_place": (
        "You drew with replacement, so that a sample can meet itself. Count the choices of n "
        "*different* samples; the estimate is unbiased only then."
        " Tied samples, too, should count alike.",
        {"chosen = math.comb(last, n) - math.comb(first, n)":
         "chosen = last**n - first**n",
         "ways = math.comb(count, n)":
         "ways = count**n",
         "last < count and scores[last] == scores[first]":
         "last == first"},
    ),
    "worst_of_n_by_place": (
        "You took the worst of n."
        " The best is asked for, and tied samples count alike.",
        {"order = proxy.argsort()":
         "order = proxy.argsort(descending=True)",
         "last < count and scores[last] == scores[first]":
         "last == first"},
    ),
    "one_rank_too_high": (
        "You are off by one in the ranks: the i-th smallest is the best of C(i − 1, n − 1) "
        "choices. Python counts from 0: at place i it is the (i + 1)-th smallest, and i lie "
        "below it.",
        {"chosen = math.comb(last, n) - math.comb(first, n)":
         "chosen = math.comb(last, n - 1)",
         "last < count and scores[last] == scores[first]":
         "last == first"},
    ),
    "one_rank_too_low": (
        "You are off by one in the ranks: the i-th smallest is the best of C(i − 1, n − 1) "
        "choices. Python counts from 0: at place i, i lie below it, and not i − 1.",
        {"chosen = math.comb(last, n) - math.comb(first, n)":
         "chosen = math.comb(max(first - 1, 0), n - 1)",
         "last < count and scores[last] == scores[first]":
         "last == first"},
    ),
    "division_by_no_choice": (
        "You do not refuse n above the number of samples: there is no choice then, and you "
        "divided by 0. Raise ValueError.",
        {"if not 1 <= n <= count:":
         "if count < 0:"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    best_of_n.slip(_name, _message, _edits)

best_of_n.equivalent(
    "`if not 1 <= n <= count:` → `if not 0 <= n <= count:`",
    because="the logarithm of 0 is a ValueError by itself",
)

best_of_n.hint("Sort by the proxy. Of how many choices of n is the i-th smallest the best?")
best_of_n.hint("It needs n − 1 companions out of the i − 1 below it.")
best_of_n.hint("`math.comb` is exact for any size; divide whole numbers, not floats.")
best_of_n.hint("Samples 1, 2, 4 and n = 2: the choices give 2, 4 and 4.", when="value")
