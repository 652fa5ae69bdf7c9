"""Shards: whole or not at all, gone on with after an interruption, read back as they were."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from descent.data import shards
from descent.data.fetch import DataError, UnavailableFile
from descent.data.shards import BadPictures, Encoding, Shards, write_shards

CLASSES = ["n01440764", "n01443537"]
SMALL = Encoding(side=0, pictures_each=4)


@pytest.fixture
def pictures(tmp_path):
    """Ten pictures of noise, of two classes."""
    folder = tmp_path / "source"
    folder.mkdir()
    found = []
    for number in range(10):
        noise = np.random.default_rng(number).integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
        path = folder / f"{number}.JPEG"
        Image.fromarray(noise).save(path)
        found.append((path, number % 2))
    return found


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def opened(content):
    return Image.open(io.BytesIO(content))


def test_what_is_read_back_is_what_was_there(pictures, out):
    write_shards(pictures, CLASSES, out, SMALL)
    there = Shards(out)
    assert len(there) == 10 and there.sizes == [4, 4, 2] and there.classes == CLASSES
    assert there.labels.tolist() == [label for _, label in pictures]
    for number, (path, _) in enumerate(pictures):
        assert there.picture(number) == path.read_bytes()
        there.read_through(there.shard_of[number])


def test_an_interrupted_preparation_goes_on(pictures, out, monkeypatch):
    whole = out.with_name("whole")
    write_shards(pictures, CLASSES, whole, SMALL)
    written = []

    def interrupted(content, encoding, real=shards.stored):
        written.append(content)
        if len(written) >= 6:
            raise KeyboardInterrupt
        return real(content, encoding)

    with monkeypatch.context() as patched:
        patched.setattr(shards, "stored", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_shards(pictures, CLASSES, out, SMALL)
    with pytest.raises(UnavailableFile, match="not finished: 1 shards so far"):
        Shards(out)
    first = (out / "shard-00000.jpegs").stat().st_mtime_ns
    write_shards(pictures, CLASSES, out, SMALL)
    assert (out / "shard-00000.jpegs").stat().st_mtime_ns == first
    for path in whole.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes()
    assert not list(out.glob("*.partial"))


def test_damaged_pictures_are_named_and_the_rest_is_done(pictures, out):
    cut, text, gone = (pictures[number][0] for number in (1, 2, 8))
    content = cut.read_bytes()
    cut.write_bytes(content[:-100])
    text.write_text("not found")
    gone.unlink()
    with pytest.raises(BadPictures, match="3 pictures cannot be decoded") as error:
        write_shards(pictures, CLASSES, out, SMALL)
    for words in (
        f"{cut} (image file is truncated",
        f"{text} (no picture)",
        f"{gone} (No such file",
    ):
        assert words in str(error.value)
    assert [path.name for path in out.glob("*.npz")] == ["shard-00001.npz"]
    for path in (cut, text, gone):
        path.write_bytes(content)
    write_shards(pictures, CLASSES, out, SMALL)
    assert Shards(out).picture(8) == content


def test_only_what_is_too_large_or_no_plain_jpeg_is_written_anew(tmp_path, out):
    kept, large, cmyk, png = (tmp_path / f"{name}.JPEG" for name in "abcd")
    Image.new("RGB", (300, 90), "red").save(kept)
    Image.new("RGB", (300, 200), "red").save(large)
    Image.new("CMYK", (60, 50)).save(cmyk)
    Image.new("RGBA", (60, 50)).save(png, "PNG")
    paths = (kept, large, cmyk, png)
    write_shards([(path, 0) for path in paths], ["all"], out, Encoding(side=100))
    there = Shards(out)
    assert there.picture(0) == kept.read_bytes()
    assert [opened(there.picture(n)).size for n in (1, 2, 3)] == [(150, 100), (60, 50), (60, 50)]
    assert {opened(there.picture(n)).mode for n in (1, 2, 3)} == {"RGB"}
    assert {opened(there.picture(n)).format for n in (1, 2, 3)} == {"JPEG"}


def test_another_plan_for_the_same_folder_is_refused(pictures, out):
    write_shards(pictures, CLASSES, out, SMALL)
    for other in (pictures[:-1], pictures[::-1]):
        with pytest.raises(DataError, match="shards of other pictures"):
            write_shards(other, CLASSES, out, SMALL)
    with pytest.raises(DataError, match="stored in another way"):
        write_shards(pictures, CLASSES, out, Encoding(side=0, pictures_each=5))


def test_a_shard_cut_short_is_refused_by_name(pictures, out):
    write_shards(pictures, CLASSES, out, SMALL)
    path = out / "shard-00001.jpegs"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"shard-00001\.jpegs: it has .* Delete shard-00001\.npz"):
        Shards(out)


def test_a_folder_that_cannot_be_written_is_said(pictures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_shards(pictures, CLASSES, tmp_path / "file" / "out", SMALL)
