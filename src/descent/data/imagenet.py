"""ImageNet-1k: finding it, and preparing it from its own folders into shards.

``descent prepare imagenet SOURCE`` where SOURCE has ``train/n01440764/….JPEG`` and ``val/…``. The
validation files are in folders of their classes, as for the training; or all in one, as the archive
has them, with the development kit (``ILSVRC2012_devkit_t12``) or Kaggle's ``LOC_val_solution.csv``
beside it to say what they show.

The validation pictures are stored byte for byte, so that the published evaluation is of the
published pictures. Of the training pictures those with a shorter side of more than 400 pixels are
made smaller: a random crop of one is brought down to the network's side all the same.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from descent.data.fetch import DataError, cache_folder, data_folders
from descent.data.shards import Encoding, unfinished, write_shards

CLASSES = 1000
PICTURES = {"train": 1_281_167, "val": 50_000}
ENDINGS = (".jpeg", ".jpg", ".png")
ORDER_SEED = 2012  # in which order the pictures are stored
SIZE = "138 GB to download for training and 6.3 GB for validation, and at most as much for shards"
LICENCE = "Its terms of access have to be accepted on https://image-net.org first."
COMMAND = "descent prepare imagenet SOURCE, the folder with train/ and val/ in it"

SPLITS = ("train", "val")


def imagenet_folder() -> Path | None:
    """Return the folder with the shards of both splits, or None.

    Looked for as ``imagenet`` in the folders of `DESCENT_DATA`, then in the user's cache.
    """
    for place in _places():
        if all(unfinished(place / split) is None for split in SPLITS):
            return place
    return None


def missing_imagenet() -> str | None:
    """Say why ImageNet cannot be had, or None."""
    if imagenet_folder() is not None:
        return None
    begun = next((place for place in _places() if place.is_dir()), _places()[0])
    return next(filter(None, (unfinished(begun / split) for split in SPLITS)), None)


def prepare_folder(
    source: Path,
    target: Path,
    encoding: Encoding,
    counts: dict[str, int] | None = None,
    workers: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Write the shards of both splits. What was written before is kept.

    Parameters
    ----------
    source : Path
        A folder in ImageNet's layout.
    target : Path
        Gets ``train`` and ``val``.
    encoding : Encoding
        Of the training pictures; those for validation stay as they are.
    counts : dict, optional
        How many pictures each split has to have.
    workers : int
        Shards written at the same time.
    say : callable
        Takes lines of progress.

    Raises
    ------
    DataError
        When the folder is not as it should be, or pictures are damaged; the message names them.
    """
    classes = sorted(path.name for path in _subfolders(source / "train"))
    if not classes:
        raise DataError(
            f"{source / 'train'} has no folders of classes, such as n01440764. SOURCE is the "
            "folder that has train/ and val/ in it."
        )
    found = {"train": _in_class_folders(source / "train", classes)}
    found["val"] = _validation(source, classes)
    for split, wanted in (counts or {}).items():
        if len(found[split]) != wanted:
            raise DataError(
                f"{source / split} has {len(found[split])} pictures in {len(classes)} classes; "
                f"ImageNet-1k has {wanted} in {CLASSES}. Is an archive not unpacked, or in part?"
            )
    as_it_is = Encoding(side=0, pictures_each=encoding.pictures_each)
    for split, kind in (("train", encoding), ("val", as_it_is)):
        pictures = found[split]
        # Mixed now, so that every shard has pictures of all classes.
        mixed = np.random.default_rng(ORDER_SEED).permutation(len(pictures))
        chosen = [pictures[number] for number in mixed]
        write_shards(chosen, classes, target / split, kind, workers, say)


def prepare_imagenet(source: str, to: Path | None, workers: int = 1) -> None:
    """Prepare ImageNet, printing how it goes; started again after an interruption, it goes on.

    Parameters
    ----------
    source : str
        The folder with ``train`` and ``val``.
    to : Path, optional
        Gets the shards; ``imagenet`` in the first folder of `DESCENT_DATA`, or else in the user's
        cache, where it is not given.
    workers : int
        Shards written at the same time.

    Raises
    ------
    DataError
        As of `prepare_folder`.
    """
    if not source:
        raise DataError(
            f"Say where ImageNet's folders train/ and val/ are. {LICENCE} Then: {COMMAND}"
        )
    target = to or _places()[0]
    prepare_folder(Path(source), target, Encoding(), PICTURES, workers, print)
    written = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target} is whole: {written / 1e9:.1f} GB.")
    if target not in _places():
        print("Runs look for a folder called imagenet in those that DESCENT_DATA names.")


def _places() -> list[Path]:
    return [folder / "imagenet" for folder in (*data_folders(), cache_folder())]


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)


def _in_class_folders(folder: Path, classes: list[str]) -> list[tuple[Path, int]]:
    known = {name: number for number, name in enumerate(classes)}
    found = []
    for path in sorted(_subfolders(folder)):
        if path.name not in known:
            raise DataError(f"{path}: there is no such class in train/.")
        found += [(picture, known[path.name]) for picture in _pictures(path)]
    return found


def _validation(source: Path, classes: list[str]) -> list[tuple[Path, int]]:
    """Find the validation pictures and their classes, in whichever layout they are."""
    folder = source / "val"
    if not folder.is_dir():
        raise DataError(f"{folder} is not there.")
    if _subfolders(folder):
        return _in_class_folders(folder, classes)
    labels = _labels_of_kaggle(source) or _labels_of_the_kit(source)
    if not labels:
        raise DataError(
            f"{folder} has no folders of classes, and nothing says what its pictures show. Put the "
            f"folder ILSVRC2012_devkit_t12 of the development kit into {source}."
        )
    number = {name: index for index, name in enumerate(classes)}
    pictures = _pictures(folder)
    unknown = [path for path in pictures if labels.get(path.stem) not in number]
    if unknown:
        raise DataError(f"{len(unknown)} pictures have no known class; the first: {unknown[0]}.")
    return [(path, number[labels[path.stem]]) for path in pictures]


def _labels_of_kaggle(source: Path) -> dict[str, str]:
    """Read ``ILSVRC2012_val_00048981,n03995372 85 1 499 272`` from the file, if it is there."""
    path = source / "LOC_val_solution.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["ImageId"]: row["PredictionString"].split()[0] for row in csv.DictReader(file)}


def _labels_of_the_kit(source: Path) -> dict[str, str]:
    """Read the classes that the development kit gives, one line a picture, if it is there."""
    data = source / "ILSVRC2012_devkit_t12" / "data"
    truth = data / "ILSVRC2012_validation_ground_truth.txt"
    if not truth.exists():
        return {}
    from scipy.io import loadmat

    synsets = loadmat(data / "meta.mat", squeeze_me=True)["synsets"]
    name = {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in synsets}
    numbers = truth.read_text().split()
    return {
        f"ILSVRC2012_val_{place:08d}": name[int(number)] for place, number in enumerate(numbers, 1)
    }
