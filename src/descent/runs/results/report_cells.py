"""What the cells of every run's report call."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from descent.errors import CourseError
from descent.runs.definition.catalogue import task_module
from descent.runs.folder import RunFolder
from descent.runs.folder.learner_model import own_class
from descent.runs.launching.torchrun import cause_of_death, follow_log, start_torchrun
from descent.runs.results.numbers import in_words, last_values, seconds, sweep_in_words
from descent.training.checkpoint import load_checkpoint, newest_checkpoint
from descent.training.metrics import curve, last_step, latest
from descent.training.stopping import FINISHED, STOPPED


class RunFailed(CourseError):
    """A process of the run died; the message has its own traceback."""


def show_settings(folder: RunFolder) -> None:
    """Print the settings, and which of them differ from the profile."""
    asked = folder.asked()
    print(f"{asked['run']}, profile {asked['profile']}")
    for name, value in asked["settings"].items():
        print(f"  {name} = {value}{'   (changed)' if name in asked['changes'] else ''}")


def show_machine() -> None:
    """Print what the numbers depend on: processor, GPUs, versions, date."""
    import torch

    print(f"{time.strftime('%Y-%m-%d %H:%M')}, {platform.system()} on {platform.machine()}")
    print(
        f"{os.cpu_count()} processors; Python {sys.version.split()[0]}; torch {torch.__version__}"
    )
    for number in range(torch.cuda.device_count()):
        print(f"GPU {number}: {torch.cuda.get_device_name(number)}")


def train_run(folder: RunFolder) -> None:
    """Train under torchrun and show its log here.

    The exit code, and on failure the reason, are left in the folder: they are what the run is
    judged by, not the state of this notebook.

    Raises
    ------
    RunFailed
        With the traceback of the process that failed first.
    """
    code, printed = follow_program(folder, start_torchrun)
    reason = cause_of_death(folder, code, printed) if code else ""
    folder.write("exit.json", {"code": code, "reason": reason})
    if code and folder.read("program.json").get("outcome") != STOPPED:
        raise RunFailed(reason)


def follow_program(
    folder: RunFolder, start: Callable[[RunFolder], subprocess.Popen[bytes]]
) -> tuple[int, str]:
    """Start a program and show its log here; return its exit code and all that it printed."""
    before = folder.log.stat().st_size if folder.log.exists() else 0
    process = start(folder)
    for line in _not_too_many(follow_log(folder, process, before)):
        print(line, flush=True)
    code = process.wait()
    with folder.log.open("rb") as log:
        log.seek(before)
        return code, log.read().decode(errors="replace")


def show_curve(folder: RunFolder, training: str = "loss", logy: bool = False) -> None:
    """Plot the training loss, and every measured loss over it."""
    import matplotlib.pyplot as plt

    from descent.figures import plot_curves

    lines = folder.metrics()
    names = [training, *sorted({name for line in lines for name in line if name.endswith(" loss")})]
    curves = {name: curve(lines, name) for name in names}
    drawn = {name: found for name, found in curves.items() if found[0]}
    plot_curves(drawn, "step", f"loss ({folder.run().loss_in})", logy=logy)
    plt.show()


def show_trainings(folder: RunFolder, metric: str) -> None:
    """Print what each training came to, and mean and spread over all.

    Parameters
    ----------
    folder : RunFolder
    metric : str
        The number of interest, such as ``"test accuracy"``.
    """
    for (settings, _), lines in zip(folder.trainings(), folder.curves(), strict=False):
        _, values = curve(lines, metric)
        if values:
            trained = max(line["time"] for line in lines)
            last = in_words(metric, values[-1])
            print(f"seed {settings.seed}: {metric} {last} after {trained:.2f} s of training")
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
    axes.set(xlabel="step", ylabel=f"{training} ({folder.run().loss_in})", yscale="log")
    axes.set_title(f"{len(curves)} training{'s' if len(curves) > 1 else ''}, one line each")
    plt.show()


def show_comparison(folder: RunFolder) -> None:
    """Print the published numbers beside the measured ones, and say what is not comparable."""
    asked = folder.asked()
    outcome = folder.read("program.json").get("outcome")
    if outcome != FINISHED:
        reached = f"{folder.unit} {folder.step()}"
        print(f"Not finished: it {outcome or 'ended'} at {reached}. The numbers so far:")
    for line in _measured(folder):
        print(line)
    published = [number for number in folder.run().published if number.profile == asked["profile"]]
    metrics, last = folder.metrics(), last_values(folder)
    for number in published:
        _, values = curve(metrics, number.metric)  # none where a sweep's trainings come to it
        found = last.get(number.metric)
        if found is None:
            continue
        measured = in_words(number.metric, found)
        if values and not isinstance(found, dict):
            best = max(values) if number.metric.endswith("accuracy") else min(values)
            measured += f" (best {in_words(number.metric, best)})"
        print(f"{number.metric}: measured {measured}")
        said = in_words(number.metric, number.value)
        print(f"{'':{len(number.metric)}}  published {said}, {number.source}")
    if not published:
        print(f"No number was published for the profile {asked['profile']}.")
    if asked["changes"]:
        changed = ", ".join(f"{name} = {value}" for name, value in asked["changes"].items())
        print(f"Not the published configuration: {changed}.")


def last_state(folder: RunFolder) -> dict[str, Any]:
    """Return the newest checkpoint: what samples are drawn from.

    Raises
    ------
    CourseError
        When nothing was saved.
    """
    step = newest_checkpoint(folder.checkpoints)
    if step is None:
        raise CourseError("Nothing was saved yet.")
    return load_checkpoint(folder.checkpoints, step)


def last_model(folder: RunFolder, device: str = "cpu") -> tuple[Any, Any, int]:
    """Return a run's task, the model of its newest checkpoint, and the step of that.

    Where the run keeps an average of the weights, the model has it: that is what is evaluated.

    Raises
    ------
    CourseError
        When nothing was saved.
    """
    state = last_state(folder)
    task = task_module(folder.run()).make_task(folder.settings(), device, own_class(folder))
    model = task.model()
    averaged = {
        name.removeprefix("module."): value
        for name, value in state["average"].items()
        if name.startswith("module.")
    }
    model.load_state_dict(averaged or state["model"])
    return task, model.to(device).eval(), state["step"]


def _measured(folder: RunFolder) -> list[str]:
    lines = folder.metrics()
    if not lines:
        return ["Nothing was measured."]
    if folder.run().sweep:
        return sweep_in_words(folder)
    seconds = max(line["time"] for line in lines)
    shown = [
        f"{name} {value:.4f}" for name, value in latest(lines).items() if name.endswith("loss")
    ]
    return [f"step {last_step(lines)}, {seconds:.1f} s of training: {', '.join(shown)}"]


def _not_too_many(lines: Iterable[str]) -> Iterator[str]:
    """Leave out lines of progress that come closer than a hundredth of the time so far."""
    began = shown = time.monotonic()
    for line in lines:
        now = time.monotonic()
        progress = line.startswith("training ") or (line.startswith("step ") and "  loss " in line)
        if not progress or now - shown >= max(1.0, (now - began) / 100):
            yield line
            shown = now if progress else shown
