"""How `self_overlap` is judged: beside counts kept in lists."""

from __future__ import annotations

import math
from collections import Counter

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

self_overlap = Exercise("self_overlap", minutes=25, difficulty=3, returns=float)

WORDS = ["what", "is", "the", "soup", "tell", "me", "more", "you"]


def _grams(text: str, n: int) -> list[str]:
    words = text.split()
    return [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]


def _expected(questions: list[str], n: int) -> float:
    """Match n-grams off against each other question, one occurrence at a time."""
    shares = []
    for i, question in enumerate(questions):
        own = _grams(question, n)
        if not own:
            continue
        matched = 0
        for gram in sorted(set(own)):
            most = max(_grams(other, n).count(gram) for j, other in enumerate(questions) if j != i)
            matched += min(own.count(gram), most)
        shares.append(matched / len(own))
    return math.fsum(shares) / len(shares)


def _questions(draw: Draw, count: int, vocabulary: int = 4) -> list[str]:
    return [
        " ".join(WORDS[k] for k in draw.integers(0, vocabulary, draw.integers(3, 8)))
        for _ in range(count)
    ]


def _judge(answer, questions: list[str], n: int) -> None:
    expect(answer(questions, n), f"the overlap of {n}-grams").close_to(_expected(questions, n))


@self_overlap.property("is the mean share of n-grams that another question has too", trials=6)
def _(answer, draw: Draw) -> None:
    for n in (1, 2, 3):
        _judge(answer, _questions(draw, draw.size + 2), n)


@self_overlap.property("is 1 where all ask the same and 0 where no two share a word", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, ["what is the soup"] * (draw.size + 1), 2)
    _judge(answer, ["what is the soup", "tell me more"], 1)


@self_overlap.property(
    "lets an n-gram be matched no more often than it occurs in one other", trials=2
)
def _(answer, draw: Draw) -> None:
    _judge(answer, ["the the the the soup", "the soup", "the the more"], 1)
    _judge(answer, ["is is is is", "is is", "is is", "is is"], 1)
    _judge(answer, ["is is is is", "is is", "is is", "is is"], 2)


@self_overlap.property("leaves out questions that are shorter than n words", trials=3)
def _(answer, draw: Draw) -> None:
    for short in (["soup"], ["soup", "", "more"]):
        _judge(answer, [*short, *_questions(draw, 3)], 2)
    _judge(answer, ["what is the soup", "soup", "is the"], 3)
    _judge(answer, ["what is the soup", "", "is the plan", ""], 1)


@self_overlap.property("of the page's three questions is 0.5")
def _(answer, draw: Draw) -> None:
    _judge(answer, ["what is the soup", "what is the plan", "tell me more"], 1)
    expect(
        answer(["what is the soup", "what is the plan", "tell me more"], 1), "the overlap"
    ).close_to(0.5)


@self_overlap.property("counts every question the same, long ones and short", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, ["the soup is the soup you tell me of", "me me", "you you more"], 1)


@self_overlap.property("refuses fewer than two questions, and questions that are all too short")
def _(answer, draw: Draw) -> None:
    refuses(answer, ["what is the soup"], 2, because="a single question")
    refuses(answer, [], 2, because="no question")
    refuses(
        answer, ["soup", "more", "me"], 2, because="questions that are all shorter than n words"
    )


@self_overlap.right
def right_overlap(questions, n):
    if len(questions) < 2:
        raise ValueError("one question has no others")
    counts = []
    for question in questions:
        words = question.split()
        counts.append(Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)))
    shares = []
    for i, own in enumerate(counts):
        if not own:
            continue
        others = counts[:i] + counts[i + 1 :]
        matched = sum(min(k, max(o[gram] for o in others)) for gram, k in own.items())
        shares.append(matched / sum(own.values()))
    if not shares:
        raise ValueError("no question has n words")
    return sum(shares) / len(shares)


_MATCHED = "sum(min(k, max(o[gram] for o in others)) for gram, k in own.items())"

self_overlap.slip(
    "with_itself",
    "You compared each question with itself as well, so all of it is found: 1, whatever was asked.",
    {"others = counts[:i] + counts[i + 1 :]": "others = counts"},
)
self_overlap.slip(
    "not_limited",
    "You count an n-gram as often as it occurs here, if it occurs elsewhere at all. Four 'the' "
    "against one match once.",
    {"min(k, max(o[gram] for o in others))": "(k if max(o[gram] for o in others) else 0)"},
)
self_overlap.slip(
    "others_added",
    "You added the other questions' counts. The best *one* of them counts: three questions with "
    "two 'is' have two of them, not six.",
    {"max(o[gram] for o in others)": "sum(o[gram] for o in others)"},
)
self_overlap.slip(
    "different_ones",
    "You compared the sets of n-grams. One that occurs twice counts twice.",
    {
        _MATCHED: "sum(1 for gram in own if max(o[gram] for o in others))",
        "sum(own.values())": "len(own)",
    },
)
self_overlap.slip(
    "pooled",
    "You divided all that matched by all n-grams. Each question counts the same, long ones too.",
    {
        "shares.append(matched / sum(own.values()))": "shares.append((matched, sum(own.values())))",
        "return sum(shares) / len(shares)": (
            "return sum(a for a, _ in shares) / sum(b for _, b in shares)"
        ),
    },
)
self_overlap.slip(
    "short_as_zero",
    "Questions shorter than n words count as 0 in your mean. They have no n-gram, so nothing can "
    "be said of them: leave them out of the sum, and out of the number that you divide by.",
    {
        "        if not own:\n            continue\n": (
            "        if not own:\n            shares.append(0.0)\n            continue\n"
        ),
        "if not shares:": "if not any(counts):",
    },
)
self_overlap.slip(
    "only_the_next",
    "You compared each question with its neighbour. All the others are asked for.",
    {"others = counts[:i] + counts[i + 1 :]": "others = [counts[i - 1]]"},
)
self_overlap.slip(
    "only_those_before",
    "You compared each question with those before it.",
    {"others = counts[:i] + counts[i + 1 :]": "others = counts[:i] or [Counter()]"},
)
self_overlap.slip(
    "share_of_new",
    "You return the share that is *not* found elsewhere.",
    {"return sum(shares) / len(shares)": "return 1 - sum(shares) / len(shares)"},
)
self_overlap.slip(
    "letters",
    "You cut the questions into letters. An n-gram here is n words.",
    {"words = question.split()": "words = question.replace(' ', '')"},
)
self_overlap.slip(
    "one_gram_too_few",
    "You left the last n-gram of every question out.",
    {"range(len(words) - n + 1)": "range(len(words) - n)"},
)
self_overlap.slip(
    "single_words",
    "You counted single words, whatever n is.",
    {"tuple(words[i : i + n])": "(words[i],)"},
)
self_overlap.slip(
    "steps_of_n",
    "Your n-grams do not overlap: begin one at every word.",
    {"range(len(words) - n + 1)": "range(0, len(words) - n + 1, n)"},
)
self_overlap.slip(
    "one_question_no_refusal",
    "A single question overlaps with nothing, and says nothing about diversity: raise a "
    "ValueError.",
    {
        (
            '    if len(questions) < 2:\n        raise ValueError("one question has no others")\n'
        ): "    if len(questions) < 2:\n        return 0.0\n"
    },
)
self_overlap.slip(
    "too_short_no_refusal",
    "Where all questions are too short there is no mean: raise a ValueError.",
    {'        raise ValueError("no question has n words")\n': "        return 0.0\n"},
)
self_overlap.slip(
    "mean_over_others",
    "You took the mean over the other questions. The one that shares most counts.",
    {"max(o[gram] for o in others)": "sum(o[gram] for o in others) / len(others)"},
)

self_overlap.slip(
    "equal_ones_left_out",
    "You compared each question with the *different* ones only. One that is asked twice is found "
    "in its twin.",
    {"counts[:i] + counts[i + 1 :]": "[other for other in counts if other != own] or [Counter()]"},
)

self_overlap.slip(
    "best_single_other",
    "You looked for the *one* other question that shares most. The largest count is taken for each "
    "n-gram by itself: two n-grams may be matched in two different questions.",
    {_MATCHED: ("max(sum(min(k, o[gram]) for gram, k in own.items()) for o in others)")},
)
self_overlap.slip(
    "mean_over_pairs",
    "You took the mean over all pairs of questions. For each n-gram the other question with the "
    "largest count is the one that matters.",
    {_MATCHED: ("sum(min(k, o[gram]) for gram, k in own.items() for o in others) / len(others)")},
)
self_overlap.slip(
    "empty_word",
    "You split at single spaces: an empty question then has one empty word. `split()` without "
    "arguments gives it none.",
    {"question.split()": 'question.split(" ")'},
)
self_overlap.slip(
    "each_match_once",
    "You count an n-gram once, however often it is matched, and divide by all n-grams.",
    {_MATCHED: "sum(1 for gram in own if max(o[gram] for o in others))"},
)
self_overlap.slip(
    "tails_too",
    "Your n-grams go on to the end of the question: the last ones are shorter than n words.",
    {"range(len(words) - n + 1)": "range(len(words))"},
)
self_overlap.slip(
    "divided_by_words",
    "You divided by the words of the question. It has fewer n-grams than words: divide by these.",
    {"sum(own.values())": "len(questions[i].split())"},
)
self_overlap.slip(
    "one_number_too_few",
    "You divided by n-grams as if there were one for every word that is left after n.",
    {"sum(own.values())": "max(sum(own.values()) - 1, 1)"},
)
self_overlap.slip(
    "order_lost",
    "You sorted the words of an n-gram. Their order is part of it.",
    {"tuple(words[i : i + n])": "tuple(sorted(words[i : i + n]))"},
)
self_overlap.slip(
    "larger_for_smaller",
    "You took the larger of the two counts. An n-gram is matched no more often than it occurs "
    "here, and no more often than there: the smaller.",
    {"min(k, max(o[gram] for o in others))": "max(k, max(o[gram] for o in others))"},
)
self_overlap.slip(
    "all_lengths",
    "You counted the shorter runs of words as well. An n-gram has exactly n words.",
    {
        "Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))": (
            "Counter(\n"
            "            tuple(words[i : i + m])\n"
            "            for m in range(1, n + 1)\n"
            "            for i in range(len(words) - m + 1)\n"
            "        )"
        )
    },
)
self_overlap.slip(
    "short_refused",
    "You refuse where a single question is shorter than n words. It is left out; only where *none* "
    "has n words there is nothing to say.",
    {"            continue\n": '            raise ValueError("a question has too few words")\n'},
)
self_overlap.slip(
    "twins_removed",
    "You removed questions that are asked twice. They are what the measure is to show.",
    {
        "    counts = []\n": (
            "    questions = list(dict.fromkeys(questions))\n"
            "    if len(questions) < 2:\n        return 0.0\n"
            "    counts = []\n"
        )
    },
)
self_overlap.slip(
    "twins_removed_and_refused",
    "You removed questions that are asked twice, and where one is left you find nothing to "
    "compare. They are what the measure is to show.",
    {
        "    if len(questions) < 2:\n": (
            "    questions = list(dict.fromkeys(questions))\n    if len(questions) < 2:\n"
        )
    },
)
self_overlap.slip(
    "short_dropped_first",
    "You dropped short questions before you asked whether there are two. One long question beside "
    "short ones still has others: it overlaps with none of them.",
    {
        "    if len(questions) < 2:\n": (
            "    questions = [q for q in questions if len(q.split()) >= n]\n"
            "    if len(questions) < 2:\n"
        )
    },
)
self_overlap.slip(
    "only_those_after",
    "You compared each question with those after it.",
    {"others = counts[:i] + counts[i + 1 :]": "others = counts[i + 1 :] or [Counter()]"},
)
self_overlap.slip(
    "only_the_last_other",
    "You compared each question with the last of the others. All of them are asked for.",
    {"max(o[gram] for o in others)": "others[-1][gram]"},
)

self_overlap.hint(
    "A `Counter` of word tuples for each question. The other questions' counts: their maximum."
)
self_overlap.hint("matched = Σ min(own count, largest count in one other).")
self_overlap.hint("'the the the' against 'the': how many match?", when="value")

for _mutant in (
    "`if len(questions) < 2:` → `if len(questions) < 1:`",
    "`if len(questions) < 2:` deleted",
    "`raise ValueError('one question has no others')` deleted",
):
    self_overlap.equivalent(_mutant, because="the maximum of nothing is a ValueError too")
_LARGEST = "max((other[gram] for other in others))"
_SUM = "matched = sum((min({}) for gram, k in own.items()))"
self_overlap.equivalent(
    f"`{_SUM.format('k, ' + _LARGEST)}` → `{_SUM.format(_LARGEST + ', k')}`",
    because="the smaller of two numbers does not depend on their order",
)
