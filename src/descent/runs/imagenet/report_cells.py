"""What the report of `imagenet` shows besides the curve: crops, accuracies, and the table."""

from __future__ import annotations

from typing import cast

from descent.runs.folder import RunFolder
from descent.runs.imagenet import ImageNetSettings
from descent.runs.imagenet.task import make_task
from descent.training.metrics import curve, latest

SHOWN = 8  # pictures in a row
METRICS = ("top-1 accuracy", "top-5 accuracy")


def show_crops(folder: RunFolder) -> None:
    """Plot the first pictures of the first batch, as the loader gives them."""
    import matplotlib.pyplot as plt

    settings = cast(ImageNetSettings, folder.settings())
    task = make_task(settings, "cpu")
    rows = range(min(SHOWN, settings.batch_size))
    pictures = task.training.batch(0, rows, rows).pictures
    figure, axes = plt.subplots(1, len(rows), figsize=(1.2 * len(rows), 1.4), squeeze=False)
    for axis, pixels in zip(axes[0], pictures, strict=True):
        axis.imshow(pixels.numpy())
        axis.axis("off")
    figure.suptitle(f"{task.source}, {settings.side_at(0)} pixels", fontsize=9)
    plt.show()


def show_accuracy(folder: RunFolder) -> None:
    """Plot top-1 and top-5 on the pictures that were held out."""
    import matplotlib.pyplot as plt

    from descent.figures import plot_curves

    curves = {name: curve(folder.metrics(), name) for name in METRICS}
    plot_curves({name: found for name, found in curves.items() if found[0]}, "step", "accuracy")
    plt.show()


def show_table(folder: RunFolder) -> None:
    """Print the published table, ours first, and say where ours does not belong in it."""
    asked, measured = folder.asked(), latest(folder.metrics())
    rows = [(f"this run, profile {asked['profile']}", measured)]
    published: dict[str, dict[str, float]] = {}
    for number in folder.run().published:
        published.setdefault(number.source, {})[number.metric] = number.value
    rows += list(published.items())
    print(f"{'top-1 %':>8}{'top-5 %':>8}   ResNet-50 on ImageNet's 50 000 validation pictures")
    for source, numbers in rows:
        both = (numbers.get(name) for name in METRICS)
        shown = "".join(
            f"{100 * value:8.2f}" if value is not None else f"{'':>8}" for value in both
        )
        print(f"{shown}   {source}")
    settings = cast(ImageNetSettings, folder.settings())
    if settings.pictures != "imagenet":
        print("This run's pictures are generated: its numbers have no place in this table.")
