"""Bringing a chapter's changes into a learner's copy of it, without losing a line of theirs.

What each shared cell will say is settled first, cell by cell: the course's checks are the course's,
an answer is the learner's, and where both changed a cell the learner's stays and the course's new
text is shown after it. Then nbdime merges the three notebooks, which by now differ only in the
cells that one side added, removed or moved.
"""

from __future__ import annotations

import copy
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from descent.study.files import grader_metadata, is_check, is_exercise


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
    """

    notebook: Any
    kept: list[str] = field(default_factory=list)
    updated: int = 0
    added: int = 0
    orphaned: list[str] = field(default_factory=list)


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
    base, local, remote = (copy.deepcopy(notebook) for notebook in (base, local, remote))
    _make_ids_unique(local)
    news = _Settling(base, local, remote)
    merge = news.settle()
    merge.notebook = _merge_structure(base, local, remote)
    for cell_id, source_cell in news.to_show.items():
        _show_after(merge.notebook, cell_id, source_cell)
    _tidy_grader_metadata(merge.notebook, remote)
    return merge


class _Settling:
    """Settles, in place, what every cell that two or three of the notebooks share will say."""

    def __init__(self, base: Any, local: Any, remote: Any) -> None:
        self.base, self.local, self.remote = base, local, remote
        self.to_show: dict[str, Any] = {}

    def settle(self) -> Merge:
        merge = Merge(notebook=None)
        _settle_notebook_metadata(self.base, self.local, self.remote)
        base, local, remote = (_by_id(book) for book in (self.base, self.local, self.remote))
        for cell_id, new in remote.items():
            if cell_id in local:
                self._settle_shared(merge, base.get(cell_id, new), local[cell_id], new)
            elif cell_id not in base:
                merge.added += 1
            elif is_check(new):
                _remove(self.base, cell_id)  # to nbdime a new cell: the check comes back
                merge.added += 1
            else:
                _replace(self.base, cell_id, new)  # the learner removed it, and it stays removed
        for cell_id, old in base.items():
            if cell_id in local and cell_id not in remote:
                self._settle_removed(merge, old, local[cell_id])
        return merge

    def _settle_shared(self, merge: Merge, old: Any, mine: Any, new: Any) -> None:
        """Give a cell that is in the learner's copy and in the new chapter the same content."""
        if _says_same(mine, new):
            chosen = mine
        elif _says_same(mine, old) or is_check(new):
            chosen = new
            merge.updated += 1
        else:
            chosen = mine
            if not _says_same(new, old):
                merge.kept.append(_name(new))
                self.to_show[new.id] = copy.deepcopy(new)
        chosen = copy.deepcopy(chosen)
        chosen.metadata = {**mine.metadata, **new.metadata}
        for notebook in (self.base, self.local, self.remote):
            _replace(notebook, new.id, chosen)

    def _settle_removed(self, merge: Merge, old: Any, mine: Any) -> None:
        """Let a cell go that the course removed, unless the learner wrote in it."""
        if _says_same(mine, old) or is_check(old):
            _replace(self.local, old.id, old)
            return
        _remove(self.base, old.id)  # to nbdime now a cell the learner added
        if is_exercise(old):
            merge.orphaned.append(_name(old))


def _merge_structure(base: Any, local: Any, remote: Any) -> Any:
    """Merge the lists of cells with nbdime; where both added cells in one place, keep both."""
    from nbdime.merging.decisions import apply_decisions
    from nbdime.merging.notebooks import decide_notebook_merge

    decisions = decide_notebook_merge(base, local, remote)
    for decision in decisions:
        if decision.conflict:
            both = tuple(decision.common_path) == ("cells",)
            decision.action = "local_then_remote" if both else "local"
    merged = apply_decisions(base, decisions)
    _make_ids_unique(merged)
    return merged


def _settle_notebook_metadata(base: Any, local: Any, remote: Any) -> None:
    dropped = set(base.metadata) - set(remote.metadata)
    kept = {key: value for key, value in local.metadata.items() if key not in dropped}
    for notebook in (base, local, remote):
        notebook.metadata.clear()
        notebook.metadata.update({**kept, **remote.metadata})
        notebook.nbformat_minor = 5


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
        marks = grader_metadata(wanted[cell.id]) if cell.id in wanted else {}
        cell.metadata.pop("nbgrader", None)
        if marks:
            cell.metadata["nbgrader"] = marks


def _make_ids_unique(notebook: Any) -> None:
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.id in seen:
            cell.id = uuid.uuid4().hex[:8]
        seen.add(cell.id)


def _says_same(one: Any, other: Any) -> bool:
    return bool(one.cell_type == other.cell_type and one.source == other.source)


def _name(cell: Any) -> str:
    return str(grader_metadata(cell).get("grade_id") or cell.id)


def _by_id(notebook: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in notebook.cells}


def _replace(notebook: Any, cell_id: str, new: Any) -> None:
    for place, cell in enumerate(notebook.cells):
        if cell.id == cell_id:
            notebook.cells[place] = copy.deepcopy(new)


def _remove(notebook: Any, cell_id: str) -> None:
    notebook.cells = [cell for cell in notebook.cells if cell.id != cell_id]
