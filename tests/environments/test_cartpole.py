"""CartPole: the same, step for step, as Gymnasium's."""

from __future__ import annotations

import numpy as np
import pytest

from descent.environments.cartpole import LIMIT, CartPole

gymnasium = pytest.importorskip("gymnasium")


def peer(number):
    """Gymnasium's own, with the new episode in the step in which the old one ends."""
    return gymnasium.make_vec(
        "CartPole-v1",
        num_envs=number,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
    )


def test_it_is_gymnasium_s_step_for_step_with_every_new_episode():
    ours, theirs = CartPole(5), peer(5)
    seen, (wanted, _) = ours.reset(7), theirs.reset(seed=7)
    assert seen.dtype == wanted.dtype == np.float32 and np.array_equal(seen, wanted)
    chance, ended = np.random.default_rng(1), 0
    for _ in range(600):
        actions = chance.integers(2, size=5)
        step = ours.step(actions)
        wanted, rewards, terminated, truncated, more = theirs.step(actions)
        np.testing.assert_allclose(step.observations, wanted, rtol=1e-5, atol=1e-6)
        assert np.array_equal(step.rewards, rewards)
        assert np.array_equal(step.terminated, terminated)
        assert np.array_equal(step.truncated, truncated)
        for i in np.flatnonzero(terminated):
            np.testing.assert_allclose(step.final_observations[i], more["final_obs"][i], rtol=1e-4)
            ended += 1
    assert ended > 50


def test_an_episode_that_is_balanced_to_the_limit_is_truncated_as_gymnasium_s_is():
    ours, theirs = CartPole(1), peer(1)
    seen, _ = ours.reset(3), theirs.reset(seed=3)
    for _ in range(LIMIT):
        # Push under the falling pole, and lean towards the middle.
        aim = seen[:, 2] + 0.3 * seen[:, 3] + 0.02 * seen[:, 0] + 0.05 * seen[:, 1]
        step = ours.step((aim > 0).astype(int))
        _, _, terminated, truncated, _ = theirs.step((aim > 0).astype(int))
        seen = step.observations
        assert (step.terminated, step.truncated) == (terminated, truncated)
    assert step.truncated[0] and not step.terminated[0] and step.returns[0] == LIMIT
    assert (np.abs(step.observations) <= 0.05).all()


def test_it_goes_on_from_its_state():
    carts = CartPole(3)
    carts.reset(2)
    chance = np.random.default_rng(4)
    actions = chance.integers(2, size=(120, 3))
    for taken in actions[:50]:
        carts.step(taken)
    others = CartPole(3)
    others.restore(carts.state())
    for taken in actions[50:]:
        ours, theirs = carts.step(taken), others.step(taken)
        assert np.array_equal(ours.observations, theirs.observations)
        assert np.array_equal(ours.returns, theirs.returns, equal_nan=True)
