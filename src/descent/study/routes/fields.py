"""The fields of one entry of a data file, each read as the kind of thing it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from descent.study.routes.yaml_file import RoutesError


class Fields:
    """The fields of one entry.

    Parameters
    ----------
    path, entry
        Where they stand, for the message when one is wrong.
    values
        The fields; anything but a mapping is refused.
    known
        The names there may be.

    Raises
    ------
    RoutesError
        From every method, when the field is not of its kind.
    """

    def __init__(self, path: Path, entry: str, values: Any, known: tuple[str, ...]) -> None:
        self.place = f"{path.name}: {entry}"
        if not isinstance(values, dict):
            raise RoutesError(f"{self.place}: must have fields ({', '.join(known)}).")
        for name in values:
            if name not in known:
                raise RoutesError(f"{self.place}: '{name}' is not a field ({', '.join(known)}).")
        self.values = values

    def wrong(self, name: str, wanted: str) -> RoutesError:
        """Return the error that says what a field must be."""
        return RoutesError(f"{self.place}: field '{name}' must be {wanted}.")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "a text that is not empty")
        return value.strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty where the field is missing."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, "a list of texts")
        return tuple(item.strip() for item in value)

    def hours(self, name: str) -> float:
        """Return a number of hours."""
        return positive(self.values.get(name), self.wrong(name, "a number of hours above zero"))


def positive(value: Any, error: RoutesError) -> float:
    """Return a number above zero, or raise the error."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise error
    return float(value)
