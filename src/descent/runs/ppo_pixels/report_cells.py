"""What the report of `ppo_pixels` shows besides the common parts: the game, and who plays it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from descent.environments.orchard import Orchard
from descent.environments.orchard_players import planned_actions, random_actions
from descent.environments.playing import play
from descent.runs.folder import RunFolder
from descent.runs.ppo_pixels import PixelSettings
from descent.runs.results.report_cells import last_model
from descent.training.randomness import generator

SHOWN = 6  # pictures in a row
BETWEEN = 4  # steps from one to the next
PLAYED, DRAWN = 11, 12  # draw the games apart from those of the training


def show_game(folder: RunFolder) -> None:
    """Plot some moments of a game, as the model is given them."""
    import matplotlib.pyplot as plt

    from descent.figures.style import use_style

    use_style()
    game = Orchard(1)
    game.reset(folder.settings().seed)
    pictures = []
    for step in range(30 + SHOWN * BETWEEN):
        seen = game.step(planned_actions(game)).observations
        if step >= 30 and step % BETWEEN == 0:
            pictures.append((step, seen[0, 0]))
    _, axes = plt.subplots(1, len(pictures), figsize=(11, 2.3), layout="constrained")
    for place, (step, picture) in zip(axes.flat, pictures, strict=True):
        place.imshow(picture, cmap="gray", vmin=0, vmax=255)
        place.set(title=f"step {step}", xticks=[], yticks=[])
        place.grid(False)
    plt.show()


def show_players(folder: RunFolder) -> None:
    """Print what the trained model earns in new games, and what two others do in the same ones."""
    import torch

    settings = cast(PixelSettings, folder.settings())
    games = Orchard(settings.report_games)
    chance = generator(settings.seed, DRAWN)
    players: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "at random": lambda _: random_actions(games, chance),
        "by a plan": lambda _: planned_actions(games),
    }
    task, model, step = last_model(folder)
    with torch.no_grad():
        players[f"by the model after {step} steps"] = lambda seen: task.chosen(
            model, seen, chance.random((games.number, games.actions), dtype=np.float32)
        )
        seed = int(generator(settings.seed, PLAYED).integers(2**31))
        for name, choose in players.items():
            scores = play(games, choose, seed)
            error = scores.std(ddof=1) / np.sqrt(len(scores))
            print(f"played {name}: {scores.mean():.2f} a game, standard error {error:.2f}")
