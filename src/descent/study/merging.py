"""Bringing a chapter's changes into a learner's copy of it, without losing a line of theirs.

What each shared cell will say is settled first, cell by cell: the course's checks are the course's,
an answer is the learner's, and where both changed a cell the learner's stays and the course's new
text is shown after it. Which cell is which, ``identity`` knows. Then nbdime merges the three lists
of cells, by their ids: what each side added, removed or moved. Its line-by-line merge of cells is
not used, because half of an answer and half of a stub make a third thing that nobody wrote.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import Any

from descent.study.identity import cell_name, recognise
from descent.study.marks import is_check, is_exercise, marks_of

Cells = dict[str, Any]


@dataclass
class Merge:
    """A merged notebook, and what a person should know about how it came to be.

    Attributes
    ----------
    notebook
        The merged notebook.
    kept
        Names of the cells that both sides changed, where the learner's was kept.
    updated, added
        How many cells were brought up to date, and how many are new.
    orphaned
        Names of exercises that the course no longer has and the learner had answered.
    asleep
        Names of exercises that are Markdown or raw text in the learner's copy, and do not run.
    healed, doubles
        As `identity.Recognised` has them.
    """

    notebook: Any
    kept: list[str] = field(default_factory=list)
    updated: int = 0
    added: int = 0
    orphaned: list[str] = field(default_factory=list)
    asleep: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether the learner's copy is another for it."""
        return bool(self.updated or self.added or self.healed or self.doubles)


def merge_notebooks(base: Any, local: Any, remote: Any) -> Merge:
    """Merge a learner's notebook with a new version of its chapter.

    Parameters
    ----------
    base
        The blank notebook the learner's copy was made from.
    local
        The learner's copy.
    remote
        The new blank notebook.

    Returns
    -------
    Merge
        The merged notebook. Every cell that the learner wrote or changed is in it as they left it.
    """
    recognised = recognise(local, base, remote)
    local = recognised.notebook
    settling = _Settling(_by_id(base), _by_id(local), _by_id(remote))
    merge = settling.settle()
    merge.healed, merge.doubles = recognised.healed, recognised.doubles
    order = _merge_order(list(settling.base), list(settling.local), list(settling.remote))
    merge.notebook = copy.deepcopy(remote)
    merge.notebook.metadata = _notebook_metadata(base, local, remote)
    merge.notebook.cells = [copy.deepcopy(settling.cells[cell_id]) for cell_id in order]
    for cell_id, new in settling.to_show.items():
        _show_after(merge.notebook, cell_id, new)
    _tidy_grader_metadata(merge.notebook, remote)
    return merge


class _Settling:
    """Settles what every cell will say, cell by cell; each notebook is its cells by id."""

    def __init__(self, base: Cells, local: Cells, remote: Cells) -> None:
        self.base, self.local, self.remote = dict(base), local, remote
        self.cells = {**base, **remote, **local}
        self.to_show: Cells = {}

    def settle(self) -> Merge:
        merge = Merge(notebook=None)
        for cell_id, new in self.remote.items():
            if cell_id in self.local:
                self._settle_shared(merge, new)
            elif cell_id not in self.base:
                merge.added += 1
            elif is_check(new):
                del self.base[cell_id]  # now one that the course added: a deleted check comes back
                merge.added += 1
        for cell_id in self.local.keys() & self.base.keys() - self.remote.keys():
            self._settle_removed(merge, self.base[cell_id], self.local[cell_id])
        return merge

    def _settle_shared(self, merge: Merge, new: Any) -> None:
        """Decide what a cell says that is in the learner's copy and in the new chapter."""
        old, mine = self.base.get(new.id, new), self.local[new.id]
        if _says_same(mine, new):
            chosen = mine
        elif _says_same(mine, old) or is_check(new):
            chosen = new
            merge.updated += 1
        else:
            chosen = mine
            if not _says_same(new, old):
                merge.kept.append(cell_name(new))
                self.to_show[new.id] = new
        if is_exercise(new) and chosen.cell_type != new.cell_type:
            merge.asleep.append(cell_name(new))
        chosen = copy.deepcopy(chosen)
        chosen.metadata.update({**mine.metadata, **new.metadata})
        self.cells[new.id] = chosen

    def _settle_removed(self, merge: Merge, old: Any, mine: Any) -> None:
        """Let a cell go that the course removed, unless the learner wrote in it."""
        if _says_same(mine, old) or is_check(old):
            return
        del self.base[old.id]  # now one that the learner added
        if is_exercise(old):
            merge.orphaned.append(cell_name(old))


def _merge_order(base: list[str], local: list[str], remote: list[str]) -> list[str]:
    """Merge the lists of cell ids; of cells added in one place, the learner's come first."""
    from nbdime.merging.decisions import apply_decisions
    from nbdime.merging.generic import decide_merge

    decisions = decide_merge(base, local, remote)
    for decision in decisions:
        if decision.conflict:
            decision.action = "local_then_remote"
    return list(dict.fromkeys(apply_decisions(base, decisions)))  # moved by both: once


def _notebook_metadata(base: Any, local: Any, remote: Any) -> Any:
    """The course's metadata, and the learner's own beside it."""
    dropped = base.metadata.keys() - remote.metadata.keys()
    merged = copy.deepcopy(local.metadata)
    for key in dropped:
        merged.pop(key, None)
    merged.update(copy.deepcopy(remote.metadata))
    return merged


def _show_after(notebook: Any, cell_id: str, new: Any) -> None:
    """Put the course's new version of a cell after the learner's, as text that does not run."""
    import nbformat

    digest = hashlib.sha256(f"{cell_id}\n{new.source}".encode()).hexdigest()[:12]
    shown_id = f"upstream-{digest}"
    cells = notebook.cells
    if any(cell.id == shown_id for cell in cells):
        return
    if new.cell_type == "code":
        fence = "````" if "```" in new.source else "```"
        text = f"{fence}python\n{new.source}\n{fence}"
    else:
        text = new.source
    source = f"**The course changed this cell. Yours, above, was kept; the new one is:**\n\n{text}"
    place = next(number for number, cell in enumerate(cells) if cell.id == cell_id)
    cells.insert(place + 1, nbformat.v4.new_markdown_cell(source, id=shown_id))


def _tidy_grader_metadata(notebook: Any, remote: Any) -> None:
    """Leave nbgrader's marks on the cells the chapter has, as it has them, and on no other."""
    wanted = _by_id(remote)
    for cell in notebook.cells:
        marks = marks_of(wanted[cell.id]) if cell.id in wanted else {}
        cell.metadata.pop("nbgrader", None)
        if marks:
            cell.metadata["nbgrader"] = marks


def _says_same(one: Any, other: Any) -> bool:
    return bool(one.cell_type == other.cell_type and one.source == other.source)


def _by_id(notebook: Any) -> Cells:
    return {cell.id: cell for cell in notebook.cells}
