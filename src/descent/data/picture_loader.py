"""Batches of pictures, decoded by threads before they are asked for.

Decoding and resizing are done by C code that lets go of Python's lock, so threads keep all cores
busy without copies between processes. What is in a batch follows from the seed and the step alone:
no state has to be saved, and each process decodes only its own rows of the same global batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descent.data.crops import centre_crop, random_crop
from descent.data.fetch import DataError
from descent.data.shards import Shards

AHEAD = 3  # batches under way while one is used
TOGETHER = 8  # pictures that a thread decodes in one go
EPOCH, CROP = 11, 12  # keep the draws of the order and of the crops apart


class Order:
    """Which picture stands at each place of an endless stream, epoch after epoch.

    In an epoch each picture comes once. The shards come in random order, and pictures are mixed
    among as many shards as a window has, so that few shards are read at a time.

    Parameters
    ----------
    sizes : list of int
        Pictures in each shard.
    window : int
        Shards mixed together; 0 for all.
    seed : int
    """

    def __init__(self, sizes: list[int], window: int, seed: int) -> None:
        self.sizes, self.window, self.seed = sizes, window or len(sizes), seed
        self.starts = np.cumsum([0, *sizes])
        self.length = int(self.starts[-1])
        self.epoch = lru_cache(maxsize=2)(self._epoch)

    def pictures(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the pictures at the places from `start` to before `stop`."""
        places = np.arange(start, stop)
        epochs = places // self.length
        return np.array(
            [self.epoch(int(epoch))[0][place % self.length]
             for epoch, place in zip(epochs, places, strict=True)],
            dtype=np.int64,
        )  # fmt: skip

    def shards_by(self, place: int) -> list[tuple[int, int]]:
        """Return epoch and number of the shards that should have been read when a place is reached.

        They are those of its window, and as large a part of the following window as the place is
        into its own, so that the disk is busy evenly. None where all shards are one window.
        """
        if self.window >= len(self.sizes):
            return []
        epoch, within = divmod(place, self.length)
        ends = self.epoch(epoch)[2]
        window = int(np.searchsorted(ends, within, side="right"))
        start = int(ends[window - 1]) if window else 0
        into = (within - start) / (int(ends[window]) - start)
        following = (epoch, window + 1) if window + 1 < len(ends) else (epoch + 1, 0)
        now, later = self._window(epoch, window), self._window(*following)
        return now + later[: int(np.ceil(into * len(later)))]

    def _window(self, epoch: int, window: int) -> list[tuple[int, int]]:
        shards = self.epoch(epoch)[1][window * self.window : (window + 1) * self.window]
        return [(epoch, int(shard)) for shard in shards]

    def _epoch(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return an epoch's pictures, its shards, and where each window ends."""
        draw = np.random.default_rng([self.seed, EPOCH, epoch])
        shards = draw.permutation(len(self.sizes))
        windows = []
        for first in range(0, len(shards), self.window):
            together = [
                np.arange(self.starts[shard], self.starts[shard + 1])
                for shard in shards[first : first + self.window]
            ]
            windows.append(draw.permutation(np.concatenate(together)))
        ends = np.cumsum([len(window) for window in windows])
        return np.concatenate(windows), shards, ends


@dataclass
class Batch:
    """Pictures and labels, complete once `wait` has returned.

    Attributes
    ----------
    pictures : (rows, side, side, 3) tensor of uint8
    labels : (rows,) tensor of int64
    """

    pictures: Tensor
    labels: Tensor
    under_way: list[Future[None]] = field(default_factory=list)

    def wait(self) -> Batch:
        """Wait until every picture is there; an error of a thread is raised here."""
        for part in self.under_way:
            part.result()
        return self


Decode = Callable[[int, bytes], NDArray[np.uint8]]
"""From a row and its JPEG to (side, side, 3)."""


class Decoders:
    """Threads that decode.

    Parameters
    ----------
    workers : int
        How many.
    pinned : bool
        Whether batches lie in memory that a GPU can fetch from by itself.
    """

    def __init__(self, workers: int, pinned: bool = False) -> None:
        self.pool = ThreadPoolExecutor(workers, "decode")
        self.pinned = pinned

    def start(self, shards: Shards, numbers: NDArray[np.int64], side: int, decode: Decode) -> Batch:
        """Begin to decode some pictures into a batch."""
        shape = (len(numbers), side, side, 3)
        pictures = torch.empty(shape, dtype=torch.uint8, pin_memory=self.pinned)
        batch = Batch(pictures, torch.from_numpy(shards.labels[numbers]))
        into = pictures.numpy()

        def fill(first: int) -> None:
            for row in range(first, min(first + TOGETHER, len(numbers))):
                number = int(numbers[row])
                try:
                    into[row] = decode(row, shards.picture(number))
                except (OSError, SyntaxError, ValueError) as error:
                    where = f"picture {number} of {shards.folder}"
                    raise DataError(f"{where} cannot be decoded: {error}") from error

        starts = range(0, len(numbers), TOGETHER)
        batch.under_way = [self.pool.submit(fill, first) for first in starts]
        return batch


class TrainingPictures:
    """The batches of a training, randomly cropped.

    Parameters
    ----------
    shards : Shards
    decoders : Decoders
    seed : int
    batch_size : int
        Rows of the global batch.
    steps : int
        Nothing is decoded for steps after these.
    side : callable
        The side of a step's pictures.
    least_area : float
        See `crops.random_box`.
    window : int
        See `Order`.
    """

    def __init__(
        self,
        shards: Shards,
        decoders: Decoders,
        *,
        seed: int,
        batch_size: int,
        steps: int,
        side: Callable[[int], int],
        least_area: float,
        window: int,
    ) -> None:
        self.shards, self.decoders = shards, decoders
        self.order = Order(shards.sizes, window, seed)
        self.seed, self.batch_size, self.steps = seed, batch_size, steps
        self.side, self.least_area = side, least_area
        self.under_way: dict[tuple[int, int, int], Batch] = {}
        self.reader = ThreadPoolExecutor(1, "read")
        self.read: list[tuple[int, int]] = []

    def batch(self, step: int, rows: range, share: range) -> Batch:
        """Return some rows of a step's batch, and begin with those that come after.

        Parameters
        ----------
        step : int
        rows : range
            Of the global batch, one part of the share.
        share : range
            All rows of the global batch that this process takes, in parts as long as `rows`.
        """
        wanted = list(self._from(step, rows, share))
        # What was begun for another continuation than this one is let go.
        self.under_way = {key: self.under_way[key] for key in wanted if key in self.under_way}
        for key in wanted:
            if key not in self.under_way:
                self.under_way[key] = self._start(*key)
        return self.under_way.pop(wanted[0]).wait()

    def _from(self, step: int, rows: range, share: range) -> Iterator[tuple[int, int, int]]:
        """Name the parts from one on, in the order they are trained on."""
        start, stop = rows.start, rows.stop
        for _ in range(1 + AHEAD):
            if step >= self.steps:
                return
            yield step, start, stop
            start, stop = stop, stop + len(rows)
            if start >= share.stop:
                step, start, stop = step + 1, share.start, share.start + len(rows)

    def _start(self, step: int, start: int, stop: int) -> Batch:
        first = step * self.batch_size
        numbers = self.order.pictures(first + start, first + stop)
        side = self.side(step)
        due = self.order.shards_by(first)
        for epoch, shard in due:
            if (epoch, shard) not in self.read:
                self.reader.submit(self.shards.read_through, shard)
        self.read = due

        def decode(row: int, jpeg: bytes) -> NDArray[np.uint8]:
            draw = np.random.default_rng([self.seed, CROP, step, start + row])
            return random_crop(jpeg, side, draw, self.least_area)

        return self.decoders.start(self.shards, numbers, side, decode)


def evaluation_batches(
    shards: Shards, decoders: Decoders, rows: range, batch: int, resize: int, side: int
) -> Iterator[Batch]:
    """Yield the middle crops of some pictures, in order; the last batch has what is left.

    Parameters
    ----------
    shards : Shards
    decoders : Decoders
    rows : range
        Pictures of the split.
    batch : int
        Pictures in a batch.
    resize, side : int
        See `crops.centre_crop`.
    """

    def start(first: int) -> Batch:
        numbers = np.arange(first, min(first + batch, rows.stop))
        return decoders.start(
            shards, numbers, side, lambda _, jpeg: centre_crop(jpeg, resize, side)
        )

    waiting: list[Batch] = []
    for first in range(rows.start, rows.stop, batch):
        waiting.append(start(first))
        if len(waiting) > AHEAD:
            yield waiting.pop(0).wait()
    for left in waiting:
        yield left.wait()
