"""Preparing ImageNet's own folders: the layouts there are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from descent.data.fetch import DataError
from descent.data.generated_pictures import SHAPES, generate_folder, generated_shards, picture
from descent.data.imagenet import (
    imagenet_folder,
    missing_imagenet,
    prepare_folder,
    prepare_imagenet,
)
from descent.data.shards import Encoding, Shards

NAMES = list(SHAPES)[:3]
ENCODING = Encoding(side=40, pictures_each=5)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    generate_folder(folder, 3, {"train": 6, "val": 2}, 40)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    return tmp_path / "data" / "imagenet"


def flattened(source):
    """Lay the validation pictures out as the archive does; return their classes in order."""
    folders = sorted((source / "val").iterdir())
    paths = [path for folder in folders for path in sorted(folder.iterdir())]
    numbers = np.random.default_rng(0).permutation(len(paths)) + 1
    for path, number in zip(paths, numbers, strict=True):
        path.rename(source / "val" / f"ILSVRC2012_val_{number:08d}.JPEG")
    for folder in folders:
        folder.rmdir()
    by_number = dict(zip(numbers.tolist(), (path.parent.name for path in paths), strict=True))
    return [by_number[number] for number in range(1, len(paths) + 1)]


def test_the_layout_with_folders(source, here):
    assert "no shards" in missing_imagenet() and imagenet_folder() is None
    prepare_folder(source, here, ENCODING)
    assert imagenet_folder() == here and missing_imagenet() is None
    train, val = (Shards(here / split) for split in ("train", "val"))
    assert train.classes == val.classes == NAMES
    assert np.bincount(train.labels).tolist() == [6, 6, 6]
    files = {path.read_bytes(): path.parent.name for path in source.glob("val/*/*")}
    assert all(files[val.picture(n)] == NAMES[val.labels[n]] for n in range(6))
    assert len(set(train.labels[:5].tolist())) > 1  # a shard has several classes


def test_the_archive_s_layout_with_the_development_kit(source, here):
    classes = flattened(source)
    kit = source / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    # The kit numbers classes in an order of its own, and lists groups of classes after them.
    wnids = [NAMES[2], NAMES[0], NAMES[1], "n00001740"]
    kinds = [("ILSVRC2012_ID", "i4"), ("WNID", "O"), ("num_children", "i4")]
    rows = [(number, wnid, int(number == 4)) for number, wnid in enumerate(wnids, 1)]
    savemat(kit / "meta.mat", {"synsets": np.array(rows, dtype=kinds)[:, None]})
    truth = "".join(f"{wnids.index(name) + 1}\n" for name in classes)
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)
    check_labels(source, here, classes)


def test_kaggle_s_list_of_labels(source, here):
    classes = flattened(source)
    rows = [
        f"ILSVRC2012_val_{n:08d},{name} 1 2 3 4 {name} 5 6 7 8" for n, name in enumerate(classes, 1)
    ]
    (source / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *rows]))
    check_labels(source, here, classes)


def check_labels(source, here, classes):
    prepare_folder(source, here, ENCODING)
    val = Shards(here / "val")
    paths = sorted((source / "val").glob("*.JPEG"))
    known = {path.read_bytes(): name for path, name in zip(paths, classes, strict=True)}
    assert [known[val.picture(n)] for n in range(6)] == [NAMES[label] for label in val.labels]


def test_what_cannot_be_prepared_is_said(source, here):
    with pytest.raises(DataError, match="18 pictures in 3 classes; ImageNet-1k has 1281167"):
        prepare_imagenet(str(source), here)
    with pytest.raises(DataError, match="has no folders of classes"):
        prepare_folder(source / "val", here, ENCODING)
    with pytest.raises(DataError, match=r"accepted on https://image-net\.org"):
        prepare_imagenet("", None)
    flattened(source)
    with pytest.raises(DataError, match="nothing says what its pictures show"):
        prepare_folder(source, here, ENCODING)
    assert not here.exists()


def test_half_a_preparation_is_not_imagenet(source, here):
    next(source.glob("val/*/*")).write_text("no picture")
    with pytest.raises(DataError, match="1 pictures cannot be decoded"):
        prepare_folder(source, here, ENCODING)
    assert imagenet_folder() is None
    assert "val is not finished" in missing_imagenet()


def test_generated_shards_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path))
    folder = generated_shards(2, 3, 1, 40)
    before = (folder / "train" / "shard-00000.npz").stat().st_mtime_ns
    assert generated_shards(2, 3, 1, 40) == folder
    assert (folder / "train" / "shard-00000.npz").stat().st_mtime_ns == before
    assert [len(Shards(folder / split)) for split in ("train", "val")] == [6, 2]


def test_generated_pictures_are_ten_classes_that_differ_in_shape_alone():
    drawn = [np.asarray(picture(name, 40, np.random.default_rng(1))) for name in SHAPES]
    assert len({pixels.shape for pixels in drawn}) == 1
    assert len({pixels.tobytes() for pixels in drawn}) == 10
    assert (drawn[0] == drawn[1]).mean() > 0.6
