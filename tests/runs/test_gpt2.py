"""The run gpt2: nanoGPT's recipe on shards, OpenAI's weights, and the smoke profile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel
from typer.testing import CliRunner

from descent import cli
from descent.data.gpt2_bpe import OFFLINE_SOURCE
from descent.data.small_texts import as_json_lines, made_documents
from descent.data.token_shards import Index
from descent.errors import CourseError
from descent.models import openai
from descent.models.gpt import GPT
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.gpt2 import needs, padded
from descent.runs.gpt2.report_cells import show_sample, show_speed
from descent.runs.gpt2.task import check_model, make_task
from descent.runs.launching import requirements
from descent.runs.launching.start import start_run
from descent.training.checkpoint import checkpoint_steps
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics
from descent.training.settings import WrongSetting

SHARED = os.environ.get("DESCENT_DATA", "")  # read before the tests' own settings replace it
GPT2 = RUNS["gpt2"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the made corpus is prepared once, for all tests here."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def prepared_once(home, apart, monkeypatch):
    monkeypatch.setenv("DESCENT_HOME", str(home))


def settings(profile="smoke", **changes):
    return settings_of(GPT2, profile, changes)


def task(**changes):
    return make_task(settings(**changes), "cpu")


def test_the_vocabulary_is_padded():
    assert (padded(50257), padded(257), padded(320)) == (50304, 320, 320)
    assert task().model().read_out.out_features == 320


def test_the_schedule_is_nanogpt_s():
    made = make_task(settings("multi-gpu", data="made", encoding="any"), "cpu")
    assert made.rate(0) == pytest.approx(1 / 2001)
    assert made.rate(2000) == 1.0
    assert made.rate(301_000) == pytest.approx(0.55)
    assert made.rate(600_000) == pytest.approx(0.1)


def test_the_published_batch_is_half_a_million_tokens():
    for profile in ("gpu", "multi-gpu", "slurm"):
        told = settings(profile)
        assert told.batch_size * told.context == 491_520
        assert (told.width, told.heads, told.layers) == openai.SIZES["gpt2"]


def test_matrices_decay_and_biases_do_not():
    made = task(bias=True)
    decayed, free = made.optimisers(made.model())[0].param_groups
    assert decayed["weight_decay"] == 0.1 and free["weight_decay"] == 0.0
    assert all(weight.dim() >= 2 for weight in decayed["params"])
    assert (
        len(free["params"]) == 2 * 2 * 4 + 2
    )  # 2 norms and 4 biases in a block, and the last norm


def test_targets_are_the_next_tokens_and_shares_make_up_the_batch():
    made = task()
    seen = []

    class Spy(nn.Module):
        def forward(self, tokens):
            seen.append(tokens)
            # Certain of what follows: the token itself.
            return 50.0 * nn.functional.one_hot(tokens, 320)

    whole = made.loss(Spy(), 5, range(8))
    halves = [made.loss(Spy(), 5, rows) for rows in (range(4), range(4, 8))]
    assert whole.item() == pytest.approx(sum(half.item() for half in halves) / 2, rel=1e-6)
    assert torch.equal(seen[0], torch.cat(seen[1:]))
    repeats = (seen[0][:, 1:] == seen[0][:, :-1]).float().mean().item()
    assert whole.item() == pytest.approx(50 * (1 - repeats), rel=0.02)
    made.loss(Spy(), 6, range(8))
    assert not torch.equal(seen[0], seen[3])


def test_operations_are_counted_as_nanogpt_does():
    made = task()
    model = made.model()
    counted = sum(w.numel() for w in model.parameters()) - model.positions.weight.numel()
    told = made.settings
    a_token = 6 * counted + 12 * 2 * 2 * 16 * 32  # layers, heads, width of a head, context
    assert made.operations() == a_token * told.batch_size * told.context


def test_memory_is_estimated_and_sharing_out_needs_less():
    whole, shared = (needs(settings("multi-gpu", shard=how)) for how in ("none", "full"))
    weights = 124e6
    assert 16 * weights < whole.memory < 40e9  # an A100 with 40 GB is what nanoGPT trained on
    assert whole.memory - shared.memory > 8 * weights
    assert whole.checkpoint == shared.checkpoint == pytest.approx(12 * weights, rel=0.01)
    assert needs(settings("gpu", micro_batch=24)).memory > needs(settings("gpu")).memory


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "gpt3"}, "^start is 'gpt3'; it can be random or gpt2"),
        ({"start": "gpt2-xl"}, "^start is gpt2-xl.*bias=true, width=1600, heads=25"),
        ({"width": 33}, "^width is 33, which 2 heads do not divide"),
        ({"evaluation_rows": 7}, "^evaluation_rows is 7.* 2 processes"),
        ({"encoding": "ascii"}, "^encoding is 'ascii'"),
        ({"shard": "half"}, "^shard is 'half'; it can be none or full"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(WrongSetting, match=message):
        settings(**changes)


def test_missing_tokens_are_refused_with_size_licence_and_command(monkeypatch):
    monkeypatch.setattr(requirements, "_gpus", lambda: [80 * 10**9] * 8)
    with pytest.raises(CourseError) as error:
        start_run("gpt2", "multi-gpu")
    for words in (
        "9 billion tokens",
        "54 GB of disk",
        "terms",
        "descent prepare gpt2",
        "openwebtext",
    ):
        assert words in str(error.value)
    with pytest.raises(CourseError, match=r"gpt2/vocab\.bpe is not on this machine"):
        start_run("gpt2", "cpu")


def test_a_set_is_prepared_by_the_command_and_found(tmp_path, monkeypatch):
    source = tmp_path / "documents.jsonl"
    source.write_text(as_json_lines(made_documents(30)))
    arguments = ["prepare", "gpt2", str(source), "--to", str(tmp_path / "data" / "openwebtext")]
    said = CliRunner().invoke(cli.app, arguments)
    assert "vocab.bpe and encoder.json are needed" in str(said.exception)
    if not SHARED or not (Path(SHARED.split(os.pathsep)[0]) / "gpt2").is_dir():
        pytest.skip("no copy of GPT-2's files in DESCENT_DATA")
    monkeypatch.setenv("DESCENT_DATA", os.pathsep.join([str(tmp_path / "data"), SHARED]))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hugging"))
    said = CliRunner().invoke(cli.app, arguments)
    assert said.exit_code == 0 and "30 of 30 documents (100 %) in 1 shards" in said.output
    told = settings(data="openwebtext")
    assert GPT2.data.missing(told) is None
    assert make_task(told, "cpu").origin.vocabulary == 50257


def test_a_run_without_data_to_prepare_says_so():
    said = CliRunner().invoke(cli.app, ["prepare", "nanogpt"])
    assert "nanogpt needs no data that has to be prepared" in str(said.exception)


def test_published_weights_are_evaluated_without_training(tmp_path, monkeypatch, capsys):
    torch.manual_seed(0)
    size = GPT2Config(vocab_size=257, n_positions=1024, n_embd=24, n_head=3, n_layer=2)
    theirs = GPT2LMHeadModel(size).eval()
    monkeypatch.setitem(openai.SIZES, "gpt2", openai.Size(24, 3, 2))
    monkeypatch.setattr(GPT2LMHeadModel, "from_pretrained", lambda name: theirs)
    monkeypatch.setattr("descent.runs.gpt2.task.SOURCE", OFFLINE_SOURCE)  # bytes stand in
    told = settings("openai", data="made", encoding="any", device="cpu", precision="float32",
                    context=64, width=24, heads=3, layers=2, evaluation_batches=2,
                    evaluation_rows=4)  # fmt: skip
    made = make_task(told, "cpu")
    assert train(made, told, tmp_path, Processes()) == "finished"
    (line,) = read_metrics(tmp_path / "metrics.jsonl")
    assert line["step"] == 0
    windows = []
    monkeypatch.setattr(made, "_loss", lambda *given: windows.append(given) or torch.zeros(()))
    made.evaluate(theirs, Processes())
    monkeypatch.undo()
    losses = []
    for _, split, count, rows, seed in windows:
        if split == "validation":
            cut = made.splits[split].windows(_draw(seed), count, rows, 65)
            tokens = torch.from_numpy(cut)
            losses.append(theirs(tokens, labels=tokens).loss.item())  # it shifts them itself
    assert line["validation loss"] == pytest.approx(sum(losses) / 2, abs=1e-4)


def _draw(seed):
    from descent.training.randomness import generator

    return generator(*seed)


def test_a_learner_s_model_is_tried_at_a_smaller_size(tmp_path):
    check_model(GPT, settings("gpu"))

    class Fixed(GPT):
        def __init__(self, *sizes):
            super().__init__(50304, *sizes[1:])

    with pytest.raises(BrokenContract, match=r"\(2, 32, 50304\).* \(2, 32, 320\)"):
        check_model(Fixed, settings("gpu"))
    told = settings(steps=3, shard="none", processes=1, model="mine")
    made = make_task(told, "cpu", GPT)
    assert train(made, told, tmp_path, Processes()) == "finished"


@pytest.fixture
def whole(whole_run, home):
    """The smoke run, uninterrupted."""
    return whole_run("gpt2", home)


def test_the_smoke_run_goes_through_to_its_report(whole, tools, capsys):
    status = whole.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(whole)
    assert list(tools.losses(whole)) == list(range(40))
    measured = tools.losses(whole, "validation loss")
    assert list(measured) == [0, 20, 40] and measured[40] < measured[0] - 0.5
    shown = tools.report_outputs(whole)[0]
    for words in (
        "gpt2, profile smoke",
        "shard = full",
        "tokens a second",
        "After 40 steps on made",
    ):
        assert words in shown
    assert OFFLINE_SOURCE in shown  # said in the log and with the sample
    show_speed(whole)
    show_sample(whole, 5)
    assert "the peak of this device is not known" in capsys.readouterr().out


def test_what_two_that_share_all_out_saved_one_process_continues_on_the_same_curve(
    whole, tools, tmp_path
):
    saved = checkpoint_steps(whole.checkpoints)
    assert saved == [30, 40]
    shutil.copytree(whole.path, tmp_path / "part")
    for file in (tmp_path / "part" / "checkpoints").glob("*40*"):
        file.unlink()
    alone = settings(processes=1)
    assert train(make_task(alone, "cpu"), alone, tmp_path / "part", Processes()) == "finished"
    lines = read_metrics(tmp_path / "part" / "metrics.jsonl")
    for name in ("loss", "validation loss"):
        found = dict(zip(*curve(lines, name), strict=True))
        assert found == pytest.approx(tools.losses(whole, name), abs=1e-5)


def test_the_corpus_was_prepared_once(whole, home):
    (folder,) = (home / "data" / "tokens").iterdir()
    assert folder.name == "made-bytes" and Index(folder).problem() is None
