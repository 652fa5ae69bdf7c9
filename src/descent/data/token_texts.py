"""From a data set of documents to shards of tokens, by way of `datasets` and a byte-pair encoding.

A source is a local file of documents (JSON lines or Parquet with a column ``text``), a folder of
such files, a folder that `datasets` saved, or a name on the Hugging Face hub, which needs a
network. Each document is encoded, and the token of the end of a text follows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descent.data.fetch import DataError, cache_folder, data_folders
from descent.data.gpt2_bpe import Bpe, gpt2_encoding
from descent.data.token_shards import INDEX, MOST_TOKENS, Index, Origin

if TYPE_CHECKING:
    import datasets
    import tiktoken

OPENWEBTEXT = "Skylion007/openwebtext"
SEED = 2357  # with the share below, nanoGPT's choice of validation documents
VALIDATION_SHARE = 0.0005
SHARD_TOKENS = 100_000_000
BATCH = 1000  # documents encoded at once
ENDINGS = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def prepare(
    source: str,
    folder: Path,
    bpe: Bpe,
    validation_share: float = VALIDATION_SHARE,
    seed: int = SEED,
    shard_tokens: int = SHARD_TOKENS,
    cache: Path | None = None,
    say: Callable[[str], None] = print,
) -> Index:
    """Make a folder of shards, or go on with one that is not complete.

    What is there is checked first; a damaged shard and those after it are made again. The shards
    are the same bytes however often the preparation was interrupted.

    Parameters
    ----------
    source : a path or a name, see above.
    folder : where the shards go.
    bpe : the encoding.
    validation_share, seed : which share of the documents is held out, and the draw of which. The
        draw is that of `datasets`' own ``train_test_split``.
    shard_tokens : training tokens from which on a shard is closed.
    cache : where `datasets` puts what it makes of the source; its own place if None.
    say : told what is done.

    Returns
    -------
    Index, complete.

    Raises
    ------
    DataError : the source cannot be read, or the folder cannot be written or holds something else.
    """
    documents = open_documents(source, cache)
    if len(documents) < 2 or bpe.size > MOST_TOKENS:
        raise DataError(
            f"{source} has {len(documents)} documents and the encoding {bpe.size} tokens; at least "
            f"2 documents are needed, and at most {MOST_TOKENS} tokens."
        )
    name = Path(source).name if Path(source).exists() else source
    origin = Origin(
        text=name,
        encoding=bpe.source,
        vocabulary=bpe.size,
        end_of_text=bpe.end_of_text,
        documents=len(documents),
        validation_share=validation_share,
        seed=seed,
        shard_tokens=shard_tokens,
    )
    index = Index(folder, origin)
    dropped = index.drop_damaged()
    if dropped:
        say(f"{dropped} shards are made again, from the first damaged one on")
    held_out = validation_documents(len(documents), validation_share, seed)
    for last, tokens in _shards(documents, index, held_out, gpt2_encoding(bpe)):
        index.add(last, tokens)
        share = 100 * last / len(documents)
        say(f"{last} of {len(documents)} documents ({share:.0f} %) in {len(index.shards)} shards")
    say(f"{index.tokens('training')} training and {index.tokens('validation')} validation tokens")
    return index


def open_documents(source: str, cache: Path | None = None) -> datasets.Dataset:
    """Open a data set of documents.

    Parameters
    ----------
    source, cache : see `prepare`.

    Raises
    ------
    DataError : there is none, or it has no column ``text``.
    """
    path = Path(source).expanduser()
    if path.exists():  # nothing is to be asked of the hub then
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    try:
        if path.is_dir() and (path / "dataset_info.json").exists():
            found = datasets.load_from_disk(str(path))
        elif path.exists():
            files = _files(path)
            named = {"path": ENDINGS[files[0].suffix], "data_files": list(map(str, files))}
            found = datasets.load_dataset(**named, split="train", cache_dir=cache)
        else:
            found = datasets.load_dataset(source, split="train", cache_dir=cache)
    except DataError:
        raise
    except Exception as error:  # datasets lets many kinds through
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(
            f"The documents of {source} cannot be had: {lines[0]} Connect to the network, or give "
            "the path of a copy: a folder that `datasets` saved, or Parquet or JSON-lines files "
            "with a column text."
        ) from error
    if "text" not in (found.column_names or ()):
        raise DataError(f"{source} has no column text; it has {', '.join(found.column_names)}.")
    return found


def validation_documents(count: int, share: float, seed: int) -> np.ndarray:
    """Draw which documents are held out, as ``train_test_split`` of `datasets` does.

    Returns
    -------
    bool, shape (count,). At least one document is on either side.
    """
    held_out = np.zeros(count, bool)
    number = min(max(1, ceil(share * count)), count - 1)
    held_out[np.random.default_rng(seed).permutation(count)[:number]] = True
    return held_out


def find_folder(name: str) -> Path:
    """Where the shards of a name are, or belong: below `DESCENT_DATA`, else in the cache.

    Parameters
    ----------
    name : "openwebtext", or the path of a folder of shards.
    """
    places = [folder / name for folder in data_folders()] + [Path(name).expanduser()]
    there = (place for place in places if (place / INDEX).exists())
    return next(there, cache_folder() / "tokens" / name)


def _shards(
    documents: datasets.Dataset, index: Index, held_out: np.ndarray, code: tiktoken.Encoding
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Encode from where the index ends; yield each shard's end and its tokens."""
    assert index.origin is not None
    first = index.next_document
    kept: dict[str, list[np.ndarray]] = {"training": [], "validation": []}
    for start in range(first, len(documents), BATCH):
        last = min(start + BATCH, len(documents))
        numbers = code.encode_ordinary_batch(
            documents[start:last]["text"], num_threads=os.cpu_count() or 1
        )
        for document, tokens in enumerate(numbers, start):
            split = "validation" if held_out[document] else "training"
            kept[split].append(np.array([*tokens, index.origin.end_of_text], np.uint16))
        if sum(map(len, kept["training"])) >= index.origin.shard_tokens or last == len(documents):
            yield last, {split: _joined(parts) for split, parts in kept.items()}
            kept = {"training": [], "validation": []}


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([*parts, np.empty(0, np.uint16)])


def _files(path: Path) -> list[Path]:
    """The files of documents at a path, all of one kind."""
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.is_file())
    files = [file for file in files if file.suffix in ENDINGS]
    if not files or len({ENDINGS[file.suffix] for file in files}) > 1:
        raise DataError(
            f"{path} has {'several kinds of' if files else 'no'} files of documents; they end in "
            f"one of {', '.join(ENDINGS)}."
        )
    return files
