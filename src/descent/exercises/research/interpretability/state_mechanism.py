"""How `state_mechanism` is judged: a claim on one half of the evidence, tested on pictures to come.

Many worlds are drawn whose true effects are known. Where all are nearly the same, the channel that
looked best looked too good: an interval from the data it was chosen on misses too often.
"""

from __future__ import annotations

import numpy as np

from descent.exercises.studies import fewest_hits
from descent.grading import Draw, Exercise, expect

state_mechanism = Exercise(
    "state_mechanism", minutes=30, difficulty=3, returns=tuple[int, float, float]
)


def _world(rng: np.random.Generator, truths: np.ndarray, n: int, spread: float) -> np.ndarray:
    """What was seen of each channel's effect in n pictures, in any order."""
    return truths + spread * rng.normal(size=(n, len(truths)))


def _expect_honest(
    answer, draw: Draw, truths: np.ndarray, n: int, repeats: int, widest: float = 1.5
) -> None:
    """Expect intervals that hold the truth of the channel they speak of, and are narrow."""
    spread, hits, widths, sides = draw.choice([0.4, 2.5]), 0, [], [0, 0]
    truths = spread * truths
    for _ in range(repeats):
        order = draw.rng.permutation(len(truths))
        channel, low, high = answer(_world(draw.rng, truths[order], n, spread))
        if not 0 <= channel < len(truths):
            expect(channel, "the channel").is_between(0, len(truths) - 1)
            return
        truth = truths[order][channel]
        hits += low <= truth <= high
        sides[0] += low > truth
        sides[1] += high < truth
        widths.append(high - low)
    least = fewest_hits(repeats, 0.95 - 0.015)
    expect(hits, f"of {repeats} intervals, how many hold the truth").is_between(least, repeats)
    missed = f"of {repeats} intervals, how many lie above the truth"
    expect(sides[0], missed).is_between(0, repeats - least)
    needed = 2 * 1.96 * spread / np.sqrt(n / 2)
    expect(float(np.median(widths)) / needed, "their width, in needed widths").is_between(
        0.7, widest
    )


@state_mechanism.property("names the channel that does most", trials=4)
def _(answer, draw: Draw) -> None:
    truths = 0.2 * draw.rng.permutation(8)
    best = int(draw.integers(0, 8))
    truths[best] = 6.0
    truths[(best + 1) % 8] = -9.0
    channel, low, high = answer(_world(draw.rng, truths, 40 + draw.size, 1.0))
    expect(channel, "the channel").equals(best)
    expect([low, high], "the ends of the interval").is_between(4.5, 7.5)


@state_mechanism.property("has an interval of the mean effect, from one half", trials=2)
def _(answer, draw: Draw) -> None:
    _, low, high = answer(_world(draw.rng, np.array([0.0, 9.0, 1.0]), 400, 2.0))
    needed = 2 * 1.96 * 2.0 / np.sqrt(200)
    name = "its width with 400 pictures, in widths of an interval from 200"
    expect((high - low) / needed, name).is_between(0.8, 1.25)


@state_mechanism.property("goes by the mean effect, not by how often one is largest", trials=2)
def _(answer, draw: Draw) -> None:
    seen = _world(draw.rng, np.array([0.0, 2.0, -1.0]), 240, 0.1)
    seen[draw.rng.permutation(240)[:72], 0] += 20.0  # in three of ten pictures, and much
    expect(answer(seen)[0], "the channel").equals(0)


@state_mechanism.property("is not led astray by a few odd pictures", trials=3)
def _(answer, draw: Draw) -> None:
    seen = _world(draw.rng, np.array([-1.0, 4.0, -1.0, 0.0]), 60, 1.0)
    rows = draw.rng.permutation(60)
    seen[rows[:2], 0], seen[rows[2:4], 2] = 30.0, -40.0
    expect(answer(seen)[0], "the channel").equals(1)


@state_mechanism.property("does not flatter the channel that it chose", trials=1)
def _(answer, draw: Draw) -> None:
    middles = []
    for _ in range(40):
        _, low, high = answer(_world(draw.rng, np.zeros(150), 60, 1.0))
        middles.append((low + high) / 2)
    name = "the mean of 40 claims' middles, for channels that all do nothing"
    expect(float(np.mean(middles)), name).is_between(-0.12, 0.12)


@state_mechanism.property("holds in new pictures where all channels do nearly as much", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_honest(answer, draw, np.full(120, 0.5), 60, 300)


@state_mechanism.property("holds where one channel does more than the others", trials=1)
def _(answer, draw: Draw) -> None:
    truths = np.zeros(12)
    truths[0] = 3.0
    _expect_honest(answer, draw, truths, 50, 100)


@state_mechanism.property("works for an odd number of pictures, and the least, 20", trials=3)
def _(answer, draw: Draw) -> None:
    truths = np.array([0.0, 9.0, 1.0, 0.5])
    channel, low, high = answer(_world(draw.rng, truths, 20 + draw.size, 1.0))
    expect(channel, "the channel").equals(1)
    expect(high, "the upper end").is_above(low)


@state_mechanism.property("is not led astray where pictures of one kind come first", trials=1)
def _(answer, draw: Draw) -> None:
    # Sorted evidence: the first half is of one kind of picture, with other effects.
    hits, repeats = 0, 120
    for _ in range(repeats):
        seen = _world(draw.rng, np.array([2.0, 0.0, 0.0]), 60, 1.0)
        seen[:30, 0] += 1.0
        seen[30:, 0] -= 1.0
        channel, low, high = answer(seen)
        hits += channel == 0 and low <= 2.0 <= high
    least = fewest_hits(repeats, 0.90)
    expect(hits, f"of {repeats} claims, how many hold for both kinds together").is_between(
        least, repeats
    )


@state_mechanism.right
def right_claim(drops):
    choose, judge = drops[::2], drops[1::2]
    channel = int(choose.mean(axis=0).argmax())
    seen = judge[:, channel]
    half = 1.96 * seen.std(ddof=1) / np.sqrt(len(seen))
    return channel, float(seen.mean() - half), float(seen.mean() + half)


state_mechanism.slip(
    "chosen_and_judged_on_the_same",
    "You chose the channel and judged it on the same pictures. The best of many looks too good on "
    "the pictures that made it the best: choose on one half, and measure on the other.",
    {"choose, judge = drops[::2], drops[1::2]": "choose, judge = drops, drops"},
)
state_mechanism.slip(
    "judged_on_the_choosing_half",
    "You split the pictures, and then measured on the half that you had chosen on. The other half "
    "is the one that knows nothing of the choice.",
    {"seen = judge[:, channel]": "seen = choose[:, channel]"},
)
state_mechanism.slip(
    "chosen_on_all",
    "You chose on all pictures and measured on half of them. That half has had its say in the "
    "choice: leave it out.",
    {"choose.mean(axis=0)": "drops.mean(axis=0)"},
)
state_mechanism.slip(
    "measured_on_all",
    "You chose on one half and measured on all pictures. The half that chose has had its say: "
    "measure on the other alone.",
    {"seen = judge[:, channel]": "seen = drops[:, channel]"},
)
state_mechanism.slip(
    "first_half_and_second",
    "You cut the evidence in the middle. Pictures may come sorted, and the halves then differ in "
    "kind: take every second one, or draw lots.",
    {"drops[::2], drops[1::2]": "drops[: len(drops) // 2], drops[len(drops) // 2 :]"},
)
for _name, _edits, _words in (
    (
        "chosen_and_judged_on_the_same",
        {"choose, judge = drops[::2], drops[1::2]": "choose, judge = drops, drops"},
        "You chose the channel and judged it on the same pictures, so it looks too good there",
    ),
    (
        "judged_on_the_choosing_half",
        {"seen = judge[:, channel]": "seen = choose[:, channel]"},
        "You measured on the half that you had chosen on, so the channel looks too good there",
    ),
    (
        "measured_on_all",
        {"seen = judge[:, channel]": "seen = drops[:, channel]"},
        "You measured on all pictures, and half of them had their say in the choice",
    ),
    (
        "first_half_and_second",
        {
            "drops[::2], drops[1::2]": "drops[: len(drops) // 2], drops[len(drops) // 2 :]",
        },
        "You cut the evidence in the middle, and sorted pictures then differ in kind",
    ),
):
    state_mechanism.slip(
        f"{_name}_divided_by_n",
        f"{_words}: choose on every second one, and measure on the others. That your deviation "
        "divides by n, and not by n − 1, is a trifle.",
        {**_edits, "ddof=1": "ddof=0"},
    )
state_mechanism.slip(
    "single_pictures",
    "Your interval is that of single pictures. The claim is about their mean: divide by √n.",
    {" / np.sqrt(len(seen))": ""},
)
state_mechanism.slip(
    "divided_by_n",
    "You divided the standard deviation by n. The mean of n varies √n times less, and not n times.",
    {"np.sqrt(len(seen))": "len(seen)"},
)
state_mechanism.slip(
    "root_of_all_pictures",
    "You divided by the root of all the pictures. The mean is over the half that you measured on.",
    {"np.sqrt(len(seen))": "np.sqrt(len(drops))"},
)
state_mechanism.slip(
    "one_standard_error",
    "Your interval is one standard error wide on each side: it holds the truth two times in three. "
    "For 95 % it takes 1.96.",
    {"1.96 * ": "1.0 * "},
)
state_mechanism.slip(
    "whole_width_for_half",
    "Your interval is 1.96 standard errors wide as a whole. It goes as far on *each* side.",
    {"1.96 * ": "0.98 * "},
)
state_mechanism.slip(
    "largest_single_effect",
    "You chose the channel with the largest effect in any single picture. One odd picture decides "
    "then: take the mean.",
    {"choose.mean(axis=0)": "choose.max(axis=0)"},
)
state_mechanism.slip(
    "median_effect",
    "You chose by the median. A channel that matters much in a third of the pictures, and not at "
    "all in the others, has a median of 0: the mean is asked for.",
    {"choose.mean(axis=0)": "np.median(choose, axis=0)"},
)
state_mechanism.slip(
    "most_often_the_largest",
    "You chose the channel that is the largest in most pictures. How much it does counts as well: "
    "take the mean.",
    {
        "choose.mean(axis=0).argmax()": (
            "np.bincount(choose.argmax(axis=1), minlength=drops.shape[1]).argmax()"
        )
    },
)
state_mechanism.slip(
    "mean_of_the_sizes",
    "You averaged the sizes of the effects. The channel whose loss *lowers* the margin most is "
    "asked for: keep the signs.",
    {"choose.mean(axis=0)": "abs(choose).mean(axis=0)"},
)
state_mechanism.slip(
    "largest_size",
    "You chose by the size of the effect. The channel whose loss *lowers* the margin most is asked "
    "for; an effect far below 0 does the opposite.",
    {"choose.mean(axis=0).argmax()": "abs(choose.mean(axis=0)).argmax()"},
)
state_mechanism.slip(
    "smallest_effect",
    "You named the channel with the smallest effect.",
    {"choose.mean(axis=0).argmax()": "choose.mean(axis=0).argmin()"},
)
state_mechanism.slip(
    "averaged_over_channels",
    "You averaged over the channels, and found the picture with the largest effect. Axis 0 counts "
    "pictures.",
    {"choose.mean(axis=0).argmax()": "choose.mean(axis=1).argmax() % drops.shape[1]"},
)
state_mechanism.slip(
    "corrected_for_all_channels",
    "You widened the interval for all the channels you looked at. What you measure on was not "
    "chosen on: an ordinary interval holds, and yours says less than you know.",
    {"1.96 * ": "4.0 * "},
)
state_mechanism.slip(
    "variance_for_deviation",
    "You took the variance for the standard deviation: take its root.",
    {"seen.std(ddof=1)": "seen.var(ddof=1)"},
)
state_mechanism.slip(
    "ends_exchanged",
    "The upper end comes first. Low, then high.",
    {
        "float(seen.mean() - half), float(seen.mean() + half)": (
            "float(seen.mean() + half), float(seen.mean() - half)"
        )
    },
)
state_mechanism.slip(
    "percentiles_of_pictures",
    "Your interval holds 95 % of the single pictures. The claim is about their mean.",
    {
        "float(seen.mean() - half), float(seen.mean() + half)": (
            "*(float(end) for end in np.percentile(seen, [2.5, 97.5]))"
        )
    },
)

_HALVES = "choose, judge = (drops[::2], drops[1::2])"
state_mechanism.equivalent(
    f"`{_HALVES}` → `choose, judge = (drops[1::2], drops[::2])`",
    because="either half may choose",
)
state_mechanism.equivalent(
    "`channel = int(choose.mean(axis=0).argmax())` → `channel = int(choose.sum(axis=0).argmax())`",
    because="the largest sum belongs to the largest mean",
)
_HALF = "half = 1.96 * seen.std({}) / np.sqrt(len(seen))"
for _other in ("", "ddof=2", "ddof=0"):
    state_mechanism.equivalent(
        f"`{_HALF.format('ddof=1')}` → `{_HALF.format(_other)}`",
        because="with the 95 % interval of a normal mean, one degree of freedom more or less is "
        "not asked for",
    )

state_mechanism.hint("Of forty channels that are all alike, one looks best. How good is it really?")
state_mechanism.hint("Choose with one half of the pictures; what does the other half say of it?")
state_mechanism.hint("`drops[::2]` and `drops[1::2]`: halves of the same kind, also if sorted.")
state_mechanism.hint("A mean of n has standard error std/√n, and 95 % takes 1.96 of them.")
