"""The commands for the way through the course: what they print, keep and refuse."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from descent import cli
from descent.errors import CourseError
from descent.study import lab
from descent.study.store import ProgressStore


def _load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


small = _load(Path(__file__).parent / "study" / "routes" / "conftest.py")


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = tmp_path / "course"
    monkeypatch.setenv("DESCENT_COURSE", str(root))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DESCENT_WORK", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(lab, "book_addresses", lambda: lambda page: page)
    small.write_chapter(root, "ladder/01_line", small.LINE)
    small.write_chapter(root, "ladder/02_slopes", small.SLOPES, "ladder/01_line", hours=3)
    (root / "book").mkdir()
    for name, text in (("curriculum", small.CURRICULUM), ("routes", small.ROUTES)):
        (root / "book" / f"{name}.yml").write_text(dedent(text), encoding="utf-8")
    (root / "book" / "terms.md").write_text(dedent(small.TERMS), encoding="utf-8")
    return root


def run(*arguments):
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def plans():
    return [event.data for event in ProgressStore().events() if event.kind == "plan"]


def flat(text):
    return " ".join(text.split())


def test_a_learner_without_a_plan_is_shown_how_to_make_one(course):
    shown = run("plan")
    assert "You have no plan yet" in shown
    assert "descent plan --goal research/7 --hours 24" in shown
    assert "you are in a hurry" in shown
    assert plans() == []


def test_a_plan_says_what_it_takes_and_what_stands_in_for_an_unwritten_chapter(course):
    shown = flat(run("plan", "--goal", "research/1", "--hours", "24"))
    assert "R1 · Attention, with 24 h" in shown
    assert "It fits, with" in shown
    assert "A paper https://example.org/paper Do: all. Skip: nothing." in shown
    assert "A look aside (ladder/01#extra): what extra is for" in shown
    assert "Next: 'The data' descent open ladder/01" in shown


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("fit", "ladder/01_line#fit"),
        ("gradient", "ladder/01_line#slope"),
        ("ladder/01#gradient", "ladder/01_line#slope"),
        ("Slope", "ladder/01_line#slope"),
        ("induction heads", "research/1_attention"),
        ("attention", "research/1_attention"),
        ("R1 · Attention", "research/1_attention"),
    ],
)
def test_a_goal_may_be_an_exercise_a_word_or_a_title(course, name, goal):
    run("plan", "--goal", name)
    assert plans()[-1]["goal"] == goal


def test_a_name_of_nothing_is_told_which_chapters_there_are_in_one_line(course):
    with pytest.raises(CourseError, match=r"There are: 1 to 2, R1 to R2\.$"):
        run("plan", "--goal", "zzzzzz")


def test_hours_that_do_not_suffice_get_the_reach_and_a_goal_that_fits(course):
    shown = flat(run("plan", "--goal", "research/2", "--hours", "5"))
    assert "5 h carry you to the end of rung 2. What fits is 2 · Slopes," in shown
    assert "--goal ladder/02" in shown
    assert "── 5 h end here" in shown
    assert "── 4 h end in rung 2 ──" in run("plan", "--hours", "4")


def test_hours_too_few_for_anything_say_how_long_the_first_section_takes(course):
    shown = flat(run("plan", "--goal", "research/2", "--hours", "0.01"))
    assert "do not carry you to the end of the first section, 'The data', which takes" in shown


def test_a_plan_is_remembered_and_shown_with_what_is_done(course):
    run("plan", "--goal", "research/1", "--hours", "24")
    for name in ("predict", "loss", "gradient", "bonus"):
        ProgressStore().record_check("ladder/01_line", name, "correct")
    shown = run("plan")
    assert "R1 · Attention, with 24 h" in shown
    assert "✓  1 " in shown and "done" in shown
    assert plans() == [{"goal": "research/1_attention", "hours": 24.0, "known": []}]


def test_other_hours_keep_the_goal_and_another_goal_forgets_the_hours(course):
    run("plan", "--goal", "research/1", "--hours", "24")
    assert "R1 · Attention, with 30 h" in run("plan", "--hours", "30")
    assert "R2 · Agents\n" in run("plan", "--goal", "research/2")
    assert [plan["hours"] for plan in plans()] == [24.0, 30.0, None]


def test_what_a_learner_knows_is_kept_with_the_plan_and_can_be_taken_back(course):
    run("plan", "--goal", "research/1")
    assert "Next: 'Backwards'" in run("plan", "--known", "ladder/01", "--known", "02#tensors")
    assert "Next: 'Backwards'" in run("plan")
    assert "Next: 'The data'" in run("plan", "--not-known", "ladder/01")
    assert plans()[-1]["known"] == ["ladder/02_slopes#tensors"]


def test_a_plan_survives_a_chapter_and_a_section_that_are_renamed(course):
    run("plan", "--goal", "ladder/02#backward", "--hours", "3")
    (course / "solutions/ladder/02_slopes.py").unlink()
    sections = [("gradients", *small.SLOPES[1][1:]), small.SLOPES[0]]
    small.write_chapter(course, "ladder/05_autograd", sections[::-1], "ladder/01_line")
    text = (course / "solutions/ladder/05_autograd.py").read_text(encoding="utf-8")
    assert "id: gradients" in text
    (course / "book/former_ids.yml").write_text(
        "ladder/02_slopes: ladder/05_autograd\n"
        "ladder/05_autograd/backward: ladder/05_autograd/gradients\n"
    )
    assert "Backwards (rung 5), with 3 h" in run("plan")


def test_a_goal_that_the_course_gave_up_is_told_and_the_record_keeps_it(course):
    run("plan", "--goal", "ladder/02#backward")
    (course / "book/former_ids.yml").write_text("ladder/02_slopes: ladder/99_gone\n")
    with pytest.raises(CourseError, match="descent plan --goal"):
        run("plan")
    assert len(plans()) == 1


def test_a_goal_whose_section_is_gone_becomes_its_chapter(course):
    run("plan", "--goal", "ladder/02#afterwards")
    small.write_chapter(course, "ladder/02_slopes", small.SLOPES[:2], "ladder/01_line")
    assert "2 · Slopes\n" in run("plan")


def test_a_route_is_followed_in_its_order(course):
    shown = flat(run("plan", "--route", "short", "--hours", "3"))
    assert "The short way, with 3 h" in shown
    assert "A good place to stop is after rung 1: a line." in shown
    assert "Takes for granted: 2 (3 h)." in shown


@pytest.mark.parametrize("hours", ["1e300", "0", "-3", "many", "nan", "inf", " "])
def test_hours_that_are_none_are_refused_and_nothing_is_kept(course, hours):
    with pytest.raises(CourseError, match="no number of hours above zero|too many hours"):
        run("plan", "--goal", "research/1", f"--hours={hours}")
    assert plans() == []


@pytest.mark.parametrize("hours", ["1.5", "1,5", "1.5h", "1.5 hours"])
def test_hours_are_read_as_people_write_them(course, hours):
    run("plan", "--goal", "research/1", "--hours", hours)
    assert plans()[-1]["hours"] == 1.5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--goal", "reserch/1_attention"], "Did you mean research/1_attention"),
        (["--goal", "1", "--route", "short"], "not both"),
        (["--hours", "3"], "Hours for what"),
        (["--route", "long"], "There are: short, backwards"),
        (["--route", "backwards"], "is planned from a goal"),
        (["--goal", "ladder/01#none"], "has no section 'none'"),
        (["--goal", "ladder/01", "--known", "nothing"], "There is no chapter 'nothing'"),
    ],
)
def test_what_cannot_be_planned_is_told_and_not_kept(course, arguments, says):
    with pytest.raises(CourseError, match=says):
        run("plan", *arguments)
    assert plans() == []


@pytest.mark.parametrize("command", ["open", "review", "write"])
def test_a_chapter_that_is_not_written_yet_is_told_so_with_what_to_take(course, command):
    with pytest.raises(CourseError, match=r"not written yet.*descent plan --goal research/1$"):
        run(command, "R1")


def test_now_shows_what_is_begun_and_what_can_be_started(course):
    assert "You can start" in run("now") and "In progress" not in run("now")
    ProgressStore().record_start("ladder/02_slopes")
    shown = run("now")
    assert shown.index("In progress") < shown.index("2 · Slopes") < shown.index("You can start")


def test_a_clock_for_a_chapter_still_to_be_written_puts_it_in_progress(course):
    assert "The clock runs for R1 · Attention: " in run("time", "begin", "R1")
    shown = run("now")
    assert shown.index("In progress") < shown.index("R1 · Attention") < shown.index("You can start")


def test_why_says_what_a_section_is_for_and_who_needs_it(course):
    shown = flat(run("why", "slope"))
    assert "For: what slope is for." in shown
    assert "Needed directly by 2 · Slopes Backwards" in shown
    assert "Further on: R1 · Attention; R2 · Agents." in shown


def test_stuck_leads_to_the_places_in_the_book_nearest_first(course):
    shown = run("stuck", "gradients")
    links = [word for word in shown.split() if word.startswith("solutions/")]
    assert links[0] == "solutions/ladder/02_slopes.html#backwards"
    assert set(links[1:3]) == {
        "solutions/ladder/02_slopes.html#tensors",
        "solutions/ladder/01_line.html#which-way-is-down",
    }


def test_stuck_gives_whole_addresses_where_the_book_is_served(course, monkeypatch):
    root = "http://localhost:8888/" + "long/" * 20
    monkeypatch.setattr(lab, "book_addresses", lambda: lambda page: f"{root}book/{page}")
    assert f"{root}book/solutions/ladder/02_slopes.html#backwards\n" in run("stuck", "gradients")


def test_nothing_is_wider_than_eighty_columns_but_an_address(course):
    shown = run("plan", "--goal", "research/2", "--sections") + run("now") + run("why", "1")
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines() if "http" not in line)


def test_a_plan_keeps_its_columns_in_a_narrow_window(course, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    lines = run("plan", "--goal", "ladder/02", "--hours", "1").splitlines()
    assert all(len(line.rstrip()) <= 50 for line in lines)
    (slopes,) = (line.split() for line in lines if line.startswith("○  2 · Slopes "))
    assert slopes.count("h") == 2  # what it takes and until when, in the line of its name
