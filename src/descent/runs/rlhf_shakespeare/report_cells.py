"""What the report of `rlhf_shakespeare` shows besides the common parts: every stage's outcome."""

from __future__ import annotations

import math
from typing import cast

import torch

from descent.data.sentiment import sentiment
from descent.runs.folder import RunFolder
from descent.runs.results.report_cells import last_model
from descent.runs.rlhf_shakespeare import POLICIES
from descent.runs.rlhf_shakespeare.losses import best_of_n_nats
from descent.runs.rlhf_shakespeare.policies import NUMBERS, Policies
from descent.runs.rlhf_shakespeare.rollouts import scores
from descent.runs.rlhf_shakespeare.task import RlhfTask, reward_quality, within

KL, SCORE, PLEASANT, DISTINCT, CLIPPED = range(len(NUMBERS))
BANDS = 6  # of the reward model's probability, in its calibration
READ = 3  # samples of each checkpoint


def show_labels(folder: RunFolder) -> None:
    """Print how the samples were labelled, and by whom; and the most and least pleasant."""
    task, models, _ = _last(folder)
    labelled = task.labelled(models)
    by_hand = sum(labelled.by_person)
    print(
        f"{len(labelled.by_person)} different texts have labels, {by_hand} of them by a person and "
        f"{len(labelled.by_person) - by_hand} by the lexicon."
    )
    found = sentiment(labelled.texts)
    neutral = (found == 0).mean()
    print(f"The lexicon finds no word that it knows, or a balance, in {100 * neutral:.0f} %.")
    for name, row in (("most pleasant", found.argmax()), ("least pleasant", found.argmin())):
        print(f"{name}, {found[row]:+.2f}: {_on_one_line(labelled.texts[row])}")


def show_calibration(folder: RunFolder) -> None:
    """Plot the labels that were held out against what the reward model says of their texts."""
    import matplotlib.pyplot as plt

    from descent.figures.style import COLOURS, use_style

    task, models, _ = _last(folder)
    texts = task.labelled(models).validation
    with torch.no_grad():
        said = models.judge(texts.tokens, texts.lengths).sigmoid()
    bands = [
        (float(said[part].mean()), float(texts.soft[part].mean()))
        for part in said.argsort().tensor_split(BANDS)
        if len(part)
    ]
    for name, value in reward_quality(models, task.labelled(models)).items():
        print(f"{name.replace('_', ' ')} {value:.3f}")
    use_style()
    _, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
    axes.plot(*zip(*bands, strict=True), "o-", color=COLOURS["blue"])
    axes.set(xlabel="probability by the reward model", ylabel="mean of the labels")
    axes.set_title(
        f"{len(said)} texts held out, in {len(bands)} bands; on the line it is calibrated"
    )
    plt.show()


def show_distances(folder: RunFolder) -> None:
    """Plot how far each policy is from the language model, and how pleasant it is, over steps."""
    import matplotlib.pyplot as plt

    from descent.figures.style import use_style

    task, models, _ = _last(folder)
    use_style()
    figure, (far, pleasant) = plt.subplots(1, 2, figsize=(9, 3.6))
    for name in POLICIES:
        noted = _noted(models, name)
        steps = [i * task.settings.updates for i in range(len(noted))]
        far.plot(steps, noted[:, KL].clamp(min=0).sqrt(), "o-", markersize=3, label=name)
        pleasant.plot(steps, noted[:, PLEASANT], "o-", markersize=3, label=name)
    limit = math.sqrt(task.settings.stop_nats)
    far.axhline(limit, color="gray", linewidth=0.8)
    far.annotate(f"{task.settings.stop_nats:g} nats", (0, limit), xytext=(2, 3),
                 textcoords="offset points", fontsize=8)  # fmt: skip
    far.set(xlabel="updates of the policy", ylabel="√KL, in √nats for each completion")
    pleasant.set(xlabel="updates of the policy", ylabel="mean sentiment by the lexicon")
    pleasant.legend(fontsize=8)
    figure.suptitle("How far each policy went, and what it gained")
    plt.show()


def show_overoptimisation(folder: RunFolder) -> None:
    """Plot reward, sentiment and distinct samples against √KL, and best-of-n beside."""
    import matplotlib.pyplot as plt

    from descent.figures.style import use_style

    task, models, _ = _last(folder)
    best = best_of_n(task, models)
    use_style()
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6))
    shown = ((SCORE, "score by the reward model"), (PLEASANT, "mean sentiment by the lexicon"),
             (DISTINCT, "share of distinct samples"))  # fmt: skip
    for axis, (number, label) in zip(axes, shown, strict=True):
        for name in ("ppo", "grpo", "dpo", "unstopped"):
            noted = _noted(models, name)
            axis.plot(noted[:, KL].clamp(min=0).sqrt(), noted[:, number], "o-", markersize=3,
                      label=name)  # fmt: skip
        axis.set(xlabel="√KL, in √nats for each completion", ylabel=label)
    roots = [math.sqrt(best_of_n_nats(n)) for n, _, _ in best]
    for axis, number in zip(axes[:2], (1, 2), strict=True):
        axis.plot(roots, [found[number] for found in best], "k--", label="best of n")
    axes[1].legend(fontsize=8)
    axes[2].set_ylim(0, 1.05)
    figure.suptitle("What is learnt against what is wanted, and what is left of variety")
    plt.show()


def best_of_n(task: RlhfTask, models: Policies) -> list[tuple[int, float, float]]:
    """Take the best of n samples of the language model by the reward model.

    Returns
    -------
    list of (n, score, sentiment)
        Means over prompts, and over all parts of n among a prompt's samples; n doubles.
    """
    labelled = task.labelled(models)
    given = scores(models, labelled.tokens[:, task.settings.prompt :]).cpu()
    pleasant = torch.from_numpy(sentiment(labelled.texts)).float()
    found, n = [], 1
    while n <= task.settings.group:
        usable = task.settings.group // n * n
        parts = [
            x.view(-1, task.settings.group)[:, :usable].reshape(-1, n) for x in (given, pleasant)
        ]
        best = parts[0].argmax(dim=1, keepdim=True)
        found.append((n, *(float(part.gather(1, best).mean()) for part in parts)))
        n *= 2
    return cast(list[tuple[int, float, float]], found)


def show_table(folder: RunFolder) -> None:
    """Print what each method came to, within the limit; best-of-n and the control among them."""
    task, models, _ = _last(folder)
    limit = task.settings.stop_nats
    print(f"{'':14}{'KL, nats':>10}{'reward':>9}{'sentiment':>11}{'distinct':>10}{'updates':>9}")
    for n, score, pleasant in best_of_n(task, models):
        name = "language model" if n == 1 else f"best of {n}"
        print(f"{name:14}{best_of_n_nats(n):10.2f}{score:9.2f}{pleasant:+11.3f}{'':10}{0:9}")
    for name in POLICIES:
        noted = within(models, name, limit)
        if not len(noted):
            print(f"{name:14}not trained")
            continue
        kl, score, pleasant, distinct, _ = noted[-1].tolist()
        updates = (len(noted) - 1) * task.settings.updates
        row = f"{kl:10.2f}{score:9.2f}{pleasant:+11.3f}{distinct:10.2f}{updates:9}"
        print(f"{name:14}{row}")
    print(f"KL of best-of-n by its formula, else by {task.settings.samples} samples of the policy")
    clipped = _noted(models, "ppo")[:-1, CLIPPED].tolist()
    print("PPO's clip fraction by iteration:", ", ".join(f"{100 * x:.1f} %" for x in clipped))


def show_samples(folder: RunFolder, name: str = "unstopped") -> None:
    """Print samples of each checkpoint of a policy, with its distance and the lexicon's score."""
    task, models, _ = _last(folder)
    which = POLICIES.index(name)
    for iteration, row in enumerate(_noted(models, name).tolist()):
        kl, _, pleasant, distinct, _ = row
        print(
            f"{name}, after {iteration * task.settings.updates} updates: {kl:.1f} nats, sentiment "
            f"{pleasant:+.2f}, {100 * distinct:.0f} % distinct"
        )
        for text in task.writer.texts(models.shown[which, iteration, :READ]):
            print(f"    {_on_one_line(text)}")


def samples_to_rate(folder: RunFolder, name: str = "ppo") -> tuple[list[str], list[str]]:
    """Return samples of the language model and of a policy within the limit, as many of each.

    ``blind_rating(*samples_to_rate(folder))`` mixes them for somebody to rate.
    """
    task, models, _ = _last(folder)
    which = POLICIES.index(name)
    chosen = max(0, len(within(models, name, task.settings.stop_nats)) - 1)
    before, after = (task.writer.texts(models.shown[which, i]) for i in (0, chosen))
    return before, after


def _noted(models: Policies, name: str) -> torch.Tensor:
    """Return every iteration that was noted, the one beyond the limit too."""
    noted = models.history[POLICIES.index(name)]
    return noted[~noted[:, KL].isnan()]


def _last(folder: RunFolder) -> tuple[RlhfTask, Policies, int]:
    """Return the task and the models: one task for all cells, which draws the samples once."""
    key = (str(folder.path), folder.step())
    if key not in _loaded:
        _loaded[key] = cast(tuple[RlhfTask, Policies, int], last_model(folder))
    return _loaded[key]


_loaded: dict[tuple[str, int], tuple[RlhfTask, Policies, int]] = {}


def _on_one_line(text: str) -> str:
    return " / ".join(line.strip() for line in text.split("\n") if line.strip())
