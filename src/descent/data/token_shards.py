"""A text as token numbers on disk: shards that are read through memory maps.

A folder has an ``index.json`` and files of unsigned 16-bit numbers, little-endian, a training and a
validation file for each stretch of documents. A shard is written whole or not at all, and named in
the index only then; what was interrupted goes on after the last that is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descent.data.fetch import DataError

INDEX = "index.json"
SPLITS = ("training", "validation")
NUMBERS = np.dtype("<u2")
MOST_TOKENS = 2**16  # different ones that 16 bits can number


class BrokenShards(DataError):
    """A folder of shards is not whole, or not of what was asked for; the message says what."""


@dataclass(frozen=True)
class Origin:
    """What shards were made of: others are not mixed with them.

    Attributes
    ----------
    text : what the documents are, such as "Skylion007/openwebtext".
    encoding : how they became tokens: a `Bpe`'s source.
    vocabulary : how many different tokens there are, that of the end of a text among them.
    end_of_text : the token that follows each document.
    documents : how many there are.
    validation_share, seed : which share of the documents is held out, and the draw of which.
    shard_tokens : from how many tokens on a shard is closed.
    """

    text: str
    encoding: str
    vocabulary: int
    end_of_text: int
    documents: int
    validation_share: float
    seed: int
    shard_tokens: int


class Index:
    """The list of a folder's shards, which grows as they are made.

    Parameters
    ----------
    folder : Path
    origin : Origin, optional
        What the shards are made of, where they are to be made. A folder that holds part of the
        same goes on; a folder of another is refused.

    Raises
    ------
    BrokenShards : there is no index, it cannot be read, or it is of another origin.
    """

    def __init__(self, folder: Path, origin: Origin | None = None) -> None:
        self.folder = folder
        found = self._read(missing_is_new=origin is not None)
        if origin is not None and found and found["origin"] != asdict(origin):
            raise BrokenShards(
                f"{folder} holds the tokens of something else ({_difference(found, origin)}). Take "
                "another folder, or delete it."
            )
        self.origin = Origin(**found["origin"]) if found else origin
        self.shards: list[dict[str, Any]] = found["shards"] if found else []

    @property
    def next_document(self) -> int:
        """The first document that is in no shard yet."""
        return int(self.shards[-1]["documents"][1]) if self.shards else 0

    @property
    def complete(self) -> bool:
        """Whether every document is in a shard."""
        return self.origin is not None and self.next_document == self.origin.documents

    def tokens(self, split: str) -> int:
        """Return how many tokens of a split there are so far."""
        return sum(shard[split]["tokens"] for shard in self.shards)

    def add(self, last: int, tokens: dict[str, NDArray[np.uint16]]) -> None:
        """Write the shard of the documents from `next_document` up to `last`, exclusive.

        Raises
        ------
        BrokenShards : it cannot be written, as on a full disk; what was there stays.
        """
        number = len(self.shards)
        shard: dict[str, Any] = {"documents": [self.next_document, last]}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for split in SPLITS:
                content = tokens[split].astype(NUMBERS).tobytes()
                name = f"{split}-{number:05d}.bin"
                _write_whole(self.folder / name, content)
                sha256 = hashlib.sha256(content).hexdigest()
                shard[split] = {"file": name, "tokens": len(tokens[split]), "sha256": sha256}
            self._write([*self.shards, shard])
        except OSError as error:
            raise BrokenShards(
                f"Shard {number} could not be written in {self.folder}: "
                f"{error.strerror or error}. Those before it are as they were; prepared again, it "
                "goes on after them."
            ) from error
        self.shards.append(shard)

    def drop_damaged(self) -> int:
        """Forget the first shard whose files are damaged, and all after it; return how many.

        Every file is read, which takes a minute for some gigabytes.
        """
        good = 0
        while good < len(self.shards) and not self._damage(self.shards[good], thorough=True):
            good += 1
        dropped = len(self.shards) - good
        if dropped:
            self.shards = self.shards[:good]
            self._write(self.shards)
        return dropped

    def problem(self) -> str | None:
        """Say what is wrong with the folder, or None; the files' lengths are looked at."""
        if not self.complete:
            done = f"{self.next_document} of {self.origin.documents}" if self.origin else "none"
            return f"{self.folder} is not complete: {done} documents are in it"
        problems = (self._damage(shard, thorough=False) for shard in self.shards)
        return next((problem for problem in problems if problem), None)

    def _damage(self, shard: dict[str, Any], thorough: bool) -> str | None:
        for split in SPLITS:
            path = self.folder / shard[split]["file"]
            wanted = shard[split]["tokens"] * NUMBERS.itemsize
            size = path.stat().st_size if path.is_file() else -1
            if size != wanted:
                found = "is missing" if size < 0 else f"has {size} bytes where {wanted} belong"
                return f"{path} {found}"
            if thorough and _sha256(path) != shard[split]["sha256"]:
                return f"{path} is damaged (its checksum is another)"
        return None

    def _read(self, missing_is_new: bool) -> dict[str, Any] | None:
        path = self.folder / INDEX
        if missing_is_new and not path.exists():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return {"origin": dict(found["origin"]), "shards": list(found["shards"])}
        except (OSError, ValueError, KeyError, TypeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not an index of shards"
            raise BrokenShards(f"{path} cannot be read: {why}.") from error

    def _write(self, shards: list[dict[str, Any]]) -> None:
        assert self.origin is not None
        content = {"origin": asdict(self.origin), "shards": shards}
        _write_whole(self.folder / INDEX, (json.dumps(content, indent=1) + "\n").encode())


class Tokens:
    """All tokens of one split, from which windows are cut.

    Parameters
    ----------
    index : Index
        Complete.
    split : "training" or "validation".

    Raises
    ------
    BrokenShards : a file is missing or too short.
    """

    def __init__(self, index: Index, split: str) -> None:
        problem = index.problem()
        if problem:
            raise BrokenShards(f"{problem}.")
        files = (index.folder / shard[split]["file"] for shard in index.shards)
        # A file without tokens cannot be mapped.
        self.parts = [np.memmap(path, NUMBERS, "r") for path in files if path.stat().st_size]

    def __len__(self) -> int:
        """How many tokens there are."""
        return sum(len(part) for part in self.parts)

    def windows(self, draw: np.random.Generator, count: int, rows: range, length: int) -> Any:
        """Cut windows at random places, each within one shard.

        Parameters
        ----------
        draw : what the places are drawn from, for all `count` of them.
        count : windows in the whole batch.
        rows : those of the batch that are wanted: a share gives what the whole would at its rows.
        length : tokens in a window.

        Returns
        -------
        int64, shape (len(rows), length).

        Raises
        ------
        BrokenShards : no shard is as long as a window.
        """
        starts = np.cumsum([max(0, len(part) - length + 1) for part in self.parts])
        if not len(starts) or not starts[-1]:
            raise BrokenShards(f"There are {len(self)} tokens, and none of {length} in a row.")
        places = draw.integers(starts[-1], size=count)[rows.start : rows.stop]
        shards = np.searchsorted(starts, places, side="right")
        cut = np.empty((len(rows), length), np.int64)
        for row, (place, shard) in enumerate(zip(places, shards, strict=True)):
            first = place - (starts[shard - 1] if shard else 0)
            cut[row] = self.parts[shard][first : first + length]
        return cut


def _difference(found: dict[str, Any], origin: Origin) -> str:
    wanted = asdict(origin)
    other = [name for name in wanted if found["origin"].get(name) != wanted[name]]
    return ", ".join(
        f"{name} {found['origin'].get(name)!r}, not {wanted[name]!r}" for name in other
    )


def _write_whole(path: Path, content: bytes) -> None:
    """Write under a passing name, bring it through to the disk, then rename."""
    passing = path.with_name(path.name + ".part")
    try:
        with passing.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(passing, path)
    except BaseException:
        passing.unlink(missing_ok=True)
        raise


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
