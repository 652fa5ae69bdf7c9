"""What the report of `ppo_atari` shows besides the common parts: what the model is given."""

from __future__ import annotations

from typing import cast

import numpy as np

from descent.environments.atari import Atari
from descent.runs.folder import RunFolder
from descent.runs.ppo_atari import AtariSettings


def show_game(folder: RunFolder) -> None:
    """Plot the pictures of one observation, the oldest first."""
    import matplotlib.pyplot as plt

    from descent.figures.style import use_style

    use_style()
    settings = cast(AtariSettings, folder.settings())
    games = Atari(1, settings.game)
    seen = games.reset(settings.seed)
    chance = np.random.default_rng(settings.seed)
    for _ in range(12):
        seen = games.step(chance.integers(games.actions, size=1)).observations
    _, axes = plt.subplots(1, len(seen[0]), figsize=(9, 2.5), layout="constrained")
    for place, picture in zip(axes.flat, seen[0], strict=True):
        place.imshow(picture, cmap="gray", vmin=0, vmax=255)
        place.set(xticks=[], yticks=[])
        place.grid(False)
    plt.show()
