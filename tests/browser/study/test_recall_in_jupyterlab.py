"""Recall cards in a chapter's notebook in JupyterLab: shown, answered, kept, asked once more."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect
from programs import PATIENCE, Program

from descent.serving.addresses import free_port
from descent.study.store import ProgressStore

pytestmark = pytest.mark.browser

CHAPTER = "ladder/04_softmax_classification"
CELLS = (
    f'from descent import chapter, recall\nchapter("{CHAPTER}")',
    'recall("softmax")',
    "recall()",
)


@pytest.fixture
def record(tmp_path: Path) -> ProgressStore:
    return ProgressStore(tmp_path / "home" / "progress.sqlite3")


@pytest.fixture
def notebook(tmp_path: Path, theme: str) -> Iterator[str]:
    """Start JupyterLab on a notebook of a few cells; return the notebook's address."""
    settings = tmp_path / "LAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    chosen = f'{{"theme": "JupyterLab {theme.capitalize()}"}}'
    (settings / "themes.jupyterlab-settings").write_text(chosen)
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    folder = tmp_path / "work"
    folder.mkdir()
    nbformat.write(made, folder / "cards.ipynb")
    environment = {**os.environ, "DESCENT_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}
    environment |= {
        f"JUPYTER{name}": str(tmp_path / name)
        for name in ("_CONFIG_DIR", "_DATA_DIR", "_RUNTIME_DIR", "LAB_SETTINGS_DIR")
    }
    environment["JUPYTERLAB_WORKSPACES_DIR"] = str(tmp_path / "workspaces")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--port={free_port(9400)}"]
    with Program(command, folder, environment) as server:
        found = server.wait_until_it_says(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)")
        yield f"{found[1]}/lab/tree/cards.ipynb?token={found[2]}"


def run(page: Page, place: int) -> Locator:
    """Run a cell, again where a busy machine dropped it, and return it."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(place)
    prompt = cell.locator(".jp-InputPrompt")
    for patience in (20_000.0, 20_000.0, 1_000 * PATIENCE):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        with contextlib.suppress(AssertionError):
            expect(prompt).to_have_text(re.compile(r"^\[\d+\]:$"), timeout=patience)
            return cell
    pytest.fail(f"cell {place} was not run")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_card_is_answered_and_a_forgotten_one_returns(
    theme: str, notebook: str, visit: Callable[..., object], record: ProgressStore
) -> None:
    page: Page = visit(notebook, height=1000, theme=theme).page  # type: ignore[attr-defined]
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    idle.first.wait_for(state="attached")
    run(page, 0)
    area = run(page, 1)
    show = area.get_by_role("button", name="Show the answer")
    expect(show.first).to_be_visible()
    cards = show.count()
    question = area.locator(".jp-OutputArea-output p").first.inner_text()
    show.first.click()
    area.get_by_role("button", name="Not yet").click()
    expect(area).to_contain_text("in the review tomorrow")
    expect(show).to_have_count(cards - 1)
    (review,) = [event for event in record.events() if event.kind == "review"]
    assert (review.chapter, review.data["remembered"]) == (CHAPTER, False)

    foot = run(page, 2)
    expect(foot).to_contain_text("Once more:")
    expect(foot).to_contain_text(question[:20])
    letters = foot.locator(".jp-OutputArea-output p").first
    assert are_dark(letters) == are_dark(foot.get_by_role("button").last) == (theme == "light")


def are_dark(words: Locator) -> bool:
    """Say whether words are written in a dark colour."""
    colour = words.evaluate("element => getComputedStyle(element).color")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) < 3 * 128
