"""How `pipeline_schedule` is judged: by stages that do, tick by tick, what they can."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

pipeline_schedule = Exercise(
    "pipeline_schedule", minutes=25, difficulty=3, returns=list[list[str | None]]
)


def _greedy(stages: int, micro_batches: int) -> list[list[str | None]]:
    """Let every stage do at each tick the first task that is ready; forward passes come first."""
    waiting = [
        [f"F{m}" for m in range(micro_batches)] + [f"B{m}" for m in range(micro_batches)]
        for _ in range(stages)
    ]
    done: list[set[str]] = [set() for _ in range(stages)]
    rows: list[list[str | None]] = [[] for _ in range(stages)]
    while any(waiting):
        now: list[str | None] = []
        for stage in range(stages):
            task = waiting[stage][0] if waiting[stage] else None
            if task is not None:
                above = stage - 1 if task[0] == "F" else stage + 1
                if 0 <= above < stages and task not in done[above]:
                    task = None
            now.append(task)
        for stage, task in enumerate(now):
            rows[stage].append(task)
            if task is not None:
                waiting[stage].pop(0)
                done[stage].add(task)
    return rows


def _expect(answer, stages: int, micro_batches: int) -> None:
    found, wanted = answer(stages, micro_batches), _greedy(stages, micro_batches)
    expect(len(found), "rows of the schedule").equals(stages)
    for stage in range(stages):
        row = found[stage] if stage < len(found) else []
        expect(row, f"what stage {stage} of {stages} does").equals(wanted[stage])


@pipeline_schedule.property("is forward, then backward, for one stage", trials=3)
def _(answer, draw: Draw) -> None:
    _expect(answer, 1, 1 + draw.size % 4)


@pipeline_schedule.property("sends one micro-batch down the stages and up again", trials=3)
def _(answer, draw: Draw) -> None:
    _expect(answer, 2 + draw.size % 4, 1)


@pipeline_schedule.property("lets every stage work as soon as it can", trials=5)
def _(answer, draw: Draw) -> None:
    _expect(answer, 2 + draw.size % 3, 2 + draw.size % 5)


@pipeline_schedule.property("has rows of 2(M + S − 1) ticks each, idle ones included", trials=3)
def _(answer, draw: Draw) -> None:
    stages, micro_batches = draw.integers(2, 6), draw.integers(1, 7)
    lengths = [len(row) for row in answer(stages, micro_batches)]
    expect(lengths, "ticks of each stage").equals([2 * (micro_batches + stages - 1)] * stages)


@pipeline_schedule.property("works for more stages than micro-batches", trials=2)
def _(answer, draw: Draw) -> None:
    _expect(answer, 5, 2)
    _expect(answer, 4, 3)


@pipeline_schedule.property("names micro-batches above 9 in full", trials=1)
def _(answer, draw: Draw) -> None:
    _expect(answer, 2, 12)


@pipeline_schedule.right
def right_schedule(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = []
    for stage in range(stages):
        row = [None] * (2 * half)
        for m in range(micro_batches):
            row[stage + m] = f"F{m}"
            row[half + (stages - 1 - stage) + m] = f"B{m}"
        rows.append(row)
    return rows


pipeline_schedule.slip(
    "all_begin_at_once",
    "Every stage begins at tick 0. Stage s has nothing to work on before stage s − 1 is done with "
    "it: its first forward pass is at tick s.",
    {"row[stage + m]": "row[m]"},
)
pipeline_schedule.slip(
    "backward_from_the_first",
    "The backward passes begin at stage 0. The gradient comes from the loss, at the last stage, "
    "and goes up from there.",
    {"(stages - 1 - stage)": "stage"},
)
pipeline_schedule.slip(
    "last_micro_batch_first",
    "The backward passes go from the last micro-batch to the first. Here they keep the order of "
    "the forward passes.",
    {'f"B{m}"': 'f"B{micro_batches - 1 - m}"'},
)
pipeline_schedule.slip(
    "one_tick_late",
    "The backward passes begin one tick too late: the last stage can go on right after its last "
    "forward pass.",
    {"2 * half)": "2 * half + 1)", "row[half + ": "row[half + 1 + "},
)
pipeline_schedule.slip(
    "all_backward_at_once",
    "Every stage begins its backward passes at the same tick. Stage s has to wait for stage s + 1.",
    {"(stages - 1 - stage) + m": "m"},
)
pipeline_schedule.slip(
    "row_per_tick",
    "Your rows are ticks. One row for each stage is asked for.",
    {"return rows": "return [list(tick) for tick in zip(*rows)]"},
)
pipeline_schedule.slip(
    "forward_only",
    "Only the forward passes are there. Every micro-batch goes back through the stages as well.",
    {'            row[half + (stages - 1 - stage) + m] = f"B{m}"\n': ""},
)


@pipeline_schedule.mistake(
    "One micro-batch goes through all stages before the next one starts. Only one stage works at a "
    "time: let the next one follow a tick later."
)
def one_after_another(stages, micro_batches):
    length = 2 * stages * micro_batches
    rows = [[None] * length for _ in range(stages)]
    for m in range(micro_batches):
        for stage in range(stages):
            rows[stage][m * stages + stage] = f"F{m}"
            back = (micro_batches + m) * stages + stages - 1 - stage
            rows[stage][back] = f"B{m}"
    return rows


@pipeline_schedule.mistake(
    "A micro-batch's backward pass comes before the next forward pass. That schedule exists (one "
    "forward, one backward); here all forward passes come first, as in GPipe."
)
def backward_as_soon_as_possible(stages, micro_batches):
    order = [
        [f"F{m}" for m in range(min(micro_batches, stages - stage))] for stage in range(stages)
    ]
    for stage in range(stages):
        following = len(order[stage])
        for m in range(micro_batches):
            order[stage].append(f"B{m}")
            if following < micro_batches:
                order[stage].append(f"F{following}")
                following += 1
    done = [set() for _ in range(stages)]
    rows = [[] for _ in range(stages)]
    while any(order):
        now = []
        for stage in range(stages):
            task = order[stage][0] if order[stage] else None
            above = stage + (-1 if task and task[0] == "F" else 1)
            if task and 0 <= above < stages and task not in done[above]:
                task = None
            now.append(task)
        for stage, task in enumerate(now):
            rows[stage].append(task)
            if task:
                done[stage].add(order[stage].pop(0))
    return rows


pipeline_schedule.slip(
    "rows_cut_short",
    "A row ends with a stage's last task. The idle ticks after it belong to the row: the last "
    "stage waits while the first still works.",
    {"rows.append(row)": "rows.append(row[: half + (stages - 1 - stage) + micro_batches])"},
)

pipeline_schedule.slip(
    "counted_from_1",
    "You number the micro-batches from 1. They count from 0, as the stages do: F0, F1, …",
    {'f"F{m}"': 'f"F{m + 1}"', 'f"B{m}"': 'f"B{m + 1}"'},
)
pipeline_schedule.slip(
    "dots_for_none",
    "Where a stage waits you write a dot, as the page's table does. The schedule has None there.",
    {"rows.append(row)": "rows.append([task or '·' for task in row])"},
)
pipeline_schedule.slip(
    "empty_text_for_none",
    "Where a stage waits you write an empty text. The schedule has None there.",
    {"rows.append(row)": "rows.append([task or '' for task in row])"},
)
pipeline_schedule.slip(
    "one_row_for_all",
    "All rows are one and the same list: `[row] * stages` copies nothing, and every stage writes "
    "into it. Make a new row for each stage.",
    {
        "    rows = []\n": "    rows = []\n    shared = [None] * (2 * half)\n",
        "row = [None] * (2 * half)": "row = shared",
    },
)
pipeline_schedule.slip(
    "last_stage_first",
    "Your rows begin with the last stage. The first stage comes first.",
    {"return rows": "return rows[::-1]"},
)
pipeline_schedule.slip(
    "backward_right_away",
    "Every stage begins its backward passes right after its last forward pass. Its gradient comes "
    "from the stage behind it: only the last one can go on at once.",
    {"row[half + (stages - 1 - stage) + m]": "row[stage + micro_batches + m]"},
)
pipeline_schedule.slip(
    "waits_at_the_turn",
    "The last stage waits a tick before its first backward pass. It can go on right after its last "
    "forward pass, so the schedule has 2(M + S − 1) ticks.",
    {"row[half + (stages - 1 - stage) + m]": "row[min(half + stages - stage + m, 2 * half - 1)]"},
)
pipeline_schedule.slip(
    "stages_and_micro_batches_swapped",
    "You took stages for micro-batches: a row for each micro-batch. A row is what one stage does.",
    {"def right_schedule(stages, micro_batches):": "def right_schedule(micro_batches, stages):"},
)
pipeline_schedule.hint("At which tick does stage s begin micro-batch 0? And micro-batch m?")
pipeline_schedule.hint(
    "The last stage is done with all its forward passes after M + S − 1 ticks. From there the same "
    "picture goes back, with the stages in reverse."
)
pipeline_schedule.hint(
    "Make a row of 2(M + S − 1) times None for each stage, and write every task to its tick. Stage "
    "s is S − 1 − s ticks behind the last one on the way back.",
)
pipeline_schedule.hint("Which stage has the loss?", when="value")
