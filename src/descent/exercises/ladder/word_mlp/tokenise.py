"""How `tokenise` is judged."""

from __future__ import annotations

import re
from typing import Any

from descent.grading import Draw, Exercise, expect

tokenise = Exercise("tokenise", minutes=5, difficulty=1, returns=list[str])


def _by_character(text: str) -> list[str]:
    """The tokens, one character after another."""
    tokens: list[str] = []
    inside = False
    for character in text.lower():
        letter = character.isalnum() or character == "_"
        if letter and inside:
            tokens[-1] += character
        elif not character.isspace():
            tokens.append(character)
        inside = letter
    return tokens


def _expect_tokens(answered: Any, expected: list[str]) -> None:
    tokens = list(answered)
    expect(tokens, "the tokens").equals(expected)
    expect([len(token) for token in tokens], "their lengths").equals(list(map(len, expected)))


def _text(draw: Draw) -> str:
    words = ("Speak", "speak", "HEAR", "me", "know't", "'tis", "3", "naïve", "Élan")
    marks = (",", ".", ":", "!", "--", "&", "[", "]", "$", "“", "…")
    pieces = words + marks
    gaps = (" ", " ", "\n", "\n\n", "  ")
    return "".join(draw.choice(pieces) + draw.choice(gaps) for _ in range(draw.size + 1))


@tokenise.property("cuts a text into words and punctuation marks", trials=6)
def _(answer, draw: Draw) -> None:
    text = _text(draw)
    _expect_tokens(answer(text), _by_character(text))


@tokenise.property("lower-cases every word, and cuts at apostrophes")
def _(answer, draw: Draw) -> None:
    word = draw.choice(["King", "KING", "kiNG"])
    _expect_tokens(answer(f"{word}'s men"), ["king", "'", "s", "men"])


@tokenise.property("gives two marks for two marks, with or without spaces around them")
def _(answer, draw: Draw) -> None:
    mark = draw.choice(["--", "!?", ".,"])
    _expect_tokens(answer(f"no{mark}yes"), ["no", *mark, "yes"])


@tokenise.property("knows every letter and every mark, not only those of the keyboard", trials=2)
def _(answer, draw: Draw) -> None:
    first, last = draw.choice(["naïve", "Señor", "cœur"]), draw.choice(["&", "$", "]", "…", "“"])
    _expect_tokens(answer(f"{first} {last}\tme"), [first.lower(), last, "me"])


@tokenise.property("finds no tokens where there are none")
def _(answer, draw: Draw) -> None:
    expect(len(list(answer(draw.choice(["", " \n ", "\n\n"])))), "how many tokens").equals(0)


@tokenise.property("keeps digits and underscores inside their word")
def _(answer, draw: Draw) -> None:
    word = draw.choice(["act_1", "2nd", "scene3"])
    _expect_tokens(answer(f"{word};"), [word, ";"])


@tokenise.mistake(
    "You kept the capitals. `The` and `the` would be two words that know nothing of each other: "
    "lower-case the text first."
)
def kept_capitals(text):
    return re.findall(r"\w+|[^\w\s]", text)


@tokenise.mistake(
    "You split at white space alone, so that `speak,` and `speak` are two different words. A "
    "punctuation mark is a token of its own."
)
def split_at_spaces(text):
    return text.lower().split()


@tokenise.mistake(
    "You threw the punctuation away. Here a comma is something to be predicted, like a word: each "
    "mark is a token of its own."
)
def words_alone(text):
    return re.findall(r"\w+", text.lower())


@tokenise.mistake(
    "Your tokens hold white space. It separates tokens and is not one: use `[^\\w\\s]` for the "
    "marks."
)
def kept_spaces(text):
    return re.findall(r"\w+|\W", text.lower())


@tokenise.mistake(
    "Some of your tokens are white space (line breaks or tabs). Every kind of it separates tokens "
    "and is dropped: `\\s` means all of them."
)
def kept_line_breaks(text):
    return re.findall(r"\w+|[^\w ]", text.lower())


@tokenise.mistake(
    "Some of your tokens are empty or white space: `re.split` returns what lies between the "
    "matches too. Drop what is empty after `strip()`, or use `re.findall`."
)
def split_with_gaps(text):
    return re.split(r"(\W)", text.lower())


@tokenise.mistake(
    "You lose letters: `[a-z]` knows neither é nor digits nor the underscore. The word characters "
    "are `\\w`."
)
def ascii_letters(text):
    return re.findall(r"[a-z]+|[^\w\s]", text.lower())


@tokenise.mistake(
    "Letters with accents are marks to you, so that `naïve` becomes three tokens. `\\w` knows the "
    "letters of all alphabets, `[a-z0-9_]` does not."
)
def ascii_words(text):
    return re.findall(r"[a-z0-9_]+|[^a-z0-9_\s]", text.lower())


@tokenise.mistake(
    "You listed the marks that you thought of, and others are lost. *Any* character that is "
    "neither a word character nor white space is a token: `[^\\w\\s]`."
)
def listed_marks(text):
    return re.findall(r"\w+|[.,;:!?'\-]", text.lower())


@tokenise.mistake(
    "You glued neighbouring marks together: `--` is one of your tokens. Each mark is a token of "
    "its own, so leave out the `+` after `[^\\w\\s]`."
)
def glued_marks(text):
    return re.findall(r"\w+|[^\w\s]+", text.lower())


@tokenise.mistake(
    "Only a to z are letters to you: digits, underscores and letters with accents come out one by "
    "one, as marks. The word characters are `\\w`."
)
def letters_alone(text):
    return re.findall(r"[a-z]+|[^a-z\s]", text.lower())


@tokenise.mistake(
    "The underscore is a mark to you (`isalnum` says so). Here it is a word character, as in `\\w`."
)
def underscore_apart(text):
    return re.findall(r"[^\W_]+|_|[^\w\s]", text.lower())


@tokenise.mistake(
    "You know blanks and line breaks, and a tab became a token. Every kind of white space "
    "separates: `isspace()`, or `\\s`."
)
def kept_tabs(text):
    return re.findall(r"\w+|[^\w \n]", text.lower())


@tokenise.mistake(
    "The last word is lost where nothing follows it. When the loop is over, hand out the word that "
    "is still being read."
)
def last_word_lost(text):
    return re.findall(r"\w+(?=\W)|[^\w\s]", text.lower())


@tokenise.mistake("You cut the text into characters. A token is a whole run of letters: `\\w+`.")
def characters(text):
    return re.findall(r"\w|[^\w\s]", text.lower())


@tokenise.mistake(
    "You kept apostrophes inside words. That is a fair choice, and not this page's: here `king's` "
    "is the three tokens king, ', s."
)
def kept_apostrophes(text):
    return re.findall(r"[\w']+|[^\w\s]", text.lower())


tokenise.hint("`re.findall(pattern, text)` returns every match, in order. Which two kinds match?")
tokenise.hint(
    "A run of word characters is `\\w+`; one character neither word nor space `[^\\w\\s]`."
)
tokenise.hint("Two patterns become one with `|` between them. Lower-case before you match.")
tokenise.hint(
    "Run it on the line of the page by hand: which of your tokens is unlike?", when="value"
)
