"""Preparation: documents through `datasets` and the encoding into shards, interrupted or not."""

from __future__ import annotations

import datasets
import numpy as np
import pytest

from descent.data import small_texts
from descent.data.fetch import DataError
from descent.data.gpt2_bpe import gpt2_bpe, gpt2_encoding, offline_bpe
from descent.data.small_texts import as_json_lines, made_documents, prepare_small
from descent.data.token_shards import SPLITS, Index, Tokens
from descent.data.token_texts import open_documents, prepare, validation_documents

DOCUMENTS = [f"Document {number}: é {'x' * (number % 7)}" for number in range(2500)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "documents.jsonl"
    path.write_text(as_json_lines(DOCUMENTS), encoding="utf-8")
    return path


def made(source, folder, tmp_path, **changes):
    told = {"validation_share": 0.01, "shard_tokens": 15_000, "cache": tmp_path / "cache"}
    return prepare(str(source), folder, offline_bpe(), **{**told, **changes}, say=lambda line: None)


def documents_of(index, split):
    """Cut the tokens of a split at the ends of texts and write them out again."""
    tokens = np.concatenate(Tokens(index, split).parts)
    assert tokens[-1] == 256
    ends = np.flatnonzero(tokens == 256)
    texts = np.split(tokens, ends + 1)[:-1]
    return [gpt2_encoding(offline_bpe()).decode(text[:-1].tolist()) for text in texts]


def test_every_document_is_there_once_in_its_order(source, tmp_path):
    index = made(source, tmp_path / "shards", tmp_path)
    assert index.complete and len(index.shards) == 3
    held_out = validation_documents(2500, 0.01, 2357)
    for split, chosen in (("training", ~held_out), ("validation", held_out)):
        wanted = [text for text, kept in zip(DOCUMENTS, chosen, strict=True) if kept]
        assert documents_of(index, split) == wanted
    assert held_out.sum() == 25


def test_the_held_out_documents_are_those_of_datasets_own_split():
    numbered = datasets.Dataset.from_dict({"number": range(4000)})
    theirs = numbered.train_test_split(test_size=0.0005, seed=2357, shuffle=True)
    ours = np.flatnonzero(validation_documents(4000, 0.0005, 2357))
    assert sorted(theirs["test"]["number"]) == ours.tolist()


def test_at_least_one_document_is_on_either_side():
    for share in (0.0, 1.0):
        assert 0 < validation_documents(3, share, 0).sum() < 3


def test_interrupted_it_goes_on_to_the_same_bytes(source, tmp_path, monkeypatch):
    whole = made(source, tmp_path / "whole", tmp_path)
    add = Index.add

    def interrupted(self, last, tokens):
        if len(self.shards) == 1:
            raise KeyboardInterrupt
        add(self, last, tokens)

    monkeypatch.setattr(Index, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(source, tmp_path / "parts", tmp_path)
    monkeypatch.undo()
    assert Index(tmp_path / "parts").next_document == 1000
    parts = made(source, tmp_path / "parts", tmp_path)
    assert parts.shards == whole.shards
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()


def test_a_damaged_shard_is_made_again(source, tmp_path):
    index = made(source, tmp_path / "shards", tmp_path)
    path = tmp_path / "shards" / "training-00001.bin"
    good = path.read_bytes()
    path.write_bytes(b"\0" * len(good))
    again = made(source, tmp_path / "shards", tmp_path)
    assert path.read_bytes() == good and again.shards == index.shards


@pytest.mark.parametrize("kind", ["parquet", "saved", "folder"])
def test_other_kinds_of_sources(tmp_path, kind):
    documents = datasets.Dataset.from_dict({"text": ["one", "two", "three"], "id": [1, 2, 3]})
    path = tmp_path / "documents"
    if kind == "saved":
        documents.save_to_disk(str(path))
    elif kind == "parquet":
        path = path.with_suffix(".parquet")
        documents.to_parquet(str(path))
    else:
        path.mkdir()
        (path / "a.jsonl").write_text(as_json_lines(["one", "two"]))
        (path / "b.jsonl").write_text(as_json_lines(["three"]))
    assert open_documents(str(path), tmp_path / "cache")["text"][:] == ["one", "two", "three"]


def test_what_is_no_source_is_said(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"words": "one"}\n')
    with pytest.raises(DataError, match="no column text; it has words"):
        open_documents(str(tmp_path / "a.jsonl"), tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no files of documents"):
        open_documents(str(tmp_path / "empty"))
    (tmp_path / "torn.jsonl").write_text('{"text": "on')
    with pytest.raises(DataError, match="torn.jsonl cannot be had"):
        open_documents(str(tmp_path / "torn.jsonl"), tmp_path / "cache")


def test_a_single_document_cannot_be_split(tmp_path):
    (tmp_path / "a.jsonl").write_text(as_json_lines(["one"]))
    with pytest.raises(DataError, match="1 documents .* at least 2"):
        made(tmp_path / "a.jsonl", tmp_path / "shards", tmp_path)


@pytest.mark.parametrize("name", ["made", "shakespeare"])
def test_small_texts_are_made_once_and_whole(name, monkeypatch):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    folder = prepare_small(name)
    assert folder.name == f"{name}-bytes" and Index(folder).origin.vocabulary == 257
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # nothing is left over
    assert all(len(Tokens(Index(folder), split)) > 1000 for split in SPLITS)
    monkeypatch.setattr(small_texts, "prepare", None)  # the second time nothing is prepared
    assert prepare_small(name) == folder


def test_a_broken_small_text_is_made_again(monkeypatch):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    folder = prepare_small("made")
    (folder / "training-00000.bin").unlink()
    assert prepare_small("made") == folder and Index(folder).problem() is None


def test_made_documents_are_stories_about_one_thing():
    documents = made_documents(20)
    assert documents == made_documents(20) and len(set(documents)) == 20
    for document in documents:
        hero = document.split()[1]
        assert document.count(hero) >= 7
    with pytest.raises(ValueError, match="'made' or 'shakespeare'"):
        prepare_small("genesis")


def test_offline_bytes_are_told_apart_from_gpt2(monkeypatch):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    assert small_texts.small_folder("made").name == "made-bytes"
    real = gpt2_bpe()._replace(merges=((b"a", b"b"),))
    assert small_texts.small_folder("made", real).name == "made-gpt2"
