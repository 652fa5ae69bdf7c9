"""What rlhf_shakespeare trains: stages one after another, policies that stop, and a control."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from descent.data import sentiment
from descent.models.gpt import GPT, sample
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.rlhf_shakespeare import LANGUAGE, POLICIES, REWARD
from descent.runs.rlhf_shakespeare.labelled import Labelled
from descent.runs.rlhf_shakespeare.losses import (
    best_of_n_nats,
    clipped_loss,
    distance_in_loss,
    group_advantages,
    preference_loss,
)
from descent.runs.rlhf_shakespeare.policies import NUMBERS, RewardModel
from descent.runs.rlhf_shakespeare.report_cells import best_of_n, samples_to_rate
from descent.runs.rlhf_shakespeare.sampling import complete, log_probabilities
from descent.runs.rlhf_shakespeare.task import check_model, make_task, within
from descent.study.labelling.judgements import Judgements
from descent.study.labelling.labels import KIND
from descent.training.checkpoint import load_checkpoint, newest_checkpoint
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, latest, read_metrics
from descent.training.ppo.objective import clip_fraction
from descent.training.settings import WrongSetting

RUN = RUNS["rlhf_shakespeare"]
SMALL = {
    "processes": 1, "checkpoint_every": 0, "width": 16, "layers": 1, "least_count": 8,
    "language_steps": 3, "reward_steps": 3, "iterations": 2, "samples": 32, "labelled": 48,
    "held_out": 8, "completion": 8, "learning_rate": 0.01,
}  # fmt: skip


def settings(**changes):
    return settings_of(RUN, "smoke", {"text": "any", **SMALL, **changes})


@pytest.fixture
def task():
    return make_task(settings(), "cpu")


def trained(folder, told, model_class=None):
    """Train; return the task and its models as the last checkpoint has them."""
    made = make_task(told, "cpu", model_class)
    assert train(made, told, folder, Processes()) == "finished"
    models = made.model()
    steps = newest_checkpoint(folder / "checkpoints")
    models.load_state_dict(load_checkpoint(folder / "checkpoints", steps)["model"])
    return made, models.eval()


class Mine(nn.Module):
    """The least that trains: made as the learner's Decoder is."""

    def __init__(self, vocabulary, width, heads, layers):
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, tokens, mask=None):
        return self.out(self.table(tokens))


def test_the_stages_follow_one_another_and_make_up_all_steps():
    told = settings()
    stages = [told.stage(step) for step in range(told.steps)]
    names = list(dict.fromkeys(name for name, _ in stages))
    assert names == [LANGUAGE, REWARD, *POLICIES]
    for name in names:
        local = [at for found, at in stages if found == name]
        assert local == list(range(len(local)))
    assert [name for name, _ in stages].count("grpo") == 2 * 2 + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"completion": 30}, "^completion is 30; with a prompt of 7 the most is 24"),
        ({"samples": 40}, "^samples is 40; it has to be a multiple of 16"),
        ({"labelled": 49}, "^labelled is 49"),
        ({"held_out": 40}, "^held_out is 40"),
        ({"steps": 9999}, "^steps is 9999; all stages come to 31"),
        ({"average": 0.9}, "^average is 0.9; the most is 0"),
        ({"group": 1}, "^group is 1; the least is 2"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(changes, message):
    with pytest.raises(WrongSetting, match=message):
        settings(**changes)


def test_what_is_kept_in_memory_changes_no_sample_and_no_unknown_word_is_drawn():
    torch.manual_seed(3)
    model = GPT(23, 12, 16, 2, 2).eval()
    with torch.no_grad():
        model.tokens.weight *= 20
    prompts = torch.randint(23, (5, 4))
    drawn = complete(model, prompts, 8, 20, torch.Generator().manual_seed(7))
    plain = sample(model, prompts, 8, 12, torch.Generator().manual_seed(7), vocabulary=20)
    assert torch.equal(drawn, plain) and drawn.shape == (5, 12)
    assert torch.equal(drawn[:, :4], prompts) and drawn[:, 4:].max() < 20


def test_log_probabilities_are_those_of_the_distribution_that_was_drawn_from():
    torch.manual_seed(3)
    model = GPT(6, 5, 8, 2, 1).eval()
    with torch.no_grad():
        model.tokens.weight *= 30
    every = torch.cartesian_prod(*[torch.arange(4)] * 2)  # all that two draws below 4 can be
    tokens = torch.cat([torch.tensor([[1, 5, 2]]).expand(16, 3), every], dim=1)
    found = log_probabilities(model, tokens, 3, 4)
    assert found.shape == (16, 2)
    assert found.sum(dim=1).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_the_clipped_loss_has_a_gradient_only_where_the_ratio_may_still_move():
    old = torch.zeros(4, 1)
    new = torch.tensor([1.5, 1.5, 0.5, 0.5]).log()[:, None].requires_grad_()
    advantages = torch.tensor([1.0, -1.0, 1.0, -1.0])
    loss = clipped_loss(new, old, advantages, 0.2)
    loss.backward()
    assert loss.item() == pytest.approx(-(1.2 - 1.5 + 0.5 - 0.8) / 4)
    assert new.grad.flatten().tolist() == pytest.approx([0, 1.5 / 4, -0.5 / 4, 0])
    ratio = (new.detach() - old).exp()
    assert clip_fraction(ratio, 0.2) == 1 and clip_fraction(torch.ones_like(ratio), 0.2) == 0


def test_group_advantages_compare_a_completion_with_those_of_its_prompt():
    found = group_advantages(torch.tensor([1.0, 3.0, 10.0, 10.0]), 2)
    assert found.tolist() == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5), 0, 0], abs=1e-4)


def test_the_distance_in_grpo_s_loss_is_that_of_the_distributions():
    p, q = torch.tensor([0.7, 0.3]), torch.tensor([0.4, 0.6])
    each = torch.stack([distance_in_loss(p.log()[i], q.log()[i]) for i in range(2)])
    exact = (p * (p / q).log()).sum()
    assert (each >= 0).all() and (p * each).sum().item() == pytest.approx(exact.item())


def test_dpo_s_loss_begins_at_ln_2_and_pushes_winner_and_loser_apart():
    winner, loser = torch.zeros(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    loss = preference_loss(winner, loser, 0.1)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert (winner.grad < 0).all() and torch.equal(winner.grad, -loser.grad)
    assert winner.grad.sum().item() == pytest.approx(-0.05)


def test_the_best_of_n_is_as_far_as_its_formula_says():
    assert best_of_n_nats(1) == 0
    assert best_of_n_nats(16) == pytest.approx(1.835, abs=1e-3)


def test_the_reward_is_read_at_the_last_token_that_counts():
    torch.manual_seed(1)
    model = RewardModel(GPT(9, 6, 8, 2, 1), 9).eval()
    nn.init.normal_(model.head.weight)
    tokens = torch.randint(9, (3, 6))
    lengths = torch.tensor([2, 6, 4])
    changed = tokens.clone()
    changed[0, 2:], changed[2, 4:] = 0, 0
    found = model(tokens, lengths)
    assert found.shape == (3,) and torch.allclose(found, model(changed, lengths))
    assert found[0].item() == pytest.approx(model(tokens[:1, :2], lengths[:1]).item(), abs=1e-5)


class Writes:
    """Stands in for what draws samples: texts that are known."""

    def __init__(self, task, texts):
        self.words, self._texts = task.words, texts

    def texts(self, tokens):
        return self._texts


def test_labels_by_hand_go_before_the_lexicon_s_and_pairs_prefer_the_higher(task):
    texts = ["good joy", "the bad war", "the the", "the the", "love", "odd", "is", "death"] * 6
    kept = Judgements("mine", KIND)
    kept.give("odd", None)
    kept.give("love", 0.0)
    kept.give("a text from elsewhere", 1.0)
    tokens = torch.arange(48)[:, None].expand(48, 15)
    made = Labelled(settings(labels="mine", held_out=2, batch_size=4, samples=32),
                    Writes(task, texts), tokens)  # fmt: skip
    assert sum(made.by_person) == 2 and len(made.by_person) == 7
    assert len(made.training.soft) == 5 and len(made.validation.soft) == 2
    soft = torch.cat([made.training.soft, made.validation.soft]).tolist()
    assert soft.count(0.0) == 1 and soft.count(1.0) == 1 and soft.count(0.5) == 2
    winners, losers = (part.tolist() for part in made.pairs())
    named = [(texts[one], texts[other]) for one, other in zip(winners, losers, strict=True)]
    assert set(named) == {("good joy", "love"), ("is", "the bad war"), ("the the", "death")}
    assert all(one // 8 == other // 8 for one, other in zip(winners, losers, strict=True))


def test_a_policy_without_training_is_at_no_distance_and_numbers_are_noted(tmp_path):
    told = settings()
    made, models = trained(tmp_path, told)
    assert models.history.shape == (len(POLICIES), 3, len(NUMBERS))
    assert not models.history.isnan().any() and models.history[:, 0, 0].abs().max() < 1e-5
    first = models.history[:, 0]
    assert first[:, 2].abs().max() <= 1 and first[:, 3].min() > 0
    measured = latest(read_metrics(tmp_path / "metrics.jsonl"))
    assert measured["ppo kl"] == models.history[0, -1, 0].item()
    assert {"validation loss", "reward model loss", "dpo sentiment"} <= set(measured)
    labelled = made.labelled(models)
    assert models.scale[1] > 0
    best = best_of_n(made, models)
    assert [n for n, _, _ in best] == [1, 2, 4, 8]
    assert [score for _, score, _ in best] == sorted(score for _, score, _ in best)
    assert best[0][2] == pytest.approx(sentiment(labelled.texts).mean(), abs=1e-5)


def test_a_policy_that_went_too_far_keeps_the_weights_before_and_the_one_unstopped_goes_on(
    tmp_path,
):
    told = settings(stop_nats=0.01, policy_rate=0.1, iterations=2)
    _, models = trained(tmp_path, told)
    for name in ("ppo", "grpo", "dpo"):
        noted = models.history[POLICIES.index(name)]
        assert noted[1, 0] > 0.01 and noted[2].isnan().all()  # one beyond the limit, then no more
        assert len(within(models, name, told.stop_nats)) == 1
        kept, reference = (part.state_dict() for part in (models.policies[name], models.reference))
        assert all(torch.equal(kept[key], reference[key]) for key in kept)
    assert not models.history[POLICIES.index("unstopped")].isnan().any()
    assert len(within(models, "unstopped", told.stop_nats)) == 3


def test_ppo_learns_what_is_rewarded_and_random_rewards_teach_nothing(tmp_path, monkeypatch):
    """The reward is how many of a completion's tokens are among the most frequent."""
    monkeypatch.setattr(
        "descent.runs.rlhf_shakespeare.rollouts.scores",
        lambda models, completions: (completions < 40).float().sum(dim=1),
    )
    monkeypatch.setattr(
        "descent.runs.rlhf_shakespeare.task.scores",
        lambda models, completions: (completions < 40).float().sum(dim=1),
    )
    told = settings(language_steps=20, policy_rate=0.03, iterations=6, samples=64, stop_nats=50.0)
    _, models = trained(tmp_path, told)
    gained = models.history[:, -1, 1] - models.history[:, 0, 1]
    for name in ("ppo", "grpo", "unstopped"):
        assert gained[POLICIES.index(name)] > 1
    assert gained[POLICIES.index("random")] < 0.5


@pytest.mark.parametrize("cut", [2, 5, 9, 22])
def test_it_continues_exactly(tmp_path, cut):
    told = settings(dropout=0.1)
    assert train(make_task(told, "cpu"), told, tmp_path / "whole", Processes()) == "finished"
    first = settings(dropout=0.1, steps=cut)
    scheduled = make_task(told, "cpu")  # the schedule of the long one
    assert train(scheduled, first, tmp_path / "parts", Processes()) == "finished"
    assert train(make_task(told, "cpu"), told, tmp_path / "parts", Processes()) == "finished"
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    assert curve(whole, "loss") == curve(parts, "loss")
    assert latest(whole) == latest(parts)


def test_the_learner_s_class_trains_through_all_stages(tmp_path):
    told = settings()
    check_model(Mine, told)
    made, models = trained(tmp_path, told, Mine)
    assert isinstance(models.policies["ppo"], Mine) and isinstance(models.judge.body, Mine)
    assert not models.history.isnan().any()
    with pytest.raises(BrokenContract, match="cannot be made"):
        check_model(GPT, told)


def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(
    whole_run, tools, tmp_path
):
    folder = whole_run("rlhf_shakespeare", language_steps=12, reward_steps=4)
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (3, [])
    for words in (
        "rlhf_shakespeare, profile smoke",
        "0 of them by a person",
        "reward model loss",
        "best of 8",
        "PPO's clip fraction by iteration",
        "unstopped, after 8 updates",
    ):
        assert words in text
    told = folder.settings()
    assert train(make_task(told, "cpu"), told, tmp_path, Processes()) == "finished"
    alone = dict(zip(*curve(read_metrics(tmp_path / "metrics.jsonl"), "loss"), strict=True))
    assert alone == pytest.approx(tools.losses(folder), abs=1e-3)
    before, after = samples_to_rate(folder)
    assert len(before) == len(after) == 20 and before != after
