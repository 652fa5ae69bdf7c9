"""The orchard: what falls, what it earns, how an episode ends, and who plays it how well."""

from __future__ import annotations

import numpy as np

from descent.environments.orchard import APPLE, GOLD, LIMIT, LIVES, SIDE, STONE, Orchard
from descent.environments.orchard_players import planned_actions, random_actions
from descent.environments.playing import play

STAY = np.array([1])


def one(kind=APPLE, row=0, column=8, drift=0, pace=1, basket=8):
    """A game with one thing in the air, in which nothing more appears."""
    game = Orchard(1)
    game.reset(0)
    game._appear = lambda: None
    for name, value in (("kind", kind), ("row", row), ("column", column), ("drift", drift),
                        ("pace", pace)):  # fmt: skip
        getattr(game, name)[0, 0] = value
    game.basket[0] = basket
    return game


def until_down(game):
    for steps in range(1, 100):
        step = game.step(STAY)
        if not game.kind.any():
            return steps, step
    raise AssertionError("it never comes down")


def test_what_lands_in_the_basket_earns_what_it_is_worth():
    for kind, worth in ((APPLE, 1), (GOLD, 3), (STONE, -1)):
        for column, caught in ((6, False), (7, True), (8, True), (9, True), (10, False)):
            game = one(kind, column=column)
            steps, step = until_down(game)
            assert steps == SIDE - 1 and step.rewards[0] == (worth if caught else 0)
            assert game.lives[0] == LIVES - (caught and kind == STONE)


def test_slow_things_take_twice_as_long_and_drifting_ones_bounce_off_the_walls():
    assert until_down(one(pace=2))[0] == 2 * (SIDE - 1)
    for drift, column in ((1, 12), (-1, 3), (1, 0), (-1, 0), (1, 15), (-1, 15)):
        game = one(column=column, drift=drift)
        steps, columns = game.landings()
        seen = []
        while game.kind.any():
            seen.append(int(game.column[0, 0]))
            game.step(STAY)
        seen.append(int(game.column[0, 0]))
        assert {abs(a - b) for a, b in zip(seen, seen[1:], strict=False)} == {1}
        assert (len(seen) - 1, seen[-1]) == (steps[0, 0], columns[0, 0])


def test_the_basket_moves_a_pixel_and_stays_in_the_field():
    game = one()
    for action, wanted in ((0, 7), (2, 8), (1, 8)):
        game.step(np.array([action]))
        assert game.basket[0] == wanted
    for action, wanted in ((0, 1), (2, SIDE - 2)):
        for _ in range(20):
            game.step(np.array([action]))
        assert game.basket[0] == wanted


def test_the_pictures_show_now_and_two_steps_before():
    game = one(row=3, column=5)
    pictures = [game.step(STAY).observations[0] for _ in range(4)]
    assert pictures[0].shape == (2, SIDE, SIDE) and pictures[0].dtype == np.uint8
    for step, picture in enumerate(pictures):
        assert np.flatnonzero(picture[0, :, 5]).tolist() == [4 + step]
        if step >= 2:
            assert np.array_equal(picture[1], pictures[step - 2][0])
    assert np.flatnonzero(pictures[0][0, SIDE - 1]).tolist() == [7, 8, 9]


def test_the_third_stone_terminates_and_time_truncates():
    game = one(STONE, row=SIDE - 4)
    game.lives[0], game.earned[0] = 1, 5
    for _ in range(3):
        step = game.step(STAY)
    assert step.terminated[0] and not step.truncated[0] and step.returns[0] == 4
    assert game.lives[0] == LIVES
    # The new episode has a basket alone; in the old one's last picture the stone is seen still.
    assert [picture.astype(bool).sum() for picture in step.observations[0]] == [3, 3]
    assert [picture.astype(bool).sum() for picture in step.final_observations[0]] == [3, 4]
    game = one(column=0)
    for _ in range(LIMIT - 1):
        step = game.step(STAY)
        assert not step.truncated[0] and np.isnan(step.returns[0])
    step = game.step(STAY)
    assert step.truncated[0] and not step.terminated[0] and step.returns[0] == 0


def test_a_game_is_the_same_whatever_stands_beside_it_and_goes_on_from_its_state():
    chance = np.random.default_rng(0)
    actions = chance.integers(3, size=(500, 4))
    four, two = Orchard(4), Orchard(2)
    seen, part = four.reset(10), two.reset(12)
    for taken in actions[:250]:
        assert np.array_equal(seen[2:], part)
        seen, part = four.step(taken).observations, two.step(taken[2:]).observations
    again = Orchard(4)
    assert np.array_equal(again.restore(four.state()), seen)
    for taken in actions[250:]:
        ours, theirs = four.step(taken), again.step(taken)
        for a, b in zip(ours, theirs, strict=True):
            assert np.array_equal(a, b, equal_nan=a.dtype == np.float64)


def test_who_plans_plays_well_and_who_acts_at_random_does_not():
    games, chance = Orchard(40), np.random.default_rng(0)
    at_random = play(games, lambda _: random_actions(games, chance), 5)
    planned = play(games, lambda _: planned_actions(games), 5)
    assert at_random.mean() < 6 < 40 < planned.mean()
    assert np.array_equal(planned, play(games, lambda _: planned_actions(games), 5))


def test_much_appears_of_every_kind():
    games = Orchard(50)
    games.reset(0)
    kinds = [games.step(np.ones(50, dtype=int)) and games.kind.copy() for _ in range(100)]
    shares = np.bincount(np.stack(kinds)[:, :, :].ravel(), minlength=4)[1:]
    np.testing.assert_allclose(shares / shares.sum(), [0.5, 0.1, 0.4], atol=0.04)
