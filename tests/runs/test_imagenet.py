"""What imagenet trains: its schedule, targets, groups and evaluation, and its smoke run."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from descent.data.shards import Shards
from descent.errors import CourseError
from descent.models.resnet50 import ResNet50
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.learner_model import class_from, join_cells
from descent.runs.folder.states import FINISHED
from descent.runs.imagenet import needs
from descent.runs.imagenet import task as task_module
from descent.runs.imagenet.task import check_model, make_task
from descent.runs.launching import requirements
from descent.runs.launching.start import start_run
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics
from descent.training.settings import WrongSetting
from descent.training.stopping import Stop

IMAGENET = RUNS["imagenet"]
SMALL = {"each": 7, "processes": 1, "workers": 2}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(autouse=True)
def pictures_once(apart, kept, monkeypatch):
    """Generated pictures are kept for all tests of this file."""
    monkeypatch.setenv("DESCENT_HOME", str(kept))


def settings(profile="smoke", **changes):
    usual = SMALL if profile == "smoke" else {}
    return settings_of(IMAGENET, profile, {**usual, **changes})


def task(**changes):
    return make_task(settings(**changes), "cpu")


class Spy(nn.Module):
    """Keeps what it is given, and scores as it is told."""

    def __init__(self, score):
        super().__init__()
        self.score, self.seen = score, []

    def forward(self, pictures):
        self.seen.append(pictures)
        return self.score(pictures)


def losses(folder, name="loss"):
    return dict(zip(*curve(read_metrics(folder / "metrics.jsonl"), name), strict=True))


# --- the recipe -----------------------------------------------------------------------------------


def test_the_standard_schedule_is_a_tenth_after_each_thirty_epochs():
    made, epoch = task(steps=9000, schedule="steps", warm_up=0), 100
    rates = [made.rate(epoch * at) for at in (0, 29, 30, 59, 60, 89)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_the_cosine_rises_first_and_ends_at_nothing():
    made = task(steps=1000, warm_up=99)
    assert made.rate(0) == 0.01 and made.rate(98) == 0.99 and made.rate(99) == 1.0
    assert made.rate(549) == pytest.approx(0.5, abs=0.01)
    assert made.rate(999) < 1e-4


def test_gains_and_biases_decay_only_in_the_standard_recipe():
    for decay_all, sizes in ((True, [(0.01, {1, 2, 4})]), (False, [(0.01, {2, 4}), (0.0, {1})])):
        made = task(decay_all=decay_all, weight_decay=0.01)
        groups = made.optimisers(made.model())[0].param_groups
        found = [(group["weight_decay"], {w.dim() for w in group["params"]}) for group in groups]
        assert found == sizes


def test_pictures_grow_by_steps_to_the_full_side():
    made = settings("gpu-strong")
    sides = [made.side_at(made.steps * percent // 100 + 1) for percent in range(0, 101, 10)]
    assert sides == [128, 128, 128, 128, 160, 160, 160, 160, 192, 192, 192]
    assert {settings("gpu").side_at(step) for step in (0, 450_000)} == {224}


@pytest.mark.parametrize("changes", [{"mixup": 0.0, "smoothing": 0.0}, {}])
def test_shares_of_a_batch_make_up_the_batch(changes):
    made = task(**changes)
    spy = Spy(lambda x: x[:, :, :10, 0].sum(dim=1))
    whole = made.loss(spy, 5, range(32))
    halves = [made.loss(spy, 5, rows) for rows in (range(16), range(16, 32))]
    assert whole.item() == pytest.approx(sum(half.item() for half in halves) / 2, rel=1e-5)
    assert torch.equal(spy.seen[0], torch.cat(spy.seen[1:]))
    made.loss(spy, 6, range(32))
    assert not torch.equal(spy.seen[0], spy.seen[3])


def test_mixed_targets_are_mixed_as_their_pictures_are():
    """A network that is linear in the pictures gives logits that tell how they were mixed."""
    plain, mixed = task(mixup=0.0, smoothing=0.0), task(mixup=0.2, smoothing=0.0)
    seen, logits = Spy(lambda x: x[:, 0, :10, 0]), Spy(lambda x: x[:, 0, :10, 0])
    plain.loss(seen, 3, range(32))
    loss = mixed.loss(logits, 3, range(32))
    one, given = seen.seen[0].flatten(1), logits.seen[0].flatten(1)
    partner = torch.cat([torch.roll(group, -1, 0) for group in one.split(8)])
    kept = ((given - partner) * (one - partner)).sum(1) / (one - partner).square().sum(1)
    assert torch.allclose(given, kept[:, None] * one + (1 - kept[:, None]) * partner, atol=1e-4)
    labels = plain.training.batch(3, range(32), range(32)).labels
    other = torch.cat([torch.roll(group, -1, 0) for group in labels.split(8)])
    target = kept[:, None] * F.one_hot(labels, 10) + (1 - kept[:, None]) * F.one_hot(other, 10)
    wanted = -(target * F.log_softmax(given[:, : 10 * 64 : 64], dim=1)).sum(1).mean()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-4)
    assert kept.view(4, 8).std(dim=1).max() < 1e-4  # one share for each group


def test_pictures_are_normalised_by_imagenet_s_mean_and_spread():
    given = torch.tensor([0.485, 0.456, 0.406]).mul(255).expand(1, 2, 2, 3)
    made = task()
    assert made._prepared(given).abs().max() < 1e-5
    shifted = made._prepared(given + 255 * torch.tensor([0.229, 0.224, 0.225]))
    assert torch.allclose(shifted, torch.ones(1, 3, 2, 2), atol=1e-5)


# --- the evaluation -------------------------------------------------------------------------------


def test_every_held_out_picture_counts_once_however_they_are_shared(monkeypatch):
    """20 pictures in batches of 8: the last has 4 for one process, and 3 have 6, 7 and 7."""
    made = task(evaluation_batch=8)
    labels = torch.from_numpy(made.held_out.labels)
    right = torch.arange(20) % 4 > 0  # in every fourth the true class comes second
    scores = (
        2.0 * F.one_hot(labels, 10)
        + F.one_hot((labels + 1) % 10, 10) * (1 - 1.0 * right[:, None]) * 3
    )
    shares = []
    for world in (1, 3):
        sums = []
        monkeypatch.setattr(
            task_module, "mean_over", lambda x, processes, kept=sums: kept.append(x) or x
        )
        for rank in range(world):
            place = 20 * rank // world
            answers = iter(scores[place : 20 * (rank + 1) // world].split(8))
            model = Spy(lambda x, answers=answers: next(answers))
            try:
                made.evaluate(model, Processes(rank, world))
            except CourseError:
                assert world > 1  # alone it has not seen all
            assert sum(len(x) for x in model.seen) == 20 * (rank + 1) // world - place
        shares.append(torch.stack(sums).sum(dim=0))
    assert torch.allclose(shares[0], shares[1])
    loss, top_1, top_5, seen = shares[0].tolist()
    assert (top_1, top_5, seen) == (15, 20, 20)
    assert loss == pytest.approx(F.cross_entropy(scores, labels, reduction="sum").item(), rel=1e-5)


def test_the_evaluation_is_of_whole_pictures_not_of_random_crops():
    made = task()
    spies = [Spy(lambda x: x[:, 0, :10, 0]) for _ in range(2)]
    numbers = [made.evaluate(spy, Processes()) for spy in spies]
    assert numbers[0] == numbers[1] and len(numbers[0]) == 3
    assert torch.equal(spies[0].seen[0], spies[1].seen[0])


# --- the training ---------------------------------------------------------------------------------


class After(Stop):
    """Asks to stop once it was looked at so many times."""

    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    @property
    def asked(self):
        self.looks -= 1
        return self.looks < 0


def test_a_training_that_goes_on_is_the_uninterrupted_one_bit_for_bit(tmp_path):
    chosen = settings(steps=12, evaluate_every=4, checkpoint_every=5)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(make_task(chosen, "cpu"), chosen, whole, Processes()) == "finished"
    assert train(make_task(chosen, "cpu"), chosen, parts, Processes(), After(6)) == "stopped"
    assert train(make_task(chosen, "cpu"), chosen, parts, Processes()) == "finished"
    for name in ("loss", "validation loss", "top-1 accuracy"):
        assert losses(parts, name) == losses(whole, name)


def test_parts_of_the_batch_give_the_curve_of_the_whole(tmp_path):
    for name, micro_batch in (("whole", 0), ("parts", 8)):
        chosen = settings(steps=6, evaluate_every=3, micro_batch=micro_batch, learning_rate=0.02)
        train(make_task(chosen, "cpu"), chosen, tmp_path / name, Processes())
    for name in ("loss", "validation loss"):
        one, other = (losses(tmp_path / folder, name) for folder in ("whole", "parts"))
        assert one == pytest.approx(other, abs=1e-5)


def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(tools, tmp_path):
    folder = start_run("imagenet", "smoke")
    status = tools.wait_for_end(folder)
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    for words in ("NOT IMAGENET", "this run, profile smoke", "76.13   92.86", "have no place in"):
        assert words in text
    assert (pictures, errors) == (3, [])

    chosen = settings_of(IMAGENET, "smoke", {"processes": 1})
    train(make_task(chosen, "cpu"), chosen, tmp_path, Processes())
    assert tools.losses(folder)[0] == pytest.approx(losses(tmp_path, "loss")[0], abs=1e-5)
    for name in ("loss", "validation loss"):  # what rounding leaves grows from step to step
        assert tools.losses(folder, name) == pytest.approx(losses(tmp_path, name), abs=2e-3)


# --- what is looked at before ---------------------------------------------------------------------


def test_imagenet_that_is_missing_is_refused_with_all_that_has_to_be_done(monkeypatch, apart):
    monkeypatch.setattr(requirements, "_gpus", lambda: [80 * 10**9])
    with pytest.raises(CourseError) as error:
        start_run("imagenet", "gpu")
    for words in ("138 GB", "6.3 GB", "https://image-net.org", "descent prepare imagenet SOURCE"):
        assert words in str(error.value)
    assert not apart.exists()


def test_the_estimate_of_memory_is_near_what_the_network_keeps():
    """Measured for ResNet-50 at 224 pixels: 85.9 MB of float32 for each picture."""
    one, two = (needs(settings("gpu", precision="float32", batch_size=n)).memory for n in (32, 64))
    assert (two - one) / 32 == pytest.approx(85.9e6, rel=0.1)
    weights = sum(weight.numel() for weight in ResNet50().parameters())
    assert needs(settings("gpu")).checkpoint == pytest.approx(8 * weights, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"norm_rows": 12}, "norm_rows is 12, which does not divide the 32 pictures"),
        ({"processes": 8}, "norm_rows is 8, which does not divide the 4 pictures"),
        ({"blocks": "3 x"}, "blocks is '3 x'"),
        ({"pictures": "cats"}, "pictures is 'cats'; it can be imagenet or generated"),
        ({"first_side": 128}, "first_side is 128, more than side = 96"),
        ({"side": 16}, "side is 16; the least is 32"),
        ({"evaluation_resize": 60}, "evaluation_resize is 60, less than the 96"),
        ({"smoothing": 1.5}, "smoothing is 1.5; it is a share"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(changes, message):
    with pytest.raises(WrongSetting, match=message):
        settings(**changes)


class Mine(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.out = nn.Linear(4, classes)

    def forward(self, pictures):
        return self.out(F.relu(self.norm(self.conv(pictures))).mean(dim=(2, 3)))


class OneSize(Mine):
    def __init__(self, classes):
        super().__init__(classes)
        self.out = nn.Linear(4 * 31 * 31, classes)

    def forward(self, pictures):
        return self.out(F.relu(self.norm(self.conv(pictures))).flatten(1))


class Probabilities(Mine):
    def forward(self, pictures):
        return super().forward(pictures).softmax(dim=1)


class AlwaysTrains(Mine):
    def forward(self, pictures):
        self.norm.train()
        return super().forward(pictures)


class Features(Mine):
    def forward(self, pictures):
        return self.conv(pictures)


def test_a_model_that_keeps_the_contract_is_taken():
    check_model(Mine, settings())


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (OneSize, r"Given pictures of shape \(4, 3, 96, 96\), the model fails"),
        (Probabilities, "returns probabilities"),
        (AlwaysTrains, "move by .* with the other pictures of its batch"),
        (Features, r"the run needs \(4, 10\): \(batch, classes\)"),
    ],
)
def test_a_model_that_breaks_it_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_model(model, settings())


def test_the_learner_s_class_is_what_trains(tmp_path):
    source = [
        "import torch.nn.functional as F\nfrom torch import nn",
        "class ResNet50(nn.Module):\n"
        "    def __init__(self, classes):\n"
        "        super().__init__()\n"
        "        self.norm = nn.BatchNorm2d(3)\n"
        "        self.out = nn.Linear(3 * 16, classes)\n"
        "    def forward(self, x):\n"
        "        return self.out(F.adaptive_avg_pool2d(self.norm(x), 4).flatten(1))",
    ]
    own = class_from(join_cells(source, "ResNet50"), "a_run")
    chosen = settings(steps=4, evaluate_every=2)
    assert train(make_task(chosen, "cpu", own), chosen, tmp_path, Processes()) == "finished"
    state = torch.load(tmp_path / "checkpoints" / "step-00000004.pt", weights_only=True)["model"]
    assert state["norm.running_mean"].abs().sum() > 0
    assert set(state) >= {"norm.weight", "out.weight"}


def test_shards_of_both_splits_are_where_the_task_reads(kept):
    made = task()
    (folder,) = kept.glob("data/generated-10-7-*")
    assert len(Shards(folder / "val")) == len(made.held_out) == 20
