"""What the report of `ddpm` shows besides the common parts: noise, samples, and what they are."""

from __future__ import annotations

import contextlib
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from descent.data.mnist import SIDE, Mnist, mnist
from descent.runs.ddpm import DdpmSettings
from descent.runs.ddpm.diffusion import noisy, ways_back
from descent.runs.ddpm.task import make_task
from descent.runs.definition.catalogue import find_run
from descent.runs.definition.profiles import settings_of
from descent.runs.folder import RunFolder
from descent.runs.mnist_resnet import MnistSettings
from descent.runs.mnist_resnet.task import DigitsTask
from descent.runs.mnist_resnet.task import make_task as make_digits_task
from descent.runs.results.report_cells import last_model
from descent.training.distributed import Processes
from descent.training.loop import train

SHOWN = 10  # pictures in a row
ROWS = 4  # of samples
BANDS = 10  # of steps whose loss is a point of its curve
SHOWN_STEPS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # shares of T


def show_noise(folder: RunFolder) -> None:
    """Plot one digit as the model is given it, from the first step of the noise to the last."""
    settings = cast(DdpmSettings, folder.settings())
    task = make_task(settings, "cpu")
    times = torch.tensor([round(share * (settings.noise_steps - 1)) for share in SHOWN_STEPS])
    drawn = torch.Generator().manual_seed(settings.seed)
    noise = torch.randn((len(times), 1, SIDE, SIDE), generator=drawn)
    given = noisy(task.validation[:1].expand_as(noise), noise, task.kept[times])
    _show_grid(given, [f"t = {t}" for t in times.tolist()], f"{task.source}, and noise on it")


def show_loss_by_step(folder: RunFolder) -> None:
    """Plot the validation loss against the step of the noise: where it is easy to find."""
    import matplotlib.pyplot as plt

    from descent.figures import plot_curves

    task, model, _ = last_model(folder)
    with torch.no_grad():
        times, noise = task.measured()
        errors = task.errors(model, times, noise, Processes())
    bands = [
        (int(t.float().mean()), float(part.mean()))
        for t, part in zip(times.tensor_split(BANDS), errors.tensor_split(BANDS), strict=True)
        if len(part)
    ]
    steps, means = zip(*bands, strict=True)
    label = f"loss ({folder.run().loss_in})"
    plot_curves(
        {"validation loss": (list(steps), list(means))}, "step of the noise, t", label, logy=True
    )
    plt.show()


def draw_samples(folder: RunFolder) -> Tensor:
    """Make digits with the model of the newest checkpoint, and plot some, and the way of one.

    Returns
    -------
    Tensor
        (samples, 1, 28, 28), from -1, paper, to 1, ink; on the CPU.
    """
    settings = cast(DdpmSettings, folder.settings())
    device = "cuda" if settings.device == "cuda" and torch.cuda.is_available() else "cpu"
    task, model, step = last_model(folder, device)
    draw = torch.Generator(device).manual_seed(settings.seed)
    shape = (settings.samples, 1, SIDE, SIDE)
    noise = torch.randn(shape, generator=draw, device=device)
    way, made = [noise[:1].cpu()], noise
    for _, made in ways_back(model, noise, task.kept, settings.sampling_steps, draw):
        way.append(made[:1].cpu())
    shown = [way[round(i * (len(way) - 1) / (SHOWN - 1))] for i in range(SHOWN)]
    _show_grid(torch.cat(shown), [], "From noise to a digit")
    _show_grid(made.cpu()[: SHOWN * ROWS], [], f"Made after {step} steps of training")
    return made.cpu()


def show_what_they_are(folder: RunFolder, made: Tensor) -> None:
    """Print which digits a classifier sees in the samples and how sure it is, real ones beside.

    The classifier is the one of the run `mnist_resnet`, trained here for some seconds.
    """
    settings = cast(DdpmSettings, folder.settings())
    changes = {"steps": settings.classifier_steps, "seeds": 1, "digits": settings.digits}
    told = cast(MnistSettings, settings_of(find_run("mnist_resnet"), "cpu", changes))
    judge = make_digits_task(told, "cpu")
    with contextlib.redirect_stdout(None):  # its steps are no part of the report
        train(judge, told, folder.path / "classifier", Processes())
    real = mnist("test")
    drawn = ((made.clamp(-1, 1) + 1) * 127.5).round().byte().squeeze(1).numpy()
    samples = Mnist(drawn, np.zeros(len(drawn), dtype=np.int64), "samples")
    rows = {"made": _judged(judge, samples), "real": _judged(judge, real)}
    print(f"{len(drawn)} samples, and the {len(real.labels)} digits of the test set:")
    print(f"{'':6}" + "".join(f"{digit:>7}" for digit in range(10)) + "   mean confidence")
    for name, sure in rows.items():
        seen = sure.argmax(dim=1).bincount(minlength=10) / len(sure)
        shares = "".join(f"{100 * share:6.1f}%" for share in seen.tolist())
        print(f"{name:6}{shares}   {sure.amax(dim=1).mean():.3f}")
    right = (rows["real"].argmax(dim=1).numpy() == real.labels).mean()
    print(f"The classifier is right about {100 * right:.2f} % of the real ones.")


@torch.no_grad()
def _judged(judge: DigitsTask, digits: Mnist) -> Tensor:
    """Return the probability of each digit: (n, 10)."""
    network: nn.Module = judge.network.eval()
    pictures, _ = judge.resident(digits)
    parts = [network(some[:, None]).softmax(dim=1) for some in pictures.split(1000)]
    return torch.cat(parts)


def _show_grid(pictures: Tensor, titles: list[str], heading: str) -> None:
    """Plot pictures in rows; a short one is filled with nothing."""
    import matplotlib.pyplot as plt

    rows = -(-len(pictures) // SHOWN)
    figure, axes = plt.subplots(rows, SHOWN, figsize=(SHOWN, 1.1 * rows + 0.4), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture in zip(axes.flat, pictures[:, 0], strict=False):
        axis.imshow(picture.numpy(), cmap="gray_r", vmin=-1, vmax=1)
    for axis, title in zip(axes.flat, titles, strict=False):
        axis.set_title(title, fontsize=8)
    figure.suptitle(heading, fontsize=9)
    plt.show()
