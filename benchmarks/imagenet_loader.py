"""How many pictures a core makes ready in a second, beside PIL alone.

Usage: python benchmarks/imagenet_loader.py [--pictures 200] [--rounds 5]

Pictures about as large as ImageNet's (500 × 375 and the like, some 100 kB) are generated, stored as
they are and as the preparation stores them, and then made ready: decoded whole by PIL and nothing
else; decoded whole, cut and brought to the network's side, which is what a loader on top of PIL
does; the same with the decoder working at reduced scale; and by the loader's threads. All ways take
the same pictures in turn, and the median of the rounds is printed: for a second of one core, by the
time that the processor spent on it, which other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, features

from descent.data.crops import random_crop
from descent.data.generated_pictures import SHAPES, picture
from descent.data.picture_loader import Decoders, TrainingPictures
from descent.data.shards import Encoding, Shards, write_shards

SIDES = (224, 160, 128)
BATCH = 32
STORED = {"as they are": 0, "side 400": 400, "side 288": 288}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    cores = os.cpu_count() or 1
    Image.preinit()
    turbo = features.version("libjpeg_turbo") or "none"
    print(f"Python {platform.python_version()}, Pillow {Image.__version__}, "
          f"libjpeg-turbo {turbo}, {cores} cores, {platform.machine()}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for name, side in STORED.items():
            shards = made(Path(folder) / str(side), told.pictures, side)
            ways = ways_on_one_core(shards)
            ways |= {f"loader, {SIDES[0]} pixels, {n} threads": loader(shards, n)
                     for n in dict.fromkeys((1, cores))}  # fmt: skip
            print(f"\nstored {name}: {shards.lengths.mean() / 1000:.0f} kB a picture")
            for way, rate in measured(ways, told.pictures, told.rounds).items():
                print(f"  {rate:6.0f} pictures a second and core   {way}")


def made(folder: Path, count: int, side: int) -> Shards:
    """Make pictures, the same ones each time, and store them."""
    folder.mkdir()
    paths = []
    for number in range(count):
        draw = np.random.default_rng(number)
        name = list(SHAPES)[number % len(SHAPES)]
        paths.append((folder / f"{number}.JPEG", number % len(SHAPES)))
        picture(name, 435, draw).save(paths[-1][0], quality=92)
    write_shards(paths, list(SHAPES), folder / "shards", Encoding(side=side))
    return Shards(folder / "shards")


def ways_on_one_core(shards: Shards) -> dict[str, Callable[[], None]]:
    """Return what is measured in this thread alone."""
    jpegs = [shards.picture(number) for number in range(len(shards))]

    def whole() -> None:
        for jpeg in jpegs:
            Image.open(io.BytesIO(jpeg)).convert("RGB")

    def crops(side: int, reduced: bool) -> Callable[[], None]:
        def way() -> None:
            for number, jpeg in enumerate(jpegs):
                random_crop(jpeg, side, np.random.default_rng(number), reduced=reduced)

        return way

    ways: dict[str, Callable[[], None]] = {"PIL alone: decoded whole, nothing else": whole}
    for side in SIDES:
        ways[f"decoded whole, random crop of {side} pixels"] = crops(side, False)
        ways[f"decoded at reduced scale, random crop of {side} pixels"] = crops(side, True)
    return ways


def loader(shards: Shards, threads: int) -> Callable[[], None]:
    """Return the loader's own batches, as a training takes them."""

    def way() -> None:
        steps = len(shards) // BATCH
        training = TrainingPictures(
            shards,
            Decoders(threads),
            seed=0,
            batch_size=BATCH,
            steps=steps,
            side=lambda step: SIDES[0],
            least_area=0.08,
            window=0,
        )
        for step in range(steps):
            training.batch(step, range(BATCH), range(BATCH))

    return way


def measured(ways: dict[str, Callable[[], None]], count: int, rounds: int) -> dict[str, float]:
    """Take the ways in turn, so that all meet the machine as it is at the time."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            way()
            seconds[name].append(time.process_time() - started)
    return {name: count / statistics.median(times) for name, times in seconds.items()}


if __name__ == "__main__":
    main()
