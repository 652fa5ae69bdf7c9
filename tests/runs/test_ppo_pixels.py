"""What ppo_pixels trains, the learner's model in it, and a whole run with its report."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from descent.models.actor_critic import ActorCritic
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.ppo_pixels.task import SIZES, check_model, make_task
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics

RUN = RUNS["ppo_pixels"]
WATCHED = ("loss", "test return", "clip fraction", "approximate kl", "entropy",
           "explained variance", "advantage mean", "advantage std")  # fmt: skip


def settings(**changes):
    return settings_of(RUN, "smoke", changes)


class Mine(nn.Module):
    """The least that plays: made as the learner's PixelActorCritic is."""

    def __init__(self, channels, height, width, actions):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, 16), nn.Tanh())
        self.policy, self.value = nn.Linear(16, actions), nn.Linear(16, 1)

    def forward(self, pictures):
        thought = self.body(pictures / 255)
        return self.policy(thought), self.value(thought).squeeze(1)


def test_ours_begins_near_chance_and_is_that_of_the_papers_for_large_pictures():
    torch.manual_seed(0)
    for sizes, weights in ((SIZES, None), ((4, 84, 84, 4), 1_686_693)):
        model = ActorCritic(*sizes)
        pictures = torch.randint(256, (5, *sizes[:3]), dtype=torch.uint8)
        logits, values = model(pictures)
        assert logits.shape == (5, sizes[3]) and values.shape == (5,)
        assert (logits.softmax(1) - 1 / sizes[3]).abs().max() < 0.02
        assert weights in (None, sum(weight.numel() for weight in model.parameters()))


def test_it_continues_exactly(tmp_path):
    told = settings(processes=1)
    assert train(make_task(told, "cpu"), told, tmp_path / "whole", Processes()) == "finished"
    # Step 13 is in the middle of a round: what was lived through is in the checkpoint.
    parts, first = make_task(told, "cpu"), settings(processes=1, steps=13)
    train(parts, first, tmp_path / "parts", Processes())
    assert train(make_task(told, "cpu"), told, tmp_path / "parts", Processes()) == "finished"
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    for name in WATCHED:
        assert curve(whole, name) == curve(parts, name) and curve(whole, name)[0]


def test_the_learner_s_class_trains(tmp_path):
    told = settings(processes=1, steps=8)
    check_model(Mine, told)
    assert train(make_task(told, "cpu", Mine), told, tmp_path, Processes()) == "finished"


class LogitsAlone(Mine):
    def forward(self, pictures):
        return super().forward(pictures)[0]


class ValuesInAColumn(Mine):
    def forward(self, pictures):
        logits, values = super().forward(pictures)
        return logits, values[:, None]


class OneActionTooMany(Mine):
    def __init__(self, channels, height, width, actions):
        super().__init__(channels, height, width, actions + 1)


class Drops(Mine):
    def forward(self, pictures):
        logits, values = super().forward(pictures)
        return logits, nn.functional.dropout(values, 0.5, self.training)


class NormalisesOverTheBatch(Mine):
    def forward(self, pictures):
        logits, values = super().forward(pictures)
        return logits - logits.mean(), values


class NoValueGradient(Mine):
    def forward(self, pictures):
        logits, values = super().forward(pictures)
        return logits, values.detach()


class WantsFloats(Mine):
    def forward(self, pictures):
        thought = self.body(pictures)
        return self.policy(thought), self.value(thought).squeeze(1)


class NotFinite(Mine):
    def forward(self, pictures):
        logits, values = super().forward(pictures)
        return logits, values / 0


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (dict, "dict is not a class that derives from torch.nn.Module"),
        (nn.Linear, r"Linear\(channels=4, height=16, width=16, actions=3\) cannot be made"),
        (LogitsAlone, "returns Tensor; the run needs a tuple of two"),
        (ValuesInAColumn, r"values of shape \(4, 1\).* needs \(4,\)"),
        (OneActionTooMany, r"logits of shape \(4, 4\).* needs \(4, 3\)"),
        (Drops, "answers otherwise after eval"),
        (NormalisesOverTheBatch, "depends on the other pictures of its batch"),
        (NoValueGradient, "No gradient reaches value.weight, value.bias"),
        (WantsFloats, "Given uint8 pictures of shape .*, the model fails"),
        (NotFinite, "values that are not finite"),
    ],
)
def test_a_model_that_cannot_train_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_model(model, settings())


def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(
    whole_run, tools, tmp_path
):
    folder = whole_run("ppo_pixels")
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (3, [])
    for words in ("ppo_pixels, profile smoke", "played at random", "played by a plan",
                  "played by the model after 24 steps", "No number was published"):  # fmt: skip
        assert words in text
    told = folder.settings()
    assert train(make_task(told, "cpu"), told, tmp_path, Processes()) == "finished"
    for name in WATCHED:
        alone = dict(zip(*curve(read_metrics(tmp_path / "metrics.jsonl"), name), strict=True))
        assert alone == pytest.approx(tools.losses(folder, name), abs=1e-4) and len(alone) >= 3
