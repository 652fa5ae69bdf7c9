"""How `votes_to_labels` is judged: votes counted one by one."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

votes_to_labels = Exercise(
    "votes_to_labels", minutes=12, difficulty=1, returns=tuple[list[int], list[float]]
)

VOTES = ("positive", "negative", "neutral", None)
WORTH = {"positive": 1.0, "negative": 0.0, "neutral": 0.5}


def _counted(votes: list[list[str | None]]) -> tuple[list[int], list[float]]:
    kept, labels = [], []
    for place, given in enumerate(votes):
        said = [WORTH[vote] for vote in given if vote is not None]
        if said:
            kept.append(place)
            labels.append(sum(said) / len(said))
    return kept, labels


def _expect_labels(answer, votes: list[list[str | None]]) -> None:
    kept, labels = answer(votes)
    right_kept, right_labels = _counted(votes)
    expect(list(kept), "the places kept").equals(right_kept)
    expect(list(labels), "the labels").close_to(right_labels)


@votes_to_labels.property("are 1, ½ and 0 for a single vote", trials=2)
def _(answer, draw: Draw) -> None:
    order = draw.rng.permutation(3)
    _expect_labels(answer, [[VOTES[i]] for i in order])


@votes_to_labels.property("are the mean of several votes", trials=5)
def _(answer, draw: Draw) -> None:
    votes: list[list[str | None]] = [
        [draw.choice(VOTES[:3]) for _ in range(draw.integers(1, 6))] for _ in range(draw.size + 1)
    ]
    _expect_labels(answer, [["positive", "positive", "neutral", "negative"], *votes])


@votes_to_labels.property("count a skipped text neither as neutral nor as a vote", trials=4)
def _(answer, draw: Draw) -> None:
    votes = [["positive", None, None], [None, "negative"], [None, "neutral", "positive", None]]
    _expect_labels(answer, [votes[i] for i in draw.rng.permutation(3)])


@votes_to_labels.property("leave out a text without a vote, and say which are left", trials=4)
def _(answer, draw: Draw) -> None:
    votes: list[list[str | None]] = [["positive"], [None], [], ["negative"], [None, None]]
    votes += [["neutral", draw.choice(VOTES[:3])]]
    _expect_labels(answer, [votes[i] for i in draw.rng.permutation(len(votes))])


@votes_to_labels.property("of nothing are nothing", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_labels(answer, [])
    _expect_labels(answer, [[None], []])


@votes_to_labels.right
def right_labels(votes):
    worth = {"positive": 1.0, "negative": 0.0, "neutral": 0.5}
    kept, labels = [], []
    for place, given in enumerate(votes):
        said = [worth[vote] for vote in given if vote is not None]
        if said:
            kept.append(place)
            labels.append(sum(said) / len(said))
    return kept, labels


votes_to_labels.slip(
    "neutral_left_out",
    "You left the neutral votes out. They say something: this text should score in the middle.",
    {"if vote is not None]": 'if vote in ("positive", "negative")]'},
)
votes_to_labels.slip(
    "neutral_is_negative",
    "You gave a neutral vote the worth of a negative one. It is worth ½.",
    {'"neutral": 0.5': '"neutral": 0.0'},
)
votes_to_labels.slip(
    "neutral_is_positive",
    "You gave a neutral vote the worth of a positive one. It is worth ½.",
    {'"neutral": 0.5': '"neutral": 1.0'},
)
votes_to_labels.slip(
    "signed_votes",
    "Your votes are worth 1, 0 and −1. A label is the target of a probability: 1, ½ and 0.",
    {'"negative": 0.0, "neutral": 0.5': '"negative": -1.0, "neutral": 0.0'},
)
votes_to_labels.slip(
    "signs_exchanged",
    "Your positive texts have label 0 and your negative ones 1. The model would learn to be sad.",
    {'"positive": 1.0, "negative": 0.0': '"positive": 0.0, "negative": 1.0'},
)
votes_to_labels.slip(
    "skipped_is_neutral",
    "You counted a skipped text as neutral. Nobody said so: None is no vote.",
    {"[worth[vote] for vote in given if vote is not None]":
     "[worth.get(vote, 0.5) for vote in given]"},
)  # fmt: skip
votes_to_labels.slip(
    "skipped_counted",
    "You divided by all entries, the skipped ones too. Divide by the number of votes.",
    {"sum(said) / len(said)": "sum(said) / len(given)"},
)
votes_to_labels.slip(
    "neutral_without_votes",
    "You gave a text without votes the label ½. It is left out of both lists.",
    {"        if said:\n            kept.append(place)\n"
     "            labels.append(sum(said) / len(said))":
     "        kept.append(place)\n        labels.append(sum(said) / len(said) if said else 0.5)"},
)  # fmt: skip
votes_to_labels.slip(
    "majority",
    "You rounded to the majority. How far people disagree is kept: take the mean.",
    {"labels.append(sum(said) / len(said))":
     "labels.append(max(sorted(set(said)), key=said.count))"},
)  # fmt: skip
votes_to_labels.slip(
    "first_vote",
    "You took the first vote. All votes on a text count the same.",
    {"sum(said) / len(said)": "said[0]"},
)
votes_to_labels.slip(
    "last_vote",
    "You took the last vote. All votes on a text count the same.",
    {"sum(said) / len(said)": "said[-1]"},
)
votes_to_labels.slip(
    "votes_added",
    "You added the votes. Divide by their number, or a text with many votes has a label above 1.",
    {"sum(said) / len(said)": "sum(said)"},
)
votes_to_labels.slip(
    "numbered_anew",
    "You numbered the kept texts anew. Give their places in `votes`: with them the "
    "texts are found.",
    {"kept.append(place)": "kept.append(len(kept))"},
)
votes_to_labels.slip(
    "any_skip_drops",
    "You dropped a text because somebody skipped it. Its other votes count.",
    {"if said:": "if said and None not in given:"},
)

votes_to_labels.slip(
    "skipped_is_negative",
    "You counted a skipped text as negative. Nobody said so: None is no vote.",
    {"[worth[vote] for vote in given if vote is not None]":
     "[worth.get(vote, 0.0) for vote in given]"},
)  # fmt: skip
votes_to_labels.slip(
    "median",
    "You took the middle vote. All votes count: take the mean.",
    {"sum(said) / len(said)":
     "sorted(said)[len(said) // 2]"},
)  # fmt: skip
votes_to_labels.slip(
    "most_positive",
    "You took the most positive vote of a text. All votes count: take the mean.",
    {"sum(said) / len(said)":
     "max(said)"},
)  # fmt: skip
votes_to_labels.slip(
    "most_negative",
    "You took the most negative vote of a text. All votes count: take the mean.",
    {"sum(said) / len(said)":
     "min(said)"},
)  # fmt: skip
votes_to_labels.slip(
    "each_kind_once",
    "You counted each kind of vote once. Two people who say the same are two votes.",
    {"sum(said) / len(said)":
     "sum(set(said)) / len(set(said))"},
)  # fmt: skip
votes_to_labels.slip(
    "middle_dropped",
    "You left out texts whose votes come to ½. That is a label like any other.",
    {"if said:":
     "if said and sum(said) / len(said) != 0.5:"},
)  # fmt: skip
votes_to_labels.slip(
    "zero_dropped",
    "You left out texts whose votes are all negative. Their label is 0, and 0 is a label.",
    {"if said:":
     "if sum(said):"},
)  # fmt: skip
votes_to_labels.slip(
    "votes_for_places",
    "You gave the votes of the texts that are kept. Their places in `votes` are asked for.",
    {"kept.append(place)":
     "kept.append(given)"},
)  # fmt: skip
votes_to_labels.slip(
    "none_as_label",
    "You gave a text without votes the label None. It is left out of both lists.",
    {"        if said:\n            kept.append(place)\n            labels.append(sum(said) / "
     "len(said))":
     "        if said:\n            kept.append(place)\n        labels.append(sum(said) / "
     "len(said) if said else None)"},
)  # fmt: skip
votes_to_labels.slip(
    "divided_by_no_votes",
    "A text without votes stopped your code: you divided by 0 votes. Leave such texts out.",
    {"        if said:\n            kept":
     "        if True:\n            kept"},
)  # fmt: skip
votes_to_labels.slip(
    "lists_exchanged",
    "Your two lists have changed places: the places come first, the labels second.",
    {"return kept, labels":
     "return labels, kept"},
)  # fmt: skip
votes_to_labels.slip(
    "places_from_one",
    "You counted places from 1. The first is 0.",
    {"enumerate(votes)":
     "enumerate(votes, 1)"},
)  # fmt: skip
votes_to_labels.slip(
    "rounded",
    "You rounded the labels. How far people disagree is kept: the mean as it is.",
    {"labels.append(sum(said) / len(said))":
     "labels.append(float(round(sum(said) / len(said))))"},
)  # fmt: skip
votes_to_labels.slip(
    "majority_of_the_first",
    "You took the vote that comes most often. How far people disagree is kept: take the mean.",
    {"labels.append(sum(said) / len(said))":
     "labels.append(max(dict.fromkeys(said), key=said.count))"},
)  # fmt: skip
votes_to_labels.slip(
    "median_between",
    "You took the median. All votes count: take the mean.",
    {"sum(said) / len(said)":
     "(sorted(said)[len(said) // 2] + sorted(said)[(len(said) - 1) // 2]) / 2"},
)  # fmt: skip

votes_to_labels.hint("A dictionary says what each word is worth. What is None worth?")
votes_to_labels.hint("Take the votes of one text without the Nones. Are there any left?")
votes_to_labels.hint("positive, positive, neutral, negative: 2.5 of 4 votes, 0.625.", when="value")
