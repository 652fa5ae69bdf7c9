"""What word_shakespeare trains: words and what is between them, each predicted once a pass."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from descent.data.shakespeare import OFFLINE_SOURCE, offline_text
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.word_shakespeare.report_cells import show_bits, show_sample
from descent.runs.word_shakespeare.task import check_model, make_task
from descent.runs.word_shakespeare.words import UNKNOWN, Words, cut
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, latest, read_metrics
from descent.training.settings import WrongSetting

RUN = RUNS["word_shakespeare"]
SMALL = {
    "steps": 12, "evaluate_every": 0, "checkpoint_every": 5, "batch_size": 8, "width": 16,
    "layers": 1,
}  # fmt: skip


def settings(profile="smoke", **changes):
    return settings_of(RUN, profile, {"text": "any", **changes})


def task(profile="smoke", **changes):
    return make_task(settings(profile, **changes), "cpu")


class Mine(nn.Module):
    """The least that trains: made as the learner's Decoder is."""

    def __init__(self, vocabulary, width, heads, layers):
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, tokens, mask=None):
        return self.out(self.table(tokens))


@pytest.mark.parametrize(
    "text", ["Good morrow, neighbour.\n\nGREMIO:\n'Tis so.", " two  words ", "!", "", "déjà vu_2"]
)
def test_a_text_that_is_cut_loses_nothing_and_words_stand_apart(text):
    words = cut(text)
    assert "".join(words) == text and "" not in words
    assert all(
        word.isalnum() or "_" in word or not any(x.isalnum() for x in word) for word in words
    )


def test_words_are_numbered_by_how_often_they_stand_in_the_training_text():
    words = Words(cut("a b a b a c"), least_count=2)
    assert words.names == [" ", "a", "b", UNKNOWN] and len(words) == 4
    assert words.read(["c", "a", "new"]) == [3, 1, 3]
    assert len(Words(cut("a b a b a c"), least_count=1)) == 5


def test_what_it_costs_to_spell_adds_up_over_all_words_to_no_more_than_certainty():
    words = Words(cut("go go to at it"), least_count=2)  # unknown: to, at, it
    letters = ["t", "o", "a", "i", "g", " ", "?"]  # ? for what the text does not have
    short = list(letters) + [a + b for a in letters for b in letters]
    unknown = [word for word in [*short, ""] if words.number(word) == words.unknown]
    total = sum(math.exp(-words.spelling(word)) for word in unknown)
    assert 0.3 < total < 1
    assert words.spelling("go") == words.spelling(" ") == 0.0
    assert words.spelling("to") < words.spelling("og") < words.spelling("gg")
    assert words.spelling("it") == pytest.approx(math.log(17**3 / (2 * 4 * 4)))


def test_windows_do_not_overlap_and_a_pass_shows_each_once():
    made = task()
    assert made.source == OFFLINE_SOURCE
    text = offline_text().text
    training = cut(text[: int(0.9 * len(text))])
    flat = made.inputs.flatten()
    assert flat.tolist() == made.words.read(training)[: len(flat)]
    assert torch.equal(made.targets.flatten()[:-1], flat[1:])
    seen = torch.cat([made.epochs.picked(step, range(16)) for step in range(made.epochs.batches)])
    assert len(seen) == len(seen.unique()) > len(made.inputs) - 16


def test_words_stand_at_even_places_of_some_windows_and_at_odd_ones_of_others():
    made = task()
    first = [made.words.names[number] for number in made.inputs[:6, 0].tolist()]
    assert len({word.isalnum() for word in first}) == 2
    with pytest.raises(WrongSetting, match="^context is 64; it is an odd number"):
        settings(context=64)


def test_the_vocabulary_is_of_the_training_text_alone():
    made = task(least_count=1)
    assert not (made.inputs == made.words.unknown).any()
    assert (made.validation[1] == made.words.unknown).any()
    assert made.spelling > 0


def test_a_batch_larger_than_the_text_is_refused_by_name():
    with pytest.raises(WrongSetting, match="^batch_size is 99999"):
        task(batch_size=99999)


class Uniform(nn.Module):
    """Knows nothing."""

    def __init__(self, vocabulary):
        super().__init__()
        self.vocabulary = vocabulary

    def forward(self, tokens):
        return torch.zeros(*tokens.shape, self.vocabulary)


def test_perplexity_and_bits_of_a_model_that_knows_nothing():
    made = task()
    found = made.evaluate(Uniform(len(made.words)), Processes())
    count = made.validation[1].numel()
    assert found["validation_perplexity"] == pytest.approx(len(made.words), rel=1e-4)
    nats = count * math.log(len(made.words)) + made.spelling
    text = offline_text().text
    characters = len(text) - int(0.9 * len(text))
    assert 0.97 * characters < made.characters <= characters
    bits = nats / math.log(2) / made.characters
    assert found["bits_per_character"] == pytest.approx(bits, rel=1e-5)


def test_the_whole_validation_text_is_measured_for_any_number_of_processes(monkeypatch):
    made = task(width=16, layers=1)
    model = made.model()
    alone = made.evaluate(model, Processes())
    parts = []
    monkeypatch.setattr(
        "descent.runs.word_shakespeare.task.mean_over",
        lambda total, _: parts.append(total) or total,
    )
    for rank in range(3):
        made.evaluate(model, Processes(rank=rank, world=3))
    loss = sum(parts).item() / made.validation[1].numel()
    assert loss == pytest.approx(alone["validation_loss"], rel=1e-5)


def test_it_continues_exactly(tmp_path):
    told = settings(**SMALL, dropout=0.1)
    assert train(make_task(told, "cpu"), told, tmp_path / "whole", Processes()) == "finished"
    first = settings(**{**SMALL, "steps": 7}, dropout=0.1)
    scheduled = make_task(told, "cpu")  # the schedule of the long one
    assert train(scheduled, first, tmp_path / "parts", Processes()) == "finished"
    assert train(make_task(told, "cpu"), told, tmp_path / "parts", Processes()) == "finished"
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    assert curve(whole, "loss") == curve(parts, "loss") and len(curve(whole, "loss")[0]) == 12
    assert latest(whole) == latest(parts)


def test_the_learner_s_class_is_made_without_the_context_and_trains(tmp_path):
    told = settings(**SMALL, learning_rate=0.1)
    check_model(Mine, told)
    made = make_task(told, "cpu", Mine)
    assert made.model().out.out_features == len(made.words)
    assert train(made, told, tmp_path, Processes()) == "finished"
    losses = curve(read_metrics(tmp_path / "metrics.jsonl"), "loss")[1]
    assert losses[-1] < losses[0] - 0.5


class WithContext(Mine):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__(vocabulary, width, heads, layers)


class LooksAhead(Mine):
    def forward(self, tokens, mask=None):
        return super().forward(tokens.roll(-1, dims=1))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (WithContext, r"WithContext\(vocabulary=320, width=32, heads=2, layers=2\) cannot be made"),
        (LooksAhead, "looks ahead"),
    ],
)
def test_a_model_that_cannot_train_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_model(model, settings())


def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(
    whole_run, tools, tmp_path, capsys
):
    folder = whole_run("word_shakespeare", steps=20, evaluate_every=10, checkpoint_every=10)
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (1, [])
    for words in (
        "word_shakespeare, profile smoke",
        "windows that do not overlap",
        "% of them unknown",
        f"After 20 steps on {OFFLINE_SOURCE}",
        "bits per character, of which",
    ):
        assert words in text
    assert UNKNOWN not in text.partition("After 20 steps")[2]  # in what it writes
    told = folder.settings()
    assert train(make_task(told, "cpu"), told, tmp_path, Processes()) == "finished"
    for name in ("loss", "validation loss", "bits per character"):
        alone = dict(zip(*curve(read_metrics(tmp_path / "metrics.jsonl"), name), strict=True))
        assert alone == pytest.approx(tools.losses(folder, name), abs=1e-4) and len(alone) >= 3
    show_sample(folder, 5)
    show_bits(folder)
    assert "run nanogpt, profile cpu" in capsys.readouterr().out
