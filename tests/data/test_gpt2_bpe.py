"""GPT-2's tokens, the real ones and their stand-in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tiktoken
from tiktoken.load import data_gym_to_mergeable_bpe_ranks

from descent.data.fetch import RefusedFile
from descent.data.gpt2_bpe import (
    GPT2_PATTERN,
    OFFLINE_SOURCE,
    SOURCE,
    byte_characters,
    gpt2_bpe,
    gpt2_encoding,
    parse_bpe,
)

SHARED = os.environ.get("DESCENT_DATA", "")  # read before the tests' own settings replace it

TEXT = "Hello world, it's 12345 o'clock…\n\n  Ünïcode ☃ and\ttabs   \n<|endoftext|>"


@pytest.fixture
def real(monkeypatch):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    monkeypatch.setenv("DESCENT_DATA", SHARED)
    bpe = gpt2_bpe() if SHARED else None
    if bpe is None or bpe.source != SOURCE:
        pytest.skip("no copy of GPT-2's files in DESCENT_DATA")
    return bpe


def test_the_offline_default_is_bytes_and_says_so_once(monkeypatch, capsys):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    bpe = gpt2_bpe()
    gpt2_bpe()
    assert (bpe.merges, bpe.size, bpe.end_of_text, bpe.source) == ((), 257, 256, OFFLINE_SOURCE)
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "NOT GPT-2" in said[0] and OFFLINE_SOURCE in said[0]
    code = gpt2_encoding(bpe)
    assert code.encode_ordinary("é") == list("é".encode()) and code.eot_token == 256
    assert code.decode(code.encode_ordinary(TEXT)) == TEXT


def test_gpt2_is_as_tiktoken_reads_it(real, tmp_path, monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    folder = Path(SHARED.split(os.pathsep)[0]) / "gpt2"
    ranks = data_gym_to_mergeable_bpe_ranks(str(folder / "vocab.bpe"), str(folder / "encoder.json"))
    assert real.vocabulary == ranks
    assert (len(real.merges), real.size, real.end_of_text) == (50_000, 50_257, 50_256)
    theirs = tiktoken.Encoding(
        "gpt2", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256}
    )
    ours = gpt2_encoding(real)
    assert ours.encode_ordinary(TEXT) == theirs.encode_ordinary(TEXT)
    assert ours.encode_ordinary("Hello world") == [15496, 995]  # as GPT-2's are known to be
    assert ours.decode(ours.encode_ordinary(TEXT)) == TEXT


def test_every_byte_is_written_as_another_character():
    characters = byte_characters()
    assert len(set(characters)) == 256
    assert characters[ord(" ")] == "Ġ" and characters[ord("A")] == "A"
    assert not any(character.isspace() for character in characters)


def test_files_that_do_not_belong_together_are_refused():
    with pytest.raises(RefusedFile, match="do not belong together: merge 1"):
        parse_bpe("#version: 0.2\na b\nb c\n", '{"ab": 256, "bc": 300, "<|endoftext|>": 301}')
