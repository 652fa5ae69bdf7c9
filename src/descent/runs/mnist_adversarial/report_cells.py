"""What the report of `mnist_adversarial` shows besides the common parts: attacks, seen and counted.

All of it is of the first training, where there are several seeds.
"""

from __future__ import annotations

import torch
from torch import Tensor

from descent.figures.style import COLOURS
from descent.runs.folder import RunFolder
from descent.runs.results.report_cells import last_model
from descent.runs.results.sweep_cells import show_table
from descent.training.attacks import pgd
from descent.training.intervals import wilson_interval

COUNTED = 200  # pictures that the tables are of: with more they take minutes
SHARES = (1 / 3, 2 / 3, 1.0, 7 / 6, 4 / 3)  # of ε
SHOWN = 8


def show_by_epsilon(folder: RunFolder) -> None:
    """Print the accuracy under PGD with one start and with restarts, by ε, with intervals."""
    task, model, step = last_model(folder)
    s, some = task.settings, slice(0, COUNTED)
    print(
        f"After {step} steps; the first {COUNTED} pictures measured, PGD of {s.measured_steps} "
        f"steps of {s.measured_step:g}, Wilson's 95 % intervals:"
    )
    table = []
    for share in SHARES:
        holds = task.withstands(model, share * s.epsilon, s.restarts, some)
        table.append([f"{share * s.epsilon:.3f}", _counted(holds[0]), _counted(holds[-1])])
    show_table(["ε", "1 start", f"{s.restarts} starts, worst of each"], table)


def show_suspicions(folder: RunFolder) -> None:
    """Print what would betray a gradient that is masked, and not a network that withstands.

    More steps must not help the network, one step must not fool it more often than many, and an
    attack without any bound must always win.
    """
    task, model, _ = last_model(folder)
    s, some = task.settings, slice(0, COUNTED)
    clean, stepped = task.hits(model, *(part[:COUNTED] for part in task.measured[1:]))
    table = [["no attack", _counted(clean)], ["FGSM", _counted(stepped)]]
    for steps in (s.measured_steps, 4 * s.measured_steps):
        held = task.withstands(model, s.epsilon, 1, some, steps)[0]
        table.append([f"PGD of {steps} steps", _counted(held)])
    unbounded = task.withstands(model, 1.0, 1, some, max(200, s.measured_steps))[0]
    table.append(["PGD with ε = 1", _counted(unbounded)])
    show_table(["attack", "read right"], table)


def show_attacked(folder: RunFolder) -> None:
    """Plot digits above what PGD makes of them, with what the network reads in each."""
    import matplotlib.pyplot as plt

    task, model, _ = last_model(folder)
    s = task.settings
    pictures, labels = (part[:SHOWN] for part in task.measured[1:])
    moved = pgd(model, pictures, labels, s.epsilon, s.measured_step, s.measured_steps)
    figure, axes = plt.subplots(2, SHOWN, figsize=(SHOWN, 2.6), squeeze=False)
    for row, shown in zip(axes, (pictures, moved), strict=True):
        read = model(shown).argmax(dim=1)
        for axis, picture, found, truth in zip(row, shown[:, 0], read, labels, strict=True):
            axis.imshow(picture.numpy(), cmap="gray_r", vmin=0, vmax=1)
            axis.axis("off")
            colour = COLOURS["ink"] if found == truth else COLOURS["red"]
            axis.set_title(str(int(found)), fontsize=9, color=colour)
    figure.suptitle(
        f"Above as they are, below under PGD with ε = {s.epsilon:g}; what is read, red if wrong",
        fontsize=9,
    )
    plt.show()


def _counted(holds: Tensor) -> str:
    low, high = wilson_interval(int(holds.sum()) / len(holds), len(holds))
    share = 100 * torch.mean(holds.double()).item()
    return f"{share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
