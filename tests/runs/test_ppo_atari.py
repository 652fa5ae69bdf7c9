"""The run ppo_atari: its smoke profile, exact continuation, and the numbers published for it."""

from __future__ import annotations

import pytest

from descent.environments.atari import Atari, why_not
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.launching.requirements import NotReady, check_requirements
from descent.runs.ppo_atari.task import ACTIONS, make_task, sizes
from descent.runs.results.report_cells import show_comparison
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics
from descent.training.settings import WrongSetting

RUN = RUNS["ppo_atari"]
MISSING = why_not("breakout") or why_not("pong")
needs_games = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


def settings(profile="smoke", **changes):
    return settings_of(RUN, profile, changes)


def test_a_game_that_is_not_there_is_said_before_it_begins(monkeypatch, tmp_path):
    monkeypatch.setattr("descent.runs.ppo_atari.why_not", lambda game: f"no ROM of {game}")
    with pytest.raises(NotReady, match=r"pip install ale-py   \(no ROM of pong\)"):
        check_requirements(RUN, settings(game="pong"), tmp_path)
    with pytest.raises(WrongSetting, match="^game is 'chess'; it can be breakout or pong"):
        settings(game="chess")


def test_the_long_profiles_are_ten_million_actions_as_the_published_numbers_are():
    for profile in ("gpu", "multi-gpu", "slurm"):
        told = settings(profile)
        assert 0.999e7 < told.steps // told.updates * told.moments <= 1e7
        assert (told.updates, told.discount, told.trace) == (16, 0.99, 0.95)
        assert (told.learning_rate, told.clip_range, told.clip_values) == (2.5e-4, 0.1, True)


def test_the_number_of_the_game_that_is_played_stands_beside_ours(tools, capsys):
    for game, number, other in (("breakout", "414.66", "20.36"), ("pong", "20.36", "414.66")):
        folder = tools.made("ppo_atari", "gpu", game=game)
        folder.path.joinpath("metrics.jsonl").write_text(
            '{"step": 5, "time": 1.0, "episode return": 3.5}\n'
            '{"step": 9, "time": 2.0, "episode return": 2.5}\n'
        )
        show_comparison(folder)
        said = capsys.readouterr().out
        assert "episode return: measured 2.5 (best 3.5)" in said
        assert number in said and other not in said


@needs_games
def test_the_games_have_as_many_actions_as_the_model_is_made_with():
    for game, number in ACTIONS.items():
        made = Atari(1, game)
        assert (*made.shape, made.actions) == sizes(settings(game=game)) and made.actions == number


@needs_games
def test_it_continues_exactly(tmp_path):
    told = settings(processes=1)
    train(make_task(told, "cpu"), told, tmp_path / "whole", Processes())
    train(make_task(told, "cpu"), settings(processes=1, steps=5), tmp_path / "parts", Processes())
    train(make_task(told, "cpu"), told, tmp_path / "parts", Processes())
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    for name in ("loss", "entropy", "explained variance"):
        wanted = dict(zip(*curve(whole, name), strict=True))
        found = dict(zip(*curve(parts, name), strict=True))
        assert wanted.items() <= found.items() and wanted


@needs_games
def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(
    whole_run, tools, tmp_path
):
    folder = whole_run("ppo_atari")
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert errors == [] and pictures >= 2
    assert "ppo_atari, profile smoke" in text and "No number was published" in text
    told = folder.settings()
    assert train(make_task(told, "cpu"), told, tmp_path, Processes()) == "finished"
    alone = dict(zip(*curve(read_metrics(tmp_path / "metrics.jsonl"), "loss"), strict=True))
    assert alone == pytest.approx(tools.losses(folder), abs=1e-4) and len(alone) == 8
