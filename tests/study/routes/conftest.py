"""A small course with sections, two chapters of it still to be written."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

HEADER = """\
# ---
# title: {title}
# subtitle: A chapter of a small course
# part: {part}
# hours: {hours}
# needs: [{needs}]
# teaches: [{teaches}]
# builds: something
# number: none
# data: synthetic
# run: null
# sections:
{sections}
# recall:
#   - {{id: what, section: idea, q: "What?", a: "That."}}
# ---

# %% [markdown]
# # {title}
#
# An opening.
"""

CURRICULUM = """\
    ladder/01_line:
      for: "the loop of every later chapter"
    ladder/02_slopes:
      for: "gradients without work"
    research/1_attention:
      title: Attention
      hours: 10
      needs: [ladder/02_slopes#backward]
      for: "models of language"
      teaches: [induction heads]
      resource: {title: "A paper", url: "https://example.org/paper", read: "all", skip: "nothing"}
    research/2_agents:
      title: Agents
      hours: 4
      needs: [research/1_attention]
      helped_by: [ladder/02_slopes]
      for: "an end in itself"
      resource: {title: "A book", url: null, read: "all of it", skip: "nothing"}
"""

ROUTES = """\
    short:
      title: The short way
      for: "you are in a hurry"
      from: "A post"
      chapters: [ladder/01_line, research/1_attention: 2]
      stops: [{after: ladder/01_line, with: "a line"}]
    backwards:
      title: Backwards
      for: "you have a goal"
      from: "A post"
      chapters: []
      stops: []
"""

TERMS = """\
    # Index of terms

    - **gradient** (*slope*): [Which way is down?](PAGE#which-way-is-down), rung 1
    - **line**: [A line](PAGE#a-line), rung 1
""".replace("PAGE", "../solutions/ladder/01_line.ipynb")

LINE = (
    ("data", "The data", "", ()),
    ("fit", "A line", "data", ("predict", "loss")),
    ("slope", "Which way is down?", "fit", ("gradient",)),
    ("extra", "A look aside", "data", ("bonus",)),
)
SLOPES = (
    ("tensors", "Tensors", "ladder/01#data", ("to_tensors",)),
    ("backward", "Backwards", "tensors, ladder/01#slope", ("gradients",)),
    ("afterwards", "What it costs", "backward", ()),
)


def write_chapter(root: Path, chapter_id: str, sections, needs: str = "", hours: float = 2) -> Path:
    """Write a source with sections: (id, heading, needs, exercises) each."""
    part, _, name = chapter_id.partition("/")
    path = root / "solutions" / part / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    declared = "\n".join(
        f'#   - {{id: {key}, heading: "{heading}", for: "what {key} is for", needs: [{before}]}}'
        for key, heading, before, _ in sections
    )
    title = name.partition("_")[2].capitalize()
    text = HEADER.format(
        title=title, part=part, hours=hours, needs=needs, teaches=title.lower(), sections=declared
    )
    for _, heading, _, exercises in sections:
        text += f"\n# %% [markdown]\n# ## {heading}\n#\n# {'word ' * 120}\n"
        for exercise in exercises:
            text += (
                f'\n# %% exercise="{exercise}"\ndef {exercise}(x):\n'
                "    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n"
                f'\n# %% check="{exercise}"\ncheck({exercise})\n'
            )
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def write():
    """Write a chapter with sections into a course."""
    return write_chapter


@pytest.fixture
def small(root: Path) -> Path:
    """The folder of the small course."""
    write_chapter(root, "ladder/01_line", LINE)
    write_chapter(root, "ladder/02_slopes", SLOPES, "ladder/01_line", hours=3)
    (root / "book").mkdir()
    for name, text in (
        ("curriculum.yml", CURRICULUM),
        ("routes.yml", ROUTES),
        ("terms.md", TERMS),
    ):
        (root / "book" / name).write_text(dedent(text), encoding="utf-8")
    return root
