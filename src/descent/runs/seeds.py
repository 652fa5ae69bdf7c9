"""What the trainings of a run came to, one for each seed: a number, or mean and spread."""

from __future__ import annotations

import statistics
from typing import Any

from descent.runs.folder import RunFolder
from descent.training.metrics import curve, latest


def over_seeds(values: list[float]) -> Any:
    """Return the number itself where there is one, else ``mean``, ``std`` and ``n``.

    The spread is the sample's standard deviation, with n - 1.
    """
    if len(values) == 1:
        return values[0]
    spread = statistics.stdev(values)
    return {"mean": statistics.fmean(values), "std": spread, "n": len(values)}


def last_values(folder: RunFolder) -> dict[str, Any]:
    """Return the last value of each number, over the trainings that have it."""
    each = [latest(lines) for lines in folder.curves()]
    names = dict.fromkeys(name for found in each for name in found)
    return {name: over_seeds([found[name] for found in each if name in found]) for name in names}


def seconds(folder: RunFolder) -> Any:
    """Return the seconds of training."""
    return over_seeds([max(line["time"] for line in lines) for lines in folder.curves()])


def in_words(name: str, value: Any) -> str:
    """Write a number, or a mean with its spread; a share as a percentage.

    Parameters
    ----------
    name : str
        What it is: ``seconds`` have one decimal, accuracies are shares, from 0 to 1.
    value : float or dict
        As `over_seeds` gives it.

    Returns
    -------
    str
    """
    if isinstance(value, dict):
        mean, spread = value["mean"], value["std"]
        digits = in_words(name, spread) if _is_share(name) or name == "seconds" else f"{spread:.2g}"
        return f"{in_words(name, mean)} ± {digits} ({value['n']} seeds)"
    if _is_share(name):
        return f"{100 * value:.2f} %"
    return f"{value:.1f}" if name == "seconds" else f"{value:.5g}"


def _is_share(name: str) -> bool:
    return name.endswith("accuracy")


def show_trainings(folder: RunFolder, metric: str) -> None:
    """Print what each training came to, and mean and spread over all.

    Parameters
    ----------
    folder : RunFolder
    metric : str
        The number of interest, such as ``"test accuracy"``.
    """
    for (told, _), lines in zip(folder.trainings(), folder.curves(), strict=False):
        _, values = curve(lines, metric)
        if values:
            trained = max(line["time"] for line in lines)
            last = in_words(metric, values[-1])
            print(f"seed {told.seed}: {metric} {last} after {trained:.2f} s of training")
    for name, value in ((metric, last_values(folder).get(metric)), ("seconds", seconds(folder))):
        if isinstance(value, dict):
            print(f"mean and standard deviation: {name} {in_words(name, value)}")


def show_curves(folder: RunFolder, training: str = "loss") -> None:
    """Plot the training loss of every training, a thin line each, and their mean."""
    import matplotlib.pyplot as plt

    from descent.figures.style import COLOURS, use_style

    use_style()
    curves = [curve(lines, training) for lines in folder.curves()]
    _, axes = plt.subplots()
    for steps, values in curves:
        axes.plot(steps, values, color=COLOURS["sky"], linewidth=0.8)
    whole = [values for steps, values in curves if steps == curves[0][0]]
    if len(whole) > 1:
        means = [statistics.fmean(values) for values in zip(*whole, strict=True)]
        axes.plot(curves[0][0], means, color=COLOURS["blue"])
        axes.annotate("mean", (curves[0][0][-1], means[-1]), xytext=(4, 4),
                      textcoords="offset points", color=COLOURS["blue"])  # fmt: skip
    axes.set(xlabel="step", ylabel=f"{training} (nats)", yscale="log")
    axes.set_title(f"{len(curves)} training{'s' if len(curves) > 1 else ''}, one line each")
    plt.show()
