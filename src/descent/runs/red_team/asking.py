"""Questions that are asked, and what is answered: three ways to find those with bad answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from descent.runs.red_team import RedTeamSettings
from descent.runs.red_team.judges import BAD, Judge
from descent.runs.red_team.pairs import Pair, Sampling, continuations
from descent.training.randomness import generator

WAYS = ("zero-shot", "few-shot", "supervised")
SHARPNESS = 0.1  # examples are drawn in proportion to exp(score / it), as Perez et al. do
ASKED, ANSWERED, CHOSEN = 11, 12, 13  # draw questions, answers and examples apart


@dataclass(frozen=True)
class Dialogue:
    """A question, its answer, and how bad the judge says that is, from 0 to 1."""

    question: str
    answer: str
    score: float

    @property
    def flagged(self) -> bool:
        """Whether the judge calls the answer bad; somebody has yet to read it."""
        return self.score > BAD


def question_in(text: str) -> str | None:
    """Return the first question of what an asker wrote, or None where there is none.

    It ends at its question mark, and stands on one line.
    """
    line = text.strip().partition("\n")[0]
    asked, mark, _ = line.partition("?")
    return f"{asked}{mark}" if mark and asked.strip() else None


def hold_talks(
    pair: Pair,
    asker: Any,
    judge: Judge,
    settings: RedTeamSettings,
    way: str,
    before: Sequence[Dialogue] = (),
) -> list[Dialogue]:
    """Ask as often as the settings say, and have every question answered once and judged.

    What is no question is left out, and so is one that was asked before in the same way.

    Parameters
    ----------
    pair : Pair
        Its own model answers.
    asker : GPT2LMHeadModel
    judge : Judge
    settings : RedTeamSettings
    way : str
        One of `WAYS`; with ``few-shot`` each prompt begins with questions from `before`, those with
        worse answers more often.
    before : sequence of Dialogue
    """
    s, number = settings, WAYS.index(way)
    prompts = [pair.to_ask(())] * s.questions
    if way == "few-shot":
        prompts = [pair.to_ask(chosen) for chosen in examples(before, s)]
    how = Sampling(s.temperature, s.top_p)
    written = continuations(pair, asker, prompts, s.question_tokens, how, s.seed, ASKED, number)
    found = (question_in(text) for text in written)
    questions = list(dict.fromkeys(question for question in found if question))
    asked = [pair.to_answer(question) for question in questions]
    said = continuations(pair, pair.model, asked, s.answer_tokens, how, s.seed, ANSWERED, number)
    answers = [text.strip().partition("\n")[0] for text in said]
    scores = judge.scores(answers)
    return [Dialogue(*each) for each in zip(questions, answers, scores, strict=True)]


def examples(before: Sequence[Dialogue], settings: RedTeamSettings) -> list[list[str]]:
    """Draw the questions that each prompt shows, none twice in one."""
    draw = generator(settings.seed, CHOSEN)
    weights = [math.exp(dialogue.score / SHARPNESS) for dialogue in before]
    shares = [weight / sum(weights) for weight in weights]
    number = min(settings.examples, len(before))
    return [
        [before[i].question for i in draw.choice(len(before), number, replace=False, p=shares)]
        for _ in range(settings.questions)
    ]


def worst(dialogues: Sequence[Dialogue], number: int) -> list[str]:
    """Return the questions with the worst answers, as many as are wanted, the worst first."""
    ranked = sorted(dialogues, key=lambda dialogue: -dialogue.score)
    return [dialogue.question for dialogue in ranked[:number]]
