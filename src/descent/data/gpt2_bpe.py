"""GPT-2's tokens: its byte-pair merges and its vocabulary (Radford et al., 2019).

Byte-pair encoding (Sennrich, Haddow and Birch, 2016) begins with single bytes, and joins the
neighbouring pair that comes first in a list of merges until no pair of the list is left. GPT-2
cuts the text into words, numbers, runs of signs and runs of blanks first (`GPT2_PATTERN`), so that
no token crosses from one to the next.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from descent.data.fetch import KnownFile, RefusedFile, UnavailableFile, read
from descent.data.offline import warn_once

if TYPE_CHECKING:
    import tiktoken

SOURCE = "GPT-2's byte-pair encoding"
OFFLINE_SOURCE = "single bytes, no merges (offline default)"

END_OF_TEXT = "<|endoftext|>"
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""Where a text is cut before pairs are merged, in the syntax of tiktoken and `regex`."""

MIRROR = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"

MERGES_FILE = KnownFile(
    name="gpt2/vocab.bpe",
    sha256="1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    size=456_318,
    mirrors=(MIRROR + "vocab.bpe",),
)
VOCABULARY_FILE = KnownFile(
    name="gpt2/encoder.json",
    sha256="196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    size=1_042_301,
    mirrors=(MIRROR + "encoder.json",),
)


class Bpe(NamedTuple):
    """A byte-pair encoding.

    Attributes
    ----------
    merges : pairs of byte strings, the one to join first at the front; GPT-2 has 50 000.
    vocabulary : byte string → its token's number; GPT-2 has 50 256, of which 256 are single bytes.
    source : "GPT-2's byte-pair encoding", or which offline default stands in for it.
    """

    merges: tuple[tuple[bytes, bytes], ...]
    vocabulary: dict[bytes, int]
    source: str

    @property
    def end_of_text(self) -> int:
        """The number of the token between two documents, which no bytes are written as."""
        return len(self.vocabulary)

    @property
    def size(self) -> int:
        """How many tokens there are, that of the end of a text among them: GPT-2 has 50 257."""
        return len(self.vocabulary) + 1


def gpt2_bpe() -> Bpe:
    """GPT-2's merges and vocabulary, or a loudly announced stand-in where they cannot be had.

    Returns
    -------
    Bpe. Without a copy and without a network: single bytes, each its own number, no merges, the
    end of a text as token 256; `.source` says so.

    Raises
    ------
    RefusedFile : a copy was found, and it is damaged or another file.
    """
    try:
        merges, vocabulary = read(MERGES_FILE), read(VOCABULARY_FILE)
    except UnavailableFile as reason:
        warn_once(SOURCE, OFFLINE_SOURCE, reason)
        return offline_bpe()
    return parse_bpe(merges.decode("utf-8"), vocabulary.decode("utf-8"))


def parse_bpe(merges: str, vocabulary: str) -> Bpe:
    """Make a `Bpe` of the text of GPT-2's two files.

    Both write each byte as a printable character (see `byte_characters`).

    Parameters
    ----------
    merges : a line that names the format, then one pair a line with a blank between.
    vocabulary : JSON, token → number.

    Raises
    ------
    RefusedFile : the two do not belong together: a merged pair has no number, or another number
        than its place in the list gives it.
    """
    byte = {character: value for value, character in enumerate(byte_characters())}

    def to_bytes(written: str) -> bytes:
        return bytes(byte[character] for character in written)

    numbers: dict[str, int] = json.loads(vocabulary)
    numbers.pop(END_OF_TEXT, None)
    known = {to_bytes(token): number for token, number in numbers.items()}
    pairs: list[tuple[bytes, bytes]] = []
    for line in merges.splitlines()[1:]:
        first, second = map(to_bytes, line.split(" "))
        if known.get(first + second) != 256 + len(pairs):
            raise RefusedFile(
                f"{MERGES_FILE.name} and {VOCABULARY_FILE.name} do not belong together: merge "
                f"{len(pairs)} makes {first + second!r}, whose number is not {256 + len(pairs)}."
            )
        pairs.append((first, second))
    return Bpe(tuple(pairs), known, SOURCE)


def offline_bpe() -> Bpe:
    """The embedded default: 256 single bytes, each its own number, and no merges."""
    return Bpe((), {bytes([value]): value for value in range(256)}, OFFLINE_SOURCE)


@cache
def byte_characters() -> tuple[str, ...]:
    """The character that GPT-2's files write for each of the 256 bytes.

    A byte that is a visible character of Latin-1 is written as that character. The other 68
    (blanks, control codes, the soft hyphen) take the characters from 256 on, in their order: a
    blank is written as "Ġ".
    """
    visible = {*range(ord("!"), 127), *range(161, 256)} - {173}
    hidden = iter(range(256, 512))
    return tuple(chr(byte) if byte in visible else chr(next(hidden)) for byte in range(256))


def gpt2_encoding(bpe: Bpe | None = None) -> tiktoken.Encoding:
    """A tiktoken encoding made of what is on this machine; tiktoken's own would download.

    Parameters
    ----------
    bpe : what it encodes by; `gpt2_bpe()` where none is given.

    Returns
    -------
    tiktoken.Encoding, whose `encode_ordinary(text)` gives numbers and `decode(numbers)` the text
    again. `eot_token` is the number of the end of a text.
    """
    import tiktoken

    bpe = bpe or gpt2_bpe()
    return tiktoken.Encoding(
        name=bpe.source,
        pat_str=GPT2_PATTERN,
        mergeable_ranks=bpe.vocabulary,
        special_tokens={END_OF_TEXT: bpe.end_of_text},
    )
