"""How `exact_kl` is judged: by the chain rule over prefixes, where the answer may enumerate."""

from __future__ import annotations

import math
from itertools import product

from descent.grading import Draw, Exercise, expect

exact_kl = Exercise("exact_kl", minutes=30, difficulty=3, returns=float)

END = 1


class Tree:
    """A tiny language model: called with a prefix, it gives the probability of each next token."""

    def __init__(self, shares: dict[tuple[int, ...], list[float]]) -> None:
        self.shares = shares

    def __call__(self, prefix) -> list[float]:
        return list(self.shares[tuple(prefix)])

    def __repr__(self) -> str:
        shown = list(self.shares.items())[:3]
        return "a model with " + ", ".join(f"{list(k)} → {v}" for k, v in shown)


def _tree(draw: Draw, words: int, longest: int, zeros: bool = False) -> Tree:
    shares = {}
    for length in range(longest):
        for prefix in product(range(words), repeat=length):
            weights = [draw.integers(1, 20) for _ in range(words)]
            if zeros:
                weights[draw.integers(0, words)] = 0
            shares[prefix] = [weight / sum(weights) for weight in weights]
    return Tree(shares)


def _by_chain_rule(policy, start, longest: int, prefix: tuple[int, ...] = ()) -> float:
    """The KL of the next token, and what is to be expected of the rest."""
    if len(prefix) == longest or END in prefix:
        return 0.0
    total = 0.0
    for token, (p, q) in enumerate(zip(policy(prefix), start(prefix), strict=True)):
        if p == 0:
            continue
        if q == 0:
            return math.inf
        rest = _by_chain_rule(policy, start, longest, (*prefix, token))
        total += p * (math.log(p / q) + rest)
    return total


def _expect_kl(answer, policy: Tree, start: Tree, longest: int) -> None:
    right = _by_chain_rule(policy, start, longest)
    found = answer(policy, start, longest)
    if math.isinf(right):
        expect(found, "the KL").equals(math.inf)
    else:
        expect(found, "the KL").is_finite().close_to(right, atol=1e-9)


PAGE_START = Tree(
    {(): [0.4, 0.0, 0.6], (0,): [0.7, 0.0, 0.3], (1,): [0.2, 0.3, 0.5], (2,): [0.2, 0.0, 0.8]}
)
PAGE_POLICY = Tree(
    {(): [0.65, 0.0, 0.35], (0,): [0.9, 0.0, 0.1], (1,): [0.4, 0.4, 0.2], (2,): [0.5, 0.0, 0.5]}
)


@exact_kl.property("of a single token is Σ p log p/q", trials=3)
def _(answer, draw: Draw) -> None:
    words = draw.size + 1
    _expect_kl(answer, _tree(draw, words, 1), _tree(draw, words, 1), 1)


@exact_kl.property("of lines is that of whole lines", trials=4)
def _(answer, draw: Draw) -> None:
    words, longest = draw.choice([(2, 3), (3, 2), (3, 3), (2, 5), (4, 2)])
    _expect_kl(answer, _tree(draw, words, longest), _tree(draw, words, longest), longest)


@exact_kl.property("of the page's two models is what was worked out", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_kl(answer, PAGE_POLICY, PAGE_START, 2)


@exact_kl.property("of a model with itself is 0", trials=2)
def _(answer, draw: Draw) -> None:
    tree = _tree(draw, 3, 2, zeros=True)
    _expect_kl(answer, tree, tree, 2)


@exact_kl.property("takes tokens the policy never writes for 0", trials=4)
def _(answer, draw: Draw) -> None:
    _expect_kl(answer, _tree(draw, 3, 3, zeros=True), _tree(draw, 3, 3), 3)


@exact_kl.property("is infinite where the policy writes what the start never does", trials=2)
def _(answer, draw: Draw) -> None:
    start = _tree(draw, 3, 2)
    start.shares[(0,)] = [0.5, 0.5, 0.0]
    _expect_kl(answer, _tree(draw, 3, 2), start, 2)
    # Behind the end nothing is written, and nothing is infinite.
    start = _tree(draw, 3, 2)
    start.shares[(END,)] = [1.0, 0.0, 0.0]
    _expect_kl(answer, _tree(draw, 3, 2), start, 2)
    # Nor behind a token that the policy never writes.
    policy = _tree(draw, 3, 2)
    policy.shares[()] = [0.0, 0.25, 0.75]
    start = _tree(draw, 3, 2)
    start.shares[(0,)] = [1.0, 0.0, 0.0]
    _expect_kl(answer, policy, start, 2)


@exact_kl.property("counts lines that are cut off at `longest`", trials=2)
def _(answer, draw: Draw) -> None:
    shares = [0.6, 0.01, 0.39], [0.3, 0.02, 0.68]
    longest = 4
    prefixes = [p for length in range(longest) for p in product(range(3), repeat=length)]
    policy, start = (Tree(dict.fromkeys(prefixes, share)) for share in shares)
    _expect_kl(answer, policy, start, longest)


@exact_kl.right
def right_kl(policy, start, longest):
    total = 0.0
    waiting = [((), 1.0, 0.0)]
    while waiting:
        prefix, chance, log_ratio = waiting.pop()
        if len(prefix) == longest or (prefix and prefix[-1] == 1):
            total += chance * log_ratio
            continue
        for token, (p, q) in enumerate(zip(policy(prefix), start(prefix), strict=True)):
            if p == 0:
                continue
            if q == 0:
                return math.inf
            waiting.append(((*prefix, token), chance * p, log_ratio + math.log(p / q)))
    return total


_SLIPS = {
    "sign": (
        "The sign is wrong: log q/p, with the start's probability above. A KL divergence is "
        "never "
        "negative.",
        {"math.log(p / q)": "math.log(q / p)"},
    ),
    "reverse_kl": (
        "You weighted by the start's probabilities. The KL of the policy from the start is a "
        "mean "
        "over what the *policy* writes.",
        {"chance * p,": "chance * q,"},
    ),
    "the_other_divergence": (
        "You took KL(start ‖ policy). Asked for is KL(policy ‖ start): policy's lines, policy's "
        "logarithm first.",
        {"zip(policy(prefix), start(prefix), strict=True)":
         "zip(start(prefix), policy(prefix), strict=True)"},
    ),
    "goes_on_after_the_end": (
        "You went on after the end token. Nothing is written there: the line is complete.",
        {"len(prefix) == longest or (prefix and prefix[-1] == 1)": "len(prefix) == longest"},
    ),
    "unfinished_left_out": (
        "You left out the lines that are cut off at `longest` without an end. They are drawn, "
        "and "
        "count.",
        {"            total += chance * log_ratio\n":
         "            total += chance * log_ratio if prefix[-1] == 1 else 0.0\n"},
    ),
    "unweighted": (
        "You averaged over the lines as if all were as likely. Each counts by its probability "
        "under the policy.",
        {"chance * p,": "chance / len(policy(prefix)),"},
    ),
    "first_token": (
        "You stopped after the first token. The line goes on, and the models differ there too.",
        {"len(prefix) == longest or": "len(prefix) == 1 or"},
    ),
    "one_token_short": (
        "Your lines are one token too short.",
        {"len(prefix) == longest or": "len(prefix) == max(longest - 1, 1) or"},
    ),
    "per_token": (
        "You divided each line by its length: that is a KL per token. A whole completion is "
        "asked "
        "for.",
        {"chance * log_ratio\n": "chance * log_ratio / len(prefix)\n"},
    ),
    "in_bits": (
        "You took the logarithm to base 2. Nats are asked for.",
        {"math.log(p / q)": "math.log2(p / q)"},
    ),
    "infinite_hidden": (
        "You left out what the start never writes. If the policy writes it, the KL is infinite.",
        {"if q == 0:\n                return math.inf": "if q == 0:\n                continue"},
    ),
    "small_number_in_the_logarithm": (
        "You put a small number into the logarithm. What the start never writes gives infinity, "
        "not some large number.",
        {"if q == 0:\n                return math.inf": "if q == 0:\n                q = 1e-12"},
    ),
    "infinite_too_early": (
        "You said infinity because the start never writes a token that the policy never writes "
        "either.",
        {"            if p == 0:\n                continue\n": "",
         "if q == 0:\n                return math.inf":
         "if q == 0:\n                return math.inf\n"
         "            if p == 0:\n                continue"},
    ),
    "only_the_last_token": (
        "You took the ratio of the last token alone. The ratio of a line is the product of the "
        "ratios of its tokens.",
        {"log_ratio + math.log(p / q)": "math.log(p / q)"},
    ),
    "end_is_another_token": (
        "You took token 0 for the end. It is token 1.",
        {"prefix[-1] == 1": "prefix[-1] == 0"},
    ),
    "k2": (
        "You took half the square of each log-ratio, the mean of k2. That is an approximation, "
        "and "
        "here everything can be added up exactly.",
        {"chance * log_ratio\n": "chance * log_ratio**2 / 2\n"},
    ),
    "absolute": (
        "You took the absolute value of the log-ratios. Lines that the policy writes less often "
        "count with a minus.",
        {"chance * log_ratio\n": "chance * abs(log_ratio)\n"},
    ),
    "prefix_ratio_at_every_token": (
        "You added a line's ratio up at every token, not at its end. Each line counts once.",
        {"            waiting.append(((*prefix, token), chance * p, log_ratio + math.log(p / "
         "q)))":
         "            total += chance * p * (log_ratio + math.log(p / q)) "
         "if len(prefix) + 1 < longest and token != 1 else 0.0\n"
         "            waiting.append(((*prefix, token), chance * p, log_ratio + math.log(p / "
         "q)))"},
    ),
    "first_shares_for_all": (
        "You asked the policy for the first token's probabilities at every place. It is asked "
        "with all that was drawn so far.",
        {"zip(policy(prefix),":
         "zip(policy(()),"},
    ),
    "start_shares_for_all": (
        "You asked the start for the first token's probabilities at every place. It is asked "
        "with all that was drawn so far.",
        {"start(prefix), strict":
         "start(()), strict"},
    ),
    "end_left_out": (
        "You left the end token's own probability out. Ending is a choice, and counts.",
        {"if p == 0:":
         "if p == 0 or token == 1:"},
    ),
    "one_token_long": (
        "Your lines are one token too long.",
        {"len(prefix) == longest or":
         "len(prefix) == longest + 1 or"},
    ),
    "half_way_mixture": (
        "You compared the policy with the mean of both models. The KL is that from the start "
        "itself.",
        {"math.log(p / q)":
         "math.log(p / ((p + q) / 2))"},
    ),
    "divided_by_longest": (
        "You divided by `longest`. The KL of a whole line is a sum over its tokens.",
        {"    return total\n":
         "    return total / longest\n"},
    ),
    "difference_of_probabilities": (
        "You subtracted probabilities. The logarithm of their ratio is asked for.",
        {"math.log(p / q)":
         "abs(p - q)"},
    ),
    "negative_terms_cut": (
        "You cut the logarithm of each ratio at 0. The negative ones belong to the sum.",
        {"math.log(p / q)":
         "max(math.log(p / q), 0.0)"},
    ),
    "tokens_squared": (
        "You took half the square of each token's log-ratio, the mean of k2. Here everything "
        "can be added up exactly.",
        {"math.log(p / q)":
         "math.log(p / q) ** 2 / 2"},
    ),
    "zero_divided": (
        "Where the start never writes what the policy writes you divided by 0. The KL is "
        "infinite there.",
        {"            if q == 0:\n                return math.inf\n":
         ""},
    ),
    "rest_unweighted": (
        "You added what follows a token as often as there are tokens. It comes with that "
        "token's probability.",
        {"    total = 0.0\n":
         "    def all_of(prefix):\n        if len(prefix) == longest or prefix[-1:] == (1,):\n "
         "           return 0.0\n        pairs = enumerate(zip(policy(prefix), start(prefix), "
         "strict=True))\n        return sum(p * (math.log(p / q) if q else math.inf) + "
         "all_of((*prefix, token)) for token, (p, q) in pairs if p)\n\n    return all_of(())\n "
         "   total = 0.0\n"},
    ),
    "rest_by_the_start": (
        "You weighted what follows a token by the start's probability. The policy's decides "
        "how often it comes.",
        {"    total = 0.0\n":
         "    def all_of(prefix):\n        if len(prefix) == longest or prefix[-1:] == (1,):\n "
         "           return 0.0\n        pairs = enumerate(zip(policy(prefix), start(prefix), "
         "strict=True))\n        return sum(p * (math.log(p / q) if q else math.inf) + (q * "
         "all_of((*prefix, token)) if q else 0.0) for token, (p, q) in pairs if p)\n\n    "
         "return all_of(())\n    total = 0.0\n"},
    ),
    "the_other_divergence_where_both_write": (
        "You took KL(start ‖ policy). Asked for is KL(policy ‖ start): policy's lines, "
        "policy's logarithm first."
        " What the policy never writes you left out besides.",
        {"    total = 0.0\n":
         "    def all_of(prefix):\n        if len(prefix) == longest or prefix[-1:] == "
         "(1,):\n            return 0.0\n        pairs = enumerate(zip(policy(prefix), "
         "start(prefix), strict=True))\n        return sum((math.inf if q == 0 else q * "
         "(math.log(q / p) + all_of((*prefix, token)))) for token, (p, q) in pairs if "
         "p)\n\n    return all_of(())\n    total = 0.0\n"},
    ),
    "unfinished_left_out_whole": (
        "You left out the lines that are cut off at `longest` without an end. They are "
        "drawn, and count."
        " One among them that the start never writes makes the KL infinite.",
        {"            total += chance * log_ratio\n":
         "            total += chance * log_ratio if prefix[-1] == 1 else 0.0\n",
         "                return math.inf\n":
         "                waiting.append(((*prefix, token), chance * p, "
         "math.inf))\n                continue\n"},
    ),
    "logarithm_of_zero": (
        "A token that the policy never writes has made a logarithm of 0. It never comes: "
        "pass over it.",
        {"            if p == 0:\n                continue\n":
         ""},
    ),
    "one_token_short_and_none": (
        "Your lines are one token too short; where `longest` is 1 they have none.",
        {"len(prefix) == longest or":
         "len(prefix) == longest - 1 or"},
    ),
    "end_is_token_2": (
        "You took token 2 for the end. It is token 1.",
        {"prefix[-1] == 1":
         "prefix[-1] == 2"},
    ),
    "infinite_passed_over": (
        "You passed over what the start never writes. If the policy writes it, the KL is "
        "infinite.",
        {"    total = 0.0\n":
         "    def all_of(prefix):\n        if len(prefix) == longest or prefix[-1:] == "
         "(1,):\n            return 0.0\n        pairs = enumerate(zip(policy(prefix), "
         "start(prefix), strict=True))\n        return sum(p * (math.log(p / q) + "
         "all_of((*prefix, token))) for token, (p, q) in pairs if p and q)\n\n    return "
         "all_of(())\n    total = 0.0\n"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    exact_kl.slip(_name, _message, _edits)

exact_kl.hint("Every line has a probability under both models. Which lines are there?")
exact_kl.hint("Write a function that takes a prefix and calls itself, or keep a list of prefixes.")
exact_kl.hint("One token: Σ p log p/q. What follows a token counts p times.")
exact_kl.hint("The page's four lines: 0.431 − 0.040 + 0.066 − 0.177 = 0.281.", when="value")
