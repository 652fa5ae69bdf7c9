"""Commands for whoever writes chapters: build, count, grade the graders."""

from __future__ import annotations

from typing import Annotated

import typer

from descent.cli.app import AUTHORS, app

SomeChapters = Annotated[
    list[str] | None, typer.Argument(help="Chapters; all when none is named.", show_default=False)
]


@app.command(rich_help_panel=AUTHORS)
def build(
    chapters: SomeChapters = None,
    execute: Annotated[bool, typer.Option(help="Run the pages whose code changed.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Run every page.")] = False,
) -> None:
    """Make the notebooks and the lists of chapters from the chapter sources."""
    from descent.authoring import AuthoringError, broken_limits, build_chapters
    from descent.study.paths import course_root

    root, only = course_root(), chapters or None
    build_chapters(root, only, execute=execute, force=force)
    if problems := broken_limits(root, only, unfinished=True):
        raise AuthoringError(problems)


@app.command("check-chapters", rich_help_panel=AUTHORS)
def check_chapters() -> None:
    """Say which generated files are stale, which limits are broken, what the map gets wrong."""
    from descent.authoring import broken_limits, stale_files
    from descent.study.paths import course_root

    wrong = [*stale_files(course_root()), *broken_limits(course_root()), *_map_problems()]
    for sentence in wrong:
        print(sentence)
    print(f"{len(wrong)} to put right." if wrong else "Every generated file is fresh.")
    raise typer.Exit(1 if wrong else 0)


def _map_problems() -> list[str]:
    from descent.study.header import CatalogError
    from descent.study.routes.course_map import load_map
    from descent.study.routes.problems import course_problems
    from descent.study.routes.yaml_file import RoutesError

    try:
        return course_problems(load_map())
    except CatalogError:  # a header is wrong, which the others have told
        return []
    except RoutesError as error:
        return [str(error)]


@app.command("new-chapter", rich_help_panel=AUTHORS)
def new_chapter(
    name: Annotated[
        str,
        typer.Argument(help="Part, number and name: foundations/1_linear_algebra.", metavar="NAME"),
    ],
    title: Annotated[str, typer.Option(help="Its title; the name in words if none.")] = "",
) -> None:
    """Make a chapter that builds and passes its audit, for you to overwrite."""
    from descent.authoring import make_chapter
    from descent.study.paths import course_root

    made = make_chapter(course_root(), name, title)
    for file in made.files:
        print(f"Made {file}")
    print(made.next_steps)


@app.command(rich_help_panel=AUTHORS)
def limits(
    chapters: SomeChapters = None,
    lower: Annotated[
        bool, typer.Option("--lower", help="Lower the list of known excesses to what there is.")
    ] = False,
) -> None:
    """Count what a chapter may not exceed: words, long sentences, hints that tell all."""
    from descent.authoring import known_excesses
    from descent.study.paths import course_root

    if lower:
        for line in known_excesses.lower(course_root()):
            print(line)
        return
    for line in known_excesses.count_report(course_root(), chapters or None):
        print(line)


@app.command("grade-the-graders", rich_help_panel=AUTHORS)
def grade_the_graders(
    chapters: SomeChapters = None,
    light: Annotated[
        bool, typer.Option("--light", help="One seed, and no mutants: seconds, not minutes.")
    ] = False,
) -> None:
    """Judge the autograder itself: mistakes named, mutants killed, survivors listed."""
    from descent.authoring.chapter_audit import grade_the_graders as grade
    from descent.grading.audit import Depth

    sound = grade(chapters or (), Depth.LIGHT if light else Depth.WHOLE, print)
    raise typer.Exit(0 if sound else 1)
