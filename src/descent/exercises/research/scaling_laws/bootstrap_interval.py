"""How `bootstrap_interval` is judged: whether its intervals hold a known mean as often as they say.

The data have what a study has: whatever a seed does well, it does well at every point.
"""

from __future__ import annotations

import math
from statistics import NormalDist  # noqa: F401 - used by mistakes below

import numpy as np

from descent.exercises.studies import Case, covers_as_often_as_it_says, does_not_refuse, refuses
from descent.grading import Draw, Exercise, expect

bootstrap_interval = Exercise(
    "bootstrap_interval", minutes=25, difficulty=3, returns=tuple[float, float]
)
SEEDS, POINTS = 14, 6


def mean_of_all(losses):
    """The statistic of the coverage check."""
    return float(np.mean(losses))


def spread_of_rows(losses):
    """A statistic that depends on which rows there are, and how often."""
    return float(np.std(losses.mean(axis=1)))


def _study(draw: Draw, truth: float) -> np.ndarray:
    """Shape (seeds, points): a shift that a seed's points share, and some noise of their own."""
    shared = draw.rng.normal(0.0, 1.0, (SEEDS, 1))
    return truth + shared + draw.rng.normal(0.0, 0.3, (SEEDS, POINTS))


def _cases(draw: Draw, level: float, repeats: int = 50) -> list[Case]:
    z = {0.8: 1.2816, 0.95: 1.96}[level]
    cases = []
    for _ in range(repeats):
        truth = float(draw.rng.normal(0.0, 2.0))
        losses = _study(draw, truth)
        half = z * math.sqrt(1.0 / SEEDS + 0.09 / (SEEDS * POINTS))
        centre = float(losses.mean())
        generator = np.random.default_rng(draw.seed())
        arguments = (losses, mean_of_all, level, generator, 100)
        cases.append(Case(arguments, truth, (centre - half, centre + half)))
    return cases


@bootstrap_interval.property(
    "calls the statistic with as many seeds as there are, whole seeds each", trials=3
)
def _(answer, draw: Draw) -> None:
    losses = draw.normal(draw.size + 3, 4) + 10.0 * np.arange(draw.size + 3)[:, None]
    seen: list[np.ndarray] = []

    def statistic(sample):
        seen.append(np.array(sample))
        return float(np.mean(sample))

    answer(losses, statistic, 0.9, np.random.default_rng(draw.seed()), 40)
    expect(len(seen), "how often the statistic is asked for 40 resamples").is_between(40, 41)
    right_shapes = all(sample.shape == losses.shape for sample in seen)
    expect(right_shapes, f"whether every sample has the study's shape {losses.shape}").equals(True)
    rows = {row.tobytes() for row in losses}
    whole = all(row.tobytes() in rows for sample in seen if sample.ndim == 2 for row in sample)
    expect(whole, "whether every row of a sample is a row of the study").equals(True)
    again = any(
        len({row.tobytes() for row in sample}) < len(sample) for sample in seen if sample.ndim == 2
    )
    expect(again, "whether a seed can come twice in a sample").equals(True)


@bootstrap_interval.property("takes quantiles of the statistic, the same on both sides", trials=3)
def _(answer, draw: Draw) -> None:
    losses = draw.normal(9, 3)
    numbers = iter(draw.rng.permutation(np.arange(401.0)))

    def statistic(sample):
        if np.array_equal(sample, losses):
            return 130.0  # of the study itself, whenever an answer asks for it
        return float(next(numbers, 200.0))

    level = draw.choice([0.5, 0.8, 0.9])
    low, high = answer(losses, statistic, level, np.random.default_rng(0), 400)
    expect(low, "the lower end").is_between(200 * (1 - level) - 3, 200 * (1 - level) + 4)
    expect(high, "the upper end").is_between(200 * (1 + level) - 4, 200 * (1 + level) + 3)


@bootstrap_interval.property("is the same for the same generator, and another for another")
def _(answer, draw: Draw) -> None:
    losses = draw.normal(8, 3)
    seed = draw.seed()
    one = answer(losses, spread_of_rows, 0.9, np.random.default_rng(seed), 60)
    same = answer(losses, spread_of_rows, 0.9, np.random.default_rng(seed), 60)
    other = answer(losses, spread_of_rows, 0.9, np.random.default_rng(seed + 1), 60)
    expect(same, "the interval, asked for again").close_to(one)
    expect(tuple(other) != tuple(one), "whether another generator gives another interval").equals(
        True
    )


@bootstrap_interval.property("of one seed is refused, by ValueError", trials=2)
def _(answer, draw: Draw) -> None:
    generator = np.random.default_rng(0)
    refuses(
        answer, draw.normal(1, 5), mean_of_all, 0.9, generator, 20, because="a study of one seed"
    )


@bootstrap_interval.property("of two seeds is given")
def _(answer, draw: Draw) -> None:
    losses = np.array([[1.0, 2.0], [3.0, 4.0]])
    generator = np.random.default_rng(draw.seed())
    given = does_not_refuse(
        answer, losses, mean_of_all, 0.9, generator, 60, although="a study of two seeds"
    )
    if given is not None:
        expect(given, "the interval").close_to([1.5, 3.5])


@bootstrap_interval.property("covers as often as it says: 80 %", trials=1)
def _(answer, draw: Draw) -> None:
    covers_as_often_as_it_says(answer, _cases(draw, 0.8), 0.8, forgiven=0.08, widest=1.4)


@bootstrap_interval.property("covers as often as it says: 95 %", trials=1)
def _(answer, draw: Draw) -> None:
    covers_as_often_as_it_says(answer, _cases(draw, 0.95), 0.95, forgiven=0.06, widest=1.4)


@bootstrap_interval.right
def right_interval(losses, statistic, level, generator, resamples):
    seeds = len(losses)
    if seeds < 2:
        raise ValueError("one seed")
    values = []
    for _ in range(resamples):
        chosen = generator.integers(seeds, size=seeds)
        values.append(statistic(losses[chosen]))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


bootstrap_interval.slip(
    "points_resampled",
    "You resampled single losses. Those of a seed share its luck and are not independent, so the "
    "interval comes out far too narrow. Draw whole seeds.",
    {
        "generator.integers(seeds, size=seeds)": (
            "generator.integers(losses.size, size=losses.size)"
        ),
        "losses[chosen]": "losses.ravel()[chosen].reshape(losses.shape)",
    },
)
bootstrap_interval.slip(
    "columns_resampled",
    "You resampled the points of the study, not its seeds. The points are what you chose; the "
    "seeds are what chance chose.",
    {
        "generator.integers(seeds, size=seeds)": (
            "generator.integers(losses.shape[1], size=losses.shape[1])"
        ),
        "losses[chosen]": "losses[:, chosen]",
    },
)
bootstrap_interval.slip(
    "without_replacement",
    "You shuffled the seeds. Each resample then holds all of them, and the "
    "statistic never changes. Draw "
    "with replacement.",
    {"generator.integers(seeds, size=seeds)": "generator.permutation(seeds)"},
)
bootstrap_interval.slip(
    "one_sided",
    "Your interval leaves out 1 − level on *each* side, twice too much. Half of it "
    "belongs to each.",
    {"[(1 - level) / 2, (1 + level) / 2]": "[1 - level, level]"},
)
bootstrap_interval.slip(
    "standard_deviation",
    "You gave the mean plus and minus one standard deviation of the resamples, whatever the level "
    "asked for. Take quantiles.",
    {
        "low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])": (
            "low, high = np.mean(values) - np.std(values), np.mean(values) + np.std(values)"
        )
    },
)
bootstrap_interval.slip(
    "standard_error",
    "You divided by the root of the number of resamples. More resampling then makes any study "
    "certain. The spread of the statistic over resamples already *is* its error.",
    {
        "low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])": (
            "half = np.std(values) * 2 / np.sqrt(resamples)\n"
            "    low, high = np.mean(values) - half, np.mean(values) + half"
        )
    },
)
bootstrap_interval.slip(
    "whole_range",
    "You gave the smallest and the largest resample, whatever the level.",
    {"np.quantile(values, [(1 - level) / 2, (1 + level) / 2])": "min(values), max(values)"},
)
bootstrap_interval.slip(
    "one_seed_allowed",
    "One seed gives an interval of width 0, which claims certainty. Raise ValueError.",
    {"seeds < 2": "seeds < 1"},
)
bootstrap_interval.slip(
    "own_generator",
    "You made a generator of your own. Use the one that is handed in, or nobody "
    "can repeat the study.",
    {"generator.integers": "np.random.default_rng(0).integers"},
)
bootstrap_interval.slip(
    "two_seeds_refused",
    "You refused two seeds. Fewer than two are refused; two are few, and give an interval.",
    {
        "seeds < 2": "seeds < 3",
    },
)
bootstrap_interval.slip(
    "fixed_resamples",
    "You drew the seeds a hundred times, whatever `resamples` says.",
    {
        "range(resamples)": "range(100)",
    },
)
bootstrap_interval.slip(
    "mean_handed_over",
    "You handed the statistic the mean of the seeds. It takes an array of the shape of "
    "`losses`, a row for each seed drawn.",
    {
        "statistic(losses[chosen])": "statistic(losses[chosen].mean(axis=0, keepdims=True))",
    },
)
bootstrap_interval.slip(
    "one_seed_fewer",
    "You drew one seed fewer than there are. A smaller study varies more than yours.",
    {
        "size=seeds": "size=seeds - 1",
    },
)
bootstrap_interval.slip(
    "last_seed_never_drawn",
    "Your last seed is never drawn: the upper end of `integers` is left out already.",
    {
        "integers(seeds,": "integers(seeds - 1,",
    },
)
bootstrap_interval.slip(
    "normal_at_ninety",
    "You gave the mean ± 1.645 standard deviations: 90 % of a normal law, whatever the "
    "level and the shape. Take quantiles of what came.",
    {
        "low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])": (
            "low, high = np.mean(values) + np.array([-1.645, 1.645]) * np.std(values)"
        ),
    },
)
bootstrap_interval.slip(
    "global_chance",
    "You drew from numpy's global generator. The one that is handed in is the only source "
    "of chance.",
    {
        "generator.integers(seeds, size=seeds)": "np.random.randint(seeds, size=seeds)",
    },
)
bootstrap_interval.slip(
    "one_seed_a_time",
    "You drew a single seed each time. Draw as many as there are: the question is how much "
    "a whole study varies.",
    {
        "size=seeds": "size=1",
    },
)
bootstrap_interval.slip(
    "ends_exchanged",
    "The two ends have changed places. The low one comes first.",
    {
        "return float(low), float(high)": "return float(high), float(low)",
    },
)
bootstrap_interval.slip(
    "reflected",
    "You reflected the quantiles about the number of the whole study. That is another "
    "bootstrap; the page asks for the quantiles.",
    {
        "return float(low), float(high)": (
            "whole = statistic(losses)\n    return float(2 * whole - high), float(2 * whole - low)"
        ),
    },
)
bootstrap_interval.slip(
    "each_seed_alone",
    "You took the quantiles of the seeds one by one. One seed varies more than the whole "
    "study does.",
    {
        "range(resamples)": "range(seeds)",
        "generator.integers(seeds, size=seeds)": "[len(values)]",
    },
)
bootstrap_interval.slip(
    "seeds_left_out",
    "You left one seed out at a time. That is the jackknife: its values lie far closer "
    "together than studies do.",
    {
        "range(resamples)": "range(seeds)",
        "generator.integers(seeds, size=seeds)": "[i for i in range(seeds) if i != len(values)]",
    },
)
bootstrap_interval.slip(
    "mean_of_statistics",
    "You took the statistic of each seed drawn, and the mean of these. The statistic takes "
    "all the drawn rows at once.",
    {
        "values.append(statistic(losses[chosen]))": (
            "values.append(np.mean([statistic(losses[i : i + 1]) for i in chosen]))"
        ),
    },
)
bootstrap_interval.slip(
    "percent_for_shares",
    "You handed shares to `percentile`, which takes per cent. `np.quantile` takes shares.",
    {
        "np.quantile": "np.percentile",
    },
)
bootstrap_interval.slip(
    "doubles_removed",
    "You took each drawn seed once. A seed that is drawn twice counts twice.",
    {
        "losses[chosen]": "losses[np.unique(chosen)]",
    },
)
bootstrap_interval.slip(
    "drawn_once",
    "You drew the seeds once, before the loop. Every resample draws again.",
    {
        "    for _ in range(resamples):\n        chosen = generator.integers(seeds, size=seeds)": (
            "    chosen = generator.integers(seeds, size=seeds)\n    for _ in range(resamples):"
        ),
    },
)
_QUANTILES = "low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])"
bootstrap_interval.slip(
    "normal_at_the_level",
    "You gave the mean of the resamples plus and minus standard deviations, as of a normal law. "
    "The page asks for quantiles of what came, whatever its shape.",
    {
        _QUANTILES: (
            "half = NormalDist().inv_cdf((1 + level) / 2) * np.std(values)\n"
            "    low, high = np.mean(values) - half, np.mean(values) + half"
        )
    },
)
bootstrap_interval.slip(
    "normal_about_the_study",
    "You gave the study's own number plus and minus standard deviations, as of a normal law. The "
    "page asks for quantiles of the resamples.",
    {
        _QUANTILES: (
            "half = NormalDist().inv_cdf((1 + level) / 2) * np.std(values)\n"
            "    low, high = statistic(losses) - half, statistic(losses) + half"
        )
    },
)
bootstrap_interval.slip(
    "two_deviations_about_mean",
    "You gave the mean plus and minus 1.96 standard deviations, which is 95 % of a normal law, "
    "whatever the level. Take quantiles.",
    {_QUANTILES: ("low, high = np.mean(values) + np.array([-1.96, 1.96]) * np.std(values)")},
)
bootstrap_interval.slip(
    "default_resamples",
    "You drew the seeds 200 times, the default, whatever `resamples` says.",
    {"range(resamples)": "range(200)"},
)
bootstrap_interval.slip(
    "statistics_resampled",
    "You took the statistic of each seed alone, and resampled these numbers. The statistic takes "
    "all the drawn rows at once: a number of the mean is no mean of the numbers.",
    {
        "    for _ in range(resamples)": (
            "    each = np.array([statistic(losses[i : i + 1]) for i in range(seeds)])\n"
            "    for _ in range(resamples)"
        ),
        "statistic(losses[chosen])": "each[chosen].mean()",
    },
)
bootstrap_interval.slip(
    "seeds_drawn_for_each_column",
    "You drew the seeds anew for every column. A row of your sample is then a mixture of seeds, "
    "and what a seed has in all its losses is lost. Draw whole rows.",
    {
        "size=seeds": "size=losses.shape",
        "losses[chosen]": "np.take_along_axis(losses, chosen, 0)",
    },
)
bootstrap_interval.slip(
    "lower_tail_whole",
    "Your low end leaves out 1 − level below it, and your high end nothing. As many resamples lie "
    "below the interval as above.",
    {"[(1 - level) / 2, (1 + level) / 2]": "[1 - level, 1.0]"},
)
bootstrap_interval.slip(
    "upper_tail_whole",
    "Your interval begins at the smallest resample, and leaves out 1 − level above. As many lie "
    "below the interval as above.",
    {"[(1 - level) / 2, (1 + level) / 2]": "[0.0, level]"},
)
bootstrap_interval.hint(
    "What is drawn again and again is what chance would draw again in a new study."
)
bootstrap_interval.hint(
    "`losses[chosen]` with an array of row numbers takes whole rows, some of them twice."
)
bootstrap_interval.hint(
    "90 %: 5 % of the resamples lie below the interval and 5 % above.", when="value"
)
