"""What several exercises of ladder/sampling draw from and compare with."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, expect

ALARM = 1e-10  # a right sampler's p-value is below this once in 10 000 000 000 times


def float64_tensor(values: Any) -> Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64))


def drawn_shares(draw: Draw, count: int, least: int = 0) -> list[int]:
    """Random whole numbers that add up to 64, so that all sums of them / 64 are exact."""
    weights = draw.rng.dirichlet(np.ones(count))
    return [int(n) + least for n in draw.rng.multinomial(64 - least * count, weights)]


def different_numbers(draw: Draw, count: int) -> list[int]:
    """Different whole numbers in random order, that add up to 1 024: no ties."""
    found = draw.rng.choice(np.arange(1, 1 + 1024 // (2 * count)), count, replace=False).tolist()
    found[int(np.argmax(found))] += 1024 - sum(found)
    return [int(n) for n in found]


def chi_square_tail(x: float, degrees: int) -> float:
    """The upper tail of the chi-square distribution, by its recursion over the degrees."""
    if x <= 0:
        return 1.0
    value, step = (math.erfc(math.sqrt(x / 2)), 1) if degrees % 2 else (math.exp(-x / 2), 2)
    while step < degrees:
        half = step / 2
        value += math.exp(half * math.log(x / 2) - x / 2 - math.lgamma(half + 1))
        step += 2
    return value


def p_value_of(counts: np.ndarray, probabilities: np.ndarray) -> float:
    expected = counts.sum() * probabilities
    return chi_square_tail(float(((counts - expected) ** 2 / expected).sum()), len(counts) - 1)


class Watch:
    """Notices whether the global streams of random numbers moved."""

    def __init__(self) -> None:
        self.before = self._state()

    @staticmethod
    def _state() -> tuple[Any, ...]:
        numpy_state: Any = np.random.get_state()  # noqa: NPY002  (the global stream, watched)
        return torch.get_rng_state().tolist(), random.getstate(), numpy_state[1].tolist()

    def expect_still(self) -> None:
        expect(self._state() == self.before, "the global generators are untouched").is_true(
            otherwise="The global generator was used or changed; all randomness must come from "
            "the generator of this call."
        )


def heated(logits: list[float], temperature: float) -> list[float]:
    """The definition, with Python's floats."""
    largest = max(logits)
    if temperature == 0:
        return [1.0 if i == logits.index(largest) else 0.0 for i in range(len(logits))]
    raised = [math.exp((z - largest) / temperature) for z in logits]
    return [value / sum(raised) for value in raised]


def softmax_of(values: Tensor) -> Tensor:
    return torch.softmax(values, dim=0)


def first_best(logits: Tensor) -> Tensor:
    return F.one_hot(logits.argmax(), len(logits)).to(logits.dtype)


def search(probabilities: Tensor, uniform: Tensor, right: bool = True) -> Tensor:
    return torch.searchsorted(probabilities.double().cumsum(0), uniform.double(), right=right)


def last(probabilities: Tensor) -> int:
    return int(probabilities.nonzero().max())


def ranking(values: list[Any]) -> list[int]:
    """Places by falling value, equals in their order, by repeated search."""
    left, ranked = list(range(len(values))), []
    while left:
        best = left[0]
        for i in left:
            if values[i] > values[best]:
                best = i
        ranked.append(best)
        left.remove(best)
    return ranked


def kept_shares(values: list[Any], keep: list[int]) -> list[float]:
    """The probabilities of the places in `keep`, shared out anew."""
    mass = sum(values[i] for i in keep)
    return [float(Fraction(values[i]) / Fraction(mass)) if i in keep else 0.0
            for i in range(len(values))]  # fmt: skip


def ranking_of(probabilities: Tensor, descending: bool = True) -> Tensor:
    return probabilities.argsort(descending=descending, stable=True)


def only(probabilities: Tensor, places: Tensor) -> Tensor:
    kept = torch.zeros_like(probabilities)
    kept[places] = probabilities[places]
    return kept


def normalised(values: Tensor) -> Tensor:
    return values / values.sum()


def nucleus_places(values: list[Any], p: Any) -> list[int]:
    """Places kept: one after another until their sum reaches p of the whole."""
    total, reached, kept = sum(values), 0, []
    for place in ranking(values):
        kept.append(place)
        reached += values[place]
        if reached >= p * total and p != 1:
            break
    return kept


def cut_at(probabilities: Tensor, count: int) -> Tensor:
    return normalised(only(probabilities, ranking_of(probabilities)[: max(count, 1)]))


def nucleus_size(probabilities: Tensor, p: float) -> int:
    reached = probabilities[ranking_of(probabilities)].cumsum(0)
    return len(reached) if p == 1 else 1 + int((reached[:-1] < p).sum())


def mixed(logits, temperature=1.0, k=None, p=1.0, banned=(), order="btkp", ban=-math.inf):
    """The four steps in another order, or with another ban."""
    allowed = logits.clone()
    allowed[list(banned)] = ban if "b" in order else allowed[list(banned)]
    values = softened = heat(allowed, 1.0 if "t" not in order else temperature)
    if order == "btkm":  # the nucleus of the unmodified distribution, applied to the heated one
        plain = heat(allowed, 1.0)
        values = only(values, ranking_of(values)[:k])
        return normalised(values * (only(plain, ranking_of(plain)[: nucleus_size(plain, p)]) > 0))
    if order == "kpt":
        raw = heat(logits, 1.0)
        values = normalised(only(raw, ranking_of(raw)[:k]))
        values = cut_at(values, nucleus_size(values, p))
        return values if temperature == 0 else normalised(values ** (1 / temperature))
    for step in order:
        if step == "k" and k is not None:
            values = normalised(only(values, ranking_of(values)[:k]))
        elif step == "p":
            values = cut_at(values, nucleus_size(values, p))
    return values if order else softened


def heat(logits: Tensor, temperature: float) -> Tensor:
    return first_best(logits) if temperature == 0 else softmax_of(logits / temperature)


def read(ids: list[int], n: int, pad: int | None) -> list[int]:
    """The last n of a text, one place after another."""
    window = [ids[i] for i in range(len(ids)) if i >= len(ids) - n]
    return window if pad is None else [pad] * (n - len(window)) + window


def int64_tensor(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def padded(window: Tensor, n: int, pad: int | None, behind: bool = False) -> Tensor:
    if pad is None:
        return window
    missing = max(n - len(window), 0)
    return F.pad(window, (0, missing) if behind else (missing, 0), value=pad)


WORDS = 7  # words that the models of these checks know


class _Inner(nn.Module):
    """A layer inside a model, such as dropout: it notes in which mode it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[bool] = []

    def forward(self, logits: Tensor) -> Tensor:
        self.modes.append(self.training)
        return logits


class Speaker(nn.Module):
    """A model whose logits are a table's row, chosen by all that it reads; it keeps what it saw.

    The row is chosen by (1·w₁ + 2·w₂ + …) mod 7 of the window's words, so that order counts.
    Outside evaluation mode it says something else.
    """

    def __init__(self, table: Any) -> None:
        super().__init__()
        self.table = nn.Parameter(float64_tensor(table))
        self.inner = _Inner()
        self.seen: list[list[int]] = []
        self.modes: list[bool] = []
        self.recorded: list[bool] = []

    def forward(self, contexts: Tensor) -> Tensor:
        if contexts.ndim != 2:
            raise ValueError(f"contexts must have shape (b, n), not {tuple(contexts.shape)}")
        self.seen += contexts.tolist()
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        rows = [row_of_window(window) for window in contexts.tolist()]
        logits = self.inner(self.table[rows])
        return logits.flip(1) if self.training else logits

    def __repr__(self) -> str:
        return f"a model that knows {WORDS} words"


def row_of_window(window: list[int]) -> int:
    return sum((i + 1) * word for i, word in enumerate(window, 1)) % WORDS


def unsure(draw: Draw, scale: float = 1.0) -> Speaker:
    return Speaker(draw.normal(WORDS, WORDS, scale=scale))


def walk(model, prompt, length, context, pad, stop=None, choose=np.argmax):
    """What a model writes when `choose` picks a word from its logits; and what it reads."""
    table = model.table.detach().numpy()
    ids, seen = list(prompt), []
    for _ in range(length):
        window = read(ids, context, pad)
        seen.append(window)
        ids.append(int(choose(table[row_of_window(window)])))
        if ids[-1] == stop:
            break
    return ids[len(prompt) :], seen


def expect_evaluated(model: Speaker) -> None:
    """The model, and the layer inside it, were called in evaluation mode alone."""
    expect(any(model.modes), "the model was run in training mode").equals(False)
    expect(any(model.inner.modes), "a layer inside the model was run in training mode").equals(
        False
    )


def expect_mode(model: Speaker, training: bool, when: str = "afterwards") -> None:
    """The model, and the layer inside it, are in the mode in which they came."""
    expect(model.training, f"the model is in training mode {when}").equals(training)
    expect(model.inner.training, f"a layer inside the model is in training mode {when}").equals(
        training
    )


def expect_not_recorded(model: Speaker) -> None:
    expect(any(model.recorded), "gradients were recorded").equals(False)


def expect_grad_as_it_was(run: Callable[[], Any]) -> None:
    """Recording is after the call what it was before, on or off."""
    for recording in (True, False):
        with torch.set_grad_enabled(recording):
            run()
            after = torch.is_grad_enabled()
        before = "on" if recording else "off"
        expect(after, f"recording is on after a call before which it was {before}").equals(
            recording
        )


def written_words(
    model, prompt, length, generator, context, pad=0, stop=None, habits=(), **settings
):
    """Writing with bad habits, named: what the mistakes below share."""
    before = model.training
    if "top mode" in habits:
        model.training = False
    elif "any mode" not in habits:
        model.eval()
    if "returns early for 0" in habits and not length:
        return prompt[:0]
    if "ignores settings" in habits:
        settings = {}
    if "greedy" in habits:
        settings["temperature"] = 0.0
    if "stops unless 0" in habits:
        stop = stop or None
    if "own seed" in habits:
        generator = torch_generator(0)
    ids, new = prompt, prompt[:0]
    with torch.set_grad_enabled("records" in habits):
        for _ in range(length + ("one more" in habits)):
            window = ids[:context] if "front" in habits else ids[-context:]
            if "new alone" in habits:
                window = new[-context:]
            if "never cuts" in habits:
                window = ids
            window = padded(window, context, 0 if "always pads" in habits else pad)
            if "never pads" in habits:
                window = ids[-context:]
            logits = model(window[None])[0].detach()
            values = mixed(logits, **settings)
            stream = None if "global" in habits else generator
            word = torch.multinomial(values, 1, generator=stream)
            if "drops stop" in habits and word.item() == stop:
                break
            new = torch.cat([new, word])
            if "fixed context" not in habits:
                ids = torch.cat([word, ids] if "in front" in habits else [ids, word])
            if "returns early" in habits and word.item() == stop:
                return new
            stops = word.item() == stop or ("stops at prompt" in habits and stop in ids.tolist())
            if stops and "goes on" not in habits:
                break
    if "top mode" in habits:
        model.training = before
    elif "stays" not in habits:
        model.train(before or "always train" in habits)
    if {"switches off", "switches on"} & set(habits):
        torch.set_grad_enabled("switches on" in habits)
    if "tensor of list" in habits:
        return torch.tensor(new.tolist())
    return torch.cat([prompt, new]) if "with prompt" in habits else new


def examples(draw: Draw, count: int, context: int = 2) -> tuple[Tensor, Tensor]:
    contexts = draw.integers(0, WORDS, count, context)
    return torch.tensor(contexts), torch.tensor(draw.integers(0, WORDS, count))
