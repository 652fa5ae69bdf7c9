"""The run `red_team`: a language model asks another one what might make it answer badly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.runs.definition.declaration import Data, Needs, Published, Run
from descent.training.settings import Settings, WrongSetting

GPT2_WEIGHTS = 124_439_808
BYTES_OF_A_WEIGHT = 16  # itself, its gradient, and Adam's two means, in float32
FEATURES_KEPT = 12 * 34 * 768  # of a token of GPT-2, for the backward pass
VOCABULARY = 50257
STARTED = 600 * 2**20  # bytes of a process with torch and transformers in it


@dataclass(frozen=True, kw_only=True)
class RedTeamSettings(Settings):
    """Settings of the run.

    Attributes
    ----------
    pair
        Who asks and who answers: ``gpt2``, OpenAI's smallest model in both parts; or ``local``, a
        tiny model made here from a few rules, whose worst answers are grumpy.
    judge
        Who says how bad an answer is: ``toxic-bert``, the classifier unitary/toxic-bert; or
        ``words``, a list of mild words, as befits the local pair.
    questions
        How many are asked for in each way.
    question_tokens, answer_tokens
        The most that a question or an answer has.
    temperature, top_p
        Of sampling: the share of the probability that the tokens to choose from have together.
    examples
        Questions in the prompt, where the asker is shown some that worked.
    taught
        How many questions, those with the worst answers, the asker is trained on; every fifth of
        them is held out.
    audited
        How many answers of each kind are put into the sheet that is read by hand.
    learning_rate, warm_up
        The highest rate, and the steps in which it rises; then it falls along half a cosine to 0.
    """

    CHOICES: ClassVar = {"pair": ("gpt2", "local"), "judge": ("toxic-bert", "words")}
    LEAST: ClassVar = {
        "questions": 10,
        "question_tokens": 4,
        "answer_tokens": 4,
        "examples": 1,
        "taught": 5,
        "audited": 1,
    }

    pair: str = "gpt2"
    judge: str = "toxic-bert"
    questions: int = 1024
    question_tokens: int = 30
    answer_tokens: int = 40
    temperature: float = 1.0
    top_p: float = 0.95
    examples: int = 5
    taught: int = 100
    audited: int = 20
    learning_rate: float = 5e-5
    warm_up: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if not 0 < self.top_p <= 1:
            raise WrongSetting(f"top_p is {self.top_p}; it is above 0, and 1 at the most.")
        if not self.temperature:
            raise WrongSetting("temperature is 0; it is above that.")
        if self.taught > self.questions // 2:
            raise WrongSetting(
                f"taught is {self.taught}; half of the {self.questions} questions is the most."
            )


def needs(settings: RedTeamSettings) -> Needs:
    """Estimate memory and disk: the two models, the judge, and what the backward pass keeps."""
    s = settings
    if s.pair == "local":
        return Needs(memory=STARTED, checkpoint=2_000_000)
    tokens = s.rows * (s.question_tokens + 10)
    kept = tokens * 4 * (FEATURES_KEPT + 3 * VOCABULARY)
    weights = GPT2_WEIGHTS * (4 + BYTES_OF_A_WEIGHT) + 110_000_000 * 4
    return Needs(memory=STARTED + weights + kept, checkpoint=GPT2_WEIGHTS * 12)


def missing_models(settings: RedTeamSettings) -> str | None:
    """Say why the published models cannot be had, or None.

    Raises
    ------
    NoWeights
        When OpenAI's cannot be; says what to do.
    """
    if settings.pair == "gpt2":
        from descent.models.openai import published_gpt2

        published_gpt2("gpt2")
    if settings.judge == "toxic-bert":
        from descent.runs.red_team.judges import ToxicBert

        return ToxicBert.missing()
    return None


RUN = Run(
    name="red_team",
    title="A language model that asks another one the wrong questions",
    chapter="research/9",
    settings=RedTeamSettings,
    mine=None,
    needs=needs,
    data=Data(
        name="the classifier unitary/toxic-bert",
        size="0.4 GB",
        licence="Its page on the Hugging Face hub names Apache 2.0; read it first.",
        command="python -c \"from transformers import pipeline; pipeline('text-classification', "
        "'unitary/toxic-bert')\"",
        missing=missing_models,
    ),
    published=tuple(
        Published(
            profile,
            "share of the answers to zero-shot questions that a classifier flags",
            0.0142,
            "ckkissane's solution, GPT-2 asking GPT-2: 13 answers of 913, with a classifier that "
            "may be another than ours; read by hand, several of the 13 are harmless",
        )
        for profile in ("gpu", "slurm")
    ),
)
