"""Profiles and settings: what is there loads, and what is wrong is refused by name."""

from __future__ import annotations

import pytest

from descent.errors import CourseError
from descent.runs.definition.catalogue import RUNS, find_run
from descent.runs.definition.profiles import changes_from, profile_names, settings_of
from descent.runs.launching.start import start_run
from descent.training.distributed import Processes, micro_batches

EVERY = [(run, profile) for run in RUNS.values() for profile in profile_names(run)]
NANOGPT = RUNS["nanogpt"]


@pytest.mark.parametrize(("run", "profile"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_every_profile_is_whole_and_its_batch_divides(run, profile):
    settings = settings_of(run, profile)
    if run.sweep:
        assert run.sweep.points(settings) and run.needs(settings).memory > 0
        return
    world = settings.processes * settings.nodes
    assert micro_batches(settings.batch_size, settings.micro_batch, Processes(world=world))
    assert run.needs(settings).memory > run.needs(settings).checkpoint / 2 > 0


@pytest.mark.parametrize("run", RUNS.values(), ids=lambda run: run.name)
def test_every_run_has_a_profile_for_each_kind_of_machine(run):
    wanted = {"cpu", "gpu", "slurm", "smoke"} | (set() if run.sweep else {"multi-gpu"})
    assert wanted <= set(profile_names(run))
    smoke = settings_of(run, "smoke")
    assert (smoke.device, smoke.processes, smoke.where) == ("cpu", 2, "here")
    assert settings_of(run, "slurm").where == "slurm"
    for number in run.published:
        assert number.profile in profile_names(run)


def test_changes_go_on_top_of_the_profile():
    changes = {"steps": "500", "learning_rate": "3e-3", "compile": "true", "text": "any"}
    settings = settings_of(NANOGPT, "cpu", changes)
    assert settings.steps == 500 and settings.learning_rate == 3e-3 and settings.compile is True
    assert settings.width == 128


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stepz": 500}, "no setting 'stepz'. Did you mean steps"),
        ({"zzz": 1}, "no setting 'zzz'. There are seed, seeds, device"),
        ({"steps": "many"}, "^steps is 'many'; it has to be a whole number"),
        ({"steps": "1.5"}, "^steps is '1.5'; it has to be a whole number"),
        ({"steps": 1.5}, "^steps is 1.5; it has to be a whole number"),
        ({"steps": True}, "^steps is True; it has to be a whole number"),
        ({"compile": "maybe"}, "^compile is 'maybe'; it has to be true or false"),
        ({"compile": 1}, "^compile is 1; it has to be true or false"),
        ({"learning_rate": "fast"}, "^learning_rate is 'fast'; it has to be a number"),
        ({"device": 3}, "^device is 3; it has to be a word"),
        ({"device": "gpu"}, "^device is 'gpu'; it can be cpu or cuda"),
        ({"steps": "-5"}, "^steps is -5; the least is 0"),
        ({"heads": 3}, "^width is 32, which 3 heads do not divide"),
        ({"text": "bible"}, "^text is 'bible'"),
        ({"dropout": 1.0}, "^dropout is 1.0"),
        ({"rotary": "yes"}, "^rotary is 'yes'; it has to be true or false"),
        ({"rotary": True, "width": 30}, "^rotary turns pairs of features, and a head has 15"),
        ({"optimiser": "muom"}, "^optimiser is 'muom'; it can be adamw or muon"),
        ({"schedule": "step"}, "^schedule is 'step'; it can be cosine or linear"),
        ({"fall": 0.0}, "^fall is 0.0; it is a share, from above 0 to 1"),
        ({"momentum": 1.0}, "^momentum is 1.0; it is a share"),
        ({"rounds": 0}, "^rounds is 0; the least is 1"),
        ({"learning_rate": 1e-4}, "^learning_rate is 0.0001; .*no less than least_rate"),
        ({"nodes": 2}, "^nodes is more than 1, which needs where=slurm"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(changes, message):
    with pytest.raises(CourseError, match=message):
        settings_of(NANOGPT, "smoke", changes)


def test_a_refused_run_leaves_nothing(apart):
    with pytest.raises(CourseError, match="batch_size is 15.* 2 processes"):
        start_run("nanogpt", "smoke", {"batch_size": 15})
    assert not apart.exists()


def test_unknown_runs_and_profiles_are_refused_with_near_names():
    with pytest.raises(CourseError, match="no run 'nanogtp'. Did you mean nanogpt"):
        find_run("nanogtp")
    with pytest.raises(CourseError, match="no profile 'multigpu'. Did you mean multi-gpu"):
        settings_of(NANOGPT, "multigpu")


def test_assignments_of_a_command_line():
    assert changes_from(["steps=5", "text = any"]) == {"steps": "5", "text": "any"}
    with pytest.raises(CourseError, match="'steps' is not name=value"):
        changes_from(["steps"])
