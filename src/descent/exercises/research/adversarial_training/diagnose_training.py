"""How `diagnose_training` is judged: curves with at most one fault planted."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

diagnose_training = Exercise("diagnose_training", minutes=25, difficulty=3, returns=tuple[str, int])

CHOICES = ("not trained", "masked from the start", "catastrophic overfitting", "sound")


def _curves(draw: Draw, fault: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clean, one-step and many-step accuracy after each epoch, on held-out pictures."""
    epochs = draw.integers(6, 13)
    t = np.arange(1, epochs + 1) / epochs

    def noisy(curve):
        return np.clip(curve + draw.rng.uniform(-0.01, 0.01, epochs), 0.0, 1.0)

    clean, one, many = 0.99 - 0.12 * (1 - t), 0.93 - 0.2 * (1 - t), 0.86 - 0.3 * (1 - t)
    if fault == "not trained":
        clean, one, many = 0.2 + 0.5 * t, 0.12 + 0.1 * t, 0.1 + 0.05 * t
    if fault == "masked from the start":
        one, many = 0.97 - 0.05 * (1 - t), 0.04 + 0.05 * t
    if fault == "catastrophic overfitting":
        breaks = draw.integers(epochs // 2, epochs)
        many[breaks:], one[breaks:] = 0.03, 0.97
    return noisy(clean), noisy(one), noisy(many)


def _expected(clean, one, many) -> tuple[str, int]:
    keep = max(range(len(many)), key=lambda k: (many[k], -k))
    if max(clean) <= 0.9:
        return "not trained", keep
    if all(a - b > 0.3 for a, b in zip(one, many, strict=True)):
        return "masked from the start", keep
    for k in range(1, len(many)):
        if many[k] < 0.5 * max(many[:k]) and one[k] >= 0.9 * max(one[:k]):
            return "catastrophic overfitting", keep
    return "sound", keep


def _judge(answer, clean, one, many) -> None:
    clean, one, many = (np.asarray(curve, dtype=float) for curve in (clean, one, many))
    found, expected = answer(clean, one, many), _expected(clean, one, many)
    listed = ", ".join(repr(choice) for choice in CHOICES)
    expect(found[0] in CHOICES, f"whether the conclusion is one of {listed}").equals(True)
    expect(found[0], "the conclusion from these curves").equals(expected[0])
    expect(found[1], "the epoch to keep").equals(expected[1])


@diagnose_training.property("finds nothing wrong with a sound run", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_curves(draw, "sound"))


@diagnose_training.property(
    "sees the collapse that one step does not see, and keeps an epoch from before", trials=5
)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_curves(draw, "catastrophic overfitting"))


@diagnose_training.property("sees a run that never withstood more than one step", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_curves(draw, "masked from the start"))


@diagnose_training.property("does not look for more where nothing was learned", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_curves(draw, "not trained"))
    clean, one, many = _curves(draw, "not trained")
    _judge(answer, clean, many + 0.4, many)


@diagnose_training.property("sees a collapse that the run recovers from", trials=3)
def _(answer, draw: Draw) -> None:
    clean, one, many = _curves(draw, "sound")
    many[len(many) // 2] = 0.04
    _judge(answer, clean, one, many)


@diagnose_training.property(
    "does not call it that where one step falls too, and the run diverged", trials=3
)
def _(answer, draw: Draw) -> None:
    clean, one, many = _curves(draw, "sound")
    k = len(many) // 2
    clean[k:], one[k:], many[k:] = 0.4, 0.2, 0.1
    _judge(answer, clean, one, many)


@diagnose_training.property("compares with the best before, and at the table's limits", trials=2)
def _(answer, draw: Draw) -> None:
    flat = [0.95] * 5
    _judge(answer, flat, [0.80, 0.90, 0.85, 0.82, 0.83], [0.60, 0.80, 0.60, 0.43, 0.39])
    _judge(answer, flat, [0.80, 0.90, 0.85, 0.82, 0.83], [0.60, 0.80, 0.60, 0.43, 0.41])
    _judge(answer, flat, [0.80, 0.90, 0.85, 0.82, 0.79], [0.60, 0.80, 0.60, 0.43, 0.39])
    _judge(answer, flat, [0.80, 0.90, 0.85, 0.85, 0.86], [0.60, 0.80, 0.70, 0.34, 0.50])
    _judge(answer, flat, [0.80, 0.90, 0.85, 0.85, 0.86], [0.60, 0.80, 0.60, 0.33, 0.50])
    _judge(answer, flat, [0.80, 0.80, 0.85, 0.82, 0.83], [0.70, 0.20, 0.60, 0.63, 0.66])
    _judge(answer, flat, [0.60, 0.70, 0.75, 0.80, 0.85], [0.25, 0.36, 0.44, 0.49, 0.54])
    _judge(answer, flat, [0.60, 0.70, 0.75, 0.80, 0.85], [0.35, 0.36, 0.44, 0.49, 0.54])
    _judge(answer, flat, [0.60, 0.62, 0.60, 0.90, 0.92], [0.50, 0.60, 0.20, 0.60, 0.70])
    _judge(answer, flat, [0.90, 0.86, 0.82, 0.78, 0.75], [0.80, 0.80, 0.80, 0.80, 0.20])
    _judge(answer, flat, [0.80, 0.90, 0.85, 0.85, 0.30], [0.60, 0.80, 0.70, 0.70, 0.20])
    _judge(answer, flat[:3], [0.90, 0.50, 0.30], [0.80, 0.60, 0.20])
    _judge(answer, flat[:2], [0.90, 0.95], [0.70, 0.62])
    _judge(answer, [0.5, 0.91, 0.5, 0.5, 0.5], [0.6] * 5, [0.5] * 5)
    _judge(answer, [0.5, 0.89, 0.5, 0.5, 0.5], [0.6] * 5, [0.5] * 5)


@diagnose_training.property(
    "takes the first row that applies, and each limit at its word", trials=2
)
def _(answer, draw: Draw) -> None:
    trained = [0.95] * 3
    _judge(answer, trained, [0.9, 0.9, 0.9], [0.4, 0.1, 0.2])  # masked, and a fall as well
    _judge(answer, trained, [0.2, 0.9, 0.9], [0.6, 0.5, 0.5])  # once many steps leave more than one
    _judge(answer, [0.9, 0.8, 0.9], [0.9, 0.9, 0.9], [0.6, 0.6, 0.6])
    _judge(answer, trained, [0.3, 0.3, 0.3], [0.0, 0.0, 0.0])
    _judge(answer, trained, [0.9, 0.9, 0.9], [0.8, 0.8, 0.4])
    _judge(answer, trained, [0.9, 1.0, 0.9], [0.8, 0.8, 0.3])


@diagnose_training.property("takes neither a slow nor a wide beginning for a fault", trials=2)
def _(answer, draw: Draw) -> None:
    clean = [0.60, 0.90, 0.95, 0.97, 0.97]
    _judge(answer, clean, [0.30, 0.50, 0.80, 0.90, 0.92], [0.15, 0.30, 0.60, 0.75, 0.80])
    _judge(answer, clean, [0.70, 0.80, 0.85, 0.88, 0.90], [0.30, 0.60, 0.66, 0.72, 0.75])
    _judge(answer, clean, [0.90, 0.90, 0.85, 0.88, 0.90], [0.20, 0.30, 0.35, 0.72, 0.75])


@diagnose_training.property(
    "keeps the first of two equal epochs, by many steps and nothing else", trials=2
)
def _(answer, draw: Draw) -> None:
    _judge(answer, [0.95, 0.97, 0.96, 0.99], [0.7, 0.9, 0.8, 0.95], [0.6, 0.8, 0.8, 0.7])
    _judge(answer, [0.99], [0.9], [0.8])


@diagnose_training.right
def right_diagnosis(clean, one_step, many_steps):
    keep = int(np.argmax(many_steps))
    if np.max(clean) <= 0.9:
        return "not trained", keep
    if np.all(one_step - many_steps > 0.3):
        return "masked from the start", keep
    for k in range(1, len(many_steps)):
        fell = many_steps[k] < 0.5 * np.max(many_steps[:k])
        if fell and one_step[k] >= 0.9 * np.max(one_step[:k]):
            return "catastrophic overfitting", keep
    return "sound", keep


_KEEP = "keep = int(np.argmax(many_steps))"
_FELL = "fell = many_steps[k] < 0.5 * np.max(many_steps[:k])"

diagnose_training.slip(
    "keeps_the_last",
    "You keep the last epoch. After a collapse it is the worst.",
    {_KEEP: "keep = len(many_steps) - 1"},
)
diagnose_training.slip(
    "keeps_by_one_step",
    "You keep the epoch that withstands one step best. That is the very number that deceives.",
    {_KEEP: "keep = int(np.argmax(one_step))"},
)
diagnose_training.slip(
    "keeps_by_clean",
    "You keep the epoch with the best clean accuracy. What was trained for is what withstands "
    "many steps.",
    {_KEEP: "keep = int(np.argmax(clean))"},
)
diagnose_training.slip(
    "keeps_the_worst",
    "You keep the epoch with the lowest accuracy under many steps.",
    {_KEEP: "keep = int(np.argmin(many_steps))"},
)
diagnose_training.slip(
    "last_of_equals",
    "Of two epochs that are equally good you keep the later one. The first is asked for.",
    {_KEEP: "keep = len(many_steps) - 1 - int(np.argmax(many_steps[::-1]))"},
)
diagnose_training.slip(
    "counts_from_one",
    "You count the epochs from 1. The first is epoch 0.",
    {_KEEP: "keep = int(np.argmax(many_steps)) + 1"},
)
diagnose_training.slip(
    "only_the_end",
    "You compare the last epoch with the best. A run may collapse and recover, and that is a "
    "collapse as well.",
    {"range(1, len(many_steps))": "range(max(len(many_steps) - 1, 1), len(many_steps))"},
)
diagnose_training.slip(
    "compared_with_the_epoch_before",
    "You compare with the epoch before. A fall that takes two epochs is one as well: compare "
    "with the best so far.",
    {_FELL: "fell = many_steps[k] < 0.5 * many_steps[k - 1]"},
)
diagnose_training.slip(
    "one_step_not_asked",
    "You did not ask whether one step still looks good. Where both fall the run has diverged.",
    {"fell and one_step[k] >= 0.9 * np.max(one_step[:k])": "fell"},
)
diagnose_training.slip(
    "one_step_must_rise",
    "You ask that the accuracy under one step rises. It is enough that it does not fall by more "
    "than a tenth.",
    {"0.9 * np.max(one_step[:k])": "np.max(one_step[:k])"},
)
diagnose_training.slip(
    "gap_for_fall",
    "You took a large gap between the two for a collapse. What falls has to have been higher "
    "before.",
    {_FELL: "fell = one_step[k] - many_steps[k] > 0.3"},
)
diagnose_training.slip(
    "masked_at_any_epoch",
    "You call it masked from the start where one epoch shows the gap. All have to.",
    {"np.all(one_step": "np.any(one_step"},
)
diagnose_training.slip(
    "masked_at_first",
    "You call it masked from the start where the first epoch shows the gap. All have to.",
    {"np.all(one_step - many_steps > 0.3)": "one_step[0] - many_steps[0] > 0.3"},
)
diagnose_training.slip(
    "masked_on_average",
    "You call it masked from the start where the mean gap is over 0.3. Every epoch has to show it.",
    {"np.all(one_step - many_steps > 0.3)": "np.mean(one_step - many_steps) > 0.3"},
)
diagnose_training.slip(
    "best_of_all_epochs",
    "You compare with the best of all epochs. A network that has yet to learn is then taken for "
    "one that fell: only the epochs before count.",
    {_FELL: "fell = many_steps[k] < 0.5 * np.max(many_steps)"},
)
diagnose_training.slip(
    "masked_at_the_end",
    "You call it masked from the start where the last epoch shows the gap. All have to.",
    {"np.all(one_step - many_steps > 0.3)": "one_step[-1] - many_steps[-1] > 0.3"},
)
diagnose_training.slip(
    "gap_either_way",
    "You took the size of the gap in either direction, or of clean to many steps. It is one step "
    "minus many steps.",
    {"one_step - many_steps > 0.3": "clean - many_steps > 0.3"},
)
diagnose_training.slip(
    "untrained_by_the_end",
    "You look at the clean accuracy of the last epoch. A run that diverges was trained all the "
    "same: take the best.",
    {"np.max(clean)": "clean[-1]"},
)
diagnose_training.slip(
    "untrained_forgotten",
    "You do not ask whether anything was learned. Of an untrained network the other rows say "
    "nothing.",
    {"np.max(clean) <= 0.9": "False"},
)
diagnose_training.slip(
    "fall_by_half_a_point",
    "You took a fall by 0.5 instead of to below a half.",
    {_FELL: "fell = many_steps[k] < np.max(many_steps[:k]) - 0.5"},
)
diagnose_training.slip(
    "masked_forgotten",
    "You do not ask whether many steps ever failed. A run that was masked from its first epoch "
    "never collapses.",
    {"np.all(one_step - many_steps > 0.3)": "False"},
)

diagnose_training.slip(
    "untrained_once",
    "You ask for a clean accuracy above 0.9 at *every* epoch. It is enough that it once is above.",
    {"np.max(clean)": "np.min(clean)"},
)
diagnose_training.slip(
    "untrained_on_average",
    "You took the mean clean accuracy. A run that learns slowly was trained all the same: take the "
    "best.",
    {"np.max(clean)": "np.mean(clean)"},
)
diagnose_training.slip(
    "untrained_at_the_kept",
    "You look at the clean accuracy of the epoch to keep. 'Never above 0.9' speaks of all epochs: "
    "take the best.",
    {"np.max(clean)": "clean[keep]"},
)
diagnose_training.slip(
    "gap_of_either_sign",
    "You took the size of the gap without its sign. Many steps that leave *more* than one are no "
    "sign of this mask: take one step minus many steps.",
    {"one_step - many_steps > 0.3": "abs(one_step - many_steps) > 0.3"},
)
diagnose_training.slip(
    "both_best_of_all_epochs",
    "You compare both numbers with the best of *all* epochs. What comes later is no fall: only the "
    "epochs before count.",
    {
        _FELL: "fell = many_steps[k] < 0.5 * np.max(many_steps)",
        "np.max(one_step[:k])": "np.max(one_step)",
    },
)
diagnose_training.slip(
    "one_step_best_of_all_epochs",
    "You compare the accuracy under one step with the best of *all* epochs. Only those before "
    "count.",
    {"np.max(one_step[:k])": "np.max(one_step)"},
)
diagnose_training.slip(
    "both_compared_with_the_epoch_before",
    "You compare both numbers with the epoch before. A fall that takes two epochs is one as well: "
    "compare with the best so far.",
    {
        _FELL: "fell = many_steps[k] < 0.5 * many_steps[k - 1]",
        "np.max(one_step[:k])": "one_step[k - 1]",
    },
)
diagnose_training.slip(
    "one_step_compared_with_the_epoch_before",
    "You compare the accuracy under one step with that of the epoch before. Where it falls little "
    "by little it has fallen all the same: compare with the best so far.",
    {"np.max(one_step[:k])": "one_step[k - 1]"},
)
diagnose_training.slip(
    "compared_with_the_first",
    "You compare with the first epoch. A network that still learns there is no measure: compare "
    "with the best so far.",
    {
        _FELL: "fell = many_steps[k] < 0.5 * many_steps[0]",
        "np.max(one_step[:k])": "one_step[0]",
    },
)
diagnose_training.slip(
    "one_step_over_nine_tenths",
    "You ask that one step leaves 0.9. It is 0.9 *of its best before*.",
    {"0.9 * np.max(one_step[:k])": "0.9"},
)
diagnose_training.slip(
    "epochs_mixed",
    "You ask for the fall at one epoch and for the good number under one step at any other. Both "
    "have to be seen at the same epoch.",
    {
        "    for k in range(1, len(many_steps)):\n": (
            "    kept = [\n"
            "        one_step[k] >= 0.9 * np.max(one_step[:k]) for k in range(1, len(many_steps))\n"
            "    ]\n"
            "    for k in range(1, len(many_steps)):\n"
        ),
        "fell and one_step[k] >= 0.9 * np.max(one_step[:k])": "fell and any(kept)",
    },
)
diagnose_training.slip(
    "keeps_the_one_before_the_fall",
    "After a collapse you keep the epoch right before it. The one that withstands many steps best "
    "may lie earlier, or later.",
    {
        'return "catastrophic overfitting", keep': 'return "catastrophic overfitting", k - 1',
    },
)
diagnose_training.slip(
    "keeps_none_untrained",
    "You keep no epoch of a network that was not trained. An epoch is asked for whatever the "
    "diagnosis.",
    {'return "not trained", keep': 'return "not trained", -1'},
)
diagnose_training.slip(
    "keeps_the_last_untrained",
    "You keep the last epoch of a network that was not trained. The rule is the same whatever the "
    "diagnosis.",
    {'return "not trained", keep': 'return "not trained", len(clean) - 1'},
)
diagnose_training.slip(
    "keeps_the_first_of_masked",
    "You keep epoch 0 of a run that was masked from the start. The rule is the same whatever the "
    "diagnosis.",
    {'return "masked from the start", keep': 'return "masked from the start", 0'},
)
diagnose_training.slip(
    "collapse_before_masked",
    "You look for a collapse before you ask for the mask. The first row of the table that applies "
    "is the diagnosis.",
    {
        (
            "    if np.all(one_step - many_steps > 0.3):\n"
            '        return "masked from the start", keep\n'
        ): "",
        '    return "sound", keep': (
            "    if np.all(one_step - many_steps > 0.3):\n"
            '        return "masked from the start", keep\n'
            '    return "sound", keep'
        ),
    },
)
diagnose_training.slip(
    "masked_before_untrained",
    "You ask for the mask before you ask whether anything was learned. The first row of the table "
    "that applies is the diagnosis.",
    {
        '    if np.max(clean) <= 0.9:\n        return "not trained", keep\n': "",
        "    for k in range(1, len(many_steps)):\n": (
            '    if np.max(clean) <= 0.9:\n        return "not trained", keep\n'
            "    for k in range(1, len(many_steps)):\n"
        ),
    },
)
diagnose_training.slip(
    "half_of_clean",
    "You compare many steps with half of the best *clean* accuracy. A fall is one from its own "
    "best "
    "before.",
    {_FELL: "fell = many_steps[k] < 0.5 * np.max(clean[:k])"},
)
diagnose_training.slip(
    "limits_exchanged",
    "You exchanged the two limits: many steps fall below a half, and one step keeps nine tenths.",
    {
        _FELL: "fell = many_steps[k] < 0.9 * np.max(many_steps[:k])",
        "0.9 * np.max(one_step[:k])": "0.5 * np.max(one_step[:k])",
    },
)

diagnose_training.slip(
    "trained_at_nine_tenths",
    "You take a clean accuracy of exactly 0.9 for trained. 'Never above 0.9' holds of it too.",
    {"np.max(clean) <= 0.9": "np.max(clean) < 0.9"},
)
diagnose_training.slip(
    "gap_of_exactly_that_size",
    "You take a gap of exactly 0.3 for one over 0.3.",
    {"one_step - many_steps > 0.3": "one_step - many_steps >= 0.3"},
)
diagnose_training.slip(
    "fall_to_exactly_a_half",
    "You take exactly half of the best for less than half.",
    {_FELL: "fell = many_steps[k] <= 0.5 * np.max(many_steps[:k])"},
)
diagnose_training.slip(
    "one_step_over_its_limit",
    "You ask for more than 0.9 of the best under one step. At least 0.9 is enough.",
    {"one_step[k] >= 0.9": "one_step[k] > 0.9"},
)

diagnose_training.hint(
    "The first row of the table that applies is the diagnosis. The epoch to keep has nothing to "
    "do with it."
)
diagnose_training.hint("For each epoch k: the best before it is `many_steps[:k].max()`.")
diagnose_training.hint("By which of the three numbers would you choose an epoch?", when="value")
