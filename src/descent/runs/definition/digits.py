"""MNIST as runs need it."""

from __future__ import annotations

from typing import Any

from descent.data.fetch import RefusedFile, UnavailableFile, read
from descent.data.mnist import FILES
from descent.runs.definition.declaration import Data


def missing_digits(settings: Any) -> str | None:
    """Say why the digits cannot be had, or None; with ``digits`` any, the small ones will do."""
    if settings.digits == "any":
        return None
    try:
        for _, images, labels in FILES.values():
            read(images)
            read(labels)
    except (UnavailableFile, RefusedFile) as error:
        return str(error)
    return None


MNIST = Data(
    name="MNIST",
    size="11 MB",
    licence="",
    command='python -c "from descent.data import mnist; mnist()"',
    missing=missing_digits,
)
