"""Two small texts as shards of tokens, prepared where they are first needed.

"made": stories from a small grammar, which need nothing. "shakespeare": the plays, or what stands
in for them. Both go the way of any other text: documents in a file, `datasets`, the encoding.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from descent.data.fetch import DataError, cache_folder
from descent.data.gpt2_bpe import Bpe, gpt2_bpe
from descent.data.shakespeare import shakespeare
from descent.data.token_shards import INDEX, Index
from descent.data.token_texts import prepare

SMALL = ("made", "shakespeare")
SHARE = 0.1  # of the documents for validation: there are few


def small_folder(name: str, bpe: Bpe | None = None) -> Path:
    """Where the shards of "made" or "shakespeare" are, in one encoding."""
    bpe = bpe or gpt2_bpe()
    return cache_folder() / "tokens" / f"{name}-{'gpt2' if bpe.merges else 'bytes'}"


def prepare_small(name: str) -> Path:
    """Make the shards of "made" or "shakespeare" if they are not there; return their folder.

    The documents are written as JSON lines, and prepared as those of any source are. The folder
    gets its name once it is whole.

    Raises
    ------
    ValueError : another name was given.
    DataError : it cannot be written.
    """
    if name not in SMALL:
        raise ValueError(f"name must be {' or '.join(map(repr, SMALL))}, not {name!r}")
    bpe = gpt2_bpe()
    final = small_folder(name, bpe)
    if (final / INDEX).exists() and Index(final).problem() is None:
        return final
    documents = made_documents() if name == "made" else _speeches(shakespeare().text)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{final.name}.", dir=final.parent) as passing:
            source = Path(passing) / f"{name}.jsonl"
            source.write_text(as_json_lines(documents), encoding="utf-8")
            folder = Path(passing) / "shards"
            cache = Path(passing) / "cache"
            prepare(str(source), folder, bpe, SHARE, cache=cache, say=lambda line: None)
            _replace(folder, final)
    except OSError as error:
        raise DataError(f"{final} cannot be written: {error.strerror or error}.") from error
    return final


def as_json_lines(documents: Iterable[str]) -> str:
    """Write documents as `datasets` reads them: one JSON object a line."""
    return "".join(json.dumps({"text": document}) + "\n" for document in documents)


def made_documents(count: int = 400, seed: int = 0) -> list[str]:
    """Make small stories of a small grammar: each has one hero, one place and one thing.

    A model that remembers who and what the document is about has something to gain from a long
    context.
    """
    draw = random.Random(seed)
    return [_story(draw) for _ in range(count)]


def _story(draw: random.Random) -> str:
    who = draw.choice(("miller", "sailor", "clockmaker", "shepherd", "baker", "ferryman"))
    where = draw.choice(("the harbour", "the old mill", "the hill", "the market", "the bridge"))
    what = draw.choice(("lantern", "kettle", "ladder", "barrel", "violin", "compass"))
    kind = draw.choice(("small", "broken", "heavy", "borrowed", "blue"))
    sentences = [f"A {who} came to {where} with a {kind} {what}."]
    for _ in range(draw.randint(5, 9)):
        when = draw.choice(("In the morning", "At noon", "After the rain", "Late that night"))
        did = draw.choice(("carried", "mended", "sold", "hid", "forgot", "polished", "looked for"))
        sentences.append(f"{when} the {who} {did} the {what} near {where}.")
    sentences.append(f"So the {kind} {what} stayed at {where}, and the {who} went home.")
    return " ".join(sentences)


def _speeches(text: str, together: int = 20) -> list[str]:
    """Cut the plays at blank lines, some speeches to a document."""
    speeches = text.strip().split("\n\n")
    starts = range(0, len(speeches), together)
    return ["\n\n".join(speeches[start : start + together]) + "\n" for start in starts]


def _replace(folder: Path, final: Path) -> None:
    """Give a whole folder its name; what another process put there meanwhile is as good."""
    if final.exists() and ((final / INDEX).exists() and Index(final).problem() is None):
        return
    shutil.rmtree(final, ignore_errors=True)
    folder.rename(final)
