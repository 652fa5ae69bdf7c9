"""What a chapter may not exceed is counted where it stands; the list of excesses only shrinks."""

from __future__ import annotations

import pytest

from descent.authoring import AuthoringError, broken_limits
from descent.authoring.course import load_course
from descent.authoring.known_excesses import FILE, count_report, lower
from descent.authoring.limits import count_chapter

CHAPTER = "toys/01_one_weight"
SOURCE = f"solutions/{CHAPTER}.py"


def sentence(words: int) -> str:
    return "Word" + " word" * (words - 1) + "."


def counted(course, key: str):
    loaded = load_course(course.root)
    return {count.key: count for count in count_chapter(loaded, loaded.chapters[0])}[key]


def line_of(course, text: str) -> int:
    return course.source.read_text().split(text)[0].count("\n") + 1


def known(course, **entries: int) -> None:
    lines = [f"{key} = {number}" for key, number in entries.items()]
    course.write(FILE, "\n".join([f'["{CHAPTER}"]', *lines, ""]))


@pytest.fixture
def quiet(course):
    """Return a course that breaks no limit, but for the fewest words and cards."""
    course.edit(
        course.source, "    return w * x\n", "    y = w\n    y *= x\n    y += 0\n    return y\n"
    )
    assert broken_limits(course.root, unfinished=True) == []
    return course


def test_a_long_sentence_is_named_with_its_line(quiet):
    quiet.add_cells(f"# %% [markdown]\n# Short.\n# {sentence(30)}\n# {sentence(31)}\n")
    line = line_of(quiet, sentence(31))
    assert broken_limits(quiet.root, unfinished=True)[0] == (
        f"{SOURCE}: sentences over 30 words: 1, none allowed; line {line} (31 words)."
    )


def test_many_sentences_over_25_words(quiet):
    quiet.add_cells("# %% [markdown]\n# " + " ".join([sentence(26)] * 2))
    found = counted(quiet, "percent_over_25")
    assert found.amount > found.most and len(found.places) == 2


def test_words_between_two_things_to_do(quiet):
    text = " ".join([sentence(20)] * 15)
    quiet.add_cells(f"# %% [markdown]\n# {text}\n\n# %%\n1 + 1\n")
    assert counted(quiet, "words_beyond_250").amount == 50
    assert counted(quiet, "words_beyond_250").places == (
        f"line {line_of(quiet, text)} (300 words)",
    )


def test_a_prediction_and_the_closing_tasks_are_things_to_do(quiet):
    text = " ".join([sentence(20)] * 12)
    quiet.add_cells(f"# %% [markdown]\n# {text}\n#\n# **Predict.** {text}\n\n# %%\n1 + 1\n")
    quiet.add_cells(f"# %% [markdown]\n# ## Go further\n#\n# {text} {text}\n")
    assert counted(quiet, "words_beyond_250").amount == 0


def test_voice_in_the_page_and_in_what_a_check_says(quiet):
    near = "It has just run, just below 1."
    quiet.add_cells(f"# %% [markdown]\n# It is simply good! `just!` $n!$ ![a](b.png) {near}\n")
    quiet.edit(quiet.exercises, '"Multiply."', '"Just multiply!"')
    line = line_of(quiet, "It is simply")
    hint = "src/descent/exercises/toys/one_weight.py, line 5"
    assert counted(quiet, "exclamation_marks").places == (f"line {line}", hint)
    assert counted(quiet, "belittling_words").places == (
        f"line {line} ('simply')",
        f"{hint} ('Just')",
    )


def test_short_solutions_are_named(course):
    found = counted(course, "short_solutions")
    assert (found.amount, found.most) == (2, 1)
    assert [place.split()[0] for place in found.places] == ["predict", "Line"]


def test_a_hint_that_is_the_solution_is_named(quiet):
    quiet.edit(quiet.exercises, '"Multiply."', '"`y = w`, `y *= x`, `w * x`"')
    quiet.edit(
        quiet.source, "    y = w\n    y *= x\n    y += 0\n    return y\n", "    return w * x\n"
    )
    quiet.edit(quiet.exercises, 'predict.hint("Look', 'predict.hint("Yes.")\npredict.hint("Look')
    (place,) = counted(quiet, "hints_that_tell_all").places
    assert place == "predict (src/descent/exercises/toys/one_weight.py, line 5)"


def test_too_few_words_are_forgiven_while_a_chapter_is_written(quiet):
    words = counted(quiet, "words").amount
    assert broken_limits(quiet.root) == [
        f"{SOURCE}: words of prose: {words}; a chapter has at least 1500.",
        f"{SOURCE}: recall cards: 1; a chapter has at least 6.",
    ]


def test_a_known_excess_is_allowed_and_no_more(quiet):
    cell = "# %% [markdown]\n# " + " ".join([sentence(31)] * 2) + "\n"
    quiet.add_cells(cell)
    known(quiet, sentences_over_30=2, percent_over_25=40)
    assert broken_limits(quiet.root, unfinished=True) == []
    quiet.add_cells(cell)
    grown = broken_limits(quiet.root, unfinished=True)
    assert f"{SOURCE}: sentences over 30 words: 4, none allowed, 2 known; line" in grown[0]


def test_an_edit_below_the_words_that_are_listed_fails_nothing(quiet):
    quiet.add_cells("# %% [markdown]\n" + f"# {sentence(20)}\n\n# %%\n1\n\n# %% [markdown]\n" * 180)
    assert 3500 < counted(quiet, "words").amount < 3700
    for listed in (3700, 3950):
        known(quiet, words=listed)
        assert broken_limits(quiet.root, unfinished=True) == []
    known(quiet, words=3550)
    assert len(broken_limits(quiet.root, unfinished=True)) == 1


@pytest.mark.parametrize(
    "entries, says",
    [
        ({"words": 4000}, "words = 4000 of toys/01_one_weight is not needed"),
        ({"sentences_over_30": 3}, "is too high: 1 is what there is"),
        ({"wards": 4000}, "wards = 4000 of toys/01_one_weight is nothing that is counted"),
    ],
)
def test_an_entry_that_no_longer_holds_asks_to_be_lowered(quiet, entries, says):
    quiet.add_cells(f"# %% [markdown]\n# {sentence(31)} " + "Short. " * 20)
    known(quiet, **{"sentences_over_30": 1, **entries})
    (problem,) = broken_limits(quiet.root, unfinished=True)
    assert problem.startswith(FILE) and says in problem
    assert problem.endswith("Run `descent limits --lower`.")
    lower(quiet.root)
    assert broken_limits(quiet.root, unfinished=True) == []


def test_an_entry_of_a_chapter_that_is_gone(quiet):
    quiet.write(FILE, '["toys/02_gone"]\nwords = 4000\n')
    (problem,) = broken_limits(quiet.root, unfinished=True)
    assert "'toys/02_gone' is no chapter" in problem
    assert lower(quiet.root) == ["toys/02_gone: words 4000 → gone"]


def test_the_list_is_never_raised(quiet):
    quiet.add_cells(f"# %% [markdown]\n# {sentence(31)} {sentence(31)} " + "Short. " * 20)
    known(quiet, sentences_over_30=1)
    before = broken_limits(quiet.root, unfinished=True)
    assert lower(quiet.root) == []
    assert broken_limits(quiet.root, unfinished=True) == before != []


def test_a_first_list_is_made_of_things_as_they_stand(course):
    assert lower(course.root) == [f"{CHAPTER}: short_solutions new → 2"]
    assert broken_limits(course.root, unfinished=True) == []
    text = (course.root / FILE).read_text()
    assert lower(course.root) == [] and (course.root / FILE).read_text() == text


@pytest.mark.parametrize("text", ["words =", '["toys/01_one_weight"]\nwords = "many"\n', "a = 1\n"])
def test_a_list_that_cannot_be_read_is_one_line(course, text):
    course.write(FILE, text)
    with pytest.raises(AuthoringError) as caught:
        broken_limits(course.root)
    assert len(caught.value.problems) == 1 and str(caught.value).startswith(FILE)


def test_the_report_lists_what_is_over(course):
    lines = list(count_report(course.root, ["toys"]))
    assert lines[0] == CHAPTER
    place = lines.index("  solutions under 4 lines, of 2: 2 (1 allowed)")
    assert lines[place + 1].strip().startswith("predict (line")
