"""Atari games: pictures, lives, true scores, limits of time, and going on from a state."""

from __future__ import annotations

import numpy as np
import pytest

from descent.environments import atari
from descent.environments.area import area_weights, shrunk
from descent.environments.atari import Atari, why_not

MISSING = why_not("breakout")
needs_games = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


def test_a_smaller_pixel_is_the_mean_of_the_area_it_covers():
    picture = np.random.default_rng(0).integers(256, size=(10, 6)).astype(np.uint8)
    fine = np.repeat(np.repeat(picture, 4, axis=0), 4, axis=1)  # 40 × 24: both sizes divide it
    wanted = fine.reshape(8, 5, 4, 6).mean(axis=(1, 3))
    found = shrunk(picture, area_weights(10, 8), area_weights(6, 4))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.rint(wanted.astype(np.float32)))
    np.testing.assert_allclose(area_weights(210, 84).sum(axis=1), 1, rtol=1e-5)


def test_a_game_that_is_not_there_is_named():
    assert "no game 'tennis_on_ice'" in (why_not("tennis_on_ice") or MISSING)


def acted(games, steps, seed=0):
    chance = np.random.default_rng(seed)
    return [games.step(chance.integers(games.actions, size=games.number)) for _ in range(steps)]


@needs_games
def test_pictures_are_stacked_and_a_life_ends_an_episode_but_not_the_game():
    games = Atari(2, "breakout")
    first = games.reset(3)
    assert first.shape == (2, 4, 84, 84) and first.dtype == np.uint8 and first.max() > 100
    assert all(np.array_equal(first[0, 0], first[0, i]) for i in range(1, 4))
    steps = acted(games, 260)
    before, lives, games_over = first, 0, 0
    for step in steps:
        assert np.array_equal(step.final_observations[:, :3], before[:, 1:])
        before = step.observations
        for i in np.flatnonzero(step.terminated):
            over = not np.isnan(step.returns[i])
            lives, games_over = lives + (not over), games_over + over
            # What is seen of the new life has nothing of the old one in it.
            assert np.array_equal(before[i, 0], before[i, 3])
        going_on = ~step.terminated
        assert np.array_equal(before[going_on], step.final_observations[going_on])
        assert not step.truncated.any() and np.isnan(step.returns[going_on]).all()
    assert games_over >= 1 and lives >= 4 * games_over


@needs_games
def test_rewards_are_signs_and_returns_true_scores(monkeypatch):
    games = Atari(1, "pong")
    games.reset(0)
    total = 0.0
    for step in acted(games, 1500):
        total += float(step.rewards[0])
        if step.terminated[0]:
            assert step.returns[0] == total <= -15  # a point at a time, most of them lost
            break
    else:
        pytest.fail("the game did not end")
    game = games.games[0]
    monkeypatch.setattr(game, "_hold", lambda action: 7.0)
    assert games.step(np.array([0])).rewards[0] == 1


@needs_games
def test_a_limit_of_time_truncates_and_a_new_game_begins(monkeypatch):
    monkeypatch.setattr(atari, "LIMIT", 60)
    games = Atari(1, "pong")
    games.reset(1)
    steps = acted(games, 16)
    (at,) = [i for i, step in enumerate(steps) if step.truncated[0]][:1]
    step = steps[at]
    assert not step.terminated[0] and not np.isnan(step.returns[0])
    assert not np.array_equal(step.observations, step.final_observations)


@needs_games
def test_it_goes_on_from_its_state_and_games_do_not_depend_on_those_beside():
    games, alone = Atari(2, "breakout"), Atari(1, "breakout")
    assert np.array_equal(games.reset(8)[1:], alone.reset(9))
    acted(games, 30)
    again = Atari(2, "breakout")
    seen = again.restore(games.state())
    ours, theirs = acted(games, 150, seed=1), acted(again, 150, seed=1)
    assert seen.shape == (2, 4, 84, 84) and any(step.terminated.any() for step in ours)
    for one, other in zip(ours, theirs, strict=True):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b, equal_nan=a.dtype == np.float64)
