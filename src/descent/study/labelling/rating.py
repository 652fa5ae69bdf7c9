"""Two models' samples, mixed and rated by somebody who does not see whose they are."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from descent.errors import CourseError
from descent.study.labelling.desk import Desk, show_desk
from descent.study.labelling.judgements import Judgements
from descent.training.intervals import wilson_interval

KIND = "rating"


class Rated(NamedTuple):
    """What a blind rating came to.

    Attributes
    ----------
    a, b : tuple of float
        The rating of each sample: 1 positive, 0.5 neutral, 0 negative. The pairs that wins are
        counted in are a[i] and b[i]: drawn at random, since the samples were.
    wins, ties, losses : int
        Pairs in which b was rated higher, the same, and lower than a.
    share : float
        Of b's wins, a tie counted as half.
    interval : (float, float)
        Where the share lies with 95 % confidence, by Wilson's score interval. With half wins for
        ties it is a little wider than need be.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    wins: int
    ties: int
    losses: int
    share: float
    interval: tuple[float, float]


def blind_rating(a: Sequence[str], b: Sequence[str], name: str = "rating") -> None:
    """Show samples of two models mixed, to be rated without knowing whose they are.

    The order is drawn once and kept with the ratings, so that it can be gone on with later.

    Parameters
    ----------
    a, b : sequence of str
        Samples of two models, as many of each; 20 are enough to begin with.
    name : str
        The rating. One name goes with one pair of lists.

    Raises
    ------
    CourseError
        When the lists do not fit each other or the rating of this name.
    """
    kept = Judgements(name, KIND)
    if isinstance(a, str) or isinstance(b, str) or len(a) != len(b) or not len(a):
        raise CourseError(f"a and b are lists of samples, as many of each; not {len(a)}, {len(b)}.")
    plan = _plan_for(list(a), list(b), kept)
    judged = kept.now()
    told = (
        f"Here {2 * len(a)} samples of two models are rated blindly, mixed at random; "
        f"{len(judged)} are rated. It needs a notebook with a kernel: open this chapter in "
        "JupyterLab."
    )
    texts = {whose: plan["samples"][whose] for whose in plan["order"]}
    done = "All are rated. `rated` says which model each came from, and who won."
    show_desk(lambda: Desk(texts, kept, done, skips=False), told)


def rated(name: str = "rating") -> Rated | None:
    """Return what a blind rating came to; before its end say how far it is, and nothing else.

    Parameters
    ----------
    name : str
        The rating.

    Returns
    -------
    Rated or None
        None where samples are left: whoever saw results in between would not rate blindly.
    """
    kept = Judgements(name, KIND)
    plan = _plan(kept)
    judged = {item: value for item, value in kept.now().items() if value is not None}
    if plan is None:
        print(f"Nobody has rated anything under the name {name!r} yet.")
        return None
    left = [whose for whose in plan["order"] if whose not in judged]
    if left:
        total = len(plan["order"])
        print(f"{total - len(left)} of {total} samples are rated. The result comes with the last.")
        return None
    return _counted(plan, judged)


def _counted(plan: dict[str, Any], judged: dict[str, float]) -> Rated:
    n = len(plan["order"]) // 2
    a, b = (tuple(judged[f"{model}{i}"] for i in range(n)) for model in "ab")
    wins = sum(y > x for x, y in zip(a, b, strict=True))
    ties = sum(y == x for x, y in zip(a, b, strict=True))
    share = (wins + ties / 2) / n
    return Rated(a, b, wins, ties, n - wins - ties, share, wilson_interval(share, n))


def _plan_for(a: list[str], b: list[str], kept: Judgements) -> dict[str, Any]:
    """Return the order of these samples: the one that is kept, or one drawn now."""
    samples = {f"{model}{i}": text for model, texts in (("a", a), ("b", b))
               for i, text in enumerate(texts)}  # fmt: skip
    digest = hashlib.sha256(json.dumps([a, b]).encode()).hexdigest()
    plan = _plan(kept)
    if plan is None:
        order = list(samples)
        random.SystemRandom().shuffle(order)  # no seed that a cell above has set
        kept.add(kind="plan", digest=digest, samples=samples, order=order)
        plan = _plan(kept)  # another kernel may have been quicker
    if plan is None or plan["digest"] != digest:
        raise CourseError(
            f"The rating {kept.name!r} is of other samples. Give this one another name."
        )
    return plan


def _plan(kept: Judgements) -> dict[str, Any] | None:
    """Return the first plan of the file, or None."""
    wanted = {"digest", "samples", "order"}
    plans = (line for line in kept.lines() if line.get("kind") == "plan" and wanted <= set(line))
    return next(plans, None)
