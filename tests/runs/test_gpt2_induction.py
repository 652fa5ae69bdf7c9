"""What gpt2_induction measures and comes to: heads by name, the loss without them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2LMHeadModel

from descent.errors import CourseError
from descent.models.openai import NoWeights
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import profile_names, settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.gpt2_induction import CONTROL, INDUCTION, LOSS, PREVIOUS, points, summary
from descent.runs.gpt2_induction.task import check_model, drawn, load, look, ranking, train_point
from descent.runs.launching.start import start_run
from descent.training.settings import WrongSetting

RUN = RUNS["gpt2_induction"]


def smoke(**changes):
    return settings_of(RUN, "smoke", changes)


def test_every_profile_s_settings_are_whole():
    assert {"smoke", "cpu", "gpu", "slurm"} == set(profile_names(RUN))
    measured = points(settings_of(RUN, "cpu"))
    assert len(measured) == 144 + 6 == len({point.name for point in measured})
    assert [p.values["together"] for p in measured if "together" in p.values] == [
        0, 1, 2, 4, 8, 16,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return load(smoke(), "cpu")


def test_a_look_is_the_same_whenever_it_is_made_and_another_with_another_seed(model):
    values = {"layer": 1, "head": 2, "seed": 0}
    torch.manual_seed(5)
    first = train_point(smoke(), values, model)
    torch.manual_seed(6)
    assert train_point(smoke(), values, load(smoke(), "cpu")) == first
    assert train_point(smoke(), {**values, "seed": 1}, model) != first
    assert set(first) == {INDUCTION, PREVIOUS, LOSS}
    assert 0 < first[INDUCTION] < 1 and 0 < first[PREVIOUS] < 1


def test_the_heads_without_which_the_loss_is_taken_are_the_best(model):
    settings = smoke()
    tokens = drawn(settings, model, 0)
    scores = {
        (layer, head): train_point(settings, {"layer": layer, "head": head, "seed": 0}, model)
        for layer in range(2)
        for head in range(4)
    }
    ranked = ranking(model, tokens, settings.period)
    assert ranked == sorted(scores, key=lambda head: -scores[head][INDUCTION])
    found = train_point(settings, {"together": 1, "seed": 0}, model)
    assert found[LOSS] == pytest.approx(scores[ranked[0]][LOSS], abs=1e-6)
    assert any(found[CONTROL] == pytest.approx(scores[head][LOSS], abs=1e-6) for head in ranked[1:])
    whole = train_point(settings, {"together": 0, "seed": 0}, model)
    assert whole[LOSS] == whole[CONTROL] == look(model, tokens, settings.period, [])[0]


class Copies:
    """A stand-in for a model that knows the next token of every copy after the first."""

    config = SimpleNamespace(n_embd=1, n_head=1)

    def __init__(self, wrong_until):
        self.wrong_until = wrong_until

    def __call__(self, tokens, **_):
        logits = torch.zeros(*tokens.shape, 50)
        known = torch.nn.functional.one_hot(tokens.roll(-1, dims=1), 50) * 100.0
        logits[:, self.wrong_until :] = known[:, self.wrong_until :]
        return SimpleNamespace(logits=logits, attentions=())


@pytest.mark.parametrize(("wrong_until", "loss"), [(6, 0.0), (7, 3.912 / 9)])
def test_the_loss_is_of_what_an_earlier_copy_foretells(wrong_until, loss):
    # Five tokens, three times; the first of the second copy, predicted at place 5, is left out.
    tokens = torch.cat([torch.tensor([49]), torch.arange(5).repeat(3)])[None]
    found, _ = look(Copies(wrong_until), tokens, 5, [])
    assert found == pytest.approx(loss, abs=1e-3)


def planted(seeds=2):
    places = [
        (seed, layer, head) for seed in range(seeds) for layer in range(2) for head in range(3)
    ]
    heads = [
        {"layer": layer, "head": head, "seed": seed, PREVIOUS: 0.1 * layer, LOSS: 2.0,
         INDUCTION: 0.9 - 0.1 * layer - 0.02 * head + 0.01 * seed}
        for seed, layer, head in places
    ]  # fmt: skip
    groups = [
        {"together": number, "seed": seed, LOSS: 1.0 + number + seed, CONTROL: 1.0}
        for seed in range(seeds)
        for number in (0, 1, 2)
    ]
    return heads + groups


def test_the_summary_names_the_best_heads_and_the_loss_without_them():
    found = summary(planted())
    assert found[f"L0H0 {INDUCTION}"]["mean"] == pytest.approx(0.905)
    named = [name for name in found if name.endswith(INDUCTION)]
    assert named[:2] == [f"L0H0 {INDUCTION}", f"L0H1 {INDUCTION}"] and len(named) == 5
    assert next(name for name in found if name.endswith(PREVIOUS)) == f"L1H0 {PREVIOUS}"
    assert found[f"{LOSS}, without the best 2"]["mean"] == pytest.approx(3.5)
    assert found[f"{LOSS}, the whole model"]["mean"] == pytest.approx(1.5)
    assert found[f"{LOSS}, 2 of the other heads"] == {"mean": 1.0, "std": 0.0, "n": 2}
    assert summary([]) == {}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("together", {"together": 5}),
        ("weights", {"weights": "gpt3"}),
        ("weights", {"weights": "gpt2"}),
        ("copies", {"copies": 1}),
        ("period", {"weights": "gpt2", "layers": 12, "heads": 12, "period": 600}),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, changes):
    with pytest.raises(WrongSetting, match=f"^{name} is "):
        smoke(**changes)


def test_where_weights_cannot_be_had_it_says_so_and_what_to_do(monkeypatch):
    def none(*_, **__):
        raise OSError("no network\nand more")

    monkeypatch.setattr(GPT2LMHeadModel, "from_pretrained", none)
    with pytest.raises(NoWeights, match=r"could not be fetched \(no network\)\. Fetch them once"):
        start_run("gpt2_induction", "cpu")


def test_a_model_of_one_s_own_is_refused_with_the_reason():
    with pytest.raises(BrokenContract, match="takes no model of yours"):
        check_model(GPT2LMHeadModel, smoke())
    with pytest.raises(CourseError):
        start_run("gpt2_induction", "smoke", {"model": "mine"})


def test_the_smoke_sweep_goes_through_to_its_report(whole_run, tools):
    folder = whole_run("gpt2_induction")
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (2, [])
    for words in ("gpt2_induction, profile smoke", "24 of 24 trainings.", "loss without it",
                  "Loss of the whole model", "later copies, without the best 4"):  # fmt: skip
        assert words in text
