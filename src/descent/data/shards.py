"""Shards: many small pictures in a few large files, so that an epoch is large sequential reads.

A split is a folder. Each shard of it is two files, ``shard-00012.jpegs``, its pictures one after
another, and ``shard-00012.npz``, where each begins, how long it is, and its class. The second is
written last: a shard is there when it is. ``pictures.json`` says that all of them are.
"""

from __future__ import annotations

import hashlib
import io
import json
import mmap
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from descent.data.fetch import DataError, UnavailableFile

SUMMARY = "pictures.json"
PLAN = "plan.json"
READ_AT_ONCE = 4 << 20
SHOWN = 10  # bad pictures named in a message


class BadPictures(DataError):
    """Pictures that cannot be decoded; the message names them."""


@dataclass(frozen=True)
class Encoding:
    """How pictures are stored.

    Attributes
    ----------
    side : int
        The longest that a picture's shorter side may be, in pixels: what is larger is made smaller.
        0 keeps every file as it is, byte for byte.
    quality : int
        JPEG quality of those that are made smaller.
    pictures_each : int
        Pictures in a shard.
    """

    side: int = 400
    quality: int = 90
    pictures_each: int = 2048


def write_shards(
    pictures: Sequence[tuple[Path, int]],
    classes: Sequence[str],
    folder: Path,
    encoding: Encoding,
    workers: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Write the shards of a split that are not there yet, then its summary.

    Parameters
    ----------
    pictures : sequence of (Path, int)
        Files and their classes, in the order they are to be stored in.
    classes : sequence of str
        Names of the classes.
    folder : Path
        Made if it is not there. An interrupted preparation goes on with the next missing shard.
    encoding : Encoding
    workers : int
        Shards written at the same time.
    say : callable
        Takes lines of progress.

    Raises
    ------
    BadPictures
        When files cannot be decoded. Shards without such a file are written all the same.
    DataError
        When the folder holds shards of other pictures or another encoding, or cannot be written.
    """
    plan = {**vars(encoding), "pictures": len(pictures), "list": _digest(pictures)}
    try:
        _begin(folder, plan)
        starts = range(0, len(pictures), encoding.pictures_each)
        parts = [pictures[start : start + encoding.pictures_each] for start in starts]
        todo = [number for number in range(len(parts)) if not _index(folder, number).exists()]
        say(f"{folder}: {len(todo)} of {len(parts)} shards to write")
        write = partial(_write_shard, folder, encoding)
        bad: list[str] = []
        with ThreadPoolExecutor(workers) as pool:
            done = pool.map(write, todo, [parts[number] for number in todo])
            for count, found in enumerate(done, 1):
                bad += found
                say(f"{folder}: {count} of {len(todo)} shards done")
        if bad:
            raise BadPictures(_named(bad))
        summary = {"pictures": len(pictures), "shards": len(parts), "classes": list(classes)}
        _write_whole(folder / SUMMARY, json.dumps(summary).encode())
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror or error}).") from error


class Shards:
    """The pictures of a split, read as they are asked for.

    Parameters
    ----------
    folder : Path
        What `write_shards` filled.

    Attributes
    ----------
    classes : list of str
    labels : (pictures,) array of int64
    sizes : list of int
        Pictures in each shard.

    Raises
    ------
    UnavailableFile
        When there is no whole split.
    DataError
        When a shard is not what its index says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        problem = unfinished(folder)
        if problem:
            raise UnavailableFile(problem)
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        self.classes: list[str] = summary["classes"]
        indices = [_read_index(folder, number) for number in range(summary["shards"])]
        self.sizes = [len(index["labels"]) for index in indices]
        self.offsets = np.concatenate([index["offsets"] for index in indices])
        self.lengths = np.concatenate([index["lengths"] for index in indices])
        self.labels = np.concatenate([index["labels"] for index in indices]).astype(np.int64)
        self.shard_of = np.repeat(np.arange(len(self.sizes)), self.sizes)
        self.files = [_mapped(folder, number) for number in range(len(self.sizes))]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labels)

    def picture(self, number: int) -> bytes:
        """Return the file of a picture."""
        start = int(self.offsets[number])
        return self.files[self.shard_of[number]][start : start + int(self.lengths[number])]

    def read_through(self, shard: int) -> None:
        """Read a shard from beginning to end, so that its pictures are in memory when asked for.

        What a hint to the system (``madvise``) reads ahead is a few MB at most.
        """
        with _content(self.folder, shard).open("rb", buffering=0) as file:
            buffer = bytearray(READ_AT_ONCE)
            while file.readinto(buffer):
                pass


def unfinished(folder: Path) -> str | None:
    """Say why a folder is no whole split, or None."""
    if (folder / SUMMARY).exists():
        return None
    if not (folder / PLAN).exists():
        return f"there are no shards in {folder}"
    there = len(list(folder.glob("shard-*.npz")))
    return f"the preparation of {folder} is not finished: {there} shards so far; start it again"


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Make the folder, or check that it was begun with the same plan."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PLAN
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != plan:
            raise DataError(
                f"{folder} holds shards of other pictures, or stored in another way. Give another "
                "folder, or delete this one."
            )
        return
    _write_whole(path, json.dumps(plan).encode())


def _write_shard(
    folder: Path, encoding: Encoding, number: int, pictures: Sequence[tuple[Path, int]]
) -> list[str]:
    """Write one shard, or return what is wrong with its pictures."""
    bad, lengths = [], []
    passing = _content(folder, number).with_suffix(".partial")
    try:
        with passing.open("wb") as file:
            for path, _ in pictures:
                content, problem = _content_of(path, encoding)
                lengths.append(file.write(content))
                if problem:
                    bad.append(f"{path} ({problem})")
            file.flush()
            os.fsync(file.fileno())
        if bad:
            return bad
        os.replace(passing, _content(folder, number))
    finally:
        passing.unlink(missing_ok=True)
    index = io.BytesIO()
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    labels = np.array([label for _, label in pictures], dtype=np.int32)
    np.savez(index, offsets=offsets, lengths=np.array(lengths, dtype=np.int64), labels=labels)
    _write_whole(_index(folder, number), index.getvalue())
    return []


def _content_of(path: Path, encoding: Encoding) -> tuple[bytes, str]:
    """Return what is stored of a file, and what is wrong with it (empty if nothing is)."""
    try:
        return stored(path.read_bytes(), encoding), ""
    except UnidentifiedImageError:
        return b"", "no picture"
    # PIL raises many kinds on broken data.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return b"", getattr(error, "strerror", None) or str(error)


def stored(content: bytes, encoding: Encoding) -> bytes:
    """Return a picture as it is stored, after decoding it once to see that it is whole.

    Raises
    ------
    OSError, SyntaxError, ValueError
        When it cannot be decoded.
    """
    with Image.open(io.BytesIO(content)) as image:
        short = min(image.size)
        fits = image.format == "JPEG" and image.mode in ("RGB", "L") and short <= encoding.side
        if encoding.side == 0 or fits:
            # An eighth of the size is enough to read every byte, at a fraction of the time.
            image.draft("RGB", (1, 1))
            image.load()
            return content
        factor = min(1.0, encoding.side / short)
        size = (round(image.width * factor), round(image.height * factor))
        image.draft("RGB", (2 * size[0], 2 * size[1]))  # decodes no more than it needs
        smaller = image.convert("RGB")
        if smaller.size != size:
            smaller = smaller.resize(size, Image.Resampling.LANCZOS)
    written = io.BytesIO()
    smaller.save(written, "JPEG", quality=encoding.quality)
    return written.getvalue()


def _named(bad: list[str]) -> str:
    more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    return (
        f"{len(bad)} pictures cannot be decoded: {'; '.join(bad[:SHOWN])}{more}. Put good copies "
        "in their place and start again: what is done stays."
    )


def _digest(pictures: Sequence[tuple[Path, int]]) -> str:
    names = "\n".join(f"{path.parent.name}/{path.name} {label}" for path, label in pictures)
    return hashlib.sha256(names.encode()).hexdigest()


def _content(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05d}.jpegs"


def _index(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05d}.npz"


def _read_index(folder: Path, number: int) -> dict[str, Any]:
    path = _index(folder, number)
    try:
        with np.load(path) as arrays:
            index = {name: arrays[name] for name in ("offsets", "lengths", "labels")}
        size = _content(folder, number).stat().st_size
    except (OSError, ValueError, KeyError) as error:
        raise _broken(path, "it cannot be read") from error
    if size != index["lengths"].sum():
        raise _broken(_content(folder, number), f"it has {size} bytes, its index says another")
    return index


def _broken(path: Path, why: str) -> DataError:
    return DataError(
        f"{path}: {why}. Delete {path.stem}.npz and {SUMMARY} there, and prepare again: the rest "
        "stays."
    )


def _mapped(folder: Path, number: int) -> mmap.mmap:
    with _content(folder, number).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _write_whole(path: Path, content: bytes) -> None:
    passing = path.with_suffix(path.suffix + ".partial")
    with passing.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(passing, path)
