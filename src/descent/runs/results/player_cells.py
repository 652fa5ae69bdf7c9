"""What the cells of a report call where a policy learned to play."""

from __future__ import annotations

from descent.runs.folder import RunFolder
from descent.training.metrics import curve
from descent.training.ppo.settings import PpoSettings

HEALTHY = {
    "clip fraction": (0.01, 0.2),
    "approximate kl": (0.0, 0.02),
    "entropy": None,
    "explained variance": (0.0, 1.0),
    "advantage mean": None,
    "advantage std": None,
}
"""What a training by PPO is watched by, and between which values it is mostly well, where known."""


def show_returns(folder: RunFolder) -> None:
    """Plot what games earned, by the number of actions taken so far; a line for each seed."""
    import matplotlib.pyplot as plt

    from descent.figures import plot_curves

    settings = folder.settings()
    found = {}
    for name in ("episode return", "test return"):
        for (told, _), lines in zip(folder.trainings(), folder.curves(), strict=False):
            steps, values = curve(lines, name)
            label = name if settings.seeds == 1 else f"{name}, seed {told.seed}"
            if steps:
                found[label] = ([actions_by(settings, step) / 1e6 for step in steps], values)
    if not found:
        print("No game has ended yet.")
        return
    plot_curves(found, "actions taken (millions)", "score of a game")
    plt.show()


def actions_by(settings: PpoSettings, step: int) -> int:
    """Return how many actions were taken, in all environments, before an update."""
    return -(-step // settings.updates) * settings.moments


def show_diagnostics(folder: RunFolder) -> None:
    """Plot what a training by PPO is watched by; a band where it is mostly well."""
    import matplotlib.pyplot as plt

    from descent.figures.style import COLOURS, use_style

    use_style()
    _, axes = plt.subplots(2, 3, figsize=(11, 5.5), sharex=True, layout="constrained")
    for place, (name, band) in zip(axes.flat, HEALTHY.items(), strict=True):
        if band:
            place.axhspan(*band, color=COLOURS["green"], alpha=0.15)
        for lines in folder.curves():
            steps, values = curve(lines, name)
            place.plot(steps, values, color=COLOURS["blue"])
        place.set(title=name)
    for place in axes[-1]:
        place.set_xlabel("step")
    plt.show()
