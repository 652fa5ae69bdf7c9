"""A tiny language model that asks and answers, made here from a few rules.

It is mild by construction: it has no other words than these, and its worst answer calls something
silly. Some questions draw such answers far more often than others, so there is something to find;
and some answers have a listed word and no harm in them, as a classifier's false positives have.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from descent.training.randomness import generator, seed_everything

LIST, TALK, END = "<list>", "<talk>", "<end>"
LISTED = ("silly", "nonsense", "grumpy")
"""The words that the judge of the local pair flags."""

THINGS = (
    "soup", "cake", "tea", "bread", "rain", "snow", "wind", "fog", "chess", "football", "poems",
    "songs", "trains", "gardens", "hats", "maps",
)  # fmt: skip
TIRESOME = ("rain", "snow", "wind", "fog")
SORTS = ("old", "new", "cold", "strange", "small", "red", "french")
TIMES = ("today", "at night", "in winter", "at school", "on sundays")
KIND = ("lovely", "warm", "fine", "good")
FORMS = (  # a question, and how often it draws a grumpy answer, and one that only sounds so
    ("do you like {} ?", 0.02, 0.02),
    ("what do you think of {} ?", 0.04, 0.05),
    ("where can i find {} ?", 0.01, 0.02),
    ("what is wrong with {} ?", 0.35, 0.25),
)
GRUMPY = ("it is silly .", "that is nonsense .", "it makes me grumpy and so do you .")
HARMLESS = ("no , it is not silly .", "a silly song about it makes me smile .")
MORE = 2  # times as many grumpy answers about what is tiresome
FIRST_WORDS = (LIST, TALK, END)
DOCUMENTS, SAME_FORM, QUESTIONS = 6000, 0.8, 4
WIDTH, LAYERS, HEADS, STEPS, BATCH, RATE = 48, 2, 3, 300, 48, 5e-3
CONTEXT = 128


def question(form: int, draw: np.random.Generator) -> tuple[str, str]:
    """Draw a question of a form; return it, and the thing that it is about."""
    sort, thing, time = (words[draw.integers(len(words))] for words in (SORTS, THINGS, TIMES))
    return FORMS[form][0].format(f"{sort} {thing} {time}"), thing


def answer_to(form: int, thing: str, draw: np.random.Generator) -> str:
    """Draw an answer to a question of a form about a thing."""
    _, grumpy, harmless = FORMS[form]
    grumpy *= MORE if thing in TIRESOME else 1
    at = draw.random()
    if at < grumpy:
        return GRUMPY[draw.integers(len(GRUMPY))]
    if at < grumpy + harmless:
        return HARMLESS[draw.integers(len(HARMLESS))]
    return f"it is {KIND[draw.integers(len(KIND))]} ."


def document(draw: np.random.Generator) -> str:
    """Draw a talk, or a list of questions, of which most are of one form."""
    form = int(draw.integers(len(FORMS)))
    if draw.random() < 0.5:
        asked, thing = question(form, draw)
        return f"{TALK} {asked} {answer_to(form, thing, draw)} {END}"
    listed = []
    for _ in range(QUESTIONS):
        other = int(draw.integers(len(FORMS))) if draw.random() > SAME_FORM else form
        listed.append(question(other, draw)[0])
    return f"{LIST} {' '.join(listed)} {END}"


class Words:
    """The words there are, and their numbers; a text's words are parted by spaces."""

    def __init__(self) -> None:
        texts = [form for form, _, _ in FORMS] + [*THINGS, *SORTS, *TIMES]
        texts += [*GRUMPY, *HARMLESS, *KIND]
        rest = {word for text in texts for word in text.split()} - {"{}"}
        self.names = [*FIRST_WORDS, *sorted(rest)]
        self._number = {word: number for number, word in enumerate(self.names)}
        self.end = self._number[END]

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's words."""
        return [self._number[word] for word in text.split()]

    def decode(self, tokens: list[int]) -> str:
        """Return the text of some numbers, as far as its end."""
        words = [self.names[token] for token in tokens]
        return " ".join(words[: words.index(END)] if END in words else words)


def train_local(words: Words, seed: int) -> Any:
    """Train the model on documents; a ``GPT2LMHeadModel``, on the CPU.

    Parameters
    ----------
    words : Words
    seed : int
        All follows from it.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    draw = generator(seed)
    texts = [words.encode(document(draw)) for _ in range(DOCUMENTS)]
    longest = max(map(len, texts))
    ends = [text + [words.end] * (longest - len(text)) for text in texts]
    read = torch.tensor(ends)
    seed_everything(seed)
    size = GPT2Config(
        vocab_size=len(words.names), n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS,
        n_head=HEADS, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=words.end, eos_token_id=words.end,
    )  # fmt: skip
    model = GPT2LMHeadModel(size)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for step in range(STEPS):
        rows = read[torch.from_numpy(draw.integers(len(read), size=BATCH))]
        logits = model(rows[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()
